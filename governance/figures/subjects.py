"""What figures are about: a place with all below, a unit, matter, channel or person; or several at once."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, NullIf

from grids.models import ORDER_LEVELS, Level, Place

from .formulas import Cohort


@dataclass(frozen=True, slots=True)
class Area:
    """A place as orders know it: the column of its level, and the ids that stand for it there.

    An order carries the smallest grid that it lies in, so a large grid answers to several ids.
    """

    place_id: int
    level: Level
    path: str
    ids: tuple[int, ...]
    #: Only what lies in none of the places below: the rest that a breakdown by place leaves.
    is_rest: bool = False

    def condition(self, cohort: Cohort) -> Q:
        """Orders of this place and below, by the cohort's place columns."""
        column = f"{cohort.prefix}{self.level}_id"
        if self.is_rest:
            below = ORDER_LEVELS[self.level.rank + 1 :]
            return Q(
                **{column: self.place_id}, **{f"{cohort.prefix}{each}_id__isnull": True for each in below}
            )
        if len(self.ids) == 1:
            return Q(**{column: self.ids[0]})
        return Q(**{f"{column}__in": self.ids})

    def child(self, cohort: Cohort) -> Combinable:
        """The place right below this one that an order lies in; null when it is placed no deeper.

        A city may lack districts, wholly or in part: the first level that the order knows is the child.
        Below a community it is the smallest grid; `Overview.by_place` folds that into the large one.
        """
        below = [f"{cohort.prefix}{level}_id" for level in ORDER_LEVELS[self.level.rank + 1 :]]
        if not below:
            return NullIf(F(f"{cohort.prefix}{self.level}_id"), Value(self.place_id))
        return F(below[0]) if len(below) == 1 else Coalesce(*below)


#: Instead of a unit's id: orders that no unit leads, as before dispatch.
NO_UNIT = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """What is counted: orders that meet every given dimension; none given means all that one may see.

    `unit_id` is the lead unit when the order closed, or now. A person is either who reported or who handled.
    """

    area: Area | None = None
    unit_id: int | None = None
    matter_id: int | None = None
    channel: str = ""
    reporter_id: int | None = None
    handler_id: int | None = None

    def condition(self, cohort: Cohort) -> Q:
        """Orders that the subject is about, by the cohort's place columns."""
        wanted = {
            "unit_id": self.unit_id,
            "matter_id": self.matter_id,
            "channel": self.channel or None,
            "reporter_id": self.reporter_id,
            "handler_id": self.handler_id,
        }
        if self.unit_id == NO_UNIT:
            wanted |= {"unit_id": None, "unit_id__isnull": True}
        condition = self.area.condition(cohort) if self.area else Q()
        return condition & Q(**{column: value for column, value in wanted.items() if value is not None})


def area_of(place: Place) -> Area:
    """The area of a place; one query for a grid, which may hold small grids, none for any other.

    Raises ValueError for a building: orders are counted down to the grid.
    """
    level = Level(place.level)
    if level not in ORDER_LEVELS:
        raise ValueError(f"no figures are kept for a {level}")
    if level is not Level.GRID:
        return Area(place.pk, level, place.path, (place.pk,))
    inner = Place.objects.filter(path__startswith=place.path, level=Level.GRID).values_list("pk", flat=True)
    return Area(place.pk, level, place.path, tuple(sorted({place.pk, *inner})))
