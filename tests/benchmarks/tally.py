"""Counts what one request costs, for requests that ask for it; the others pass untouched."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

ASK = "X-Tally"
SAY = "X-Tallied"


class TallyMiddleware:
    """Answers `X-Tally: 1` with `X-Tallied: 9 3.1 12.5`: statements, milliseconds in them and in all."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if ASK not in request.headers:
            return self.get_response(request)
        statements, spent = 0, 0.0

        def count(execute: Callable[..., Any], *args: Any) -> Any:
            nonlocal statements, spent
            began = time.perf_counter()
            try:
                return execute(*args)
            finally:
                statements += 1
                spent += time.perf_counter() - began

        began = time.perf_counter()
        with connection.execute_wrapper(count):
            response = self.get_response(request)
        whole = time.perf_counter() - began
        response[SAY] = f"{statements} {spent * 1000:.2f} {whole * 1000:.2f}"
        return response
