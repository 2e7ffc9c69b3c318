"""Asking for a wish, with and without an account, and following it to the thanks."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases import pace
from cases.actions import wishes
from cases.models import Case, CaseEvent, Channel, Feedback, Notification
from cases.notify import in_app
from cases.pace import Limit
from cases.workflow import Kind, State
from grids.models import QrCode
from tests.factories.cases import MINUTE, make_attachment
from tests.factories.party import Party, ask, bring_wish_to, publishing
from tests.factories.scene import signed_in
from tests.factories.wish_pages import DOOR, NAME, PHONE, WORDS, filled, visitor

pytestmark = pytest.mark.django_db


def send(party: Party, code: QrCode, client: Client | None = None, **fields: Any) -> Any:
    return (client or visitor()).post(f"/r/{code.token}/wish/", filled(party, **fields))


def followed(state: str, party: Party) -> tuple[Case, str]:
    case = bring_wish_to(party, state, at=timezone.now() - timedelta(hours=1))
    return case, f"/f/{case.follow_token}/"


def test_the_code_offers_a_report_and_a_wish(party: Party, code: QrCode) -> None:
    for url in (f"/r/{code.token}/", f"/r/{code.token}/wish/"):
        page = visitor().get(url).content.decode()
        assert f'href="/r/{code.token}/"' in page
        assert f'href="/r/{code.token}/wish/"' in page


def test_a_resident_asks_by_the_code_and_gets_a_link_to_follow(party: Party, code: QrCode) -> None:
    client = visitor()
    page = client.get(f"/r/{code.token}/wish/").content.decode()
    assert "清流花园 1幢" in page
    assert party.kind.name in page
    answer = send(party, code, client)
    case = Case.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/f/{case.follow_token}/?new=1")
    assert (case.kind, case.state, case.channel) == (Kind.WISH, State.ASKED, Channel.RESIDENT)
    assert (case.reporter, case.reporter_phone, case.reporter_verified) == (None, PHONE, False)
    assert (case.address, case.building_id) == (DOOR, party.world.city.building.pk)
    told = client.get(answer["Location"]).content.decode()
    assert "Your wish has been taken" in told
    assert case.number in told
    for secret in (PHONE, NAME, DOOR):
        assert secret not in told


@pytest.mark.parametrize("kind", ["unknown", "revoked"])
def test_a_code_that_is_not_in_use_takes_no_wish(party: Party, code: QrCode, kind: str) -> None:
    from grids import actions as places  # noqa: PLC0415

    if kind == "revoked":
        places.revoke_qr_code(qr_code=code, at=timezone.now())
    token = "x" * 43 if kind == "unknown" else code.token
    url = f"/r/{token}/wish/"
    for answer in (visitor().get(url), visitor().post(url, filled(party))):
        assert answer.status_code == 404
        assert "not in use" in answer.content.decode()
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"phone": "138000000"}, "9 digits"),
        ({"kind": "0"}, "choice"),
        ({"kind": ""}, "Please choose"),
        ({"words": " "}, "in a sentence"),
        ({"words": "好" * 1001}, "At most 1000"),
        ({"phone": "", "address": " "}, "leave a phone or the door"),
    ],
)
def test_wrong_input_is_told_and_what_was_typed_stays(
    party: Party, code: QrCode, wrong: dict[str, str], told: str
) -> None:
    answer = send(party, code, **wrong)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert told in page
    assert wrong.get("words", WORDS).strip() in page
    assert not Case.objects.exists()


def test_a_matter_of_incidents_is_no_kind_of_wish(party: Party, code: QrCode) -> None:
    assert send(party, code, kind=str(party.world.matter.pk)).status_code == 400
    assert not Case.objects.exists()


def test_sent_twice_is_one_wish(party: Party, code: QrCode) -> None:
    client = visitor()
    client.get(f"/r/{code.token}/wish/")
    sent = filled(party)
    first, second = (client.post(f"/r/{code.token}/wish/", sent) for _time in range(2))
    assert first["Location"] == second["Location"]
    assert Case.objects.count() == 1
    send(party, code, client_id=sent["client_id"])  # the same id of another browser is another wish
    assert Case.objects.count() == 2


@pytest.mark.parametrize("limit", ["BY_PHONE", "BY_ADDRESS", "BY_CODE"])
def test_who_goes_fast_answers_a_question_first(
    party: Party, code: QrCode, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(pace, limit, Limit(1, 3))
    client = visitor()
    assert send(party, code, client).status_code == 302
    asked = send(party, code, client)
    page = asked.content.decode()
    assert asked.status_code == 400
    a, b = re.search(r"How much is (\d+) plus (\d+)\?", page).groups()
    assert WORDS in page
    assert send(party, code, client, answer=str(int(a) + int(b))).status_code == 302
    assert Case.objects.count() == 2


def test_far_beyond_every_limit_nothing_is_taken(
    party: Party, code: QrCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "BY_CODE", Limit(0, 1))
    client = visitor()
    page = send(party, code, client).content.decode()
    a, b = re.search(r"How much is (\d+) plus (\d+)\?", page).groups()
    assert send(party, code, client, answer=str(int(a) + int(b))).status_code == 302
    refused = send(party, code, client)
    assert (refused.status_code, refused["Retry-After"]) == (429, "600")
    assert Case.objects.count() == 1


def test_what_fills_the_hidden_field_is_asked_a_question(party: Party, code: QrCode) -> None:
    answer = send(party, code, website="https://example.com")
    assert answer.status_code == 400
    assert "How much is" in answer.content.decode()
    assert not Case.objects.exists()


def test_a_wish_is_found_again_by_number_and_phone(party: Party, code: QrCode) -> None:
    send(party, code)
    case = Case.objects.get()
    client = visitor()
    found = client.post("/follow/", {"number": case.number, "phone": PHONE})
    assert found["Location"] == f"/f/{case.follow_token}/"
    wrong = [client.post("/follow/", {"number": n, "phone": "13900000000"}) for n in (case.number, "1-1")]
    told = ["There is no report with this number and phone" in each.content.decode() for each in wrong]
    assert told == [True, True]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.ASKED, "reads it first"),
        (State.PUBLISHED, "waits for somebody"),
        (State.CLAIMED, "the community confirms it"),
        (State.CONFIRMED, "will get in touch"),
        (State.BEGUN, "under way"),
        (State.DELIVERED, "say how it went"),
        (State.CLOSED, "fulfilled"),
        (State.DECLINED, "请向物业申请"),
        (State.VOIDED, "ended without"),
    ],
)
def test_the_link_says_where_the_wish_stands_and_who_comes_never_by_name(
    party: Party, state: State, told: str
) -> None:
    _case, url = followed(state, party)
    page = visitor().get(url).content.decode()
    assert told in page
    assert "report has" not in page
    is_known = state in (State.CONFIRMED, State.BEGUN, State.DELIVERED, State.CLOSED)
    assert ("A Party member of" in page) == is_known
    for name in ("党员甲", "李秀英", "13812345678", "501"):
        assert name not in page


def test_the_asker_rates_with_a_face_and_thanks(party: Party) -> None:
    case, url = followed(State.DELIVERED, party)
    client = visitor()
    assert client.post(f"{url}rate/", {}).status_code == 400
    assert client.post(f"{url}rate/", {"satisfaction": "satisfied"}).status_code == 302
    case.refresh_from_db()
    assert (case.state, case.satisfaction, case.solved) == (State.CLOSED, "satisfied", True)
    assert client.post(f"{url}thank/", {"note": " "}).status_code == 400
    assert client.post(f"{url}thank/", {"note": "谢谢你们"}).status_code == 302
    assert "谢谢你们" in client.get(url).content.decode()
    client.post(f"{url}rate/", {"satisfaction": "dissatisfied", "solved": "no"})
    case.refresh_from_db()
    assert (case.state, case.satisfaction, case.solved) == (State.CLOSED, "dissatisfied", False)
    assert Feedback.objects.filter(case=case).count() == 2


def test_not_delivered_needs_a_reason_and_goes_back_to_the_claimer(party: Party) -> None:
    case, url = followed(State.DELIVERED, party)
    client = visitor()
    assert client.post(f"{url}fail/", {"note": ""}).status_code == 400
    assert client.post(f"{url}fail/", {"note": "还在滴水"}).status_code == 302
    case.refresh_from_db()
    assert (case.state, case.reworks) == (State.BEGUN, 1)
    late = client.post(f"{url}rate/", {"satisfaction": "satisfied"})
    assert late.status_code == 409
    assert "Meanwhile the wish is “Under way”" in late.content.decode()


def test_the_asker_adds_urges_and_withdraws(party: Party) -> None:
    case, url = followed(State.PUBLISHED, party)
    client = visitor()
    assert client.post(f"{url}add_information/", {"note": "下午在家"}).status_code == 302
    assert client.post(f"{url}urge/").status_code == 302
    again = client.post(f"{url}urge/")
    assert again.status_code == 409
    assert "within the last hour" in again.content.decode()
    assert client.post(f"{url}withdraw/").status_code == 302
    case.refresh_from_db()
    assert case.state == State.VOIDED
    assert "You have withdrawn it" in client.get(url).content.decode()


@pytest.mark.parametrize("action", ["publish", "claim", "confirm", "decline", "revoke", "comment", "accept"])
def test_a_link_opens_no_action_of_the_desk(party: Party, action: str) -> None:
    case, url = followed(State.ASKED, party)
    assert visitor().post(f"{url}{action}/", {"note": "x"}).status_code == 404
    assert Case.objects.get(pk=case.pk).state == State.ASKED


def test_a_resident_with_an_account_asks_where_the_pin_stands(party: Party) -> None:
    client = signed_in(party.world.resident)
    assert 'name="phone"' not in client.get("/wishes/ask/").content.decode()
    lng, lat = party.world.city.inside(party.world.city.west_1)
    sent = filled(party, lng=str(lng), lat=str(lat))
    assert client.post("/wishes/ask/", sent | {"lng": "", "lat": ""}).status_code == 400
    assert client.post("/wishes/ask/", sent | {"lat": ""}).status_code == 400
    assert client.post("/wishes/ask/", sent).status_code == 302
    assert client.post("/wishes/ask/", sent).status_code == 302
    case = Case.objects.get()
    assert (case.reporter, case.place, case.channel) == (
        party.world.resident,
        party.world.city.west_1,
        Channel.RESIDENT,
    )
    assert (case.reporter_name, case.reporter_phone) == ("", "")  # the account's own


def test_who_leaves_neither_phone_nor_door_is_asked_at_the_door(party: Party) -> None:
    resident = party.world.resident
    type(resident).objects.filter(pk=resident.pk).update(phone=None)
    lng, lat = party.world.city.inside(party.world.city.west_1)
    answer = signed_in(resident).post("/wishes/ask/", filled(party, lng=str(lng), lat=str(lat), address=""))
    assert answer.status_code == 400
    assert answer.context["form"].errors["address"]


def test_officers_do_not_ask(party: Party) -> None:
    assert signed_in(party.world.system_officer).get("/wishes/ask/").status_code == 403


def test_my_wish_is_mine_alone(party: Party) -> None:
    case = ask(party, asker=party.world.worker)
    url = reverse("cases:my_wish", args=[case.number])
    assert signed_in(party.world.worker).get(url).status_code == 200
    for stranger in (party.world.second_worker, party.world.desk, party.member, party.world.official):
        assert signed_in(stranger).get(url).status_code == 404
        assert signed_in(stranger).post(f"{url}withdraw/").status_code == 404
    case.refresh_from_db()
    assert case.state == State.ASKED


def test_the_asker_with_an_account_rates_thanks_and_is_told_when_it_is_too_late(party: Party) -> None:
    at = timezone.now() - timedelta(hours=2)
    case = ask(party, asker=party.world.resident, at=at)
    url = reverse("cases:my_wish", args=[case.number])
    client = signed_in(party.world.resident)
    assert client.post(f"{url}rate/", {"satisfaction": "satisfied"}).status_code == 409

    desk, member = party.world.desk, party.member
    wishes.publish_wish(case_id=case.pk, publishing=publishing(), actor=desk, at=at + MINUTE)
    wishes.claim_wish(case_id=case.pk, actor=member, at=at + 2 * MINUTE)
    wishes.confirm_claim(case_id=case.pk, actor=desk, at=at + 3 * MINUTE)

    picture = make_attachment(member, at=at)
    wishes.deliver_wish(
        case_id=case.pk, actor=member, at=at + 4 * MINUTE, note="好了", minutes=10, attachments=[picture]
    )
    assert "Rate it" in client.get("/wishes/mine/", headers={"Accept-Language": "en"}).content.decode()
    assert client.post(f"{url}rate/", {"satisfaction": "basically"}).status_code == 302
    assert client.post(f"{url}thank/", {"note": "多谢"}).status_code == 302
    assert client.post(f"{url}thank/", {"note": "多" * 301}).status_code == 400
    case.refresh_from_db()
    assert (case.state, case.satisfaction) == (State.CLOSED, "basically")
    page = client.get(url).content.decode()
    assert "多谢" in page
    assert "党员甲" not in page
    assert client.post(f"{url}publish/").status_code == 404


@pytest.mark.parametrize("count", [1, 30])
def test_my_wishes_cost_the_same_for_one_and_for_thirty(party: Party, count: int) -> None:
    for _each in range(count):
        ask(party, asker=party.world.resident)
    client = signed_in(party.world.resident)
    client.get("/wishes/mine/")
    with CaptureQueriesContext(connection) as found:
        assert client.get("/wishes/mine/").status_code == 200
    said = [q["sql"] for q in found if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]
    assert len(said) == 4, "\n".join(said)


def test_what_a_resident_asked_stands_under_an_entry_that_they_have(party: Party) -> None:
    case = ask(party, asker=party.world.resident)
    client = signed_in(party.world.resident)
    for url in ("/wishes/mine/", "/wishes/ask/", f"/wishes/mine/{case.number}/"):
        page = client.get(url).content.decode()
        assert f'<a href="{reverse("cases:mine")}" aria-current="page">' in page


def test_a_message_leads_each_to_their_own_page(party: Party) -> None:
    case = ask(party, asker=party.world.resident, at=timezone.now() - timedelta(hours=1))

    at = timezone.now() - timedelta(minutes=30)
    wishes.publish_wish(case_id=case.pk, publishing=publishing(), actor=party.world.desk, at=at)
    wishes.claim_wish(case_id=case.pk, actor=party.member, at=at + MINUTE)
    wishes.confirm_claim(case_id=case.pk, actor=party.world.second_desk, at=at + 2 * MINUTE)
    in_app(list(CaseEvent.objects.order_by("pk")))
    leads = {
        party.world.resident: reverse("cases:my_wish", args=[case.number]),
        party.world.desk: reverse("cases:wish_order", args=[case.number]),
        party.secretary: reverse("cases:wish", args=[case.number]),
        party.member: reverse("cases:wish", args=[case.number]),
    }
    for user, url in leads.items():
        rows = Notification.objects.filter(recipient=user, case=case)
        assert rows, user
        answer = signed_in(user).get(reverse("cases:notification_open", args=[rows.latest("pk").pk]))
        assert answer["Location"] == url
        assert signed_in(user).get(url).status_code == 200


def test_where_one_lives_is_found_by_name_and_narrowed(party: Party) -> None:
    city, client = party.world.city, signed_in(party.world.resident)

    def found(typed: str, **query: Any) -> list[int]:
        answer = client.get("/wishes/ask/homes/", {"words_of_place": typed} | query)
        assert answer.status_code == 200
        return [each.place.pk for each in answer.context["homes"]]

    assert found(city.west.name) == [city.west.pk]
    assert {city.west.pk, city.east.pk} <= set(found(city.street.name))
    assert found("清流花园") == [city.west.pk]
    assert found("清流花园", home=str(city.west_1.pk))[:2] == [city.west.pk, city.west_1.pk]
    assert city.building.pk in found("", home=str(city.west_1.pk))
    for odd in ("", "x" * 500, "%", "' or 1=1"):
        assert found(odd) == []
    for odd in ("x", "-1", "9" * 30, "０", str(city.street.pk)):
        assert found("", home=odd) == []


def test_a_resident_chooses_where_they_live_and_needs_no_pin(party: Party) -> None:
    city, client = party.world.city, signed_in(party.world.resident)
    page = client.get("/wishes/ask/").content.decode()
    assert 'name="words_of_place"' in page
    nowhere = client.post("/wishes/ask/", filled(party))
    assert list(nowhere.context["form"].errors) == ["home"]
    for wrong in (city.street.pk, city.city.pk, 0, "x"):  # from the community down
        assert client.post("/wishes/ask/", filled(party, home=str(wrong))).status_code == 400
    refused = client.post("/wishes/ask/", filled(party, home=str(city.east.pk), words=" "))
    assert f'value="{city.east.pk}" checked' in refused.content.decode()
    lng, lat = city.inside(city.west_1)  # where the phone is just now
    sent = filled(party, home=str(city.east.pk), lng=str(lng), lat=str(lat))
    assert client.post("/wishes/ask/", sent).status_code == 302
    case = Case.objects.get()
    assert (case.place, case.desk, case.lng) == (city.east, city.east, None)


def test_a_volunteer_s_own_community_is_chosen_already_and_a_leader_must_choose_a_grid(party: Party) -> None:
    page = signed_in(party.volunteer).get("/wishes/ask/")
    assert [each.place for each in page.context["homes"] if each.is_chosen] == [party.world.city.west]
    leader = signed_in(party.world.desk)
    assert list(leader.post("/wishes/ask/", filled(party)).context["form"].errors) == ["grid"]
