"""How fast residents may go: who goes fast answers a question; only far beyond is anything refused.

Counted in PostgreSQL, so that the limits hold while the cache is away: by address and by code in the audit
trail, by phone in the orders themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from cases.models import Case, Channel
from governance.common.errors import Throttled
from partymembers.audit import address_of, record_access
from partymembers.models import AuditEntry, User

WINDOW: Final = timedelta(hours=1)
REPORTED: Final = "public_report"
FAILED: Final = "public_follow_failed"
#: What the audit officer reads of these entries.
AUDIT_LABELS: Final = {
    REPORTED: gettext_lazy("Reported without an account"),
    FAILED: gettext_lazy("Looked up a report in vain"),
}


@dataclass(frozen=True)
class Limit:
    """How many within the window are free, and from how many on nothing more is taken."""

    free: int
    most: int


BY_PHONE: Final = Limit(3, 30)
BY_ADDRESS: Final = Limit(10, 200)
BY_CODE: Final = Limit(20, 300)
FAILURES: Final = Limit(5, 30)
TOO_FAST: Final = gettext_lazy("Too many within an hour. Please wait, or call the community.")


def report_needs_answer(request: HttpRequest, *, code: str, phone: str, city_id: int, at: datetime) -> bool:
    """Whether this resident must answer a question first. Raises Throttled far beyond every limit."""
    since = at - WINDOW
    recent = AuditEntry.objects.filter(action=REPORTED, at__gt=since)
    counts = [(recent.filter(target=code).count(), BY_CODE)]
    if ip := address_of(request):
        counts.append((recent.filter(ip=ip).count(), BY_ADDRESS))
    if phone:
        recent_ones = Case.objects.real().filter(reported_city_id=city_id, reported_at__gt=since)
        mine = recent_ones.filter(reporter_phone=phone)
        counts.append((mine.filter(channel=Channel.RESIDENT).count(), BY_PHONE))
    return _verdict(counts)


def follow_needs_answer(request: HttpRequest, *, number: str, at: datetime) -> bool:
    """The same for looking a report up: only failures count, by address and by number."""
    recent = AuditEntry.objects.filter(action=FAILED, at__gt=at - WINDOW)
    counts = [(recent.filter(target=_target(number)).count(), FAILURES)] if number else []
    if ip := address_of(request):
        counts.append((recent.filter(ip=ip).count(), FAILURES))
    return _verdict(counts)


def _verdict(counts: list[tuple[int, Limit]]) -> bool:
    if any(count >= limit.most for count, limit in counts):
        raise Throttled(TOO_FAST, retry_after=600)
    return any(count >= limit.free for count, limit in counts)


def note_report(request: HttpRequest, *, code: str, number: str, at: datetime) -> None:
    """Count one report (or joining) by its code and address."""
    record_access(None, REPORTED, code, address_of(request), at=at, number=number)


def note_failure(request: HttpRequest, *, number: str, at: datetime) -> None:
    """Count one look-up that found nothing."""
    record_access(None, FAILED, _target(number), address_of(request), at=at)


def _target(number: str) -> str:
    return f"number:{number}"[:40]


def require_own_pace(user: User, *, at: datetime) -> None:
    """Let residents with an account report as often as those at a code on a wall. Raises Throttled."""
    recent = Case.objects.filter(reporter=user, reported_at__gt=at - WINDOW)
    _verdict([(recent.count(), BY_PHONE)])
