"""How the values of environment variables are read; each raises ValueError, in words, for a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def text(value: str) -> str:
    """Any text."""
    return value


def flag(value: str) -> bool:
    """1 or 0, also true, yes, on and their opposites."""
    if value.lower() not in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
        raise ValueError("must be 1 or 0")
    return value.lower() in {"1", "true", "yes", "on"}


def number(value: str) -> int:
    """A whole number."""
    if not value.isascii() or not value.isdigit():
        raise ValueError("must be a whole number")
    return int(value)


def port(value: str) -> int:
    """A port."""
    found = number(value)
    if not 1 <= found <= 65535:
        raise ValueError("must be a port between 1 and 65535")
    return found


def days(shortest: int) -> Callable[[str], int]:
    """A number of days, `shortest` at least, or 0."""

    def read(value: str) -> int:
        if 0 < number(value) < shortest:
            raise ValueError(f"must be at least {shortest} days, or 0 for ever")
        return number(value)

    return read


def names(value: str) -> list[str]:
    """Names, comma-separated."""
    return [name.strip() for name in value.split(",") if name.strip()]


def origins(value: str) -> list[str]:
    """Origins, comma-separated."""
    found = names(value)
    for origin in found:
        if urlsplit(origin).scheme not in {"http", "https"} or not urlsplit(origin).hostname:
            raise ValueError("must list origins like https://gezhi.example.cn")
    return found


def level(value: str) -> str:
    """A level of logging."""
    if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return value.upper()


def folder(value: str) -> Path:
    """An absolute path."""
    if not Path(value).is_absolute():
        raise ValueError("must be an absolute path")
    return Path(value)


def token(value: str) -> str:
    """A secret word that a caller brings."""
    if len(value) < 20 or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be at least 20 characters without spaces")
    return value


def tiles(value: str) -> str:
    """An address of map tiles, or nothing."""
    if value and not (value.startswith(("https://", "http://", "/")) and "{z}" in value):
        raise ValueError("must be a tile address with {z}, {x} and {y}")
    return value


def read_database(value: str) -> dict[str, Any]:
    """Django's settings of an address `postgres://user:password@host:port/name?host=/folder&sslmode=…`.

    Raises ValueError when it is not one.
    """
    parts = urlsplit(value)
    if parts.scheme not in {"postgres", "postgresql"} or len(parts.path) < 2:
        raise ValueError("must be like postgres://user:password@host:5432/name")
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", parts.hostname or "")
    try:
        port = options.pop("port", None) or parts.port or ""
    except ValueError as error:
        raise ValueError("has a port that is no number") from error
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port),
        "OPTIONS": options,
    }


def redis_address(value: str) -> str:
    """An address of Valkey or Redis."""
    parts = urlsplit(value)
    reachable = parts.path if parts.scheme == "unix" else parts.hostname
    if parts.scheme not in {"redis", "rediss", "unix"} or not reachable:
        raise ValueError("must be like redis://host:6379/0 or unix:///path/valkey.sock?db=0")
    return value


#: Schemes of a mail server's address: plain, with STARTTLS, with TLS from the first byte.
_MAIL_SCHEMES = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def read_mail(value: str) -> dict[str, Any]:
    """Django's settings of an address `smtp+tls://user:password@host:587`; ValueError if it is none."""
    parts = urlsplit(value)
    if parts.scheme not in _MAIL_SCHEMES or not parts.hostname:
        raise ValueError("must be like smtp+tls://user:password@host:587")
    try:
        port = parts.port or _MAIL_SCHEMES[parts.scheme]
    except ValueError as error:
        raise ValueError("has a port that is no number") from error
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }


def web_address(value: str) -> str:
    """An address of the web."""
    if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname:
        raise ValueError("must be an address like https://host/path")
    return value


def templates(value: str) -> dict[str, str]:
    """A template's id for each kind of message."""
    pairs = [name.partition(":") for name in names(value)]
    found = {name.strip(): identity.strip() for name, _colon, identity in pairs}
    if set(found) != {"single", "summary", "digest"} or not all(found.values()):
        raise ValueError("must be like single:ID,summary:ID,digest:ID")
    return found
