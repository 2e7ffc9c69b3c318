"""Who works in the demo city: users, posts, and the accounts that a visitor signs in with."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from django.contrib.auth.hashers import make_password
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from governance.demo.names import PHONES, People
from governance.demo.territory import Territory
from grids.models import Place
from partymembers.models import DESK_ROLES, GROUND_ROLES, Post, Role, Unit, User

#: Of every account of the demo city. Never loaded where the production settings apply.
PASSWORD: Final = "Gezhi-demo-2026"  # noqa: S105  # printed for whoever starts the demo
#: The posts of the demo's people are in force from this day.
SINCE: Final = date(2025, 1, 1)


class SignIn(NamedTuple):
    """An account for a visitor: whose part they play, and what they come to do."""

    username: str
    role: Role | None
    #: Where the post lies: a key of `_seat`.
    seat: str
    purpose: str | Promise


SIGN_INS: Final = (
    SignIn("worker", Role.GRID_WORKER, "grid", _("report on the spot, today's tasks, checks")),
    SignIn("leader", Role.GRID_LEADER, "community", _("the same for a whole community's grids")),
    SignIn(
        "secretary", Role.SECRETARY, "community", _("empty the community's inbox: accept, dispatch, decide")
    ),
    SignIn("street", Role.DESK, "street", _("take what climbed up; take over, supervise, give back")),
    SignIn("district", Role.DESK, "district", _("the district's desk and its dashboard")),
    SignIn("city", Role.DESK, "city", _("the city's desk, at the top of the ladder")),
    SignIn("handler", Role.HANDLER, "unit", _("acknowledge, handle, finish with a photo, return, ask")),
    SignIn("head", Role.UNIT_HEAD, "unit", _("what the unit holds, and what is late")),
    SignIn("official", Role.OFFICIAL, "district", _("figures down to the very order; write an instruction")),
    SignIn("system", Role.SYSTEM_OFFICER, "", _("configure matters, limits, ladder, calendar, places")),
    SignIn("security", Role.SECURITY_OFFICER, "", _("people, posts and keys")),
    SignIn("audit", Role.AUDIT_OFFICER, "", _("read the trail of who did what")),
    SignIn("resident", None, "", _("own reports and their outcomes, rating")),
    SignIn(
        "branch", Role.BRANCH_SECRETARY, "branch", _("take in members, confirm claims, assign wishes, grade")
    ),
    SignIn("member", None, "member", _("check in at home, take a wish, answer a whistle, points")),
    SignIn("volunteer", None, "volunteer", _("take a wish, activities, hours and points")),
)
#: Party members and volunteers of the demo beside those in office.
MEMBERS: Final = 400
VOLUNTEERS: Final = 60
#: The demo accounts' community, the third of the first street.
HOME_COMMUNITY: Final = 2
HOME_UNIT: Final = "roads"


@dataclass
class Staff:
    """Who acts where."""

    #: Staff of a desk, by id of its place.
    desks: dict[int, list[User]] = field(default_factory=lambda: defaultdict(list))
    #: Workers on the ground, by id of the place of their post.
    ground: dict[int, list[User]] = field(default_factory=lambda: defaultdict(list))
    handlers: dict[int, list[User]] = field(default_factory=lambda: defaultdict(list))
    heads: dict[int, User] = field(default_factory=dict)
    officials: list[User] = field(default_factory=list)
    residents: list[User] = field(default_factory=list)
    #: Party members; the first is the visitor's.
    members: list[User] = field(default_factory=list)
    volunteers: list[User] = field(default_factory=list)
    #: Who will lead the communities' committees, one a community, in their order; the visitor's at home.
    secretaries: list[User] = field(default_factory=list)
    #: The accounts of SIGN_INS.
    visitors: dict[str, User] = field(default_factory=dict)


class _Hiring:
    """Collects users and posts, to be written at once."""

    def __init__(self, seed: int) -> None:
        self.people = People(seed)
        self.rng = random.Random(f"{seed} staff")
        self.users: list[User] = []
        self.posts: list[Post] = []
        self.password = make_password(None)  # nobody signs in until `open_doors`
        self.waiting = {(sign.role, sign.seat): sign.username for sign in SIGN_INS}
        self.number = 0

    def hire(
        self, role: Role | None, seat: str = "", *, place: Place | None = None, unit: Unit | None = None
    ) -> User:
        """A person with one post; the first for a visitor's seat gets the visitor's name."""
        self.number += 1
        username = self.waiting.pop((role, seat), "") or f"{self._prefix(role)}{self.number:04d}"
        user = User(
            username=username, name=self.people.name(), phone=self.people.phone(), password=self.password
        )
        self.users.append(user)
        if role is not None:
            part_time = role == Role.GRID_WORKER and self.rng.random() < 0.3
            employment = Post.Employment.PART_TIME if part_time else Post.Employment.FULL_TIME
            self.posts.append(
                Post(user=user, role=role, place=place, unit=unit, starts_on=SINCE, employment=employment)
            )
        return user

    def name_only(self, username: str = "") -> User:
        """A person who gets their post later: the branches are not there yet."""
        self.number += 1
        user = User(
            username=username or f"BS{self.number:04d}",
            name=self.people.name(),
            phone=self.people.phone(),
            password=self.password,
        )
        self.users.append(user)
        return user

    @staticmethod
    def _prefix(role: Role | None) -> str:
        return "".join(part[0] for part in role.split("_")).upper() if role else "R"

    def write(self) -> None:
        User.objects.bulk_create(self.users)
        Post.objects.bulk_create(self.posts)


def make_staff(territory: Territory, units: dict[str, Unit], *, seed: int) -> Staff:
    """Everybody: about 450 people, from the grids' workers to the city's desk."""
    hiring = _Hiring(seed)
    home = territory.communities[HOME_COMMUNITY]
    _hire_desks(hiring, territory, home)
    _hire_ground(hiring, territory, home)
    for key, unit in units.items():
        seat = "unit" if key == HOME_UNIT else ""
        hiring.hire(Role.UNIT_HEAD, seat, unit=unit)
        for _each in range(3 if unit.kind == Unit.Kind.DEPARTMENT else 2):
            hiring.hire(Role.HANDLER, seat, unit=unit)
    for place, seat in ((territory.district, "district"), (territory.district, ""), (territory.city, "")):
        hiring.hire(Role.OFFICIAL, seat, place=place)
    for role in (Role.SYSTEM_OFFICER, Role.SECURITY_OFFICER, Role.AUDIT_OFFICER):
        hiring.hire(role)
    for _each in range(16):
        hiring.hire(None)
    residents = len(hiring.users)
    members = [hiring.hire(None, "member") for _each in range(MEMBERS)]
    volunteers = [hiring.hire(None, "volunteer") for _each in range(VOLUNTEERS)]
    secretaries = [
        hiring.name_only("branch" if community is home else "") for community in territory.communities
    ]
    hiring.write()
    staff = gather(hiring.users[:residents], hiring.posts)
    staff.members, staff.volunteers, staff.secretaries = members, volunteers, secretaries
    visitors = {sign.username for sign in SIGN_INS}
    staff.visitors |= {user.username: user for user in hiring.users if user.username in visitors}
    return staff


def _hire_desks(hiring: _Hiring, territory: Territory, home: Place) -> None:
    for count, seat, place in ((2, "city", territory.city), (4, "district", territory.district)):
        for _each in range(count):
            hiring.hire(Role.DESK, seat, place=place)
    for street in territory.streets:
        for _each in range(2):
            hiring.hire(Role.DESK, "street" if home.path.startswith(street.path) else "", place=street)
    for community in territory.communities:
        hiring.hire(Role.SECRETARY, "community" if community is home else "", place=community)
        hiring.hire(Role.DESK, place=community)


def _hire_ground(hiring: _Hiring, territory: Territory, home: Place) -> None:
    for street in territory.streets:
        hiring.hire(Role.GRID_GUIDE, place=street)
    for community in territory.communities:
        hiring.hire(Role.GRID_LEADER, "community" if community is home else "", place=community)
    for grid in territory.grids:
        hiring.hire(Role.GRID_WORKER, "grid" if grid.path.startswith(home.path) else "", place=grid)


def open_doors() -> None:
    """Give everybody the demo's password: the last step of loading, by which a whole demo is known.

    One hash for all: they share the password, and a slow hash each would cost a minute.
    """
    User.objects.filter(phone__startswith=PHONES).update(password=make_password(PASSWORD))


def is_half_loaded() -> bool:
    """Whether a loading was interrupted: the people are there, and their doors are still shut."""
    worker = User.objects.filter(username=SIGN_INS[0].username, phone__startswith=PHONES).first()
    return worker is not None and not worker.has_usable_password()


def gather(users: list[User], posts: list[Post]) -> Staff:
    """People by where they act."""
    staff = Staff()
    for post in posts:
        role, place_id, unit_id = Role(post.role), post.place_id or 0, post.unit_id or 0
        if role in DESK_ROLES:
            staff.desks[place_id].append(post.user)
        elif role in GROUND_ROLES:
            staff.ground[place_id].append(post.user)
        elif role == Role.HANDLER:
            staff.handlers[unit_id].append(post.user)
        elif role == Role.UNIT_HEAD:
            staff.heads[unit_id] = post.user
        elif role == Role.OFFICIAL:
            staff.officials.append(post.user)
    holders = {post.user_id for post in posts}
    staff.residents = [user for user in users if user.pk not in holders]
    known = {sign.username for sign in SIGN_INS}
    staff.visitors = {user.username: user for user in users if user.username in known}
    return staff
