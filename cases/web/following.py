"""Following a report without an account: by its unguessable link, or by number and phone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cases import pace
from cases.models import Case, CoReporter
from cases.permissions import URGED_LATELY
from cases.public import (
    Followed,
    followed_by,
    may_rate,
    pictures_of,
    public_actions,
    public_timeline,
)
from cases.web import challenge
from cases.web.attachments import ensure_upload_key, remember_follow_token
from cases.web.forms import ACTION_FORMS, ActionForm
from cases.web.forms.oversight import AddInformationForm
from cases.web.forms.reporting import FollowForm
from cases.web.forms.wishes_asking import WISH_ASKER_FORMS
from cases.web.reporting import Posted, kept_photos, posted_publicly
from cases.web.wish_asking import WISH_THANKS, why_not, wish_context
from cases.workflow import WORKFLOWS, Kind
from governance.common.errors import DomainError, NotVisible, WrongState
from governance.common.methods import require_form
from partymembers.access import NOTHING

UNKNOWN: Final = gettext_lazy("There is no report with this number and phone. Please check both.")


class PublicInformationForm(AddInformationForm):
    """With pictures that belong to the resident's session."""

    upload_key = ""

    def values(self) -> dict[str, Any]:
        """With the session's key."""
        return super().values() | {"upload_key": self.upload_key}


def gone(request: HttpRequest) -> HttpResponse:
    """A link that leads nowhere."""
    return render(request, "cases/public_gone.html", {"is_link": True}, status=HTTPStatus.NOT_FOUND)


@never_cache
@require_safe
def public_follow_order(request: HttpRequest, token: str) -> HttpResponse:
    """The order behind a link: where it stands, what happened, and what the reporter may do."""
    followed = followed_by(token)
    if followed is None:
        return gone(request)
    return _show(request, followed, timezone.now())


@never_cache
@require_POST
def public_act(request: HttpRequest, token: str, action: str) -> HttpResponse:
    """Rate, add information, urge or withdraw, as the reporter of the link."""
    followed, at = followed_by(token), timezone.now()
    if followed is None:
        return gone(request)
    key = ensure_upload_key(request)
    if action not in public_actions(followed, at=at):
        return _refused(request, followed, action, at)
    form = _form(followed, action, request, key, at)
    photos = posted_publicly(request, "photos", at=at) if form.photos else Posted()
    if form.is_valid() and not photos.error:
        try:
            form.run(photos=photos.tokens)
        except DomainError as error:
            if error.http_status in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                return _refused(request, followed, action, at)
            form.add_domain_error(error)
        else:
            messages.success(request, str(_thanks(followed)[action]))
            return redirect("cases:public_follow_order", token=token)
    return _show(request, followed, at, form=form, action=action, photos=photos)


_THANKS: Final = {
    "rate": gettext_lazy("Thank you. Your answer has been kept."),
    "add_information": gettext_lazy("Added. Whoever handles it sees it."),
    "urge": gettext_lazy("Urged. Whoever handles it has been told."),
    "withdraw": gettext_lazy("Withdrawn. The report has ended."),
}


def _thanks(followed: Followed) -> Mapping[str, Promise]:
    """What is said after each action; the actions that a link allows."""
    return WISH_THANKS if followed.case.kind == Kind.WISH else _THANKS


def _form(followed: Followed, action: str, request: HttpRequest, key: str, at: datetime) -> ActionForm:
    forms = WISH_ASKER_FORMS if followed.case.kind == Kind.WISH else ACTION_FORMS
    classes = forms | {"add_information": PublicInformationForm}
    form = classes[action](request.POST, case=followed.case, actor=followed.actor, access=NOTHING, at=at)
    if isinstance(form, PublicInformationForm):
        form.upload_key = key
    return form


