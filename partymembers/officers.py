"""The officers' site, and what each of the three may do there: configure, grant, or read the trail.

Other rooms write `class MatterAdmin(ConfiguredBySystemOfficer, ModelAdmin)`. Django's staff flag, superusers,
groups and permission rows play no part; neither does its log, since every write goes into the audit trail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import update_wrapper
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model, QuerySet
from django.forms import BaseModelForm, ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from governance.common.errors import DomainError
from partymembers.access import Access
from partymembers.audit import address_of, masked_changes, record_access
from partymembers.middleware import access_for
from partymembers.models import Role, User

#: Longest text of one value in the trail, in characters: a boundary need not be kept twice.
_LONGEST = 200


@dataclass(frozen=True)
class Notice:
    """What an officer should look at, and the page (a route's name) where."""

    text: str
    url_name: str


Tell = Callable[[datetime], Iterable[Notice]]
#: What each room has to say on the first page, and to which officer.
_notices: list[tuple[Role, Tell]] = []


def notices_for(role: Role) -> Callable[[Tell], Tell]:
    """Have `tell(at)` asked each time the officer of this role opens the first page; a decorator."""

    def enter(tell: Tell) -> Tell:
        _notices.append((role, tell))
        return tell

    return enter


register_notices = notices_for(Role.SYSTEM_OFFICER)


class OfficersSite(UnfoldAdminSite):
    """Open to whoever holds an officer's post today; to anybody else signed in it does not exist."""

    index_title = _("Administration")

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the user is one of the three officers."""
        return request.user.is_authenticated and bool(access_for(request).officer_roles)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The first page, with what needs looking at."""
        if request.method == "GET":
            roles, at = _access(request).officer_roles, timezone.now()
            for notice in (each for role, tell in _notices if role in roles for each in tell(at)):
                link = format_html(
                    '<a class="underline" href="{}">{}</a>', reverse(notice.url_name), notice.text
                )
                messages.warning(request, link)
        return cast(HttpResponse, super().index(request, extra_context))

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Answer 404 to people without an officer's post; strangers are asked to sign in."""
        guarded = super().admin_view(view, cacheable)

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise Http404
            return cast(HttpResponse, guarded(request, *args, **kwargs))

        inner.csrf_exempt = True  # type: ignore[attr-defined]  # `guarded` checks the token itself
        return update_wrapper(inner, view)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one sign-in page."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise Http404
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one way out; it wants a POST like everywhere."""
        return redirect(reverse("logout"), preserve_request=True)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is one page for one's own password."""
        return redirect("password_change")


class _Ruled:
    """What the officers' rules share: whose access, no log of Django's, no history page but the trail."""

    #: Who may look, and who may add and change.
    readers: frozenset[Role] = frozenset()
    writers: frozenset[Role] = frozenset()
    may_delete = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the model is listed for this officer."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this officer may look."""
        return bool(_access(request).officer_roles & (self.readers | self.writers))

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Whether this officer may add."""
        return bool(_access(request).officer_roles & self.writers)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this officer may change."""
        return bool(_access(request).officer_roles & self.writers)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this officer may delete."""
        return self.may_delete and bool(_access(request).officer_roles & self.writers)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The audit trail has it."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The audit trail has it."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """The audit trail has it."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The audit officer reads the trail; there is no second one."""
        raise Http404


class ConfiguredBySystemOfficer(_Ruled):
    """Configuration: the system officer writes, the other two may look. Old and new values go into the trail.

    For inlines too: `class StandardInline(ConfiguredBySystemOfficer, TabularInline)`.
    """

    readers = frozenset({Role.SECURITY_OFFICER, Role.AUDIT_OFFICER})
    writers = frozenset({Role.SYSTEM_OFFICER})
    may_delete = True

    def save_model(self, request: HttpRequest, obj: Model, form: ModelForm[Any], change: bool) -> None:
        """Save, and write down what changed."""
        super().save_model(request, obj, form, change)  # type: ignore[misc]
        _record_save(request, obj, form, added=not change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save the rows below, and write down what changed in each."""
        super().save_formset(request, form, formset, change)  # type: ignore[misc]
        by_object = {id(each.instance): each for each in formset.forms}
        for obj in getattr(formset, "new_objects", []):
            _record_save(request, obj, by_object[id(obj)], added=True)
        for obj, _names in getattr(formset, "changed_objects", []):
            _record_save(request, obj, by_object[id(obj)], added=False)
        for obj in getattr(formset, "deleted_objects", []):
            _record_deletion(request, obj)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Write down what goes, then delete it."""
        _record_deletion(request, obj)
        super().delete_model(request, obj)  # type: ignore[misc]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The same for many."""
        for obj in queryset:
            _record_deletion(request, obj)
        super().delete_queryset(request, queryset)  # type: ignore[misc]


class ShowsRefusals:
    """For pages whose `save_model` calls an action: a DomainError that it raises appears in the form."""

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which repeats the refusal of an earlier try at saving it."""
        base = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        return type(base.__name__, (_RefusableForm, base), {"refusal": getattr(request, "refusal", None)})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show a refusal in the form, with everything that was typed."""
        try:
            return cast(HttpResponse, super().changeform_view(request, *args, **kwargs))  # type: ignore[misc]
        except DomainError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
            return cast(HttpResponse, super().changeform_view(request, *args, **kwargs))  # type: ignore[misc]


class GrantedBySecurityOfficer(ShowsRefusals, _Ruled):
    """Users, posts and keys: the security officer alone, and nothing is ever deleted.

    `save_model` calls an action, which audits.
    """

    writers = frozenset({Role.SECURITY_OFFICER})


class ReadByAuditOfficer(_Ruled):
    """The trail: the audit officer reads, nobody writes."""

    readers = frozenset({Role.AUDIT_OFFICER})


#: What a form says where a constraint of the database is broken: by its name, the field and the words. The
#: rooms above add theirs.
CONSTRAINT_WORDS: dict[str, tuple[str, str | Promise]] = {
    "post_over_what_its_role_needs": (
        "role",
        _("Posts on the ground, at a desk and of officials need a place; those of a unit need a unit."),
    ),
    "post_ends_after_it_starts": ("ends_on", _("The end lies before the beginning.")),
    "substitution_ends_after_it_starts": ("ends_on", _("The end lies before the beginning.")),
}


class _RefusableForm:
    """A form that shows why an action refused what it brought, or which rule of the database it breaks."""

    refusal: DomainError | None = None

    def _update_errors(self, errors: ValidationError) -> None:
        """Say a broken constraint in words and at its field, not by its name above the form."""
        form = cast("BaseModelForm[Any]", self)
        broken: list[tuple[str, str | Promise]] = []
        if hasattr(errors, "error_dict"):
            general = errors.error_dict.get(NON_FIELD_ERRORS, [])
            known = {
                rule.get_violation_error_message(): CONSTRAINT_WORDS[rule.name]
                for rule in form.instance._meta.constraints
                if rule.name in CONSTRAINT_WORDS
            }
            broken = [known[each.message] for each in general if each.message in known]
            if rest := [each for each in general if each.message not in known]:
                errors.error_dict[NON_FIELD_ERRORS] = rest
            else:
                errors.error_dict.pop(NON_FIELD_ERRORS, None)
        super()._update_errors(errors)  # type: ignore[misc]
        for field, words in broken:
            form.add_error(field if field in form.fields else None, str(words))

    def clean(self) -> Any:
        """Add the refusal to its field, or above the form."""
        cleaned = super().clean()  # type: ignore[misc]
        if self.refusal is not None:
            form = cast("BaseModelForm[Any]", self)
            form.add_error(
                self.refusal.field if self.refusal.field in form.fields else None, str(self.refusal.message)
            )
        return cleaned


def officer_of(request: HttpRequest) -> User:
    """The officer who asks; only for views behind the officers' site."""
    assert isinstance(request.user, User)  # noqa: S101  # the site let them in
    return request.user


def who_acts(request: HttpRequest) -> dict[str, Any]:
    """Who acts, when and from where, as every action asks."""
    return {"actor": officer_of(request), "at": timezone.now(), "ip": address_of(request)}


def _access(request: HttpRequest) -> Access:
    return access_for(request)


def _record_save(request: HttpRequest, obj: Model, form: Any, *, added: bool) -> None:
    changes = {
        name: (None if added else _shown(form.initial.get(name)), _shown(form.cleaned_data.get(name)))
        for name in form.changed_data
        if name in form.cleaned_data
    }
    action = f"{obj._meta.model_name}_{'added' if added else 'changed'}"
    if changes or added:
        _record(request, action, obj, changes=masked_changes(changes))


def _record_deletion(request: HttpRequest, obj: Model) -> None:
    fields = {
        field.attname: (_shown(getattr(obj, field.attname)), None) for field in obj._meta.concrete_fields
    }
    _record(request, f"{obj._meta.model_name}_deleted", obj, changes=masked_changes(fields))


def _record(request: HttpRequest, action: str, obj: Model, **data: Any) -> None:
    record_access(
        officer_of(request),
        action[:40],
        obj,
        address_of(request),
        at=timezone.now(),
        name=str(obj)[:_LONGEST],
        **data,
    )


def _shown(value: Any) -> Any:
    """A value as the trail keeps it: rows by id, lists of rows by ids, long texts cut."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, QuerySet | list | tuple):
        value = [_shown(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)})"
