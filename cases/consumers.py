"""Those who read on behalf of the orders: readers of the event log, and of changes below.

Lower rooms never call upward: a person or unit that is disabled, a post that ends and a place that is split,
merged or handed over only append a change row. `follow_changes` reads those rows and moves the open orders;
`strays` catches an order that somebody dispatched, reported or reopened while such a change was under way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Max, Model, Q, QuerySet
from django.utils import timezone

from cases.actions.changes import clear_handler, move_case_to_successor, return_to_desk
from cases.actions.merging import tell_merged
from cases.actions.wishes import lapse_claim
from cases.models import Case, CaseEvent, ConsumerCursor
from cases.publishing import publisher
from cases.relay import Consumer
from cases.workflow import State
from grids.levels import Level
from grids.models import Place, PlaceChange
from partymembers.access import units_without_people
from partymembers.models import Post, StaffChange

logger = logging.getLogger("gezhi.changes")

#: How long the reader of changes waits for somebody who is writing one; then it comes again later.
PATIENCE: Final = "1s"
_NEEDS_ROUTE: Final = frozenset({"report", "correct_matter", "correct_place", "place_changed"})
#: After these an order may stand with somebody, or somewhere, that has just ended.
_MAY_STRAY: Final = frozenset(
    {"report", "dispatch", "assign", "reassign", "resume", "check_fail", "reopen", "correct_place", "ask"}
)
#: What the reporters of a merged order learn of the order that it was merged into.
_NEWS: Final = frozenset(
    {"accept", "void", "withdraw", "decline", "grant_suspension", "resume", "check_pass", "reopen", "merge"}
)


def route_new(events: Sequence[CaseEvent]) -> None:
    """Have a worker route each new order, and each whose matter or place has changed, after commit."""
    ids = {event.case_id for event in events if event.kind in _NEEDS_ROUTE and not event.is_imported}
    waiting = Case.objects.filter(pk__in=ids, routed_at=None, state__in=(State.REPORTED, State.ACCEPTED))
    for case_id in _ids(waiting) if ids else ():
        transaction.on_commit(partial(publisher.post, "cases.route_case", case_id))


def catch_strays(events: Sequence[CaseEvent]) -> None:
    """Move on an order whose unit, handler or place had ended by the time the event was committed.

    A unit in which nobody can act counts as ended: its order would wait where nobody sees it.
    """
    ids = {event.case_id for event in events if event.kind in _MAY_STRAY and not event.is_imported}
    if not ids:
        return
    at = timezone.now()
    touched = Case.objects.running().filter(pk__in=ids)
    units = {pk for pk in touched.values_list("unit_id", flat=True).distinct() if pk is not None}
    ended = (
        Q(unit__disabled_at__isnull=False)
        | Q(unit__in=units_without_people(units, on=timezone.localdate(at)))
        | Q(handler__disabled_at__isnull=False)
        | Q(place__retired_on__isnull=False)
    )
    for case_id in _ids(touched.filter(ended)):
        move_case_to_successor(case_id=case_id, at=at)
        return_to_desk(case_id=case_id, at=at)
        clear_handler(case_id=case_id, at=at)


def pass_on_news(events: Sequence[CaseEvent]) -> None:
    """Write on merged orders what became of the order that they were merged into."""
    news = [event for event in events if event.kind in _NEWS or event.kind == "merged_news"]
    merged: dict[int, list[int]] = {}
    rows = Case.objects.filter(merged_into__in={event.case_id for event in news}).order_by("pk")
    for master_id, case_id in rows.values_list("merged_into_id", "pk"):
        merged.setdefault(master_id or 0, []).append(case_id)
    for event in news:
        for case_id in merged.get(event.case_id, []):
            tell_merged(case_id=case_id, event=event)


ROUTER = Consumer("router", route_new, kinds=_NEEDS_ROUTE)
STRAYS = Consumer("strays", catch_strays, kinds=_MAY_STRAY)
MERGED_NEWS = Consumer("merged_news", pass_on_news, kinds=_NEWS | {"merged_news"})


def _ids(cases: QuerySet[Case]) -> list[int]:
    return list(cases.order_by("pk").values_list("pk", flat=True))


def follow_changes(*, at: datetime) -> int:
    """Let open orders follow every change of staff, units and places that holds at `at`; how many changes.

    A change may be announced before it holds. Each is followed once; where an order fails, the others
    go on, and all changes of that round are read again in the next (what was moved already stays as it is).
    """
    staff = _follow("staff_changes", StaffChange, "at", _follow_staff, at)
    return staff + _follow("place_changes", PlaceChange, "effective_at", _follow_place, at)


def _follow(name: str, model: type[Model], moment: str, follow: Callable[..., bool], at: datetime) -> int:
    """Read the changes that are new or have come to hold since the last round, and note how far it came.

    The cursor's position is the last row known, its time the last instant looked at: a row is due in the
    first round that knows it and in which it holds.
    """
    top = _last_committed(model)
    if top is None:
        return 0
    cursor, _made = ConsumerCursor.objects.get_or_create(name=name)
    since = cursor.updated_at
    unseen = Q(pk__gt=cursor.position) | (Q(**{f"{moment}__gt": since}) if since else Q(pk__in=[]))
    due = model._default_manager.filter(unseen, pk__lte=top, **{f"{moment}__lte": at})
    outcomes = [follow(change, at) for change in due.order_by(moment, "pk")]
    if all(outcomes):
        _advance(name, top, at)
    return len(outcomes)


def _last_committed(model: type[Model]) -> int | None:
    """The highest id below which every row is visible; None while somebody is writing one for long.

    Ids are given before commit. The lock waits for writers who have one, and those who come later get a
    higher one.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(model._meta.db_table)} IN SHARE MODE")
            return model._default_manager.aggregate(top=Max("pk"))["top"] or 0
    except OperationalError:
        logger.info("changes_being_written", extra={"table": model._meta.db_table})
        return None


