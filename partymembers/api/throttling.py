"""How often a key may call: a fixed window of a minute, counted in Valkey.

It protects the portal from a caller that has run wild and is no quota: while Valkey is away nothing is
counted. What must hold always, is counted in PostgreSQL by the action itself.
"""

from __future__ import annotations

import time
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from partymembers.api.callers import key_of

WINDOW = 60
#: Of a person's session, for the portal's own pages.
SESSION_RATE = 1200


def counted(name: str) -> int:
    """How often this has been counted, this time included; forgotten some time after its minute."""
    cache.add(name, 0, timeout=2 * WINDOW)
    try:
        return int(cache.incr(name))
    except ValueError:  # evicted between the two calls
        return 1


class RateOfKey(BaseThrottle):
    """`RateLimit-Limit`, `-Remaining` and `-Reset` tell every answer how much is left."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count this request; false when the minute is used up."""
        key = key_of(request)
        rate = key.rate if key else SESSION_RATE
        caller = f"key:{key.pk}" if key else f"user:{request.user.pk}"
        now = time.time()
        used = counted(f"rate:{caller}:{int(now // WINDOW)}")
        self.left = WINDOW - now % WINDOW
        request._request.rate_headers = {  # type: ignore[attr-defined]
            "RateLimit-Limit": str(rate),
            "RateLimit-Remaining": str(max(0, rate - used)),
            "RateLimit-Reset": str(int(self.left) + 1),
        }
        return bool(used <= rate)

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return self.left
