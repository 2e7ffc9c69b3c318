"""The Party's side of the demo city: branches, members who have checked in, volunteers, teams, a shelf."""

from __future__ import annotations

import datetime as dt
import random
from typing import Final

from django.db import transaction
from django.utils import timezone

from governance.demo.staff import HOME_COMMUNITY, SINCE
from governance.demo.world import World
from grids.models import Place
from partymembers.actions.activities import Plan, create_activity, sign_up
from partymembers.actions.attendance import arrive, leave
from partymembers.actions.branches import add_branch
from partymembers.actions.evaluations import evaluate_member, report_to_units
from partymembers.actions.lists import Offer, Undertaking, offer_resource, start_project
from partymembers.actions.points import award_points, redeem_item
from partymembers.actions.teams import found_team, join_team
from partymembers.actions.volunteers import register_volunteer
from partymembers.defaults import seed_defaults
from partymembers.models import (
    Branch,
    BranchLevel,
    CheckIn,
    EarningRule,
    Evaluation,
    Member,
    MemberMove,
    PointsAccount,
    Post,
    Role,
    Skill,
    Station,
    StationItem,
    Team,
    Unit,
    User,
)

#: Of the members, who has checked in, who waits for the branch's answer; the rest is due or late.
_CHECKED_IN, _WAITING = 0.86, 0.91
_TEAMS: Final = (
    ("“红马甲”志愿服务队", "环境整治、楼道巡查、节日值守"),
    ("“银发关怀”服务队", "陪伴独居老人，代办代跑"),
    ("“小小课桌”辅导队", "周末学习辅导和手工课"),
)
_ACTIVITIES: Final = (
    ("周末楼道大扫除", "小区东门集合", -26, 3),
    ("电动车停放劝导", "社区服务站门口", -19, 2),
    ("敬老院陪伴日", "敬老院一楼大厅", -12, 4),
    ("旧衣旧书回收", "文化广场", -5, 3),
    ("冬季防火入户宣传", "社区服务站门口", 4, 2),
    ("周六学习辅导", "社区自习室", 8, 2),
)
_SHELF: Final = (("抽纸一提", 15, 60), ("洗衣液", 30, 40), ("大米 5 斤", 45, 30), ("保温杯", 80, 12))
_OFFERS: Final = (
    ("免费理发（每月第一个周六）", "home_help"),
    ("水电小修小补", "repair"),
    ("法律咨询两小时", "advice"),
    ("初中数学辅导", "tutoring"),
    ("血压血糖检测", "health"),
)
_PROJECTS: Final = ("小区充电棚改造", "楼道灯亮化", "口袋公园认养")
_GRADES: Final = ([Evaluation.Grade.GOOD] * 5 + [Evaluation.Grade.FAIRLY_GOOD] * 3) + [
    Evaluation.Grade.AVERAGE
]


@transaction.atomic
def make_party(world: World, *, at: dt.datetime) -> None:
    """Branches with their secretaries, members and volunteers, as they stood some months ago."""
    seed_defaults()
    rng = random.Random(f"{world.seed} party")
    city, committees = _make_committees(world, at)
    homes = _make_homes(world, city, at)
    _make_members(world, rng, committees, homes)
    skills = list(Skill.objects.all())
    home = world.territory.communities[HOME_COMMUNITY]
    for number, user in enumerate(world.staff.volunteers):
        community = home if number < 20 else rng.choice(world.territory.communities)
        register_volunteer(
            user=user, community=community, skills=rng.sample(skills, 2), introduction="", at=at
        )


def _make_committees(world: World, at: dt.datetime) -> tuple[Branch, dict[int, Branch]]:
    """City committee, working committees of streets, committees of communities, a branch a home grid."""
    made = world.territory

    def add(level: BranchLevel, name: str, place: Place, parent: Branch | None) -> Branch:
        return add_branch(
            code=f"P{place.code}{'' if level != BranchLevel.BRANCH else 'B'}", name=name, level=level,
            parent_id=parent.pk if parent else None, place=place, founded_on=SINCE, actor=None, at=at,
        )  # fmt: skip

    city = add(BranchLevel.CITY, f"{made.city.name}委", made.city, None)
    streets = {
        street.path: add(BranchLevel.STREET, f"{street.name}党工委", street, city) for street in made.streets
    }
    committees = {}
    for community, secretary in zip(made.communities, world.staff.secretaries, strict=True):
        street = next(branch for path, branch in streets.items() if community.path.startswith(path))
        committee = add(BranchLevel.COMMUNITY, f"{community.name}党委", community, street)
        committees[community.pk] = committee
        Post.objects.create(user=secretary, role=Role.BRANCH_SECRETARY, branch=committee, starts_on=SINCE)
    home = made.communities[HOME_COMMUNITY]
    for user in world.staff.members[1:4]:
        seat = committees[home.pk]
        Post.objects.create(user=user, role=Role.BRANCH_COMMITTEE, branch=seat, starts_on=SINCE)
    for number, grid in enumerate(made.below(home, made.grids), start=1):
        add(BranchLevel.BRANCH, f"{home.name}第{number}网格支部", grid, committees[home.pk])
    return city, committees


