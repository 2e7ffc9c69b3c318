"""The scripts of the pages, on the style guide."""

from __future__ import annotations

import io
import json
import struct
import time

import pytest
from django.conf import settings as project
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template import engines
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from PIL import Image

from governance.common import handlers, styleguide
from governance.common.errors import WrongState
from governance.common.htmx import toast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]
AXE = project.BASE_DIR / "node_modules" / "axe-core" / "axe.min.js"
#: What the browser and htmx say by themselves of an answer 4xx or 5xx.
REFUSED = ("Failed to load resource: the server responded", "Response Status Error Code")
received: list[dict] = []


def receive(request):
    """Takes the form of the phone guide; refuses it until its text says "good"."""
    received.append(
        {
            "note": request.POST.get("note", ""),
            "claims": json.loads(request.POST.get("photos_claims") or "[]"),
            "photos": [(each.name, Image.open(each).size) for each in request.FILES.getlist("photos")],
        }
    )
    if "good" in request.POST.get("note", ""):
        return redirect("/done/")
    return render(
        request, "styleguide/phone.html", styleguide._context(styleguide.timezone.now()), status=400
    )


def phone(request):
    """The phone guide, whose form comes to `receive`."""
    return receive(request) if request.method == "POST" else styleguide.styleguide(request, "phone")


def done(request):
    """A page without the form, neither a sign-in nor an error."""
    page = '{% extends "base_shell.html" %}{% block body %}<main id="main">done</main>{% endblock %}'
    return HttpResponse(engines["django"].from_string(page).render({}, request))


def news(_request):
    """What a live page hears."""
    return JsonResponse({"unread": 3, "text": "2 new", "counts": {"late": 5}})


def part(request):
    """A part that htmx swaps in: taken, refused or broken."""
    how = request.GET["how"]
    if how == "conflict":
        return handlers.domain_error(request, WrongState("Already dispatched."))
    if how == "broken":
        return HttpResponse("<p>traceback</p>", status=500)
    csrf = request.headers.get("X-CSRFToken", "")
    return toast(HttpResponse(f"<p>taken {len(csrf)}</p>"), "已派单", action="看这件", href="/done/")


urlpatterns = [
    path("part/", csrf_exempt(part)),
    path("phone/", phone),
    path("done/", done),
    path("news/", news),
    path("", lambda _request: HttpResponse("start")),
    path("styleguide/", include("governance.common.styleguide")),
    path("i18n/", include("django.conf.urls.i18n")),
]


@pytest.fixture(autouse=True)
def _guide(settings):
    settings.STYLEGUIDE = True
    received.clear()


def ready(page, url):
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    return page


def until(page, expression):
    """Wait until something is true of the page; Playwright's own way needs eval, which the policy forbids."""
    wait_in(page, lambda: page.evaluate(expression), expression)


def wait_in(page, condition, name):
    """Wait until something is true, and let the page's events come in meanwhile."""
    ends = time.monotonic() + 60
    while not condition():
        if time.monotonic() > ends:
            pytest.fail(f"never true: {name}")
        page.wait_for_timeout(50)


def jpeg(width, height, *, exif=None):
    out = io.BytesIO()
    Image.new("RGB", (width, height), "#887755").save(out, "JPEG", **({"exif": exif} if exif else {}))
    return out.getvalue()


