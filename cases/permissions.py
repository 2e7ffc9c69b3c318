"""What an actor may do to an order: the buttons, the API's actions and the checks share this one answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.actors import Actor, PublicReporter, System
from cases.models import Case, CaseEvent, CaseRequest, CaseUnit, CoReporter, Feedback, WhistleCall
from cases.placing import level_below
from cases.whistles import call_for, may_take, standing_whistle, was_called
from cases.wishes import wish_relations
from cases.workflow import WORKFLOWS, Kind, Relation, Rule, State, rule_of
from governance.common.errors import NotAllowed, NotVisible, WrongState
from grids.models import Level
from partymembers.access import NOTHING, Access, access_of
from partymembers.models import User

#: One reporter urges one order so often at most; a desk as often as it must.
URGE_PAUSE = timedelta(hours=1)
#: A closed order is rated within this time (PRODUCT.md).
RATING_TIME = timedelta(days=15)
#: Actions that exist only while a request of that kind waits for the desk.
_DECISIONS = {
    "grant_extension": CaseRequest.Kind.EXTENSION,
    "refuse_extension": CaseRequest.Kind.EXTENSION,
    "grant_suspension": CaseRequest.Kind.SUSPENSION,
    "refuse_suspension": CaseRequest.Kind.SUSPENSION,
}
RELATION_NAMES = {
    Relation.DESK: gettext_lazy("the desk that holds the order"),
    Relation.DESK_ABOVE: gettext_lazy("a desk above"),
    Relation.LEAD: gettext_lazy("the lead unit"),
    Relation.ASSIST: gettext_lazy("an assisting unit"),
    Relation.GROUND: gettext_lazy("a grid worker of the place"),
    Relation.REPORTER: gettext_lazy("the reporter"),
    Relation.OFFICIAL: gettext_lazy("an official"),
    Relation.CLAIMER: gettext_lazy("whoever has claimed it"),
    Relation.HELPER: gettext_lazy("members, volunteers, units and branches"),
    Relation.CALLED: gettext_lazy("those who were whistled"),
    Relation.BRANCH: gettext_lazy("the branch's committee"),
    Relation.SYSTEM: gettext_lazy("the portal"),
}
URGED_LATELY = gettext_lazy("You have urged it within the last hour. Please give them a little time.")
_DESKS = frozenset({Relation.DESK, Relation.DESK_ABOVE})
_REQUESTS = frozenset({"ask_extension", "ask_suspension"})
_WHISTLES = frozenset({"whistle", "end_whistle", "answer_whistle", "come_to_whistle", "report_whistle"})
#: Kinds of events by which somebody speaks as a reporter, whatever posts they hold beside.
REPORTERS_ACTIONS = frozenset({"report", "join", "add_information", "rate", "withdraw"})
#: Who stands to an order in these ways alone does not work on it.
_ONLOOKERS = frozenset({Relation.REPORTER, Relation.HELPER})


@dataclass(frozen=True)
class Standing:
    """How one actor stands to one order, with the facts that some rules look at."""

    relations: frozenset[Relation]
    user_id: int | None
    at: datetime
    #: Kind of the request that waits for the desk, if any.
    open_request: str | None = None
    #: Whether this is who reported first, and nobody has joined the report since.
    is_sole_reporter: bool = False
    #: Whether this reporter has rated the order since it was closed.
    has_rated: bool = False
    #: The call of the standing whistle that this actor answers.
    call: WhistleCall | None = None
    #: Whether this reporter, who holds no desk of the order, urged it less than `URGE_PAUSE` ago.
    has_urged: bool = False

    def allows(self, case: Case, rule: Rule) -> bool:
        """Whether this actor may do this now."""
        return rule.allowed_in(case.state) and self.may_ever(case, rule) and _fits(case, rule, self)

    def may_ever(self, case: Case, rule: Rule) -> bool:
        """Whether this actor may do this in some state of the order."""
        if not self.relations & rule.who:
            return False
        is_finisher = self.user_id is not None and case.finisher_id == self.user_id
        return not (rule.not_finisher and is_finisher)


def standing_of(actor: Actor, case: Case, *, at: datetime, access: Access | None = None) -> Standing:
    """Every relation of an actor to an order; pass `access` where the caller has it already."""
    if isinstance(actor, System):
        return Standing(frozenset({Relation.SYSTEM}), None, at, _open_request(case))
    if isinstance(actor, PublicReporter):
        mine = actor.case_id == case.pk
        relations = frozenset({Relation.REPORTER} if mine else ())
        alone = mine and actor.co_reporter_id is None and not case.co_reports
    else:
        if access is None:
            access = access_of(actor, on=timezone.localdate(at))
        relations = frozenset(_relations(actor, access, case))
        alone = case.reporter_id == actor.pk and not case.co_reports
    return Standing(
        relations,
        actor.pk if isinstance(actor, User) else None,
        at,
        _open_request(case),
        is_sole_reporter=alone,
        has_rated=Relation.REPORTER in relations and has_rated(actor, case),
        call=call_for(case, access) if isinstance(actor, User) and access else None,
        has_urged=Relation.REPORTER in relations and not relations & _DESKS and _has_urged(actor, case, at),
    )


def _relations(user: User, access: Access, case: Case) -> Iterable[Relation]:
    if access is NOTHING or access.is_sandbox != case.is_test:
        return
    if access.is_desk_of(case.desk.path):
        yield Relation.DESK
    if access.is_desk_above(case.desk.path):
        yield Relation.DESK_ABOVE
    if access.is_ground_of(case.place.path):
        yield Relation.GROUND
    if access.is_official_of(case.place.path):
        yield Relation.OFFICIAL
    if case.unit_id is not None and access.in_unit(case.unit_id):
        yield Relation.LEAD
    if case.unit_id is not None and _assists(access, case):  # nobody assists where nobody leads
        yield Relation.ASSIST
    if case.reporter_id == user.pk or (case.co_reports and _joined(user, case)):
        yield Relation.REPORTER
    if was_called(case, access):
        yield Relation.CALLED
    if case.kind == Kind.WISH:
        yield from wish_relations(user, access, case)


def _assists(access: Access, case: Case) -> bool:
    return any(p.part == CaseUnit.Part.ASSIST and access.in_unit(p.unit_id) for p in case.parts.all())


def _joined(user: User, case: Case) -> bool:
    return any(joined.user_id == user.pk for joined in case.co_reporters.all())


def _open_request(case: Case) -> str | None:
    if case.state != State.HANDLING:  # a request falls away with the handling that it is about
        return None
    return next((r.kind for r in case.requests.all() if r.decided_at is None), None)


def _fits(case: Case, rule: Rule, standing: Standing) -> bool:
    """Facts of the order, beside its state, on which an action depends."""
    action = rule.action
    if action in _DECISIONS or action in _REQUESTS:
        return standing.open_request == _DECISIONS.get(action)
    if action in _WHISTLES:
        return _fits_whistle(case, action, standing)
    return _fits_the_rest(case, action, standing)


def _fits_the_rest(case: Case, action: str, standing: Standing) -> bool:
    if action == "withdraw":  # what others joined, or a unit has had, is no longer one person's to take back
        return standing.is_sole_reporter and case.dispatched_at is None
    if action == "escalate":
        return case.desk.depth > 1
    if action == "give_back":  # what happened above every community has no desk below
        return level_below(case) is not None
    if action == "urge":
        return not standing.has_urged
    if action in ("to_branch", "claim"):
        return _fits_wall(case, action, standing.at)
    return action != "rate" or _fits_rating(case, standing)


def _fits_wall(case: Case, action: str, at: datetime) -> bool:
    """A wish goes to the branch once; it is claimed until the last day on which it is wanted."""
    if action == "to_branch":
        return case.wish.left_to_branch_at is None
    day = case.wish.deliver_by
    return day is None or timezone.localdate(at) <= day


def _fits_rating(case: Case, standing: Standing) -> bool:
    """An incident's closing is rated once; a wish's rating may be changed, and its points follow."""
    if case.kind == Kind.WISH:
        return case.state == State.DELIVERED or is_rating_open(case, at=standing.at)
    return is_rating_open(case, at=standing.at) and not standing.has_rated


def _fits_whistle(case: Case, action: str, standing: Standing) -> bool:
    """Whistling is for those above the community: a desk that holds an order there has taken it up."""
    if action == "whistle":
        is_above = Relation.DESK_ABOVE in standing.relations or case.desk.level != Level.COMMUNITY
        return is_above and standing_whistle(case) is None
    if action == "end_whistle":
        return standing_whistle(case) is not None
    return may_take(action, standing.call)


def is_rating_open(case: Case, *, at: datetime) -> bool:
    """Whether a closed order may still be rated."""
    return case.closed_at is not None and at <= case.closed_at + RATING_TIME


def has_rated(actor: User | PublicReporter, case: Case) -> bool:
    """Whether this reporter has rated the closed order since it was closed; one query (or `feedback` known).

    Each closing is rated once by each reporter: after a reopening they are asked again.
    """
    if case.state != State.CLOSED or case.closed_at is None:
        return False
    said = [f for f in case.feedback.all() if f.source != Feedback.Source.FOLLOW_UP]
    said = [f for f in said if f.at >= case.closed_at]
    if isinstance(actor, User):
        return any(f.by_id == actor.pk for f in said)
    return any(f.by_id is None and f.co_reporter_id == actor.co_reporter_id for f in said)


def _has_urged(actor: User | PublicReporter, case: Case, at: datetime) -> bool:
    """Whether this very person urged the order within the pause; no query where nobody ever has."""
    if not case.urges:
        return False
    urges = case.events.filter(kind="urge", at__gt=at - URGE_PAUSE)
    if isinstance(actor, User):
        return urges.filter(actor=actor).exists()
    links = urges.filter(actor_kind=CaseEvent.ActorKind.PUBLIC).values_list("data", flat=True)
    return any(data.get("co_reporter_id") == actor.co_reporter_id for data in links)


def co_reporter_of(actor: Actor, case: Case) -> CoReporter | None:
    """As which co-reporter somebody speaks; none for the reporter, whose own answer comes first."""
    if isinstance(actor, PublicReporter):
        if actor.co_reporter_id is None:
            return None
        return CoReporter.objects.filter(case=case, pk=actor.co_reporter_id).first()
    if isinstance(actor, User) and case.reporter_id != actor.pk:
        return CoReporter.objects.filter(case=case, user=actor).first()
    return None


def allowed_actions(
    actor: Actor, case: Case, *, at: datetime, access: Access | None = None
) -> tuple[str, ...]:
    """The actions that this actor may take now, in the table's order."""
    standing = standing_of(actor, case, at=at, access=access)
    rules = WORKFLOWS.get(case.kind, {})
    return tuple(action for action, rule in rules.items() if standing.allows(case, rule))


