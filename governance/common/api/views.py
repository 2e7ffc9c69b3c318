"""The base of every endpoint: what it is for (its resource), and what its answers always carry."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from django.utils.cache import patch_vary_headers
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import BasePagination
from rest_framework.parsers import BaseParser
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from .asked import require_known
from .fields import ChosenFields
from .paging import ByCursor
from .parsers import BoundedJSON


class Endpoint(GenericAPIView[Any]):
    """One address of the API. `resource` names the scope that a key needs: `<resource>:read` or `:write`.

    Rows come from what the caller may see and from nowhere else; a view without a resource opens to no key.
    """

    #: OPTIONS would tell less than the document does.
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    resource: ClassVar[str] = ""
    #: Resources whose scope opens it as well (wishes are orders of their kind): the view narrows its rows.
    other_resources: ClassVar[tuple[str, ...]] = ()
    #: What it reads is the caller's own unfinished write, so the scope to write opens all of it.
    writes_only: ClassVar[bool] = False
    #: Reads that are written as a POST, because their input is too large for an address.
    reads_by_post: ClassVar[bool] = False
    #: Whoever is known may ask: the root, who one is. Rows are never given here.
    is_open_to_all: ClassVar[bool] = False
    #: What a read takes in its address beside what pages and the choice of fields take; nothing else passes.
    parameters: ClassVar[frozenset[str]] = frozenset()
    #: What a write takes in its address.
    parameters_of_writes: ClassVar[frozenset[str]] = frozenset()
    #: Parameters of a read that may be given more than once.
    repeatable: ClassVar[frozenset[str]] = frozenset()
    parser_classes: Sequence[type[BaseParser]] = (BoundedJSON,)
    pagination_class: type[BasePagination] | None = ByCursor
    filter_backends: Sequence[Any] = ()

    def check_permissions(self, request: Request) -> None:
        """Whether the caller may knock here; what the address does not do is 405, whoever asks."""
        if (request.method or "") not in self.allowed_methods:
            self.http_method_not_allowed(request)
        super().check_permissions(request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who calls, whether they may, and whether the address says what there is. Raises Invalid."""
        super().initial(request, *args, **kwargs)
        if request.method in SAFE_METHODS:
            self.check_parameters(request)
        else:
            require_known(request, self.parameters_of_writes)

    @classmethod
    def check_parameters(cls, request: Request, *, without: Collection[str] = ()) -> None:
        """Pass a query that this address knows, but for those `without` which it is read. Raises Invalid."""
        require_known(request, cls.known_parameters().difference(without), cls.repeatable)

    @classmethod
    def known_parameters(cls) -> frozenset[str]:
        """Every name that a read takes in its address. Lists are those that have an order."""
        known, rows = cls.parameters, cls.serializer_class
        if hasattr(cls, "order") or hasattr(cls, "order_of"):
            known |= getattr(cls.pagination_class, "parameters", frozenset())
        if isinstance(rows, type) and issubclass(rows, ChosenFields):
            known |= rows.parameters()
        return known

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Private, varying with language and key, and with what is left of the caller's rate."""
        done: Response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in getattr(request, "rate_headers", {}).items():
            done.headers[name] = value
        done.headers.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(done, ("Accept-Language", "Authorization", "Cookie"))
        return done
