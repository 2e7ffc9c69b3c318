"""The pages of branches and members: what each person may do there, what is masked, what it costs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from partymembers.actions.check_ins import accept_check_in, ask_check_in
from partymembers.actions.evaluations import evaluate_member, report_to_units
from partymembers.actions.service import record_service
from partymembers.models import (
    AuditEntry,
    BranchLevel,
    CheckIn,
    Evaluation,
    JointCommittee,
    JointMember,
    Member,
    Notice,
    Role,
    User,
)
from tests.factories.cases import NOON
from tests.factories.party import Party, make_branch, make_branch_post, make_member, make_party
from tests.factories.people import make_unit, make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
TODAY = dt.date(2026, 11, 20)
ME, BRANCHES = "/party/", "/party/branches/"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOON + dt.timedelta(hours=1), tick=False):
        yield


@pytest.fixture
def party() -> Party:
    return make_party()


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def branch_url(party: Party, **query: Any) -> str:
    text = "&".join(f"{key}={value}" for key, value in query.items())
    return f"{BRANCHES}{party.committee.pk}/?{text}"


def text_of(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    return str(answer.content.decode())


def newcomer(party: Party, **fields: Any) -> Member:
    values = {
        "lives_at": party.world.city.building,
        "settled_on": TODAY - 25 * DAY,
        "door": "9幢909",
    } | fields
    return make_member("新党员", home=party.home, **values)


def test_who_is_no_member_is_told_so(party: Party) -> None:
    client = client_of(party.outsider)
    assert "还没有登记为党员" in text_of(client, ME)
    assert [
        item.key for item in client.get(ME).context["nav_items"] if item.key in ("party", "branches")
    ] == []
    text_of(client, "/party/moved/", 404)
    assert client.post("/party/check-in/", {}).status_code == 404


def test_a_member_asks_the_suggested_branch_and_withdraws(party: Party) -> None:
    member = newcomer(party)
    client = client_of(member.user)
    page = client.get(ME)
    assert page.context["standing"] == "nearly_due"
    assert page.context["form"].fields["branch"].initial == party.committee.pk
    assert "party" in [item.key for item in page.context["nav_items"]]
    assert "9幢909" not in page.content.decode()
    assert client.post("/party/check-in/", {"branch": "", "offer": "会修水管"}).status_code == 400
    assert "会修水管" in client.post("/party/check-in/", {"offer": "会修水管"}).content.decode()
    assert client.post("/party/check-in/", {"branch": party.committee.pk}).status_code == 302
    assert client.get(ME).context["standing"] == "waiting"
    request = CheckIn.objects.get()
    url = reverse("party:check_in_withdraw", args=[request.pk])
    assert client_of(party.outsider).post(url).status_code == 404
    assert client.post(url).status_code == 302
    request.refresh_from_db()
    assert request.state == "withdrawn"


def test_the_light_of_a_check_in(party: Party) -> None:
    for days, standing in ((1, "due"), (25, "nearly_due"), (40, "overdue")):
        member = newcomer(party, settled_on=TODAY - days * DAY)
        assert client_of(member.user).get(ME).context["standing"] == standing
    assert client_of(party.member).get(ME).context["standing"] == "checked_in"


def test_moving_house_asks_first_and_ends_the_check_in(party: Party) -> None:
    member = newcomer(party, checkin=party.committee)
    client = client_of(member.user)
    assert "data-confirm" in text_of(client, "/party/moved/")
    typed = {"lives_at": party.world.city.east.pk, "door": "1幢", "moved_on": "2027-01-01"}
    assert client.post("/party/moved/", typed).status_code == 400
    assert client.post("/party/moved/", {**typed, "moved_on": "2026-11-19"}).status_code == 302
    member.refresh_from_db()
    assert (member.checkin_branch, member.lives_at) == (None, party.world.city.east)


def test_the_committee_lands_on_its_branches_and_their_figures(party: Party) -> None:
    member = Member.objects.get(user=party.member)
    below = make_branch(party.committee, "网格支部", place=party.world.city.west_1)
    Member.objects.filter(user=party.second_member).update(checkin_branch=below)
    late = newcomer(party, settled_on=TODAY - 60 * DAY)
    record_service(
        user=member.user, kind="activity", source="t", source_id=1, what="清洁", at=NOON - DAY, minutes=90
    )
    client = client_of(party.secretary)
    assert client.get("/").headers["Location"] == BRANCHES
    page = client.get(BRANCHES)
    ((branch, numbers),) = page.context["tops"]
    assert branch == party.committee
    assert (numbers.checked_in_here, numbers.waiting, numbers.overdue, numbers.hours) == (2, 0, 1, 1.5)
    assert [row.name for row, _numbers in page.context["rows"]] == ["西涧社区党委", "网格支部"]
    ask_check_in(actor=late.user, branch_id=below.pk, at=NOON)
    (_top, numbers), (_row, under) = client.get(BRANCHES).context["rows"]
    assert (numbers.waiting, under.waiting, under.checked_in_here) == (1, 1, 1)
    assert party.home.name not in text_of(client, BRANCHES).split("全部支部")[1]
    assert "不在任何支部班子里" in text_of(client_of(party.outsider), BRANCHES)


def test_members_are_found_and_masked(party: Party) -> None:
    found = make_member(
        "欧阳守业", home=party.home, checkin=party.committee, door="9幢909",
        user=make_user("欧阳守业", phone="13811112222"),
    )  # fmt: skip
    client = client_of(party.secretary)
    for url in (branch_url(party), branch_url(party, q="欧阳"), f"/party/members/{found.pk}/"):
        text = text_of(client, url)
        assert "欧阳守业" in text
        assert "13811112222" not in text
        assert "9幢909" not in text
    assert "欧阳守业" not in text_of(client, branch_url(party, q="无此人"))
    text_of(client_of(party.outsider), branch_url(party), 404)
    text_of(client_of(party.member), f"/party/members/{found.pk}/", 404)


@pytest.mark.parametrize(("what", "shown"), [("phone", "13811112222"), ("door", "9幢909")])
def test_opening_what_is_masked_is_recorded(party: Party, what: str, shown: str) -> None:
    user = make_user("欧阳守业", phone="13811112222")
    found = make_member(home=party.home, checkin=party.committee, door="9幢909", user=user)
    url = reverse("party:member_open", args=[found.pk])
    assert client_of(party.outsider).post(url, {"what": what}).status_code == 404
    assert not AuditEntry.objects.filter(action="personal_data_opened").exists()
    answer = client_of(party.secretary).post(url, {"what": what})
    assert shown in answer.content.decode()
    entry = AuditEntry.objects.get(action="personal_data_opened")
    assert (entry.actor, entry.target, entry.data) == (
        party.secretary, f"user:{user.username}", {"what": f"member_{what}"},
    )  # fmt: skip
    assert client_of(party.secretary).post(url, {"what": "password"}).status_code == 404


def test_a_request_is_accepted_or_refused(party: Party) -> None:
    first, second = newcomer(party), newcomer(party, settled_on=TODAY - 90 * DAY)
    requests = [
        ask_check_in(actor=each.user, branch_id=party.committee.pk, offer="修水管", at=NOON)
        for each in (first, second)
    ]
    client = client_of(party.secretary)
    text = text_of(client, branch_url(party, tab="requests"))
    assert text.count("修水管") == 2
    assert "起超期" in text
    accept = reverse("party:check_in_accept", args=[requests[0].pk])
    refuse = reverse("party:check_in_refuse", args=[requests[1].pk])
    for stranger in (party.outsider, party.member, first.user):
        assert client_of(stranger).post(accept).status_code == 404
    assert "请用一句话说明理由" in client.post(refuse, {"reason": ""}, follow=True).content.decode()
    assert client.post(accept, {"of": party.committee.pk}).headers["Location"].endswith("tab=requests")
    assert client.post(refuse, {"reason": "住址不符"}).status_code == 302
    assert "已处理" in client.post(accept, follow=True).content.decode()  # pressed a second time
    assert "没有待答复的申请" in text_of(client, branch_url(party, tab="requests"))
    assert "住址不符" in text_of(client_of(second.user), ME)


def test_the_look_back_names_who_has_not(party: Party) -> None:
    late = newcomer(party, settled_on=TODAY - 60 * DAY)
    newcomer(party, settled_on=TODAY - 3 * DAY)
    record_service(
        user=party.member, kind="activity", source="t", source_id=1, what="清洁", at=NOON, minutes=30
    )
    client = client_of(party.secretary)
    page = client.get(branch_url(party, tab="lookback"))
    assert [line["member"] for line in page.context["lines"]] == [late]
    assert page.context["counts"] == {"not_checked_in": 1, "not_served": 1}
    page = client.get(branch_url(party, tab="lookback", which="not_served"))
    assert [line["member"].user for line in page.context["lines"]] == [party.second_member]
    page = client.get(branch_url(party, tab="lookback", which="not_served", year=2025))
    assert page.context["counts"]["not_served"] == 2


def test_grades_are_saved_together_or_not_at_all(party: Party) -> None:
    member, second = (Member.objects.get(user=user) for user in (party.member, party.second_member))
    url = reverse("party:evaluate", args=[party.committee.pk])
    client = client_of(party.secretary)
    typed = {f"grade-{member.pk}": "good", f"note-{member.pk}": "积极", "year": "2026"}
    answer = client.post(url, {**typed, f"grade-{second.pk}": "splendid"})
    assert answer.status_code == 400
    assert "积极" in answer.content.decode()
    assert not Evaluation.objects.exists()
    foreign = make_member("外人", home=party.home)
    assert client.post(url, {**typed, f"grade-{foreign.pk}": "good"}).status_code == 404
    assert client.post(url, {**typed, f"grade-{second.pk}": "poor"}).status_code == 302
    assert dict(Evaluation.objects.values_list("member", "grade")) == {member.pk: "good", second.pk: "poor"}
    page = client.get(branch_url(party, tab="evaluations"))
    assert [each.count for each in page.context["distribution"]] == [1, 0, 0, 1]
    assert page.context["to_report"] == 2
    assert (
        client.post(reverse("party:report", args=[party.committee.pk]), {"year": "2026"}).status_code == 302
    )
    assert client.get(branch_url(party, tab="evaluations")).context["to_report"] == 0
    assert client.post(url, {**typed, f"grade-{second.pk}": "good"}).status_code == 409
    for year in ("", "x", "20261"):
        assert client.post(url, {"year": year}).status_code == 400


def test_who_reads_a_unit_s_report(party: Party) -> None:
    world, unit = party.world, party.world.unit
    member = Member.objects.get(user=party.member)
    evaluate_member(member_id=member.pk, year=2026, grade="good", note="积极", actor=party.secretary, at=NOON)
    head = make_user("所长", role=Role.UNIT_HEAD, unit=unit)
    other_head = make_user("院长", role=Role.UNIT_HEAD, unit=make_unit("医院"))
    home_secretary, above = make_user("所支书"), make_user("市委书记")
    make_branch_post(home_secretary, party.home)
    make_branch_post(above, party.city_branch)
    mayor = make_user("市长", role=Role.OFFICIAL, place=world.city.city)
    url = reverse("party:evaluation_report", args=[unit.pk, 2026])

    def rows(user: User) -> int:
        answer = client_of(user).get(url)
        return len(answer.context["rows"]) if answer.status_code == 200 else -answer.status_code

    everybody = [
        party.secretary,
        above,
        head,
        home_secretary,
        mayor,
        other_head,
        party.member,
        party.outsider,
    ]
    assert [rows(user) for user in everybody] == [1, 1, 0, 0, -404, -404, -404, -404]
    report_to_units(branch_id=party.committee.pk, year=2026, actor=party.secretary, at=NOON)
    assert [rows(user) for user in everybody] == [1, 1, 1, 1, 1, -404, -404, -404]
    printed = text_of(client_of(head), f"{url}?print=1")
    assert "2026 年度在职党员社区服务评价反馈表" in printed
    assert "100.00%" in printed


def test_committee_terms_joint_seats_and_branches_below(party: Party) -> None:
    joint = JointCommittee.objects.create(branch=party.committee, name="西涧大党委", founded_on=TODAY)
    JointMember.objects.create(
        committee=joint, unit=party.world.unit, user=party.outsider, duty="兼职委员", starts_on=TODAY
    )
    make_branch(party.committee, "楼栋小组", level=BranchLevel.GROUP)
    client = client_of(party.secretary)
    text = text_of(client, branch_url(party, tab="committee"))
    for word in ("秦书记", "支部书记", "西涧大党委", "兼职委员"):
        assert word in text
    assert "楼栋小组" in text_of(client, branch_url(party, tab="below"))


def test_taking_in_transferring_and_letting_go(party: Party) -> None:
    secretary, staff = make_user("所支书"), make_user("新职工")
    make_branch_post(secretary, party.home)
    other = make_branch(party.home, "第二小组", level=BranchLevel.GROUP)
    client = client_of(secretary)
    url = reverse("party:take_in", args=[party.home.pk])
    typed = {"staff_number": "nobody", "status": "full", "settled_on": "2026-11-18"}
    refused = client.post(url, typed)
    assert refused.status_code == 400
    assert "没有这个工号" in refused.content.decode()
    assert client.post(url, {**typed, "staff_number": staff.username}).status_code == 302
    member = Member.objects.get(user=staff)
    page = f"/party/members/{member.pk}/"
    assert client.post(f"{page}transfer/", {"branch": party.city_branch.pk}).status_code == 400
    assert client.post(f"{page}transfer/", {"branch": other.pk, "reason": "分组"}).headers["Location"] == page
    foreign = make_member("外支部党员", home=make_branch(party.city_branch, "外支部"))
    answer = client.post(url, {**typed, "staff_number": foreign.user.username})
    assert answer.status_code == 302
    foreign.refresh_from_db()
    assert foreign.home_branch == party.home
    assert client.post(f"{page}leave/", {"reason": ""}).status_code == 400
    assert client.post(f"{page}leave/", {"reason": "调离"}).status_code == 302
    member.refresh_from_db()
    assert member.left_on == TODAY
    assert client_of(party.secretary).post(f"{page}leave/", {"reason": "x"}).status_code == 404


def test_nobody_has_buttons_about_themselves(party: Party) -> None:
    own = make_member(home=party.home, checkin=party.committee, user=party.secretary)
    make_branch_post(party.secretary, party.home)
    client = client_of(party.secretary)
    assert "由班子里的其他人评价" in text_of(client, branch_url(party, tab="evaluations"))
    page = client.get(f"/party/members/{own.pk}/")
    assert (list(page.context["targets"]), page.context["leads_home"]) == ([], False)


def queries_of(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len([q for q in queries.captured_queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))])


def test_every_list_costs_the_same_with_one_and_with_thirty(party: Party) -> None:
    client, tabs = client_of(party.secretary), ("members", "requests", "lookback", "evaluations", "below")
    urls = [BRANCHES, *(branch_url(party, tab=tab) for tab in tabs)]
    urls += [branch_url(party, tab="lookback", which="not_served"), branch_url(party, which="home")]
    urls += [reverse("party:evaluation_report", args=[party.world.unit.pk, 2026])]

    def fill(count: int) -> None:
        for _number in range(count):
            make_branch(party.committee, "网格支部", place=party.world.city.west_1)
            ask_check_in(actor=newcomer(party).user, branch_id=party.committee.pk, at=NOON)
            newcomer(party, settled_on=TODAY - 60 * DAY)
            joined = newcomer(party)
            request = ask_check_in(actor=joined.user, branch_id=party.committee.pk, at=NOON)
            accept_check_in(check_in_id=request.pk, actor=party.secretary, at=NOON)
            evaluate_member(member_id=joined.pk, year=2026, grade="good", actor=party.secretary, at=NOON)

    fill(1)
    with_one = [queries_of(client, url) for url in urls]
    fill(29)
    assert with_one == [11, 13, 11, 13, 16, 16, 13, 12, 10]
    assert [queries_of(client, url) for url in urls] == with_one
    member = client_of(party.member)
    assert queries_of(member, ME) == 10


def test_a_notice_is_opened_by_its_own_reader(party: Party) -> None:
    notice = Notice.objects.create(
        recipient=party.member, kind="transferred", source="x", data={"branch": "医院支部"}, url=ME, at=NOON
    )
    inbox, client = reverse("cases:notifications"), client_of(party.member)
    assert "你的所属支部已变更为医院支部" in text_of(client, inbox)
    assert client.get(inbox).context["nav_bell"]["unread"] == 1
    assert client.get(reverse("cases:unread")).json()["unread"] == 1
    url = reverse("party:notice", args=[notice.pk])
    assert client_of(party.second_member).get(url).status_code == 404
    assert client.get(url).headers["Location"] == ME
    notice.refresh_from_db()
    assert notice.read_at is not None
    assert client.get(inbox).context["nav_bell"]["unread"] == 0
    assert "医院支部" not in text_of(client, f"{inbox}?show=unread")


def test_all_notices_are_marked_up_to_the_newest_that_was_shown(party: Party) -> None:
    rows = [
        Notice.objects.create(recipient=user, kind="other", source=str(number), at=NOON)
        for number, user in enumerate((party.member, party.member, party.second_member, party.member))
    ]
    client = client_of(party.member)
    page = client.get(reverse("cases:notifications"))
    assert page.context["newest_notice"] == rows[3].pk
    late = Notice.objects.create(recipient=party.member, kind="other", source="9", at=NOON)
    typed = {"newest": "0", "newest_notice": str(rows[3].pk)}
    assert client.post(reverse("cases:notifications_read_all"), typed).status_code == 302
    assert set(Notice.objects.filter(read_at=None)) == {rows[2], late}
    one = reverse("party:notice_read", args=[late.pk])
    part = client.post(one, headers={"HX-Request": "true"})
    assert f'id="party-notice-{late.pk}"' in part.content.decode()
    assert client_of(party.member).post(reverse("party:notice_read", args=[rows[2].pk])).status_code == 404
