"""Who is calling: the first thing that somebody with a new key asks."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.common.api.views import Endpoint
from partymembers.api.callers import key_of, user_of
from partymembers.models import ApiKey
from partymembers.scopes import SCOPES


class KeyFacts(serializers.Serializer[ApiKey]):
    """What a key is, without its secret."""

    label = serializers.CharField(  # type: ignore[assignment]  # a field's own attribute
        help_text="The name that the security officer gave it."
    )
    prefix = serializers.CharField(help_text="The part of the key that is no secret.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=list(SCOPES.items())))
    rate = serializers.IntegerField(help_text="Requests a minute.")
    expires_at = serializers.DateTimeField()


class Caller(serializers.Serializer[Any]):
    """The account behind the call."""

    code = serializers.CharField(source="username", help_text="The account's name in the history of orders.")
    name = serializers.CharField()
    duty = serializers.CharField(
        help_text="desk: acts for a place's desk; reader: reads and reports; unit: acts for a unit; "
        "person: somebody signed in."
    )
    place = serializers.CharField(allow_null=True, help_text="Division code of its place, with all below.")
    unit = serializers.CharField(allow_null=True, help_text="Code of its unit.")
    is_sandbox = serializers.BooleanField(help_text="Whether its orders are tests.")
    key = KeyFacts(allow_null=True)


class Me(Endpoint):
    """Who is calling."""

    is_open_to_all = True
    serializer_class = Caller

    @extend_schema(operation_id="whoAmI", summary="Who is calling")
    def get(self, request: Request) -> Response:
        """The account, what it reaches, and what its key opens: a good first call with a new key."""
        user, key = user_of(request), key_of(request)
        facts: dict[str, Any] = {"username": user.username, "name": user.name, "key": key}
        if user.is_service:
            account = user.service_account
            facts |= {"duty": account.duty, "is_sandbox": account.is_sandbox}
            facts |= {"place": account.place.code if account.place else None}
            facts |= {"unit": account.unit.code if account.unit else None}
        else:
            facts |= {"duty": "person", "is_sandbox": False, "place": None, "unit": None}
        return Response(self.get_serializer(facts).data)
