"""The list of matters over the API: what may be reported, and how long its handling may take."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.catalogue import in_force_at, matter_by_code
from cases.models import Matter, MatterClass, Standard, Urgency
from cases.models.catalogue import TIMER_CHOICES
from governance.common.api.asked import choice_of, flag_of, no_such_code, text_of
from governance.common.api.fields import ChosenFields
from governance.common.api.views import Endpoint
from governance.common.errors import NotVisible

_IN_FORCE = "standards_in_force"


class MatterClassRef(serializers.Serializer[MatterClass]):
    """A major class 大类."""

    code = serializers.CharField(source="full_code", help_text="Its half and number: event-01.")
    name = serializers.CharField()


class StandardRow(serializers.Serializer[Standard]):
    """A condition with its limit. A matter may have several: the desk picks which one applies."""

    number = serializers.IntegerField(source="sequence", help_text="Its turn within the matter.")
    condition = serializers.CharField(allow_blank=True, help_text="When the matter is taken up 立案条件.")
    close_condition = serializers.CharField(allow_blank=True, help_text="When it is done 结案条件.")
    amount = serializers.FloatField(help_text="The time limit for handling, in units of timer_type.")
    timer_type = serializers.ChoiceField(
        choices=TIMER_CHOICES,
        help_text="Urgent hours run day and night, working hours and days on the service calendar.",
    )
    urgency = serializers.ChoiceField(choices=Urgency.choices)
    owner = serializers.CharField(
        source="owner_role.name", default=None, allow_null=True, help_text="The kind of owner it names."
    )
    valid_from = serializers.DateTimeField()
    valid_to = serializers.DateTimeField(allow_null=True, help_text="Null while no end is known.")


class MatterRow(ChosenFields):
    """A matter with its standards."""

    code = serializers.CharField(
        source="full_code", help_text="Half, major and minor class: event-01-11. Orders name it so."
    )
    name = serializers.CharField()
    kind = serializers.ChoiceField(
        source="matter_class.section",
        choices=MatterClass.Section.choices,
        help_text="component 部件: a thing of the city; event 事件: what goes on there; wish 微心愿.",
    )
    matter_class = MatterClassRef()
    keywords = serializers.SerializerMethodField(help_text="Everyday words for it.")
    direct_dispatch = serializers.BooleanField(help_text="Accepted and dispatched without the desk.")
    needs_photo = serializers.BooleanField(help_text="Whether its result has to be shown by a photo.")
    is_fallback = serializers.BooleanField(help_text="For what fits nowhere else.")
    retired_at = serializers.DateTimeField(allow_null=True, help_text="Reported no more since.")
    standards = StandardRow(many=True, source=_IN_FORCE, help_text="Those in force now.")

    def get_keywords(self, matter: Matter) -> list[str]:
        """Stored as they are typed, with spaces between."""
        return matter.keywords.split()


class Matters(Endpoint):
    """The list of matters."""

    resource = "matters"
    order = "id"
    serializer_class = MatterRow
    parameters = frozenset({"kind", "matter_class", "q", "retired"})

    @extend_schema(
        operation_id="listMatters",
        summary="List matters",
        parameters=[
            OpenApiParameter("kind", str, enum=MatterClass.Section.values, description="Only of this kind."),
            OpenApiParameter("matter_class", str, description="Code of a major class, like event-01."),
            OpenApiParameter("q", str, description="Part of the name, an everyday word or a condition."),
            OpenApiParameter("retired", bool, default=False, description="Also those reported no more."),
        ],
        responses=MatterRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """What may be reported, each matter with the standards that are in force now.

        The list is the same for everybody. It changes a few times a year; `retired=true` keeps old codes
        readable.
        """
        rows: Any = self.paginate_queryset(asked_matters(request, timezone.now()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)


class MatterView(Endpoint):
    """One matter."""

    resource = "matters"
    serializer_class = MatterRow

    @extend_schema(
        operation_id="readMatter",
        summary="Read a matter",
        parameters=[
            OpenApiParameter("code", str, OpenApiParameter.PATH, description="Full code, like event-01-11.")
        ],
    )
    def get(self, request: Request, code: str) -> Response:
        """A matter by its code, also one that is reported no more."""
        found = matter_by_code(code)
        if found is None:
            raise NotVisible
        prefetch_related_objects([found], _standards(timezone.now()))
        return Response(self.get_serializer(found).data)


def asked_matters(request: Request, at: datetime) -> QuerySet[Matter]:
    """Matters as the query narrows them, with their standards; two queries. Raises Invalid."""
    rows = Matter.objects.select_related("matter_class").prefetch_related(_standards(at))
    if not flag_of(request, "retired"):
        rows = rows.filter(Q(retired_at__isnull=True) | Q(retired_at__gt=at))
    if kind := choice_of(request, "kind", MatterClass.Section.values):
        rows = rows.filter(matter_class__section=kind)
    if class_code := text_of(request, "matter_class"):
        rows = rows.filter(matter_class=_class_of(class_code))
    if text := text_of(request, "q"):
        said = Standard.objects.filter(condition__icontains=text).values("matter")
        rows = rows.filter(Q(name__icontains=text) | Q(keywords__icontains=text) | Q(pk__in=said))
    return rows


def _class_of(full_code: str) -> MatterClass:
    """The major class with this code. Raises Invalid."""
    section, _hyphen, code = full_code.partition("-")
    found = MatterClass.objects.filter(section=section, code=code).first()
    if found is None:
        raise no_such_code(full_code, field="matter_class")
    return found


def _standards(at: datetime) -> Prefetch[Any]:
    return Prefetch("standards", in_force_at(at), to_attr=_IN_FORCE)