def _refused(request: HttpRequest, followed: Followed, action: str, at: datetime) -> HttpResponse:
    """What this person can never do is not found; what is not possible now says so on the page."""
    rule = WORKFLOWS[followed.case.kind].get(action)
    if (
        rule is None
        or action not in _thanks(followed)
        or (action == "withdraw" and followed.co_reporter is not None)
    ):
        raise NotVisible()
    if followed.case.kind == Kind.WISH:
        told = why_not(followed.case, action)
    elif action == "rate" and followed.case.closed_at is not None and not may_rate(followed, at=at):
        told = _("You have rated it already, or more than 15 days have passed. Please report it anew.")
    elif action == "urge" and rule.allowed_in(followed.case.state):
        told = str(URGED_LATELY)
    else:
        told = _("Meanwhile the report is “%(state)s”, so this is not possible any more.") % {
            "state": followed.case.get_state_display()
        }
    error = WrongState(told)
    return _show(request, followed, at, refusal=str(error.message), status=HTTPStatus.CONFLICT)


def _show(
    request: HttpRequest,
    followed: Followed,
    at: datetime,
    *,
    form: ActionForm | None = None,
    action: str = "",
    photos: Posted | None = None,
    refusal: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    ensure_upload_key(request)
    remember_follow_token(request, followed.token)
    before, after = pictures_of(followed)
    photos = photos or Posted()
    context = {
        "followed": followed,
        "case": followed.case,
        "lines": public_timeline(followed),
        "before": before,
        "after": after,
        "actions": public_actions(followed, at=at),
        "form": form,
        "action": action,
        "kept": kept_photos(request, photos) if photos.tokens else [],
        "photo_errors": list(filter(None, [photos.error])),
        "refusal": refusal,
        "is_new": request.GET.get("new") == "1",
        "link": request.build_absolute_uri(reverse("cases:public_follow_order", args=[followed.token])),
    }
    status = status if form is None else max(photos.status, HTTPStatus.BAD_REQUEST)
    page = "cases/public_follow_order.html"
    if followed.case.kind == Kind.WISH:
        page, context = "cases/wishes/follow.html", context | _of_wish(followed)
    return render(request, page, context, status=status)


def _of_wish(followed: Followed) -> dict[str, Any]:
    urls = {each: reverse("cases:public_act", args=[followed.token, each]) for each in WISH_THANKS}
    return wish_context(followed.case, urls=urls)


@never_cache
@require_form
def public_follow(request: HttpRequest) -> HttpResponse:
    """Find a report again by its number and phone. Whatever is wrong, the answer is the same."""
    at = timezone.now()
    if request.method != "POST":
        return _ask(request, FollowForm(), asks=False)
    form, asks, status = FollowForm(request.POST), False, HTTPStatus.BAD_REQUEST
    if form.is_valid():
        number, phone = form.cleaned_data["number"].strip(), form.cleaned_data["phone"]
        try:
            needed = pace.follow_needs_answer(request, number=number, at=at)
        except DomainError as error:
            form.add_domain_error(error)
            return _ask(request, form, asks=False, status=error.http_status)
        asks = needed and not challenge.is_answered(request, form.cleaned_data["answer"])
        if asks:
            form.add_error(None, str(challenge.ANSWER_FIRST))
        elif token := token_of(number, phone):
            challenge.forget_question(request)
            return redirect("cases:public_follow_order", token=token)
        else:
            pace.note_failure(request, number=number, at=at)
            challenge.forget_question(request)
            form.add_error(None, str(UNKNOWN))
            asks, status = needed, HTTPStatus.NOT_FOUND
    return _ask(request, form, asks=asks, status=status)


def _ask(
    request: HttpRequest, form: FollowForm, *, asks: bool, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    context = {"form": form, "question": challenge.question(request) if asks else ""}
    response = render(request, "cases/public_follow.html", context, status=status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = "600"
    return response


def token_of(number: str, phone: str) -> str:
    """The link of the report with this number that was left with this phone; empty for none.

    A co-reporter finds the order by the number that they were given, which is the order's own.
    """
    own = Case.objects.filter(number=number, reporter_phone=phone).exclude(follow_token=None)
    joined = CoReporter.objects.filter(case__number=number, phone=phone).exclude(follow_token=None)
    found = own.values_list("follow_token", flat=True).first()
    return found or joined.values_list("follow_token", flat=True).first() or ""
