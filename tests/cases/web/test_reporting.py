from __future__ import annotations

import json
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.models import Attachment, Case, Channel, CoReporter
from cases.web.forms.reporting import time_of
from cases.workflow import State
from tests.factories.cases import bring_to, make_world
from tests.factories.catalogue import make_class, make_matter
from tests.factories.grids import make_building
from tests.factories.pictures import huge_png, picture_bytes

pytestmark = pytest.mark.django_db
URL = "/report/"


@pytest.fixture
def world():
    return make_world()


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def photo(name="IMG_0001.jpg", data=None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, picture_bytes() if data is None else data, "image/jpeg")


def filled(world, **fields):
    lng, lat = world.city.inside(world.city.west_1)
    values = {
        "matter": str(world.matter.pk),
        "description": "南门雨水箅子缺失",
        "address": "映月路 86 号",
        "lng": f"{lng:.6f}",
        "lat": f"{lat:.6f}",
        "accuracy": "8",
        "client_id": str(uuid.uuid4()),
    }
    return {key: value for key, value in (values | fields).items() if value is not None}


def test_a_worker_reports_with_a_photo_and_reaches_the_page_with_the_number(world):
    client = signed_in(world.worker)
    assert client.get(URL).status_code == 200
    answer = client.post(URL, filled(world, photos=photo(), device_time="2026-11-22T10:00:00Z"))
    case = Case.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == f"/orders/{case.number}/reported/"
    assert (case.reporter, case.channel, case.place) == (world.worker, Channel.GRID_WORKER, world.city.west_1)
    assert (case.description, case.address, case.accuracy_m) == ("南门雨水箅子缺失", "映月路 86 号", 8.0)
    assert case.device_time.isoformat() == "2026-11-22T10:00:00+00:00"
    assert [row.role for row in case.attachments.all()] == ["before"]
    page = client.get(answer["Location"])
    assert page.status_code == 200
    assert case.number in page.content.decode()


def test_a_resident_with_an_account_reports_as_a_resident(world):
    signed_in(world.resident).post(URL, filled(world))
    assert Case.objects.get().channel == Channel.RESIDENT


def test_the_same_client_id_twice_is_one_order_with_the_same_answer(world):
    client, sent = signed_in(world.worker), filled(world)
    first, second = client.post(URL, sent), client.post(URL, sent)
    assert first["Location"] == second["Location"]
    assert Case.objects.count() == 1


def test_a_client_id_that_is_none_gets_a_new_one(world):
    client = signed_in(world.worker)
    for _each in range(2):
        client.post(URL, filled(world, client_id="x" * 5000))
    assert Case.objects.count() == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"matter": ""}, "Please choose a matter"),
        ({"matter": "abc"}, "not in the list any more"),
        ({"matter": "999999999999"}, "not in the list any more"),
        ({"matter": "９" * 40}, "not in the list any more"),
        ({"lng": "200"}, "not a position on the earth"),
        ({"lat": "-91"}, "not a position on the earth"),
        ({"lat": "nan"}, "no position"),
        ({"lng": "1e999"}, "no position"),
        ({"lng": "东"}, "no position"),
        ({"lng": ""}, "no position"),
        ({"lng": "", "lat": ""}, "Please give the position"),
        ({"description": "好" * 2001}, "At most 2000 characters"),
        ({"description": "好" * 600_000}, "At most 2000 characters"),
        ({"address": "长" * 300}, "At most 200 characters"),
        ({"on_spot": "on"}, "say in a sentence what was done"),
        ({"on_spot": "on", "result": "已扶正"}, "photo before and one after"),
        ({"grid": "999999"}, ""),
        ({"grid": "x"}, ""),
    ],
)
def test_wrong_input_is_told_and_everything_typed_stays(world, wrong, told):
    client = signed_in(world.worker)
    client.cookies["django_language"] = "en"
    answer = client.post(URL, filled(world, **({"description": "坑深约 40 厘米"} | wrong)))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert told in page.replace("&quot;", '"')
    assert wrong.get("description", "坑深约 40 厘米") in page
    assert "映月路 86 号" in page or "address" in wrong
    assert Case.objects.count() == 0


