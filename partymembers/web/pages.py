"""The way in after signing in, and the page about oneself."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.common.typed import row_id
from partymembers import devices
from partymembers.audit import address_of, record_access
from partymembers.landing import choose_post, current_post, home_url
from partymembers.middleware import access_for
from partymembers.models import User


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Send everybody to the page where their work begins."""
    return redirect(home_url(request))


@require_safe
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """My page: posts, phone, trusted devices, language, sign-out."""
    assert isinstance(request.user, User)  # noqa: S101  # login_required
    access = access_for(request)
    is_phone_role, posts = devices.is_on_a_phone(access), access.posts
    context = {
        "base": "base_phone.html" if is_phone_role else "base.html",
        "posts": posts,
        # Staff whose post ended still have a security officer; who never held one is a resident.
        "is_resident": not posts and not request.user.posts.exists(),
        "current": current_post(request),
        "devices": request.user.trusted_devices.filter(expires_at__gt=timezone.now()),
        "session_key": request.session.session_key,
        "is_phone_role": is_phone_role,
        "may_trust": devices.may_trust(access),
    }
    return render(request, "partymembers/profile.html", context)


@require_POST
@login_required
def switch_post(request: HttpRequest) -> HttpResponse:
    """Work in another of one's posts."""
    chosen = row_id(request.POST.get("post", ""))
    if chosen is None or not choose_post(request, chosen):
        raise Http404
    return redirect("home")


@require_POST
@login_required
def forget_device(request: HttpRequest, device_id: int) -> HttpResponse:
    """Sign another trusted device out; the one in hand merely loses its seven days."""
    assert isinstance(request.user, User)  # noqa: S101  # login_required
    device = request.user.trusted_devices.filter(pk=device_id).first()
    if device is None:
        raise Http404
    if device.session_key == request.session.session_key:
        devices.distrust(request.session)  # the hand that holds it: it may idle like any other from now on
    else:
        devices.forget(device)
    record_access(request.user, "device_forgotten", request.user, address_of(request), at=timezone.now())
    messages.success(request, _("The device is no longer trusted."))
    return redirect("profile")
