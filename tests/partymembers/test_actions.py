"""Every write to people: who may, what is refused, what is left in the audit trail."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from governance.common.errors import Invalid, NotVisible, WrongState
from partymembers import actions
from partymembers.access import access_of
from partymembers.models import AuditEntry, Post, Role, StaffChange, Substitution, User
from tests.factories.people import make_post, make_substitute, make_unit, make_user
from tests.partymembers.conftest import DAY, NOW, TODAY, City

pytestmark = pytest.mark.django_db


def trail() -> list[tuple[str, str, str | None]]:
    entries = AuditEntry.objects.order_by("pk").values_list("action", "target", "actor__username")
    return list(entries)


def test_add_user(security: User) -> None:
    user = actions.add_user(
        staff_number=" Ｗ０１ ",
        name=" 王小明 ",
        phone="+86 138 1234 5678",
        password="Long-enough-7",
        actor=security,
        at=NOW,
    )
    user.refresh_from_db()
    assert (user.username, user.name, user.phone) == ("W01", "王小明", "13812345678")
    assert user.must_change_password
    assert user.check_password("Long-enough-7")
    assert trail() == [("user_added", "user:W01", "SEC")]
    assert AuditEntry.objects.get().data == {"name": "王某某", "phone": "138****5678"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"staff_number": "TAKEN"}, "username"),
        ({"staff_number": "a b"}, "username"),
        ({"staff_number": "13812345678"}, "username"),
        ({"staff_number": ""}, "username"),
        ({"name": "  "}, "name"),
        ({"name": "名" * 51}, "name"),
        ({"phone": "12345"}, "phone"),
        ({"phone": "13900000001"}, "phone"),
        ({"password": "short"}, "password"),
        ({"password": "onlysmallletters"}, "password"),
    ],
)
def test_add_user_names_the_field_in_the_way(change: dict[str, str], field: str, security: User) -> None:
    make_user(username="TAKEN", phone="13900000001")
    count = User.objects.count()
    typed = {"staff_number": "W01", "name": "王", "phone": "", "password": "Long-enough-7"} | change
    with pytest.raises(Invalid) as refusal:
        actions.add_user(**typed, actor=security, at=NOW)
    assert refusal.value.field == field
    assert User.objects.count() == count
    assert trail() == []


def test_the_database_too_refuses_a_staff_number_like_a_phone() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_user(username="13812345678")


def test_change_person_writes_masked_values_only(security: User) -> None:
    user = make_user("王小明", username="W01", phone="13900000001")
    actions.change_phone(user_id=user.pk, phone="138 1234 5678", actor=security, at=NOW)
    user.refresh_from_db()
    assert (user.name, user.phone) == ("王小明", "13812345678")
    assert AuditEntry.objects.get().data == {"changes": {"phone": ["139****0001", "138****5678"]}}
    actions.change_phone(user_id=user.pk, phone="13812345678", actor=security, at=NOW)
    assert AuditEntry.objects.count() == 1


def test_two_people_cannot_share_a_phone(security: User) -> None:
    make_user(phone="13900000001")
    user = make_user(phone="13900000002")
    with pytest.raises(Invalid) as refusal:
        actions.change_phone(user_id=user.pk, phone="13900000001", actor=security, at=NOW)
    assert refusal.value.field == "phone"
    user.refresh_from_db()
    assert user.phone == "13900000002"


def test_give_and_end_a_post(security: User, town: City) -> None:
    user = make_user(username="W01")
    post = actions.give_post(
        user_id=user.pk, role=Role.DESK, place=town.here, starts_on=TODAY, actor=security, at=NOW
    )
    assert access_of(user, on=TODAY).is_desk_of(town.here.path)
    assert StaffChange.objects.count() == 0
    actions.end_post(post_id=post.pk, ends_on=TODAY, actor=security, at=NOW)
    assert not access_of(user, on=TODAY + DAY).covers(town.here.path)
    change = StaffChange.objects.get()
    midnight = dt.datetime.combine(TODAY + DAY, dt.time.min, tzinfo=NOW.tzinfo)
    assert (change.kind, change.user, change.post, change.at, change.by) == (
        "post_ended",
        user,
        post,
        midnight,
        security,
    )
    assert trail() == [("post_given", "user:W01", "SEC"), ("post_ended", "user:W01", "SEC")]
    assert AuditEntry.objects.latest("pk").data == {
        "post": post.pk,
        "role": "desk",
        "at_or_in": town.here.code,
        "from": "2026-11-20",
        "until": "2026-11-20",
        "ended_before": None,
    }


def test_a_post_with_an_end_announces_it_when_given(security: User, town: City) -> None:
    user = make_user()
    actions.give_post(
        user_id=user.pk,
        role=Role.DESK,
        place=town.here,
        starts_on=TODAY,
        ends_on=TODAY + DAY,
        actor=security,
        at=NOW,
    )
    change = StaffChange.objects.get()
    assert change.at == dt.datetime.combine(TODAY + 2 * DAY, dt.time.min, tzinfo=NOW.tzinfo)


def test_a_post_that_ended_in_the_past_is_announced_now(security: User, town: City) -> None:
    user = make_user(role=Role.DESK, place=town.here)
    actions.end_post(post_id=user.posts.get().pk, ends_on=TODAY - 9 * DAY, actor=security, at=NOW)
    assert StaffChange.objects.get().at == NOW


def test_posts_are_shortened_never_lengthened(security: User, town: City) -> None:
    post = make_post(make_user(), role=Role.DESK, place=town.here, since=TODAY, until=TODAY + 5 * DAY)
    for day in (TODAY + 6 * DAY, TODAY - DAY):
        with pytest.raises(Invalid):
            actions.end_post(post_id=post.pk, ends_on=day, actor=security, at=NOW)
    assert (
        actions.end_post(post_id=post.pk, ends_on=TODAY + 5 * DAY, actor=security, at=NOW).ends_on
        == post.ends_on
    )
    assert trail() == []
    with pytest.raises(NotVisible):
        actions.end_post(post_id=0, ends_on=TODAY, actor=security, at=NOW)


def test_a_post_needs_what_its_role_is_held_over(security: User, town: City) -> None:
    user, unit = make_user(), make_unit()
    wrong = [
        ({"role": Role.DESK}, "place"),
        ({"role": Role.DESK, "place": town.here, "unit": unit}, "unit"),
        ({"role": Role.HANDLER}, "unit"),
        ({"role": Role.HANDLER, "unit": unit, "place": town.here}, "place"),
        ({"role": Role.SYSTEM_OFFICER, "place": town.city}, "place"),
        ({"role": Role.DESK, "place": town.here, "ends_on": TODAY - DAY}, "ends_on"),
    ]
    for seat, field in wrong:
        with pytest.raises(Invalid) as refusal:
            actions.give_post(user_id=user.pk, starts_on=TODAY, actor=security, at=NOW, **seat)
        assert refusal.value.field == field, seat
    assert Post.objects.filter(user=user).count() == 0


def test_no_post_over_what_is_gone_or_held_already(security: User, town: City) -> None:
    user = make_user(role=Role.DESK, place=town.here)
    town.there.retired_on = TODAY
    town.there.save()
    gone = make_unit(disabled_at=NOW)
    for seat in (
        {"role": Role.DESK, "place": town.here},
        {"role": Role.DESK, "place": town.there},
        {"role": Role.HANDLER, "unit": gone},
    ):
        with pytest.raises(Invalid):
            actions.give_post(user_id=user.pk, starts_on=TODAY, actor=security, at=NOW, **seat)
    disabled = make_user(disabled_at=NOW)
    with pytest.raises(WrongState):
        actions.give_post(
            user_id=disabled.pk, role=Role.DESK, place=town.here, starts_on=TODAY, actor=security, at=NOW
        )


@pytest.mark.parametrize(
    ("held", "new", "allowed"),
    [
        ("desk", "grid_worker", True),
        ("desk", "security_officer", False),
        ("handler", "audit_officer", False),
        ("system_officer", "desk", False),
        ("system_officer", "handler", False),
        ("system_officer", "security_officer", False),
        ("security_officer", "audit_officer", False),
        ("audit_officer", "system_officer", False),
        ("official", "audit_officer", False),
    ],
)
def test_three_officers_are_three_people(held: str, new: str, allowed: bool, town: City) -> None:
    def seat(role: str) -> dict:
        unit_role = role == "handler"
        officer = role.endswith("_officer")
        return {
            "role": Role(role),
            "place": None if unit_role or officer else town.here,
            "unit": unit if unit_role else None,
        }

    unit = make_unit()
    user, absent = make_user(), make_user()
    until = TODAY + 10 * DAY
    make_post(user, **seat(held), since=TODAY, until=until)
    absent_post = make_post(absent, **seat(new))
    outcomes = []
    for attempt in (
        lambda: actions.give_post(
            user_id=user.pk, starts_on=until, ends_on=until, actor=None, at=NOW, **seat(new)
        ),
        lambda: actions.appoint_substitute(
            post_id=absent_post.pk,
            substitute_id=user.pk,
            starts_on=TODAY - DAY,
            ends_on=TODAY,
            actor=None,
            at=NOW,
        ),
    ):
        try:
            attempt()
        except Invalid as refusal:
            outcomes.append(refusal.code)
        else:
            outcomes.append("done")
    assert outcomes == (["done"] * 2 if allowed else ["three_officers"] * 2)
    # From a day on when the other post has ended, it is nobody's business.
    assert actions.give_post(user_id=user.pk, starts_on=until + DAY, actor=None, at=NOW, **seat(new))


def test_a_substitution_counts_against_a_new_post(town: City) -> None:
    absent = make_user(role=Role.SECURITY_OFFICER)
    deputy = make_user()
    make_substitute(absent.posts.get(), deputy, since=TODAY, until=TODAY + 5 * DAY)
    with pytest.raises(Invalid) as refusal:
        actions.give_post(
            user_id=deputy.pk, role=Role.DESK, place=town.here, starts_on=TODAY + 5 * DAY, actor=None, at=NOW
        )
    assert refusal.value.code == "three_officers"
    assert actions.give_post(
        user_id=deputy.pk, role=Role.DESK, place=town.here, starts_on=TODAY + 6 * DAY, actor=None, at=NOW
    )


def test_an_officer_may_stand_in_for_the_same_office() -> None:
    one, other = make_user(role=Role.SECURITY_OFFICER), make_user(role=Role.SECURITY_OFFICER)
    assert actions.appoint_substitute(
        post_id=one.posts.get().pk, substitute_id=other.pk, starts_on=TODAY, ends_on=TODAY, actor=None, at=NOW
    )


def test_substitutes_are_refused_with_a_reason(security: User, town: City) -> None:
    holder = make_user()
    post = make_post(holder, role=Role.DESK, place=town.here, since=TODAY, until=TODAY + 5 * DAY)
    deputy, disabled = make_user(), make_user(disabled_at=NOW)

    def appoint(**change: object) -> Substitution:
        given = {"post_id": post.pk, "substitute_id": deputy.pk, "starts_on": TODAY, "ends_on": TODAY + DAY}
        return actions.appoint_substitute(**given | change, actor=security, at=NOW)

    for change, error in (
        ({"substitute_id": holder.pk}, Invalid),
        ({"substitute_id": disabled.pk}, WrongState),
        ({"substitute_id": 0}, NotVisible),
        ({"post_id": 0}, NotVisible),
        ({"ends_on": TODAY - DAY}, Invalid),
        ({"ends_on": TODAY + 6 * DAY}, Invalid),
        ({"starts_on": TODAY - DAY}, Invalid),
    ):
        with pytest.raises(error):
            appoint(**change)
    row = appoint()
    with pytest.raises(Invalid):
        appoint(starts_on=TODAY + DAY)
    actions.end_substitution(substitution_id=row.pk, ends_on=TODAY, actor=security, at=NOW)
    assert access_of(deputy, on=TODAY).covers(town.here.path)
    assert not access_of(deputy, on=TODAY + DAY).covers(town.here.path)
    assert [action for action, _, _ in trail()] == ["substitute_appointed", "substitution_ended"]
    assert StaffChange.objects.filter(user=deputy, post=post).count() == 2


def test_disable_and_enable_user(security: User, town: City) -> None:
    user = make_user(role=Role.DESK, place=town.here, username="W01")
    actions.disable_user(user_id=user.pk, actor=security, at=NOW)
    user.refresh_from_db()
    assert not user.is_active
    assert access_of(user, on=TODAY).is_empty()
    change = StaffChange.objects.get()
    assert (change.kind, change.user, change.at) == ("user_disabled", user, NOW)
    with pytest.raises(WrongState):
        actions.disable_user(user_id=user.pk, actor=security, at=NOW)
    actions.enable_user(user_id=user.pk, actor=security, at=NOW)
    user.refresh_from_db()
    assert access_of(user, on=TODAY).is_desk_of(town.here.path)
    with pytest.raises(WrongState):
        actions.enable_user(user_id=user.pk, actor=security, at=NOW)
    assert [action for action, _, _ in trail()] == ["user_disabled", "user_enabled"]


def test_disable_and_enable_unit(system: User) -> None:
    unit = make_unit(code="U-ROAD")
    worker = make_user(role=Role.HANDLER, unit=unit)
    actions.disable_unit(unit_id=unit.pk, actor=system, at=NOW)
    assert access_of(worker, on=TODAY).unit_ids == frozenset()
    change = StaffChange.objects.get()
    assert (change.kind, change.unit, change.user) == ("unit_disabled", unit, None)
    with pytest.raises(WrongState):
        actions.disable_unit(unit_id=unit.pk, actor=system, at=NOW)
    actions.enable_unit(unit_id=unit.pk, actor=system, at=NOW)
    assert access_of(worker, on=TODAY).unit_ids == {unit.pk}
    assert trail() == [("unit_disabled", "unit:U-ROAD", "SYS"), ("unit_enabled", "unit:U-ROAD", "SYS")]


def test_reset_and_change_password(security: User) -> None:
    user = make_user(username="W01")
    actions.reset_password(user_id=user.pk, password="Fresh-start-9", actor=security, at=NOW)
    user.refresh_from_db()
    assert user.check_password("Fresh-start-9")
    assert user.must_change_password
    with pytest.raises(Invalid):
        actions.change_password(user=user, password="Fresh-start-9", at=NOW)
    with pytest.raises(Invalid):
        actions.change_password(user=user, password="weak", at=NOW)
    actions.change_password(user=user, password="My-own-choice-3", at=NOW)
    user.refresh_from_db()
    assert user.check_password("My-own-choice-3")
    assert not user.must_change_password
    assert trail() == [("password_reset", "user:W01", "SEC"), ("password_changed", "user:W01", "W01")]
    assert "Fresh" not in str(list(AuditEntry.objects.values_list("data", flat=True)))
