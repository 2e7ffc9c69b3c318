"""`manage.py write_api_schema`: the OpenAPI document as it is kept, with an eye on callers."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from drf_spectacular.validation import validate_schema

from governance.integration.breaking import breaking_changes
from governance.integration.document import committed, make_document, written


class Command(BaseCommand):
    """Write `docs/api/openapi.json` anew, unless that would break callers."""

    help = "Write docs/api/openapi.json from the endpoints. Refuses what breaks callers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether callers may break."""
        parser.add_argument(
            "--breaking", action="store_true", help=_("write it although callers of the former one break")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make, validate, compare, write. Raises CommandError."""
        document, warnings = make_document()
        if warnings:
            raise CommandError("\n".join(warnings))
        validate_schema(document)
        path = committed()
        former = json.loads(path.read_text("utf-8")) if path.exists() else None
        if former is not None and (broken := breaking_changes(former, document)):
            told = ngettext(
                "%(count)d change breaks callers:", "%(count)d changes break callers:", len(broken)
            ) % {"count": len(broken)}
            if not options["breaking"]:
                way = _("Nothing was written. --breaking writes it all the same.")
                raise CommandError("\n".join([told, *broken, way]))
            self.stderr.write("\n".join([told, *broken]))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(document), "utf-8")
        self.stdout.write(_("Written: %s") % path)
