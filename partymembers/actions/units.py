"""Units come and go."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from governance.common.errors import NotVisible, WrongState
from partymembers.audit import record_access
from partymembers.models import Role, StaffChange, Unit, User
from partymembers.rules import require_officer


@transaction.atomic
def disable_unit(*, unit_id: int, actor: User | None, at: dt.datetime, ip: str | None = None) -> Unit:
    """Let a unit receive no more orders; those that it holds return to the desk."""
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    unit = _locked_unit(unit_id)
    if unit.disabled_at is not None:
        raise WrongState(_("This unit is disabled already."))
    unit.disabled_at = at
    unit.save(update_fields=["disabled_at"])
    StaffChange.objects.create(kind=StaffChange.Kind.UNIT_DISABLED, unit=unit, at=at, by=actor)
    record_access(actor, "unit_disabled", unit, ip, at=at)
    return unit


@transaction.atomic
def enable_unit(*, unit_id: int, actor: User | None, at: dt.datetime, ip: str | None = None) -> Unit:
    """Let a unit receive orders again."""
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    unit = _locked_unit(unit_id)
    if unit.disabled_at is None:
        raise WrongState(_("This unit is not disabled."))
    disabled_at, unit.disabled_at = unit.disabled_at, None
    unit.save(update_fields=["disabled_at"])
    record_access(actor, "unit_enabled", unit, ip, at=at, disabled_at=disabled_at)
    return unit


def _locked_unit(unit_id: int) -> Unit:
    unit = Unit.objects.select_for_update(no_key=True).filter(pk=unit_id).first()
    if unit is None:
        raise NotVisible
    return unit
