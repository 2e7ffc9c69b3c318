"""Import of branches and of members, from CSV or XLSX: whole file or nothing, each bad row with its reason.

Both go through the actions, so what a page refuses, a row is refused for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import DomainError
from governance.common.imports import ImportReport, Progress, all_or_nothing, no_progress
from governance.common.tabular import CellError, Row, read_table, shorten
from grids.models import Place
from partymembers.actions import branches as tree
from partymembers.actions import members as people
from partymembers.importing import day_in
from partymembers.models import Branch, BranchLevel, Member, Unit, User
from partymembers.phones import normal_identifier

BRANCH_ALIASES = {
    "编码": "code",
    "支部编码": "code",
    "名称": "name",
    "支部名称": "name",
    "层级": "level",
    "上级编码": "parent_code",
    "上级支部编码": "parent_code",
    "区划代码": "place_code",
    "网格编码": "place_code",
    "服务范围": "place_code",
    "单位编码": "unit_code",
    "工作单位编码": "unit_code",
    "成立日期": "founded_on",
}
MEMBER_ALIASES = {
    "工号": "staff_number",
    "手机": "phone",
    "手机号": "phone",
    "姓名": "name",
    "所属支部编码": "home_branch_code",
    "支部编码": "home_branch_code",
    "居住地编码": "place_code",
    "网格编码": "place_code",
    "门牌": "door",
    "转入日期": "settled_on",
    "类别": "status",
}
#: Where an action's complaint about a field shows up in the table.
_COLUMN_OF = {
    "parent": "parent_code",
    "place": "place_code",
    "unit": "unit_code",
    "home_branch": "home_branch_code",
    "to_branch": "home_branch_code",
    "lives_at": "place_code",
    "moved_on": "settled_on",
    "user": "staff_number",
}
#: What a sheet may call a level or a status: the field's words (GLOSSARY.md), or the code.
_LEVELS = {
    "市委": BranchLevel.CITY,
    "街道工委": BranchLevel.STREET,
    "社区党委": BranchLevel.COMMUNITY,
    "党支部": BranchLevel.BRANCH,
    "支部": BranchLevel.BRANCH,
    "党小组": BranchLevel.GROUP,
    "楼栋党小组": BranchLevel.GROUP,
    "党员中心户": BranchLevel.HOUSEHOLD,
} | {level.value: level for level in BranchLevel}
_STATUSES = {
    "正式党员": Member.Status.FULL,
    "正式": Member.Status.FULL,
    "预备党员": Member.Status.PROBATIONARY,
    "预备": Member.Status.PROBATIONARY,
} | {status.value: status for status in Member.Status}
_Source = Path | str | bytes | BinaryIO


def import_branches(
    source: _Source,
    *,
    actor: User | None = None,
    at: dt.datetime,
    dry_run: bool = False,
    progress: Progress = no_progress,
) -> ImportReport:
    """Add or correct branches; the same file again changes nothing. All rows or none.

    Columns: code, name, level; optional: parent_code, place_code, unit_code, founded_on. A parent may stand
    below its children in the file. An empty cell leaves what is there. Raises TableError.
    """
    report = ImportReport(dry_run=dry_run)
    table = read_table(source, required=["code", "name", "level"], aliases=BRANCH_ALIASES)
    rows = list(table.rows)
    with all_or_nothing(report):
        _take_all(_Branches(report, actor, at, rows).take, _topmost_first(rows), len(rows), progress)
    return report


def import_members(
    source: _Source,
    *,
    actor: User | None = None,
    at: dt.datetime,
    dry_run: bool = False,
    progress: Progress = no_progress,
) -> ImportReport:
    """Enter or correct members; the same file again changes nothing. All rows or none.

    Columns: staff_number or phone of somebody who is in the portal (`import_people` adds people), and
    home_branch_code; optional: name (must agree), place_code, door, settled_on, status. An empty cell leaves
    what is there. Another home is a move on the day `settled_on`. Raises TableError.
    """
    report = ImportReport(dry_run=dry_run)
    table = read_table(source, required=["home_branch_code"], aliases=MEMBER_ALIASES)
    rows = list(table.rows)
    with all_or_nothing(report):
        _take_all(_Members(report, actor, at, rows).take, rows, len(rows), progress)
    return report


def _take_all(take: Callable[[Row], None], rows: Iterable[Row], total: int, progress: Progress) -> None:
    for done, row in enumerate(rows, start=1):
        take(row)
        progress(done, total)


def _topmost_first(rows: list[Row]) -> list[Row]:
    """A parent's level is above its children's, so the levels give an order in which parents come first."""
    ranks = {row.line: _LEVELS.get(row.get("level"), BranchLevel.HOUSEHOLD).rank for row in rows}
    return sorted(rows, key=lambda row: (ranks[row.line], row.line))


class _Import:
    """What the two imports share: a row is taken in, or noted with why not."""

    def __init__(self, report: ImportReport, actor: User | None, at: dt.datetime, rows: list[Row]) -> None:
        self.report = report
        self.acting: dict[str, Any] = {"actor": actor, "at": at}
        self.today = timezone.localdate(at)
        codes = {row.get("place_code") for row in rows}
        self.places = {place.code: place for place in Place.objects.defer("boundary").filter(code__in=codes)}
        self.seen: dict[Any, int] = {}

    def take(self, row: Row) -> None:
        """Bring one row in, or note why not."""
        if row.errors:
            self.report.refuse(*row.errors)
            return
        try:
            outcome = self.take_row(row)
        except CellError as error:
            self.report.refuse(error.error)
        except DomainError as error:
            column = _COLUMN_OF.get(error.field, error.field)
            self.report.refuse(row.error(column if column in row.cells else "", str(error.message)))
        else:
            self.report.created += outcome == "created"
            self.report.updated += outcome == "updated"
            self.report.unchanged += outcome == "unchanged"

    def take_row(self, row: Row) -> str:
        """`created`, `updated` or `unchanged`. Raises CellError or DomainError."""
        raise NotImplementedError

    def once(self, key: Any, row: Row, column: str) -> None:
        """A row that means the same as an earlier one is refused. Raises CellError."""
        line = self.seen.setdefault(key, row.line)
        if line != row.line:
            raise CellError(row.error(column, _("stands in line %d already") % line))

    def place(self, row: Row) -> Place | None:
        """The place of a row, if it names one. Raises CellError."""
        code = row.get("place_code")
        if code and code not in self.places:
            raise CellError(row.error("place_code", _("no place has the code “%s”") % shorten(code)))
        return self.places.get(code)


class _Branches(_Import):
    """One import of branches under way."""

    def __init__(self, report: ImportReport, actor: User | None, at: dt.datetime, rows: list[Row]) -> None:
        super().__init__(report, actor, at, rows)
        self.units = {unit.code: unit for unit in Unit.objects.all()}

    def take_row(self, row: Row) -> str:
        """Add the branch, or bring the known one to what the row says."""
        code, name = row.text("code", max_length=30), row.text("name", max_length=100)
        self.once(code, row, "code")
        level, parent = _level(row), self._parent(row)
        wanted: dict[str, Any] = {
            "place": self.place(row),
            "unit": self._unit(row),
            "founded_on": day_in(row, "founded_on"),
        }
        known = Branch.objects.select_related("place", "unit").filter(code=code).first()
        if known is None:
            tree.add_branch(
                code=code, name=name, level=level, parent_id=parent.pk if parent else None,
                **wanted, **self.acting,
            )  # fmt: skip
            return "created"
        if known.level != level:
            raise CellError(
                row.error("level", _("differs from what is there: %s") % known.get_level_display())
            )
        kept = {field: value or getattr(known, field) for field, value in wanted.items()}
        changed = known.name != name or any(getattr(known, field) != value for field, value in kept.items())
        if changed:
            tree.change_branch(branch_id=known.pk, name=name, **kept, **self.acting)
        moved = parent is not None and Branch.objects.get_parent(known) != parent
        if parent is not None and moved:
            tree.move_branch(branch_id=known.pk, parent_id=parent.pk, **self.acting)
        return "updated" if changed or moved else "unchanged"

    def _parent(self, row: Row) -> Branch | None:
        code = row.get("parent_code")
        parent = Branch.objects.filter(code=code).first() if code else None
        if code and parent is None:
            raise CellError(row.error("parent_code", _("no branch has the code “%s”") % shorten(code)))
        return parent

    def _unit(self, row: Row) -> Unit | None:
        code = row.get("unit_code")
        if code and code not in self.units:
            raise CellError(row.error("unit_code", _("no unit has the code “%s”") % shorten(code)))
        return self.units.get(code)


class _Members(_Import):
    """One import of members under way."""

    def __init__(self, report: ImportReport, actor: User | None, at: dt.datetime, rows: list[Row]) -> None:
        super().__init__(report, actor, at, rows)
        codes = {row.get("home_branch_code") for row in rows}
        self.branches = {branch.code: branch for branch in Branch.objects.filter(code__in=codes)}
        numbers = [normal_identifier(row.get("staff_number")) for row in rows]
        phones = [normal_identifier(row.get("phone")) for row in rows]
        people = list(User.objects.people().filter(Q(username__in=numbers) | Q(phone__in=phones)))
        self.by_number = {user.username: user for user in people}
        self.by_phone = {user.phone: user for user in people if user.phone}
        present = Member.objects.select_related("lives_at").filter(user__in=people, left_on=None)
        self.members = {member.user_id: member for member in present}

    def take_row(self, row: Row) -> str:
        """Enter the member, or bring the known one to what the row says."""
        user, branch = self._user(row), self._branch(row)
        self.once(user.pk, row, "staff_number" if row.get("staff_number") else "phone")
        place, door = self.place(row), row.text("door", required=False, max_length=100)
        settled_on, status = day_in(row, "settled_on"), _status(row)
        known = self.members.get(user.pk)  # each person stands in one row, so none is out of date
        if known is None:
            if settled_on is None:
                raise CellError(row.error("settled_on", _("is empty")))
            people.add_member(
                user_id=user.pk, home_branch_id=branch.pk, status=status or Member.Status.FULL,
                lives_at=place, door=door, settled_on=settled_on, **self.acting,
            )  # fmt: skip
            return "created"
        changed = [
            self._transferred(known, branch),
            self._status_changed(known, status),
            self._moved(row, known, place or known.lives_at, door or known.door, settled_on),
        ]
        return "updated" if any(changed) else "unchanged"

    def _transferred(self, member: Member, branch: Branch) -> bool:
        if member.home_branch_id == branch.pk:
            return False
        people.transfer_member(member_id=member.pk, to_branch_id=branch.pk, **self.acting)
        return True

    def _status_changed(self, member: Member, status: str) -> bool:
        if not status or member.status == status:
            return False
        people.change_status(member_id=member.pk, status=status, **self.acting)
        return True

    def _moved(
        self, row: Row, member: Member, place: Place | None, door: str, moved_on: dt.date | None
    ) -> bool:
        if place == member.lives_at and door == member.door:
            return False
        if moved_on is None:
            raise CellError(row.error("settled_on", _("is empty")))
        people.move_house(
            member_id=member.pk, lives_at=place, door=door, moved_on=moved_on, **self.acting
        )  # fmt: skip
        return True

    def _user(self, row: Row) -> User:
        """Whom the row means, by staff number or phone; the name, where there is one, must agree."""
        number, phone = normal_identifier(row.get("staff_number")), normal_identifier(row.get("phone"))
        column, typed = ("staff_number", number) if number else ("phone", phone)
        if not typed:
            raise CellError(row.error("staff_number", _("is empty")))
        user = self.by_number.get(number) if number else self.by_phone.get(phone)
        if user is None:
            raise CellError(row.error(column, _("nobody has this number; import the people first")))
        if row.get("name") and row.get("name") != user.name:
            raise CellError(row.error("name", _("differs from the name of whoever has this number")))
        return user

    def _branch(self, row: Row) -> Branch:
        code = row.text("home_branch_code", max_length=30)
        if code not in self.branches:
            raise CellError(row.error("home_branch_code", _("no branch has the code “%s”") % shorten(code)))
        return self.branches[code]


def _level(row: Row) -> BranchLevel:
    """A level by its code or its name. Raises CellError."""
    typed = row.text("level", max_length=50)
    found = _LEVELS.get(typed) or _LEVELS.get(typed.casefold())
    if found is None:
        told = {"level": shorten(typed), "levels": ", ".join(str(level.label) for level in BranchLevel)}
        raise CellError(row.error("level", _("“%(level)s” is none of: %(levels)s") % told))
    return found


def _status(row: Row) -> str:
    """Full or probationary; empty where the cell is. Raises CellError."""
    typed = row.get("status")
    if typed and typed.casefold() not in _STATUSES:
        raise CellError(row.error("status", _("“%s” is neither full nor probationary") % shorten(typed)))
    return _STATUSES[typed.casefold()].value if typed else ""
