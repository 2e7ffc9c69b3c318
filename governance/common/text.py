"""Text that leaves the portal for a spreadsheet, and text that is searched."""

from __future__ import annotations

import re
import unicodedata

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_RUNS = re.compile(r"[^\W_]+")


def spreadsheet_safe(text: str) -> str:
    """Text that a spreadsheet shows and never computes: a dangerous beginning gets an apostrophe in front.

    Source: OWASP, CSV Injection. Apply to text only; numbers stay numbers.
    """
    beginning = text.lstrip(" \u00a0\u3000")
    return f"'{text}" if text.startswith(FORMULA_STARTS) or beginning.startswith(FORMULA_STARTS) else text


def bigrams(text: str) -> list[str]:
    """The pairs of neighbouring characters of each run of letters, digits or ideographs, each once, in order.

    A run of one character gives that character. Stored as an array under a GIN index, they find `路灯` in
    Chinese text, where a trigram index cannot. Case and width are folded.
    """
    found: dict[str, None] = {}
    for run in _RUNS.findall(unicodedata.normalize("NFKC", text).casefold()):
        pieces = [run[i : i + 2] for i in range(len(run) - 1)] or [run]
        found.update(dict.fromkeys(pieces))
    return list(found)
