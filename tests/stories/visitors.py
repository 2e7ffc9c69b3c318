"""People who use the portal by its pages: they open one, fill in the form that stands on it, and send it.

A field that the page does not offer cannot be filled in, a button that is not there cannot be pressed, and
the token against forgery is checked as in production.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from cases.models import Case
from governance.dashboard.numbers import Door
from grids.models import Place
from partymembers.models import User
from tests.factories.pictures import picture_bytes

#: The month of the stories.
NOVEMBER = {"period": "custom", "since": "2026-11-01", "until": "2026-11-30"}


@dataclass
class PageForm:
    """A form as it stands on a page: what it sends by itself, and what can be filled in."""

    action: str
    method: str
    sent: dict[str, list[str]] = field(default_factory=dict)
    offered: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    """Collects a page's forms, with the controls that belong to them from elsewhere by `form=`."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.forms: list[PageForm] = []
        self.named: dict[str, PageForm] = {}
        self.strays: list[tuple[str, dict[str, str]]] = []
        self.open: PageForm | None = None
        self.text: tuple[PageForm, str] | None = None
        self.select: tuple[PageForm, str, bool] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = PageForm(given.get("action") or self.url, given.get("method", "get").lower())
            self.forms.append(self.open)
            if "id" in given:
                self.named[given["id"]] = self.open
        elif tag == "option" and self.select is not None:
            form, name, is_chosen = self.select
            if "selected" in given or not is_chosen:
                form.sent[name] = [given.get("value", "")]
                self.select = (form, name, is_chosen or "selected" in given)
        elif tag in ("input", "button", "select", "textarea") and given.get("name"):
            if "form" in given:
                self.strays.append((tag, given))
            elif self.open is not None:
                self._control(self.open, tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "textarea":
            self.text = None
        elif tag == "select":
            self.select = None

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            form, name = self.text
            form.sent[name] = [form.sent[name][0] + data]

    def _control(self, form: PageForm, tag: str, given: Mapping[str, str]) -> None:
        name, kind = given["name"], given.get("type", "text")
        form.offered.add(name)
        if tag == "textarea":
            form.sent[name], self.text = [""], (form, name)
        elif tag == "select":
            self.select = (form, name, False)
        elif tag == "input" and kind in ("checkbox", "radio"):
            if "checked" in given:
                form.sent.setdefault(name, []).append(given.get("value", "on"))
        elif tag == "input" and kind != "file":
            form.sent.setdefault(name, []).append(given.get("value", ""))

    def close(self) -> None:
        super().close()
        for tag, given in self.strays:
            if (form := self.named.get(given["form"])) is not None:
                self._control(form, tag, given)


def forms_on(response: Any, url: str) -> dict[str, PageForm]:
    """The forms of a page by where they are sent to; of several to one address the first."""
    reader = _Reader(url)
    reader.feed(response.content.decode())
    reader.close()
    found: dict[str, PageForm] = {}
    for form in reader.forms:
        found.setdefault(form.action, form)
    return found


@dataclass
class Visitor:
    """Somebody at a browser; without a user, a resident who has no account."""

    user: User | None = None
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))

    def open(self, url: str, *, status: int = 200, **query: str) -> Any:
        """A page of the portal; whoever has an account is signed in anew for it."""
        if self.user is not None:
            self.client.cookies.clear()
            self.client.force_login(self.user)
        response = self.client.get(url, query)
        assert response.status_code == status, (url, response.status_code)
        return response

    def fill(self, page: Any, url: str, **typed: Any) -> dict[str, Any]:
        """What the form of this address on the page sends when these fields are filled in."""
        form = forms_on(page, url)[url]
        assert form.method == "post"
        missing = set(typed) - form.offered
        assert not missing, f"the page offers no {missing}, only {sorted(form.offered)}"
        return {**form.sent, **typed}

    def send(self, page: Any, url: str, *, status: int = 302, **typed: Any) -> Any:
        """Fill in the form on a page and press its button."""
        response = self.client.post(url, self.fill(page, url, **typed))
        assert response.status_code == status, (url, response.status_code, errors_in(response))
        return response

    def photograph(self, page: Any, color: tuple[int, int, int] = (178, 60, 40)) -> str:
        """Take a photo where the page has the camera button: uploaded at once, as the page's script does."""
        url = reverse("cases:attachment_upload")
        text = page.content.decode()
        assert f'data-upload-url="{url}"' in text
        token = forms_on(page, "")  # any form's token serves
        key = next(
            f.sent["csrfmiddlewaretoken"][0] for f in token.values() if "csrfmiddlewaretoken" in f.sent
        )
        photo = SimpleUploadedFile("spot.jpg", picture_bytes((800, 600), color=color), "image/jpeg")
        answer = self.client.post(url, {"photo": photo}, headers={"X-CSRFToken": key})
        assert answer.status_code == 201, answer.content
        return str(answer.json()["id"])

    def order(self, number: str) -> Any:
        """The order's page."""
        return self.open(reverse("cases:detail", args=[number]))

    def act(self, number: str, action: str, *, photo: bool = False, status: int = 302, **typed: Any) -> Any:
        """Press an order's button: in place where its form stands on the page, else by its own page."""
        url = reverse("cases:act", args=[number, action])
        page = self.order(number)
        if url not in forms_on(page, ""):
            assert f'href="{url}' in page.content.decode(), f"no button for {action}"
            page = self.open(url)
        if photo:
            typed["photos"] = [self.photograph(page)]
        return self.send(page, url, status=status, **typed)


