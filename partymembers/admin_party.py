"""The officers' pages about the Party: branches, joint committees, members, and the imports of both.

The system officer configures, the others look; every write is an action of `partymembers.actions`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action

from governance.common.errors import DomainError
from governance.common.formats import masked_phone
from governance.common.imports import SHOWN_ERRORS, ImportReport
from partymembers.actions import branches as tree
from partymembers.actions import members as people
from partymembers.homes import shown_home
from partymembers.models import Branch, BranchLevel, JointCommittee, JointMember, Member, User
from partymembers.officers import ConfiguredBySystemOfficer, ShowsRefusals, who_acts
from partymembers.party_importing import import_branches, import_members
from partymembers.phones import normal_identifier

Import = Callable[..., ImportReport]
#: Some thousands of rows, which take a minute; a browser waits no longer. Larger files: the command line.
_MOST_BYTES = 256 * 1024


class _PartyAdmin(ShowsRefusals, ConfiguredBySystemOfficer, ModelAdmin):
    """Nothing is deleted here: branches are dissolved, members leave."""

    may_delete = False
    list_per_page = 50


class _BranchForm(forms.ModelForm):
    """A branch with the one above it, which the tree keeps in its paths."""

    parent = forms.ModelChoiceField(
        Branch.objects.filter(dissolved_on=None).order_by("path"),
        required=False,
        label=gettext_lazy("Branch above"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None and "parent" in self.fields:
            self.fields["parent"].initial = Branch.objects.get_parent(self.instance)


class _PersonForm(forms.ModelForm):
    """Who it is, by staff number: the list of all people is the security officer's."""

    staff_number = forms.CharField(label=gettext_lazy("Staff number"), max_length=50)

    def clean_staff_number(self) -> User:
        """The person."""
        number = normal_identifier(self.cleaned_data["staff_number"])
        user = User.objects.people().filter(username=number).first()
        if user is None:
            raise forms.ValidationError(_("Nobody has this staff number."))
        self.instance.user = user
        return user


class _FileForm(forms.Form):
    """A file of rows."""

    file = forms.FileField(label=gettext_lazy("CSV or XLSX file"))
    dry_run = forms.BooleanField(label=gettext_lazy("Only check, write nothing"), required=False)


