"""What a page costs at least: the same middleware, session and connection, and one statement."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tests.benchmarks.models import Line

ROWS = 50


@login_required
@require_POST
def insert(request: HttpRequest) -> HttpResponse:
    """One row, committed."""
    line = Line.objects.create(owner_id=request.user.pk, at=timezone.now(), text=request.POST["text"])
    return HttpResponse(f"{line.pk}\n", content_type="text/plain", status=201)


@login_required
@require_safe
def select(request: HttpRequest) -> HttpResponse:
    """The newest fifty rows of the user, by index, as plain text."""
    rows = Line.objects.filter(owner_id=request.user.pk).order_by("-id")[:ROWS]
    text = "".join(f"{row.pk}\t{row.at:%Y-%m-%d %H:%M}\t{row.text}\n" for row in rows)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
