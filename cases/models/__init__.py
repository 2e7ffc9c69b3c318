"""The orders' tables."""

from .calendar import CalendarChange, CalendarDay, WorkHours
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
from .delivery import (
    ConsumerCursor,
    Delivery,
    DeliveryPreference,
    Notification,
    OutboundChannel,
    OutboundMessage,
    SavedView,
    StuckEvent,
    Wanted,
)
from .heartbeat import Heartbeat
from .intake import IntakeMapping, IntakePayload
from .parts import (
    Attachment,
    CaseEvent,
    CaseRequest,
    CaseUnit,
    Clock,
    CoReporter,
    Feedback,
    LadderChange,
    QuarantinedClock,
    TakenRung,
)
from .uploads import Upload
from .whistle import Whistle, WhistleCall
from .wishes import Claim, Wish

__all__ = [
    "Attachment",
    "CalendarChange",
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
    "Delivery",
    "DeliveryPreference",
    "Feedback",
    "Heartbeat",
    "IntakeMapping",
    "IntakePayload",
    "LadderChange",
    "LadderRung",
    "Matter",
    "MatterClass",
    "Notification",
    "OutboundChannel",
    "OutboundMessage",
    "OwnerRole",
    "QuarantinedClock",
    "Responsibility",
    "Satisfaction",
    "SavedView",
    "StagePolicy",
    "Standard",
    "StuckEvent",
    "TakenRung",
    "Upload",
    "Urgency",
    "Wanted",
    "Whistle",
    "WhistleCall",
    "Wish",
    "WorkHours",
]
