"""Reads of the catalogue of matters 事项清单: which standard applies, which matter fits what people say.

The whole catalogue (a city has some hundred matters) is kept in each process and read again when its
version differs; what is kept is shared by all requests, so nobody may change it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Final
from uuid import uuid4

from django.db import connection
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat, Now
from django.utils.translation import gettext_lazy as _

from cases.deadlines import TimerType
from cases.models import Case, CatalogueVersion, Matter, MatterClass, Standard
from governance.common.errors import Invalid
from governance.common.text import bigrams
from partymembers.models import User

NO_STANDARD = _("This matter has no standard yet. Please choose another one, or ask the system officer.")
NOT_ITS_STANDARD = _(
    "This standard does not belong to the matter, or was not in force then. Please choose again."
)

#: Hours on the wall of one of a limit, over a week of five days with eight hours: only to compare limits.
_WALL_HOURS: Final = {
    TimerType.URGENT_HOUR: Decimal(1),
    TimerType.WORK_HOUR: Decimal("4.2"),
    TimerType.WORK_DAY: Decimal("33.6"),
    TimerType.NATURAL_DAY: Decimal(24),
}
MOST_FOUND: Final = 20
#: So many of a person's last reports are looked through for the matters that they use.
_LOOK_BACK: Final = 100


#: Table names come from the models; no value enters the text.
_VERSION: Final = ", ".join(
    [
        f"SELECT (SELECT token FROM {CatalogueVersion._meta.db_table} WHERE id = 1)",  # noqa: S608
        *(
            f"(SELECT max(id) FROM {model._meta.db_table})"  # noqa: S608
            for model in (MatterClass, Matter, Standard)
        ),
    ]
)


@dataclass(frozen=True)
class MatterLeaf:
    """A matter that can be reported, its class on it, with the standards that have not ended."""

    matter: Matter
    standards: tuple[Standard, ...]

    def standards_at(self, at: datetime) -> list[Standard]:
        """The standards in force at an instant, in the catalogue's order."""
        return [row for row in self.standards if _in_force(row, at)]

    @cached_property
    def _name(self) -> str:
        return folded(self.matter.name)

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return tuple(filter(None, (folded(word) for word in self.matter.keywords.split())))

    @cached_property
    def _bigrams(self) -> frozenset[str]:
        return frozenset(pair for text in (self._name, *self._words) for pair in bigrams(text))

    @cached_property
    def _conditions(self) -> str:
        return " ".join(folded(row.condition) for row in self.standards)

    def score(self, text: str) -> int:
        """How well a folded text fits, 0 not at all: the name counts most, everyday words after it."""
        known = (self._name, *self._words)
        pairs = frozenset(bigrams(text))
        return max(
            100 * (text == self._name),
            90 * self._name.startswith(text),
            80 * (text in self._name),
            75 * (text in self._words),
            70 * any(text in word for word in self._words),
            65 * any(len(word) > 1 and word in text for word in known),
            40 * (text in folded(self.matter.matter_class.name)),
            30 * (len(text) > 1 and text in self._conditions),
            28 * len(pairs & self._bigrams) // len(pairs) if pairs else 0,
        )


@dataclass(frozen=True)
class ClassBranch:
    """A major class with its matters."""

    matter_class: MatterClass
    matters: tuple[MatterLeaf, ...]


@dataclass(frozen=True)
class _Remembered:
    version: tuple[object, ...]
    branches: tuple[ClassBranch, ...]
    by_id: dict[int, MatterLeaf]


_remembered: _Remembered | None = None


def standard_for(matter: Matter, *, at: datetime, chosen: Standard | None = None) -> Standard:
    """The standard of a matter's order that was reported at `at`; one query.

    `chosen` is the desk's pick and is only checked, without a query. Until the desk picks: the shortest
    limit of the standards valid at `at`; of a matter that was listed later, of the first ones it had.
    Raises Invalid for a matter without standards and for a pick that does not fit.
    """
    if chosen is not None:
        if chosen.matter_id != matter.pk or not _in_force(chosen, at):
            raise Invalid(NOT_ITS_STANDARD, field="standard")
        return chosen
    rows = list(Standard.objects.filter(matter=matter))
    if not rows:
        raise Invalid(NO_STANDARD, field="matter")
    valid = [row for row in rows if _in_force(row, at)]
    first = min(row.valid_from for row in rows)
    return min(valid or [row for row in rows if row.valid_from == first], key=length_of)


def standards_at(matter: Matter, at: datetime) -> QuerySet[Standard]:
    """The standards valid at `at` that the desk may pick from."""
    return in_force_at(at).filter(matter=matter)


def in_force_at(at: datetime) -> QuerySet[Standard]:
    """The standards of all matters that are valid at `at`, in the catalogue's order."""
    rows = Standard.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=at), valid_from__lte=at)
    return rows.select_related("owner_role")


