from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from cases.catalogue import (
    catalogue_tree,
    folded,
    matter_by_code,
    matter_leaf,
    matters_by_code,
    recent_matters,
    search_matters,
    standard_for,
    standards_at,
    touch_catalogue,
)
from cases.deadlines import TimerType
from cases.models import Case, Channel, Matter, MatterClass, Standard
from governance.common.errors import Invalid
from tests.factories.catalogue import LONG_AGO, make_class, make_matter, make_standard
from tests.factories.grids import make_city
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 2, 24, tzinfo=UTC)
_numbers = count(1)


def report(matter: Matter, place, reporter, *, at: datetime) -> Case:
    return Case.objects.create(
        number=f"T-{next(_numbers)}",
        channel=Channel.GRID_WORKER,
        matter=matter,
        place=place,
        desk=place,
        reported_place=place,
        reporter=reporter,
        reported_at=at,
        updated_at=at,
    )


class TestStandardFor:
    def test_the_shortest_limit_holds_until_the_desk_picks(self):
        matter = make_matter(amount=2, timer=TimerType.WORK_DAY)
        hours = make_standard(matter, "跳动", amount=4, timer=TimerType.WORK_HOUR)
        make_standard(matter, "沉降", amount=1, timer=TimerType.NATURAL_DAY)
        assert standard_for(matter, at=NOW) == hours

    @pytest.mark.parametrize(
        ("shorter", "longer"),
        [
            ((2, TimerType.URGENT_HOUR), (1, TimerType.WORK_HOUR)),
            ((5, TimerType.WORK_HOUR), (1, TimerType.NATURAL_DAY)),
            ((1, TimerType.NATURAL_DAY), (6, TimerType.WORK_HOUR)),
            ((1, TimerType.NATURAL_DAY), (1, TimerType.WORK_DAY)),
            ((7, TimerType.WORK_HOUR), (1, TimerType.WORK_DAY)),
            ((Decimal("0.5"), TimerType.WORK_HOUR), (3, TimerType.URGENT_HOUR)),
        ],
    )
    def test_limits_of_different_timers_compare_by_the_wall_clock(self, shorter, longer):
        matter = make_matter(amount=longer[0], timer=longer[1])
        expected = make_standard(matter, "另一条件", amount=shorter[0], timer=shorter[1])
        assert standard_for(matter, at=NOW) == expected

    def test_equal_limits_take_the_first_in_the_list(self):
        matter = make_matter(amount=1)
        first = matter.standards.get()
        make_standard(matter, "另一条件", amount=1)
        assert standard_for(matter, at=NOW) == first

    def test_the_version_valid_at_the_report_time_counts(self):
        matter = make_matter(amount=5)
        old = matter.standards.get()
        Standard.objects.filter(pk=old.pk).update(valid_to=NOW)
        new = make_standard(matter, amount=2, valid_from=NOW, sequence=1)
        assert standard_for(matter, at=NOW - timedelta(microseconds=1)) == old
        assert standard_for(matter, at=NOW) == new

    def test_before_a_matter_was_listed_its_first_standards_count(self):
        matter = make_matter(amount=5, valid_from=NOW)
        first = matter.standards.get()
        Standard.objects.filter(pk=first.pk).update(valid_to=NOW + timedelta(days=1))
        make_standard(matter, amount=1, valid_from=NOW + timedelta(days=1), sequence=1)
        assert standard_for(matter, at=NOW - timedelta(days=300)) == first

    def test_the_desks_pick_is_taken_as_it_is(self, django_assert_num_queries):
        matter = make_matter(amount=1)
        slow = make_standard(matter, "沉降", amount=9)
        with django_assert_num_queries(0):
            assert standard_for(matter, at=NOW, chosen=slow) == slow

    def test_a_pick_of_another_matter_is_refused(self):
        matter, other = make_matter(), make_matter(name="路灯")
        with pytest.raises(Invalid) as refusal:
            standard_for(matter, at=NOW, chosen=other.standards.get())
        assert refusal.value.field == "standard"

    @pytest.mark.parametrize(("begins", "ends"), [(1, None), (-9, 0)])
    def test_a_pick_that_was_not_in_force_is_refused(self, begins, ends):
        matter = make_matter()
        late = make_standard(matter, "沉降", valid_from=NOW + timedelta(days=begins))
        late.valid_to = None if ends is None else NOW + timedelta(days=ends)
        with pytest.raises(Invalid):
            standard_for(matter, at=NOW, chosen=late)

    def test_a_matter_without_standards_is_refused(self):
        matter = Matter.objects.create(matter_class=make_class(), code="50", name="路灯")
        with pytest.raises(Invalid) as refusal:
            standard_for(matter, at=NOW)
        assert refusal.value.field == "matter"

    def test_the_desk_picks_from_what_was_valid(self):
        matter = make_matter()
        first = matter.standards.get()
        make_standard(matter, "以后", valid_from=NOW + timedelta(days=1))
        ended = make_standard(matter, "以前")
        Standard.objects.filter(pk=ended.pk).update(valid_to=NOW)
        assert list(standards_at(matter, NOW)) == [first]


