"""What the relay and the people's inboxes remember."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from partymembers.models import User

from .case import Case
from .parts import CaseEvent


class ConsumerCursor(models.Model):
    """How far a registered consumer of the event log has read."""

    name = models.CharField(max_length=50, primary_key=True)
    position = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} {self.position}"


class Notification(models.Model):
    """A message in somebody's inbox: one per event and person."""

    recipient = models.ForeignKey(User, models.CASCADE, related_name="notifications")
    event = models.ForeignKey(CaseEvent, models.PROTECT, related_name="notifications")
    case = models.ForeignKey(Case, models.PROTECT, related_name="notifications")
    kind = models.CharField(max_length=30)
    is_urgent = models.BooleanField(default=False)
    #: Shown from here on; outside work time only urgent orders disturb people.
    due_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-event_id"]
        constraints = [
            models.UniqueConstraint(fields=["recipient", "event"], name="one_notification_an_event")
        ]
        indexes = [
            models.Index(fields=["recipient", "-event"], name="notification_inbox"),
            models.Index(
                fields=["recipient", "due_at"],
                name="notification_unread",
                condition=models.Q(read_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipient_id} {self.kind}"


class SavedView(models.Model):
    """A filter of the desk's list that somebody keeps."""

    user = models.ForeignKey(User, models.CASCADE, related_name="saved_views")
    name = models.CharField(_("name"), max_length=30)
    query = models.CharField(max_length=1000)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_view_a_name")]

    def __str__(self) -> str:
        return self.name
