"""The supervisor with children that crash, hang and end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from governance.stack.problems import StackError
from governance.stack.processes import Child, Supervisor
from tests.conftest import wait_for


@pytest.fixture
def supervisor():
    running = Supervisor()
    yield running
    running.stop(loud=False)


@pytest.fixture
def shell(tmp_path):
    """Makes a child that runs a line of shell in the test's folder."""

    def make(name, line, **more):
        return Child(name, ["/bin/sh", "-c", line], {"PATH": os.environ["PATH"]}, tmp_path, **more)

    return make


def watch(supervisor):
    thread = threading.Thread(target=supervisor.watch, daemon=True)
    thread.start()
    return thread


def written(path):
    """What a child has written so far; a child that has not come so far has written nothing."""
    return path.read_text() if path.exists() else ""


def test_lines_of_children_are_prefixed(supervisor, shell, capsys):
    supervisor.start(shell("web", "echo one; echo two >&2; exec sleep 60"))
    shown = []
    wait_for(lambda: shown.extend(capsys.readouterr().out.splitlines()) or len(shown) == 2)
    assert shown == ["web      | one", "web      | two"]


def test_a_crash_is_said_in_one_line_and_the_child_comes_back(supervisor, shell, tmp_path, capsys):
    supervisor.start(shell("worker", "echo x >> began; [ $(wc -l < began) -gt 1 ] && exec sleep 60; exit 3"))
    watch(supervisor)
    wait_for(lambda: written(tmp_path / "began").count("x") == 2)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("gezhi")]
    assert said == ["gezhi    | worker ended with exit code 3: starting it again in 1 s"]


def test_each_further_crash_waits_twice_as_long(supervisor, shell, capsys):
    supervisor.start(shell("beat", "kill -9 $$"))
    watch(supervisor)
    said = []
    wait_for(lambda: said.extend(capsys.readouterr().out.splitlines()) or len(said) == 2)
    assert said == [f"gezhi    | beat was ended by SIGKILL: starting it again in {n} s" for n in (1, 2)]


def test_a_child_that_takes_no_work_is_started_again(supervisor, shell, tmp_path):
    alive = tmp_path / "alive"
    supervisor.start(shell("worker", "echo x >> began; exec sleep 60", alive_file=alive, alive_within=300))
    wait_for(lambda: written(tmp_path / "began") == "x\n")
    watch(supervisor)
    time.sleep(0.5)
    assert written(tmp_path / "began") == "x\n"
    os.utime(alive, (time.time() - 301, time.time() - 301))
    wait_for(lambda: written(tmp_path / "began") == "x\nx\n")


def test_a_child_run_to_its_end_gives_its_code_and_all_its_lines(supervisor, shell, capsys):
    assert supervisor.run(shell("gezhi", "echo one; echo two; exit 7")) == 7
    assert capsys.readouterr().out == "gezhi    | one\ngezhi    | two\n"


def test_a_stop_interrupts_a_child_that_runs_to_its_end(supervisor, shell, tmp_path):
    begun = tmp_path / "pid"

    def stop_once_begun() -> None:
        wait_for(lambda: written(begun).endswith("\n"))
        supervisor.stopping.set()

    threading.Thread(target=stop_once_begun, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        supervisor.run(shell("gezhi", "echo $$ > pid; exec sleep 60"))
    pid = int((tmp_path / "pid").read_text())
    supervisor.stop(loud=False)
    assert not is_running(pid)


@pytest.fixture
def handler(supervisor):
    """What the supervisor does on Ctrl-C."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    supervisor.take_signals()
    yield signal.getsignal(signal.SIGTERM)
    for number, action in zip(numbers, before, strict=True):
        signal.signal(number, action)


@pytest.mark.parametrize("steps", range(12))
def test_a_stop_asked_for_in_the_midst_of_waiting_is_heard(supervisor, handler, steps):
    """The handler runs in the very thread that waits, between any two of its steps."""
    left = iter(range(steps))
    calls = []

    def trace(frame, event, arg):
        if next(left, None) is None and not calls:
            calls.append(frame.f_code.co_name)
            handler(signal.SIGTERM, frame)
        return trace

    def wait():
        sys.settrace(trace)
        supervisor.stopping.wait(0.2)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    thread.join(timeout=30)
    assert calls
    assert not thread.is_alive()
    assert supervisor.stopping.is_set()


def test_children_end_in_the_reverse_order_of_their_start(supervisor, shell, tmp_path):
    for name in ("first", "second", "third"):
        line = f"trap 'sleep 0.1; echo {name} >> ended; exit' TERM; : > {name}; while :; do sleep 0.05; done"
        supervisor.start(shell(name, line, grace=60))
    wait_for(lambda: all((tmp_path / name).exists() for name in ("first", "second", "third")))
    supervisor.stop(loud=False)
    assert (tmp_path / "ended").read_text().split() == ["third", "second", "first"]


def test_a_stubborn_child_is_killed_after_its_grace_with_its_own_children(supervisor, shell, tmp_path):
    supervisor.start(shell("stubborn", "trap '' TERM; sleep 600 & echo $! > pid; wait; sleep 600", grace=0.5))
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    grandchild = int((tmp_path / "pid").read_text())
    began = time.monotonic()
    supervisor.stop(loud=False)
    assert 0.4 < time.monotonic() - began < 60
    wait_for(lambda: not is_running(grandchild))


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed orphan may stay in the table until its new parent looks.
    stat = f"/proc/{pid}/stat"
    return not os.path.exists(stat) or open(stat).read().split(") ")[1][0] != "Z"


def test_a_child_that_dies_while_starting_is_reported_with_its_last_words(supervisor, shell, tmp_path):
    log = tmp_path / "log"
    supervisor.start(shell("postgres", "echo first; echo no space left; exit 1", log=log))
    with pytest.raises(StackError, match=r"postgres did not start: no space left \(more in .*log\)"):
        supervisor.wait_until("postgres", lambda: False, 10)


def test_a_child_that_never_answers_is_given_up(supervisor, shell):
    supervisor.start(shell("web", "exec sleep 60"))
    with pytest.raises(StackError, match="web did not answer within 0 s"):
        supervisor.wait_until("web", lambda: False, 0.2)


def test_a_program_that_is_not_there_is_one_clear_line(supervisor, tmp_path):
    with pytest.raises(StackError, match="web: cannot run /no/such/program: No such file or directory"):
        supervisor.start(Child("web", ["/no/such/program"], {}, tmp_path))
