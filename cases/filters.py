"""One filter for the pages and the API: what people narrow orders by, all of it in the address."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from cases.catalogue import matter_by_code
from cases.models import Case, CaseRequest, Channel, Matter, MatterClass, Urgency
from cases.querysets import CaseQuerySet
from cases.terms import tail_term
from cases.workflow import OPEN_STATES, WISH_OPEN_STATES, Kind, State
from governance.common.api.asked import no_such_code
from governance.common.errors import Invalid
from governance.common.text import bigrams
from grids.coordinates import point_in
from grids.models import Level, Place
from partymembers.access import NOTHING, Access
from partymembers.middleware import access_for
from partymembers.models import Unit

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
        return queryset.filter(matching(value, self.access))

    @property
    def access(self) -> Access:
        """What whoever asks reaches."""
        return access_for(self.request) if self.request is not None else NOTHING


class FlagField(forms.Field):
    """`true` or `false`, and nothing that merely looks like it."""

    def to_python(self, value: Any) -> bool | None:
        """Raises ValidationError."""
        if value in self.empty_values:
            return None
        if value not in ("true", "false"):
            raise forms.ValidationError(_("Either true or false."))
        return bool(value == "true")


class FlagFilter(django_filters.Filter):
    """A yes or no."""

    field_class = FlagField


def _since(field: str, help_text: str) -> django_filters.IsoDateTimeFilter:
    return django_filters.IsoDateTimeFilter(field_name=field, lookup_expr="gte", help_text=help_text)


def _before(field: str, help_text: str) -> django_filters.IsoDateTimeFilter:
    return django_filters.IsoDateTimeFilter(field_name=field, lookup_expr="lt", help_text=help_text)


def _code(method: str, help_text: str, most: int = 50) -> django_filters.CharFilter:
    return django_filters.CharFilter(method=method, max_length=most, help_text=help_text)


class OrderFilter(CaseFilter):
    """The same for other systems: things are named by their codes, times are instants.

    `now` is when the question is asked, `system` the coordinate system of its positions.
    """

    kind = django_filters.ChoiceFilter(
        choices=Kind.choices, help_text="Of which kind; incidents unless it says wish."
    )
    q = django_filters.CharFilter(
        method="search",
        max_length=100,
        help_text="A number or its beginning, the last four digits of a number or of the reporter's phone, "
        "or words of matter, place and description.",
    )
    state = django_filters.MultipleChoiceFilter(choices=State.choices, help_text="One or more.")
    channel = django_filters.MultipleChoiceFilter(choices=Channel.choices, help_text="One or more.")
    urgency = django_filters.MultipleChoiceFilter(choices=Urgency.choices, help_text="One or more.")
    grid = None
    place = _code("in_place", "Code of a place: what happened there and in all places below.")
    desk = _code("at_desk", "Code of the place whose desk holds it.")
    unit = _code("of_unit", "Code of the lead unit.")
    matter = _code("of_matter", "Code of the matter.")
    matter_class = _code("of_class", "Section and code of the major class, like `event-01`.")
    reported_from = _since("reported_at", "Reported at this instant or later.")
    reported_until = _before("reported_at", "Reported before this instant.")
    due_from = _since("due_at", "Due at this instant or later.")
    due_until = _before("due_at", "Due before this instant.")
    closed_from = _since("closed_at", "Closed at this instant or later.")
    closed_until = _before("closed_at", "Closed before this instant.")
    updated_after = django_filters.IsoDateTimeFilter(
        field_name="updated_at", lookup_expr="gt", help_text="Changed after this instant."
    )
    late = FlagFilter(method="is_late", help_text="Whether a running clock is past its due time.")
    open = FlagFilter(method="is_running", help_text="Whether somebody still has to do something about it.")
    source = django_filters.CharFilter(max_length=50, help_text="Name of the system that it came from.")
    source_number = django_filters.CharFilter(max_length=100, help_text="Its number there.")
    client_id = _code("mine_by_id", "Your own id of an order that you reported.", 110)
    bbox = _code("within", "West, south, east and north in degrees, like `118.3,32.2,118.4,32.3`.", 100)

    def __init__(self, *args: Any, now: datetime | None = None, system: str = "wgs84", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now, self.system = now, system

    def in_place(self, queryset: CaseQuerySet, name: str, value: str) -> CaseQuerySet:
        """Of a grid with the small grids in it; below the community wishes that may be known alone."""
        place = Place.objects.filter(code=value).only("level", "path").first()
        if place is None:
            raise no_such_code(value, field=name)
        is_wish = self.form.cleaned_data["kind"] == Kind.WISH
        if is_wish and place.level in (Level.GRID, Level.BUILDING):  # it would half tell whose wish it is
            known = Case.objects.wishes_known_to(self.access)
            queryset = queryset.filter(pk__in=known.order_by().values("pk"))
        if place.level == Level.GRID:
            inner = Place.objects.filter(path__startswith=place.path, level=Level.GRID)
            return queryset.filter(grid__in=inner.order_by().values("pk"))
        return queryset.filter(**{f"{place.level}_id": place.pk})

    def at_desk(self, queryset: CaseQuerySet, name: str, value: str) -> CaseQuerySet:
        """Held by the desk of this very place."""
        place_id = Place.objects.filter(code=value).values_list("pk", flat=True).first()
        if place_id is None:
            raise no_such_code(value, field=name)
        return queryset.filter(desk_id=place_id)

    def of_unit(self, queryset: CaseQuerySet, name: str, value: str) -> CaseQuerySet:
        """Led by the unit."""
        unit_id = Unit.objects.filter(code=value).values_list("pk", flat=True).first()
        if unit_id is None:
            raise no_such_code(value, field=name)
        return queryset.filter(unit_id=unit_id)

    def of_matter(self, queryset: CaseQuerySet, name: str, value: str) -> CaseQuerySet:
        """About the matter."""
        if (matter := matter_by_code(value)) is None:
            raise no_such_code(value, field=name)
        return queryset.filter(matter_id=matter.pk)

    def of_class(self, queryset: CaseQuerySet, name: str, value: str) -> CaseQuerySet:
        """About any matter of the major class."""
        section, _hyphen, code = value.partition("-")
        found = MatterClass.objects.filter(section=section, code=code).first()
        if found is None:
            raise no_such_code(value, field=name)
        ids = list(Matter.objects.filter(matter_class=found).order_by().values_list("pk", flat=True))
        return queryset.filter(matter_id__in=ids)

    def is_late(self, queryset: CaseQuerySet, name: str, value: bool) -> CaseQuerySet:
        """Past the due time of the running clock that is due first."""
        late = Q(state__in=(*OPEN_STATES, *WISH_OPEN_STATES), next_due_at__lt=self.now)
        return queryset.filter(late) if value else queryset.exclude(late)

    def is_running(self, queryset: CaseQuerySet, name: str, value: bool) -> CaseQuerySet:
        """Not ended yet."""
        running = Q(state__in=(*OPEN_STATES, *WISH_OPEN_STATES))
        return queryset.filter(running) if value else queryset.exclude(running)

    def mine_by_id(self, queryset: CaseQuerySet, name: str, value: str) -> CaseQuerySet:
        """What whoever asks reported under this id of theirs."""
        return queryset.filter(reporter_id=self.access.user_id, client_id=value)

    def within(self, queryset: CaseQuerySet, name: str, value: str) -> CaseQuerySet:
        """Positions inside the box, its edges included."""
        try:
            west, south, east, north = (float(part) for part in value.split(","))
        except ValueError:
            raise Invalid(_("Four numbers of degrees: west, south, east, north."), field=name) from None
        is_box = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
        if not is_box or not all(math.isfinite(each) for each in (west, south, east, north)):
            raise Invalid(_("West lies left of east, south below north, all of them on earth."), field=name)
        west, south = point_in(west, south, self.system, field=name)
        east, north = point_in(east, north, self.system, field=name)
        return queryset.filter(lng__range=(west, east), lat__range=(south, north))


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
