"""Signing in and out, and one's own password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from governance.common.errors import Invalid
from governance.common.methods import require_form
from partymembers import actions, devices, lockout
from partymembers.access import access_of
from partymembers.audit import address_of, record_access
from partymembers.models import User
from partymembers.web.forms import PasswordForm, SignInForm

#: Left in a browser where somebody signed in and never signed out. It outlives the session's own cookie, so
#: that the sign-in page can say why it is there.
SIGNED_IN_COOKIE = "signed_in"
_SIGNED_IN_SECONDS = 7 * 24 * 60 * 60


@sensitive_post_parameters("password")
@never_cache
@require_form
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page."""
    if request.user.is_authenticated:
        return redirect(_next(request))
    form = SignInForm(request, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        user = form.get_user()
        assert user is not None  # noqa: S101  # a valid form has one
        return _signed_in(request, user, trust=form.cleaned_data["trust_device"])
    if request.method == "POST" and form.has_error("__all__", "no_match"):
        _record_failure(request, form.cleaned_data["username"])
    idle = bool(request.GET.get("next") and request.COOKIES.get(SIGNED_IN_COOKIE))
    context = {"form": form, "next": _asked_next(request), "idle": idle}
    return render(request, "registration/login.html", context, status=400 if form.errors else 200)


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: Mapping[str, Any] | None = None
) -> HttpResponse:
    """What django-axes shows instead of the page while a name is locked: the same for every name."""
    typed = str((credentials or {}).get("username", ""))
    retry_at = lockout.retry_at(request, typed)
    if request.user.is_authenticated:
        messages.error(request, _lock_message(retry_at))
        logout(request)
    form = SignInForm(request, initial={"username": typed})
    context = {"form": form, "locked": True, "retry_at": retry_at, "next": _asked_next(request)}
    locked = render(request, "registration/locked.html", context, status=settings.AXES_HTTP_RESPONSE_CODE)
    if retry_at is not None:
        locked["Retry-After"] = str(max(1, round((retry_at - timezone.now()).total_seconds())))
    return locked


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    if isinstance(request.user, User):
        record_access(request.user, "signed_out", request.user, address_of(request), at=timezone.now())
        devices.distrust(request.session)
        logout(request)
    response = redirect("login")
    response.delete_cookie(SIGNED_IN_COOKIE, samesite="Lax")
    return response


@sensitive_post_parameters("old_password", "new_password1", "new_password2")
@never_cache
@login_required
def password_change(request: HttpRequest) -> HttpResponse:
    """Choose one's own password; the only page open after the first sign-in."""
    assert isinstance(request.user, User)  # noqa: S101  # login_required
    form = PasswordForm(request, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            user = actions.change_password(
                user=request.user,
                password=form.cleaned_data["new_password1"],
                at=timezone.now(),
                ip=address_of(request),
            )
        except Invalid as refusal:
            form.add_domain_error(refusal)
        else:
            devices.distrust(request.session)
            update_session_auth_hash(request, user)
            messages.success(request, _("Your password is changed. Other devices are signed out."))
            return redirect("home")
    context = {"form": form, "is_first": request.user.must_change_password}
    return render(
        request, "registration/password_change_form.html", context, status=400 if form.errors else 200
    )


def _signed_in(request: HttpRequest, user: User, *, trust: bool) -> HttpResponse:
    """Rotate the session, trust the device where that is allowed, leave a trace."""
    at = timezone.now()
    url = _next(request)
    login(request, user)
    trusted = trust and devices.may_trust(access_of(user, on=timezone.localdate(at)))
    if trusted:
        devices.trust(request, user, at=at)
    elif trust:
        messages.info(request, _("This device is not kept signed in: only work on the ground allows it."))
    record_access(user, "signed_in", user, address_of(request), at=at, trusted_device=trusted)
    response = redirect(url)
    response.set_cookie(
        SIGNED_IN_COOKIE,
        "1",
        max_age=_SIGNED_IN_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _record_failure(request: HttpRequest, typed: str) -> None:
    """Write down the failure: the account where there is one, of anything else only a digest."""
    user = lockout.find_user(typed)
    record_access(
        None,
        "sign_in_failed",
        user or f"unknown:{lockout.attempt_key(request, {'username': typed})[:12]}",
        address_of(request),
        at=timezone.now(),
        locked=bool(getattr(request, "axes_locked_out", False)),
    )


def _lock_message(retry_at: Any) -> str:
    if retry_at is None:
        return _("Too many wrong attempts. Try again later.")
    return _("Too many wrong attempts. Try again at %(time)s.") % {
        "time": timezone.localtime(retry_at).strftime("%H:%M")
    }


def _asked_next(request: HttpRequest) -> str:
    """The page to go on to, if it is one of ours."""
    url = str(request.POST.get("next") or request.GET.get("next") or "")
    safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if url and safe else ""


def _next(request: HttpRequest) -> str:
    return _asked_next(request) or resolve_url("home")
