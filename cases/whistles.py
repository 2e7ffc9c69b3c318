"""Who is called to an order by the whistle that stands, what they may still answer, and how they did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import (
    Aggregate,
    CharField,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
)

from cases.models import Case, Whistle, WhistleCall
from cases.workflow import OPEN_STATES, State
from grids.models import Place
from partymembers.access import Access
from partymembers.models import Branch, Member, Unit, User


def standing_whistle(case: Case) -> Whistle | None:
    """The whistle that has not ended, if any; reads `case.whistles`, and asks nothing of most orders."""
    if not case.whistles_sent:
        return None
    return next((whistle for whistle in case.whistles.all() if whistle.ended_at is None), None)


def call_for(case: Case, access: Access) -> WhistleCall | None:
    """The call that this person answers now: their own, else their unit's or branch's.

    Whoever is called twice (themselves, and for a unit) goes on to the second when the first is reported.
    After a whistle has ended, only who came to it has something left to do: to report.
    """
    if not case.whistles_sent:
        return None
    standing = standing_whistle(case)
    theirs = [call for call in _calls_of(case) if _is_for(call, access) and call.reported_at is None]
    open_calls = [
        call for call in theirs if (standing and call.whistle_id == standing.pk) or call.came_at is not None
    ]
    open_calls.sort(key=lambda call: (-call.whistle_id, call.user_id != access.user_id, call.pk))
    return next(iter(open_calls), None)


def _calls_of(case: Case) -> list[WhistleCall]:
    return [call for whistle in case.whistles.all() for call in whistle.calls.all()]


def _is_for(call: WhistleCall, access: Access) -> bool:
    if call.unit_id is not None:
        return access.in_unit(call.unit_id)
    if call.branch_id is not None:
        return call.branch_id in access.branch_ids
    return call.user_id == access.user_id


def was_called(case: Case, access: Access) -> bool:
    """Whether the person was ever whistled to the order: then it stays theirs to read."""
    if not case.whistles_sent:
        return False
    return any(_is_for(call, access) for call in _calls_of(case))


def may_take(action: str, call: WhistleCall | None) -> bool:
    """Whether a called person may take this step now: answer, come, report, each once."""
    if call is None:
        return False
    if action in ("answer_whistle", "come_to_whistle"):  # who said no may still come
        return call.came_at is None
    return call.came_at is not None and call.reported_at is None


def calls_of(access: Access) -> QuerySet[WhistleCall]:
    """The calls to a person, to their units and to the branches in whose committees they sit."""
    if access.user_id is None:
        return WhistleCall.objects.none()
    return WhistleCall.objects.filter(
        Q(user_id=access.user_id) | Q(unit__in=access.unit_ids) | Q(branch__in=access.branch_ids),
        whistle__case__is_test=access.is_sandbox,
    )


def units_of_city(city: Place) -> QuerySet[Unit]:
    """Units that may be called to an order of this city: those of no place in particular, and its own."""
    return Unit.objects.filter(Q(place=None) | Q(place__path__startswith=city.path), disabled_at=None)


def branches_of_city(city: Place) -> QuerySet[Branch]:
    """Branches that may be called: all but those of other cities' committees and what is below these."""
    steps = range(Place.steplen, len(city.path), Place.steplen)
    above = Q(place__path__in=[city.path[:end] for end in steps])
    elsewhere = Branch.objects.filter(place__isnull=False).exclude(
        above | Q(place__path__startswith=city.path)
    )
    under = ExpressionWrapper(OuterRef("path"), output_field=CharField())
    over = elsewhere.alias(under=under).filter(under__startswith=F("path"))
    return Branch.objects.filter(~Exists(over), dissolved_on=None)


def members_of_city(city: Place) -> QuerySet[Member]:
    """Members who may be called: at home or checked in at a branch of the city, with an account in force."""
    near = branches_of_city(city).values("pk")
    here = Q(home_branch__in=near) | Q(checkin_branch__in=near)
    return Member.objects.filter(here, left_on=None, user__disabled_at=None)


#: Calls that somebody still has a step to take for: to answer, to come, to report. Who cannot come has none.
WAITING: Final = Q(reported_at=None) & (
    Q(came_at__isnull=False, whistle__case__state__in=(*OPEN_STATES, State.CLOSED))
    | (Q(came_at=None, whistle__ended_at=None) & ~Q(answer=WhistleCall.Answer.CANNOT))
)


class Median(Aggregate):
    """The value in the middle."""

    function = "percentile_cont"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


@dataclass(frozen=True)
class WhistleRecord:
    """How somebody has answered whistles; `answer_time` is the median, none where nobody answered."""

    called: int
    answered: int
    came: int
    waiting: int
    answer_time: timedelta | None


def record_of(
    *, unit: Unit | None = None, branch: Branch | None = None, user: User | None = None
) -> WhistleRecord:
    """The record of the one unit, branch or member that is given; one query."""
    return record_in(
        WhistleCall.objects.filter(
            whistle__case__is_test=False,
            **{name: each for name, each in (("unit", unit), ("branch", branch), ("user", user)) if each},
        )
    )


def record_in(calls: QuerySet[WhistleCall]) -> WhistleRecord:
    """The record that these calls make together; one query."""
    took = ExpressionWrapper(F("answered_at") - F("whistle__sent_at"), output_field=DurationField())
    found = calls.order_by().aggregate(
        called=Count("pk"),
        answered=Count("answered_at"),
        came=Count("came_at"),
        waiting=Count("pk", filter=WAITING),
        answer_time=Median(took, output_field=DurationField()),
    )
    return WhistleRecord(**found)