class _ImportPage:
    """A page more: a file goes in whole or not at all, and each bad row is listed with its reason."""

    run_import: Import
    command = ""
    columns = ""
    actions_list = ["import_file"]

    @action(description=gettext_lazy("Import a file"), url_path="import-file", permissions=["add"])
    def import_file(self, request: HttpRequest) -> HttpResponse:
        """Bring a file in."""
        opts = self.model._meta  # type: ignore[attr-defined]  # of the ModelAdmin beside it
        form = _FileForm(request.POST or None, request.FILES or None)
        report = None
        if request.method == "POST" and form.is_valid():
            report = self._run(request, form)
            if report is not None and report.applied:
                messages.success(request, str(report))
                return redirect(reverse(f"admin:partymembers_{opts.model_name}_changelist"))
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "form": form,
            "opts": opts,
            "columns": self.columns,
            "report": report,
            "faults": report.refused[:SHOWN_ERRORS] if report else [],
            "title": _("Import a file"),
        }
        return render(
            request, "admin/partymembers/import_file.html", context, status=400 if form.errors else 200
        )

    def _run(self, request: HttpRequest, form: _FileForm) -> ImportReport | None:
        file = form.cleaned_data["file"]
        if file.size > _MOST_BYTES:
            told = {"limit": _MOST_BYTES // 1024, "command": self.command}
            form.add_error("file", _("More than %(limit)d KB go in by the command %(command)s.") % told)
            return None
        acting = who_acts(request)
        try:
            return type(self).run_import(
                file.read(), actor=acting["actor"], at=acting["at"], dry_run=form.cleaned_data["dry_run"]
            )
        except DomainError as refusal:
            form.add_error("file", str(refusal.message))
            return None


@admin.register(Branch)
class BranchAdmin(_ImportPage, _PartyAdmin):
    """The tree of branches."""

    run_import = staticmethod(import_branches)
    command = "import_branches"
    columns = "code, name, level; parent_code, place_code, unit_code, founded_on"
    form = _BranchForm
    list_display = ["tree_name", "code", "level", "place", "unit", "founded_on", "dissolved_on"]
    list_select_related = ["place", "unit"]
    list_filter = ["level", ("dissolved_on", admin.EmptyFieldListFilter)]
    search_fields = ["code", "name"]
    ordering = ["path"]
    autocomplete_fields = ["place", "unit"]
    fields = ["code", "name", "level", "parent", "place", "unit", "founded_on"]
    actions = ["dissolve_chosen"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Code and level stay for ever."""
        return [] if obj is None else ["code", "level", "dissolved_on"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A known branch shows when it was dissolved."""
        return [*self.fields, *([] if obj is None else ["dissolved_on"])]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is dissolved is only read."""
        is_over = obj is not None and obj.dissolved_on is not None
        return not is_over and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Add, change or move through the actions."""
        parent, acting = form.cleaned_data.get("parent"), who_acts(request)
        facts: dict[str, Any] = {
            "name": obj.name,
            "place": obj.place,
            "unit": obj.unit,
            "founded_on": obj.founded_on,
        }
        if change:
            tree.change_branch(branch_id=obj.pk, **facts, **acting)
            if parent is not None:
                tree.move_branch(branch_id=obj.pk, parent_id=parent.pk, **acting)
            return
        made = tree.add_branch(
            code=obj.code,
            level=BranchLevel(obj.level),
            parent_id=parent.pk if parent else None,
            **facts,
            **acting,
        )
        obj.pk, obj._state.adding = made.pk, False

    @admin.action(description=gettext_lazy("Dissolve the chosen branches"), permissions=["change"])
    def dissolve_chosen(self, request: HttpRequest, queryset: QuerySet[Branch]) -> None:
        """From today; the deepest first, so that a branch goes together with those below it."""
        count = 0
        for branch in queryset.order_by("-depth"):
            try:
                tree.dissolve_branch(branch_id=branch.pk, on=timezone.localdate(), **who_acts(request))
                count += 1
            except DomainError as refusal:
                messages.error(request, f"{branch}: {refusal.message}")
        if count:
            messages.success(request, _("%(count)d dissolved.") % {"count": count})

    @admin.display(description=gettext_lazy("name"), ordering="path")
    def tree_name(self, branch: Branch) -> str:
        """The name, further in the deeper it lies."""
        return "　" * (branch.depth - 1) + branch.name


@admin.register(JointCommittee)
class JointCommitteeAdmin(_PartyAdmin):
    """Joint committees of streets and communities."""

    list_display = ["name", "branch", "founded_on"]
    list_select_related = ["branch"]
    search_fields = ["name", "branch__name"]
    autocomplete_fields = ["branch"]
    fields = ["branch", "name", "founded_on"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A committee that is founded stays as it is; its seats have pages of their own."""
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Found it through the action."""
        made = tree.found_joint_committee(
            branch_id=obj.branch_id, name=obj.name, founded_on=obj.founded_on, **who_acts(request)
        )
        obj.pk, obj._state.adding = made.pk, False


@admin.register(JointMember)
class JointMemberAdmin(_PartyAdmin):
    """Part-time members of joint committees; a known seat can only be given an earlier end."""

    list_display = ["user", "unit", "committee", "duty", "starts_on", "ends_on"]
    list_select_related = ["user", "unit", "committee"]
    search_fields = ["user__name", "user__username", "unit__name", "committee__name"]
    autocomplete_fields = ["committee", "unit"]
    fields = ["committee", "unit", "staff_number", "duty", "starts_on", "ends_on"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A known seat names its holder."""
        return [name if obj is None or name != "staff_number" else "user" for name in self.fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Only the end of a known seat may move."""
        return [] if obj is None else ["committee", "unit", "user", "duty", "starts_on"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """To save a known seat is to end it, so its end is asked for."""
        if obj is None:
            kwargs["form"] = _PersonForm
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None and "ends_on" in form.base_fields:
            form.base_fields["ends_on"].required = True
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Seat or end through the actions."""
        if change:
            tree.end_joint_seat(seat_id=obj.pk, ends_on=form.cleaned_data["ends_on"], **who_acts(request))
            return
        made = tree.seat_joint_member(
            committee_id=obj.committee_id,
            unit=obj.unit,
            user_id=form.cleaned_data["staff_number"].pk,
            duty=obj.duty,
            starts_on=obj.starts_on,
            ends_on=obj.ends_on,
            **who_acts(request),
        )
        obj.pk, obj._state.adding = made.pk, False


@admin.register(Member)
class MemberAdmin(_ImportPage, _PartyAdmin):
    """Members, with phones masked and without their doors: committees open those, and it is recorded."""

    run_import = staticmethod(import_members)
    command = "import_members"
    columns = "staff_number / phone, home_branch_code; name, place_code, door, settled_on, status"
    list_display = [
        "user", "shown_phone", "status", "home_branch", "checkin_branch", "settled_on", "left_on",
    ]  # fmt: skip
    list_select_related = ["user", "home_branch", "checkin_branch"]
    list_filter = [
        "status",
        ("checkin_branch", admin.EmptyFieldListFilter),
        ("left_on", admin.EmptyFieldListFilter),
    ]
    search_fields = ["user__name", "user__username", "home_branch__name", "checkin_branch__name"]
    ordering = ["pk"]
    autocomplete_fields = ["home_branch", "lives_at"]
    fields = ["staff_number", "status", "home_branch", "lives_at", "settled_on"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A known member shows who it is, and the other branch too."""
        if obj is None:
            return list(self.fields)
        return [
            "user", "status", "home_branch", "shown_home", "settled_on", "checkin_branch", "checked_in_at",
            "left_on",
        ]  # fmt: skip

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """A new member is named by staff number."""
        if obj is None:
            kwargs["form"] = _PersonForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Of a known member status and home branch change here; a move is the member's own to tell."""
        known = ["user", "shown_home", "settled_on", "checkin_branch", "checked_in_at", "left_on"]
        return [] if obj is None else known

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who has left is only looked at."""
        is_over = obj is not None and obj.left_on is not None
        return not is_over and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Enter, transfer or correct through the actions."""
        acting = who_acts(request)
        if not change:
            made = people.add_member(
                user_id=form.cleaned_data["staff_number"].pk,
                home_branch_id=obj.home_branch_id,
                status=obj.status,
                lives_at=obj.lives_at,
                settled_on=obj.settled_on,
                **acting,
            )
            obj.pk, obj._state.adding = made.pk, False
            return
        people.change_status(member_id=obj.pk, status=obj.status, **acting)
        if "home_branch" in form.changed_data:
            people.transfer_member(member_id=obj.pk, to_branch_id=obj.home_branch_id, **acting)

    @admin.display(description=gettext_lazy("lives in"))
    def shown_home(self, member: Member) -> str:
        """Community and grid: the building is the committees' to open."""
        return shown_home(member) or "—"

    @admin.display(description=gettext_lazy("mobile phone"))
    def shown_phone(self, member: Member) -> str:
        """The phone, masked."""
        return masked_phone(member.user.phone) or "—"
