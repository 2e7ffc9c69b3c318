"""The environment variables that Gezhi reads: one table, checked whole before anything starts.

An unknown `GEZHI_*` name or a malformed value ends the program with one line; so a typing error in a
deployment is seen at the start, not as a default that silently applies. Uses the standard library only:
the stack reads the same table before Django is there.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import values
from .values import read_database, read_mail

BASE_DIR = Path(__file__).resolve().parent.parent.parent
PREFIX = "GEZHI_"


class EnvironmentProblem(SystemExit):
    """Ends the program with one line on standard error and exit code 2."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(2)


def refuse(message: str) -> EnvironmentProblem:
    """Say `message` on standard error and return the exception that ends the program."""
    print(f"gezhi: {message}", file=sys.stderr, flush=True)
    return EnvironmentProblem(message)


@dataclass(frozen=True)
class Variable:
    """One environment variable: how it is read, what applies without it, and what it is for.

    `default` is text as an operator would write it; None means that there is no value.
    `production` marks those that the production settings refuse to do without.
    """

    name: str
    read: Callable[[str], Any]
    default: str | None
    text: str
    production: bool = False


TABLE: tuple[Variable, ...] = (
    Variable("DJANGO_SETTINGS_MODULE", values.text, "governance.settings.local", "Which settings apply."),
    Variable(
        "SECRET_KEY",
        values.text,
        None,
        "Signs sessions and links: at least 50 random characters. `make up` makes one.",
        True,
    ),
    Variable(
        "ALLOWED_HOSTS",
        values.names,
        None,
        "Host names the portal answers to, comma-separated; never `*`.",
        True,
    ),
    Variable(
        "CSRF_TRUSTED_ORIGINS",
        values.origins,
        "",
        "Origins that may post forms, such as `https://gezhi.example.cn`.",
    ),
    Variable("DEBUG", values.flag, "0", "Django's debug pages; production refuses it."),
    Variable(
        "DATABASE_URL",
        read_database,
        None,
        "PostgreSQL ≥ 15: `postgres://user:password@host:5432/name`. Unset: `make up` starts one.",
        True,
    ),
    Variable(
        "REDIS_URL",
        values.redis_address,
        None,
        "Valkey or Redis: `redis://host:6379/0`, `unix:///path?db=0`. Unset: `make up` starts one.",
        True,
    ),
    Variable("PORT", values.port, "8000", "The port of `make up`."),
    Variable(
        "GEZHI_PG_BIN",
        values.folder,
        None,
        "Folder with other PostgreSQL programs: `initdb`, `postgres`, `pg_dump`, `pg_restore`.",
    ),
    Variable(
        "GEZHI_DEMO",
        values.flag,
        "1",
        "`make up` fills an empty database with the demo city and lets live orders trickle in.",
    ),
    Variable("GEZHI_WEB_WORKERS", values.number, "2", "Web processes."),
    Variable(
        "GEZHI_WEB_THREADS", values.number, "8", "Threads (and so database connections) of each web process."
    ),
    Variable("GEZHI_TASK_WORKERS", values.number, "2", "Celery processes."),
    Variable(
        "GEZHI_MEDIA_ROOT",
        values.folder,
        None,
        "Private folder of attachments and exports; shared by all machines. Default `var/media`.",
    ),
    Variable(
        "GEZHI_KEEP_MESSAGES_DAYS",
        values.days(30),
        "365",
        "Messages go after so long; urgent ones once read.",
    ),
    Variable("GEZHI_KEEP_AUDIT_DAYS", values.days(184), "0", "Audit entries go after so long; 0: never."),
    Variable("GEZHI_ARCHIVE_ROOT", values.folder, None, "Private folder where what goes is written first."),
    Variable(
        "GEZHI_PROXIES",
        values.number,
        "0",
        "Reverse proxies in front, which set X-Forwarded-For and X-Forwarded-Proto.",
    ),
    Variable(
        "GEZHI_HSTS_SECONDS", values.number, "31536000", "How long browsers insist on HTTPS (production)."
    ),
    Variable(
        "GEZHI_MAP_TILES",
        values.tiles,
        "",
        "Base map below our polygons, `https://…/{z}/{x}/{y}.png`; empty: none.",
    ),
    Variable(
        "GEZHI_ORIGIN",
        values.web_address,
        None,
        "Where people reach the portal, `https://gezhi.example.cn`: links in e-mails. Unset: none.",
    ),
    Variable(
        "GEZHI_MAIL_URL",
        read_mail,
        None,
        "Mail server: `smtp+tls://user:password@host:587`, `smtps://…`, `smtp://…`. Unset: no e-mail.",
    ),
    Variable("GEZHI_MAIL_FROM", values.text, "gezhi@localhost", "Sender of e-mails."),
    Variable(
        "GEZHI_SMS_URL",
        values.web_address,
        None,
        "Gateway of text messages, `https://…`; needs key and secret. Unset: no text messages.",
    ),
    Variable("GEZHI_SMS_KEY", values.text, None, "Who we are to the gateway."),
    Variable("GEZHI_SMS_SECRET", values.text, None, "Signs what we send to the gateway."),
    Variable(
        "GEZHI_SMS_TEMPLATES",
        values.templates,
        "single:gezhi_single,summary:gezhi_summary,digest:gezhi_digest",
        "Ids of the templates that the gateway has registered.",
    ),
    Variable("GEZHI_LOG_LEVEL", values.level, "INFO", "DEBUG, INFO, WARNING or ERROR."),
    Variable(
        "GEZHI_SIGN_OF_LIFE",
        values.folder,
        None,
        "File that a task worker or beat touches every few seconds while it works; `make up` sets it.",
    ),
    Variable(
        "GEZHI_METRICS_TOKEN",
        values.token,
        None,
        "Opens `/metrics` and the details of `/readyz` to `Authorization: Bearer …`. Unset: closed.",
    ),
    Variable(
        "GEZHI_METRICS_FOLDER",
        values.folder,
        None,
        "Empty folder in which the web processes of a machine count request times; unset: they do not.",
    ),
    Variable("GEZHI_TEST_DB", values.text, "test_gezhi", "Name of the test database."),
    Variable(
        "GEZHI_TEST_TEMPLATE", values.text, None, "A migrated database that test databases are copied from."
    ),
)
BY_NAME: dict[str, Variable] = {variable.name: variable for variable in TABLE}


