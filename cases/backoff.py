"""How long to wait before something is tried again."""

from __future__ import annotations

import random
from datetime import timedelta


def pause_after(tries: int, *, first: timedelta, most: timedelta) -> timedelta:
    """The pause after so many failures (1 or more): doubling from `first` up to `most`, give or take half.

    Chance spreads what failed together, so that it does not come back together.
    """
    doubled = first * 2 ** min(tries - 1, 20)
    return min(doubled, most) * random.uniform(0.5, 1.5)  # noqa: S311  no secret
