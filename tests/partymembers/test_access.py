"""Row scope: who reaches which places and units, and from which day to which."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from grids.models import Level, Place, PlaceChange
from partymembers.access import NOTHING, PlaceGrant, access_of, places_of, users_in, users_with
from partymembers.models import DESK_ROLES, Role
from tests.factories.keys import service_account
from tests.factories.people import make_post, make_substitute, make_unit, make_user

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 11, 20)
DAY = dt.timedelta(days=1)


@pytest.fixture
def city() -> Place:
    return Place.objects.add_root({"code": "990100000000", "name": "澄川市", "level": Level.CITY})


@pytest.fixture
def street(city: Place) -> Place:
    district = child(city, code="990101000000", name="城东区", level=Level.DISTRICT)
    return child(district, code="990101001000", name="河湾街道", level=Level.STREET)


@pytest.fixture
def communities(street: Place) -> tuple[Place, Place]:
    here = child(street, code="990101001001", name="柳荫社区", level=Level.COMMUNITY)
    there = child(street, code="990101001002", name="桥头社区", level=Level.COMMUNITY)
    return here, there


def child(parent: Place, *, code: str, name: str, level: Level) -> Place:
    return Place.objects.add_child(parent, {"code": code, "name": name, "level": level})


def grid(community: Place, number: int) -> Place:
    return child(community, code=f"{community.code}{number:03d}", name=f"第{number}网格", level=Level.GRID)


def change(kind: str, before: list[Place], after: list[Place], on: dt.date) -> None:
    made = PlaceChange.objects.create(
        kind=kind, effective_at=timezone.make_aware(dt.datetime.combine(on, dt.time.min))
    )
    made.predecessors.set(before)
    made.successors.set(after)
    Place.objects.filter(pk__in=[place.pk for place in before]).update(retired_on=on)


def test_a_secretary_a_colleague_and_an_outsider(street: Place, communities: tuple[Place, Place]) -> None:
    here, there = communities
    grid_here, grid_there = grid(here, 1), grid(there, 1)
    secretary = make_user("周书记", role=Role.SECRETARY, place=here)
    colleague = make_user("吴干事", role=Role.DESK, place=here)
    outsider = make_user("郑书记", role=Role.SECRETARY, place=there)

    for user in (secretary, colleague):
        access = access_of(user, on=TODAY)
        assert access.covers(here.path)
        assert access.covers(grid_here.path)
        assert access.is_desk_of(here.path)
        assert not access.is_desk_of(grid_here.path)
        assert access.is_desk_above(grid_here.path)
        assert not access.is_desk_above(here.path)
        assert not access.covers(there.path)
        assert not access.covers(street.path)
        assert access.desk_place_ids == {here.pk}
        assert set(places_of(user, on=TODAY)) == {here, grid_here}

    theirs = access_of(outsider, on=TODAY)
    assert not theirs.covers(here.path)
    assert not theirs.is_desk_of(here.path)
    assert not theirs.is_desk_above(grid_here.path)
    assert set(places_of(outsider, on=TODAY)) == {there, grid_there}


def test_each_place_role_answers_its_own_question(communities: tuple[Place, Place], city: Place) -> None:
    here, there = communities
    grid_here = grid(here, 1)
    building = child(grid_here, code=f"{grid_here.code}001", name="1幢", level=Level.BUILDING)
    worker = access_of(make_user(role=Role.GRID_WORKER, place=grid_here), on=TODAY)
    captain = access_of(make_user(role=Role.BUILDING_CAPTAIN, place=building), on=TODAY)
    official = access_of(make_user(role=Role.OFFICIAL, place=city), on=TODAY)

    assert (worker.is_ground_of(grid_here.path), worker.is_ground_of(building.path)) == (True, True)
    assert (worker.is_ground_of(here.path), worker.is_desk_of(grid_here.path)) == (False, False)
    assert (captain.is_ground_of(building.path), captain.is_ground_of(grid_here.path)) == (True, False)
    assert captain.building_ids() == {building.pk}
    assert captain.places_by_level() == {}
    assert official.is_official_of(there.path)
    assert not official.is_desk_above(there.path)
    assert not official.is_ground_of(there.path)
    assert official.places_by_level() == {Level.CITY: {city.pk}}


def test_a_post_counts_from_its_first_day_to_its_last(communities: tuple[Place, Place]) -> None:
    here, _ = communities
    user = make_user(role=Role.DESK, place=here, since=TODAY, until=TODAY + 3 * DAY)
    covered = [access_of(user, on=TODAY + day * DAY).covers(here.path) for day in (-1, 0, 3, 4)]
    assert covered == [False, True, True, False]


def test_a_substitute_acts_only_while_both_are_in_force(communities: tuple[Place, Place]) -> None:
    here, there = communities
    absent = make_user("周书记")
    post = make_post(absent, role=Role.SECRETARY, place=here, until=TODAY + 5 * DAY)
    deputy = make_user("吴干事", role=Role.DESK, place=there)
    make_substitute(post, deputy, since=TODAY, until=TODAY + 9 * DAY)

    days = [access_of(deputy, on=TODAY + day * DAY) for day in (-1, 0, 5, 6)]
    assert [access.is_desk_of(here.path) for access in days] == [False, True, True, False]
    assert [access.is_desk_of(there.path) for access in days] == [True] * 4
    assert access_of(absent, on=TODAY).is_desk_of(here.path)


def test_a_past_substitution_is_not_revived_by_another_one_today(communities: tuple[Place, Place]) -> None:
    """Two substitutes of one post: the dates of the one must not lend themselves to the other."""
    here, _ = communities
    post = make_post(make_user(), role=Role.SECRETARY, place=here)
    earlier, now = make_user("甲"), make_user("乙")
    make_substitute(post, earlier, since=TODAY - 9 * DAY, until=TODAY - 5 * DAY)
    make_substitute(post, now, since=TODAY, until=TODAY)
    assert not access_of(earlier, on=TODAY).covers(here.path)
    assert access_of(now, on=TODAY).covers(here.path)


def test_disabled_and_anonymous_users_reach_nothing(communities: tuple[Place, Place]) -> None:
    here, _ = communities
    user = make_user(role=Role.DESK, place=here, disabled_at=timezone.now())
    assert access_of(user, on=TODAY) == NOTHING
    assert access_of(AnonymousUser(), on=TODAY) == NOTHING
    assert list(places_of(user, on=TODAY)) == []
    assert NOTHING.is_empty()


def test_units_are_the_users_own_and_a_disabled_unit_is_gone() -> None:
    road, water = make_unit("市政养护所"), make_unit("自来水公司")
    gone = make_unit("旧所", disabled_at=timezone.now())
    head = make_user(role=Role.UNIT_HEAD, unit=road)
    handler = make_user(role=Role.HANDLER, unit=road)
    make_post(handler, role=Role.HANDLER, unit=gone)

    assert access_of(head, on=TODAY).headed_unit_ids == {road.pk}
    access = access_of(handler, on=TODAY)
    assert access.unit_ids == {road.pk}
    assert access.headed_unit_ids == frozenset()
    assert (access.in_unit(road.pk), access.in_unit(water.pk), access.in_unit(None)) == (True, False, False)
    assert access.places_by_level() == {}


def test_several_posts_add_up(street: Place, communities: tuple[Place, Place]) -> None:
    here, there = communities
    unit = make_unit()
    user = make_user(role=Role.SECRETARY, place=here)
    make_post(user, role=Role.GRID_LEADER, place=there)
    make_post(user, role=Role.HANDLER, unit=unit)
    access = access_of(user, on=TODAY)
    assert access.grants == (
        PlaceGrant(here.pk, Level.COMMUNITY, here.path, frozenset({Role.SECRETARY})),
        PlaceGrant(there.pk, Level.COMMUNITY, there.path, frozenset({Role.GRID_LEADER})),
    )
    assert access.places_by_level() == {Level.COMMUNITY: {here.pk, there.pk}}
    assert access.unit_ids == {unit.pk}
    assert not access.covers(street.path)


def test_the_successor_of_a_split_place_sees_its_predecessor(street: Place) -> None:
    old = child(street, code="990101001003", name="老社区", level=Level.COMMUNITY)
    grid_of_old = grid(old, 1)
    new = child(street, code="990101001004", name="新社区", level=Level.COMMUNITY)
    other = child(street, code="990101001005", name="别社区", level=Level.COMMUNITY)
    change("split", [old], [new], TODAY)
    heir = make_user(role=Role.SECRETARY, place=new)
    outsider = make_user(role=Role.SECRETARY, place=other)

    assert not access_of(heir, on=TODAY - DAY).covers(old.path)
    access = access_of(heir, on=TODAY)
    assert access.grants[1:] == (
        PlaceGrant(old.pk, Level.COMMUNITY, old.path, frozenset({Role.SECRETARY}), inherited=True),
    )
    assert access.covers(grid_of_old.path)
    assert access.is_desk_of(old.path)
    assert access.desk_place_ids == {new.pk, old.pk}
    assert access.places_by_level() == {Level.COMMUNITY: {new.pk, old.pk}}
    assert not access_of(outsider, on=TODAY).covers(old.path)
    system = service_account(place=new).user
    assert not access_of(system, on=TODAY - DAY).covers(old.path)
    assert access_of(system, on=TODAY).desk_place_ids == {new.pk, old.pk}


def test_predecessors_are_followed_through_changes_and_upward(city: Place, street: Place) -> None:
    """A community that moved to another street twice: the street it is in now reads all its past."""
    streets = [
        child(Place.objects.get_parent(street), code=f"99010100{n}000", name=f"{n}街道", level=Level.STREET)
        for n in (2, 3)
    ]
    first = child(street, code="990101001007", name="甲社区", level=Level.COMMUNITY)
    second = child(streets[0], code="990101002007", name="甲社区", level=Level.COMMUNITY)
    third = child(streets[1], code="990101003007", name="甲社区", level=Level.COMMUNITY)
    change("handover", [first], [second], TODAY - DAY)
    change("handover", [second], [third], TODAY)

    desk = access_of(make_user(role=Role.DESK, place=streets[1]), on=TODAY)
    assert [grant.place_id for grant in desk.grants] == [streets[1].pk, first.pk, second.pk]
    assert desk.desk_place_ids == {streets[1].pk}
    assert desk.is_desk_above(first.path)
    assert not desk.is_desk_of(first.path)
    assert not desk.covers(street.path)
    assert access_of(make_user(role=Role.DESK, place=third), on=TODAY).is_desk_of(first.path)
    middle = access_of(make_user(role=Role.DESK, place=streets[0]), on=TODAY)
    assert (middle.covers(first.path), middle.covers(second.path), middle.covers(third.path)) == (
        True,
        True,
        False,
    )


def test_a_redrawn_boundary_lends_nobody_the_neighbour(communities: tuple[Place, Place]) -> None:
    """Both places go on: neither is the other's predecessor, though the change names both."""
    here, there = communities
    made = PlaceChange.objects.create(kind="boundary", effective_at=timezone.now() - DAY)
    made.predecessors.set([here, there])
    made.successors.set([here, there])
    access = access_of(make_user(role=Role.SECRETARY, place=here), on=timezone.localdate())
    assert access.covers(here.path)
    assert not access.covers(there.path)


