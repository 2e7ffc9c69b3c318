"""Phones and staff numbers as people type them."""

import pytest

from governance.common.errors import Invalid
from partymembers.phones import mobile_number, normal_identifier


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("13812345678", "13812345678"),
        ("138 1234 5678", "13812345678"),
        ("138-1234-5678", "13812345678"),
        ("+8613812345678", "13812345678"),
        ("0086 138 1234 5678", "13812345678"),
        ("（＋８６）１３８１２３４５６７８", "13812345678"),
        ("\u202d13812345678\u202c", "13812345678"),
        ("138\u200b12345678", "13812345678"),
        (" W 01 ", "W 01"),
        ("Ｗ－０１", "W-01"),
        ("", ""),
        ("\x00W01", "W01"),
    ],
)
def test_normal_identifier(typed: str, stored: str) -> None:
    assert normal_identifier(typed) == stored


@pytest.mark.parametrize(
    "typed", ["", "1381234567", "138123456789", "12345678901", "021-12345678", "٠١٢٣٤٥٦٧٨٩٠"]
)
def test_no_mobile_number(typed: str) -> None:
    with pytest.raises(Invalid) as refusal:
        mobile_number(typed)
    assert refusal.value.field == "phone"
