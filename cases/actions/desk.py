"""The desk's work: accept, decline, merge, dispatch, reassign, void, decide requests, resume, correct."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import clocks
from cases.actions.ending import end_case, end_whistles
from cases.actions.engine import lock_case, open_case, record, require_reason
from cases.actions.reporting import place_report
from cases.actors import Actor, System
from cases.catalogue import standard_for
from cases.models import Case, CaseRequest, CaseUnit, CoReporter, Matter, Standard
from cases.placing import put_at
from cases.terms import search_terms
from cases.workflow import OPEN_STATES, Stage
from governance.common.errors import Invalid, NotVisible, WrongState
from grids.models import Place
from partymembers.access import access_of, users_in
from partymembers.models import Unit, User

#: Nobody gets more than this at a time, in the clock's own time.
MAX_EXTENSION = timedelta(days=60)


@transaction.atomic
def accept_case(
    *, case_id: int, actor: Actor, at: datetime, standard: Standard | None = None, note: str = ""
) -> Case:
    """Take the order on; the standard picked here decides its limits (the shortest until then).

    Raises NotVisible, NotAllowed or WrongState, and Invalid for a standard of another matter or time.
    """
    case = open_case(case_id, "accept", actor=actor, at=at)
    clocks.stop(case, Stage.ACCEPT, at=at)
    if standard is not None:
        _use_standard(case, standard_for(case.matter, at=case.reported_at, chosen=standard))
    case.standard_is_final = standard is not None or not isinstance(actor, System)
    clocks.start(case, Stage.DISPATCH, at=at)
    case.accepted_at = at
    return record(case, "accept", actor=actor, at=at, note=note, standard_id=case.standard_id)


def _use_standard(case: Case, standard: Standard) -> None:
    """Keep the start, use the limits of this standard."""
    case.standard, case.urgency = standard, standard.urgency
    clocks.change_limits(case)


@transaction.atomic
def decline_case(*, case_id: int, actor: Actor, at: datetime, note: str) -> Case:
    """Do not take the order on, and say why."""
    case = open_case(case_id, "decline", actor=actor, at=at)
    return end_case(case, "decline", actor=actor, at=at, note=require_reason(note))


@transaction.atomic
def merge_case(*, case_id: int, target_id: int, actor: Actor, at: datetime, note: str = "") -> Case:
    """Fold the order into another open one; its reporters follow that one's news.

    Both rows are locked in the order of their ids, so that two mergers cannot wait for each other.
    """
    for pk in sorted({case_id, target_id}):
        lock_case(pk)
    case = open_case(case_id, "merge", actor=actor, at=at)
    target = _merge_target(case, target_id, actor, at)
    end_whistles(case, at=at)
    clocks.stop(case, at=at)
    case.merged_into, case.ended_at = target, at
    record(case, "merge", actor=actor, at=at, note=note, into_id=target.pk, into_number=target.number)
    _move_reporters(case, target, at)
    target.co_reports = CoReporter.objects.filter(case=target).count()
    record(target, "co_report", actor=actor, at=at, case_id=case.pk)
    return case


def _merge_target(case: Case, target_id: int, actor: Actor, at: datetime) -> Case:
    if target_id == case.pk:
        raise Invalid(_("An order cannot be merged into itself."), field="target")
    target = lock_case(target_id)
    if target.is_test != case.is_test:
        raise NotVisible(field="target")
    if isinstance(actor, User):
        access = access_of(actor, on=timezone.localdate(at))
        if not Case.objects.visible_to(access).filter(pk=target_id).exists():
            raise NotVisible(field="target")
    if target.state not in OPEN_STATES:
        raise WrongState(_("The order to merge into has ended."), field="target")
    return target


def _move_reporters(case: Case, target: Case, at: datetime) -> None:
    """The reporter and co-reporters of the merged order join the other, once each."""
    joined = CoReporter.objects.filter(case=target).values_list("user_id", flat=True)
    known = {pk for pk in (target.reporter_id, *joined) if pk is not None}
    CoReporter.objects.filter(case=case, user_id__in=known).delete()
    CoReporter.objects.filter(case=case).update(case=target)
    if case.reporter_id is not None and case.reporter_id in known:
        return
    CoReporter.objects.create(
        case=target,
        user_id=case.reporter_id,
        name=case.reporter_name,
        phone=case.reporter_phone,
        follow_token=case.follow_token,  # the link that a resident has leads on to the other order
        note=case.description,
        joined_at=at,
    )


@transaction.atomic
def dispatch_case(
    *,
    case_id: int,
    unit: Unit,
    actor: Actor,
    at: datetime,
    assisting: Iterable[Unit] = (),
    handler: User | None = None,
    note: str = "",
) -> Case:
    """Send an accepted order to the unit that must handle it, and start its clock.

    Raises NotVisible, NotAllowed or WrongState, and Invalid for a disabled unit or a handler who is not
    in it; either way nothing has been written.
    """
    case = open_case(case_id, "dispatch", actor=actor, at=at)
    assisting = _besides(unit, assisting)
    _check_units([unit, *assisting], handler, at)
    case.unit, case.handler, case.dispatched_at = unit, handler, at
    _set_parts(case, unit, assisting, at)
    clocks.stop(case, Stage.DISPATCH, at=at)
    clocks.start(case, Stage.ACKNOWLEDGE, at=at)
    return record(case, "dispatch", actor=actor, at=at, note=note, **_who(case, assisting))


def _besides(lead: Unit, units: Iterable[Unit]) -> list[Unit]:
    """The assisting units, each once."""
    return list(dict.fromkeys(unit for unit in units if unit.pk != lead.pk))


def forget_route(case: Case) -> None:
    """A suggestion belongs to the matter and place that it was made for: another is looked for."""
    case.suggested_unit, case.route_reason, case.routed_at = None, {}, None


def _who(case: Case, assisting: Iterable[Unit]) -> dict[str, Any]:
    """Lead, handler and assisting units, for the event."""
    return {
        "unit_id": case.unit_id,
        "unit": case.unit.name if case.unit else "",
        "handler_id": case.handler_id,
        "assist_ids": [unit.pk for unit in assisting],
    }


def _check_units(units: Iterable[Unit], handler: User | None, at: datetime) -> None:
    units = list(units)
    for unit in units:
        if unit.disabled_at is not None:
            raise Invalid(_("%(unit)s is disabled. Please choose another.") % {"unit": unit}, field="unit")
    if handler is not None and not is_member(handler, units[0], at):
        raise Invalid(_("This person is not in the unit."), field="handler")


def is_member(user: User, unit: Unit, at: datetime) -> bool:
    """Whether somebody may act for a unit at an instant."""
    return users_in(unit.pk, on=timezone.localdate(at)).filter(pk=user.pk).exists()


def _set_parts(case: Case, lead: Unit, assisting: Iterable[Unit], at: datetime) -> None:
    """Write who leads and assists; whoever led before keeps reading."""
    CaseUnit.objects.filter(case=case).update(part=CaseUnit.Part.FORMER, done_at=None)
    parts = [(lead, CaseUnit.Part.LEAD), *((unit, CaseUnit.Part.ASSIST) for unit in assisting)]
    CaseUnit.objects.bulk_create(
        [CaseUnit(case=case, unit=unit, part=part, since=at) for unit, part in parts],
        update_conflicts=True,
        unique_fields=["case", "unit"],
        update_fields=["part", "since"],
    )


@transaction.atomic
def reassign_case(
    *,
    case_id: int,
    unit: Unit,
    actor: Actor,
    at: datetime,
    assisting: Iterable[Unit] = (),
    note: str = "",
) -> Case:
    """转派: another unit leads; the clocks run on as they are."""
    case = open_case(case_id, "reassign", actor=actor, at=at)
    assisting = _besides(unit, assisting)
    _check_units([unit, *assisting], None, at)
    if unit.pk == case.unit_id:
        raise Invalid(_("%(unit)s has this order already.") % {"unit": unit}, field="unit")
    former_id, former_handler_id = case.unit_id, case.handler_id
    case.unit, case.handler = unit, None
    case.dispatched_at = case.dispatched_at or at  # what was resolved on the spot had no unit until now
    _set_parts(case, unit, assisting, at)
    drop_request(case, at=at)
    return record(
        case,
        "reassign",
        actor=actor,
        at=at,
        note=note,
        from_unit_id=former_id,
        from_handler_id=former_handler_id,
        **_who(case, assisting),
    )


@transaction.atomic
def void_case(*, case_id: int, actor: Actor, at: datetime, note: str) -> Case:
    """作废: a desk above ends an order that should not have been taken on."""
    case = open_case(case_id, "void", actor=actor, at=at)
    return end_case(case, "void", actor=actor, at=at, note=require_reason(note))


def drop_request(case: Case, *, at: datetime) -> None:
    """A request that nobody decided falls away when the order leaves its handler."""
    waiting = CaseRequest.objects.filter(case=case, decided_at=None)
    if waiting.update(decided_at=at):
        clocks.stop(case, Stage.DECIDE, at=at)


def _decide(case: Case, kind: str, actor: Actor, at: datetime, *, grant: bool, note: str) -> CaseRequest:
    waiting = CaseRequest.objects.get(case=case, kind=kind, decided_at=None)
    waiting.decided_by = actor if isinstance(actor, User) else None
    waiting.decided_at, waiting.is_granted, waiting.note = at, grant, note
    waiting.save()
    clocks.stop(case, Stage.DECIDE, at=at)
    return waiting


def check_extension(extra: timedelta) -> timedelta:
    """An amount that may be asked for or granted; raises Invalid for any other."""
    if not timedelta(0) < extra <= MAX_EXTENSION:
        raise Invalid(_("Please ask for some time, at most 60 days."), field="extra")
    return extra


@transaction.atomic
def grant_extension(
    *, case_id: int, actor: Actor, at: datetime, extra: timedelta | None = None, note: str = ""
) -> Case:
    """Move the handling and the whole due time by what was asked, or by `extra` of the clock's own time."""
    case = open_case(case_id, "grant_extension", actor=actor, at=at)
    request = _decide(case, CaseRequest.Kind.EXTENSION, actor, at, grant=True, note=note)
    extra = check_extension(extra or request.extra or timedelta(0))
    clocks.extend(case, extra)
    case.extensions += 1
    return record(case, "grant_extension", actor=actor, at=at, note=note, extra=int(extra.total_seconds()))