def _make_homes(world: World, city: Branch, at: dt.datetime) -> list[Branch]:
    """A branch for each department and company, where its members' home is."""
    kinds = (Unit.Kind.DEPARTMENT, Unit.Kind.UTILITY, Unit.Kind.PROPERTY)
    units = [unit for unit in world.units.values() if unit.kind in kinds]
    return [
        add_branch(
            code=f"U{unit.code}"[:30], name=f"{unit.name}支部", level=BranchLevel.BRANCH, parent_id=city.pk,
            unit=unit, founded_on=SINCE, actor=None, at=at,
        )
        for unit in units
    ]  # fmt: skip


def _make_members(
    world: World, rng: random.Random, committees: dict[int, Branch], homes: list[Branch]
) -> None:
    """Members with where they live; most have checked in there. Written at once: 400 rows of each."""
    made, home = world.territory, world.territory.communities[HOME_COMMUNITY]
    near = made.below(home, made.grids)
    members, check_ins, moves = [], [], []
    for number, user in enumerate(world.staff.members):
        grid = rng.choice(near if number < 60 else made.grids)
        chance = 0.0 if number == 0 else rng.random()
        member = _member(world, rng, user, grid, is_settled=chance < _CHECKED_IN)
        member.home_branch = rng.choice(homes)
        members.append(member)
        if chance < _WAITING:
            community = next(each for each in made.communities if grid.path.startswith(each.path))
            row = _check_in(world, rng, member, committees[community.pk])
            check_ins.append(row)
            if chance < _CHECKED_IN:
                moves.append(_accepted(row, world.staff.secretaries[made.communities.index(community)]))
    Member.objects.bulk_create(members)
    CheckIn.objects.bulk_create(check_ins)
    MemberMove.objects.bulk_create(moves)


def _member(world: World, rng: random.Random, user: User, grid: Place, *, is_settled: bool) -> Member:
    days = rng.randint(60, 500) if is_settled else rng.randint(5, 50)
    return Member(
        user=user,
        lives_at=rng.choice(world.territory.buildings[grid.pk]).place,
        door=f"{rng.randint(1, 3)}单元{rng.randint(1, 11)}0{rng.randint(1, 4)}",
        settled_on=timezone.localdate(world.now) - dt.timedelta(days=days),
        status=Member.Status.PROBATIONARY if rng.random() < 0.04 else Member.Status.FULL,
    )


def _check_in(world: World, rng: random.Random, member: Member, branch: Branch) -> CheckIn:
    """A request some days after settling, at the latest some hours ago."""
    day = member.settled_on + dt.timedelta(days=rng.randint(1, 24))
    asked = timezone.make_aware(dt.datetime.combine(day, dt.time(10)))
    offer = rng.choice(("楼道巡查", "学习辅导", "水电维修", ""))
    asked = min(asked, world.now - dt.timedelta(hours=3))
    return CheckIn(member=member, branch=branch, asked_at=asked, offer=offer)


def _accepted(row: CheckIn, secretary: User) -> MemberMove:
    """The secretary's answer, and the move that it is."""
    row.state, row.decided_by = CheckIn.State.ACCEPTED, secretary
    row.decided_at = row.asked_at + dt.timedelta(hours=2)
    row.member.checkin_branch, row.member.checked_in_at = row.branch, row.decided_at
    return MemberMove(
        member=row.member,
        kind=MemberMove.Kind.CHECK_IN,
        to_branch=row.branch,
        at=row.decided_at,
        by=secretary,
    )


def live_together(world: World) -> None:
    """What members and volunteers did: check-in points, teams, activities, grades, the shelf, the lists."""
    with transaction.atomic():
        _award_check_ins(world)
        teams = _make_teams(world)
        for number, (title, where, days, hours) in enumerate(_ACTIVITIES):
            _hold(world, teams[number % len(teams)], title, where, days=days, hours=hours)
        _grade(world)
        _fill_shelf(world)
        _fill_lists(world)


def _award_check_ins(world: World) -> None:
    rule = EarningRule.objects.get(code="check_in")
    for row in CheckIn.objects.filter(state=CheckIn.State.ACCEPTED).select_related(
        "member__user", "decided_by"
    ):
        award_points(
            user=row.member.user, rule_code=rule.code, source="check_in", source_id=row.pk, what=rule.name,
            at=row.decided_at or world.now, by=row.decided_by,
        )  # fmt: skip


