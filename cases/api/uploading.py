"""Bringing pictures: in one go, or in parts that go on where the line was cut (tus 1.0.0)."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any, Final

from django.http import UnreadablePostError
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from cases import uploads
from cases.api.kinds import OfEitherKind
from cases.attachments import UNCLAIMED_FOR, store_picture
from cases.models import Attachment, Upload
from cases.pictures import MAX_BYTES, MAX_FORM_BYTES, Claims, believable, too_big
from governance.common.api.parsers import FormInParts
from governance.common.api.problems import PreconditionFailed
from governance.common.api.strict import Moment, Strict
from governance.common.errors import Invalid, TooLarge, UnsupportedType
from governance.common.typed import whole_number
from partymembers.api.callers import user_of
from partymembers.audit import address_of

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,expiration,termination"
_CHUNK: Final = 64 * 1024
_PART = "application/offset+octet-stream"
_SAID: Final = {"Tus-Resumable": VERSION, "Tus-Version": VERSION, "Cache-Control": "no-store"}
_LONGEST_METADATA: Final = 4096
_TUS = OpenApiParameter(
    "Tus-Resumable",
    str,
    OpenApiParameter.HEADER,
    required=True,
    enum=[VERSION],
    description="tus, its version.",
)
_ID = OpenApiParameter("token", str, OpenApiParameter.PATH, description="The upload's own token.")


class GivenClaims(Strict):
    """What the caller says of a picture; the picture's own metadata goes first."""

    role = serializers.ChoiceField(choices=Attachment.Role.choices, default=Attachment.Role.BEFORE.value)
    taken_at = Moment(required=False, help_text="When it was taken.")
    lng = serializers.FloatField(min_value=-180, max_value=180, required=False, help_text="Where, WGS-84.")
    lat = serializers.FloatField(min_value=-90, max_value=90, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Longitude and latitude belong together."""
        if ("lng" in attrs) != ("lat" in attrs):
            missing = "lat" if "lng" in attrs else "lng"
            raise serializers.ValidationError({missing: [_("Longitude and latitude belong together.")]})
        return attrs

    def claims(self, *, at: datetime) -> Claims:
        """As pictures keep them; a time that no camera can have written by now is left out."""
        values = self.validated_data
        return Claims(believable(values.get("taken_at"), at), values.get("lng"), values.get("lat"))


class NewPicture(GivenClaims):
    """A picture with what is said of it."""

    file = serializers.FileField(allow_empty_file=True, help_text="JPEG, PNG, WebP or HEIC, at most 20 MB.")


class NewMetadata(GivenClaims):
    """What `Upload-Metadata` may hold; the file's own name and type are not believed."""

    filename = serializers.CharField(required=False, allow_blank=True)
    filetype = serializers.CharField(required=False, allow_blank=True)


class StoredPicture(serializers.Serializer[Any]):
    """A picture that waits for an order."""

    token = serializers.CharField(help_text="For `attachments` of a report or action, within a day.")
    url = serializers.URLField()
    thumbnail_url = serializers.URLField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Bytes, after it was drawn anew without metadata.")
    expires_at = serializers.DateTimeField(help_text="When it is deleted unless an order has it.")


class UploadFacts(serializers.Serializer[Any]):
    """How far an upload is."""

    id = serializers.CharField(source="token")
    length = serializers.IntegerField(help_text="Bytes in all.")
    offset = serializers.IntegerField(help_text="Bytes that are safe.")
    attachment = serializers.CharField(
        source="picture", help_text="Token of the picture, once it is whole; empty before."
    )
    expires_at = serializers.DateTimeField()


class Attachments(OfEitherKind):
    """Pictures in one go."""

    parser_classes = (FormInParts,)
    serializer_class = StoredPicture

    @extend_schema(
        operation_id="uploadAttachment",
        summary="Upload a picture",
        request={"multipart/form-data": NewPicture},
        responses={201: StoredPicture},
    )
    def post(self, request: Request) -> Response:
        """Keep a picture until a report or action brings its token; after a day it is deleted.

        It is drawn anew, so that nothing but the picture is kept. Over a bad line, use `uploads/`.
        """
        if _length_of(request) > MAX_FORM_BYTES:
            raise too_big("file")
        given, at = NewPicture(data=request.data), timezone.now()
        given.is_valid(raise_exception=True)
        row = store_picture(
            given.validated_data["file"],
            at=at,
            uploader=user_of(request),
            role=given.validated_data["role"],
            claims=given.claims(at=at),
            ip=address_of(request),
            field="file",
        )
        url = request.build_absolute_uri(reverse("api:attachment", args=[row.token]))
        facts = {name: getattr(row, name) for name in ("token", "width", "height", "size")}
        facts |= {"url": url, "thumbnail_url": f"{url}?size=thumbnail"}
        facts["expires_at"] = row.uploaded_at + UNCLAIMED_FOR
        return Response(self.get_serializer(facts).data, status=201, headers={"Location": url})


class Unparsed(BaseParser):
    """Bytes that the view reads by itself."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Nothing: the view takes only as much as it knows to be coming."""
        return {}


class Tus(OfEitherKind):
    """What both addresses of resumable uploads share."""

    writes_only = True
    #: By OPTIONS a tus client learns what the server can do.
    http_method_names = [*OfEitherKind.http_method_names, "options"]  # as the framework has it
    parser_classes = (Unparsed,)
    serializer_class = UploadFacts

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Speak one version. Raises PreconditionFailed to whoever speaks another."""
        super().initial(request, *args, **kwargs)
        if request.method not in ("GET", "OPTIONS") and request.headers.get("Tus-Resumable") != VERSION:
            raise PreconditionFailed(_("Send Tus-Resumable: 1.0.0."), code="tus_version")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Every answer says its version, and none is kept."""
        done = super().finalize_response(request, response, *args, **kwargs)
        for name, value in _SAID.items():
            done.headers[name] = value
        return done

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """What the server can do."""
        return Response(status=204, headers={"Tus-Extension": EXTENSIONS, "Tus-Max-Size": str(MAX_BYTES)})

    def told(self, row: Upload, status: int, **headers: str) -> Response:
        """An answer without a body: how far the upload is."""
        said = {"Upload-Offset": str(row.offset), "Upload-Expires": http_date(row.expires_at.timestamp())}
        if row.picture:
            said["Attachment-Token"] = row.picture
        return Response(status=status, headers=said | headers)


class Uploads(Tus):
    """New resumable uploads."""

    @extend_schema(
        operation_id="createUpload",
        summary="Begin a resumable upload",
        parameters=[
            _TUS,
            OpenApiParameter(
                "Upload-Length", int, OpenApiParameter.HEADER, required=True, description="At most 20 MB."
            ),
            OpenApiParameter(
                "Upload-Metadata", str, OpenApiParameter.HEADER,
                description="tus metadata: role, taken_at, lng, lat, filename, filetype; values in Base64.",
            ),
        ],
        request=None,
        responses={201: OpenApiResponse(description="Begun: `Location` takes the parts.")},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Make room for a picture; its parts go to `Location` by PATCH (tus 1.0.0: core, creation,
        expiration, termination). The last answer has its token as `Attachment-Token`.
        """
        given, at = NewMetadata(data=_metadata_of(request)), timezone.now()
        given.is_valid(raise_exception=True)
        row = uploads.begin_upload(
            uploader=user_of(request),
            length=_whole(request, "Upload-Length"),
            role=given.validated_data["role"],
            claims=given.claims(at=at),
            at=at,
        )
        where = request.build_absolute_uri(reverse("api:upload", args=[row.token]))
        return self.told(row, 201, Location=where)


class OneUpload(Tus):
    """A resumable upload."""

    @extend_schema(operation_id="readUpload", summary="How far an upload is", parameters=[_ID])
    def get(self, request: Request, token: str) -> Response:
        """Its offset, and the picture's token once it is whole. HEAD tells the same by headers (tus)."""
        row = uploads.own_upload(token, by=user_of(request), at=timezone.now())
        told = self.told(row, 200, **{"Upload-Length": str(row.length)})
        told.data = self.get_serializer(row).data
        return told

    @extend_schema(
        operation_id="appendUpload",
        summary="Send the next part",
        parameters=[
            _ID,
            _TUS,
            OpenApiParameter(
                "Upload-Offset",
                int,
                OpenApiParameter.HEADER,
                required=True,
                description="Where the part begins.",
            ),
        ],
        request={_PART: OpenApiTypes.BINARY},
        responses={204: OpenApiResponse(description="Kept, as far as `Upload-Offset` says.")},
    )
    def patch(self, request: Request, token: str) -> Response:
        """Keep what comes, also where the line is cut; 409 where the upload stands at another byte.

        With its last byte the upload becomes a picture: `Attachment-Token`. What is no picture is refused
        (400, 413, 415), and the upload is gone.
        """
        if (request.content_type or "").partition(";")[0].strip() != _PART:
            raise UnsupportedType(
                _("Send the part as application/offset+octet-stream."), field="Content-Type"
            )
        by, at, offset = user_of(request), timezone.now(), _whole(request, "Upload-Offset")
        row = uploads.own_upload(token, by=by, at=at)
        uploads.require_offset(row, offset)  # before anything is read
        if _length_of(request) > row.length - row.offset:
            raise TooLarge(field="Upload-Length")
        row = uploads.append(token=token, by=by, offset=offset, data=_part_of(request, row), at=at)
        if row.offset == row.length:
            row = uploads.finish(token=token, by=by, at=at, ip=address_of(request))
        return self.told(row, 204)

    @extend_schema(
        operation_id="deleteUpload",
        summary="Give an upload up",
        parameters=[_ID, _TUS],
        responses={204: OpenApiResponse(description="Gone.")},
    )
    def delete(self, request: Request, token: str) -> Response:
        """Delete its bytes, and the picture that it became while no order has it."""
        uploads.forget(token=token, by=user_of(request), at=timezone.now())
        return Response(status=204)


def _part_of(request: Request, row: Upload) -> bytes:
    """The bytes that came, no more than are missing; of a line that was cut, those before."""
    found, missing = bytearray(), row.length - row.offset
    try:
        while missing > len(found) and (chunk := request._request.read(min(_CHUNK, missing - len(found)))):
            found += chunk
    except UnreadablePostError:
        return bytes(found)
    return bytes(found)


def _whole(request: Request, name: str) -> int:
    """A header that is a whole number. Raises Invalid."""
    number = whole_number(request.headers.get(name, ""))
    if number is None:
        raise Invalid(_("A whole number."), field=name)
    return number


def _length_of(request: Request) -> int:
    return whole_number(request.headers.get("Content-Length", "")) or 0


def _metadata_of(request: Request) -> dict[str, str]:
    """`key base64,key base64`; a key alone has no value. Raises Invalid."""
    given = request.headers.get("Upload-Metadata", "")
    if len(given) > _LONGEST_METADATA:
        raise Invalid(
            _("At most %(limit)d characters.") % {"limit": _LONGEST_METADATA}, field="Upload-Metadata"
        )
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in given.split(","))):
        name, _space, value = pair.partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise Invalid(_("Not as tus has it."), field="Upload-Metadata") from error
    return found
