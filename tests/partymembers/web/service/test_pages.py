"""What every page of service says when there is nothing, and who finds the way in."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.factories.party import Party
from tests.factories.scene import signed_in
from tests.factories.service import (
    text_of,
)

pytestmark = pytest.mark.django_db


def test_empty_pages_say_so(party: Party) -> None:
    """Also to somebody who has no community at all."""
    for user in (party.volunteer, party.outsider, party.world.desk):
        client = signed_in(user)
        names = ("activities", "teams", "honours", "stations", "resources", "projects", "points")
        for name in names:
            assert 'class="empty"' in text_of(client, name), name


def test_who_finds_the_way_in(party: Party) -> None:
    """In the navigation of residents and committees; in the account menu of everybody but the officers."""
    hub = reverse("service:hub")
    found = {}
    people = {
        "resident": party.outsider,
        "member": party.member,
        "committee": party.secretary,
        "desk": party.world.desk,
        "worker": party.world.worker,
        "officer": party.world.system_officer,
    }
    for name, user in people.items():
        context = signed_in(user).get(reverse("profile")).context
        in_navigation = any(item.key == "service" for item in context["nav_items"])
        in_menu = any(link["url"] == hub for link in context["nav_account"]["links"])
        found[name] = (in_navigation, in_menu)
    assert found == {
        "resident": (True, True),
        "member": (True, True),
        "committee": (True, True),
        "desk": (False, True),
        "worker": (False, True),
        "officer": (False, False),
    }
