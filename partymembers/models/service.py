"""What people give: service records, volunteers and their teams, activities, offers and projects."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from grids.models import Compound, Place

from .branches import Branch
from .people import Unit, User


class ServiceRecord(models.Model):
    """One service that somebody gave; counted once per (person, source, source id), like its points."""

    class Kind(models.TextChoices):
        WISH = "wish", _("A resident's wish")
        WHISTLE = "whistle", _("Answered a whistle")
        ACTIVITY = "activity", _("Activity")
        DUTY = "duty", _("Duty in the community")

    user = models.ForeignKey(User, models.PROTECT, related_name="services", verbose_name=_("who"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    source = models.CharField(max_length=30)
    source_id = models.CharField(max_length=50)
    what = models.CharField(_("what"), max_length=200)
    at = models.DateTimeField(_("at"))
    minutes = models.PositiveIntegerField(_("minutes served"), default=0)
    place = models.ForeignKey(Place, models.PROTECT, null=True, related_name="+")
    #: Where the person stood then: whose figures it counts in.
    branch = models.ForeignKey(Branch, models.PROTECT, null=True, related_name="services")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="services")
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("service record")
        verbose_name_plural = _("service records")
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "source", "source_id"], name="each_service_counts_once")
        ]
        indexes = [
            models.Index(fields=["user", "-at"], name="service_of_user"),
            models.Index(fields=["branch", "at"], name="service_of_branch"),
            models.Index(fields=["unit", "at"], name="service_of_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.what}"


class Skill(models.Model):
    """What somebody can do for others, and what a wish needs: one list, so that they meet."""

    code = models.SlugField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=50, unique=True)
    icon = models.CharField(_("icon"), max_length=30, default="heart")
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class Volunteer(models.Model):
    """Somebody who has registered to serve; a Party member may be one too."""

    user = models.OneToOneField(User, models.PROTECT, related_name="volunteer", verbose_name=_("user"))
    community = models.ForeignKey(
        Place, models.PROTECT, related_name="volunteers", verbose_name=_("community")
    )
    skills = models.ManyToManyField(Skill, blank=True, related_name="volunteers", verbose_name=_("skills"))
    introduction = models.CharField(_("about me"), max_length=500, blank=True)
    registered_at = models.DateTimeField(_("registered at"))
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("volunteer")
        verbose_name_plural = _("volunteers")

    def __str__(self) -> str:
        return self.user.name


class Team(models.Model):
    """A team of volunteers of one place."""

    name = models.CharField(_("name"), max_length=100)
    place = models.ForeignKey(Place, models.PROTECT, related_name="teams", verbose_name=_("place"))
    leader = models.ForeignKey(User, models.PROTECT, related_name="led_teams", verbose_name=_("team leader"))
    purpose = models.CharField(_("purpose"), max_length=500, blank=True)
    founded_on = models.DateField(_("founded on"))
    dissolved_on = models.DateField(_("dissolved on"), null=True, blank=True)

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        constraints = [models.UniqueConstraint(fields=["place", "name"], name="team_name_once_a_place")]

    def __str__(self) -> str:
        return self.name


class TeamMember(models.Model):
    """Somebody in a team, between two instants."""

    team = models.ForeignKey(Team, models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, models.PROTECT, related_name="team_memberships")
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "user"], condition=models.Q(left_at__isnull=True), name="once_in_a_team"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.team}"


class Activity(models.Model):
    """Something that volunteers sign up for; they check in and out by its QR code."""

    title = models.CharField(_("title"), max_length=100)
    description = models.TextField(_("description"), max_length=2000, blank=True)
    place = models.ForeignKey(Place, models.PROTECT, related_name="activities", verbose_name=_("community"))
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="activities", verbose_name=_("team")
    )
    where = models.CharField(_("meeting point"), max_length=200)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    capacity = models.PositiveIntegerField(_("how many can come"), default=20)
    token = models.CharField(max_length=43, unique=True, editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    cancel_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        ordering = ["starts_at", "pk"]
        indexes = [models.Index(fields=["place", "starts_at"], name="activity_of_place")]
        constraints = [
            models.CheckConstraint(
                name="activity_ends_after_it_starts", condition=models.Q(ends_at__gt=models.F("starts_at"))
            ),
            models.CheckConstraint(name="activity_has_room", condition=models.Q(capacity__gt=0)),
        ]

    def __str__(self) -> str:
        return self.title


class SignUp(models.Model):
    """Somebody who comes to an activity: signed up, arrived, left."""

    activity = models.ForeignKey(Activity, models.PROTECT, related_name="sign_ups")
    user = models.ForeignKey(User, models.PROTECT, related_name="sign_ups")
    signed_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    arrived_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["signed_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["activity", "user"], name="one_sign_up_an_activity"),
            models.CheckConstraint(
                name="leaves_after_arriving",
                condition=models.Q(left_at__isnull=True)
                | models.Q(arrived_at__isnull=False, left_at__gte=models.F("arrived_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.activity}"


class Resource(models.Model):
    """The list of resources 资源清单: what a member, firm, branch or unit offers to a place."""

    title = models.CharField(_("what is offered"), max_length=100)
    description = models.TextField(_("description"), max_length=2000, blank=True)
    skill = models.ForeignKey(
        Skill, models.PROTECT, null=True, blank=True, related_name="resources", verbose_name=_("skill")
    )
    place = models.ForeignKey(
        Place, models.PROTECT, related_name="resources", verbose_name=_("for whom: place and below")
    )
    compound = models.ForeignKey(
        Compound, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("compound")
    )
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="resources", verbose_name=_("unit")
    )
    branch = models.ForeignKey(
        Branch, models.PROTECT, null=True, blank=True, related_name="resources", verbose_name=_("branch")
    )
    offered_by = models.ForeignKey(User, models.PROTECT, related_name="resources")
    offered_at = models.DateTimeField()
    ends_on = models.DateField(_("until"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        ordering = ["-offered_at", "-pk"]

    def __str__(self) -> str:
        return self.title


class Project(models.Model):
    """The list of projects 项目清单: what a branch has taken on for a place, and how far it is."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        DROPPED = "dropped", _("Dropped")

    title = models.CharField(_("title"), max_length=100)
    description = models.TextField(_("description"), max_length=2000, blank=True)
    place = models.ForeignKey(Place, models.PROTECT, related_name="projects", verbose_name=_("place"))
    compound = models.ForeignKey(
        Compound, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("compound")
    )
    branch = models.ForeignKey(
        Branch, models.PROTECT, related_name="projects", verbose_name=_("branch in charge")
    )
    lead = models.ForeignKey(User, models.PROTECT, related_name="led_projects", verbose_name=_("led by"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PLANNED)
    due_on = models.DateField(_("to be done by"))
    progress = models.CharField(_("progress"), max_length=500, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["due_on", "pk"]

    def __str__(self) -> str:
        return self.title


class Notice(models.Model):
    """A message to somebody that is about no order: a check-in that is due, an answer, an activity.

    Nothing but kind and facts is stored; the words are made when it is read (`partymembers.notices`).
    """

    recipient = models.ForeignKey(User, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=30)
    #: What it is about, so that it is sent once: `check_in:12:due`.
    source = models.CharField(max_length=80)
    data = models.JSONField(default=dict)
    url = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["recipient", "source"], name="one_notice_a_source")]
        indexes = [
            models.Index(fields=["recipient", "-at"], name="notice_inbox"),
            models.Index(
                fields=["recipient"], name="notice_unread", condition=models.Q(read_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipient_id} {self.kind}"
