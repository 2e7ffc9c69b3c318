"""What hangs on an order: its history, its clocks, who has a part in it, what was asked, said and shown."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.workflow import Stage, State
from partymembers.models import Unit, User

from .case import Case, Satisfaction
from .catalogue import TIMER_CHOICES


class CaseEvent(models.Model):
    """One line of an order's history: audit trail, timeline and outbox. Append-only (a trigger refuses more).

    `seq` counts within the order, given under its lock. `position` is global and gapless, given after
    commit by the relay's sequencer, so that a late commit is never skipped. Kinds: `cases.events`.
    """

    class ActorKind(models.TextChoices):
        USER = "user", _("User")
        PUBLIC = "public", _("Resident")
        SYSTEM = "system", _("System")

    case = models.ForeignKey(Case, models.PROTECT, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    position = models.BigIntegerField(null=True, unique=True)
    kind = models.CharField(max_length=30)
    version = models.PositiveSmallIntegerField(default=1)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="case_events")
    actor_kind = models.CharField(max_length=6, choices=ActorKind)
    from_state = models.CharField(max_length=12, choices=State, blank=True)
    to_state = models.CharField(max_length=12, choices=State, blank=True)
    note = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    is_imported = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["case", "seq"]
        constraints = [models.UniqueConstraint(fields=["case", "seq"], name="one_event_a_seq")]
        indexes = [
            models.Index(fields=["id"], name="event_unsequenced", condition=models.Q(position__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.case_id} #{self.seq} {self.kind}"


class Clock(models.Model):
    """How long a stage of an order may last; one row per (order, stage, round).

    `limit`, `paused_total` are in the clock's own time (`timer_type`); so is everything that moves `due_at`.
    A clock runs while `stopped_at` and `paused_at` are null.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="clocks", db_index=False)
    stage = models.CharField(max_length=12, choices=Stage)
    round = models.PositiveSmallIntegerField(default=1)
    timer_type = models.CharField(max_length=12, choices=TIMER_CHOICES)
    limit = models.DurationField()
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    warn_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)
    paused_total = models.DurationField(default=timedelta)
    extended = models.DurationField(default=timedelta, help_text=_("Granted extensions, beside the limit."))
    stopped_at = models.DateTimeField(null=True)
    used = models.DurationField(null=True, help_text=_("Clock time used when it stopped."))
    #: The ladder is done with up to here: rungs were taken, or left behind on purpose (`clocks.run_on`).
    passed_percent = models.PositiveIntegerField(default=0, db_default=0)
    next_rung_at = models.DateTimeField(null=True)
    next_rung_percent = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name = _("clock")
        verbose_name_plural = _("clocks")
        constraints = [
            models.UniqueConstraint(fields=["case", "stage", "round"], name="one_clock_a_round"),
            models.UniqueConstraint(
                fields=["case", "stage"],
                condition=models.Q(stopped_at__isnull=True),
                name="one_running_clock_a_stage",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_rung_at", "id"],
                name="clock_next_rung",
                condition=models.Q(next_rung_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.stage} {self.round}"

    def get_stage_display(self) -> str:  # type: ignore[no-redef]  # type: ignore[no-redef]  # the plugin knows Django's
        """The stage in the reader's language (see `Case.get_state_display`)."""
        return str(Stage(self.stage).label)

    @property
    def is_running(self) -> bool:
        """Neither paused nor stopped."""
        return self.paused_at is None and self.stopped_at is None


class TakenRung(models.Model):
    """A rung of the ladder that was taken: once per clock, held by the constraint."""

    clock = models.ForeignKey(Clock, models.PROTECT, related_name="taken_rungs")
    percent = models.PositiveIntegerField()
    deed = models.CharField(max_length=10)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clock", "percent", "deed"], name="each_rung_once_a_clock")
        ]

    def __str__(self) -> str:
        return f"{self.clock_id} {self.percent} %"


class QuarantinedClockQuerySet(models.QuerySet["QuarantinedClock"]):
    """Clocks that failed."""

    def waiting(self) -> QuarantinedClockQuerySet:
        """Those whose rung still has to be taken; when the stage has ended, nothing has."""
        return self.filter(resolved_at=None, clock__stopped_at=None)


class QuarantinedClock(models.Model):
    """A clock whose rung could not be taken: why, how often, since when. It is tried again by itself.

    A row stays when it is resolved, so that one sees what happened; a new failure begins it anew.
    """

    clock = models.OneToOneField(Clock, models.PROTECT, primary_key=True, related_name="quarantine")
    error = models.CharField(_("error"), max_length=300)
    times = models.PositiveIntegerField(_("times"), default=1)
    since = models.DateTimeField(_("since"))
    last_at = models.DateTimeField(_("last tried at"))
    resolved_at = models.DateTimeField(_("resolved at"), null=True)

    objects = QuarantinedClockQuerySet.as_manager()

    class Meta:
        verbose_name = _("order that cannot be escalated")
        verbose_name_plural = _("escalation quarantine")
        ordering = ["-since", "pk"]

    def __str__(self) -> str:
        return str(self.clock)


class LadderChange(models.Model):
    """An edit of the ladder, and how far the running clocks have followed it (`cases.following`).

    `position` is the last order looked at, `walks` how often all have been.
    """

    at = models.DateTimeField()
    position = models.BigIntegerField(default=0)
    walks = models.PositiveSmallIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.at} {self.position}"