def test_unbelievable_side_facts_are_left_out(world):
    client = signed_in(world.worker)
    client.post(URL, filled(world, accuracy="wide", device_time="yesterday"))
    case = Case.objects.get()
    assert (case.accuracy_m, case.device_time) == (None, None)


def test_ten_megabytes_of_description_come_back_as_a_form_with_the_error_and_the_text(world):
    for text in ("x" * 10_000_000, "好" * 3_400_000):
        answer = signed_in(world.worker).post(URL, filled(world, description=text))
        page = answer.content.decode()
        assert answer.status_code == 400
        assert f"最多 2000 字，现在是 {len(text)} 字" in page
        assert text in page
        assert "映月路 86 号" in page
    assert Case.objects.count() == 0


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (photo("notes.jpg", b"this is text"), 415),
        (photo("huge.png", huge_png(12_000, 9_000)), 413),
        (photo("empty.jpg", b" "), 415),
    ],
)
def test_a_bad_picture_is_told_and_the_good_one_is_shown_again(world, bad, status):
    client = signed_in(world.worker)
    bad.seek(0)
    answer = client.post(URL, filled(world, photos=[photo(), bad]))
    page, kept = answer.content.decode(), Attachment.objects.get()
    assert answer.status_code == status
    assert f'value="{kept.token}"' in page
    assert "南门雨水箅子缺失" in page
    again = client.post(URL, filled(world, photos=[kept.token]))
    assert again.status_code == 302
    assert Case.objects.get().attachments.get() == kept


def test_a_position_far_from_every_grid_is_told_on_the_map_and_in_the_form(world):
    client = signed_in(world.worker)
    assert "50 公里" in client.get(reverse("cases:locate"), {"lng": "0", "lat": "0"}).content.decode()
    answer = client.post(URL, filled(world, lng="0", lat="0"))
    assert answer.status_code == 400
    assert "请把图钉移到正确的位置" in answer.content.decode()
    assert Case.objects.count() == 0


def test_a_picture_of_somebody_else_is_not_taken(world):
    signed_in(world.other_worker).post("/attachments/", {"photo": photo()})
    token = Attachment.objects.get().token
    answer = signed_in(world.worker).post(URL, filled(world, photos=[token]))
    assert answer.status_code == 400
    assert token not in answer.content.decode()
    assert Case.objects.count() == 0


def test_resolved_on_the_spot_goes_straight_to_the_check(world):
    client = signed_in(world.worker)
    client.post(URL, filled(world, on_spot="on", result="已扶正", photos=photo(), after=photo()))
    case = Case.objects.get()
    assert (case.state, case.finisher, case.resolved_on_spot) == (State.HANDLED, world.worker, True)
    assert sorted(row.role for row in case.attachments.all()) == ["after", "before"]


def test_only_ground_staff_of_the_place_resolve_on_the_spot(world):
    sent = filled(world, on_spot="on", result="已扶正", photos=photo(), after=photo())
    answer = signed_in(world.other_worker).post(URL, sent)
    assert answer.status_code == 400
    assert Case.objects.count() == 0


def test_without_a_position_the_chosen_grid_counts_and_only_ones_own(world):
    client = signed_in(world.worker)
    client.post(URL, filled(world, lng=None, lat=None, grid=str(world.city.west_1.pk)))
    assert Case.objects.get().place == world.city.west_1
    answer = client.post(URL, filled(world, lng=None, lat=None, grid=str(world.city.east_1.pk)))
    assert answer.status_code == 400
    assert Case.objects.count() == 1


def test_a_position_wins_over_the_chosen_grid(world):
    lng, lat = world.city.inside(world.city.west_2)
    sent = filled(world, lng=str(lng), lat=str(lat), grid=str(world.city.west_1.pk))
    signed_in(world.worker).post(URL, sent)
    assert Case.objects.get().place == world.city.west_2


