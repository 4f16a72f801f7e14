"""One thing that `antipodal doctor` looked at."""

from __future__ import annotations

from dataclasses import dataclass

GOOD, NOTE, BAD = "ok", "note", "BAD"


@dataclass(frozen=True)
class Finding:
    """Whether a thing is as it should be, what it is, and what to do about it."""

    what: str
    state: str  # GOOD; NOTE: planning works without it; BAD: something does not work
    said: str
    advice: str = ""

    def line(self) -> str:
        return f"{self.state:6}{self.what:11}{self.said}" + (f"\n{'':17}-> {self.advice}" if self.advice else "")
