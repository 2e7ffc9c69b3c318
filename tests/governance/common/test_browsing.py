"""Idle sessions, the caller's address, and a cache that is away."""

from __future__ import annotations

import pytest
import time_machine
from django.contrib.sessions.backends.cached_db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

from governance.common.browsing import CallerAddressMiddleware, IdleSessionMiddleware, is_background
from governance.common.caching import ForgivingRedisCache


def visit(session, **headers):
    """One request with this session through the middleware; whether the session would be saved."""
    request = RequestFactory().get("/", headers=headers)
    request.session = SessionStore(session.session_key)

    def view(request):
        assert request.session.get("who") == 7
        return HttpResponse()

    IdleSessionMiddleware(view)(request)
    if request.session.modified:
        request.session.save()
    return request.session.modified


@pytest.fixture
def session():
    store = SessionStore()
    store["who"] = 7
    with time_machine.travel("2026-11-22T09:00:00+08:00", tick=False):
        store.create()
        visit(store)
    return store


@pytest.mark.django_db
def test_a_session_is_written_once_a_minute_and_not_on_every_click(session):
    outcomes = []
    for moment in ("09:00:30", "09:00:59", "09:01:00", "09:01:30", "09:02:00"):
        with time_machine.travel(f"2026-11-22T{moment}+08:00", tick=False):
            outcomes.append(visit(session))
    assert outcomes == [False, False, True, False, True]


@pytest.mark.django_db
def test_use_moves_the_end_on_and_half_an_hour_without_use_is_never_cut_short(session):
    with time_machine.travel("2026-11-22T09:00:59+08:00", tick=False):
        visit(session)
    with time_machine.travel("2026-11-22T09:30:59+08:00", tick=False):
        assert SessionStore(session.session_key).get("who") == 7
    with time_machine.travel("2026-11-22T09:31:01+08:00", tick=False):
        caches["default"].clear()
        assert SessionStore(session.session_key).get("who") is None


@pytest.mark.django_db
def test_polling_and_streams_do_not_keep_a_session_alive(session):
    with time_machine.travel("2026-11-22T09:10:00+08:00", tick=False):
        assert not visit(session, X_Background="1")
        assert not visit(session, Accept="text/event-stream")
        assert visit(session, Accept="text/html")


@pytest.mark.django_db
def test_a_flushed_valkey_signs_nobody_out(session):
    caches["default"].clear()
    with time_machine.travel("2026-11-22T09:05:00+08:00", tick=False):
        assert SessionStore(session.session_key).get("who") == 7
    assert Session.objects.filter(session_key=session.session_key).count() == 1


def test_a_request_without_the_marks_is_a_persons():
    assert not is_background(RequestFactory().get("/"))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "127.0.0.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.1", "1.1.1.1"),
        (2, "1.1.1.1", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_only_what_our_own_proxies_say_counts_as_the_callers_address(proxies, forwarded, address):
    seen = []

    def view(request):
        seen.append(request.META["REMOTE_ADDR"])
        return HttpResponse()

    with override_settings(PROXIES=proxies):
        CallerAddressMiddleware(view)(RequestFactory().get("/", headers={"X-Forwarded-For": forwarded}))
    assert seen == [address]


def test_a_cache_that_is_away_is_an_empty_one():
    cache = ForgivingRedisCache("unix:///nowhere/at-all.sock", {"TIMEOUT": 60})
    assert cache.get("a", "default") == "default"
    assert cache.get_many(["a", "b"]) == {}
    assert cache.add("a", 1) is True
    assert cache.incr("n") == 1
    assert cache.set_many({"a": 1}) == []
    assert (cache.delete("a"), cache.touch("a"), "a" in cache) == (False, False, False)


def test_the_cache_comes_back_when_its_server_does(settings):
    live = settings.CACHES["default"]["LOCATION"]
    cache = ForgivingRedisCache(live, {"TIMEOUT": 60, "KEY_PREFIX": "back"})
    cache.set("a", 1)
    assert cache.get("a") == 1
    cache._resting_until = float("inf")
    assert cache.get("a") is None
    cache._resting_until = 0.0
    assert cache.get("a") == 1
    cache.delete("a")
