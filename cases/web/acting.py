"""Every action on an order goes through this one door: show its form, run it, answer page or htmx."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from cases.models import Case
from cases.permissions import require
from cases.queries import visible_case
from cases.web.forms import ACTION_FORMS, ActionForm
from cases.web.reporting import Posted, kept_photos, posted
from cases.workflow import WORKFLOWS, Rule
from governance.common.errors import DomainError, WrongState
from governance.common.htmx import is_partial, toast, trigger
from governance.common.methods import require_form
from partymembers.middleware import access_for
from partymembers.models import User


@login_required
@require_form
def act(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Show the form of an action (GET), or take the action (POST).

    A domain error of the action itself is shown in the form, with everything that was typed or
    photographed; one that says that the action is not possible at all is shown on its own page, which
    gives back the words.
    """
    case = visible_case(number, access_for(request))
    rule = WORKFLOWS[case.kind].get(action)
    if rule is None or action not in ACTION_FORMS:
        raise Http404
    try:
        return _take(request, case, rule)
    except WrongState as error:
        error.extra["typed"] = request.POST.get("note", "")
        if not is_partial(request):  # a reload would send the form once more
            error.extra["fresh_url"] = reverse("cases:detail", args=[case.number])
        raise


def _take(request: HttpRequest, case: Case, rule: Rule) -> HttpResponse:
    access, at, action = access_for(request), timezone.now(), rule.action
    require(cast(User, request.user), action, case, at=at, access=access)
    bound = {"data": request.POST} if request.method == "POST" else {}
    form = ACTION_FORMS[action](**bound, case=case, actor=cast(User, request.user), access=access, at=at)
    photos = posted(request, "photos", at=at) if form.is_bound and form.photos else Posted()
    if form.is_valid() and not photos.error:
        try:
            return _done(request, form.run(photos=photos.tokens), rule)
        except DomainError as error:
            if error.http_status in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND) and not error.field:
                raise
            form.add_domain_error(error)
    if photos.error:
        form.add_error(None, photos.error)
    return _show(request, form, rule, photos)


def _show(request: HttpRequest, form: ActionForm, rule: Rule, photos: Posted) -> HttpResponse:
    kept = kept_photos(request, photos) if photos.tokens else []
    page = "cases/_action.html" if is_partial(request) else "cases/action.html"
    context = {
        "form": form,
        "rule": rule,
        "case": form.case,
        "kept": kept,
        "photo_errors": _photo_errors(form, photos),
        "next": _next(request, form.case),
        "url": reverse("cases:act", args=[form.case.number, rule.action]),
    }
    status = max(photos.status, HTTPStatus.BAD_REQUEST) if form.is_bound else HTTPStatus.OK
    return render(request, page, context, status=status)


def _photo_errors(form: ActionForm, photos: Posted) -> Sequence[str]:
    """What to say beside the photos: which one is bad, else what the action misses while there is none."""
    if photos.error:
        return [photos.error]
    return [str(told) for told in form.non_field_errors()] if form.photos and not photos.tokens else []


def _done(request: HttpRequest, case: Case, rule: Rule) -> HttpResponse:
    """Tell what happened; lists and the order's page refresh themselves on `case:acted`."""
    told = _("%(number)s: %(action)s, done. Now: %(state)s.") % {
        "number": case.number,
        "action": rule.label,
        "state": case.get_state_display(),
    }
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=HTTPStatus.NO_CONTENT)
        return trigger(toast(response, told), "case:acted", {"number": case.number, "action": rule.action})
    messages.success(request, told)
    return redirect(_next(request, case))


def _next(request: HttpRequest, case: Case) -> str:
    """Where to go after: the page that asked, if it is ours, else the order."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return wanted
    return reverse("cases:detail", args=[case.number])
