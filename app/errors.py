"""Two families of errors, and only two.

The world's fault: a file that is broken, a disk that is full, an engine that died. It is a
`Problem` (what happened, what to do, the detail for those who want it), carried by `WorldError` and
shown to the user through one door. Our fault: every other exception. It is logged with its
traceback and offered as a report; nothing catches it on the way.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong in the world, in words for the person in front of it.

    key: a stable name ("engine-died", "disk-full"): a notice with the same key replaces the last.
    title: one sentence: what happened.
    advice: one sentence: what to do about it ("" where there is nothing).
    detail: the technical text, folded away in the window.
    """

    key: str
    title: str
    advice: str = ""
    detail: str = ""

    def sentence(self) -> str:
        """Return title and advice as one line, as the command line prints it."""
        return f"{self.title} {self.advice}".strip()


class WorldError(Exception):
    """Raised where the world is at fault; `problem` says it in words."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence())
        self.problem = problem
