"""The lists that people work off: which views a desk and a unit have, and what each shows and counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, reduce
from operator import or_
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, Max, OuterRef, Q, Value
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.filters import waiting_request
from cases.models import Case, CaseUnit
from cases.querysets import CaseQuerySet
from cases.whistles import WAITING, calls_of
from cases.workflow import OPEN_STATES, State
from governance.common.kept import MOST_KEPT, AnyOf, Kept, Slot
from partymembers.access import Access

#: An instant, or the slot that takes one in a statement that is kept.
Instant = datetime | Slot
Condition = Callable[[Access, Instant], Q]


@dataclass(frozen=True)
class View:
    """A view of a board. `group` puts it under a heading; `light` gives it a light's shape.

    `base` is of what orders it is, where that is not what the board is about.
    """

    key: str
    label: str | Promise
    condition: Condition
    group: str = "mine"
    inner: bool = False
    light: str = ""
    tone: str = ""
    base: Callable[[Access], Q] | None = None


@dataclass(frozen=True)
class Board:
    """A list with its views; `base` narrows what the actor may see to what the board is about."""

    key: str
    title: str | Promise
    views: tuple[View, ...]
    base: Callable[[Access], Q]
    url_name: str
    watch_title: str | Promise = field(default=_("Watch"))

    def view(self, key: str) -> View:
        """The view of a key; the first one for an unknown key."""
        return next((view for view in self.views if view.key == key), self.views[0])

    def cases(self, access: Access) -> CaseQuerySet:
        """Everything on the board."""
        visible = Case.objects.visible_to(access).filter(state__in=OPEN_STATES)
        bases = [self.base, *(view.base for view in self.views if view.base)]
        return _annotated(visible, access).filter(reduce(or_, (base(access) for base in bases)))

    def condition(self, view: View, access: Access, now: Instant) -> Q:
        """Which of the board's orders lie in a view."""
        return (view.base or self.base)(access) & view.condition(access, now)

    def rows(self, view: View, access: Access, now: Instant) -> CaseQuerySet:
        """The orders of one view."""
        return self.cases(access).filter(self.condition(view, access, now))

    def counts(self, access: Access, now: datetime) -> dict[str, int]:
        """How many orders each view has, and under `latest` the newest that waits; one query."""
        numbers: dict[str, int] | None = _counting(self.key, access).first(now=now)
        return numbers or dict.fromkeys([*(view.key for view in self.views), "latest"], 0)


@lru_cache(maxsize=MOST_KEPT)
def _counting(board_key: str, access: Access) -> Kept[dict[str, int]]:
    """The one row of a board's numbers, by what its reader reaches."""
    board, now = BOARDS[board_key], Slot("now")
    counted: dict[str, Any] = {
        view.key: Count("pk", filter=board.condition(view, access, now)) for view in board.views
    }
    newest = Coalesce(Max("pk", filter=board.condition(board.views[0], access, now)), 0)
    one_row = board.cases(access).order_by().values(_=Value(1))
    return Kept(one_row.annotate(**counted, latest=newest).values(*counted, "latest"))


def _annotated(cases: CaseQuerySet, access: Access) -> CaseQuerySet:
    """The two facts that lie in other tables; conditions may name them."""
    parts = CaseUnit.objects.filter(
        case=OuterRef("pk"), unit_id__in=access.unit_ids, part=CaseUnit.Part.ASSIST
    )
    return cases.annotate(has_request=waiting_request(), assists=Exists(parts))


def _held(access: Access) -> Q:
    return Q(desk_id__in=access.desk_place_ids)


def _state(*states: State) -> Condition:
    return lambda _access, _now: Q(state__in=states)


def _mine(condition: Q) -> Condition:
    return lambda access, _now: _held(access) & condition


def _late(_access: Access, now: Instant) -> Q:
    return Q(next_due_at__lt=now)


def _nearly(_access: Access, now: Instant) -> Q:
    return Q(next_due_at__gte=now, next_warn_at__lte=now)


#: What every board watches.
LATE = View("late", _("Late"), _late, group="watch", light="red", tone="red")
NEARLY = View("nearly", _("Nearly late"), _nearly, group="watch", light="yellow")
TO_CHECK = View("to_check", _("Awaiting check"), _state(State.HANDLED), group="watch")
SUSPENDED = View("suspended", _("Suspended"), _state(State.SUSPENDED), group="watch", light="grey")
_WAITS_FOR_DESK = Q(state__in=(State.REPORTED, State.ACCEPTED)) | Q(has_request=True)

DESK = Board(
    key="desk",
    title=_("Desk"),
    url_name="cases:desk",
    base=lambda _access: Q(),
    views=(
        View("mine", _("Waiting for me"), _mine(_WAITS_FOR_DESK)),
        View("to_accept", _("To accept"), _mine(Q(state=State.REPORTED)), inner=True),
        View("to_dispatch", _("To dispatch"), _mine(Q(state=State.ACCEPTED, returns=0)), inner=True),
        View("returned", _("Returned"), _mine(Q(state=State.ACCEPTED, returns__gt=0)), inner=True),
        View("requests", _("Requests to decide"), _mine(Q(has_request=True)), inner=True),
        LATE,
        NEARLY,
        View("handling", _("Being handled"), _state(State.DISPATCHED, State.HANDLING), group="watch"),
        TO_CHECK,
        SUSPENDED,
        View("supervised", _("Supervised"), lambda _a, _n: Q(is_supervised=True), group="watch"),
        View("unplaced", _("Outside every grid"), lambda _a, _n: Q(outside_grid=True), group="watch"),
        View("all", _("All open"), lambda _a, _n: Q(), group="watch"),
    ),
)


def _led(access: Access) -> Q:
    return Q(unit_id__in=access.unit_ids)


def _called(access: Access) -> Q:
    """To what the reader, their units and branches are whistled and have still to answer, come or report."""
    waiting = calls_of(access).filter(WAITING).order_by().values("whistle__case_id")
    return Q(AnyOf("pk", ArraySubquery(waiting)))


HANDLING = Board(
    key="handling",
    title=_("To handle"),
    url_name="cases:handling",
    base=lambda access: _led(access) | Q(assists=True),
    views=(
        View(
            "mine",
            _("Waiting for us"),
            lambda access, _n: _led(access) & Q(state__in=(State.DISPATCHED, State.HANDLING)),
        ),
        View(
            "to_acknowledge",
            _("To acknowledge"),
            lambda access, _n: _led(access) & Q(state=State.DISPATCHED),
            inner=True,
        ),
        View(
            "handling",
            _("Being handled"),
            lambda access, _n: _led(access) & Q(state=State.HANDLING),
            inner=True,
        ),
        View("own", _("Assigned to me"), lambda a, _n: Q(handler_id=a.user_id), inner=True),
        View("assisting", _("We assist"), lambda _a, _n: Q(assists=True), inner=True),
        View("called", _("Whistled to"), lambda _a, _n: Q(), base=_called),
        LATE,
        NEARLY,
        View(
            "requests", _("Waiting for the desk's answer"), lambda _a, _n: Q(has_request=True), group="watch"
        ),
        TO_CHECK,
        SUSPENDED,
    ),
)

BOARDS = {board.key: board for board in (DESK, HANDLING)}
