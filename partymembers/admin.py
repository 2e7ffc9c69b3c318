"""The officers' pages about people: users, units, posts, substitutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminPasswordWidget

from governance.common.errors import DomainError
from governance.common.formats import masked_phone
from partymembers import (  # noqa: F401  register their pages
    actions,
    admin_audit,
    admin_party,
    admin_service,
    admin_service_accounts,
)
from partymembers.audit import read_personal
from partymembers.models import Post, Role, Substitution, Unit, User
from partymembers.officers import (
    ConfiguredBySystemOfficer,
    GrantedBySecurityOfficer,
    who_acts,
)

admin.site.unregister(Group)  # posts decide, not groups


def _for_each(request: HttpRequest, rows: QuerySet[Any], act: Callable[[Any], object], done: str) -> None:
    """Do something to each chosen row; say how many it was done to, and why not to the others."""
    count = 0
    for row in rows:
        try:
            act(row)
            count += 1
        except DomainError as refusal:
            messages.error(request, f"{row}: {refusal.message}")
    if count:
        messages.success(request, done % {"count": count})


class _FirstPassword(forms.Form):
    """A first password, typed by the officer and changed by the user at sign-in."""

    password = forms.CharField(
        label=gettext_lazy("First password"),
        max_length=128,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("They must change it when they sign in."),
    )


class _NewUserForm(_FirstPassword, forms.ModelForm):
    """A new user with a first password."""


@admin.register(User)
@method_decorator(sensitive_post_parameters("password"), name="add_view")
@method_decorator(sensitive_post_parameters("password"), name="password_view")
class UserAdmin(GrantedBySecurityOfficer, ModelAdmin):
    """Users and their keys."""

    list_display = ["shown_name", "username", "shown_phone", "shown_posts", "shown_state"]
    search_fields = ["name", "username", "phone"]
    list_filter = [("disabled_at", admin.EmptyFieldListFilter), "posts__role"]
    ordering = ["username"]
    actions = ["disable_chosen", "enable_chosen"]
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Users with their posts; connected systems have pages of their own."""
        people = super().get_queryset(request).filter(is_service=False)
        return people.prefetch_related("posts__place", "posts__unit")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form for a new user asks for a first password."""
        if obj is None:
            kwargs["form"] = _NewUserForm
        kwargs["labels"] = {"name": _("Full name")}
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What may be typed, and for a known user what else there is to see."""
        if obj is None:
            return ["username", "name", "phone", "password"]
        return ["username", "name", "phone", "shown_state", "shown_posts", "last_login", "key"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A staff number stays for ever."""
        return [] if obj is None else ["username", "shown_state", "shown_posts", "last_login", "key"]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form shows the phone in full, which leaves a trace."""
        response = super().change_view(request, object_id, *args, **kwargs)
        user = User.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        if request.method == "GET" and response.status_code == 200 and user is not None and user.phone:
            read_personal(what="phone", value="", target=user, **who_acts(request))
        return response

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Add or correct through the actions."""
        phone = obj.phone or ""
        if change:
            actions.change_person(user_id=obj.pk, name=obj.name, phone=phone, **who_acts(request))
            return
        user = actions.add_user(
            staff_number=obj.username,
            name=obj.name,
            phone=phone,
            password=form.cleaned_data["password"],
            **who_acts(request),
        )
        obj.pk, obj._state.adding = user.pk, False

    def get_urls(self) -> list[URLPattern]:
        """One page more: a new first password."""
        view = self.admin_site.admin_view(self.password_view)
        return [
            path("<int:user_id>/password/", view, name="partymembers_user_password"),
            *super().get_urls(),
        ]

    def password_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Give somebody a new first password."""
        return _password_page(self, request, user_id)

    @admin.action(description=gettext_lazy("Disable the chosen users"))
    def disable_chosen(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Shut out at once; open orders return to the desk."""
        _for_each(
            request,
            queryset,
            lambda user: actions.disable_user(user_id=user.pk, **who_acts(request)),
            _("%(count)d disabled. Their open orders return to the desk."),
        )

    @admin.action(description=gettext_lazy("Enable the chosen users"))
    def enable_chosen(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Let in again."""
        _for_each(
            request,
            queryset,
            lambda user: actions.enable_user(user_id=user.pk, **who_acts(request)),
            _("%(count)d enabled."),
        )

    @admin.display(description=gettext_lazy("Full name"), ordering="name")
    def shown_name(self, user: User) -> str:
        """The name, called what a person's is called."""
        return user.name

    @admin.display(description=gettext_lazy("mobile phone"))
    def shown_phone(self, user: User) -> str:
        """The phone, masked."""
        return masked_phone(user.phone) or "—"

    @admin.display(description=gettext_lazy("posts"))
    def shown_posts(self, user: User) -> str:
        """The posts in force today."""
        today = timezone.localdate()
        held = [
            f"{post.place or post.unit or ''} {post.get_role_display()}".strip()
            for post in user.posts.all()
            if post.starts_on <= today and (post.ends_on is None or post.ends_on >= today)
        ]
        return "；".join(held) or "—"

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, user: User) -> str:
        """Whether they may sign in."""
        return _("May sign in") if user.is_active else _("Disabled")

    @admin.display(description=gettext_lazy("password"))
    def key(self, user: User) -> str:
        """A door to a new first password."""
        url = reverse("admin:partymembers_user_password", args=[user.pk])
        return format_html('<a href="{}">{}</a>', url, _("Give a new first password"))


def _password_page(model_admin: UserAdmin, request: HttpRequest, user_id: int) -> HttpResponse:
    """The page of a new first password, for the security officer."""
    if not model_admin.has_change_permission(request):
        raise Http404
    user = get_object_or_404(User.objects.people(), pk=user_id)
    form = _FirstPassword(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            password = form.cleaned_data["password"]
            actions.reset_password(user_id=user.pk, password=password, **who_acts(request))
        except DomainError as refusal:
            form.add_error("password" if refusal.field == "password" else None, str(refusal.message))
        else:
            messages.success(request, _("%(user)s has a new first password.") % {"user": user})
            return redirect("admin:partymembers_user_change", user.pk)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("New first password for %(user)s") % {"user": user},
        "opts": User._meta,
        "form": form,
        "user_row": user,
    }
    return render(request, "admin/partymembers/user/password.html", context)


@admin.register(Unit)
class UnitAdmin(ConfiguredBySystemOfficer, ModelAdmin):
    """Units; one that is no longer needed is disabled, never deleted."""

    may_delete = False
    list_display = ["code", "name", "kind", "parent", "phone", "disabled_at"]
    list_select_related = ["parent"]
    list_filter = ["kind", ("disabled_at", admin.EmptyFieldListFilter)]
    search_fields = ["code", "name"]
    fields = ["code", "name", "kind", "parent", "place", "phone", "disabled_at"]
    readonly_fields = ["disabled_at"]
    autocomplete_fields = ["parent"]
    actions = ["disable_chosen", "enable_chosen"]

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Places are searched where their pages are there."""
        return _searchable(self, ["parent", "place"])

    @admin.action(description=gettext_lazy("Disable the chosen units"), permissions=["change"])
    def disable_chosen(self, request: HttpRequest, queryset: QuerySet[Unit]) -> None:
        """No more orders; those they hold return to the desk."""
        _for_each(
            request,
            queryset,
            lambda unit: actions.disable_unit(unit_id=unit.pk, **who_acts(request)),
            _("%(count)d disabled. Their open orders return to the desk."),
        )

    @admin.action(description=gettext_lazy("Enable the chosen units"), permissions=["change"])
    def enable_chosen(self, request: HttpRequest, queryset: QuerySet[Unit]) -> None:
        """They receive orders again."""
        _for_each(
            request,
            queryset,
            lambda unit: actions.enable_unit(unit_id=unit.pk, **who_acts(request)),
            _("%(count)d enabled."),
        )


@admin.register(Post)
class PostAdmin(GrantedBySecurityOfficer, ModelAdmin):
    """Posts; a known one can only be given an earlier end."""

    list_display = ["user", "role", "place", "unit", "branch", "starts_on", "ends_on"]
    list_select_related = ["user", "place", "unit", "branch"]
    list_filter = ["role", "employment"]
    search_fields = [
        "user__name",
        "user__username",
        "place__name",
        "place__code",
        "unit__name",
        "branch__name",
    ]
    ordering = ["-starts_on", "-pk"]
    fields = ["user", "role", "place", "unit", "branch", "employment", "starts_on", "ends_on"]

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """People, places and units are searched, not listed."""
        return _searchable(self, ["user", "place", "unit", "branch"])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Only the end of a known post may move."""
        return [] if obj is None else [name for name in self.fields if name != "ends_on"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """To save a known post is to end it, so its end is asked for."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None and "ends_on" in form.base_fields:
            form.base_fields["ends_on"].required = True
        return form

    def save_model(self, request: HttpRequest, obj: Post, form: Any, change: bool) -> None:
        """Give or end through the actions."""
        if change:
            actions.end_post(post_id=obj.pk, ends_on=form.cleaned_data["ends_on"], **who_acts(request))
            return
        post = actions.give_post(
            user_id=obj.user_id,
            role=Role(obj.role),
            place=obj.place,
            unit=obj.unit,
            branch=obj.branch,
            employment=obj.employment,
            starts_on=obj.starts_on,
            ends_on=obj.ends_on,
            **who_acts(request),
        )
        obj.pk, obj._state.adding = post.pk, False


@admin.register(Substitution)
class SubstitutionAdmin(GrantedBySecurityOfficer, ModelAdmin):
    """Substitutes; a known stint can only be given an earlier end."""

    list_display = ["post", "substitute", "starts_on", "ends_on", "reason"]
    list_select_related = ["post__user", "post__place", "post__unit", "substitute"]
    search_fields = ["substitute__name", "substitute__username", "post__user__name", "post__user__username"]
    ordering = ["-starts_on", "-pk"]
    fields = ["post", "substitute", "starts_on", "ends_on", "reason"]
    autocomplete_fields = ["post", "substitute"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Only the end of a known stint may move."""
        return [] if obj is None else [name for name in self.fields if name != "ends_on"]

    def save_model(self, request: HttpRequest, obj: Substitution, form: Any, change: bool) -> None:
        """Appoint or end through the actions."""
        if change:
            actions.end_substitution(substitution_id=obj.pk, ends_on=obj.ends_on, **who_acts(request))
            return
        row = actions.appoint_substitute(
            post_id=obj.post_id,
            substitute_id=obj.substitute_id,
            starts_on=obj.starts_on,
            ends_on=obj.ends_on,
            reason=obj.reason,
            **who_acts(request),
        )
        obj.pk, obj._state.adding = row.pk, False


def _searchable(model_admin: ModelAdmin, fields: list[str]) -> list[str]:
    """Those of the fields whose model has pages here that can be searched."""
    registry = model_admin.admin_site._registry
    related = {name: model_admin.model._meta.get_field(name).related_model for name in fields}
    return [name for name, model in related.items() if model in registry and registry[model].search_fields]
