"""One filter for the pages and the API: what people narrow orders by, all of it in the address."""

from __future__ import annotations

import re
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from cases.models import Case, CaseRequest, Channel, MatterClass
from cases.querysets import CaseQuerySet
from cases.terms import tail_term
from cases.workflow import State
from governance.common.text import bigrams
from grids.models import Place
from partymembers.access import NOTHING, Access
from partymembers.middleware import access_for

_NUMBER = re.compile(r"^\d{6}-\d*$")
_TAIL = re.compile(r"^\d{4}$")


class CaseFilter(django_filters.FilterSet):
    """Narrows a queryset that is already scoped (`visible_to`)."""

    q = django_filters.CharFilter(label=_("Order number, place, phone tail"), method="search", max_length=100)
    state = django_filters.MultipleChoiceFilter(label=_("State"), choices=State.choices)
    channel = django_filters.MultipleChoiceFilter(label=_("Source"), choices=Channel.choices)
    matter_class = django_filters.ModelMultipleChoiceFilter(
        label=_("Major class"), field_name="matter__matter_class", queryset=MatterClass.objects.all()
    )
    grid = django_filters.ModelMultipleChoiceFilter(label=_("Grid"), queryset=Place.objects.none())
    reported_from = django_filters.DateFilter(
        label=_("Reported from"), field_name="reported_at", lookup_expr="date__gte"
    )
    reported_until = django_filters.DateFilter(
        label=_("Reported until"), field_name="reported_at", lookup_expr="date__lte"
    )

    class Meta:
        model = Case
        fields: list[str] = []

    def __init__(self, *args: Any, grids: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if grids is not None:
            self.filters["grid"].field.queryset = grids

    def search(self, queryset: CaseQuerySet, name: str, value: str) -> CaseQuerySet:
        """An order number, the last four digits of the reporter's phone, or words of matter and place."""
        access = access_for(self.request) if self.request is not None else NOTHING
        return queryset.filter(matching(value, access))


def matching(text: str, access: Access = NOTHING) -> Q:
    """The condition of a search; whatever is not a number is looked for as words.

    A phone is found only by those who work on the order: a unit that gave it back may not probe for it.
    """
    text = text.replace("\x00", "").strip()
    if not text:
        return Q()
    if _NUMBER.match(text):
        return Q(number__startswith=text)
    if _TAIL.match(text):
        phone = Q(reporter_phone__endswith=text) | Q(reporter__phone__endswith=text)
        is_found = Q(number__endswith=text) | (phone & _works_on(access))
        return Q(search_terms__contains=[tail_term(text)]) & is_found  # by index first, then exactly
    pairs = bigrams(text)
    if len(text) < 2 or not pairs:
        return Q(address__icontains=text) | Q(matter__name__icontains=text)
    return Q(search_terms__contains=pairs)


def _works_on(access: Access) -> Q:
    condition = Q(desk_id__in=access.desk_place_ids) | Q(unit_id__in=access.unit_ids)
    for level, ids in access.places_by_level().items():
        condition |= Q(**{f"{level}_id__in": ids})
    return condition


def waiting_request() -> Exists:
    """A request of the order waits for the desk."""
    return Exists(CaseRequest.objects.filter(case=OuterRef("pk"), decided_at__isnull=True))
