"""How much of an order its reader is shown: the rules of the pages, for many rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from cases.models import Case
from cases.queries import is_onlooker, is_reader_only
from cases.workflow import Kind
from partymembers.access import Access


class Half(StrEnum):
    """What somebody reads of an order, from all of it down."""

    ALL = "all"  # who works on it
    BARE = "bare"  # whose unit had it once: nothing of who reported
    OWN = "own"  # who only reported or joined it: what the public is told
    PUBLIC = "public"  # of a wish that is somebody else's: what the wall shows


def halves_of(cases: Sequence[Case], access: Access) -> dict[int, Half]:
    """By primary key. The rows know their places, parts and whistles; one query where there are wishes."""
    wishes = [case.pk for case in cases if case.kind == Kind.WISH]
    known: set[int] = set()
    if wishes:
        rows = Case.objects.wishes_known_to(access).filter(pk__in=wishes)
        known = set(rows.order_by().values_list("pk", flat=True))
    return {case.pk: _half(case, access, known) for case in cases}


def _half(case: Case, access: Access, known: set[int]) -> Half:
    if case.kind == Kind.WISH:
        return Half.ALL if case.pk in known else Half.PUBLIC
    if access.covers(case.place.path):  # most rows, and neither question below has another answer then
        return Half.ALL
    if is_onlooker(case, access):
        return Half.OWN
    return Half.BARE if is_reader_only(case, access) else Half.ALL


def may_open(case: Case, access: Access, half: Half) -> bool:
    """Whether a key with `personal:read` opens who reported: by its place, its desk, or leading the order.

    A system also gets back in full what it reported itself.
    """
    if case.reporter_id == access.user_id:
        return True
    if half != Half.ALL:
        return False
    return (
        case.kind == Kind.WISH
        or access.covers(case.place.path)
        or case.desk_id in access.desk_place_ids
        or access.in_unit(case.unit_id)
    )
