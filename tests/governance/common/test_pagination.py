from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core import signing

from governance.common.errors import Invalid
from governance.common.pagination import SALT, paginate

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 1, tzinfo=UTC)
User = get_user_model()


def people(instants):
    """One user per instant (or None) of being disabled; created in the order of primary keys."""
    return [
        User.objects.create(
            username=f"p{n}", name=f"P{n}", disabled_at=None if at is None else START + timedelta(hours=at)
        )
        for n, at in enumerate(instants)
    ]


def flat(pages):
    return [name for page in pages for name in page]


def walk(order, size):
    """The names on each page from the first to the last, and back again."""
    pages, cursor = [], ""
    while True:
        page = paginate(User.objects.all(), order=order, cursor=cursor, size=size)
        pages.append([row.username for row in page.rows])
        if not page.next_cursor:
            break
        cursor = page.next_cursor
    back, cursor = [pages[-1]], page.previous_cursor
    while cursor:
        page = paginate(User.objects.all(), order=order, cursor=cursor, size=size)
        back.insert(0, [row.username for row in page.rows])
        cursor = page.previous_cursor
    return pages, back


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8])
def test_pages_forth_and_back_hold_each_row_once_with_empty_values_last(size):
    people([3, None, 1, 1, 2, None, 1])
    forth, back = walk("disabled_at", size)
    assert flat(forth) == ["p2", "p3", "p6", "p4", "p0", "p1", "p5"]
    assert flat(back) == flat(forth)
    assert all(len(page) == size for page in forth[:-1])


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_descending_too(size):
    people([3, None, 1, 1, 2])
    forth, back = walk("-disabled_at", size)
    assert flat(forth) == ["p0", "p4", "p3", "p2", "p1"]
    assert flat(back) == flat(forth)


def test_a_row_that_comes_in_between_repeats_and_skips_nothing():
    people([1, 2, 3, 4])
    first = paginate(User.objects.all(), order="disabled_at", size=2)
    User.objects.create(username="new", name="New", disabled_at=START + timedelta(minutes=90))
    second = paginate(User.objects.all(), order="disabled_at", cursor=first.next_cursor, size=2)
    assert [row.username for row in second.rows] == ["p2", "p3"]


def test_an_empty_list_has_no_cursors():
    page = paginate(User.objects.all(), order="disabled_at")
    assert (page.rows, page.next_cursor, page.previous_cursor) == ([], "", "")


def test_a_required_field_takes_one_query_a_page(django_assert_num_queries):
    people([None] * 5)
    with django_assert_num_queries(1):
        first = paginate(User.objects.all(), order="-date_joined", size=2)
    with django_assert_num_queries(1):
        second = paginate(User.objects.all(), order="-date_joined", cursor=first.next_cursor, size=2)
    assert [row.username for row in first.rows + second.rows] == ["p4", "p3", "p2", "p1"]


def test_the_total_stops_counting_where_told():
    people([1, 2, 3])
    page = paginate(User.objects.all(), order="disabled_at", size=1, count_up_to=2)
    assert (page.total, page.is_total_capped) == (2, True)
    assert "2+" in page.total_words
    page = paginate(User.objects.all(), order="disabled_at", size=1, count_up_to=3)
    assert (page.total, page.is_total_capped) == (3, False)
    assert paginate(User.objects.all(), order="disabled_at").total_words == ""


@pytest.mark.parametrize(
    "cursor",
    ["x", "a:b:c", signing.dumps(["disabled_at"], salt=SALT), signing.dumps("é", salt=SALT)],
    ids=["a letter", "no signature", "signed but short", "signed but no list"],  # a signature holds the time
)
def test_a_forged_or_broken_cursor_is_refused(cursor):
    with pytest.raises(Invalid):
        paginate(User.objects.all(), order="disabled_at", cursor=cursor)


def test_a_cursor_of_another_order_is_refused():
    people([1, 2])
    cursor = paginate(User.objects.all(), order="disabled_at", size=1).next_cursor
    with pytest.raises(Invalid):
        paginate(User.objects.all(), order="-disabled_at", cursor=cursor)
