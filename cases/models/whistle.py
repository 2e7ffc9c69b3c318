"""吹哨报到: a desk calls units, branches and members to an order, and what became of each call."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from partymembers.models import Branch, Unit, User

from .case import Case


class Whistle(models.Model):
    """One whistle on an order: what is needed and by when. One stands at a time."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="whistles", db_index=False)
    need = models.CharField(_("what is needed"), max_length=500)
    meeting_point = models.CharField(_("where to come"), max_length=200, blank=True)
    needed_by = models.DateTimeField(_("needed by"))
    sent_at = models.DateTimeField(_("sent at"))
    sent_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(_("ended at"), null=True)

    class Meta:
        verbose_name = _("whistle")
        verbose_name_plural = _("whistles")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(ended_at__isnull=True), name="one_whistle_an_order"
            ),
        ]
        indexes = [models.Index(fields=["case", "id"], name="whistle_of_case")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.need}"


class WhistleCall(models.Model):
    """One unit, branch or member that was called: answered, came, reported."""

    class Answer(models.TextChoices):
        COMING = "coming", _("Coming")
        CANNOT = "cannot", _("Cannot come")

    whistle = models.ForeignKey(Whistle, models.PROTECT, related_name="calls")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="whistle_calls")
    branch = models.ForeignKey(Branch, models.PROTECT, null=True, related_name="whistle_calls")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="whistle_calls")
    answer = models.CharField(_("answer"), max_length=8, choices=Answer, blank=True, default="")
    answered_at = models.DateTimeField(_("answered at"), null=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    note = models.CharField(_("remark"), max_length=500, blank=True)
    came_at = models.DateTimeField(_("came at"), null=True)
    reported_at = models.DateTimeField(_("reported at"), null=True)
    report = models.CharField(_("what was done"), max_length=1000, blank=True)
    minutes = models.PositiveIntegerField(_("minutes served"), default=0)

    class Meta:
        verbose_name = _("whistle call")
        verbose_name_plural = _("whistle calls")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="call_of_one",
                condition=models.Q(unit__isnull=False, branch__isnull=True, user__isnull=True)
                | models.Q(unit__isnull=True, branch__isnull=False, user__isnull=True)
                | models.Q(unit__isnull=True, branch__isnull=True, user__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["whistle", "unit", "branch", "user"], nulls_distinct=False, name="called_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.whistle_id} {self.called}"

    @property
    def called(self) -> str:
        """Who was called."""
        return str(self.unit or self.branch or self.user)
