"""How I am told: the inbox always, e-mail and text messages as one likes."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cases.actions.delivering import confirm_address, save_preference
from cases.gateways import GATEWAYS, Letter, Refused, Unreachable
from cases.models import DeliveryPreference, OutboundChannel
from cases.outbound import enabled_channels
from cases.web.forms.delivering import DeliveryForm
from governance.common.errors import DomainError
from governance.common.methods import require_form
from partymembers.audit import address_of
from partymembers.devices import is_on_a_phone
from partymembers.middleware import access_for
from partymembers.models import User


@login_required
@never_cache
@require_form
def notification_settings(request: HttpRequest) -> HttpResponse:
    """The form (GET), or what was chosen (POST): a new address gets a link that confirms it."""
    user = cast(User, request.user)
    kept = DeliveryPreference.objects.filter(user=user).first() or DeliveryPreference(user=user)
    form = DeliveryForm(request.POST or None, kept=kept)
    if request.method == "POST" and form.is_valid():
        choice = form.choice(get_language() or kept.language)
        try:
            token = save_preference(user=user, choice=choice, at=timezone.now(), ip=address_of(request))
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("Saved."))
            if token:
                _send_link(request, choice.address, token)
            return redirect("cases:notification_settings")
    on_phone = is_on_a_phone(access_for(request))
    context = {
        "form": form,
        "kept": kept,
        "has_channels": bool(enabled_channels()),
        "is_phone_role": on_phone,
        "base": "base_phone.html" if on_phone else "base.html",
    }
    status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
    return render(request, "cases/notification_settings.html", context, status=status)


def _send_link(request: HttpRequest, address: str, token: str) -> None:
    link = request.build_absolute_uri(reverse("cases:confirm_mail", args=[token]))
    words = _(
        "Please follow this link to have messages of Gezhi sent to this address. It is good for one day."
    )
    subject = _("Please confirm your e-mail address")
    letter = Letter(uuid4(), address, subject, f"{words}\n\n{link}\n", "", {})
    try:
        GATEWAYS[OutboundChannel.MAIL].send(letter)
    except (Refused, Unreachable):
        messages.error(request, _("The e-mail with the link could not be sent. Please save again later."))
    else:
        messages.info(request, _("We have sent you an e-mail. Please follow the link in it."))


@login_required
@never_cache
@require_safe
def confirm_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Follow the link of an e-mail: from now on messages go to its address."""
    user = cast(User, request.user)
    try:
        confirm_address(user=user, token=token, at=timezone.now(), ip=address_of(request))
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
    else:
        messages.success(request, _("Your e-mail address is confirmed."))
    return redirect("cases:notification_settings")
