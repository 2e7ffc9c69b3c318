"""docs/events.md: the table of events as an integrator reads it."""

from __future__ import annotations

from collections.abc import Iterable

from cases.events import EVENT_KINDS, EventKind


def as_markdown() -> str:
    """docs/events.md: what an integrator reads. `manage.py describe_events` writes it."""
    lines = [_HEAD]
    for row in EVENT_KINDS.values():
        lines += ["", f"## `{row.kind}` — {row.label} (version {row.version})", "", *_described(row)]
    return "\n".join(lines) + "\n"


def _described(row: EventKind) -> Iterable[str]:
    told = ", ".join(circle.value.replace("_", " ") for circle in row.audience) or "nobody"
    yield f"Told: {told}."
    if row.payload:
        yield ""
        yield "| field | type | meaning |"
        yield "|---|---|---|"
        for name, each in row.payload.items():
            yield f"| `{name}` | {each.type}{'' if each.always else ', optional'} | {each.meaning} |"


_HEAD = """# Events of an order

Generated from `cases/events.py` by `manage.py describe_events`; do not edit.

Every change of an order appends one event. `seq` counts within the order; `position` is global and without
gaps, given after commit, so a reader that remembers the last position it has seen misses nothing and sees
nothing twice. Beside its payload an event has `kind`, `version`, `at`, actor, `from_state`, `to_state` and a
`note` (the reason, where the action needs one). Ignore kinds, versions and fields that you do not know: new
optional fields come without a new version. Events that came with an import are flagged `is_imported`.

In the API's feed (`GET /api/v1/events/`) ids are codes: `unit_id` is `unit_code`, `assist_ids` is
`assist_codes`, `case_id` is `case_number`; ids of clocks, claims, calls and requests, which have no code, are
left out."""
