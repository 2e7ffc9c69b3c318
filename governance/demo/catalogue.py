"""The demo city's catalogue and responsibilities, written into the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from django.db import transaction

from cases.calendars import forget_calendar, seed_calendar
from cases.catalogue import touch_catalogue
from cases.deadlines import TimerType
from cases.defaults import seed_configuration
from cases.models import Matter, MatterClass, OwnerRole, Responsibility, Standard, Urgency
from governance.demo.matters import CLASSES, GivenMatter
from governance.demo.territory import Territory
from partymembers.models import Unit

#: The standards are in force from this instant.
SINCE: Final = datetime(2024, 12, 31, 16, tzinfo=UTC)
_TIMERS: Final = {
    "u": TimerType.URGENT_HOUR,
    "h": TimerType.WORK_HOUR,
    "d": TimerType.WORK_DAY,
    "n": TimerType.NATURAL_DAY,
}
_OFFICE: Final = "属地街道执法队"


@dataclass(frozen=True)
class Listed:
    """A matter as it was written, with what the loader knows of it."""

    matter: Matter
    given: GivenMatter
    standards: tuple[Standard, ...]


@transaction.atomic
def make_catalogue(territory: Territory, units: dict[str, Unit], *, at: datetime) -> list[Listed]:
    """Calendar, stage limits, ladder, classes, matters, standards, and who answers for them where."""
    for year in range(min(2025, at.year - 1), at.year + 2):
        seed_calendar(year)
    forget_calendar()
    seed_configuration()
    office = OwnerRole.objects.create(name=_OFFICE)
    listed: list[Listed] = []
    rules: list[Responsibility] = []
    for given_class in CLASSES:
        row = MatterClass.objects.create(
            section=given_class.section, code=given_class.code, name=given_class.name
        )
        if given_class.unit:
            rules.append(
                Responsibility(matter_class=row, place=territory.district, unit=units[given_class.unit])
            )
        for given in given_class.matters:
            each = _write(row, given, office)
            listed.append(each)
            rules += _rules(each, territory, units)
    rules += [
        Responsibility(owner_role=office, place=street, unit=units[f"office {street.code}"])
        for street in territory.streets
    ]
    Responsibility.objects.bulk_create(rules)
    touch_catalogue()
    return listed


def _write(row: MatterClass, given: GivenMatter, office: OwnerRole) -> Listed:
    matter = Matter.objects.create(
        matter_class=row,
        code=given.code,
        name=given.name,
        keywords=given.keywords,
        direct_dispatch=given.direct,
        needs_photo=given.photo,
        is_fallback=given.fallback,
    )
    standards = [
        _standard(matter, number, limit, office if given.unit == "office" else None)
        for number, limit in enumerate(given.limits, start=1)
    ]
    return Listed(matter, given, tuple(Standard.objects.bulk_create(standards)))


def _standard(matter: Matter, number: int, limit: str, owner: OwnerRole | None) -> Standard:
    amount, _space, condition = limit.partition(" ")
    timer = _TIMERS[amount[-1]]
    return Standard(
        matter=matter,
        sequence=number,
        condition=condition,
        close_condition="恢复完好，现场清净",
        amount=Decimal(amount[:-1]),
        timer_type=timer,
        urgency=Urgency.URGENT if timer == TimerType.URGENT_HOUR else Urgency.NORMAL,
        owner_role=owner,
        owners=owner.name if owner else "",
        valid_from=SINCE,
    )


def _rules(each: Listed, territory: Territory, units: dict[str, Unit]) -> list[Responsibility]:
    """A matter's own rules: a unit of the district, or every street's property company."""
    key = each.given.unit
    if key in ("", "office"):  # nobody; or the kind of owner that its standards name
        return []
    if key == "property":
        return [
            Responsibility(matter=each.matter, place=street, unit=units[f"property {street.code}"])
            for street in territory.streets
        ]
    return [Responsibility(matter=each.matter, place=territory.district, unit=units[key])]
