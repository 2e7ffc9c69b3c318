"""What stands around every page: main navigation, search, bell and account menu.

Apps register their entries once, in `AppConfig.ready`; this module knows none of them by name. A context
processor offers them lazily, so a part that htmx swaps never pays for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise, SimpleLazyObject

Text = str | Promise


def _always(_request: HttpRequest) -> bool:
    return True


def _signed_in(request: HttpRequest) -> bool:
    return request.user.is_authenticated


@dataclass(frozen=True, kw_only=True)
class NavItem:
    """One entry of the main navigation; `visible` and `badge` are asked at each full page."""

    key: str
    label: Text
    url_name: str
    icon: str
    phone: bool = False
    order: int = 100
    visible: Callable[[HttpRequest], bool] = _always
    badge: Callable[[HttpRequest], int] | None = None
    #: Names of addresses below which pages belong to this entry, for whoever has no earlier one.
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bell:
    """The notices' door: its page, the number unread, and the address that answers news as JSON."""

    url_name: str
    unread: Callable[[HttpRequest], int]
    live_url_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Search:
    """The search box of the top bar: a GET form with one parameter."""

    url_name: str
    placeholder: Text
    parameter: str = "q"
    visible: Callable[[HttpRequest], bool] = _signed_in


@dataclass(frozen=True, kw_only=True)
class AccountLink:
    """One line of the account menu."""

    label: Text
    url_name: str
    icon: str = "right"
    visible: Callable[[HttpRequest], bool] = _signed_in


@dataclass(frozen=True, kw_only=True)
class ShownItem:
    """A navigation entry as this request sees it."""

    key: str
    label: Text
    url: str
    icon: str
    phone: bool
    badge: int


@dataclass
class _Registry:
    items: dict[str, NavItem] = field(default_factory=dict)
    links: dict[str, AccountLink] = field(default_factory=dict)
    bell: Bell | None = None
    search: Search | None = None
    posts: Callable[[HttpRequest], list[str]] | None = None


registry = _Registry()


def register(*items: NavItem) -> None:
    """Add entries to the main navigation; the same key replaces, so a second start adds nothing twice."""
    for item in items:
        registry.items[item.key] = item


def register_account_link(*links: AccountLink) -> None:
    """Add lines to the account menu."""
    for link in links:
        registry.links[link.url_name] = link


def register_bell(bell: Bell) -> None:
    """Say where notices live and how many are unread."""
    registry.bell = bell


def register_search(search: Search) -> None:
    """Say what the search box of the top bar asks."""
    registry.search = search


def register_posts(posts: Callable[[HttpRequest], list[str]]) -> None:
    """Say which posts the account menu lists, one line each."""
    registry.posts = posts


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def shown_items(request: HttpRequest) -> list[ShownItem]:
    """The entries that this request may see, in order; an entry whose address does not exist is left out."""
    shown: list[ShownItem] = []
    for item in _in_order():
        url = _url(item.url_name)
        if url and item.visible(request):
            badge = item.badge(request) if item.badge else 0
            shown.append(
                ShownItem(
                    key=item.key, label=item.label, url=url, icon=item.icon, phone=item.phone, badge=badge
                )
            )
    return shown


def current_key(request: HttpRequest) -> str:
    """The key of the entry that holds this page: the longest address that begins the path.

    Where none does, the first visible entry that says it holds what lies below.
    """
    best, best_length = "", 0
    for item in registry.items.values():
        url = _url(item.url_name)
        if url and request.path.startswith(url) and len(url) > best_length:
            if url == "/" and request.path != "/":
                continue
            best, best_length = item.key, len(url)
    return best or next((item.key for item in _in_order() if _holds(item, request)), "")


def _holds(item: NavItem, request: HttpRequest) -> bool:
    below = [url for url in map(_url, item.holds) if url and request.path.startswith(url)]
    return any(request.path != url for url in below) and item.visible(request)


def _in_order() -> list[NavItem]:
    return sorted(registry.items.values(), key=lambda item: item.order)


def shown_bell(request: HttpRequest) -> dict[str, object] | None:
    """The bell for a signed-in user: address, unread count, address of news."""
    bell = registry.bell
    if bell is None or not request.user.is_authenticated:
        return None
    url = _url(bell.url_name)
    if not url:
        return None
    live = _url(bell.live_url_name) if bell.live_url_name else ""
    return {"url": url, "unread": bell.unread(request), "live_url": live}


def shown_search(request: HttpRequest) -> dict[str, object] | None:
    """The search box, where this request may search."""
    search = registry.search
    if search is None or not search.visible(request):
        return None
    url = _url(search.url_name)
    if not url:
        return None
    value = request.GET.get(search.parameter, "") if request.path == url else ""
    return {"url": url, "placeholder": search.placeholder, "parameter": search.parameter, "value": value}


def shown_account(request: HttpRequest) -> dict[str, object]:
    """Name, initial, posts and links of the account menu; empty for a visitor."""
    user = request.user
    if not user.is_authenticated:
        return {}
    name = user.get_full_name() or user.get_username()
    links = [
        {"label": link.label, "url": _url(link.url_name), "icon": link.icon}
        for link in registry.links.values()
        if link.visible(request) and _url(link.url_name)
    ]
    posts = registry.posts(request) if registry.posts else []
    return {"name": name, "initial": name[:1].upper(), "posts": posts, "links": links}


def surroundings(request: HttpRequest) -> dict[str, object]:
    """Context processor: `nav_items`, `nav_current`, `nav_bell`, `nav_search`, `nav_account`, all lazy."""
    if not hasattr(request, "user"):
        return {}
    return {
        "nav_items": SimpleLazyObject(lambda: shown_items(request)),
        "nav_current": SimpleLazyObject(lambda: current_key(request)),
        "nav_bell": SimpleLazyObject(lambda: shown_bell(request)),
        "nav_search": SimpleLazyObject(lambda: shown_search(request)),
        "nav_account": SimpleLazyObject(lambda: shown_account(request)),
    }
