"""The one error of this package."""

from __future__ import annotations


class BackupProblem(Exception):
    """Something that the operator can mend; its text is translated and names what."""
