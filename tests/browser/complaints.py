"""What the browser complained of while a test looked on."""

from __future__ import annotations


class Complaints(list[str]):
    """What the browser complained of, without what is forgiven, whenever it is said."""

    def __init__(self) -> None:
        super().__init__()
        self._forgiven: list[str] = []

    def forgive(self, *beginnings: str) -> None:
        """Let complaints pass that begin so: those of before, and those that are still on their way."""
        self._forgiven += beginnings
        self[:] = [said for said in self if not said.startswith(beginnings)]

    def hear(self, said: str) -> None:
        """Keep a complaint unless it is forgiven."""
        if not said.startswith(tuple(self._forgiven)):
            self.append(said)
