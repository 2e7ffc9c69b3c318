"""The levels of the territory."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Level(models.TextChoices):
    """How deep a place lies; a city without districts simply skips that level."""

    CITY = "city", _("City")
    DISTRICT = "district", _("District")
    STREET = "street", _("Street")
    COMMUNITY = "community", _("Community")
    GRID = "grid", _("Grid")
    BUILDING = "building", _("Building")

    @property
    def rank(self) -> int:
        """0 for the city, 5 for a building."""
        return list(Level).index(self)


#: Levels whose ids an order carries, from the top down.
ORDER_LEVELS = (Level.CITY, Level.DISTRICT, Level.STREET, Level.COMMUNITY, Level.GRID)
