"""How an endpoint is described: what is the same for all of them is said here and nowhere else."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import SAFE_METHODS

from governance.common.api.fields import ChosenFields
from governance.common.api.strict import Strict
from governance.common.api.views import Endpoint
from partymembers.api.permissions import scopes_of

from . import answers

_SAID = {
    "200": "As asked.",
    "201": "Made.",
    "202": "Taken on; it will be done in the background.",
    "204": "Done; there is nothing more to say.",
}


class EndpointSchema(AutoSchema):
    """The operation of an `Endpoint`, with its scope, its headers and every refusal that may come."""

    view: Endpoint  # type: ignore[override]  # all that are described are

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """The operation as views describe it, and the common things added; None where it is left out."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        self._tell_scope(operation)
        self._tell_parameters(operation)
        self._tell_answers(operation)
        return operation

    def get_tags(self) -> list[str]:
        """The first part of the address."""
        return super().get_tags() if self._tokenize_path() else ["start"]

    @property
    def _writes(self) -> bool:
        return self.method not in SAFE_METHODS and not self.view.reads_by_post

    @property
    def _is_idempotent(self) -> bool:
        handler = getattr(self.view, self.method.lower(), None)
        return bool(getattr(handler, "is_idempotent", False))

    def _tell_scope(self, operation: dict[str, Any]) -> None:
        """In words for people, as roles of the key (OpenAPI 3.1), and as words for programs."""
        scopes = () if self.view.is_open_to_all else scopes_of(self.view, self.method)
        told = (
            f"Scope: {' or '.join(f'`{scope}`' for scope in scopes)}." if scopes else "Any key may ask this."
        )
        operation["description"] = f"{operation.get('description', '').strip()}\n\n{told}".strip()
        operation["x-scopes"] = list(scopes)
        if scopes:
            others = [way for way in operation["security"] if "apiKey" not in way]
            operation["security"] = [*({"apiKey": [scope]} for scope in scopes), *others]

    def _tell_parameters(self, operation: dict[str, Any]) -> None:
        named = {parameter.get("name") for parameter in operation.get("parameters", [])}
        told = self._choices_of_fields(named)
        if told:
            everything = [*operation.get("parameters", []), *told]
            operation["parameters"] = sorted(everything, key=lambda parameter: str(parameter.get("name")))
        if self._is_idempotent and answers.IDEMPOTENCY_KEY["name"] not in named:
            shared = answers.reference("parameters", "IdempotencyKey")
            operation["parameters"] = [*operation.get("parameters", []), shared]

    def _choices_of_fields(self, named: set[str | None]) -> list[dict[str, Any]]:
        """`fields` and `expand`, where the rows are of a kind that gives only what is asked."""
        row = self._row()
        if row is None or self.method != "GET":
            return []
        known, expandable = sorted(row.declared()), sorted(row.expandable)
        told = {
            "fields": (known, "Only these fields, by commas. All: "),
            "expand": (expandable, "Also these, which cost more, by commas: "),
        }
        return [
            {
                "name": name,
                "in": "query",
                "schema": {"type": "string"},
                "description": f"{words}{', '.join(f'`{field}`' for field in choices)}.",
            }
            for name, (choices, words) in told.items()
            if choices and name not in named
        ]

    def _row(self) -> type[ChosenFields] | None:
        given: Any = self.get_response_serializers()
        if isinstance(given, dict):
            given = next((each for status, each in given.items() if "200" in str(status)), None)
        given = getattr(given, "response", given)
        given = getattr(given, "child", given)
        kind = given if isinstance(given, type) else type(given)
        return kind if issubclass(kind, ChosenFields) else None

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        """Rows of which the caller may choose the fields promise none; strict input takes no others."""
        schema = super()._map_basic_serializer(serializer, direction)
        kind = serializer if isinstance(serializer, type) else type(serializer)
        if direction == "response" and issubclass(kind, ChosenFields):
            schema.pop("required", None)
        if direction == "request" and issubclass(kind, Strict):
            schema["additionalProperties"] = False
        return schema

    def _tell_answers(self, operation: dict[str, Any]) -> None:
        told: dict[str, Any] = operation["responses"]
        for status, answer in told.items():
            if not answer.get("description") or answer["description"] == "No response body":
                answer["description"] = _SAID.get(status, HTTPStatus(int(status)).phrase)
            if status[0] in "23":
                answer["headers"] = answers.headers(*self._headers(status)) | answer.get("headers", {})
        for status in self._refusals(operation):
            told.setdefault(status, answers.refusal(status))
        operation["responses"] = dict(sorted(told.items()))

    def _headers(self, status: str) -> tuple[str, ...]:
        more = ("Idempotent-Replayed",) if self._is_idempotent else ()
        return (*answers.RATE, *more, *(("Location",) if status in ("201", "202") else ()))

    def _refusals(self, operation: dict[str, Any]) -> list[str]:
        """The statuses that may come, by what the endpoint is."""
        parameters = operation.get("parameters", [])
        names = {(each.get("in"), each.get("name")) for each in parameters}
        may_come = {
            "400": True,
            "401": True,
            # A person's session is refused without the form's token, also where every key may ask.
            "403": bool(operation["x-scopes"]) or self.method not in SAFE_METHODS,
            # What a path names may not be there; a place or position that one asks about neither.
            "404": any(place == "path" for place, _name in names)
            or bool(names & {("query", "place"), ("query", "lng")}),
            "406": True,
            "409": self._writes or getattr(self.view, "may_be_unfinished", False),
            "412": bool(names & {("header", "If-Match"), ("header", "Tus-Resumable")}),
            "413": "requestBody" in operation or ("header", "Upload-Length") in names,
            "415": "requestBody" in operation,
            "429": True,
            "503": True,
        }
        return [status for status, may in may_come.items() if may]
