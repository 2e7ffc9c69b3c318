"""The security officer's pages of connected systems: who they are, where they reach, whether they call."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from partymembers.actions import disable_user, enable_user
from partymembers.actions import service_accounts as actions
from partymembers.admin_keys import SOON, KeyPages, scopes_of, state_of
from partymembers.models import ApiKey, Role, ServiceAccount
from partymembers.officers import CONSTRAINT_WORDS, GrantedBySecurityOfficer, Notice, notices_for, who_acts

_LIST = "admin:partymembers_serviceaccount_changelist"
_ROW = "admin:partymembers_serviceaccount_change"

CONSTRAINT_WORDS["service_account_over_what_its_duty_needs"] = (
    "duty",
    gettext_lazy(
        "A system at a desk, or one that reads, needs a place; one that acts for a unit needs a unit. "
        "Leave the other empty."
    ),
)


@notices_for(Role.SECURITY_OFFICER)
def ending_soon(at: datetime) -> list[Notice]:
    """Keys that end within a month and have no successor: their systems will fall silent."""
    ending = ApiKey.objects.filter(
        revoked_at=None, replaced_by=None, expires_at__gt=at, expires_at__lte=at + SOON,
        account__user__disabled_at=None,
    )  # fmt: skip
    if not (count := ending.count()):
        return []
    told = ngettext(
        "%(count)d API key ends within 30 days. Rotate it with those who use it.",
        "%(count)d API keys end within 30 days. Rotate them with those who use them.",
        count,
    )
    return [Notice(told % {"count": count}, _LIST)]


class _AccountForm(forms.ModelForm):
    """What may be changed of a connected system: its name, and who answers for it."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=50,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("What people read in the history of an order."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.fields["name"].initial = self.instance.user.name


class _NewAccountForm(_AccountForm):
    """A new system; its code and its reach stay for ever."""

    username = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=50,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Letters, digits and . _ - only; it stands in the audit trail and in logs."),
    )


