"""A hundred thousand orders in a minute: patterns made through the actions, and copies of them made in SQL.

A copy has another grid, desk, reporter and time, and its own clocks, events, parts and pictures. So every
row is one that the portal itself could have written; nobody types 23 columns by hand.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, Model

from cases.actions import checking, routing
from cases.models import Attachment, Case, CaseEvent, CaseUnit, Channel, Clock, ConsumerCursor, Satisfaction
from cases.relay import registered_consumers, sequence_events
from cases.workflow import OPEN_STATES, State
from tests.benchmarks.city import SIDE, BenchCity
from tests.benchmarks.models import Line
from tests.factories.cases import bring_to

#: Of a hundred open orders so many are in each state.
OPEN_MIX = {
    State.REPORTED: 28,
    State.ACCEPTED: 17,
    State.DISPATCHED: 15,
    State.HANDLING: 25,
    State.HANDLED: 10,
    State.SUSPENDED: 5,
}
#: Of a hundred ended ones.
ENDED_MIX = {State.CLOSED: 93, State.DECLINED: 4, State.MERGED: 2, State.VOIDED: 1}
PATTERNS_A_PERCENT = 0.4
WORDS = ("门口", "路口", "小区内", "学校旁", "菜场边", "桥下", "二单元", "公交站")


def fill(city: BenchCity, *, orders: int, open_orders: int, at: datetime) -> None:
    """Write the orders, bare rows beside them, and fresh statistics."""
    shares = [
        (OPEN_MIX, open_orders, timedelta(hours=6), 20),
        (ENDED_MIX, orders - open_orders, timedelta(days=30), 330),
    ]
    draw = random.Random(7)
    _temporary_tables(city)
    for mix, total, age, days in shares:
        for state, percent in mix.items():
            patterns = [
                _pattern(city, state, at - age, draw)
                for _ in range(max(2, int(percent * PATTERNS_A_PERCENT)))
            ]
            _plan(patterns, total * percent // 100, days)
    sequence_events(1_000_000)
    with _quick_writing(Case, Clock, CaseEvent, CaseUnit, Attachment):
        _copy_everything()
    top = CaseEvent.objects.order_by("-position").values_list("position", flat=True).first() or 0
    for name in registered_consumers():
        ConsumerCursor.objects.update_or_create(name=name, defaults={"position": top})
    _bare_lines(orders, at)
    connection.cursor().execute("VACUUM ANALYZE")


@contextmanager
def _quick_writing(*models: type[Model]) -> Iterator[None]:
    """Write many rows without looking up references, and build the indexes once, afterwards."""
    tables = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '256MB'")
        cursor.execute(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename = ANY(%s) AND NOT EXISTS"
            " (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
            [tables],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = origin")


def _pattern(city: BenchCity, state: State, at: datetime, draw: random.Random) -> int:
    """One order brought to a state; some by residents, some rated. Returns its id."""
    (unit, handler), (assisting, assistant) = draw.sample(city.units, 2)
    matter = draw.choice(city.matters)
    world = replace(
        city.world, unit=unit, handler=handler, assisting=assisting, assistant=assistant, matter=matter
    )
    pace = timedelta(minutes=draw.choice((2, 9, 31) if state in OPEN_STATES else (3, 25, 180)))
    place = f"{draw.choice(WORDS)}{draw.choice(WORDS)}{draw.randint(1, 300)}号"
    case = bring_to(
        world, state, at=at, pace=pace, address=place, description=f"{place}，{matter.name}，请尽快处理",
        channel=draw.choice((Channel.GRID_WORKER, Channel.GRID_WORKER, Channel.PATROL)),
    )  # fmt: skip
    routing.route_case(case_id=case.pk, at=at + 9 * pace)  # as a worker does at once, where nobody was faster
    if state == State.CLOSED and draw.random() < 0.4:
        face = draw.choice((Satisfaction.SATISFIED, Satisfaction.SATISFIED, Satisfaction.BASICALLY))
        answer = checking.Answer(contacted=True, solved=True, satisfaction=face)
        checking.rate_case(case_id=case.pk, actor=world.worker, at=at + 9 * pace, answer=answer)
    return case.pk


def _temporary_tables(city: BenchCity) -> None:
    """The grids with the line above each and its worker; and the plan of copies, still empty."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(
            "CREATE TEMP TABLE bench_grid AS SELECT row_number() OVER (ORDER BY g.id) AS n, g.id AS grid_id,"
            " c.id AS community_id, s.id AS street_id, g.lng, g.lat, p.user_id AS worker_id, u.name, u.phone"
            " FROM grids_place g"
            " JOIN grids_place c ON c.level = 'community' AND g.path LIKE c.path || '%'"
            " JOIN grids_place s ON s.level = 'street' AND g.path LIKE s.path || '%'"
            " JOIN partymembers_post p ON p.place_id = g.id JOIN partymembers_user u ON u.id = p.user_id"
            " WHERE g.level = 'grid'"
        )
        cursor.execute(
            "CREATE TEMP TABLE bench_copy (n serial, pattern bigint, case_id bigint, shift interval,"
            " grid int, by_resident boolean)"
        )


