"""A catalogue for tests: matters, standards, who is responsible where, limits of the stages, the ladder."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from cases.deadlines import TimerType
from cases.defaults import default_ladder, seed_configuration
from cases.models import (
    LadderRung,
    Matter,
    MatterClass,
    OwnerRole,
    Responsibility,
    StagePolicy,
    Standard,
    Urgency,
)
from grids.models import Place
from partymembers.models import Unit

_numbers = count(1)

#: Standards made here are valid from this instant.
LONG_AGO = datetime(2024, 12, 31, 16, tzinfo=UTC)


def make_class(
    name: str = "公用设施", *, code: str = "01", section: str = MatterClass.Section.COMPONENT
) -> MatterClass:
    """The major class of that section and code, made if it is not there."""
    return MatterClass.objects.get_or_create(section=section, code=code, defaults={"name": name})[0]


def make_matter(
    code: str | None = None,
    name: str = "雨水箅子",
    *,
    amount: Decimal | int | str = 1,
    timer: TimerType = TimerType.WORK_DAY,
    urgency: str = Urgency.NORMAL,
    direct: bool = False,
    unit: Unit | None = None,
    place: Place | None = None,
    matter_class: MatterClass | None = None,
    valid_from: datetime = LONG_AGO,
    **fields: object,
) -> Matter:
    """A matter with one standard; if a unit and a place are given, that unit is responsible there."""
    matter = Matter.objects.create(
        matter_class=matter_class or make_class(),
        code=code or f"T{next(_numbers):04d}",
        name=name,
        direct_dispatch=direct,
        **fields,
    )
    make_standard(matter, amount=amount, timer=timer, urgency=urgency, valid_from=valid_from)
    if unit is not None and place is not None:
        make_responsibility(unit, place, matter=matter)
    return matter


def make_standard(
    matter: Matter,
    condition: str = "破损",
    *,
    amount: Decimal | int | str = 1,
    timer: TimerType = TimerType.WORK_DAY,
    urgency: str = Urgency.NORMAL,
    valid_from: datetime = LONG_AGO,
    **fields: object,
) -> Standard:
    """One more standard of the matter, numbered after those it has."""
    fields.setdefault("sequence", matter.standards.count() + 1)
    return Standard.objects.create(
        matter=matter,
        condition=condition,
        close_condition="修复",
        amount=Decimal(amount),
        timer_type=timer,
        urgency=urgency,
        valid_from=valid_from,
        **fields,
    )


def make_responsibility(
    unit: Unit,
    place: Place,
    *,
    matter: Matter | None = None,
    matter_class: MatterClass | None = None,
    owner_role: OwnerRole | None = None,
) -> Responsibility:
    """The unit answers for one of the three in the place and below."""
    return Responsibility.objects.create(
        unit=unit, place=place, matter=matter, matter_class=matter_class, owner_role=owner_role
    )


def make_policies() -> list[StagePolicy]:
    """The default limits of the stages, whether or not the migration's rows are still there."""
    seed_configuration()
    return list(StagePolicy.objects.all())


def make_ladder() -> list[LadderRung]:
    """The default ladder, and nothing else."""
    LadderRung.objects.all().delete()
    return LadderRung.objects.bulk_create(LadderRung(**rung._asdict()) for rung in default_ladder())
