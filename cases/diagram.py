"""The workflows in words and as a drawing: docs/workflow.md, made from the table that the checks use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from cases.workflow import ENDED_STATES, WORKFLOWS, Kind, Needs, Relation, Rule, State

_INTRODUCTION = """\
# Workflows

Generated from `cases/workflow.py` by `manage.py draw_workflows`; do not edit.

The same table feeds the checks, the buttons and this page. An action outside it is refused: with 404 to who
may not even see the order, with 403 to somebody whose action it never is, with 409 at the wrong moment.

Facts beside the state (`_fits` in `cases/permissions.py`): granting and refusing exist while such a request
waits, asking while none does; what others have joined is nobody's to withdraw; the city's desk has nobody to
escalate to, a community's nobody to give back to; a reporter rates within 15 days of the closing, and urges
once an hour. The reporter's "not solved" reopens the order, and that is when the portal itself reopens. One
whistle stands at a time, from a desk above the community; each of the called answers, comes and reports
once, and who came may report after the whistle has ended. A wish is left to the branch once; its rating may
be changed for 15 days.
"""
_WHO: Mapping[Relation, str] = {
    Relation.DESK: "desk",
    Relation.DESK_ABOVE: "desk above",
    Relation.LEAD: "lead unit",
    Relation.ASSIST: "assisting unit",
    Relation.GROUND: "ground staff of the place",
    Relation.REPORTER: "reporter",
    Relation.OFFICIAL: "official",
    Relation.CLAIMER: "claimer",
    Relation.HELPER: "member, volunteer, unit or branch",
    Relation.CALLED: "who is whistled",
    Relation.BRANCH: "the branch's committee",
    Relation.SYSTEM: "the portal",
}
_NEEDS: Mapping[Needs, str] = {
    Needs.REASON: "a reason or text",
    Needs.UNIT: "a unit",
    Needs.TARGET: "the other order",
    Needs.RESULT: "what was done; a photo unless the matter needs none",
    Needs.ANSWER: "the answer: one of three faces",
    Needs.PUBLISHING: "what the wall shows: title, text, points, deadline",
    Needs.CLAIMANT: "who is to fulfil it",
    Needs.CALLED: "who is called, to what and by when",
}
_BEGINNINGS: Mapping[Kind, Sequence[tuple[State, str]]] = {
    Kind.INCIDENT: ((State.REPORTED, "report"), (State.HANDLED, "report, resolved on the spot")),
    Kind.WISH: ((State.ASKED, "ask"),),
}


def as_markdown() -> str:
    """The whole page: a drawing and a table of actions for each kind of order."""
    return "\n".join([_INTRODUCTION, *(_section(kind, rules) for kind, rules in WORKFLOWS.items())])


def _section(kind: str, rules: Mapping[str, Rule]) -> str:
    moving = [rule for rule in rules.values() if any(a != b for a, b in rule.moves.items())]
    staying = [rule for rule in rules.values() if rule not in moving]
    return "\n".join(
        [
            f"## {Kind(kind).label}",
            "",
            "```mermaid",
            *_drawing(Kind(kind), moving),
            "```",
            "",
            "### Actions that move the order",
            "",
            *_table(moving),
            "",
            "### Actions that leave its state as it is",
            "",
            *_table(staying),
            "",
        ]
    )


def _drawing(kind: Kind, rules: Iterable[Rule]) -> Iterator[str]:
    """A Mermaid state diagram; actions between the same two states share one arrow."""
    yield "stateDiagram-v2"
    yield "    direction LR"
    yield from (f"    [*] --> {state}: {how}" for state, how in _BEGINNINGS[kind])
    arrows = sorted(
        ((before, after, rule.action) for rule in rules for before, after in rule.moves.items()),
        key=lambda arrow: (_place_of(arrow[0]), _place_of(arrow[1])),
    )
    for (before, after), together in groupby(arrows, key=lambda arrow: arrow[:2]):
        yield f"    {before} --> {after}: {', '.join(action for _, _, action in together)}"
    reached = {after for _before, after, _action in arrows}
    yield from (f"    {state} --> [*]" for state in ENDED_STATES if state in reached)


def _place_of(state: State) -> int:
    return list(State).index(state)


def _table(rules: Iterable[Rule]) -> Iterator[str]:
    yield "| action | who | from → to | needs | besides |"
    yield "|---|---|---|---|---|"
    for rule in rules:
        cells = (
            f"`{rule.action}` {rule.label}",
            ", ".join(words for relation, words in _WHO.items() if relation in rule.who),
            _moves(rule),
            "; ".join(words for need, words in _NEEDS.items() if need in rule.needs) or "—",
            "; ".join(_besides(rule)) or "—",
        )
        yield f"| {' | '.join(cells)} |"


def _moves(rule: Rule) -> str:
    if all(before == after for before, after in rule.moves.items()):
        return ", ".join(rule.moves)
    return "; ".join(f"{before} → {after}" for before, after in rule.moves.items())


def _besides(rule: Rule) -> Iterator[str]:
    if rule.not_finisher:
        yield "never by the person who finished it"
    if rule.bulk:
        yield "also for many at once"
    if not rule.undoable:
        yield "cannot be taken back"
