"""The inbox: one's own messages and nobody else's; read, told once, and gone quiet with the order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.actions import desk, handling
from cases.calendars import forget_calendar
from cases.models import CaseEvent, Notification
from cases.notify import in_app
from cases.web.notifications import TOLD_COOKIE
from partymembers.models import User
from tests.factories.cases import World, bring_to, make_world, report
from tests.factories.catalogue import make_matter

pytestmark = pytest.mark.django_db
INBOX = reverse("cases:notifications")
UNREAD = reverse("cases:unread")


@pytest.fixture(autouse=True)
def plain_calendar() -> Iterator[None]:
    forget_calendar()
    yield
    forget_calendar()


@pytest.fixture
def world() -> World:
    return make_world()


def signed_in(user: User) -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(user)
    return client


def tell() -> None:
    in_app(list(CaseEvent.objects.order_by("pk")))


def titles(client: Client, url: str = INBOX) -> list[str]:
    return [line.title for line in client.get(url).context["lines"]]


def test_each_sees_their_own_messages_newest_first(world: World) -> None:
    case = bring_to(world, "dispatched")
    handling.return_case(
        case_id=case.pk, actor=world.handler, at=case.updated_at + timedelta(minutes=1), note="不归我们管"
    )
    tell()
    of_the_order = f"{INBOX}?order={case.number}"
    assert titles(signed_in(world.desk), of_the_order) == [
        "市政养护所 returned the order",
        "New order to accept",
    ]
    assert titles(signed_in(world.handler)) == ["New order for 市政养护所"]
    assert titles(signed_in(world.worker)) == ["Your report was accepted"]
    assert titles(signed_in(world.other_desk)) == []


def grouped(client: Client, url: str = INBOX) -> list[tuple[str, int, bool]]:
    return [(line.title, line.count, line.is_unread) for line in client.get(url).context["lines"]]


def test_an_order_has_one_line_its_newest_with_their_number(world: World) -> None:
    case = bring_to(world, "dispatched")
    later = case.updated_at + timedelta(minutes=1)
    handling.return_case(case_id=case.pk, actor=world.handler, at=later, note="不归我们管")
    report(world)
    tell()
    client = signed_in(world.desk)
    assert grouped(client) == [
        ("New order to accept", 1, True),
        ("市政养护所 returned the order", 2, True),
    ]
    assert f'href="{INBOX}?order={case.number}">2 messages</a>' in client.get(INBOX).text
    oldest = Notification.objects.filter(recipient=world.desk, case=case).earliest("event_id")
    client.post(reverse("cases:notification_read", args=[oldest.pk]))
    assert grouped(client) == [
        ("New order to accept", 1, True),
        ("市政养护所 returned the order", 2, True),
    ]
    assert grouped(client, f"{INBOX}?show=unread")[1] == ("市政养护所 returned the order", 1, True)
    assert client.get(UNREAD).json()["unread"] == 2


def test_who_reads_the_newest_has_read_what_came_before_it(world: World) -> None:
    case = bring_to(world, "dispatched")
    later = case.updated_at + timedelta(minutes=1)
    handling.return_case(case_id=case.pk, actor=world.handler, at=later, note="不归我们管")
    tell()
    client = signed_in(world.desk)
    newest = Notification.objects.filter(recipient=world.desk, case=case).latest("event_id")
    client.get(reverse("cases:notification_open", args=[newest.pk]))
    assert grouped(client) == [("市政养护所 returned the order", 2, False)]
    assert Notification.objects.filter(recipient=world.second_desk, read_at=None).count() == 2


def test_of_an_order_about_which_i_was_told_nothing_the_list_is_empty(world: World) -> None:
    case = report(world)
    tell()
    for number in (case.number, "nothing"):
        assert titles(signed_in(world.other_desk), f"{INBOX}?order={number}") == []


def test_asking_for_news_does_not_keep_a_session_alive(world: World) -> None:
    client = signed_in(world.desk)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client.get(INBOX)
        statuses = []
        for _number in range(8):
            clock.shift(timedelta(minutes=5))
            statuses.append(client.get(UNREAD, headers={"X-Background": "1"}).status_code)
    assert statuses == [200] * 6 + [401] * 2


def test_the_empty_inbox_says_so(world: World) -> None:
    client = signed_in(world.other_desk)
    assert "No notices yet" in client.get(INBOX).content.decode()
    assert "Everything is read" in client.get(INBOX, {"show": "unread"}).content.decode()


def test_a_message_leads_to_its_order_and_is_read_then(world: World) -> None:
    case = report(world)
    tell()
    client = signed_in(world.desk)
    message = Notification.objects.get(recipient=world.desk)
    answer = client.get(reverse("cases:notification_open", args=[message.pk]))
    assert (answer.status_code, answer["Location"]) == (302, reverse("cases:detail", args=[case.number]))
    message.refresh_from_db()
    first = message.read_at
    assert first is not None
    client.get(reverse("cases:notification_open", args=[message.pk]))
    message.refresh_from_db()
    assert message.read_at == first
    assert titles(client, f"{INBOX}?show=unread") == []
    assert titles(client) == ["New order to accept"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_s_message_is_not_there(world: World, method: str) -> None:
    report(world)
    tell()
    message = Notification.objects.get(recipient=world.desk)
    name = "notification_open" if method == "get" else "notification_read"
    for stranger in (world.second_desk, world.other_desk):
        answer = getattr(signed_in(stranger), method)(reverse(f"cases:{name}", args=[message.pk]))
        assert answer.status_code == 404
    message.refresh_from_db()
    assert message.read_at is None


def test_a_message_that_quiet_hours_hold_back_shows_when_they_end(world: World) -> None:
    report(world)
    tell()
    message = Notification.objects.get(recipient=world.desk)
    Notification.objects.update(due_at=timezone.now() + timedelta(hours=1))
    client = signed_in(world.desk)
    assert titles(client) == []
    assert client.get(UNREAD).json() == {"unread": 0}
    assert client.get(reverse("cases:notification_open", args=[message.pk])).status_code == 404
    Notification.objects.update(due_at=timezone.now())
    assert client.get(UNREAD).json()["unread"] == 1


def test_of_an_order_that_was_lost_the_message_tells_nothing(world: World) -> None:
    case = report(world)
    tell()
    client = signed_in(world.desk)
    world.desk.posts.all().delete()
    page = client.get(INBOX).content.decode()
    assert "New order to accept" in page
    assert "This order is no longer within what you may see." in page
    for secret in (case.number, "雨水箅子", "西涧社区第1网格"):
        assert secret not in page
    message = Notification.objects.get(recipient=world.desk)
    answer = client.get(reverse("cases:notification_open", args=[message.pk]))
    assert (answer.status_code, answer["Location"]) == (302, INBOX)


def test_mark_as_read_swaps_the_line_or_leads_back(world: World) -> None:
    report(world)
    report(world)
    tell()
    client = signed_in(world.desk)
    one, two = Notification.objects.filter(recipient=world.desk).order_by("pk")
    answer = client.post(reverse("cases:notification_read", args=[one.pk]), headers={"HX-Request": "true"})
    assert answer.templates[0].name == "cases/_notification.html"
    assert "data-unread" not in answer.content.decode()
    answer = client.post(reverse("cases:notification_read", args=[two.pk]))
    assert (answer.status_code, answer["Location"]) == (302, INBOX)
    assert client.get(UNREAD).json()["unread"] == 0
    assert Notification.objects.filter(recipient=world.second_desk, read_at=None).count() == 2


def test_mark_all_as_read_leaves_what_came_meanwhile_and_what_is_not_mine(world: World) -> None:
    report(world)
    tell()
    client = signed_in(world.desk)
    newest = client.get(INBOX).context["newest_id"]
    report(world)
    tell()
    answer = client.post(reverse("cases:notifications_read_all"), {"newest": newest}, follow=True)
    assert "1 message marked as read." in answer.content.decode()
    assert client.get(UNREAD).json()["unread"] == 1
    assert Notification.objects.filter(recipient=world.second_desk, read_at=None).count() == 2


@pytest.mark.parametrize("newest", ["", "x", "-1", "9" * 40, "１"])
def test_mark_all_with_a_broken_form_is_refused(world: World, newest: str) -> None:
    answer = signed_in(world.desk).post(reverse("cases:notifications_read_all"), {"newest": newest})
    assert answer.status_code == 400


def test_a_browser_hears_of_each_message_once(world: World) -> None:
    report(world)
    tell()
    client = signed_in(world.desk)
    assert client.get(UNREAD).json() == {"unread": 1}  # a browser that comes anew is told how many, no more
    assert client.get(UNREAD).json() == {"unread": 1}
    report(world)
    tell()
    message = Notification.objects.filter(recipient=world.desk).latest("pk")
    assert client.get(UNREAD).json() == {
        "unread": 2,
        "text": "New order to accept",
        "href": reverse("cases:notification_open", args=[message.pk]),
        "action": "See the order",
    }
    assert client.get(UNREAD).json() == {"unread": 2}
    report(world)
    report(world)
    tell()
    assert client.get(UNREAD).json() == {
        "unread": 4,
        "text": "2 new messages",
        "href": INBOX,
        "action": "Read them",
    }


def test_a_message_held_back_over_night_is_told_in_the_morning(world: World) -> None:
    report(world)
    tell()
    Notification.objects.update(due_at=timezone.now() + timedelta(hours=1))
    report(world, matter=make_matter(name="燃气泄漏", urgency="urgent"))
    tell()
    client = signed_in(world.desk)
    assert client.get(UNREAD).json() == {"unread": 1}
    newest, _dot, at = client.cookies[TOLD_COOKIE].value.partition(".")
    client.cookies[TOLD_COOKIE] = f"{newest}.{int(at) - 60}"
    held = Notification.objects.filter(recipient=world.desk).earliest("pk")
    Notification.objects.filter(pk=held.pk).update(due_at=timezone.now())
    answer = client.get(UNREAD).json()
    assert (answer["unread"], answer["href"]) == (2, reverse("cases:notification_open", args=[held.pk]))


@pytest.mark.parametrize("cookie", ["", "x", "1", "1.x", "-1.5", "9" * 30 + ".1", "1.99999999999"])
def test_a_forged_cookie_does_no_harm(world: World, cookie: str) -> None:
    client = signed_in(world.desk)
    client.cookies[TOLD_COOKIE] = cookie
    report(world)
    tell()
    assert client.get(UNREAD).status_code == 200


def test_a_visitor_is_asked_to_sign_in(world: World) -> None:
    assert Client().get(UNREAD).status_code == 401
    for name, args, method in (
        ("notifications", [], "get"),
        ("notification_open", [1], "get"),
        ("notification_read", [1], "post"),
        ("notifications_read_all", [], "post"),
    ):
        answer = getattr(Client(), method)(reverse(f"cases:{name}", args=args))
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("login"))


def test_pages_of_the_inbox_follow_each_other(world: World) -> None:
    for _number in range(35):
        report(world)
    tell()
    client = signed_in(world.desk)
    first = client.get(INBOX).context
    second = client.get(INBOX, {"cursor": first["page"].next_cursor}).context
    seen = [line.pk for line in (*first["lines"], *second["lines"])]
    assert (len(first["lines"]), len(second["lines"])) == (30, 5)
    own = Notification.objects.filter(recipient=world.desk).order_by("-event_id")
    assert seen == list(own.values_list("pk", flat=True))
    assert client.get(INBOX, {"cursor": "forged"}).status_code == 400


def test_the_page_costs_the_same_queries_with_one_message_and_with_thirty(world: World) -> None:
    client = signed_in(world.desk)
    client.get(UNREAD)
    counts = []
    for number in (1, 29):
        for _each in range(number):
            case = report(world)
            desk.accept_case(case_id=case.pk, actor=world.second_desk, at=case.reported_at)
        tell()
        client.get(INBOX)
        for url in (INBOX, UNREAD):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 10


def test_the_bell_of_every_page_counts_what_is_unread(world: World) -> None:
    client = signed_in(world.desk)
    assert client.get(INBOX).context["nav_bell"]["unread"] == 0
    report(world)
    tell()
    bell = client.get(INBOX).context["nav_bell"]
    assert dict(bell) == {"url": INBOX, "unread": 1, "live_url": UNREAD}
