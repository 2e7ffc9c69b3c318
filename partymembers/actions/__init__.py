"""Every write to people, units, posts and keys; each leaves an entry in the audit trail.

The security officer grants users, posts and keys; the system officer configures units; the audit officer
reads. `actor=None` is the command line: whoever may run it holds the server anyway. Many people at once:
`partymembers.actions.intake`.
"""

from .keys import (
    add_user,
    change_password,
    change_person,
    change_phone,
    disable_user,
    enable_user,
    reset_password,
)
from .posts import appoint_substitute, end_post, end_substitution, give_post
from .units import disable_unit, enable_unit

__all__ = [
    "add_user",
    "appoint_substitute",
    "change_password",
    "change_person",
    "change_phone",
    "disable_unit",
    "disable_user",
    "enable_unit",
    "enable_user",
    "end_post",
    "end_substitution",
    "give_post",
    "reset_password",
]