def read_file(path: Path) -> dict[str, str]:
    """The `NAME=value` lines of a `.env` file; blank lines and `#` comments aside. {} when there is none."""
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        name, equals, value = line.strip().partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals or not name.strip().isidentifier():
            raise refuse(f"{path.name} line {number} is not NAME=value")
        found[name.strip()] = value.strip().strip("\"'")
    return found


class Environment:
    """The checked values; raises EnvironmentProblem for an unknown name or a malformed value."""

    def __init__(self, given: Mapping[str, str]) -> None:
        for name in sorted(given):
            if name.startswith(PREFIX) and name not in BY_NAME:
                close = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.8)
                raise refuse(f"unknown variable {name}" + (f"; did you mean {close[0]}?" if close else ""))
        self.given = frozenset(name for name in BY_NAME if given.get(name, "") != "")
        self._values: dict[str, Any] = {}
        for variable in TABLE:
            raw = given.get(variable.name) or variable.default
            try:
                self._values[variable.name] = None if raw is None else variable.read(raw)
            except ValueError as error:
                # The value itself may be a password: name the variable and the remedy only.
                raise refuse(f"{variable.name} {error}") from None
        if self["GEZHI_SMS_URL"] and not (self["GEZHI_SMS_KEY"] and self["GEZHI_SMS_SECRET"]):
            raise refuse("GEZHI_SMS_URL needs GEZHI_SMS_KEY and GEZHI_SMS_SECRET")

    def __getitem__(self, name: str) -> Any:
        """The value of a variable of the table (typed by its reader), its default, or None."""
        return self._values[name]

    def require_production(self) -> None:
        """Refuse what must never reach the public: missing values, DEBUG, a weak secret, any host."""
        for variable in TABLE:
            if variable.production and variable.name not in self.given:
                raise refuse(f"production needs {variable.name}: {variable.text}")
        if self["DEBUG"]:
            raise refuse("production refuses DEBUG")
        if any("*" in host for host in self["ALLOWED_HOSTS"]):
            raise refuse("production refuses * in ALLOWED_HOSTS: name the hosts")
        if urlsplit(self["GEZHI_SMS_URL"] or "https:").scheme != "https":
            raise refuse("production refuses a GEZHI_SMS_URL without https: phone numbers go there")
        if len(self["SECRET_KEY"]) < 50 or len(set(self["SECRET_KEY"])) < 10:
            raise refuse("production needs a SECRET_KEY of at least 50 random characters")


def current() -> Environment:
    """The environment of this process, completed from the checkout's `.env` file."""
    return Environment({**read_file(BASE_DIR / ".env"), **os.environ})


def local_secret(path: Path) -> str:
    """This checkout's own secret key, made once and readable by its owner only."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(50))
            # A link fails when another process was quicker, and then both use that one's key.
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        return path.read_text()
    except OSError as error:
        raise refuse(f"cannot read or write {path}: {error.strerror}; whose checkout is this?") from None


def as_markdown() -> str:
    """The table for the README: `python -m governance.settings.environment` prints it."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for variable in TABLE:
        default = f"`{variable.default}`" if variable.default else "—"
        needed = " **Required in production.**" if variable.production else ""
        rows.append(f"| `{variable.name}` | {default} | {variable.text}{needed} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(as_markdown())
