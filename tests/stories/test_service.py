"""A resident becomes a volunteer, serves an afternoon, and spends what it earned at the counter."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from partymembers.models import Activity, PointsAccount, ServiceRecord, Station, StationItem
from tests.factories.cases import NOON
from tests.factories.party import Party, make_party
from tests.factories.service import HOUR, make_station
from tests.stories.visitors import Visitor, forms_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def party() -> Party:
    return make_party()


def press(visitor: Visitor, page_url: str, action_url: str, **typed: Any) -> str:
    """Press the button on a page that is sent to an address; what the page after it says."""
    page = visitor.open(page_url)
    answer = visitor.send(page, action_url, **typed)
    return str(visitor.client.get(answer.url).content.decode())


def announce(desk: Visitor, party: Party) -> Activity:
    url = reverse("service:activity_new")
    page = desk.open(url)
    typed = {
        "title": "敬老院理发",
        "where": "西涧社区服务站",
        "starts_at": "2026-11-21T14:00",
        "ends_at": "2026-11-21T17:00",
        "capacity": "10",
        "place": str(party.world.city.west.pk),
    }
    desk.send(page, url, **typed)
    return Activity.objects.get()


def test_from_registration_to_the_statement(party: Party) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        resident, desk = Visitor(party.outsider), Visitor(party.world.desk)
        activity = announce(desk, party)
        seat = reverse("service:activity", args=[activity.pk])
        sign_up = reverse("service:activity_sign_up", args=[activity.pk])
        assert sign_up not in forms_on(resident.open(seat), "")

        register = reverse("service:volunteer")
        west = party.world.city.west
        said = press(resident, register, register, community=str(west.pk), introduction="会理发")
        assert west.name in said
        listed = resident.open(reverse("service:activities")).content.decode()
        assert activity.title in listed
        press(resident, seat, sign_up)
        assert activity.title in resident.open(reverse("service:hub")).content.decode()

        sheet = desk.open(reverse("service:activity_code", args=[activity.pk]))
        scan = reverse("service:scan", args=[activity.token])
        assert sheet.context["url"].endswith(scan)
        assert "<svg" in sheet.content.decode()

        clock.move_to(activity.starts_at)
        press(resident, scan, scan, step="arrive")
        clock.move_to(activity.starts_at + 2 * HOUR + timedelta(minutes=30))
        press(resident, scan, scan, step="leave")
        assert ServiceRecord.objects.get().minutes == 150

        make_station(west, points=20)
        spend(resident, desk)
        read_statement(resident)


def spend(resident: Visitor, desk: Visitor) -> None:
    """The code on the resident's phone, scanned by the desk, which hands over and takes back once."""
    shown = resident.open(reverse("service:points_code"))
    assert "<svg" in shown.content.decode()
    station, item = Station.objects.get(), StationItem.objects.get()
    counter = reverse("service:counter", args=[station.pk])
    assert resident.user is not None
    page = desk.open(counter)
    found = desk.send(page, counter, name=resident.user.name, tail=(resident.user.phone or "")[-4:])
    at_counter = desk.client.get(found.url)
    assert resident.user.name not in at_counter.content.decode()  # masked on the page
    redeem = reverse("service:redeem", args=[station.pk])
    desk.send(at_counter, redeem)
    desk.send(at_counter, redeem)  # pressed twice: one item
    item.refresh_from_db()
    assert (item.stock, PointsAccount.objects.get(user=resident.user).balance) == (4, 5)


def read_statement(resident: Visitor) -> None:
    page = resident.open(reverse("service:points"))
    entries = [(e.amount, e.running, e.transaction.what) for e in page.context["page"].rows]
    assert entries == [(-20, 5, "洗衣液"), (25, 25, "敬老院理发")]
    file: Any = resident.client.get(reverse("service:points_export"))
    body = b"".join(file.streaming_content)
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert [row[5:] for row in rows[1:]] == [["-20", "5"], ["25", "25"]]
    honours = resident.open(reverse("service:honours")).content.decode()
    assert resident.user is not None
    assert resident.user.name in honours
