"""Django's registration of the cases app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CasesConfig(AppConfig):
    """The orders."""

    name = "cases"
    verbose_name = _("Orders")

    def ready(self) -> None:
        """Register who reads the event log: each room names its readers, in its own `ready`."""
        from cases import consumers, notify, pace, relay  # noqa: PLC0415  models are loaded by now, not before
        from cases.actions import delivering, intake, setting_aside  # noqa: PLC0415
        from cases.actions.catalogue import AUDIT_LABELS  # noqa: PLC0415
        from cases.web import navigation, notifications  # noqa: PLC0415
        from partymembers import audit  # noqa: PLC0415

        relay.register(notify.IN_APP, consumers.ROUTER, consumers.STRAYS, consumers.MERGED_NEWS)
        notifications.enter()
        navigation.enter()
        audit.LABELS.update(AUDIT_LABELS | pace.AUDIT_LABELS)
        audit.LABELS.update(delivering.AUDIT_LABELS | setting_aside.AUDIT_LABELS | intake.AUDIT_LABELS)
