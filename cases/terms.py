"""The terms under which an order is found; one array under one index serves words and tails of numbers."""

from __future__ import annotations

from cases.models import Case
from governance.common.text import bigrams

_MOST = 400


def search_terms(case: Case) -> list[str]:
    """Pairs of characters of its matter, address and description; the last digits of its number and phone."""
    text = " ".join((case.matter.name, case.address, case.place.name, case.description[:500]))
    numbers = (case.number, case.reporter_phone, (case.reporter.phone or "") if case.reporter else "")
    tails = {tail_term(number) for number in numbers if len(number) >= 4}
    return [*sorted(tails), *sorted(set(bigrams(text)))][:_MOST]


def tail_term(digits: str) -> str:
    """The term of a number's last four digits; its mark is in no pair of characters."""
    return f"#{digits[-4:]}"
