"""Every change of the configuration around orders, each by the system officer and each in the audit trail.

Standards are versions: `revise_standard` ends one and begins the next, and nothing edits one. `actor=None` is
the command line: whoever may run it holds the server anyway.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext_lazy as _

from cases.calendars import forget_calendar, seed_calendar
from cases.catalogue import touch_catalogue
from cases.models import (
    CalendarChange,
    CalendarDay,
    IntakeMapping,
    LadderChange,
    LadderRung,
    Matter,
    MatterClass,
    OwnerRole,
    Responsibility,
    StagePolicy,
    Standard,
    WorkHours,
)
from governance.common.errors import Invalid, NotVisible, WrongState
from partymembers.audit import record_access
from partymembers.models import Role, User
from partymembers.rules import require_officer

Row = TypeVar(
    "Row",
    CalendarDay,
    IntakeMapping,
    LadderRung,
    Matter,
    MatterClass,
    OwnerRole,
    Responsibility,
    StagePolicy,
    WorkHours,
)

#: What a new version of a standard may say anew.
STANDARD_FACTS: Final = (
    "condition",
    "close_condition",
    "amount",
    "timer_type",
    "urgency",
    "owner_role",
    "owners",
)
#: Orders and standards point at these for ever.
_KEPT: Final = (Matter, MatterClass)

#: What the audit officer reads for these actions; saves are named after their model.
AUDIT_LABELS: Final = {
    "calendar_imported": _("Holidays of a year imported"),
    "catalogue_imported": _("Catalogue of matters imported"),
    "matter_restored": _("Matter offered again"),
    "matter_retired": _("Matter retired"),
    "standard_ended": _("Standard ended"),
}

SUPERSEDED = _("This standard has ended. Please revise the version in force.")
TOO_EARLY = _("A new version begins now or later, and after the version that it follows.")
UNCHANGED = _("Nothing is different from the version in force.")
IN_USE = _("This is in use and stays. A matter can be retired instead.")
ALREADY_RETIRED = _("This matter is retired already.")
NOT_RETIRED = _("This matter is not retired.")
NO_SUCH_YEAR = _("The holiday library does not know this year yet. Please enter its days by hand.")


@transaction.atomic
def save_configuration(row: Row, *, actor: User | None, at: datetime, ip: str | None = None) -> Row:
    """Write a new or changed row of the configuration; one that says nothing new leaves no trace.

    Raises NotAllowed, or Invalid with the field that is wrong.
    """
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    old = type(row)._default_manager.select_for_update().filter(pk=row.pk).first() if row.pk else None
    changes = _changes(old, row)
    if old is not None and not changes:
        return row
    _check(row)
    row.save()
    action = f"{row._meta.model_name}_{'added' if old is None else 'changed'}"
    record_access(actor, action, _target(row), ip, at=at, name=str(row), changes=changes)
    _tell(row, at)
    return row


@transaction.atomic
def remove_configuration(row: Row, *, actor: User | None, at: datetime, ip: str | None = None) -> None:
    """Delete a row of the configuration. Raises NotAllowed, or WrongState for what is in use or must stay."""
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    if isinstance(row, _KEPT):
        raise WrongState(IN_USE)
    record_access(
        actor, f"{row._meta.model_name}_deleted", _target(row), ip, at=at, name=str(row), was=_told(row)
    )
    try:
        row.delete()
    except ProtectedError as error:
        raise WrongState(IN_USE) from error
    _tell(row, at)


@transaction.atomic
def add_standard(standard: Standard, *, actor: User | None, at: datetime, ip: str | None = None) -> Standard:
    """Begin a standard that follows none, numbered after those that its matter has had.

    It begins at its `valid_from`, or at `at` where it has none. Raises NotAllowed or Invalid.
    """
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    _lock_matter(standard.matter_id)
    highest = Standard.objects.filter(matter=standard.matter_id).aggregate(models.Max("sequence"))
    standard.sequence = (highest["sequence__max"] or 0) + 1
    standard.valid_from = standard.valid_from or at
    if standard.valid_from < at:
        raise Invalid(TOO_EARLY, field="valid_from")
    _check(standard)
    standard.save()
    record_access(actor, "standard_added", _target(standard), ip, at=at, facts=_told(standard))
    touch_catalogue()
    return standard


@transaction.atomic
def revise_standard(
    *,
    standard_id: int,
    actor: User | None,
    at: datetime,
    valid_from: datetime | None = None,
    ip: str | None = None,
    **facts: Any,
) -> Standard:
    """End the version in force and begin one with the given facts (`STANDARD_FACTS`), at `valid_from` or now.

    Orders keep the version that they were born under. Raises NotVisible, NotAllowed, WrongState for a version
    that has ended, and Invalid for a begin in the past, a bad value, or nothing new.
    """
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    old = _lock_standard(standard_id)
    begins = valid_from or at
    if begins < at or begins <= old.valid_from:
        raise Invalid(TOO_EARLY, field="valid_from")
    new = Standard(matter_id=old.matter_id, sequence=old.sequence, valid_from=begins)
    for name in STANDARD_FACTS:
        setattr(new, name, facts.pop(name, getattr(old, name)))
    if facts:
        raise TypeError(f"a standard has no {', '.join(facts)}")
    changes = {name: pair for name, pair in _changes(old, new).items() if name in STANDARD_FACTS}
    if not changes:
        raise Invalid(UNCHANGED)
    old.valid_to = begins
    old.save(update_fields=["valid_to"])
    _check(new)
    new.save()
    record_access(actor, "standard_changed", _target(new), ip, at=at, follows=old.pk, changes=changes)
    touch_catalogue()
    return new


@transaction.atomic
def end_standard(*, standard_id: int, actor: User | None, at: datetime, ip: str | None = None) -> Standard:
    """End the version in force without another. Raises NotVisible, NotAllowed or WrongState."""
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    standard = _lock_standard(standard_id)
    if standard.valid_from >= at:
        raise WrongState(TOO_EARLY)
    standard.valid_to = at
    standard.save(update_fields=["valid_to"])
    record_access(actor, "standard_ended", _target(standard), ip, at=at)
    touch_catalogue()
    return standard


@transaction.atomic
def retire_matter(*, matter_id: int, actor: User | None, at: datetime, ip: str | None = None) -> Matter:
    """Offer a matter to no reporter any more; its orders go on. Raises NotVisible, NotAllowed, WrongState."""
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    matter = _lock_matter(matter_id)
    if matter.retired_at is not None:
        raise WrongState(ALREADY_RETIRED)
    matter.retired_at = at
    matter.save(update_fields=["retired_at"])
    record_access(actor, "matter_retired", _target(matter), ip, at=at, name=matter.name)
    touch_catalogue()
    return matter


@transaction.atomic
def restore_matter(*, matter_id: int, actor: User | None, at: datetime, ip: str | None = None) -> Matter:
    """Offer a retired matter again. Raises NotVisible, NotAllowed, WrongState."""
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    matter = _lock_matter(matter_id)
    if matter.retired_at is None:
        raise WrongState(NOT_RETIRED)
    matter.retired_at = None
    matter.save(update_fields=["retired_at"])
    record_access(actor, "matter_restored", _target(matter), ip, at=at, name=matter.name)
    touch_catalogue()
    return matter


@transaction.atomic
def import_calendar_year(*, year: int, actor: User | None, at: datetime, ip: str | None = None) -> int:
    """Seed a year's holidays and make-up workdays; how many days were written. Raises NotAllowed, Invalid."""
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    try:
        count = seed_calendar(year)
    except ValueError as error:
        raise Invalid(NO_SUCH_YEAR, field="year") from error
    CalendarChange.objects.create(at=at)
    record_access(actor, "calendar_imported", f"calendar:{year}", ip, at=at, days=count)
    return count


