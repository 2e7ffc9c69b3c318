"""When each part of the machinery was last heard of."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """A sign of life: `beat`, or `queue:<name>` for a queue from which a worker has taken a message.

    In PostgreSQL, so that a wiped Valkey makes nobody look dead; `at` is the database's own time.
    """

    name = models.CharField(max_length=50, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at}"
