"""The doors of exports: ask, look, fetch, delete. Each belongs to the account that asked, and to no other."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header, quote_etag
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from governance.common.api.views import Endpoint
from governance.common.errors import NotVisible, WrongState
from governance.common.files import file_answer
from governance.models import ExportJob
from partymembers.api.callers import access_of_caller, key_of, user_of
from partymembers.api.idempotency import idempotent
from partymembers.audit import address_of

from .deeds import Wanted, ask_export, drop_export
from .serializers import AskExport, Export
from .sources import require_scope
from .writing import TYPES

_ID: Final = OpenApiParameter("id", str, OpenApiParameter.PATH, description="As asking for it gave.")


class _Exports(Endpoint):
    resource = "exports"
    serializer_class = Export

    def get_queryset(self) -> QuerySet[ExportJob]:
        """The account's own that are still kept."""
        mine = ExportJob.objects.filter(user=user_of(self.request), expires_at__gt=timezone.now())
        return mine.select_related("key")

    def found(self, token: str) -> ExportJob:
        """One of the account's own. Raises NotVisible, PermissionDenied for a key that reads no such rows."""
        job = self.get_queryset().filter(token=token.replace("\0", "")).first()
        if job is None:
            raise NotVisible
        require_scope(self.request, job.kind)
        return job


class Exports(_Exports):
    """Exports."""

    order = "-asked_at"

    @extend_schema(operation_id="listExports", summary="One's own exports", responses=Export(many=True))
    def get(self, request: Request) -> Response:
        """What the account has asked for within a week, the latest first."""
        rows = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    @extend_schema(
        operation_id="askExport",
        summary="Have a list written into a file",
        request=AskExport,
        responses={202: Export},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Begins in the background, within what the account sees when it is written; up to 200,000 rows.

        Names and phones are masked unless the key has personal:read. At most three at a time wait (429).
        """
        asked = AskExport(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        job = ask_export(
            Wanted(values["kind"], values["format"], values["filters"]),
            user=user_of(request),
            key=key_of(request),
            access=access_of_caller(request),
            origin=request.build_absolute_uri("/").rstrip("/"),
            at=timezone.now(),
            ip=address_of(request),
        )
        body = self.get_serializer(job).data
        return Response(body, status=202, headers={"Location": body["url"]})


class OneExport(_Exports):
    """One export."""

    @extend_schema(operation_id="readExport", summary="How an export stands", parameters=[_ID])
    def get(self, request: Request, id: str) -> Response:
        """Its state, the rows written so far, and the file's address once it is done."""
        return Response(self.get_serializer(self.found(id)).data)

    @extend_schema(
        operation_id="deleteExport", summary="Delete an export", parameters=[_ID], responses={204: None}
    )
    def delete(self, request: Request, id: str) -> Response:
        """Deletes the file, too; one that is being written is stopped."""
        drop_export(job=self.found(id), at=timezone.now(), ip=address_of(request))
        return Response(status=204)


class ExportFile(_Exports):
    """The file of an export."""

    #: For the document: whoever comes too early is told so by a conflict.
    may_be_unfinished = True

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """A file is of its own type, whatever the caller would rather have."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="fetchExport",
        summary="The file of an export",
        parameters=[_ID],
        responses={
            (200, kind): OpenApiResponse(OpenApiTypes.BINARY, description="The file.")
            for kind in (type_.partition(";")[0] for type_ in TYPES.values())
        },
    )
    def get(self, request: Request, id: str) -> HttpResponseBase:
        """The bytes, for the account that asked and a key that reads such rows; 409 until it is done."""
        job = self.found(id)
        _require_done(job, request)
        name = f"{job.kind}-{timezone.localtime(job.asked_at):%Y%m%d-%H%M}.{job.format}"
        response = file_answer(job.file, content_type=TYPES[ExportJob.Format(job.format)], filename=name)
        response.headers["Content-Disposition"] = content_disposition_header(
            as_attachment=True, filename=name
        )
        response.headers["ETag"] = quote_etag(job.sha256[:32])
        response.headers["Cache-Control"] = "private, no-store"
        return response


def _require_done(job: ExportJob, request: Request) -> None:
    """Raises WrongState before it is done, NotVisible where the file has people whom the key may not read.

    Another key of the same account may fetch it, unless it reads less than the one that asked.
    """
    key = key_of(request)
    has_people = job.key is not None and "personal:read" in job.key.scopes
    if has_people and key is not None and "personal:read" not in key.scopes:
        raise NotVisible
    if job.state != ExportJob.State.DONE:
        raise WrongState(_("The file is not there yet, or will not be: see how the export stands."))
