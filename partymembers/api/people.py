"""People in the API's answers: by their staff number, with a name that is masked unless it may be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request

from governance.common.formats import masked_name
from partymembers.api.callers import access_of_caller, key_of, user_of
from partymembers.api.permissions import has_scope
from partymembers.audit import access_entry, address_of
from partymembers.models import AuditEntry, User

OPENS_NAMES = "opens_names"


class PersonRef(serializers.Serializer[User]):
    """A person."""

    code = serializers.CharField(source="username", help_text="Staff number: it stays with the person.")
    name = serializers.SerializerMethodField(
        help_text="Masked unless the key has personal:read; each reading in full is audited."
    )

    def get_name(self, user: User) -> str:
        """As the view has found the caller may read it."""
        return name_for(user, self.context)


def name_for(user: User, context: Mapping[str, Any]) -> str:
    """The name as this answer may give it."""
    return user.name if context.get(OPENS_NAMES) else masked_name(user.name)


def opens_names(request: Request) -> bool:
    """Whether names come in full: to a key with `personal:read`, and to persons, as on their pages.

    Never to a sandbox: members are real people, whoever tries something out.
    """
    return has_scope(request, "personal:read") and not access_of_caller(request).is_sandbox


def with_names(context: Mapping[str, Any], people: Iterable[User], *, what: str) -> dict[str, Any]:
    """The context of an answer about these people; names that a key opens are written into the audit trail.

    One statement for all of them, each person with an entry of their own.
    """
    request = context["request"]
    opens = opens_names(request)
    if opens and key_of(request) is not None:
        actor, at, ip = user_of(request), timezone.now(), address_of(request)
        opened = {user.pk: user for user in people}
        AuditEntry.objects.bulk_create(
            access_entry(actor, "personal_data_opened", user, ip, at=at, what=what)
            for user in opened.values()
        )
    return {**context, OPENS_NAMES: opens}
