"""Which unit receives an order, and why: a pure decision over the responsibilities.

The most specific rule wins, and among equals the deepest place. From the most specific: the matter itself,
the kind of owner that its standard names, the major class. A kind of owner stands between the two because it
is said of one condition of one matter, while a class speaks for all its matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Q
from django.utils.translation import gettext as _

from cases.models import Case, Matter, Responsibility, Standard
from cases.workflow import State
from grids.models import Place
from partymembers.models import Unit

#: What a reason's "by" may say, from the most specific; "nothing" is a desk's own decision.
BY_MATTER: Final = "matter"
BY_OWNER: Final = "owner"
BY_CLASS: Final = "class"
BY_NOTHING: Final = "nothing"
_RANKS: Final = {BY_MATTER: 0, BY_OWNER: 1, BY_CLASS: 2}


@dataclass(frozen=True)
class Route:
    """Where an order should go; without a unit the community's desk decides.

    `reason` is JSON-safe and kept on the order: `explain_reason` reads it, even after the rule has changed.
    """

    unit: Unit | None
    rule: Responsibility | None
    reason: dict[str, Any]


@dataclass(frozen=True)
class UnitRecord:
    """What a unit has done of a matter: orders closed, and how many of 100 by their due time."""

    count: int
    on_time_rate: float | None


def route(matter: Matter, standard: Standard | None, place: Place) -> Route:
    """The unit responsible for a matter, under a standard, at a place; one query.

    Rules of disabled units are passed over, and the reason names those units.
    """
    rules = sorted(_rules_for(matter, standard, place), key=_specificity)
    able = [rule for rule in rules if rule.unit.disabled_at is None]
    chosen = able[0] if able else None
    passed_over = [
        rule.unit.name
        for rule in rules[: rules.index(chosen) if chosen else None]
        if rule.unit.disabled_at is not None
    ]
    return Route(chosen.unit if chosen else None, chosen, _reason(chosen, passed_over))


def _rules_for(matter: Matter, standard: Standard | None, place: Place) -> list[Responsibility]:
    subject = Q(matter=matter) | Q(matter_class_id=matter.matter_class_id)
    if standard is not None and standard.owner_role_id is not None:
        subject |= Q(owner_role_id=standard.owner_role_id)
    step = Place.steplen
    line = [place.path[:end] for end in range(step, len(place.path) + 1, step)]
    return list(
        Responsibility.objects.filter(subject, place__path__in=line).select_related(
            "unit", "place", "matter", "matter_class", "owner_role"
        )
    )


def _specificity(rule: Responsibility) -> tuple[int, int]:
    return _RANKS[_kind_of(rule)], -len(rule.place.path)


def _kind_of(rule: Responsibility) -> str:
    if rule.matter_id is not None:
        return BY_MATTER
    return BY_OWNER if rule.owner_role_id is not None else BY_CLASS


def _reason(rule: Responsibility | None, passed_over: list[str]) -> dict[str, Any]:
    if rule is None:
        return {"by": BY_NOTHING, "passed_over": passed_over}
    subject = rule.matter or rule.owner_role or rule.matter_class
    return {
        "by": _kind_of(rule),
        "rule": rule.pk,
        "subject": str(subject),
        "place": rule.place.name,
        "place_id": rule.place_id,
        "unit": rule.unit.name,
        "unit_id": rule.unit_id,
        "passed_over": passed_over,
    }


def explain_reason(reason: Mapping[str, Any]) -> str:
    """A reason in the reader's language: "Rule: storm drain grate × Liupu street."; empty before routing."""
    if not reason:
        return ""
    if reason.get("by") == BY_NOTHING:
        told = _("No rule fits: the desk decides.")
    else:
        told = _("Rule: %(subject)s × %(place)s.") % {
            "subject": reason.get("subject", ""),
            "place": reason.get("place", ""),
        }
    for unit in reason.get("passed_over", ()):
        told += " " + _("%(unit)s is disabled and was passed over.") % {"unit": unit}
    return told


def unit_record(unit: Unit, matter: Matter, *, since: datetime) -> UnitRecord:
    """How a unit has done with a matter: its orders closed since an instant; one query.

    A closed order without a due time (imported history) counts as an order and not towards the rate.
    """
    closed = Case.objects.real().filter(unit=unit, matter=matter)
    closed = closed.filter(state=State.CLOSED, closed_at__gte=since)
    sums = closed.aggregate(
        count=Count("pk"),
        due=Count("pk", filter=Q(due_at__isnull=False)),
        on_time=Count("pk", filter=Q(closed_at__lte=F("due_at"))),
    )
    rate = 100 * sums["on_time"] / sums["due"] if sums["due"] else None
    return UnitRecord(sums["count"], rate)
