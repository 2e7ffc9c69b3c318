"""Django's registration of the cases app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CasesConfig(AppConfig):
    """The orders."""

    name = "cases"
    verbose_name = _("Orders")
