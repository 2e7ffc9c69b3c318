"""An order is born: report, resolve on the spot, join a report, add to it, withdraw it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import clocks, permissions
from cases.actions.ending import end_case
from cases.actions.engine import lock_case, open_case, record, require_reason
from cases.actions.resolving import check_resolved, resolve
from cases.actors import Actor, PublicReporter, makes_tests
from cases.catalogue import standard_for
from cases.models import Attachment, Case, CoReporter, Matter, Standard
from cases.numbers import take_numbers
from cases.placing import Territory, put_at, require_reach, stamp_report, territory_of
from cases.terms import search_terms
from cases.workflow import OPEN_STATES, Stage
from governance.common.errors import DomainError, Invalid, NotVisible, WrongState
from governance.common.phones import normalise_mobile
from grids.boundaries import MOST_OUTSIDE_M, locate
from grids.models import Place
from partymembers.models import User

MAX_DESCRIPTION = 2000
MAX_ADDRESS = 200
MAX_NAME = 50
#: Of one id that a phone or another system gives its report; a page's own has 36 characters.
MAX_CLIENT_ID = 64
MAX_SOURCE = 50
MAX_SOURCE_NUMBER = 100


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
    #: The number that another system knows it by, once for each `source`.
    source: str = ""
    source_number: str = ""
    #: Taken before by whoever reports in a longer transaction, which would hold the day's counter to its end.
    number: str = ""


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

    The same `client_id` (or number at its source) of the same reporter returns the first order, marked as one
    that `came_before`, whatever the concurrency. Raises Invalid (field named) for a matter that is not in
    force, a position that is no place's or outside a connected system's, a text that is too long, a phone
    that is none, or missing photos of a matter resolved on the spot; WrongState where somebody else reported
    that number. Nothing is written then.
    """
    client_id = _client_id(report, reporter)
    try:
        case = _prepare(report, reporter, checked_contact(contact), client_id, at)
        return _create(case, report, reporter, at)
    except (IntegrityError, DomainError) as error:
        # Sent again: the constraint refuses a second row; or the list has changed since the first time.
        first = _same_report(client_id, report, reporter)
        if first is None and isinstance(error, IntegrityError) and report.source_number:
            raise WrongState(_("Another account has reported this number."), field="source_number") from error
        if first is None:
            raise
        first.came_before = True
        return first


def _client_id(report: Report, reporter: User | None) -> str:
    """A resident's id is only unique together with the session that sent it."""
    given = _checked_client_id(report.client_id)
    if not given or reporter is not None:
        return given
    return f"{report.upload_key[:43]}:{given}"


def _checked_client_id(given: str) -> str:
    """An id as it came: a shortened one could be that of another report. Raises Invalid."""
    if len(given) > MAX_CLIENT_ID or not given.isprintable():
        told = _("The report's own id has at most %(limit)d characters, all of them visible.")
        raise Invalid(told % {"limit": MAX_CLIENT_ID}, field="client_id")
    return given


def checked_contact(contact: Contact | None) -> Contact:
    """Name and phone as they are stored. Raises Invalid that names the field in the way."""
    if contact is None:
        return Contact()
    phone = contact.phone.replace("\x00", "").strip()
    return replace(
        contact,
        name=_bounded(contact.name, MAX_NAME, field="name"),
        phone=normalise_mobile(phone) if phone else "",
    )


def _bounded(text: str, limit: int, *, field: str) -> str:
    """What somebody typed, as the database takes it; raises Invalid, which says how long it is."""
    text = text.replace("\x00", "").strip()
    if len(text) > limit:
        told = {"limit": limit, "length": len(text)}
        raise Invalid(
            _("At most %(limit)d characters; these are %(length)d. Please shorten it.") % told, field=field
        )
    return text


def _same_report(client_id: str, report: Report, reporter: User | None) -> Case | None:
    own = Case.objects.filter(reporter=reporter)
    first = own.filter(client_id=client_id).first() if client_id else None
    if first is None and report.source_number:
        first = own.filter(source=report.source, source_number=report.source_number).first()
    return first


def _prepare(report: Report, reporter: User | None, contact: Contact, client_id: str, at: datetime) -> Case:
    """The order with its number and planned clocks, not saved yet.

    All of this comes before the transaction: whoever reports at the same time waits for nobody's commit.
    """
    located = place_report(report.lng, report.lat, report.place)
    require_reach(reporter, located.territory, at, field="position" if report.place is None else "place")
    if report.result or report.after_attachments:
        check_resolved(report, reporter, located.territory.place, at)
    case = _new_case(report, reporter, contact, located, at)
    case.client_id = client_id
    clocks.begin(case)
    _plan_clocks(case, at)
    case.number = report.number or take_numbers(timezone.localdate(at))[0]
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
        resolve(case, report, actor, at)
    return case


