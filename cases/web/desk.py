"""The desk's and the unit's lists, the pane beside them, search, bulk actions and saved views."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from urllib.parse import parse_qs, urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from cases.actions.desk import accept_case, decline_case, dispatch_case
from cases.filters import CaseFilter
from cases.listing import columns_of
from cases.models import Case, MatterClass, SavedView
from cases.querysets import CaseQuerySet
from cases.web.boards import BOARDS, DESK, HANDLING, Board, View
from cases.web.panel import order_context
from cases.web.rows import rows_of
from governance.common.errors import DomainError, Invalid, NotAllowed
from governance.common.htmx import is_partial
from governance.common.kept import MOST_KEPT, Kept, Slot
from governance.common.pagination import CursorPage, first_page_statements, kept_first_page, paginate
from grids.models import Level, Place
from partymembers.access import Access
from partymembers.landing import current_post
from partymembers.middleware import access_for
from partymembers.models import User

#: Parameters of the address that are not part of a filter.
_NOT_FILTERS = ("cursor", "case")
_NO_FILTER = {"view", "case"}
_ORDER = "next_due_at"
MOST_AT_ONCE = 100
MOST_SAVED_VIEWS = 20


@login_required
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """The desk's inbox, first due first."""
    access = access_for(request)
    if not access.desk_place_ids:
        raise NotAllowed(_("This page is for the staff of a desk."))
    return _board(request, DESK, access)


@login_required
@require_safe
def handling(request: HttpRequest) -> HttpResponse:
    """What the actor's units have to handle."""
    access = access_for(request)
    if not access.unit_ids:
        raise NotAllowed(_("This page is for people of a unit."))
    return _board(request, HANDLING, access)


def _board(request: HttpRequest, board: Board, access: Access) -> HttpResponse:
    now = timezone.now()
    view = board.view(request.GET.get("view", ""))
    narrowed, page = _page(request, board, view, access, now)
    context = {
        "board": board,
        "view": view,
        "rows": rows_of(page.rows, now=now, access=access),
        "page": page,
        "filter": narrowed,
        "counts": board.counts(access, now),
        "saved_views": _saved_views(request, board),
        "filter_query": _filter_query(request),
        "classes": _classes().ask(),
        "grids": _offered_grids(access).ask(),
        "bulk_labels": BULK_LABELS,
        "post": current_post(request),
        "now": now,
    }
    if number := request.GET.get("case", ""):
        context |= _open_order(request, number)
    template = "cases/_board.html" if is_partial(request) else "cases/board.html"
    return render(request, template, context)


def _page(
    request: HttpRequest, board: Board, view: View, access: Access, now: datetime
) -> tuple[CaseFilter, CursorPage[Any]]:
    """The filter of the address, and the page of the list that it leaves."""
    if set(request.GET) <= _NO_FILTER:  # as people open it all day: nothing to narrow, nothing to build
        page = kept_first_page(_first_page(board.key, view.key, access), order=_ORDER, now=now)
        return _empty_filter(), page
    wanted = board.rows(view, access, now)
    narrowed = CaseFilter(request.GET, wanted, grids=_grids(access), request=request)
    rows = columns_of(cast(CaseQuerySet, narrowed.qs))
    return narrowed, paginate(rows, order=_ORDER, cursor=request.GET.get("cursor", ""))


@lru_cache(maxsize=1)
def _empty_filter() -> CaseFilter:
    """The filter of an address without any: it knows nobody and is the same for all."""
    return CaseFilter(QueryDict(), Case.objects.none())


@lru_cache(maxsize=MOST_KEPT)
def _first_page(board_key: str, view_key: str, access: Access) -> tuple[Kept[Any], ...]:
    """The statements of a view's first page, by what its reader reaches."""
    board = BOARDS[board_key]
    rows = board.rows(board.view(view_key), access, Slot("now"))
    return first_page_statements(columns_of(rows), order=_ORDER)


def _grids(access: Access) -> QuerySet[Place]:
    """Grids to filter by: those of the actor's places, of communities at most."""
    paths = [g.path for g in access.grants if g.level.rank >= Level.STREET.rank]
    condition = Q(pk__in=[])
    for path in paths:
        condition |= Q(path__startswith=path)
    return Place.objects.filter(condition, level=Level.GRID, retired_on__isnull=True).defer("boundary")


@lru_cache(maxsize=MOST_KEPT)
def _offered_grids(access: Access) -> Kept[Place]:
    return Kept(_grids(access).only("name")[:200])


@lru_cache(maxsize=1)
def _classes() -> Kept[MatterClass]:
    return Kept(MatterClass.objects.exclude(section=MatterClass.Section.WISH))


def _open_order(request: HttpRequest, number: str) -> dict[str, Any]:
    """The order in the pane; a number that leads nowhere leaves the pane empty and says so."""
    try:
        return order_context(request, number)
    except DomainError as error:
        return {"pane_error": error.message}


def _filter_query(request: HttpRequest) -> str:
    """The address's own filter, without page and order: what a saved view keeps."""
    kept = [
        (k, v) for k, v in parse_qs(request.META.get("QUERY_STRING", "")).items() if k not in _NOT_FILTERS
    ]
    return urlencode(kept, doseq=True)


