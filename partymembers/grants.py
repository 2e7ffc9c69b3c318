"""What a user reaches, as values: places, branches, units, and the posts that it all follows from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from grids.models import ORDER_LEVELS, Level
from partymembers.models import DESK_ROLES, GROUND_ROLES, Role


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
    #: A connected system, not a person; a sandbox sees and makes test orders, and nothing else.
    is_service: bool = False
    is_sandbox: bool = False

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
