"""`make up` itself: a copy of the checkout, brought up, hurt, and taken down."""

from __future__ import annotations

import gettext
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

from governance.stack import paths, translations, up
from governance.stack.problems import StackError
from governance.stack.waiting import WaitingRoom
from tests.conftest import ROOT, wait_for

COPIED = ("governance", "cases", "partymembers", "grids", "templates", "static", "locale", "manage.py")
OURS = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "GEZHI_TEST_DB"}


@pytest.fixture
def checkout(tmp_path):
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("vendor"))
        elif source.exists():
            shutil.copy(source, tmp_path / name)
    yield tmp_path
    for elsewhere in paths.ELSEWHERE.glob(f"{paths.fingerprint(tmp_path / 'var')}*"):
        shutil.rmtree(elsewhere)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Portal:
    """A running `up` and what it has said so far."""

    def __init__(self, checkout, **more):
        env = {name: value for name, value in os.environ.items() if name not in OURS}
        # Tests that run in the background ignore Ctrl-C, and so would what they start.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "governance.stack", "up"],
            cwd=checkout,
            env={**env, "GEZHI_DEMO": "0", **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        signal.signal(signal.SIGINT, before)
        self.lines: list[str] = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def has_said(self, text):
        return any(text in line for line in list(self.lines))

    def end(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=120)
        self.reader.join(timeout=60)
        self.process.stdout.close()
        return code


def processes_in(checkout):
    """(number, command line) of the processes that run in this checkout or name it."""
    said = subprocess.run(["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True)
    found = []
    for line in said.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        try:
            is_inside = os.readlink(f"/proc/{pid}/cwd").startswith(str(checkout))
        except OSError:
            is_inside = False
        if is_inside or str(checkout) in command:
            found.append((int(pid), command))
    return found


def test_up_serves_mends_a_crash_and_leaves_nothing(checkout):
    port = free_port()
    portal = Portal(checkout, PORT=str(port))
    try:
        wait_for(lambda: answers(port), 60)
        assert asked(port)[0] == 503  # long before it is ready
        wait_for(lambda: portal.has_said(f"Gezhi is ready at http://127.0.0.1:{port}/"), 300)
        assert up.is_serving(port)
        second = Portal(checkout, PORT=str(free_port()))
        assert second.process.wait(timeout=120) == 1
        second.reader.join(timeout=60)
        assert second.lines == [f"gezhi: something already runs from {checkout}/var: stop it first\n"]
        master = min(pid for pid, command in processes_in(checkout) if "gunicorn" in command)
        os.kill(master, signal.SIGKILL)
        wait_for(lambda: portal.has_said("web was ended by SIGKILL: starting it again in 1 s"))
        wait_for(lambda: up.is_serving(port), 180)
    finally:
        code = portal.end()
    said = "".join(portal.lines)
    assert code == 0, said
    stops = [line.split()[1] for line in portal.lines if line.startswith("Stopping ")]
    assert stops == ["web", "beat", "worker", "valkey", "postgres"]
    assert "Traceback" not in said
    wait_for(lambda: processes_in(checkout) == [])  # a killed child stays listed until somebody looks


def test_a_taken_port_is_one_line_naming_the_remedy():
    port = free_port()
    held = up.claim_port(port)
    try:
        with pytest.raises(StackError, match=rf"^port {port} is taken: .*`make up PORT={port + 1}`$"):
            up.claim_port(port)
    finally:
        held.close()


def answers(port):
    try:
        return bool(asked(port))
    except OSError:
        return False


def asked(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/")
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def test_the_port_answers_at_once_while_the_portal_is_set_up_and_then_hands_over():
    port = free_port()
    with up.claim_port(port) as listener:
        with WaitingRoom(listener), socket.create_connection(("127.0.0.1", port)):  # and one who says nothing
            for _each in range(2):
                status, headers, page = asked(port)
                assert (status, headers["Retry-After"]) == (503, "5")
                assert "格治正在准备" in page
                assert "Gezhi is being set up" in page
                assert 'http-equiv="refresh"' in page
            assert not up.is_serving(port)
            with pytest.raises(StackError, match="is taken"):
                up.claim_port(port)
        # What comes now waits for the web server, which inherits the socket.
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(b"later")
            listener.settimeout(5)
            accepted, _address = listener.accept()
            with accepted:
                assert accepted.recv(5) == b"later"


CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Accept"
msgstr "受理"
"""


def test_catalogues_are_compiled_when_they_changed(tmp_path):
    folder = tmp_path / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(CATALOGUE, encoding="utf-8")
    assert translations.compile_catalogues(tmp_path) == 1
    assert gettext.translation("django", tmp_path, ["zh_Hans"]).gettext("Accept") == "受理"
    assert translations.compile_catalogues(tmp_path) == 0
    (folder / "django.po").write_text('msgid "a\nmsgstr', encoding="utf-8")
    with pytest.raises(StackError, match=r"django\.po"):
        translations.compile_catalogues(tmp_path)


def test_a_catalogue_is_compiled_by_what_it_says_whatever_the_files_times(tmp_path):
    folder = tmp_path / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "django.po"
    source.write_text(CATALOGUE, encoding="utf-8")
    translations.compile_catalogues(tmp_path)
    source.write_text(CATALOGUE.replace("受理", "接收"), encoding="utf-8")
    os.utime(source, (0, 0))  # as a checkout may leave it: other words, and an older time
    assert translations.compile_catalogues(tmp_path) == 1
    assert gettext.GNUTranslations((folder / "django.mo").open("rb")).gettext("Accept") == "接收"
    os.utime(source)  # the same words, and a newer time
    assert translations.compile_catalogues(tmp_path) == 0
    (folder / "django.mo").write_bytes(b"no catalogue")
    assert translations.compile_catalogues(tmp_path) == 1