def place_report(lng: float | None, lat: float | None, place: Place | None) -> Located:
    """Where a report belongs: the named place, else the grid that holds the point, else the nearest desk.

    Raises Invalid when neither leads anywhere.
    """
    if (lng is None) != (lat is None):
        raise Invalid(_("A position needs both a longitude and a latitude."), field="position")
    found = None
    if lng is not None and lat is not None:
        found = locate(lng, lat)
        if found is not None and found.is_far:
            raise Invalid(too_far(), field="position")
    if place is not None:
        return Located(territory_of(place))
    if lng is None or lat is None:
        raise Invalid(_("Please give the position: move the pin or choose a building."), field="position")
    if found is None:
        raise Invalid(
            _("This position is not in the area of any desk. Please move the pin."), field="position"
        )
    return Located(territory_of(found.place), outside_grid=found.outside)


def too_far() -> str:
    """What to say of a position that is nowhere near any grid, as of a phone that answers 0, 0."""
    words = _("This position is more than %(km)s km from every grid. Please move the pin to the right place.")
    return words % {"km": MOST_OUTSIDE_M // 1000}


def _new_case(
    report: Report, reporter: User | None, contact: Contact, located: Located, at: datetime
) -> Case:
    if report.matter.retired_at is not None and report.matter.retired_at <= at:
        raise Invalid(_("This matter is no longer in the list. Please choose again."), field="matter")
    standard = standard_for(report.matter, at=at, chosen=report.standard)
    case = Case(
        matter=report.matter,
        standard=standard,
        urgency=standard.urgency,
        channel=report.channel,
        description=_bounded(report.description, MAX_DESCRIPTION, field="description"),
        address=_bounded(report.address, MAX_ADDRESS, field="address"),
        lng=report.lng,
        lat=report.lat,
        accuracy_m=report.accuracy_m,
        outside_grid=located.outside_grid,
        desk=located.territory.desk,
        reporter=reporter,
        reporter_name=contact.name,
        reporter_phone=contact.phone,
        reporter_verified=contact.is_verified or reporter is not None,
        follow_token=None if reporter else secrets.token_urlsafe(24),
        source=_bounded(report.source, MAX_SOURCE, field="source"),
        source_number=_bounded(report.source_number, MAX_SOURCE_NUMBER, field="source_number"),
        device_time=report.device_time,
        is_test=makes_tests(reporter),
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


@transaction.atomic
def join_case(
    *,
    case_id: int,
    user: User | None,
    at: datetime,
    contact: Contact | None = None,
    note: str = "",
    client_id: str = "",
    attachments: Sequence[str] = (),
    upload_key: str = "",
) -> CoReporter:
    """ "The same one": become a co-reporter of an open order, with news and a rating of one's own.

    Joining twice returns the first joining; what it brings beyond that is added as information. Raises
    WrongState when the order has ended, and Invalid for what is too long, no phone, or a picture gone.
    """
    contact, client_id = checked_contact(contact), _checked_client_id(client_id)
    note, case = _bounded(note, MAX_DESCRIPTION, field="note"), lock_case(case_id)
    same = CoReporter.objects.filter(case=case)
    same = same.filter(user=user) if user else same.filter(client_id=client_id).exclude(client_id="")
    if (first := same.first()) is not None:
        _add_to_joined(case, first, at=at, note=note, attachments=attachments, upload_key=upload_key)
        return first
    _check_joinable(case, user)
    joined = CoReporter(case=case, user=user, name=contact.name, phone=contact.phone, joined_at=at)
    joined.client_id, joined.note = client_id, note
    joined.follow_token = None if user else secrets.token_urlsafe(24)
    joined.save()
    case.co_reports += 1
    record(
        case,
        "join",
        actor=user or PublicReporter(case.pk, joined.pk),
        at=at,
        note=joined.note,
        attachments=attachments,
        upload_key=upload_key,
        co_reporter_id=joined.pk,
    )
    return joined


def _add_to_joined(
    case: Case, first: CoReporter, *, at: datetime, note: str, attachments: Sequence[str], upload_key: str
) -> None:
    """What somebody who has joined sends once more: only words and pictures that the order has not got."""
    known = case.attachments.filter(token__in=attachments).values_list("token", flat=True)
    fresh = [token for token in attachments if token not in known] if attachments else []
    told = note in ("", first.note) or case.events.filter(kind="add_information", note=note).exists()
    if told and not fresh:
        return
    actor: Actor = first.user or PublicReporter(case.pk, first.pk)
    permissions.require(actor, "add_information", case, at=at)
    record(
        case,
        "add_information",
        actor=actor,
        at=at,
        note=note or _("Photos of somebody who saw the same"),
        attachments=fresh,
        upload_key=upload_key,
    )


def _check_joinable(case: Case, user: User | None) -> None:
    if case.is_test != makes_tests(user):
        raise NotVisible()
    if case.state not in OPEN_STATES:
        raise WrongState(_("This order has ended. Please report it as a new one."))
    if user is not None and case.reporter_id == user.pk:
        raise Invalid(_("You reported this one yourself."))


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
