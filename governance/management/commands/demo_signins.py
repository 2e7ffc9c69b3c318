"""`manage.py demo_signins`: the accounts of the demo city, where it is loaded."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand

from governance.demo.signins import signin_table


class Command(BaseCommand):
    """Prints a table, or nothing where there is no demo city."""

    help = "Print the sign-ins of the demo city; nothing where it is not loaded."

    def handle(self, *args: Any, **options: Any) -> None:
        """Never in production: these passwords are known to everybody."""
        if not settings.DEMO_ALLOWED:
            return
        if table := signin_table():
            self.stdout.write(table)
