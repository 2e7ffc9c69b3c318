"""Who reads an order by no post: its reporter, who joined it, and a unit that had it before."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from cases.actions import checking, desk, handling, oversight
from cases.attachments import visible_attachment
from cases.models import Case
from governance.common.errors import NotVisible
from partymembers.access import access_of
from partymembers.models import User
from tests.factories.cases import MINUTE, NOON, World, make_attachment, make_world, report

pytestmark = pytest.mark.django_db
WORDS, PHONE, REMARK, REASON = "井盖翘起，请联系 13812345678", "13812345678", "先核实产权", "还有残留"


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def pictures(world: World) -> dict[str, str]:
    """One picture of each sort: by whom it came."""
    people = {
        "before": world.resident,
        "joined": world.other_worker,
        "inside": world.desk,
        "after": world.handler,
    }
    return {sort: make_attachment(user) for sort, user in people.items()}


@pytest.fixture
def case(world: World, pictures: dict[str, str]) -> Case:
    """Reported by a resident, joined by a worker of another community, and failed at its check."""
    case = report(world, reporter=world.resident, description=WORDS, attachments=[pictures["before"]])
    other = report(world, reporter=world.other_worker, attachments=[pictures["joined"]])
    by_desk = {"case_id": case.pk, "actor": world.desk}
    desk.merge_case(case_id=other.pk, target_id=case.pk, actor=world.desk, at=NOON)
    desk.accept_case(**by_desk, at=NOON)
    oversight.comment_case(**by_desk, at=NOON, note=REMARK, attachments=[pictures["inside"]])
    desk.dispatch_case(**by_desk, at=NOON, unit=world.other_unit)
    handling.return_case(case_id=case.pk, actor=world.other_handler, at=NOON, note="不归我们管")
    desk.dispatch_case(**by_desk, at=NOON, unit=world.unit)
    handling.acknowledge_case(case_id=case.pk, actor=world.handler, at=NOON)
    done = {"case_id": case.pk, "at": NOON + MINUTE}
    handling.finish_case(**done, actor=world.handler, note="已补装", attachments=[pictures["after"]])
    checking.fail_check(**done, actor=world.desk, note=REASON)
    return case


def page(user: User, case: Case, name: str = "detail") -> str:
    client = Client()
    client.force_login(user)
    return client.get(reverse(f"cases:{name}", args=[case.number])).content.decode()


@pytest.mark.parametrize("name", ["detail", "panel"])
def test_who_works_on_it_reads_all_of_it(world: World, case: Case, name: str) -> None:
    text = page(world.desk, case, name)
    assert [words in text for words in (WORDS, REMARK, REASON)] == [True, True, True]


@pytest.mark.parametrize("name", ["detail", "panel"])
def test_the_reporter_reads_their_own_words_and_no_remark(world: World, case: Case, name: str) -> None:
    text = page(world.resident, case, name)
    assert [words in text for words in (WORDS, REMARK, REASON)] == [True, False, False]


@pytest.mark.parametrize("name", ["detail", "panel"])
def test_who_joined_reads_nobodys_words_though_holding_a_post_elsewhere(
    world: World, case: Case, name: str
) -> None:
    text = page(world.other_worker, case, name)
    assert case.number in text
    assert [words in text for words in (PHONE, REMARK, REASON)] == [False, False, False]


@pytest.mark.parametrize("name", ["detail", "panel"])
def test_a_unit_that_had_it_reads_no_phone_in_any_words(world: World, case: Case, name: str) -> None:
    text = page(world.other_handler, case, name)
    assert ["井盖翘起" in text, PHONE in text, REMARK in text] == [True, False, True]


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("desk", {"before", "inside", "after"}),
        ("other_handler", {"before", "inside", "after"}),
        ("resident", {"before", "after"}),
        ("other_worker", {"joined", "after"}),
        ("other_desk", set()),
    ],
)
@pytest.mark.usefixtures("case")
def test_pictures_go_as_far_as_words(
    world: World, pictures: dict[str, str], name: str, seen: set[str]
) -> None:
    access = access_of(getattr(world, name), on=NOON.date())
    found = set()
    for sort, token in pictures.items():
        try:
            visible_attachment(token, access=access)
        except NotVisible:
            continue
        found.add(sort)
    assert found - ({"joined"} if name in ("desk",) else set()) == seen
