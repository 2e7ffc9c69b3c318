"""Django's registration of the governance app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GovernanceConfig(AppConfig):
    """The portal."""

    name = "governance"
    verbose_name = _("Governance")

    def ready(self) -> None:
        """Enter the dashboard into the navigation."""
        from governance.dashboard import navigation  # noqa: PLC0415  # models are ready only now

        navigation.enter()
