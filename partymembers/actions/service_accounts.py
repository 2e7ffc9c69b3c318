"""Connected systems and their keys: added, changed, rotated, revoked; each by the security officer."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotVisible, WrongState
from grids.models import Place
from partymembers.actions.keys import check_fields
from partymembers.audit import record_access
from partymembers.models import ApiKey, Role, ServiceAccount, Unit, User
from partymembers.rules import locked_user, require_enabled, require_officer
from partymembers.scopes import checked_scopes

#: A key that nobody renews ends by then; the law's yearly review finds the others.
LONGEST_LIFE = timedelta(days=400)
#: How long both keys open the door after a rotation, unless said otherwise.
OVERLAP = timedelta(days=7)
MOST_RATE = 60_000
_DUTY = ServiceAccount.Duty


def digest_of(secret: str) -> str:
    """What is stored of a key; its 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def add_service_account(
    *,
    code: str,
    name: str,
    duty: str,
    place: Place | None = None,
    unit: Unit | None = None,
    is_sandbox: bool = False,
    contact: str = "",
    actor: User | None,
    at: datetime,
    ip: str | None = None,
) -> ServiceAccount:
    """Add another system. `code` is its name in the trail, `name` what people read in an order's history.

    Raises Invalid that names the field, NotAllowed for anyone but the security officer.
    """
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    _check_reach(duty, place, unit)
    user = User(username=code.strip(), name=name.strip(), is_service=True, date_joined=at)
    user.set_unusable_password()
    check_fields(user)
    user.save()
    account = ServiceAccount.objects.create(
        user=user,
        duty=duty,
        place=place,
        unit=unit,
        is_sandbox=is_sandbox,
        contact=contact.strip(),
        created_at=at,
        created_by=actor,
    )
    record_access(
        actor, "service_account_added", user, ip, at=at, name=name, duty=duty,
        place=place.code if place else "", unit=unit.code if unit else "", is_sandbox=is_sandbox,
    )  # fmt: skip
    return account


@transaction.atomic
def change_service_account(
    *, account_id: int, name: str, contact: str, actor: User | None, at: datetime, ip: str | None = None
) -> ServiceAccount:
    """Give another system another name, or another person who answers for it; its reach stays for ever.

    Raises Invalid that names the field, NotAllowed or NotVisible.
    """
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    account = ServiceAccount.objects.select_for_update(no_key=True).filter(pk=account_id).first()
    if account is None:
        raise NotVisible
    user = locked_user(account.user_id, or_system=True)
    before = user.name, account.contact
    user.name, account.contact = name.strip(), contact.strip()
    check_fields(user)
    if before == (user.name, account.contact):
        return account
    user.save(update_fields=["name"])
    account.save(update_fields=["contact"])
    told: dict[str, object] = {"contact": account.contact != before[1]}  # that it changed: it names people
    record_access(actor, "service_account_changed", user, ip, at=at, name=[before[0], user.name], **told)
    return account


def _check_reach(duty: str, place: Place | None, unit: Unit | None) -> None:
    if duty not in _DUTY.values:
        raise Invalid(_("Choose what the system does."), field="duty")
    is_unit = duty == _DUTY.UNIT
    if is_unit and (unit is None or unit.disabled_at is not None):
        raise Invalid(_("Choose the unit that it acts for, one that is not disabled."), field="unit")
    if not is_unit and (place is None or place.retired_on is not None):
        raise Invalid(_("Choose the place that it acts in, one that is not retired."), field="place")
    if (unit if not is_unit else place) is not None:
        raise Invalid(
            _("A connected system acts in a place or for a unit, not both. Leave one empty."),
            field="place" if is_unit else "unit",
        )


@transaction.atomic
def issue_key(
    *,
    account_id: int,
    label: str,
    scopes: Iterable[str],
    expires_at: datetime,
    rate: int = 600,
    actor: User | None,
    at: datetime,
    ip: str | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself, which is shown once and stored nowhere.

    Raises Invalid that names the field, WrongState for a disabled system, NotAllowed or NotVisible.
    """
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    account = _locked_account(account_id)
    plan = ApiKey(account=account, label=label.strip(), scopes=checked_scopes(scopes), rate=rate)
    plan.created_at, plan.created_by, plan.expires_at = at, actor, expires_at
    key, secret = _made(plan)
    _record(actor, "api_key_issued", key, at, ip, scopes=key.scopes, expires_at=expires_at)
    return key, secret


def _made(key: ApiKey) -> tuple[ApiKey, str]:
    """Check and save a key with a secret of its own. Raises Invalid that names the field."""
    if not key.label or len(key.label) > 50:
        raise Invalid(_("Give the key a name of at most 50 characters."), field="label")
    if not key.created_at < key.expires_at <= key.created_at + LONGEST_LIFE:
        told = {"days": LONGEST_LIFE.days}
        raise Invalid(_("A key ends in the future, within %(days)d days.") % told, field="expires_at")
    if not 1 <= key.rate <= MOST_RATE:
        raise Invalid(_("From 1 to %(most)d a minute.") % {"most": MOST_RATE}, field="rate")
    secret = secrets.token_urlsafe(32)
    key.prefix, key.digest = secrets.token_hex(5), digest_of(secret)
    key.save()
    return key, f"gz_{key.prefix}_{secret}"


@transaction.atomic
def rotate_key(
    *,
    key_id: int,
    overlap: timedelta = OVERLAP,
    expires_at: datetime,
    actor: User | None,
    at: datetime,
    ip: str | None = None,
) -> tuple[ApiKey, str]:
    """Make the key's successor, with the same scopes and rate; the old one still opens during `overlap`.

    Raises WrongState for a key that is over or has a successor already, Invalid, NotAllowed or NotVisible.
    """
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    old = _locked_key(key_id)
    if old.replaced_by_id is not None or not old.is_valid(at):
        raise WrongState(_("This key is over, or has been replaced already."))
    if not timedelta(0) <= overlap <= timedelta(days=90):
        raise Invalid(_("From 0 to 90 days."), field="overlap")
    account = _locked_account(old.account_id)
    plan = ApiKey(account=account, label=old.label, scopes=list(old.scopes), rate=old.rate)
    plan.created_at, plan.created_by, plan.expires_at = at, actor, expires_at
    key, secret = _made(plan)
    old.replaced_by, old.expires_at = key, min(old.expires_at, at + overlap)
    old.save(update_fields=["replaced_by", "expires_at"])
    _record(actor, "api_key_rotated", key, at, ip, replaces=old.prefix, old_until=old.expires_at)
    return key, secret


@transaction.atomic
def revoke_key(*, key_id: int, actor: User | None, at: datetime, ip: str | None = None) -> ApiKey:
    """Shut a key's door at once; again changes nothing. Raises NotAllowed or NotVisible."""
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    key = _locked_key(key_id)
    if key.revoked_at is None:
        key.revoked_at = at
        key.save(update_fields=["revoked_at"])
        _record(actor, "api_key_revoked", key, at, ip)
    return key


def _locked_account(account_id: int) -> ServiceAccount:
    account = ServiceAccount.objects.select_related("user").filter(pk=account_id).first()
    if account is None:
        raise NotVisible
    require_enabled(locked_user(account.user_id, or_system=True), field="account")
    return account


def _locked_key(key_id: int) -> ApiKey:
    key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise NotVisible
    return key


def _record(
    actor: User | None, action: str, key: ApiKey, at: datetime, ip: str | None, **data: object
) -> None:
    record_access(actor, action, key.account.user, ip, at=at, prefix=key.prefix, label=key.label, **data)