def test_the_outbox_gets_json(world):
    client, headers = signed_in(world.worker), {"Accept": "application/json"}
    answer = client.post(URL, filled(world), headers=headers)
    assert (answer.status_code, answer.json()["number"]) == (201, Case.objects.get().number)
    refused = client.post(URL, filled(world, matter=""), headers=headers)
    assert refused.status_code == 400
    assert len(refused.json()["errors"]) == 1
    state = client.get("/outbox/state/").json()
    assert state["owner"] == str(world.worker.pk)
    assert Client().get("/outbox/state/").status_code == 401


def test_reporting_takes_at_most_fifteen_queries(world):
    client = signed_in(world.worker)
    client.get(URL)
    client.get("/report/where/", {"lng": "118.314", "lat": "32.304"})  # the process now knows the boundaries
    token = client.post("/attachments/", {"photo": photo()}).json()["id"]
    with CaptureQueriesContext(connection) as queries:
        assert client.post(URL, filled(world, photos=[token])).status_code == 302
    statements = [q["sql"] for q in queries if "SAVEPOINT" not in q["sql"]]
    assert len(statements) <= 15, "\n".join(statements)


def test_the_page_offers_the_whole_catalogue_and_what_the_worker_used_last(world):
    make_matter(name="暴露垃圾", matter_class=make_class("市容环境", code="02"))
    client = signed_in(world.worker)
    client.post(URL, filled(world))
    page = client.get(URL).content.decode()
    assert page.count(f'data-choose="{world.matter.pk}"') == 3  # chips of the page and the sheet, its row
    assert "市容环境" in page
    assert "暴露垃圾" in page


def test_matters_are_found_by_everyday_words(world):
    leak = make_matter(name="给水管道破裂", keywords="漏水 爆管")
    client = signed_in(world.worker)
    page = client.get("/report/matters/", {"q": "漏水"}).content.decode()
    assert f'data-choose="{leak.pk}"' in page
    assert f'data-choose="{world.matter.pk}"' not in page
    assert client.get("/report/matters/", {"q": "\x00" * 9}).status_code == 400
    assert Client().get("/report/matters/", {"q": "漏水"}).status_code == 302


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"lng": "118.314", "lat": "32.304"}, "西涧社区第1网格"),
        ({"lng": "118.30", "lat": "32.304"}, "Outside every grid: goes to 西涧社区"),
        ({"lng": "999", "lat": "32"}, "not a position on the earth"),
        ({"lng": "inf", "lat": "32"}, "no position"),
        ({"lng": "", "lat": ""}, ""),
    ],
)
def test_a_position_is_named_live(world, where, told):
    client = signed_in(world.worker)
    client.cookies["django_language"] = "en"
    answer = client.get("/report/where/", where)
    assert answer.status_code == 200
    assert told in answer.content.decode()


def test_the_building_beside_the_pin_is_offered_as_address(world):
    make_building(world.city.west_1, "9幢", lng=118.3145, lat=32.3049)
    answer = signed_in(world.worker).get("/report/where/", {"lng": "118.3141", "lat": "32.3041"})
    assert 'data-near="清流花园 1幢"' in answer.content.decode()


def test_a_similar_order_nearby_is_offered_within_ones_scope_and_joined_with_one_tap(world):
    case = bring_to(world, State.HANDLING, reporter=world.second_worker)
    lng, lat = world.city.inside(world.city.west_1)
    near = {"matter": world.matter.pk, "lng": lng, "lat": lat}
    alice = signed_in(world.worker)
    assert f"/orders/{case.number}/join/" in alice.get("/report/similar/", near).content.decode()
    outsider = signed_in(world.other_worker)
    assert case.number not in outsider.get("/report/similar/", near).content.decode()
    assert outsider.post(f"/orders/{case.number}/join/").status_code == 404

    sent = filled(world, description="我也看到了", photos=photo())
    answer = alice.post(f"/orders/{case.number}/join/", sent)
    assert answer["Location"] == "/mine/"
    joined = CoReporter.objects.get()
    assert (joined.case, joined.user, joined.note) == (case, world.worker, "我也看到了")
    assert Attachment.objects.get(uploader=world.worker).case == case
    assert Case.objects.count() == 1
    assert case.number in alice.get("/mine/").content.decode()


