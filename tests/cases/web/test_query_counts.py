"""How many queries a page takes: the same for one order and for thirty, and within its budget.

Counted is every statement of the request as the database sees it: session, user, posts and places (the row
scope), the page itself, and what stands around it (navigation with its counts, bell, search, account menu),
of a signed-in person whose session, calendar and catalogue are warm in the cache. Only what opens and ends a
transaction (BEGIN, COMMIT, SAVEPOINT, RELEASE) is no query and not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.actions import handling, oversight, reporting
from cases.actions.routing import route_case
from cases.calendars import forget_calendar
from cases.models import CaseEvent
from cases.notify import in_app
from partymembers.models import User
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_attachment, make_world, report
from tests.factories.catalogue import make_matter
from tests.factories.grids import make_place
from tests.factories.people import make_unit, make_user

pytestmark = pytest.mark.django_db
MANY = 30


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    forget_calendar()
    with time_machine.travel(NOON + 60 * MINUTE, tick=False):
        yield
    forget_calendar()


@pytest.fixture
def world() -> World:
    return make_world()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def statements(
    client: Client, url: str, query: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> list[str]:
    """What a warm request asks of the database."""
    for _time in range(2):
        assert client.get(url, query, headers=headers).status_code == 200
    with CaptureQueriesContext(connection) as found:
        assert client.get(url, query, headers=headers).status_code == 200
    return queries(found)


def queries(found: CaptureQueriesContext) -> list[str]:
    """Everything but the bounds of transactions."""
    said = [each["sql"].strip() for each in found.captured_queries]
    return [sql for sql in said if not sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))]


def shown(found: list[str]) -> str:
    return "\n".join(f"{number}. {sql[:300]}" for number, sql in enumerate(found, start=1))


def more_orders(world: World, state: str, number: int) -> None:
    """Orders that differ in everything that a row may look up."""
    for _each in range(number):
        matter = make_matter(unit=make_unit(), place=world.city.city)
        bring_to(world, state, matter=matter)


@pytest.mark.parametrize("view", ["mine", "all"])
def test_the_desk(world: World, view: str) -> None:
    state = "reported" if view == "mine" else "handling"
    client, url = signed_in(world.desk), reverse("cases:desk")
    counts = []
    for number in (1, MANY - 1):
        more_orders(world, state, number)
        found = statements(client, url, {"view": view})
        counts.append(len(found))
        print(shown(found))
    assert counts[0] == counts[1] <= 12


def test_the_desk_with_an_order_open_beside_the_list(world: World) -> None:
    client, url = signed_in(world.desk), reverse("cases:desk")
    case = report(world)
    counts = [len(statements(client, url, {"case": case.number}))]
    more_orders(world, "reported", MANY)
    counts.append(len(statements(client, url, {"case": case.number})))
    assert counts[0] == counts[1]


def test_the_part_that_a_desk_refreshes(world: World) -> None:
    client, counts = signed_in(world.desk), []
    for number in (1, MANY - 1):
        more_orders(world, "reported", number)
        found = statements(client, reverse("cases:desk"), headers={"HX-Request": "true"})
        counts.append(len(found))
    assert counts[0] == counts[1] <= 12


@pytest.mark.parametrize(
    ("who", "name"),
    [("handler", "handling"), ("second_worker", "today"), ("worker", "mine"), ("desk", "search")],
)
def test_other_lists(world: World, who: str, name: str) -> None:
    state = {"today": "handled", "handling": "handling"}.get(name, "closed")
    client, counts = signed_in(getattr(world, who)), []
    for number in (1, MANY - 1):
        more_orders(world, state, number)
        found = statements(client, reverse(f"cases:{name}"))
        print(shown(found))
        counts.append(len(found))
    assert counts[0] == counts[1] <= 12


@pytest.mark.parametrize("state", ["reported", "accepted", "dispatched", "handling", "handled", "closed"])
def test_the_order(world: World, state: str) -> None:
    """As everybody who may see it opens it, and as its desk has it in the pane beside the list."""
    case = bring_to(world, state)
    route_case(case_id=case.pk, at=NOON)
    people = ["desk", "street_desk", "worker", "second_worker", "official"]
    people += ["handler", "assistant"] if state not in ("reported", "accepted") else []
    counts = {}
    for who in people:
        found = statements(signed_in(getattr(world, who)), reverse("cases:detail", args=[case.number]))
        print(who, shown(found))
        counts[who] = len(found)
    pane = statements(signed_in(world.desk), reverse("cases:panel", args=[case.number]))
    assert max(counts.values()) <= 12, counts
    assert len(pane) <= counts["desk"]


def test_the_order_as_bad_as_it_gets(world: World) -> None:
    """Handled once and returned, with a suggestion for the desk, which itself saw the same."""
    case = bring_to(world, "handling")
    handling.return_case(case_id=case.pk, actor=world.handler, at=NOON + 10 * MINUTE, note="不归我们")
    case.refresh_from_db()
    case.suggested_unit, case.routed_at = world.other_unit, NOON
    case.save()
    assert len(statements(signed_in(world.desk), reverse("cases:detail", args=[case.number]))) <= 12
    waits = bring_to(world, "handling", reporter=world.resident)
    reporting.join_case(case_id=waits.pk, user=world.desk, at=NOON + 10 * MINUTE)
    handling.ask_suspension(case_id=waits.pk, actor=world.handler, at=NOON + 10 * MINUTE, note="等裁定")
    page = signed_in(world.desk).get(reverse("cases:detail", args=[waits.number]))
    assert page.context["request_waiting"].reason == "等裁定"
    assert len(statements(signed_in(world.desk), reverse("cases:detail", args=[waits.number]))) <= 12


def test_the_order_with_a_long_history(world: World) -> None:
    case = bring_to(world, "handling")
    url, counts = reverse("cases:detail", args=[case.number]), []
    for number in (1, MANY - 1):
        for _each in range(number):
            oversight.comment_case(
                case_id=case.pk,
                actor=world.handler,
                at=NOON + 10 * MINUTE,
                note="进展",
                attachments=[make_attachment(world.handler)],
            )
            reporting.join_case(case_id=case.pk, user=make_user(), at=NOON + 10 * MINUTE)
        found = statements(signed_in(world.desk), url)
        counts.append(len(found))
    assert counts[0] == counts[1] <= 12


def test_a_report(world: World) -> None:
    """The POST, with a photo that was uploaded before; however many orders and grids there are."""
    client, url, counts = signed_in(world.worker), reverse("cases:report"), []
    lng, lat = world.city.inside(world.city.west_1)
    for number in (1, MANY):
        more_orders(world, "reported", number)
        for each in range(number):
            make_place(world.city.east, "grid", f"网格{number}-{each}")
        for _time in range(2):  # the first one warms
            typed: dict[str, Any] = {"matter": world.matter.pk, "lng": lng, "lat": lat, "accuracy": "12.5"}
            typed |= {"description": "箅子缺失", "address": "映月路 86 号", "client_id": str(uuid4())}
            typed["photos"] = [make_attachment(world.worker, at=NOON) for _photo in range(2)]
            with CaptureQueriesContext(connection) as found:
                assert client.post(url, typed).status_code == 302
        asked = queries(found)
        print(shown(asked))
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 15


def test_the_page_of_a_report(world: World) -> None:
    client, url, counts = signed_in(world.worker), reverse("cases:report"), []
    for number in (1, MANY - 1):
        for _each in range(number):
            make_matter()
        report(world)
        counts.append(len(statements(client, url)))
    assert counts[0] == counts[1] <= 12


def test_the_dashboard(world: World) -> None:
    client, counts = signed_in(world.official), []
    for number in (1, MANY - 1):
        more_orders(world, "closed", number)
        counts.append(len(statements(client, reverse("dashboard:overview"))))
    assert counts[0] == counts[1] <= 12


def test_the_inbox_of_messages(world: World) -> None:
    client, counts = signed_in(world.desk), []
    for number in (1, MANY - 1):
        more_orders(world, "reported", number)
        in_app(list(CaseEvent.objects.order_by("pk")))
        counts.append(len(statements(client, reverse("cases:notifications"))))
    assert counts[0] == counts[1] <= 12
