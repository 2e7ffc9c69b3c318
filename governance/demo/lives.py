"""How an order of the demo lives: one generator each, deciding by chance and acting through the actions.

It yields the instant of its next step with the order as it is. Chances are of the demo's own making; the
clocks, rules and people are the portal's.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cases.actions import desk, handling, oversight, reporting, routing
from cases.calendars import current_calendar
from cases.deadlines import TimerType, due_after, limit_of
from cases.models import Case, Urgency
from cases.workflow import OPEN_STATES, State
from governance.demo import texts
from governance.demo.living import MINUTE, Living, Seedling, Stretch, finish, limit_of_handling, report
from governance.demo.outcomes import check
from governance.demo.simulation import Life
from governance.demo.world import World, awake
from partymembers.models import Unit, User


def life(world: World, seedling: Seedling) -> Life:
    """A whole life from the report to the rating."""
    me = Living(world, seedling)
    yield seedling.at, None
    me.case = report(me, seedling.at)
    at = seedling.at
    if me.case.resolved_on_spot:
        yield from check(me, at)
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
        yield from check(me, at)


def _take_in(me: Living, at: datetime) -> Stretch:
    """The desk's part up to the dispatch; returns the instant of the last step."""
    rng = me.rng
    minutes = 10 if me.case.urgency == Urgency.URGENT else 30
    late = me.is_late and me.chance(0.3)
    at = me.moves(at, minutes * (rng.uniform(1.05, 1.45) if late else me.share()))
    if me.odd(0.008) and me.case.reporter_id:
        return (yield from _withdraw(me, at))
    yield at, me.case
    me.look(at)
    if me.odd(0.035):
        me.case = desk.decline_case(
            case_id=me.case.pk, actor=me.desk(), at=at, note=rng.choice(texts.DECLINED)
        )
        return at
    if me.seed.is_twin and (target := _twin(me)):
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
    if me.odd(0.008) and me.case.desk.depth > 1:
        return (yield from _void(me, at))
    at = me.moves(at, minutes * (rng.uniform(0.9, 1.45) if late else me.share()))
    yield at, me.case
    me.look(at)
    _dispatch(me, at, me.case.suggested_unit or _other_unit(me, None))
    return at


def _withdraw(me: Living, at: datetime) -> Stretch:
    yield at, me.case
    me.case = reporting.withdraw_case(
        case_id=me.case.pk, actor=me.case.reporter or me.worker, at=at, note="已自行处理"
    )
    return at


def _void(me: Living, at: datetime) -> Stretch:
    """A desk above ends it."""
    at = me.moves(at, 20)
    yield at, me.case
    territory = me.world.territory
    by_street = me.case.desk_id == me.case.community_id
    above = me.world.staff.desks[(me.case.street_id or 0) if by_street else territory.city.pk]
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


def _handle(me: Living, at: datetime) -> Stretch:
    """From the dispatch to the finish; returns the instant of the last step."""
    minutes = 15 if me.case.urgency == Urgency.URGENT else 60
    at = me.moves(at, minutes * me.share())
    yield at, me.case
    if me.odd(0.035):
        at = yield from _return(me, at, minutes)
    actor = me.rng.choice(me.world.handlers_of(me.unit_id))
    me.case = handling.acknowledge_case(case_id=me.case.pk, actor=actor, at=at)
    at = yield from _meanwhile(me, at, actor)
    at = yield from _finish(me, at, actor)
    return at


def _return(me: Living, at: datetime, minutes: float) -> Stretch:
    """退单: another unit gets it; returns the instant at which that one takes it."""
    former_id = me.unit_id
    actor = me.rng.choice(me.world.handlers_of(former_id))
    me.case = handling.return_case(case_id=me.case.pk, actor=actor, at=at, note=me.rng.choice(texts.RETURNED))
    at = me.moves(at, me.rng.uniform(6, 28))
    yield at, me.case
    me.look(at)
    _dispatch(me, at, _other_unit(me, former_id))
    at = me.moves(at, minutes * me.share())
    yield at, me.case
    return at


def _meanwhile(me: Living, at: datetime, actor: User) -> Stretch:
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


def _ask(me: Living, at: datetime, actor: User) -> Stretch:
    """A request for more time, or for suspension, and the desk's answer."""
    rng, pk = me.rng, me.case.pk
    timer, limit = limit_of_handling(me)
    if me.odd(0.05) and timer == TimerType.WORK_DAY:
        at = due_after(at, limit * rng.uniform(0.3, 0.6), timer, current_calendar())
        yield at, me.case
        me.case = handling.ask_extension(
            case_id=pk, actor=actor, at=at, note=rng.choice(texts.EXTENSIONS),
            extra=limit_of(rng.randint(1, 3), timer),
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


def _finish(me: Living, at: datetime, actor: User) -> Stretch:
    """The result, in time or not."""
    timer, limit = limit_of_handling(me)
    done = due_after(at, limit * me.share(0.04, 0.88), timer, current_calendar())
    due = me.case.due_at
    if me.is_late and due is not None:
        over = limit * (0.02 + 0.5 * me.rng.betavariate(1.2, 3))
        if me.odd(0.12):  # and some get stuck for days
            over += limit_of(me.rng.randint(3, 15), TimerType.WORK_DAY)
        done = due_after(max(due, at), over, timer, current_calendar())
    if me.case.urgency != Urgency.URGENT:
        done = awake(done, me.rng)
    yield done, me.case
    finish(me, done, actor)
    return done
