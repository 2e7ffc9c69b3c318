import json

from django.http import HttpResponse
from django.test import RequestFactory

from governance.common.htmx import hx_redirect, is_partial, toast, trigger

rf = RequestFactory()


def test_a_part_is_asked_by_htmx_but_not_by_history_or_boost():
    assert is_partial(rf.get("/", headers={"HX-Request": "true"}))
    assert not is_partial(rf.get("/"))
    assert not is_partial(rf.get("/", headers={"HX-Request": "true", "HX-Boosted": "true"}))
    assert not is_partial(rf.get("/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}))


def test_events_add_up_and_chinese_travels_in_a_header():
    response = toast(trigger(HttpResponse(), "moved", {"id": 1}), "已派单", action="撤回", href="/x")
    assert response.headers["HX-Trigger"].isascii()
    assert json.loads(response.headers["HX-Trigger"]) == {
        "moved": {"id": 1},
        "toast": {"text": "已派单", "tone": "success", "action": "撤回", "href": "/x"},
    }


def test_redirects_fit_the_asker():
    by_htmx = hx_redirect(rf.get("/", headers={"HX-Request": "true"}), "/to/")
    assert (by_htmx.status_code, by_htmx.headers["HX-Redirect"]) == (204, "/to/")
    plain = hx_redirect(rf.get("/"), "/to/")
    assert (plain.status_code, plain.headers["Location"]) == (302, "/to/")
