"""Exports: written in the background, whole or not at all, for whoever asked and within what they see."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone
from openpyxl import load_workbook
from pytest_django import Settings
from rest_framework.test import APIClient

from cases.models import Case
from governance.celery import BEAT_SCHEDULE
from governance.integration.exports import running, sources
from governance.integration.exports.running import LOCK, MOST_TRIES, write_exports
from governance.integration.exports.tasks import write
from governance.models import ExportJob
from governance.retention.forgetting import forget_old_rows
from partymembers.actions.keys import disable_user
from partymembers.models import AuditEntry, BranchLevel, IdempotentRequest
from tests.factories.catalogue import make_matter
from tests.factories.grids import City, make_city
from tests.factories.keys import Caller, key_of, service_account
from tests.factories.party import make_branch, make_member
from tests.factories.people import make_user
from tests.governance.figures.histories import closed_order, order

pytestmark = pytest.mark.django_db
URL = "/api/v1/exports/"
PHONE = "13800001234"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, settings: Settings) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def city() -> City:
    """Three orders in the west, one in the east; the first begins like a formula."""
    made, matter = make_city(), make_matter(name="暴露垃圾")
    at = timezone.make_aware(datetime(2026, 10, 5, 9))
    told = {"reporter_name": "王小明", "reporter_phone": PHONE}
    rows = [
        order(made.west_1, matter, at, description="=1+1", **told),
        order(made.west_2, matter, at + DAY, description="满了", **told),
        closed_order(made.west_1, matter, at, took=DAY, limit=2 * DAY, description="已清"),
        order(made.east_1, matter, at, description="东边", **told),
    ]
    Case.objects.bulk_create(rows)
    return made


def ask(client: APIClient, kind: str = "orders", form: str = "jsonl", **filters: Any) -> dict[str, Any]:
    answer = client.post(URL, {"kind": kind, "format": form, "filters": filters})
    assert answer.status_code == 202, answer.content
    assert answer.headers["Location"] == answer.json()["url"]
    return answer.json()


def fetched(client: APIClient, asked: dict[str, Any]) -> bytes:
    """The file of an export that is done; as long, and with such a digest, as it says."""
    told = client.get(asked["url"]).json()
    assert told["state"] == "done", told["error"]
    content = b"".join(client.get(told["file"], headers={"Accept": "text/csv"}))
    assert (told["size"], told["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    return content


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().splitlines()]


def test_each_format_has_the_rows_of_the_list(city: City) -> None:
    caller = Caller("exports:write", "orders:read", place=city.west)
    listed = caller.get("/api/v1/orders/", {"state": "reported"}).json()["results"]
    asked = {form: ask(caller, form=form, state=["reported"]) for form in ("jsonl", "csv", "xlsx")}
    assert [each["state"] for each in caller.get(URL).json()["results"]] == ["queued"] * 3
    assert caller.get(asked["csv"]["url"] + "file/").status_code == 409
    assert write_exports() == 3

    rows = lines(fetched(caller, asked["jsonl"]))
    assert len(rows) == 2
    assert rows == [each | {"light": rows[i]["light"]} for i, each in enumerate(listed)]
    table = list(csv.DictReader(io.StringIO(fetched(caller, asked["csv"]).decode("utf-8-sig"))))
    assert [row["number"] for row in table] == [row["number"] for row in rows]
    assert (table[1]["place_code"], table[1]["matter_name"]) == (city.west_1.code, "暴露垃圾")
    assert [row["description"] for row in table] == ["满了", "'=1+1"]
    assert {row["reporter_phone"] for row in table} == {"138****1234"}
    book = load_workbook(io.BytesIO(fetched(caller, asked["xlsx"])), read_only=True)
    first, *others = book.active.iter_rows(values_only=True)
    assert [dict(zip(first, row, strict=True))["number"] for row in others] == [row["number"] for row in rows]


def test_the_west_gets_no_row_of_the_east_and_nobody_elses_file(city: City) -> None:
    west = Caller(place=city.west)
    asked = ask(west)
    write_exports()
    numbers = {row["number"] for row in lines(fetched(west, asked))}
    assert numbers == set(Case.objects.filter(community=city.west).values_list("number", flat=True))
    assert len(numbers) == 3

    east, above = Caller(place=city.east), Caller(place=city.city)
    person = APIClient()
    person.force_login(make_user())
    for other in (east, above, person):
        assert other.get(asked["url"]).status_code == 404
        assert other.get(asked["url"] + "file/").status_code == 404
        assert other.delete(asked["url"]).status_code == 404
        assert other.get(URL).json()["results"] == []
    figures = {"place": city.east.code}
    refused = west.post(URL, {"kind": "figures", "format": "csv", "filters": figures})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "filters")


def test_figures_and_wishes_are_written_too(city: City) -> None:
    caller = Caller(place=city.west)
    figures = ask(caller, "figures", period="2026-10", dimension="place", formula=["reported,on_time"])
    wishes = ask(caller, "wishes", form="csv")
    write_exports()
    rows = lines(fetched(caller, figures))
    assert {(row["code"], row["formula"]): row["value"] for row in rows} == {
        (city.west_1.code, "reported"): 2.0,
        (city.west_1.code, "on_time"): 100.0,
        (city.west_2.code, "reported"): 1.0,
        (city.west_2.code, "on_time"): None,
    }
    assert fetched(caller, wishes).decode("utf-8-sig").startswith("number,state,matter_code")


def test_members_come_with_masked_names_and_only_to_whom_they_concern(city: City) -> None:
    home = make_branch()
    for side, name in ((city.west, "王小明"), (city.east, "李东")):
        make_member(name, home=home, checkin=make_branch(level=BranchLevel.COMMUNITY, place=side))
    account = service_account(place=city.west)
    masked, full = (
        Caller("exports:write", "members:read", *more, account=account) for more in ((), ("personal:read",))
    )
    asked = [ask(masked, "members", "csv"), ask(full, "members"), ask(full, "members", fields="code")]
    write_exports()
    table = list(csv.DictReader(io.StringIO(fetched(masked, asked[0]).decode("utf-8-sig"))))
    assert [(row["name"], row["standing"]) for row in table] == [("王某某", "checked_in")]
    assert [row["name"] for row in lines(fetched(full, asked[1]))] == ["王小明"]
    assert [list(row) for row in lines(fetched(full, asked[2]))] == [["code"]]
    (entry,) = AuditEntry.objects.filter(action="personal_data_opened")
    assert entry.data == {"what": "export", "kind": "members", "rows": 1}
    refused = full.post(URL, {"kind": "members", "format": "csv", "filters": {"phone": "1"}})
    assert refused.json()["errors"][0]["field"] == "filters.phone"
    refused = Caller(place=city.west).post(URL, {"kind": "figures", "format": "csv", "filters": {"x": "1"}})
    assert refused.json()["errors"][0]["field"] == "filters.x"


def test_people_in_full_need_the_scope_and_are_one_entry_of_the_trail(city: City) -> None:
    account = service_account(place=city.west)
    full = Caller("exports:write", "orders:read", "personal:read", account=account)
    asked = ask(full)
    write_exports()
    phones = [row["reporter"]["phone"] for row in lines(fetched(full, asked))]
    assert phones.count(PHONE) == 2
    (entry,) = AuditEntry.objects.filter(action="personal_data_opened")
    assert (entry.actor, entry.data["rows"]) == (account.user, 3)
    assert AuditEntry.objects.filter(action="exportjob_added").count() == 1

    less = Caller("exports:write", "orders:read", account=account)
    assert less.get(asked["url"]).status_code == 200
    assert less.get(asked["url"] + "file/").status_code == 404
    none = Caller("exports:write", account=account)
    assert none.get(asked["url"]).status_code == 403
    assert none.post(URL, {"kind": "orders", "format": "csv"}).status_code == 403


@pytest.mark.parametrize("ending", ["disabled", "revoked"])
def test_whoever_has_ended_since_gets_nothing(city: City, ending: str) -> None:
    caller = Caller(place=city.west)
    asked = ask(caller)
    at = timezone.now()
    if ending == "disabled":
        disable_user(user_id=caller.user.pk, actor=None, at=at)
    else:
        caller.account.keys.update(revoked_at=at)
    write_exports()
    job = ExportJob.objects.get(token=asked["id"])
    assert (job.state, job.error_code, job.file) == ("failed", "not_allowed", "")
    assert not list(Path(default_storage.path("exports")).glob("*"))


def test_a_wrong_filter_is_named_at_once(city: City) -> None:
    caller = Caller(place=city.west)
    wrong: list[tuple[Any, str]] = [
        ({"state": "lost"}, "filters.state"),
        ({"colour": "red"}, "filters.colour"),
        ({"limit": "5"}, "filters.limit"),
        ({"kind": "wish"}, "filters.kind"),
        ({"state": 5}, "filters"),
        (["state"], "filters"),
    ]
    for filters, field in wrong:
        answer = caller.post(URL, {"kind": "orders", "format": "csv", "filters": filters})
        assert answer.status_code == 400, filters
        assert answer.json()["errors"][0]["field"] == field
    assert not ExportJob.objects.exists()


def test_at_most_three_wait_and_a_repeat_is_the_first(city: City) -> None:
    caller = Caller(place=city.west)
    body = {"kind": "orders", "format": "csv"}
    first, again = (caller.post(URL, body, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, first.content) == (202, again.content)
    ask(caller)
    ask(caller)
    refused = caller.post(URL, body)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_exports")
    assert Caller(place=city.west).post(URL, body).status_code == 202
    write_exports()
    ask(caller)


def test_killed_halfway_it_begins_anew_and_no_half_file_has_a_name(
    city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    caller = Caller(place=city.west)
    asked = ask(caller, form="csv")
    monkeypatch.setattr(sources, "BATCH", 1)

    class KilledError(BaseException):
        """As a process that is gone: nothing catches it."""

    seen: list[list[str]] = []

    def interrupted(*_args: Any, **_kwargs: Any) -> None:
        seen.append([each.name for each in (tmp_path / "exports").iterdir()])
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(running, "_finish", interrupted)
        patch.setattr(running, "forget_files", lambda _names: None)  # a dead process tidies up nothing
        with pytest.raises(KilledError):
            write_exports()
    assert seen == [[f"{asked['id']}.draft"]]
    half = caller.get(asked["url"]).json()
    assert (half["state"], half["rows"], half["file"]) == ("running", 3, None)

    write()
    assert len(fetched(caller, asked).splitlines()) == 4
    assert [each.name for each in (tmp_path / "exports").iterdir()] == [f"{asked['id']}.csv"]
    assert {each.stat().st_mode & 0o777 for each in (tmp_path / "exports").iterdir()} == {0o600}
    assert BEAT_SCHEDULE["write-exports"]["task"] == write.name


def test_what_fails_again_and_again_is_given_up(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = Caller(place=city.west)
    asked = ask(caller)
    calls: list[int] = []

    def broken(*_args: Any) -> None:
        calls.append(1)
        raise RuntimeError("no room on the disk")

    monkeypatch.setattr(running, "begin", broken)
    write_exports()
    told = caller.get(asked["url"]).json()
    assert (told["state"], told["error"]["code"], len(calls)) == ("failed", "gave_up", MOST_TRIES)


def test_what_the_database_cannot_keep_is_refused(city: City) -> None:
    caller = Caller(place=city.west)
    for kind, filters in (
        ("orders", {"\ud800": "x"}),
        ("figures", {"\ud800": "x"}),
        ("orders", {"q": "\ud800"}),
    ):
        body = json.dumps({"kind": kind, "format": "csv", "filters": filters})
        refused = caller.post(URL, body, content_type="application/json")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "filters")


def test_too_many_rows_are_refused(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_ROWS", 2)
    caller = Caller(place=city.west)
    refused = caller.post(URL, {"kind": "orders", "format": "csv"})
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


def test_one_writes_at_a_time(city: City) -> None:
    ask(Caller(place=city.west))
    other = connection.get_new_connection(connection.get_connection_params())
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            assert write_exports() == 0
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    finally:
        other.close()
    assert write_exports() == 1


def test_deleted_or_a_week_old_it_is_gone_with_its_file(
    city: City, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    caller = Caller(place=city.west)
    dropped, kept = ask(caller), ask(caller)
    write_exports()
    with django_capture_on_commit_callbacks(execute=True):
        assert caller.delete(dropped["url"]).status_code == 204
    assert caller.get(dropped["url"]).status_code == 404
    first, _second = AuditEntry.objects.filter(action="exportjob_added").order_by("pk")
    deleted = AuditEntry.objects.get(action="exportjob_deleted")
    assert (deleted.target, deleted.actor, deleted.data) == (
        first.target, caller.user, {"kind": "orders", "format": "jsonl"},
    )  # fmt: skip
    assert [each.name for each in (tmp_path / "exports").iterdir()] == [f"{kept['id']}.jsonl"]

    at = timezone.now()
    with django_capture_on_commit_callbacks(execute=True):
        assert forget_old_rows(at=at + 6 * DAY)["exports"] == 0
        assert forget_old_rows(at=at + 8 * DAY)["exports"] == 1
    assert list((tmp_path / "exports").iterdir()) == []


def test_answers_for_repeats_go_after_three_days_and_ended_keys_stay(city: City) -> None:
    caller = Caller(place=city.west)
    key_of(caller.account)
    caller.account.keys.update(revoked_at=timezone.now())
    for days in (2, 4):
        IdempotentRequest.objects.create(
            user=caller.user, key=f"k{days}", at=timezone.now() - timedelta(days=days)
        )
    assert forget_old_rows(at=timezone.now() + timedelta(hours=1))["repeatable_requests"] == 1
    assert IdempotentRequest.objects.get().key == "k2"
    assert forget_old_rows(at=timezone.now() + 4000 * DAY)["repeatable_requests"] == 1
    assert caller.account.keys.count() == 2
