"""An order is born: report, resolve on the spot, join a report, add to it, withdraw it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import clocks
from cases.actions.ending import end_case
from cases.actions.engine import lock_case, open_case, record, require_reason
from cases.actors import Actor, PublicReporter
from cases.catalogue import standard_for
from cases.models import Attachment, Case, Channel, CoReporter, Matter, Standard
from cases.numbers import take_numbers
from cases.placing import Territory, put_at, stamp_report, territory_of
from cases.terms import search_terms
from cases.workflow import OPEN_STATES, Stage, State
from governance.common.errors import DomainError, Invalid, NotAllowed, WrongState
from grids.boundaries import locate
from grids.coordinates import check_position
from grids.models import Place
from partymembers.access import access_of
from partymembers.models import User

MAX_DESCRIPTION = 2000


@dataclass(frozen=True)
class Report:
    """What a reporter brings. `place` is given where no position is (a QR code names its building)."""

    matter: Matter
    channel: str
    #: Where the caller has looked it up already: the standard to begin with, else the shortest in force.
    standard: Standard | None = None
    description: str = ""
    address: str = ""
    lng: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None
    place: Place | None = None
    attachments: Sequence[str] = ()
    #: Set for a matter resolved on the spot: what was done, and the photos after.
    result: str = ""
    after_attachments: Sequence[str] = ()
    client_id: str = ""
    device_time: datetime | None = None
    upload_key: str = ""


@dataclass(frozen=True)
class Contact:
    """A reporter without an account."""

    name: str = ""
    phone: str = ""
    is_verified: bool = False


@dataclass(frozen=True)
class Located:
    """Where a report falls, and whether that is outside every grid."""

    territory: Territory
    outside_grid: bool = field(default=False)


def report_case(
    *, report: Report, reporter: User | None, at: datetime, contact: Contact | None = None
) -> Case:
    """Take in an incident, start its clocks, and leave its routing to a worker.

    The same `client_id` of the same reporter returns the first order, whatever the concurrency.
    Raises Invalid (field named) for a matter that is not in force, a position that is no place's, a text
    that is too long, or missing photos of a matter resolved on the spot; nothing has been written then.
    """
    client_id = _client_id(report, reporter)
    try:
        case = _prepare(report, reporter, contact or Contact(), client_id, at)
        return _create(case, report, reporter, at)
    except (IntegrityError, DomainError):
        # Sent again: the constraint refuses a second row; or the list has changed since the first time.
        first = _same_report(client_id, reporter)
        if first is None:
            raise
        return first


def _client_id(report: Report, reporter: User | None) -> str:
    """A resident's id is only unique together with the session that sent it."""
    if not report.client_id or reporter is not None:
        return report.client_id
    return f"{report.upload_key[:43]}:{report.client_id}"


def _same_report(client_id: str, reporter: User | None) -> Case | None:
    if not client_id:
        return None
    return Case.objects.filter(reporter=reporter, client_id=client_id).first()


def _prepare(report: Report, reporter: User | None, contact: Contact, client_id: str, at: datetime) -> Case:
    """The order with its number and planned clocks, not saved yet.

    All of this comes before the transaction: whoever reports at the same time waits for nobody's commit.
    """
    located = place_report(report.lng, report.lat, report.place)
    if report.result or report.after_attachments:
        _check_resolved(report, reporter, located.territory.place, at)
    case = _new_case(report, reporter, contact, located, at)
    case.client_id = client_id
    clocks.begin(case)
    _plan_clocks(case, at)
    case.number = take_numbers(timezone.localdate(at))[0]
    case.search_terms = search_terms(case)
    return case


@transaction.atomic
def _create(case: Case, report: Report, reporter: User | None, at: datetime) -> Case:
    actor: Actor = reporter or PublicReporter(0)  # the order has no id before it is recorded
    record(
        case,
        "report",
        actor=actor,
        at=at,
        note=case.description,
        attachments=report.attachments,
        role=Attachment.Role.BEFORE,
        upload_key=report.upload_key,
        channel=case.channel,
        matter_id=case.matter_id,
        place_id=case.place_id,
        desk_id=case.desk_id,
        outside_grid=case.outside_grid,
    )
    clocks.save_planned(case)
    if report.result:
        _resolve(case, report, actor, at)
    return case


def place_report(lng: float | None, lat: float | None, place: Place | None) -> Located:
    """Where a report belongs: the named place, else the grid that holds the point, else the nearest desk.

    Raises Invalid when neither leads anywhere.
    """
    if (lng is None) != (lat is None):
        raise Invalid(_("A position needs both a longitude and a latitude."), field="position")
    if lng is not None and lat is not None:
        check_position(lng, lat)
    if place is not None:
        return Located(territory_of(place))
    if lng is None or lat is None:
        raise Invalid(_("Please give the position: move the pin or choose a building."), field="position")
    found = locate(lng, lat)
    if found is None:
        raise Invalid(
            _("This position is not in the area of any desk. Please move the pin."), field="position"
        )
    return Located(territory_of(found.place), outside_grid=found.outside)