def _saved_views(request: HttpRequest, board: Board) -> list[SavedView]:
    prefix = f"{board.key}?"
    found = _views_of(board.key).ask(user_id=request.user.pk)
    for row in found:
        row.url = f"{reverse(board.url_name)}?{row.query.removeprefix(prefix)}"  # type: ignore[attr-defined]
    return found


@lru_cache(maxsize=len(BOARDS))
def _views_of(board_key: str) -> Kept[SavedView]:
    return Kept(SavedView.objects.filter(user_id=Slot("user_id"), query__startswith=f"{board_key}?"))


@login_required
@require_POST
def save_view(request: HttpRequest, board: str) -> HttpResponse:
    """Keep the current filter under a name; the same name replaces."""
    if board not in BOARDS:
        raise Invalid(_("There is no such list."))
    name, query = (request.POST.get(key, "").replace("\x00", "").strip() for key in ("name", "query"))
    query = query[:900]
    mine = SavedView.objects.filter(user=cast(User, request.user))
    if not name or len(name) > 30:
        raise Invalid(_("Please give the view a name of at most 30 characters."), field="name")
    if mine.exclude(name=name).count() >= MOST_SAVED_VIEWS:
        raise Invalid(_("You have 20 views already. Please delete one first."))
    mine.update_or_create(user=cast(User, request.user), name=name, defaults={"query": f"{board}?{query}"})
    return redirect(f"{reverse(BOARDS[board].url_name)}?{query}")


@login_required
@require_POST
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a saved view of one's own."""
    view = get_object_or_404(SavedView, pk=pk, user=cast(User, request.user))
    board = BOARDS.get(view.query.partition("?")[0], DESK)
    view.delete()
    return redirect(board.url_name)


@login_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Every order that the actor may see, open or ended; a full number opens its order."""
    access, now = access_for(request), timezone.now()
    visible = Case.objects.visible_to(access)
    text = request.GET.get("q", "").replace("\x00", "").strip()
    if text and (found := visible.filter(number=text).first()) is not None:
        return redirect("cases:detail", number=found.number)
    narrowed = CaseFilter(request.GET, visible, grids=_grids(access), request=request)
    page = paginate(
        columns_of(cast(CaseQuerySet, narrowed.qs)),
        order="-reported_at",
        cursor=request.GET.get("cursor", ""),
        count_up_to=1000,
    )
    context = {
        "rows": rows_of(page.rows, now=now),
        "page": page,
        "filter": narrowed,
        "text": text,
        "now": now,
    }
    return render(request, "cases/search.html", context)


#: What a desk does with many orders at once.
BULK_LABELS = {
    "accept": gettext_lazy("Accept"),
    "dispatch": gettext_lazy("Dispatch to the suggested units"),
    "decline": gettext_lazy("Decline"),
}


@dataclass(frozen=True)
class Verdict:
    """What became of one order of a selection."""

    case: Case
    error: str = ""


@login_required
@require_POST
def bulk(request: HttpRequest, action: str) -> HttpResponse:
    """Do one thing to every ticked order, each in its own transaction, with a verdict for each."""
    numbers = [number.replace("\x00", "") for number in request.POST.getlist("number")]
    if action not in BULK_LABELS:
        raise Invalid(_("This cannot be done to many orders at once."))
    if not numbers:
        raise Invalid(_("Please tick at least one order."))
    if len(numbers) > MOST_AT_ONCE:
        told = _("%(ticked)d orders are ticked; please tick at most %(most)d at once.")
        raise Invalid(told % {"ticked": len(numbers), "most": MOST_AT_ONCE})
    cases = list(Case.objects.visible_to(access_for(request)).filter(number__in=numbers).order_by("pk"))
    note = request.POST.get("note", "")
    verdicts = [_do(action, case, cast(User, request.user), note) for case in cases]
    done = sum(not verdict.error for verdict in verdicts)
    context = {
        "verdicts": verdicts,
        "told": ngettext("%(done)d order done.", "%(done)d orders done.", done) % {"done": done},
        "failed": len(verdicts) - done,
        "missing": len(set(numbers)) - len(cases),
        "label": BULK_LABELS[action],
    }
    return render(request, "cases/_bulk_result.html", context)


def _do(action: str, case: Case, actor: User, note: str) -> Verdict:
    at = timezone.now()
    try:
        if action == "accept":
            accept_case(case_id=case.pk, actor=actor, at=at)
        elif action == "decline":
            decline_case(case_id=case.pk, actor=actor, at=at, note=note)
        elif case.suggested_unit is None:
            return Verdict(case, _("No unit is suggested. Please dispatch it by itself."))
        else:
            dispatch_case(case_id=case.pk, unit=case.suggested_unit, actor=actor, at=at)
    except DomainError as error:
        return Verdict(case, str(error.message))
    return Verdict(case)


@login_required
@require_safe
def news(request: HttpRequest) -> HttpResponse:
    """How many orders wait in each view, for the list that is open: asked every half minute."""
    access, now = access_for(request), timezone.now()
    board = BOARDS.get(request.GET.get("board", ""), DESK)
    counts = board.counts(access, now)
    latest = counts.pop("latest")
    return JsonResponse({"counts": {f"view-{key}": n for key, n in counts.items()}, "latest": latest})
