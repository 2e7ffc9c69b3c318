"""Phones and staff numbers as people type them, brought to the one form that is stored."""

from __future__ import annotations

import re
import unicodedata

from governance.common.phones import normalise_mobile

#: A mobile number of mainland China: 11 digits from 13 to 19.
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_PREFIX = re.compile(r"^(?:\+|00)86")
_FILLING = re.compile(r"[\s\u00ad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060-\u2069\ufeff()-]+")


def normal_identifier(typed: str) -> str:
    """A staff number or phone as stored: full-width characters made narrow; of a phone, only the 11 digits.

    Whatever does not read as a phone keeps its inner characters and only loses the blanks around it.
    """
    text = unicodedata.normalize("NFKC", typed[:200]).replace("\x00", "").strip()
    digits = _PREFIX.sub("", _FILLING.sub("", text))
    return digits if _MOBILE.fullmatch(digits) else text


def is_mobile_shape(text: str) -> bool:
    """Whether sign-in would take this text for a phone."""
    return _MOBILE.fullmatch(text) is not None


def mobile_number(typed: str) -> str:
    """A mobile number as stored. Raises Invalid that says what is wrong with it."""
    return normalise_mobile(normal_identifier(typed))
