"""Whether the portal works: for supervisors (`/healthz`), for people on duty and their alarms (`/readyz`).

`/healthz` says that this process serves, and nothing else: what restarts processes or takes them out of a
load balancer asks there. `/readyz` says whether the whole portal does what it promises; a broker that is away
makes it "not ready" though every page still works. Ages are reckoned in the database's own time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from cases import relay
from cases.models import Clock, Heartbeat
from governance.alive import QUEUES

logger = logging.getLogger("gezhi.health")

#: Seconds that a part may be silent, or what is due may wait, before the portal is not ready.
BEAT_LIMIT: Final = 30.0
QUEUE_LIMIT: Final = 60.0
RELAY_LIMIT: Final = 60.0
SWEEP_LIMIT: Final = 90.0
#: Seconds for which an answer serves again: whoever asks without a token costs next to nothing.
FRESH_SECONDS: Final = 2.0
#: Milliseconds after which a statement of a check has failed.
_PATIENCE: Final = 3000


@dataclass(frozen=True)
class Check:
    """One part: whether it is well, and the age in seconds of what it is measured by; None: never heard."""

    name: str
    ok: bool
    age: float | None = None
    limit: float | None = None


def look() -> list[Check]:
    """Every part's state. Where the database is away, nothing is known of what it would tell."""
    checks = [_broker()]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true), now()", [str(_PATIENCE)])
            now: datetime = cursor.fetchone()[1]
            checks = [Check("database", ok=True), *checks, *_heard(now), _relay(now), _sweep(now)]
    except (DatabaseError, InterfaceError) as error:
        logger.warning("database_unavailable", extra={"reason": type(error).__name__})
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        names = ("beat", *(f"queue:{name}" for name in QUEUES), "relay", "sweep")
        checks = [Check("database", ok=False), *checks, *(Check(name, ok=False) for name in names)]
    return checks


def broker() -> redis.Redis:
    """The broker, asked with little patience."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def _broker() -> Check:
    try:
        with broker() as client:
            return Check("broker", ok=bool(client.ping()))
    except (RedisError, OSError) as error:
        logger.warning("broker_unavailable", extra={"reason": type(error).__name__})
        return Check("broker", ok=False)


def _heard(now: datetime) -> Iterator[Check]:
    at = dict(Heartbeat.objects.values_list("name", "at"))
    limits = {"beat": BEAT_LIMIT, **{f"queue:{name}": QUEUE_LIMIT for name in QUEUES}}
    for name, limit in limits.items():
        age = max(0.0, (now - at[name]).total_seconds()) if name in at else None
        yield Check(name, ok=age is not None and age <= limit, age=age, limit=limit)


def _relay(now: datetime) -> Check:
    age = relay.lag().seconds(now)
    return Check("relay", ok=age <= RELAY_LIMIT, age=age, limit=RELAY_LIMIT)


def _sweep(now: datetime) -> Check:
    due = Clock.objects.filter(next_rung_at__lte=now).order_by("next_rung_at")
    oldest = due.values_list("next_rung_at", flat=True).first()
    age = (now - oldest).total_seconds() if oldest else 0.0
    return Check("sweep", ok=age <= SWEEP_LIMIT, age=age, limit=SWEEP_LIMIT)


class Fresh:
    """The last answer for a moment, so that many who ask cost one look."""

    def __init__(self, ask: Callable[[], list[Check]]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Look again when next asked."""
        self._known: list[Check] = []
        self._until = 0.0

    def __call__(self) -> list[Check]:
        """The checks, at most two seconds old."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._known = self._ask()
                self._until = time.monotonic() + FRESH_SECONDS
            return self._known


checks = Fresh(look)


def may_see(request: HttpRequest) -> bool:
    """Whether the request brings the token of GEZHI_METRICS_TOKEN, without which there are no details."""
    token: str | None = settings.METRICS_TOKEN
    scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
    return bool(token) and scheme == "Bearer" and constant_time_compare(given, token or "")


def as_json(found: list[Check]) -> dict[str, Any]:
    """The checks as they are told to whoever may see them."""
    told = {
        check.name: {
            key: value for key, value in asdict(check).items() if key != "name" and value is not None
        }
        for check in found
    }
    for values in told.values():
        values |= {key: round(values[key], 1) for key in ("age", "limit") if key in values}
    return {"ready": all(check.ok for check in found), "checks": told}


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer "ok"; asks neither database nor cache, so that a slow one gets no process restarted."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether all parts are well: 200 or 503, in a word, or part by part for who brings the token."""
    found = as_json(checks())
    status = 200 if found["ready"] else 503
    if may_see(request):
        return JsonResponse(found, status=status)
    return HttpResponse("ok" if found["ready"] else "not ready", status=status, content_type="text/plain")
