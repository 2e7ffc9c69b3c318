"""Many people at once: the rules of `add_user` and `give_post`, written in a few statements for all.

A city brings 10,000 people in one file. One by one they would take a dozen statements each; here the rules
look at what was read beforehand, and what they let through is written together.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from copy import copy
from typing import Any

from governance.common.errors import Invalid
from partymembers import passwords
from partymembers.audit import access_entry, masked_changes
from partymembers.models import AuditEntry, Post, Role, StaffChange, Substitution, User
from partymembers.rules import require_officer, require_other, roles_acted_in

from . import keys, posts

#: Rows that wait before they are written, and rows in one statement.
BATCH = 1000
#: Rows changed in one statement: each is looked for among all of its statement.
UPDATED = 100


class Intake:
    """People who are added, and posts that they are given, inside the caller's transaction.

    Raises NotAllowed for anyone but the security officer. Each method refuses what the action of the same
    name refuses, in the same words. What is added is written by `flush` at the latest. The known people among
    `staff_numbers` are locked until the transaction ends, so that nobody gives them a post meanwhile; should
    somebody else take a phone or staff number in that time, the database refuses all (IntegrityError).
    """

    def __init__(self, staff_numbers: Iterable[str], *, actor: User | None, at: dt.datetime) -> None:
        require_officer(actor, Role.SECURITY_OFFICER, at=at)
        self.actor, self.at = actor, at
        known = User.objects.select_for_update(no_key=True).filter(username__in=set(staff_numbers))
        everybody = {user.username: user for user in known.order_by("pk")}
        self.users = {name: user for name, user in everybody.items() if not user.is_service}
        self._systems = everybody.keys() - self.users.keys()
        self._phones = dict(User.objects.exclude(phone=None).values_list("phone", "username"))
        self._posts: dict[str, list[Post]] = defaultdict(list)
        held = Post.objects.filter(user__in=self.users.values())
        held = held.select_related("user", "place", "unit", "branch")
        for post in held.defer("place__boundary").order_by("pk"):
            self._posts[post.user.username].append(post)
        stints = Substitution.objects.filter(substitute__in=self.users.values())
        self._substitutes = set(stints.values_list("substitute__username", flat=True))
        self._new_users: list[User] = []
        self._new_posts: list[Post] = []
        self._changed: dict[int, User] = {}
        self._ended: dict[int, Post] = {}
        self._entries: list[tuple[str, User | Post, dict[str, Any]]] = []

    def posts_of(self, user: User) -> list[Post]:
        """The posts that somebody holds, has held or will hold, in the order in which they were given."""
        return self._posts[user.username]

    def add_user(self, *, staff_number: str, name: str, phone: str) -> tuple[User, str]:
        """Somebody new with a random first password, which is handed back; see `keys.add_user`."""
        user = keys.new_user(staff_number=staff_number, name=name, phone=phone, at=self.at)
        password = passwords.first_password()
        user.password = passwords.hash_random(password)
        keys.check_fields(user, unique=False)
        self._check_free(user)
        self.users[user.username] = user
        if user.phone:
            self._phones[user.phone] = user.username
        self._new_users.append(user)
        self._note("user_added", user)
        return user, password

    def _check_free(self, user: User) -> None:
        """Raises Invalid, in the model's own words, when somebody else has the staff number or phone."""
        for field, is_taken in (
            ("username", user.username in self.users or user.username in self._systems),
            ("phone", user.phone in self._phones),
        ):
            if is_taken:
                raise Invalid(_taken(field), field=field)

    def change_person(self, user: User, *, name: str, phone: str) -> User:
        """Correct a name or phone; see `keys.change_person`."""
        self._settle(user)
        changed = copy(user)
        changes = keys.correct(changed, name=name, phone=phone)
        keys.check_fields(changed, unique=False)
        if "phone" in changes:
            self._move_phone(changed, user.phone)
        self.users[changed.username] = self._changed[changed.pk] = changed
        self._note("user_changed", changed, changes=masked_changes(changes))
        return changed

    def _move_phone(self, user: User, former: str | None) -> None:
        """Raises Invalid, in the model's own words, when somebody else has the phone."""
        if user.phone in self._phones:
            raise Invalid(_taken("phone"), field="phone")
        if former:
            del self._phones[former]
        if user.phone:
            self._phones[user.phone] = user.username

    def _settle(self, row: User | Post) -> None:
        """What is changed in the file that adds it is written first, as its trail tells of both."""
        if row.pk is None:
            self.flush()

    def give_post(self, post: Post) -> Post:
        """Give a post that is not saved yet; see `posts.give_post`."""
        user = post.user
        require_other(self.actor, user)
        substitutes = user.username in self._substitutes
        acted = roles_acted_in(user, post.starts_on, post.ends_on) if substitutes else []
        posts.check_post(post, [held for held in self.posts_of(user) if _overlap(held, post)], acted)
        self.posts_of(user).append(post)
        self._new_posts.append(post)
        self._note("post_given", post)
        return post

    def end_post(self, post: Post, *, ends_on: dt.date) -> None:
        """Let a post end earlier; see `posts.end_post`."""
        require_other(self.actor, post.user)
        posts.check_end(post, ends_on)
        self._settle(post)
        before, post.ends_on = post.ends_on, ends_on
        self._ended[post.pk] = post
        self._note("post_ended", post, **posts.facts_of(post), ended_before=before)

    def _note(self, action: str, row: User | Post, **facts: Any) -> None:
        self._entries.append((action, row, facts))
        if len(self._entries) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what waits: people, then posts, their ends and the audit trail. Raises IntegrityError."""
        if not self._entries:
            return
        moved = [user.pk for user in self._changed.values()]
        User.objects.filter(pk__in=moved).update(phone=None)  # so that phones may be passed round
        User.objects.bulk_update(self._changed.values(), ["name", "phone"], batch_size=UPDATED)
        User.objects.bulk_create(self._new_users, batch_size=BATCH)
        Post.objects.bulk_create(self._new_posts, batch_size=BATCH)
        Post.objects.bulk_update(self._ended.values(), ["ends_on"], batch_size=UPDATED)
        StaffChange.objects.bulk_create(self._ends(), batch_size=BATCH)
        AuditEntry.objects.bulk_create([self._entry(*each) for each in self._entries], batch_size=BATCH)
        self._new_users, self._new_posts, self._entries = [], [], []
        self._changed, self._ended = {}, {}

    def _ends(self) -> list[StaffChange]:
        return [
            posts.end_of(post, post.ends_on, actor=self.actor, at=self.at)
            for post in (*self._new_posts, *self._ended.values())
            if post.ends_on is not None
        ]

    def _entry(self, action: str, row: User | Post, facts: dict[str, Any]) -> AuditEntry:
        """What was added has its id only now."""
        if isinstance(row, Post):
            return access_entry(self.actor, action, row.user, at=self.at, **(facts or posts.facts_of(row)))
        return access_entry(self.actor, action, row, at=self.at, **(facts or keys.facts_of(row)))


def _taken(field: str) -> str:
    return " ".join(User().unique_error_message(User, (field,)).messages)


def _overlap(held: Post, post: Post) -> bool:
    """Whether two posts share a day (`rules.overlapping` for rows at hand)."""
    begins_before = post.ends_on is None or held.starts_on <= post.ends_on
    return begins_before and (held.ends_on is None or held.ends_on >= post.starts_on)
