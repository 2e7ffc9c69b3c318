"""How an order of the demo lives: one generator each, deciding by chance and acting through the actions.

It yields the instant of its next step with the order as it is. Chances are of the demo's own making; the
clocks, rules and people are the portal's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cases.actions import checking, desk, handling, oversight, reporting, routing
from cases.actions.checking import Answer
from cases.actions.reporting import Contact, Report
from cases.actors import PublicReporter
from cases.calendars import current_calendar
from cases.deadlines import TimerType, due_after, limit_of
from cases.models import Case, Channel, Satisfaction, Urgency
from cases.workflow import OPEN_STATES, State
from governance.demo import texts
from governance.demo.catalogue import Listed
from governance.demo.simulation import Life
from governance.demo.territory import point_inside
from governance.demo.world import World, after, awake
from grids.models import Building, Place
from partymembers.models import Unit, User

MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Seedling:
    """What is decided of an order before it is reported."""

    number: int
    at: datetime
    grid: Place
    listed: Listed
    channel: str
    #: The chance that it is closed too late.
    late: float
    #: How its rating inclines: above 0 better than usual, below worse.
    mood: float = 0.0
    #: Who reports it, where that is given.
    reporter: User | None = None
    #: Whether only the plain way is taken: no merger, return, rework…
    plain: bool = False


class Living:
    """One order while it lives."""

    def __init__(self, world: World, seedling: Seedling) -> None:
        self.world, self.seed = world, seedling
        self.rng = random.Random(f"{world.seed} order {seedling.number}")
        self.case: Case
        self.given = seedling.listed.given
        self.is_late = self.chance(seedling.late)
        self.worker = self.rng.choice(world.workers_of(seedling.grid))

    def chance(self, share: float) -> bool:
        """Whether something with this probability happens; never in a plain life."""
        return self.rng.random() < share

    def odd(self, share: float) -> bool:
        """A turn that plain lives do not take."""
        return self.chance(share) and not self.seed.plain

    def share(self, least: float = 0.05, most: float = 0.9) -> float:
        """A part of a limit that is used: mostly the first half."""
        return least + (most - least) * self.rng.betavariate(1.6, 2.8)

    def moves(self, at: datetime, minutes: float) -> datetime:
        """So many minutes of the order's own time later."""
        urgent = self.case.urgency == Urgency.URGENT
        seconds = self.rng.uniform(0, 50)
        return after(at, timedelta(minutes=minutes, seconds=seconds), day_and_night=urgent)

    def desk(self) -> User:
        """Who acts for the desk that holds the order."""
        return self.world.desk_staff(self.case.desk_id, self.rng)

    def look(self, at: datetime) -> None:
        """See which desk holds the order now: the ladder may have moved it since the last step."""
        warned = self.case.next_warn_at
        if warned is not None and warned < at:
            self.case.desk_id = Case.objects.values_list("desk_id", flat=True).get(pk=self.case.pk)


def life(world: World, seedling: Seedling) -> Life:
    """A whole life from the report to the rating."""
    me = Living(world, seedling)
    yield seedling.at, None
    me.case = report(me, seedling.at)
    at = seedling.at
    if me.case.resolved_on_spot:
        yield from _check(me, at)
        return
    at += timedelta(seconds=me.rng.uniform(2, 20))
    yield at, me.case
    me.case = routing.route_case(case_id=me.case.pk, at=at)
    if me.case.state == State.REPORTED:
        at = yield from _take_in(me, at)
    if me.case.state != State.DISPATCHED:
        return
    at = yield from _handle(me, at)
    if me.case.state == State.HANDLED:
        yield from _check(me, at)


