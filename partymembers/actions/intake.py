"""Many people at once: the rules of `add_user` and `give_post`, written in a few statements for all.

A city brings 10,000 people in one file. One by one they would take a dozen statements each; here the rules
look at what was read beforehand, and what they let through is written together.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

from governance.common.errors import Invalid
from partymembers import passwords
from partymembers.audit import access_entry
from partymembers.models import AuditEntry, Post, Role, StaffChange, Substitution, User
from partymembers.rules import require_officer, require_other, roles_acted_in

from . import keys, posts

#: Rows that wait before they are written, and rows in one statement.
BATCH = 1000


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
        self.users = {user.username: user for user in known.order_by("pk")}
        self._phones = dict(User.objects.exclude(phone=None).values_list("phone", "username"))
        self._posts: dict[str, list[Post]] = defaultdict(list)
        for post in Post.objects.filter(user__in=self.users.values()).select_related("user").order_by("pk"):
            self._posts[post.user.username].append(post)
        stints = Substitution.objects.filter(substitute__in=self.users.values())
        self._substitutes = set(stints.values_list("substitute__username", flat=True))
        self._new_users: list[User] = []
        self._new_posts: list[Post] = []
        self._entries: list[tuple[str, User | Post]] = []

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
        taken = {"username": user.username in self.users, "phone": user.phone in self._phones}
        for field, is_taken in taken.items():
            if is_taken:
                messages = user.unique_error_message(User, (field,)).messages
                raise Invalid(" ".join(messages), field=field)

    def change_person(self, user: User, *, name: str, phone: str) -> User:
        """Correct a name or phone; see `keys.change_person`."""
        self.flush()
        changed = keys.change_person(user_id=user.pk, name=name, phone=phone, actor=self.actor, at=self.at)
        if user.phone:
            self._phones.pop(user.phone, None)
        if changed.phone:
            self._phones[changed.phone] = changed.username
        self.users[changed.username] = changed
        return changed

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
        self.flush()
        ended = posts.end_post(post_id=post.pk, ends_on=ends_on, actor=self.actor, at=self.at)
        post.ends_on = ended.ends_on

    def _note(self, action: str, row: User | Post) -> None:
        self._entries.append((action, row))
        if len(self._entries) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what waits: people, then posts, their ends and the audit trail. Raises IntegrityError."""
        if not self._entries:
            return
        User.objects.bulk_create(self._new_users, batch_size=BATCH)
        Post.objects.bulk_create(self._new_posts, batch_size=BATCH)
        ends = [
            posts.end_of(post, post.ends_on, actor=self.actor, at=self.at)
            for post in self._new_posts
            if post.ends_on is not None
        ]
        StaffChange.objects.bulk_create(ends, batch_size=BATCH)
        AuditEntry.objects.bulk_create([self._entry(*each) for each in self._entries], batch_size=BATCH)
        self._new_users, self._new_posts, self._entries = [], [], []

    def _entry(self, action: str, row: User | Post) -> AuditEntry:
        if isinstance(row, Post):
            return access_entry(self.actor, action, row.user, at=self.at, **posts.facts_of(row))
        return access_entry(self.actor, action, row, at=self.at, **keys.facts_of(row))


def _overlap(held: Post, post: Post) -> bool:
    """Whether two posts share a day (`rules.overlapping` for rows at hand)."""
    begins_before = post.ends_on is None or held.starts_on <= post.ends_on
    return begins_before and (held.ends_on is None or held.ends_on >= post.starts_on)
