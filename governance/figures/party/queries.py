"""The Party's figures ready to be shown: of a subject in a period, broken down, compared; and their rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from governance.figures.periods import Period
from governance.figures.queries import FigureSet
from governance.figures.tallies import Tally
from partymembers.access import Access

from .counting import Fold, PartyRequest, count_party
from .formulas import PARTY_PARTS
from .rows import rows_of, within
from .subjects import By, PartySubject

_NOTHING = Tally()


@dataclass(frozen=True, slots=True)
class PartyOverview:
    """The whole, and of each breakdown its members: by path (None: none), or by unit's id."""

    total: FigureSet = field(default_factory=FigureSet)
    members: Mapping[By, Mapping[Any, FigureSet]] = field(default_factory=dict)


def party_overview(
    subject: PartySubject, period: Period, access: Access, *, folds: Sequence[Fold] = ()
) -> PartyOverview:
    """Every figure of the subject with both comparisons and every breakdown asked for; two queries.

    What stands (members) is not compared: a member who moves is due anew, so how it stood is not kept.
    """
    periods = [period, period.previous(), period.year_before()]
    sets: dict[tuple[By | None, Any], dict[int, Tally]] = defaultdict(dict)
    for group, tally in count_party(PartyRequest(subject, periods, folds), access).items():
        sets[group.by, group.key][group.bucket] = tally
    found = {
        which: FigureSet(*(tallies.get(bucket, _NOTHING) for bucket in range(3)))
        for which, tallies in sets.items()
    }
    return PartyOverview(
        total=found.get((None, None), FigureSet()),
        members={
            fold.by: {key: each for (by, key), each in found.items() if by is fold.by} for fold in folds
        },
    )


def counted_rows(part: str, subject: PartySubject, period: Period, access: Access) -> QuerySet[Any]:
    """Exactly the rows that the part's count counts, the latest first.

    Raises KeyError for a part that does not exist.
    """
    counted = PARTY_PARTS[part]
    rows = rows_of(counted.cohort, subject, period, access)
    return rows.filter(within(counted.cohort, period)).filter(counted.condition).order_by("-pk")
