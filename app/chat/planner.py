"""Plans loads and keeps what they taught, on a thread of its own: the window never waits for it.

Detection starts processes and takes 0.3 to 3 s; the file of what was learned is written to disk.
Callbacks run in `poll()`, on the thread that calls it. A plan that cannot be made is None: then the
model is loaded with the defaults.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.chat import kept_plans, load_plan
from app.chat.load_plan import LoadPlan
from app.errors import WorldError

if TYPE_CHECKING:
    from app.fit.devices import Machine
    from app.fit.learned import Load

Planned = Callable[[LoadPlan | None], None]


@dataclass(frozen=True, slots=True)
class _Call:
    """plans: nobody waits for it any more once the planner is closed."""

    work: Callable[[], LoadPlan | None]
    done: Planned
    plans: bool


def best(path: str, context: int, *, gives_back: tuple[int, int] = (0, 0)) -> LoadPlan | None:
    """Return the plan for a file on this machine, None where nothing fits. Takes a second or more.

    Raises WorldError where the file tells no dimensions. See `Planner.first`.
    """
    from app.fit.learned import Learned

    kept = kept_plans.find(path)
    if kept is not None:
        return kept
    machine = _this_machine().given_back(*gives_back)
    return load_plan.for_file(Path(path), machine, context, Learned())


class Planner:
    """Does one thing after the other. Its methods belong to one thread; none waits but `close`."""

    def __init__(self, *, wakeup: Callable[[], None] | None = None) -> None:
        """wakeup: called on the planner's thread when there is something to poll."""
        self._wakeup = wakeup
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._answers: deque[Callable[[], None]] = deque()
        self._outstanding = 0
        self._closing = False
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------ what is asked

    def first(self, path: str, context: int, *, gives_back: tuple[int, int], done: Planned) -> None:
        """Plan a file for this machine: as the user chose it last, else the best with this context.

        gives_back: the bytes of cards and of main memory that are free again once the model that
        is loaded now has gone.
        """

        def work() -> LoadPlan | None:
            return best(path, context, gives_back=gives_back)

        self._call(_Call(work, done, plans=True))

    def next(self, path: str, failed: LoadPlan, done: Planned) -> None:
        """Plan what to try after a load that failed for memory, and forget that it was chosen."""

        def work() -> LoadPlan | None:
            from app.fit.learned import Learned

            if kept_plans.find(path) == failed:
                kept_plans.forget(path)
            return load_plan.smaller(Path(path), failed, _this_machine(), Learned())

        self._call(_Call(work, done, plans=True))

    def larger(
        self,
        path: str,
        context: int,
        needed: int,
        *,
        gives_back: tuple[int, int],
        done: Planned,
    ) -> None:
        """Plan a file with a larger context than it has now; None where none fits.

        needed: tokens that it must hold at least. gives_back: as in `first`.
        """

        def work() -> LoadPlan | None:
            from app.fit.learned import Learned

            machine = _this_machine().given_back(*gives_back)
            return load_plan.larger(Path(path), context, needed, machine, Learned())

        self._call(_Call(work, done, plans=True))

    def keep(self, path: str, plan: LoadPlan) -> None:
        """Load this file so from now on: the user chose it."""
        self._do(lambda: kept_plans.keep(path, plan))

    def loaded(self, load: "Load") -> None:
        """Learn from a load: its promise and what it took."""

        def work() -> None:
            from app.fit.learned import Learned

            Learned().record(load)

        self._do(work)

    def measured(self, plan: LoadPlan, tokens_per_s: float) -> None:
        """Learn how fast a loaded model writes."""

        def work() -> None:
            from app.fit.learned import Learned

            Learned().measured(plan.machine, plan.kind, plan.shape, tokens_per_s)

        self._do(work)

    # ------------------------------------------------------------ the caller's thread

    def poll(self) -> int:
        """Run the callbacks of what is done; return how much is still outstanding."""
        while self._answers:
            self._outstanding -= 1
            self._answers.popleft()()
        return self._outstanding

    def close(self) -> None:
        """Write what is to be written, plan nothing more; wait for what is under way."""
        self._closing = True
        if self._thread is not None:
            self._calls.put(None)
            self._thread.join()
            self._thread = None

    def _do(self, work: Callable[[], None]) -> None:
        def write() -> LoadPlan | None:
            work()
            return None

        self._call(_Call(write, lambda _: None, plans=False))

    def _call(self, call: _Call) -> None:
        if self._closing:
            raise RuntimeError("the planner is closed")
        self._outstanding += 1
        self._calls.put(call)
        if self._thread is None:
            # A daemon: whoever forgets to close it loses a record, not the end of the program.
            self._thread = threading.Thread(target=self._run, name="planner", daemon=True)
            self._thread.start()

    # ------------------------------------------------------------ the planner's thread

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            if call.plans and self._closing:
                continue
            self._answers.append(_answer(call))
            if self._wakeup is not None:
                self._wakeup()


def _answer(call: _Call) -> Callable[[], None]:
    """Do a call; return what poll() has to do about it."""
    try:
        plan = call.work()
    except WorldError:
        return lambda: call.done(None)
    except BaseException as bug:  # noqa: BLE001  raised again by poll(), on the thread that can report it
        return _after(lambda: call.done(None), bug)
    return lambda: call.done(plan)


def _after(done: Callable[[], None], bug: BaseException) -> Callable[[], None]:
    """Return what goes on without a plan, then raises the bug."""

    def both() -> None:
        done()
        raise bug

    return both


def _this_machine() -> "Machine":
    from app.fit.devices import from_hardware
    from app.hardware.detect import detect

    return from_hardware(detect())
