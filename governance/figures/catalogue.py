"""Every figure and every part by key, of incidents and of the Party's side: what arithmetic and pages ask."""

from __future__ import annotations

from .formulas import FIGURES, PARTS, Figure, Text
from .party.formulas import PARTY_FIGURES, PARTY_PARTS

_FIGURES = FIGURES | PARTY_FIGURES
_LABELS: dict[str, Text] = {key: part.label for key, part in PARTS.items()} | {
    key: part.label for key, part in PARTY_PARTS.items()
}


def figure_of(key: str) -> Figure:
    """The figure of a key. Raises KeyError for one that does not exist."""
    return _FIGURES[key]


def part_label(key: str) -> Text:
    """What the rows of a part are called. Raises KeyError for a part that does not exist."""
    return _LABELS[key]
