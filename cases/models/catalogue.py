"""The two-level catalogue of matters 事项清单, its standards, and who is responsible where."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.deadlines import TimerType
from cases.workflow import Stage
from grids.models import Place
from partymembers.models import Unit


class Urgency(models.TextChoices):
    """Decides the limits of the stages beside handling, and who may be disturbed at night."""

    NORMAL = "normal", _("Normal")
    URGENT = "urgent", _("Urgent")


TIMER_CHOICES = [
    (TimerType.URGENT_HOUR.value, _("urgent hours")),
    (TimerType.WORK_HOUR.value, _("working hours")),
    (TimerType.WORK_DAY.value, _("working days")),
    (TimerType.NATURAL_DAY.value, _("natural days")),
]


class MatterClass(models.Model):
    """A major class 大类, in one half of the catalogue: components 部件 or events 事件."""

    class Section(models.TextChoices):
        COMPONENT = "component", _("Component")
        EVENT = "event", _("Event")
        WISH = "wish", _("Wish")

    section = models.CharField(_("section"), max_length=10, choices=Section)
    code = models.CharField(_("code"), max_length=10)
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        verbose_name = _("major class")
        verbose_name_plural = _("major classes")
        ordering = ["section", "code"]
        constraints = [models.UniqueConstraint(fields=["section", "code"], name="class_code_once_a_section")]

    def __str__(self) -> str:
        return self.name

    @property
    def full_code(self) -> str:
        """The code that other systems know it by, `event-01`: its own is unique in its section only."""
        return f"{self.section}-{self.code}"


class Matter(models.Model):
    """A minor class 小类: what a reporter picks. Only listed matters enter the grid 准入."""

    matter_class = models.ForeignKey(
        MatterClass, models.PROTECT, related_name="matters", verbose_name=_("major class")
    )
    code = models.CharField(_("code"), max_length=10)
    name = models.CharField(_("name"), max_length=100)
    keywords = models.CharField(
        _("everyday words"), max_length=300, blank=True, help_text=_("Separated by spaces; found by search.")
    )
    direct_dispatch = models.BooleanField(
        _("direct dispatch"), default=False, help_text=_("Accepted and dispatched without the desk.")
    )
    needs_photo = models.BooleanField(
        _("result needs a photo"), default=True, help_text=_("Off for what cannot be seen, such as noise.")
    )
    is_fallback = models.BooleanField(_("for what fits nowhere else"), default=False)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)

    class Meta:
        verbose_name = _("matter")
        verbose_name_plural = _("matters")
        ordering = ["matter_class", "code"]
        constraints = [
            models.UniqueConstraint(fields=["matter_class", "code"], name="matter_code_once_a_class")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def full_code(self) -> str:
        """The code that other systems know it by, `event-01-11`: section, major class, minor class.

        Unique in the whole list, for a minor class's own code is unique in its class only. The class must be
        loaded with it; back from a code: `cases.catalogue.matter_by_code`.
        """
        return f"{self.matter_class.full_code}-{self.code}"


class OwnerRole(models.Model):
    """A kind of owner that a standard names (所属, 各产权单位…), mapped to units per place."""

    name = models.CharField(_("name"), max_length=200, unique=True)

    class Meta:
        verbose_name = _("kind of owner")
        verbose_name_plural = _("kinds of owner")

    def __str__(self) -> str:
        return self.name


class Standard(models.Model):
    """A condition with its limit. Never edited: a new version gets a row, the old one an end."""

    matter = models.ForeignKey(Matter, models.PROTECT, related_name="standards", verbose_name=_("matter"))
    sequence = models.PositiveSmallIntegerField(_("number"), default=1)
    condition = models.TextField(_("condition to register"), blank=True)
    close_condition = models.TextField(_("condition to close"), blank=True)
    amount = models.DecimalField(_("time limit"), max_digits=7, decimal_places=2)
    timer_type = models.CharField(_("timer"), max_length=12, choices=TIMER_CHOICES)
    urgency = models.CharField(_("urgency"), max_length=10, choices=Urgency, default=Urgency.NORMAL)
    owner_role = models.ForeignKey(
        OwnerRole, models.PROTECT, null=True, blank=True, related_name="standards", verbose_name=_("owner")
    )
    owners = models.CharField(
        _("owners as the source names them"), max_length=300, blank=True, help_text=_("Shown to the desk.")
    )
    valid_from = models.DateTimeField(_("valid from"))
    valid_to = models.DateTimeField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("standard")
        verbose_name_plural = _("standards")
        ordering = ["matter", "sequence", "valid_from"]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="standard_limit_is_positive"),
            models.CheckConstraint(
                condition=models.Q(valid_to__isnull=True) | models.Q(valid_to__gt=models.F("valid_from")),
                name="standard_ends_after_it_begins",
            ),
            models.UniqueConstraint(
                fields=["matter", "sequence"],
                condition=models.Q(valid_to__isnull=True),
                name="one_standard_in_force",
            ),
        ]

    def __str__(self) -> str:
        return self.condition or str(self.matter)


class CatalogueVersion(models.Model):
    """One row with a random token, renewed by every change: processes reload their catalogue when it differs.

    Random rather than counted, so that a change that was rolled back never looks like a later one.
    """

    token = models.UUIDField(default=uuid4)

    def __str__(self) -> str:
        return str(self.token)


class Responsibility(models.Model):
    """Routing as data: (matter, or class, or kind of owner) × (place and below) → unit."""

    matter = models.ForeignKey(
        Matter,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="responsibilities",
        verbose_name=_("matter"),
    )
    matter_class = models.ForeignKey(
        MatterClass,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="responsibilities",
        verbose_name=_("major class"),
    )
    owner_role = models.ForeignKey(
        OwnerRole,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="responsibilities",
        verbose_name=_("kind of owner"),
    )
    place = models.ForeignKey(
        Place, models.PROTECT, related_name="responsibilities", verbose_name=_("place and below")
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="responsibilities", verbose_name=_("unit"))

    class Meta:
        verbose_name = _("responsibility")
        verbose_name_plural = _("responsibilities")
        constraints = [
            models.CheckConstraint(
                name="responsibility_for_one_thing",
                condition=(
                    models.Q(matter__isnull=False, matter_class__isnull=True, owner_role__isnull=True)
                    | models.Q(matter__isnull=True, matter_class__isnull=False, owner_role__isnull=True)
                    | models.Q(matter__isnull=True, matter_class__isnull=True, owner_role__isnull=False)
                ),
            ),
            models.UniqueConstraint(
                fields=["matter", "place"], condition=models.Q(matter__isnull=False), name="one_unit_a_matter"
            ),
            models.UniqueConstraint(
                fields=["matter_class", "place"],
                condition=models.Q(matter_class__isnull=False),
                name="one_unit_a_class",
            ),
            models.UniqueConstraint(
                fields=["owner_role", "place"],
                condition=models.Q(owner_role__isnull=False),
                name="one_unit_a_kind_of_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.matter or self.matter_class or self.owner_role} × {self.place} → {self.unit}"


class StagePolicy(models.Model):
    """The limit of each stage beside handling, by urgency."""

    urgency = models.CharField(_("urgency"), max_length=10, choices=Urgency)
    stage = models.CharField(
        _("stage"),
        max_length=12,
        choices=[c for c in Stage.choices if c[0] not in (Stage.HANDLE, Stage.WHOLE)],
    )
    minutes = models.PositiveIntegerField(_("limit, in minutes"))
    timer_type = models.CharField(_("timer"), max_length=12, choices=TIMER_CHOICES)

    class Meta:
        verbose_name = _("stage limit")
        verbose_name_plural = _("stage limits")
        ordering = ["urgency", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["urgency", "stage"], name="one_limit_a_stage"),
            models.CheckConstraint(condition=models.Q(minutes__gt=0), name="stage_limit_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.get_urgency_display()} {self.get_stage_display()}"


class LadderRung(models.Model):
    """A rung of the escalation ladder; empty fields mean "any"."""

    class Deed(models.TextChoices):
        REMIND = "remind", _("Remind the holder")
        LATE = "late", _("Tell holder, head and desk that it is late")
        CLIMB = "climb", _("The desk one level up takes over")
        TO_BRANCH = "to_branch", _("A wish that nobody claims is left to the branch")
        LAPSE = "lapse", _("A claim that was not begun lapses")
        CLOSE = "close", _("A delivered wish closes without a rating")

    kind = models.CharField(_("kind of order"), max_length=10, blank=True, default="")
    matter_class = models.ForeignKey(
        MatterClass,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rungs",
        verbose_name=_("major class"),
    )
    stage = models.CharField(_("stage"), max_length=12, choices=Stage, blank=True, default="")
    urgency = models.CharField(_("urgency"), max_length=10, choices=Urgency, blank=True, default="")
    percent = models.PositiveIntegerField(_("percent of the limit"))
    repeat_every = models.PositiveIntegerField(
        _("again each further percent"), default=0, help_text=_("0: once only.")
    )
    deed = models.CharField(_("what happens"), max_length=10, choices=Deed)
    is_active = models.BooleanField(_("in force"), default=True)

    class Meta:
        verbose_name = _("ladder rung")
        verbose_name_plural = _("escalation ladder")
        ordering = ["percent", "pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(percent__gt=0), name="rung_percent_positive")
        ]

    def __str__(self) -> str:
        return f"{self.percent} % {self.get_deed_display()}"
