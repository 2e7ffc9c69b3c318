"""吹哨报到: whistle units, branches and members to an order; they answer, come and report.

Whoever came has it in their service record; a unit's answers count in its record by the calls themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import clocks
from cases.actions.engine import checked_note, open_case, record, require_reason
from cases.models import Attachment, Case, Whistle, WhistleCall
from cases.whistles import branches_of_city, call_for, members_of_city, units_of_city
from cases.wishes import is_registered
from cases.workflow import Stage
from governance.common.errors import Invalid, NotVisible
from grids.models import Place
from partymembers.access import access_of
from partymembers.actions.points import award_points
from partymembers.actions.service import record_service
from partymembers.models import Branch, ServiceRecord, Unit, User

#: A whistle calls so many at most, and is needed within this time.
MOST_CALLED = 20
LONGEST_NOTICE = timedelta(days=30)
MOST_MINUTES = 24 * 60


@transaction.atomic
def whistle_case(
    *,
    case_id: int,
    actor: User,
    at: datetime,
    need: str,
    needed_by: datetime,
    meeting_point: str = "",
    units: Sequence[Unit] = (),
    branches: Sequence[Branch] = (),
    members: Sequence[User] = (),
) -> Case:
    """Call several to an order at once; the clock of their answers starts.

    Raises Invalid (field named) with nobody called, somebody who cannot answer, or a time that is past;
    WrongState while another whistle stands.
    """
    case = open_case(case_id, "whistle", actor=actor, at=at)
    need = require_reason(need, field="need")
    if not at < needed_by <= at + LONGEST_NOTICE:
        raise Invalid(_("Choose a time ahead, within 30 days."), field="needed_by")
    _check_called(case, units, branches, members)
    where = meeting_point.strip()[:200]
    whistle = Whistle.objects.create(
        case=case, need=need[:500], meeting_point=where, needed_by=needed_by, sent_at=at, sent_by=actor
    )
    calls = [WhistleCall(whistle=whistle, unit=unit) for unit in units]
    calls += [WhistleCall(whistle=whistle, branch=branch) for branch in branches]
    calls += [WhistleCall(whistle=whistle, user=user) for user in members]
    WhistleCall.objects.bulk_create(calls)
    case.whistles_sent += 1
    clocks.start(case, Stage.ANSWER, at=at)
    facts: dict[str, Any] = {
        "unit_ids": [unit.pk for unit in units],
        "branch_ids": [branch.pk for branch in branches],
        "member_ids": [user.pk for user in members],
        "needed_by": needed_by.isoformat(),
    }
    return record(case, "whistle", actor=actor, at=at, note=need, whistle_id=whistle.pk, **facts)


def _check_called(
    case: Case, units: Sequence[Unit], branches: Sequence[Branch], members: Sequence[User]
) -> None:
    """Whoever is called reads the order, so nobody of another city is."""
    called = [*units, *branches, *members]
    if not called:
        raise Invalid(_("Choose who is called."), field="units")
    if len(called) > MOST_CALLED:
        raise Invalid(_("At most %(most)d at once.") % {"most": MOST_CALLED}, field="units")
    city = Place.objects.get(pk=case.city_id)
    if units and not _are_all(units_of_city(city), "pk", units):
        raise Invalid(_("A unit is disabled, or is of another city. Choose another."), field="units")
    if branches and not _are_all(branches_of_city(city), "pk", branches):
        raise Invalid(_("A branch is dissolved, or is of another city. Choose another."), field="branches")
    if members and not _are_all(members_of_city(city), "user", members):
        raise Invalid(_("Choose Party members of this city."), field="members")


def _are_all(known: QuerySet[Any], key: str, chosen: Sequence[Model]) -> bool:
    """Whether everybody chosen is among those known; one query."""
    ids = {each.pk for each in chosen}
    return known.filter(**{f"{key}__in": ids}).count() == len(ids)


@transaction.atomic
def answer_whistle(*, case_id: int, actor: User, at: datetime, is_coming: bool, note: str = "") -> Case:
    """应哨: coming, or not and why. The last answer stops the clock. Raises Invalid without a reason."""
    case = open_case(case_id, "answer_whistle", actor=actor, at=at)
    call = _call_of(case, actor, at)
    note = checked_note(note) if is_coming else require_reason(note)
    call.answer = WhistleCall.Answer.COMING if is_coming else WhistleCall.Answer.CANNOT
    # Another answer may follow; what counts in the record is how soon the first one came.
    call.answered_at, call.answered_by, call.note = call.answered_at or at, actor, note[:500]
    call.save(update_fields=["answer", "answered_at", "answered_by", "note"])
    if not WhistleCall.objects.filter(whistle=call.whistle_id, answered_at=None).exists():
        clocks.stop(case, Stage.ANSWER, at=at)
    record(case, "answer_whistle", actor=actor, at=at, note=note, call_id=call.pk, answer=call.answer)
    return case


@transaction.atomic
def come_to_whistle(*, case_id: int, actor: User, at: datetime) -> Case:
    """报到: they are there; who had not answered has now."""
    case = open_case(case_id, "come_to_whistle", actor=actor, at=at)
    call = _call_of(case, actor, at)
    call.came_at = at
    if call.answer != WhistleCall.Answer.COMING:
        call.answer, call.answered_by = WhistleCall.Answer.COMING, actor
        call.answered_at = call.answered_at or at
    call.save(update_fields=["came_at", "answer", "answered_at", "answered_by"])
    if not WhistleCall.objects.filter(whistle=call.whistle_id, answered_at=None).exists():
        clocks.stop(case, Stage.ANSWER, at=at)
    return record(case, "come_to_whistle", actor=actor, at=at, call_id=call.pk)


@transaction.atomic
def report_whistle(
    *,
    case_id: int,
    actor: User,
    at: datetime,
    note: str,
    minutes: int = 0,
    attachments: Sequence[str] = (),
) -> Case:
    """What they did there: it counts in their record, and brings points to a member or volunteer.

    Raises Invalid without words, WrongState for somebody who has not said that they have come.
    """
    case = open_case(case_id, "report_whistle", actor=actor, at=at)
    call = _call_of(case, actor, at)
    report = require_reason(note)
    if not 0 <= minutes <= MOST_MINUTES:
        raise Invalid(_("Between 0 and %(most)d minutes.") % {"most": MOST_MINUTES}, field="minutes")
    call.reported_at, call.report, call.minutes = at, report[:1000], minutes
    call.save(update_fields=["reported_at", "report", "minutes"])
    _credit(case, call, actor, at)
    role = Attachment.Role.EVIDENCE
    return record(
        case, "report_whistle", actor=actor, at=at, note=report, attachments=attachments, role=role,
        call_id=call.pk,
    )  # fmt: skip


def _credit(case: Case, call: WhistleCall, user: User, at: datetime) -> None:
    """A service record for who came; points for members and volunteers, unless they whistled themselves.

    A test brings nothing.
    """
    if case.is_test:
        return
    what = _("Answered the whistle of order %(number)s") % {"number": case.number}
    record_service(
        user=user,
        kind=ServiceRecord.Kind.WHISTLE,
        source="whistle",
        source_id=call.pk,
        what=what,
        at=at,
        minutes=call.minutes,
        place=case.community,
        by=call.whistle.sent_by,
    )
    if call.whistle.sent_by_id != user.pk and is_registered(user):
        award_points(
            user=user, rule_code="whistle", source="whistle", source_id=call.pk, what=what, at=at,
            by=call.whistle.sent_by, place=case.community,
        )  # fmt: skip


@transaction.atomic
def end_whistle(*, case_id: int, actor: User, at: datetime, note: str = "") -> Case:
    """The desk ends it; who has not answered no longer has to."""
    case = open_case(case_id, "end_whistle", actor=actor, at=at)
    Whistle.objects.filter(case=case, ended_at=None).update(ended_at=at)
    clocks.stop(case, Stage.ANSWER, at=at)
    return record(case, "end_whistle", actor=actor, at=at, note=note)


def _call_of(case: Case, user: User, at: datetime) -> WhistleCall:
    call = call_for(case, access_of(user, on=timezone.localdate(at)))
    if call is None:
        raise NotVisible
    return call
