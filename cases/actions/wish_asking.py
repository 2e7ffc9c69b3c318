"""点单: a wish is asked for, in the asker's own words, which only desk and claimer read."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import clocks
from cases.actions.engine import record
from cases.actions.reporting import Contact, Located, place_report
from cases.actors import Actor, PublicReporter, makes_tests
from cases.models import Attachment, Case, Matter, MatterClass, Wish
from cases.numbers import take_numbers
from cases.placing import put_at, require_reach, stamp_report
from cases.terms import search_terms
from cases.workflow import Kind, Stage, State
from governance.common.errors import Invalid
from grids.models import Place
from partymembers.models import User

MAX_WORDS = 1000


@dataclass(frozen=True)
class Ask:
    """What somebody wishes for, in their own words; `place` where no position is (a QR code names one)."""

    kind: Matter
    words: str
    channel: str
    place: Place | None = None
    lng: float | None = None
    lat: float | None = None
    address: str = ""
    client_id: str = ""
    upload_key: str = ""
    #: Pictures, as private as the words: for the desk, and for the claimer from the confirmation on.
    attachments: Sequence[str] = ()
    #: Taken before by whoever asks in a longer transaction (`reporting.Report`).
    number: str = ""


@transaction.atomic
def ask_wish(*, ask: Ask, asker: User | None, contact: Contact | None = None, at: datetime) -> Case:
    """Take in a wish and start the desk's clock; of the same `client_id` the first `came_before`.

    `asker` is who is signed in: the resident, or the grid worker who asks on somebody's behalf (then
    `contact` names whom it is for, who gets a link of their own to follow it by). Raises Invalid (field
    named); nothing has been written then.
    """
    contact = contact or Contact()
    client_id = f"{ask.upload_key[:43]}:{ask.client_id}" if ask.client_id and asker is None else ask.client_id
    case = _new_wish(ask, asker, contact, at)
    case.client_id = client_id
    try:
        with transaction.atomic():
            return _create(case, ask, asker, at)
    except IntegrityError:
        first = Case.objects.filter(reporter=asker, client_id=client_id).exclude(client_id="").first()
        if first is None:
            raise
        first.came_before = True
        return first


def _new_wish(ask: Ask, asker: User | None, contact: Contact, at: datetime) -> Case:
    if ask.kind.matter_class.section != MatterClass.Section.WISH or ask.kind.retired_at is not None:
        raise Invalid(_("Please choose what kind of wish it is."), field="kind")
    words = _checked_words(ask.words)
    located: Located = place_report(ask.lng, ask.lat, ask.place)
    require_reach(asker, located.territory, at, field="position" if ask.place is None else "place")
    case = Case(
        kind=Kind.WISH,
        state=State.ASKED,
        matter=ask.kind,
        channel=ask.channel,
        description=words,
        address=ask.address.replace("\x00", "").strip()[:200],
        lng=ask.lng,
        lat=ask.lat,
        outside_grid=located.outside_grid,
        desk=located.territory.desk,
        reporter=asker,
        reporter_name=contact.name.strip()[:50],
        reporter_phone=contact.phone.strip()[:20],
        reporter_verified=contact.is_verified or asker is not None,
        follow_token=secrets.token_urlsafe(24) if _is_followed(asker, contact) else None,
        is_test=makes_tests(asker),
        reported_at=at,
        updated_at=at,
    )
    put_at(case, located.territory)
    stamp_report(case)
    return case


def _checked_words(text: str) -> str:
    words = text.replace("\x00", "").strip()
    if not words:
        raise Invalid(_("Please say in a sentence what is wished for."), field="words")
    if len(words) > MAX_WORDS:
        told = {"limit": MAX_WORDS, "length": len(words)}
        raise Invalid(
            _("At most %(limit)d characters; these are %(length)d. Please shorten it.") % told, field="words"
        )
    return words


def _is_followed(asker: User | None, contact: Contact) -> bool:
    """Whether somebody gets a link: who is not signed in, or for whom another asks. Nobody sees a test."""
    return asker is None or (bool(contact.name.strip()) and not makes_tests(asker))


def _create(case: Case, ask: Ask, asker: User | None, at: datetime) -> Case:
    clocks.begin(case)
    limits = clocks.limits_of(case)
    clocks.plan_many(case, {Stage.VET: limits[Stage.VET]}, at=at, ladder=clocks.active_ladder())
    case.number = ask.number or take_numbers(timezone.localdate(at))[0]
    case.search_terms = search_terms(case)
    actor: Actor = asker or PublicReporter(0)
    facts: dict[str, Any] = {"matter_id": case.matter_id, "place_id": case.place_id, "desk_id": case.desk_id}
    record(
        case,
        "ask",
        actor=actor,
        at=at,
        note=case.description,
        attachments=ask.attachments,
        role=Attachment.Role.BEFORE,
        upload_key=ask.upload_key,
        channel=case.channel,
        **facts,
    )
    clocks.save_planned(case)
    Wish.objects.create(case=case)
    return case