def _advance(name: str, top: int, at: datetime) -> None:
    """Move a cursor on, never back: another worker may have come further."""
    with transaction.atomic():
        cursor = ConsumerCursor.objects.select_for_update().get(pk=name)
        cursor.position = max(cursor.position, top)
        cursor.updated_at = max(cursor.updated_at or at, at)
        cursor.save()


def _follow_staff(change: StaffChange, at: datetime) -> bool:
    """Take open orders from a person or unit that can no longer act; whether all went well."""
    running = Case.objects.open()
    units = [change.unit_id] if change.unit_id else []
    done = True
    if change.user_id:
        done = _each(running.filter(handler=change.user_id), clear_handler, at)
        held = Post.objects.filter(user=change.user_id, unit__isnull=False)
        units += held.values_list("unit_id", flat=True)
    done = _each(_claimed_by(change), lapse_claim, at) and done
    return _each(running.filter(unit__in=units), return_to_desk, at) and done


def _claimed_by(change: StaffChange) -> QuerySet[Case]:
    """Wishes that a person or unit has claimed who is now disabled; what is delivered stays delivered."""
    gone = {
        StaffChange.Kind.USER_DISABLED: Q(claims__user=change.user_id),
        StaffChange.Kind.UNIT_DISABLED: Q(claims__unit=change.unit_id),
    }.get(StaffChange.Kind(change.kind), Q(pk__in=[]))
    return Case.objects.filter(
        gone, claims__ended_at=None, state__in=(State.CLAIMED, State.CONFIRMED, State.BEGUN)
    )


def _follow_place(change: PlaceChange, at: datetime) -> bool:
    """Move open orders out of places that have ended, or out of a boundary that was redrawn."""
    ended = list(change.predecessors.all())
    if change.kind == PlaceChange.Kind.BOUNDARY:
        communities = {place.pk for place in ended} | {_parent_id(place) for place in ended}
        unplaced = Q(community__in=communities, outside_grid=True)
        redrawn = Case.objects.running().filter(Q(place__in=ended) | unplaced, lng__isnull=False)
        return _each(redrawn, partial(move_case_to_successor, by_point=True), at)
    condition = Q(place__in=ended)
    for place in ended:
        if place.level == Level.BUILDING:
            condition |= Q(building=place, grid=_parent_id(place))
    return _each(Case.objects.running().filter(condition), move_case_to_successor, at)


def _parent_id(place: Place) -> int | None:
    parent = Place.objects.get_parent(place)
    return parent.pk if parent else None


def _each(cases: QuerySet[Case], action: Callable[..., object], at: datetime) -> bool:
    """Do one action to each order by itself, so that one that fails holds up no other."""
    done = True
    for case_id in _ids(cases):
        try:
            action(case_id=case_id, at=at)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("change_not_followed", extra={"case": case_id})
            done = False
    return done
