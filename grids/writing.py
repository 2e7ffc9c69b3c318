"""The steps that the territory's actions share; each is to be called inside an action's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from grids import codes
from grids.boundaries import clean_boundary
from grids.coordinates import check_position
from grids.errors import PlaceEnded, PlaceError
from grids.levels import Level
from grids.models import Place, PlaceChange, PlaceKind
from grids.querysets import put_under


@dataclass(frozen=True)
class NewPlace:
    """A place to be made. `code` None means the next free one; `boundary` is GeoJSON in `system`.

    `parent` is only asked by a split or merger: None there means the parent of the place that ends.
    """

    name: str
    code: str | None = None
    kind: str = ""
    boundary: object = None
    system: str = "wgs84"
    is_schematic: bool = False
    lng: float | None = None
    lat: float | None = None
    parent: Place | None = None


def create_place(new: NewPlace, *, parent: Place | None, level: Level, at: datetime) -> Place:
    """Check and save a new place. Raises CodeError, BoundaryError, PositionError or PlaceError."""
    if parent is not None:
        # The lock holds back others who would take the same next code.
        parent.numchild = current_for_update(parent).numchild
    code = new.code or free_code(parent, level)
    if Place.objects.filter(code=code).exists():
        raise PlaceError(_("The code %s has been given already; a code is never used twice.") % code)
    if new.kind not in PlaceKind.values:
        raise PlaceError(_("“%s” is not a kind of place.") % new.kind)
    place = Place(code=code, name=checked_name(new.name), level=level, kind=new.kind)
    place.since = timezone.localdate(at)
    place.is_schematic = new.is_schematic
    if new.lng is not None and new.lat is not None:
        check_position(new.lng, new.lat)
        place.lng, place.lat = new.lng, new.lat
    if new.boundary is not None:
        for field, value in clean_boundary(new.boundary, system=new.system).as_fields().items():
            setattr(place, field, value)
    put_under(place, parent)
    place.save(force_insert=True)
    if parent is not None:
        parent.numchild += 1  # the caller goes on with this very object
        parent.save(update_fields=["numchild"])
    return place


def free_code(parent: Place | None, level: Level) -> str:
    """The next code under a parent, counting retired places. Raises CodeError when none is left."""
    if parent is None:
        raise PlaceError(_("A city needs its division code."))
    stem = parent.code[: codes.DIVISION_LENGTH] if level is Level.GRID else parent.code.rstrip("0")
    taken = Place.objects.filter(level=level, code__startswith=stem).values_list("code", flat=True)
    return codes.next_code(parent.code, taken, level=level)


def current_for_update(place: Place) -> Place:
    """The place read anew and locked. Raises PlaceEnded when it is retired."""
    locked = Place.objects.select_for_update().get(pk=place.pk)
    if locked.retired_on is not None:
        raise PlaceEnded(_("%s has been retired.") % locked.name)
    return locked


def checked_name(name: str) -> str:
    """The name without spaces around it. Raises PlaceError when it is empty, too long or not text."""
    name = name.strip()
    longest = Place._meta.get_field("name").max_length or 0
    if not name or len(name) > longest or "\x00" in name:
        raise PlaceError(_("A name has 1 to %d characters.") % longest)
    return name


def record_change(
    kind: PlaceChange.Kind,
    predecessors: Iterable[Place],
    successors: Iterable[Place],
    *,
    at: datetime,
    note: str,
) -> PlaceChange:
    """Append what happened, for those above who move orders and posts after it."""
    change = PlaceChange.objects.create(kind=kind, effective_at=at, note=note)
    change.predecessors.set(predecessors)
    change.successors.set(successors)
    return change
