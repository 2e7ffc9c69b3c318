"""The list of resources and the list of projects of a place."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.common.errors import NotAllowed, NotVisible
from governance.common.methods import require_form
from governance.common.pagination import paginate
from grids.models import Place
from partymembers.actions.lists import (
    Offer,
    Undertaking,
    change_resource,
    may_report,
    offer_resource,
    offers,
    report_progress,
    start_project,
    withdraw_resource,
)
from partymembers.branching import led_branches
from partymembers.listings import part_of, projects_for, resources_for
from partymembers.middleware import access_for
from partymembers.models import Project, Resource, Skill
from partymembers.volunteering import scope_of
from partymembers.web.doors import do, user_of
from partymembers.web.service.forms import OfferForm, ProgressForm, ProjectForm
from partymembers.web.service.pages import Words, form_page, scope_for, show

PAGE_SIZE = 20


@login_required
@require_safe
def resources(request: HttpRequest) -> HttpResponse:
    """资源清单: what is offered to a place, by skill."""
    scope = scope_for(request)
    skills = list(Skill.objects.filter(is_active=True))
    chosen = next((skill for skill in skills if skill.code == request.GET.get("skill")), None)
    page = None
    part = part_of(scope.chosen, request.GET.get("part", "")) if scope else None
    if part is not None:
        page = paginate(
            resources_for(part, on=timezone.localdate(), skill=chosen),
            order="-offered_at",
            cursor=request.GET.get("cursor", ""),
            size=PAGE_SIZE,
        )
    user, now = user_of(request), timezone.now()
    own = {row.pk for row in (page.rows if page else []) if offers(row, user, at=now)}
    context = {"scope": scope, "page": page, "skills": skills, "chosen": chosen, "own": own, "part": part}
    return show(request, "resources", context)


@login_required
@require_form
def resource_new(request: HttpRequest) -> HttpResponse:
    """Offer something."""
    form = _offer_form(request, {})
    words = Words(
        title=_("Offer something"),
        submit=_("Put it on the list"),
        back=reverse("service:resources"),
        done=_("It stands on the list now."),
        note=_("The list shows what you offer, and your unit or your surname; the desk mediates."),
    )

    def act(typed: dict[str, Any]) -> str:
        offer_resource(offer=Offer(**typed), actor=user_of(request), at=timezone.now())
        return reverse("service:resources")

    return form_page(request, form, act, words)


@login_required
@require_form
def resource_edit(request: HttpRequest, resource_id: int) -> HttpResponse:
    """Say it anew."""
    found = _resource(resource_id)
    if not offers(found, user_of(request), at=timezone.now()):
        raise NotVisible
    names = ("title", "description", "skill", "place", "compound", "unit", "branch", "ends_on")
    form = _offer_form(request, {name: getattr(found, name) for name in names}, found.place)
    words = Words(
        title=_("Change the offer"),
        submit=_("Save"),
        back=reverse("service:resources"),
        done=_("Saved."),
    )

    def act(typed: dict[str, Any]) -> str:
        change_resource(
            resource_id=resource_id, offer=Offer(**typed), actor=user_of(request), at=timezone.now()
        )
        return reverse("service:resources")

    return form_page(request, form, act, words)


def _offer_form(request: HttpRequest, initial: dict[str, Any], place: Place | None = None) -> OfferForm:
    access = access_for(request)
    scope = scope_of(user_of(request), access)
    places = [*(scope.offered if scope else []), *([place] if place else [])]
    return OfferForm(
        request.POST or None,
        initial=initial,
        places=places,
        unit_ids=access.unit_ids,
        branch_ids=access.branch_ids,
    )


@login_required
@require_POST
def resource_withdraw(request: HttpRequest, resource_id: int) -> HttpResponse:
    """Take it off the list."""
    return do(
        request,
        lambda at: withdraw_resource(resource_id=resource_id, actor=user_of(request), at=at),
        done=_("The offer is withdrawn."),
        to=reverse("service:resources"),
    )


def _resource(resource_id: int) -> Resource:
    rows = Resource.objects.select_related("place", "unit", "branch")
    found = rows.filter(pk=resource_id, withdrawn_at=None).first()
    if found is None:
        raise NotVisible
    return found


@login_required
@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """项目清单: what branches have taken on for a place, and how far it is."""
    scope, state = scope_for(request), request.GET.get("state", "")
    state = state if state in Project.State.values else ""
    page = None
    part = part_of(scope.chosen, request.GET.get("part", "")) if scope else None
    if part is not None:
        page = paginate(
            projects_for(part, state=state),
            order="due_on",
            cursor=request.GET.get("cursor", ""),
            size=PAGE_SIZE,
        )
    access, user = access_for(request), user_of(request)
    mine = {
        row.pk
        for row in (page.rows if page else [])
        if row.ended_at is None and (row.lead_id == user.pk or access.leads_branch(row.branch.path))
    }
    context = {
        "scope": scope,
        "part": part,
        "page": page,
        "state": state,
        "states": Project.State.choices,
        "mine": mine,
        "may_start": bool(access.branches),
        "today": timezone.localdate(),
    }
    return show(request, "projects", context)


@login_required
@require_form
def project_new(request: HttpRequest) -> HttpResponse:
    """Take a project on, in the name of a branch that one leads."""
    branches = led_branches(access_for(request)).filter(place__isnull=False)
    served = list(branches.values_list("place__path", flat=True).distinct())
    if not served:
        raise NotAllowed(_("Only the branch's own committee, or one above it, may do this."))
    inside = Q(pk__in=[])
    for path in served:
        inside |= Q(path__startswith=path)
    places = Place.objects.current().filter(inside).exclude(level="building").order_by("path")
    form = ProjectForm(request.POST or None, branches=branches, places=places)
    words = Words(
        title=_("New project"),
        submit=_("Enter the project"),
        back=reverse("service:projects"),
        done=_("The project is on the list."),
    )

    def act(typed: dict[str, Any]) -> str:
        start_project(undertaking=Undertaking(**typed), actor=user_of(request), at=timezone.now())
        return reverse("service:projects")

    return form_page(request, form, act, words)


@login_required
@require_form
def project_progress(request: HttpRequest, project_id: int) -> HttpResponse:
    """Say how far it is."""
    found = Project.objects.select_related("branch").filter(pk=project_id).first()
    if found is None or not may_report(found, user_of(request), at=timezone.now()):
        raise NotVisible
    words = Words(
        title=_("How far the project is"),
        submit=_("Save"),
        back=reverse("service:projects"),
        done=_("Saved."),
        facts=((_("Project"), found.title), (_("Branch in charge"), found.branch.name)),
    )

    def act(typed: dict[str, Any]) -> str:
        report_progress(project_id=project_id, actor=user_of(request), at=timezone.now(), **typed)
        return reverse("service:projects")

    initial = {"state": found.state, "progress": found.progress}
    return form_page(request, ProgressForm(request.POST or None, initial=initial), act, words)
