"""The territory's tables."""

from .places import (
    ORDER_LEVELS,
    BoundaryVersion,
    Building,
    Compound,
    Level,
    Place,
    PlaceChange,
    PlaceKind,
    QrCode,
)

__all__ = [
    "ORDER_LEVELS",
    "BoundaryVersion",
    "Building",
    "Compound",
    "Level",
    "Place",
    "PlaceChange",
    "PlaceKind",
    "QrCode",
]
