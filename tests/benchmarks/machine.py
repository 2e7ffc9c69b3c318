"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import psycopg2

from governance.settings.environment import read_database


def machine_line(env: dict[str, str]) -> str:
    """Date, processors, Python, PostgreSQL and how durably it writes."""
    cores = len(os.sched_getaffinity(0))
    model = next(
        (line.split(":", 1)[1].strip() for line in _cpu_lines() if line.startswith("model name")),
        platform.machine(),
    )
    database = read_database(env["DATABASE_URL"])
    connection = psycopg2.connect(dbname=database["NAME"], user=database["USER"], host=database["HOST"])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('fsync'),"
            " current_setting('synchronous_commit')"
        )
        version, fsync, commit = cursor.fetchone() or ("", "", "")
    connection.close()
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores ({model}), Python {platform.python_version()}, "
        f"PostgreSQL {version} (fsync {fsync}, synchronous_commit {commit}), "
        f"load before {os.getloadavg()[2]:.1f}"
    )


def processor_seconds(roots: set[int]) -> float:
    """What these processes and their children have used of the processors; 0 where /proc is missing."""
    used = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = file.read_text().split(" ", 1)
        except OSError:  # it has just ended
            continue
        fields = rest.rpartition(")")[2].split()
        if int(pid) in roots or int(fields[1]) in roots:
            used += int(fields[11]) + int(fields[12])
    return used / os.sysconf("SC_CLK_TCK")


def _cpu_lines() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.exists() else []
