"""The JSON schema of an input, for systems that build their forms from it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from rest_framework import serializers

Schema = dict[str, Any]
#: The first kind that fits counts; text is what everything else is.
_KINDS: tuple[tuple[type[serializers.Field[Any, Any, Any, Any]], Schema], ...] = (
    (serializers.BooleanField, {"type": "boolean"}),
    (serializers.IntegerField, {"type": "integer"}),
    (serializers.FloatField, {"type": "number"}),
    (serializers.DecimalField, {"type": "number"}),
    (serializers.DateTimeField, {"type": "string", "format": "date-time"}),
    (serializers.DateField, {"type": "string", "format": "date"}),
)
_BOUNDS = {"min_value": "minimum", "max_value": "maximum", "max_length": "maxLength"}


def schema_of(serializer: serializers.Serializer[Any]) -> Schema:
    """An object with its properties; nothing else may be sent."""
    fields = serializer.fields
    schema: Schema = {
        "type": "object",
        "properties": {name: _field(field) for name, field in fields.items()},
        "additionalProperties": False,
    }
    if required := [name for name, field in fields.items() if field.required]:
        schema["required"] = required
    return schema


def union_of(serializers_of: Iterable[serializers.Serializer[Any]]) -> Schema:
    """An object that may have any property of these; of two with one name the first says what it is."""
    properties: Schema = {}
    for each in serializers_of:
        properties = {name: _field(field) for name, field in each.fields.items()} | properties
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _field(field: Any) -> Schema:
    schema = _shape(field)
    if field.allow_null:
        schema["type"] = [schema["type"], "null"]
    if field.help_text:
        schema["description"] = str(field.help_text)
    return schema


def _shape(field: Any) -> Schema:
    if isinstance(field, serializers.Serializer):
        return schema_of(field)
    if isinstance(field, serializers.ListField):
        bounds = {"minItems": field.min_length, "maxItems": field.max_length}
        return {"type": "array", "items": _field(field.child)} | {k: v for k, v in bounds.items() if v}
    if isinstance(field, serializers.ChoiceField):
        return {"type": "string", "enum": list(field.choices)}
    known = (dict(shape) for kind, shape in _KINDS if isinstance(field, kind))
    shape: Schema = next(known, {"type": "string"})
    if "format" in shape:
        return shape
    values = {said: getattr(field, name, None) for name, said in _BOUNDS.items()}
    shape |= {said: float(v) if isinstance(v, Decimal) else v for said, v in values.items() if v is not None}
    if isinstance(field, serializers.CharField) and not field.allow_blank:
        shape |= {"minLength": 1}
    return shape
