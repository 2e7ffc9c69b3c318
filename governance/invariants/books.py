"""Wishes, points and pictures."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from .promises import Invariant

WISHES: Final = (
    Invariant(
        "one_claim_stands",
        _("A wish that somebody has taken on has exactly one standing claim, and no other wish has any."),
        """
SELECT c.number, concat('state ', c.state, ', standing claims ', coalesce(k.n, 0)) AS detail
FROM cases_case c
LEFT JOIN (SELECT case_id, count(*) AS n FROM cases_claim WHERE ended_at IS NULL GROUP BY case_id) k
  ON k.case_id = c.id
WHERE c.kind = 'wish'
  AND coalesce(k.n, 0) <> (c.state IN ('claimed', 'confirmed', 'begun', 'delivered'))::int""",
    ),
    Invariant(
        "wishes_are_whole",
        _("Every wish, and no other order, has its public half."),
        """
SELECT c.number, concat('kind ', c.kind) AS detail
FROM cases_case c LEFT JOIN cases_wish w ON w.case_id = c.id
WHERE (c.kind = 'wish') <> (w.case_id IS NOT NULL)""",
    ),
)

POINTS: Final = (
    Invariant(
        "points_balance",
        _("The entries of every transaction of points sum to zero."),
        """
SELECT concat('#', t.id) AS number, concat(t.kind, ': ', count(e.id), ' entries, sum ', sum(e.amount)) AS detail
FROM partymembers_pointstransaction t
LEFT JOIN partymembers_pointsentry e ON e.transaction_id = t.id
GROUP BY t.id HAVING coalesce(sum(e.amount), 1) <> 0""",
    ),
    Invariant(
        "accounts_follow_entries",
        _("A person's points are the sum of their entries, and never below zero."),
        """
SELECT concat('#', a.id) AS number, concat('balance ', a.balance, ', entries ', coalesce(e.sum, 0)) AS detail
FROM partymembers_pointsaccount a
LEFT JOIN (SELECT account_id, sum(amount) AS sum FROM partymembers_pointsentry GROUP BY account_id) e
  ON e.account_id = a.id
WHERE a.kind = 'person' AND (a.balance <> coalesce(e.sum, 0) OR a.balance < 0)""",
    ),
)

PICTURES: Final = (
    Invariant(
        "pictures_belong",
        _("A picture of an order is shown by an event of that order."),
        """
SELECT c.number, concat('picture ', a.id, ', event ', e.id) AS detail
FROM cases_attachment a JOIN cases_case c ON c.id = a.case_id
LEFT JOIN cases_caseevent e ON e.id = a.event_id
WHERE e.case_id IS DISTINCT FROM a.case_id""",
    ),
)
