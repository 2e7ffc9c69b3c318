"""The officers' pages of configuration around orders. Orders are not here: only actions change one."""

from . import calendar, catalogue, delivery, intake, ladder, notices, timing

__all__ = ["calendar", "catalogue", "delivery", "intake", "ladder", "notices", "timing"]
