"""What `make lint` and `make test` check, side by side; each check says one line, or why it fails.

Usage: python scripts/check.py [--tests [PYTEST ARGUMENTS]]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from governance.settings.environment import read_database  # noqa: E402
from governance.stack import console, testing, translations  # noqa: E402  the path above
from governance.stack.problems import StackError  # noqa: E402

ROOMS = ["governance", "cases", "partymembers", "grids", "tests", "scripts", "manage.py"]
PYTHON = sys.executable
BIN = Path(sys.executable).parent
# What Debian's packages are called, and where else a Chromium may be.
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
DEBIAN_PACKAGES = ["chromium", "fonts-noto-cjk", "curl"]

CHECKS: dict[str, list[str]] = {
    "types": [PYTHON, "-m", "mypy", *ROOMS],
    "format": [str(BIN / "ruff"), "format", "--check", "--output-format", "concise", *ROOMS],
    "lint": [str(BIN / "ruff"), "check", "--quiet", "--output-format", "concise", *ROOMS],
    "import contracts": [str(BIN / "lint-imports"), "--no-cache"],
    "migrations are whole": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
    "settings and models": [PYTHON, "manage.py", "check", "--fail-level", "WARNING"],
    "translations": [PYTHON, "scripts/merge_locale.py", "--check"],
}


def run_check(name: str, env: dict[str, str]) -> tuple[str, float, subprocess.CompletedProcess[str]]:
    """Run one check; its words are kept until it ends, so that checks do not talk across each other."""
    began = time.monotonic()
    done = subprocess.run(CHECKS[name], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return name, time.monotonic() - began, done


def run_checks(env: dict[str, str]) -> list[str]:
    """Run all checks, as many at a time as there are processors; return the names of those that failed."""
    names = [
        name
        for name, command in CHECKS.items()
        if not command[1].endswith(".py") or (ROOT / command[1]).exists()
    ]
    failed = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for future in as_completed([pool.submit(run_check, name, env) for name in names]):
            name, seconds, done = future.result()
            if done.returncode:
                failed.append(name)
                console.say(f"FAILED {name} ({seconds:.1f} s): {' '.join(CHECKS[name])}")
                console.say((done.stdout + done.stderr).rstrip())
            else:
                console.say(f"ok     {name} ({seconds:.1f} s)")
    return failed


def has_browser() -> bool:
    """Whether the browser tests have a browser."""
    return any(shutil.which(name) for name in CHROMIUM)


def ensure_programs() -> None:
    """Make sure that the tests have a browser with Chinese glyphs, and curl, which the API's guide calls.

    Debian's root gets the packages; anybody else is told what to install. Raises StackError where curl is
    missing, and under CI, where a missing browser must not pass for a tested one.
    """
    if has_browser() and shutil.which("curl"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        with console.step("Installing " + " and ".join(DEBIAN_PACKAGES)):
            quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for command in (["update"], ["install", "-y", "--no-install-recommends", *DEBIAN_PACKAGES]):
                subprocess.run(["apt-get", "-q", *command], env=quiet, capture_output=True, check=False)
    hint = f"on Debian `sudo apt-get install {' '.join(DEBIAN_PACKAGES)}`"
    if not shutil.which("curl"):
        raise StackError(f"the tests need curl: {hint}")
    if not has_browser() and os.environ.get("CI"):
        raise StackError(f"no browser for the browser tests: {hint}")
    if not has_browser():
        console.say(f"No browser: the browser tests are left out. To have one, {hint}")


def migrate_template(env: dict[str, str]) -> dict[str, str]:
    """Migrate the services' own database once, so that each test process copies it instead of migrating anew.

    A database that the environment names is left as it is.
    """
    if os.environ.get("DATABASE_URL"):
        return env
    migrating = {**env, "DJANGO_SETTINGS_MODULE": "governance.settings.test"}
    command = [PYTHON, "manage.py", "migrate", "--verbosity=0", "--skip-checks"]
    done = subprocess.run(command, cwd=ROOT, env=migrating, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError("the migrations fail:\n" + (done.stdout + done.stderr).rstrip())
    return env | {"GEZHI_TEST_TEMPLATE": str(read_database(env["DATABASE_URL"])["NAME"])}


def run_tests(arguments: list[str], env: dict[str, str]) -> int:
    """pytest on four processes, as tests of real workers mostly wait; its own summary is the last line."""
    command = [PYTHON, "-m", "pytest", "-n", "4", "--dist", "worksteal", *arguments]
    if not has_browser():
        command += ["-m", "not browser"]
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


def main(arguments: list[str]) -> int:
    """Run the checks and, when they pass and tests are asked for, the tests."""
    try:
        env = {**os.environ, **testing.start_services(ROOT / "var")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # tests start hundreds of programs: each would compile all
        translations.compile_catalogues(ROOT / "locale")
        checking = {**env, "DJANGO_SETTINGS_MODULE": "governance.settings.test"}
        with ThreadPoolExecutor(max_workers=1) as beside:  # the types keep one processor busy to the end
            migrating = beside.submit(migrate_template, env) if "--tests" in arguments else None
            failed = run_checks(checking)
        if failed:
            console.say(f"{len(failed)} of {len(CHECKS)} checks failed: {', '.join(failed)}")
            return 1
        if migrating is None:
            return 0
        ensure_programs()
        return run_tests(arguments[arguments.index("--tests") + 1 :], migrating.result())
    except StackError as error:
        print(f"gezhi: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        testing.stop_services()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