@admin.register(ServiceAccount)
class ServiceAccountAdmin(GrantedBySecurityOfficer, KeyPages):
    """Connected systems, and below each its keys."""

    list_display = [
        "shown_name", "code", "shown_duty", "reach", "shown_sandbox", "shown_state", "shown_keys",
        "shown_use",
    ]  # fmt: skip
    list_filter = ["duty", "is_sandbox", ("user__disabled_at", admin.EmptyFieldListFilter)]
    search_fields = ["user__username", "user__name", "place__name", "place__code", "unit__name", "contact"]
    autocomplete_fields = ["place", "unit"]
    ordering = ["user__username"]
    change_form_outer_after_template = "admin/partymembers/serviceaccount/keys.html"
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceAccount]:
        """Systems with how many keys open, and when one last did."""
        opens = Q(keys__revoked_at=None, keys__expires_at__gt=timezone.now())
        rows = super().get_queryset(request).select_related("user", "place", "unit")
        return rows.annotate(valid_keys=Count("keys", opens), last_use=Max("keys__last_used_at"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """A new system has a code, too."""
        kwargs["form"] = _NewAccountForm if obj is None else _AccountForm
        kwargs["labels"] = {"duty": _("What it does")}
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What may be typed, and for a known system what else there is to see."""
        if obj is None:
            return ["username", "name", "duty", "place", "unit", "is_sandbox", "contact"]
        return ["code", "name", "shown_duty", "reach", "kind_of_data", "contact", "state", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Another reach is another system: what was done under the old one stays true."""
        return [] if obj is None else ["code", "shown_duty", "reach", "kind_of_data", "state", "created_at"]

    def save_model(self, request: HttpRequest, obj: ServiceAccount, form: Any, change: bool) -> None:
        """Add or change through the actions."""
        typed = form.cleaned_data
        if change:
            actions.change_service_account(
                account_id=obj.pk, name=typed["name"], contact=typed["contact"], **who_acts(request)
            )
            return
        account = actions.add_service_account(
            code=typed["username"],
            name=typed["name"],
            **{name: typed[name] for name in ("duty", "place", "unit", "is_sandbox", "contact")},
            **who_acts(request),
        )
        obj.pk, obj.user, obj._state.adding = account.pk, account.user, False

    def response_post_save_add(self, request: HttpRequest, obj: ServiceAccount) -> HttpResponse:
        """On to the new system's page: without a key it opens nothing."""
        return redirect(_ROW, obj.pk)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form, and the keys below it."""
        at = timezone.now()
        keys = ApiKey.objects.select_related("replaced_by", "created_by")
        keys = keys.filter(account=int(object_id) if object_id.isdecimal() else None)
        told = [(key, *state_of(key, at), key.is_valid(at), scopes_of(key)) for key in keys]
        extra = {"keys": told, "may_issue": self.has_change_permission(request)}
        return super().change_view(request, object_id, *args, extra_context=extra, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        """Pages more: a key is issued, rotated, revoked; a system is disabled, enabled."""
        pages = {
            "<int:account_id>/keys/add/": (self.issue_view, "issue_key"),
            "keys/<int:key_id>/rotate/": (self.rotate_view, "rotate_key"),
            "keys/<int:key_id>/revoke/": (self.revoke_view, "revoke_key"),
            "<int:account_id>/disable/": (self.disable_view, "disable_system"),
            "<int:account_id>/enable/": (self.enable_view, "enable_system"),
        }
        own = [
            path(where, self.admin_site.admin_view(view), name=f"partymembers_{name}")
            for where, (view, name) in pages.items()
        ]
        return [*own, *super().get_urls()]

    def disable_view(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Shut out a whole system, after asking."""
        account = self.account_of(request, account_id)
        return self.confirm(
            request,
            account,
            lambda: disable_user(user_id=account.user_id, **who_acts(request)),
            _("%(system)s is disabled.") % {"system": account},
            {
                "title": _("Disable %(system)s?") % {"system": account},
                "told": _("None of its keys opens anything until it is enabled again."),
                "button": _("Disable"),
            },
        )

    def enable_view(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Let a whole system in again, after asking."""
        account = self.account_of(request, account_id)
        return self.confirm(
            request,
            account,
            lambda: enable_user(user_id=account.user_id, **who_acts(request)),
            _("%(system)s is enabled.") % {"system": account},
            {
                "title": _("Enable %(system)s?") % {"system": account},
                "told": _("Those of its keys that are still valid open again."),
                "button": _("Enable"),
            },
        )

    @display(description=gettext_lazy("name"), ordering="user__name")
    def shown_name(self, account: ServiceAccount) -> str:
        """The name, as the history of orders has it."""
        return account.user.name

    @display(description=gettext_lazy("code"), ordering="user__username")
    def code(self, account: ServiceAccount) -> str:
        """The name in trail and logs."""
        return account.user.username

    @display(description=gettext_lazy("What it does"), ordering="duty")
    def shown_duty(self, account: ServiceAccount) -> str:
        """In whose stead it acts."""
        return account.get_duty_display()

    @display(description=gettext_lazy("place or unit"))
    def reach(self, account: ServiceAccount) -> str:
        """Where it acts, or for whom."""
        return str(account.place or account.unit)

    @display(description=gettext_lazy("kind of data"), label={"sandbox": "warning", "real": "info"})
    def shown_sandbox(self, account: ServiceAccount) -> tuple[str, str]:
        """Whether its orders are tests."""
        return ("sandbox", _("Sandbox")) if account.is_sandbox else ("real", _("Real"))

    @display(description=gettext_lazy("kind of data"))
    def kind_of_data(self, account: ServiceAccount) -> str:
        """The same in words."""
        return self.shown_sandbox(account)[1]

    @display(description=gettext_lazy("state"))
    def state(self, account: ServiceAccount) -> str:
        """Whether its keys open anything, in words."""
        return self.shown_state(account)[1]

    @display(description=gettext_lazy("state"), label={"on": "success", "off": "danger"})
    def shown_state(self, account: ServiceAccount) -> tuple[str, str]:
        """Whether its keys open anything."""
        return ("on", _("Enabled")) if account.user.is_active else ("off", _("Disabled"))

    @display(description=gettext_lazy("valid keys"), ordering="valid_keys")
    def shown_keys(self, account: Any) -> int:
        """How many keys open today."""
        return int(account.valid_keys)

    @display(description=gettext_lazy("last used"), ordering="last_use")
    def shown_use(self, account: Any) -> datetime | None:
        """When any of its keys last opened."""
        return account.last_use
