"""Takes pictures of searching, details, verifying, comparing, importing and the trash.

python tests/ui/shots_library.py OUT [--scale 1|2] [--mode light|dark] [--size 1280x840]
"""

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.support import shots

SIZES = ("1280x840", "700x560")
SETTLE_S = 0.6
QUESTIONS = (
    "What is 17 * 24?",
    "Solve 3x + 4 = 19",
    "ما هو متوسط سرعة القطار؟",
    "三角形の内角の和は180度であることを証明して、長い題名でも切られる",
)


def shoot(out: Path, mode: str, size: str, scale: str) -> None:
    """Drive one window and take its pictures."""
    from PySide6.QtWidgets import QApplication, QWidget

    from app import paths
    from app.chat.load_plan import LoadPlan
    from app.settings import Settings
    from app.transcript import chain
    from tests.ui.drive import Driven
    from ui import theme
    from ui.exporting import record_of
    from ui.sidebar.trash import TrashWindow
    from ui.transcripts.comparing import CompareWindow
    from ui.transcripts.details import Details
    from ui.transcripts.taking_in import ImportReport
    from ui.transcripts.verifying import VerifyWindow

    width, height = (int(part) for part in size.split("x"))
    app = QApplication(["shots", *theme.FUSION])
    theme.install(app, "dark" if mode == "dark" else "light")
    theme.add_sheet(app)
    with tempfile.TemporaryDirectory() as home:
        os.environ["PONDER_HOME"] = home
        driven = Driven(Path(home), Settings())
        window = driven.window
        window.resize(width, height)

        def take(name: str, what: QWidget = window) -> None:
            settled = time.monotonic() + SETTLE_S
            driven.until(lambda: time.monotonic() > settled)
            what.grab().save(str(out / f"{name}-{mode}-{size}-{scale}x.png"))

        def ask(text: str) -> None:
            driven.session.send(text)
            driven.until(lambda: driven.session.state.running is None)
            driven.idle()
            driven.presenter.drain()

        def shown(kind: type[QWidget]) -> QWidget:
            driven.until(lambda: any(one.isVisible() for one in window.findChildren(kind)))
            return next(one for one in window.findChildren(kind) if one.isVisible())

        driven.session.load_model(str(paths.demo_model()), LoadPlan(context=2048))
        for question in reversed(QUESTIONS):
            driven.presenter.new_chat()
            ask(question)
        ask("Who are you?")
        chats = [chat.id for chat in driven.session.state.chats]
        driven.session.pin_chat(chats[2])
        driven.session.pin_chat(chats[3])
        driven.presenter.drain()
        window.show_sidebar()
        take("pinned")
        for text in ("17", "the", "zebra"):
            window.sidebar.focus_search()
            window.sidebar.search.setText(text)
            settled = time.monotonic() + 2
            driven.until(lambda settled=settled: time.monotonic() > settled)
            take(f"search-{text}")
        window.sidebar.search.setText("17")
        driven.until(lambda: len(window.sidebar.results.rows.rows) > 1)
        window.sidebar.results.open_first()
        take("search-opened")
        window.chat_view.finder.close()
        window.sidebar.search.clear()
        answer = driven.session.state.conversation.branch()[-1]
        driven.presenter.transcripts.show_details(answer.id)
        details = shown(Details)
        take("details", details)
        details.close()
        record = record_of(driven.session.state)
        path = Path(home) / "Average speed of a train.json"
        path.write_bytes(chain.dumps(record))
        driven.presenter.transcripts.verify(str(path))
        verify = shown(VerifyWindow)
        take("verify", verify)
        verify.close()
        path.write_bytes(path.read_bytes().replace(b"40", b"41"))
        driven.presenter.transcripts.verify(str(path))
        verify = shown(VerifyWindow)
        take("verify-changed", verify)
        verify.close()
        driven.presenter.transcripts.run_again(record)
        compare = shown(CompareWindow)
        assert isinstance(compare, CompareWindow)
        driven.until(lambda: compare.stop.isHidden())
        take("compare", compare)
        compare.close()
        first = next(m for m in record.conversation.messages.values() if m.role == "assistant")
        altered = replace(
            first,
            parts=tuple(replace(part, text=part.text.replace("40", "41")) for part in first.parts),
            usage=replace(first.usage, output_hash="0" * 64),
        )
        record = replace(record, conversation=record.conversation.with_message(altered))
        driven.presenter.transcripts.run_again(record, {2})
        compare = shown(CompareWindow)
        assert isinstance(compare, CompareWindow)
        driven.until(lambda: compare.stop.isHidden())
        take("compare-different", compare)
        compare.close()
        bad = Path(home) / "notes.json"
        bad.write_text('{"a": 1}', encoding="utf-8")
        driven.presenter.transcripts.take_in([str(path), str(bad)])
        report = shown(ImportReport)
        take("imported", report)
        report.close()
        for chat in chats[:3]:
            driven.presenter.delete_chat(chat)
        driven.presenter.transcripts.show_trash()
        trash = shown(TrashWindow)
        take("trash", trash)
        trash.close()
        menu = driven.presenter._exporting.menu()
        menu.show()
        take("export-menu", menu)
        menu.close()
        driven.close()


if __name__ == "__main__":
    shots.main("tests.ui.shots_library", __doc__, SIZES, shoot)
