"""How the database gets from any earlier schema to this one.

Numbered steps, each with its reason. The number of the last step is in `PRAGMA user_version`. A
step is one transaction together with its number, so a step that was cut short never happened, and
the next opening goes on where the last whole step ended. Before the first step of an existing
database a copy is made beside it. A later Ponder's database and a damaged one are refused
untouched.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from app.chat.store_errors import NewerDatabaseError, damaged
from app.errors import Problem, WorldError

APPLICATION_ID = 0x506F6E64
"""The letters "Pond", in the file's header: what file(1) and we know it by."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the schema. apply runs inside a transaction and must not end it."""

    number: int
    reason: str
    apply: Callable[[sqlite3.Connection], None]


def statements(sql: str) -> Iterator[str]:
    """Yield the statements of a script one by one.

    `executescript` cannot be used: it commits whatever is open first, and a step must be one
    transaction. A statement ends on the line that completes it.
    """
    found = ""
    for line in sql.splitlines(keepends=True):
        found += line
        if sqlite3.complete_statement(found):
            yield found
            found = ""
    # What is left can only be blank lines and comments; anything else is a statement cut short.
    if any(line.strip() and not line.lstrip().startswith("--") for line in found.splitlines()):
        raise ValueError(f"unfinished statement: {found!r}")


def script(name: str) -> Callable[[sqlite3.Connection], None]:
    """Return a step's action that runs `schema/<name>`."""

    def apply(database: sqlite3.Connection) -> None:
        sql = (resources.files("app.chat") / "schema" / name).read_text(encoding="utf-8")
        for statement in statements(sql):
            database.execute(statement)

    return apply


STEPS: tuple[Step, ...] = (
    Step(
        1, "The first schema: chats as trees of messages, thinking apart.", script("0001_first.sql")
    ),
    Step(2, "Pictures and files can be attached.", script("0002_attachments.sql")),
    Step(3, "Chats can be pinned, titled and searched.", script("0003_search_pins.sql")),
)


def ponder_version() -> str:
    """Return this Ponder's version, from the installed package or the checkout."""
    from importlib import metadata

    try:
        return metadata.version("ponder")
    except metadata.PackageNotFoundError:
        import tomllib

        project = Path(__file__).resolve().parents[2] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


def schema_version(database: sqlite3.Connection) -> int:
    """Return the number of the last step that the database has taken; 0 is an empty one."""
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    return version


def check(database: sqlite3.Connection, path: Path, steps: Sequence[Step] = STEPS) -> bool:
    """Return whether steps are missing; refuse a database that is not ours or is a later Ponder's.

    Only reads. Raises NewerDatabaseError or WorldError.
    """
    version = schema_version(database)
    application: int = database.execute("PRAGMA application_id").fetchone()[0]
    tables: int = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (tables or version or application):
        raise WorldError(
            Problem(
                "chats-foreign",
                f"The file {path} is a database of another program.",
                "Ponder keeps its chats there: move that file away, then start Ponder again.",
                f"application_id {application:#x}, user_version {version}, {tables} tables",
            )
        )
    if version > steps[-1].number:
        maker = _made_by(database)
        raise NewerDatabaseError(
            Problem(
                "chats-newer",
                f"Your chats were saved by a newer Ponder{f' ({maker})' if maker else ''}, "
                f"and this one ({ponder_version()}) cannot read them.",
                f"Install {f'Ponder {maker}' if maker else 'the newest Ponder'} or later. "
                "The chats are all there; nothing was changed.",
                f"{path}: schema {version}, this Ponder knows {steps[-1].number}",
            )
        )
    return version < steps[-1].number


def _made_by(database: sqlite3.Connection) -> str:
    try:
        row = database.execute("SELECT value FROM state WHERE key = 'ponder'").fetchone()
    except sqlite3.OperationalError:  # a schema so much later that even this table has changed
        return ""
    return str(row[0]) if row else ""


def backup_path(path: Path, version: int) -> Path:
    """Return where the copy of a database at schema `version` is kept."""
    return path.with_name(f"{path.stem}.schema-{version}{path.suffix}")


def _copy(database: sqlite3.Connection, path: Path, version: int) -> None:
    """Copy the database beside itself, whole or not at all."""
    target = backup_path(path, version)
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
            database.backup(copy)
            # The copy inherits the log mode; one file alone is easier to put back by hand.
            copy.execute("PRAGMA journal_mode = DELETE")
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)  # on a full disk half a copy is only in the way
        raise


def in_memory(
    database: sqlite3.Connection, path: Path, steps: Sequence[Step] = STEPS
) -> sqlite3.Connection:
    """Return a copy in memory that has taken the missing steps, to be read only.

    For a disk that has no room for them. Raises DamagedDatabaseError like `migrate`.
    """
    copy = sqlite3.connect(":memory:", isolation_level=None)
    try:
        database.backup(copy)
        migrate(copy, path, steps, keep=False)
        copy.execute("PRAGMA query_only = ON")
    except BaseException:
        copy.close()
        raise
    return copy


def migrate(
    database: sqlite3.Connection,
    path: Path,
    steps: Sequence[Step] = STEPS,
    *,
    keep: bool = True,
) -> None:
    """Take the missing steps. The connection must be in autocommit mode with foreign keys off.

    keep: copy the database beside itself before.

    Raises DamagedDatabaseError where the database is broken before the first step.
    """
    version = schema_version(database)
    if version:
        faults = [str(row[0]) for row in database.execute("PRAGMA quick_check(5)")]
        if faults != ["ok"]:
            raise damaged(path, "; ".join(faults))
        if keep:
            _copy(database, path, version)
    database.execute("PRAGMA synchronous = FULL")
    for step in steps:
        database.execute("BEGIN EXCLUSIVE")
        try:
            # Asked again inside the transaction: another process may have just taken the step.
            if schema_version(database) < step.number:
                _take(database, step)
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


def _take(database: sqlite3.Connection, step: Step) -> None:
    step.apply(database)
    broken = database.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise RuntimeError(f"step {step.number} ({step.reason}) breaks references: {broken[:5]}")
    database.execute(
        "INSERT OR REPLACE INTO state (key, value) VALUES ('ponder', ?)", (ponder_version(),)
    )
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {step.number}")