def length_of(standard: Standard) -> tuple[Decimal, int]:
    """A key by which limits of different timers compare: hours on the wall in an ordinary week."""
    return standard.amount * _WALL_HOURS[TimerType(standard.timer_type)], standard.sequence


def _in_force(standard: Standard, at: datetime) -> bool:
    return standard.valid_from <= at and (standard.valid_to is None or at < standard.valid_to)


def catalogue_tree() -> tuple[ClassBranch, ...]:
    """Classes with their matters (without retired ones) and standards; one query while nothing changed."""
    return _catalogue().branches


def matter_leaf(matter_id: int) -> MatterLeaf | None:
    """A matter that can be reported, by its id."""
    return _catalogue().by_id.get(matter_id)


def search_matters(text: str, *, limit: int = MOST_FOUND) -> list[MatterLeaf]:
    """Matters that fit what somebody typed, best first; one query.

    Looks at names, everyday words, classes and conditions; words in another order or with other words between
    them are found by the pairs of characters they share. An empty text finds nothing.
    """
    wanted = folded(text)[:50]
    if not wanted:
        return []
    scored = [(leaf.score(wanted), leaf) for leaf in _catalogue().by_id.values()]
    found = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: -pair[0])
    return [leaf for _score, leaf in found[:limit]]


def recent_matters(user: User, limit: int = 8) -> list[MatterLeaf]:
    """The matters that a person reported last, the latest first; two queries."""
    reported = Case.objects.filter(reporter=user).order_by("-reported_at").values_list("matter_id", flat=True)
    known = _catalogue().by_id
    distinct = dict.fromkeys(reported[:_LOOK_BACK])
    return [known[matter_id] for matter_id in distinct if matter_id in known][:limit]


def matters_by_code(codes: Iterable[str]) -> dict[str, Matter]:
    """Matters and kinds of wishes by full code (`Matter.full_code`), retired ones too; one query."""
    rows = Matter.objects.alias(full=full_code()).filter(full__in=set(codes)).select_related("matter_class")
    return {row.full_code: row for row in rows}


def full_code() -> Concat:
    """`Matter.full_code` as PostgreSQL puts it together."""
    hyphen = Value("-")
    return Concat("matter_class__section", hyphen, "matter_class__code", hyphen, "code")


def matter_by_code(code: str) -> Matter | None:
    """The matter or kind of wish with this full code, retired or not; one query."""
    return matters_by_code([code]).get(code)


def wish_kinds() -> list[Matter]:
    """The kinds of wishes that can be asked for: the third part of the list of matters; one query."""
    kinds = Matter.objects.filter(matter_class__section=MatterClass.Section.WISH, retired_at__isnull=True)
    return list(kinds.select_related("matter_class").order_by("code"))


def touch_catalogue() -> None:
    """Have every process read the catalogue again; call it in the transaction that changes a row."""
    CatalogueVersion.objects.update_or_create(pk=1, defaults={"token": uuid4()})


def folded(text: str) -> str:
    """A text as it is searched: one width, lower case, without spaces and punctuation."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in plain if unicodedata.category(c)[0] in "LN")


def _catalogue() -> _Remembered:
    global _remembered  # noqa: PLW0603  # the process's copy
    version = _version()
    remembered = _remembered
    if remembered is None or remembered.version != version:
        remembered = _remembered = _read(version)
    return remembered


def _version() -> tuple[object, ...]:
    """The token, with the newest ids beside it for rows that were written by other means; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_VERSION)
        row: tuple[object, ...] = cursor.fetchone()
    return row


def _read(version: tuple[object, ...]) -> _Remembered:
    """Three queries: classes, matters, standards."""
    classes = {row.pk: row for row in MatterClass.objects.exclude(section=MatterClass.Section.WISH)}
    standards: dict[int, list[Standard]] = {}
    for row in Standard.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=Now())):
        standards.setdefault(row.matter_id, []).append(row)
    reportable = Matter.objects.filter(
        Q(retired_at__isnull=True) | Q(retired_at__gt=Now()), matter_class__in=classes
    )
    leaves: dict[int, list[MatterLeaf]] = {pk: [] for pk in classes}
    for matter in reportable:
        matter.matter_class = classes[matter.matter_class_id]
        leaves[matter.matter_class_id].append(MatterLeaf(matter, tuple(standards.get(matter.pk, ()))))
    branches = tuple(ClassBranch(classes[pk], tuple(own)) for pk, own in leaves.items() if own)
    return _Remembered(version, branches, _by_id(branches))


def _by_id(branches: Sequence[ClassBranch]) -> dict[int, MatterLeaf]:
    every: Iterable[MatterLeaf] = (leaf for branch in branches for leaf in branch.matters)
    return {leaf.matter.pk: leaf for leaf in every}
