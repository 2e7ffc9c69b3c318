import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.template import engines
from django.test import RequestFactory, override_settings
from django.urls import path

from governance.common import navigation
from governance.common.navigation import AccountLink, Bell, NavItem, Search


def blank(_request):
    return HttpResponse()


urlpatterns = [
    path("", blank, name="start"),
    path("desk/", blank, name="desk"),
    path("desk/reports/", blank, name="desk_reports"),
    path("notices/", blank, name="notices"),
    path("notices/live/", blank, name="notices_live"),
    path("find/", blank, name="find"),
]


class Person:
    is_authenticated = True

    def get_full_name(self):
        return "周建国"

    def get_username(self):
        return "zhou"


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    monkeypatch.setattr(navigation, "registry", navigation._Registry())
    with override_settings(ROOT_URLCONF=__name__):
        yield


def request_to(where, user=None):
    request = RequestFactory().get(where)
    request.user = user or AnonymousUser()
    return request


def item(key, url_name, **more):
    return NavItem(key=key, label=key.title(), url_name=url_name, icon="list", **more)


def test_only_visible_and_existing_entries_show_in_order():
    navigation.register(
        item("desk", "desk", order=20, badge=lambda _request: 7),
        item("start", "start", order=10, phone=True),
        item("secret", "desk_reports", visible=lambda _request: False),
        item("later", "not_built_yet"),
    )
    shown = navigation.shown_items(request_to("/"))
    assert [(each.key, each.url, each.badge, each.phone) for each in shown] == [
        ("start", "/", 0, True),
        ("desk", "/desk/", 7, False),
    ]


def test_the_same_key_replaces():
    navigation.register(item("desk", "desk"))
    navigation.register(item("desk", "start"))
    assert [each.url for each in navigation.shown_items(request_to("/"))] == ["/"]


@pytest.mark.parametrize(
    ("where", "key"),
    [
        ("/", "start"),
        ("/desk/", "desk"),
        ("/desk/12/", "desk"),
        ("/desk/reports/x", "reports"),
        ("/find/", ""),
    ],
)
def test_the_longest_address_is_current(where, key):
    navigation.register(item("start", "start"), item("desk", "desk"), item("reports", "desk_reports"))
    assert navigation.current_key(request_to(where)) == key


def test_a_page_below_nobody_belongs_to_the_first_visible_entry_that_holds_it():
    def desk(is_shown):
        return item("desk", "start", order=1, visible=lambda _request: is_shown, holds=("find",))

    mine = item("mine", "notices", order=2, holds=("find",))
    navigation.register(desk(True), mine)
    assert navigation.current_key(request_to("/find/260101-000001/")) == "desk"
    assert navigation.current_key(request_to("/find/")) == ""
    navigation.register(desk(False))
    assert navigation.current_key(request_to("/find/260101-000001/")) == "mine"


def test_a_visitor_has_no_bell_no_search_no_account():
    navigation.register_bell(Bell(url_name="notices", unread=lambda _request: 3))
    navigation.register_search(Search(url_name="find", placeholder="…"))
    request = request_to("/")
    assert navigation.shown_bell(request) is None
    assert navigation.shown_search(request) is None
    assert navigation.shown_account(request) == {}


def test_a_signed_in_person_has_them():
    navigation.register_bell(
        Bell(url_name="notices", unread=lambda _request: 3, live_url_name="notices_live")
    )
    navigation.register_search(Search(url_name="find", placeholder="Number, place"))
    navigation.register_posts(lambda _request: ["社区书记 · 映月社区"])
    navigation.register_account_link(
        AccountLink(label="Mine", url_name="desk"), AccountLink(label="?", url_name="no")
    )
    request = request_to("/find/?q=a", Person())
    assert navigation.shown_bell(request) == {"url": "/notices/", "unread": 3, "live_url": "/notices/live/"}
    assert navigation.shown_search(request) == {
        "url": "/find/",
        "placeholder": "Number, place",
        "parameter": "q",
        "value": "a",
    }
    assert navigation.shown_account(request) == {
        "name": "周建国",
        "initial": "周",
        "posts": ["社区书记 · 映月社区"],
        "links": [{"label": "Mine", "url": "/desk/", "icon": "right"}],
    }


def test_a_part_asks_nothing_and_a_page_asks_once():
    asked = []
    navigation.register_bell(Bell(url_name="notices", unread=lambda _request: asked.append(1) or 3))
    request = request_to("/", Person())
    engines["django"].from_string("part").render({}, request)
    assert asked == []
    text = engines["django"].from_string("{{ nav_bell.unread }} {{ nav_bell.unread }}").render({}, request)
    assert (text, asked) == ("3 3", [1])
