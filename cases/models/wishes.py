"""What a wish has beside its order: what the wall shows, and who has claimed it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from partymembers.models import Branch, Skill, Unit, User

from .case import Case


class Wish(models.Model):
    """The public half of a wish. The order's own words, name, phone and door stay with the desk.

    What stands here was vetted and names nobody: it is all that the wall, lists and exports ever show.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="wish")
    title = models.CharField(_("title"), max_length=40, blank=True)
    text = models.CharField(_("what is wished for"), max_length=300, blank=True)
    skills = models.ManyToManyField(Skill, blank=True, related_name="wishes", verbose_name=_("skills needed"))
    points = models.PositiveIntegerField(_("points"), default=0)
    deliver_by = models.DateField(_("wanted by"), null=True)
    published_at = models.DateTimeField(_("published at"), null=True)
    #: Whose committee confirms claims beside the desk, and assigns what nobody claims.
    branch = models.ForeignKey(
        Branch, models.PROTECT, null=True, related_name="wishes", verbose_name=_("branch")
    )
    left_to_branch_at = models.DateTimeField(_("left to the branch at"), null=True)
    first_claimed_at = models.DateTimeField(_("first claimed at"), null=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True)
    thanks = models.CharField(_("thanks"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("wish")
        verbose_name_plural = _("wishes")
        constraints = [
            models.CheckConstraint(
                name="published_wish_is_whole",
                condition=models.Q(published_at__isnull=True)
                | (models.Q(deliver_by__isnull=False) & ~models.Q(title="")),
            )
        ]

    def __str__(self) -> str:
        return self.title or str(self.case_id)


class Claim(models.Model):
    """接单: somebody takes a wish on, for themselves or for their unit or branch. One stands at a time."""

    class Ending(models.TextChoices):
        COMPLETED = "completed", _("Completed")
        REFUSED = "refused", _("Refused")
        HANDED_BACK = "handed_back", _("Handed back")
        LAPSED = "lapsed", _("Lapsed")
        CANCELLED = "cancelled", _("Cancelled with the wish")

    case = models.ForeignKey(Case, models.PROTECT, related_name="claims", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="claims", verbose_name=_("who"))
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, related_name="claims", verbose_name=_("for the unit")
    )
    branch = models.ForeignKey(
        Branch, models.PROTECT, null=True, related_name="claims", verbose_name=_("for the branch")
    )
    claimed_at = models.DateTimeField(_("claimed at"))
    assigned_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True)
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    begun_at = models.DateTimeField(_("begun at"), null=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True)
    minutes = models.PositiveIntegerField(_("minutes served"), default=0)
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=12, choices=Ending, blank=True, default="")

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(ended_at__isnull=True), name="one_claim_a_wish"
            ),
            models.CheckConstraint(
                name="claim_for_one_side",
                condition=models.Q(unit__isnull=True) | models.Q(branch__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["case", "id"], name="claim_of_case"),
            models.Index(fields=["user", "ended_at"], name="claim_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.claimant}"

    @property
    def claimant(self) -> str:
        """Who is named as the claimer: the unit or branch, else the person."""
        return str(self.unit or self.branch or self.user)
