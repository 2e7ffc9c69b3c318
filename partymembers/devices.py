"""Trusted devices: on their own phone a ground worker stays signed in for seven days.

Nobody at a desk, in a unit or in an officer's post may: their sessions end after half an hour idle.
"""

from __future__ import annotations

import datetime as dt
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from governance.common.browsing import SEEN
from partymembers.access import Access
from partymembers.models import GROUND_ROLES, TrustedDevice, User

#: How long a device stays trusted, counted from the sign-in; use does not lengthen it.
TRUSTED_FOR = dt.timedelta(days=7)
#: In a session: when its trust ends, in seconds of the epoch.
_TRUSTED_UNTIL = "_trusted_until"


def may_trust(access: Access) -> bool:
    """Whether this user may trust a device: every post of theirs is on the ground."""
    roles = access.place_roles()
    return bool(roles) and roles <= GROUND_ROLES and not access.unit_ids and not access.officer_roles


def is_on_a_phone(access: Access) -> bool:
    """Whether what everybody has is a phone's page: for who works on the ground or holds no post."""
    return may_trust(access) or not access.posts


def is_trusted(session: SessionBase) -> bool:
    """Whether this session belongs to a trusted device."""
    return _TRUSTED_UNTIL in session


def is_over(session: SessionBase, *, now: float) -> bool:
    """Whether a session has outlived its trust, or idled too long without any.

    The stores let sessions expire too, but a cache may be late and a row may be restored.
    """
    if is_trusted(session):
        return bool(now >= session[_TRUSTED_UNTIL])
    return is_idle(session, now=now)


def is_idle(session: SessionBase, *, now: float) -> bool:
    """Whether nobody has used the session for as long as one may idle."""
    return bool(now - session.get(SEEN, now) > settings.SESSION_COOKIE_AGE)


def trust(request: HttpRequest, user: User, *, at: dt.datetime) -> TrustedDevice:
    """Keep the session of a fresh sign-in for seven days. Who may is the caller's to check."""
    session = request.session
    session[_TRUSTED_UNTIL] = (at + TRUSTED_FOR).timestamp()
    session.set_expiry(at + TRUSTED_FOR)
    session.save()
    TrustedDevice.objects.filter(expires_at__lte=at).delete()
    return TrustedDevice.objects.create(
        user=user,
        label=device_label(request.headers.get("User-Agent", "")),
        session_key=session.session_key or "",
        trusted_at=at,
        expires_at=at + TRUSTED_FOR,
    )


def distrust(session: SessionBase) -> None:
    """Let this session idle like any other again."""
    TrustedDevice.objects.filter(session_key=session.session_key or "").delete()
    session.pop(_TRUSTED_UNTIL, None)
    session.set_expiry(None)


def forget(device: TrustedDevice) -> None:
    """End one trusted device and its session."""
    _end_session(device.session_key)
    device.delete()


def forget_all(user: User) -> None:
    """End every trusted device of the user, and their sessions."""
    for device in TrustedDevice.objects.filter(user=user):
        forget(device)


def device_label(agent: str) -> str:
    """What a person recognises their device by, e.g. `Android · Chrome`; empty when it says nothing known."""
    systems = (
        ("HarmonyOS", "HarmonyOS"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    )
    browsers = (
        ("MicroMessenger", "WeChat"),
        ("DingTalk", "DingTalk"),
        ("Edg", "Edge"),
        ("Firefox", "Firefox"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    )
    found = [next((name for mark, name in marks if mark in agent), "") for marks in (systems, browsers)]
    return " · ".join(name for name in found if name)


def _end_session(session_key: str) -> None:
    import_module(settings.SESSION_ENGINE).SessionStore(session_key).delete()
