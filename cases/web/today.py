"""What a grid worker does today: checks on the spot and what is theirs to handle, least time left first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from cases.models import Attachment, Case, CaseEvent, Feedback
from cases.permissions import is_rating_open, require
from cases.queries import ClockFace, ball, visible_case, with_row_facts
from cases.querysets import CaseQuerySet
from cases.web.forms import ACTION_FORMS, ActionForm
from cases.web.reporting import Posted, kept_photos, posted, wants_json
from cases.workflow import State
from governance.common.errors import DomainError
from governance.common.methods import require_form
from governance.common.pagination import paginate
from grids.models import ORDER_LEVELS, Level
from partymembers.access import Access
from partymembers.devices import may_trust
from partymembers.middleware import access_for
from partymembers.models import GROUND_ROLES, User

PAGE_SIZE: Final = 30
TABS: Final = {
    "all": gettext_lazy("All"),
    "check": gettext_lazy("To check"),
    "handle": gettext_lazy("To handle"),
    "done": gettext_lazy("Done today"),
}
#: What counts as done today, of what one did oneself.
_DEEDS: Final = ("check_pass", "check_fail", "finish", "resolve")
_RESULTS: Final = ("finish", "resolve")


@dataclass(frozen=True)
class Task:
    """A card: the order, its leading clock, and what its handler said when finishing."""

    case: Case
    clock: ClockFace | None
    is_check: bool
    result: CaseEvent | None = None


def ground_condition(access: Access) -> Q:
    """Orders in the places where the actor works on the ground."""
    condition = Q(pk__in=[])
    for grant in access.grants:
        if not grant.roles & GROUND_ROLES:
            continue
        if grant.level in ORDER_LEVELS:
            condition |= Q(**{f"{grant.level.value}_id": grant.place_id})
        elif grant.level == Level.BUILDING:
            condition |= Q(building_id=grant.place_id)
        if grant.level == Level.GRID and access.inner_grid_ids:
            condition |= Q(grid_id__in=access.inner_grid_ids, place__path__startswith=grant.path)
    return condition


def to_check(access: Access) -> Q:
    """Handled orders on the actor's ground that somebody else has finished."""
    return Q(state=State.HANDLED) & ground_condition(access) & ~Q(finisher_id=access.user_id)


def to_handle(access: Access) -> Q:
    """Orders that the actor personally is to handle for a unit of theirs."""
    return Q(
        state__in=(State.DISPATCHED, State.HANDLING),
        handler_id=access.user_id,
        unit_id__in=access.unit_ids,
    )


def todo(access: Access) -> CaseQuerySet:
    """Everything that waits for this very person."""
    return Case.objects.visible_to(access).filter(to_check(access) | to_handle(access))


def todo_count(request: HttpRequest) -> int:
    """The number at the navigation's entry; one query."""
    return todo(access_for(request)).count()