def test_a_large_grid_holds_its_small_ones(communities: tuple[Place, Place]) -> None:
    here, _ = communities
    large, next_to_it = grid(here, 1), grid(here, 2)
    small = child(large, code=f"{here.code}101", name="微网格", level=Level.GRID)
    leader = access_of(make_user(role=Role.GRID_LEADER, place=large), on=TODAY)
    assert leader.places_by_level() == {Level.GRID: {large.pk, small.pk}}
    worker = access_of(make_user(role=Role.GRID_WORKER, place=small), on=TODAY)
    assert worker.places_by_level() == {Level.GRID: {small.pk}}
    assert not leader.covers(next_to_it.path)


@pytest.mark.parametrize("posts", [1, 3])
@pytest.mark.parametrize("reaches_further", [False, True])
def test_one_query_however_many_posts_and_a_second_for_what_lies_beyond(
    posts: int, reaches_further: bool, communities: tuple[Place, Place], django_assert_num_queries
) -> None:
    here, there = communities
    user = make_user(role=Role.HANDLER, unit=make_unit())
    grids = [grid(here, number + 1) for number in range(posts)]
    for place in grids:
        make_post(user, role=Role.GRID_WORKER, place=place)
    make_substitute(make_post(make_user(), role=Role.SECRETARY, place=there), user, since=TODAY, until=TODAY)
    code = f"{here.code}101"
    small = child(grids[0], code=code, name="微网格", level=Level.GRID) if reaches_further else None
    with django_assert_num_queries(2 if reaches_further else 1):
        access = access_of(user, on=TODAY)
    assert len(access.grants) == posts + 1
    assert access.inner_grid_ids == ({small.pk} if small else set())
    with django_assert_num_queries(0):
        access_of(AnonymousUser(), on=TODAY)


