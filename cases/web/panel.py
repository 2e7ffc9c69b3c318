"""The order itself: its page, the pane beside a list, its reporter's phone in full."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.attachments import is_for_reporters
from cases.choices import handling_timer
from cases.models import Attachment, Case, CaseEvent, CaseUnit
from cases.permissions import allowed_actions
from cases.public import PUBLIC_KINDS
from cases.queries import (
    as_said,
    ball,
    is_onlooker,
    is_reader_only,
    pictures_of,
    stage_faces,
    timeline,
    visible_case,
)
from cases.routing import explain_reason, unit_record
from cases.timeline import lines_of, without_phones
from cases.web.forms import ACTION_FORMS
from cases.web.forms.desk import likely_targets, offered_standards
from cases.web.whistling import whistle_cards
from cases.workflow import WORKFLOWS
from governance.common.errors import NotAllowed
from governance.common.formats import masked_name, masked_phone
from grids.geojson import feature_collection
from partymembers.access import Access
from partymembers.audit import address_of, read_personal
from partymembers.middleware import access_for
from partymembers.models import User

#: The one red button of an order, by what is allowed: the first that applies.
PRIMARY = (
    "check_pass",
    "accept",
    "dispatch",
    "acknowledge",
    "finish",
    "resume",
    "grant_extension",
    "grant_suspension",
    "answer_whistle",
    "come_to_whistle",
    "report_whistle",
    "rate",
)
#: Keys of the desk (design/README.md); a key does nothing where its button is absent.
KEYS = {
    "accept": "A",
    "dispatch": "D",
    "decline": "N",
    "merge": "M",
    "urge": "U",
    "supervise": "S",
    "escalate": "E",
    "comment": "C",
}
ICONS = {
    "accept": "check",
    "decline": "x",
    "merge": "merge",
    "dispatch": "route",
    "reassign": "route",
    "return": "undo",
    "finish": "image",
    "check_pass": "check",
    "check_fail": "undo",
    "escalate": "up",
    "take_over": "up",
    "give_back": "down",
    "urge": "bell",
    "supervise": "eye",
    "instruct": "flag",
    "comment": "msg",
    "attach": "image",
    "correct_matter": "edit",
    "correct_place": "pin",
    "follow_up": "phone",
    "reopen": "undo",
    "rate": "smile",
    "ask_extension": "clock",
    "ask_suspension": "pause",
    "resume": "play",
    "assign": "user",
    "acknowledge": "check",
    "void": "trash",
    "withdraw": "undo",
    "add_information": "plus",
    "whistle": "whistle",
    "end_whistle": "whistle",
    "answer_whistle": "check",
    "come_to_whistle": "walk",
    "report_whistle": "doc",
}
#: So many actions stand in the open; the rest is in the menu.
IN_THE_OPEN = 4
_LOOK_BACK = timedelta(days=90)


@login_required
@require_safe
def detail(request: HttpRequest, number: str) -> HttpResponse:
    """The whole order: clocks, before and after, history, place, who handles it."""
    return render(request, "cases/detail.html", order_context(request, number))


@login_required
@require_safe
def panel(request: HttpRequest, number: str) -> HttpResponse:
    """The same order in the pane beside a list."""
    return render(request, "cases/_panel.html", order_context(request, number))


def order_context(request: HttpRequest, number: str) -> dict[str, Any]:
    """What the order's page and pane show. Raises NotVisible."""
    access, now = access_for(request), timezone.now()
    case = visible_case(number, access)
    user = cast(User, request.user)
    allowed = allowed_actions(user, case, at=now, access=access)
    hides, onlooks = is_reader_only(case, access), is_onlooker(case, access)
    stages, whole = stage_faces(case, now=now)
    pictures = [p for p in pictures_of(case) if not onlooks or is_for_reporters(p, case, user.pk)]
    waiting = None if onlooks else next((r for r in case.requests.all() if r.decided_at is None), None)
    return {
        "case": case,
        "now": now,
        "ball": ball(case, now=now),
        "stages": stages,
        "whole": whole,
        "description": _description(case, user, hides=hides, onlooks=onlooks),
        "lines": lines_of(
            _history(case, onlooks), pictures, hide_reporter=hides, onlooker_id=user.pk if onlooks else None
        ),
        "before": [p for p in pictures if p.role == Attachment.Role.BEFORE],
        "after": [p for p in pictures if p.role in (Attachment.Role.AFTER, Attachment.Role.CHECK)],
        "assisting": [p for p in case.parts.all() if p.part == CaseUnit.Part.ASSIST],
        "request_waiting": waiting,
        "asked_span": as_said(waiting.extra, handling_timer(case)) if waiting and waiting.extra else None,
        "reporter": _reporter(case, hides),
        "may_open_phone": not hides and bool(_phone(case)) and _has_business(case, access),
        "route_words": explain_reason(case.route_reason) if case.route_reason else "",
        "routed_by": _routed_by(case),
        "boundaries": feature_collection([p for p in (case.grid, case.community) if p is not None][:1]),
        "points": [{"lat": case.lat, "lng": case.lng, "light": "", "label": case.number}] if case.lat else [],
        "similar": likely_targets(case, access),
        "whistles": [] if onlooks else whistle_cards(case, now=now),
        **_buttons(allowed, case),
        **_inline_forms(request, case, access, allowed),
    }


