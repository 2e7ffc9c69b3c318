"""The question behind an export: what its list's address would ask, by whoever asked, answered later."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, QueryDict
from rest_framework.request import Request

from governance.models import ExportJob
from partymembers.access import Access

#: Wishes stand in the list of orders, under their kind.
_KINDS: Final[dict[str, dict[str, list[str]]]] = {
    ExportJob.Kind.ORDERS: {"kind": ["incident"]},
    ExportJob.Kind.WISHES: {"kind": ["wish"]},
}


class _Call(HttpRequest):
    """A call that came over no line. Addresses in its answer begin where the caller's own did."""

    def __init__(self, job: ExportJob, access: Access) -> None:
        super().__init__()
        self.method = "GET"
        self.origin = job.origin
        self.GET = _query(job)
        self._access = access  # what `access_for` would ask for

    def build_absolute_uri(self, location: str | None = None) -> str:
        """An address of the portal from the outside."""
        return f"{self.origin}{location or self.path}"


def _query(job: ExportJob) -> Any:
    query = QueryDict(mutable=True)
    for name, values in (job.filters | _KINDS.get(job.kind, {})).items():
        query.setlist(name, values)
    return query


def request_of(job: ExportJob, access: Access) -> Request:
    """A call of the list with the job's filters: by its account and its key, with what it reaches now."""
    request = Request(_Call(job, access))
    request.user, request.auth = job.user, job.key
    return request
