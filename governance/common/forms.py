"""The form that every door binds: our wording of what is missing, and domain errors put where they belong."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .errors import DomainError


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
        is_default = each.error_messages.get("required") == forms.Field.default_error_messages["required"]
        if is_default:
            is_choice = isinstance(each, forms.ChoiceField | forms.ModelChoiceField)
            each.error_messages["required"] = (
                _("Please choose one.") if is_choice else _("Please fill this in.")
            )
