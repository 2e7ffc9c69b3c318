import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.template import engines
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path
from django.utils import translation
from django.utils.safestring import SafeString

from governance.common.pagination import CursorPage
from governance.common.templatetags.gezhi import spark_points

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
urlpatterns = [
    path("styleguide/", include("governance.common.styleguide")),
    path("i18n/", include("django.conf.urls.i18n")),
]


def render(text, request=None, **context):
    with translation.override("en"):
        return engines["django"].from_string("{% load gezhi %}" + text).render(context, request)


def test_an_icon_is_decoration_unless_labelled():
    assert (
        render("{% icon 'clock' %}")
        == '<svg class="i" aria-hidden="true"><use href="/static/icons.svg#clock"/></svg>'
    )
    labelled = render("{% icon 'clock' label=label class='big' %}", label="Late <")
    assert 'class="i big" role="img" aria-label="Late &lt;"' in labelled


@pytest.mark.parametrize(
    ("tone", "left", "html"),
    [
        ("green", timedelta(minutes=8), '<span class="light" data-light="green">8 min left</span>'),
        ("red", timedelta(minutes=-24), '<span class="light" data-light="red">Late 24 min</span>'),
        ("paused", timedelta(minutes=8), '<span class="light" data-light="grey">Suspended</span>'),
        ("ended", None, '<span class="light" data-light="ended">Ended</span>'),
    ],
)
def test_a_light_has_shape_word_and_colour(tone, left, html):
    assert render("{% clock_light tone left %}", tone=tone, left=left) == html


def test_a_clock_bar_stays_between_0_and_100():
    assert 'value="100"' in render("{% clock_bar 'red' 250 %}")
    assert 'value="0"' in render("{% clock_bar 'green' None %}")
    assert 'aria-label="83% of the time limit used"' in render("{% clock_bar 'yellow' 83.2 %}")


@pytest.mark.parametrize(
    ("value", "good", "direction", "verdict"),
    [
        (1.35, "up", "up", "yes"),
        (-0.84, "up", "down", "no"),
        (-0.12, "down", "down", "yes"),
        (4.18, "na", "up", "na"),
        (0.001, "up", "flat", "na"),
    ],
)
def test_a_delta_says_where_to_and_whether_that_is_good(value, good, direction, verdict):
    text = render("{% delta value 'points' good %}", value=value, good=good)
    assert f'data-dir="{direction}" data-good="{verdict}"' in text


def test_query_changes_only_what_is_named():
    request = RequestFactory().get("/?view=late&cursor=x&tag=a&tag=b")
    assert render("{% query cursor=None page=2 %}", request) == "?view=late&amp;tag=a&amp;tag=b&amp;page=2"
    assert render("{% query view='' cursor='' tag='' %}", request) == "?"


@dataclass
class Row:
    cells: dict[str, object]


def test_filled_rows_read_as_if_each_had_been_rendered():
    names = ("number", "url", "bulk", "tick", "clock", "matter", "matter_class", "tags", "where", "address")
    hostile = "<b>\"100% %(url)s '{{ x }}'&</b>"
    rows = [
        Row(dict.fromkeys((*names, "channel", "state"), hostile)),
        Row(dict.fromkeys((*names, "channel", "state"), SafeString("<i>1</i>"))),
        Row({name: name for name in (*names, "channel", "state")}),
    ]
    for ticks in (True, False):
        found = render("{% filled 'cases/_row.html' rows ticks=ticks %}", rows=rows, ticks=ticks)
        each = [render_to_string("cases/_row.html", row.cells | {"ticks": ticks}) for row in rows]
        assert found == "".join(each)
    assert render("{% filled 'cases/_row.html' rows %}", rows=[]) == ""


def test_a_constant_part_knows_the_language_and_nothing_of_the_page():
    text = "{% load gezhi %}{% constant 'components/shell_parts.html' %}"
    english = render(text, request=RequestFactory().get("/"), user="nobody")
    with translation.override("zh-hans"):
        chinese = engines["django"].from_string(text).render({})
    assert "Keyboard shortcuts" in english
    assert "键盘" in chinese or "快捷键" in chinese
    assert "csrf" not in english


def test_sparklines_stand_in_their_box():
    assert spark_points([1, None, 3]) == [(2.0, 26.0), (98.0, 4.0)]
    assert spark_points([5, 5]) == [(2.0, 15.0), (98.0, 15.0)]
    assert spark_points([None]) == []


def test_more_leads_both_ways_and_nowhere():
    request = RequestFactory().get("/?view=late")
    with translation.override("en"):
        text = render_to_string("components/more.html", {"page": CursorPage(next_cursor="n:1")}, request)
        assert 'href="?view=late&amp;cursor=n%3A1" rel="next"' in text
        assert 'rel="prev"' not in text
        assert render_to_string("components/more.html", {"page": CursorPage()}, request).strip() == ""


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: str(each.relative_to(ROOT)))
def test_no_template_needs_an_exception_from_the_content_policy(template):
    text = template.read_text("utf-8")
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"(src|href)=\"https?://", text)


def test_every_icon_that_a_template_names_is_in_the_sprite():
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static" / "icons.svg").read_text("utf-8")))
    named = {
        name
        for template in TEMPLATES
        for name in re.findall(r"""{% icon ["']([\w-]+)["']""", template.read_text("utf-8"))
    }
    assert len(named) > 10
    assert named - drawn == set()


@pytest.mark.django_db
@override_settings(ROOT_URLCONF=__name__, STYLEGUIDE=True)
@pytest.mark.parametrize("page", ["", "phone/", "login/", "print/"])
def test_the_guide_renders_every_part_in_both_languages(page):
    client = Client()
    chinese = client.get(f"/styleguide/{page}")
    assert chinese.status_code == 200
    assert '<html lang="zh-CN"' in chinese.content.decode()
    client.post("/i18n/setlang/", {"language": "en", "next": "/"})
    english = client.get(f"/styleguide/{page}")
    assert '<html lang="en"' in english.content.decode()


@pytest.mark.django_db
@override_settings(ROOT_URLCONF=__name__, STYLEGUIDE=False)
def test_the_guide_is_closed_elsewhere():
    assert Client().get("/styleguide/").status_code == 404


def test_a_message_becomes_a_toast_and_the_page_begins_with_a_skip_link():
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    with translation.override("en"):
        text = render_to_string(
            "base.html",
            {"messages": [type("M", (), {"level_tag": "error", "__str__": lambda _m: "Lost & found"})()]},
            request,
        )
    assert 'data-tone="error"' in text
    assert "Lost &amp; found" in text
    assert text.index('class="skip" href="#main"') < text.index("<header")
    assert 'id="main"' in text
