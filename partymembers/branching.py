"""What the pages of branches and members read: always within the branches that the reader leads."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from partymembers.access import Access
from partymembers.checking_in import latest_settled
from partymembers.models import Branch, CheckIn, Evaluation, Member, ServiceRecord

_DAY = dt.timedelta(days=1)


@dataclass
class Numbers:
    """A branch with all below it, in figures of a day and of its year."""

    home: int = 0
    #: Of the home members.
    home_checked_in: int = 0
    #: At home here or living where the branch serves, and should be checked in by now.
    overdue: int = 0
    checked_in_here: int = 0
    waiting: int = 0
    minutes: int = 0

    @property
    def hours(self) -> float:
        """Hours served this year, with one decimal."""
        return round(self.minutes / 60, 1)


def led_branches(access: Access) -> QuerySet[Branch]:
    """The live branches in whose committees the user sits, and all below, from the top down."""
    return Branch.objects.filter(_below(access, "path"), dissolved_on=None).order_by("path")


def members_led(access: Access) -> QuerySet[Member]:
    """Members of whose home or check-in branch, or of the branch that they have asked, the user is."""
    asked = CheckIn.objects.filter(
        _below(access, "branch__path"), member=OuterRef("pk"), state=CheckIn.State.ASKED
    )
    mine = _below(access, "home_branch__path") | _below(access, "checkin_branch__path")
    return Member.objects.filter(mine | Exists(asked)).select_related(
        "user", "home_branch__unit", "checkin_branch", "lives_at"
    )


def _below(access: Access, column: str) -> Q:
    return under(column, [grant.path for grant in access.branches])


def topmost(paths: Iterable[str]) -> list[str]:
    """The paths that lie below no other of them."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not kept or not path.startswith(kept[-1]):
            kept.append(path)
    return kept


def year_of(year: int) -> tuple[dt.datetime, dt.datetime]:
    """The first instant of a year in local time, and that of the next."""
    begin, end = (timezone.make_aware(dt.datetime(y, 1, 1)) for y in (year, year + 1))
    return begin, end


def numbers_of(branches: Sequence[Branch], *, on: dt.date) -> dict[int, Numbers]:
    """The figures of each branch with all below it; five queries for any number of them."""
    branches = list({branch.pk: branch for branch in branches}.values())
    found = {branch.pk: Numbers() for branch in branches}
    if not branches:
        return found
    for home, lives, late in _overdue(branches, on=on):
        for branch in branches:
            if home.startswith(branch.path) or (branch.place and (lives or "").startswith(branch.place.path)):
                found[branch.pk].overdue += late
    for path, row in _numbers_by_path([branch.path for branch in branches], on=on).items():
        for branch in branches:
            if path.startswith(branch.path):
                _add(found[branch.pk], row)
    return found


def _overdue(branches: Sequence[Branch], *, on: dt.date) -> QuerySet[Member, tuple[str, str | None, int]]:
    """How many are overdue, by the path of their home branch and of the place where they live."""
    concerned = under("home_branch__path", [branch.path for branch in branches]) | under(
        "lives_at__path", [branch.place.path for branch in branches if branch.place]
    )
    rows = Member.objects.filter(
        concerned, left_on=None, checkin_branch=None, settled_on__lte=latest_settled(on - _DAY)
    )
    grouped = rows.values_list("home_branch__path", "lives_at__path").annotate(late=Count("pk"))
    return grouped.order_by()


def _numbers_by_path(paths: Sequence[str], *, on: dt.date) -> dict[str, Numbers]:
    rows: dict[str, Numbers] = defaultdict(Numbers)
    present = Member.objects.filter(left_on=None)
    home = present.filter(under("home_branch__path", paths)).values_list("home_branch__path")
    counted = home.annotate(n=Count("pk"), checked_in=Count("checkin_branch")).order_by()
    for path, total, checked_in in counted:
        rows[path].home, rows[path].home_checked_in = total, checked_in
    here = present.filter(under("checkin_branch__path", paths)).values_list("checkin_branch__path")
    for path, total in here.annotate(Count("pk")).order_by():
        rows[path or ""].checked_in_here = total
    asked = CheckIn.objects.filter(under("branch__path", paths), state=CheckIn.State.ASKED)
    for path, total in asked.values_list("branch__path").annotate(Count("pk")).order_by():
        rows[path].waiting = total
    begin, end = year_of(on.year)
    served = ServiceRecord.objects.filter(
        under("branch__path", paths), cancelled_at=None, at__gte=begin, at__lt=end
    )
    for path, minutes in served.values_list("branch__path").annotate(Sum("minutes")).order_by():
        rows[path or ""].minutes = minutes
    return rows


