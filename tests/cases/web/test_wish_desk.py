"""The desk's pages of wishes: who may open them, what they show, what they do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.actions import wish_asking, wishes
from cases.models import Case, CaseEvent, Claim, Notification
from cases.notify import in_app
from cases.wish_text import blanked, is_anonymous
from cases.workflow import WORKFLOWS, Kind, State
from partymembers.models import AuditEntry, PointsAccount, Skill, User
from tests.factories.cases import MINUTE
from tests.factories.party import Party, ask, bring_wish_to, make_party, publishing
from tests.factories.people import make_user
from tests.factories.scene import signed_in

pytestmark = pytest.mark.django_db
NAME, PHONE, DOOR = "李秀英", "13812345678", "1幢2单元501"


@pytest.fixture
def party() -> Party:
    return make_party()


def english(user: User) -> Client:
    client = signed_in(user)
    client.cookies["django_language"] = "en"
    return client


def brought(party: Party, state: str) -> Case:
    return bring_wish_to(party, state, at=timezone.now() - timedelta(hours=1))


def claimed_by_another(party: Party) -> Case:
    """A claim to confirm, of somebody who holds no other."""
    case = brought(party, State.CLAIMED)
    Claim.objects.filter(case=case).update(user=make_user("党员丁"))
    return case


def url_of(case: Case, action: str = "") -> str:
    return f"/wishes/{case.number}/desk/" + (f"{action}/" if action else "")


def vetted(**fields: Any) -> dict[str, Any]:
    wanted = timezone.localdate() + timedelta(days=7)
    return {
        "title": "想修好漏水的水龙头",
        "text": "独居老人，水龙头漏水一周。",
        "points": "20",
        "deliver_by": wanted.isoformat(),
    } | fields


def test_a_suggestion_blanks_name_number_and_door(party: Party) -> None:
    case = ask(party, words="我是李秀英，电话13812345678，住2单元501，水龙头漏水")
    text = blanked(case, case.description)
    assert is_anonymous(case, text)
    assert "水龙头漏水" in text
    for secret in (NAME, PHONE, "单元", "501"):
        assert secret not in text
    assert not is_anonymous(case, f"住{case.address}")


def test_what_waits_to_be_vetted_is_listed_by_the_askers_words_without_name_and_door(party: Party) -> None:
    ask(party)
    page = signed_in(party.world.desk).get("/wishes/desk/").content.decode()
    assert "家里水龙头漏水，我是…，住…" in page
    assert NAME not in page
    assert "501" not in page


def test_the_desk_vets_and_publishes(party: Party) -> None:
    case, desk = ask(party), english(party.world.desk)
    page = desk.get(url_of(case, "publish")).content.decode()
    assert case.description in page
    given = desk.get(url_of(case, "publish")).context["form"]
    assert NAME not in given["text"].value()
    skill = Skill.objects.first()
    assert skill is not None
    for wrong, field in (
        ({"title": f"帮{NAME}修水龙头"}, "title"),
        ({"text": f"请打{PHONE}"}, "text"),
        ({"text": "住2单元501"}, "text"),
        ({"points": "100000"}, "points"),
        ({"deliver_by": timezone.localdate().isoformat()}, "deliver_by"),
        ({"title": ""}, "title"),
    ):
        refused = desk.post(url_of(case, "publish"), vetted(**wrong))
        assert refused.status_code == 400
        assert refused.context["form"].errors[field], wrong
    case.refresh_from_db()
    assert case.state == State.ASKED
    answer = desk.post(url_of(case, "publish"), vetted(skills=[skill.pk]))
    assert answer["Location"] == url_of(case)
    case.refresh_from_db()
    assert (case.state, case.wish.points, list(case.wish.skills.all())) == (State.PUBLISHED, 20, [skill])
    edited = desk.get(url_of(case, "edit_wish")).context["form"]
    assert edited["title"].value() == case.wish.title
    assert desk.post(url_of(case, "edit_wish"), vetted(title="换水龙头")).status_code == 302
    case.wish.refresh_from_db()
    assert case.wish.title == "换水龙头"


@pytest.mark.parametrize(
    ("state", "action", "becomes"),
    [
        (State.ASKED, "decline", State.DECLINED),
        (State.CLAIMED, "refuse_claim", State.PUBLISHED),
        (State.DELIVERED, "fail", State.BEGUN),
        (State.PUBLISHED, "void", State.VOIDED),
        (State.BEGUN, "void", State.VOIDED),
        (State.CLOSED, "revoke", State.VOIDED),
        (State.BEGUN, "comment", State.BEGUN),
    ],
)
def test_what_needs_a_reason_asks_for_it(party: Party, state: State, action: str, becomes: State) -> None:
    case, desk = brought(party, state), english(party.world.desk)
    assert url_of(case, action) in desk.get(url_of(case)).content.decode()
    form = desk.get(url_of(case, action)).content.decode()
    is_final = not WORKFLOWS[Kind.WISH][action].undoable
    assert ("data-confirm=" in form) == is_final
    assert desk.post(url_of(case, action), {"note": " "}).status_code == 400
    assert desk.post(url_of(case, action), {"note": "说明"}).status_code == 302
    case.refresh_from_db()
    assert case.state == becomes


def test_a_revoked_wish_gives_its_points_back(party: Party) -> None:
    case = brought(party, State.CLOSED)
    assert PointsAccount.objects.get(user=party.member).balance == 20
    english(party.world.desk).post(url_of(case, "revoke"), {"note": "并未上门"})
    assert PointsAccount.objects.get(user=party.member).balance == 0


def test_a_claim_is_confirmed_with_one_tap_and_the_list_comes_back(party: Party) -> None:
    case, desk = brought(party, State.CLAIMED), english(party.world.desk)
    here = "/wishes/desk/?view=confirm"
    page = desk.get(here).content.decode()
    assert f'action="{url_of(case, "confirm")}"' in page
    answer = desk.post(url_of(case, "confirm"), {"next": here})
    assert answer["Location"] == here
    case.refresh_from_db()
    assert case.state == State.CONFIRMED
    late = desk.post(url_of(case, "confirm"))
    assert late.status_code == 409
    assert f'href="{url_of(case)}"' in late.content.decode()


def test_where_to_go_after_is_a_page_of_ours(party: Party) -> None:
    case, desk = brought(party, State.CLAIMED), english(party.world.desk)
    answer = desk.post(url_of(case, "confirm"), {"next": "https://example.com/"})
    assert answer["Location"] == url_of(case)


def test_ticked_claims_are_confirmed_each_by_itself(party: Party) -> None:
    desk = english(party.world.desk)
    first, second, far = (claimed_by_another(party) for _time in range(3))
    gone = brought(party, State.CONFIRMED)
    Case.objects.filter(pk=far.pk).update(
        desk=party.world.city.east, community=party.world.city.east, grid=party.world.city.east_1
    )
    numbers = [case.number for case in (first, second, gone, far)]
    page = desk.post("/wishes/desk/confirm/", {"number": numbers}, follow=True).content.decode()
    assert "2 claims confirmed" in page
    assert gone.number in page
    states = [Case.objects.get(pk=case.pk).state for case in (first, second, far)]
    assert states == [State.CONFIRMED, State.CONFIRMED, State.CLAIMED]
    assert desk.post("/wishes/desk/confirm/", {"number": []}).status_code == 400


def test_the_badge_counts_again_after_a_deed(party: Party) -> None:
    case, desk = brought(party, State.CLAIMED), english(party.world.desk)

    def badge() -> int:
        items = desk.get("/wishes/desk/").context["nav_items"]
        return int(next(item.badge for item in items if item.key == "wish_desk"))

    assert badge() == 1
    desk.post(url_of(case, "confirm"))
    assert badge() == 0


def test_nobody_is_offered_to_confirm_a_claim_of_their_own(party: Party) -> None:
    case = brought(party, State.CLAIMED)
    Claim.objects.filter(case=case).update(user=party.world.desk)
    desk = english(party.world.desk)
    assert url_of(case, "confirm") not in desk.get(url_of(case)).content.decode()
    assert url_of(case, "confirm") not in desk.get("/wishes/desk/?view=confirm").content.decode()
    assert desk.post(url_of(case, "confirm")).status_code == 409


def test_the_desk_searches_for_whom_it_assigns(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    found = signed_in(party.world.desk).post(
        url_of(case, "assign_wish"), {"find": "1", "words": party.second_member.name, "note": "麻烦您"}
    )
    page = found.content.decode()
    assert found.status_code == 200
    assert f'value="{party.second_member.pk}"' in page
    assert f'value="{party.member.pk}"' not in page
    assert "麻烦您" in page
    assert Case.objects.get(pk=case.pk).state == State.PUBLISHED


def test_a_wish_is_left_to_the_branch_and_assigned(party: Party) -> None:
    case, desk = brought(party, State.PUBLISHED), english(party.world.desk)
    assert desk.post(url_of(case, "to_branch")).status_code == 302
    case.wish.refresh_from_db()
    assert case.wish.left_to_branch_at is not None
    form = desk.get(url_of(case, "assign_wish")).context["form"]
    offered = set(form.fields["claimant"].queryset)
    assert {party.member, party.second_member, party.volunteer} == offered
    refused = desk.post(url_of(case, "assign_wish"), {"claimant": str(party.outsider.pk)})
    assert refused.status_code == 400
    assert desk.post(url_of(case, "assign_wish"), {"claimant": str(party.volunteer.pk)}).status_code == 302
    case.refresh_from_db()
    assert case.state == State.CONFIRMED


def test_the_page_masks_the_asker_and_opens_phone_and_door_with_a_record(party: Party) -> None:
    case, desk = ask(party, words="水龙头漏水"), english(party.world.desk)
    page = desk.get(url_of(case)).content.decode()
    assert "李某某" in page
    assert "138****5678" in page
    for secret in (NAME, PHONE, DOOR):
        assert secret not in page
    assert PHONE in desk.post(url_of(case, "open"), {"what": "phone"}).content.decode()
    assert DOOR in desk.post(url_of(case, "open"), {"what": "door"}).content.decode()
    assert desk.post(url_of(case, "open"), {"what": "name"}).status_code == 404
    kept = AuditEntry.objects.filter(actor=party.world.desk, target=f"case:{case.number}")
    assert kept.count() == 2


def test_a_wish_of_the_desk_stands_under_the_desks_wishes(party: Party) -> None:
    case, desk = ask(party), english(party.world.desk)
    entry = f'<a href="{reverse("cases:wish_desk")}" aria-current="page">'
    for page in (url_of(case), url_of(case, "publish")):
        assert entry in desk.get(page).content.decode()


def test_on_somebodys_behalf_the_workers_own_phone_stays_theirs(party: Party) -> None:
    worker = party.world.worker
    User.objects.filter(pk=worker.pk).update(phone="13700000001")
    place = party.world.city.west_1
    ask_ = wish_asking.Ask(kind=party.kind, words="水龙头", channel="grid_worker", place=place)
    from cases.actions.reporting import Contact  # noqa: PLC0415

    case = wish_asking.ask_wish(ask=ask_, asker=worker, contact=Contact("王大爷"), at=timezone.now())
    desk = english(party.world.desk)
    page = desk.get(url_of(case)).content.decode()
    assert "王某某" in page
    assert f"asked on their behalf by {worker.name}" in page
    assert desk.post(url_of(case, "open"), {"what": "phone"}).status_code == 404


@pytest.mark.parametrize("state", [State.ASKED, State.PUBLISHED, State.CONFIRMED, State.CLOSED])
def test_who_is_no_desk_of_the_place_finds_nothing(party: Party, state: State) -> None:
    """With the same words as a number that does not exist."""
    world, case = party.world, brought(party, state)
    people = [
        *(world.worker, world.second_worker, world.official, world.handler, world.head, world.other_desk),
        *(world.system_officer, world.resident, party.member, party.secretary, party.volunteer),
    ]
    for user in people:
        client = signed_in(user)
        before = Case.objects.get(pk=case.pk).last_seq
        for url in (url_of(case), url_of(case, "publish"), url_of(case, "void")):
            assert client.get(url).status_code == 404, user
        assert client.post(url_of(case, "void"), {"note": "x"}).status_code == 404, user
        assert client.post(url_of(case, "open"), {"what": "phone"}).status_code == 404, user
        assert Case.objects.get(pk=case.pk).last_seq == before
    for user in (world.desk, world.second_desk, world.street_desk, world.city_desk):
        assert signed_in(user).get(url_of(case)).status_code == 200


def test_the_doors_of_incidents_do_not_know_a_wish(party: Party) -> None:
    case, desk = brought(party, State.ASKED), signed_in(party.world.desk)
    for name, more in (("detail", []), ("panel", []), ("reported", []), ("verify", []), ("act", ["decline"])):
        url = reverse(f"cases:{name}", args=[case.number, *more])
        assert desk.get(url).status_code == 404, name
    url = reverse("cases:act", args=[case.number, "decline"])
    assert desk.post(url, {"note": "x"}).status_code == 404
    assert desk.post(reverse("cases:open_phone", args=[case.number])).status_code == 404
    incident = reverse("cases:search")
    assert desk.get(incident, {"q": case.number}).status_code == 200
    case.refresh_from_db()
    assert case.state == State.ASKED


def test_no_action_of_incidents_passes_the_desks_door(party: Party) -> None:
    case, desk = brought(party, State.ASKED), signed_in(party.world.desk)
    for action in ("accept", "dispatch", "claim", "begin", "deliver", "rate", "no_such"):
        assert desk.post(url_of(case, action), {"note": "x"}).status_code == 404


def test_heaps_are_counted_and_stand_in_the_order_of_their_deadlines(party: Party) -> None:
    states = (State.ASKED, State.ASKED, State.CLAIMED, State.PUBLISHED, State.BEGUN, State.DELIVERED)
    made = [brought(party, state) for state in (*states, State.CLOSED, State.DECLINED)]
    Case.objects.filter(pk=made[1].pk).update(next_due_at=timezone.now() - MINUTE)
    desk = english(party.world.desk)
    page = desk.get("/wishes/desk/")
    counts = {view.key: count for view, count in page.context["views"]}
    assert counts == {
        "vet": 2, "confirm": 1, "late": 1, "wall": 1, "going": 1, "delivered": 1, "ended": 2,
    }  # fmt: skip
    assert [row.case.pk for row in page.context["rows"]] == [made[1].pk, made[0].pk]
    badge = next(item.badge for item in page.context["nav_items"] if item.key == "wish_desk")
    assert badge == 3
    for view, count in counts.items():
        assert len(desk.get("/wishes/desk/", {"view": view}).context["rows"]) == count
    above = english(party.world.street_desk).get("/wishes/desk/")
    assert {view.key: count for view, count in above.context["views"]}["wall"] == 1
    assert above.context["rows"] == []  # what the community's desk holds is not the street's to vet
    other = english(party.world.other_desk).get("/wishes/desk/")
    assert {count for _view, count in other.context["views"]} == {0}
    assert signed_in(party.world.worker).get("/wishes/desk/").status_code == 403


@pytest.mark.parametrize("count", [1, 30])
@pytest.mark.parametrize("view", ["vet", "confirm", "ended"])
def test_the_list_costs_the_same_for_one_and_for_thirty(party: Party, view: str, count: int) -> None:
    state = {"vet": State.ASKED, "confirm": State.CLAIMED, "ended": State.VOIDED}[view]
    for _each in range(count):
        _ = claimed_by_another(party) if view == "confirm" else brought(party, state)
    desk = signed_in(party.world.desk)
    for _time in range(2):
        desk.get("/wishes/desk/", {"view": view})
    with CaptureQueriesContext(connection) as found:
        page = desk.get("/wishes/desk/", {"view": view})
    assert len(page.context["rows"]) == count
    said = [q["sql"] for q in found if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]
    assert len(said) == {"vet": 8, "confirm": 8, "ended": 7}[view], "\n".join(said)


def test_before_the_confirmation_nothing_but_the_desks_page_names_the_asker(party: Party) -> None:
    """No public page, list, notification or page of a member; the claimer learns it with the confirmation."""
    world, case = party.world, ask(party, at=timezone.now() - timedelta(hours=1))
    at = timezone.now() - timedelta(minutes=30)
    wishes.publish_wish(case_id=case.pk, publishing=publishing(), actor=world.desk, at=at)
    wishes.claim_wish(case_id=case.pk, actor=party.member, at=at + MINUTE)
    in_app(list(CaseEvent.objects.order_by("pk")))
    people = (party.member, party.second_member, party.volunteer, party.secretary, party.outsider)
    staff = (world.worker, world.official, world.handler, world.other_desk, world.resident)
    pages = [
        *("/wishes/", "/wishes/claims/", "/wishes/branch/", "/wishes/needs/", "/notifications/"),
        *("/wishes/mine/", "/mine/", "/orders/", "/desk/", "/today/", "/handling/"),
        *(f"/wishes/{case.number}/", f"/orders/{case.number}/"),
    ]
    for user in (*people, *staff):
        client = signed_in(user)
        found = [client.get(url) for url in pages]
        mine = Notification.objects.filter(recipient=user)
        found += [client.get(reverse("cases:notification_open", args=[row.pk]), follow=True) for row in mine]
        for answer in found:
            page = answer.content.decode()
            for secret in (NAME, PHONE, "138****5678", "李某某", "501", "家里水龙头"):
                assert secret not in page, (user, answer.request["PATH_INFO"], secret)
    assert Notification.objects.filter(recipient=party.secretary).exists()


def test_exports_and_drill_downs_of_incidents_hold_no_wish(party: Party) -> None:
    world, case = party.world, ask(party)
    for user in (world.desk, world.official, world.city_desk):
        for name in ("cases", "export"):
            query = {"place": world.city.west.code, "part": "reported", "period": "month", "format": "csv"}
            answer: Any = signed_in(user).get(reverse(f"dashboard:{name}"), query)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            text = body.decode("utf-8", "replace")
            assert not [secret for secret in (case.number, NAME, PHONE, DOOR) if secret in text], (user, name)


@pytest.mark.parametrize(
    ("reason", "is_quoted"), [("临时出差", True), ("李秀英不在家", False), ("住2单元501", False)]
)
def test_a_message_quotes_no_reason_that_names_the_asker(party: Party, reason: str, is_quoted: bool) -> None:
    case = brought(party, State.CONFIRMED)
    at = timezone.now() - timedelta(minutes=5)
    wishes.hand_back_wish(case_id=case.pk, actor=party.member, at=at, note=reason)
    in_app(list(CaseEvent.objects.filter(case=case, kind="hand_back")))
    assert Notification.objects.filter(recipient=party.secretary, kind="hand_back").exists()
    page = signed_in(party.secretary).get("/notifications/").content.decode()
    assert case.number in page
    assert (reason in page) == is_quoted
