"""Password rules beyond Django's own (GB/T 22239 level three asks for length and mixed characters)."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class CharacterClassesValidator:
    """Asks for characters of at least `classes` of: lower case, upper case, digits, others."""

    def __init__(self, classes: int = 3) -> None:
        self.classes = classes

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError when the password mixes too few kinds of characters."""
        kinds = {
            "lower" if c.islower() else "upper" if c.isupper() else "digit" if c.isdigit() else "other"
            for c in password
        }
        if len(kinds) < self.classes:
            raise ValidationError(self.get_help_text(), code="password_too_uniform")

    def get_help_text(self) -> str:
        """What the rule asks for, in the user's language."""
        return _("Mix at least %(count)d of these: lower case, upper case, digits, other characters.") % {
            "count": self.classes
        }
