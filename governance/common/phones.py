"""Chinese phone numbers: read as people type them, kept as eleven digits."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .errors import Invalid

MOBILE_DIGITS = 11
REGION = "CN"


def normalise_mobile(text: str) -> str:
    """The eleven digits of a mobile number of the Chinese mainland.

    Takes full-width digits, spaces, hyphens and a leading +86. Raises Invalid that says what is wrong.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    digits = re.sub(r"^(\+|00)86", "", re.sub(r"[\s\-()·.]", "", plain))
    if not digits.isascii() or not digits.isdigit():
        raise Invalid(_("A mobile number has digits only."), field="phone", code="invalid_phone")
    if len(digits) != MOBILE_DIGITS:
        raise Invalid(
            _("This has %(count)s digits; a mobile number has 11.") % {"count": len(digits)},
            field="phone",
            code="invalid_phone",
        )
    number = phonenumbers.parse(digits, REGION)
    mobile = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in mobile:
        raise Invalid(
            _("No mobile number begins like this. Please check the first digits."),
            field="phone",
            code="invalid_phone",
        )
    return digits


def is_mobile(text: str) -> bool:
    """Whether the text is a mobile number of the Chinese mainland, however it is written."""
    try:
        normalise_mobile(text)
    except Invalid:
        return False
    return True


class MobileField(forms.CharField):
    """A form field for a mobile number: brings up the number pad and cleans to eleven digits."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel", "type": "tel"})
        )
        kwargs.setdefault("max_length", 30)
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        """The eleven digits, or empty where the field may be left out."""
        text = super().clean(value)
        if not text:
            return ""
        try:
            return normalise_mobile(text)
        except Invalid as error:
            raise ValidationError(str(error.message), code=error.code) from error
