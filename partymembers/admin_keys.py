"""The pages of a connected system's keys: issued, rotated, revoked.

A new key is shown on the answer to the form that made it and nowhere else: no redirect, so no session,
message or cache ever holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from governance.common.errors import DomainError
from partymembers.actions import service_accounts as actions
from partymembers.models import ApiKey, ServiceAccount
from partymembers.officers import who_acts
from partymembers.scopes import SCOPES

#: How long before its end a key asks for a successor.
SOON = timedelta(days=30)
_ROW = "admin:partymembers_serviceaccount_change"
_FOLDER = "admin/partymembers/serviceaccount"


def state_of(key: ApiKey, at: datetime) -> tuple[str, str]:
    """What a key is good for, in words, and in which tone."""
    if key.revoked_at is not None:
        return _("Revoked"), "danger"
    if not key.is_valid(at):
        return _("Expired"), "danger"
    if key.replaced_by_id is not None:
        return _("Replaced, opens until its end"), "warning"
    return (_("Ends soon"), "warning") if key.expires_at <= at + SOON else (_("Valid"), "success")


def scopes_of(key: ApiKey) -> list[tuple[str, str]]:
    """The key's scopes, each with what it opens."""
    return [(name, str(SCOPES[name])) for name in key.scopes if name in SCOPES]


def _year_from_today() -> date:
    return timezone.localdate() + timedelta(days=365)


def end_of_day(day: date) -> datetime:
    """The last second of a day."""
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))


class _SuccessorForm(forms.Form):
    """How long the new key opens, and how long the old one still does."""

    expires_on = forms.DateField(
        label=gettext_lazy("Valid until"),
        initial=_year_from_today,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=gettext_lazy("This day included; 399 days from today at most."),
    )
    overlap = forms.IntegerField(
        label=gettext_lazy("Days during which the old key opens, too"),
        initial=actions.OVERLAP.days,
        min_value=0,
        max_value=90,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"class": "w-32"}),
        help_text=gettext_lazy("Time for the other side to put the new key in. With 0 the old one ends now."),
    )


class _KeyForm(forms.Form):
    """A new key: what it is for, what it opens, for how long and how often."""

    label = forms.CharField(
        label=gettext_lazy("Name of the key"),
        max_length=50,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Where it will be put in: “hotline, production”."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=lambda: [(name, told) for name, told in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple(attrs={"class": UnfoldBooleanWidget().attrs["class"]}),
    )
    expires_on = _SuccessorForm.base_fields["expires_on"]
    rate = forms.IntegerField(
        label=gettext_lazy("Requests a minute"),
        initial=600,
        min_value=1,
        max_value=actions.MOST_RATE,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"class": "w-32"}),
        help_text=gettext_lazy("More than these are refused with 429."),
    )

    def groups(self) -> list[tuple[str, list[Any]]]:
        """The scopes' check boxes: those that read, those that write."""
        boxes = list(self["scopes"])
        return [
            (_("Reading"), [box for box in boxes if box.data["value"].endswith(":read")]),
            (_("Writing"), [box for box in boxes if not box.data["value"].endswith(":read")]),
        ]


class KeyPages(ModelAdmin):
    """What the admin of connected systems has beside its list and form."""

    def issue_view(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Make a key."""
        account = self.account_of(request, account_id)
        form = _KeyForm(request.POST if request.method == "POST" else None)

        def make() -> tuple[ApiKey, str]:
            typed = form.cleaned_data
            return actions.issue_key(
                account_id=account.pk, label=typed["label"], scopes=typed["scopes"], rate=typed["rate"],
                expires_at=end_of_day(typed["expires_on"]), **who_acts(request),
            )  # fmt: skip

        title = _("New key for %(system)s") % {"system": account}
        return self._make_key(request, account, form, make, title=title, template="issue")

    def rotate_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Make a key's successor."""
        key = self._key(request, key_id)
        form = _SuccessorForm(request.POST if request.method == "POST" else None)

        def make() -> tuple[ApiKey, str]:
            typed = form.cleaned_data
            return actions.rotate_key(
                key_id=key.pk, overlap=timedelta(days=typed["overlap"]),
                expires_at=end_of_day(typed["expires_on"]), **who_acts(request),
            )  # fmt: skip

        title = _("Rotate %(key)s") % {"key": key}
        return self._make_key(request, key.account, form, make, title=title, template="rotate")

    @sensitive_variables("secret")
    def _make_key(
        self,
        request: HttpRequest,
        account: ServiceAccount,
        form: forms.Form,
        make: Callable[[], tuple[ApiKey, str]],
        *,
        title: str,
        template: str,
    ) -> HttpResponse:
        """Ask; then show the key, in this answer alone."""
        if request.method == "POST" and form.is_valid():
            try:
                key, secret = make()
            except DomainError as refusal:
                field = "expires_on" if refusal.field == "expires_at" else refusal.field
                form.add_error(field if field in form.fields else None, str(refusal.message))
            else:
                shown: dict[str, Any] = {
                    "title": _("The new key"),
                    "key": key,
                    "secret": secret,
                    "scopes": scopes_of(key),
                }
                shown["copy"] = {"data-copy-secret": True, "type": "button"}
                return self._page(request, account, "shown", shown)
        status = 400 if form.errors else 200
        return self._page(request, account, template, {"form": form, "title": title}, status=status)

    def revoke_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Shut a key's door, after asking."""
        key = self._key(request, key_id)
        return self.confirm(
            request,
            key.account,
            lambda: actions.revoke_key(key_id=key.pk, **who_acts(request)),
            _("%(key)s is revoked.") % {"key": key},
            {
                "title": _("Revoke %(key)s?") % {"key": key},
                "told": _("Whoever calls with it is refused from now on. This cannot be undone."),
                "button": _("Revoke this key"),
            },
        )

    def confirm(
        self,
        request: HttpRequest,
        account: ServiceAccount,
        act: Callable[[], object],
        done: str,
        told: dict[str, str],
    ) -> HttpResponse:
        """Ask on a page (its `title`, what is `told` and its `button`); on a POST act and say so."""
        if request.method != "POST":
            return self._page(request, account, "confirm", told)
        try:
            act()
        except DomainError as refusal:
            messages.error(request, str(refusal.message))
        else:
            messages.success(request, done)
        return redirect(_ROW, account.pk)

    def _page(
        self,
        request: HttpRequest,
        account: ServiceAccount,
        name: str,
        facts: Mapping[str, Any],
        *,
        status: int = 200,
    ) -> HttpResponse:
        """One of the pages beside the form; kept by no cache."""
        context = self.admin_site.each_context(request) | {"opts": self.opts, "account": account, **facts}
        response = TemplateResponse(request, f"{_FOLDER}/{name}.html", context, status=status)
        response.headers["Cache-Control"] = "no-store"
        return response

    def account_of(self, request: HttpRequest, account_id: int) -> ServiceAccount:
        """The system, for whoever may change it. Raises Http404."""
        found = ServiceAccount.objects.select_related("user").filter(pk=account_id).first()
        if found is None or not self.has_change_permission(request):
            raise Http404
        return found

    def _key(self, request: HttpRequest, key_id: int) -> ApiKey:
        found = ApiKey.objects.select_related("account__user").filter(pk=key_id).first()
        if found is None or not self.has_change_permission(request):
            raise Http404
        return found
