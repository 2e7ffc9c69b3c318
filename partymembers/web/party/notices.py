"""A notice opened, or marked as read where it stands."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from governance.common.htmx import is_partial
from partymembers.actions.notices import read_notice
from partymembers.notices import lines_of
from partymembers.web.doors import user_of


@login_required
@require_safe
def open_notice(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Follow a notice to what it is about; that reads it."""
    notice = read_notice(notice_id=notice_id, actor=user_of(request), at=timezone.now())
    return redirect(notice.url or "home")


@login_required
@require_POST
def read(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Mark one notice as read."""
    notice = read_notice(notice_id=notice_id, actor=user_of(request), at=timezone.now())
    if not is_partial(request):
        return redirect("cases:notifications")
    (line,) = lines_of([notice])
    return render(request, "partymembers/party/_notice.html", {"line": line})
