"""Activities, teams and stations for tests, in the community `west` of `make_party`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from grids.models import Place
from partymembers.actions.activities import Plan, create_activity
from partymembers.actions.teams import found_team
from partymembers.models import Activity, Station, StationItem, Team, User
from tests.factories.cases import NOON
from tests.factories.party import Party

HOUR = timedelta(hours=1)
#: The activity of `make_activity`: three hours from here.
STARTS = NOON + 24 * HOUR
ENDS = STARTS + 3 * HOUR


def make_plan(party: Party, **fields: Any) -> Plan:
    """Three hours of sweeping, for five."""
    values: dict[str, Any] = {
        "title": "清扫楼道",
        "place": party.world.city.west,
        "where": "西涧社区广场",
        "starts_at": STARTS,
        "ends_at": ENDS,
        "capacity": 5,
    }
    return Plan(**(values | fields))


def make_activity(party: Party, *, actor: User | None = None, at: datetime = NOON, **fields: Any) -> Activity:
    """An activity set up by the desk unless told otherwise."""
    return create_activity(plan=make_plan(party, **fields), actor=actor or party.world.desk, at=at)


def make_team(party: Party, name: str = "西涧先锋队", *, leader: User | None = None) -> Team:
    """A team of the community, led by the volunteer."""
    return found_team(
        name=name,
        place=party.world.city.west,
        leader=leader or party.volunteer,
        purpose="邻里互助",
        actor=party.world.desk,
        at=NOON,
    )


def make_station(
    place: Place, name: str = "西涧积分超市", *, stock: int = 5, points: int = 30
) -> StationItem:
    """A station with one item; the item is returned."""
    station = Station.objects.create(name=name, place=place, address="广场东侧", hours="9:00–17:00")
    return StationItem.objects.create(station=station, name="洗衣液", points=points, stock=stock)
