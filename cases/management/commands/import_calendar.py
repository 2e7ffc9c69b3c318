"""``manage.py import_calendar YEAR…``: the official holidays and make-up workdays of those years."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from cases.actions.catalogue import import_calendar_year
from cases.calendars import is_published
from governance.common.errors import Invalid


class Command(BaseCommand):
    """Seeds the work calendar; days entered by hand stay as they are, and open orders follow."""

    help = "Write the official holidays and make-up workdays of the given years into the work calendar."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take one year or more."""
        parser.add_argument("years", nargs="+", type=int, metavar="YEAR", help="for example 2026")

    @transaction.atomic
    def handle(self, *, years: list[int], **options: object) -> None:
        """Seed every year or, when one is unknown, none."""
        for year in years:
            try:
                count = import_calendar_year(year=year, actor=None, at=timezone.now())
            except Invalid as error:
                raise CommandError(f"{year}: {error.message}") from error
            self.stdout.write(f"{year}: {count} days written.")
            if not is_published(year):
                self.stderr.write(
                    f"{year} is not published: its statutory holidays are in, its make-up workdays are not."
                )
