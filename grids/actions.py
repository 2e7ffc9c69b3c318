"""Every write to the territory. Each action is one transaction; `at` is when the change takes effect.

Places are never deleted, moved or given another code: see docs/adr on why. A change of the territory that
ends a place lives in `grids.succession` and is offered here too.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from grids import boundaries, codes
from grids.coordinates import check_position
from grids.errors import PlaceEnded, PlaceError
from grids.levels import Level
from grids.models import Building, Compound, Place, PlaceChange, QrCode
from grids.succession import NewPlace, hand_over_place, merge_places, split_place
from grids.writing import checked_name, create_place, current_for_update, record_change

__all__ = [
    "NewPlace",
    "PlaceEnded",
    "PlaceError",
    "add_building",
    "add_compound",
    "add_place",
    "change_boundary",
    "hand_over_place",
    "issue_qr_code",
    "merge_places",
    "rename_place",
    "retire_place",
    "revoke_qr_code",
    "split_place",
    "update_building",
    "update_compound",
]


@transaction.atomic
def add_place(
    *,
    parent: Place | None,
    name: str,
    level: Level,
    at: datetime,
    code: str | None = None,
    kind: str = "",
    boundary: object = None,
    system: str = "wgs84",
    is_schematic: bool = False,
    lng: float | None = None,
    lat: float | None = None,
) -> Place:
    """Add a place under a current parent (None for a city), with the next free code unless one is given.

    `boundary` is GeoJSON in `system` ("wgs84" or "gcj02"); without one, `lng` and `lat` may say where it
    is. Raises CodeError, BoundaryError, PositionError or PlaceError; nothing is then written. Buildings are
    added with `add_building`.
    """
    if level is Level.BUILDING:
        raise PlaceError(_("A building is added with its counts; use the buildings' own form."))
    new = NewPlace(
        name=name, code=code, kind=kind, boundary=boundary, system=system, is_schematic=is_schematic,
        lng=lng, lat=lat,
    )  # fmt: skip
    place = create_place(new, parent=parent, level=level, at=at)
    boundaries.raise_version()
    return place


@transaction.atomic
def change_boundary(
    *,
    place: Place,
    boundary: object,
    at: datetime,
    system: str = "wgs84",
    is_schematic: bool = False,
    note: str = "",
) -> Place:
    """Redraw a current place's boundary; every process then finds points by the new one.

    Raises BoundaryError, or PlaceError for a retired place. Appends a `PlaceChange` of kind boundary.
    """
    cleaned = boundaries.clean_boundary(boundary, system=system)
    place = current_for_update(place)
    for field, value in cleaned.as_fields().items():
        setattr(place, field, value)
    place.is_schematic = is_schematic
    place.save(update_fields=[*cleaned.as_fields(), "is_schematic"])
    record_change(PlaceChange.Kind.BOUNDARY, [place], [place], at=at, note=note)
    boundaries.raise_version()
    return place


@transaction.atomic
def rename_place(*, place: Place, name: str, kind: str | None = None) -> Place:
    """Correct a current place's name, and its kind if one is given. Raises PlaceError."""
    place = current_for_update(place)
    place.name = checked_name(name)
    if kind is not None:
        place.kind = kind
    place.save(update_fields=["name", "kind"])
    return place


@transaction.atomic
def retire_place(*, place: Place, at: datetime) -> Place:
    """End a place that has no successor, and its QR codes. Its code is never given again.

    Raises PlaceError while current places lie below it, or when it is retired already.
    """
    place = current_for_update(place)
    if Place.objects.current().below([place]).exclude(pk=place.pk).exists():
        raise PlaceError(_("Places lie below this one; retire them first, or merge it into another."))
    place.retired_on = timezone.localdate(at)
    place.save(update_fields=["retired_on"])
    place.qr_codes.filter(revoked_at__isnull=True).update(revoked_at=at)
    boundaries.raise_version()
    return place


@transaction.atomic
def add_compound(
    *,
    community: Place,
    name: str,
    address: str = "",
    lng: float | None = None,
    lat: float | None = None,
) -> Compound:
    """Add a residential compound to a current community.

    Raises PlaceError, also when the community has one of this name, and PositionError.
    """
    community = current_for_update(community)
    if community.level != Level.COMMUNITY:
        raise PlaceError(_("A compound belongs to a community."))
    compound = Compound(community=community)
    return _described(compound, name=name, address=address, lng=lng, lat=lat)


@transaction.atomic
def update_compound(
    *, compound: Compound, name: str, address: str, lng: float | None, lat: float | None
) -> Compound:
    """Correct a compound's name, address and position. Raises PlaceError or PositionError."""
    current_for_update(compound.community)
    return _described(compound, name=name, address=address, lng=lng, lat=lat)


def _described(
    compound: Compound, *, name: str, address: str, lng: float | None, lat: float | None
) -> Compound:
    compound.name = checked_name(name)
    others = Compound.objects.filter(community=compound.community).exclude(pk=compound.pk)
    if others.filter(name=compound.name).exists():
        raise PlaceError(_("The community already has a compound of this name."), field="name")
    if lng is not None and lat is not None:
        check_position(lng, lat)
    compound.address, compound.lng, compound.lat = address, lng, lat
    compound.save()
    return compound


@transaction.atomic
def add_building(
    *,
    grid: Place,
    name: str,
    at: datetime,
    code: str | None = None,
    compound: Compound | None = None,
    lng: float | None = None,
    lat: float | None = None,
    **counts: int,
) -> Building:
    """Add a building to a current grid, with the next free code unless one is given.

    `counts` are entrances, floors, households, residents. Raises CodeError, PositionError or PlaceError.
    """
    _check_compound(compound, grid)
    new = NewPlace(name=name, code=code, lng=lng, lat=lat)
    place = create_place(new, parent=grid, level=Level.BUILDING, at=at)
    return Building.objects.create(place=place, compound=compound, **_checked_counts(counts))


@transaction.atomic
def update_building(*, building: Building, compound: Compound | None, **counts: int) -> Building:
    """Correct what is counted about a building, and its compound. Raises PlaceError."""
    place = current_for_update(building.place)
    _check_compound(compound, place)
    building.compound = compound
    for field, value in _checked_counts(counts).items():
        setattr(building, field, value)
    building.save()
    return building


def _check_compound(compound: Compound | None, place: Place) -> None:
    if compound is not None and compound.community.code != place.code[: codes.DIVISION_LENGTH]:
        raise PlaceError(_("The compound belongs to another community."))


def _checked_counts(counts: dict[str, int]) -> dict[str, Any]:
    known = {"entrances": 32_767, "floors": 32_767, "households": 2**31 - 1, "residents": 2**31 - 1}
    for field, value in counts.items():
        if field not in known:
            raise TypeError(f"a building has no count named {field}")
        if not 0 <= value <= known[field]:
            raise PlaceError(_("A count must lie between 0 and %d.") % known[field])
    return counts


@transaction.atomic
def issue_qr_code(*, place: Place, at: datetime, label: str = "") -> QrCode:
    """A new QR code for a current place: an opaque token of 256 random bits that says nothing by itself."""
    place = current_for_update(place)
    return QrCode.objects.create(place=place, token=secrets.token_urlsafe(32), label=label, issued_at=at)


@transaction.atomic
def revoke_qr_code(*, qr_code: QrCode, at: datetime) -> QrCode:
    """End a QR code; ending it again changes nothing."""
    QrCode.objects.filter(pk=qr_code.pk, revoked_at__isnull=True).update(revoked_at=at)
    qr_code.refresh_from_db()
    return qr_code
