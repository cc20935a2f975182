"""A Ponder that only downloads, to be killed: goes on with what is noted, or begins REPO FILE.

    python -m tests.support.download_writer REPO FILE

Ends by itself with status 0 once all is done, 1 where something has failed.
"""

import sys
import threading

from app.models.downloads import Downloads, Wanted


def main() -> int:
    changed = threading.Event()
    with Downloads(changed.set) as downloads:
        if not downloads.all():
            downloads.start(Wanted(sys.argv[1], files=(sys.argv[2],)))
        while True:
            states = {download.state for download in downloads.all()}
            if states == {"done"}:
                return 0
            if "failed" in states:
                print(downloads.all(), file=sys.stderr)
                return 1
            changed.wait()
            changed.clear()


if __name__ == "__main__":
    sys.exit(main())
