"""Reads of the territory, and the one place where tree paths are made."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import transaction
from django.db.models import CharField, F, ProtectedError, Q
from django.utils.translation import gettext as _
from treebeard.mp_tree import MP_NodeManager, MP_NodeQuerySet

from governance.common.kept import AnyOf, Kept, Slot
from grids import codes
from grids.levels import Level

if TYPE_CHECKING:
    from grids.models import Place

#: Kinds of `PlaceChange` by which one place takes another's area; a redrawn boundary keeps the place.
_TAKING_OVER = ("split", "merge", "handover")


class PlaceQuerySet(MP_NodeQuerySet):
    """Adjectives of places."""

    def below(self, places: Iterable[Place]) -> Self:
        """The given places and everything under them, each once; retired places too."""
        condition = Q(pk__in=[])
        for path in topmost_paths(place.path for place in places):
            condition |= Q(path__startswith=path)
        return self.filter(condition)

    def current(self) -> Self:
        """Places that are not retired."""
        return self.filter(retired_on__isnull=True)

    def retired(self) -> Self:
        """Places that a change of the territory has ended."""
        return self.filter(retired_on__isnull=False)

    def at_level(self, *levels: Level) -> Self:
        """Places of these levels."""
        return self.filter(level__in=levels)

    def above(self, place: Place) -> Self:
        """The places over this one, from the top down, without itself."""
        return self.filter(path__in=paths_above(place))

    def delete(self) -> Any:
        """Refuse: a code is unique for ever, so places are retired instead."""
        raise ProtectedError(_("A place is retired, never deleted."), set(self[:1]))

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


def paths_above(place: Place) -> list[str]:
    """The tree paths of the places over this one, from the top down."""
    return [place.path[:end] for end in range(place.steplen, len(place.path), place.steplen)]


def above_without_outlines(place: Place) -> list[Place]:
    """The places over this one, from the top down; asked with every report, so its statement is kept."""
    return _above().ask(paths=paths_above(place))


@lru_cache(maxsize=1)
def _above() -> Kept[Place]:
    paths = Slot("paths", ArrayField(CharField()))
    return Kept(apps.get_model("grids", "Place").objects.filter(AnyOf("path", paths)).defer("boundary"))


def topmost_paths(paths: Iterable[str]) -> list[str]:
    """The given tree paths without those that lie under another one."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not kept or not path.startswith(kept[-1]):
            kept.append(path)
    return kept


class PlaceManager(MP_NodeManager.from_queryset(PlaceQuerySet)):  # type: ignore[misc]
    """Places in tree order, which is code order. A place's path follows from its code and never changes."""

    def get_queryset(self) -> PlaceQuerySet:
        """All places, from the top down."""
        return PlaceQuerySet(self.model, using=self._db).order_by("path")

    def add_root(
        self, create_kwargs: dict[str, Any] | None = None, *, instance: Any = None, **fields: Any
    ) -> Any:
        """Add a city. Raises CodeError when the code is not a city's."""
        place = instance or self.model(**{**(create_kwargs or {}), **fields})
        return self._add(place, None)

    def add_child(
        self,
        target: Place,
        create_kwargs: dict[str, Any] | None = None,
        *,
        instance: Any = None,
        **fields: Any,
    ) -> Any:
        """Add a place under another. Raises CodeError when its code cannot stand there."""
        place = instance or self.model(**{**(create_kwargs or {}), **fields})
        return self._add(place, target)

    def add_sibling(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: a place stands where its code says."""
        raise TypeError("Places are added with add_root or add_child.")

    def move(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: places never move; see grids.actions.hand_over_place."""
        raise TypeError("Places never move; hand them over to a successor.")

    @transaction.atomic
    def _add(self, place: Place, parent: Place | None) -> Place:
        put_under(place, parent)
        place.save(using=self._db, force_insert=True)
        if parent is not None:
            self.filter(pk=parent.pk).update(numchild=F("numchild") + 1)
            parent.numchild += 1
        return place

    def successors_of(self, ids: Collection[int]) -> set[int]:
        """Ids of the places that these were split, merged or handed over into, step by step to today's.

        Places in between are included, the given ones are not. One query for each step of the history.
        """
        return self._follow(ids, "changes_to__predecessors__in", "changes_to__kind__in")

    def predecessors_of(self, ids: Collection[int]) -> set[int]:
        """Ids of the places that these came from, step by step; the given ones are not included."""
        return self._follow(ids, "changes_from__successors__in", "changes_from__kind__in")

    def _follow(self, ids: Collection[int], step: str, kind: str) -> set[int]:
        found: set[int] = set()
        frontier = set(ids)
        while frontier:
            # One filter() call, so that both conditions speak of the same change.
            condition = Q(**{step: frontier, kind: _TAKING_OVER})
            reached = set(self.get_queryset().order_by().filter(condition).values_list("pk", flat=True))
            frontier = reached - found - set(ids)
            found |= frontier
        return found


def put_under(place: Place, parent: Place | None) -> None:
    """Give a new place the tree path and depth that follow from its code; nothing is saved.

    Raises CodeError when the code is wrong or cannot stand under `parent`.
    """
    code = codes.check_child(parent.code if parent else None, place.code, Level(place.level))
    place.path = (parent.path if parent else "") + codes.tree_step(code)
    place.depth = (parent.depth if parent else 0) + 1
    place.numchild = 0
