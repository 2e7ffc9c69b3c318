"""Pictures of orders: stored by themselves first, claimed by the action that brings them, else deleted.

Files lie below MEDIA_ROOT under names that nobody can guess and leave only through a view that asks who may
see them. Each upload belongs to a person, or to a resident's session by its `upload_key`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import IO, Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from cases.models import Attachment, Case, CaseEvent
from cases.pictures import Claims, Picture, read_picture
from cases.workflow import Kind
from governance.common.errors import Invalid, NotVisible, Throttled
from partymembers.access import Access
from partymembers.models import User

#: Pictures that one action may bring.
MOST_AT_ONCE: Final = 9
#: An upload that no order claims is deleted after this.
UNCLAIMED_FOR: Final = timedelta(hours=24)
#: Unclaimed uploads of the last hour: of one person or session, and from one address.
MOST_AN_HOUR: Final = 60
MOST_AN_HOUR_FROM_AN_ADDRESS: Final = 200
#: Pictures that the reporter of an order is shown.
PUBLIC_ROLES: Final = (Attachment.Role.BEFORE, Attachment.Role.AFTER)
_WINDOW: Final = timedelta(hours=1)
_EXPIRE_AT_ONCE: Final = 500

TOO_MANY = _("At most %(limit)d pictures at once; please leave some out.")
GONE = _("A picture is no longer there: it was not sent within a day. Please take it again.")
TOO_OFTEN = _("Too many pictures within an hour. Please send your report, or wait a little.")


def store_picture(
    file: IO[bytes],
    *,
    at: datetime,
    uploader: User | None = None,
    upload_key: str = "",
    role: str = Attachment.Role.BEFORE,
    claims: Claims | None = None,
    ip: str | None = None,
    field: str = "photo",
) -> Attachment:
    """Draw an uploaded picture anew and keep it until an action claims it.

    Belongs to `uploader`, or to the session of `upload_key`; ValueError for neither. `claims` is what
    the phone said, for where the picture itself says nothing. Raises Throttled, TooLarge, UnsupportedType
    or Invalid; no row and no file is left then.
    """
    if uploader is None and not upload_key:
        raise ValueError("A picture belongs to somebody.")
    _check_pace(uploader, upload_key, ip, at)
    picture = read_picture(file, at=at, field=field)
    said = _joined(picture.claims, claims or Claims())
    row = Attachment(
        token=secrets.token_urlsafe(32),
        role=role,
        uploader=uploader,
        upload_key="" if uploader else upload_key,
        claimed_at=said.at,
        claimed_lng=said.lng,
        claimed_lat=said.lat,
        uploaded_at=at,
        upload_ip=ip,
    )
    return _keep(row, picture)


def _keep(row: Attachment, picture: Picture) -> Attachment:
    """Write both files, then the row; no file stays without its row."""
    names: list[str] = []
    try:
        for content, suffix in ((picture.content, ""), (picture.thumbnail, "-s")):
            names.append(_save(content, row.uploaded_at, suffix))
        row.file, row.thumbnail = names
        row.sha256, row.size = picture.sha256, len(picture.content)
        row.width, row.height = picture.width, picture.height
        row.save()
    except BaseException:
        _delete_files(names)
        raise
    return row


def _save(content: bytes, at: datetime, suffix: str) -> str:
    name = f"cases/{at:%Y/%m/%d}/{secrets.token_hex(24)}{suffix}.jpg"
    return default_storage.save(name, ContentFile(content))


def _joined(own: Claims, phone: Claims) -> Claims:
    lng, lat = (own.lng, own.lat) if own.lng is not None else (phone.lng, phone.lat)
    return Claims(own.at or phone.at, lng, lat)


def _check_pace(uploader: User | None, upload_key: str, ip: str | None, at: datetime) -> None:
    """Counted in PostgreSQL, so that the limit holds while the cache is away."""
    recent = Attachment.objects.filter(case=None, uploaded_at__gt=at - _WINDOW)
    mine = recent.filter(uploader=uploader) if uploader else recent.filter(upload_key=upload_key)
    if mine.count() >= MOST_AN_HOUR:
        raise Throttled(TOO_OFTEN, retry_after=600)
    if uploader is None and ip and recent.filter(upload_ip=ip).count() >= MOST_AN_HOUR_FROM_AN_ADDRESS:
        raise Throttled(TOO_OFTEN, retry_after=600)


def claim_attachments(
    tokens: Sequence[str],
    *,
    case: Case,
    event: CaseEvent,
    by: User | None = None,
    upload_key: str = "",
    role: str = Attachment.Role.EVIDENCE,
    field: str = "photos",
) -> list[Attachment]:
    """Give stored pictures to an order's event, in the order of `tokens`; two queries inside its transaction.

    Raises Invalid (with `field`) for more than `MOST_AT_ONCE`, and for a token that has expired, was claimed
    already, or is somebody else's: each looks the same from outside.
    """
    wanted = list(dict.fromkeys(tokens))
    if len(wanted) > MOST_AT_ONCE:
        raise Invalid(TOO_MANY % {"limit": MOST_AT_ONCE}, field=field)
    own = _owned(by, upload_key).filter(token__in=wanted, case=None)
    rows = {row.token: row for row in own.select_for_update(of=("self",))}
    if len(rows) != len(wanted):
        raise Invalid(GONE, field=field, code="picture_gone")
    claimed = [rows[token] for token in wanted]
    for row in claimed:
        row.case, row.event, row.role, row.upload_ip = case, event, role, None
    Attachment.objects.bulk_update(claimed, ["case", "event", "role", "upload_ip"])
    return claimed


def _owned(by: User | None, upload_key: str) -> QuerySet[Attachment]:
    owner = Q(pk__in=[])
    if by is not None:
        owner |= Q(uploader=by)
    if upload_key:
        owner |= Q(upload_key=upload_key)
    return Attachment.objects.filter(owner)


def lend_to_session(tokens: Iterable[str], *, by: User, upload_key: str) -> None:
    """Let a session claim one's own stored pictures too: a public page sends them in nobody's name."""
    wanted = list(dict.fromkeys(tokens))[:MOST_AT_ONCE]
    Attachment.objects.filter(uploader=by, token__in=wanted, case=None).update(upload_key=upload_key)


def unclaimed(tokens: Iterable[str], *, by: User | None, upload_key: str = "") -> list[Attachment]:
    """One's own stored pictures that no order has claimed, in the order given: to show a form again."""
    wanted = list(dict.fromkeys(tokens))[:MOST_AT_ONCE]
    rows = {row.token: row for row in _owned(by, upload_key).filter(token__in=wanted, case=None)}
    return [rows[token] for token in wanted if token in rows]


