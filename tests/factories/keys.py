"""Who calls the API: connected systems with their keys, and people; and what a list answered them."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from grids.models import Place
from partymembers.actions.service_accounts import add_service_account, issue_key
from partymembers.models import ServiceAccount, Unit, User
from partymembers.scopes import SCOPES

_numbers = count(1)


def service_account(
    *, place: Place | None = None, unit: Unit | None = None, duty: str = "", is_sandbox: bool = False
) -> ServiceAccount:
    """A connected system that acts for the desk of `place`, or for `unit`."""
    number = next(_numbers)
    return add_service_account(
        code=f"system-{number}",
        name=f"系统{number}",
        duty=duty or ("unit" if unit else "desk"),
        place=place,
        unit=unit,
        is_sandbox=is_sandbox,
        actor=None,
        at=timezone.now(),
    )


def key_of(account: ServiceAccount, *scopes: str, rate: int = 60_000) -> str:
    """A new key with these scopes, or with all; the whole of it as its owner gets it."""
    at = timezone.now()
    _row, key = issue_key(
        account_id=account.pk,
        label="test",
        scopes=scopes or SCOPES,
        expires_at=at + timedelta(days=30),
        rate=rate,
        actor=None,
        at=at,
    )
    return key


class Caller(APIClient):
    """A client that calls with a key; `Caller(place=…)` makes the account, too."""

    def __init__(self, *scopes: str, account: ServiceAccount | None = None, **seat: Any) -> None:
        super().__init__()
        self.account = account or service_account(**seat)
        self.key = key_of(self.account, *scopes)
        self.credentials(HTTP_AUTHORIZATION=f"Bearer {self.key}")

    @property
    def user(self) -> Any:
        """The account's user, as the history names it."""
        return self.account.user


def session(user: User) -> APIClient:
    """A person who is signed in."""
    client = APIClient()
    client.force_login(user)
    return client


def codes(answer: Any) -> list[str]:
    """Of the rows of a list that was answered."""
    assert answer.status_code == 200, answer.content
    return [row["code"] for row in answer.json()["results"]]
