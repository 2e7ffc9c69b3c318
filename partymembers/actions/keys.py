"""Users and their keys: added, shut out, let in again, given a new password or phone."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, WrongState
from governance.common.formats import masked_name, masked_phone
from partymembers import devices, lockout, passwords
from partymembers.audit import masked_changes, record_access
from partymembers.models import Role, StaffChange, User
from partymembers.phones import is_mobile_shape, mobile_number, normal_identifier
from partymembers.rules import locked_user, require_officer, require_other


@transaction.atomic
def add_user(
    *,
    staff_number: str,
    name: str,
    phone: str = "",
    password: str,
    is_random: bool = False,
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> User:
    """Add somebody who signs in with `password` once and must then choose their own.

    `is_random` says that the password came from `passwords.first_password`. Raises Invalid for a staff
    number, name, phone or password that cannot be taken, NotAllowed for anyone but the security officer.
    """
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    user = new_user(staff_number=staff_number, name=name, phone=phone, at=at)
    if is_random:
        user.password = passwords.hash_random(password)
    else:
        _set_password(user, password)
    _save(user)
    record_access(actor, "user_added", user, ip, at=at, **facts_of(user))
    return user


def new_user(*, staff_number: str, name: str, phone: str, at: dt.datetime) -> User:
    """Somebody who is not saved yet and has no password. Raises Invalid for a phone that is none."""
    user = User(username=normal_identifier(staff_number), name=name.strip(), must_change_password=True)
    user.phone = mobile_number(phone) if phone.strip() else None
    user.date_joined = at
    return user


def facts_of(user: User) -> dict[str, str]:
    """What the audit trail says of somebody who was added."""
    return {"name": masked_name(user.name), "phone": masked_phone(user.phone)}


@transaction.atomic
def change_person(
    *, user_id: int, name: str, phone: str, actor: User | None, at: dt.datetime, ip: str | None = None
) -> User:
    """Correct somebody's name and phone (an empty phone takes it away). Raises Invalid or NotAllowed."""
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    user = locked_user(user_id)
    changes = correct(user, name=name, phone=phone)
    if changes:
        _save(user)
        record_access(actor, "user_changed", user, ip, at=at, changes=masked_changes(changes))
    return user


def correct(user: User, *, name: str, phone: str) -> dict[str, tuple[str | None, str | None]]:
    """Put name and phone onto somebody who is not saved thereby; old and new value of what differs.

    Raises Invalid for a phone that is none.
    """
    before = {"name": user.name, "phone": user.phone}
    user.name, user.phone = name.strip(), mobile_number(phone) if phone.strip() else None
    return {
        field: (old, getattr(user, field)) for field, old in before.items() if old != getattr(user, field)
    }


def change_phone(
    *, user_id: int, phone: str, actor: User | None, at: dt.datetime, ip: str | None = None
) -> User:
    """Give somebody another phone, by which they then sign in. Raises Invalid or NotAllowed."""
    name = User.objects.filter(pk=user_id).values_list("name", flat=True).first() or ""
    return change_person(user_id=user_id, name=name, phone=phone, actor=actor, at=at, ip=ip)


@transaction.atomic
def reset_password(
    *, user_id: int, password: str, actor: User | None, at: dt.datetime, ip: str | None = None
) -> User:
    """Give somebody a new first password; every session of theirs ends, and a lock-out is lifted.

    Raises Invalid for a weak password, NotAllowed for anyone but the security officer.
    """
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    user = locked_user(user_id)
    require_other(actor, user)
    _set_password(user, password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    devices.forget_all(user)
    lockout.lift(user)
    record_access(actor, "password_reset", user, ip, at=at)
    return user


@transaction.atomic
def change_password(*, user: User, password: str, at: dt.datetime, ip: str | None = None) -> User:
    """Let somebody choose their own password; their other sessions and trusted devices end.

    The old password is the caller's to check. Raises Invalid for a weak password or the same one again.
    """
    locked = locked_user(user.pk)
    if locked.check_password(password):
        raise Invalid(_("Choose a password that differs from the old one."), field="new_password1")
    _set_password(locked, password, field="new_password1")
    locked.must_change_password = False
    locked.save(update_fields=["password", "must_change_password"])
    devices.forget_all(locked)
    record_access(locked, "password_changed", locked, ip, at=at)
    return locked


@transaction.atomic
def disable_user(*, user_id: int, actor: User | None, at: dt.datetime, ip: str | None = None) -> User:
    """Shut somebody out at once, everywhere; their open orders return to the desk. Posts stay as they are."""
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    user = locked_user(user_id, or_system=True)
    require_other(actor, user)
    if user.disabled_at is not None:
        raise WrongState(_("This user is disabled already."))
    user.disabled_at = at
    user.save(update_fields=["disabled_at"])
    devices.forget_all(user)
    StaffChange.objects.create(kind=StaffChange.Kind.USER_DISABLED, user=user, at=at, by=actor)
    record_access(actor, "user_disabled", user, ip, at=at)
    return user


@transaction.atomic
def enable_user(*, user_id: int, actor: User | None, at: dt.datetime, ip: str | None = None) -> User:
    """Let somebody in again, with the posts that are still in force."""
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    user = locked_user(user_id, or_system=True)
    require_other(actor, user)
    if user.disabled_at is None:
        raise WrongState(_("This user is not disabled."))
    disabled_at, user.disabled_at = user.disabled_at, None
    user.save(update_fields=["disabled_at"])
    record_access(actor, "user_enabled", user, ip, at=at, disabled_at=disabled_at)
    return user


def _set_password(user: User, password: str, *, field: str = "password") -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field=field, code="weak_password") from error
    user.set_password(password)


def _save(user: User) -> None:
    """Write the person, or raise Invalid that names the field in the way."""
    check_fields(user)
    user.save()


def check_fields(user: User, *, unique: bool = True) -> None:
    """Raise Invalid that names the first field in the way; `unique` looks whether others have its values."""
    if is_mobile_shape(user.username):
        raise Invalid(_("A staff number must not look like a mobile number."), field="username")
    try:
        # The one constraint is the line above, and the database.
        user.full_clean(validate_unique=unique, validate_constraints=False)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid(" ".join(messages), field="" if field == "__all__" else field) from error