def _new_case(
    report: Report, reporter: User | None, contact: Contact, located: Located, at: datetime
) -> Case:
    description = report.description.replace("\x00", "").strip()
    if len(description) > MAX_DESCRIPTION:
        limit = {"limit": MAX_DESCRIPTION, "length": len(description)}
        raise Invalid(
            _("At most %(limit)d characters; these are %(length)d. Please shorten it.") % limit,
            field="description",
        )
    if report.matter.retired_at is not None and report.matter.retired_at <= at:
        raise Invalid(_("This matter is no longer in the list. Please choose again."), field="matter")
    standard = standard_for(report.matter, at=at, chosen=report.standard)
    case = Case(
        matter=report.matter,
        standard=standard,
        urgency=standard.urgency,
        channel=report.channel,
        description=description,
        address=report.address.replace("\x00", "").strip()[:200],
        lng=report.lng,
        lat=report.lat,
        accuracy_m=report.accuracy_m,
        outside_grid=located.outside_grid,
        desk=located.territory.desk,
        reporter=reporter,
        reporter_name=contact.name[:50],
        reporter_phone=contact.phone[:20],
        reporter_verified=contact.is_verified or reporter is not None,
        follow_token=None if reporter else secrets.token_urlsafe(24),
        device_time=report.device_time,
        reported_at=at,
        updated_at=at,
    )
    put_at(case, located.territory)
    stamp_report(case)
    return case


def _plan_clocks(case: Case, at: datetime) -> None:
    """The desk's clock and the whole order's start with the report; they are saved once the order is.

    So the order is written once, with its due times, instead of written and at once written again.
    """
    limits, ladder = clocks.limits_of(case), clocks.active_ladder()
    clocks.plan_many(
        case,
        {Stage.ACCEPT: limits[Stage.ACCEPT], Stage.WHOLE: clocks.whole_limit(at, limits)},
        at=at,
        ladder=ladder,
    )


def _check_resolved(report: Report, reporter: User | None, place: Place, at: datetime) -> None:
    """Only ground staff of the place resolve on the spot, with a result and photos before and after."""
    access = access_of(reporter, on=timezone.localdate(at)) if reporter else None
    if access is None or not access.is_ground_of(place.path):
        raise NotAllowed(_("Only a grid worker of this place can resolve on the spot."))
    if not report.result.strip():
        raise Invalid(_("Please say in a sentence what was done."), field="result")
    if not report.attachments or not report.after_attachments:
        raise Invalid(_("Resolving on the spot needs a photo before and one after."), field="after")


def _resolve(case: Case, report: Report, actor: Actor, at: datetime) -> None:
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


@transaction.atomic
def join_case(
    *,
    case_id: int,
    user: User | None,
    at: datetime,
    contact: Contact | None = None,
    note: str = "",
    client_id: str = "",
) -> CoReporter:
    """ "The same one": become a co-reporter of an open order, with news and a rating of one's own.

    Joining twice returns the first joining. Raises WrongState when the order has ended.
    """
    case, contact = lock_case(case_id), contact or Contact()
    same = CoReporter.objects.filter(case=case)
    same = same.filter(user=user) if user else same.filter(client_id=client_id).exclude(client_id="")
    if (first := same.first()) is not None:
        return first
    if case.state not in OPEN_STATES:
        raise WrongState(_("This order has ended. Please report it as a new one."))
    if user is not None and case.reporter_id == user.pk:
        raise Invalid(_("You reported this one yourself."))
    joined = CoReporter.objects.create(
        case=case,
        user=user,
        name=contact.name[:50],
        phone=contact.phone[:20],
        follow_token=None if user else secrets.token_urlsafe(24),
        client_id=client_id,
        note=note.strip()[:MAX_DESCRIPTION],
        joined_at=at,
    )
    case.co_reports += 1
    record(
        case,
        "join",
        actor=user or PublicReporter(case.pk, joined.pk),
        at=at,
        note=joined.note,
        co_reporter_id=joined.pk,
    )
    return joined


@transaction.atomic
def add_information(
    *,
    case_id: int,
    actor: Actor,
    at: datetime,
    note: str,
    attachments: Sequence[str] = (),
    upload_key: str = "",
) -> Case:
    """The reporter adds what they know; no clock moves."""
    case = open_case(case_id, "add_information", actor=actor, at=at)
    return record(
        case,
        "add_information",
        actor=actor,
        at=at,
        note=require_reason(note),
        attachments=attachments,
        upload_key=upload_key,
    )


@transaction.atomic
def withdraw_case(*, case_id: int, actor: Actor, at: datetime, note: str = "") -> Case:
    """The reporter takes the order back before it is dispatched."""
    case = open_case(case_id, "withdraw", actor=actor, at=at)
    return end_case(case, "withdraw", actor=actor, at=at, note=note)


def channel_of(user: User, *, at: datetime) -> str:
    """The channel of a report by somebody signed in: grid workers have their own."""
    access = access_of(user, on=timezone.localdate(at))
    return Channel.GRID_WORKER if access.place_roles() or access.unit_ids else Channel.RESIDENT
