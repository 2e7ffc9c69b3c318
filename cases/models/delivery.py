"""What the relay and the people's inboxes remember."""

from __future__ import annotations

import uuid

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


class StuckEvent(models.Model):
    """An event that a consumer could not handle, or that waits behind such a one of the same order.

    The first of an order is tried again at `next_try_at`, until it is given up (`dead_at`); those behind it
    have neither, and the error and tries of none. The row goes when the event has been handled or skipped.
    """

    consumer = models.CharField(_("reader"), max_length=50)
    event = models.ForeignKey(
        CaseEvent, models.PROTECT, related_name="+", db_index=False, verbose_name=_("event")
    )
    case = models.ForeignKey(Case, models.PROTECT, related_name="+", db_index=False, verbose_name=_("order"))
    position = models.BigIntegerField(_("position in the log"))
    error = models.CharField(_("error"), max_length=300, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    since = models.DateTimeField(_("since"))
    next_try_at = models.DateTimeField(_("next try at"), null=True)
    dead_at = models.DateTimeField(_("given up at"), null=True)

    class Meta:
        verbose_name = _("event set aside")
        verbose_name_plural = _("events set aside")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["consumer", "event"], name="stuck_once_a_consumer")]
        indexes = [
            models.Index(fields=["consumer", "case", "position"], name="stuck_behind"),
            models.Index(
                fields=["consumer", "next_try_at"],
                name="stuck_due",
                condition=models.Q(next_try_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} {self.position}"


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


class OutboundChannel(models.TextChoices):
    """A way out of the portal."""

    MAIL = "mail", _("E-mail")
    SMS = "sms", _("Text message")


class Wanted(models.TextChoices):
    """Of which orders somebody wants to be told on a channel."""

    NONE = "none", _("Never")
    URGENT = "urgent", _("Urgent orders only")
    ALL = "all", _("All orders")


class DeliveryPreference(models.Model):
    """How somebody wants to be told outside of the portal. Without a row: not at all."""

    user = models.OneToOneField(
        User, models.CASCADE, primary_key=True, related_name="delivery_preference", verbose_name=_("user")
    )
    mail = models.CharField(_("E-mail"), max_length=6, choices=Wanted, default=Wanted.NONE)
    sms = models.CharField(_("Text message"), max_length=6, choices=Wanted, default=Wanted.NONE)
    #: Of what happens outside working time: one message when work begins, or none.
    digest = models.BooleanField(_("summary at the start of work"), default=True)
    language = models.CharField(_("language"), max_length=10, default="zh-hans")
    #: Used only once its owner has followed the link that was sent to it.
    address = models.EmailField(_("e-mail address"), blank=True)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True)
    asked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("delivery preference")
        verbose_name_plural = _("delivery preferences")

    def __str__(self) -> str:
        return str(self.user_id)


class OutboundMessage(models.Model):
    """One message that leaves the portal: about one event, or a summary of several (its deliveries).

    `key` is what the receiver knows a repeat by. A sender takes a message by moving `next_try_at` on; it
    is over when it was sent, given up, or dropped since nobody may be told any more.
    """

    class Kind(models.TextChoices):
        SINGLE = "single", _("One event")
        SUMMARY = "summary", _("Several at once")
        DIGEST = "digest", _("Start of work")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Sent out")
        DEAD = "dead", _("Given up")
        DROPPED = "dropped", _("Not needed any more")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    recipient = models.ForeignKey(
        User, models.CASCADE, related_name="+", db_index=False, verbose_name=_("recipient")
    )
    channel = models.CharField(_("way out"), max_length=4, choices=OutboundChannel)
    kind = models.CharField(_("kind"), max_length=7, choices=Kind)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.WAITING)
    made_at = models.DateTimeField(_("made at"))
    next_try_at = models.DateTimeField(_("next try at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    error = models.CharField(_("error"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("outbound message")
        verbose_name_plural = _("outbound messages")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["recipient", "channel", "made_at"], name="outbound_recent"),
            models.Index(
                fields=["channel", "next_try_at"], name="outbound_due", condition=models.Q(state="waiting")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.key}"


class Delivery(models.Model):
    """That somebody is told of an event on a channel: once, by constraint. It goes out in `message`."""

    class Held(models.TextChoices):
        """Why it waits: outside working time, or because many went out a moment ago."""

        NO = "", ""
        QUIET = "quiet", _("outside working time")
        MANY = "many", _("many at once")

    recipient = models.ForeignKey(User, models.CASCADE, related_name="deliveries", db_index=False)
    event = models.ForeignKey(CaseEvent, models.PROTECT, related_name="deliveries", db_index=False)
    channel = models.CharField(max_length=4, choices=OutboundChannel)
    is_urgent = models.BooleanField(default=False)
    held = models.CharField(max_length=5, choices=Held, blank=True)
    due_at = models.DateTimeField()
    message = models.ForeignKey(OutboundMessage, models.CASCADE, null=True, related_name="deliveries")

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "event", "channel"], name="one_delivery_an_event_and_channel"
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="delivery_unbundled", condition=models.Q(message__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.recipient_id} {self.event_id} {self.channel}"


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
