"""Orders written straight into the table, in every state a life can reach: what the figures must count."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from cases.models import Case, Channel, Matter, Satisfaction
from cases.workflow import State
from grids.models import ORDER_LEVELS, Level, Place
from partymembers.models import Unit, User

_numbers = count(1)


_ids: dict[int, dict[Level, int]] = {}


def levels_of(place: Place, prefix: str = "") -> dict[str, int]:
    """The columns of a place and everything above it; asked once a place, since no place ever moves."""
    if place.pk not in _ids:
        _ids[place.pk] = place.ancestor_ids()
    ids = _ids[place.pk]
    return {f"{prefix}{level}_id": ids[level] for level in ORDER_LEVELS if level in ids}


def order(
    place: Place, matter: Matter, at: datetime, *, reported: Place | None = None, **fields: Any
) -> Case:
    """An unsaved order at `place`, reported at `at` (in `reported`, if it has been moved since)."""
    first = reported or place
    return Case(
        number=f"T{next(_numbers):08d}",
        place=place,
        desk=place,
        matter=matter,
        reported_place=first,
        reported_at=at,
        updated_at=at,
        **(
            {"channel": Channel.GRID_WORKER, "state": State.REPORTED}
            | levels_of(place)
            | levels_of(first, "reported_")
            | fields
        ),
    )


def closed_order(
    place: Place, matter: Matter, at: datetime, *, took: timedelta, limit: timedelta, **fields: Any
) -> Case:
    """An order that was closed `took` after its report, with `limit` from the report to its due time."""
    times = {"accepted_at": at, "handled_at": at + took, "closed_at": at + took, "due_at": at + limit}
    given: dict[str, Any] = {"state": State.CLOSED, "handling_time": took} | times | fields
    return order(place, matter, at, **given)


def random_orders(  # every dimension that a subject may have
    dice: random.Random,
    size: int,
    *,
    places: list[Place],
    matters: list[Matter],
    units: list[Unit],
    people: list[User],
    around: datetime,
) -> list[Case]:
    """Unsaved orders with every state, time and count that may meet, within some 40 days of `around`."""
    columns = {place.pk: (levels_of(place), levels_of(place, "reported_")) for place in places}
    orders = []
    for _ in range(size):
        place = dice.choice(places)
        first = place if dice.random() < 0.8 else dice.choice(places)
        at = around + timedelta(minutes=dice.randrange(-60 * 24 * 40, 60 * 24 * 10))
        orders.append(
            Case(
                number=f"T{next(_numbers):08d}",
                place=place,
                desk=place,
                reported_place=first,
                matter=dice.choice(matters),
                channel=dice.choice(Channel.values),
                unit=dice.choice([*units, None]),
                reporter=dice.choice([*people, None]),
                handler=dice.choice([*people, None]),
                reported_at=at,
                updated_at=at,
                **columns[place.pk][0],
                **columns[first.pk][1],
                **_fate(dice, at),
            )
        )
    return orders


def _fate(dice: random.Random, at: datetime) -> dict[str, Any]:
    """What became of it; a reopened order keeps its closing time."""
    state = dice.choice(State.values)

    def later(chance: float) -> datetime | None:
        return at + timedelta(minutes=dice.randrange(1, 60 * 24 * 9)) if dice.random() < chance else None

    closed = later(1.0 if state == State.CLOSED else 0.2)
    due = later(0.9)
    if closed and due and dice.random() < 0.1:
        due = closed  # closed at the very instant that it was due
    return {
        "state": state,
        "accepted_at": later(0.8),
        "handled_at": later(0.5),
        "closed_at": closed,
        "due_at": due,
        "handling_time": timedelta(minutes=dice.randrange(5000)) if dice.random() < 0.8 else None,
        "resolved_on_spot": dice.random() < 0.1,
        "reworks": dice.choice([0, 0, 0, 1, 2]),
        "extensions": dice.choice([0, 0, 0, 1]),
        "contacted": dice.choice([None, True, False]),
        "solved": dice.choice([None, True, False]),
        "satisfaction": dice.choice(["", *Satisfaction.values]),
        "rated_at": later(0.5),
        "next_due_at": later(0.5),
    }
