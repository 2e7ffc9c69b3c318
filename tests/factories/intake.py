"""A hotline's mapping and payloads for tests."""

from __future__ import annotations

from typing import Any

from cases.actions.intake import save_mapping
from cases.models import IntakeMapping
from grids.coordinates import wgs84_to_gcj02
from partymembers.models import ServiceAccount
from tests.factories.cases import NOON, World


def hotline_mapping(account: ServiceAccount, world: World, **fields: Any) -> IntakeMapping:
    """Nested fields, tables of values, local times, shifted coordinates, an answer of its own."""
    areas = {"西涧": world.city.west.code}
    rules = {
        "source_number": "order.no",
        "matter": {"path": "order.type", "values": {"0203": world.matter.full_code}},
        "description": ["order.title", "order.content"],
        "addition": "order.extra",
        "address": "order.where.address",
        "place": {"path": "order.where.area", "values": areas, "default": world.city.street.code},
        "lng": "order.where.xy.0",
        "lat": "order.where.xy.1",
        "name": "caller.name",
        "phone": "caller.phone",
        "seen_at": "order.time",
    }  # fmt: skip
    values = {
        "source": "12345",
        "rules": rules,
        "time_format": "%Y-%m-%d %H:%M:%S",
        "crs": "gcj02",
        "answer": {"code": 0, "data": {"id": "$number", "what": "$outcome", "state": "$state"}},
    } | fields
    return save_mapping(IntakeMapping(account=account, **values), actor=None, at=NOON)


def hotline_payload(world: World, number: str = "WX-1", **order: Any) -> dict[str, Any]:
    """A call about grid west_1; `order` replaces parts of it."""
    lng, lat = wgs84_to_gcj02(*world.city.inside(world.city.west_1))
    told = {
        "no": number,
        "type": "0203",
        "title": "路灯不亮",
        "content": "三天了",
        "where": {"address": "映月路 86 号", "xy": [lng, str(lat)]},
        "time": "2026-11-20 09:58:00",
    }
    return {"order": told | order, "caller": {"name": "李秀英", "phone": "138 1234 5678"}}
