"""`fields=` and `expand=`: the caller says which parts of a row it wants, and which cost extra."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from governance.common.errors import Invalid


def names_in(request: Request, parameter: str, known: frozenset[str]) -> frozenset[str]:
    """The names in a comma-separated query parameter. Raises Invalid for one that is not known."""
    given = [name.strip() for name in request.query_params.get(parameter, "").split(",")]
    names = frozenset(name for name in given if name)
    if unknown := sorted(names - known):
        told = {"name": unknown[0][:50], "known": ", ".join(sorted(known))}
        raise Invalid(_("“%(name)s” is not known here. Known: %(known)s.") % told, field=parameter)
    return names


class ChosenFields(serializers.Serializer[Any]):
    """A serializer that gives only the asked `fields`; those in `expandable` when `expand` names them."""

    expandable: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        request = self.context.get("request")
        if request is None or self.parent is not None or request.method not in ("GET", "HEAD"):
            return
        for name in self.dropped(request):
            self.fields.pop(name)

    @classmethod
    def declared(cls) -> frozenset[str]:
        """Every field by name."""
        return frozenset(cls._declared_fields)

    @classmethod
    def wanted(cls, request: Request) -> frozenset[str]:
        """The fields that the answer will have: for views that read only what is asked. Raises Invalid."""
        known = cls.declared()
        expanded = names_in(request, "expand", cls.expandable) if cls.expandable else frozenset()
        chosen = names_in(request, "fields", known) or known - cls.expandable
        return chosen | expanded

    @classmethod
    def parameters(cls) -> frozenset[str]:
        """What it reads of the address."""
        return frozenset({"fields", "expand"} if cls.expandable else {"fields"})

    def dropped(self, request: Request) -> frozenset[str]:
        """Those it will not have."""
        return frozenset(self.fields) - self.wanted(request)