class TestTree:
    def test_classes_hold_their_matters_and_standards(self):
        works, streets = make_class(), make_class("市容环境", section=MatterClass.Section.EVENT)
        grate = make_matter("04", "雨水箅子", matter_class=works)
        make_standard(grate, "堵塞")
        litter = make_matter("03", "积存垃圾渣土", matter_class=streets)
        make_class("其他事件", code="06", section=MatterClass.Section.EVENT)
        told = [
            (branch.matter_class, [(leaf.matter, len(leaf.standards)) for leaf in branch.matters])
            for branch in catalogue_tree()
        ]
        assert told == [(works, [(grate, 2)]), (streets, [(litter, 1)])]

    def test_it_is_read_once_and_then_only_its_version(self, django_assert_num_queries):
        for _ in range(3):
            make_matter(matter_class=make_class(code="02"))
        with django_assert_num_queries(4):
            catalogue_tree()
        with django_assert_num_queries(1):
            assert len(catalogue_tree()[0].matters) == 3
        with django_assert_num_queries(1):
            assert len(search_matters("雨水")) == 3

    def test_a_change_shows_at_once(self):
        matter = make_matter(name="路灯")
        assert search_matters("照明") == []
        Matter.objects.filter(pk=matter.pk).update(keywords="照明")
        touch_catalogue()
        assert [leaf.matter for leaf in search_matters("照明")] == [matter]

    def test_a_retired_matter_is_no_longer_offered(self):
        kept, gone = make_matter(name="路灯"), make_matter(name="路灯杆", retired_at=NOW - timedelta(days=1))
        assert [leaf.matter for leaf in search_matters("路灯")] == [kept]
        assert matter_leaf(gone.pk) is None
        assert matter_leaf(kept.pk).matter == kept

    def test_a_leaf_tells_its_standards_of_an_instant(self):
        matter = make_matter()
        later = make_standard(matter, "以后", valid_from=NOW)
        leaf = matter_leaf(matter.pk)
        assert leaf.standards_at(LONG_AGO) == [matter.standards.get(sequence=1)]
        assert leaf.standards_at(NOW) == [matter.standards.get(sequence=1), later]


class TestSearch:
    @pytest.fixture
    def catalogue(self):
        works = make_class()
        make_matter("01", "路灯", matter_class=works, keywords="灯不亮 照明 路灯坏了")
        make_matter("02", "景观灯", matter_class=works)
        make_matter("03", "路灯井盖", matter_class=works)
        grate = make_matter("04", "雨水箅子", matter_class=works, keywords="下水道 积水 水篦子")
        make_standard(grate, "堵塞面积达1/3以上")
        make_matter(
            "01",
            "积存垃圾渣土",
            matter_class=make_class("市容环境", section=MatterClass.Section.EVENT),
            keywords="垃圾没人清",
        )

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("路灯", ["路灯", "路灯井盖"]),
            ("路 灯", ["路灯", "路灯井盖"]),
            ("井盖", ["路灯井盖"]),
            ("下水道堵了", ["雨水箅子"]),
            ("灯不亮", ["路灯"]),
            ("门口路灯不亮很久了", ["路灯", "路灯井盖"]),
            ("市容", ["积存垃圾渣土"]),
            ("垃圾渣土积存", ["积存垃圾渣土"]),
            ("堵塞", ["雨水箅子"]),
            ("灯", ["路灯", "景观灯", "路灯井盖"]),
            ("！？", []),
            ("   ", []),
            ("飞机", []),
            ("'; DROP TABLE", []),
        ],
    )
    def test_it_finds_what_people_say(self, catalogue, text, names):
        assert sorted(leaf.matter.name for leaf in search_matters(text)) == sorted(names)

    def test_the_best_comes_first(self, catalogue):
        assert [leaf.matter.name for leaf in search_matters("路灯")] == ["路灯", "路灯井盖"]
        assert search_matters("灯不亮了怎么办")[0].matter.name == "路灯"

    def test_no_more_than_asked_for(self, catalogue):
        assert len(search_matters("灯", limit=2)) == 2

    def test_a_very_long_text_is_cut(self, catalogue):
        assert search_matters("路灯" + "长" * 1_000_000)[0].matter.name == "路灯"

    def test_texts_are_folded(self):
        assert folded("Ｗi-Fi（公共）　ＡＢ") == "wifi公共ab"


class TestRecent:
    def test_the_latest_first_and_each_once(self, django_assert_num_queries):
        place = make_city().west_1
        alice, bob = make_user("甲"), make_user("乙")
        lamp, grate, bin_ = make_matter(name="路灯"), make_matter(), make_matter(name="垃圾桶")
        for days, (matter, person) in enumerate([(lamp, alice), (grate, alice), (lamp, alice), (bin_, bob)]):
            report(matter, place, person, at=NOW + timedelta(days=days))
        catalogue_tree()
        with django_assert_num_queries(2):
            assert [leaf.matter for leaf in recent_matters(alice)] == [lamp, grate]
        assert [leaf.matter for leaf in recent_matters(alice, limit=1)] == [lamp]

    def test_a_retired_one_is_left_out(self):
        place, alice = make_city().west_1, make_user("甲")
        gone = make_matter(retired_at=NOW)
        report(gone, place, alice, at=NOW)
        assert recent_matters(alice) == []


class TestFullCode:
    def test_a_matter_is_found_again_by_its_full_code_and_by_no_other(self):
        component = make_matter("01", matter_class=make_class(code="07"))
        event = make_matter("01", matter_class=make_class(code="07", section="event"))

        assert (component.full_code, event.full_code) == ("component-07-01", "event-07-01")
        assert matter_by_code("event-07-01") == event
        assert matter_by_code("event-07-02") is None
        assert matters_by_code(["component-07-01", "event-07-01", "", "07-01"]) == {
            "component-07-01": component,
            "event-07-01": event,
        }
