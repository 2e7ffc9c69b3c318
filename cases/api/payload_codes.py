"""Payloads of events for other systems: ids of rows become the codes by which everybody knows them.

`unit_id` becomes `unit_code`, `assist_ids` becomes `assist_codes`. Ids of what has no code outside (clocks,
claims, calls, requests) are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from django.db.models import F, Value

from cases.catalogue import full_code
from cases.events import EVENT_KINDS
from cases.models import Case, CaseEvent, Matter
from cases.payloads import FieldType
from governance.common.kept import Kept, among
from grids.models import Place
from partymembers.models import Branch, Unit, User

#: What ids point to, and how that is known outside.
_KNOWN_BY: Final[dict[str, tuple[Any, Any]]] = {
    "place": (Place, F("code")),
    "unit": (Unit, F("code")),
    "person": (User, F("username")),
    "branch": (Branch, F("code")),
    "matter": (Matter, full_code()),
    "order": (Case, F("number")),
}
REFERS: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("place_id", "from_place_id", "desk_id", "from_desk_id", "to_desk_id", "told_desk_id"), "place"
    ),
    **dict.fromkeys(("unit_id", "from_unit_id", "unit_ids", "assist_ids"), "unit"),
    **dict.fromkeys(("handler_id", "from_handler_id", "claimer_id", "member_ids"), "person"),
    **dict.fromkeys(("branch_id", "branch_ids"), "branch"),
    **dict.fromkeys(("matter_id", "from_matter_id"), "matter"),
    "case_id": "order",
}
#: Ids of rows that nobody outside knows, or whose number stands beside them.
LEFT_OUT: Final = frozenset(
    {
        "clock_id", "co_reporter_id", "into_id", "standard_id", "request_id", "whistle_id", "call_id",
        "change_id", "master_id", "claim_id",
    }
)  # fmt: skip
_IDS: Final = (FieldType.ID, FieldType.IDS)


class Codes:
    """The codes of everything that some events point to."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, int], Any] = {}

    def look_up(self, events: Iterable[CaseEvent]) -> None:
        """Get to know what these events point to, before their payloads are asked for; one query."""
        wanted: dict[str, set[int]] = {what: set() for what in _KNOWN_BY}
        for event in events:
            for name, value in event.data.items():
                if name in REFERS and value:
                    wanted[REFERS[name]].update(value if isinstance(value, list) else [value])
        if any(wanted.values()):
            rows = _codes().ask(**{what: list(ids) for what, ids in wanted.items()})
            self._codes |= {(what, pk): code for what, pk, code in rows}

    def data_of(self, event: CaseEvent) -> dict[str, Any]:
        """The payload of the documented table, with codes."""
        known = EVENT_KINDS[event.kind].payload if event.kind in EVENT_KINDS else {}
        told: dict[str, Any] = {}
        for name, value in event.data.items():
            if name not in known:
                continue
            if known[name].type not in _IDS:
                told[name] = value
            elif name in REFERS:
                told[coded_name(name)] = self._coded(name, value)
        return told

    def _coded(self, name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._codes[REFERS[name], pk] for pk in value if (REFERS[name], pk) in self._codes]
        return self._codes.get((REFERS[name], value)) if value else None


@lru_cache(maxsize=1)
def _codes() -> Kept[tuple[str, int, str]]:
    def coded(what: str, model: Any, code: Any) -> Any:
        return model.objects.filter(among("pk", what)).order_by().values_list(Value(what), "pk", code)

    first, *others = (coded(what, model, code) for what, (model, code) in _KNOWN_BY.items())
    return Kept(first.union(*others, all=True))


def coded_name(name: str) -> str:
    """What an id is called once it is a code."""
    if name == "case_id":
        return "case_number"
    stem, _line, ending = name.rpartition("_")
    return f"{stem}_{'codes' if ending == 'ids' else 'code'}"


def documented(payload: Mapping[str, Any]) -> set[str]:
    """The names under which a kind's payload comes out."""
    kept = {name for name, field in payload.items() if field.type not in _IDS}
    return kept | {coded_name(name) for name in payload if name in REFERS}
