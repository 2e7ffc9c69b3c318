"""Every action of helpers and committees on a wish goes through this one door: its form, then the action."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from cases import clocks
from cases.attachments import unclaimed
from cases.models import Case
from cases.permissions import require
from cases.web.attachments import posted_photos, shown
from cases.web.forms.base import ActionForm
from cases.web.forms.wishes import WISH_FORMS
from cases.web.wishes import frame
from cases.wish_queries import visible_wish
from cases.wishes import where_of
from cases.workflow import WORKFLOWS, Kind, Rule, Stage
from governance.common.errors import DomainError, WrongState
from governance.common.htmx import is_partial, toast, trigger
from governance.common.methods import require_form
from partymembers.middleware import access_for
from partymembers.models import User


@login_required
@require_form
def wish_act(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Show the form of an action (GET), or take the action (POST).

    A domain error of the action itself is shown in the form with everything that was typed; one that says
    that it is not possible at all, because somebody was faster, has its own page, which gives back the words.
    """
    case = visible_wish(number, cast(User, request.user), access_for(request))
    rule = WORKFLOWS[Kind.WISH].get(action)
    if rule is None or action not in WISH_FORMS:
        raise Http404
    try:
        return _take(request, case, rule)
    except WrongState as error:
        error.extra["typed"] = request.POST.get("note", "")
        if not is_partial(request):  # a reload would send the form once more
            error.extra["fresh_url"] = reverse("cases:wish", args=[case.number])
        raise


def _take(request: HttpRequest, case: Case, rule: Rule) -> HttpResponse:
    user, access, at = cast(User, request.user), access_for(request), timezone.now()
    require(user, rule.action, case, at=at, access=access)
    only_looks = request.method != "POST" or "find" in request.POST
    given = {"initial": request.POST.dict()} if only_looks else {"data": request.POST}
    form = WISH_FORMS[rule.action](**given, case=case, actor=user, access=access, at=at)
    photos: Sequence[str] = ()
    if not only_looks:
        try:
            photos = posted_photos(request, at=at) if form.photos else ()
            if form.is_valid():
                return _done(request, form.run(photos=photos), rule)
        except DomainError as error:
            if error.http_status in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND) and not error.field:
                raise
            form.add_domain_error(error)
    return _show(request, form, rule, photos, is_refused=not only_looks)


def _show(
    request: HttpRequest, form: ActionForm, rule: Rule, photos: Sequence[str], *, is_refused: bool
) -> HttpResponse:
    kept = [shown(row) for row in unclaimed(photos, by=cast(User, request.user), upload_key="")]
    page = "cases/wishes/_deed.html" if is_partial(request) else "cases/wishes/deed.html"
    context = {
        "form": form,
        "rule": rule,
        "case": form.case,
        "wish": form.case.wish,
        "where": where_of(form.case),
        "is_refused": is_refused,
        "kept": kept,
        "photo_errors": form.errors.get("__all__", []) if is_refused and form.photos and not kept else [],
        "next": _next(request, form.case),
        "url": reverse("cases:wish_act", args=[form.case.number, rule.action]),
        "promise": _promise(form.case) if rule.action == "claim" else None,
        **frame(form.access),
    }
    return render(request, page, context, status=HTTPStatus.BAD_REQUEST if is_refused else HTTPStatus.OK)


def _promise(case: Case) -> dict[str, Any]:
    """What whoever claims promises: to begin within the limit, to deliver by the day."""
    return {"begin_within": clocks.limits_of(case)[Stage.BEGIN].length, "deliver_by": case.wish.deliver_by}


def _done(request: HttpRequest, case: Case, rule: Rule) -> HttpResponse:
    told = _("%(title)s: %(action)s, done. Now: %(state)s.") % {
        "title": case.wish.title,
        "action": rule.label,
        "state": case.get_state_display(),
    }
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=HTTPStatus.NO_CONTENT)
        facts = {"number": case.number, "action": rule.action, "next": _next(request, case)}
        return trigger(toast(response, told), "wish:acted", facts)
    messages.success(request, told)
    return redirect(_next(request, case))


def _next(request: HttpRequest, case: Case) -> str:
    """Where to go after: the page that asked, if it is ours, else the wish."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return wanted
    return reverse("cases:wish", args=[case.number])
