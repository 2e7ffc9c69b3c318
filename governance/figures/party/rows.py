"""The rows behind the Party's figures, each with where it belongs: place, branches and work unit.

- place: where the wish is from, where the service was given, where the points were earned (else where the
  earner is checked in), where the member lives (else where they are checked in);
- branch of check-in: the committee that the wish falls to; the branch of the service record; the earner's
  check-in branch; the branch where the member is checked in, else the nearest that serves where they live,
  else the home branch, so that who is overdue counts where they ought to be;
- home branch and work unit: of the member, the earner and the server; of a wish its claimer's, or the unit
  that claimed it. The unit of a service is the one of its day, all others are those of today.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import (
    BooleanField,
    ExpressionWrapper,
    F,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce, Left

from cases.models import Claim, Wish
from cases.workflow import Kind
from governance.figures.periods import Period
from grids.models import Level, Place
from partymembers.access import Access
from partymembers.checking_in import CHECK_IN_LEVELS, latest_settled
from partymembers.models import (
    Branch,
    BranchLevel,
    Member,
    PointsAccount,
    PointsEntry,
    PointsTransaction,
    ServiceRecord,
)

from .formulas import PartyCohort, Rows
from .subjects import By, PartySubject

_Expressions = dict[By, Any]
_AWARD = PointsTransaction.Kind.AWARD


def rows_of(
    cohort: PartyCohort,
    subject: PartySubject,
    period: Period,
    access: Access,
    *,
    columns: Collection[By] = (),
) -> QuerySet[Any]:
    """The subject's rows that the cohort may ever hold, as far as the reader answers for the subject.

    `columns` are annotated beside those that the subject asks about. Times are not looked at, but
    for members, who are those due at the period's end.
    """
    rows, belongs = _SOURCES[cohort.rows](period)
    conditions = subject.conditions()
    wanted = {column: belongs[column] for column in By if column in conditions or column in columns}
    rows = rows.filter(cohort.condition).annotate(**{str(name): value for name, value in wanted.items()})
    if access.is_sandbox or not subject.is_own(access):
        return rows.none()
    for condition in conditions.values():
        rows = rows.filter(condition)
    return rows


def _members(period: Period) -> tuple[QuerySet[Any], _Expressions]:
    """Members due on the period's last day or before; `is_in`: they were checked in by its end."""
    last = period.last_day
    checked_in = Q(checked_in_at__isnull=True) | Q(checked_in_at__lt=period.until)
    rows = Member.objects.filter(
        Q(left_on__isnull=True) | Q(left_on__gt=last), settled_on__lte=latest_settled(last)
    ).annotate(
        is_in=ExpressionWrapper(Q(checkin_branch__isnull=False) & checked_in, output_field=BooleanField())
    )
    return rows, {
        By.PLACE: Coalesce("lives_at__path", "checkin_branch__place__path"),
        By.CHECK_IN: Coalesce("checkin_branch__path", Subquery(_serving()), "home_branch__path"),
        By.HOME: F("home_branch__path"),
        By.UNIT: F("home_branch__unit_id"),
    }


def _serving() -> QuerySet[Any]:
    """The path of the branch nearest above where a member lives, as `suggested_branch` finds it."""
    steps = range(Place.steplen, (len(Level) + 1) * Place.steplen, Place.steplen)
    above = Q(pk__in=[])
    for length in steps:
        above |= Q(place__path=Left(OuterRef("lives_at__path"), length))
    live = Branch.objects.filter(
        above, place__level__in=CHECK_IN_LEVELS, place__retired_on=None, dissolved_on=None
    )
    return live.order_by("-place__path", "depth", "pk").values("path")[:1]


def _wishes(period: Period) -> tuple[QuerySet[Any], _Expressions]:
    """Wishes with the claim that stands or fulfilled them: a wish has at most one of these."""
    kept = Q(case__claims__ended_at__isnull=True) | Q(case__claims__ending=Claim.Ending.COMPLETED)
    rows = Wish.objects.filter(case__kind=Kind.WISH, case__is_test=False).alias(
        kept=FilteredRelation("case__claims", condition=kept)
    )
    return rows, {
        By.PLACE: F("case__place__path"),
        By.CHECK_IN: Coalesce("branch__path", Subquery(_committee())),
        By.HOME: Coalesce("kept__branch__path", "kept__user__member__home_branch__path"),
        By.UNIT: Coalesce("kept__unit_id", "kept__user__member__home_branch__unit_id"),
    }


def _committee() -> QuerySet[Any]:
    """The path of the committee that a wish will fall to, as `cases.wishes.branch_for` finds it."""
    levels = (Level.COMMUNITY, Level.STREET, Level.DISTRICT, Level.CITY)
    around = Q(pk__in=[])
    for level in levels:
        around |= Q(place_id=OuterRef(f"case__{level}_id"))
    committees = (BranchLevel.COMMUNITY, BranchLevel.STREET, BranchLevel.CITY)
    live = Branch.objects.filter(around, level__in=committees, dissolved_on=None)
    return live.order_by("-place__depth", "-path").values("path")[:1]


def _services(period: Period) -> tuple[QuerySet[Any], _Expressions]:
    return ServiceRecord.objects.filter(cancelled_at=None), {
        By.PLACE: F("place__path"),
        By.CHECK_IN: F("branch__path"),
        By.HOME: F("user__member__home_branch__path"),
        By.UNIT: F("unit_id"),
    }


def _entries(period: Period) -> tuple[QuerySet[Any], _Expressions]:
    """The earner's side of awards, and of what took awards back."""
    earned = Q(transaction__kind=_AWARD) | Q(transaction__reverses__kind=_AWARD)
    rows = PointsEntry.objects.filter(earned, account__kind=PointsAccount.Kind.PERSON)
    member = "account__user__member"
    return rows, {
        By.PLACE: Coalesce("transaction__place__path", f"{member}__checkin_branch__place__path"),
        By.CHECK_IN: F(f"{member}__checkin_branch__path"),
        By.HOME: F(f"{member}__home_branch__path"),
        By.UNIT: F(f"{member}__home_branch__unit_id"),
    }


_SOURCES = {
    Rows.MEMBERS: _members,
    Rows.WISHES: _wishes,
    Rows.SERVICES: _services,
    Rows.ENTRIES: _entries,
}


def within(cohort: PartyCohort, period: Period) -> Q:
    """The cohort's time lies in the period: [start, until); true of members, who are due by its end."""
    if not cohort.time:
        return Q()
    return Q(**{f"{cohort.time}__gte": period.start, f"{cohort.time}__lt": period.until})
