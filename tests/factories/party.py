"""The Party's side for tests: branches, members, volunteers, and wishes brought to any state."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from cases.actions import wishes
from cases.actions.checking import Answer
from cases.actions.reporting import Contact
from cases.actions.wish_asking import Ask, ask_wish
from cases.actions.wishes import Publishing
from cases.catalogue import wish_kinds
from cases.models import Case, Channel, Matter, MatterClass
from cases.workflow import State
from governance.common.remembering import remembering
from grids.models import Place
from partymembers.defaults import seed_defaults
from partymembers.models import Branch, BranchLevel, Member, Post, Role, Unit, User, Volunteer
from tests.factories.cases import NOON, WORLD, World, make_attachment, make_world
from tests.factories.catalogue import make_ladder, make_policies
from tests.factories.grids import BEGAN
from tests.factories.moulds import Mould
from tests.factories.people import LONG_AGO, make_user

_numbers = count(1)
MINUTE = dt.timedelta(minutes=1)


def make_branch(
    parent: Branch | None = None,
    name: str = "第一支部",
    *,
    level: BranchLevel = BranchLevel.BRANCH,
    place: Place | None = None,
    unit: Unit | None = None,
) -> Branch:
    """A branch with a code of its own."""
    fields: dict[str, Any] = {
        "code": f"B{next(_numbers):05d}", "name": name, "level": level, "place": place, "unit": unit,
    }  # fmt: skip
    tree = Branch.objects
    return tree.add_child(parent, fields) if parent else tree.add_root(fields)


def make_member(
    name: str = "党员甲",
    *,
    home: Branch,
    checkin: Branch | None = None,
    settled_on: dt.date = LONG_AGO,
    user: User | None = None,
    **fields: Any,
) -> Member:
    """A member, with an account of their own unless one is given."""
    user = user or make_user(name)
    return Member.objects.create(
        user=user, home_branch=home, checkin_branch=checkin, settled_on=settled_on, **fields
    )


def make_volunteer(name: str = "志愿者", *, community: Place, user: User | None = None) -> Volunteer:
    """A registered volunteer."""
    return Volunteer.objects.create(user=user or make_user(name), community=community, registered_at=NOON)


def make_branch_post(user: User, branch: Branch, role: Role = Role.BRANCH_SECRETARY) -> Post:
    """A seat in the branch's committee."""
    return Post.objects.create(user=user, role=role, branch=branch, starts_on=LONG_AGO)


@dataclass
class Party:
    """The world's people with the Party's side: `committee` serves the community `west`."""

    world: World
    city_branch: Branch
    committee: Branch
    home: Branch
    secretary: User
    member: User
    second_member: User
    volunteer: User
    outsider: User
    kind: Matter


def make_party() -> Party:
    """A city committee, a community committee with a secretary, two members and a volunteer."""
    seed_defaults()
    make_policies()
    make_ladder()
    party = _party()
    party.kind = make_wish_kind()  # of the migration, or of a test that seeded it anew
    return party


def _make_party() -> Party:
    world = make_world()
    city_branch = make_branch(name="市委", level=BranchLevel.CITY, place=world.city.city)
    committee = make_branch(city_branch, "西涧社区党委", level=BranchLevel.COMMUNITY, place=world.city.west)
    home = make_branch(city_branch, "市政养护所支部", unit=world.unit)
    names = ("秦书记", "党员甲", "党员乙", "路人", "志愿者")
    secretary, member, second, outsider, volunteer = (make_user(name, date_joined=BEGAN) for name in names)
    make_branch_post(secretary, committee)
    make_member(home=home, checkin=committee, user=member)
    make_member(home=home, checkin=committee, user=second)
    make_volunteer(community=world.city.west, user=volunteer)
    return Party(
        world, city_branch, committee, home, secretary, member, second, volunteer, outsider, make_wish_kind()
    )


_party = Mould(_make_party, (*WORLD, Branch, Member, Volunteer))


