"""The officers' pages: who sees what, and that every save is an action with its trace."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partymembers.audit import record_access
from partymembers.models import AuditEntry, Post, Role, StaffChange, Substitution, Unit, User
from tests.factories.people import PASSWORD, make_substitute, make_unit, make_user
from tests.partymembers.conftest import DAY, City

pytestmark = pytest.mark.django_db

OFFICERS = {
    "system": Role.SYSTEM_OFFICER,
    "security": Role.SECURITY_OFFICER,
    "audit": Role.AUDIT_OFFICER,
}


@pytest.fixture
def clients(town: City) -> dict[str, Client]:
    """One browser for each officer, one for a secretary, one for a stranger."""
    people = {name: make_user(name, role=role, username=name.upper()) for name, role in OFFICERS.items()}
    people["desk"] = make_user("desk", role=Role.SECRETARY, place=town.city, username="DESK")
    browsers = {"stranger": Client()}
    for name, person in people.items():
        browsers[name] = Client()
        browsers[name].force_login(person)
    return browsers


def test_the_officers_matrix_of_pages(clients: dict[str, Client], town: City) -> None:
    """Written by hand: for each page, who gets it. Strangers are sent to sign in, others get 403 or 404."""
    worker = make_user(role=Role.GRID_WORKER, place=town.grid_here)
    stint = make_substitute(
        worker.posts.get(), make_user(), since=timezone.localdate(), until=timezone.localdate()
    )
    unit = make_unit()
    entry = record_access(None, "signed_in", at=timezone.now())
    everybody, security, system, audit = {*OFFICERS}, {"security"}, {"system"}, {"audit"}
    pages = {
        reverse("admin:index"): everybody,
        reverse("admin:partymembers_user_changelist"): security,
        reverse("admin:partymembers_user_add"): security,
        reverse("admin:partymembers_user_change", args=[worker.pk]): security,
        reverse("admin:partymembers_user_password", args=[worker.pk]): security,
        reverse("admin:partymembers_user_delete", args=[worker.pk]): set(),
        reverse("admin:partymembers_user_history", args=[worker.pk]): set(),
        reverse("admin:partymembers_post_changelist"): security,
        reverse("admin:partymembers_post_add"): security,
        reverse("admin:partymembers_post_change", args=[worker.posts.get().pk]): security,
        reverse("admin:partymembers_post_delete", args=[worker.posts.get().pk]): set(),
        reverse("admin:partymembers_post_history", args=[worker.posts.get().pk]): set(),
        reverse("admin:partymembers_substitution_changelist"): security,
        reverse("admin:partymembers_substitution_add"): security,
        reverse("admin:partymembers_substitution_change", args=[stint.pk]): security,
        reverse("admin:partymembers_substitution_delete", args=[stint.pk]): set(),
        reverse("admin:partymembers_substitution_history", args=[stint.pk]): set(),
        reverse("admin:partymembers_unit_changelist"): everybody,
        reverse("admin:partymembers_unit_add"): system,
        reverse("admin:partymembers_unit_change", args=[unit.pk]): everybody,
        reverse("admin:partymembers_unit_delete", args=[unit.pk]): set(),
        reverse("admin:partymembers_unit_history", args=[unit.pk]): set(),
        reverse("admin:partymembers_auditentry_changelist"): audit,
        reverse("admin:partymembers_auditentry_add"): set(),
        reverse("admin:partymembers_auditentry_change", args=[entry.pk]): audit,
        reverse("admin:partymembers_auditentry_delete", args=[entry.pk]): set(),
        reverse("admin:partymembers_auditentry_history", args=[entry.pk]): set(),
    }
    ours = [m for m in admin.site._registry if m._meta.app_label == "partymembers"]
    of_party = {"Branch", "JointCommittee", "JointMember", "Member"}  # test_admin_party.py
    of_service = {"EarningRule", "Skill", "Station", "Team"}  # test_admin_service.py
    of_api = {"ServiceAccount"}  # test_admin_keys.py
    assert {m.__name__ for m in ours} == {
        "User", "Post", "Substitution", "Unit", "AuditEntry", *of_party, *of_service, *of_api,
    }  # fmt: skip
    found = {
        url: {name for name, client in clients.items() if client.get(url).status_code == 200} for url in pages
    }
    assert found == pages
    for url in pages:
        assert clients["desk"].get(url).status_code == 404
        assert clients["stranger"].get(url)["Location"].startswith("/admin/login/")
        assert {clients[name].get(url).status_code for name in OFFICERS} <= {200, 403, 404}


def test_there_is_one_sign_in_and_one_sign_out(clients: dict[str, Client]) -> None:
    assert clients["stranger"].get("/admin/login/?next=/admin/")["Location"] == "/login/?next=/admin/"
    assert clients["desk"].get("/admin/login/").status_code == 404
    assert clients["security"].get("/admin/password_change/")["Location"] == "/password/"
    out = clients["security"].post("/admin/logout/", follow=True)
    assert out.redirect_chain[-1][0] == "/login/"
    assert clients["security"].get("/admin/").status_code == 302


def test_an_officer_no_longer_in_post_finds_nothing(clients: dict[str, Client]) -> None:
    Post.objects.filter(user__username="AUDIT").update(ends_on=timezone.localdate() - DAY)
    assert clients["audit"].get("/admin/").status_code == 404


def test_superuser_and_staff_flags_mean_nothing(client: Client) -> None:
    user = make_user()
    user.is_staff = user.is_superuser = (
        True  # as an attribute they change nothing, as columns they do not exist
    )
    client.force_login(user)
    assert client.get("/admin/").status_code == 404
    assert {field.name for field in User._meta.get_fields()}.isdisjoint(
        {"is_staff", "is_superuser", "groups", "user_permissions"}
    )


def test_a_user_is_added_through_the_action(clients: dict[str, Client]) -> None:
    url = reverse("admin:partymembers_user_add")
    typed = {"username": "W01", "name": "王小明", "phone": "138 1234 5678", "password": "Long-enough-7"}
    assert clients["security"].post(url, typed).status_code == 302
    user = User.objects.get(username="W01")
    assert (user.phone, user.must_change_password, user.check_password("Long-enough-7")) == (
        "13812345678",
        True,
        True,
    )
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor.username, entry.target) == ("user_added", "SECURITY", "user:W01")
    assert LogEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"password": "weak"}, "password"),
        ({"phone": "123"}, "phone"),
        ({"username": "SYSTEM"}, "username"),
        ({"username": "13812345678"}, "__all__"),
    ],
)
def test_a_refused_user_stays_in_the_form(
    clients: dict[str, Client], change: dict[str, str], told: str
) -> None:
    url = reverse("admin:partymembers_user_add")
    typed = {"username": "W01", "name": "王小明", "phone": "", "password": "Long-enough-7"} | change
    response = clients["security"].post(url, typed)
    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == [told]
    assert "王小明" in response.content.decode()
    assert not User.objects.filter(name="王小明").exists()
    assert AuditEntry.objects.count() == 0


def test_a_correction_is_traced_with_masked_values_and_so_is_the_look(clients: dict[str, Client]) -> None:
    user = make_user("王小明", username="W01", phone="13812345678")
    url = reverse("admin:partymembers_user_change", args=[user.pk])
    page = clients["security"].get(url).content.decode()
    assert "13812345678" in page
    assert clients["security"].post(url, {"name": "王晓明", "phone": "13812345679"}).status_code == 302
    user.refresh_from_db()
    assert (user.name, user.phone) == ("王晓明", "13812345679")
    entries = list(AuditEntry.objects.order_by("pk").values_list("action", "data"))
    assert entries == [
        ("personal_data_opened", {"what": "phone"}),
        (
            "user_changed",
            {"changes": {"name": ["王某某", "王某某"], "phone": ["138****5678", "138****5679"]}},
        ),
    ]


def test_the_list_of_users_masks_phones(clients: dict[str, Client]) -> None:
    make_user("王小明", phone="13812345678")
    page = clients["security"].get(reverse("admin:partymembers_user_changelist")).content.decode()
    assert "138****5678" in page
    assert "13812345678" not in page


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_of_users_costs_the_same_for_one_and_three(
    rows: int, clients: dict[str, Client], town: City, django_assert_num_queries
) -> None:
    for _ in range(rows):
        make_user(role=Role.GRID_WORKER, place=town.grid_here)
    url = reverse("admin:partymembers_user_changelist")
    clients["security"].get(url)
    with django_assert_num_queries(7):
        clients["security"].get(url)


def test_disable_and_enable_from_the_list(clients: dict[str, Client]) -> None:
    user, officer = make_user(username="W01"), User.objects.get(username="SECURITY")
    url = reverse("admin:partymembers_user_changelist")
    chosen = {"_selected_action": [user.pk, officer.pk]}
    page = clients["security"].post(url, {"action": "disable_chosen", **chosen}, follow=True)
    user.refresh_from_db()
    officer.refresh_from_db()
    assert (user.is_active, officer.is_active) == (False, True)
    assert [message.level_tag for message in page.context["messages"]] == ["error", "success"]
    assert StaffChange.objects.count() == 1
    clients["security"].post(url, {"action": "enable_chosen", "_selected_action": [user.pk]})
    user.refresh_from_db()
    assert user.is_active


def test_a_new_first_password(clients: dict[str, Client]) -> None:
    user = make_user(username="W01")
    url = reverse("admin:partymembers_user_password", args=[user.pk])
    assert clients["security"].post(url, {"password": "weak"}).status_code == 200
    assert clients["system"].post(url, {"password": "Fresh-start-9"}).status_code == 404
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert clients["security"].post(url, {"password": "Fresh-start-9"}).status_code == 302
    user.refresh_from_db()
    assert (user.check_password("Fresh-start-9"), user.must_change_password) == (True, True)
    own = reverse("admin:partymembers_user_password", args=[User.objects.get(username="SECURITY").pk])
    assert clients["security"].post(own, {"password": "Fresh-start-9"}).status_code == 200


def test_posts_are_given_and_ended_through_the_actions(clients: dict[str, Client], town: City) -> None:
    user = make_user(username="W01")
    today = timezone.localdate()
    typed = {"user": user.pk, "role": "desk", "place": town.here.pk, "unit": "", "employment": "full_time"}
    url = reverse("admin:partymembers_post_add")
    assert clients["security"].post(url, typed | {"starts_on": today, "ends_on": ""}).status_code == 302
    post = user.posts.get()

    officer = typed | {"role": "audit_officer", "place": "", "starts_on": today, "ends_on": ""}
    refused = clients["security"].post(url, officer)
    assert refused.status_code == 200
    assert list(refused.context["adminform"].form.errors) == ["role"]
    assert user.posts.count() == 1

    change = reverse("admin:partymembers_post_change", args=[post.pk])
    assert clients["security"].post(change, {"ends_on": ""}).status_code == 200
    forged = {"ends_on": today, "role": "official", "user": make_user().pk, "starts_on": today - 99 * DAY}
    assert clients["security"].post(change, forged).status_code == 302
    post.refresh_from_db()
    assert (post.user, post.role, post.starts_on, post.ends_on) == (user, "desk", today, today)
    later = clients["security"].post(change, {"ends_on": today + DAY})
    assert list(later.context["adminform"].form.errors) == ["ends_on"]
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["post_given", "post_ended"]


def test_substitutes_are_appointed_and_ended_through_the_actions(
    clients: dict[str, Client], town: City
) -> None:
    today = timezone.localdate()
    post = make_user(role=Role.DESK, place=town.here).posts.get()
    deputy = make_user()
    typed = {
        "post": post.pk,
        "substitute": deputy.pk,
        "starts_on": today,
        "ends_on": today + 3 * DAY,
        "reason": "病假",
    }
    url = reverse("admin:partymembers_substitution_add")
    assert clients["security"].post(url, typed).status_code == 302
    stint = Substitution.objects.get()
    again = clients["security"].post(url, typed)
    assert again.status_code == 200
    change = reverse("admin:partymembers_substitution_change", args=[stint.pk])
    assert clients["security"].post(change, {"ends_on": today + DAY}).status_code == 302
    stint.refresh_from_db()
    assert stint.ends_on == today + DAY
    assert Substitution.objects.count() == 1


def test_a_broken_constraint_is_said_in_words_and_at_its_field(
    clients: dict[str, Client], town: City
) -> None:
    """Not as "constraint substitution_ends_after_it_starts", which tells an officer nothing."""
    today = timezone.localdate()
    post = make_user(role=Role.DESK, place=town.here).posts.get()
    stint = {"post": post.pk, "substitute": make_user().pk, "starts_on": today, "ends_on": today - DAY}
    given = {"user": make_user().pk, "employment": "full_time", "starts_on": today}
    for model, typed, field in (
        ("substitution", stint, "ends_on"),
        ("post", given | {"role": Role.DESK, "place": town.here.pk, "ends_on": today - DAY}, "ends_on"),
        ("post", given | {"role": Role.GRID_WORKER}, "role"),
        ("post", given | {"role": Role.AUDIT_OFFICER, "place": town.here.pk}, "role"),
    ):
        answer = clients["security"].post(reverse(f"admin:partymembers_{model}_add"), typed)
        assert answer.status_code == 200
        assert list(answer.context["adminform"].form.errors) == [field], (model, typed)
        assert "约束" not in answer.content.decode()
    assert not Substitution.objects.exists()


def test_an_entry_of_the_trail_leads_nowhere_that_its_reader_may_not_go(clients: dict[str, Client]) -> None:
    entry = record_access(User.objects.get(username="SYSTEM"), "signed_in", "user:SYSTEM", at=timezone.now())
    page = clients["audit"].get(reverse("admin:partymembers_auditentry_change", args=[entry.pk]))
    text = page.content.decode()
    assert "system（SYSTEM）" in text
    assert "操作代码" in text
    assert "/admin/partymembers/user/" not in text


def test_units_are_configured_with_old_and_new_values_in_the_trail(
    clients: dict[str, Client], town: City
) -> None:
    typed = {
        "code": "U-7",
        "name": "市政养护所",
        "kind": "department",
        "parent": "",
        "place": town.city.pk,
        "phone": "",
    }
    assert clients["system"].post(reverse("admin:partymembers_unit_add"), typed).status_code == 302
    unit = Unit.objects.get()
    change = reverse("admin:partymembers_unit_change", args=[unit.pk])
    assert clients["security"].post(change, typed | {"name": "x"}).status_code == 403
    assert clients["system"].post(change, typed | {"kind": "utility"}).status_code == 302
    assert clients["system"].post(change, typed | {"kind": "utility"}).status_code == 302
    added, changed = AuditEntry.objects.order_by("pk")
    assert (added.action, added.target) == ("unit_added", "unit:U-7")
    assert (changed.action, changed.data["changes"]) == ("unit_changed", {"kind": ["department", "utility"]})
    listing = reverse("admin:partymembers_unit_changelist")
    chosen = {"action": "disable_chosen", "_selected_action": [unit.pk]}
    clients["security"].post(listing, chosen)
    unit.refresh_from_db()
    assert unit.disabled_at is None
    clients["system"].post(listing, chosen)
    unit.refresh_from_db()
    assert unit.disabled_at is not None


def test_the_trail_is_searched_and_exported_inert(clients: dict[str, Client]) -> None:
    now = timezone.now()
    evil = record_access(None, "=HYPERLINK(1)", "user:W01", "10.0.0.7", at=now, note="x")
    other = record_access(None, "signed_in", "user:W02", at=now - dt.timedelta(days=1))
    listing = reverse("admin:partymembers_auditentry_changelist")
    page = clients["audit"].get(listing, {"q": "W01"})
    assert [row.pk for row in page.context["cl"].result_list] == [evil.pk]
    assert "用户 W01" in page.content.decode()
    chosen_by = clients["audit"].get(listing, {"action": "signed_in"})
    assert [row.pk for row in chosen_by.context["cl"].result_list] == [other.pk]
    offered = dict(chosen_by.context["cl"].filter_specs[1].lookup_choices)
    assert offered["signed_in"] == "登录"
    chosen = {"action": "export_chosen", "_selected_action": [evil.pk, other.pk]}
    table = clients["audit"].post(listing, chosen)
    lines = table.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert ",'=HYPERLINK(1),user:W01,10.0.0.7," in lines[1]
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.actor.username, entry.data) == ("audit_exported", "AUDIT", {"entries": 2})
    assert clients["system"].post(listing, chosen).status_code == 403


def test_people_are_found_while_typing_by_the_security_officer_only(clients: dict[str, Client]) -> None:
    make_user("王小明", username="W01")
    asked = {"app_label": "partymembers", "model_name": "post", "field_name": "user", "term": "W01"}
    found = clients["security"].get("/admin/autocomplete/", asked)
    assert [row["text"] for row in found.json()["results"]] == ["王小明"]
    assert clients["system"].get("/admin/autocomplete/", asked).status_code == 403
    assert clients["desk"].get("/admin/autocomplete/", asked).status_code == 404
