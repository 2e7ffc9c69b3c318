"""Whether this process serves."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer "ok"; asks neither database nor cache, so that a slow one gets no process restarted."""
    return HttpResponse("ok", content_type="text/plain")
