"""Pictures that come in parts over a bad line: begun, continued where they stopped, finished or forgotten."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Final

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from cases.attachments import GONE, UNCLAIMED_FOR, discard_picture, store_picture
from cases.models import Upload
from cases.pictures import EMPTY, MAX_BYTES, Claims, too_big
from governance.common.errors import DomainError, Invalid, NotVisible, Throttled, TooLarge, WrongState
from partymembers.models import User

#: Unfinished at a time, of one account.
MOST_UNFINISHED: Final = 50
_EXPIRE_AT_ONCE: Final = 500
TOO_MANY = _("Too many unfinished uploads. Please finish or delete some.")
WRONG_OFFSET = _("The upload stands at another byte. Ask it by HEAD, and go on from there.")


@transaction.atomic
def begin_upload(*, uploader: User, length: int, role: str, claims: Claims, at: datetime) -> Upload:
    """Make room for a picture of that many bytes. Raises Invalid, TooLarge or Throttled."""
    if length < 1:
        raise Invalid(EMPTY, field="Upload-Length")
    if length > MAX_BYTES:
        raise too_big("Upload-Length")
    User.objects.select_for_update(no_key=True).get(pk=uploader.pk)  # two at once count one after the other
    unfinished = Upload.objects.filter(uploader=uploader, picture="", expires_at__gt=at)
    if unfinished.count() >= MOST_UNFINISHED:
        raise Throttled(TOO_MANY, retry_after=600)
    return Upload.objects.create(
        token=secrets.token_urlsafe(32),
        uploader=uploader,
        length=length,
        role=role,
        claimed_at=claims.at,
        claimed_lng=claims.lng,
        claimed_lat=claims.lat,
        expires_at=at + UNCLAIMED_FOR,
    )


def own_upload(token: str, *, by: User, at: datetime) -> Upload:
    """One's own upload that has not expired. Raises NotVisible."""
    row = _own(token, by, at).first()
    if row is None:
        raise NotVisible()
    return row


def require_offset(row: Upload, offset: int) -> None:
    """Let a part pass that begins where the upload stands. Raises WrongState."""
    if row.offset != offset:
        raise WrongState(WRONG_OFFSET, field="Upload-Offset", code="wrong_offset")


def append(*, token: str, by: User, offset: int, data: bytes, at: datetime) -> Upload:
    """Keep the next bytes. Of two that begin at the same byte one wins; the other gets WrongState."""
    with transaction.atomic():
        row = _locked(token, by, at)
        require_offset(row, offset)
        if row.offset + len(data) > row.length:
            raise TooLarge(field="Upload-Length")
        if data:
            _write(row, data)
            row.offset += len(data)
            row.save(update_fields=["offset"])
    return row


def finish(*, token: str, by: User, at: datetime, ip: str | None = None) -> Upload:
    """Make a picture of all bytes, once. One that is none is forgotten, and the error says why.

    Raises Throttled (ask again later), and whatever `store_picture` says of a picture.
    """
    try:
        with transaction.atomic():
            row = _locked(token, by, at)
            if not row.picture:
                claims = Claims(row.claimed_at, row.claimed_lng, row.claimed_lat)
                picture = store_picture(
                    _content(row), at=at, uploader=by, role=row.role, claims=claims, ip=ip, field="file"
                )
                row.picture = picture.token
                row.save(update_fields=["picture"])
                transaction.on_commit(lambda: _delete([row]))
    except Throttled:
        raise
    except DomainError:
        forget(token=token, by=by, at=at)
        raise
    return row


def forget(*, token: str, by: User, at: datetime) -> None:
    """Delete an upload, and its picture while no order has it. Raises NotVisible."""
    with transaction.atomic():
        row = _locked(token, by, at)
        Upload.objects.filter(pk=row.pk).delete()
        transaction.on_commit(lambda: _delete([row]))
    if row.picture:
        discard_picture(row.picture, by=by)


def expire_parts(at: datetime) -> int:
    """Delete, rows and bytes, what was begun a day ago; how many. Several may run at a time."""
    old = Upload.objects.filter(expires_at__lte=at).order_by("expires_at")
    total = 0
    while True:
        with transaction.atomic():
            rows = list(old.select_for_update(skip_locked=True)[:_EXPIRE_AT_ONCE])
            Upload.objects.filter(pk__in=[row.pk for row in rows]).delete()
        _delete(rows)
        total += len(rows)
        if len(rows) < _EXPIRE_AT_ONCE:
            return total


def _own(token: str, by: User, at: datetime) -> QuerySet[Upload]:
    return Upload.objects.filter(token=token.replace("\x00", ""), uploader=by, expires_at__gt=at)


def _locked(token: str, by: User, at: datetime) -> Upload:
    row = _own(token, by, at).select_for_update().first()
    if row is None:
        raise NotVisible()
    return row


def _write(row: Upload, data: bytes) -> None:
    """At the offset, to the disk; what an earlier try left behind it goes."""
    path = Path(default_storage.path(row.file_name))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(handle, row.offset)
        os.lseek(handle, row.offset, os.SEEK_SET)
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(data)
        os.fsync(handle)
    finally:
        os.close(handle)


def _content(row: Upload) -> BytesIO:
    try:
        return BytesIO(Path(default_storage.path(row.file_name)).read_bytes())
    except FileNotFoundError as error:  # restored from a backup of another moment, say
        raise Invalid(GONE, field="file", code="picture_gone") from error


def _delete(rows: Iterable[Upload]) -> None:
    for row in rows:
        default_storage.delete(row.file_name)
