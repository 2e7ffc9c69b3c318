"""What a check is, and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.functional import Promise


@dataclass(frozen=True)
class Invariant:
    """One thing that must always be true.

    `sql` gives the rows that break it, in two columns: `number` of the order (or what else it is about) and
    `detail`, which names rows by id and holds nobody's name, phone or words. `repair` names a repair that
    is safe (`repairs.REPAIRS`); without one, a person must look.
    """

    name: str
    promise: str | Promise
    sql: str
    repair: str = ""


@dataclass(frozen=True)
class Offence:
    """One row that breaks a promise."""

    number: str
    detail: str


@dataclass(frozen=True)
class Outcome:
    """What one check found: how many rows, and the first of them."""

    invariant: Invariant
    count: int
    offences: tuple[Offence, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing breaks the promise."""
        return self.count == 0


@dataclass(frozen=True)
class Question:
    """When one looks, and what counts as too long.

    `grace` is how long something may wait for a worker or a sweep. `readers` are the consumers that must
    have read the log; empty, those whose cursor is in the table.
    """

    at: datetime
    grace: timedelta = timedelta(minutes=2)
    readers: tuple[str, ...] = ()
    #: Messages of events older than this are not looked for.
    since: timedelta = timedelta(days=7)
    sample: int = 20
    names: tuple[str, ...] = field(default=())
