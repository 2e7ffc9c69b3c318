"""What another ladder would do to the orders that are open now: counts, and nothing is written.

All running clocks are looked at. Where there are more than `MOST_CLOCKS`, those of every so-manieth order
are, and the counts are multiplied: somebody waits for the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import QuerySet
from django.db.models.functions import Mod

from cases.calendars import current_calendar
from cases.deadlines import TimerType, elapsed
from cases.ladder import LOOKED_AT, next_percent, rungs_at, rungs_for
from cases.models import Case, Clock, LadderRung
from cases.workflow import Stage

#: How far the preview looks ahead.
AHEAD: Final = timedelta(hours=24)
#: Clocks that are looked at, at most (some five seconds).
MOST_CLOCKS: Final = 50_000
#: More rungs of one clock are not foretold.
_MOST: Final = 100


class Key(NamedTuple):
    """What is counted together: percent and repetition of a rung, what it does, at which stage."""

    percent: int
    repeat_every: int
    deed: str
    stage: str


class Counts(NamedTuple):
    """Deeds due at once, and those that come due within `AHEAD`."""

    at_once: int
    soon: int


@dataclass(frozen=True)
class Line:
    """A rung at a stage: what it would do on the ladder in force, and on the other one."""

    key: Key
    now: Counts
    then: Counts

    @property
    def is_changed(self) -> bool:
        """Whether it makes a difference."""
        return self.now != self.then

    @property
    def deed(self) -> str:
        """What happens, in the reader's language."""
        return str(LadderRung.Deed(self.key.deed).label)

    @property
    def stage(self) -> str:
        """The stage, in the reader's language."""
        return str(Stage(self.key.stage).label)


@dataclass(frozen=True)
class Preview:
    """The comparison: a line for each rung and stage at which either ladder would do something."""

    clocks: int
    lines: tuple[Line, ...]
    #: The clocks of every so-manieth order were looked at; 1: all, and the counts are exact.
    stride: int = 1

    @property
    def is_estimate(self) -> bool:
        """Whether not all clocks were looked at."""
        return self.stride > 1

    @property
    def now(self) -> Counts:
        """All deeds of the ladder in force."""
        return _total(line.now for line in self.lines)

    @property
    def then(self) -> Counts:
        """All deeds of the other ladder."""
        return _total(line.then for line in self.lines)


def _total(counts: Iterable[Counts]) -> Counts:
    each = list(counts)
    return Counts(sum(c.at_once for c in each), sum(c.soon for c in each))


def with_rung(ladder: Iterable[LadderRung], rung: LadderRung) -> list[LadderRung]:
    """The ladder with one rung added or in place of what it was; without it where it is not in force."""
    rest = [each for each in ladder if each.pk != rung.pk]
    return [*rest, rung] if rung.is_active else rest


def preview_ladder(ladder: Sequence[LadderRung], *, at: datetime) -> Preview:
    """Count what the next sweep, and those of the next 24 hours, would do if nobody acted meanwhile.

    Two queries, and one more for each 2,000 clocks that are looked at.

    A climb is foretold as often as there are desks above; several clocks of one order are counted each.
    """
    current = list(LadderRung.objects.filter(is_active=True))
    now: dict[bool, Counter[Key]] = {True: Counter(), False: Counter()}
    then: dict[bool, Counter[Key]] = {True: Counter(), False: Counter()}
    count = _running().count()
    stride = max(1, -(-count // MOST_CLOCKS))
    for clock in _looked_at(stride):
        shares = (_share(clock, at), _share(clock, at + AHEAD))
        for found, rungs in ((now, current), (then, ladder)):
            for key, is_due in _foretold(clock, rungs, *shares):
                found[is_due][key] += stride
    keys = sorted({*now[True], *now[False], *then[True], *then[False]})
    lines = (Line(key, *(Counts(f[True][key], f[False][key]) for f in (now, then))) for key in keys)
    return Preview(count, tuple(lines), stride)


def _running() -> QuerySet[Clock]:
    return Clock.objects.filter(stopped_at=None, paused_at=None, case__is_test=False)


def _looked_at(stride: int) -> Iterable[Clock]:
    """The running clocks of every so-manieth order: one order's clocks follow each other in a pattern."""
    rows = _running() if stride == 1 else _running().alias(turn=Mod("case_id", stride)).filter(turn=0)
    looked_at = [f"case__{name}" for name in LOOKED_AT]
    related = rows.select_related("case__desk", "case__matter")
    own = ("stage", "timer_type", "limit", "extended", "paused_total", "started_at", "passed_percent")
    return related.only(*own, *looked_at).order_by().iterator(2000)


def _share(clock: Clock, at: datetime) -> int:
    """The highest percentage whose instant (`clocks.instant`) is reached."""
    spent = (
        elapsed(clock.started_at, at, TimerType(clock.timer_type), current_calendar()) - clock.paused_total
    )
    limit = max(clock.limit + clock.extended, timedelta(microseconds=1))
    return (100 * (max(spent, timedelta(0)) + timedelta(microseconds=1)) - timedelta(microseconds=1)) // limit


def _foretold(
    clock: Clock, ladder: Sequence[LadderRung], share: int, later: int
) -> Iterable[tuple[Key, bool]]:
    """Each deed that would be done, and whether at once."""
    case: Case = clock.case
    rungs, levels = rungs_for(ladder, case, clock.stage), case.desk.depth - 1
    passed = clock.passed_percent
    for _turn in range(_MOST):
        percent = next_percent(rungs, passed)
        if percent is None or percent > later:
            return
        for rung in rungs_at(rungs, percent):
            if rung.deed == LadderRung.Deed.CLIMB:
                levels -= 1
                if levels < 0:
                    continue
            yield Key(rung.percent, rung.repeat_every, rung.deed, clock.stage), percent <= share
        passed = percent
