"""An order's `ETag`: strong, so that it names these very bytes, and readable as the order's version.

`"<number>-<version>-<digest>"`. Two people with different rights, languages or fields get different digests
of the same version; what somebody may write depends on the version alone (`check_version`).
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from governance.common.api.problems import PreconditionFailed

#: A proxy that compresses an answer marks its ETag as weak; it names the same version all the same.
_WEAK = "W/"


class Versioned(Protocol):
    """Whatever knows an order's number and how many events it has."""

    number: str
    last_seq: int


def etag_of(case: Versioned, body: object) -> str:
    """The ETag of an answer about an order."""
    digest = hashlib.sha256(JSONRenderer().render(body)).hexdigest()
    return f'"{case.number}-{case.last_seq}-{digest[:20]}"'


def is_known(request: Request, etag: str) -> bool:
    """Whether the caller has these bytes already (`If-None-Match`): then 304 says it all."""
    given = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in given or etag in {tag.removeprefix(_WEAK) for tag in given}


def check_version(request: Request, case: Versioned) -> None:
    """Let a write pass that names the order's version (`If-Match`), or none. Raises PreconditionFailed.

    Ask it of the row that is locked, so that nobody is faster in between.
    """
    given = parse_etags(request.headers.get("If-Match", ""))
    if not given and "If-Match" not in request.headers:
        return
    version = f'"{case.number}-{case.last_seq}'
    tags = [tag.removeprefix(_WEAK) for tag in given]
    if not any(tag in ("*", f'{version}"') or tag.startswith(f"{version}-") for tag in tags):
        raise PreconditionFailed()
