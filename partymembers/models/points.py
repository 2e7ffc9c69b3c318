"""Points: a double-entry, append-only ledger; earning rules; stations where points are redeemed.

The database itself keeps the books: entries of a transaction sum to zero, nothing is changed or deleted,
an account's balance follows its entries, and nobody's balance goes below zero (migration 0004).
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from grids.models import Place

from .people import User


class EarningRule(models.Model):
    """What earns how many points, and how many a day at most; data, changed at run time."""

    class Per(models.TextChoices):
        ONCE = "once", _("each time")
        HOUR = "hour", _("each hour served")
        STATED = "stated", _("as stated by the order")

    code = models.SlugField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=50)
    points = models.PositiveIntegerField(_("points"), help_text=_("The most at once where the order says."))
    per = models.CharField(_("counted"), max_length=10, choices=Per, default=Per.ONCE)
    cap_per_day = models.PositiveIntegerField(_("at most a day"), default=0, help_text=_("0: without a cap."))
    is_active = models.BooleanField(_("in force"), default=True)

    class Meta:
        verbose_name = _("earning rule")
        verbose_name_plural = _("earning rules")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class PointsAccount(models.Model):
    """A person's account, or one of the portal's own: where points come from, and where they go."""

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        ISSUED = "issued", _("Issued")
        REDEEMED = "redeemed", _("Redeemed")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    user = models.OneToOneField(
        User, models.PROTECT, null=True, related_name="points_account", verbose_name=_("person")
    )
    #: Follows the entries (a trigger); never written by hand.
    balance = models.IntegerField(_("balance"), default=0, editable=False)

    class Meta:
        verbose_name = _("points account")
        verbose_name_plural = _("points accounts")
        constraints = [
            models.CheckConstraint(
                name="nobody_owes_points", condition=~models.Q(kind="person") | models.Q(balance__gte=0)
            ),
            models.CheckConstraint(
                name="a_persons_account_has_a_person",
                condition=models.Q(kind="person", user__isnull=False)
                | (~models.Q(kind="person") & models.Q(user__isnull=True)),
            ),
            models.UniqueConstraint(
                fields=["kind"], condition=~models.Q(kind="person"), name="one_account_of_the_portal_a_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.get_kind_display()} {self.balance}"


class PointsTransaction(models.Model):
    """Points that moved, and why; once per (person, source, source id)."""

    class Kind(models.TextChoices):
        AWARD = "award", _("Award")
        CORRECTION = "correction", _("Correction")
        REDEMPTION = "redemption", _("Redemption")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    user = models.ForeignKey(User, models.PROTECT, related_name="points_transactions", verbose_name=_("who"))
    source = models.CharField(max_length=30)
    source_id = models.CharField(max_length=50)
    rule = models.ForeignKey(
        EarningRule, models.PROTECT, null=True, related_name="transactions", verbose_name=_("rule")
    )
    what = models.CharField(_("what for"), max_length=200)
    at = models.DateTimeField(_("at"))
    day = models.DateField(editable=False)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversed_by")
    place = models.ForeignKey(Place, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("points transaction")
        verbose_name_plural = _("points transactions")
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "source", "source_id"], name="points_once_a_source"),
            models.CheckConstraint(
                name="nobody_awards_themselves",
                condition=~models.Q(kind="award")
                | models.Q(by__isnull=True)
                | ~models.Q(by=models.F("user")),
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-at"], name="points_of_user"),
            models.Index(fields=["day", "user"], name="points_of_day"),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.what}"


class PointsEntry(models.Model):
    """One side of a transaction; positive into the account, negative out of it."""

    transaction = models.ForeignKey(PointsTransaction, models.PROTECT, related_name="entries")
    account = models.ForeignKey(PointsAccount, models.PROTECT, related_name="entries")
    amount = models.IntegerField(_("points"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transaction", "account"], name="one_entry_an_account"),
            models.CheckConstraint(name="an_entry_moves_points", condition=~models.Q(amount=0)),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.amount:+d}"


class Station(models.Model):
    """Where points are redeemed: a shelf in a community, kept by its desk."""

    name = models.CharField(_("name"), max_length=100)
    place = models.ForeignKey(Place, models.PROTECT, related_name="stations", verbose_name=_("community"))
    address = models.CharField(_("address"), max_length=200, blank=True)
    hours = models.CharField(_("open"), max_length=100, blank=True)
    closed_on = models.DateField(_("closed for good on"), null=True, blank=True)

    class Meta:
        verbose_name = _("station")
        verbose_name_plural = _("stations")

    def __str__(self) -> str:
        return self.name


class StationItem(models.Model):
    """Something on the shelf: what it costs and how many are left."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="items", verbose_name=_("station"))
    name = models.CharField(_("name"), max_length=100)
    points = models.PositiveIntegerField(_("points"))
    stock = models.PositiveIntegerField(_("in stock"), default=0)
    is_offered = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        ordering = ["points", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["station", "name"], name="item_name_once_a_station"),
            models.CheckConstraint(name="an_item_costs_points", condition=models.Q(points__gt=0)),
        ]

    def __str__(self) -> str:
        return self.name


class Redemption(models.Model):
    """An item handed over for points; cancelled by a compensating transaction, the stock goes back."""

    item = models.ForeignKey(StationItem, models.PROTECT, related_name="redemptions")
    user = models.ForeignKey(User, models.PROTECT, related_name="redemptions")
    transaction = models.OneToOneField(PointsTransaction, models.PROTECT, related_name="redemption")
    points = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.user} {self.item}"
