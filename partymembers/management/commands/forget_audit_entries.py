"""`manage.py forget_audit_entries --keep-days 365`."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from partymembers.audit import SHORTEST_RETENTION, forget_old_entries, record_access


class Command(BaseCommand):
    """Delete audit entries beyond their retention."""

    help = "Delete audit entries older than so many days; never those of the last six months."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many days to keep."""
        parser.add_argument("--keep-days", type=int, default=365, help=_("days to keep (default: 365)"))

    def handle(self, **options: Any) -> None:
        """Delete, and write down that it was done."""
        keep = options["keep_days"]
        if keep < SHORTEST_RETENTION.days:
            raise CommandError(_("Keep at least %d days.") % SHORTEST_RETENTION.days)
        now = timezone.now()
        count = forget_old_entries(before=now - dt.timedelta(days=keep))
        record_access(None, "audit_entries_forgotten", at=now, entries=count, keep_days=keep)
        self.stdout.write(_("%d audit entries deleted.") % count)
