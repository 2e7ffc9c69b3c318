"""What orders and actions on them may be given: the rows that pages offer and other systems may name."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from cases.catalogue import matter_by_code
from cases.deadlines import TimerType
from cases.models import Case, Matter, MatterClass
from cases.querysets import CaseQuerySet
from cases.workflow import OPEN_STATES, Stage
from governance.common.errors import Invalid
from governance.common.remembering import remembered
from grids.models import Place
from grids.querysets import PlaceQuerySet
from partymembers.access import Access
from partymembers.models import Unit


def not_to_choose(code: str, *, field: str) -> Invalid:
    """The refusal of a code: that there is none, and that it cannot be chosen here, sound the same."""
    told = _("“%(code)s” is not known, or cannot be chosen here.") % {"code": code}
    return Invalid(told, field=field)


def matter_to_report(code: str, *, is_wish: bool = False) -> Matter:
    """The matter (or kind of wish) of a new order; in a bulk each is read once. Raises Invalid."""
    matter = remembered(("matter of code", code), lambda: matter_by_code(code))
    if matter is None or (matter.matter_class.section == MatterClass.Section.WISH) != is_wish:
        raise not_to_choose(code, field="matter")
    return matter


def place_to_report(code: str) -> Place:
    """The place in force of a new order, without its outline; in a bulk each is read once. Raises Invalid."""
    rows = Place.objects.current().filter(code=code).defer("boundary")
    place = remembered(("place of code", code), rows.first)
    if place is None:
        raise not_to_choose(code, field="place")
    return place


def units_for(case: Case) -> QuerySet[Unit]:
    """Units in force that serve a place in the order's line, or that serve no place in particular."""
    line = [case.city_id, case.district_id, case.street_id, case.community_id, case.grid_id]
    serving = Q(place__isnull=True) | Q(place_id__in=[pk for pk in line if pk])
    return Unit.objects.filter(serving, disabled_at__isnull=True)


def targets_for(access: Access) -> CaseQuerySet:
    """Orders that another may be merged into: open ones that the actor may see."""
    return Case.objects.visible_to(access).filter(state__in=OPEN_STATES)


def matters_for_correction() -> QuerySet[Matter]:
    """Matters in force, with their class."""
    return Matter.objects.filter(retired_at__isnull=True).select_related("matter_class")


def places_for_correction(case: Case) -> PlaceQuerySet:
    """Communities and grids of the order's street."""
    top = case.street or case.community or case.place
    return Place.objects.below([top]).current().at_level("community", "grid")


def handling_timer(case: Case) -> TimerType:
    """The timer of the handling clock, or of the standard where none runs."""
    running = [c.timer_type for c in case.clocks.all() if c.stage == Stage.HANDLE and c.stopped_at is None]
    timer = running[0] if running else case.standard.timer_type if case.standard else TimerType.WORK_HOUR
    return TimerType(timer)


def spans_of(timer: TimerType) -> tuple[TimerType, TimerType]:
    """In what an extension is asked for: hours and days of the handling clock's own time."""
    if timer.is_working_time:
        return TimerType.WORK_HOUR, TimerType.WORK_DAY
    return TimerType.URGENT_HOUR, TimerType.NATURAL_DAY
