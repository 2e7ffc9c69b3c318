"""A picture that comes in parts, until it is whole."""

from __future__ import annotations

from django.db import models

from partymembers.models import User

from .parts import Attachment


class Upload(models.Model):
    """A picture of which some bytes have come; the finished one is an `Attachment`.

    The bytes lie below MEDIA_ROOT under the token; `offset` counts those that are safe and moves under the
    row's lock alone.
    """

    token = models.CharField(max_length=43, unique=True)
    uploader = models.ForeignKey(User, models.CASCADE, related_name="+")
    length = models.PositiveIntegerField()
    offset = models.PositiveIntegerField(default=0)
    role = models.CharField(max_length=10, choices=Attachment.Role)
    claimed_at = models.DateTimeField(null=True)
    claimed_lng = models.FloatField(null=True)
    claimed_lat = models.FloatField(null=True)
    #: Of the picture that it became.
    picture = models.CharField(max_length=43, blank=True, default="")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="upload_within_its_length", condition=models.Q(offset__lte=models.F("length"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.token[:8]} {self.offset}/{self.length}"

    @property
    def file_name(self) -> str:
        """Of its bytes, below MEDIA_ROOT."""
        return f"uploads/{self.token}"
