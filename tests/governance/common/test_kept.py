"""Statements that are put together once answer like those that are put together anew."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.postgres.fields import ArrayField
from django.db import connections
from django.db.models import BigIntegerField

from governance.common.kept import AnyOf, Kept, Slot, prefetched
from partymembers.models import Post, Role
from tests.factories.grids import make_city
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
User = get_user_model()


def test_each_asking_has_its_own_values(django_assert_num_queries) -> None:
    for hour in range(3):
        User.objects.create(username=f"p{hour}", name=f"P{hour}", disabled_at=NOW + timedelta(hours=hour))
    kept = Kept(User.objects.filter(disabled_at__lt=Slot("now")).order_by("pk"))
    for hours in (0, 1, 2, 3):
        with django_assert_num_queries(1):
            found = kept.ask(now=NOW + timedelta(hours=hours))
        assert [user.username for user in found] == [f"p{n}" for n in range(hours)]


def test_a_list_of_any_length_keeps_one_text() -> None:
    people = [make_user() for _number in range(3)]
    kept = Kept(User.objects.filter(AnyOf("pk", Slot("ids", ArrayField(BigIntegerField())))).order_by("pk"))
    for some in ([], people[:1], people):
        assert kept.ask(ids=[user.pk for user in some]) == some


def test_joined_rows_and_values_come_as_ever(django_assert_num_queries) -> None:
    user = make_user(role=Role.SECRETARY, place=make_city().west)
    posts = Post.objects.filter(user_id=Slot("user_id"))
    whole = Kept(posts.select_related("place")).first(user_id=user.pk)
    assert whole is not None
    with django_assert_num_queries(0):
        assert whole.place.name == "西涧社区"
    assert Kept(posts.values_list("role", flat=True)).ask(user_id=user.pk) == [Role.SECRETARY]
    assert Kept(posts).first(user_id=0) is None


def test_what_no_row_can_meet_asks_nothing(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert Kept(User.objects.filter(pk__in=[])).ask() == []


def test_every_thread_asks_through_its_own_connection() -> None:
    kept = Kept(User.objects.filter(username=Slot("name")))
    seen: list[Any] = []

    def note(execute: Any, *rest: Any) -> Any:
        seen.append(connections["default"])
        return execute(*rest)

    def ask() -> None:
        with connections["default"].execute_wrapper(note):
            kept.ask(name="nobody")
        connections["default"].close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert seen
    assert seen[0] is not connections["default"]


def test_an_answer_stands_for_its_relation(django_assert_num_queries) -> None:
    user = make_user(role=Role.SECRETARY, place=make_city().west)
    posts = list(user.posts.all())
    prefetched(user, "posts", posts)
    with django_assert_num_queries(0):
        assert list(user.posts.all()) == posts
