"""A grade that is being reported at this moment is final for whoever corrects it meanwhile."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import connection, transaction

from governance.common.errors import WrongState
from partymembers.actions.evaluations import evaluate_member, report_to_units
from partymembers.models import Evaluation, Member
from tests.conftest import wait_for, waits_for_a_lock
from tests.factories.cases import NOON
from tests.factories.party import make_party


@pytest.mark.django_db(transaction=True)
def test_a_grade_is_not_corrected_while_it_is_reported() -> None:
    party = make_party()
    member = Member.objects.get(user=party.member)
    refused: list[str] = []

    def grade(value: str) -> None:
        evaluate_member(member_id=member.pk, year=2026, grade=value, actor=party.secretary, at=NOON)

    def correct() -> None:
        try:
            grade("poor")
        except WrongState as error:
            refused.append(str(error.message))
        finally:
            connection.close()

    grade("good")
    late = Thread(target=correct)
    with transaction.atomic():
        report_to_units(branch_id=party.committee.pk, year=2026, actor=party.secretary, at=NOON)
        late.start()
        wait_for(waits_for_a_lock)
    late.join(timeout=30)
    assert len(refused) == 1
    assert Evaluation.objects.get().grade == "good"