def test_far_orders_other_matters_and_ones_own_are_not_similar(world):
    bring_to(world, State.REPORTED, reporter=world.worker)
    lng, lat = world.city.inside(world.city.west_1)
    client = signed_in(world.worker)
    near = {"matter": world.matter.pk, "lng": lng, "lat": lat}
    assert client.get("/report/similar/", near).content.strip() == b""
    second = signed_in(world.second_worker)
    assert b"r-near" in second.get("/report/similar/", near).content
    for other in ({"lat": lat + 0.002}, {"matter": 0}, {"matter": "x"}, {"lng": "x"}):
        assert second.get("/report/similar/", near | other).content.strip() == b""


def test_visitors_are_asked_to_sign_in_and_outsiders_see_no_report(world):
    case = bring_to(world, State.REPORTED)
    page = reverse("cases:reported", args=[case.number])
    assert signed_in(world.worker).get(page).status_code == 200
    assert signed_in(world.second_worker).get(page).status_code == 200
    assert signed_in(world.other_worker).get(page).status_code == 404
    for url in (URL, page, "/mine/", "/today/", "/outbox/", "/report/where/", "/report/similar/"):
        assert Client().get(url)["Location"].startswith("/login")


def test_officers_do_not_report(world):
    client = signed_in(world.system_officer)
    assert client.get(URL).status_code == 403
    assert client.post(URL, filled(world)).status_code == 403
    assert Case.objects.count() == 0


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"description": "长" * 2001}, "最多 2000 字，现在是 2001 字"),
        ({"photos": "expired"}, "有照片已失效"),
        ({"photos": b"no picture"}, "这不是可识别的图片"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Accept": "application/json"}])
def test_what_is_wrong_with_joining_is_told_and_nothing_is_written(world, wrong, told, headers):
    case = bring_to(world, State.REPORTED, reporter=world.second_worker)
    events = case.events.count()
    if isinstance(wrong.get("photos"), bytes):
        wrong = {"photos": photo(data=wrong["photos"])}
    sent = filled(world, address="清流路 8 号") | wrong
    answer = signed_in(world.worker).post(f"/orders/{case.number}/join/", sent, headers=headers)
    page = json.dumps(answer.json(), ensure_ascii=False) if headers else answer.content.decode()
    assert answer.status_code in (400, 415)
    assert told in page
    assert headers or "清流路 8 号" in page
    assert CoReporter.objects.count() == 0
    assert case.events.count() == events


def test_a_grid_or_hidden_input_that_cannot_be_is_told_above_the_form(world):
    client = signed_in(world.worker)
    for wrong, told in (
        ({"grid": "0"}, "所选网格已不在你的网格之内"),
        ({"client_id": "a\x00b"}, "页面送来的内容有误"),
    ):
        answer = client.post(URL, filled(world) | wrong)
        assert answer.status_code == 400
        assert list(answer.context["form"].errors) == ["__all__"]
        assert told in answer.content.decode()


def test_joining_from_the_outbox_answers_json(world):
    case = bring_to(world, State.REPORTED, reporter=world.second_worker)
    headers = {"Accept": "application/json"}
    answer = signed_in(world.worker).post(f"/orders/{case.number}/join/", headers=headers)
    assert (answer.status_code, answer.json()["number"]) == (201, case.number)


def test_the_worker_of_pages_without_network_stands_at_the_root_and_knows_the_addresses():
    answer = Client().get("/sw.js")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Service-Worker-Allowed"] == "/"
    script = answer.content.decode()
    assert all(f'"{path}"' in script for path in ("/report/", "/outbox/", "/today/", "/login/", "/static/"))
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59Z"])
def test_a_time_at_the_end_of_the_calendar_is_none(text: str) -> None:
    """The database would keep it, and nobody could open the order again."""
    assert time_of(text) is None
    assert time_of("2026-11-20T10:00:00") == time_of("2026-11-20T02:00:00Z") is not None
