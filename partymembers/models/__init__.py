"""The people's tables."""

from .people import (
    DESK_ROLES,
    GROUND_ROLES,
    OFFICER_ROLES,
    PLACE_ROLES,
    UNIT_ROLES,
    AuditEntry,
    Post,
    Role,
    StaffChange,
    Substitution,
    TrustedDevice,
    Unit,
    User,
)

__all__ = [
    "DESK_ROLES",
    "GROUND_ROLES",
    "OFFICER_ROLES",
    "PLACE_ROLES",
    "UNIT_ROLES",
    "AuditEntry",
    "Post",
    "Role",
    "StaffChange",
    "Substitution",
    "TrustedDevice",
    "Unit",
    "User",
]