def under(column: str, paths: Iterable[str]) -> Q:
    """A condition: the path in this column is one of these or lies below one."""
    condition = Q(pk__in=[])
    for path in topmost(paths):
        condition |= Q(**{f"{column}__startswith": path})
    return condition


def _add(total: Numbers, row: Numbers) -> None:
    total.home += row.home
    total.home_checked_in += row.home_checked_in
    total.checked_in_here += row.checked_in_here
    total.waiting += row.waiting
    total.minutes += row.minutes


def members_of(branch: Branch, *, which: str, text: str = "") -> QuerySet[Member]:
    """Who belongs to a branch and all below: `checkin` or `home`; found by name or staff number."""
    column = "home_branch__path" if which == "home" else "checkin_branch__path"
    rows = Member.objects.filter(left_on=None, **{f"{column}__startswith": branch.path})
    if text:
        rows = rows.filter(Q(user__name__icontains=text) | Q(user__username__istartswith=text))
    waiting = CheckIn.objects.filter(member=OuterRef("pk"), state=CheckIn.State.ASKED)
    return rows.select_related("user", "home_branch", "checkin_branch", "lives_at").annotate(
        is_waiting=Exists(waiting)
    )


def requests_of(branch: Branch) -> QuerySet[CheckIn]:
    """The requests that wait for this branch or one below, as they came."""
    return CheckIn.objects.filter(
        branch__path__startswith=branch.path, state=CheckIn.State.ASKED
    ).select_related("branch", "member__user", "member__home_branch", "member__lives_at")


def not_checked_in(branch: Branch, *, on: dt.date) -> QuerySet[Member]:
    """回头看: whose check-in is overdue, at home here or living where the branch serves."""
    concerned = Q(home_branch__path__startswith=branch.path)
    if branch.place is not None:
        concerned |= Q(lives_at__path__startswith=branch.place.path)
    return Member.objects.filter(
        concerned, left_on=None, checkin_branch=None, settled_on__lte=latest_settled(on - _DAY)
    ).select_related("user", "home_branch", "lives_at")


def not_served(branch: Branch, *, year: int) -> QuerySet[Member]:
    """回头看: who is checked in here or at home here, and has served nobody in the year."""
    begin, end = year_of(year)
    served = ServiceRecord.objects.filter(user=OuterRef("user"), cancelled_at=None, at__gte=begin, at__lt=end)
    concerned = Q(home_branch__path__startswith=branch.path) | Q(checkin_branch__path__startswith=branch.path)
    rows = Member.objects.filter(concerned, ~Exists(served), left_on=None, settled_on__lt=end.date())
    return rows.select_related("user", "home_branch", "checkin_branch")


def to_evaluate(branch: Branch) -> QuerySet[Member]:
    """Who is graded here: the members checked in at the branch or one below."""
    rows = Member.objects.filter(checkin_branch__path__startswith=branch.path, left_on=None)
    return rows.select_related("user", "home_branch__unit")


def grades_of(members: Iterable[Member], *, year: int) -> dict[int, Evaluation]:
    """Their grades of a year, by member."""
    rows = Evaluation.objects.filter(member__in=[member.pk for member in members], year=year)
    return {row.member_id: row for row in rows}


def minutes_of(members: Iterable[Member], *, year: int) -> dict[int, int]:
    """What they have served in a year, in minutes, by user."""
    begin, end = year_of(year)
    served = ServiceRecord.objects.filter(
        user__in=[member.user_id for member in members], cancelled_at=None, at__gte=begin, at__lt=end
    )
    return dict(served.values_list("user").annotate(Sum("minutes")).order_by())
