"""A wrong environment stops the start with one clear line; every settings module imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from governance.settings import environment

ROOT = Path(__file__).resolve().parent.parent.parent.parent
GOOD = {
    "SECRET_KEY": "9f8e7d6c5b4a3210-abcdefghijklmnopqrstuvwxyz-ABCDEFG",
    "ALLOWED_HOSTS": "gezhi.example.cn",
    "DATABASE_URL": "postgres://gezhi:secret@db.example.cn:5432/gezhi",
    "REDIS_URL": "redis://cache.example.cn:6379/0",
}


def load(module: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Import a settings module in a program of its own with just this environment."""
    return subprocess.run(
        [sys.executable, "-c", f"import governance.settings.{module}"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("module", ["base", "local", "test", "production"])
def test_every_settings_module_imports(module):
    done = load(module, **GOOD)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"GEZHI_PG_BINN": "/usr"}, "unknown variable GEZHI_PG_BINN; did you mean GEZHI_PG_BIN?"),
        ({"GEZHI_": "1"}, "unknown variable GEZHI_"),
        ({"PORT": "eighty"}, "PORT must be a whole number"),
        ({"PORT": "65536"}, "PORT must be a port between 1 and 65535"),
        ({"GEZHI_DEMO": "perhaps"}, "GEZHI_DEMO must be 1 or 0"),
        (
            {"DATABASE_URL": "mysql://a/b"},
            "DATABASE_URL must be like postgres://user:password@host:5432/name",
        ),
        ({"DATABASE_URL": "postgres://h:x/b"}, "DATABASE_URL has a port that is no number"),
        (
            {"REDIS_URL": "valkey"},
            "REDIS_URL must be like redis://host:6379/0 or unix:///path/valkey.sock?db=0",
        ),
        ({"GEZHI_PG_BIN": "bin"}, "GEZHI_PG_BIN must be an absolute path"),
        ({"GEZHI_KEEP_AUDIT_DAYS": "90"}, "GEZHI_KEEP_AUDIT_DAYS must be at least 184 days, or 0 for ever"),
        (
            {"GEZHI_KEEP_MESSAGES_DAYS": "7"},
            "GEZHI_KEEP_MESSAGES_DAYS must be at least 30 days, or 0 for ever",
        ),
        ({"GEZHI_LOG_LEVEL": "LOUD"}, "GEZHI_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR"),
        (
            {"CSRF_TRUSTED_ORIGINS": "gezhi.cn"},
            "CSRF_TRUSTED_ORIGINS must list origins like https://gezhi.example.cn",
        ),
    ],
)
def test_a_wrong_value_stops_every_start_with_one_line(given, line):
    done = load("local", **given)
    assert (done.returncode, done.stderr) == (2, f"gezhi: {line}\n")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"SECRET_KEY": ""}, "production needs SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "production needs a SECRET_KEY of at least 50 random characters"),
        ({"SECRET_KEY": "x" * 60}, "production needs a SECRET_KEY of at least 50 random characters"),
        ({"ALLOWED_HOSTS": ""}, "production needs ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "a.cn,*"}, "production refuses * in ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "*.a.cn"}, "production refuses * in ALLOWED_HOSTS"),
        ({"DATABASE_URL": ""}, "production needs DATABASE_URL"),
        ({"REDIS_URL": ""}, "production needs REDIS_URL"),
        ({"DEBUG": "1"}, "production refuses DEBUG"),
    ],
)
def test_production_refuses_what_is_unsafe(change, line):
    done = load("production", **{**GOOD, **change})
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"gezhi: {line}")


def test_a_refusal_never_shows_the_value():
    done = load("local", DATABASE_URL="mysql://user:hunter2@host/x")
    assert "hunter2" not in done.stderr + done.stdout


def test_manage_py_says_the_same_line_without_a_traceback():
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, "GEZHI_HOST": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_production_passes_djangos_own_deployment_checks():
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "governance.settings.production", **GOOD},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_database_address_keeps_every_part():
    assert environment.read_database("postgresql://u:p%40ss@db:5433/na%20me?sslmode=require") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "na me",
        "USER": "u",
        "PASSWORD": "p@ss",
        "HOST": "db",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


def test_the_env_file_fills_in_and_names_its_bad_line(tmp_path, capsys):
    file = tmp_path / ".env"
    file.write_text("# a comment\n\nPORT=8001\nSECRET_KEY='quoted = value'\n")
    assert environment.read_file(file) == {"PORT": "8001", "SECRET_KEY": "quoted = value"}
    file.write_text("PORT=8001\nwhat is this\n")
    with pytest.raises(environment.EnvironmentProblem):
        environment.read_file(file)
    assert capsys.readouterr().err == "gezhi: .env line 2 is not NAME=value\n"


def test_the_local_secret_is_made_once_and_closed_to_others(tmp_path):
    file = tmp_path / "var" / "secret_key"
    first = environment.local_secret(file)
    assert (len(first) >= 50, file.stat().st_mode & 0o777) == (True, 0o600)
    assert environment.local_secret(file) == first
    assert [path.name for path in file.parent.iterdir()] == ["secret_key"]


def test_the_readme_table_names_every_variable():
    rows = environment.as_markdown().splitlines()
    assert [row.split("`")[1] for row in rows[2:]] == [variable.name for variable in environment.TABLE]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (
            "smtp+tls://portal:p%40ss@mail.example.cn",
            ("mail.example.cn", 587, "portal", "p@ss", True, False),
        ),
        ("smtps://mail.example.cn", ("mail.example.cn", 465, "", "", False, True)),
        ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, "", "", False, False)),
    ],
)
def test_a_mail_server_is_one_address(value: str, told: tuple[object, ...]) -> None:
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    found = environment.Environment({"GEZHI_MAIL_URL": value})["GEZHI_MAIL_URL"]
    assert tuple(found[f"EMAIL_{name}"] for name in names) == told


@pytest.mark.parametrize(
    "given",
    [
        {"GEZHI_MAIL_URL": "mail.example.cn"},
        {"GEZHI_MAIL_URL": "smtp://mail.example.cn:x"},
        {"GEZHI_SMS_URL": "ftp://x"},
        {"GEZHI_SMS_URL": "https://sms.example.cn/v1"},
        {"GEZHI_SMS_URL": "https://sms.example.cn/v1", "GEZHI_SMS_KEY": "k"},
        {"GEZHI_SMS_TEMPLATES": "single:1,summary:2"},
    ],
)
def test_a_way_out_that_is_half_set_stops_the_start(given: dict[str, str]) -> None:
    with pytest.raises(environment.EnvironmentProblem):
        environment.Environment(given)


def test_phone_numbers_never_leave_production_in_the_clear() -> None:
    given = {
        "SECRET_KEY": "abcdefghij" * 6,
        "ALLOWED_HOSTS": "gezhi.example.cn",
        "DATABASE_URL": "postgres:///gezhi",
        "REDIS_URL": "redis://cache/0",
        "GEZHI_SMS_KEY": "k",
        "GEZHI_SMS_SECRET": "s",
    }
    environment.Environment(given | {"GEZHI_SMS_URL": "https://sms.example.cn/v1"}).require_production()
    with pytest.raises(environment.EnvironmentProblem):
        environment.Environment(given | {"GEZHI_SMS_URL": "http://sms.example.cn/v1"}).require_production()