def is_allowed(actor: Actor, action: str, case: Case, *, at: datetime, access: Access | None = None) -> bool:
    """Whether the actor may take this action now."""
    return standing_of(actor, case, at=at, access=access).allows(case, rule_of(case.kind, action))


def is_visible(actor: Actor, case: Case, *, at: datetime) -> bool:
    """Whether the actor may know that this order exists (`CaseQuerySet.visible_to` for one row)."""
    if isinstance(actor, System):
        return True
    if isinstance(actor, PublicReporter):
        return actor.case_id == case.pk
    access = access_of(actor, on=timezone.localdate(at))
    known = Case.objects.wishes_known_to if case.kind == Kind.WISH else Case.objects.visible_to
    return known(access).filter(pk=case.pk).exists()


def require(actor: Actor, action: str, case: Case, *, at: datetime, access: Access | None = None) -> Rule:
    """The rule of an action that the actor may take now.

    Raises NotVisible if the order is not theirs to see, NotAllowed if the action is never theirs,
    WrongState if it is theirs but not now (somebody may have been faster).
    """
    rule = rule_of(case.kind, action)
    standing = standing_of(actor, case, at=at, access=access)
    if standing.allows(case, rule):
        return rule
    if not standing.relations and not is_visible(actor, case, at=at):
        raise NotVisible()
    if not standing.may_ever(case, rule):
        raise NotAllowed(_refusal(rule), extra={"action": action})
    raise WrongState(_stale(case, rule, standing), extra={"action": action, "state": case.state})


