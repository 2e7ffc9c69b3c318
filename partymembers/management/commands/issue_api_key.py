"""`manage.py issue_api_key CODE --place 341102001000 --scopes orders:read orders:write`."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import DomainError
from grids.models import Place
from partymembers.actions.service_accounts import add_service_account, issue_key
from partymembers.models import ServiceAccount, Unit
from partymembers.scopes import SCOPES


class Command(BaseCommand):
    """Connect a system without the administration's pages: for first steps, tests and scripts of a server."""

    help = "Issue an API key, for a new connected system if there is none of this code; print the key, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who, where, and what the key opens."""
        parser.add_argument("code", help="the system's code, its name in the audit trail")
        parser.add_argument("--name", help="what people read in an order's history (default: the code)")
        parser.add_argument("--place", help="division code: the system acts for the desk there")
        parser.add_argument("--unit", help="code of a unit: the system acts for it")
        parser.add_argument("--reads", action="store_true", help="with --place: reads and reports, no desk")
        parser.add_argument("--sandbox", action="store_true", help="its orders are tests")
        parser.add_argument("--scopes", nargs="+", required=True, choices=list(SCOPES), metavar="SCOPE")
        parser.add_argument("--label", default="issue_api_key", help="the key's name")
        parser.add_argument("--days", type=int, default=365, help="valid so long (default: 365)")
        parser.add_argument("--rate", type=int, default=600, help="requests a minute (default: 600)")

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the key alone, so that a script can take it; CommandError where nothing was made."""
        at = timezone.now()
        try:
            key, secret = issue_key(
                account_id=self._account(options, at=at).pk,
                label=options["label"],
                scopes=options["scopes"],
                expires_at=at + timedelta(days=options["days"]),
                rate=options["rate"],
                actor=None,
                at=at,
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stderr.write(
            _("Valid until %s; it is shown this once.") % f"{timezone.localtime(key.expires_at):%F}"
        )
        self.stdout.write(secret)

    def _account(self, options: dict[str, Any], *, at: Any) -> ServiceAccount:
        """The system of this code; its reach stays as it was made. Raises CommandError or a DomainError."""
        duty = "unit" if options["unit"] else "reader" if options["reads"] else "desk"
        place = self._row(Place.objects.current(), options["place"], "--place")
        unit = self._row(Unit.objects.all(), options["unit"], "--unit")
        known = ServiceAccount.objects.filter(user__username=options["code"]).first()
        if known is None:
            name = options["name"] or options["code"]
            return add_service_account(
                code=options["code"], name=name, duty=duty, place=place, unit=unit,
                is_sandbox=options["sandbox"], actor=None, at=at,
            )  # fmt: skip
        if (known.duty, known.place, known.unit, known.is_sandbox) != (duty, place, unit, options["sandbox"]):
            raise CommandError(_("This system exists, and acts elsewhere. Choose another code."))
        return known

    @staticmethod
    def _row(rows: Any, code: str | None, option: str) -> Any:
        if not code:
            return None
        if (found := rows.filter(code=code).first()) is None:
            raise CommandError(_("%(option)s: there is no “%(code)s”.") % {"option": option, "code": code})
        return found
