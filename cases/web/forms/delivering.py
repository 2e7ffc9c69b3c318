"""How somebody wants to be told outside of the portal."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.actions.delivering import Choice
from cases.models import DeliveryPreference, OutboundChannel, Wanted
from cases.outbound import enabled_channels
from governance.common.forms import BaseForm


class DeliveryForm(BaseForm):
    """The channels that this portal has, of which orders, and the summary when work begins."""

    mail = forms.ChoiceField(label=_("By e-mail"), choices=Wanted.choices, widget=forms.RadioSelect)
    address = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        error_messages={"invalid": _("This is no e-mail address.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    sms = forms.ChoiceField(label=_("By text message"), choices=Wanted.choices, widget=forms.RadioSelect)
    digest = forms.BooleanField(
        label=_("A summary at the start of work of what came outside working time"), required=False
    )

    def __init__(self, *args: Any, kept: DeliveryPreference, **kwargs: Any) -> None:
        initial = {"mail": kept.mail, "address": kept.address, "sms": kept.sms, "digest": kept.digest}
        super().__init__(*args, initial=initial, **kwargs)
        self.kept = kept
        if OutboundChannel.MAIL not in enabled_channels():
            del self.fields["mail"], self.fields["address"]
        if OutboundChannel.SMS not in enabled_channels():
            del self.fields["sms"]

    def choice(self, language: str) -> Choice:
        """What was chosen; a channel that the portal lacks stays as it was."""
        data = self.cleaned_data
        return Choice(
            mail=Wanted(data.get("mail", self.kept.mail)),
            sms=Wanted(data.get("sms", self.kept.sms)),
            digest=data["digest"],
            address=data.get("address", self.kept.address),
            language=language,
        )
