"""Another system's own payloads: how they become orders, and each that came, as it came."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from partymembers.models import ServiceAccount

from .case import Case

SYSTEMS = (("wgs84", "WGS-84"), ("gcj02", "GCJ-02"))
#: What the answer says unless the mapping says otherwise.
ANSWER = {"number": "$number", "outcome": "$outcome"}


def default_answer() -> dict[str, Any]:
    """A new mapping's answer."""
    return dict(ANSWER)


class IntakeMapping(models.Model):
    """How one connected system's payloads become reports. `cases.intake` checks and follows the rules."""

    account = models.OneToOneField(
        ServiceAccount, models.PROTECT, related_name="intake_mapping", verbose_name=_("connected system")
    )
    source = models.CharField(
        _("source"),
        max_length=50,
        unique=True,
        help_text=_("Under this name its numbers are known: of one source a number makes one order."),
    )
    rules = models.JSONField(
        _("rules"),
        help_text=_(
            "Our field → path in the payload (“data.order.no”; lists by position, “items.0.name”), a list of "
            "paths whose texts are joined, or {path, values, default}."
        ),
    )
    time_format = models.CharField(
        _("time format"),
        max_length=50,
        blank=True,
        help_text=_("As strptime takes it, like %Y-%m-%d %H:%M:%S; empty for ISO 8601."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=50,
        default="Asia/Shanghai",
        help_text=_("Of times that do not name theirs."),
    )
    crs = models.CharField(_("coordinate system"), max_length=5, choices=SYSTEMS, default="wgs84")
    answer = models.JSONField(
        _("answer"),
        default=default_answer,
        help_text=_(
            "What its call is answered with: “$number”, “$source_number”, “$state”, “$outcome” are filled in."
        ),
    )

    class Meta:
        verbose_name = _("intake mapping")
        verbose_name_plural = _("intake mappings")
        ordering = ["source"]

    def __str__(self) -> str:
        return self.source


class IntakePayload(models.Model):
    """One call of another system, as it came: nothing is lost, whatever is wrong with it or the mapping.

    It holds what residents told the other system: only the system officer opens it, each reading is audited,
    and it goes with the messages of its age (`governance.retention`).
    """

    class Outcome(models.TextChoices):
        """What became of it."""

        CREATED = "created", _("Order made")
        UPDATED = "updated", _("Information added")
        REPEATED = "repeated", _("Known already")
        REFUSED = "refused", pgettext_lazy("payload", "Refused")

    account = models.ForeignKey(
        ServiceAccount, models.PROTECT, related_name="+", verbose_name=_("connected system")
    )
    received_at = models.DateTimeField(_("received at"), db_index=True)
    body = models.BinaryField()
    source_number = models.CharField(_("source number"), max_length=100, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="+", verbose_name=_("order"))
    #: What was wrong: field (their path), code, detail; of an order that was made, what was left out.
    errors = models.JSONField(_("errors"), default=list)
    tries = models.PositiveSmallIntegerField(_("tries"), default=1)
    tried_at = models.DateTimeField(_("last tried at"))

    class Meta:
        verbose_name = _("payload received")
        verbose_name_plural = _("payloads received")
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(fields=["id"], name="intake_refused", condition=models.Q(outcome="refused")),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.source_number}"