def exif_of(taken, lat, lng):
    """EXIF with a time and a place, as a phone writes them."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = taken
    degrees = lambda value: (int(value), int(value % 1 * 60), round(value * 60 % 1 * 60, 2))  # noqa: E731
    exif.get_ifd(0x8825).update({1: "N", 2: degrees(lat), 3: "E", 4: degrees(lng)})
    return exif.tobytes()


@pytest.mark.parametrize("width", [360, 390, 800, 1440])
@pytest.mark.parametrize("part", ["", "phone/", "login/"])
def test_no_page_is_wider_than_its_screen(open_page, live_server, part, width):
    page = ready(open_page(width=width), f"{live_server.url}/styleguide/{part}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("part", ["", "phone/", "login/"])
def test_nothing_that_axe_calls_a_violation(open_page, live_server, part):
    page = open_page(bypass_csp=True)
    ready(page, f"{live_server.url}/styleguide/{part}")
    page.add_script_tag(path=str(AXE))
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found["violations"]] == []


def test_a_destructive_button_asks_and_gives_the_focus_back(open_page, live_server):
    page = ready(open_page(), f"{live_server.url}/styleguide/")
    page.evaluate(
        "document.querySelector('[data-confirm]')"
        ".addEventListener('click', () => { window.went = (window.went || 0) + 1; })"
    )
    page.click("[data-confirm]")
    assert page.inner_text("#confirm-title") == "Void the order"
    assert page.inner_text("[data-confirm-yes]") == "Void"
    page.keyboard.press("Escape")
    assert page.evaluate("[window.went, document.activeElement.hasAttribute('data-confirm')]") == [None, True]
    page.click("[data-confirm]")
    page.click("[data-confirm-yes]")
    until(page, "window.went === 1")


def test_keys_work_off_while_typing_and_are_listed(open_page, live_server):
    page = ready(open_page(), f"{live_server.url}/styleguide/")
    page.evaluate("""() => { window.pressed = 0;
        document.querySelector("[data-key='A']").addEventListener('click', () => window.pressed++);
        window.gezhi.onKey('Escape', 'Untick all', () => {});
        window.gezhi.onKey('G 1', 'First view', () => { window.went = true; }); }""")
    page.focus("#id_note")
    page.keyboard.type("a")
    assert page.evaluate("window.pressed") == 0
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    assert page.evaluate("window.pressed") == 1
    page.keyboard.press("g")
    page.keyboard.press("1")
    assert page.evaluate("window.went") is True
    page.keyboard.press("?")
    listed = page.inner_text("[data-keys-list]")
    assert "Accept" in listed
    assert "First view" in listed
    assert listed.count("Esc") == 1
    assert "Untick all" in listed


def test_a_menu_opens_under_its_button_and_a_sheet_keeps_the_focus(open_page, live_server):
    page = ready(open_page(), f"{live_server.url}/styleguide/")
    page.click("[popovertarget=sample-menu]")
    button, menu = (
        page.locator("[popovertarget=sample-menu]").bounding_box(),
        page.locator("#sample-menu").bounding_box(),
    )
    assert menu["y"] >= button["y"] + button["height"]
    assert menu["x"] + menu["width"] <= 1440
    phone_page = ready(
        open_page(width=390, height=844, has_touch=True), f"{live_server.url}/styleguide/phone/"
    )
    phone_page.click("[popovertarget=verify]")
    for _ in range(8):
        phone_page.keyboard.press("Tab")
        assert phone_page.evaluate("document.getElementById('verify').contains(document.activeElement)")
    phone_page.keyboard.press("Escape")
    assert phone_page.evaluate("document.activeElement.getAttribute('popovertarget')") == "verify"


def test_maps_and_charts_draw_under_the_strict_policy(open_page, live_server):
    page = open_page()
    response = page.goto(f"{live_server.url}/styleguide/")
    assert "unsafe" not in response.headers["content-security-policy"]
    page.wait_for_selector(".map path.leaflet-interactive")
    page.wait_for_selector(".chart svg path", state="attached")
    assert page.locator(".map").first.locator("path[fill='url(#hatch)']").count() == 1
    page.locator(".map[data-picker]").click(position={"x": 100, "y": 60})
    lat, lng = float(page.input_value("#guide-lat")), float(page.input_value("#guide-lng"))
    assert 28.8 < lat < 28.95
    assert 105.3 < lng < 105.5


def test_the_chosen_place_may_be_where_one_stands(open_page, live_server):
    page = open_page(
        geolocation={"latitude": 28.871234, "longitude": 105.421234}, permissions=["geolocation"]
    )
    ready(page, f"{live_server.url}/styleguide/")
    page.wait_for_selector(".map[data-picker] .leaflet-marker-icon")
    page.click("#guide-locate")
    until(page, "document.getElementById('guide-lat').value === '28.871234'")


def test_photos_shrink_and_keep_their_claims_and_a_refused_form_keeps_everything(
    open_page, live_server, complaints
):
    page = ready(open_page(width=390, height=844), f"{live_server.url}/phone/")
    exif = exif_of("2026:11:20 09:39:05", 28.866, 105.415)
    files = [
        {"name": "big.jpg", "mimeType": "image/jpeg", "buffer": jpeg(4000, 3000, exif=exif)},
        {"name": "film.mov", "mimeType": "video/quicktime", "buffer": struct.pack(">I", 8)},
        {"name": "small.jpg", "mimeType": "image/jpeg", "buffer": jpeg(300, 200)},
    ]
    page.set_input_files(".album input[type=file]", files)
    until(page, "document.querySelectorAll('.upload figure img').length === 2")
    until(page, "!document.querySelector('.upload progress')")
    assert "film.mov" in page.inner_text(".upload figure[data-bad]")
    page.fill("#id_note", "bad light")
    page.click("button:has-text('Send')")
    page.wait_for_selector(".error-summary")
    assert received[0]["photos"] == [("big.jpg", (2560, 1920)), ("small.jpg", (300, 200))]
    assert received[0]["claims"][0]["taken_at"] == "2026-11-20T09:39:05"
    assert received[0]["claims"][0]["lat"] == pytest.approx(28.866, abs=1e-4)
    assert received[0]["claims"][1] == {}
    complaints.forgive(*REFUSED)
    assert complaints == []
    # The answer was 400 and carried neither the text nor the photos: the draft brings both back.
    until(page, "document.querySelectorAll('.upload figure img').length === 2")
    assert page.input_value("#id_note") == "bad light"
    page.click(".upload figure:nth-of-type(2) .del")
    page.fill("#id_note", "good light")
    page.click("button:has-text('Send')")
    page.wait_for_url("**/done/")
    assert received[1]["photos"] == [("big.jpg", (2560, 1920))]
    ready(page, f"{live_server.url}/phone/")
    assert page.input_value("#id_note") == ""
    assert page.locator(".upload figure").count() == 0


def test_without_a_network_nothing_is_sent_and_nothing_lost(open_page, live_server):
    page = ready(open_page(width=390, height=844), f"{live_server.url}/phone/")
    page.fill("#id_note", "good")
    page.context.set_offline(True)
    page.wait_for_selector("[data-offline-banner]:not([hidden])")
    page.click("button:has-text('Send')")
    page.wait_for_selector("#toasts .toast")
    assert received == []
    page.context.set_offline(False)
    page.click("button:has-text('Send')")
    page.wait_for_url("**/done/")
    assert [each["note"] for each in received] == ["good"]


def test_another_persons_draft_is_not_shown(open_page, live_server):
    page = ready(open_page(width=390, height=844), f"{live_server.url}/phone/")
    page.evaluate(
        "localStorage.setItem('gezhi:draft:42:guide',"
        " JSON.stringify({at: Date.now(), text: {note: 'secret'}}))"
    )
    ready(page, f"{live_server.url}/phone/")
    assert page.input_value("#id_note") == ""


def test_news_reach_the_counts_and_say_one_sentence(open_page, live_server):
    page = open_page()
    ready(page, f"{live_server.url}/styleguide/")
    asked = []
    page.on(
        "request",
        lambda request: (
            asked.append(request.headers.get("x-background")) if "/news/" in request.url else None
        ),
    )
    page.evaluate("""() => { window.toasts = 0; Date.now = () => 1e12;  // within 10 s for ever
        new MutationObserver(records => records.forEach(each => { window.toasts += each.addedNodes.length; }))
            .observe(document.getElementById('toasts'), {childList: true});
        document.body.insertAdjacentHTML('beforeend',
            '<b data-live="/news/" data-live-seconds="0.2"></b><i data-count-of="late">0</i>');
        return import('/static/js/live.js?again'); }""")
    until(page, "document.querySelector('[data-count-of=late]').textContent === '5'")
    wait_in(page, lambda: len(asked) > 4, "the page asks again and again")
    assert page.evaluate("window.toasts") == 1
    assert set(asked) == {"1"}


def test_a_thing_picked_by_a_phrase_is_added_to_the_text(open_page, live_server):
    page = ready(open_page(width=390, height=844), f"{live_server.url}/styleguide/phone/")
    page.fill("#id_note", "坑深 40 厘米")
    page.click("[data-insert='影响通行']")
    assert page.input_value("#id_note") == "坑深 40 厘米，影响通行"


def test_a_print_button_prints(open_page, live_server):
    page = ready(open_page(), f"{live_server.url}/styleguide/")
    page.evaluate("window.print = () => { window.printed = true; }")
    page.evaluate("document.querySelector('main .btn').dataset.print = ''")
    page.click("main [data-print]")
    assert page.evaluate("window.printed") is True


def test_parts_are_swapped_refusals_too_but_never_a_crash(open_page, live_server, complaints):
    page = ready(open_page(), f"{live_server.url}/styleguide/")
    send = "how => htmx.ajax('POST', '/part/?how=' + how, {target: '#main', swap: 'innerHTML'})"
    page.evaluate(send, "taken")
    assert page.inner_text("#main") == "taken 64"
    assert page.inner_text("#toasts .toast a") == "看这件"
    assert page.get_attribute("#toasts .toast a", "href") == "/done/"
    page.evaluate(send, "conflict")
    page.wait_for_selector("#main .conflict")
    assert "Already dispatched." in page.inner_text("#main .banner")
    page.wait_for_selector("#main .conflict .banner:focus")
    page.evaluate(send, "broken")
    page.wait_for_selector("#toasts .toast[data-tone=error]")
    assert "traceback" not in page.inner_text("#main")
    complaints.forgive(*REFUSED)
    assert complaints == []


def test_pointing_at_a_chart_needs_no_inline_style(open_page, live_server):
    page = ready(open_page(), f"{live_server.url}/styleguide/")
    page.wait_for_selector(".chart svg path", state="attached")
    box = page.locator(".chart[data-chart=trend]")
    box.scroll_into_view_if_needed()
    box.hover(position={"x": 300, "y": 150})
    until(page, "document.querySelector('.chart svg').textContent.includes('上报')")
