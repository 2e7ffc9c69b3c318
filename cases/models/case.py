"""The order 工单. What hangs on it: `cases.models.parts`."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.querysets import CaseQuerySet
from cases.workflow import OPEN_STATES, UNROUTED_STATES, WISH_OPEN_STATES, Kind, Stage, State
from grids.models import Compound, Place
from partymembers.models import Unit, User

from .catalogue import Matter, Standard, Urgency


class Channel(models.TextChoices):
    """Where an order came from."""

    GRID_WORKER = "grid_worker", _("Grid worker")
    RESIDENT = "resident", _("Resident")
    HOTLINE = "hotline", _("12345 hotline")
    SENSOR = "sensor", _("Video or sensor")
    ABOVE = "above", _("Assigned from above")
    PATROL = "patrol", _("Patrol")


class Satisfaction(models.TextChoices):
    """Three faces, no stars."""

    SATISFIED = "satisfied", _("Satisfied")
    BASICALLY = "basically", _("Basically satisfied")
    DISSATISFIED = "dissatisfied", _("Dissatisfied")


def _area(related: str) -> models.ForeignKey[Place | None, Place | None]:
    return models.ForeignKey(
        Place, models.PROTECT, null=True, editable=False, related_name=related, db_index=False
    )


class Case(models.Model):
    """One order. Only `cases.actions` write it; every change appends a `CaseEvent`.

    `place` is where it happened (the deepest known place down to the grid), `desk` who holds it.
    The ids of every level are copied here so that each level's list and total is one index away;
    `reported_*` keep the place at report time for ever (registration figures).
    """

    #: No column: whether a report or wish came again, and this is the order that it made the first time.
    came_before = False

    number = models.CharField(_("order number"), max_length=20, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.INCIDENT)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.REPORTED)
    channel = models.CharField(_("channel"), max_length=12, choices=Channel)
    # Spared indexes (`db_index=False`): each is written with every report and most actions. Where one below
    # begins with the same column (matter, unit, reporter), or nobody asks (standard, finisher), it is spared.
    matter = models.ForeignKey(
        Matter, models.PROTECT, related_name="cases", verbose_name=_("matter"), db_index=False
    )
    standard = models.ForeignKey(
        Standard, models.PROTECT, null=True, related_name="cases", verbose_name=_("standard"), db_index=False
    )
    standard_is_final = models.BooleanField(default=False)
    urgency = models.CharField(_("urgency"), max_length=10, choices=Urgency, default=Urgency.NORMAL)
    description = models.TextField(_("description"), blank=True, max_length=2000)
    address = models.CharField(_("address"), max_length=200, blank=True)
    lng = models.FloatField(_("longitude"), null=True)
    lat = models.FloatField(_("latitude"), null=True)
    accuracy_m = models.FloatField(null=True)
    outside_grid = models.BooleanField(_("outside every grid"), default=False)

    place = models.ForeignKey(Place, models.PROTECT, related_name="cases", verbose_name=_("place"))
    desk = models.ForeignKey(Place, models.PROTECT, related_name="held_cases", verbose_name=_("desk"))
    city = _area("+")
    district = _area("+")
    street = _area("+")
    community = _area("+")
    grid = _area("+")
    building = _area("+")
    compound = models.ForeignKey(
        Compound, models.PROTECT, null=True, related_name="cases", verbose_name=_("compound")
    )
    reported_place = models.ForeignKey(
        Place, models.PROTECT, related_name="+", editable=False, db_index=False
    )
    reported_city = _area("+")
    reported_district = _area("+")
    reported_street = _area("+")
    reported_community = _area("+")
    reported_grid = _area("+")

    unit = models.ForeignKey(
        Unit,
        models.PROTECT,
        null=True,
        related_name="led_cases",
        verbose_name=_("lead unit"),
        db_index=False,
    )
    handler = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="handled_cases", verbose_name=_("handler")
    )
    finisher = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", editable=False, db_index=False
    )
    suggested_unit = models.ForeignKey(
        Unit,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("suggested unit"),
        db_index=False,
    )
    route_reason = models.JSONField(default=dict, blank=True)
    routed_at = models.DateTimeField(null=True)

    reporter = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        related_name="reported_cases",
        verbose_name=_("reporter"),
        db_index=False,
    )
    reporter_name = models.CharField(_("reporter's name"), max_length=50, blank=True)
    reporter_phone = models.CharField(_("reporter's phone"), max_length=20, blank=True)
    reporter_verified = models.BooleanField(default=False)
    follow_token = models.CharField(max_length=43, unique=True, null=True)
    client_id = models.CharField(max_length=110, blank=True, default="")
    device_time = models.DateTimeField(null=True)

    reported_at = models.DateTimeField(_("reported at"))
    accepted_at = models.DateTimeField(_("accepted at"), null=True)
    dispatched_at = models.DateTimeField(_("dispatched at"), null=True)
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True)
    handled_at = models.DateTimeField(_("handled at"), null=True)
    closed_at = models.DateTimeField(_("closed at"), null=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)
    due_at = models.DateTimeField(_("due at"), null=True)
    handling_time = models.DurationField(
        null=True, help_text=_("Reported to closed, in the clock's own time.")
    )

    #: Of the running clock that is due first; what every list is ordered by.
    next_due_at = models.DateTimeField(null=True)
    next_warn_at = models.DateTimeField(null=True)
    next_stage = models.CharField(max_length=12, choices=Stage, blank=True, default="")

    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="merged_cases")
    resolved_on_spot = models.BooleanField(default=False)
    is_supervised = models.BooleanField(default=False)
    returns = models.PositiveSmallIntegerField(default=0)
    reworks = models.PositiveSmallIntegerField(default=0)
    extensions = models.PositiveSmallIntegerField(default=0)
    reopenings = models.PositiveSmallIntegerField(default=0)
    urges = models.PositiveSmallIntegerField(default=0)
    climbs = models.PositiveSmallIntegerField(default=0)
    co_reports = models.PositiveSmallIntegerField(default=0)
    whistles_sent = models.PositiveSmallIntegerField(default=0)

    contacted = models.BooleanField(null=True)
    solved = models.BooleanField(null=True)
    satisfaction = models.CharField(max_length=12, choices=Satisfaction, blank=True, default="")
    rated_at = models.DateTimeField(null=True)

    source = models.CharField(_("source"), max_length=50, blank=True, default="")
    source_number = models.CharField(_("source number"), max_length=100, blank=True, default="")
    is_imported = models.BooleanField(default=False)
    #: Made by a sandbox account: nobody else sees it or is told of it, and no figure counts it.
    is_test = models.BooleanField(_("test"), default=False, db_default=False, editable=False)
    last_seq = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(_("last change"))
    search_terms = ArrayField(models.CharField(max_length=8), default=list, editable=False)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [
            models.Index(
                fields=["desk", "next_due_at", "id"],
                name="case_desk_open",
                condition=models.Q(state__in=OPEN_STATES),
            ),
            models.Index(
                fields=["unit", "next_due_at", "id"],
                name="case_unit_open",
                condition=models.Q(state__in=OPEN_STATES),
            ),
            models.Index(
                fields=["grid", "next_due_at", "id"],
                name="case_grid_open",
                condition=models.Q(state__in=OPEN_STATES),
            ),
            models.Index(
                fields=["community", "next_due_at", "id"],
                name="case_community_open",
                condition=models.Q(state__in=OPEN_STATES),
            ),
            models.Index(
                fields=["id"],
                name="case_unrouted",
                condition=models.Q(routed_at__isnull=True, state__in=UNROUTED_STATES),
            ),
            *[
                models.Index(fields=[level, "due_at"], name=f"case_{level}_due")
                for level in ("city", "district", "street", "community", "grid")
            ],
            *[
                models.Index(fields=[f"reported_{level}", "reported_at"], name=f"case_{level}_rep")
                for level in ("city", "district", "street", "community", "grid")
            ],
            models.Index(fields=["unit", "due_at"], name="case_unit_due"),
            models.Index(fields=["matter", "due_at"], name="case_matter_due"),
            models.Index(fields=["reporter", "-reported_at"], name="case_reporter"),
            models.Index(fields=["-reported_at", "-id"], name="case_newest"),
            # What callers of the API may order all orders by; of those with a next due time there are few.
            models.Index(fields=["due_at", "id"], name="case_due"),
            models.Index(
                fields=["next_due_at", "id"],
                name="case_next_due",
                condition=models.Q(next_due_at__isnull=False),
            ),
            models.Index(fields=["updated_at", "id"], name="case_changed"),
            models.Index(fields=["lng", "lat"], name="case_position"),
            # Wishes are few among the orders: without it a list of them reads all orders until it is full.
            models.Index(
                fields=["-reported_at", "-id"], name="case_wishes", condition=models.Q(kind=Kind.WISH)
            ),
            models.Index(fields=["city", "rated_at"], name="case_rated"),
            GinIndex(fields=["search_terms"], name="case_search"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["reporter", "client_id"],
                condition=~models.Q(client_id=""),
                nulls_distinct=False,  # residents' ids carry their session's key
                name="one_order_a_client_id",
            ),
            models.UniqueConstraint(
                fields=["source", "source_number", "is_test"],  # a test takes no number from a real order
                condition=~models.Q(source_number=""),
                name="one_order_a_number_of_a_source",
            ),
            models.CheckConstraint(
                name="case_on_earth",
                condition=models.Q(lng__isnull=True, lat__isnull=True)
                | models.Q(lng__range=(-180, 180), lat__range=(-90, 90)),
            ),
            models.CheckConstraint(
                name="case_closed_has_time",
                condition=~models.Q(state="closed") | models.Q(closed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    # Django's own makes a dictionary of every label for each call, which lists of orders felt.
    def get_state_display(self) -> str:  # type: ignore[no-redef]  # type: ignore[no-redef]  # the plugin knows Django's
        """The state in the reader's language."""
        return str(State(self.state).label)

    def get_channel_display(self) -> str:  # type: ignore[no-redef]  # type: ignore[no-redef]  # the plugin knows Django's
        """The channel in the reader's language."""
        return str(Channel(self.channel).label)

    @property
    def is_open(self) -> bool:
        """Whether somebody still holds the ball."""
        return self.state in OPEN_STATES or self.state in WISH_OPEN_STATES


class DayCounter(models.Model):
    """The last order number given on a day."""

    day = models.DateField(primary_key=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day} {self.last}"