def report(me: Living, at: datetime) -> Case:
    """The report, by whoever reports on that channel."""
    seed, rng = me.seed, me.rng
    building: Building = rng.choice(me.world.territory.buildings[seed.grid.pk])
    lng, lat = point_inside(me.world.territory.shapes[seed.grid.pk], rng)
    condition = rng.choice(seed.listed.standards).condition
    reporter, contact, key = _who(me)
    fields: dict[str, object] = {}
    scene = me.given.scene
    if seed.channel != Channel.HOTLINE and me.chance(0.9 if reporter else 0.6):
        fields["attachments"] = [me.world.photo(scene, after=False, at=at, by=reporter, key=key)]
    on_spot = reporter is me.worker and me.given.scene in ("rubbish", "street", "poster", "compound")
    if on_spot and fields and me.odd(0.22):
        fields["result"] = texts.result(scene, rng)
        fields["after_attachments"] = [me.world.photo(scene, after=True, at=at, by=reporter)]
    by_code = seed.channel == Channel.RESIDENT and reporter is None
    return reporting.report_case(
        report=Report(
            matter=seed.listed.matter,
            channel=seed.channel,
            description=texts.description(condition, scene, seed.channel, rng),
            address=texts.address_at(building, rng),
            lng=building.place.lng if by_code else lng,
            lat=building.place.lat if by_code else lat,
            accuracy_m=round(rng.uniform(4, 30), 1) if reporter else None,
            place=building.place if by_code else None,
            client_id=f"demo-{me.world.seed}-{seed.number}",
            upload_key=key,
            **fields,  # type: ignore[arg-type]
        ),
        reporter=reporter,
        contact=contact,
        at=at,
    )


def _who(me: Living) -> tuple[User | None, Contact | None, str]:
    """The reporter, or a resident's contact and session."""
    seed = me.seed
    if seed.reporter is not None:
        return seed.reporter, None, ""
    if seed.channel == Channel.GRID_WORKER:
        return me.worker, None, ""
    if seed.channel == Channel.PATROL:
        street = next(s for s in me.world.territory.streets if seed.grid.path.startswith(s.path))
        return me.world.staff.ground[street.pk][0], None, ""
    if seed.channel == Channel.ABOVE:
        return me.rng.choice(me.world.staff.desks[me.world.territory.district.pk]), None, ""
    key = f"demo{me.world.seed}x{seed.number}"
    if seed.channel == Channel.SENSOR:
        return None, Contact(name="视频巡检", is_verified=True), key
    surname = me.rng.choice("王李张刘陈杨黄赵周吴徐孙")
    title = me.rng.choice(("先生", "女士"))
    phone = f"1990001{me.rng.randrange(10_000):04d}"
    verified = seed.channel == Channel.HOTLINE or me.chance(0.6)
    return None, Contact(name=surname + title, phone=phone, is_verified=verified), key


def _take_in(me: Living, at: datetime) -> Iterator[tuple[datetime, Case | None]]:
    """The desk's part up to the dispatch; returns the instant of the last step."""
    rng = me.rng
    minutes = 10 if me.case.urgency == Urgency.URGENT else 30
    late = me.is_late and me.chance(0.3)
    at = me.moves(at, minutes * (rng.uniform(1.05, 2.4) if late else me.share()))
    if me.odd(0.008) and me.case.reporter_id:
        return (yield from _withdraw(me, at))
    yield at, me.case
    me.look(at)
    if me.odd(0.035):
        me.case = desk.decline_case(
            case_id=me.case.pk, actor=me.desk(), at=at, note=rng.choice(texts.DECLINED)
        )
        return at
    if me.odd(0.03) and (target := _twin(me)):
        me.case = desk.merge_case(
            case_id=me.case.pk, target_id=target.pk, actor=me.desk(), at=at, note="同一处问题"
        )
        return at
    me.case = desk.accept_case(
        case_id=me.case.pk, actor=me.desk(), at=at, standard=rng.choice(me.seed.listed.standards[:3])
    )
    if me.odd(0.012) and me.case.desk.depth > 1:
        at += MINUTE * rng.uniform(1, 5)
        yield at, me.case
        me.case = oversight.escalate_case(
            case_id=me.case.pk, actor=me.desk(), at=at, note=rng.choice(texts.ESCALATED)
        )
    if me.odd(0.008):
        return (yield from _void(me, at))
    at = me.moves(at, minutes * (rng.uniform(0.9, 2.0) if late else me.share()))
    yield at, me.case
    me.look(at)
    _dispatch(me, at, me.case.suggested_unit or _other_unit(me, None))
    return at


