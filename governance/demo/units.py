"""The demo city's units: invented departments, utilities, street offices and property companies."""

from __future__ import annotations

from typing import Final, NamedTuple

from governance.demo.territory import Territory
from partymembers.models import Unit


class _Given(NamedTuple):
    key: str
    name: str
    kind: str


_DISTRICT: Final = (
    _Given("roads", "琅琊区市政养护所", Unit.Kind.DEPARTMENT),
    _Given("clean", "琅琊区环境卫生所", Unit.Kind.DEPARTMENT),
    _Given("green", "琅琊区园林绿化所", Unit.Kind.DEPARTMENT),
    _Given("order", "琅琊区城市管理执法大队", Unit.Kind.DEPARTMENT),
    _Given("traffic", "琅琊区交通设施管护站", Unit.Kind.DEPARTMENT),
    _Given("housing", "琅琊区房屋安全管理站", Unit.Kind.DEPARTMENT),
    _Given("works", "琅琊区建设工程监管站", Unit.Kind.DEPARTMENT),
    _Given("market", "琅琊区市场监管综合站", Unit.Kind.DEPARTMENT),
    _Given("safety", "琅琊区应急管理值守中心", Unit.Kind.DEPARTMENT),
    _Given("air", "琅琊区生态环境巡查站", Unit.Kind.DEPARTMENT),
    _Given("river", "琅琊区河湖管护站", Unit.Kind.DEPARTMENT),
    _Given("water", "清园供水有限公司", Unit.Kind.UTILITY),
    _Given("drain", "清园排水有限公司", Unit.Kind.UTILITY),
    _Given("power", "琅琊供电服务站", Unit.Kind.UTILITY),
    _Given("gas", "东明燃气有限公司", Unit.Kind.UTILITY),
    _Given("cable", "通信线缆联合维护中心", Unit.Kind.UTILITY),
)
_PROPERTY: Final = ("安居", "和润", "清和", "佳园", "鸿福", "绿苑", "锦程", "惠民", "启航")


def make_units(territory: Territory) -> dict[str, Unit]:
    """Units by key; a street's own are `office` and `property` with the street's code behind a space."""
    units = {
        given.key: Unit(
            code=f"D{number:03d}", name=given.name, kind=given.kind, place=territory.district,
            phone=f"0550-0000{number:03d}",
        )
        for number, given in enumerate(_DISTRICT, start=1)
    }  # fmt: skip
    for number, street in enumerate(territory.streets, start=1):
        units[f"office {street.code}"] = Unit(
            code=f"S{number:03d}", name=f"{street.name}综合执法队", kind=Unit.Kind.STREET_OFFICE,
            place=street, phone=f"0550-0001{number:03d}",
        )  # fmt: skip
        units[f"property {street.code}"] = Unit(
            code=f"P{number:03d}", name=f"{_PROPERTY[number - 1]}物业{street.name}服务处",
            kind=Unit.Kind.PROPERTY, place=street, phone=f"0550-0002{number:03d}",
        )  # fmt: skip
    Unit.objects.bulk_create(units.values())
    return units


def units_by_key(territory: Territory) -> dict[str, Unit]:
    """The units that `make_units` made, by the same keys; those that somebody has renamed too."""
    by_code = {unit.code: unit for unit in Unit.objects.all()}
    codes = {given.key: f"D{number:03d}" for number, given in enumerate(_DISTRICT, start=1)}
    for number, street in enumerate(territory.streets, start=1):
        codes |= {f"office {street.code}": f"S{number:03d}", f"property {street.code}": f"P{number:03d}"}
    return {key: by_code[code] for key, code in codes.items() if code in by_code}
