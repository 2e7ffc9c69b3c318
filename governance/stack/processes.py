"""Children of one supervisor: started in order, watched, restarted, stopped in the reverse order."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from . import console, guardian
from .problems import StackError

# Seconds between a crash and the next attempt: doubled each time, back to the first after a quiet minute.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
QUIET = 60.0
LOOK_EVERY = 0.2
# What hangs rarely hears that it should end, and the other children are not watched meanwhile.
HANGING_GRACE = 5.0


@dataclass
class Child:
    """A process to run. `log` is a file for its output; without one its lines are shown prefixed, or as they
    are (`plain`), for a log collector.

    `alive_file` is touched by a child that works; older than `alive_within` seconds means that it hangs.
    """

    name: str
    command: list[str]
    env: dict[str, str]
    cwd: Path
    user: str | None = None
    log: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    pass_fds: tuple[int, ...] = ()
    alive_file: Path | None = None
    alive_within: float = 200.0
    plain: bool = False


class Flag:
    """Set once, by anybody, also by a signal handler.

    No `threading.Event`: its lock is held for a moment in each `wait`, and a handler that came in that
    moment, in the same thread, would wait for it for ever.
    """

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """From now on it is set."""
        self._is_set = True

    def is_set(self) -> bool:
        """Whether it has been set."""
        return self._is_set

    def wait(self, seconds: float = math.inf) -> bool:
        """Wait until it is set or the time is over; whether it is set."""
        ends = time.monotonic() + seconds
        while not self._is_set and (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))
        return self._is_set


@dataclass
class _Running:
    child: Child
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    pause: float = FIRST_PAUSE
    again_at: float = 0.0
    threads: list[threading.Thread] = field(default_factory=list)


class Supervisor:
    """Runs children in process groups of their own: Ctrl-C reaches us alone, and we decide the order."""

    def __init__(self) -> None:
        self._running: list[_Running] = []
        self.stopping = Flag()
        self.hurry = Flag()
        self._guardian = subprocess.Popen(
            [sys.executable, guardian.__file__], stdin=subprocess.PIPE, start_new_session=True, cwd="/"
        )

    def start(self, child: Child) -> None:
        """Start a child. Raises StackError when its program cannot be run."""
        entry = _Running(child)
        self._spawn(entry)
        self._running.append(entry)

    def run(self, child: Child) -> int:
        """Run a child to its end and return its exit code; KeyboardInterrupt when a stop is asked for."""
        self.start(child)
        entry = self._entry(child.name)
        while (code := entry.process.poll() if entry.process else 1) is None:
            if self.stopping.wait(0.02):
                raise KeyboardInterrupt
        self._running.remove(entry)
        for thread in entry.threads:
            thread.join(timeout=2)
        if entry.process:
            self._clear_group(entry.process.pid)
        return code

    def wait_until(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()`. Raises StackError when the child ends first or the time is over."""
        entry = self._entry(name)
        ends = time.monotonic() + seconds
        while not ready():
            if self.stopping.is_set():
                raise KeyboardInterrupt
            if entry.process is None or entry.process.poll() is not None:
                raise StackError(f"{name} did not start{self._last_words(entry.child)}")
            if time.monotonic() > ends:
                raise StackError(
                    f"{name} did not answer within {seconds:.0f} s{self._last_words(entry.child)}"
                )
            time.sleep(0.05)

    def take_signals(self) -> None:
        """Let Ctrl-C, SIGTERM and a closed terminal begin the orderly stop; a second one hurries it."""

        def on_signal(_number: int, _frame: object) -> None:
            if self.stopping.is_set():
                self.hurry.set()
            self.stopping.set()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Whoever started us under `nohup` wants a closed terminal to be ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, on_signal)

    def watch(self) -> None:
        """Look after the children until a stop is asked for."""
        while not self.stopping.wait(LOOK_EVERY) and not console.is_unread():
            for entry in self._running:
                self._look_at(entry)

    def stop(self, *, loud: bool = True) -> None:
        """Stop every child, the last started first, and wait for each; nothing of them remains."""
        self.stopping.set()
        for entry in reversed(self._running):
            if entry.process is not None and entry.process.poll() is None:
                if loud:
                    console.say(f"Stopping {entry.child.name}")
                self._end(entry)
            for thread in entry.threads:
                thread.join(timeout=2)
        self._running.clear()
        if self._guardian.stdin:
            with contextlib.suppress(OSError):
                self._guardian.stdin.close()
        self._guardian.wait()

    def pid(self, name: str) -> int | None:
        """The process number of a running child."""
        process = self._entry(name).process
        return process.pid if process and process.poll() is None else None

    def _entry(self, name: str) -> _Running:
        return next(entry for entry in self._running if entry.child.name == name)

    def _spawn(self, entry: _Running) -> None:
        child = entry.child
        log: IO[bytes] | None = child.log.open("ab") if child.log else None
        output = log or (None if child.plain else subprocess.PIPE)
        try:
            entry.process = subprocess.Popen(
                child.command,
                env=child.env,
                cwd=child.cwd,
                user=child.user,
                group=_group_of(child.user),
                extra_groups=[] if child.user else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
                pass_fds=child.pass_fds,
            )
        except OSError as error:
            raise StackError(f"{child.name}: cannot run {child.command[0]}: {error.strerror}") from None
        finally:
            if log:
                log.close()
        entry.began = time.monotonic()
        if child.alive_file:
            child.alive_file.touch()
        self._tell_guardian(f"+ {entry.process.pid} {int(child.stop_signal)} {child.grace}")
        if entry.process.stdout:
            thread = threading.Thread(target=_show, args=(child.name, entry.process.stdout), daemon=True)
            thread.start()
            entry.threads = [thread]

    def _look_at(self, entry: _Running) -> None:
        if entry.process is None:
            if time.monotonic() >= entry.again_at:
                self._spawn(entry)
            return
        code = entry.process.poll()
        if code is None:
            if self._hangs(entry):
                console.relay("gezhi", f"{entry.child.name} takes no work any more: starting it again")
                self._end(entry, min(entry.child.grace, HANGING_GRACE))
                entry.process, entry.again_at = None, 0.0
            return
        self._clear_group(entry.process.pid)
        if time.monotonic() - entry.began > QUIET:
            entry.pause = FIRST_PAUSE
        said = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        console.relay("gezhi", f"{entry.child.name} {said}: starting it again in {entry.pause:.0f} s")
        entry.process, entry.again_at = None, time.monotonic() + entry.pause
        entry.pause = min(entry.pause * 2, LONGEST_PAUSE)

    @staticmethod
    def _hangs(entry: _Running) -> bool:
        file = entry.child.alive_file
        return (
            file is not None
            and file.exists()
            and time.time() - file.stat().st_mtime > entry.child.alive_within
        )

    def _end(self, entry: _Running, grace: float | None = None) -> None:
        process = entry.process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, entry.child.stop_signal)
        ends = time.monotonic() + (entry.child.grace if grace is None else grace)
        while process.poll() is None and time.monotonic() < ends and not self._is_hurried(entry):
            time.sleep(0.02)
        self._clear_group(process.pid)
        process.wait()

    def _is_hurried(self, entry: _Running) -> bool:
        # Services with files of their own always get their grace: only our stateless processes are cut short.
        return self.hurry.is_set() and entry.child.log is None

    def _clear_group(self, group: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        self._tell_guardian(f"- {group}")

    def _tell_guardian(self, line: str) -> None:
        if self._guardian.stdin:
            with contextlib.suppress(OSError):
                self._guardian.stdin.write(f"{line}\n".encode())
                self._guardian.stdin.flush()

    @staticmethod
    def _last_words(child: Child) -> str:
        if child.log is None or not child.log.exists():
            return ""
        lines = [line for line in child.log.read_text(errors="replace").splitlines() if line.strip()]
        return f": {lines[-1].strip()} (more in {child.log})" if lines else f" (see {child.log})"


def _group_of(user: str | None) -> int | None:
    import pwd  # noqa: PLC0415  only root comes here

    return pwd.getpwnam(user).pw_gid if user else None


def _show(name: str, stream: IO[bytes]) -> None:
    for line in stream:
        console.relay(name, line.decode(errors="replace").rstrip("\n"))
