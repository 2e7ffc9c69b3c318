"""The order's page: what each reader is shown, the buttons, the phone, and forms that keep what was typed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from cases.actions import handling
from cases.attachments import MOST_AT_ONCE
from cases.calendars import forget_calendar
from cases.models import Attachment, Case
from cases.permissions import allowed_actions
from cases.web.forms import ACTION_FORMS
from cases.workflow import State
from partymembers.models import AuditEntry, User
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_attachment, make_world, report
from tests.factories.pictures import picture_bytes

pytestmark = pytest.mark.django_db
PEOPLE = ("desk", "street_desk", "worker", "second_worker", "handler", "assistant", "official")


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    forget_calendar()
    with time_machine.travel(NOON + 30 * MINUTE, tick=False):
        yield
    forget_calendar()


@pytest.fixture
def world() -> World:
    return make_world()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(user: User, case: Case) -> str:
    return signed_in(user).get(reverse("cases:detail", args=[case.number])).content.decode()


@pytest.mark.parametrize("state", ["reported", "accepted", "dispatched", "handling", "handled", "closed"])
def test_the_buttons_are_the_actions_that_are_allowed(world: World, state: str) -> None:
    """On the page and in the pane, for everybody; and each of their forms opens."""
    case = bring_to(world, state)
    now = NOON + 30 * MINUTE
    people = [who for who in PEOPLE if who not in ("handler", "assistant") or case.dispatched_at]
    for who in people:
        user: User = getattr(world, who)
        allowed = allowed_actions(user, Case.objects.get(pk=case.pk), at=now)
        client, text = signed_in(user), page_of(user, case)
        pane = client.get(reverse("cases:panel", args=[case.number])).content.decode()
        for action in ACTION_FORMS:
            url = reverse("cases:act", args=[case.number, action])
            assert (f'"{url}' in text) == (action in allowed), (who, action)
            assert (f'"{url}' in pane) == (action in allowed), (who, action)
        for action in (*allowed, *sorted(set(ACTION_FORMS) - set(allowed))[:2]):
            status = client.get(reverse("cases:act", args=[case.number, action])).status_code
            assert status == 200 if action in allowed else status in (403, 409), (who, action, status)


def test_the_phone_is_masked_until_it_is_opened_and_that_is_written_down(world: World) -> None:
    case = report(world)
    phone = world.worker.phone
    for user in (world.desk, world.second_worker):
        text = page_of(user, case)
        assert phone not in text
        assert phone[-4:] in text
    answer = signed_in(world.desk).post(reverse("cases:open_phone", args=[case.number]))
    assert phone in answer.content.decode()
    entry = AuditEntry.objects.get(target=f"case:{case.number}")
    assert (entry.actor, phone in str(vars(entry))) == (world.desk, False)
    # An official reads, and opens nobody's phone.
    assert signed_in(world.official).post(reverse("cases:open_phone", args=[case.number])).status_code == 403
    assert AuditEntry.objects.filter(target=f"case:{case.number}").count() == 1


def test_a_unit_that_gave_it_back_reads_without_the_phone_and_the_name(world: World) -> None:
    case = bring_to(world, "handling", reporter=world.resident)
    assert world.resident.phone[-4:] in page_of(world.handler, case)
    handling.return_case(case_id=case.pk, actor=world.handler, at=NOON + 10 * MINUTE, note="不归我们")
    text = page_of(world.handler, case)
    assert world.resident.phone[-4:] not in text
    assert world.resident.name not in text
    answer = signed_in(world.handler).post(reverse("cases:open_phone", args=[case.number]))
    assert answer.status_code == 403
    assert world.resident.phone not in answer.content.decode()


@pytest.mark.parametrize(
    ("state", "who", "action", "typed"),
    [
        ("reported", "desk", "decline", {"note": ""}),
        ("reported", "desk", "merge", {"target": "261120-999999", "note": "同一处坑"}),
        ("accepted", "desk", "dispatch", {"unit": "999999", "note": "今天到场"}),
        ("dispatched", "handler", "return", {"note": "长" * 2001}),
        ("handling", "handler", "finish", {"note": "已补装新箅子"}),
        (
            "handling",
            "handler",
            "ask_extension",
            {"amount": "-3", "unit_of_time": "work_day", "note": "等配件"},
        ),
        ("handling", "handler", "assign", {"handler": "x", "note": "请接手"}),
        (
            "handling",
            "desk",
            "correct_place",
            {"lng": "400", "note": "在隔壁", "address": "乙路"},
        ),
        ("handled", "second_worker", "check_fail", {"note": " "}),
        ("closed", "worker", "rate", {"solved": "maybe", "satisfaction": "", "note": "还行吧"}),
    ],
)
def test_a_refused_form_keeps_what_was_typed(
    world: World, state: str, who: str, action: str, typed: dict[str, str]
) -> None:
    case = bring_to(world, state)
    client = signed_in(getattr(world, who))
    url = reverse("cases:act", args=[case.number, action])
    for headers in ({}, {"HX-Request": "true"}):
        answer = client.post(url, typed, headers=headers)
        text = answer.content.decode()
        assert answer.status_code == 400
        assert answer.context["form"].errors
        assert typed["note"].strip() in text
        assert typed.get("address", "") in text
    fresh = Case.objects.get(pk=case.pk)
    assert (fresh.state, fresh.last_seq) == (state, case.last_seq)


def test_photos_of_a_refused_form_are_still_there(world: World) -> None:
    case = bring_to(world, "handling")
    photo = make_attachment(world.handler)
    url = reverse("cases:act", args=[case.number, "finish"])
    answer = signed_in(world.handler).post(url, {"note": " ", "photos": [photo]})
    assert answer.status_code == 400
    assert f'value="{photo}"' in answer.content.decode()
    # Somebody else's picture is not taken, and not shown back either.
    foreign = make_attachment(world.desk)
    answer = signed_in(world.handler).post(url, {"note": "好了", "photos": [foreign]})
    assert answer.status_code == 400
    assert foreign not in answer.content.decode()
    assert Case.objects.get(pk=case.pk).state == State.HANDLING


def test_a_bad_photo_is_told_and_the_good_one_is_shown_again(world: World) -> None:
    case, client = bring_to(world, "handling"), signed_in(world.worker)
    url = reverse("cases:act", args=[case.number, "comment"])
    good = SimpleUploadedFile("good.jpg", picture_bytes(), "image/jpeg")
    bad = SimpleUploadedFile("bad.jpg", b"this is text", "image/jpeg")
    answer = client.post(url, {"note": "现场两张", "photos": [good, bad]})
    page, kept = answer.content.decode(), Attachment.objects.latest("pk")
    assert answer.status_code == 415
    assert f'value="{kept.token}"' in page
    assert "现场两张" in page
    assert client.post(url, {"note": "现场两张", "photos": [kept.token]}).status_code == 302
    assert case.attachments.get() == kept


def test_too_many_photos_are_told_and_none_that_is_stored_is_lost(world: World) -> None:
    case, client = bring_to(world, "handling"), signed_in(world.worker)
    photos = [make_attachment(world.worker) for _each in range(MOST_AT_ONCE + 1)]
    url = reverse("cases:act", args=[case.number, "comment"])
    page = client.post(url, {"note": "现场", "photos": photos}).content.decode()
    assert [f'value="{each}"' in page for each in photos] == [True] * MOST_AT_ONCE + [False]


def test_the_rule_is_given_as_the_reason_only_where_it_was_followed(world: World) -> None:
    case = bring_to(world, "dispatched")
    rule = {"by": "matter", "subject": "雨水箅子", "place": "柳浦街道"}
    for suggested, is_by_rule in ((world.unit, True), (world.assisting, False), (None, False)):
        Case.objects.filter(pk=case.pk).update(suggested_unit=suggested, route_reason=rule)
        page = page_of(world.desk, case)
        assert ("规则：雨水箅子" in page) is is_by_rule
        assert ("由工单台选定" in page) is not is_by_rule


def test_an_unknown_order_and_an_unknown_action_are_not_found(world: World) -> None:
    case, client = report(world), signed_in(world.desk)
    for number in ("261120-999999", "x", "\x00", "x" * 500, "%"):
        for name in ("detail", "panel"):
            assert client.get(reverse(f"cases:{name}", args=[number])).status_code == 404
    for action in ("nonsense", "report", "route", "climb"):
        assert client.get(reverse("cases:act", args=[case.number, action])).status_code == 404
        assert client.post(reverse("cases:act", args=[case.number, action])).status_code == 404


def test_after_an_action_one_goes_on_where_one_was_and_nowhere_else(world: World) -> None:
    for wanted, leads in (
        ("/desk/?view=to_accept&channel=hotline", "/desk/?view=to_accept&channel=hotline"),
        ("https://elsewhere.example/", None),
        ("//elsewhere.example/", None),
        ("javascript:alert(1)", None),
    ):
        case = report(world)
        answer = signed_in(world.desk).post(
            reverse("cases:act", args=[case.number, "accept"]), {"next": wanted}
        )
        assert answer.status_code == 302
        assert answer.headers["Location"] == (leads or reverse("cases:detail", args=[case.number]))
