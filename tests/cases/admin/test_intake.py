"""The system officer's pages of intake: a mapping is tried before it is saved; a refused payload, again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse
from django.utils import translation

from cases.actions.intake import take_in
from cases.models import Case, IntakeMapping, IntakePayload
from partymembers.models import AuditEntry, Role
from tests.factories.cases import NOON, World, make_world
from tests.factories.intake import hotline_mapping, hotline_payload
from tests.factories.keys import service_account
from tests.factories.people import make_user
from tests.factories.scene import signed_in

ENGLISH = {"Accept-Language": "en"}
PAYLOADS = reverse("admin:cases_intakepayload_changelist")


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def facts(mapping: IntakeMapping, **fields: Any) -> dict[str, Any]:
    """The mapping's form as its page sends it."""
    told = {name: getattr(mapping, name) for name in ("source", "time_format", "time_zone", "crs")}
    texts = {name: json.dumps(getattr(mapping, name)) for name in ("rules", "answer")}
    return told | texts | {"sample": ""} | fields


def test_a_mapping_is_tried_on_a_payload_before_it_is_saved(world: World) -> None:
    mapping = hotline_mapping(service_account(place=world.city.city), world)
    page, client = (
        reverse("admin:cases_intakemapping_change", args=[mapping.pk]),
        signed_in(world.system_officer),
    )
    assert "Try this payload" in client.get(page, headers=ENGLISH).content.decode()
    sample = json.dumps(hotline_payload(world))
    sent = facts(mapping, source="12345-neu", sample=sample, _try="1")
    shown = client.post(page, sent, headers=ENGLISH).content.decode()
    for told in (
        "An order would be made of this",
        world.matter.name,
        world.city.west_1.name,
        "261120-000001",
    ):
        assert told in shown
    wrong = json.dumps(hotline_payload(world, type="0999"))
    shown = client.post(page, facts(mapping, sample=wrong, _try="1"), headers=ENGLISH).content.decode()
    assert "This would be refused" in shown
    assert "order.type" in shown
    assert not Case.objects.exists()
    assert not IntakePayload.objects.exists()
    mapping.refresh_from_db()
    assert mapping.source == "12345"

    refused = client.post(page, facts(mapping, rules='{"matter": "x"}'), headers=ENGLISH)
    assert "“source_number” needs a rule." in refused.content.decode()
    assert client.post(page, facts(mapping, source="12345-neu")).status_code == 302
    mapping.refresh_from_db()
    assert mapping.source == "12345-neu"
    assert AuditEntry.objects.filter(action="intakemapping_changed").count() == 1


def test_a_refused_payload_is_opened_with_a_trace_and_tried_again(world: World) -> None:
    account = service_account(place=world.city.city)
    body = json.dumps(hotline_payload(world)).encode()
    with translation.override("en"):  # in the caller's language
        kept = take_in(account=account, body=body, at=NOON)
    assert kept.outcome == "refused"
    client = signed_in(world.system_officer)
    assert (
        "1 payload of another system was refused"
        in client.get(reverse("admin:index"), headers=ENGLISH).content.decode()
    )
    listed = client.get(PAYLOADS, headers=ENGLISH).content.decode()
    assert "No mapping is set up" in listed
    assert "13812345678" not in listed.replace(" ", "")
    page = reverse("admin:cases_intakepayload_change", args=[kept.pk])
    opened = AuditEntry.objects.filter(action="personal_data_opened", target=f"intakepayload:{kept.pk}")
    for role in (Role.SECURITY_OFFICER, Role.AUDIT_OFFICER):
        other = signed_in(make_user(role=role))
        assert other.get(page).status_code == other.get(PAYLOADS).status_code == 403
    assert signed_in(world.desk).get(page).status_code == 404
    assert not opened.exists()
    assert "138 1234 5678" in client.get(page).content.decode()
    assert opened.count() == 1

    hotline_mapping(account, world)
    again = {"action": "try_again", "_selected_action": [kept.pk]}
    assert client.post(PAYLOADS, again).status_code == 302
    kept.refresh_from_db()
    assert (kept.outcome, kept.case) == ("created", Case.objects.get())
    assert kept.case is not None
    assert kept.case.number in client.get(PAYLOADS).content.decode()
    client.post(PAYLOADS, {"action": "delete_selected", "_selected_action": [kept.pk], "post": "yes"})
    assert IntakePayload.objects.exists()


def test_a_payload_of_any_size_and_depth_opens_as_a_page_of_bounded_size(world: World) -> None:
    account, client = service_account(place=world.city.city), signed_in(world.system_officer)
    pages = [b"[" * 900 + b"1," * 300_000, b"[" * 900 + b"1," * 30_000 + b"1" + b"]" * 900, b'{"no": 7}']
    sizes = []
    for body in pages:
        kept = take_in(account=account, body=body, at=NOON)
        page = client.get(reverse("admin:cases_intakepayload_change", args=[kept.pk])).content.decode()
        sizes.append(len(page.partition('<pre class="payload">')[2].partition("</pre>")[0]))
    assert sizes == [100_001, 61_801, len("{\n  &quot;no&quot;: 7\n}")]
