"""Beat, of which any number may run and exactly one is active."""

from __future__ import annotations

import logging
from typing import Any

import psycopg2
from celery.beat import Scheduler
from django.conf import settings

from governance.alive import touch

logger = logging.getLogger("gezhi.beat")

# Any constant will do, as long as nothing else in the database locks it.
LOCK = 7_240_501
RETRY_SECONDS = 4.0
#: An active beat that was not heard of for so long (seconds) is frozen or cut off: the next one takes over.
SILENT_SECONDS = 12.0

_HEAR = """
INSERT INTO cases_heartbeat (name, at) VALUES ('beat', clock_timestamp())
ON CONFLICT (name) DO UPDATE SET at = excluded.at
"""
_TAKE = "SELECT pg_try_advisory_lock(%s)"
#: Ends the connection that holds the lock, and with it the lock, if its holder has been silent for too long.
_UNSEAT = """
SELECT pg_terminate_backend(pid, 2000)
FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE locktype = 'advisory' AND classid = 0 AND objid = %s AND objsubid = 1 AND granted
    AND datname = current_database()
    AND (SELECT at FROM cases_heartbeat WHERE name = 'beat') < clock_timestamp() - make_interval(secs => %s)
"""


class SingleScheduler(Scheduler):
    """Sends the due tasks only while this process holds an advisory lock of PostgreSQL.

    The lock lives as long as its connection: when the active process dies, PostgreSQL frees it and another
    takes over at its next look, seconds later. One that lives on without working (stopped, swapped out, cut
    off) writes no heartbeat: the next one ends its connection, so that it finds itself inactive should it
    ever wake. The schedule is kept in memory: see BEAT_SCHEDULE.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._connection: Any = None
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due and return the seconds until the next look."""
        touch()
        if not self._is_active():
            return RETRY_SECONDS / settings.TASK_PACE
        return float(super().tick(*args, **kwargs))

    def close(self) -> None:
        """Give the lock back at once, so that another need not wait."""
        self._forget()
        super().close()

    def _is_active(self) -> bool:
        try:
            if self._connection is None:
                return self._acquire()
            self._ask(self._connection, _HEAR)
        except psycopg2.Error as error:
            logger.warning("beat_lost_its_lock", extra={"reason": type(error).__name__})
            self._forget()
            return False
        return True

    def _acquire(self) -> bool:
        connection = self._connect()
        try:
            has_lock = self._ask(connection, _TAKE, LOCK)
            if not has_lock and self._ask(connection, _UNSEAT, LOCK, SILENT_SECONDS):
                logger.warning("beat_unseated_a_silent_one")
                has_lock = self._ask(connection, _TAKE, LOCK)
            if has_lock:
                self._ask(connection, _HEAR)
                self._connection = connection
                logger.info("beat_active")
        finally:
            if self._connection is None:
                connection.close()
        return self._connection is not None

    @staticmethod
    def _connect() -> Any:
        database = settings.DATABASES["default"]
        connection = psycopg2.connect(
            dbname=database["NAME"],
            user=database.get("USER") or None,
            password=database.get("PASSWORD") or None,
            host=database.get("HOST") or None,
            port=database.get("PORT") or None,
            **database.get("OPTIONS", {}),
        )
        connection.autocommit = True
        return connection

    @staticmethod
    def _ask(connection: Any, query: str, *values: Any) -> Any:
        """The first value of the first row; None where there is no row."""
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
