"""The audit officer's page: the trail, read, searched and exported."""

from __future__ import annotations

import csv
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from governance.common.text import spreadsheet_safe
from partymembers.audit import address_of, label_of, record_access, words_of
from partymembers.models import AuditEntry
from partymembers.officers import ReadByAuditOfficer, officer_of


class ActionFilter(admin.SimpleListFilter):
    """By what was done, in words; the address keeps the code."""

    title = gettext_lazy("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every action in the trail, in the order of its words."""
        codes = AuditEntry.objects.order_by().values_list("action", flat=True).distinct()
        return sorted(((code, label_of(code)) for code in codes), key=lambda each: each[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """The entries of the chosen action."""
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadByAuditOfficer, ModelAdmin):
    """The audit trail: read, searched, exported."""

    list_display = ["at", "actor", "shown_action", "shown_target", "ip"]
    list_select_related = ["actor"]
    fields = ["at", "shown_actor", "shown_action", "shown_code", "target", "ip", "data"]
    readonly_fields = ["shown_actor", "shown_action", "shown_code"]
    list_filter = ["at", ActionFilter]
    search_fields = ["target", "action", "actor__name", "actor__username", "ip"]
    actions = ["export_chosen"]
    show_full_result_count = False
    list_per_page = 50

    @admin.display(description=gettext_lazy("action"), ordering="action")
    def shown_action(self, entry: AuditEntry) -> str:
        """The action in words."""
        return label_of(entry.action)

    @admin.display(description=gettext_lazy("target"), ordering="target")
    def shown_target(self, entry: AuditEntry) -> str:
        """Whom or what it concerns, with the kind in words."""
        return words_of(entry.target)

    @admin.display(description=gettext_lazy("actor"))
    def shown_actor(self, entry: AuditEntry) -> str:
        """Who did it, by name and staff number; their page is not the audit officer's to open."""
        return f"{entry.actor.name}（{entry.actor.username}）" if entry.actor else "—"

    @admin.display(description=gettext_lazy("code of the action"))
    def shown_code(self, entry: AuditEntry) -> str:
        """The action as the log and the export call it."""
        return entry.action

    @admin.action(description=gettext_lazy("Export the chosen entries (CSV)"), permissions=["view"])
    def export_chosen(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> HttpResponse:
        """A table whose cells no spreadsheet computes; the export itself is written down too."""
        rows = queryset.select_related("actor")
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="audit-{timezone.localdate():%Y%m%d}.csv"'
        response.write("\ufeff")
        table = csv.writer(response)
        table.writerow(["at", "actor", "action", "target", "ip", "details"])
        count = 0
        for entry in rows.iterator(chunk_size=2000):
            table.writerow([spreadsheet_safe(cell) for cell in _cells(entry)])
            count += 1
        actor, ip = officer_of(request), address_of(request)
        record_access(actor, "audit_exported", "", ip, at=timezone.now(), entries=count)
        return response


def _cells(entry: AuditEntry) -> list[str]:
    actor = entry.actor.username if entry.actor else ""
    at = timezone.localtime(entry.at).isoformat(sep=" ", timespec="seconds")
    return [at, actor, entry.action, entry.target, entry.ip or "", str(entry.data)]
