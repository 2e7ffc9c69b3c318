"""What was not handed over: events that a reader could not take, and messages that did not get out.

The system officer tries them again or, for an event, skips it; the other officers look. Nobody sees whom a
message is for by name, nor what it says.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.actions.delivering import retry_outbound_message
from cases.actions.setting_aside import retry_stuck_event, skip_stuck_event
from cases.admin.base import ReadOnlyAdmin, acting, for_each
from cases.events import label_of
from cases.models import OutboundMessage, StuckEvent

#: What the readers of the log do, in words.
READERS = {
    "in_app": gettext_lazy("notices in the portal"),
    "router": gettext_lazy("suggested units"),
    "strays": gettext_lazy("orders without anybody"),
    "merged_news": gettext_lazy("news of merged orders"),
}


class GivenUpFilter(admin.SimpleListFilter):
    """Given up, or tried again by itself."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The two states."""
        return [("dead", _("Given up")), ("trying", _("Tried again"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those in the chosen state."""
        return queryset.filter(dead_at__isnull=self.value() == "trying") if self.value() else queryset


@admin.register(StuckEvent)
class StuckEventAdmin(ReadOnlyAdmin):
    """The first stuck event of each order and reader, with how many wait behind it."""

    list_display = [
        "reader",
        "number",
        "kind",
        "error",
        "tries",
        "behind",
        "since",
        "next_try_at",
        "dead_at",
    ]
    list_filter = [GivenUpFilter, "consumer"]
    search_fields = ["case__number"]
    ordering = [F("dead_at").desc(nulls_last=True), "position"]
    list_select_related = ["case", "event"]
    actions = ["try_again", "skip"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[StuckEvent]:
        """What waits behind another is counted, not listed."""
        others = (
            StuckEvent.objects.filter(consumer=OuterRef("consumer"), case=OuterRef("case"))
            .order_by()
            .values("case")
            .annotate(number=Count("pk"))
            .values("number")
        )
        firsts = super().get_queryset(request).filter(Q(next_try_at__isnull=False) | Q(dead_at__isnull=False))
        return firsts.annotate(waiting=Coalesce(Subquery(others, output_field=IntegerField()), 1) - 1)

    @admin.display(description=gettext_lazy("reader"), ordering="consumer")
    def reader(self, row: StuckEvent) -> str:
        """What it does, and its name in the log."""
        return f"{READERS[row.consumer]} · {row.consumer}" if row.consumer in READERS else row.consumer

    @admin.display(description=gettext_lazy("order number"), ordering="case__number")
    def number(self, row: StuckEvent) -> str:
        """The order's number."""
        return row.case.number

    @admin.display(description=gettext_lazy("event"), ordering="position")
    def kind(self, row: StuckEvent) -> str:
        """What happened, and its position in the log."""
        return f"{label_of(row.event.kind)} · {row.position}"

    @admin.display(description=gettext_lazy("behind it"), ordering="waiting")
    def behind(self, row: Any) -> int:
        """Later events of the order that wait."""
        return int(row.waiting)

    @admin.action(description=gettext_lazy("Try again now"), permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[StuckEvent]) -> None:
        """Hand the chosen events over again."""
        for_each(
            request,
            queryset,
            lambda row: retry_stuck_event(stuck_id=row.pk, **acting(request)),
            lambda count: ngettext("%d event is tried again.", "%d events are tried again.", count) % count,
        )

    @admin.action(description=gettext_lazy("Skip…"), permissions=["change"])
    def skip(self, request: HttpRequest, queryset: QuerySet[StuckEvent]) -> HttpResponse | None:
        """Ask first, then let the readers go on without these events."""
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": _("Skip events"),
                "rows": [{"pk": row.pk, "words": self._in_words(row)} for row in queryset],
                "opts": self.model._meta,
            }
            return TemplateResponse(request, "admin/cases/skip_stuck_events.html", context)
        for_each(
            request,
            queryset,
            lambda row: skip_stuck_event(stuck_id=row.pk, **acting(request)),
            lambda count: ngettext("%d event is skipped.", "%d events are skipped.", count) % count,
        )
        return None

    def _in_words(self, row: StuckEvent) -> str:
        """As the list says it: who reads, which order, what happened, why it failed, what waits behind."""
        parts = [self.reader(row), self.number(row), self.kind(row), row.error]
        if waiting := self.behind(row):
            parts.append(ngettext("%d later event waits", "%d later events wait", waiting) % waiting)
        return " · ".join(filter(None, parts))


@admin.register(OutboundMessage)
class OutboundMessageAdmin(ReadOnlyAdmin):
    """Messages that left or should have left the portal; those that were given up can be sent again."""

    list_display = [
        "identity",
        "channel",
        "kind",
        "state",
        "error",
        "tries",
        "made_at",
        "next_try_at",
        "ended_at",
    ]
    list_filter = ["state", "channel", "kind"]
    ordering = ["-pk"]
    show_full_result_count = False
    actions = ["send_again"]
    exclude = ["recipient"]

    @admin.display(description=gettext_lazy("message key"), ordering="key")
    def identity(self, row: OutboundMessage) -> str:
        """What the gateway knows it by."""
        return str(row.key)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything but the recipient."""
        return [name for name in super().get_readonly_fields(request, obj) if name != "recipient"]

    @admin.action(description=gettext_lazy("Send again"), permissions=["change"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboundMessage]) -> None:
        """Send what was given up, with its old key."""
        for_each(
            request,
            queryset,
            lambda row: retry_outbound_message(message_id=row.pk, **acting(request)),
            lambda count: ngettext("%d message is sent again.", "%d messages are sent again.", count) % count,
        )
