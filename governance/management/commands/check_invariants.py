"""`manage.py check_invariants`: is everything in the tables as it must be?"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.relay import registered_consumers
from governance.invariants.promises import Outcome, Question
from governance.invariants.running import run_checks

#: Rows of each check that one run mends.
MOST_MENDED: Final = 10_000


class Command(BaseCommand):
    """Read the tables, tell what breaks a promise, and exit 1 if anything does."""

    help = "Check what must always be true of orders, clocks, rungs, messages, wishes and points. Reads only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to check, how patiently, and whether to mend."""
        parser.add_argument("names", nargs="*", help=_("checks to run (default: all)"))
        parser.add_argument("--json", action="store_true", help=_("tell it for programs"))
        parser.add_argument(
            "--repair", action="store_true", help=_("then mend what is safe to mend, and look again")
        )
        parser.add_argument("--files", action="store_true", help=_("also look for the pictures' files"))
        parser.add_argument("--rows", type=int, default=20, help=_("rows told of each check (default: 20)"))
        parser.add_argument(
            "--grace", type=float, default=120, help=_("seconds that something may wait (default: 120)")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, mend where asked, tell."""
        outcomes = self._look(options)
        if options["repair"] and not all(outcome.holds for outcome in outcomes):
            from governance.invariants.repairs import repair  # noqa: PLC0415  who only looks asks no writer

            mended = repair(self._look(options, rows=MOST_MENDED), at=timezone.now())
            if not options["json"]:
                self.stdout.write(_("Repairs run: %s") % (", ".join(mended) or _("none")))
            outcomes = self._look(options)
        if options["json"]:
            self.stdout.write(json.dumps([_told(outcome) for outcome in outcomes], ensure_ascii=False))
        else:
            self._tell(outcomes)
        if not all(outcome.holds for outcome in outcomes):
            raise SystemExit(1)

    def _look(self, options: dict[str, Any], rows: int | None = None) -> list[Outcome]:
        question = Question(
            at=timezone.now(),
            grace=timedelta(seconds=options["grace"]),
            readers=registered_consumers(),
            sample=rows or options["rows"],
            names=tuple(options["names"]),
        )
        try:
            return run_checks(question, files=options["files"])
        except ValueError as error:
            raise CommandError(_("There is no check %s.") % error) from None

    def _tell(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self.stdout.write(f"{outcome.count:>7}  {outcome.invariant.name}  {outcome.invariant.promise}")
            for offence in outcome.offences:
                self.stdout.write(f"         {offence.number}  {offence.detail}")
        broken = sum(not outcome.holds for outcome in outcomes)
        rows = sum(outcome.count for outcome in outcomes)
        self.stdout.write(
            _("%(checks)d checks, %(broken)d broken, %(rows)d rows.")
            % {"checks": len(outcomes), "broken": broken, "rows": rows}
        )


def _told(outcome: Outcome) -> dict[str, object]:
    return {
        "name": outcome.invariant.name,
        "promise": str(outcome.invariant.promise),
        "count": outcome.count,
        "rows": [[offence.number, offence.detail] for offence in outcome.offences],
    }
