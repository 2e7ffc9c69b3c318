"""`manage.py load_demo`: fill an empty portal with the demo city."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.demo.loading import load_demo
from governance.demo.staff import is_half_loaded
from partymembers.models import User


class Command(BaseCommand):
    """Places, people, catalogue, a year of orders and today's desks, made through the actions."""

    help = "Fill an empty portal with the demo city: real division names, invented people, a year of orders."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Size, seed and processes."""
        parser.add_argument(
            "--scale", type=float, default=1.0, help=_("multiplies the orders; 0.05 is quick")
        )
        parser.add_argument("--seed", type=int, default=2026, help=_("the same seed makes the same city"))
        parser.add_argument(
            "--processes", type=int, default=2, help=_("processes that live the bulk of orders")
        )
        parser.add_argument("--anyway", action="store_true", help=_("even though users exist"))

    def handle(
        self, *args: Any, scale: float, seed: int, processes: int, anyway: bool, **options: Any
    ) -> None:
        """Refuse where somebody works already; load and say what was made."""
        if not settings.DEMO_ALLOWED:
            raise CommandError(_("The demo city is not for a portal that serves the public."))
        if is_half_loaded():
            raise CommandError(
                _("The demo city was interrupted while it was loaded. Run `make reset`, then `make up`.")
            )
        if not anyway and User.objects.exists():
            raise CommandError(_("There are users already. The demo city is for an empty portal."))
        if scale < 0:
            raise CommandError(_("The scale must not be negative."))
        began = time.monotonic()
        done = load_demo(
            now=timezone.now(), seed=seed, scale=scale, processes=processes, tell=self._teller(began)
        )
        self._end_line()
        told = {"orders": done.orders, "events": done.events, "seconds": round(time.monotonic() - began)}
        self.stdout.write(_("Demo city: %(orders)d orders with %(events)d events in %(seconds)d s.") % told)

    def _teller(self, began: float) -> Any:
        """One line that is written over, or a line every five seconds where nobody looks."""
        last = [0.0]
        pause = 0.3 if sys.stderr.isatty() else 5.0

        def tell(what: str, share: float) -> None:
            now = time.monotonic()
            if now - last[0] < pause:
                return
            last[0] = now
            told = {"what": what, "share": f"{share:4.0%}", "seconds": f"{now - began:.0f}"}
            line = _("Demo city: %(what)s, %(share)s, %(seconds)s s") % told
            if sys.stderr.isatty():
                self.stderr.write(f"\r{line:<60}", ending="")
            else:
                self.stderr.write(line)
            self.stderr.flush()

        return tell

    def _end_line(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("\r" + " " * 60 + "\r", ending="")
