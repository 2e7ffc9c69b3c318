"""Splitting, merging and handing over places: the old ones end, successors begin, nothing moves.

A successor takes everything that lay below its predecessor: each place there ends too and goes on under a
code of the successor, with a `PlaceChange` of its own, so that every single order can follow its own grid
or building. QR codes on walls and compounds go on with the successors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import shapely
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from shapely.geometry import mapping, shape

from grids import boundaries, codes
from grids.errors import PlaceError
from grids.levels import Level
from grids.models import Building, Compound, Place, PlaceChange
from grids.writing import NewPlace, create_place, current_for_update, free_code, record_change


@transaction.atomic
def split_place(
    *,
    place: Place,
    into: Sequence[NewPlace],
    at: datetime,
    children: Mapping[int, int] | None = None,
    note: str = "",
) -> list[Place]:
    """End a place and begin two or more in its stead; returns them in the order given.

    `children` says which of them takes each current child: id of the child → index in `into`. A child that
    is not named goes to the one whose boundary holds its middle. Raises PlaceError when a child fits none,
    and CodeError or BoundaryError for a wrong successor; nothing is then written.
    """
    if len(into) < 2:
        raise PlaceError(_("A split needs at least two successors."))
    old = current_for_update(place)
    below = list(Place.objects.current().filter(path__startswith=old.path, depth=old.depth + 1))
    successors = [_begin(new, [old], at=at) for new in into]
    takers = {child.pk: _taker(child, successors, children or {}) for child in below}
    _end(old, at=at)
    record_change(PlaceChange.Kind.SPLIT, [old], successors, at=at, note=note)
    for child in below:
        _carry_over(child, takers[child.pk], at=at, note=note)
    _hand_on_compounds(old, successors)
    _hand_on_qr_codes(old, successors[0])
    boundaries.raise_version()
    return successors


@transaction.atomic
def merge_places(*, places: Sequence[Place], into: NewPlace | Place, at: datetime, note: str = "") -> Place:
    """End places of one level and let a new or another current one take them; returns the one that goes on.

    Its boundary becomes the union of all, unless the new one brings its own. Raises PlaceError.
    """
    ending = [current_for_update(place) for place in places]
    if len({old.pk for old in ending}) < (2 if isinstance(into, NewPlace) else 1):
        raise PlaceError(_("A merger needs at least two places."))
    kept = current_for_update(into) if isinstance(into, Place) else None
    if kept is not None and kept.pk in {old.pk for old in ending}:
        raise PlaceError(_("A place cannot be merged into itself."))
    if len({place.level for place in [*ending, *([kept] if kept else [])]}) != 1:
        raise PlaceError(_("Only places of the same level can be merged."))
    successor = kept or _begin(into, ending, at=at)
    _unite(successor, ending, keep_own=isinstance(into, NewPlace) and into.boundary is not None)
    for old in ending:
        below = list(Place.objects.current().filter(path__startswith=old.path, depth=old.depth + 1))
        _end(old, at=at)
        for child in below:
            _carry_over(child, successor, at=at, note=note)
        _hand_on_compounds(old, [successor])
        _hand_on_qr_codes(old, successor)
    record_change(PlaceChange.Kind.MERGE, ending, [successor], at=at, note=note)
    boundaries.raise_version()
    return successor


@transaction.atomic
def hand_over_place(
    *, place: Place, parent: Place, at: datetime, code: str | None = None, note: str = ""
) -> Place:
    """Let a place, with all below it, go on under another parent and so under other codes.

    `code` defaults to the old number under the new parent where that is free, else to the next one. Raises
    PlaceError when it lies there already, CodeError when it cannot lie there.
    """
    old = current_for_update(place)
    parent = current_for_update(parent)
    if old.path[: -Place.steplen] == parent.path:
        raise PlaceError(_("The place lies under %s already.") % parent.name)
    if parent.path.startswith(old.path):
        raise PlaceError(_("A place cannot be handed over to one below itself."))
    successor = _carry_over(old, parent, at=at, note=note, code=code)
    if successor.level in {Level.GRID, Level.BUILDING}:
        _move_emptied_compounds(old, successor)
    boundaries.raise_version()
    return successor


def _begin(new: NewPlace, predecessors: Sequence[Place], *, at: datetime) -> Place:
    """A successor beside its first predecessor, unless it names another parent."""
    first = predecessors[0]
    level = Level(first.level)
    if level is Level.BUILDING:
        raise PlaceError(_("Buildings are not split or merged; hand them over, or retire and add them."))
    return create_place(new, parent=new.parent or Place.objects.get_parent(first), level=level, at=at)


def _taker(child: Place, successors: Sequence[Place], chosen: Mapping[int, int]) -> Place:
    if child.pk in chosen:
        if not 0 <= chosen[child.pk] < len(successors):
            raise PlaceError(_("%s is given to a successor that does not exist.") % child.name)
        return successors[chosen[child.pk]]
    if child.lng is not None and child.lat is not None:
        middle = shapely.Point(child.lng, child.lat)
        for successor in successors:
            if successor.boundary and shape(successor.boundary).intersects(middle):
                return successor
    raise PlaceError(_("Say which successor takes %s.") % child.name)


def _end(place: Place, *, at: datetime) -> None:
    place.retired_on = timezone.localdate(at)
    place.save(update_fields=["retired_on"])


def _carry_over(old: Place, parent: Place, *, at: datetime, note: str, code: str | None = None) -> Place:
    """End a place, begin its copy under another parent, and do the same with all below it."""
    level = Level(old.level)
    new = NewPlace(
        name=old.name, code=code or _same_number(old, parent, level), kind=old.kind, boundary=old.boundary,
        is_schematic=old.is_schematic, lng=old.lng, lat=old.lat,
    )  # fmt: skip
    successor = create_place(new, parent=parent, level=level, at=at)
    below = list(Place.objects.current().filter(path__startswith=old.path, depth=old.depth + 1))
    _end(old, at=at)
    record_change(PlaceChange.Kind.HANDOVER, [old], [successor], at=at, note=note)
    building = Building.objects.filter(place=old).first()
    if building is not None:
        building.pk = None
        building.place = successor
        building.save(force_insert=True)
    for child in below:
        _carry_over(child, successor, at=at, note=note)
    _hand_on_compounds(old, [successor])
    _hand_on_qr_codes(old, successor)
    return successor


def _same_number(old: Place, parent: Place, level: Level) -> str:
    """The old number under the new parent, or the next free code where another place has had it."""
    try:
        code = codes.compose(parent.code, level, codes.parse(old.code).part)
    except codes.CodeError as error:
        raise PlaceError(
            _("%(name)s cannot lie under %(parent)s.") % {"name": old, "parent": parent}
        ) from error
    return free_code(parent, level) if Place.objects.filter(code=code).exists() else code


def _hand_on_compounds(old: Place, successors: Sequence[Place]) -> None:
    """Compounds are no places of the tree: they change their community, each to where its buildings went."""
    for compound in Compound.objects.filter(community_id=old.pk).order_by("pk"):
        homes = Place.objects.current().filter(building__compound=compound).order_by("code")
        prefixes = {home.code[: codes.DIVISION_LENGTH] for home in homes}
        taker = next((place for place in successors if place.code in prefixes), successors[0])
        _settle(compound, taker, old)


def _move_emptied_compounds(old: Place, successor: Place) -> None:
    """A compound whose last buildings went to another community with a grid goes there too."""
    community = Place.objects.get(code=successor.code[: codes.DIVISION_LENGTH])
    former = Place.objects.get(code=old.code[: codes.DIVISION_LENGTH])
    moved = Place.objects.current().below([successor]).values("building__compound")
    staying = Place.objects.current().below([former]).filter(building__compound__isnull=False)
    for compound in Compound.objects.filter(community=former, pk__in=moved):
        if not staying.filter(building__compound=compound).exists():
            _settle(compound, community, former)


def _settle(compound: Compound, community: Place, former: Place) -> None:
    """Give a compound to a community; a name that the community has already is told apart."""
    if Compound.objects.filter(community=community, name=compound.name).exclude(pk=compound.pk).exists():
        compound.name = f"{compound.name}（{former.name}）"[:100]
    compound.community = community
    compound.save(update_fields=["community", "name"])


def _hand_on_qr_codes(old: Place, successor: Place) -> None:
    """A code printed on a wall goes on working."""
    old.qr_codes.update(place=successor)


def _unite(successor: Place, ending: Sequence[Place], *, keep_own: bool) -> None:
    drawn = [place.boundary for place in [successor, *ending] if place.boundary]
    if keep_own or not drawn:
        return
    union = shapely.union_all([shape(boundary) for boundary in drawn])
    cleaned = boundaries.clean_boundary(mapping(union))
    for field, value in cleaned.as_fields().items():
        setattr(successor, field, value)
    successor.is_schematic = successor.is_schematic or any(old.is_schematic for old in ending)
    successor.save(update_fields=[*cleaned.as_fields(), "is_schematic"])
