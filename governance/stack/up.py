"""`make up`: the whole portal in the foreground of one terminal."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from governance.settings.environment import Environment

from . import addresses, console, services, tasks, translations
from .problems import StackError
from .processes import Child, Supervisor
from .waiting import WaitingRoom

CHECKOUT = addresses.CHECKOUT
VAR = CHECKOUT / "var"
READY_SECONDS = 90


def claim_port(port: int) -> socket.socket:
    """Listen on the port at once, so that nobody takes it while we start; gunicorn inherits the socket."""
    listener = socket.socket(socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
    except PermissionError:
        raise StackError(
            f"port {port} is reserved: choose one above 1023, as in `make up PORT=8001`"
        ) from None
    except OSError:
        raise StackError(f"port {port} is taken: choose another, as in `make up PORT={port + 1}`") from None
    return listener


def children(env: dict[str, str], settings: Environment, listener: socket.socket) -> list[Child]:
    """Task worker, beat and web, in the order of their start."""
    number = listener.fileno()
    return [
        tasks.worker(env, VAR / "worker-alive", concurrency=settings["GEZHI_TASK_WORKERS"]),
        tasks.beat(env, VAR / "beat-alive"),
        Child(
            name="web",
            command=[sys.executable, "-m", "gunicorn", "governance.wsgi:application", "--bind", f"fd://{number}",
                     "--worker-class", "gthread", "--workers", str(settings["GEZHI_WEB_WORKERS"]),
                     "--threads", str(settings["GEZHI_WEB_THREADS"]),
                     "--timeout", "60", "--graceful-timeout", "8",
                     "--no-control-socket", "--preload", "--log-level", "warning",
                     "--worker-tmp-dir", _worker_folder()],
            env={**env, "GEZHI_METRICS_FOLDER": str(_emptied(VAR / "metrics"))},
            cwd=CHECKOUT, pass_fds=(number,),
        ),
    ]  # fmt: skip


def run(given: Mapping[str, str], settings: Environment) -> int:
    """Bring the portal up, keep it up, take it down. Raises StackError for what the person can mend."""
    claim = services.Claim(VAR)
    listener = claim_port(settings["PORT"])
    supervisor = Supervisor()
    supervisor.take_signals()
    try:
        signins = VAR / "signins.txt"
        with WaitingRoom(listener):
            env = _prepare(supervisor, given, settings, signins)
        for child in children(env, settings, listener):
            supervisor.start(child)
        with console.step("Web, worker and beat"):
            supervisor.wait_until("web", lambda: is_serving(settings["PORT"]), READY_SECONDS)
        announce(settings["PORT"], signins)
        supervisor.watch()
    except KeyboardInterrupt:
        pass
    finally:
        supervisor.stop()
        addresses.withdraw()
        listener.close()
        claim.release()
    console.say("Gezhi has stopped")
    return 0


def _prepare(
    supervisor: Supervisor, given: Mapping[str, str], settings: Environment, signins: Path
) -> dict[str, str]:
    """Start the services and bring the database up to date; returns the children's environment."""
    env = {"PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "governance.settings.local", **given}
    env |= services.start(supervisor, VAR, given, programs=settings["GEZHI_PG_BIN"])
    addresses.publish({name: env[name] for name in ("DATABASE_URL", "REDIS_URL")})
    translations.compile_catalogues(CHECKOUT / "locale")
    with console.step("Database up to date"):
        command = [sys.executable, "manage.py", *_preparation(settings, signins)]
        if supervisor.run(Child("gezhi", command, env, CHECKOUT)):
            raise StackError("the database could not be brought up to date; the lines above say why")
    return env


def is_serving(port: int) -> bool:
    """Whether the portal answers its health check."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def announce(port: int, signins: Path) -> None:
    """Say where the portal is and who may sign in."""
    if signins.exists() and (text := signins.read_text(encoding="utf-8").rstrip()):
        console.say(text)
    console.say(f"Gezhi is ready at http://127.0.0.1:{port}/   (Ctrl-C stops it)")


def _preparation(settings: Environment, signins: Path) -> list[str]:
    return ["prepare_portal", "--signins", str(signins), *([] if settings["GEZHI_DEMO"] else ["--no-demo"])]


def _emptied(folder: Path) -> Path:
    """The folder without what an earlier run counted in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _worker_folder() -> str:
    """Where gunicorn's workers show that they live: in memory if possible, so that no disk delays it."""
    return next(folder for folder in ("/dev/shm", "/tmp") if os.access(folder, os.W_OK))  # noqa: S108
