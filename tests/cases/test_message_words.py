"""What a message says: in its reader's language, with a reason, and nothing that is private."""

from __future__ import annotations

import pytest
from django.utils import translation

from cases.actions import checking, desk, handling, oversight, reporting
from cases.actions.checking import Answer
from cases.events import EVENT_KINDS
from cases.models import CaseEvent, Notification
from cases.wording import describe
from partymembers.models import User
from tests.cases.test_notify import LATER, tell
from tests.factories.cases import World, bring_to, make_attachment, make_world, report

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]


@pytest.fixture
def world() -> World:
    return make_world()


def messages(viewer: User) -> dict[str, tuple[str, str]]:
    rows = Notification.objects.filter(recipient=viewer).select_related(
        "event__case__matter", "event__case__place"
    )
    return {row.kind: describe(row.event, viewer) for row in rows}


def test_a_message_reads_in_the_language_of_its_reader(world: World) -> None:
    case = bring_to(world, "dispatched")
    tell()
    where = f"{case.number} · 雨水箅子 · 西涧社区第1网格"
    with translation.override("en"):
        assert messages(world.handler) == {"dispatch": ("New order for 市政养护所", where)}
        assert messages(world.worker)["accept"] == ("Your report was accepted", where)


def test_a_reason_given_in_office_is_quoted_and_cut(world: World) -> None:
    case = bring_to(world, "dispatched")
    handling.return_case(case_id=case.pk, actor=world.handler, at=LATER, note="此" * 200)
    tell()
    with translation.override("en"):
        title, body = messages(world.desk)["return"]
    assert title == "市政养护所 returned the order"
    assert body.endswith(f"· “{'此' * 59}…”")


def test_no_message_carries_a_reporter_s_name_phone_or_words(world: World) -> None:
    private = ("王居民", "13912345678", "床头")
    case = report(
        world,
        reporter=world.resident,
        description="王居民 13912345678 床头漏水",
        address="映月路 86 号 3 单元 201",
    )
    reporting.add_information(case_id=case.pk, actor=world.resident, at=LATER, note="王居民 13912345678 床头")
    oversight.urge_case(case_id=case.pk, actor=world.resident, at=LATER, note="床头还在漏，13912345678")
    reporting.join_case(case_id=case.pk, user=world.worker, at=LATER, note="床头")
    desk.accept_case(case_id=case.pk, actor=world.desk, at=LATER)
    desk.dispatch_case(case_id=case.pk, unit=world.unit, actor=world.desk, at=LATER)
    handling.acknowledge_case(case_id=case.pk, actor=world.handler, at=LATER)
    handling.finish_case(
        case_id=case.pk,
        actor=world.handler,
        at=LATER,
        note="修好",
        attachments=[make_attachment(world.handler)],
    )
    checking.pass_check(case_id=case.pk, actor=world.worker, at=LATER)
    answer = Answer(solved=False, satisfaction="dissatisfied", comment="王居民：床头 13912345678")
    checking.rate_case(case_id=case.pk, actor=world.resident, at=LATER, answer=answer)
    tell()
    rows = Notification.objects.select_related("event__case__matter", "event__case__place", "recipient")
    texts = [" ".join(describe(row.event, row.recipient)) for row in rows]
    assert len(texts) == Notification.objects.count() > 15
    assert [text for text in texts if any(word in text for word in (*private, "201"))] == []


@pytest.mark.parametrize("kind", [kind for kind, row in EVENT_KINDS.items() if row.audience])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_kind_has_words_even_without_its_payload(world: World, kind: str, language: str) -> None:
    case = report(world)
    event = CaseEvent(case=case, seq=9, kind=kind, at=LATER, actor_kind="system")
    with translation.override(language):
        title, body = describe(event, world.desk)
    assert title
    assert "%(" not in title
    assert body == f"{case.number} · 雨水箅子 · 西涧社区第1网格"
