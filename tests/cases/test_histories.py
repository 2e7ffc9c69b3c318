"""Long lives of orders: random people do random things at random times, and after each step all of it holds.

Each walk is drawn from a seed, so a failure is repeated by running that seed again. A step is one of: an
action that the buttons offer (it must succeed), one that they do not (it must be refused and change nothing),
a sweep of the ladder, a routing, a joining reporter, or somebody who can no longer act.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from cases.actions import changes, checking, desk, handling, oversight, reporting, whistling
from cases.actions.checking import Answer
from cases.actions.reporting import Contact, Report
from cases.actions.routing import route_case
from cases.actors import SYSTEM, Actor, PublicReporter
from cases.escalation import sweep_ladder
from cases.models import Case, Channel, Clock, CoReporter, Satisfaction
from cases.permissions import allowed_actions
from cases.workflow import ENDED_STATES, INCIDENT_RULES, OPEN_STATES, State
from governance.common.errors import NotAllowed, NotVisible, WrongState
from partymembers.access import Access, access_of
from partymembers.models import User
from tests.cases.soundness import FACTS, check
from tests.factories.cases import NOON, World, make_attachment, make_world, report
from tests.factories.catalogue import make_matter

pytestmark = pytest.mark.django_db
SEEDS = (1, 2)
STEPS = 110
#: Orders in play at a time.
MOST = 3
#: Time between two steps: often little, at times a night or a weekend.
PAUSES = [timedelta(minutes=m) for m in (0, 0, 1, 3, 20, 45, 90, 240, 700, 1500, 4000)]
#: An action may carry an earlier instant than one that took the order's lock before it.
LATENESS = timedelta(seconds=3)
HOURS_2 = timedelta(hours=2)
PEOPLE = (
    *(
        "desk",
        "second_desk",
        "street_desk",
        "district_desk",
        "city_desk",
        "handler",
        "second_handler",
        "head",
    ),
    *("worker", "second_worker", "assistant", "other_handler", "official", "resident", "other_worker"),
    *("other_desk", "system_officer", "system", "link"),
)
ALL_ACTIONS = [rule.action for rule in INCIDENT_RULES]
ENDINGS = {"decline", "merge", "void", "withdraw"}
REFUSALS = (NotAllowed, NotVisible, WrongState)


@dataclass
class Walk:
    """One random history of a few orders in one small city."""

    world: World
    chance: random.Random
    at: datetime = NOON
    ids: list[int] = field(default_factory=list)
    checked: dict[int, int] = field(default_factory=dict)
    known: dict[int, Access] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    def actor(self, name: str, case: Case) -> Actor:
        if name == "link":
            joined = [*CoReporter.objects.filter(case=case, user=None).values_list("pk", flat=True), None]
            return PublicReporter(case.pk, self.chance.choice(joined))
        person: Actor = SYSTEM if name == "system" else getattr(self.world, name)
        return person

    def offers(self, case: Case, at: datetime) -> list[tuple[Actor, str]]:
        """Every button of everybody."""
        people = [self.actor(name, case) for name in PEOPLE]
        return [(who, action) for who in people for action in self.allowed(who, case, at)]

    def allowed(self, who: Actor, case: Case, at: datetime) -> tuple[str, ...]:
        if not isinstance(who, User):
            return allowed_actions(who, case, at=at)
        if who.pk not in self.known:  # nobody's posts change in a walk
            self.known[who.pk] = access_of(who, on=NOON.date())
        return allowed_actions(who, case, at=at, access=self.known[who.pk])

    def case(self) -> Case:
        rows = Case.objects.select_related("place", "desk", "matter", "unit")
        rows = rows.prefetch_related("parts", "requests", "co_reporters")
        return rows.get(pk=self.chance.choice(self.ids[-MOST:]))

    def now(self) -> datetime:
        """The instant that a door read: seldom a little before the last one."""
        return self.at - LATENESS if self.chance.random() < 0.05 else self.at

    def photos(self, actor: Actor, *, most: int = 2) -> list[str]:
        if not isinstance(actor, User):
            return []
        return [make_attachment(actor, at=self.at) for _ in range(self.chance.randint(1, most))]


def new_order(walk: Walk) -> None:
    """A report by a worker, a resident with or without an account, or one that is resolved on the spot."""
    world, kind = walk.world, walk.chance.choice(["worker", "spot", "resident", "link", "outside"])
    matter = walk.chance.choice([world.matter, *MATTERS[id(world)]])
    if kind == "spot":
        photos = {"attachments": walk.photos(world.worker), "after_attachments": walk.photos(world.worker)}
        case = report(world, at=walk.at, matter=matter, result="已当场清理", **photos)
    elif kind == "link":
        lng, lat = world.city.inside(world.city.west_1)
        told = Report(matter=matter, channel=Channel.RESIDENT, lng=lng, lat=lat)
        contact = Contact(name="住户", phone="13900001111")
        case = reporting.report_case(report=told, reporter=None, at=walk.at, contact=contact)
    elif kind == "outside":
        case = report(world, at=walk.at, matter=matter, lng=118.30, lat=32.305)
    else:
        reporter = world.worker if kind == "worker" else world.resident
        case = report(world, at=walk.at, matter=matter, reporter=reporter)
    walk.ids.append(case.pk)


MATTERS: dict[int, list[Any]] = {}


def _units(walk: Walk, case: Case) -> dict[str, Any]:
    world = walk.world
    units = [u for u in (world.unit, world.other_unit, world.assisting) if u.pk != case.unit_id]
    return {"unit": walk.chance.choice(units), "assisting": walk.chance.sample([*units, world.unit], 2)}


def _target(walk: Walk, case: Case, actor: Actor) -> int:
    """Another open order that the actor sees, made where there is none."""
    if not isinstance(actor, User):
        return case.pk
    seen = Case.objects.visible_to(walk.known[actor.pk]).open().exclude(pk=case.pk).order_by("-pk")
    return seen.values_list("pk", flat=True).first() or report(walk.world, at=walk.at).pk


def _where(walk: Walk, _case: Case) -> dict[str, Any]:
    city = walk.world.city
    place = walk.chance.choice([*city.grids, city.west, city.street, city.building])
    if place in city.grids and walk.chance.random() < 0.5:
        lng, lat = city.inside(place)
        return {"lng": lng, "lat": lat}
    return {"place": place}


def _answer(walk: Walk) -> Answer:
    pick = walk.chance.choice
    return Answer(
        pick([True, False, None]), pick([True, True, False, None]), pick(Satisfaction.values), "说一句"
    )


Step = Callable[[Walk, Case, Actor, dict[str, Any]], object]
_HOUR = timedelta(hours=1)
#: How each action of the table is taken with a valid input; `who` is case_id, actor and at.
ACTIONS: dict[str, Step] = {
    "accept": lambda w, c, a, who: desk.accept_case(
        **who, standard=w.chance.choice([None, c.matter.standards.first()])
    ),
    "decline": lambda w, c, a, who: desk.decline_case(**who, note="不属于本清单"),
    "merge": lambda w, c, a, who: desk.merge_case(**who, target_id=_target(w, c, a)),
    "dispatch": lambda w, c, a, who: desk.dispatch_case(**who, **_units(w, c)),
    "void": lambda w, c, a, who: desk.void_case(**who, note="误报"),
    "acknowledge": lambda w, c, a, who: handling.acknowledge_case(**who),
    "assign": lambda w, c, a, who: handling.assign_case(**who, handler=a),
    "return": lambda w, c, a, who: handling.return_case(**who, note="不归我们管"),
    "reassign": lambda w, c, a, who: desk.reassign_case(**who, **_units(w, c)),
    "finish": lambda w, c, a, who: handling.finish_case(**who, note="已补装", attachments=w.photos(a)),
    "part_done": lambda w, c, a, who: handling.report_part_done(**who),
    "ask_extension": lambda w, c, a, who: handling.ask_extension(
        **who, extra=w.chance.randint(1, 40) * _HOUR, note="配件未到"
    ),
    "ask_suspension": lambda w, c, a, who: handling.ask_suspension(**who, note="等法院裁定"),
    "grant_extension": lambda w, c, a, who: desk.grant_extension(**who),
    "refuse_extension": lambda w, c, a, who: desk.refuse_request(**who, note="不同意"),
    "grant_suspension": lambda w, c, a, who: desk.grant_suspension(**who),
    "refuse_suspension": lambda w, c, a, who: desk.refuse_request(**who, note="不同意"),
    "resume": lambda w, c, a, who: desk.resume_case(**who),
    "check_pass": lambda w, c, a, who: checking.pass_check(**who, attachments=w.photos(a)),
    "check_fail": lambda w, c, a, who: checking.fail_check(**who, note="还有残留"),
    "rate": lambda w, c, a, who: checking.rate_case(**who, answer=_answer(w)),
    "follow_up": lambda w, c, a, who: checking.follow_up_case(**who, answer=_answer(w)),
    "reopen": lambda w, c, a, who: checking.reopen_case(**who, note="回头看发现又缺失"),
    "escalate": lambda w, c, a, who: oversight.escalate_case(**who, note="超出社区能力"),
    "take_over": lambda w, c, a, who: oversight.take_over_case(**who),
    "give_back": lambda w, c, a, who: oversight.give_back_case(**who, note="请社区办理"),
    "urge": lambda w, c, a, who: oversight.urge_case(**who),
    "supervise": lambda w, c, a, who: oversight.supervise_case(**who, note="限期办结"),
    "instruct": lambda w, c, a, who: oversight.instruct_case(**who, note="举一反三"),
    "comment": lambda w, c, a, who: oversight.comment_case(**who, note="已联系"),
    "attach": lambda w, c, a, who: oversight.attach_to_case(**who, attachments=w.photos(a)),
    "correct_matter": lambda w, c, a, who: desk.correct_matter(
        **who, matter=w.chance.choice([w.world.matter, *MATTERS[id(w.world)]])
    ),
    "correct_place": lambda w, c, a, who: desk.correct_place(**who, **_where(w, c)),
    "add_information": lambda w, c, a, who: reporting.add_information(**who, note="又多了一处"),
    "withdraw": lambda w, c, a, who: reporting.withdraw_case(**who),
    "whistle": lambda w, c, a, who: whistling.whistle_case(
        **who,
        need="请到场",
        needed_by=who["at"] + timedelta(hours=2),
        units=[w.world.unit, w.world.other_unit],
    ),
    "answer_whistle": lambda w, c, a, who: whistling.answer_whistle(
        **who, is_coming=w.chance.random() < 0.7, note="知悉"
    ),
    "come_to_whistle": lambda w, c, a, who: whistling.come_to_whistle(**who),
    "report_whistle": lambda w, c, a, who: whistling.report_whistle(**who, note="已围挡", minutes=30),
    "end_whistle": lambda w, c, a, who: whistling.end_whistle(**who),
}


def act(walk: Walk) -> None:
    """One button of one person, pressed: it does what it says. What was done least is likelier."""
    case, at = walk.case(), walk.now()
    offers = walk.offers(case, at)
    if not offers:
        return
    shares = Counter(action for _who, action in offers)
    weights = [
        (0.1 if action in ENDINGS else 1) / shares[action] / (1 + walk.done[action])
        for _who, action in offers
    ]
    actor, action = walk.chance.choices(offers, weights)[0]
    before = case.events.count()
    ACTIONS[action](walk, case, actor, {"case_id": case.pk, "actor": actor, "at": at})
    walk.done[action] += 1
    assert case.events.filter(kind=action, seq__gt=before).exists()


def trespass(walk: Walk) -> None:
    """What no button offers is refused, and nothing of it has happened."""
    case, at = walk.case(), walk.now()
    actor = walk.actor(walk.chance.choice(PEOPLE), case)
    forbidden = sorted({*ALL_ACTIONS} - {*walk.allowed(actor, case, at)})
    action = walk.chance.choice(forbidden)
    if action.startswith("refuse_"):  # one door decides what waits, of whichever kind it is
        action = "grant_" + action.removeprefix("refuse_")
        if action not in forbidden:
            return
    before = Case.objects.filter(pk=case.pk).values().get()
    with pytest.raises(REFUSALS):
        ACTIONS[action](walk, case, actor, {"case_id": case.pk, "actor": actor, "at": at})
    assert Case.objects.filter(pk=case.pk).values().get() == before, action
    walk.done["refused"] += 1


def sweep(walk: Walk) -> None:
    """Every rung that is due is taken, and a second sweep finds nothing."""
    found = sweep_ladder(at=walk.at)
    assert found.failed == ()
    assert sweep_ladder(at=walk.at).done == 0
    assert not Clock.objects.filter(next_rung_at__lte=walk.at).exists()
    walk.done["rungs"] += found.done


def route(walk: Walk) -> None:
    """A worker routes an order, twice."""
    case = walk.case()
    route_case(case_id=case.pk, at=walk.at)
    last = Case.objects.get(pk=case.pk).last_seq
    route_case(case_id=case.pk, at=walk.at)
    assert Case.objects.get(pk=case.pk).last_seq == last


def join(walk: Walk) -> None:
    """Somebody says "the same one", twice: they are one co-reporter."""
    case = walk.case()
    user = walk.chance.choice([walk.world.resident, walk.world.second_worker, None])
    who: dict[str, Any] = {"user": user, "client_id": "" if user else f"{walk.chance.random()}"}
    if case.state not in OPEN_STATES or (user is not None and case.reporter_id == user.pk):
        return
    joined = [reporting.join_case(case_id=case.pk, at=walk.at, **who).pk for _ in range(2)]
    assert joined[0] == joined[1]
    walk.done["join"] += 1


def absence(walk: Walk) -> None:
    """A handler, or a whole unit, cannot act for a while: their orders are taken from them."""
    row = walk.chance.choice([walk.world.handler, walk.world.other_handler, walk.world.other_unit])
    rows = type(row)._default_manager.filter(pk=row.pk)
    rows.update(disabled_at=walk.at)
    for pk in walk.ids[-MOST:]:
        changes.clear_handler(case_id=pk, at=walk.at)
        changes.return_to_desk(case_id=pk, at=walk.at)
        case = Case.objects.get(pk=pk)
        if case.state in (State.DISPATCHED, State.HANDLING):
            assert row.pk not in ((case.handler_id,) if isinstance(row, User) else (case.unit_id,))
    rows.update(disabled_at=None)
    walk.done["absence"] += 1


#: What a step may be, and how often.
KINDS: dict[Callable[[Walk], None], int] = {act: 80, trespass: 10, sweep: 3, route: 3, join: 2, absence: 2}


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_people_do_every_order_stays_sound(seed: int) -> None:
    world = make_world()
    walk = Walk(world, random.Random(seed))
    urgent = make_matter(name="燃气泄漏", amount=4, timer="urgent_hour", urgency="urgent")
    slow = make_matter(name="积存渣土", amount=10, timer="natural_day")
    direct = make_matter(name="井盖", direct=True, unit=world.unit, place=world.city.city)
    MATTERS[id(world)] = [urgent, slow, direct]
    for number in range(STEPS):
        if len(walk.ids) < MOST or (walk.case().state in ENDED_STATES and walk.chance.random() < 0.4):
            new_order(walk)
        step = walk.chance.choices([*KINDS], [*KINDS.values()])[0]
        walk.at += walk.chance.choice(PAUSES)
        step(walk)
        check_changed(walk, f"seed {seed}, step {number}, {step.__name__}")
    assert len(set(ALL_ACTIONS) & set(walk.done)) > len(ALL_ACTIONS) // 2, walk.done


def check_changed(walk: Walk, told: str) -> None:
    """Every order that the step has touched."""
    changed = [pk for pk, seq in Case.objects.values_list("pk", "last_seq") if walk.checked.get(pk) != seq]
    rows = Case.objects.filter(pk__in=changed).select_related(*FACTS, "place", "desk", "handler", "unit")
    for case in rows.prefetch_related(
        "clocks", "parts", "requests", "co_reporters", "events", "handler__posts"
    ):
        check(case, f"{told}, {case.number}")
        walk.checked[case.pk] = case.last_seq
