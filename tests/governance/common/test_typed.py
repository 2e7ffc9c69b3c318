"""What is sent past a form's fields becomes an id or words that PostgreSQL takes, or nothing."""

from __future__ import annotations

import pytest

from governance.common.typed import row_id, words


@pytest.mark.parametrize("typed", ["", "-1", "1.0", "٣", "²", " 7", "x", "9" * 19, "9" * 5000, "7\x00"])
def test_what_is_no_id_is_nobody_s(typed: str) -> None:
    assert row_id(typed) is None


def test_an_id_is_read() -> None:
    assert (row_id("7"), row_id("9" * 18)) == (7, 10**18 - 1)


def test_words_fit_their_column() -> None:
    assert words(" a\x00b ", most=10) == "ab"
    assert words("字" * 11, most=10) == "字" * 10