def _withdraw(me: Living, at: datetime) -> Iterator[tuple[datetime, Case | None]]:
    yield at, me.case
    assert me.case.reporter is not None
    me.case = reporting.withdraw_case(case_id=me.case.pk, actor=me.case.reporter, at=at, note="已自行处理")
    return at


def _void(me: Living, at: datetime) -> Iterator[tuple[datetime, Case | None]]:
    """A desk above ends it."""
    at = me.moves(at, 20)
    yield at, me.case
    above = me.world.staff.desks[me.world.territory.district.pk]
    me.case = desk.void_case(
        case_id=me.case.pk, actor=me.rng.choice(above), at=at, note=me.rng.choice(texts.VOIDED)
    )
    return at


def _twin(me: Living) -> Case | None:
    """An older open order of the same matter in the community, to merge into."""
    same = Case.objects.filter(
        community=me.case.community_id, matter=me.case.matter_id, state__in=OPEN_STATES
    )
    return same.exclude(pk=me.case.pk).order_by("-pk").first()


def _other_unit(me: Living, former_id: int | None) -> Unit:
    """Who else might do it: the street's own, or a department."""
    street = next(s for s in me.world.territory.streets if me.seed.grid.path.startswith(s.path))
    keys = (f"office {street.code}", f"property {street.code}", "roads", "clean", "order")
    return me.rng.choice([me.world.units[key] for key in keys if me.world.units[key].pk != former_id])


def _dispatch(me: Living, at: datetime, unit: Unit) -> None:
    assisting = [_other_unit(me, unit.pk)] if me.odd(0.07) else []
    me.case = desk.dispatch_case(
        case_id=me.case.pk, unit=unit, actor=me.desk(), at=at, assisting=assisting,
        note=me.rng.choice(("", "", "", "请注意现场安全。", "处置前后请各拍一张。")),
    )  # fmt: skip


def _handle(me: Living, at: datetime) -> Iterator[tuple[datetime, Case | None]]:
    """From the dispatch to the finish; returns the instant of the last step."""
    minutes = 15 if me.case.urgency == Urgency.URGENT else 60
    at = me.moves(at, minutes * me.share())
    yield at, me.case
    if me.odd(0.035):
        at = yield from _return(me, at, minutes)
    assert me.case.unit_id is not None
    actor = me.rng.choice(me.world.handlers_of(me.case.unit_id))
    me.case = handling.acknowledge_case(case_id=me.case.pk, actor=actor, at=at)
    at = yield from _meanwhile(me, at, actor)
    at = yield from _finish(me, at, actor)
    return at


def _return(me: Living, at: datetime, minutes: float) -> Iterator[tuple[datetime, Case | None]]:
    """退单: another unit gets it; returns the instant at which that one takes it."""
    assert me.case.unit_id is not None
    former_id = me.case.unit_id
    actor = me.rng.choice(me.world.handlers_of(former_id))
    me.case = handling.return_case(case_id=me.case.pk, actor=actor, at=at, note=me.rng.choice(texts.RETURNED))
    at = me.moves(at, me.rng.uniform(6, 28))
    yield at, me.case
    me.look(at)
    _dispatch(me, at, _other_unit(me, former_id))
    at = me.moves(at, minutes * me.share())
    yield at, me.case
    return at


def _meanwhile(me: Living, at: datetime, actor: User) -> Iterator[tuple[datetime, Case | None]]:
    """What happens beside the handling: remarks, urging, requests; returns the instant of the last."""
    rng, pk = me.rng, me.case.pk
    small = timedelta(minutes=rng.uniform(4, 25))
    if me.odd(0.06):
        at += small
        yield at, me.case
        oversight.comment_case(case_id=pk, actor=actor, at=at, note=rng.choice(texts.COMMENTS))
    if me.odd(0.03):
        at += small
        yield at, me.case
        oversight.urge_case(case_id=pk, actor=me.desk(), at=at, note=rng.choice(texts.URGED))
    if me.odd(0.012):
        at += small
        yield at, me.case
        district = me.world.staff.desks[me.world.territory.district.pk][0]
        oversight.supervise_case(case_id=pk, actor=district, at=at, note=rng.choice(texts.SUPERVISED))
        if me.chance(0.4):
            at += small
            yield at, me.case
            official = rng.choice(me.world.staff.officials)
            oversight.instruct_case(case_id=pk, actor=official, at=at, note=rng.choice(texts.INSTRUCTED))
    if me.odd(0.02):
        at += small
        yield at, me.case
        reporting.join_case(
            case_id=pk, user=rng.choice(me.world.staff.residents), at=at, note=rng.choice(texts.JOINED)
        )
    return (yield from _ask(me, at, actor))


