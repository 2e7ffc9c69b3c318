"""The sheet from which a matter is picked: classes, their matters with limits, recent ones, search."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from cases.catalogue import ClassBranch, MatterLeaf, catalogue_tree, length_of, matter_leaf, search_matters
from cases.models import Standard


@dataclass(frozen=True)
class Choice:
    """A matter as the sheet shows it; `words` is what an offline search looks through."""

    pk: int
    name: str
    class_name: str
    conditions: str
    limit: str
    words: str
    is_fallback: bool


@dataclass(frozen=True)
class ChoiceClass:
    """A major class with its matters."""

    pk: int
    name: str
    choices: tuple[Choice, ...]


def limit_words(standard: Standard) -> str:
    """A handling limit as people read it: `2 urgent hours`."""
    amount = f"{standard.amount.normalize():f}"
    return _("%(amount)s %(timer)s") % {"amount": amount, "timer": standard.get_timer_type_display()}


def choice_of(leaf: MatterLeaf, at: datetime) -> Choice:
    """One matter with its shortest limit; "from" where its standards differ."""
    standards = leaf.standards_at(at)
    shortest = min(standards, key=length_of, default=None)
    limit = limit_words(shortest) if shortest else ""
    if shortest and any(length_of(s)[0] != length_of(shortest)[0] for s in standards):
        limit = _("from %(limit)s") % {"limit": limit}
    conditions = "；".join(dict.fromkeys(s.condition for s in standards if s.condition))
    matter = leaf.matter
    return Choice(
        pk=matter.pk,
        name=matter.name,
        class_name=matter.matter_class.name,
        conditions=conditions[:80],
        limit=limit,
        words=f"{matter.name} {matter.keywords}",
        is_fallback=matter.is_fallback,
    )


def choice_classes(at: datetime) -> list[ChoiceClass]:
    """The whole sheet; one query while the catalogue stands still."""
    return [_class(branch, at) for branch in catalogue_tree()]


def _class(branch: ClassBranch, at: datetime) -> ChoiceClass:
    choices = tuple(choice_of(leaf, at) for leaf in branch.matters)
    return ChoiceClass(branch.matter_class.pk, branch.matter_class.name, choices)


def chosen(classes: list[ChoiceClass], value: object) -> Choice | None:
    """The matter that a form carries, if it is in the list."""
    return next((c for each in classes for c in each.choices if str(c.pk) == str(value or "")), None)


def found_part(request: HttpRequest, at: datetime) -> HttpResponse:
    """The matters that fit what was typed (`q`), as rows of the sheet; one query."""
    text = request.GET.get("q", "").replace("\x00", "")[:100]
    found = [choice_of(leaf, at) for leaf in search_matters(text)]
    return render(request, "cases/_matters_found.html", {"found": found, "text": text.strip()})


def matter_of(text: str) -> MatterLeaf | None:
    """The matter of an id that came in an address, if it can be reported."""
    return matter_leaf(int(text)) if text.isascii() and text.isdigit() and len(text) < 16 else None
