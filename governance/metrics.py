"""What Prometheus reads at `/metrics`: the health checks, open orders by state and light, lags, and latency.

All but the latency is read from the tables when it is asked for, so that any web process tells the same.
Latency is counted in files that the web processes share (`GEZHI_METRICS_FOLDER`); without the folder it is
not told. Labels name parts, states and routes, never people or orders.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from celery import current_app
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError
from django.db.models import Case as Choice
from django.db.models import Count, Value, When
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from redis.exceptions import RedisError

from cases import relay
from cases.models import Case, OutboundMessage, QuarantinedClock, Wish
from cases.workflow import OPEN_STATES, WISH_OPEN_STATES, Kind
from governance import health
from governance.alive import QUEUES

logger = logging.getLogger("gezhi.metrics")

#: Seconds for which a count of many rows serves again, in all processes.
COUNTS_FRESH: Final = 30
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Portal:
    """Reads everything that does not belong to one process."""

    def collect(self) -> Iterator[Metric]:
        """The metrics; those that need the database are left out while it is away."""
        yield from _checks()
        yield from _queues()
        try:
            yield from (*_relay(), *_trouble(), _orders())
        except (DatabaseError, InterfaceError):
            return


def _gauge(
    name: str, text: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    gauge = GaugeMetricFamily(f"gezhi_{name}", text, labels=labels)
    for values, number in rows:
        gauge.add_metric(values, number)
    return gauge


def _checks() -> Iterator[Metric]:
    found = health.checks()
    yield _gauge(
        "check_ok", "1 while the part is well.", ("check",), (((c.name,), float(c.ok)) for c in found)
    )
    ages = (((c.name,), c.age) for c in found if c.age is not None)
    yield _gauge("check_age_seconds", "Age of the last sign of life, or of what waits.", ("check",), ages)


def _queues() -> Iterator[Metric]:
    prefix = current_app.conf.broker_transport_options.get("global_keyprefix", "")
    try:
        with health.broker() as client:
            lengths = [((name,), float(client.llen(f"{prefix}{name}"))) for name in QUEUES]
    except (RedisError, OSError):
        return
    yield _gauge("queue_messages", "Messages that wait for a worker.", ("queue",), lengths)


def _relay() -> Iterator[Metric]:
    backlog, now = relay.lag(), time.time()
    each = backlog.consumers
    reader = ("reader",)
    rows: dict[str, tuple[str, Callable[[relay.Lag], float]]] = {
        "relay_behind_events": ("Events that a reader has not taken.", lambda lag: lag.behind),
        "relay_lag_seconds": (
            "Age of the oldest of them.",
            lambda lag: max(0.0, now - lag.oldest_at.timestamp()) if lag.oldest_at else 0.0,
        ),
        "relay_set_aside_events": ("Events that a reader could not handle.", lambda lag: lag.stuck),
        "relay_given_up_events": ("Those of them that wait for the system officer.", lambda lag: lag.dead),
    }
    for name, (text, value) in rows.items():
        yield _gauge(name, text, reader, (((lag.name,), value(lag)) for lag in each))
    yield _gauge("relay_unnumbered_events", "Events without a position.", (), [((), backlog.unsequenced)])


def _trouble() -> Iterator[Metric]:
    waiting = QuarantinedClock.objects.filter(resolved_at=None).count()
    yield _gauge("ladder_quarantined_clocks", "Clocks whose rung could not be taken.", (), [((), waiting)])
    rows = cache.get_or_set("metrics:outbound", _unsent, COUNTS_FRESH) or []
    yield _gauge("outbound_messages", "Messages to the outside that wait or were given up.", ("state",), rows)


def _unsent() -> list[tuple[tuple[str, ...], float]]:
    states = (OutboundMessage.State.WAITING, OutboundMessage.State.DEAD)
    return [((str(state),), float(OutboundMessage.objects.filter(state=state).count())) for state in states]


def _orders() -> Metric:
    rows = cache.get_or_set("metrics:orders", _open_orders, COUNTS_FRESH) or []
    labels = ("kind", "state", "light")
    return _gauge("open_orders", "Open orders by the light of their running clock.", labels, rows)


def _open_orders() -> list[tuple[tuple[str, ...], float]]:
    """Counts by kind, state and light, read by the partial indexes of open orders."""
    light = Choice(
        When(next_due_at__isnull=True, then=Value("none")),
        When(next_due_at__lt=Now(), then=Value("red")),
        When(next_warn_at__lte=Now(), then=Value("yellow")),
        default=Value("green"),
    )
    incidents = Case.objects.real().filter(kind=Kind.INCIDENT, state__in=OPEN_STATES)
    # By the wishes, which are few: their states have no index among all orders.
    wishes = Case.objects.real().filter(pk__in=Wish.objects.values("case"), state__in=WISH_OPEN_STATES)
    return [
        ((str(kind), row["state"], row["light"]), float(row["number"]))
        for kind, orders in ((Kind.INCIDENT, incidents), (Kind.WISH, wishes))
        for row in orders.order_by()
        .annotate(light=light)
        .values("state", "light")
        .annotate(number=Count("pk"))
    ]


@lru_cache(maxsize=1)
def latency() -> Histogram | None:
    """How long requests take, counted by all web processes together; None without a folder for it."""
    if not os.environ.get(FOLDER):
        return None
    names = ("method", "route", "status")
    return Histogram("gezhi_request_seconds", "Time to answer.", names, buckets=_BUCKETS, registry=None)


class LatencyMiddleware:
    """Times every request by its route."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request and note how long it took."""
        histogram = latency()
        if histogram is None:
            return self.get_response(request)
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = match.view_name or "?" if match else "none"
        method = request.method if request.method in ("GET", "HEAD", "POST") else "other"
        try:
            taken = histogram.labels(method, route, f"{response.status_code // 100}xx")
            taken.observe(time.perf_counter() - began)
        except OSError as error:  # the folder is not there, not ours, or full: nobody is refused for that
            _say_uncounted(type(error).__name__)
        return response


@lru_cache
def _say_uncounted(reason: str) -> None:
    """Warn, once a process for each reason."""
    logger.warning("requests_not_counted", extra={"folder": os.environ.get(FOLDER), "reason": reason})


def page() -> bytes:
    """Everything, in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(Portal())
    if (folder := os.environ.get(FOLDER)) and Path(folder).is_dir():
        multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The page for Prometheus; without the token there is none."""
    if not health.may_see(request):
        raise Http404
    return HttpResponse(page(), content_type=CONTENT_TYPE_LATEST)
