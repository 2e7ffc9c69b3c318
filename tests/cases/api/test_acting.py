"""Acting through the API: one order's whole story, and that its rules are those of the pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from cases.actions import oversight
from cases.api.deeds import DEEDS
from cases.models import Case, CaseEvent, Channel
from cases.permissions import allowed_actions
from cases.web.forms import ACTION_FORMS
from cases.web.forms.wishes import WISH_FORMS
from cases.web.forms.wishes_asking import WISH_ASKER_FORMS
from cases.web.forms.wishes_desk import WISH_DESK_FORMS
from cases.workflow import ENDED_STATES, OPEN_STATES, WORKFLOWS, Kind, Relation
from tests.cases.api.scenes import ORDERS, act, fields_of, given
from tests.factories.cases import World, bring_to, make_attachment, make_world, report
from tests.factories.keys import Caller
from tests.factories.party import bring_wish_to, make_party

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def test_an_order_goes_from_the_hotline_to_its_closing_through_keys_alone(world: World) -> None:
    hotline, unit = Caller(place=world.city.west), Caller(unit=world.unit)
    desk = Caller(place=world.city.street)

    made = hotline.post(ORDERS, given(world))
    assert (made.status_code, made.json()["state"]) == (201, "reported"), made.json()
    number = made.json()["number"]
    assert made.headers["Location"] == f"http://testserver{ORDERS}{number}/"
    etag = made.headers["ETag"]
    for action, body in {"accept": {"note": "受理"}, "dispatch": {"unit": world.unit.code}}.items():
        answer = act(hotline, number, action, body, **{"If-Match": etag})
        assert answer.status_code == 200, answer.json()
        assert answer.headers["ETag"] != etag
        etag = answer.headers["ETag"]
    assert answer.json()["unit"]["code"] == world.unit.code
    assert act(unit, number, "acknowledge").json()["state"] == "handling"
    bare = act(unit, number, "finish", {"note": "已补装"})
    assert fields_of(bare) == ["attachments"]
    photo = make_attachment(unit.user, at=timezone.now())
    assert (
        act(unit, number, "finish", {"note": "已补装", "attachments": [photo]}).json()["state"] == "handled"
    )
    assert act(unit, number, "check_pass").status_code == 403
    closed = act(desk, number, "check_pass", {"note": "现场看过"})

    case = Case.objects.get(number=number)
    assert (closed.json()["state"], case.state, case.channel) == ("closed", "closed", Channel.HOTLINE)
    assert (case.reporter, case.reporter_phone) == (hotline.user, "13812345678")
    assert (case.source, case.source_number, case.accuracy_m) == ("12345", "12345-2026-1", 12)
    told = case.events.order_by("seq").values_list("kind", "actor__username")
    who = {"hotline": hotline, "unit": unit, "desk": desk}
    assert [*told] == [
        (kind, who[name].user.username)
        for kind, name in (
            ("report", "hotline"), ("accept", "hotline"), ("dispatch", "hotline"), ("acknowledge", "unit"),
            ("finish", "unit"), ("check_pass", "desk"),
        )
    ]  # fmt: skip


def test_every_action_takes_what_its_page_takes_and_writes_by_the_same_function() -> None:
    for kind, rules in WORKFLOWS.items():
        ours = {action for action, rule in rules.items() if rule.who != frozenset({Relation.SYSTEM})}
        assert set(DEEDS[kind]) == ours
    pages = {Kind.INCIDENT: [ACTION_FORMS], Kind.WISH: [WISH_FORMS, WISH_DESK_FORMS, WISH_ASKER_FORMS]}
    seen = set()
    for kind, tables in pages.items():
        for action, form in [pair for table in tables for pair in table.items()]:
            deed = DEEDS[kind][action]
            fields = deed.takes().fields
            assert deed.write is form.write, (kind, action)
            assert ("attachments" in fields) == form.photos, (kind, action)
            note = form.base_fields.get("note")
            if "note" in fields and note is not None:
                assert fields["note"].required == note.required, (kind, action)
            seen.add((kind, action))
    assert seen == {(kind, action) for kind, deeds in DEEDS.items() for action in deeds}


def offered(client: APIClient, case: Case) -> set[str]:
    answer = client.get(f"{ORDERS}{case.number}/actions/")
    return {row["action"] for row in answer.json()} if answer.status_code == 200 else set()


def accepted(client: APIClient, case: Case, actions: Iterable[str]) -> set[str]:
    """The actions that a POST does not refuse for who one is or when it comes.

    The field that nothing knows makes every POST that is let through end with 400 and change nothing.
    """
    answers = {action: act(client, case.number, action, {"sentinel": 1}).status_code for action in actions}
    assert set(answers.values()) <= {400, 403, 404, 409}, answers
    return {action for action, status in answers.items() if status == 400}


def test_what_is_offered_is_what_a_post_accepts_in_every_state_for_every_account(world: World) -> None:
    """Of what is offered one half in each state, of what is not a tenth: each action in some."""
    callers = [Caller(place=world.city.west), Caller(place=world.city.street), Caller(unit=world.unit)]
    start, seen = timezone.now() - timedelta(hours=2), set()
    for turn, state in enumerate((*OPEN_STATES, *ENDED_STATES)):
        case = bring_to(world, state, at=start)
        for caller in callers:
            told = offered(caller, case)
            assert told == {*allowed_actions(caller.user, case, at=timezone.now())}, state
            rules = list(enumerate(WORKFLOWS[case.kind]))
            asked = {a for n, a in rules if (n % 2 == turn % 2 if a in told else n % 10 == turn)}
            assert accepted(caller, case, asked) == told & asked, state
            seen |= told
        assert not CaseEvent.objects.filter(case=case, actor__is_service=True).exists()
    assert {"accept", "dispatch", "finish", "check_pass", "take_over", "reopen"} <= seen
    new, stranger = report(world), Caller(place=world.city.east)
    reader = Caller(place=world.city.west, duty="reader")
    assert accepted(reader, new, ("accept", "comment")) == offered(reader, new) == set()
    assert [act(stranger, new.number, action).status_code for action in ("accept", "comment")] == [404, 404]
    assert act(callers[0], new.number, "explode").status_code == 404


def test_a_key_that_may_only_read_is_offered_nothing_and_acts_on_nothing(world: World) -> None:
    case, reader = report(world), Caller("orders:read", "wishes:write", place=world.city.west)

    assert reader.get(f"{ORDERS}{case.number}/actions/").json() == []
    assert act(reader, case.number, "accept").status_code == 403
    assert reader.post(ORDERS, given(world)).json()["code"] == "scope_missing"
    writer = Caller("orders:write", place=world.city.west)
    assert writer.get(f"{ORDERS}{case.number}/").status_code == 403
    assert act(writer, case.number, "accept").status_code == 200


def test_rows_are_named_by_codes_and_what_cannot_be_chosen_is_named_as_the_field(world: World) -> None:
    desk, unit = Caller(place=world.city.west), Caller(unit=world.unit)
    case = bring_to(world, "accepted")
    wrong = {
        "unit": {"unit": "没有"},
        "assisting.1": {"unit": world.unit.code, "assisting": [world.assisting.code, "没有"]},
        "handler": {"unit": world.unit.code, "handler": world.other_handler.username},
        "units": {"unit": world.unit.code, "units": [1]},
        "note": {"unit": world.unit.code, "note": "长" * 2001},
    }
    for field, body in wrong.items():
        assert fields_of(act(desk, case.number, "dispatch", body)) == [field]
    sent = {"unit": world.unit.code, "assisting": [world.assisting.code], "handler": world.handler.username}
    assert act(desk, case.number, "dispatch", sent).json()["handler"]["code"] == world.handler.username
    assert act(unit, case.number, "acknowledge").status_code == 200
    assert act(unit, case.number, "assign", {"handler": world.head.username}).status_code == 200
    ask = {"amount": 4, "unit_of_time": "hours", "note": "等配件"}
    assert fields_of(act(unit, case.number, "ask_extension", ask | {"amount": 481})) == ["amount"]
    assert act(unit, case.number, "ask_extension", ask).status_code == 200
    assert act(desk, case.number, "grant_extension").status_code == 200
    place = {"position": dict(zip(("lng", "lat"), world.city.inside(world.city.west_2), strict=True))}
    assert act(desk, case.number, "correct_place", place).json()["grid"]["code"] == world.city.west_2.code
    assert fields_of(act(desk, case.number, "correct_place")) == ["position"]
    case.refresh_from_db()
    assert (case.handler, case.extensions, case.grid) == (world.head, 1, world.city.west_2)


def test_merging_names_the_target_by_its_number_and_locks_both_before_versions_are_compared(
    world: World,
) -> None:
    desk = Caller(place=world.city.west)
    first, second = report(world), report(world)
    assert fields_of(act(desk, second.number, "merge", {"target": "261120-999999"})) == ["target"]
    with CaptureQueriesContext(connection) as asked:
        done = act(desk, second.number, "merge", {"target": first.number}, **{"If-Match": "*"})
    assert (done.status_code, done.json()["merged_into"]) == (200, first.number), done.json()
    locks = [q["sql"] for q in asked if "FOR UPDATE" in q["sql"] and "cases_case" in q["sql"]]
    assert str(first.pk) in locks[0]
    assert str(second.pk) in locks[0]


def test_a_write_with_the_version_of_before_is_refused_and_tells_so(world: World) -> None:
    desk, case = Caller(place=world.city.west), report(world)
    etag = desk.get(f"{ORDERS}{case.number}/").headers["ETag"]
    oversight.urge_case(case_id=case.pk, actor=world.desk, at=timezone.now())

    late = act(desk, case.number, "accept", **{"If-Match": etag})

    assert (late.status_code, late.json()["code"]) == (412, "changed_since")
    assert act(desk, case.number, "accept", **{"If-Match": "nonsense"}).status_code == 412
    fresh = desk.get(f"{ORDERS}{case.number}/").headers["ETag"]
    assert act(desk, case.number, "accept", **{"If-Match": f"{etag}, {fresh}"}).status_code == 200
    assert act(desk, case.number, "urge", **{"If-Match": "*"}).status_code == 200


def test_wishes_go_the_same_way_with_their_own_scope() -> None:
    party = make_party()
    desk = Caller(place=party.world.city.west)
    case = bring_wish_to(party, "asked")
    wanted = timezone.localdate() + timedelta(days=7)
    body = {"title": "换水龙头", "text": "请会修的来", "points": 10, "deliver_by": wanted.isoformat()}

    of_orders = Caller("orders:write", "orders:read", account=desk.account)
    assert act(of_orders, case.number, "publish", body).status_code == 404
    missing = act(desk, case.number, "publish", {"title": "换水龙头"})
    assert fields_of(missing) == ["points", "deliver_by"]
    done = act(desk, case.number, "publish", body)
    assert (done.status_code, done.json()["state"]) == (200, "published"), done.json()
    assert act(desk, case.number, "lapse").status_code == 403
    assert act(desk, case.number, "void", {"note": "已自行解决"}).json()["state"] == "voided"


def test_the_catalogue_of_actions_is_the_workflow_table(world: World) -> None:
    rows = Caller("places:read", place=world.city.west).get("/api/v1/actions/").json()

    assert len(rows) == sum(len(deeds) for deeds in DEEDS.values())
    finish = next(row for row in rows if row["action"] == "finish")
    assert (finish["kind"], finish["moves"], finish["who"]) == ("incident", {"handling": "handled"}, ["lead"])
    assert (finish["needs_note"], finish["attachments"]) == (True, "required")
    assert finish["input"] == {
        "type": "object",
        "additionalProperties": False,
        "required": ["note"],
        "properties": {
            "note": {
                "type": "string", "maxLength": 2000, "minLength": 1, "description": "What there is to say.",
            },
            "attachments": {
                "type": "array", "maxItems": 9,
                "items": {"type": "string", "maxLength": 64, "minLength": 1},
                "description": "Tokens of pictures that you uploaded before and that no order has yet.",
            },
        },
    }  # fmt: skip