def errors_in(response: Any) -> Any:
    """What a refused form says."""
    form = response.context.get("form") if response.context else None
    return form.errors if form is not None else ""


def report_by_page(visitor: Visitor, *, photo: bool = True, **typed: Any) -> Case:
    """Report an incident by the phone page; `typed` has matter, position and words."""
    url = reverse("cases:report")
    page = visitor.open(url)
    if photo:
        typed["photos"] = [visitor.photograph(page)]
    answer = visitor.send(page, url, **typed)
    told = visitor.client.get(answer.url)
    number = answer.url.rstrip("/").split("/")[-2]
    assert number in told.content.decode()
    return Case.objects.get(number=number)


@dataclass
class Reader:
    """Somebody who reads the dashboard of a place, number by number."""

    visitor: Visitor
    place: Place

    def doors(self) -> dict[str, Door]:
        """Every count on the page, by the part that it counts."""
        page = self.visitor.open(reverse("dashboard:overview"), place=self.place.code, **NOVEMBER)
        text = unescape(page.content.decode())
        found: dict[str, Door] = {}
        for figure in (*page.context["tiles"], *page.context["others"]):
            for door in figure.parts:
                assert f'href="{door.url}"' in text
                part = parse_qs(urlsplit(door.url).query)["part"][0]
                assert found.setdefault(part, door).count == door.count
        return found

    def numbers(self, door: Door) -> set[str]:
        """The orders that a count opens, exactly as many as it says."""
        page = self.visitor.open(door.url)
        numbers = {case.number for case in page.context["page"].rows}
        text = page.content.decode()
        assert all(number in text for number in numbers)
        assert len(numbers) == page.context["page"].total == door.count
        return numbers


@dataclass
class Watch:
    """Dashboards before and after: which counts have moved, and the orders that came into their lists."""

    readers: Mapping[str, Reader]
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    lists: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, reader in self.readers.items():
            doors = reader.doors()
            self.counts[name] = {part: door.count for part, door in doors.items()}
            self.lists[name] = {part: reader.numbers(door) for part, door in doors.items()}

    def moved(self) -> dict[str, dict[str, set[str]]]:
        """By reader and part whose count is another now: the orders that came (none went)."""
        found: dict[str, dict[str, set[str]]] = {}
        for name, reader in self.readers.items():
            changed = {p: door for p, door in reader.doors().items() if door.count != self.counts[name][p]}
            found[name] = {}
            for part, door in changed.items():
                listed, before = reader.numbers(door), self.lists[name][part]
                assert listed > before
                found[name][part] = listed - before
                self.lists[name][part], self.counts[name][part] = listed, door.count
        return found


def came(number: str, *parts: str) -> dict[str, set[str]]:
    """Exactly this order has entered these lists."""
    return {part: {number} for part in parts}