def _ask(me: Living, at: datetime, actor: User) -> Iterator[tuple[datetime, Case | None]]:
    """A request for more time, or for suspension, and the desk's answer."""
    rng, pk = me.rng, me.case.pk
    timer, limit = _limit(me)
    if me.odd(0.05) and timer == TimerType.WORK_DAY:
        at = due_after(at, limit * rng.uniform(0.3, 0.6), timer, current_calendar())
        yield at, me.case
        me.case = handling.ask_extension(
            case_id=pk, actor=actor, at=at, extra=limit_of(rng.randint(1, 3), timer), note=rng.choice(texts.EXTENSIONS)
        )  # fmt: skip
        at = me.moves(at, rng.uniform(8, 100))
        yield at, me.case
        me.look(at)
        if me.chance(0.8):
            me.case = desk.grant_extension(case_id=pk, actor=me.desk(), at=at)
        else:
            me.case = desk.refuse_request(case_id=pk, actor=me.desk(), at=at, note="时限足够，请按期完成。")
    elif me.odd(0.025) and timer == TimerType.WORK_DAY:
        at = me.moves(at, rng.uniform(30, 120))
        yield at, me.case
        me.case = handling.ask_suspension(case_id=pk, actor=actor, at=at, note=rng.choice(texts.SUSPENSIONS))
        at = me.moves(at, rng.uniform(8, 100))
        yield at, me.case
        me.look(at)
        me.case = desk.grant_suspension(case_id=pk, actor=me.desk(), at=at)
        at = me.moves(at, rng.uniform(2, 18) * 480)
        yield at, me.case
        me.case = desk.resume_case(case_id=pk, actor=me.desk(), at=at, note="条件具备，恢复处置。")
    return at


def _limit(me: Living) -> tuple[TimerType, timedelta]:
    """Timer and limit of the handling."""
    assert me.case.standard is not None
    timer = TimerType(me.case.standard.timer_type)
    return timer, limit_of(me.case.standard.amount, timer)


def _finish(me: Living, at: datetime, actor: User) -> Iterator[tuple[datetime, Case | None]]:
    """The result, in time or not."""
    timer, limit = _limit(me)
    done = due_after(at, limit * me.share(0.04, 0.88), timer, current_calendar())
    due = me.case.due_at
    if me.is_late and due is not None:
        done = due_after(max(due, at), limit * me.rng.uniform(0.05, 0.9), timer, current_calendar())
    if me.case.urgency != Urgency.URGENT:
        done = awake(done, me.rng)
    yield done, me.case
    finish(me, done, actor)
    return done


def finish(me: Living, at: datetime, actor: User) -> None:
    """Finish with a result and, where it can be seen, a picture."""
    shown = me.given.photo or me.chance(0.3)
    pictures = [me.world.photo(me.given.scene, after=True, at=at, by=actor)] if shown else []
    me.case = handling.finish_case(
        case_id=me.case.pk,
        actor=actor,
        at=at,
        note=texts.result(me.given.scene, me.rng),
        attachments=pictures,
    )


def _check(me: Living, at: datetime) -> Iterator[tuple[datetime, Case | None]]:
    """The check, perhaps a rework, and what the reporter says."""
    rng = me.rng
    minutes = 60 if me.case.urgency == Urgency.URGENT else 240
    at = me.moves(at, minutes * me.share(0.03, 0.85))
    if me.case.urgency != Urgency.URGENT:
        at = awake(at, rng)
    yield at, me.case
    if me.odd(0.045) and not me.case.resolved_on_spot:
        at = yield from _rework(me, at, minutes)
    me.look(at)
    checker = me.worker if me.case.finisher_id != me.worker.pk else me.desk()
    shown = me.chance(0.25)
    pictures = [me.world.photo(me.given.scene, after=True, at=at, by=checker)] if shown else []
    me.case = checking.pass_check(
        case_id=me.case.pk, actor=checker, at=at, note=rng.choice(("", "", "现场查看，已恢复。", "效果良好。")),
        attachments=pictures,
    )  # fmt: skip
    yield from _rate(me, at)