def _plan(patterns: list[int], count: int, days: int) -> None:
    """So many copies of these patterns, spread over the grids and over the days before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_copy (pattern, case_id, shift, grid, by_resident)"
            " SELECT (%s::bigint[])[1 + i %% %s], nextval(pg_get_serial_sequence('cases_case', 'id')),"
            " -(random() ^ 2 * %s) * interval '1 day',"
            " 1 + floor(random() * (SELECT count(*) FROM bench_grid)),"
            " random() < 0.3 FROM generate_series(1, %s) i",
            [patterns, len(patterns), days, count],
        )


#: What a copied order has of its own. A resident's report has a phone and a link instead of a person.
_RESIDENT = "CASE WHEN copy.by_resident THEN"
ORDER = {
    "id": "copy.case_id",
    "number": "to_char(pattern.reported_at + copy.shift, 'YYMMDD') || '-' || 100000 + copy.n",
    **dict.fromkeys(("place_id", "grid_id", "reported_place_id", "reported_grid_id"), "g.grid_id"),
    **dict.fromkeys(("community_id", "reported_community_id", "desk_id"), "g.community_id"),
    **dict.fromkeys(("street_id", "reported_street_id"), "g.street_id"),
    "lng": f"g.lng + (random() - 0.5) * {SIDE * 0.9}",
    "lat": f"g.lat + (random() - 0.5) * {SIDE * 0.9}",
    "reporter_id": f"{_RESIDENT} NULL ELSE g.worker_id END",
    "channel": f"{_RESIDENT} 'resident' ELSE pattern.channel END",
    "reporter_phone": f"{_RESIDENT} '13' || floor(1e8 + random() * 8e8)::bigint ELSE '' END",
    "reporter_name": f"{_RESIDENT} '居民' ELSE '' END",
    "follow_token": f"{_RESIDENT} md5(random()::text || copy.n) END",
}
#: Rungs whose time has passed count as taken, or the first sweep would climb a year of ladders.
CLOCK = {
    "next_rung_at": "CASE WHEN pattern.next_rung_at + copy.shift > now()"
    " THEN pattern.next_rung_at + copy.shift END"
}
EVENT = {
    "position": "(SELECT max(position) FROM cases_caseevent)"
    " + row_number() OVER (ORDER BY copy.n, pattern.seq)"
}
ATTACHMENT = {
    "event_id": "(SELECT e.id FROM cases_caseevent e JOIN cases_caseevent o ON o.id = pattern.event_id"
    " WHERE e.case_id = copy.case_id AND e.seq = o.seq)",
    "token": "md5(random()::text || copy.n || pattern.id)",
}


def _copy_everything() -> None:
    """The orders first, then what hangs on them."""
    _copy(Case, "pattern.id", ORDER)
    _copy(Clock, "pattern.case_id", CLOCK)
    _copy(CaseEvent, "pattern.case_id", EVENT)
    _copy(CaseUnit, "pattern.case_id", {})
    _copy(Attachment, "pattern.case_id", ATTACHMENT)


def _copy(model: type[Model], of: str, changes: Mapping[str, str]) -> None:
    """Copy the patterns' rows of one table for every planned copy, their instants moved."""
    columns: dict[str, str] = {}
    for field in model._meta.concrete_fields:
        if field.primary_key and "id" not in changes:
            continue
        moved = (
            f"pattern.{field.column} + copy.shift"
            if isinstance(field, DateTimeField)
            else f"pattern.{field.column}"
        )
        columns[field.column] = changes.get(
            field.column, "copy.case_id" if field.column == "case_id" else moved
        )
    names, values = ", ".join(f'"{name}"' for name in columns), ", ".join(columns.values())
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM bench_copy copy JOIN {table} pattern"
            f" ON {of} = copy.pattern JOIN bench_grid g ON g.n = copy.grid"
        )


def _bare_lines(count: int, at: datetime) -> None:
    """As many bare rows as orders, of the same people."""
    table = Line._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (owner_id, at, text)"
            " SELECT people.ids[1 + i %% array_length(people.ids, 1)],"
            " %s::timestamptz - i * interval '1 minute', 'row ' || i FROM generate_series(1, %s) i,"
            " (SELECT array_agg(id ORDER BY id) AS ids FROM partymembers_user) AS people",
            [at, count],
        )
