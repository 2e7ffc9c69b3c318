"""Pages of points: the statement, the honours list, and the counter of a station."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.urls import reverse

from partymembers.actions import points
from partymembers.models import (
    AuditEntry,
    PointsTransaction,
    Station,
    StationItem,
)
from partymembers.web.service.points import CODE_SALT
from partymembers.web.service.stations import SERVED_SALT
from tests.factories.cases import NOON
from tests.factories.party import Party, make_volunteer
from tests.factories.people import make_user
from tests.factories.scene import signed_in
from tests.factories.service import (
    award_wish,
    make_station,
    text_of,
)

pytestmark = pytest.mark.django_db


def test_the_statement_of_a_month_keeps_the_running_balance(party: Party) -> None:
    for number, day in enumerate((NOON - timedelta(days=40), NOON), start=1):
        points.award_points(
            user=party.member, rule_code="wish", source="wish", source_id=number, what=f"心愿{number}",
            stated=10, at=day,
        )  # fmt: skip
    client = signed_in(party.member)
    page = client.get(reverse("service:points"), {"month": "2026-11"}).context["page"]
    assert [(row.amount, row.running) for row in page.rows] == [(10, 20)]
    assert client.get(reverse("service:points"), {"month": "x"}).status_code == 400
    assert "心愿2" not in text_of(signed_in(party.second_member), "points")


def test_the_statement_goes_page_by_page(party: Party) -> None:
    for number in range(35):
        award_wish(party, party.member, number, stated=1)
    client, url = signed_in(party.member), reverse("service:points")
    first = client.get(url).context["page"]
    second = client.get(url, {"cursor": first.next_cursor}).context["page"]
    assert [row.running for row in [*first.rows, *second.rows]] == list(range(35, 0, -1))


def test_the_export_is_inert(party: Party) -> None:
    award_wish(party, party.member, 1, what='=HYPERLINK("http://x")')
    answer: Any = signed_in(party.member).get(reverse("service:points_export"))
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert rows[1][2] == '\'=HYPERLINK("http://x")'
    assert rows[1][5:] == ["10", "10"]
    assert "no-store" in answer.headers["Cache-Control"]


def test_honours_name_neighbours_and_mask_the_rest(party: Party) -> None:
    award_wish(party, party.member, 1, stated=30)
    award_wish(party, party.volunteer, 2, stated=30)
    award_wish(party, party.second_member, 3, stated=10)
    neighbour = make_volunteer("邻居", community=party.world.city.west).user
    stranger = make_volunteer("远客", community=party.world.city.east).user
    west, street = party.world.city.west.code, party.world.city.street.code
    seen = signed_in(neighbour).get(reverse("service:honours"), {"in": west}).context["rows"]
    assert [(row.rank, row.name, row.points) for row in seen] == [
        (1, party.member.name, 30),
        (1, party.volunteer.name, 30),
        (3, party.second_member.name, 10),
    ]
    for reader in (neighbour, stranger):
        text = text_of(signed_in(reader), "honours", **{"in": street})
        assert party.volunteer.name not in text
        assert "志某某" in text
    own = signed_in(party.volunteer).get(reverse("service:honours"), {"in": street}).context["rows"]
    assert [row.name for row in own if row.is_own] == [party.volunteer.name]
    assert not signed_in(neighbour).get(reverse("service:honours"), {"month": "2026-10"}).context["rows"]
    by_branch = signed_in(party.member).get(reverse("service:honours"), {"by": "branch"}).context["rows"]
    assert [row.name for row in by_branch] == [party.member.name, party.second_member.name]


def test_what_was_taken_back_does_not_honour(party: Party) -> None:
    award_wish(party, party.member, 1)
    moved = PointsTransaction.objects.get()
    url = reverse("service:points_correct", args=[moved.pk])
    assert signed_in(party.second_member).get(url).status_code == 404
    assert signed_in(party.member).get(url).status_code == 404
    assert signed_in(party.world.desk).post(url, {"reason": "未完成"}).status_code == 302
    assert not signed_in(party.world.desk).get(reverse("service:honours")).context["rows"]
    assert "未完成" in text_of(signed_in(party.member), "points")


def test_the_counter_by_a_persons_code(party: Party, clock: Any) -> None:
    item = make_station(party.world.city.west)
    award_wish(party, party.member, 1, stated=50)
    code = signing.dumps(party.member.pk, salt=CODE_SALT)
    url = reverse("service:counter_code", args=[code])
    for user in (party.member, party.volunteer, party.secretary, party.world.other_desk):
        assert signed_in(user).get(url).status_code == 404
    desk = signed_in(party.world.desk)
    counter = desk.get(url)
    assert counter.headers["Location"].startswith(reverse("service:counter", args=[item.station_id]))
    assert AuditEntry.objects.filter(action="personal_data_opened", actor=party.world.desk).count() == 1
    assert party.member.name not in desk.get(counter.headers["Location"]).content.decode()
    make_station(party.world.city.west, "二站")
    assert "二站" in desk.get(url).content.decode()
    assert AuditEntry.objects.filter(action="personal_data_opened", actor=party.world.desk).count() == 2
    clock.shift(timedelta(minutes=11))
    assert desk.get(url).status_code == 400  # run out
    assert desk.get(reverse("service:counter_code", args=["forged"])).status_code == 400


def test_the_counter_by_name_and_tail(party: Party) -> None:
    item = make_station(party.world.city.west)
    desk, url = signed_in(party.world.desk), reverse("service:counter", args=[item.station_id])
    tail = (party.member.phone or "")[-4:]
    assert desk.post(url, {"name": party.member.name, "tail": "0000"}).status_code == 400
    assert desk.post(url, {"name": "没有", "tail": tail}).status_code == 400
    assert desk.post(url, {"name": party.member.name, "tail": "12"}).status_code == 400
    assert desk.post(url, {"name": party.member.name, "tail": tail}).status_code == 302
    twin = make_user(party.member.name, phone=f"1860000{tail}")
    assert desk.post(url, {"name": party.member.name, "tail": tail}).status_code == 400
    assert twin.name == party.member.name


def test_redeeming_and_taking_back(party: Party) -> None:
    item = make_station(party.world.city.west)
    desk = signed_in(party.world.desk)
    redeem = reverse("service:redeem", args=[item.station_id])
    typed = {"who": signing.dumps(party.member.pk, salt=SERVED_SALT), "receipt": "a", "item": item.pk}
    refused = desk.post(redeem, typed, follow=True).content.decode()
    assert "30" in refused
    assert StationItem.objects.get().stock == 5
    award_wish(party, party.member, 1, stated=50)
    desk.post(redeem, typed)
    assert StationItem.objects.get().stock == 4
    assert desk.post(redeem, typed | {"who": "forged"}).status_code == 400
    assert desk.post(redeem, typed | {"item": "x"}).status_code == 404
    handed = PointsTransaction.objects.get(kind="redemption").redemption
    cancel = reverse("service:redemption_cancel", args=[handed.pk])
    assert signed_in(party.world.other_desk).get(cancel).status_code == 404
    assert desk.post(cancel, {"reason": "漏液"}).status_code == 302
    assert StationItem.objects.get().stock == 5


def test_stock_by_the_page(party: Party) -> None:
    item = make_station(party.world.city.west)
    url = reverse("service:stock", args=[item.pk])
    assert signed_in(party.world.desk).post(url, {"change": "-9", "reason": "盘点"}).status_code == 400
    assert signed_in(party.world.desk).post(url, {"change": "3", "reason": "进货"}).status_code == 302
    assert StationItem.objects.get().stock == 8
    assert signed_in(party.member).get(url).status_code == 404
    Station.objects.update(closed_on=NOON.date())
    assert signed_in(party.member).get(reverse("service:station", args=[item.station_id])).status_code == 404


def test_the_counter_takes_back_what_its_desk_keeps(party: Party) -> None:
    item, desk = make_station(party.world.city.west), signed_in(party.world.desk)
    award_wish(party, party.member, 1)
    points.award_points(
        user=party.member, rule_code="wish", source="wish", source_id=2, what="在东门", stated=5,
        at=NOON, place=party.world.city.east,
    )  # fmt: skip
    who = signing.dumps(party.member.pk, salt=SERVED_SALT)
    text = text_of(desk, "counter", item.station_id, who=who)
    links = [
        reverse("service:points_correct", args=[m.pk]) in text
        for m in PointsTransaction.objects.order_by("pk")
    ]
    assert links == [True, False]


def test_taking_points_back_says_how_many_there_were(party: Party) -> None:
    item, desk = make_station(party.world.city.west), signed_in(party.world.desk)
    award_wish(party, party.member, 1, stated=50)
    award = PointsTransaction.objects.get()
    points.redeem_item(user=party.member, item_id=item.pk, by=party.world.desk, at=NOON)
    url = reverse("service:points_correct", args=[award.pk])
    assert "50 分中收回了 20 分" in desk.post(url, {"reason": "重复"}, follow=True).content.decode()
    award_wish(party, party.member, 2, stated=30)
    points.redeem_item(user=party.member, item_id=item.pk, by=party.world.desk, at=NOON)
    second = reverse(
        "service:points_correct", args=[PointsTransaction.objects.get(kind="award", source_id="2").pk]
    )
    refused = desk.post(second, {"reason": "重复"})
    assert refused.status_code == 400
    assert "没有可收回的" in refused.content.decode()


def test_the_page_of_a_redemption_opens_no_account(party: Party) -> None:
    """Only looking somebody up leads to the counter with them, and that leaves a trace."""
    item, desk = make_station(party.world.city.west), signed_in(party.world.desk)
    award_wish(party, party.member, 1, stated=50)
    handed = points.redeem_item(user=party.member, item_id=item.pk, by=party.world.desk, at=NOON)
    url, counter = (
        reverse("service:redemption_cancel", args=[handed.pk]),
        reverse("service:counter", args=[item.station_id]),
    )
    assert desk.get(url).context["words"].back == counter
    who = signing.dumps(party.member.pk, salt=SERVED_SALT)
    link = f"{url}?who={who.replace(':', '%3A')}"
    assert link in text_of(desk, "counter", item.station_id, who=who)
    assert desk.post(link, {"reason": "漏液"}).headers["Location"].startswith(f"{counter}?who=")
