"""Row scope: what a user may see and do, and where. Every other room asks here and nowhere else.

A user's scope is the union of the posts in force on a day, their own and those they substitute in.
Being disabled, or a post's end, empties it at once: nothing is cached longer than one request.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from governance.common.kept import Kept, Slot
from governance.common.remembering import remembered
from grids.models import Level, Place
from partymembers import territory
from partymembers.grants import NOTHING, Access, BranchGrant, HeldPost, PlaceGrant
from partymembers.models import (
    BRANCH_ROLES,
    DESK_ROLES,
    OFFICER_ROLES,
    Branch,
    Post,
    Role,
    ServiceAccount,
    User,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


#: Whoever holds several posts lands on the page of the first of these.
LANDING_ORDER = (
    Role.DESK,
    Role.SECRETARY,
    Role.UNIT_HEAD,
    Role.HANDLER,
    Role.GRID_WORKER,
    Role.GRID_LEADER,
    Role.GRID_GUIDE,
    Role.BUILDING_CAPTAIN,
    Role.BRANCH_SECRETARY,
    Role.BRANCH_COMMITTEE,
    Role.OFFICIAL,
    Role.SYSTEM_OFFICER,
    Role.SECURITY_OFFICER,
    Role.AUDIT_OFFICER,
)


def access_of(user: User | AnonymousUser, *, on: dt.date) -> Access:
    """What `user` may reach on the day `on`; at most two queries, none for nobody.

    Anonymous and disabled users reach nothing. A substitute acts in the absent holder's post while both
    the substitution and the post are in force. People of a disabled unit no longer act for it.
    """
    if not isinstance(user, User) or not user.is_active:
        return NOTHING
    read = _read_service_access if user.is_service else _read_access
    return remembered(("access", user.pk), lambda: read(user, on))


def _read_access(user: User, on: dt.date) -> Access:
    posts = _posts_of_anyone().ask(user_id=user.pk, on=on)
    own = _own_grants(posts)
    may_reach_further = any(post.reaches_further for post in posts)  # type: ignore[attr-defined]
    inherited, inner = _reach(own, on=on) if may_reach_further else ((), frozenset())
    live = [post for post in posts if post.unit is not None and post.unit.disabled_at is None]
    return Access(
        user_id=user.pk,
        grants=(*own, *inherited),
        unit_ids=frozenset(post.unit_id for post in live if post.unit_id),
        headed_unit_ids=frozenset(
            post.unit_id for post in live if post.unit_id and post.role == Role.UNIT_HEAD
        ),
        branches=_own_branches(posts),
        officer_roles=frozenset(Role(post.role) for post in posts if post.role in OFFICER_ROLES),
        posts=_held(posts, user),
        inner_grid_ids=inner,
    )


def _read_service_access(user: User, on: dt.date) -> Access:
    """What a connected system reaches: its place with all below, or its unit."""
    account = _account_of_anyone().first(user_id=user.pk)
    if account is None:
        return NOTHING
    place, unit = account.place, account.unit
    own: tuple[PlaceGrant, ...] = ()
    if place is not None:
        roles = frozenset({Role.DESK} if account.duty == ServiceAccount.Duty.DESK else ())
        own = (PlaceGrant(place.pk, Level(place.level), place.path, roles),)
    reaches_further = account.reaches_further  # type: ignore[attr-defined]
    inherited, inner = _reach(own, on=on) if reaches_further else ((), frozenset())
    return Access(
        user_id=user.pk,
        grants=(*own, *inherited),
        unit_ids=frozenset({unit.pk} if unit is not None and unit.disabled_at is None else ()),
        inner_grid_ids=inner,
        is_service=True,
        is_sandbox=account.is_sandbox,
    )


@lru_cache(maxsize=1)
def _account_of_anyone() -> Kept[ServiceAccount]:
    rows = ServiceAccount.objects.filter(user_id=Slot("user_id")).select_related("place", "unit")
    rows = rows.annotate(reaches_further=territory.may_reach_further("place"))
    return Kept(rows.defer("place__boundary"))


@lru_cache(maxsize=1)
def _posts_of_anyone() -> Kept[Post]:
    """Posts with what `Access` is made of, and whether it is worth asking what lies beyond their branch.

    Few places are changed and few grids hold a grid; for all others the long statement of `territory.reach`
    would be planned on every page to find nothing.
    """
    rows = _posts(Slot("user_id"), Slot("on")).annotate(reaches_further=territory.may_reach_further("place"))
    return Kept(
        rows.only(
            "user_id", "role", "place_id", "unit_id", "place__path", "place__level", "place__name",
            "unit__name", "unit__disabled_at",
            "branch_id", "branch__path", "branch__name", "branch__dissolved_on",
        )
    )  # fmt: skip


def in_force(on: dt.date | Slot, prefix: str = "") -> Q:
    """A condition: the dates of the row (a post, or a substitution) include `on`."""
    return Q(**{f"{prefix}starts_on__lte": on}) & (
        Q(**{f"{prefix}ends_on__isnull": True}) | Q(**{f"{prefix}ends_on__gte": on})
    )


def _posts(user_id: Any, on: Any) -> QuerySet[Post]:
    """The posts that a user acts in on the day `on`, their own and those they substitute in."""
    substitutions = in_force(on, "substitutions__") & Q(substitutions__substitute_id=user_id)
    substituted = Q(pk__in=Post.objects.filter(substitutions).values("pk"))
    return (
        Post.objects.filter(in_force(on), Q(user_id=user_id) | substituted)
        .select_related("place", "unit", "branch")
        .order_by("pk")
    )


def places_of(user: User | AnonymousUser, *, on: dt.date) -> QuerySet[Place]:
    """Every place that `user` reaches on the day `on`: those of their posts and all below."""
    access = access_of(user, on=on)
    condition = Q(pk__in=[])
    for grant in access.grants:
        condition |= Q(path__startswith=grant.path)
    return Place.objects.filter(condition)


def users_with(
    roles: Iterable[Role], *, place_path: str, on: dt.date, exactly: bool = False
) -> QuerySet[User]:
    """Who may sign in and holds one of `roles` over the place at `place_path`, substitutes included.

    With `exactly` only posts at this very place count; otherwise posts over every place above do too.
    """
    steplen = Place.steplen
    paths = [place_path[:end] for end in range(steplen, len(place_path) + 1, steplen)]
    held = Post.objects.filter(
        in_force(on), role__in=list(roles), place__path__in=[place_path] if exactly else paths
    )
    return _holders(held, on=on)


def users_in(
    unit_id: int, *, on: dt.date, roles: Iterable[Role] = (Role.HANDLER, Role.UNIT_HEAD)
) -> QuerySet[User]:
    """Who may sign in and holds one of `roles` in the unit, substitutes included."""
    return _holders(Post.objects.filter(in_force(on), role__in=list(roles), unit_id=unit_id), on=on)


def units_without_people(unit_ids: Iterable[int], *, on: dt.date) -> frozenset[int]:
    """Those of the units in which nobody can act on that day (`users_in` for many); two queries."""
    ids = set(unit_ids)
    if not ids:
        return frozenset()
    posts = Post.objects.filter(in_force(on), role__in=(Role.HANDLER, Role.UNIT_HEAD), unit_id__in=ids)
    held = posts.filter(user__disabled_at=None).values_list("unit_id", flat=True)
    acted = posts.filter(in_force(on, "substitutions__"), substitutions__substitute__disabled_at=None)
    return frozenset(ids - {*held} - {*acted.values_list("unit_id", flat=True)})


def desks_with_people(place_ids: Iterable[int], *, on: dt.date) -> frozenset[int]:
    """Those of the places at whose own desk somebody can act on that day; two queries."""
    posts = Post.objects.filter(in_force(on), role__in=DESK_ROLES, place_id__in=set(place_ids))
    held = posts.filter(user__disabled_at=None).values_list("place_id", flat=True)
    acted = posts.filter(in_force(on, "substitutions__"), substitutions__substitute__disabled_at=None)
    return frozenset({*held} | {*acted.values_list("place_id", flat=True)}) - {None}


def _holders(posts: QuerySet[Post], *, on: dt.date) -> QuerySet[User]:
    ids = posts.values("pk")
    return User.objects.filter(
        Q(pk__in=posts.values("user_id"))
        | Q(
            pk__in=User.objects.filter(in_force(on, "substitutions__"), substitutions__post__in=ids).values(
                "pk"
            )
        ),
        disabled_at__isnull=True,
    ).order_by("pk")


def _held(posts: Iterable[Post], user: User) -> tuple[HeldPost, ...]:
    """The posts in the order in which their landing pages come first; own ones before substitutions."""
    held = [
        HeldPost(
            post.pk,
            Role(post.role),
            str(post.place or post.unit or post.branch or ""),
            post.user_id != user.pk,
        )
        for post in posts
    ]
    return tuple(
        sorted(held, key=lambda post: (post.is_substitute, LANDING_ORDER.index(post.role), post.post_id))
    )


def _own_grants(posts: Iterable[Post]) -> tuple[PlaceGrant, ...]:
    """One grant a place, topmost first, with every role held there."""
    roles: dict[int, set[Role]] = defaultdict(set)
    places: dict[int, Place] = {}
    for post in posts:
        if post.place is not None:
            places[post.place.pk] = post.place
            roles[post.place.pk].add(Role(post.role))
    return tuple(
        PlaceGrant(place.pk, Level(place.level), place.path, frozenset(roles[place.pk]))
        for place in sorted(places.values(), key=lambda place: place.path)
    )


def _own_branches(posts: Iterable[Post]) -> tuple[BranchGrant, ...]:
    """One grant a branch, topmost first; a dissolved branch has no committee."""
    roles: dict[int, set[Role]] = defaultdict(set)
    branches = {p.branch.pk: p.branch for p in posts if p.branch and p.branch.dissolved_on is None}
    for post in posts:
        if post.branch_id is not None and post.branch_id in branches:
            roles[post.branch_id].add(Role(post.role))
    held = sorted(branches.values(), key=lambda branch: branch.path)
    return tuple(BranchGrant(branch.pk, branch.path, frozenset(roles[branch.pk])) for branch in held)


def committee_of(
    branch_path: str, *, on: dt.date, roles: Iterable[Role] = BRANCH_ROLES, exactly: bool = False
) -> QuerySet[User]:
    """Who may sign in and sits in the committee of a branch (or of one above it), substitutes included."""
    steps = range(Branch.steplen, len(branch_path) + 1, Branch.steplen)
    paths = [branch_path] if exactly else [branch_path[:end] for end in steps]
    held = Post.objects.filter(in_force(on), role__in=list(roles), branch__path__in=paths)
    return _holders(held, on=on)


def _reach(own: tuple[PlaceGrant, ...], *, on: dt.date) -> tuple[tuple[PlaceGrant, ...], frozenset[int]]:
    """The retired places that the held ones followed, and the small grids inside held grids."""
    if not own:
        return (), frozenset()
    by_path = {grant.path: grant for grant in own}
    inherited: list[PlaceGrant] = []
    inner: set[int] = set()
    for row in territory.reach([grant.path for grant in own], on=on):
        if row.kind == "inner":
            inner.add(row.place_id)
        else:
            roles = by_path[row.held_path].roles
            inherited.append(
                PlaceGrant(row.place_id, row.level, row.path, roles, inherited=True, is_above=row.is_above)
            )
    return tuple(inherited), frozenset(inner)
