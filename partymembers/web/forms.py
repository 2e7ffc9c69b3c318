"""Forms of sign-in and of one's own password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from governance.common.forms import BaseForm
from partymembers.models import User


class SignInForm(BaseForm):
    """Staff number or phone, and password. Every failure reads the same."""

    username = forms.CharField(label=_("Phone or staff number"), max_length=150)
    password = forms.CharField(
        label=_("Password"), max_length=256, strip=False, widget=forms.PasswordInput(render_value=False)
    )
    trust_device = forms.BooleanField(label=_("Trust this device for 7 days"), required=False)

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.request = request
        self.user: User | None = None
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        """Ask the backends; django-axes counts a failure and answers for a locked name."""
        cleaned = self.cleaned_data
        username, password = cleaned.get("username"), cleaned.get("password")
        if username and password:
            user = authenticate(self.request, username=username, password=password)
            if not isinstance(user, User):
                raise forms.ValidationError(
                    _("The phone or staff number and the password do not match. Check both and try again."),
                    code="no_match",
                )
            self.user = user
        return cleaned

    def get_user(self) -> User | None:
        """Whom the password proved."""
        return self.user


class PasswordForm(BaseForm):
    """Change one's own password: the old one once, the new one twice."""

    old_password = forms.CharField(
        label=_("Old password"),
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new_password1 = forms.CharField(
        label=_("New password"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 10 characters; mix letters, digits and signs. No name, no phone."),
    )
    new_password2 = forms.CharField(
        label=_("New password again"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.request = request
        super().__init__(*args, **kwargs)

    def clean_old_password(self) -> str:
        """The old password, checked by the door that also counts wrong ones."""
        old: str = self.cleaned_data["old_password"]
        user = authenticate(self.request, username=self.request.user.get_username(), password=old)
        if user is None or user.pk != self.request.user.pk:
            raise forms.ValidationError(_("The old password is not right."), code="no_match")
        return old

    def clean_new_password2(self) -> str:
        """Both entries must be the same."""
        again: str = self.cleaned_data["new_password2"]
        if again != self.cleaned_data.get("new_password1"):
            raise forms.ValidationError(_("The two new passwords differ."), code="differ")
        return again
