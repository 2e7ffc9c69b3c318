"""The orders' tables."""

from .calendar import CalendarDay, WorkHours
from .case import (
    Attachment,
    Case,
    CaseEvent,
    CaseRequest,
    CaseUnit,
    Channel,
    Clock,
    CoReporter,
    DayCounter,
    Feedback,
    Satisfaction,
    TakenRung,
)
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

__all__ = [
    "Attachment",
    "CalendarDay",
    "Case",
    "CaseEvent",
    "CaseRequest",
    "CaseUnit",
    "CatalogueVersion",
    "Channel",
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
    "WorkHours",
]