@transaction.atomic
def grant_suspension(*, case_id: int, actor: Actor, at: datetime, note: str = "") -> Case:
    """挂账: the handling and the whole clock stand; the order has no due time."""
    case = open_case(case_id, "grant_suspension", actor=actor, at=at)
    _decide(case, CaseRequest.Kind.SUSPENSION, actor, at, grant=True, note=note)
    clocks.pause(case, Stage.HANDLE, Stage.WHOLE, at=at)
    return record(case, "grant_suspension", actor=actor, at=at, note=note)


@transaction.atomic
def refuse_request(*, case_id: int, actor: Actor, at: datetime, note: str) -> Case:
    """Refuse what waits for the desk, extension or suspension, and say why."""
    case = lock_case(case_id)
    waiting = next((r for r in case.requests.all() if r.decided_at is None), None)
    kind = waiting.kind if waiting else CaseRequest.Kind.EXTENSION
    action = f"refuse_{kind}"
    case = open_case(case_id, action, actor=actor, at=at)
    reason = require_reason(note)
    _decide(case, kind, actor, at, grant=False, note=reason)
    return record(case, action, actor=actor, at=at, note=reason)


@transaction.atomic
def resume_case(*, case_id: int, actor: Actor, at: datetime, note: str = "") -> Case:
    """End the suspension: both due times move by the pause, in the clock's own time."""
    case = open_case(case_id, "resume", actor=actor, at=at)
    clocks.resume(case, Stage.HANDLE, Stage.WHOLE, at=at)
    return record(case, "resume", actor=actor, at=at, note=note)


