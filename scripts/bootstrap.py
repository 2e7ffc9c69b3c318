"""Makes .venv from the locked requirements, and fetches the front-end libraries; skips what is there already.

Usage: python3 scripts/bootstrap.py [portal] [checks]. Runs on the machine's own Python, before anything is
installed: standard library only. What was installed is remembered by the hash of its lock file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / ".gezhi"
LOCKS = {"portal": ROOT / "requirements.txt", "checks": ROOT / "requirements-dev.txt"}
FRONT_END = [ROOT / "package.json", ROOT / "package-lock.json", ROOT / "scripts" / "vendor_files.txt"]
OLDEST = (3, 11)
LAST_LINES = 15


class Trouble(Exception):
    """One clear line for the person."""


def load_console() -> Any:
    """The project's way of showing progress; loaded by path, since its package is not importable yet."""
    spec = importlib.util.spec_from_file_location("console", ROOT / "governance" / "stack" / "console.py")
    if spec is None or spec.loader is None:
        raise Trouble("this checkout is not whole: governance/stack/console.py is missing")
    console = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(console)
    return console


def digest(*files: Path) -> str:
    """What an installation depends on: the files' contents and this Python's version."""
    said = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for file in files:
        said.update(file.read_bytes())
    return said.hexdigest()


def is_stamped(name: str, value: str) -> bool:
    """Whether `name` was installed from just this."""
    stamp = STAMPS / name
    return stamp.is_file() and stamp.read_text() == value


def stamp(name: str, value: str) -> None:
    """Remember that `name` is installed."""
    STAMPS.mkdir(exist_ok=True)
    (STAMPS / name).write_text(value)


def run(command: list[str], what: str) -> None:
    """Run a command quietly; when it fails, show its last lines and raise Trouble."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        lines = done.stdout.decode(errors="replace").strip().splitlines()[-LAST_LINES:]
        raise Trouble("\n".join([*lines, f"gezhi: {what} failed; the lines above say why"]))


def pip_install(lock: Path) -> None:
    """Install exactly what the lock file names, each file checked against its hash."""
    run(
        [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
         "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(lock)],
        f"installing {lock.name}",
    )  # fmt: skip


def make_venv(console: Any) -> None:
    """Make .venv, or make it anew when its Python is gone or the checkout was moved."""
    wanted = f"{ROOT} {sys.version_info[0]}.{sys.version_info[1]}"
    works = PYTHON.exists() and subprocess.run([PYTHON, "-c", ""], check=False).returncode == 0
    if works and (is_stamped("location", wanted) or not (STAMPS / "location").exists()):
        stamp("location", wanted)
        return
    if importlib.util.find_spec("ensurepip") is None:
        sudo = "" if os.geteuid() == 0 else "sudo "
        raise Trouble(
            f"gezhi: {sys.executable} cannot make an environment, ensurepip is missing: "
            f"on Debian or Ubuntu run `{sudo}apt-get install python3-venv`"
        )
    with console.step(f"Python environment ({sys.version.split()[0]})"):
        run([sys.executable, "-m", "venv", "--clear", str(VENV)], "making .venv")
    stamp("location", wanted)


def install(group: str, console: Any) -> None:
    """Install a group of LOCKS unless its lock file is the one installed."""
    lock = LOCKS[group]
    value = digest(lock)
    if is_stamped(group, value):
        return
    count = sum(1 for line in lock.read_text().splitlines() if line[:1].isalnum())
    with console.step(f"Python packages, {lock.name} ({count})"):
        pip_install(lock)
    stamp(group, value)


def install_front_end(console: Any) -> None:
    """Fetch the browser's libraries unless they are there."""
    if not all(file.exists() for file in FRONT_END):
        return
    value = digest(*FRONT_END)
    if is_stamped("front-end", value) and (ROOT / "static" / "vendor").is_dir():
        return
    with console.step("Front-end libraries"):
        run([str(PYTHON), str(ROOT / "scripts" / "install_frontend.py")], "fetching the front-end libraries")
    stamp("front-end", value)


def main(groups: list[str]) -> int:
    """Bring the checkout to the state that its lock files describe."""
    if sys.version_info < OLDEST:
        print(
            f"gezhi: Python 3.11 or later is needed, {sys.executable} is {sys.version.split()[0]}",
            file=sys.stderr,
        )
        return 1
    try:
        console = load_console()
        (ROOT / "var").mkdir(exist_ok=True)
        with (ROOT / "var" / "install.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            make_venv(console)
            for group in groups:
                install(group, console)
            if "portal" in groups:
                install_front_end(console)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"gezhi: {error.filename or ROOT}: {error.strerror}; whose checkout is this?", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            print("\ngezhi: interrupted; the next start goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
