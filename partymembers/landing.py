"""Which page a user lands on, and the post that they currently work in.

The current post chooses the landing page and the navigation. It never widens or narrows what they reach.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from partymembers.access import HeldPost
from partymembers.middleware import access_for
from partymembers.models import BRANCH_ROLES, DESK_ROLES, GROUND_ROLES, OFFICER_ROLES, UNIT_ROLES, Role
from partymembers.registered import is_registered

CURRENT_POST = "current_post"

_LANDINGS: tuple[tuple[frozenset[Role], str], ...] = (
    (GROUND_ROLES, "cases:today"),
    (DESK_ROLES, "cases:desk"),
    (UNIT_ROLES, "cases:handling"),
    (BRANCH_ROLES, "party:branches"),
    (frozenset({Role.OFFICIAL}), "dashboard:overview"),
    (OFFICER_ROLES, "admin:index"),
)


def landing_of(role: Role) -> str:
    """The name of the page where a day in this role begins."""
    return next(name for roles, name in _LANDINGS if role in roles)


def current_post(request: HttpRequest) -> HeldPost | None:
    """The post chosen in this session if it is still held, else the first; None for somebody without any."""
    posts = access_for(request).posts
    chosen = request.session.get(CURRENT_POST)
    return next((post for post in posts if post.post_id == chosen), posts[0] if posts else None)


def choose_post(request: HttpRequest, post_id: int) -> bool:
    """Work in another of one's posts from now on; False when it is not the user's."""
    held = any(post.post_id == post_id for post in access_for(request).posts)
    if held:
        request.session[CURRENT_POST] = post_id
    return held


def home_url(request: HttpRequest) -> str:
    """Where `/` leads: the page of the current post, else of another.

    Without any: the wish wall for members and volunteers, one's own reports for everybody else.
    """
    current = current_post(request)
    posts = ([current] if current else []) + [post for post in access_for(request).posts if post != current]
    for name in [landing_of(post.role) for post in posts] or [
        "cases:wishes" if is_registered(request.user) else "cases:mine"
    ]:
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    return reverse("profile")
