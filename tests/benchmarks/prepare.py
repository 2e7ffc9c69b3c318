"""Fills the bench's database and writes down who signs in and which orders are opened.

Run as a program of its own: `python -m tests.benchmarks.prepare --orders N --grids N FILE`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

#: How many people report and read at a time: one connection each.
CONNECTIONS = 8


def main() -> None:
    """Migrate, make the city, fill it, write the plan."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--orders", type=int, required=True)
    arguments.add_argument("--grids", type=int, required=True)
    arguments.add_argument("plan", type=Path)
    given = arguments.parse_args()
    import django  # noqa: PLC0415  the settings are named by now

    django.setup()
    given.plan.write_text(json.dumps(prepare(orders=given.orders, grids=given.grids)))


def prepare(*, orders: int, grids: int) -> dict[str, object]:
    """The plan: the password, reporters with their positions and matters, readers with their orders.

    Those who report and those who read work in different communities, so that the pages that are measured
    stay alike from round to round.
    """
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from tests.benchmarks.city import COMMUNITIES, SIDE, make_bench_city  # noqa: PLC0415
    from tests.benchmarks.models import Line  # noqa: PLC0415
    from tests.benchmarks.orders import fill  # noqa: PLC0415
    from tests.factories.keys import key_of, service_account  # noqa: PLC0415
    from tests.factories.people import PASSWORD  # noqa: PLC0415

    call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
    with connection.schema_editor() as editor:
        editor.create_model(Line)
    city = make_bench_city(grids=grids)
    fill(city, orders=orders, open_orders=orders // 50, at=timezone.now())
    half = COMMUNITIES // 2
    ground = [grid for n, grid in enumerate(city.grids) if n % COMMUNITIES >= half]
    chosen = [ground[n * len(ground) // CONNECTIONS] for n in range(CONNECTIONS)]
    readers = [city.communities[n % half] for n in range(CONNECTIONS)]
    return {
        "password": PASSWORD,
        "side": SIDE,
        "matters": [matter.pk for matter in city.matters],
        "matter_codes": [matter.full_code for matter in city.matters],
        "keys": {
            "city": key_of(service_account(place=city.world.city.city)),
            "community": key_of(service_account(place=readers[0])),
        },
        "reporters": [{"username": city.workers[g.pk].username, "lng": g.lng, "lat": g.lat} for g in chosen],
        "readers": [
            {"username": city.desks[place.pk].username, "numbers": _numbers(place.pk)} for place in readers
        ],
    }


def _numbers(community: int) -> list[str]:
    """Orders of a community that its desk opens: three open ones for each ended one."""
    from cases.models import Case  # noqa: PLC0415

    mine = Case.objects.filter(community_id=community).order_by("-reported_at", "pk")
    numbers = [
        *mine.open().values_list("number", flat=True)[:30],
        *mine.values_list("number", flat=True)[:10],
    ]
    return list(numbers)


if __name__ == "__main__":
    main()
