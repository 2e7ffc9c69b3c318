"""The Party branch tree, the joint committees, and the members with their two branches."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from treebeard.mp_tree import MP_Node

from grids.models import Place

from .people import Unit, User


class BranchLevel(models.TextChoices):
    """How deep a branch lies; a level may be skipped, never reversed."""

    CITY = "city", _("City committee")
    STREET = "street", _("Street working committee")
    COMMUNITY = "community", _("Community committee")
    BRANCH = "branch", _("Branch")
    GROUP = "group", _("Building group")
    HOUSEHOLD = "household", _("Member household")

    @property
    def rank(self) -> int:
        """0 for the city committee, 5 for a member household."""
        return list(BranchLevel).index(self)


class Branch(MP_Node):
    """One node of the Party's tree, from the city committee to a member household.

    `place` is the part of the territory that it serves (check-in branches have one), `unit` the work unit
    whose members it gathers (home branches have one). A dissolved branch stays, with its history.
    """

    code = models.CharField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=100)
    level = models.CharField(_("level"), max_length=10, choices=BranchLevel)
    place = models.ForeignKey(
        Place, models.PROTECT, null=True, blank=True, related_name="branches", verbose_name=_("serves")
    )
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="branches", verbose_name=_("work unit")
    )
    founded_on = models.DateField(_("founded on"), null=True, blank=True)
    dissolved_on = models.DateField(_("dissolved on"), null=True, blank=True)

    class Meta:
        verbose_name = _("branch")
        verbose_name_plural = _("branches")
        indexes = [models.Index(fields=["place", "level"])]

    def __str__(self) -> str:
        return self.name


class JointCommittee(models.Model):
    """大工委/大党委: a street's or community's committee joined by the organizations that reside there."""

    branch = models.OneToOneField(
        Branch, models.PROTECT, related_name="joint_committee", verbose_name=_("committee")
    )
    name = models.CharField(_("name"), max_length=100)
    founded_on = models.DateField(_("founded on"))

    class Meta:
        verbose_name = _("joint committee")
        verbose_name_plural = _("joint committees")

    def __str__(self) -> str:
        return self.name


class JointMember(models.Model):
    """A part-time member of a joint committee, sent by a resident organization for a term."""

    committee = models.ForeignKey(
        JointCommittee, models.PROTECT, related_name="members", verbose_name=_("joint committee")
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="joint_seats", verbose_name=_("organization"))
    user = models.ForeignKey(
        User, models.PROTECT, related_name="joint_seats", verbose_name=_("representative")
    )
    duty = models.CharField(_("duty"), max_length=100, blank=True)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("part-time member")
        verbose_name_plural = _("part-time members")
        ordering = ["starts_on", "pk"]
        constraints = [
            models.CheckConstraint(
                name="joint_term_ends_after_it_starts",
                condition=models.Q(ends_on__isnull=True) | models.Q(ends_on__gte=models.F("starts_on")),
            ),
            models.UniqueConstraint(fields=["committee", "user", "starts_on"], name="one_joint_seat_a_start"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.committee}"


class Member(models.Model):
    """A Party member: "1+1", the home branch at work and the check-in branch where they live.

    Only what the work needs is kept. The door is sensitive: pages mask it and opening it is logged.
    """

    class Status(models.TextChoices):
        FULL = "full", _("Full member")
        PROBATIONARY = "probationary", _("Probationary member")

    user = models.OneToOneField(User, models.PROTECT, related_name="member", verbose_name=_("user"))
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.FULL)
    home_branch = models.ForeignKey(
        Branch, models.PROTECT, related_name="home_members", verbose_name=_("home branch")
    )
    checkin_branch = models.ForeignKey(
        Branch,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="checkin_members",
        verbose_name=_("check-in branch"),
    )
    #: Community, grid or building.
    lives_at = models.ForeignKey(
        Place,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="resident_members",
        verbose_name=_("lives in"),
    )
    door = models.CharField(_("door"), max_length=100, blank=True)
    #: The later of joining and moving: a month from here the check-in is due.
    settled_on = models.DateField(_("joined or moved on"))
    checked_in_at = models.DateTimeField(_("checked in at"), null=True, editable=False)
    left_on = models.DateField(_("left on"), null=True, blank=True)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        indexes = [
            models.Index(fields=["home_branch", "id"], name="member_home"),
            models.Index(fields=["checkin_branch", "id"], name="member_checkin"),
            models.Index(fields=["lives_at", "id"], name="member_lives"),
        ]

    def __str__(self) -> str:
        return self.user.name


class MemberMove(models.Model):
    """A transfer 转接: which branch a member left for which, and who did it; append-only."""

    class Kind(models.TextChoices):
        HOME = "home", _("Home branch")
        CHECK_IN = "check_in", _("Check-in branch")

    member = models.ForeignKey(Member, models.PROTECT, related_name="moves")
    kind = models.CharField(_("which"), max_length=10, choices=Kind)
    from_branch = models.ForeignKey(Branch, models.PROTECT, null=True, related_name="+")
    to_branch = models.ForeignKey(Branch, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.member} {self.from_branch or '—'} → {self.to_branch or '—'}"


class CheckIn(models.Model):
    """双报到: a member asks the branch where they live to take them in; the branch answers."""

    class State(models.TextChoices):
        ASKED = "asked", _("Waiting for the branch")
        ACCEPTED = "accepted", _("Checked in")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        ENDED = "ended", _("Ended by a move")

    member = models.ForeignKey(Member, models.PROTECT, related_name="check_ins")
    branch = models.ForeignKey(Branch, models.PROTECT, related_name="check_ins", verbose_name=_("branch"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    offer = models.CharField(_("what I can do"), max_length=500, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    note = models.CharField(_("reason"), max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("check-in")
        verbose_name_plural = _("check-ins")
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["member"],
                condition=models.Q(state="asked"),
                name="one_open_check_in_a_member",
            ),
            models.UniqueConstraint(
                fields=["member"],
                condition=models.Q(state="accepted"),
                name="one_check_in_in_force_a_member",
            ),
        ]
        indexes = [models.Index(fields=["branch", "state", "asked_at"], name="check_in_of_branch")]

    def __str__(self) -> str:
        return f"{self.member} → {self.branch}"


class Evaluation(models.Model):
    """The community's yearly grade of a member's service, reported back to the work unit."""

    class Grade(models.TextChoices):
        GOOD = "good", _("Good")
        FAIRLY_GOOD = "fairly_good", _("Fairly good")
        AVERAGE = "average", _("Average")
        POOR = "poor", _("Poor")

    member = models.ForeignKey(Member, models.PROTECT, related_name="evaluations")
    year = models.PositiveSmallIntegerField(_("year"))
    grade = models.CharField(_("grade"), max_length=12, choices=Grade)
    branch = models.ForeignKey(Branch, models.PROTECT, related_name="evaluations")
    #: The home branch's work unit when it was graded: whom it is reported to.
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="evaluations")
    note = models.CharField(_("remark"), max_length=500, blank=True)
    at = models.DateTimeField(_("graded at"))
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    reported_at = models.DateTimeField(_("reported to the work unit at"), null=True)

    class Meta:
        verbose_name = _("evaluation")
        verbose_name_plural = _("evaluations")
        constraints = [models.UniqueConstraint(fields=["member", "year"], name="one_grade_a_year")]
        indexes = [
            models.Index(fields=["unit", "year"], name="evaluation_of_unit"),
            models.Index(fields=["branch", "year"], name="evaluation_of_branch"),
        ]

    def __str__(self) -> str:
        return f"{self.member} {self.year} {self.get_grade_display()}"
