"""The officers' pages of configuration around orders. Orders are not here: only actions change one."""

from . import catalogue, delivery, timing

__all__ = ["catalogue", "delivery", "timing"]
