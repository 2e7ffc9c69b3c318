"""Reporting: where an order lands, whose it is, and that the same report is one order."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from django.db import connection, connections

from cases.actions import handling
from cases.actions.reporting import Contact, Report, add_information, join_case, report_case, withdraw_case
from cases.actors import PublicReporter
from cases.models import Attachment, Case, CaseEvent, Clock, CoReporter
from cases.permissions import allowed_actions
from cases.workflow import Stage, State
from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_attachment, make_world, report

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def test_a_report_lands_in_its_grid_and_on_its_communitys_desk(world: World) -> None:
    case = report(world)
    city = world.city
    assert (case.place, case.desk, case.state) == (city.west_1, city.west, State.REPORTED)
    assert (case.city, case.district, case.street, case.community, case.grid) == (
        city.city,
        city.district,
        city.street,
        city.west,
        city.west_1,
    )
    assert case.reported_grid_id == city.west_1.pk
    assert case.number == "261120-000001"
    assert not case.outside_grid
    assert sorted(case.clocks.values_list("stage", flat=True)) == [Stage.ACCEPT, Stage.WHOLE]
    assert list(case.events.values_list("seq", "kind", "to_state")) == [(1, "report", State.REPORTED)]


def test_numbers_of_a_day_follow_one_another(world: World) -> None:
    numbers = [report(world, at=NOON + n * MINUTE).number for n in range(3)]
    assert numbers == ["261120-000001", "261120-000002", "261120-000003"]


def test_outside_every_grid_goes_to_the_nearest_desk_and_is_marked(world: World) -> None:
    case = report(world, lng=118.305, lat=32.305)
    assert case.outside_grid
    assert case.desk == world.city.west


def test_a_building_stands_in_for_a_position(world: World) -> None:
    case = report(world, lng=None, lat=None, place=world.city.building)
    assert case.place == world.city.west_1
    assert case.building_id == world.city.building.pk
    assert case.compound == world.city.compound


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"lng": None, "lat": None}, "position"),
        ({"description": "长" * 2001}, "description"),
        ({"result": "当场清理完"}, "after"),
        ({"lng": 118.315, "lat": None}, "position"),
    ],
)
def test_a_bad_report_leaves_nothing_behind(world: World, values: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        report(world, **values)
    assert caught.value.field == field
    assert not Case.objects.exists()
    assert not CaseEvent.objects.exists()
    assert not Clock.objects.exists()


@pytest.mark.parametrize("lng", [181.0, float("nan"), float("inf")])
def test_nothing_happens_off_the_earth(world: World, lng: float) -> None:
    for place in (None, world.city.building):
        with pytest.raises(Invalid):
            report(world, lng=lng, lat=32.3, place=place)
    assert not Case.objects.exists()


@pytest.mark.parametrize(("lng", "lat"), [(0.0, 0.0), (180.0, -90.0), (118.3, 33.5)])
def test_a_position_far_from_every_grid_is_refused_and_asks_for_the_pin(
    world: World, lng: float, lat: float
) -> None:
    for place in (None, world.city.building):
        with pytest.raises(Invalid, match=r"50 公里.*图钉") as caught:
            report(world, lng=lng, lat=lat, place=place)
        assert caught.value.field == "position"
    assert not Case.objects.exists()


def test_a_position_across_the_border_still_goes_to_the_nearest_desk(world: World) -> None:
    assert report(world, lng=118.3, lat=32.6).outside_grid


def test_somebody_elses_picture_is_not_taken(world: World) -> None:
    token = make_attachment(world.other_worker)
    with pytest.raises(Invalid):
        report(world, attachments=[token])
    assert not Case.objects.exists()


def test_a_picture_comes_with_the_report(world: World) -> None:
    token = make_attachment(world.worker)
    case = report(world, attachments=[token])
    picture = Attachment.objects.get(token=token)
    assert (picture.case, picture.event, picture.role) == (case, case.events.get(), Attachment.Role.BEFORE)


def test_the_same_client_id_is_the_same_order(world: World) -> None:
    first = report(world, client_id="phone-1")
    again = report(world, client_id="phone-1", description="第二次点了发送")
    other = report(world, client_id="phone-1", reporter=world.second_worker)
    assert again == first
    assert other != first


def test_residents_of_two_sessions_may_share_a_client_id(world: World) -> None:
    def ask(key: str) -> Case:
        values = Report(
            matter=world.matter, channel="resident", place=world.city.building, client_id="1", upload_key=key
        )
        return report_case(report=values, reporter=None, at=NOON, contact=Contact(phone="13900000000"))

    assert ask("a" * 43) == ask("a" * 43)
    assert ask("a" * 43) != ask("b" * 43)
    assert Case.objects.count() == 2


BAD_CONTACTS = [
    (Contact(name="名" * 51), "name"),
    (Contact(phone="12345"), "phone"),
    (Contact(phone="1" * 200), "phone"),
    (Contact(phone="call me"), "phone"),
]


@pytest.mark.parametrize(("contact", "field"), BAD_CONTACTS)
def test_a_name_or_phone_that_cannot_be_kept_is_refused_and_not_cut(
    world: World, contact: Contact, field: str
) -> None:
    values = Report(matter=world.matter, channel="resident", place=world.city.building)
    case = report(world)
    for write in (
        lambda: report_case(report=values, reporter=None, at=NOON, contact=contact),
        lambda: join_case(case_id=case.pk, user=None, at=NOON, contact=contact),
    ):
        with pytest.raises(Invalid) as refused:
            write()
        assert refused.value.field == field
    assert (Case.objects.count(), CoReporter.objects.count()) == (1, 0)


def test_a_phone_is_kept_in_its_one_form_however_it_is_typed(world: World) -> None:
    contact = Contact(name=" 李大姐\x00 ", phone="+86 139-0000 ００００")
    values = Report(matter=world.matter, channel="resident", place=world.city.building)
    case = report_case(report=values, reporter=None, at=NOON, contact=contact)
    joined = join_case(case_id=case.pk, user=None, at=NOON, contact=contact)
    assert (case.reporter_name, case.reporter_phone) == ("李大姐", "13900000000")
    assert (joined.name, joined.phone) == ("李大姐", "13900000000")


@pytest.mark.parametrize("client_id", ["x" * 65, "a\x00b"])
def test_an_id_that_cannot_be_kept_is_refused(world: World, client_id: str) -> None:
    case = report(world)
    told = {"client_id": client_id, "upload_key": "k" * 43}
    values = Report(matter=world.matter, channel="resident", place=world.city.building, **told)
    for write in (
        lambda: report(world, **told),
        lambda: report_case(report=values, reporter=None, at=NOON),
        lambda: join_case(case_id=case.pk, user=None, at=NOON, client_id=client_id),
    ):
        with pytest.raises(Invalid) as refused:
            write()
        assert refused.value.field == "client_id"
    longest = Report(matter=world.matter, channel="resident", place=world.city.building, client_id="x" * 64)
    assert report_case(report=longest, reporter=None, at=NOON).client_id.endswith("x" * 64)


def test_what_is_said_in_joining_is_never_cut(world: World) -> None:
    case = report(world)
    with pytest.raises(Invalid, match="2001") as refused:
        join_case(case_id=case.pk, user=world.second_worker, at=NOON, note="长" * 2001)
    assert refused.value.field == "note"
    joined = join_case(case_id=case.pk, user=world.second_worker, at=NOON, note="长" * 2000)
    assert len(joined.note) == 2000


def test_an_address_that_is_too_long_is_refused_and_not_cut(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        report(world, address="路" * 201)
    assert refused.value.field == "address"


def test_resolved_on_the_spot_waits_for_somebody_else_to_check(world: World) -> None:
    before, after = make_attachment(world.worker), make_attachment(world.worker)
    case = report(world, attachments=[before], result="已清走", after_attachments=[after])
    case.refresh_from_db()
    assert (case.state, case.finisher, case.resolved_on_spot) == (State.HANDLED, world.worker, True)
    assert case.accepted_at == NOON
    told = [(e.kind, e.from_state, e.to_state) for e in case.events.all()]
    assert told == [("report", "reported", "reported"), ("resolve", "reported", "handled")]


def test_only_ground_staff_of_the_place_resolve_on_the_spot(world: World) -> None:
    before, after = make_attachment(world.other_worker), make_attachment(world.other_worker)
    with pytest.raises(NotAllowed):
        report(
            world,
            reporter=world.other_worker,
            attachments=[before],
            result="已清走",
            after_attachments=[after],
        )


def test_joining_makes_no_second_order_and_counts_once(world: World) -> None:
    case = report(world)
    joined = join_case(case_id=case.pk, user=world.second_worker, at=NOON, note="我也看到了")
    again = join_case(case_id=case.pk, user=world.second_worker, at=NOON)
    case.refresh_from_db()
    assert (joined, case.co_reports, Case.objects.count()) == (again, 1, 1)
    with pytest.raises(Invalid):
        join_case(case_id=case.pk, user=world.worker, at=NOON)


def test_nobody_joins_an_ended_order(world: World) -> None:
    case = bring_to(world, "closed")
    with pytest.raises(WrongState):
        join_case(case_id=case.pk, user=world.second_worker, at=NOON)


def test_the_reporter_adds_and_withdraws_before_dispatch_only(world: World) -> None:
    case = bring_to(world, "accepted")
    add_information(case_id=case.pk, actor=world.worker, at=NOON, note="在东侧")
    withdraw_case(case_id=case.pk, actor=world.worker, at=NOON)
    case.refresh_from_db()
    assert (case.state, case.next_due_at) == (State.VOIDED, None)
    assert not case.clocks.filter(stopped_at=None).exists()
    sent = bring_to(world, "dispatched")
    with pytest.raises(WrongState):
        withdraw_case(case_id=sent.pk, actor=world.worker, at=NOON)


def test_what_a_unit_has_had_is_not_withdrawn_after_its_return(world: World) -> None:
    case = bring_to(world, "handling")
    handling.return_case(case_id=case.pk, actor=world.handler, at=NOON + 9 * MINUTE, note="不归我们管")
    case.refresh_from_db()
    assert case.state == State.ACCEPTED
    assert "withdraw" not in allowed_actions(world.worker, case, at=NOON)
    with pytest.raises(WrongState, match="撤回"):
        withdraw_case(case_id=case.pk, actor=world.worker, at=NOON + 10 * MINUTE)
    case.refresh_from_db()
    assert case.state == State.ACCEPTED


def test_what_others_joined_is_not_taken_back(world: World) -> None:
    case = report(world)
    joined = join_case(case_id=case.pk, user=world.second_worker, at=NOON)
    for actor in (world.worker, joined.user, PublicReporter(case.pk, joined.pk)):
        with pytest.raises((WrongState, NotAllowed)):
            withdraw_case(case_id=case.pk, actor=actor, at=NOON)


def test_a_link_acts_on_its_own_order_alone(world: World) -> None:
    values = Report(matter=world.matter, channel="resident", place=world.city.building)
    mine = report_case(report=values, reporter=None, at=NOON)
    other = report_case(report=values, reporter=None, at=NOON)
    with pytest.raises(NotVisible):
        withdraw_case(case_id=other.pk, actor=PublicReporter(mine.pk), at=NOON)
    withdraw_case(case_id=mine.pk, actor=PublicReporter(mine.pk), at=NOON)
    assert Case.objects.get(pk=mine.pk).state == State.VOIDED
    assert CoReporter.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_twenty_posts_of_one_client_id_at_once_make_one_order() -> None:
    world = make_world()
    barrier, numbers, errors = Barrier(20), [], []

    def send() -> None:
        try:
            barrier.wait(timeout=60)
            numbers.append(report(world, client_id="same").number)
        except Exception as error:
            errors.append(error)
        finally:
            connections["default"].close()

    threads = [Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert errors == []
    assert len(numbers) == 20
    assert len(set(numbers)) == 1
    assert Case.objects.count() == 1
    assert connection.vendor == "postgresql"
