"""The client's books: what was asked and is not answered yet, and which model the child has.

Pure bookkeeping without threads, processes or clocks of its own, so that the client is only about
those. One child lives at a time; what is known of it is forgotten when it ends.
"""

from app.engine.protocol import (
    Command,
    Count,
    Counted,
    EngineDied,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadOptions,
    Tokenize,
    Tokens,
    Unload,
    Unloaded,
    Usage,
)

Job = Load | Tokenize | Count | Generate | Unload


class Ledger:
    """Open requests, oldest first: the oldest is the one the child works on.

    loaded: the model that is loaded, or that the next child shall load again.
    """

    def __init__(self, patience_s: float) -> None:
        self.loaded: LoadOptions | None = None
        self._patience_s = patience_s
        self._jobs: dict[int, Job] = {}
        self._deadlines: dict[int, float] = {}
        # Of the living child: the requests it knows of, those for which it loads its model again,
        # and whether it was told to load one and has not failed.
        self._written: set[int] = set()
        self._reloading: set[int] = set()
        self._has_model = False

    def open(self, job: Job) -> None:
        """Take a request in."""
        self._jobs[job.request] = job

    def is_open(self, request: int) -> bool:
        """Whether a request waits for its answer."""
        return request in self._jobs

    def cancel(self, request: int, now: float) -> None:
        """Note that an open request shall stop."""
        self._deadlines.setdefault(request, now + self._patience_s)

    def end(self, request: int, now: float) -> None:
        """Forget a request that is over. Patience with the next one begins only now."""
        del self._jobs[request]
        self._deadlines.pop(request, None)
        running = next(iter(self._jobs), None)
        if running in self._deadlines:
            self._deadlines[running] = now + self._patience_s

    def time_left(self, now: float) -> float | None:
        """Return the seconds until the child is overdue with a cancel, None if it never is."""
        running = next(iter(self._jobs), None)
        if running is None or running not in self._deadlines:
            return None
        return max(0.0, self._deadlines[running] - now)

    def give_up(self) -> None:
        """Wait for no cancel any more: the child is being killed."""
        self._deadlines.clear()

    def steps(self, job: Job) -> list[Command]:
        """Return what has to be written for a job: nothing, itself, or a Load before it."""
        if job.request not in self._jobs:
            return []
        needs_model = isinstance(job, Tokenize | Count | Generate) and not self._has_model
        if needs_model and self.loaded is not None:
            return [Load(job.request, self.loaded), job]
        return [job]

    def written(self, command: Command) -> None:
        """Note that a command goes to the child."""
        if isinstance(command, Load):
            self._has_model = True
            if isinstance(self._jobs.get(command.request), Load):
                # It unloads what it has first, and what may kill it is not loaded again unasked.
                self.loaded = None
            else:
                self._reloading.add(command.request)
        if isinstance(command, Job):
            self._written.add(command.request)

    def take(self, event: Event, now: float) -> Event | None:
        """Learn from an event; return what the caller shall see, None if its request is over."""
        if isinstance(event, EngineDied):
            return event
        job = self._jobs.get(event.request)
        if job is None:
            return None
        over = isinstance(event, Finished | Failed | Tokens | Counted | Unloaded)
        match event:
            case Loaded(request=request):
                self._reloading.discard(request)
                if isinstance(job, Load):
                    self.loaded = job.options
                    over = True
            case Unloaded():
                self.loaded = None
                self._has_model = False
            case Failed(request=request, problem=problem):
                if isinstance(job, Load) or request in self._reloading:
                    self._has_model = False
                if problem.key == "load-cancelled" and isinstance(job, Generate):
                    # Cancelled while the model was loaded again for it: to the caller an answer
                    # that was stopped like any other.
                    event = Finished(request, "cancelled", Usage(), not job.thinking_open)
        if over:
            self.end(event.request, now)
        return event

    def child_ended(self, now: float) -> list[Job]:
        """Forget the child; return the jobs that went with it. Those it never saw stay open."""
        lost = [job for request, job in self._jobs.items() if request in self._written]
        for job in lost:
            self.end(job.request, now)
        self._written.clear()
        self._reloading.clear()
        self._has_model = False
        return lost
