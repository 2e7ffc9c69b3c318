"""Reads of the territory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from django.db.models import Q
from treebeard.mp_tree import MP_NodeManager, MP_NodeQuerySet

if TYPE_CHECKING:
    from grids.models import Place


class PlaceQuerySet(MP_NodeQuerySet):  # type: ignore[misc]  # treebeard ships no types
    """Adjectives of places."""

    def below(self, places: Iterable[Place]) -> Self:
        """The given places and everything under them."""
        condition = Q(pk__in=[])
        for place in places:
            condition |= Q(path__startswith=place.path)
        return self.filter(condition)

    def current(self) -> Self:
        """Places that are not retired."""
        return self.filter(retired_on__isnull=True)


class PlaceManager(MP_NodeManager.from_queryset(PlaceQuerySet)):  # type: ignore[misc]
    """Places in tree order."""
