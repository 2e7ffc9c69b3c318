"""Other systems' payloads: how they become orders, and those that came, to be tried again."""

from __future__ import annotations

import contextlib
import json
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import JSONField, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminTextareaWidget

from cases.actions.intake import look_ahead, retry_payload, save_mapping
from cases.admin.base import ConfigurationAdmin, LookedAhead, ReadOnlyAdmin, acting, for_each
from cases.intake import Mapped, filled_in, joined
from cases.models import IntakeMapping, IntakePayload
from governance.common.errors import Invalid
from partymembers.audit import address_of, read_personal
from partymembers.officers import officer_of

_TRY = "_try"
#: Characters of a payload that a page shows, and those that it indents: nesting multiplies their blanks.
_MOST_SHOWN = 100_000
_MOST_INDENTED = 20_000


class PrettyJSON(forms.JSONField):
    """JSON with its lines indented, as people write it."""

    def prepare_value(self, value: Any) -> Any:
        """The text in the field; what was typed wrong stays as it was typed."""
        if isinstance(value, str) or value is None:
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)


class MappingForm(forms.ModelForm):
    """A mapping, with a payload to try it on."""

    sample = forms.CharField(
        label=gettext_lazy("A payload to try"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text=gettext_lazy("Not saved. Leave out whom it is about."),
    )


@admin.register(IntakeMapping)
class IntakeMappingAdmin(ConfigurationAdmin):
    """Which of another system's fields are which of ours."""

    form = MappingForm
    change_form_before_template = "admin/cases/intake_preview.html"
    change_form_after_template = "admin/cases/intake_try.html"
    list_display = ["source", "account", "crs", "time_zone"]
    list_select_related = ["account__user"]
    formfield_overrides: ClassVar[dict[Any, Any]] = {
        JSONField: {"form_class": PrettyJSON, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 14})}
    }

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Whose mapping it is stays."""
        return ["account"] if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form; one that only tries a payload is not saved."""
        base = super().get_form(request, obj, change=change, **kwargs)
        return type(base.__name__, (LookedAhead, base), {}) if _TRY in request.POST else base

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save by the action, which checks."""
        save_mapping(obj, **acting(request))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With what would become of the payload, where that was asked."""
        form = context["adminform"].form
        if getattr(form, "is_sound", False):
            context |= _tried(form.instance, form.cleaned_data["sample"])
        context["may_try"] = self.has_change_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)


def _tried(mapping: IntakeMapping, sample: str) -> dict[str, Any]:
    """For the template: what each of our fields would say, what is wrong, and the answer."""
    try:
        found = look_ahead(mapping, sample.encode(), at=timezone.now())
    except Invalid as error:
        found = Mapped(errors=[{"field": error.field, "code": error.code, "detail": str(error.message)}])
    wrong = [[each["field"], each["detail"]] for each in [*found.errors, *found.remarks]]
    facts = {"number": "261120-000001", "state": "reported", "outcome": "created"}
    answer = filled_in(mapping.answer, facts | {"source_number": found.text("source_number")})
    return {
        "tried": True,
        "is_taken": not found.errors,
        "values": {
            "headers": [_("our field"), _("value")],
            "rows": [[name, str(value)] for name, value in found.values.items()],
        },
        "wrong": {"headers": [_("their field"), _("what is wrong")], "rows": wrong},
        "answer": json.dumps(answer, ensure_ascii=False, indent=2),
    }


@admin.register(IntakePayload)
class IntakePayloadAdmin(ReadOnlyAdmin):
    """What came, and what became of it. What it says is opened one by one, and each opening is audited."""

    readers = frozenset()
    list_display = ["received_at", "account", "source_number", "outcome", "order", "why", "tries"]
    list_display_links = ["received_at"]  # type: ignore[assignment]  # here a row has a page
    list_filter = ["outcome", "account"]
    search_fields = ["source_number", "case__number"]
    list_select_related = ["account__user", "case"]
    show_full_result_count = False
    actions: ClassVar[list[str]] = ["try_again"]
    fields = [
        "received_at",
        "account",
        "source_number",
        "outcome",
        "order",
        "why",
        "tries",
        "tried_at",
        "said",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[IntakePayload]:
        """Lists do without what was said."""
        return super().get_queryset(request).defer("body")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything."""
        return list(self.fields)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One payload, without buttons to save."""
        hidden = {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **hidden})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """What was said is shown; who opened it stands in the audit trail."""
        officer, ip, at = officer_of(request), address_of(request), timezone.now()
        read_personal(officer, what="intake_payload", value="", target=context["original"], at=at, ip=ip)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=gettext_lazy("order"), ordering="case__number")
    def order(self, row: IntakePayload) -> str:
        """The order's number."""
        return row.case.number if row.case else "—"

    @admin.display(description=gettext_lazy("what is wrong"))
    def why(self, row: IntakePayload) -> str:
        """Every error, with the payload's own field."""
        return joined(row.errors) or "—"

    @admin.display(description=gettext_lazy("payload"))
    def said(self, row: IntakePayload) -> str:
        """What came, indented where it is JSON of a sound size; of a huge one its beginning."""
        text = bytes(row.body).decode("utf-8", "replace")
        if len(text) <= _MOST_INDENTED:
            with contextlib.suppress(ValueError, RecursionError):
                text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
        rest = "…" if len(text) > _MOST_SHOWN else ""
        return format_html('<pre class="payload">{}{}</pre>', text[:_MOST_SHOWN], rest)

    @admin.action(description=gettext_lazy("Try again now"), permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[IntakePayload]) -> None:
        """Make orders of the chosen payloads, as the mapping is now."""
        for_each(
            request,
            queryset.order_by("pk"),
            lambda row: retry_payload(payload_id=row.pk, **acting(request)),
            _tried_again,
        )


def _tried_again(count: int) -> str:
    told = ngettext("%(count)d payload was tried again.", "%(count)d payloads were tried again.", count)
    return told % {"count": count}
