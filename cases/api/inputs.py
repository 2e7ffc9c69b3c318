"""What each action takes from another system, as its own serializer.

An input hands the action its arguments (`arguments`): rows named by code become rows, among those that the
pages offer for the same action (`cases.choices`). Whatever else must hold, the action itself checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from cases.actions.engine import MAX_NOTE
from cases.api.naming import Tokens
from cases.models import Case
from governance.common.api.strict import Strict, Words
from partymembers.access import Access
from partymembers.models import User


@dataclass(frozen=True)
class Ask:
    """Who acts on which order, when, and in which coordinate system they speak."""

    case: Case
    actor: User
    access: Access
    at: datetime
    system: str


class Input(Strict):
    """What an action takes beside the order and who acts."""

    #: Fields of an action's refusal that have another name here.
    told_at: ClassVar[dict[str, str]] = {"photos": "attachments"}

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """Arguments of the action. Raises Invalid that names the field."""
        return dict(self.validated_data)


class Nothing(Input):
    """Takes nothing."""


class Noted(Input):
    """Takes a remark."""

    note = Words(max_length=MAX_NOTE, required=False, allow_blank=True, help_text="A remark.")


class Reasoned(Input):
    """Must say why."""

    note = Words(max_length=MAX_NOTE, help_text="Why, in a sentence.")


class Pictured(Noted):
    """Takes a remark and pictures."""

    attachments = Tokens()


class Told(Input):
    """Must say what, and takes pictures."""

    note = Words(max_length=MAX_NOTE, help_text="What there is to say.")
    attachments = Tokens()


class Shown(Noted):
    """Takes a remark and must bring pictures."""

    attachments = Tokens(required=True)
