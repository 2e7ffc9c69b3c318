"""The whistle's pages: the list of the called, the desk's search, and what each of them costs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.models import Case, Whistle
from partymembers.models import BranchLevel, User
from tests.factories.cases import MINUTE, bring_to
from tests.factories.grids import make_city
from tests.factories.party import Party, make_branch, make_member, make_party
from tests.factories.people import make_unit
from tests.factories.whistles import WHISTLED_AT, come, tell, whistle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]
LIST = "/whistles/"


@pytest.fixture
def party() -> Party:
    return make_party()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def cost(user: User, url: str, query: dict[str, str] | None = None) -> int:
    """Statements of a warm request, but for the bounds of transactions."""
    client = signed_in(user)
    for _time in range(2):
        assert client.get(url, query).status_code == 200
    with CaptureQueriesContext(connection) as found:
        client.get(url, query)
    said = [each["sql"].strip() for each in found.captured_queries]
    return len([s for s in said if not s.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))])


@pytest.mark.parametrize("tab", ["", "done"])
def test_the_list_costs_the_same_with_one_and_thirty(party: Party, tab: str) -> None:
    costs = []
    for number in (1, 29):
        for _each in range(number):
            case = whistle(party.world, units=[party.world.other_unit])
            if tab:
                Whistle.objects.filter(case=case).update(ended_at=WHISTLED_AT)
        page = signed_in(party.world.other_handler).get(LIST, {"tab": tab})
        costs.append((len(page.context["rows"]), cost(party.world.other_handler, LIST, {"tab": tab})))
    assert costs == [(1, 5), (30, 5)]


def test_the_order_page_costs_the_same_with_one_called_and_many(party: Party) -> None:
    w = party.world
    one, many = whistle(w, units=[w.other_unit]), bring_to(w, "handling")
    others = [make_member(home=party.home).user for _each in range(17)]
    whistle(w, many, members=others, branches=[party.committee])
    urls = [reverse("cases:detail", args=[case.number]) for case in (one, many)]
    first, second = (cost(w.street_desk, url) for url in urls)
    assert first == second
    assert cost(party.secretary, urls[1]) <= first + 1


def test_the_search_costs_the_same_whatever_it_finds_and_keeps_what_is_ticked(party: Party) -> None:
    w = party.world
    url = reverse("cases:whistle_found", args=[bring_to(w, "handling").number])
    costs = {cost(w.street_desk, url, {"who": who}) for who in ("党员", "所", "谁也不是")}
    assert len(costs) == 1
    text = signed_in(w.street_desk).get(
        url, {"who": "市政", "members": [str(party.member.pk), "x", "9" * 30]}
    ).content.decode()  # fmt: skip
    assert f'name="members" value="{party.member.pk}" checked' in text
    assert "市政养护所支部" in text
    assert signed_in(w.desk).get(url).status_code == 409  # while it lies with the community
    assert signed_in(w.handler).get(url).status_code == 403
    assert signed_in(w.other_desk).get(url).status_code == 404


def test_a_refused_form_keeps_who_was_ticked(party: Party) -> None:
    w = party.world
    url = reverse("cases:act", args=[bring_to(w, "handling").number, "whistle"])
    typed = {"need": "", "needed_by": "2026-11-20T15:00", "members": [str(party.member.pk)]}
    page = signed_in(w.street_desk).post(url, typed)
    assert page.status_code == 400
    assert f'name="members" value="{party.member.pk}" checked' in page.content.decode()
    nobody = signed_in(w.street_desk).post(url, {"need": "到场", "needed_by": "2026-11-20T15:00"})
    assert nobody.status_code == 400
    assert nobody.context["form"].errors["units"]
    nothing = signed_in(w.street_desk).post(url, {"need": "", "needed_by": "2026-11-20T15:00"})
    assert {"units", "need"} <= set(nothing.context["form"].errors)  # all at once
    assert '<a href="#id_units">' in nothing.content.decode()
    assert 'id="id_units"' in nothing.content.decode()
    assert not Whistle.objects.exists()


def test_the_buttons_follow_the_steps(party: Party) -> None:
    w = party.world
    case = whistle(w, units=[w.other_unit])
    client = signed_in(w.other_handler)

    def step() -> str:
        return str(client.get(LIST).context["rows"][0].step)

    assert step() == "answer"
    client.post(reverse("cases:act", args=[case.number, "answer_whistle"]), {"coming": "yes"})
    assert step() == "come"
    come(case, w.other_handler, at=WHISTLED_AT + MINUTE)
    assert step() == "report"


def test_of_two_calls_of_one_order_the_first_has_the_buttons(party: Party) -> None:
    w = party.world
    make_member(user=w.other_handler, home=party.home)
    whistle(w, units=[w.other_unit], members=[w.other_handler])
    rows = signed_in(w.other_handler).get(LIST).context["rows"]
    assert {row.call.user_id: row.step for row in rows} == {w.other_handler.pk: "answer", None: ""}


def test_the_empty_list_says_what_will_stand_there(party: Party) -> None:
    page = signed_in(party.member).get(LIST)
    assert page.context["rows"] == []
    assert "没有待应的哨" in page.content.decode()


def test_only_the_standing_whistle_is_in_the_pane(party: Party) -> None:
    w = party.world
    case = whistle(w, units=[w.other_unit])
    url = reverse("cases:panel", args=[case.number])
    assert "霁虹巷口" in signed_in(w.street_desk).get(url).content.decode()
    Whistle.objects.update(ended_at=WHISTLED_AT + timedelta(minutes=1))
    Case.objects.filter(pk=case.pk).update(updated_at=WHISTLED_AT)
    assert "霁虹巷口" not in signed_in(w.street_desk).get(url).content.decode()


def test_the_search_finds_nobody_of_another_city(party: Party) -> None:
    case = bring_to(party.world, "handling")
    far = make_city("341200000000")
    make_unit("外地养护所", place=far.west)
    make_member("外地党员", home=make_branch(name="外地市委", level=BranchLevel.CITY, place=far.city))
    url = reverse("cases:whistle_found", args=[case.number])
    client = signed_in(party.world.street_desk)
    assert "外地" not in client.get(url, {"who": "外地"}).content.decode().split("</label>")[0]
    assert "党员甲" in client.get(url, {"who": "党员甲"}).content.decode()


def test_the_unit_s_board_shows_what_it_is_whistled_to_until_it_has_reported(party: Party) -> None:
    w = party.world
    case = whistle(w, units=[w.other_unit])
    other = bring_to(w, "handling")
    board, numbers = "/handling/?view=called", []
    for step in (None, come, tell):
        if step:
            step(case, w.other_handler, at=WHISTLED_AT + MINUTE)
        page = signed_in(w.other_handler).get(board)
        numbers.append((page.context["counts"]["called"], case.number in page.content.decode()))
        assert other.number not in page.content.decode()
        mine = signed_in(w.other_handler).get("/handling/")
        assert case.number not in mine.content.decode()  # it is not theirs to handle
    assert numbers == [(1, True), (1, True), (0, False)]
    assert signed_in(w.handler).get(board).context["counts"]["called"] == 0


def test_an_answer_is_told_when_it_is_too_long(party: Party) -> None:
    w = party.world
    case = whistle(w, units=[w.other_unit])
    url = reverse("cases:act", args=[case.number, "answer_whistle"])
    told = signed_in(w.other_handler).post(url, {"coming": "no", "note": "忙" * 501})
    assert told.status_code == 400
    assert not case.events.filter(kind="answer_whistle").exists()
