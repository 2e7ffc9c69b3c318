"""The whistle's pages: its card on an order, whom the desk may call, and the list of those who are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from cases.models import Case, Whistle, WhistleCall
from cases.permissions import require
from cases.queries import ClockFace, face, visible_case
from cases.web.forms.candidates import candidates
from cases.whistles import WAITING, calls_of, may_take, record_in
from cases.workflow import Stage
from governance.common.pagination import paginate
from partymembers.devices import may_trust
from partymembers.middleware import access_for
from partymembers.models import User

PAGE_SIZE: Final = 30
TABS: Final = {"": gettext_lazy("To do"), "done": gettext_lazy("Done")}


@dataclass(frozen=True)
class Card:
    """One whistle of an order as its page shows it; only the standing one has a clock."""

    whistle: Whistle
    calls: list[WhistleCall]
    clock: ClockFace | None

    @property
    def came(self) -> int:
        """How many have come."""
        return sum(call.came_at is not None for call in self.calls)


def whistle_cards(case: Case, *, now: datetime) -> list[Card]:
    """An order's whistles, the newest first, with who was called; two queries, none where nobody whistled."""
    if not case.whistles_sent:
        return []
    rows = Whistle.objects.filter(case=case).select_related("sent_by")
    calls = WhistleCall.objects.filter(whistle__case=case).select_related(
        "unit", "branch", "user", "answered_by"
    )
    of_whistle: dict[int, list[WhistleCall]] = {}
    for call in calls:
        of_whistle.setdefault(call.whistle_id, []).append(call)
    running = [c for c in case.clocks.all() if c.stage == Stage.ANSWER and c.stopped_at is None]
    clock = face(running[0], now=now) if running else None
    return [
        Card(each, of_whistle.get(each.pk, []), clock if each.ended_at is None else None) for each in rows
    ]


@login_required
@require_safe
def whistle_found(request: HttpRequest, number: str) -> HttpResponse:
    """Whom a search finds, below those already ticked; the desk's form asks while somebody types."""
    access, at = access_for(request), timezone.now()
    case = visible_case(number, access)
    require(cast(User, request.user), "whistle", case, at=at, access=access)
    chosen = {name: request.GET.getlist(name) for name in ("units", "branches", "members")}
    who = request.GET.get("who", "").strip()[:50]
    found = candidates(case, who, chosen)
    return render(
        request, "cases/_whistle_found.html", {"candidates": found, "who": request.GET.get("who", "")}
    )


@dataclass(frozen=True)
class CallRow:
    """A call in the list of the called, and the one step that it waits for."""

    call: WhistleCall
    step: str

    @property
    def case(self) -> Case:
        """The order."""
        return self.call.whistle.case


@login_required
@require_safe
def whistles(request: HttpRequest) -> HttpResponse:
    """Whistles to me, my units and my branches: what waits for a step, or what is done (`?tab=done`)."""
    access, now = access_for(request), timezone.now()
    tab = "done" if request.GET.get("tab") == "done" else ""
    mine = calls_of(access)
    rows = mine.exclude(WAITING) if tab else mine.filter(WAITING)
    beside = ("whistle__case__matter", "whistle__case__place", "unit", "branch", "user", "whistle__sent_by")
    page = paginate(
        rows.select_related(*beside).defer("whistle__case__place__boundary", "whistle__case__search_terms"),
        order="-whistle_id",
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    record = record_in(mine)
    on_phone = may_trust(access) or not (access.grants or access.unit_ids)
    context = {
        "page": page,
        "rows": _rows(page.rows, access.user_id, is_done=bool(tab)),
        "tab": tab,
        "record": record,
        "done": record.called - record.waiting,
        "now": now,
        "base": "base_phone.html" if on_phone else "base.html",
        "on_phone": on_phone,
    }
    return render(request, "cases/whistles.html", context)


def _rows(calls: Iterable[WhistleCall], user_id: int | None, *, is_done: bool) -> list[CallRow]:
    """Of several calls of one order the buttons stand at that which the actions take first."""
    calls = list(calls)
    first: dict[int, int] = {}
    for call in sorted(calls, key=lambda each: (-each.whistle_id, each.user_id != user_id, each.pk)):
        first.setdefault(call.whistle.case_id, call.pk)
    return [
        CallRow(call, "" if is_done or first[call.whistle.case_id] != call.pk else _step(call))
        for call in calls
    ]


def _step(call: WhistleCall) -> str:
    if may_take("report_whistle", call):
        return "report"
    return "come" if call.answer == WhistleCall.Answer.COMING else "answer"
