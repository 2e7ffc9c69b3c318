"""当场办结: a matter that was resolved on the spot, from the report straight to the check."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from cases import clocks
from cases.actions.engine import record
from cases.actors import Actor
from cases.models import Attachment, Case
from cases.workflow import Stage, State
from governance.common.errors import Invalid, NotAllowed
from grids.models import Place
from partymembers.access import access_of
from partymembers.models import User

if TYPE_CHECKING:
    from cases.actions.reporting import Report


def check_resolved(report: Report, reporter: User | None, place: Place, at: datetime) -> None:
    """Only ground staff of the place resolve on the spot, with a result and photos before and after."""
    access = access_of(reporter, on=timezone.localdate(at)) if reporter else None
    if access is None or not access.is_ground_of(place.path):
        raise NotAllowed(_("Only a grid worker of this place can resolve on the spot."))
    if not report.result.strip():
        raise Invalid(_("Please say in a sentence what was done."), field="result")
    if not report.attachments or not report.after_attachments:
        raise Invalid(_("Resolving on the spot needs a photo before and one after."), field="after")


def resolve(case: Case, report: Report, actor: Actor, at: datetime) -> None:
    """当场办结: from the report straight to the check, which somebody else makes."""
    clocks.stop(case, Stage.ACCEPT, at=at)
    clocks.start(case, Stage.CHECK, at=at)
    case.accepted_at = case.handled_at = at
    case.resolved_on_spot = True
    case.finisher = case.handler = case.reporter
    record(
        case,
        "resolve",
        actor=actor,
        at=at,
        note=report.result,
        attachments=report.after_attachments,
        role=Attachment.Role.AFTER,
        upload_key=report.upload_key,
        into=State.HANDLED,
    )