@transaction.atomic
def correct_matter(
    *,
    case_id: int,
    matter: Matter,
    actor: Actor,
    at: datetime,
    standard: Standard | None = None,
    note: str = "",
) -> Case:
    """Another matter or standard: starts stay, limits become those valid at report time."""
    case = open_case(case_id, "correct_matter", actor=actor, at=at)
    former = case.matter
    case.matter = matter
    _use_standard(case, standard_for(matter, at=case.reported_at, chosen=standard))
    case.standard_is_final = standard is not None
    case.search_terms = search_terms(case)
    forget_route(case)
    return record(
        case,
        "correct_matter",
        actor=actor,
        at=at,
        note=note,
        matter_id=matter.pk,
        from_matter_id=former.pk,
        standard_id=case.standard_id,
    )


@transaction.atomic
def correct_place(
    *,
    case_id: int,
    actor: Actor,
    at: datetime,
    lng: float | None = None,
    lat: float | None = None,
    place: Place | None = None,
    address: str | None = None,
    note: str = "",
) -> Case:
    """Where it really happened; the desk moves only if another community answers for it. No clock moves."""
    case = open_case(case_id, "correct_place", actor=actor, at=at)
    located = place_report(lng, lat, place)
    former, former_home, former_desk_id = case.place, case.community_id or case.place_id, case.desk_id
    put_at(case, located.territory)
    if located.territory.desk.pk != former_home:
        case.desk = located.territory.desk
        clocks.rearm(case, at=at)
    if lng is not None:
        case.lng, case.lat = lng, lat
    if address is not None:
        case.address = address.replace("\x00", "").strip()[:200]
    case.outside_grid = located.outside_grid
    case.search_terms = search_terms(case)
    forget_route(case)
    moved = {"place_id": case.place_id, "from_place_id": former.pk}
    moved |= {"to_desk_id": case.desk_id, "from_desk_id": former_desk_id}
    return record(case, "correct_place", actor=actor, at=at, note=note, **moved)
