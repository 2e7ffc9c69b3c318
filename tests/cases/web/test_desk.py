"""The desk's list: views and their counts, filters, search, pages, saved views, many orders at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from cases.actions import handling, oversight
from cases.actions.routing import route_case
from cases.calendars import forget_calendar
from cases.models import Case, SavedView
from cases.web.boards import BOARDS
from cases.workflow import State
from governance.common.text import bigrams
from partymembers.models import User
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_world, report
from tests.factories.catalogue import make_class, make_matter

pytestmark = pytest.mark.django_db
DESK, SEARCH = reverse("cases:desk"), reverse("cases:search")


@pytest.fixture(autouse=True)
def noon() -> Iterator[Any]:
    forget_calendar()
    with time_machine.travel(NOON + 30 * MINUTE, tick=False) as coordinates:
        yield coordinates
    forget_calendar()


@pytest.fixture
def world() -> World:
    return make_world()


def signed_in(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def numbers(client: Client, url: str = DESK, **query: Any) -> list[str]:
    page = client.get(url, query)
    assert page.status_code == 200
    return [row.case.number for row in page.context["rows"]]


def one_of_each(world: World) -> dict[str, Case]:
    """An order for every view of both boards."""
    states = ("reported", "accepted", "dispatched", "handling", "suspended", "handled", "closed")
    found = {state: bring_to(world, state) for state in states}
    returned, asked, supervised = (bring_to(world, "handling") for _each in range(3))
    later = NOON + 10 * MINUTE
    handling.return_case(case_id=returned.pk, actor=world.handler, at=later, note="不归我们")
    handling.ask_suspension(case_id=asked.pk, actor=world.handler, at=later, note="等裁定")
    oversight.supervise_case(case_id=supervised.pk, actor=world.official, at=later, note="盯住")
    found["unplaced"] = report(world, lng=118.305, lat=32.305)
    found["urgent"] = report(world, matter=make_matter(urgency="urgent"))
    return found | {"returned": returned, "asked": asked, "supervised": supervised}


@pytest.mark.parametrize("hours", [0, 2, 72])
@pytest.mark.parametrize(("key", "who"), [("desk", "desk"), ("desk", "street_desk"), ("handling", "handler")])
def test_the_number_beside_a_view_is_the_length_of_its_list(
    world: World, noon: Any, key: str, who: str, hours: int
) -> None:
    one_of_each(world)
    noon.shift(timedelta(hours=hours))
    board, client = BOARDS[key], signed_in(getattr(world, who))
    news = client.get(reverse("cases:news"), {"board": key}).json()["counts"]
    seen = set()
    for view in board.views:
        page = client.get(reverse(board.url_name), {"view": view.key})
        listed = [row.case.number for row in page.context["rows"]]
        assert len(listed) == page.context["counts"][view.key] == news[f"view-{view.key}"], view.key
        seen |= {view.key} if listed else set()
    if key == "desk" and who == "desk":
        late = {"late"} if hours else {"nearly"}
        assert seen >= {v.key for v in board.views} - {"late", "nearly"} | late


def test_what_waits_for_the_desk_comes_first_due_first(world: World) -> None:
    orders = one_of_each(world)
    client = signed_in(world.desk)
    waiting = [orders[key] for key in ("reported", "accepted", "returned", "asked", "unplaced", "urgent")]
    waiting = sorted((Case.objects.get(pk=c.pk) for c in waiting), key=lambda c: (c.next_due_at, c.pk))
    assert numbers(client) == [case.number for case in waiting]
    assert numbers(client, view="returned") == [orders["returned"].number]
    assert numbers(client, view="requests") == [orders["asked"].number]
    assert numbers(client, view="supervised") == [orders["supervised"].number]
    assert numbers(client, view="unplaced") == [orders["unplaced"].number]


def test_filters_narrow_and_stand_in_the_address(world: World) -> None:
    other = make_matter(name="路灯不亮", matter_class=make_class("市容环境", code="02"))
    first = report(world)
    lng, lat = world.city.inside(world.city.west_2)
    second = report(world, matter=other, lng=lng, lat=lat)
    third = report(world, channel="hotline", description="热线转来")
    client = signed_in(world.desk)
    assert numbers(client, matter_class=other.matter_class_id) == [second.number]
    make_class("微心愿", section="wish", code="09")
    offered = client.get("/desk/").context["classes"]
    assert other.matter_class in offered
    assert "微心愿" not in [each.name for each in offered]
    assert numbers(client, grid=[world.city.west_2.pk, world.city.west_1.pk]) == [
        case.number for case in (first, second, third)
    ]
    assert numbers(client, grid=world.city.west_2.pk) == [second.number]
    assert numbers(client, channel="hotline") == [third.number]
    assert numbers(client, state="accepted") == []
    assert numbers(client, reported_from="2026-11-20", reported_until="2026-11-20", view="all") != []
    assert numbers(client, reported_from="2026-11-21") == []
    page = client.get(DESK, {"channel": "hotline", "view": "to_accept"})
    assert page.context["filter_query"] == "channel=hotline&view=to_accept"
    # A grid next door is no choice here: the filter is refused, and the list does not widen by it.
    assert world.city.east_1.name not in page.content.decode()


def test_search_by_number_phone_tail_and_words(world: World) -> None:
    case = bring_to(world, "closed", description="井圈塌了半边", address="霁虹巷 7 弄")
    other = bring_to(world, "reported", description="积水", reporter=world.second_worker)
    client = signed_in(world.desk)
    assert client.get(SEARCH, {"q": case.number}).headers["Location"] == reverse(
        "cases:detail", args=[case.number]
    )
    assert set(numbers(client, SEARCH, q=case.number[:9])) == {case.number, other.number}
    assert numbers(client, SEARCH, q=world.second_worker.phone[-4:]) == [other.number]
    assert numbers(client, SEARCH, q="霁虹巷") == [case.number]
    assert numbers(client, SEARCH, q="井圈") == [case.number]
    assert numbers(client, SEARCH, q="霁") == [case.number]
    assert numbers(client, SEARCH, q="没有这回事") == []
    assert bigrams("井圈")


def test_pages_have_no_gap_and_no_repeat(world: World) -> None:
    cases = [report(world, at=NOON + timedelta(seconds=n % 7)).number for n in range(107)]
    client, seen, cursor = signed_in(world.desk), [], ""
    for size in (50, 50, 7):
        page = client.get(DESK, {"cursor": cursor} if cursor else {}).context["page"]
        assert len(page.rows) == size
        seen += [case.number for case in page.rows]
        cursor = page.next_cursor
    assert not cursor
    assert len(seen) == len(set(seen))
    assert set(seen) == set(cases)
    back = client.get(DESK, {"cursor": page.previous_cursor}).context["page"]
    assert [case.number for case in back.rows] == seen[50:100]


def test_a_filter_kept_as_a_view(world: World) -> None:
    client = signed_in(world.desk)
    save = reverse("cases:save_view", args=["desk"])
    answer = client.post(save, {"name": "热线", "query": "channel=hotline&view=mine"})
    assert answer.headers["Location"] == f"{DESK}?channel=hotline&view=mine"
    client.post(save, {"name": "热线", "query": "channel=hotline"})  # the same name replaces
    (view,) = client.get(DESK).context["saved_views"]
    assert (view.name, view.url) == ("热线", f"{DESK}?channel=hotline")
    assert signed_in(world.second_desk).get(DESK).context["saved_views"] == []
    for name in ("", "x" * 31):
        assert client.post(save, {"name": name, "query": ""}).status_code == 400
    forget = reverse("cases:delete_view", args=[view.pk])
    assert signed_in(world.second_desk).post(forget).status_code == 404
    assert client.post(forget).headers["Location"] == DESK
    assert not SavedView.objects.exists()
    assert client.post(reverse("cases:save_view", args=["nonsense"]), {"name": "x"}).status_code == 400


def test_many_at_once_with_a_verdict_for_each(world: World) -> None:
    """What cannot be done is left as it is and says why; the others are done all the same."""
    good, ended = report(world), bring_to(world, "declined")
    foreign = report(world, reporter=world.other_worker)
    Case.objects.filter(pk=foreign.pk).update(community=world.city.east, place=world.city.east_1)
    Case.objects.filter(pk=foreign.pk).update(grid=world.city.east_1, desk=world.city.east, compound=None)
    ticked = [good.number, ended.number, foreign.number]
    client = signed_in(world.desk)
    page = client.post(reverse("cases:bulk", args=["accept"]), {"number": ticked})
    assert page.status_code == 200
    verdicts = {verdict.case.number: bool(verdict.error) for verdict in page.context["verdicts"]}
    assert verdicts == {good.number: False, ended.number: True}
    assert (page.context["failed"], page.context["missing"]) == (1, 1)
    states = {case.number: Case.objects.get(pk=case.pk).state for case in (good, ended, foreign)}
    assert states == {good.number: "accepted", ended.number: "declined", foreign.number: "reported"}

    unrouted, routed = bring_to(world, "accepted"), bring_to(world, "accepted")
    route_case(case_id=routed.pk, at=NOON + 20 * MINUTE)
    both = {"number": [unrouted.number, routed.number]}
    page = client.post(reverse("cases:bulk", args=["dispatch"]), both)
    assert [bool(verdict.error) for verdict in page.context["verdicts"]] == [True, False]
    routed.refresh_from_db()
    assert (routed.state, routed.unit) == (State.DISPATCHED, world.unit)


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("accept", {}),
        ("accept", {"number": ["x"] * 101}),
        ("void", {"number": ["261120-000001"]}),
        ("nonsense", {"number": ["261120-000001"]}),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(world: World, action: str, data: Any) -> None:
    answer = signed_in(world.desk).post(reverse("cases:bulk", args=[action]), data)
    assert answer.status_code == 400


def test_too_many_ticks_are_told_with_their_number(world: World) -> None:
    client = signed_in(world.desk)
    page = client.post(reverse("cases:bulk", args=["accept"]), {"number": ["x"] * 101}).content.decode()
    assert page.count("选了 101 件工单，一次最多选 100 件。") == 2  # the title and the heading
    assert "没能读懂" not in page


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_ten_megabytes_of_reason_come_back_in_the_form(world: World, headers: dict[str, str]) -> None:
    """As a page, and as the part that stands in the dialog."""
    case, text = report(world), "x" * 10_000_000
    url = reverse("cases:act", args=[case.number, "decline"])
    answer = signed_in(world.desk).post(url, {"note": text}, headers=headers)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "最多 2000 字" in page
    assert f">\n{text}</textarea>" in page
    assert ("<html" in page) is not bool(headers)
    assert Case.objects.get(pk=case.pk).state == State.REPORTED


def test_declining_many_needs_a_reason(world: World) -> None:
    case = report(world)
    url = reverse("cases:bulk", args=["decline"])
    page = signed_in(world.desk).post(url, {"number": [case.number], "note": " "})
    assert [bool(verdict.error) for verdict in page.context["verdicts"]] == [True]
    assert Case.objects.get(pk=case.pk).state == State.REPORTED


HOSTILE = [
    {"view": "\x00"},
    {"view": "x" * 5000},
    {"cursor": "x"},
    {"cursor": "\x00"},
    {"grid": "abc"},
    {"grid": "9" * 40},
    {"matter_class": "\x00"},
    {"channel": "pigeon"},
    {"state": ["reported", "\x00"]},
    {"q": "长" * 10_000},
    {"q": "\x00"},
    {"q": "%_\\'\""},
    {"reported_from": "0000-00-00"},
    {"reported_until": "9999-99-99"},
    {"reported_from": "0001-01-01"},
    {"reported_until": "9999-12-31"},
    {"case": "\x00"},
    {"case": "x" * 3000},
    {"board": "\x00", "seen": "9" * 50},
]


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: repr(query)[:40])
def test_no_parameter_breaks_a_list(world: World, query: dict[str, Any]) -> None:
    case = report(world)
    people = ((world.desk, "desk"), (world.desk, "search"), (world.handler, "handling"), (world.desk, "news"))
    for user, name in people:
        client = signed_in(user)
        for headers in ({}, {"HX-Request": "true"}):
            answer = client.get(reverse(f"cases:{name}"), query, headers=headers)
            assert answer.status_code in (200, 302, 400, 404), (name, answer.status_code)
    assert Case.objects.get(pk=case.pk).state == State.REPORTED


def test_wrong_methods_and_forged_forms_change_nothing(world: World) -> None:
    case = report(world)
    client = signed_in(world.desk)
    for name, args in (("bulk", ["accept"]), ("save_view", ["desk"]), ("open_phone", [case.number])):
        assert client.get(reverse(f"cases:{name}", args=args)).status_code == 405
    for name, args in (("desk", []), ("news", []), ("search", []), ("panel", [case.number])):
        assert client.post(reverse(f"cases:{name}", args=args)).status_code == 405
    forged = signed_in(world.desk, enforce_csrf_checks=True)
    for name, args in (("bulk", ["accept"]), ("act", [case.number, "accept"]), ("open_phone", [case.number])):
        answer = forged.post(reverse(f"cases:{name}", args=args), {"number": case.number})
        assert answer.status_code == 403
    assert Case.objects.get(pk=case.pk).state == State.REPORTED


def test_who_has_no_desk_is_told_so(world: World) -> None:
    assert signed_in(world.handler).get(DESK).status_code == 403
    assert signed_in(world.desk).get(reverse("cases:handling")).status_code == 403
    assert Client().get(DESK).headers["Location"].startswith(reverse("login"))