def test_users_with_finds_desks_and_their_substitutes(
    street: Place, communities: tuple[Place, Place]
) -> None:
    here, there = communities
    staff = make_user("周书记", role=Role.SECRETARY, place=here)
    above = make_user("街道", role=Role.DESK, place=street)
    make_user("郑书记", role=Role.SECRETARY, place=there)
    make_user("离任", role=Role.DESK, place=here, until=TODAY - DAY)
    make_user("停用", role=Role.DESK, place=here, disabled_at=timezone.now())
    deputy, late = make_user("吴干事"), make_user("迟")
    make_substitute(staff.posts.get(), deputy, since=TODAY, until=TODAY)
    make_substitute(staff.posts.get(), late, since=TODAY + DAY, until=TODAY + DAY)

    assert list(users_with(DESK_ROLES, place_path=here.path, on=TODAY, exactly=True)) == [staff, deputy]
    assert list(users_with(DESK_ROLES, place_path=here.path, on=TODAY)) == [staff, above, deputy]


def test_users_in_a_unit() -> None:
    road, water = make_unit(), make_unit()
    head, handler = (make_user(role=role, unit=road) for role in (Role.UNIT_HEAD, Role.HANDLER))
    make_user(role=Role.HANDLER, unit=water)
    assert list(users_in(road.pk, on=TODAY)) == [head, handler]
    assert list(users_in(road.pk, on=TODAY, roles=[Role.UNIT_HEAD])) == [head]
