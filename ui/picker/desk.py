"""Between the picker's widgets and app.picker: what is chosen, and the jobs that fill it in.

The session and the downloads stay the only truth; here is only what the dialog has open.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.errors import Problem
from app.picker import action, listing, words
from app.picker.action import Action
from app.picker.listing import Item
from app.picker.progress import MAKING
from app.picker.table import Line, Table
from app.server import words as server_words
from ui import jobs
from ui.picker.making import Making
from ui.picker.panel import Picker
from ui.picker.transfers import Transfers

if TYPE_CHECKING:
    from app.chat.session import Session
    from app.models.hub import Repository
    from app.models.servers import Server
    from app.picker.remote import Remote
    from app.picker.work import Look

LOOKING = "Looking at this computer…"


class Desk(QObject):
    """See the module.

    Signals:
        load_requested: a path, and the LoadPlan to load it with.
        looked: an `app.picker.work.Look` at the machine.
    """

    load_requested = Signal(str, object)
    looked = Signal(object)

    def __init__(
        self, picker: Picker, session: "Session", transfers: Transfers, making: Making
    ) -> None:
        super().__init__(picker)
        self._picker = picker
        self._session = session
        self._transfers = transfers
        self._making = making
        self._look: Look | None = None
        self._looking = False
        self._item: Item | None = None
        self._context = 0
        self._kept: Item | None = None
        self._planning = False
        self._shown = ("", 0)
        self._model: tuple[str, str] = ("", "")
        self._table: Table | None = None
        self._asked = 0
        self._accepted: set[str] = set()
        self._found: tuple[Repository, ...] = ()
        self._fetched: dict[str, Remote] = {}
        self._searched = ""
        self.opened: list[str] = []
        detail = picker.detail
        picker.list.chosen.connect(self._on_item)
        picker.searched.connect(self.search)
        detail.context_chosen.connect(self._on_context)
        detail.line_chosen.connect(self.show_action)
        detail.consent_changed.connect(self._on_consent)
        detail.taken.connect(self.take)
        detail.card.pause_requested.connect(transfers.pause)
        detail.card.resume_requested.connect(transfers.resume)
        detail.card.cancel_requested.connect(self._on_cancel)
        transfers.changed.connect(self.show_action)
        making.changed.connect(self.show_action)

    # ------------------------------------------------------------ the machine and the list

    def open(self) -> None:
        """Open the picker with what is known, and look at the machine anew."""
        if self._look is None:
            self._picker.detail.show_model("", "", "", consent=False)
            self._picker.detail.show_message(LOOKING)
        self._picker.open_panel()
        self.show_action()
        self.look()

    def look(self) -> None:
        """Look at the machine: what is free changes with what is loaded."""
        if self._looking:
            return
        self._looking = True
        info, opened = self._session.state.model.info, tuple(self.opened)

        def seen() -> "Look":
            from app.picker import work

            return work.look(info, opened)

        jobs.run(seen, then=self._on_looked, failed=self._on_blind, owner=self)

    def _on_looked(self, look: "Look") -> None:
        self._looking = False
        self._look = look
        self.looked.emit(look)
        self._picker.show_pills(words.pills(look.hardware))
        self._show_items()
        self._plan()

    def _on_blind(self, problem: Problem) -> None:
        self._looking = False
        self._picker.detail.show_message(problem.sentence())

    def _show_items(self) -> bool:
        """Show the list; return whether another item is chosen now, the one before being gone."""
        look = self._look
        if look is None:
            return False
        loaded = self._session.state.model
        items = listing.items(
            look.entries,
            look.local,
            self._found,
            look.servers,
            too_big_ids=look.too_big,
            loaded_path=loaded.path if loaded.phase == "ready" else "",
        )
        wanted = self._item.id if self._item is not None else ""
        if not wanted:
            wanted = look.offer.entry.id if look.offer is not None else items[0].id
        chosen = next((item for item in items if item.id == wanted), items[0])
        self._picker.show_items(items, chosen.id)
        self._item = chosen
        return chosen.id != wanted

    def search(self, text: str) -> None:
        """Ask the hub for words or an address; "" shows the catalogue again."""
        if text == self._searched:
            return
        self._searched = text
        if not text:
            self._show_found("", ())
            return

        def found() -> "tuple[Repository, ...]":
            from app.picker import work

            return work.find(text)

        def say(problem: Problem) -> None:
            if text == self._searched:
                self._show_found(text, ())
                self._picker.say_searched(problem.sentence())

        self._picker.say_searched("Asking Hugging Face…")
        show = self._show_found
        jobs.run(found, then=lambda got: show(text, got), failed=say, owner=self)

    def _show_found(self, text: str, found: "tuple[Repository, ...]") -> None:
        """Show what the hub answered, unless something else was asked for since."""
        if text != self._searched:
            return
        self._found = found
        self._picker.say_searched("" if found or not text else "Nothing was found.")
        if self._show_items():
            self._plan()
        if len(found) == 1 and self._item is not None:
            self.choose(f"hf://{found[0].id}")

    # ------------------------------------------------------------ one model

    @property
    def server(self) -> "Server | None":
        """Return the server whose model is chosen, None where it is none."""
        return self._item.server if self._item is not None else None

    def _on_item(self, item: Item) -> None:
        if self._item is not None and item.id == self._item.id:
            return
        self._item, self._context = item, 0
        self._plan()

    def choose(self, item_id: str) -> None:
        """Choose an item of the list, as a click on it does."""
        index = self._picker.list.items.index_of(item_id)
        if index.isValid():
            self._picker.list.setCurrentIndex(index)

    def _on_context(self, tokens: int) -> None:
        self._context = tokens
        self._plan()

    def _plan(self) -> None:
        """Plan the table of what is chosen; only the last one that was asked for is shown."""
        item, look = self._item, self._look
        if item is None or look is None:
            return
        self._asked += 1
        self._name(item)
        if item.server is not None:
            self._say(server_words.about(item.server))
            return
        if item.entry is not None and item.entry.where != "here":
            self._say(item.entry.where_advice)
            return
        if item.repository is not None and item.id not in self._fetched:
            self._say("Reading the header of one of its files…")
        if self._shown != (item.id, self._context):
            # Until the new table is there, the old one's lines are nobody's: the button rests.
            self._table, self._planning = None, True
            self._shown = (item.id, self._context)
            self.show_action()
        mine, context, fetched = self._asked, self._context, self._fetched.get(item.id)

        def planned() -> "tuple[Table, Remote | None]":
            from app.picker import work

            return work.plan_item(item, context, look, fetched)

        jobs.run(
            planned,
            then=lambda planned: self._on_planned(mine, item, *planned),
            failed=lambda problem: self._on_unplanned(mine, problem),
            owner=self,
        )

    def _on_planned(self, asked: int, item: Item, table: Table, got: "Remote | None") -> None:
        if got is not None:
            self._fetched[item.id] = got
        if asked == self._asked:
            self._show_table(table)

    def _on_unplanned(self, asked: int, problem: Problem) -> None:
        if asked == self._asked:
            self._say(problem.sentence())

    def _say(self, text: str) -> None:
        """Show words in place of a table."""
        self._table, self._planning, self._shown = None, False, ("", 0)
        self._picker.detail.show_message(text)
        self.show_action()

    def _name(self, item: Item) -> None:
        facts, licence = item.subtitle, ""
        consent = action.needs_consent(item)
        if item.entry is not None:
            facts = words.facts(item.entry)
            licence = f"Licence: {item.entry.licence}"
            if consent:
                licence += f". Its terms restrict use: read them at {item.entry.page}"
            elif item.entry.context_advice:
                licence += f" · {item.entry.context_advice}"
        if item.repository is not None:
            facts = words.repository_facts(item.repository)
            licence = words.repository_licence(item.repository)
        if item.server is not None:
            facts = server_words.subtitle(item.server)
        detail = self._picker.detail
        detail.show_model(item.title, facts, licence, consent=consent)
        if consent:
            detail.consent.setChecked(item.id in self._accepted)

    def _show_table(self, table: Table) -> None:
        """Show a table; after a change of context the same quantization stays chosen."""
        before = self._picker.detail.lines.line() if self._kept == self._item else None
        self._kept = self._item
        labels = [line.label for line in table.lines]
        again = before is not None and before.label in labels and not before.best
        self._table, self._planning = table, False
        chosen = labels.index(before.label) if before is not None and again else table.best
        self._picker.detail.show_table(table, chosen)
        if self._look is not None:
            self._picker.detail.add_reason(words.unused_card(self._look.hardware))
        self.show_action()

    # ------------------------------------------------------------ what the button does

    def _line(self) -> Line | None:
        return self._picker.detail.lines.line() if self._table is not None else None

    def _action(self) -> Action:
        item = self._item
        accepted = item is not None and item.id in self._accepted
        under_way = (*self._transfers.all(), *self._making.all())
        return action.action(item, self._line(), under_way, accepted=accepted)

    def show_action(self) -> None:
        """Show what the button does, and the download of what is chosen."""
        detail, found = self._picker.detail, self._action()
        detail.take.setText(found.label)
        detail.take.setEnabled(found.enabled)
        known = self._table is not None or found.kind == "connect"
        detail.take.setVisible(known or self._planning or self._look is None)
        detail.take.setToolTip(found.why)
        detail.take.setAccessibleDescription(found.why)
        detail.card.show_download(found.download)
        # Beside the card's own "Cancel", this one only closes.
        detail.cancel.setText("Cancel" if found.download is None else "Close")
        model = self._session.state.model
        loaded = model.phase in ("loading", "ready")
        detail.unload.setVisible(loaded)
        detail.prompt.setVisible(loaded)
        detail.unload.setToolTip(f"Give back the memory of {model.name}")
        failed = model.problem.title if model.phase == "failed" and model.problem else ""
        detail.show_note(found.why or failed or model.promise)

    def _on_consent(self, accepted: bool) -> None:
        if self._item is not None and action.needs_consent(self._item):
            (self._accepted.add if accepted else self._accepted.discard)(self._item.id)
            self.show_action()

    def _on_cancel(self, download_id: str) -> None:
        if download_id == MAKING:
            self._making.cancel()
        else:
            self._transfers.cancel(download_id)

    def take(self) -> None:
        """Do what the button says."""
        found, line, item, table = self._action(), self._line(), self._item, self._table
        if item is not None and found.kind == "connect":
            self._picker.close_panel()
            self.load_requested.emit(item.id, None)
            return
        if line is None or item is None or table is None or not found.enabled:
            return
        from app.chat.load_plan import LoadPlan
        from app.models.downloads import Wanted

        plan = LoadPlan.of_row(line.row, table.machine) if line.fits else None
        source = line.source
        match found.kind:
            case "use":
                self._picker.close_panel()
                self.load_requested.emit(source.path, plan)
            case "again" if found.download is not None:
                self._transfers.resume(found.download.id)
            case "make":
                name, shape = source.files[0], line.row.shape
                wanted_plan = plan if found.uses else None
                size = shape.file_bytes
                self._making.start(source.made_from, line.label, name, size, wanted_plan)
            case "download":
                title = f"{item.title} {line.label}"
                wanted = Wanted(source.repository, source.revision, source.files, title)
                self._transfers.start(wanted, plan if found.uses else None)

    def model_changed(self) -> None:
        """Show which model is loaded; what is free has changed with it."""
        model = self._session.state.model
        now = (model.phase, model.path)
        if self._picker.isVisible():
            self._show_items()
            self.show_action()
            if now != self._model and model.phase in ("none", "ready", "failed"):
                self.look()
        self._model = now