def _rework(me: Living, at: datetime, minutes: float) -> Iterator[tuple[datetime, Case | None]]:
    """返工: the handler does it again; returns the instant of the second check."""
    picture = me.world.photo(me.given.scene, after=False, at=at, by=me.worker)
    me.case = checking.fail_check(
        case_id=me.case.pk, actor=me.worker, at=at, note=me.rng.choice(texts.FAILED), attachments=[picture]
    )
    timer, limit = _limit(me)
    at = due_after(at, limit * me.rng.uniform(0.05, 0.3), timer, current_calendar())
    at = at if me.case.urgency == Urgency.URGENT else awake(at, me.rng)
    yield at, me.case
    assert me.case.unit_id is not None
    actor = me.case.handler or me.rng.choice(me.world.handlers_of(me.case.unit_id))
    finish(me, at, actor)
    at = me.moves(at, minutes * me.share(0.03, 0.5))
    yield at, me.case
    return at


def _rate(me: Living, at: datetime) -> Iterator[tuple[datetime, Case | None]]:
    """The reporter rates, or the desk asks; now and then it was not solved after all."""
    rng = me.rng
    public = me.case.reporter_id is None
    asked = rng.random()
    if asked > {Channel.RESIDENT: 0.62, Channel.HOTLINE: 0.55, Channel.GRID_WORKER: 0.05}.get(
        me.seed.channel, 0.04
    ):
        if me.odd(0.004):
            yield from _look_back(me, at)
        return
    at = awake(at + timedelta(hours=rng.expovariate(1 / 20) + 0.3), rng)
    yield at, me.case
    answer = _answer(me)
    if me.seed.channel == Channel.HOTLINE or me.chance(0.12):
        answer = Answer(True, answer.solved, answer.satisfaction, answer.comment)
        me.case = checking.follow_up_case(case_id=me.case.pk, actor=me.desk(), at=at, answer=answer)
        return
    actor = PublicReporter(me.case.pk) if public else me.case.reporter
    assert actor is not None
    me.case = checking.rate_case(case_id=me.case.pk, actor=actor, at=at, answer=answer)
    if me.case.state == State.HANDLING:
        yield from _again(me, at)


def _answer(me: Living) -> Answer:
    """Three faces: late orders and bad places please less."""
    value = me.rng.random() + me.seed.mood - (0.25 if me.is_late else 0)
    if value < 0.025:
        return Answer(True, False, Satisfaction.DISSATISFIED, me.rng.choice(texts.COMPLAINTS))
    if value < 0.06:
        return Answer(True, True, Satisfaction.DISSATISFIED, me.rng.choice(texts.SO_SO))
    if value < 0.2:
        return Answer(True, True, Satisfaction.BASICALLY, me.rng.choice(texts.SO_SO))
    return Answer(True, True, Satisfaction.SATISFIED, me.rng.choice(texts.PRAISE))


def _look_back(me: Living, at: datetime) -> Iterator[tuple[datetime, Case | None]]:
    """回头看: the desk finds that it did not hold."""
    at = me.moves(at, me.rng.uniform(2, 8) * 480)
    yield at, me.case
    me.case = checking.reopen_case(
        case_id=me.case.pk, actor=me.desk(), at=at, note=me.rng.choice(texts.REOPENED)
    )
    yield from _again(me, at)


def _again(me: Living, at: datetime) -> Iterator[tuple[datetime, Case | None]]:
    """Handled and checked a second time."""
    at = me.moves(at, me.rng.uniform(60, 400))
    yield at, me.case
    actor: User | None = me.case.handler
    if me.case.unit_id is None or actor is None or actor.pk == me.worker.pk:
        return
    finish(me, at, actor)
    at = me.moves(at, me.rng.uniform(20, 200))
    yield at, me.case
    me.case = checking.pass_check(case_id=me.case.pk, actor=me.worker, at=at, note="再次核查，已恢复。")
