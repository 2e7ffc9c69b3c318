"""What the OpenAPI document says once for all endpoints: problems, refusals, headers."""

from __future__ import annotations

from typing import Any

from governance.common.api.problems import MEDIA_TYPE, problem

Schema = dict[str, Any]

PROBLEM: Schema = {
    "type": "object",
    "description": "A refusal (RFC 9457). Programs rely on `code`; `detail` is for people.",
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "`urn:gezhi:problem:` and the code."},
        "title": {"type": "string", "description": "The name of the status, in English."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "description": "What is wrong, as a word that stays."},
        "detail": {"type": "string", "description": "What is wrong and what helps, for people."},
        "request_id": {"type": "string", "description": "Finds the request in the portal's log."},
        "errors": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/FieldError"},
            "description": "What is wrong with single fields.",
        },
    },
}
FIELD_ERROR: Schema = {
    "type": "object",
    "description": "What is wrong with one field.",
    "required": ["field", "code", "detail"],
    "properties": {
        "field": {
            "type": "string",
            "description": "Its path (`contact.phone`, `orders.3.matter`), or a parameter; empty: the whole.",
        },
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}


def _header(kind: str, description: str, **more: object) -> Schema:
    return {"description": description, "schema": {"type": kind, **more}}


HEADERS: dict[str, Schema] = {
    "RateLimit-Limit": _header("integer", "Requests a minute that this key may make.", minimum=1),
    "RateLimit-Remaining": _header("integer", "How many of them are left.", minimum=0),
    "RateLimit-Reset": _header("integer", "Seconds until the minute begins anew.", minimum=0),
    "Retry-After": _header("integer", "Seconds to wait before asking again.", minimum=0),
    "WWW-Authenticate": _header("string", "How to say who one is."),
    "Idempotent-Replayed": _header(
        "string", "Present where this is the kept answer to an earlier request with the same Idempotency-Key."
    ),
    "ETag": _header("string", "The version of this row, for If-Match."),
    "Location": _header("string", "The address of what was made.", format="uri-reference"),
}
RATE = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "A word of your own for this request, a UUID for instance. A repeat with that word and "
    "body is answered as the first was and does nothing more; with another body it is refused with 409. "
    "Known for three days.",
}

#: Status → (component, when it comes, code, detail). The words are examples: a refusal says its own.
REFUSALS: dict[str, tuple[str, str, str, str]] = {
    "400": (
        "Malformed",
        "Something sent is not right: `errors` names each field.",
        "invalid",
        "Something in what you sent is not right; see errors.",
    ),
    "401": (
        "Unknown",
        "No key, or one that is mistyped, has expired or was revoked.",
        "wrong_key",
        "This API key is not valid: it is mistyped, has expired or was revoked.",
    ),
    "403": (
        "NotAllowed",
        "The key lacks the scope (`scope_missing`), or its account may not do this.",
        "scope_missing",
        "This key lacks the scope for that.",
    ),
    "404": (
        "NotFound",
        "There is no such thing, or the account does not see it: both sound the same.",
        "not_found",
        "Not found, or not within what you may see.",
    ),
    "406": (
        "NotAcceptable",
        "`Accept` names no type that this address answers in.",
        "not_acceptable",
        "Could not satisfy the request Accept header.",
    ),
    "409": (
        "Conflict",
        "It no longer fits the state of things, or the Idempotency-Key came before with another request.",
        "wrong_state",
        "This has just been changed by somebody else, so your action did not take effect.",
    ),
    "412": (
        "ChangedSince",
        "The row has changed since it had the ETag in `If-Match`.",
        "changed_since",
        "This has changed since you read it. Read it anew, then decide.",
    ),
    "413": ("TooLarge", "The body is too large.", "too_large", "This is larger than the portal accepts."),
    "415": (
        "UnsupportedType",
        "The body is of a type that this address does not read.",
        "unsupported_media_type",
        'Unsupported media type "text/plain" in request.',
    ),
    "429": (
        "TooManyRequests",
        "The key's minute is used up, or too many wrong keys came from this address.",
        "throttled",
        "Request was throttled. Expected available in 17 seconds.",
    ),
    "503": (
        "Unavailable",
        "The database is away for a moment. Nothing was done, or it is not known: send it again as it was.",
        "unavailable",
        "The database cannot be reached just now. Please send this again in a moment.",
    ),
}
_OF_STATUS = {"401": ("WWW-Authenticate",), "429": ("Retry-After", *RATE), "503": ("Retry-After",)}
_REQUEST_ID = "3f0c1a52-5d0e-4a56-9f55-0f7f3c2f9a11"
_FIELD = {"field": "limit", "code": "invalid", "detail": "A whole number from 1 to 200."}


def reference(kind: str, name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def refusal(status: str) -> Schema:
    """The answer of a status, as operations name it."""
    return reference("responses", REFUSALS[status][0])


def headers(*names: str) -> Schema:
    """These headers, as answers name them."""
    return {name: reference("headers", name) for name in names}


def components() -> Schema:
    """Everything that operations refer to."""
    responses = {name: _response(status) for status, (name, *_rest) in REFUSALS.items()}
    return {
        "schemas": {"Problem": PROBLEM, "FieldError": FIELD_ERROR},
        "responses": responses,
        "headers": HEADERS,
        "parameters": {"IdempotencyKey": IDEMPOTENCY_KEY},
    }


def _response(status: str) -> Schema:
    _name, when, code, detail = REFUSALS[status]
    errors = [_FIELD] if status == "400" else ()
    value = problem(int(status), code=code, detail=detail, errors=errors) | {"request_id": _REQUEST_ID}
    told = {"schema": reference("schemas", "Problem"), "examples": {code: {"value": value}}}
    body: Schema = {"description": when, "content": {MEDIA_TYPE: told}}
    if names := _OF_STATUS.get(status):
        body["headers"] = headers(*names)
    return body
