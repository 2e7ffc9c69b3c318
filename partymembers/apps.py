"""Django's registration of the partymembers app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PartymembersConfig(AppConfig):
    """The people."""

    name = "partymembers"
    verbose_name = _("People")

    def ready(self) -> None:
        """Enter the pages about oneself into the navigation."""
        from partymembers.web import navigation  # noqa: PLC0415  # models are ready only now

        navigation.enter()
