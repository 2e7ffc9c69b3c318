"""How an export is asked for, and how it looks."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from governance.common.api.strict import Strict
from governance.models import ExportJob

from .sources import SCOPES

_LONGEST: Final = 200
_MOST_VALUES: Final = 50
_MOST_FILTERS: Final = 30
_FILTERS: Final = {
    "type": "object",
    "maxProperties": _MOST_FILTERS,
    "additionalProperties": {
        "oneOf": [
            {"type": "string", "maxLength": _LONGEST},
            {"type": "array", "items": {"type": "string", "maxLength": _LONGEST}, "maxItems": _MOST_VALUES},
        ]
    },
}


@extend_schema_field(_FILTERS)
class Filters(serializers.Field[dict[str, list[str]], Any, Any, Any]):
    """Parameters of a list's address with their values: a text, or several."""

    default_error_messages = {
        "invalid": _("Names of filters, each with a text or a list of texts."),
        "too_many": _("These are more filters than a list has."),
    }

    def to_internal_value(self, data: Any) -> dict[str, list[str]]:
        """Each name with its values. Raises ValidationError."""
        if not isinstance(data, dict):
            self.fail("invalid")
        if len(data) > _MOST_FILTERS:
            self.fail("too_many")
        if not all(_is_text(name) for name in data):
            self.fail("invalid")
        return {name: self._values(value) for name, value in data.items()}

    def _values(self, value: Any) -> list[str]:
        values = value if isinstance(value, list) else [value]
        if not values or not all(_is_text(each) for each in values) or len(values) > _MOST_VALUES:
            self.fail("invalid")
        return values

    def to_representation(self, value: Any) -> Any:
        """As it was asked."""
        return value


def _is_text(value: Any) -> bool:
    """Whether it is short, and the database can keep it: no NUL, and no half of a character."""
    is_short = isinstance(value, str) and len(value) <= _LONGEST and "\0" not in value
    return is_short and not any("\ud800" <= each <= "\udfff" for each in value)


class AskExport(Strict):
    """Which list, narrowed how, as what kind of file."""

    kind = serializers.ChoiceField(choices=list(SCOPES), help_text="A key needs this kind's read scope, too.")
    format = serializers.ChoiceField(
        choices=ExportJob.Format.values,
        help_text="jsonl: a row as the list gives it, one a line. csv and xlsx: flat columns, text inert.",
    )
    filters = Filters(
        default=dict,
        help_text="Parameters of the list's address (of `orders/`, of `figures/`), without those of pages.",
    )


class Export(serializers.Serializer[ExportJob]):
    """An export: whether its file is there, and until when."""

    id = serializers.CharField(source="token")
    url = serializers.SerializerMethodField(help_text="Ask here how it stands.")
    kind = serializers.ChoiceField(choices=list(SCOPES))
    format = serializers.ChoiceField(choices=ExportJob.Format.values)
    filters = Filters()
    state = serializers.ChoiceField(
        choices=ExportJob.State.values, help_text="queued, running, done: fetch the file; failed: see error."
    )
    rows = serializers.IntegerField(help_text="Rows written so far.")
    file = serializers.SerializerMethodField(help_text="The file's address once it is done.")
    size = serializers.IntegerField(allow_null=True, help_text="Bytes.")
    sha256 = serializers.SerializerMethodField(help_text="Of the file, in hexadecimal.")
    error = serializers.SerializerMethodField(help_text="Why there is no file.")
    asked_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(help_text="The file is deleted then.")

    def get_url(self, job: ExportJob) -> str:
        """Its own address."""
        return self._address("export", job)

    def get_file(self, job: ExportJob) -> str | None:
        """The file's address."""
        return self._address("export_file", job) if job.state == ExportJob.State.DONE else None

    def get_sha256(self, job: ExportJob) -> str | None:
        """The file's digest."""
        return job.sha256 or None

    @extend_schema_field(
        {
            "type": ["object", "null"],
            "required": ["code", "detail"],
            "properties": {"code": {"type": "string"}, "detail": {"type": "string"}},
        }
    )
    def get_error(self, job: ExportJob) -> dict[str, str] | None:
        """As a refusal has it."""
        return {"code": job.error_code, "detail": job.error} if job.error_code else None

    def _address(self, name: str, job: ExportJob) -> str:
        return str(reverse(f"api:{name}", args=[job.token], request=self.context["request"]))
