"""Every refusal of the API is a problem: its code, its words in the caller's language, its request."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest
from django.utils import translation
from rest_framework import exceptions, serializers
from rest_framework.test import APIClient

from governance.common import errors, sizes
from governance.common.api.problems import PreconditionFailed, answer_problem
from tests.factories.cases import World, make_world
from tests.factories.cases import report as make_order
from tests.factories.keys import Caller

ORDERS = "/api/v1/orders/"


def every(cls: type[Any]) -> list[type[Any]]:
    return [each for below in cls.__subclasses__() for each in (below, *every(below))]


#: Every refusal of the domain whose words are its own.
REFUSALS = sorted(
    {cls for cls in every(errors.DomainError) if cls.__module__.startswith("governance.common")},
    key=lambda cls: cls.__name__,
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda cls: cls.__name__)
def test_every_refusal_of_the_domain_has_code_status_and_words_in_both_languages(
    refusal: type[errors.DomainError], db: None
) -> None:
    told = {}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            answer = answer_problem(refusal(field="contact.phone"), {})
            assert answer is not None
            body = answer.data
            told[language] = body["detail"]
    assert (body["status"], body["title"]) == (refusal.http_status, HTTPStatus(refusal.http_status).phrase)
    assert (body["code"], body["type"]) == (refusal.default_code, f"urn:gezhi:problem:{refusal.default_code}")
    assert body["errors"] == [{"field": "contact.phone", "code": body["code"], "detail": body["detail"]}]
    assert answer.content_type == "application/problem+json"
    assert told["en"].isascii()
    assert not told["zh-hans"].isascii()
    assert PreconditionFailed in REFUSALS


class _Contact(serializers.Serializer[Any]):
    phone = serializers.CharField(max_length=3)


class _Row(serializers.Serializer[Any]):
    matter = serializers.CharField()
    contact = _Contact()
    rows = serializers.ListField(child=serializers.IntegerField(), required=False)


class _Whole(serializers.Serializer[Any]):
    orders = _Row(many=True)


def test_errors_of_fields_stand_in_a_list_with_their_paths(db: None) -> None:
    sent = {
        "orders": [{"matter": "x", "contact": {"phone": "1"}}, {"contact": {"phone": "12345"}, "rows": ["x"]}]
    }
    given = _Whole(data=sent)
    with translation.override("zh-hans"), pytest.raises(exceptions.ValidationError) as refused:
        given.is_valid(raise_exception=True)
    answer = answer_problem(refused.value, {})
    assert answer is not None
    found = {error["field"]: error["code"] for error in answer.data["errors"]}
    assert found == {
        "orders.1.matter": "required",
        "orders.1.contact.phone": "max_length",
        "orders.1.rows.0": "invalid",
    }
    assert not any(error["detail"].isascii() for error in answer.data["errors"])


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def test_what_a_program_does_wrong_is_answered_by_a_problem_in_its_language(world: World) -> None:
    caller = Caller(place=world.city.west)
    tries: dict[tuple[int, str], Any] = {
        (405, "method_not_allowed"): lambda: caller.delete(ORDERS),
        (415, "unsupported_media_type"): lambda: caller.post(ORDERS, "a=1", content_type="text/plain"),
        (400, "malformed"): lambda: caller.post(
            ORDERS, '{"a": ', content_type="application/json; charset=hex"
        ),
        (400, "invalid"): lambda: caller.post(ORDERS, {}),
        (406, "not_acceptable"): lambda: caller.get(ORDERS, headers={"Accept": "text/html"}),
        (404, "not_found"): lambda: caller.get(f"{ORDERS}990101-9999/"),
    }
    for (status, code), attempt in tries.items():
        words = []
        for language in ("en", "zh-Hans"):
            caller.defaults["HTTP_ACCEPT_LANGUAGE"] = language
            answer = attempt()
            body = answer.json()
            assert (answer.status_code, body["status"], body["code"]) == (status, status, code), body
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert {"Accept-Language", "Authorization", "Cookie"} <= set(answer.headers["Vary"].split(", "))
            assert body["request_id"]
            words.append(body["detail"])
        assert len(set(words)) == 2, words
    stranger = APIClient().get(ORDERS)
    assert (stranger.status_code, stranger.json()["code"]) == (401, "not_authenticated")
    assert stranger.headers["WWW-Authenticate"].startswith("Bearer")
    assert caller.options(ORDERS).status_code == 405, "the document describes the API"


def test_json_may_be_as_large_as_many_orders_and_no_larger(world: World) -> None:
    caller = Caller("orders:write", place=world.city.west)
    row = {"matter": "none", "description": "井" * 2000, "address": "路" * 200}
    many = json.dumps({"orders": [row] * 500}, ensure_ascii=False).encode()
    assert len(many) > sizes.PLAIN
    taken = caller.post(f"{ORDERS}bulk/", many, content_type="application/json; charset=utf-8")
    assert (taken.status_code, taken.json()["refused"]) == (200, 500)

    for kind, size in (
        ("application/json", 8 * 1024 * 1024 + 1),
        ("application/x-www-form-urlencoded", sizes.PLAIN + 1),
        ("application/offset+octet-stream", 24 * 1024 * 1024 + 1),
    ):
        refused = caller.post(ORDERS, "{}", content_type=kind, CONTENT_LENGTH=str(size))
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large"), kind
        assert refused.headers["Content-Type"] == "application/problem+json"


def test_an_answer_is_private_and_may_be_asked_for_again_by_its_etag(world: World) -> None:
    caller = Caller("orders:read", place=world.city.west)
    url = f"{ORDERS}{make_order(world).number}/"
    answer = caller.get(url)
    assert answer.headers["Cache-Control"].startswith("private")
    again = caller.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
