"""Where data, sockets and logs live, and as whom PostgreSQL runs.

Everything is below `<checkout>/var`, unless PostgreSQL's user cannot come there (PostgreSQL refuses to run as
root, and root's own folders are closed to others) or a socket's path would be too long. Then a folder of this
checkout elsewhere serves, and `remarks` says where and why.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .problems import StackError

# `sun_path` holds 107 bytes on Linux and 103 on macOS; the longest name in a socket folder follows it.
LONGEST_SOCKET_FOLDER = 100 - len("/pg/.s.PGSQL.5432")
# Root's own corner that everybody may pass through; only root writes there.
ELSEWHERE = Path("/var/lib/gezhi")
# PostgreSQL asks the system for its user's name, so a bare number will not do.
SERVICE_USERS = ("postgres", "nobody")


@dataclass
class Places:
    """The folders of one stack. `user` is None where PostgreSQL runs as whoever started us."""

    var: Path
    data: Path
    sockets: Path
    logs: Path
    user: str | None
    remarks: list[str] = field(default_factory=list)

    @property
    def postgres_data(self) -> Path:
        """The database cluster."""
        return self.data / "postgres"

    @property
    def postgres_socket(self) -> Path:
        """The folder of PostgreSQL's socket, closed to everybody else."""
        return self.sockets / "pg"

    @property
    def valkey_socket(self) -> Path:
        """Valkey's socket."""
        return self.sockets / "valkey" / "valkey.sock"


def fingerprint(var: Path) -> str:
    """A short name of this checkout, different for every checkout."""
    return hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:10]


def can_use(folder: Path, user: str | None) -> bool:
    """Whether `user` (None: we ourselves) can write in `folder`; tried, not computed from mode bits."""
    probe = 'cd "$1" && : > .probe && rm .probe'
    attempt = subprocess.run(
        ["/bin/sh", "-c", probe, "sh", str(folder)], user=user, capture_output=True, check=False, cwd="/"
    )
    return attempt.returncode == 0


def can_bind(folder: Path) -> bool:
    """Whether a unix socket can be made in `folder` (network and shared folders often cannot)."""
    if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER:
        return False
    path = folder / f".probe-{os.getpid()}"
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(path))
        path.unlink()
    except OSError:
        return False
    return True


def service_user(data: Path) -> str | None:
    """As whom PostgreSQL runs: the owner of its data, else for root an ordinary system user, else None."""
    if os.geteuid() != 0:
        return None
    cluster = data / "postgres"
    if cluster.exists() and cluster.stat().st_uid != 0:
        return pwd.getpwuid(cluster.stat().st_uid).pw_name
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in SERVICE_USERS:
        if name in known:
            return name
    raise StackError(
        "root cannot run PostgreSQL, and there is no user `postgres` or `nobody`: start as another user"
    )


def _make(folder: Path, mode: int, user: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    # `mkdir` leaves the mode to the umask; only what is ours is tightened.
    if folder.stat().st_uid in {os.geteuid(), 0}:
        folder.chmod(mode)
        if user:
            shutil.chown(folder, user)
    return folder


def _own(folder: Path, mode: int) -> Path:
    """A folder in a place that others may write to: it must be ours, or a fresh one is made."""
    try:
        folder.mkdir(mode=mode, parents=False, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
            folder.chmod(mode)
            return folder
    except OSError:
        pass
    fresh = Path(tempfile.mkdtemp(prefix="gezhi-", dir="/tmp"))
    fresh.chmod(mode)
    return fresh


def _data(var: Path, user: str | None, remarks: list[str]) -> Path:
    if user is None:
        return var
    cluster = _make(var / "postgres", 0o700, user)
    if can_use(cluster, user):
        return var
    if not any(cluster.iterdir()):
        cluster.rmdir()
    elsewhere = ELSEWHERE / fingerprint(var)
    _make(elsewhere.parent, 0o755)
    _make(elsewhere, 0o711)
    _make(elsewhere / "postgres", 0o700, user)
    remarks.append(f"User {user}, as whom PostgreSQL runs, cannot reach {var}: its data is in {elsewhere}")
    return elsewhere


def _sockets(var: Path, data: Path, user: str | None, remarks: list[str]) -> Path:
    mode = 0o711 if user else 0o700
    near = data / "run"
    if len(os.fsencode(near)) <= LONGEST_SOCKET_FOLDER:
        _make(near, mode)
        if can_bind(near):
            return near
    name = f"gezhi-{os.geteuid()}-{fingerprint(var)}"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    parents = [Path("/run")] if user else [Path(runtime)] if runtime else []
    parents = [
        parent for parent in parents if os.access(parent, os.W_OK | os.X_OK) and can_bind(parent / name[:4])
    ]
    parent = parents[0] if parents else Path("/tmp")  # noqa: S108  checked by _own
    chosen = _own(parent / name, mode)
    remarks.append(f"No socket fits below {var}: they are in {chosen}")
    return chosen


def arrange(var: Path) -> Places:
    """Make the folders of the stack whose files live in `var`. Raises StackError where that cannot be."""
    remarks: list[str] = []
    try:
        var.mkdir(parents=True, exist_ok=True)
        if not can_use(var, None):
            raise PermissionError(13, "not writable")
        user = service_user(var)
        data = _data(var, user, remarks)
        places = Places(
            var=var,
            data=data,
            sockets=_sockets(var, data, user, remarks),
            logs=_make(var / "log", 0o700),
            user=service_user(data),
            remarks=remarks,
        )
        _make(places.postgres_socket, 0o700, places.user)
        _make(places.valkey_socket.parent, 0o700)
    except OSError as error:
        raise StackError(
            f"cannot use {error.filename or var}: {error.strerror}; whose checkout is this?"
        ) from None
    return places
