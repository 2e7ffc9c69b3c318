"""The Party's figures: every number opens the rows it counts, and counts what a plain reading counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.models import Claim, Wish
from cases.wishes import branch_for
from governance.figures.party.counting import Fold
from governance.figures.party.formulas import PARTY_FIGURES, PARTY_PARTS
from governance.figures.party.queries import counted_rows, party_overview
from governance.figures.party.subjects import By, PartySubject, Side
from governance.figures.periods import Period, Span
from governance.figures.tallies import Tally
from grids.models import Place
from partymembers.access import Access
from partymembers.checking_in import due_on, suggested_branch
from partymembers.models import Branch, Member, PointsTransaction, ServiceRecord, User

from .party_city import NOW, PartyCity

pytestmark = pytest.mark.django_db

FOLDS = (By.PLACE, By.CHECK_IN, By.HOME, By.UNIT)


@dataclass(frozen=True)
class Row:
    """A row as one reads it: which parts it is in, what it adds, and where it belongs."""

    pk: int
    parts: frozenset[str]
    amount: int
    belongs: dict[By, Any]


def path_of(node: Place | Branch | None) -> str | None:
    return node.path if node else None


class Reading:
    """The formulas once more, by hand over the rows in memory."""

    def __init__(self, period: Period) -> None:
        self.period = period
        related = ("home_branch", "checkin_branch__place", "lives_at")
        self.by_user = {m.user_id: m for m in Member.objects.select_related(*related)}
        wishes = Wish.objects.select_related("case__place", "branch")
        services = ServiceRecord.objects.select_related("place", "branch").filter(cancelled_at=None)
        moved = PointsTransaction.objects.select_related("place").exclude(kind="redemption")
        rows = [self._member(member) for member in self.by_user.values()]
        rows += [self._wish(wish) for wish in wishes.prefetch_related("case__claims__branch")]
        rows += [self._service(record) for record in services]
        rows += [self._entry(each) for each in moved.prefetch_related("entries__account")]
        self.every = [row for row in rows if row]

    def rows(self, part: str) -> list[Row]:
        return [row for row in self.every if part in row.parts]

    def _home(self, user_id: int) -> Branch | None:
        member = self.by_user.get(user_id)
        return member.home_branch if member else None

    def _has(self, at: Any) -> bool:
        return at is not None and self.period.start <= at < self.period.until

    def _member(self, member: Member) -> Row | None:
        last = self.period.last_day
        if due_on(member.settled_on) > last or (member.left_on and member.left_on <= last):
            return None
        checkin = member.checkin_branch
        is_in = checkin and not (member.checked_in_at and member.checked_in_at >= self.period.until)
        nearest = checkin or (suggested_branch(member) if member.lives_at else None) or member.home_branch
        belongs = {
            By.PLACE: path_of(member.lives_at) or (path_of(checkin.place) if checkin else None),
            By.CHECK_IN: nearest.path,
            By.HOME: member.home_branch.path,
            By.UNIT: member.home_branch.unit_id,
        }
        return Row(
            member.pk, frozenset({"members_due", "members_in" if is_in else "members_out"}), 0, belongs
        )

    def _wish(self, wish: Wish) -> Row:
        case, parts = wish.case, set()
        times = {"asked": case.reported_at, "published": wish.published_at, "delivered": wish.delivered_at}
        times |= {"claimed": wish.first_claimed_at}
        times |= {"closed": case.closed_at if case.state == "closed" else None}
        parts |= {f"wishes_{key}" for key, at in times.items() if self._has(at)}
        if case.satisfaction and self._has(case.rated_at):
            parts |= {"wishes_rated", f"wishes_{case.satisfaction}"}
        claims = [c for c in case.claims.all() if c.ended_at is None or c.ending == Claim.Ending.COMPLETED]
        kept = claims[0] if claims else None
        home = self._home(kept.user_id) if kept else None
        belongs = {
            By.PLACE: case.place.path,
            By.CHECK_IN: path_of(wish.branch or branch_for(case)),
            By.HOME: path_of(kept.branch or home) if kept else None,
            By.UNIT: (kept.unit_id or (home.unit_id if home else None)) if kept else None,
        }
        return Row(wish.pk, frozenset(parts), 0, belongs)

    def _service(self, record: ServiceRecord) -> Row:
        belongs = {
            By.PLACE: path_of(record.place),
            By.CHECK_IN: path_of(record.branch),
            By.HOME: path_of(self._home(record.user_id)),
            By.UNIT: record.unit_id,
        }
        parts = frozenset({"services"} if self._has(record.at) else ())
        return Row(record.pk, parts, record.minutes, belongs)

    def _entry(self, moved: PointsTransaction) -> Row:
        entry = next(each for each in moved.entries.all() if each.account.kind == "person")
        member = self.by_user.get(moved.user_id)
        checkin = member.checkin_branch if member else None
        belongs = {
            By.PLACE: path_of(moved.place) or (path_of(checkin.place) if checkin else None),
            By.CHECK_IN: path_of(checkin),
            By.HOME: path_of(member.home_branch) if member else None,
            By.UNIT: member.home_branch.unit_id if member else None,
        }
        parts = frozenset({"entries"} if self._has(moved.at) else ())
        return Row(entry.pk, parts, entry.amount, belongs)


Belongs = Callable[[Row], bool]


def below(by: By, path: str) -> Belongs:
    return lambda row: (row.belongs[by] or "").startswith(path)


def subjects(world: PartyCity) -> dict[str, tuple[PartySubject, User, Belongs]]:
    """Each kind of subject, who answers for it, and a plain reading of which rows are its own."""
    city, official, unit = world.city, world.official, world.units[0]
    west, home = city.west.path, world.homes[0].path
    return {
        "city": (PartySubject(place=city.city.path), official, below(By.PLACE, city.city.path)),
        "community": (PartySubject(place=west), official, below(By.PLACE, west)),
        "grid": (PartySubject(place=city.west_1.path), official, below(By.PLACE, city.west_1.path)),
        "committee": (
            PartySubject(branch=world.west.path), world.secretary, below(By.CHECK_IN, world.west.path)
        ),
        "home of a committee": (
            PartySubject(branch=world.west.path, side=Side.HOME),
            world.secretary, below(By.HOME, world.west.path),
        ),
        "unit": (PartySubject(unit_id=unit.pk), world.head, lambda row: row.belongs[By.UNIT] == unit.pk),
        "branch in a place": (
            PartySubject(place=west, branch=home, side=Side.HOME), official,
            lambda row: below(By.PLACE, west)(row) and below(By.HOME, home)(row),
        ),
        "without a unit in a place": (
            PartySubject(place=west, unit_id=0), official,
            lambda row: below(By.PLACE, west)(row) and row.belongs[By.UNIT] is None,
        ),
        "the rest of a place": (
            PartySubject(place=west, outside=(By.PLACE, (city.west_1.path, city.west_2.path))), official,
            lambda row: row.belongs[By.PLACE] == west,
        ),
    }  # fmt: skip


@pytest.fixture
def world() -> PartyCity:
    return PartyCity(seed=20261120)


def test_figures_are_made_of_parts_that_exist() -> None:
    opened = {PARTY_FIGURES[key].opens for key in PARTY_FIGURES}
    assert opened <= set(PARTY_PARTS)


def test_counts_equal_their_lists_and_a_plain_reading(world: PartyCity) -> None:
    for span in (Span.MONTH, Span.QUARTER):
        period = Period.named(span, NOW)
        readings = [Reading(period), Reading(period.previous())]
        for name, (subject, reader, is_own) in subjects(world).items():
            access = world.access(reader)
            found = party_overview(subject, period, access).total
            compare(found.current, readings[0], subject, access, is_own, name)
            # How members stood is not kept: no earlier period counts them.
            assert found.previous["members_due"] == 0
            happened = {part for part, each in PARTY_PARTS.items() if each.cohort.time}
            compare(found.previous, readings[1], subject, access, is_own, name, happened)


def compare(
    tally: Tally,
    reading: Reading,
    subject: PartySubject,
    access: Access,
    is_own: Belongs,
    name: str,
    parts: Iterable[str] = tuple(PARTY_PARTS),
) -> None:
    """Each part three ways: as counted, as listed, and as read by hand."""
    for part in parts:
        counted = PARTY_PARTS[part]
        expected = [row for row in reading.rows(part) if is_own(row)]
        listed = list(counted_rows(part, subject, reading.period, access).values_list("pk", flat=True))
        assert sorted(listed) == sorted(row.pk for row in expected), (name, part)
        assert tally[part] == len(listed), (name, part)
        if counted.amount:
            assert tally[counted.amount] == sum(row.amount for row in expected), (name, part)


def test_every_part_occurs_in_the_quarter(world: PartyCity) -> None:
    """Else the comparison above would prove little."""
    subject, reader, _ = subjects(world)["city"]
    counts = party_overview(subject, Period.named(Span.QUARTER, NOW), world.access(reader)).total.current
    assert min(counts[part] for part in PARTY_PARTS) >= 1


def test_each_member_of_each_breakdown_equals_its_list(world: PartyCity) -> None:
    period, access = Period.named(Span.QUARTER, NOW), world.access(world.official)
    city = world.city.city.path
    found = party_overview(PartySubject(place=city), period, access, folds=[Fold(by) for by in FOLDS])
    reading = Reading(period)
    for by in FOLDS:
        for key, figures in found.members[by].items():
            for part, counted in PARTY_PARTS.items():
                rows = [r for r in reading.rows(part) if below(By.PLACE, city)(r) and r.belongs[by] == key]
                assert figures.current[part] == len(rows), (by, key, part)
                if counted.amount:
                    assert figures.current[counted.amount] == sum(row.amount for row in rows)
        for part in PARTY_PARTS:
            total = sum(each.current[part] for each in found.members[by].values())
            assert total == found.total.current[part], (by, part)


def test_a_breakdown_of_paths_is_the_subject_of_the_member(world: PartyCity) -> None:
    """What a row of the table says is what its own page says."""
    period, access, city = Period.named(Span.QUARTER, NOW), world.access(world.official), world.city
    fold = Fold(By.PLACE, len(city.street.path) + Place.steplen)
    found = party_overview(PartySubject(place=city.street.path), period, access, folds=[fold])
    for place in city.communities:
        own = party_overview(PartySubject(place=place.path), period, access).total.current
        assert found.members[By.PLACE][place.path].current == own


def test_the_median_is_of_the_first_claims(world: PartyCity) -> None:
    period = Period.named(Span.QUARTER, NOW)
    access, subject = world.access(world.official), PartySubject(place=world.city.city.path)
    tally = party_overview(subject, period, access).total.current
    waited = [
        (wish.first_claimed_at - wish.published_at).total_seconds()
        for wish in counted_rows("wishes_claimed", subject, period, access)
    ]
    assert tally.span("time_to_claim") == timedelta(seconds=median(waited))


def test_satisfaction_weighs_as_for_incidents_and_is_a_dash_without_ratings() -> None:
    tally = Tally({"wishes_satisfied": 206, "wishes_basically": 13, "wishes_rated": 227})
    assert tally.rate("wish_satisfaction") == (206 + Decimal("0.9") * 13) * 100 / 227
    assert Tally().rate("wish_satisfaction") is None


def test_who_does_not_answer_for_a_subject_counts_and_lists_nothing(world: PartyCity) -> None:
    """Owner, colleague and outsider: the figures themselves deny, whatever a page may ask."""
    period = Period.named(Span.QUARTER, NOW)
    city = PartySubject(place=world.city.city.path)
    for subject, owner, _own in subjects(world).values():
        for user in (world.official, world.secretary, world.head, world.people[0]):
            access = world.access(user)
            counts = party_overview(subject, period, access).total.current
            listed = sum(counted_rows(part, subject, period, access).count() for part in PARTY_PARTS)
            assert listed == sum(counts[part] for part in PARTY_PARTS)
            assert bool(listed) == (user == owner)
    assert not PartySubject().is_own(world.access(world.official)), "a subject of nothing is nobody's"
    assert city.is_own(world.access(world.official))


def test_two_queries_however_much_is_asked_for(world: PartyCity) -> None:
    access, period = world.access(world.official), Period.named(Span.QUARTER, NOW)
    folds = [Fold(by) for by in FOLDS]
    with CaptureQueriesContext(connection) as found:
        party_overview(PartySubject(place=world.city.city.path), period, access, folds=folds)
    assert len(found) == 2
