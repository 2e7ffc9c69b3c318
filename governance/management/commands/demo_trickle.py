"""`manage.py demo_trickle`: rounds of live orders by hand; `make up` has beat do it."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.demo.trickle import trickle


class Command(BaseCommand):
    """Something new is reported, and a few orders move a step."""

    help = "Let the demo city live on for some rounds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many rounds, and the pause between them."""
        parser.add_argument("--rounds", type=int, default=1, help=_("how many"))
        parser.add_argument("--pause", type=float, default=45.0, help=_("seconds between them"))

    def handle(self, *args: Any, rounds: int, pause: float, **options: Any) -> None:
        """Never in production."""
        if not settings.DEMO_ALLOWED:
            raise CommandError(_("The demo city is not for a portal that serves the public."))
        for number in range(rounds):
            if number:
                time.sleep(pause)
            done = trickle(at=timezone.now())
            told = {"reported": done.reported, "moved": done.moved}
            self.stdout.write(_("%(reported)d reported, %(moved)d moved") % told)
