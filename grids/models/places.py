"""The tree of places: city, district, street, community, grid, building."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from treebeard.mp_tree import MP_Node

from grids.levels import ORDER_LEVELS, Level
from grids.querysets import PlaceManager

__all__ = [
    "ORDER_LEVELS",
    "BoundaryVersion",
    "Building",
    "Compound",
    "Level",
    "Place",
    "PlaceChange",
    "PlaceKind",
    "QrCode",
]


class PlaceKind(models.TextChoices):
    """What the place is called in its level (GLOSSARY.md)."""

    UNSPECIFIED = "", _("Not specified")
    SUBDISTRICT = "subdistrict", _("Subdistrict")  # 街道
    TOWN = "town", _("Town")  # 镇
    TOWNSHIP = "township", _("Township")  # 乡
    ZONE = "zone", _("Development zone")
    RESIDENTIAL = "residential", _("Residential community")  # 居委会, 社区
    VILLAGE = "village", _("Village")  # 村
    GENERAL = "general", _("General grid")
    DEDICATED = "dedicated", _("Dedicated grid")
    MICRO = "micro", _("Micro-grid")


class Place(MP_Node):
    """One node of the territory.

    Places are never moved and never deleted: a merger, split or hand-over retires the old
    row and creates successors (`PlaceChange`), so `path` and `code` mean the same for ever. The path is
    made from the code (`grids.codes.tree_step`), never from the number of siblings.
    """

    code = models.CharField(_("division code"), max_length=18, unique=True)
    name = models.CharField(_("name"), max_length=100)
    level = models.CharField(_("level"), max_length=10, choices=Level)
    kind = models.CharField(_("kind"), max_length=12, choices=PlaceKind, blank=True, default="")
    boundary = models.JSONField(_("boundary"), null=True, blank=True, help_text=_("GeoJSON, WGS-84"))
    west = models.FloatField(null=True, editable=False)
    south = models.FloatField(null=True, editable=False)
    east = models.FloatField(null=True, editable=False)
    north = models.FloatField(null=True, editable=False)
    lng = models.FloatField(_("longitude"), null=True, blank=True)
    lat = models.FloatField(_("latitude"), null=True, blank=True)
    is_schematic = models.BooleanField(_("schematic boundary"), default=False)
    since = models.DateField(_("in force since"), null=True, blank=True)
    retired_on = models.DateField(_("retired on"), null=True, blank=True)

    objects = PlaceManager()

    class Meta:
        verbose_name = _("place")
        verbose_name_plural = _("places")
        indexes = [
            models.Index(fields=["level", "code"]),
            models.Index(fields=["name"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(lng__isnull=True) | models.Q(lng__range=(-180, 180)),
                name="place_lng_on_earth",
            ),
            models.CheckConstraint(
                condition=models.Q(lat__isnull=True) | models.Q(lat__range=(-90, 90)),
                name="place_lat_on_earth",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: a code is unique for ever, so places are retired instead."""
        raise models.ProtectedError(str(_("A place is retired, never deleted.")), {self})

    def ancestor_ids(self) -> dict[Level, int]:
        """Ids by level of this place and everything above it; one query."""
        return {Level(p.level): p.pk for p in [*Place.objects.above(self).only("pk", "level", "path"), self]}


class Compound(models.Model):
    """A residential compound 小区: buildings of one community behind one gate."""

    community = models.ForeignKey(
        Place, models.PROTECT, related_name="compounds", verbose_name=_("community")
    )
    name = models.CharField(_("name"), max_length=100)
    address = models.CharField(_("address"), max_length=200, blank=True)
    lng = models.FloatField(_("longitude"), null=True, blank=True)
    lat = models.FloatField(_("latitude"), null=True, blank=True)

    class Meta:
        verbose_name = _("compound")
        verbose_name_plural = _("compounds")
        constraints = [
            models.UniqueConstraint(fields=["community", "name"], name="compound_name_once_a_community")
        ]

    def __str__(self) -> str:
        return self.name


class Building(models.Model):
    """What is counted about a place of level building."""

    place = models.OneToOneField(Place, models.PROTECT, primary_key=True, related_name="building")
    compound = models.ForeignKey(
        Compound, models.PROTECT, null=True, blank=True, related_name="buildings", verbose_name=_("compound")
    )
    entrances = models.PositiveSmallIntegerField(_("entrances"), default=1)
    floors = models.PositiveSmallIntegerField(_("floors"), default=1)
    households = models.PositiveIntegerField(_("households"), default=0)
    residents = models.PositiveIntegerField(_("residents"), default=0)

    class Meta:
        verbose_name = _("building")
        verbose_name_plural = _("buildings")

    def __str__(self) -> str:
        return self.place.name


class PlaceChange(models.Model):
    """A change of the territory, appended here and read by those above (orders follow their place)."""

    class Kind(models.TextChoices):
        SPLIT = "split", _("Split")
        MERGE = "merge", pgettext_lazy("territory", "Merge")
        HANDOVER = "handover", _("Hand-over")
        BOUNDARY = "boundary", _("Boundary redrawn")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    predecessors = models.ManyToManyField(
        Place, related_name="changes_from", verbose_name=pgettext_lazy("territory", "from")
    )
    successors = models.ManyToManyField(
        Place, related_name="changes_to", verbose_name=pgettext_lazy("territory", "to")
    )
    effective_at = models.DateTimeField(_("effective at"))
    note = models.TextField(_("note"), blank=True)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("territory change")
        verbose_name_plural = _("territory changes")
        ordering = ["effective_at", "pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.effective_at:%Y-%m-%d}"


class BoundaryVersion(models.Model):
    """One row, raised by every change of a boundary: processes reload their point index when it moves."""

    version = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.version)


class QrCode(models.Model):
    """The opaque, revocable token behind a QR code on a building or at a gate."""

    token = models.CharField(max_length=43, unique=True)
    place = models.ForeignKey(Place, models.PROTECT, related_name="qr_codes", verbose_name=_("place"))
    label = models.CharField(_("label"), max_length=100, blank=True)
    issued_at = models.DateTimeField(_("issued at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("QR code")
        verbose_name_plural = _("QR codes")

    def __str__(self) -> str:
        return self.label or str(self.place)