def _refusal(rule: Rule) -> str:
    """Names who may act instead."""
    people = [str(RELATION_NAMES[r]) for r in Relation if r in rule.who and r is not Relation.SYSTEM]
    return _("“%(action)s” is for %(people)s.") % {"action": rule.label, "people": _(" or ").join(people)}


def _stale(case: Case, rule: Rule, standing: Standing) -> str:
    """Says who was faster, when, and that nothing of the late action has happened.

    Names pass only between people who work on the order: neither does a reporter read which colleague it
    was, nor a unit who reported, nor whoever would help with a wish who was faster.
    """
    if rule.action == "rate" and case.state == State.CLOSED:
        return _rated_or_late(standing)
    if rule.action == "urge" and rule.allowed_in(case.state):
        return str(URGED_LATELY)
    if rule.action == "withdraw" and case.dispatched_at is not None and rule.allowed_in(case.state):
        return _("A unit has already worked on this report, so it can no longer be withdrawn.")
    if rule.action == "claim" and rule.allowed_in(case.state):
        return _("The day on which it was wanted is over. The desk may set another.")
    last = case.events.select_related("actor").order_by("-seq").first()
    told = _("This order is now “%(state)s”, so “%(action)s” did not take effect.") % {
        "state": case.get_state_display(),
        "action": rule.label,
    }
    if last is None or last.actor is None:
        return told
    is_colleague = bool(standing.relations - _ONLOOKERS) and last.kind not in REPORTERS_ACTIONS
    if case.kind == Kind.WISH and last.actor_id == case.reporter_id:
        is_colleague = False  # whatever the asker did, they are not named
    name = last.actor.name if is_colleague or last.actor_id == standing.user_id else _("Somebody else")
    when = timezone.localtime(last.at).strftime("%H:%M")
    return _("%(name)s changed it at %(when)s. ") % {"name": name, "when": when} + told


def _rated_or_late(standing: Standing) -> str:
    if standing.has_rated:
        return _("You have rated this order already. If something is wrong again, please report it anew.")
    return _("Rating ended 15 days after the order was closed. Please report it anew.")


def desk_bulk_actions(access: Access, *, kind: str, state: str, desk_path: str) -> tuple[str, ...]:
    """What a desk may do to an order like this together with others ticked in its list; no query."""
    desks = set()
    if access.is_desk_of(desk_path):
        desks.add(Relation.DESK)
    if access.is_desk_above(desk_path):
        desks.add(Relation.DESK_ABOVE)
    rules = WORKFLOWS.get(kind, {}).values()
    return tuple(r.action for r in rules if r.bulk and r.allowed_in(state) and desks & r.who)
