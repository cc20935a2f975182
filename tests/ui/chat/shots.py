"""Takes pictures of the conversation in every state, to be looked at: `--out FOLDER`.

Run it with QT_QPA_PLATFORM=offscreen, and with QT_SCALE_FACTOR=2 for the pictures at double scale.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from app.chat.turn import TurnState
from tests.ui.chat import samples
from ui import theme
from ui.chat.composer import Composer
from ui.chat.view import ChatView

Scene = Callable[[ChatView, Composer], None]


def answered(view: ChatView, composer: Composer) -> None:
    composer.set_budget(8192)
    composer.set_system_prompt("Magistral", "")
    branch = (samples.question(), samples.answer(thought=samples.THOUGHT))
    view.show_conversation(branch, lambda at: (1, 2) if at == "a1" else (0, 1), {})


def thinking(view: ChatView, composer: Composer) -> None:
    composer.set_budget(8192)
    composer.set_running(True, 38.4)
    asked = samples.question("Prove that the sum of angles in a triangle is 180 degrees.")
    view.show_conversation((asked,), samples.alone, {})
    view.show_turn("a1", samples.thinking(), budget=8192)


def rich(view: ChatView, composer: Composer) -> None:
    composer.set_draft("A draft\nof two lines")
    view.show_conversation(
        (samples.question("How do I retry?"), samples.answer(samples.RICH)), samples.alone, {}
    )
    view.verticalScrollBar().setValue(0)


def rich_end(view: ChatView, composer: Composer) -> None:
    rich(view, composer)
    view.jump_to_latest()


def scripts(view: ChatView, _composer: Composer) -> None:
    view.show_conversation(
        (samples.question("مرحبا، كيف حالك؟"), samples.answer(samples.SCRIPTS)), samples.alone, {}
    )
    view.verticalScrollBar().setValue(0)


def opened(view: ChatView, _composer: Composer) -> None:
    branch = (
        samples.question("A longer question. " * 20),
        samples.answer(thought=samples.THOUGHT),
        samples.question("And then?", at="q2", parent="a1"),
        samples.answer(
            "The engine had written this far",
            at="a2",
            parent="q2",
            status="interrupted",
            note="The engine stopped (killed by signal 9). Your answer so far is kept.",
        ),
    )
    view.show_conversation(branch, samples.alone, {"a1": False})


def reading(view: ChatView, composer: Composer) -> None:
    composer.set_running(True, 0)
    view.show_conversation((samples.question(),), samples.alone, {})
    view.show_turn("a1", TurnState(0.0, phase="reading", done=3210, total=8400))


def loading(view: ChatView, composer: Composer) -> None:
    composer.set_running(True, 0)
    view.show_conversation((samples.question(),), samples.alone, {})
    view.show_turn("a1", TurnState(0.0, phase="loading", load_fraction=0.45))


def unfinished(view: ChatView, composer: Composer) -> None:
    composer.set_enabled_reason("Choose a model first.")
    branch = (
        samples.question(),
        samples.answer("", samples.THOUGHT, status="length", closed=False),
    )
    view.show_conversation(branch, samples.alone, {"a1": False})


def editing(view: ChatView, _composer: Composer) -> None:
    branch = (samples.question(), samples.answer(thought=samples.THOUGHT))
    view.show_conversation(branch, lambda _at: (0, 3), {})
    view.edit_last()


SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        answered,
        thinking,
        rich,
        rich_end,
        scripts,
        opened,
        reading,
        loading,
        unfinished,
        editing,
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(SCENES))
    parser.add_argument("--themes", nargs="*", default=["light", "dark"])
    parser.add_argument("--sizes", nargs="*", default=["1016x788", "636x548"])
    chosen = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([])
    theme.install(app)
    chosen.out.mkdir(parents=True, exist_ok=True)
    scale = os.environ.get("QT_SCALE_FACTOR", "1")
    for mode in chosen.themes:
        theme.set_mode(mode)
        for size in chosen.sizes:
            for name in chosen.only:
                page = QWidget()
                rows = QVBoxLayout(page)
                rows.setContentsMargins(0, 0, 0, 0)
                rows.setSpacing(0)
                view, composer = ChatView(), Composer()
                rows.addWidget(view, 1)
                rows.addWidget(composer)
                page.resize(*map(int, size.split("x")))
                page.show()
                SCENES[name](view, composer)
                for _ in range(3):
                    app.processEvents()
                path = chosen.out / f"{name}-{mode}-{size}@{scale}.png"
                page.grab().save(str(path))
                print(path)
                page.close()
                page.deleteLater()


if __name__ == "__main__":
    main()
