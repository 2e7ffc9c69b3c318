"""Django's registration of the grids app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GridsConfig(AppConfig):
    """The territory."""

    name = "grids"
    verbose_name = _("Places")