class CaseUnit(models.Model):
    """A unit's part in an order. A unit that led it once may still read it (without the reporter's phone)."""

    class Part(models.TextChoices):
        LEAD = "lead", _("Lead unit")
        ASSIST = "assist", _("Assisting unit")
        FORMER = "former", _("Former unit")

    case = models.ForeignKey(Case, models.PROTECT, related_name="parts", db_index=False)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="parts")
    part = models.CharField(max_length=10, choices=Part)
    since = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "unit"], name="one_part_a_unit")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.part} {self.unit}"


class CoReporter(models.Model):
    """Somebody who says "the same one": news and a rating of their own, and no second order."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="co_reporters")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="co_reports")
    name = models.CharField(max_length=50, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    follow_token = models.CharField(max_length=43, unique=True, null=True)
    client_id = models.CharField(max_length=64, blank=True, default="")
    note = models.TextField(blank=True, max_length=2000)
    joined_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "user"], condition=models.Q(user__isnull=False), name="joins_an_order_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} + {self.name or self.user}"


class CaseRequest(models.Model):
    """A handler asks for more time or for suspension; the desk decides, against a clock."""

    class Kind(models.TextChoices):
        EXTENSION = "extension", _("Extension")
        SUSPENSION = "suspension", _("Suspension")

    case = models.ForeignKey(Case, models.PROTECT, related_name="requests")
    kind = models.CharField(max_length=10, choices=Kind)
    reason = models.TextField(max_length=2000)
    extra = models.DurationField(null=True, help_text=_("Asked extension, in the handling clock's own time."))
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    is_granted = models.BooleanField(null=True)
    note = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(decided_at__isnull=True), name="one_open_request_an_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind}"


class Feedback(models.Model):
    """Three facts: contacted, solved, and how satisfied; from a rating or a follow-up 回访."""

    class Source(models.TextChoices):
        REPORTER = "reporter", _("Reporter")
        CO_REPORTER = "co_reporter", _("Co-reporter")
        FOLLOW_UP = "follow_up", _("Follow-up")

    case = models.ForeignKey(Case, models.PROTECT, related_name="feedback")
    source = models.CharField(max_length=12, choices=Source)
    co_reporter = models.ForeignKey(CoReporter, models.PROTECT, null=True, related_name="feedback")
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    contacted = models.BooleanField(null=True)
    solved = models.BooleanField(null=True)
    satisfaction = models.CharField(max_length=12, choices=Satisfaction, blank=True)
    comment = models.TextField(blank=True, max_length=2000)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.case_id} {self.satisfaction}"


class Attachment(models.Model):
    """A picture: re-encoded, stripped of metadata, private. Its own time and place are kept as claims."""

    class Role(models.TextChoices):
        BEFORE = "before", _("Before")
        AFTER = "after", _("After")
        CHECK = "check", _("Check")
        EVIDENCE = "evidence", _("Evidence")

    token = models.CharField(max_length=43, unique=True)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="attachments")
    event = models.ForeignKey(CaseEvent, models.PROTECT, null=True, related_name="attachments")
    role = models.CharField(max_length=10, choices=Role, default=Role.BEFORE)
    uploader = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    upload_key = models.CharField(max_length=64, blank=True, db_index=True)
    file = models.FileField(upload_to="cases/%Y/%m/%d/")
    thumbnail = models.FileField(upload_to="cases/%Y/%m/%d/")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    claimed_at = models.DateTimeField(null=True)
    claimed_lng = models.FloatField(null=True)
    claimed_lat = models.FloatField(null=True)
    uploaded_at = models.DateTimeField()
    #: Only until an order claims the picture: the limit on uploads counts by it.
    upload_ip = models.GenericIPAddressField(null=True)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["pk"]
        indexes = [
            models.Index(
                fields=["uploaded_at"], name="attachment_unclaimed", condition=models.Q(case__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return self.token

    @property
    def taken_at(self) -> datetime:
        """When the camera says it was taken, else when it came in."""
        return self.claimed_at or self.uploaded_at
