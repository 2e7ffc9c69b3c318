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
