"""Whom an event concerns: a table written by hand, of every kind of event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from cases.actions import changes, checking, desk, handling, oversight, reporting, whistling, wishes
from cases.actions.checking import Answer
from cases.actors import PublicReporter
from cases.escalation import sweep_ladder
from cases.events import EVENT_KINDS, payload_problems
from cases.models import Case, CaseEvent
from grids import succession
from partymembers.models import User
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_attachment, make_world, report
from tests.factories.catalogue import make_matter
from tests.factories.messages import tell, told
from tests.factories.party import Party, bring_wish_to, make_party
from tests.factories.whistles import WHISTLED_AT, answer, come, whistle
from tests.factories.whistles import tell as tell_what_was_done

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]

LATER = NOON + timedelta(minutes=30)
HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    return make_world()


def _resolve(w: World) -> None:
    report(
        w,
        result="已装好",
        attachments=[make_attachment(w.worker)],
        after_attachments=[make_attachment(w.worker)],
    )


def _asked(w: World, kind: str) -> Case:
    case = bring_to(w, "handling")
    if kind == "extension":
        handling.ask_extension(case_id=case.pk, actor=w.handler, at=LATER, extra=8 * HOUR, note="等配件")
    else:
        handling.ask_suspension(case_id=case.pk, actor=w.handler, at=LATER, note="等法院裁定")
    return case


def _assign(w: World) -> None:
    case = bring_to(w, "handling")
    handling.assign_case(case_id=case.pk, handler=w.second_handler, actor=w.head, at=LATER)


def _reassign(w: World) -> None:
    case = bring_to(w, "handling")
    desk.reassign_case(case_id=case.pk, unit=w.other_unit, assisting=[w.assisting], actor=w.desk, at=LATER)


def _handler_cleared(w: World) -> None:
    case = bring_to(w, "handling")
    User.objects.filter(pk=w.handler.pk).update(disabled_at=LATER)
    assert changes.clear_handler(case_id=case.pk, at=LATER)


def _resume(w: World) -> None:
    desk.resume_case(case_id=bring_to(w, "suspended").pk, actor=w.desk, at=LATER)


def _give_back(w: World) -> None:
    case = bring_to(w, "reported")
    oversight.take_over_case(case_id=case.pk, actor=w.street_desk, at=LATER)
    oversight.give_back_case(case_id=case.pk, actor=w.street_desk, at=LATER, note="社区能办")


def _correct_place(w: World) -> None:
    lng, lat = w.city.inside(w.city.east_1)
    case = bring_to(w, "handling")
    desk.correct_place(case_id=case.pk, actor=w.desk, at=LATER, lng=lng, lat=lat)


def _place_changed(w: World) -> None:
    case = bring_to(w, "accepted")
    succession.hand_over_place(place=w.city.west_1, parent=w.city.east, at=LATER)
    assert changes.move_case_to_successor(case_id=case.pk, at=LATER)


def _supervised_to_the_end(w: World) -> None:
    case = bring_to(w, "handled")
    oversight.supervise_case(case_id=case.pk, actor=w.official, at=LATER, note="本周办好")
    checking.pass_check(case_id=case.pk, actor=w.second_worker, at=LATER)


def _reported(w: World) -> None:
    case = whistle(w)
    come(case, w.assistant, at=LATE)
    tell_what_was_done(case, w.assistant, at=LATE)


def _handling(w: World) -> int:
    return bring_to(w, "handling").pk


SOLVED = Answer(contacted=True, solved=True, satisfaction="satisfied")
LEAD = {"handler", "second_handler", "head"}
DESK = {"desk", "second_desk"}
CALLED = {"other_handler", "assistant"}
LATE = WHISTLED_AT + timedelta(minutes=10)
#: Kind → what brings it about → everybody who is told. The worker is the reporter and works in the grid.
GOLDEN: dict[str, tuple[Callable[[World], object], set[str]]] = {
    "report": (report, DESK),
    "resolve": (_resolve, {"second_worker"}),
    "join": (
        lambda w: reporting.join_case(case_id=report(w).pk, user=w.resident, at=LATER),
        set(),
    ),
    "add_information": (
        lambda w: reporting.add_information(case_id=report(w).pk, actor=w.worker, at=LATER, note="又深了"),
        DESK,
    ),
    "withdraw": (lambda w: reporting.withdraw_case(case_id=report(w).pk, actor=w.worker, at=LATER), DESK),
    "accept": (lambda w: bring_to(w, "accepted"), {"worker"}),
    "decline": (lambda w: bring_to(w, "declined"), {"worker"}),
    "merge": (lambda w: bring_to(w, "merged"), {"worker"}),
    "co_report": (lambda w: bring_to(w, "merged"), {"second_desk"}),
    "void": (lambda w: bring_to(w, "voided"), {"worker"} | DESK),
    "dispatch": (lambda w: bring_to(w, "dispatched"), LEAD | {"assistant"}),
    "acknowledge": (_handling, set()),
    "assign": (_assign, {"handler", "second_handler"}),
    "return": (
        lambda w: handling.return_case(case_id=_handling(w), actor=w.handler, at=LATER, note="不归我们管"),
        DESK,
    ),
    "reassign": (_reassign, {"other_handler", "assistant", "handler"}),
    "handler_cleared": (_handler_cleared, {"second_handler", "head"}),
    "finish": (lambda w: bring_to(w, "handled"), {"worker", "second_worker"}),
    "part_done": (
        lambda w: handling.report_part_done(case_id=_handling(w), actor=w.assistant, at=LATER),
        {"handler"},
    ),
    "ask_extension": (lambda w: _asked(w, "extension"), DESK),
    "ask_suspension": (lambda w: _asked(w, "suspension"), DESK),
    "grant_extension": (
        lambda w: desk.grant_extension(case_id=_asked(w, "extension").pk, actor=w.desk, at=LATER),
        {"handler"},
    ),
    "refuse_extension": (
        lambda w: desk.refuse_request(case_id=_asked(w, "extension").pk, actor=w.desk, at=LATER, note="够了"),
        {"handler"},
    ),
    "grant_suspension": (lambda w: bring_to(w, "suspended"), {"handler", "worker"}),
    "refuse_suspension": (
        lambda w: desk.refuse_request(case_id=_asked(w, "x").pk, actor=w.desk, at=LATER, note="能办"),
        {"handler"},
    ),
    "resume": (_resume, {"handler"}),
    "check_pass": (_supervised_to_the_end, {"handler", "worker", "official"}),
    "check_fail": (
        lambda w: checking.fail_check(
            case_id=bring_to(w, "handled").pk, actor=w.second_worker, at=LATER, note="还缺一块"
        ),
        {"handler", "head"},
    ),
    "rate": (
        lambda w: checking.rate_case(
            case_id=bring_to(w, "closed").pk, actor=w.worker, at=LATER, answer=SOLVED
        ),
        DESK | {"handler"},
    ),
    "follow_up": (
        lambda w: checking.follow_up_case(
            case_id=bring_to(w, "closed").pk, actor=w.desk, at=LATER, answer=SOLVED
        ),
        set(),
    ),
    "reopen": (
        lambda w: checking.reopen_case(
            case_id=bring_to(w, "closed").pk, actor=w.desk, at=LATER, note="又坏了"
        ),
        {"handler", "head", "second_desk", "worker"},
    ),
    "escalate": (
        lambda w: oversight.escalate_case(case_id=report(w).pk, actor=w.desk, at=LATER, note="超出社区"),
        {"street_desk", "second_desk"},
    ),
    "take_over": (
        lambda w: oversight.take_over_case(case_id=report(w).pk, actor=w.street_desk, at=LATER),
        DESK,
    ),
    "give_back": (_give_back, DESK),
    "urge": (
        lambda w: oversight.urge_case(case_id=_handling(w), actor=w.worker, at=LATER),
        {"handler", "head"},
    ),
    "supervise": (
        lambda w: oversight.supervise_case(case_id=_handling(w), actor=w.official, at=LATER, note="本周办好"),
        {"handler", "head"} | DESK,
    ),
    "instruct": (
        lambda w: oversight.instruct_case(case_id=_handling(w), actor=w.official, at=LATER, note="要快"),
        {"handler", "head"} | DESK,
    ),
    "comment": (
        lambda w: oversight.comment_case(case_id=_handling(w), actor=w.handler, at=LATER, note="明早到场"),
        DESK | {"assistant"},
    ),
    "correct_matter": (
        lambda w: desk.correct_matter(
            case_id=_handling(w), matter=make_matter(name="井盖"), actor=w.desk, at=LATER
        ),
        {"handler"},
    ),
    "correct_place": (_correct_place, {"other_desk", "handler"}),
    "place_changed": (_place_changed, {"other_desk"}),
    "remind": (lambda w: (report(w), sweep_ladder(at=NOON + 24 * MINUTE)), DESK),
    "late": (lambda w: (report(w), sweep_ladder(at=NOON + 30 * MINUTE)), DESK),
    "climb": (lambda w: (report(w), sweep_ladder(at=NOON + 45 * MINUTE)), DESK | {"street_desk"}),
    # Two units are called by the street, which the desk that holds the order is told with it.
    "whistle": (whistle, CALLED),
    "answer_whistle": (lambda w: answer(whistle(w), w.assistant, at=LATE), DESK | {"street_desk"}),
    "come_to_whistle": (lambda w: come(whistle(w), w.assistant, at=LATE), DESK | {"street_desk"}),
    "report_whistle": (_reported, DESK | {"street_desk"}),
    "end_whistle": (
        lambda w: whistling.end_whistle(case_id=whistle(w).pk, actor=w.street_desk, at=LATE),
        CALLED,
    ),
}
#: The same of a wish, brought about through its committee, its desk and its people. Its asker has no account.
WISHES: dict[str, tuple[Callable[[Party], object], set[str]]] = {
    "ask": (lambda p: bring_wish_to(p, "asked"), DESK),
    "publish": (lambda p: bring_wish_to(p, "published"), set()),
    "claim": (lambda p: bring_wish_to(p, "claimed"), DESK | {"secretary"}),
    "assign_wish": (
        lambda p: wishes.assign_wish(
            case_id=bring_wish_to(p, "published").pk, claimant=p.volunteer, actor=p.secretary, at=LATER
        ),
        {"volunteer"},
    ),
    "confirm": (lambda p: bring_wish_to(p, "confirmed"), {"member"}),
    "refuse_claim": (
        lambda p: wishes.refuse_claim(
            case_id=bring_wish_to(p, "claimed").pk, actor=p.secretary, at=LATER, note="换人"
        ),
        {"member"},
    ),
    "hand_back": (
        lambda p: wishes.hand_back_wish(
            case_id=bring_wish_to(p, "confirmed").pk, actor=p.member, at=LATER, note="出差"
        ),
        DESK | {"secretary"},
    ),
    "lapse": (
        lambda p: (bring_wish_to(p, "confirmed"), sweep_ladder(at=NOON + timedelta(days=4))),
        DESK | {"member"},
    ),
    "begin": (lambda p: bring_wish_to(p, "begun"), set()),
    "deliver": (lambda p: bring_wish_to(p, "delivered"), DESK),
    "fail": (
        lambda p: wishes.fail_delivery(
            case_id=bring_wish_to(p, "delivered").pk, actor=p.world.desk, at=LATER, note="还在漏"
        ),
        {"member", "second_desk"},
    ),
    "close_unrated": (
        lambda p: (bring_wish_to(p, "delivered"), sweep_ladder(at=NOON + timedelta(days=16))),
        {"member"},
    ),
    "thank": (
        lambda p: wishes.thank_claimer(
            case_id=(case := bring_wish_to(p, "closed")).pk,
            actor=PublicReporter(case.pk),
            at=LATER,
            note="谢谢",
        ),
        {"member"},
    ),
    "revoke": (
        lambda p: wishes.revoke_wish(
            case_id=bring_wish_to(p, "closed").pk, actor=p.world.desk, at=LATER, note="并未完成"
        ),
        {"member"},
    ),
    "to_branch": (
        lambda p: (bring_wish_to(p, "published"), sweep_ladder(at=NOON + timedelta(days=4))),
        DESK | {"secretary"},
    ),
}
#: Kinds that other tests bring about, and of which nobody is told.
ELSEWHERE = {"route", "attach", "merged_news", "import", "edit_wish", "calendar_changed", "put_right"}


@pytest.mark.parametrize("kind", GOLDEN)
def test_an_event_reaches_exactly_those_whom_it_concerns(world: World, kind: str) -> None:
    cause, expected = GOLDEN[kind]
    cause(world)
    assert CaseEvent.objects.filter(kind=kind).count() == 1
    tell()
    assert told(world, kind) == expected
    problems = [payload_problems(event.kind, event.data) for event in CaseEvent.objects.all()]
    assert [each for each in problems if each] == []


@pytest.mark.parametrize("kind", WISHES)
def test_news_of_a_wish_reaches_exactly_those_whom_it_concerns(kind: str) -> None:
    party = make_party()
    cause, expected = WISHES[kind]
    cause(party)
    assert CaseEvent.objects.filter(kind=kind).count() == 1
    tell()
    assert told(party.world, kind, party) == expected
    problems = [payload_problems(event.kind, event.data) for event in CaseEvent.objects.all()]
    assert [each for each in problems if each] == []


def test_the_table_above_names_every_kind() -> None:
    assert set(GOLDEN) | set(WISHES) | ELSEWHERE == set(EVENT_KINDS)
    assert [kind for kind in ELSEWHERE if EVENT_KINDS[kind].audience] == []


def test_of_what_was_resolved_on_the_spot_only_the_check_is_news(world: World) -> None:
    _resolve(world)
    tell()
    assert told(world, "report") == set()


def test_where_nobody_on_the_ground_may_check_the_desk_is_told(world: World) -> None:
    User.objects.filter(pk__in=[world.worker.pk, world.second_worker.pk]).update(disabled_at=NOON)
    case = Case.objects.get(pk=bring_to(world, "handling", reporter=world.resident).pk)
    Case.objects.filter(pk=case.pk).update(state="handled")
    CaseEvent.objects.create(
        case=case, seq=99, kind="finish", at=LATER, actor=world.handler, actor_kind="user", to_state="handled"
    )
    tell()
    assert told(world, "finish") == DESK


def test_who_was_told_of_a_dispatch_does_not_depend_on_what_happened_since(world: World) -> None:
    case = bring_to(world, "dispatched")
    handling.return_case(case_id=case.pk, actor=world.handler, at=LATER, note="不归我们管")
    tell()
    assert told(world, "dispatch") == LEAD


def test_a_state_of_a_later_workflow_stops_nobody(world: World) -> None:
    case = report(world)
    CaseEvent.objects.create(case=case, seq=50, kind="urge", at=LATER, actor_kind="system", to_state="dreamt")
    tell()
    assert told(world, "urge") == set()
