"""The escalation ladder, with a look at what an edit would do; and the orders that cannot be escalated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminSelectWidget

from cases.actions.quarantine import retry_clock
from cases.admin.base import ConfigurationAdmin, LookedAhead, ReadOnlyAdmin, acting, for_each
from cases.ladder_preview import Counts, Line, preview_ladder, with_rung
from cases.models import LadderRung, QuarantinedClock
from cases.models.parts import QuarantinedClockQuerySet
from cases.workflow import Kind
from governance.common.errors import WrongState

_PREVIEW = "_preview"
#: Of the limit, for a rung and for its repetition. Beyond, a long limit's rung would stand after the last
#: day that there is, and no clock whose next rung it is could be reckoned.
_MOST_PERCENT = 100_000


class LadderRungForm(forms.ModelForm):
    """The kind of order is chosen from those that there are; a slip of the finger is no percentage."""

    kind = forms.ChoiceField(
        label=gettext_lazy("kind of order"),
        choices=[("", gettext_lazy("All")), *Kind.choices],
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"percent", "repeat_every"} & {*self.fields}:  # who only reads has neither
            self.fields[name].validators.append(MaxValueValidator(_MOST_PERCENT))


@admin.register(LadderRung)
class LadderRungAdmin(ConfigurationAdmin):
    """What happens at which share of a clock's limit."""

    form = LadderRungForm
    change_form_before_template = "admin/cases/ladder_preview.html"
    change_form_after_template = "admin/cases/ladder_preview_button.html"
    list_display = [
        "percent",
        "deed",
        "repeat_every",
        "kind_of_order",
        "stage",
        "urgency",
        "matter_class",
        "is_active",
    ]
    list_filter = ["is_active", "deed", "urgency", "stage"]
    list_select_related = ["matter_class"]
    autocomplete_fields = ["matter_class"]
    #: A rung that leaves one of these open holds for every one of them.
    empty_value_display = gettext_lazy("All")

    @admin.display(description=gettext_lazy("kind of order"), ordering="kind")
    def kind_of_order(self, row: LadderRung) -> str:
        """The kind in words."""
        return str(Kind(row.kind).label) if row.kind else _("All")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form; one that only asks for the preview is not saved."""
        base = super().get_form(request, obj, change=change, **kwargs)
        return type(base.__name__, (LookedAhead, base), {}) if _PREVIEW in request.POST else base

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With what the ladder would do to the open orders, where that was asked."""
        form = context["adminform"].form
        if getattr(form, "is_sound", False):
            current = LadderRung.objects.filter(is_active=True)
            preview = preview_ladder(with_rung(current, form.instance), at=timezone.now())
            changed = [line for line in preview.lines if line.is_changed]
            same = [line for line in preview.lines if not line.is_changed]
            context |= {"preview": preview, "changed": _table(changed), "same": _table(same)}
        context["may_preview"] = self.has_change_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)


def _table(lines: Iterable[Line]) -> dict[str, list[Any]]:
    """As the site's tables want it."""
    return {
        "headers": [_("rung"), _("stage"), _("due at once"), _("within 24 hours")],
        "rows": [[_rung(line), line.stage, *_counts(line.now, line.then)] for line in lines],
    }


def _rung(line: Line) -> str:
    percent = f"{line.key.percent} %"
    if line.key.repeat_every:
        percent = _("%(percent)s and each further %(repeat)d %%") % {
            "percent": percent,
            "repeat": line.key.repeat_every,
        }
    return f"{percent} · {line.deed}"


def _counts(now: Counts, then: Counts) -> list[str]:
    return [
        f"{before:,}" if before == after else f"{before:,} → {after:,}"
        for before, after in zip(now, then, strict=True)
    ]


class ResolvedFilter(admin.SimpleListFilter):
    """What waits, unless something else is chosen."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Beside those that wait."""
        return [("resolved", _("Resolved")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        """The first choice is what waits."""
        first, *others = super().choices(changelist)
        return [{**first, "display": _("Tried again")}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those in the chosen state."""
        if self.value() == "all":
            return queryset
        if self.value() == "resolved":
            return queryset.filter(resolved_at__isnull=False)
        return queryset.filter(pk__in=QuarantinedClock.objects.waiting().values("pk"))


@admin.register(QuarantinedClock)
class QuarantinedClockAdmin(ReadOnlyAdmin):
    """Orders whose next rung failed: why, how often, since when, and when it is tried again."""

    list_display = [
        "number",
        "stage",
        "percent",
        "error",
        "times",
        "since",
        "last_at",
        "next_try",
        "resolved_at",
    ]
    list_filter = [ResolvedFilter]
    search_fields = ["clock__case__number"]
    list_select_related = ["clock__case"]
    actions: ClassVar[list[str]] = ["try_again"]

    @admin.display(description=gettext_lazy("order number"), ordering="clock__case__number")
    def number(self, row: QuarantinedClock) -> str:
        """The order's number."""
        return row.clock.case.number

    @admin.display(description=gettext_lazy("stage"), ordering="clock__stage")
    def stage(self, row: QuarantinedClock) -> str:
        """The stage whose clock it is."""
        return row.clock.get_stage_display()

    @admin.display(description=gettext_lazy("rung"))
    def percent(self, row: QuarantinedClock) -> str:
        """Where the rung stands that it waits at."""
        percent = row.clock.next_rung_percent
        return "—" if percent is None else f"{percent} %"

    @admin.display(description=gettext_lazy("next try at"), ordering="clock__next_rung_at")
    def next_try(self, row: QuarantinedClock) -> Any:
        """When the sweep tries it again."""
        return None if row.resolved_at else row.clock.next_rung_at

    @admin.action(description=gettext_lazy("Try again now"), permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuarantinedClockQuerySet) -> None:
        """Take the rungs of the chosen orders now."""
        for_each(
            request,
            queryset.waiting(),
            lambda row: _retry(request, row),
            lambda count: (
                ngettext("%d order is escalated again.", "%d orders are escalated again.", count) % count
            ),
        )


def _retry(request: HttpRequest, row: QuarantinedClock) -> None:
    if not retry_clock(clock_id=row.pk, **acting(request)):
        raise WrongState(_("It failed again; the error is in the list."))
