"""Which officer may do what, and what nobody does for themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from governance.common.errors import DomainError, NotAllowed
from partymembers import actions
from partymembers.access import access_of
from partymembers.models import Post, Role, Substitution, User
from tests.factories.people import PASSWORD, make_substitute, make_unit, make_user
from tests.partymembers.conftest import DAY, NOW, TODAY, City
from tests.partymembers.test_actions import trail

pytestmark = pytest.mark.django_db


def test_the_officers_matrix(security: User, system: User, auditor: User, town: City) -> None:
    """Each write against each kind of person, by hand: posts and keys, configuration, nothing at all."""
    desk = make_user("书记", role=Role.SECRETARY, place=town.city)
    unit = make_unit()

    def someone() -> User:
        return make_user(role=Role.DESK, place=town.there)

    at = {"at": NOW}
    keys = {
        "add_user": lambda a: actions.add_user(
            staff_number=f"N{a.pk}", name="新人", password="Long-enough-7", actor=a, **at
        ),
        "change_person": lambda a: actions.change_person(
            user_id=someone().pk, name="改名", phone="", actor=a, **at
        ),
        "change_phone": lambda a: actions.change_phone(
            user_id=someone().pk, phone=f"138{a.pk:08d}", actor=a, **at
        ),
        "reset_password": lambda a: actions.reset_password(
            user_id=someone().pk, password="Long-enough-7", actor=a, **at
        ),
        "disable_user": lambda a: actions.disable_user(user_id=someone().pk, actor=a, **at),
        "enable_user": lambda a: actions.enable_user(user_id=make_user(disabled_at=NOW).pk, actor=a, **at),
        "give_post": lambda a: actions.give_post(
            user_id=someone().pk, role=Role.DESK, place=town.here, starts_on=TODAY, actor=a, **at
        ),
        "end_post": lambda a: actions.end_post(
            post_id=someone().posts.get().pk, ends_on=TODAY, actor=a, **at
        ),
        "appoint_substitute": lambda a: actions.appoint_substitute(
            post_id=someone().posts.get().pk,
            substitute_id=make_user().pk,
            starts_on=TODAY,
            ends_on=TODAY,
            actor=a,
            **at,
        ),
        "end_substitution": lambda a: actions.end_substitution(
            substitution_id=make_substitute(
                someone().posts.get(), make_user(), since=TODAY - DAY, until=TODAY
            ).pk,
            ends_on=TODAY - DAY,
            actor=a,
            **at,
        ),
    }
    configuration = {
        "disable_unit": lambda a: actions.disable_unit(unit_id=make_unit().pk, actor=a, **at),
        "enable_unit": lambda a: actions.enable_unit(unit_id=make_unit(disabled_at=NOW).pk, actor=a, **at),
    }
    people = {"security": security, "system": system, "auditor": auditor, "desk": desk}
    may = {(name, "security") for name in keys} | {(name, "system") for name in configuration}
    assert {*keys, *configuration, "change_password"} == set(actions.__all__)

    done = set()
    for name, act in (keys | configuration).items():
        for who, actor in people.items():
            try:
                act(actor)
            except NotAllowed:
                continue
            done.add((name, who))
    assert done == may
    assert unit.disabled_at is None


def test_nobody_grants_or_resets_their_own(security: User) -> None:
    mine = {"user_id": security.pk, "actor": security, "at": NOW}
    for act in (
        lambda: actions.give_post(role=Role.AUDIT_OFFICER, starts_on=TODAY, **mine),
        lambda: actions.reset_password(password="Long-enough-7", **mine),
        lambda: actions.disable_user(**mine),
        lambda: actions.end_post(post_id=security.posts.get().pk, ends_on=TODAY, actor=security, at=NOW),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert trail() == []


def test_an_officer_whose_post_has_ended_grants_nothing() -> None:
    former = make_user(role=Role.SECURITY_OFFICER, until=TODAY - DAY)
    with pytest.raises(NotAllowed):
        actions.disable_user(user_id=make_user().pk, actor=former, at=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_grants_at_once_cannot_make_one_person_two_officers() -> None:
    user = make_user()
    absent = make_user(role=Role.AUDIT_OFFICER)
    post_id = absent.posts.get().pk
    start = Barrier(3)

    def attempt(act) -> str:
        try:
            start.wait(timeout=60)
            with transaction.atomic():
                act()
            return "done"
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()

    attempts = [
        lambda: actions.give_post(
            user_id=user.pk, role=Role.SYSTEM_OFFICER, starts_on=TODAY, actor=None, at=NOW
        ),
        lambda: actions.give_post(
            user_id=user.pk, role=Role.SECURITY_OFFICER, starts_on=TODAY, actor=None, at=NOW
        ),
        lambda: actions.appoint_substitute(
            post_id=post_id, substitute_id=user.pk, starts_on=TODAY, ends_on=TODAY, actor=None, at=NOW
        ),
    ]
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(attempt, attempts))
    assert sorted(outcomes) == ["done", "three_officers", "three_officers"]
    assert len(access_of(user, on=TODAY).officer_roles) == 1
    assert Post.objects.filter(user=user).count() + Substitution.objects.count() == 1
    assert user.check_password(PASSWORD)
