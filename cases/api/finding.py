"""Which orders a caller meets: incidents in their area, wishes whose asker they know, and public halves."""

from __future__ import annotations

from functools import lru_cache

from django.db.models import Q
from rest_framework.request import Request

from cases.api.kinds import open_kinds
from cases.models import Case
from cases.querysets import CaseQuerySet
from cases.standpoint import standpoint
from cases.wishes import SHOWN, is_helper
from cases.workflow import Kind
from governance.common.errors import NotVisible
from governance.common.kept import MOST_KEPT, Kept, Slot
from partymembers.access import Access
from partymembers.api.callers import access_of_caller, user_of
from partymembers.models import User


def readable_wishes(user: User, access: Access) -> CaseQuerySet:
    """Wishes of which the caller reads at least the public half: `wish_queries.visible_wish` for many.

    A connected system that reads a place and staffs no desk reads the public halves there.
    """
    known = Case.objects.wishes_known_to(access).order_by().values("pk")
    public = Q(pk__in=[])
    for grant in access.branches:
        public |= Q(wish__branch__path__startswith=grant.path)
    shown = Q(state__in=SHOWN)
    if is_helper(user, access):
        public |= shown & Q(city_id=standpoint(user, access).city_id)
    if access.is_service:
        for level, ids in access.places_by_level().items():
            public |= shown & Q(**{f"{level}_id__in": ids})
    published = Q(wish__published_at__isnull=False)
    rows = Case.objects.filter(kind=Kind.WISH, is_test=access.is_sandbox)
    return rows.filter(Q(pk__in=known) | (published & public))


def found_order(number: str, request: Request, *, to_write: bool = False) -> Case:
    """The order or wish of a number, as far as the key's scopes and the caller's area reach.

    `to_write` also finds kinds that the key may only write. Raises NotVisible, whether or not it exists.
    """
    access, number = access_of_caller(request), number.replace("\x00", "")
    kinds = open_kinds(request) | (open_kinds(request, "write") if to_write else frozenset())
    case = _incident_for(access).first(number=number) if Kind.INCIDENT in kinds else None
    if case is None and Kind.WISH in kinds:
        wishes = readable_wishes(user_of(request), access).filter(number=number)
        case = wishes.select_related("wish__branch").defer("search_terms").first()
    if case is None:
        raise NotVisible()
    return case


@lru_cache(maxsize=MOST_KEPT)
def _incident_for(access: Access) -> Kept[Case]:
    rows = Case.objects.visible_to(access).filter(number=Slot("number"))
    return Kept(rows.defer("search_terms"))
