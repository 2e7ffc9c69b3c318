"""Other systems that call the API: who they are, their keys, and what they have asked already."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from grids.models import Place

from .people import Unit, User


class ServiceAccount(models.Model):
    """Another system (a hotline, a property company's software) that acts over a place or for a unit.

    Its `user` cannot sign in, holds no post and is told of nothing; it appears in the history of what it did.
    What it may do follows from `duty` and its place or unit, and is narrowed by the scopes of each key.
    """

    class Duty(models.TextChoices):
        """In whose stead it acts."""

        DESK = "desk", _("Acts for the desk of a place")
        READER = "reader", _("Reads and reports in a place")
        UNIT = "unit", _("Acts for a unit")

    user = models.OneToOneField(
        User, models.PROTECT, related_name="service_account", editable=False, verbose_name=_("account")
    )
    duty = models.CharField(_("duty"), max_length=10, choices=Duty)
    place = models.ForeignKey(
        Place,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="service_accounts",
        verbose_name=_("place"),
    )
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="service_accounts", verbose_name=_("unit")
    )
    is_sandbox = models.BooleanField(
        _("sandbox"),
        default=False,
        help_text=_("Its orders are tests: only sandbox accounts see them, and no figure counts them."),
    )
    contact = models.CharField(
        _("who answers for it"), max_length=200, blank=True, help_text=_("Company, person, phone.")
    )
    created_at = models.DateTimeField(_("added at"), editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)

    class Meta:
        verbose_name = _("connected system")
        verbose_name_plural = _("connected systems")
        constraints = [
            models.CheckConstraint(
                name="service_account_over_what_its_duty_needs",
                condition=models.Q(duty="unit", place__isnull=True, unit__isnull=False)
                | models.Q(duty__in=["desk", "reader"], place__isnull=False, unit__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return str(self.user)


class ApiKey(models.Model):
    """A key of a connected system: shown once, kept as a digest; `prefix` is the part that is no secret."""

    account = models.ForeignKey(
        ServiceAccount, models.PROTECT, related_name="keys", verbose_name=_("connected system")
    )
    label = models.CharField(_("name"), max_length=50)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=30), verbose_name=_("scopes"))
    rate = models.PositiveIntegerField(
        _("requests a minute"), default=600, help_text=_("More than these are refused with 429.")
    )
    created_at = models.DateTimeField(_("made at"), editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    expires_at = models.DateTimeField(_("valid until"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)
    #: To the minute: it is written at most once in each.
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    replaced_by = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="replaces",
        verbose_name=_("replaced by"),
    )

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.label} · {self.prefix}"

    def is_valid(self, at: datetime) -> bool:
        """Whether it opens anything at that time."""
        return self.revoked_at is None and at < self.expires_at


class IdempotentRequest(models.Model):
    """A write that came with an Idempotency-Key, and its answer, kept some days so that a repeat gets it.

    A request that came with the same key and another body was refused; it is kept beside the first
    (`is_conflict`), so that whoever looks for the fault finds both.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    method = models.CharField(max_length=7)
    path = models.CharField(max_length=500)
    #: SHA-256 of method, path, content type, the key's scopes and body.
    fingerprint = models.CharField(max_length=64)
    body = models.BinaryField(default=b"")
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.BinaryField(default=b"")
    headers = models.JSONField(default=dict)
    is_conflict = models.BooleanField(default=False)
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("repeatable request")
        verbose_name_plural = _("repeatable requests")
        constraints = [
            models.UniqueConstraint(
                name="one_request_an_idempotency_key",
                fields=["user", "key"],
                condition=models.Q(is_conflict=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.key}"
