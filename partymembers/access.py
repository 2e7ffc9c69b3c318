"""Row scope: what a user may see and do, and where. Every other room asks here and nowhere else.

A user's scope is the union of the posts in force on a day, their own and those they substitute in.
Being disabled, or a post's end, empties it at once: nothing is cached longer than one request.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from governance.common.kept import Kept, Slot
from governance.common.remembering import remembered
from grids.models import ORDER_LEVELS, Level, Place
from partymembers import territory
from partymembers.models import (
    BRANCH_ROLES,
    DESK_ROLES,
    GROUND_ROLES,
    OFFICER_ROLES,
    Branch,
    Post,
    Role,
    User,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


@dataclass(frozen=True, slots=True)
class PlaceGrant:
    """The roles that a user holds over a place, and so over all below it.

    `inherited`: the place is retired and one that followed it is the user's; the user reads and looks
    back on its orders. `is_above`: the user's own place lies above the one that followed, not at it.
    """

    place_id: int
    level: Level
    path: str
    roles: frozenset[Role]
    inherited: bool = False
    is_above: bool = False

    def reaches(self, path: str) -> bool:
        """Whether `path` is this place or lies below it."""
        return path.startswith(self.path)

    def is_at(self, path: str) -> bool:
        """Whether the user's post is exactly over `path` (or over what followed it)."""
        return path == self.path and not self.is_above

    def is_over(self, path: str) -> bool:
        """Whether the user's post is strictly above `path`."""
        return self.reaches(path) and not self.is_at(path)


@dataclass(frozen=True, slots=True)
class BranchGrant:
    """The Party roles that a user holds in a branch; they reach the branches below it too."""

    branch_id: int
    path: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class HeldPost:
    """One post that the user acts in today, as pages name it."""

    post_id: int
    role: Role
    #: Name of the place, unit or branch; empty for an officer.
    where: str
    #: Whether the user acts for somebody who is absent.
    is_substitute: bool = False

    def __str__(self) -> str:
        label = f"{self.where} · {self.role.label}" if self.where else str(self.role.label)
        return _("%(post)s (substitute)") % {"post": label} if self.is_substitute else label


@dataclass(frozen=True, slots=True)
class Access:
    """What one user may reach on one day; immutable, safe to keep for the length of a request."""

    user_id: int | None = None
    grants: tuple[PlaceGrant, ...] = ()
    unit_ids: frozenset[int] = frozenset()
    headed_unit_ids: frozenset[int] = frozenset()
    branches: tuple[BranchGrant, ...] = ()
    officer_roles: frozenset[Role] = frozenset()
    #: The posts that all of this follows from, in the order of the landing pages.
    posts: tuple[HeldPost, ...] = ()
    #: Small grids inside the large grids that the user holds: an order carries the small one's id.
    inner_grid_ids: frozenset[int] = field(default=frozenset(), repr=False)

    def covers(self, path: str) -> bool:
        """Whether the user holds any place role at `path` or above it."""
        return any(grant.reaches(path) for grant in self.grants)

    def is_desk_of(self, path: str) -> bool:
        """Whether the user staffs the desk of exactly this place."""
        return any(grant.is_at(path) and grant.roles & DESK_ROLES for grant in self.grants)

    def is_desk_above(self, path: str) -> bool:
        """Whether the user staffs a desk strictly above this place."""
        return any(grant.is_over(path) and grant.roles & DESK_ROLES for grant in self.grants)

    def is_ground_of(self, path: str) -> bool:
        """Whether the user works on the ground of this place or of one that holds it."""
        return self._holds(GROUND_ROLES, path)

    def is_official_of(self, path: str) -> bool:
        """Whether this place lies in the user's area as an official."""
        return self._holds(frozenset({Role.OFFICIAL}), path)

    def in_unit(self, unit_id: int | None) -> bool:
        """Whether the user holds a post in this unit."""
        return unit_id in self.unit_ids

    def is_head_of(self, unit_id: int | None) -> bool:
        """Whether the user heads this unit."""
        return unit_id in self.headed_unit_ids

    def leads_branch(self, path: str) -> bool:
        """Whether the user sits in the committee of this branch or of one above it."""
        return any(path.startswith(grant.path) for grant in self.branches)

    @property
    def branch_ids(self) -> frozenset[int]:
        """The very branches in whose committees the user sits."""
        return frozenset(grant.branch_id for grant in self.branches)

    def is_officer(self, role: Role) -> bool:
        """Whether the user is the system, security or audit officer that is asked for."""
        return role in self.officer_roles

    def place_roles(self) -> frozenset[Role]:
        """Every place role held anywhere."""
        return frozenset(role for grant in self.grants for role in grant.roles)

    def is_empty(self) -> bool:
        """Whether the user reaches nothing at all but their own reports."""
        return not (self.grants or self.unit_ids or self.branches or self.officer_roles)

    def places_by_level(self) -> dict[Level, set[int]]:
        """Ids to filter an order's city, district, street, community and grid columns by.

        Posts over a single building are not in it: `building_ids` has them.
        """
        found: dict[Level, set[int]] = defaultdict(set)
        for grant in self.grants:
            if grant.level in ORDER_LEVELS:
                found[grant.level].add(grant.place_id)
        if self.inner_grid_ids:
            found[Level.GRID] |= self.inner_grid_ids
        return dict(found)

    @property
    def desk_place_ids(self) -> frozenset[int]:
        """Places whose very desk the user staffs (not those below): whose orders lie in their inbox."""
        return frozenset(g.place_id for g in self.grants if g.roles & DESK_ROLES and not g.is_above)

    def building_ids(self) -> frozenset[int]:
        """Places of level building that the user holds by themselves, not through a grid."""
        return frozenset(grant.place_id for grant in self.grants if grant.level == Level.BUILDING)

    def _holds(self, roles: frozenset[Role], path: str) -> bool:
        return any(grant.reaches(path) and grant.roles & roles for grant in self.grants)


NOTHING = Access()

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
    return remembered(("access", user.pk), lambda: _read_access(user, on))


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
