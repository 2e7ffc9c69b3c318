"""Which orders a reader's figures may count: scope first, then the subject, then the period."""

from __future__ import annotations

from django.db.models import Q

from cases.models import Case
from cases.querysets import CaseQuerySet
from partymembers.access import Access

from .formulas import Cohort
from .periods import Period
from .subjects import Subject


def cases_of(cohort: Cohort, subject: Subject, access: Access) -> CaseQuerySet:
    """The subject's incidents that may ever be in the cohort and that the reader may see.

    Whoever holds a post at or above the subject's place sees every order in it: its column says all.
    An order that was reported there and has since been moved may have left their scope, so that asks again.
    No figure counts tests, so that those who see nothing else have none.
    """
    if access.is_sandbox:
        return Case.objects.none()
    orders = Case.objects.incidents().real().filter(subject.condition(cohort) & cohort.condition)
    if subject.area and not cohort.prefix and access.covers(subject.area.path):
        return orders
    return orders.visible_to(access)


def within(cohort: Cohort, period: Period) -> Q:
    """The cohort's time lies in the period: [start, until)."""
    return Q(**{f"{cohort.time}__gte": period.start, f"{cohort.time}__lt": period.until})