def make_wish_kind(name: str = "上门帮手", *, needs_photo: bool = True) -> Matter:
    """A kind of wish, whether or not the migration's rows are still there."""
    found = next((kind for kind in wish_kinds() if kind.name == name), None)
    if found is not None:
        return found
    cls, _made = MatterClass.objects.get_or_create(
        section=MatterClass.Section.WISH, code="01", defaults={"name": "微心愿"}
    )
    return Matter.objects.create(
        matter_class=cls, code=f"W{next(_numbers)}", name=name, needs_photo=needs_photo
    )


def ask(
    party: Party,
    *,
    at: datetime = NOON,
    asker: User | None = None,
    contact: Contact | None = None,
    **fields: Any,
) -> Case:
    """A wish by a resident without an account, from the first building's QR code."""
    values: dict[str, Any] = {
        "kind": party.kind,
        "words": "家里水龙头漏水，我是李秀英，住1幢2单元501",
        "channel": Channel.RESIDENT,
        "place": party.world.city.building,
        "address": "1幢2单元501",
    }
    if asker is None and contact is None:
        contact = Contact("李秀英", "13812345678")
    return ask_wish(ask=Ask(**(values | fields)), asker=asker, contact=contact, at=at)


def publishing(**fields: Any) -> Publishing:
    """What the wall shows."""
    values: dict[str, Any] = {
        "title": "想修好漏水的水龙头",
        "text": "独居老人，水龙头漏水一周。",
        "points": 20,
        "deliver_by": dt.date(2026, 12, 6),
    }
    return Publishing(**(values | fields))


def bring_wish_to(party: Party, state: str, *, at: datetime = NOON, pace: dt.timedelta = MINUTE) -> Case:
    """A wish in the given state, each step one `pace` after the one before."""
    with remembering():  # as `bring_to`
        case = ask(party, at=at)
        for number, step in enumerate(_PATHS[State(state)], start=1):
            step(party, case, at + number * pace)
    return Case.objects.get(pk=case.pk)


def _publish(party: Party, case: Case, at: datetime) -> None:
    wishes.publish_wish(case_id=case.pk, publishing=publishing(), actor=party.world.desk, at=at)


def _claim(party: Party, case: Case, at: datetime) -> None:
    wishes.claim_wish(case_id=case.pk, actor=party.member, at=at)


def _confirm(party: Party, case: Case, at: datetime) -> None:
    wishes.confirm_claim(case_id=case.pk, actor=party.secretary, at=at)


def _begin(party: Party, case: Case, at: datetime) -> None:
    wishes.begin_wish(case_id=case.pk, actor=party.member, at=at)


def _deliver(party: Party, case: Case, at: datetime) -> None:
    picture = make_attachment(party.member, at=at)
    wishes.deliver_wish(
        case_id=case.pk, actor=party.member, at=at, note="换了新龙头", minutes=45, attachments=[picture]
    )


def _close(party: Party, case: Case, at: datetime) -> None:
    from cases.actors import PublicReporter  # noqa: PLC0415

    answer = Answer(contacted=True, solved=True, satisfaction="satisfied")
    wishes.rate_wish(case_id=case.pk, actor=PublicReporter(case.pk), at=at, answer=answer)


def _decline(party: Party, case: Case, at: datetime) -> None:
    from cases.actions.desk import decline_case  # noqa: PLC0415

    decline_case(case_id=case.pk, actor=party.world.desk, at=at, note="请向物业申请")


def _void(party: Party, case: Case, at: datetime) -> None:
    from cases.actions.desk import void_case  # noqa: PLC0415

    void_case(case_id=case.pk, actor=party.world.desk, at=at, note="已不需要")


_ROAD = (_publish, _claim, _confirm, _begin, _deliver, _close)
_PATHS = {
    State.ASKED: (),
    State.PUBLISHED: _ROAD[:1],
    State.CLAIMED: _ROAD[:2],
    State.CONFIRMED: _ROAD[:3],
    State.BEGUN: _ROAD[:4],
    State.DELIVERED: _ROAD[:5],
    State.CLOSED: _ROAD,
    State.DECLINED: (_decline,),
    State.VOIDED: (*_ROAD[:2], _void),
}
