"""The audit trail: who signed in, read personal data, or changed configuration, posts and keys.

Entries are only ever added; PostgreSQL refuses to change them and lets none go before six months
(Cybersecurity Law of the PRC, article 21; the trigger stands in migration 0002).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from governance.common.formats import masked_name, masked_phone
from partymembers.models import AuditEntry, User

#: The law asks for six months at least; the trigger counts calendar months, so this is a little more.
SHORTEST_RETENTION = dt.timedelta(days=184)

#: Fields of people that appear masked in the trail.
_MASKS = {"phone": masked_phone, "name": masked_name}
_SECRETS = frozenset({"password", "password1", "password2", "token", "secret", "session_key"})


#: What the audit officer reads for an action of this room.
LABELS = {
    "audit_entries_forgotten": _("Old audit entries deleted"),
    "api_key_issued": _("API key issued"),
    "api_key_revoked": _("API key revoked"),
    "api_key_rotated": _("API key rotated"),
    "attendance_corrected": _("Attendance corrected"),
    "audit_exported": _("Audit trail exported"),
    "branch_dissolved": _("Branch dissolved"),
    "branch_moved": _("Branch moved"),
    "check_in_accepted": _("Check-in accepted"),
    "check_in_refused": _("Check-in refused"),
    "device_forgotten": _("Device no longer trusted"),
    "evaluation_corrected": _("Evaluation corrected"),
    "evaluations_reported": _("Evaluations reported to the work units"),
    "jointmember_ended": _("Seat in a joint committee ended"),
    "member_evaluated": _("Member evaluated"),
    "member_left": _("Member left"),
    "member_moved_house": _("Member moved house"),
    "member_transferred": _("Member transferred"),
    "password_changed": _("Password changed"),
    "password_reset": _("Password reset"),
    "personal_data_opened": _("Personal data opened"),
    "points_corrected": _("Points corrected"),
    "post_ended": _("Post ended"),
    "post_given": _("Post given"),
    "redemption_cancelled": _("Redemption taken back"),
    "service_account_added": _("Connected system added"),
    "service_account_changed": _("Connected system changed"),
    "sign_in_failed": _("Sign-in failed"),
    "signed_in": _("Signed in"),
    "signed_out": _("Signed out"),
    "stock_changed": _("Stock changed"),
    "substitute_appointed": _("Substitute appointed"),
    "substitution_ended": _("Substitution ended"),
    "unit_disabled": _("Unit disabled"),
    "unit_enabled": _("Unit enabled"),
    "user_added": _("User added"),
    "user_changed": _("Person changed"),
    "user_disabled": _("User disabled"),
    "user_enabled": _("User enabled"),
}
#: Saves of configuration are named after their model: `matter_changed`.
_SAVES = {
    "added": _("%(what)s added"),
    "changed": _("%(what)s changed"),
    "deleted": _("%(what)s deleted"),
}


def label_of(action: str) -> str:
    """An action in the reader's language; one that nobody has named reads as it is stored."""
    if action in LABELS:
        return str(LABELS[action])
    model_name, _between, verb = action.rpartition("_")
    found = _kind(model_name)
    if found is None or verb not in _SAVES:
        return action
    return str(_SAVES[verb]) % {"what": found._meta.verbose_name}


def words_of(target: str) -> str:
    """A target as people read it: of `user:W001` the kind in words; anything else as it is."""
    kind, _between, name = target.partition(":")
    found = _kind(kind) if name else None
    return f"{found._meta.verbose_name} {name}" if found else target


def _kind(model_name: str) -> type[Model] | None:
    return next((m for m in apps.get_models() if m._meta.model_name == model_name), None)


def record_access(
    actor: User | None,
    action: str,
    target: object = "",
    ip: str | None = None,
    *,
    at: dt.datetime,
    **data: Any,
) -> AuditEntry:
    """Append one entry. `target` is a word like `user:W001` or a saved row; `data` holds plain values.

    Neither passwords nor whole phones belong in `data`: mask them first (`masked_changes`).
    """
    entry = access_entry(actor, action, target, ip, at=at, **data)
    entry.save()
    return entry


def access_entry(
    actor: User | None,
    action: str,
    target: object = "",
    ip: str | None = None,
    *,
    at: dt.datetime,
    **data: Any,
) -> AuditEntry:
    """An entry that is not saved yet (`record_access`), for those who append many in one statement."""
    return AuditEntry(at=at, actor=actor, action=action, target=target_of(target), ip=ip, data=_plain(data))


def read_personal(
    actor: User, *, what: str, value: str, target: object, at: dt.datetime, ip: str | None = None
) -> str:
    """Hand over a personal value in full (a phone, a door) and write down who opened it.

    Whether the actor may open it is the caller's to check before.
    """
    record_access(actor, "personal_data_opened", target, ip, at=at, what=what)
    return value


def target_of(target: object) -> str:
    """How a row is named in the trail: `unit:U01` by its code or staff number, else by its id."""
    if isinstance(target, str):
        return target[:100]
    kind = target._meta.model_name if isinstance(target, Model) else type(target).__name__.lower()
    name = getattr(target, "username", None) or getattr(target, "code", None) or getattr(target, "pk", "")
    return f"{kind}:{name}"[:100]


def masked_changes(changes: dict[str, tuple[Any, Any]]) -> dict[str, list[Any]]:
    """Old and new value of each changed field, fit for the trail: secrets left out, people masked."""
    return {field: [_masked(field, old), _masked(field, new)] for field, (old, new) in changes.items()}


def address_of(request: HttpRequest) -> str | None:
    """The caller's address, or None where there is none (a unix socket)."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


@transaction.atomic
def forget_old_entries(*, before: dt.datetime) -> int:
    """Delete entries older than `before` and say how many; the trigger keeps those of the last six months."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL gezhi.retention = 'on'")
        count, _each = AuditEntry.objects.filter(at__lt=before).delete()
        cursor.execute("SET LOCAL gezhi.retention = 'off'")
    return count


def _masked(field: str, value: Any) -> Any:
    if field in _SECRETS:
        return "••••"
    mask = _MASKS.get(field)
    return mask(str(value)) if mask and value else value


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """The same data in types that JSON knows."""
    return {key: _plain_value(value) for key, value in data.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain_value(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Promise):
        return str(value)
    try:
        return DjangoJSONEncoder().default(value)
    except TypeError:
        return str(value)