@login_required
@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """The list; `?tab=` check, handle or done narrows it."""
    access, now, user = access_for(request), timezone.now(), cast(User, request.user)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "all"
    rows = _done(access, user, now) if tab == "done" else _narrowed(access, tab)
    order = "-updated_at" if tab == "done" else "next_due_at"
    rows = with_row_facts(rows).select_related("unit", "handler")
    page = paginate(rows, order=order, cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    context = {
        "page": page,
        "tasks": _tasks(page.rows, access, now),
        "tab": tab,
        "counts": _counts(access, now),
        "done_count": _done(access, user, now).count(),
        "ground": next((post.where for post in access.posts if post.role in GROUND_ROLES), ""),
        "now": now,
    }
    return render(request, "cases/today.html", context)


def _narrowed(access: Access, tab: str) -> CaseQuerySet:
    wanted = {"check": to_check, "handle": to_handle}.get(tab)
    return todo(access).filter(wanted(access)) if wanted else todo(access)


def _counts(access: Access, now: datetime) -> dict[str, int]:
    """All the header's and the tabs' numbers; one query."""
    return todo(access).aggregate(
        all=Count("pk"),
        check=Count("pk", filter=Q(state=State.HANDLED)),
        handle=Count("pk", filter=~Q(state=State.HANDLED)),
        late=Count("pk", filter=Q(next_due_at__lt=now)),
        nearly=Count("pk", filter=Q(next_due_at__gte=now, next_warn_at__lte=now)),
    )


def _done(access: Access, user: User, now: datetime) -> CaseQuerySet:
    """Orders on which the actor did their part since midnight."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    deeds = CaseEvent.objects.filter(actor=user, at__gte=midnight, kind__in=_DEEDS)
    return Case.objects.visible_to(access).filter(pk__in=deeds.values("case"))


def _tasks(cases: Iterable[Case], access: Access, now: datetime) -> list[Task]:
    """The cards, with the last result of those that wait for a check; one query."""
    cases = list(cases)
    handled = [case.pk for case in cases if case.state == State.HANDLED]
    said = CaseEvent.objects.filter(case__in=handled, kind__in=_RESULTS).order_by("case", "-seq")
    results = {event.case_id: event for event in said.distinct("case")}
    return [
        Task(case, ball(case, now=now), case.state == State.HANDLED, results.get(case.pk)) for case in cases
    ]


@login_required
@require_form
def verify(request: HttpRequest, number: str) -> HttpResponse:
    """Check a result on the spot: a photo, then pass, or rework with a sentence (`verdict`)."""
    try:
        return _verify(request, number)
    except DomainError as error:
        error.extra["typed"] = request.POST.get("note", "")
        raise


def _verify(request: HttpRequest, number: str) -> HttpResponse:
    """The check itself; what its page cannot show again, the refusal's page gives back."""
    access, at, user = access_for(request), timezone.now(), cast(User, request.user)
    case = visible_case(number, access)
    require(user, "check_pass", case, at=at, access=access)
    if request.method != "POST":
        return _verify_page(request, case, None, Posted())
    verdict = request.POST.get("verdict", "")
    if verdict not in ("check_pass", "check_fail"):
        raise Http404
    form = ACTION_FORMS[verdict](request.POST, case=case, actor=user, access=access, at=at)
    photos = posted(request, "photos", at=at)
    if form.is_valid() and not photos.error:
        try:
            return _verified(request, form.run(photos=photos.tokens))
        except DomainError as error:
            if error.http_status in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                raise
            form.add_domain_error(error)
    return _verify_page(request, case, form, photos)


def _verified(request: HttpRequest, case: Case) -> HttpResponse:
    if wants_json(request):
        url = reverse("cases:detail", args=[case.number])
        return JsonResponse({"number": case.number, "url": url}, status=HTTPStatus.CREATED)
    told = (
        _("%(number)s has passed the check and is closed.")
        if case.state == State.CLOSED
        else _("%(number)s goes back for rework.")
    )
    messages.success(request, told % {"number": case.number})
    return redirect("cases:today")


def _verify_page(request: HttpRequest, case: Case, form: ActionForm | None, photos: Posted) -> HttpResponse:
    if form is not None and wants_json(request):
        told = [str(message) for errors in form.errors.values() for message in errors]
        errors = [*told, *filter(None, [photos.error])]
        return JsonResponse({"errors": errors}, status=HTTPStatus.BAD_REQUEST)
    before = case.attachments.filter(role=Attachment.Role.BEFORE).order_by("pk").first()
    after = case.attachments.filter(role=Attachment.Role.AFTER).order_by("-pk").first()
    context: dict[str, Any] = {
        "case": case,
        "form": form,
        "before": before,
        "after": after,
        "result": case.events.filter(kind__in=_RESULTS).order_by("-seq").first(),
        "kept": kept_photos(request, photos) if photos.tokens else [],
        "photo_errors": [photos.error] if photos.error else [],
    }
    status = HTTPStatus.OK if form is None else max(photos.status, HTTPStatus.BAD_REQUEST)
    part = request.headers.get("HX-Request") == "true"
    return render(request, "cases/_verify.html" if part else "cases/verify.html", context, status=status)


@dataclass(frozen=True)
class MineRow:
    """One of my reports with its leading clock, what it became, and whether it asks for my rating."""

    case: Case
    clock: ClockFace | None
    may_rate: bool
    is_joined: bool


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """What I reported or joined, newest first, and what became of it."""
    access, now, user = access_for(request), timezone.now(), cast(User, request.user)
    own = Q(reporter=user) | Q(pk__in=user.co_reports.values("case"))
    rows = Case.objects.visible_to(access).filter(own)
    mine_alone = Feedback.objects.filter(by=user).exclude(source=Feedback.Source.FOLLOW_UP)
    answers = Prefetch("feedback", mine_alone, to_attr="my_answers")
    page = paginate(
        cast(
            CaseQuerySet,
            with_row_facts(rows).select_related("merged_into", "unit", "handler").prefetch_related(answers),
        ),
        order="-reported_at",
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    context = {"page": page, "rows": [_mine_row(case, user, now) for case in page.rows], "now": now}
    context["away"] = not may_trust(access)
    return render(request, "cases/mine.html", context)


def _mine_row(case: Case, user: User, now: datetime) -> MineRow:
    in_time = is_rating_open(case, at=now)
    answers: list[Feedback] = case.my_answers  # type: ignore[attr-defined]
    unrated = case.closed_at is None or not any(answer.at >= case.closed_at for answer in answers)
    return MineRow(
        case=case,
        clock=ball(case, now=now),
        may_rate=case.state == State.CLOSED and in_time and unrated,
        is_joined=case.reporter_id != user.pk,
    )
