"""Who acts on an order: somebody signed in, a resident with a link, or the portal itself."""

from __future__ import annotations

from dataclasses import dataclass

from partymembers.models import User


@dataclass(frozen=True, slots=True)
class System:
    """The portal itself: routing, the ladder, changes of staff and territory."""


@dataclass(frozen=True, slots=True)
class PublicReporter:
    """A resident without an account, known by the unguessable link of one order."""

    case_id: int
    co_reporter_id: int | None = None


SYSTEM = System()

Actor = User | System | PublicReporter


def makes_tests(reporter: User | None) -> bool:
    """Whether what somebody reports is a test: sandbox accounts make nothing else. No query for a person."""
    return reporter is not None and reporter.is_service and reporter.service_account.is_sandbox
