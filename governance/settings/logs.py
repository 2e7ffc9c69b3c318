"""Logging: one JSON line an event in production, readable lines locally, and nobody's data in either."""

from __future__ import annotations

import logging
import re
from typing import Any

import structlog
from structlog.processors import JSONRenderer
from structlog.types import EventDict, Processor, WrappedLogger

# A mobile number or an 18-digit identity number, standing alone. Numbers of orders and codes differ.
PERSONAL = re.compile(r"(?<!\d)(?:(1[3-9]\d)\d{4}(\d{4})|(\d{4})\d{10}(\d{3}[\dXx]))(?!\d)")
QUERY = re.compile(r"\?\S*")
# What PostgreSQL adds to an error: the values of the row, several lines where somebody wrote several.
ROW = re.compile(r"^DETAIL:.*?(?=^\n(?:The above|During handling)|\Z)", re.DOTALL | re.MULTILINE)


def _masked(text: str) -> str:
    return PERSONAL.sub(lambda m: f"{m[1] or m[3]}****{m[2] or m[4]}", ROW.sub("DETAIL: …\n", text))


def without_personal_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop query strings (they hold what people searched for) and rows, and mask numbers of people."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _masked(QUERY.sub("", value) if key == "request" else value)
    return event


def without_health_checks(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop the line that every look of a supervisor would leave."""
    if str(event.get("request", "")).endswith((" /healthz", " /readyz", " /metrics")):
        raise structlog.DropEvent
    return event


#: Django's loggers of what any caller can bring about: a body too large, a Host header that is not ours.
_REFUSED = frozenset(
    f"django.security.{name}"
    for name in ("DisallowedHost", "RequestDataTooBig", "TooManyFieldsSent", "TooManyFilesSent")
)


class QuietRefusals(logging.Filter):
    """Makes one line of a refused request: a warning without the traceback, which Django logs as an error."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record of a refusal; drop it where warnings are not asked for."""
        if record.name not in _REFUSED:
            return True
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
        record.msg = f"{record.name.rpartition('.')[2]}: {record.getMessage()}".rstrip(": ")
        record.args = ()
        return logging.getLogger(record.name).isEnabledFor(record.levelno)


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ExtraAdder(),
    structlog.processors.StackInfoRenderer(),
]


def logging_settings(*, level: str, json: bool) -> dict[str, Any]:
    """Django's LOGGING. Local lines carry no time of their own: `make up` shows them as they come."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "events": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_last(json)],
                "foreign_pre_chain": SHARED,
            }
        },
        "filters": {"quiet_refusals": {"()": QuietRefusals}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "events",
                "filters": ["quiet_refusals"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # A refused page is the person's news, not the operator's; 5xx arrive as `request_failed`.
            "django.request": {"level": "CRITICAL"},
            "django.server": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
        },
    }


def _last(json: bool) -> list[Processor]:
    """How a line is written in the end."""
    if json:
        return [structlog.processors.format_exc_info, without_personal_data, JSONRenderer(ensure_ascii=False)]
    # The rich one prints every local variable, people's data too, and takes seconds.
    plain = structlog.dev.plain_traceback
    shown = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, exception_formatter=plain)
    return [without_personal_data, shown]


def configure() -> None:
    """Send structlog through the standard logging set up above."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            without_health_checks,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
