"""Files as people send them, for tests of imports."""

from __future__ import annotations

import io
from collections.abc import Iterable

from openpyxl import Workbook


def workbook(*rows: Iterable[object]) -> bytes:
    """An XLSX workbook of one sheet with these rows."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
