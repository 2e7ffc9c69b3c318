"""Import of people with their posts, from CSV or XLSX: one row a post, or a person without any.

New people get a random first password each, which they must change. It stands in one file that only its
owner can read, and nowhere else.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

from django.db import IntegrityError
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import DomainError
from governance.common.imports import ImportReport, Progress, all_or_nothing, no_progress
from governance.common.tabular import CellError, Row, TableError, read_table, shorten
from grids.models import Place
from partymembers.actions.intake import Intake
from partymembers.models import BRANCH_ROLES, PLACE_ROLES, UNIT_ROLES, Branch, Post, Role, Unit, User
from partymembers.phones import mobile_number, normal_identifier

ALIASES = {
    "工号": "staff_number",
    "姓名": "name",
    "手机": "phone",
    "手机号": "phone",
    "岗位": "role",
    "职务": "role",
    "区划代码": "place_code",
    "网格编码": "place_code",
    "单位编码": "unit_code",
    "单位代码": "unit_code",
    "支部编码": "branch_code",
    "用工": "employment",
    "专兼职": "employment",
    "任职日期": "from",
    "起": "from",
    "离任日期": "until",
    "止": "until",
}
#: Where an action's complaint about a field shows up in the table.
_COLUMN_OF = {
    "username": "staff_number",
    "place": "place_code",
    "unit": "unit_code",
    "branch": "branch_code",
    "starts_on": "from",
    "ends_on": "until",
}
#: What a sheet may call a role: the field's words (GLOSSARY.md), or the code.
_ROLES = {
    "网格员": Role.GRID_WORKER,
    "grid worker": Role.GRID_WORKER,
    "网格长": Role.GRID_LEADER,
    "grid leader": Role.GRID_LEADER,
    "网格指导员": Role.GRID_GUIDE,
    "grid guide": Role.GRID_GUIDE,
    "楼栋长": Role.BUILDING_CAPTAIN,
    "building captain": Role.BUILDING_CAPTAIN,
    "社区书记": Role.SECRETARY,
    "community secretary": Role.SECRETARY,
    "坐席": Role.DESK,
    "工作台人员": Role.DESK,
    "desk staff": Role.DESK,
    "领导": Role.OFFICIAL,
    "市领导": Role.OFFICIAL,
    "official": Role.OFFICIAL,
    "经办人": Role.HANDLER,
    "handler": Role.HANDLER,
    "单位负责人": Role.UNIT_HEAD,
    "支部书记": Role.BRANCH_SECRETARY,
    "branch secretary": Role.BRANCH_SECRETARY,
    "支部委员": Role.BRANCH_COMMITTEE,
    "branch committee member": Role.BRANCH_COMMITTEE,
    "head of unit": Role.UNIT_HEAD,
    "系统管理员": Role.SYSTEM_OFFICER,
    "system officer": Role.SYSTEM_OFFICER,
    "安全管理员": Role.SECURITY_OFFICER,
    "security officer": Role.SECURITY_OFFICER,
    "审计管理员": Role.AUDIT_OFFICER,
    "audit officer": Role.AUDIT_OFFICER,
} | {role.value: role for role in Role}
_EMPLOYMENTS = {
    "full_time": Post.Employment.FULL_TIME.value,
    "full-time": Post.Employment.FULL_TIME.value,
    "专职": Post.Employment.FULL_TIME.value,
    "part_time": Post.Employment.PART_TIME.value,
    "part-time": Post.Employment.PART_TIME.value,
    "兼职": Post.Employment.PART_TIME.value,
}
_DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?: 00:00:00)?")


def import_people(
    source: Path | str | bytes | BinaryIO,
    *,
    passwords: Path | None,
    actor: User | None = None,
    at: dt.datetime,
    dry_run: bool = False,
    progress: Progress = no_progress,
) -> ImportReport:
    """Add or correct people and their posts; the same file again changes nothing. All rows or none.

    Columns: staff_number, name; optional: phone, role, place_code, unit_code or branch_code, employment
    (full_time, part_time), from, until (both included). An empty cell leaves what is there. `passwords` is a
    new file for the first passwords, readable by its owner alone; a dry run needs none.
    Raises TableError when the file cannot be read, `passwords` cannot be created, or somebody else changes
    the same people meanwhile; NotAllowed for anyone but the security officer.
    """
    report = ImportReport(dry_run=dry_run)
    rows = [*read_table(source, required=["staff_number", "name"], aliases=ALIASES).rows]
    if passwords is None and not dry_run:
        raise TableError(_("Say which new file the first passwords go into."))
    secret = _SecretFile(None if dry_run else passwords)
    try:
        with all_or_nothing(report):
            people = _People(report, actor, at, rows, secret.write)
            for done, row in enumerate(rows, start=1):
                people.take(row)
                progress(done, len(rows))
            people.intake.flush()
            secret.close()
    except IntegrityError as error:
        told = _(
            "Somebody else changed the same people at the same time. Nothing was imported: run it again."
        )
        raise TableError(told) from error
    finally:
        if not (report.applied and secret.rows):
            secret.discard()
    return report


class _People:
    """One import under way."""

    def __init__(
        self,
        report: ImportReport,
        actor: User | None,
        at: dt.datetime,
        rows: list[Row],
        write: Callable[[User, str], None],
    ) -> None:
        self.report, self.write = report, write
        self.today = timezone.localdate(at)
        numbers = {normal_identifier(row.get("staff_number")) for row in rows}
        self.intake = Intake(numbers, actor=actor, at=at)
        codes = {row.get("place_code") for row in rows}
        self.places = {place.code: place for place in Place.objects.defer("boundary").filter(code__in=codes)}
        self.units = {unit.code: unit for unit in Unit.objects.all()}
        named = {row.get("branch_code") for row in rows}
        self.branches = {branch.code: branch for branch in Branch.objects.filter(code__in=named)}
        self.first_rows: dict[str, Row] = {}

    def take(self, row: Row) -> None:
        """Bring one row in, or note why not."""
        if row.errors:
            self.report.refuse(*row.errors)
            return
        try:
            added, changed = self._take_person(row)
            given = self._take_post(row)
        except CellError as error:
            self.report.refuse(error.error)
        except DomainError as error:
            column = _COLUMN_OF.get(error.field, error.field)
            self.report.refuse(row.error(column if column in row.cells else "", str(error.message)))
        else:
            self.report.created += added
            self.report.updated += not added and (changed or given)
            self.report.unchanged += not (added or changed or given)

    def _take_person(self, row: Row) -> tuple[bool, bool]:
        """Whether somebody was added, and whether their name or phone changed."""
        number = normal_identifier(row.text("staff_number", max_length=50))
        name, phone = row.text("name", max_length=50), row.get("phone")
        self._agree(number, row)
        user = self.intake.users.get(number)
        if user is None:
            self.write(*self.intake.add_user(staff_number=number, name=name, phone=phone))
            return True, False
        same = user.name == name and (not phone or user.phone == mobile_number(phone))
        if not same:
            self.intake.change_person(user, name=name, phone=phone or user.phone or "")
        return False, not same

    def _agree(self, number: str, row: Row) -> None:
        """A person may have several rows; they must tell the same name and phone."""
        first = self.first_rows.setdefault(number, row)
        for column in ("name", "phone"):
            if row.get(column) and first.get(column) and row.get(column) != first.get(column):
                raise CellError(row.error(column, _("differs from line %d") % first.line))

    def _take_post(self, row: Row) -> bool:
        """Whether a post was given or shortened."""
        seat = self._seat(row)
        if seat is None:
            return False
        starts_on, ends_on = day_in(row, "from"), day_in(row, "until")
        user = self.intake.users[normal_identifier(row.get("staff_number"))]
        held = _held(self.intake.posts_of(user), seat, starts_on, self.today)
        if held is None:
            post = Post(user=user, **seat, starts_on=starts_on or self.today, ends_on=ends_on)
            post.employment = _employment(row)
            self.intake.give_post(post)
            return True
        if ends_on is None or ends_on == held.ends_on:
            return False
        self.intake.end_post(held, ends_on=ends_on)
        return True

    def _seat(self, row: Row) -> dict[str, Any] | None:
        """Role with place, unit or branch; None for a row that names no role."""
        place_code, unit_code = row.get("place_code"), row.get("unit_code")
        branch_code = row.get("branch_code")
        if not row.get("role"):
            if place_code or unit_code or branch_code:
                raise CellError(row.error("role", _("is empty")))
            return None
        role = _role(row)
        place, unit = self.places.get(place_code), self.units.get(unit_code)
        if place_code and place is None:
            raise CellError(row.error("place_code", _("no place has the code “%s”") % shorten(place_code)))
        if unit_code and unit is None:
            raise CellError(row.error("unit_code", _("no unit has the code “%s”") % shorten(unit_code)))
        if role in PLACE_ROLES and place is None:
            raise CellError(row.error("place_code", _("is empty")))
        if role in UNIT_ROLES and unit is None:
            raise CellError(row.error("unit_code", _("is empty")))
        branch = self.branches.get(branch_code)
        if branch_code and branch is None:
            raise CellError(row.error("branch_code", _("no branch has the code “%s”") % shorten(branch_code)))
        if role in BRANCH_ROLES and branch is None:
            raise CellError(row.error("branch_code", _("is empty")))
        return {"role": role, "place": place, "unit": unit, "branch": branch}


def _held(
    posts: Iterable[Post], seat: dict[str, Any], starts_on: dt.date | None, today: dt.date
) -> Post | None:
    """The post that the row means: that of its first day, else (without one) that in force or to come."""
    mine = [
        post
        for post in posts
        if all(getattr(post, f"{k}_id") == _pk(seat[k]) for k in ("place", "unit", "branch"))
    ]
    mine = [post for post in mine if post.role == seat["role"]]
    if starts_on is not None:
        return next((post for post in mine if post.starts_on == starts_on), None)
    mine.sort(key=lambda post: post.starts_on, reverse=True)
    return next((p for p in mine if p.ends_on is None or p.ends_on >= today), None)


def _pk(row: Place | Unit | Branch | None) -> int | None:
    return row.pk if row is not None else None


def _role(row: Row) -> Role:
    """A role by its code or its name, in English or Chinese. Raises CellError."""
    typed = row.get("role")
    found = _ROLES.get(typed.casefold())
    if found is None:
        told = {"role": shorten(typed), "roles": ", ".join(str(role.label) for role in Role)}
        raise CellError(row.error("role", _("“%(role)s” is none of: %(roles)s") % told))
    return found


def _employment(row: Row) -> str:
    """Full-time unless the cell says part-time. Raises CellError for anything else."""
    typed = row.get("employment", Post.Employment.FULL_TIME)
    if typed.casefold() not in _EMPLOYMENTS:
        raise CellError(
            row.error("employment", _("“%s” is neither full-time nor part-time") % shorten(typed))
        )
    return _EMPLOYMENTS[typed.casefold()]


def day_in(row: Row, column: str) -> dt.date | None:
    """A day as 2026-11-22, 2026/11/22, 20261122 or 2026年11月22日. Raises CellError otherwise."""
    typed = row.get(column)
    if not typed:
        return None
    match = _DATE.fullmatch(typed)
    try:
        if match:
            return dt.date(*map(int, match.groups()))
    except ValueError:
        pass
    raise CellError(row.error(column, _("“%s” is not a date like 2026-11-22") % shorten(typed)))


class _SecretFile:
    """A new file of mode 0600 for first passwords; written before the import is, gone if that fails."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.rows = path, 0
        if path is None:
            return
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            reason = {"file": str(path), "reason": error.strerror or str(error)}
            raise TableError(_("%(file)s cannot be created: %(reason)s") % reason) from error
        self.file = os.fdopen(handle, "w", encoding="utf-8-sig", newline="")
        self.table = csv.writer(self.file)
        self.table.writerow(["staff_number", "first_password"])

    def write(self, user: User, password: str) -> None:
        """Add one line."""
        if self.path is not None:
            self.rows += 1
            self.table.writerow([user.username, password])

    def close(self) -> None:
        """Bring it to the disk, so that no password is lost once its user is in."""
        if self.path is not None:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()

    def discard(self) -> None:
        """Remove it again."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
