"""Beat, of which any number may run and exactly one is active."""

from __future__ import annotations

import logging
from typing import Any

import psycopg2
from celery.beat import Scheduler
from django.conf import settings

logger = logging.getLogger("gezhi.beat")

# Any constant will do, as long as nothing else in the database locks it.
LOCK = 7_240_501
RETRY_SECONDS = 5.0


class SingleScheduler(Scheduler):
    """Sends the due tasks only while this process holds an advisory lock of PostgreSQL.

    The lock lives as long as its connection: when the active process or its machine dies, PostgreSQL frees
    it and another takes over at its next look, seconds later. The schedule is kept in memory: see
    BEAT_SCHEDULE.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._connection: Any = None
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due and return the seconds until the next look."""
        if not self._is_active():
            return RETRY_SECONDS
        return float(super().tick(*args, **kwargs))

    def close(self) -> None:
        """Give the lock back at once, so that another need not wait."""
        self._forget()
        super().close()

    def _is_active(self) -> bool:
        try:
            if self._connection is None:
                return self._acquire()
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error as error:
            logger.warning("beat_lost_its_lock", extra={"reason": type(error).__name__})
            self._forget()
            return False
        return True

    def _acquire(self) -> bool:
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
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            row = cursor.fetchone()
        if not row or not row[0]:
            connection.close()
            return False
        self._connection = connection
        logger.info("beat_active")
        return True

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
