"""The inbox: what concerns me, newest first; each message leads to its order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cases.actions.reading import read_all_notifications, read_notification
from cases.inbox import (
    MOST_COUNTED,
    grouped_messages_of,
    messages_of,
    newest_of_orders,
    notifications_of,
    unread_count,
    with_orders,
)
from cases.models import Case, Notification
from cases.wording import describe
from cases.workflow import Kind
from governance.common.errors import Invalid
from governance.common.htmx import is_partial
from governance.common.navigation import Bell, register_bell
from governance.common.pagination import paginate
from partymembers.access import Access
from partymembers.actions.notices import read_all_notices
from partymembers.devices import is_on_a_phone
from partymembers.middleware import access_for
from partymembers.models import User
from partymembers.notices import NoticeLine, lines_of, notices_of

PAGE_SIZE = 30
#: So many of the newest notices about no order stand above the messages.
SHOWN_NOTICES = 10
#: Remembers which messages a browser has announced, so that each is announced once.
TOLD_COOKIE = "gezhi_told"
_TOLD_SECONDS = 30 * 24 * 3600


def enter() -> None:
    """Put the bell on every page; done once, when Django starts."""
    register_bell(Bell(url_name="cases:notifications", unread=_unread, live_url_name="cases:unread"))


def _unread(request: HttpRequest) -> int:
    return unread_count(cast(User, request.user), now=timezone.now())


@login_required
@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """The user's own messages, one line for each order: its newest.

    `?show=unread` leaves out what was read; `?order=` shows all messages of one order, each by itself.
    """
    user, now = cast(User, request.user), timezone.now()
    only_unread, number = request.GET.get("show") == "unread", request.GET.get("order", "")
    rows = notifications_of(user, now=now)
    rows = rows.filter(read_at=None) if only_unread else rows
    page = paginate(
        with_orders(rows.filter(case__number=number) if number else newest_of_orders(rows)),
        order="-event_id",
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    access = access_for(request)
    apart = messages_of(page.rows, user, access) if number else None
    notices = [] if number else _notices(request, user, only_unread=only_unread)
    context = {
        "notices": notices,
        "newest_notice": max((line.pk for line in notices), default=0),
        "page": page,
        "lines": grouped_messages_of(page.rows, rows, user, access) if apart is None else apart,
        "order_number": number,
        "only_unread": only_unread,
        "unread": unread_count(user, now=now),
        "newest_id": max((row.pk for row in page.rows), default=0),
        "is_phone_role": (on_phone := is_on_a_phone(access)),
        "base": "base_phone.html" if on_phone else "base.html",
    }
    return render(request, "cases/notifications.html", context)


def _notices(request: HttpRequest, user: User, *, only_unread: bool) -> list[NoticeLine]:
    """What is about no order stands above the first page: the newest, or all that is unread."""
    if request.GET.get("cursor"):
        return []
    rows = notices_of(user).filter(read_at=None) if only_unread else notices_of(user)
    return lines_of(rows.order_by("-at", "-pk")[: PAGE_SIZE if only_unread else SHOWN_NOTICES])


@login_required
@require_safe
def open_notification(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Follow a message to its order; that reads it. An order that is no longer theirs stays unopened."""
    user = cast(User, request.user)
    message = read_notification(notification_id=notification_id, actor=user, at=timezone.now())
    if message.case.kind == Kind.WISH:
        return _to_wish(message.case, access_for(request))
    if not Case.objects.visible_to(access_for(request)).filter(pk=message.case_id).exists():
        messages.info(request, _("This order is no longer within what you may see."))
        return redirect("cases:notifications")
    if message.kind == "whistle":  # what it asks for is a tap there, on a phone
        return redirect("cases:whistles")
    return redirect("cases:detail", number=message.case.number)


def _to_wish(case: Case, access: Access) -> HttpResponse:
    """By how the reader stands to it: the desk's page, the asker's, else the public half.

    Who has lost both, with a post say, reads the wall's page, which names nobody.
    """
    if Case.objects.wishes_of_desk(access).filter(pk=case.pk).exists():
        return redirect("cases:wish_order", number=case.number)
    if case.reporter_id == access.user_id:
        return redirect("cases:my_wish", number=case.number)
    return redirect("cases:wish", number=case.number)


@login_required
@require_POST
def read(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Mark one message as read, where it stands."""
    user = cast(User, request.user)
    message = read_notification(notification_id=notification_id, actor=user, at=timezone.now())
    if not is_partial(request):
        return redirect("cases:notifications")
    rows = with_orders(Notification.objects.filter(pk=message.pk))
    shown = notifications_of(user, now=timezone.now())
    (line,) = grouped_messages_of(rows, shown, user, access_for(request))
    return render(request, "cases/_notification.html", {"line": line})


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything up to the newest message of the page as read."""
    newest, notice = request.POST.get("newest", ""), request.POST.get("newest_notice", "0")
    if not all(typed.isascii() and typed.isdigit() and len(typed) < 19 for typed in (newest, notice)):
        raise Invalid(_("Please open the list again and repeat this."), field="newest")
    actor, now = cast(User, request.user), timezone.now()
    count = read_all_notifications(actor=actor, at=now, newest_id=int(newest))
    count += read_all_notices(actor=actor, at=now, newest_id=int(notice))
    told = ngettext("%(count)s message marked as read.", "%(count)s messages marked as read.", count)
    messages.success(request, told % {"count": count})
    return redirect("cases:notifications")


@never_cache
@require_safe
def unread(request: HttpRequest) -> HttpResponse:
    """What an open page asks now and then: how many are unread, and what came since it last asked."""
    if not request.user.is_authenticated:
        return JsonResponse({"detail": _("Please sign in again.")}, status=401)
    user, now = request.user, timezone.now()
    count = unread_count(user, now=now)
    rows = notifications_of(user, now=now)
    newest = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
    known = _told(request.COOKIES.get(TOLD_COOKIE, ""))
    news = _news(user, rows.filter(read_at=None), *known) if known and count else {}
    response = JsonResponse({"unread": count, **news})
    response.set_cookie(
        TOLD_COOKIE,
        f"{newest}.{int(now.timestamp())}",
        max_age=_TOLD_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


def _told(cookie: str) -> tuple[int, datetime] | None:
    """The newest message that this browser knew of, and when; None where it asks for the first time."""
    newest, _dot, at = cookie.partition(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 12 for part in (newest, at)):
        return None
    return int(newest), datetime.fromtimestamp(int(at), tz=UTC)


def _news(user: User, rows: QuerySet[Notification], newest: int, since: datetime) -> dict[str, str]:
    """What to say aloud: one message in its words, several as a number; nothing that was said before."""
    # A message written earlier may show only now, when quiet hours end.
    fresh = list(
        with_orders(rows.filter(Q(pk__gt=newest) | Q(due_at__gt=since))).order_by("-pk")[:MOST_COUNTED]
    )
    if not fresh:
        return {}
    if len(fresh) > 1:
        told = ngettext("%(count)s new message", "%(count)s new messages", len(fresh)) % {"count": len(fresh)}
        return {"text": told, "href": reverse("cases:notifications"), "action": _("Read them")}
    title, _body = describe(fresh[0].event, user)
    return {
        "text": title,
        "href": reverse("cases:notification_open", args=[fresh[0].pk]),
        "action": _("See the order"),
    }
