"""What the portal itself keeps beside its rooms: lists that somebody had written into files."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ExportJob(models.Model):
    """A list that somebody wants as a file, written in the background and kept some days.

    `user` asked for it, by `key` where it was another system. Only they fetch it.
    """

    class Kind(models.TextChoices):
        ORDERS = "orders", _("Orders")
        WISHES = "wishes", _("Wishes")
        FIGURES = "figures", _("Figures")
        MEMBERS = "members", _("Party members")

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"
        JSONL = "jsonl", "JSON Lines"

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("being written")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    #: Its name outside: nobody can guess another's.
    token = models.CharField(max_length=43, unique=True)
    user = models.ForeignKey("partymembers.User", models.CASCADE, related_name="+")
    key = models.ForeignKey("partymembers.ApiKey", models.PROTECT, null=True, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    format = models.CharField(_("format"), max_length=5, choices=Format)
    #: Parameters of the list's address → their values.
    filters = models.JSONField(default=dict)
    language = models.CharField(max_length=10)
    #: Where addresses inside the file begin.
    origin = models.CharField(max_length=200)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    #: Below MEDIA_ROOT, once the file is whole.
    file = models.CharField(max_length=100, blank=True)
    size = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    #: Why there is no file: a word and a sentence, as a refusal has them.
    error_code = models.CharField(max_length=50, blank=True)
    error = models.CharField(max_length=500, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(_("kept until"))

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        indexes = [
            models.Index(fields=["user", "-asked_at", "-id"], name="export_of_user"),
            models.Index(
                fields=["id"], name="export_unfinished", condition=models.Q(state__in=["queued", "running"])
            ),
            models.Index(fields=["expires_at"], name="export_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.format} {self.asked_at:%Y-%m-%d}"
