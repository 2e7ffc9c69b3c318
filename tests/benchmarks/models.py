"""What the bare views write and read: one small table of the bench's own."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Line(models.Model):
    """A row like an order's first facts: who, when, some words."""

    owner = models.ForeignKey("partymembers.User", models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    text = models.CharField(max_length=200)

    objects: ClassVar[models.Manager[Line]] = models.Manager()

    class Meta:
        app_label = "benchmarks"
        indexes = [models.Index(fields=["owner", "-id"], name="line_of_owner")]

    def __str__(self) -> str:
        return self.text