def discard_picture(token: str, *, by: User | None, upload_key: str = "") -> bool:
    """Delete one's own picture before an order claims it; whether there was one."""
    with transaction.atomic():
        row = _owned(by, upload_key).filter(token=token, case=None).select_for_update(of=("self",)).first()
        if row is not None:
            _forget([row])
    return row is not None


def visible_attachment(
    token: str, *, access: Access, upload_key: str = "", follow_tokens: Sequence[str] = ()
) -> Attachment:
    """The picture behind a token, for somebody who may open it; at most three queries.

    Those of orders that the person works on by a post, and one's own uploads. A resident's session sees what
    it sent; who follows an order, by its link or by having reported it, sees the reporter's pictures and
    those after handling, a co-reporter only the latter. Raises NotVisible.
    """
    row = Attachment.objects.select_related("case").filter(token=token).first()
    if row is None:
        raise NotVisible()
    if row.upload_key and secrets.compare_digest(row.upload_key, upload_key):
        return row
    if row.case is None:
        if row.uploader_id is None or row.uploader_id != access.user_id:
            raise NotVisible()
        return row
    if (
        _is_followed(row, row.case, follow_tokens)
        or _is_worked_on(row.case, access)
        or _is_reporters(row, row.case, access)
    ):
        return row
    raise NotVisible()


def _is_worked_on(case: Case, access: Access) -> bool:
    known = Case.objects.wishes_known_to if case.kind == Kind.WISH else Case.objects.worked_by
    return known(access).filter(pk=case.pk).exists()


def _is_reporters(row: Attachment, case: Case, access: Access) -> bool:
    if access.user_id is None or not is_for_reporters(row, case, access.user_id):
        return False
    return case.reporter_id == access.user_id or case.co_reporters.filter(user_id=access.user_id).exists()


def is_for_reporters(row: Attachment, case: Case, user_id: int) -> bool:
    """Whether it is shown to somebody with an account who reported or joined the order, and no more."""
    roles = PUBLIC_ROLES if case.reporter_id == user_id else (Attachment.Role.AFTER,)
    return row.role in roles or row.uploader_id == user_id


def _is_followed(row: Attachment, case: Case, follow_tokens: Sequence[str]) -> bool:
    if not follow_tokens or row.role not in PUBLIC_ROLES:
        return False
    if case.follow_token in follow_tokens:
        return True
    joined = case.co_reporters.filter(follow_token__in=follow_tokens)
    return row.role == Attachment.Role.AFTER and joined.exists()


def expire_uploads(at: datetime) -> int:
    """Delete, rows and files, what no order claimed within a day; how many. Several may run at a time."""
    old = Attachment.objects.filter(case=None, uploaded_at__lt=at - UNCLAIMED_FOR).order_by("uploaded_at")
    total = 0
    while True:
        with transaction.atomic():
            rows = list(old.select_for_update(skip_locked=True, of=("self",))[:_EXPIRE_AT_ONCE])
            _forget(rows)
        total += len(rows)
        if len(rows) < _EXPIRE_AT_ONCE:
            return total


def _forget(rows: Sequence[Attachment]) -> None:
    """Delete rows, then their files: a file without a row is harmless, a row without its file is not."""
    names = [name for row in rows for name in (row.file.name, row.thumbnail.name) if name]
    Attachment.objects.filter(pk__in=[row.pk for row in rows]).delete()
    transaction.on_commit(lambda: _delete_files(names))


def _delete_files(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)
