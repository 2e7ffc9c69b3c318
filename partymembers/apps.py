"""Django's registration of the partymembers app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PartymembersConfig(AppConfig):
    """The people."""

    name = "partymembers"
    verbose_name = _("People")
