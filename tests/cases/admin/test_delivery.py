"""The lists of what was not handed over: the system officer tries again or skips, the others look."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, OutboundMessage, StuckEvent
from partymembers.models import AuditEntry, Role
from tests.factories.grids import make_city
from tests.factories.log import append_event, make_order
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db
STUCK = reverse("admin:cases_stuckevent_changelist")
MESSAGES = reverse("admin:cases_outboundmessage_changelist")


def signed_in(role: Role) -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(make_user("韩系统", role=role))
    return client


@pytest.fixture
def case() -> Case:
    return make_order(make_city().west_1)


def stick(case: Case, *, is_dead: bool = True) -> StuckEvent:
    """An event that failed, and one behind it."""
    rows = [
        StuckEvent.objects.create(
            consumer="in_app",
            event=append_event(case),
            case=case,
            position=number,
            since=timezone.now(),
        )
        for number in (1, 2)
    ]
    now = timezone.now()
    moment = {"dead_at": now} if is_dead else {"next_try_at": now}
    StuckEvent.objects.filter(pk=rows[0].pk).update(error="ValueError: no", tries=8, **moment)
    return rows[0]


def dead_message() -> OutboundMessage:
    now = timezone.now()
    return OutboundMessage.objects.create(
        recipient=make_user("赵收件"),
        channel="sms",
        kind="single",
        state="dead",
        made_at=now,
        next_try_at=now,
        tries=1,
        error="Refused: HTTP 404",
    )


def test_the_list_shows_the_first_of_each_order_and_counts_what_waits_behind(case: Case) -> None:
    row = stick(case)
    stick(make_order(case.place, matter=case.matter), is_dead=False)
    page = signed_in(Role.SYSTEM_OFFICER).get(STUCK, {"state": "dead"})
    assert [(each.pk, each.waiting) for each in page.context["cl"].result_list] == [(row.pk, 1)]
    for shown in ("in_app", case.number, "ValueError: no", "Comment"):
        assert shown in page.content.decode()
    assert len(signed_in(Role.SYSTEM_OFFICER).get(STUCK).context["cl"].result_list) == 2


def test_try_again(case: Case) -> None:
    row = stick(case)
    client = signed_in(Role.SYSTEM_OFFICER)
    answer = client.post(STUCK, {"action": "try_again", "_selected_action": [row.pk]})
    assert [str(each) for each in get_messages(answer.wsgi_request)] == ["1 event is tried again."]
    row.refresh_from_db()
    assert (row.tries, row.dead_at, row.next_try_at is not None) == (0, None, True)


def test_skip_asks_first_and_is_kept_in_the_trail(case: Case) -> None:
    row = stick(case)
    client = signed_in(Role.SYSTEM_OFFICER)
    chosen = {"action": "skip", "_selected_action": [row.pk]}
    asked = client.post(STUCK, chosen)
    shown = asked.content.decode()
    row.refresh_from_db()
    assert "This cannot be undone" in shown
    assert f"in_app · {case.number} · Comment · {row.position} · {row.error} · 1 later event waits" in shown
    assert StuckEvent.objects.count() == 2
    client.post(STUCK, chosen | {"confirmed": "yes"})
    left = StuckEvent.objects.get()
    assert (left.position, left.next_try_at is not None) == (2, True)
    assert AuditEntry.objects.get(action="stuck_event_skipped").target == f"case:{case.number}"


def test_a_message_that_was_given_up_is_sent_again_and_names_nobody() -> None:
    message = dead_message()
    client = signed_in(Role.SYSTEM_OFFICER)
    for page in (MESSAGES, reverse("admin:cases_outboundmessage_change", args=[message.pk])):
        shown = client.get(page).content.decode()
        assert "Refused: HTTP 404" in shown
        assert message.recipient.name not in shown
    client.post(MESSAGES, {"action": "send_again", "_selected_action": [message.pk]})
    message.refresh_from_db()
    assert (message.state, message.tries) == ("waiting", 0)


@pytest.mark.parametrize("role", [Role.AUDIT_OFFICER, Role.SECURITY_OFFICER])
def test_the_other_officers_look_and_do_nothing(case: Case, role: Role) -> None:
    row, message = stick(case), dead_message()
    client = signed_in(role)
    for page, action, pk in (
        (STUCK, "try_again", row.pk),
        (STUCK, "skip", row.pk),
        (MESSAGES, "send_again", message.pk),
    ):
        assert client.get(page).status_code == 200
        client.post(page, {"action": action, "_selected_action": [pk], "confirmed": "yes"})
    row.refresh_from_db()
    message.refresh_from_db()
    assert (row.tries, message.state) == (8, "dead")


@pytest.mark.parametrize("page", [STUCK, MESSAGES])
def test_nobody_adds_changes_or_deletes_a_row(case: Case, page: str) -> None:
    row, message = stick(case), dead_message()
    client = signed_in(Role.SYSTEM_OFFICER)
    pk = row.pk if page == STUCK else message.pk
    assert client.get(f"{page}add/").status_code == 403
    assert client.post(f"{page}{pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(f"{page}{pk}/change/", {"tries": "0", "state": "sent"})
    row.refresh_from_db()
    message.refresh_from_db()
    assert (row.tries, message.state) == (8, "dead")


def test_people_of_business_find_nothing() -> None:
    client = Client()
    client.force_login(make_user("坐席", role=Role.DESK, place=make_city().west))
    assert [client.get(page).status_code for page in (STUCK, MESSAGES)] == [404, 404]


@pytest.mark.parametrize("rows", [1, 9])
def test_the_list_does_not_ask_once_a_row(case: Case, rows: int, django_assert_max_num_queries) -> None:
    for _number in range(rows):
        stick(make_order(case.place, matter=case.matter))
    client = signed_in(Role.SYSTEM_OFFICER)
    client.get(STUCK)
    with django_assert_max_num_queries(12):
        client.get(STUCK)
