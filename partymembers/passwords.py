"""First passwords: random, long, and so cheap to keep safely."""

from __future__ import annotations

import secrets

from django.contrib.auth.hashers import Argon2PasswordHasher, get_hasher, make_password

#: Letters and digits that nobody confuses when copying from paper.
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class _QuickArgon2(Argon2PasswordHasher):
    """Argon2 at its smallest, for secrets that no dictionary holds; signing in hashes anew at full cost."""

    time_cost = 1
    memory_cost = 64
    parallelism = 1


def first_password() -> str:
    """A random password: four groups of four (93 bits), and an end that every password rule accepts."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join([*groups, "7aB"])


def hash_random(password: str) -> str:
    """The stored form of a generated password.

    Argon2 is slow on purpose, against guessing; guessing 93 random bits is hopeless at any speed, and a
    city's list of 10,000 people must not take ten minutes.
    """
    if isinstance(get_hasher(), Argon2PasswordHasher):
        quick = _QuickArgon2()
        return str(quick.encode(password, quick.salt()))
    return make_password(password)
