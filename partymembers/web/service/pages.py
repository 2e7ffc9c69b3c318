"""What all pages of service share: the shell, a form page, the part of the territory that a list shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from governance.common.errors import DomainError
from governance.common.forms import BaseForm
from partymembers.middleware import access_for
from partymembers.models import DESK_ROLES, Role
from partymembers.volunteering import Scope, scope_of
from partymembers.web.doors import user_of

#: The heading of each page, and the page that "back" leads to.
_HEADS: dict[str, tuple[Promise, str]] = {
    "hub": (_("Volunteer service"), ""),
    "volunteers": (_("Volunteers"), "service:hub"),
    "teams": (_("Teams"), "service:hub"),
    "team": (_("Team"), "service:teams"),
    "activities": (_("Activities"), "service:hub"),
    "activity": (_("Activity"), "service:activities"),
    "scan": (_("Check in"), "service:hub"),
    "code": (_("Check-in code"), "service:activities"),
    "points": (_("My points"), "service:hub"),
    "points_code": (_("My code"), "service:points"),
    "honours": (_("Honours list"), "service:hub"),
    "stations": (_("Points stations"), "service:hub"),
    "station": (_("Points station"), "service:stations"),
    "counter": (_("Counter"), "service:stations"),
    "counter_choice": (_("Counter"), "service:stations"),
    "resources": (_("List of resources"), "service:hub"),
    "projects": (_("List of projects"), "service:hub"),
}


def show(
    request: HttpRequest, page: str, context: dict[str, Any], *, status: int = HTTPStatus.OK
) -> HttpResponse:
    """A page of this room, in the shell of whoever reads it: a desk's browser, or a phone."""
    is_phone = not _sits_at_a_desk(request)
    base = "base_phone.html" if is_phone else "base.html"
    title, up = _HEADS.get(page, ("", ""))
    shell = {
        "base": base,
        "is_phone": is_phone,
        "now": timezone.now(),
        "title": title,
        "up": reverse(up) if up else "",
        "nav_current": "service",
    }
    return render(request, f"partymembers/service/{page}.html", {**shell, **context}, status=status)


def _sits_at_a_desk(request: HttpRequest) -> bool:
    access = access_for(request)
    roles = access.place_roles()
    return bool(roles & (DESK_ROLES | {Role.OFFICIAL}) or access.unit_ids or access.officer_roles)


def scope_for(request: HttpRequest) -> Scope | None:
    """The place whose list is shown: `?in=` with the code of one of those offered, else the nearest."""
    return scope_of(user_of(request), access_for(request), request.GET.get("in", ""))


@dataclass(frozen=True)
class Words:
    """What a form page says: heading, button, where "back" leads, and what is told when it is done."""

    title: str
    submit: str
    back: str
    done: str = ""
    note: str = ""
    facts: Sequence[tuple[str, str]] = ()
    is_danger: bool = False


def form_page(
    request: HttpRequest, form: BaseForm, act: Callable[[dict[str, Any]], str], words: Words
) -> HttpResponse:
    """Show a form, or act on it: `act` gets what was typed and answers where to go next.

    A refusal that the person can mend stands in the form with everything that was typed; one that says that
    they may not do it at all becomes its own page.
    """
    if request.method == "POST" and form.is_valid():
        try:
            where = act(form.cleaned_data)
        except DomainError as error:
            if error.http_status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                raise
            form.add_domain_error(error)
        else:
            if words.done:
                messages.success(request, words.done)
            return redirect(where)
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    context = {"form": form, "words": words, "title": words.title, "up": words.back}
    return show(request, "form", context, status=status)
