"""Grades saved and reported, and the page that a work unit reads and prints."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from governance.common.errors import DomainError, Invalid, NotVisible
from partymembers.actions.evaluations import evaluate_members, report_to_units
from partymembers.audit import address_of
from partymembers.branching import to_evaluate
from partymembers.evaluating import distribution, evaluations_visible_to, may_open_report, reports_to
from partymembers.middleware import access_for
from partymembers.models import Branch, Member, Unit
from partymembers.web.doors import user_of
from partymembers.web.party.branches import branch_page, visible_branch
from partymembers.web.party.grading import grading_context, typed_grades

#: No grade was ever given before.
_FIRST_YEAR = 2000


@login_required
@require_POST
def evaluate(request: HttpRequest, branch_id: int) -> HttpResponse:
    """Save the grades of a page, all or none."""
    branch = visible_branch(request, branch_id)
    year, typed = _typed_year(request), typed_grades(request.POST)
    try:
        foreign = set(typed) - set(to_evaluate(branch).filter(pk__in=typed).values_list("pk", flat=True))
        if foreign:
            raise NotVisible
        user, now = user_of(request), timezone.now()
        count = evaluate_members(grades=typed, year=year, actor=user, at=now, ip=address_of(request))
    except NotVisible:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
        again = grading_context(request, branch, year=year, typed=typed)
        return branch_page(request, branch, tab="evaluations", status=int(refusal.http_status), **again)
    told = ngettext("%(count)s grade saved.", "%(count)s grades saved.", count)
    messages.success(request, told % {"count": count} if count else _("Nothing was changed."))
    return redirect(_tab_url(branch, year, cursor=request.POST.get("cursor", "")))


@login_required
@require_POST
def report(request: HttpRequest, branch_id: int) -> HttpResponse:
    """Report the year's grades to the work units; final."""
    branch = visible_branch(request, branch_id)
    year = _typed_year(request)
    try:
        count = report_to_units(
            branch_id=branch.pk,
            year=year,
            actor=user_of(request),
            at=timezone.now(),
            ip=address_of(request),
        )
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    else:
        told = ngettext(
            "%(count)s grade reported to the work units.",
            "%(count)s grades reported to the work units.",
            count,
        )
        messages.success(request, told % {"count": count})
    return redirect(_tab_url(branch, year))


@login_required
@require_safe
def evaluation_reports(request: HttpRequest) -> HttpResponse:
    """What the communities have reported to the units that I head, year by year."""
    headed = access_for(request).headed_unit_ids
    if not headed:
        raise NotVisible
    context = {"reports": reports_to(headed), "nav_current": "evaluations"}
    return render(request, "partymembers/party/evaluation_reports.html", context)


@login_required
@require_safe
def evaluation_report(request: HttpRequest, unit_id: int, year: int) -> HttpResponse:
    """A work unit's grades of a year: how many of each, and whose. `?print=1` is a sheet of A4."""
    access = access_for(request)
    unit = Unit.objects.filter(pk=unit_id).first()
    is_past = _FIRST_YEAR <= year <= timezone.localdate().year
    if unit is None or not is_past or not may_open_report(access, unit=unit, year=year):
        raise NotVisible
    visible = evaluations_visible_to(access, unit=unit, year=year)
    rows = list(
        visible.select_related("member__user", "member__home_branch", "branch").order_by("branch", "pk")
    )
    people = Member.objects.filter(home_branch__unit=unit, left_on=None).count()
    context: dict[str, Any] = {
        "unit": unit,
        "year": year,
        "rows": rows,
        "people": people,
        "distribution": distribution(row.grade for row in rows),
        "branches": sorted({row.branch.name for row in rows}),
        "unreported": sum(1 for row in rows if row.reported_at is None),
        "now": timezone.now(),
    }
    name = "evaluation_print" if request.GET.get("print") else "evaluation_report"
    return render(request, f"partymembers/party/{name}.html", context)


def _typed_year(request: HttpRequest) -> int:
    typed = request.POST.get("year", "")
    if not (typed.isascii() and typed.isdecimal() and len(typed) == 4):
        raise Invalid(_("Please open the list again and repeat this."), field="year")
    return int(typed)


def _tab_url(branch: Branch, year: int, *, cursor: str = "") -> str:
    query = {"tab": "evaluations", "year": str(year)} | ({"cursor": cursor} if cursor else {})
    return f"{reverse('party:branch', args=[branch.pk])}?{urlencode(query)}"