def _make_teams(world: World) -> list[tuple[int, User]]:
    """Three teams at home: id and leader."""
    home = world.territory.communities[HOME_COMMUNITY]
    secretary = world.staff.desks[home.pk][0]
    teams = []
    for number, (name, purpose) in enumerate(_TEAMS):
        people = world.staff.volunteers[number * 6 : number * 6 + 6]
        at = world.now - dt.timedelta(days=90 - number)
        team = found_team(name=name, place=home, leader=people[0], purpose=purpose, actor=secretary, at=at)
        for user in people[1:]:
            join_team(team_id=team.pk, user=user, at=at + dt.timedelta(days=1))
        teams.append((team.pk, people[0]))
    return teams


def _hold(world: World, team: tuple[int, User], title: str, where: str, *, days: int, hours: int) -> None:
    """An activity some days ago, with who came; or one to come, with who has signed up."""
    rng = random.Random(f"{world.seed} {title}")
    home = world.territory.communities[HOME_COMMUNITY]
    day = timezone.localdate(world.now) + dt.timedelta(days=days)
    starts = timezone.make_aware(dt.datetime.combine(day, dt.time(9)))
    told = min(starts, world.now) - dt.timedelta(days=6)
    plan = Plan(
        title=title, place=home, where=where, starts_at=starts, ends_at=starts + dt.timedelta(hours=hours),
        capacity=20, team=Team.objects.get(pk=team[0]),
    )  # fmt: skip
    activity = create_activity(plan=plan, actor=team[1], at=told)
    people = rng.sample(world.staff.volunteers[:20] + world.staff.members[:10], 12)
    for user in people:
        sign_up(activity_id=activity.pk, user=user, at=told + dt.timedelta(hours=rng.randint(2, 90)))
    if days >= 0:
        return
    for user in people[:10]:
        arrive(token=activity.token, user=user, at=starts + dt.timedelta(minutes=rng.randint(-20, 15)))
        late = dt.timedelta(hours=hours) - dt.timedelta(minutes=rng.randint(0, 25))
        leave(token=activity.token, user=user, at=starts + late)


def _grade(world: World) -> None:
    """Last year's grades at home, reported to the work units; this year's have begun."""
    rng = random.Random(f"{world.seed} grades")
    home = world.territory.communities[HOME_COMMUNITY]
    secretary = world.staff.secretaries[HOME_COMMUNITY]
    branch = Branch.objects.get(place=home, level=BranchLevel.COMMUNITY)
    year = timezone.localdate(world.now).year
    at = world.now - dt.timedelta(days=2)
    members = list(Member.objects.filter(checkin_branch=branch).exclude(user=secretary).order_by("pk"))
    for member in members:
        evaluate_member(member_id=member.pk, year=year - 1, grade=rng.choice(_GRADES), actor=secretary, at=at)
    report_to_units(branch_id=branch.pk, year=year - 1, actor=secretary, at=at)
    for member in members[: len(members) // 3]:
        evaluate_member(member_id=member.pk, year=year, grade=rng.choice(_GRADES), actor=secretary, at=at)


def _fill_shelf(world: World) -> None:
    """A station with things on its shelf, and some that were handed over."""
    home = world.territory.communities[HOME_COMMUNITY]
    station = Station.objects.create(
        name=f"{home.name}积分超市", place=home, address="社区服务站一楼", hours="周一至周五 9:00–17:00"
    )
    items = [
        StationItem.objects.create(station=station, name=name, points=points, stock=stock)
        for name, points, stock in _SHELF
    ]
    rich = PointsAccount.objects.filter(balance__gte=items[0].points).order_by("-balance", "pk")
    for account in rich.select_related("user")[:12]:
        if account.user is not None:
            redeem_item(
                user=account.user, item_id=items[0].pk, by=world.staff.desks[home.pk][0],
                at=world.now - dt.timedelta(hours=30),
            )  # fmt: skip


def _fill_lists(world: World) -> None:
    """The lists of resources and projects at home."""
    home = world.territory.communities[HOME_COMMUNITY]
    at, today = world.now - dt.timedelta(days=20), timezone.localdate(world.now)
    skills = {skill.code: skill for skill in Skill.objects.all()}
    for user, (title, code) in zip(world.staff.volunteers, _OFFERS, strict=False):
        offer_resource(offer=Offer(title=title, place=home, skill=skills[code]), actor=user, at=at)
    branch = Branch.objects.get(place=home, level=BranchLevel.COMMUNITY)
    for number, title in enumerate(_PROJECTS):
        start_project(
            undertaking=Undertaking(
                title=title, place=home, branch=branch, lead=world.staff.members[number],
                due_on=today + dt.timedelta(days=30 * (number + 1)),
            ),
            actor=world.staff.secretaries[HOME_COMMUNITY],
            at=at,
        )  # fmt: skip
