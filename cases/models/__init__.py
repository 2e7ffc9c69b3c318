"""The orders' tables."""

from .calendar import CalendarDay, WorkHours
from .case import Case, Channel, DayCounter, Satisfaction
from .catalogue import (
    CatalogueVersion,
    LadderRung,
    Matter,
    MatterClass,
    OwnerRole,
    Responsibility,
    StagePolicy,
    Standard,
    Urgency,
)
from .delivery import ConsumerCursor, Notification, SavedView
from .parts import (
    Attachment,
    CaseEvent,
    CaseRequest,
    CaseUnit,
    Clock,
    CoReporter,
    Feedback,
    TakenRung,
)
from .whistle import Whistle, WhistleCall
from .wishes import Claim, Wish

__all__ = [
    "Attachment",
    "CalendarDay",
    "Case",
    "CaseEvent",
    "CaseRequest",
    "CaseUnit",
    "CatalogueVersion",
    "Channel",
    "Claim",
    "Clock",
    "CoReporter",
    "ConsumerCursor",
    "DayCounter",
    "Feedback",
    "LadderRung",
    "Matter",
    "MatterClass",
    "Notification",
    "OwnerRole",
    "Responsibility",
    "Satisfaction",
    "SavedView",
    "StagePolicy",
    "Standard",
    "TakenRung",
    "Urgency",
    "Whistle",
    "WhistleCall",
    "Wish",
    "WorkHours",
]
