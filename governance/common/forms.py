"""The form that every door binds: our wording of what is missing, and domain errors put where they belong."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from .errors import DomainError

#: What Django would say in its own words, by the error's code; a field's own wording goes first.
_WORDS: Final = {
    "max_length": _("At most %(limit_value)d characters; these are %(show_value)d. Please shorten it."),
    "null_characters_not_allowed": _("There is an unreadable character in it. Please type it anew."),
    "max_value": _("At most %(limit_value)s, please."),
    "min_value": _("At least %(limit_value)s, please."),
    "max_decimal_places": _("Too many digits after the point: at most %(max)s."),
}


class BaseForm(forms.Form):
    """A form whose errors say what to do. Render its fields with `{% field form.x %}`."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        _word_errors(self)

    def add_domain_error(self, error: DomainError) -> None:
        """Show a domain error at its field, or above the form where it has none."""
        self.add_error(error.field if error.field in self.fields else None, str(error.message))


class BaseModelForm(forms.ModelForm):
    """The same for forms over a model (configuration only: orders are changed by actions)."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        _word_errors(self)

    def add_domain_error(self, error: DomainError) -> None:
        """Show a domain error at its field, or above the form where it has none."""
        self.add_error(error.field if error.field in self.fields else None, str(error.message))


def _word_errors(form: forms.BaseForm) -> None:
    for each in form.fields.values():
        if not isinstance(each, forms.FileField):  # which has other values to tell of
            each.error_messages = {**_WORDS, **each.error_messages}
        is_default = each.error_messages.get("required") == forms.Field.default_error_messages["required"]
        if is_default:
            is_choice = isinstance(each, forms.ChoiceField | forms.ModelChoiceField)
            each.error_messages["required"] = (
                _("Please choose one.") if is_choice else _("Please fill this in.")
            )