def _lock_matter(matter_id: int) -> Matter:
    matter = Matter.objects.select_for_update().filter(pk=matter_id).first()
    if matter is None:
        raise NotVisible()
    return matter


def _lock_standard(standard_id: int) -> Standard:
    """The version in force, locked. Raises NotVisible, or WrongState for one that has an end."""
    standard = Standard.objects.select_for_update().filter(pk=standard_id).first()
    if standard is None:
        raise NotVisible()
    if standard.valid_to is not None:
        raise WrongState(SUPERSEDED)
    return standard


def _check(row: models.Model) -> None:
    """Raises Invalid with the first field that is wrong, told as the form would."""
    try:
        row.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid(" ".join(messages), field="" if field == "__all__" else field) from error


def _changes(old: models.Model | None, new: models.Model) -> dict[str, tuple[Any, Any]]:
    """Fields whose value differs, each with what it was and what it is."""
    changed: dict[str, tuple[Any, Any]] = {}
    for field in new._meta.concrete_fields:
        before = getattr(old, field.attname) if old is not None else None
        after = field.to_python(getattr(new, field.attname))
        if before != after and not field.primary_key:
            changed[field.name] = (before, after)
    return changed


def _target(row: models.Model) -> str:
    """How the trail names a row: codes of matters come twice, ids do not."""
    return f"{row._meta.model_name}:{row.pk}"


def _told(row: models.Model) -> dict[str, Any]:
    return {name: value for name, (_old, value) in _changes(None, row).items()}


def _tell(row: models.Model, at: datetime) -> None:
    """Have every process see the change, and open orders follow it."""
    if isinstance(row, MatterClass | Matter):
        touch_catalogue()
    elif isinstance(row, CalendarDay | WorkHours):
        transaction.on_commit(forget_calendar)
        CalendarChange.objects.create(at=at)
    elif isinstance(row, LadderRung):
        LadderChange.objects.create(at=at)