def _routed_by(case: Case) -> str:
    """Why the lead unit has it: the rule that named it, or that the desk chose another; empty for neither."""
    if case.unit_id is None:
        return ""
    if case.unit_id != case.suggested_unit_id:
        return _("Chosen by the desk")
    return explain_reason(case.route_reason) if case.route_reason else ""


def _history(case: Case, onlooks: bool) -> Iterable[CaseEvent]:
    """Everything for those who work on it; who only reported it reads what the public is told."""
    return timeline(case, kinds=frozenset(PUBLIC_KINDS)) if onlooks else timeline(case)


def _description(case: Case, user: User, *, hides: bool, onlooks: bool) -> str:
    """The reporter's words: not for others who joined, and without a phone for a unit that only reads."""
    if onlooks and case.reporter_id != user.pk:
        return ""
    return without_phones(case.description) if hides else case.description


def _buttons(allowed: Iterable[str], case: Case) -> dict[str, Any]:
    """The allowed actions: one primary, a few in the open, the rest in the menu."""
    rules = WORKFLOWS[case.kind]
    allowed = [action for action in allowed if action in ACTION_FORMS]
    primary = next((action for action in PRIMARY if action in allowed), None)
    others = [
        {"action": a, "label": rules[a].label, "icon": ICONS.get(a, "edit"), "key": KEYS.get(a, "")}
        for a in allowed
        if a != primary
    ]
    first = (
        {"action": primary, "label": rules[primary].label, "key": KEYS.get(primary, "")} if primary else None
    )
    return {
        "primary": first,
        "open_buttons": others[:IN_THE_OPEN],
        "menu_buttons": others[IN_THE_OPEN:],
        "allowed": allowed,
    }


def _inline_forms(request: HttpRequest, case: Case, access: Access, allowed: Iterable[str]) -> dict[str, Any]:
    """The desk's two commonest forms stand in the pane itself: accept and dispatch."""
    at, user = timezone.now(), cast(User, request.user)
    inline: dict[str, Any] = {}
    if "accept" in allowed:
        form = ACTION_FORMS["accept"](case=case, actor=user, access=access, at=at)
        inline["accept_form"], inline["standard_choices"] = form, offered_standards(form)
    if "dispatch" in allowed:
        inline["dispatch_form"] = ACTION_FORMS["dispatch"](case=case, actor=user, access=access, at=at)
        if case.suggested_unit is not None:
            inline["record"] = unit_record(case.suggested_unit, case.matter, since=at - _LOOK_BACK)
    return inline


def _phone(case: Case) -> str:
    return case.reporter_phone or (case.reporter.phone if case.reporter else "") or ""


def _reporter(case: Case, hides: bool) -> dict[str, str]:
    """Who reported, masked; nothing at all for a unit that only reads."""
    if hides:
        return {"name": "", "phone": ""}
    name = case.reporter_name or (case.reporter.name if case.reporter else "")
    return {"name": masked_name(name), "phone": masked_phone(_phone(case))}


def _has_business(case: Case, access: Access) -> bool:
    """Whether the actor works on the order now: its desk, its lead unit, or ground staff of the place."""
    return (
        access.is_desk_of(case.desk.path)
        or access.is_desk_above(case.desk.path)
        or access.in_unit(case.unit_id)
        or access.is_ground_of(case.place.path)
    )


@login_required
@require_POST
def open_phone(request: HttpRequest, number: str) -> HttpResponse:
    """The reporter's phone in full; opening it is written into the audit trail."""
    access = access_for(request)
    case = visible_case(number, access)
    phone = _phone(case)
    if is_reader_only(case, access) or not _has_business(case, access) or not phone:
        raise NotAllowed(_("Only those who work on the order may open the reporter's phone."))
    shown = read_personal(
        cast(User, request.user),
        what="reporter_phone",
        value=phone,
        target=f"case:{case.number}",
        at=timezone.now(),
        ip=address_of(request),
    )
    return render(request, "cases/_phone.html", {"phone": shown})
