"""The real window, streaming into a real database, to be killed.

Run as a module. Arguments: the folder of its data, and a log to which it writes, whenever the
answer has grown, a line "seconds-since-epoch engine-pid characters".
"""

import sys
import time
from pathlib import Path

REPLY = ["[THINK]", "I ", "am ", "thinking. ", "[/THINK]", {"forever": "and so on, "}]


def main(folder: Path, log: Path) -> None:
    from PySide6.QtWidgets import QApplication

    from tests.ui.drive import Driven

    QApplication([])
    driven = Driven(folder)
    driven.presenter.new_chat()
    driven.presenter.load_model(driven.script(REPLY, token_s=0.002))
    driven.window.composer.send_requested.emit(f"Chat {log.stem}")
    seen = 0

    def grown() -> bool:
        turn = driven.session.state.turn
        return turn is not None and len(turn.answer) > seen

    with log.open("a", encoding="ascii") as out:
        while True:
            driven.until(grown)
            turn = driven.session.state.turn
            seen = len(turn.answer) if turn is not None else 0
            out.write(f"{time.time()} {driven.session.engine_pid} {seen}\n")
            out.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
