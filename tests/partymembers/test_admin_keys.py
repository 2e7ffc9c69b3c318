"""The security officer's pages of connected systems: added, given keys that are shown once, shut out."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from rest_framework.test import APIClient

from partymembers.actions.service_accounts import issue_key, rotate_key
from partymembers.models import ApiKey, AuditEntry, Role, ServiceAccount, User
from tests.factories.keys import key_of, service_account
from tests.factories.people import make_user
from tests.partymembers.conftest import City

pytestmark = pytest.mark.django_db
_SECRET = re.compile(r"gz_[0-9a-f]{10}_[A-Za-z0-9_-]{43}")


def url(name: str, *args: object) -> str:
    return reverse(f"admin:partymembers_{name}", args=args)


@pytest.fixture
def officer(security: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(security)
    return client


@pytest.fixture
def system_of(town: City) -> ServiceAccount:
    return service_account(place=town.here)


def test_a_system_is_added_and_its_page_asks_for_a_key(officer: Client, town: City) -> None:
    typed = {
        "username": "hotline", "name": "热线平台", "duty": "desk", "place": town.here.pk, "is_sandbox": "on",
        "contact": "某公司 13812345678",
    }  # fmt: skip
    answer = officer.post(url("serviceaccount_add"), typed)
    account = ServiceAccount.objects.get()
    assert answer["Location"] == url("serviceaccount_change", account.pk)
    assert (account.user.username, account.user.is_service, account.is_sandbox) == ("hotline", True, True)
    page = officer.get(answer["Location"]).content.decode()
    assert url("issue_key", account.pk) in page
    assert "No key yet" in page
    row = officer.get(url("serviceaccount_changelist")).content.decode()
    assert all(told in row for told in ("热线平台", "hotline", str(town.here), "Sandbox", "Enabled"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"place": ""}, "duty"),
        ({"duty": "unit"}, "duty"),
        ({"username": "T 1"}, "username"),
        ({"username": "SEC"}, "username"),
        ({"name": " "}, "name"),
    ],
)
def test_a_refused_system_stays_in_the_form(
    officer: Client, town: City, change: dict[str, str], told: str
) -> None:
    typed = {"username": "hotline", "name": "热线平台", "duty": "desk", "place": town.here.pk} | change
    answer = officer.post(url("serviceaccount_add"), typed)
    assert (answer.status_code, list(answer.context["adminform"].form.errors)) == (200, [told])
    assert not ServiceAccount.objects.exists()


def test_name_and_contact_may_change_and_nothing_else(officer: Client, system_of: ServiceAccount) -> None:
    page = url("serviceaccount_change", system_of.pk)
    typed = {"name": "新热线", "contact": "张三 13812345678", "duty": "reader", "username": "other"}
    assert officer.post(page, typed).status_code == 302
    before = system_of.user.name
    system_of.refresh_from_db()
    told = (system_of.user.name, system_of.contact, system_of.duty, system_of.user.username != "other")
    assert told == ("新热线", "张三 13812345678", "desk", True)
    entry = AuditEntry.objects.get(action="service_account_changed")
    assert entry.data == {"name": [before, "新热线"], "contact": True}


def issue(officer: Client, account: ServiceAccount, **change: object) -> Any:
    ends = timezone.localdate() + dt.timedelta(days=365)
    typed = {"label": "生产", "scopes": ["orders:read", "places:read"], "rate": "300", "expires_on": ends}
    return officer.post(url("issue_key", account.pk), typed | change)


def test_a_new_key_is_shown_once_and_written_nowhere(
    officer: Client, system_of: ServiceAccount, caplog: pytest.LogCaptureFixture
) -> None:
    form = officer.get(url("issue_key", system_of.pk))
    assert "no-store" in form.headers["Cache-Control"]
    for told in ("Read places, boundaries", "Issue the key", "Cancel"):
        assert told in form.content.decode()

    answer = issue(officer, system_of)

    text = answer.content.decode()
    (secret,) = set(_SECRET.findall(text))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert client.get("/api/v1/me/").json()["key"]["scopes"] == ["places:read", "orders:read"]
    key = ApiKey.objects.get()
    assert (key.rate, timezone.localtime(key.expires_at).time()) == (300, dt.time(23, 59, 59))
    assert "no-store" in answer.headers["Cache-Control"]
    assert "<script>" not in re.sub(r"(?s)^.*<div id=\"content-main\"", "", text)
    kept = [str(session.get_decoded()) for session in Session.objects.all()]
    kept += [str(row) for row in AuditEntry.objects.values()]
    kept += [officer.get(url(*page)).content.decode() for page in [
        ("serviceaccount_change", system_of.pk), ("serviceaccount_changelist",)]]  # fmt: skip
    kept += [caplog.text, str(officer.cookies)]
    assert not [each for each in kept if secret.split("_", 2)[2] in each]
    assert key.prefix in kept[-4]
    assert AuditEntry.objects.get(action="api_key_issued").data["prefix"] == key.prefix


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["all:write"]}, "scopes"),
        ({"expires_on": "2099-01-01"}, "expires_on"),
        ({"expires_on": "2020-01-01"}, "expires_on"),
        ({"rate": "0"}, "rate"),
        ({"label": " "}, "label"),
    ],
)
def test_a_refused_key_stays_in_the_form(
    officer: Client, system_of: ServiceAccount, change: dict[str, object], field: str
) -> None:
    answer = issue(officer, system_of, **change)
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, [field])
    assert not ApiKey.objects.exists()


def test_a_key_is_rotated_with_overlap_and_revoked_after_asking(
    officer: Client, system_of: ServiceAccount
) -> None:
    key_of(system_of, "orders:read")
    old = ApiKey.objects.get()
    ends = timezone.localdate() + dt.timedelta(days=100)
    answer = officer.post(url("rotate_key", old.pk), {"expires_on": ends, "overlap": "3"})
    assert len(set(_SECRET.findall(answer.content.decode()))) == 1
    old.refresh_from_db()
    new = old.replaced_by
    assert dt.timedelta(days=2) < old.expires_at - timezone.now() <= dt.timedelta(days=3)
    assert officer.post(url("rotate_key", old.pk), {"expires_on": ends, "overlap": "3"}).status_code == 400

    asked = officer.get(url("revoke_key", new.pk))
    assert (asked.status_code, ApiKey.objects.exclude(revoked_at=None).count()) == (200, 0)
    assert officer.post(url("revoke_key", new.pk), follow=True).status_code == 200
    new.refresh_from_db()
    assert new.revoked_at is not None
    page = officer.get(url("serviceaccount_change", system_of.pk)).content.decode()
    assert "Revoked" in page
    assert "Replaced, opens until its end" in page
    with translation.override("zh-hans"):
        shown = [str(entry) for entry in AuditEntry.objects.filter(action__startswith="api_key")]
    assert len(shown) == 3


def test_a_system_is_disabled_and_enabled_after_asking(officer: Client, system_of: ServiceAccount) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key_of(system_of)}")
    for name, status in [("disable_system", 401), ("enable_system", 200)]:
        before = client.get("/api/v1/me/").status_code
        assert officer.get(url(name, system_of.pk)).status_code == 200
        assert client.get("/api/v1/me/").status_code == before
        officer.post(url(name, system_of.pk))
        assert client.get("/api/v1/me/").status_code == status
    officer.post(url("disable_system", system_of.pk))
    assert issue(officer, system_of).status_code == 400


def test_the_security_officer_alone_finds_these_pages(system_of: ServiceAccount, town: City) -> None:
    key_of(system_of)
    key = ApiKey.objects.get()
    pages = [
        url("serviceaccount_changelist"),
        url("serviceaccount_add"),
        url("serviceaccount_change", system_of.pk),
        *(url(name, system_of.pk) for name in ("issue_key", "disable_system", "enable_system")),
        *(url(name, key.pk) for name in ("rotate_key", "revoke_key")),
    ]
    others = [make_user(role=role) for role in (Role.SYSTEM_OFFICER, Role.AUDIT_OFFICER)]
    for user in [*others, make_user(role=Role.SECRETARY, place=town.city)]:
        client = Client()
        client.force_login(user)
        for page in pages:
            assert {client.get(page).status_code, client.post(page).status_code} <= {403, 404}, page
    key.refresh_from_db()
    assert (key.revoked_at, ApiKey.objects.count()) == (None, 1)
    assert Client().get(url("serviceaccount_delete", system_of.pk)).status_code == 302


def test_a_key_that_ends_soon_is_on_the_security_officers_first_page(
    officer: Client, system_of: ServiceAccount, security: User, system: User
) -> None:
    def told(client: Client) -> bool:
        return "1 API key ends within 30 days" in client.get(reverse("admin:index")).content.decode()

    at = timezone.now()
    days = dt.timedelta(days=1)
    key, _secret = issue_key(
        account_id=system_of.pk,
        label="a",
        scopes=["orders:read"],
        expires_at=at + 31 * days,
        actor=None,
        at=at,
    )
    assert not told(officer)
    with time_machine.travel(at + 2 * days):
        clients = [Client(headers={"Accept-Language": "en"}) for _each in range(2)]
        for client, user in zip(clients, (security, system), strict=True):
            client.force_login(user)
        assert [told(client) for client in clients] == [True, False]
        rotate_key(key_id=key.pk, expires_at=at + 300 * days, actor=None, at=timezone.now())
        assert not told(clients[0])


def test_the_list_costs_the_same_for_one_and_five(
    officer: Client, town: City, django_assert_num_queries
) -> None:
    counts: list[int] = []
    for more in (1, 4):
        for _each in range(more):
            key_of(service_account(place=town.here))
        officer.get(url("serviceaccount_changelist"))
        with django_assert_num_queries(counts[0] if counts else 5) as asked:
            officer.get(url("serviceaccount_changelist"))
        counts.append(len(asked))
