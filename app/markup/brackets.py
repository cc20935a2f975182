"""The end of what stands in brackets, found once: text of nothing but openings costs no more.

Whether `[` opens a link is asked of every bracket, and asking reads on to the partner, on the way
asking the brackets in between: up to the deepest nesting at each of 20,000 in a row, which was 0.2
ms a character. What was found is the same for whoever asks, so it is kept for each text. And a
bracket without a partner decides about all those that it stands in: they have none either.
"""

from types import SimpleNamespace
from weakref import WeakKeyDictionary

from markdown_it import MarkdownIt, helpers
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.gfm_autolink import index as autolink

_PROTOCOLS = ("http", "https", "mailto", "xmpp")


class _Found:
    """What is known of one text. last: its last closing bracket.

    ends: by (where it opens, where reading ends, whether links may stand in it): the partner or -1.
    alone: the brackets, by where reading ends, that have none up to there. linked: those that have
    a link (or what is nested too deep) in them before their partner.
    """

    def __init__(self, text: str) -> None:
        self.last = text.rfind("]")
        self.ends: dict[tuple[int, int, bool], int] = {}
        self.alone: set[tuple[int, int]] = set()
        self.linked: set[tuple[int, int]] = set()


class Brackets:
    """Finds partners for one parser. steps: how many places were looked at, for tests."""

    def __init__(self) -> None:
        self.steps = 0
        self._texts: WeakKeyDictionary[StateInline, _Found] = WeakKeyDictionary()

    def end(self, state: StateInline, start: int, no_links: bool = False) -> int:
        """Return where what opens at `start` ends, -1 for nowhere; markdown-it's parseLinkLabel.

        no_links: it has no end where a link stands in it.
        """
        known = self._texts.get(state)
        if known is None:
            known = self._texts[state] = _Found(state.src)
        if known.last <= start or (start, state.posMax) in known.alone:
            return -1
        key = start, state.posMax, no_links
        if key not in known.ends:
            known.ends[key] = self._look(state, start, no_links, known)
        return known.ends[key]

    def _look(self, state: StateInline, start: int, no_links: bool, known: _Found) -> int:
        before, source, until = state.pos, state.src, state.posMax
        skip, depth, at = state.md.inline.skipToken, 1, start + 1
        end, has_link = -1, False
        while at < until:
            self.steps += 1
            mark = source[at]
            if mark == "]":
                depth -= 1
                if depth == 0:
                    end = at
                    break
            state.pos = at
            skip(state)
            if mark == "[":
                if state.pos == at + 1:
                    depth += 1
                    if (at, until) in known.alone:
                        break
                    if no_links and (at, until) in known.linked:
                        has_link = True
                        break
                elif no_links:
                    has_link = True
                    break
            at = state.pos
        state.pos = before
        if end < 0:
            (known.linked if has_link else known.alone).add((start, until))
        return end


def brackets_plugin(md: MarkdownIt) -> None:
    """Find the ends of labels this way; md.helpers.brackets counts the steps."""
    found = Brackets()
    md.helpers = SimpleNamespace(  # type: ignore[assignment] # the module, which all parsers share
        brackets=found,
        parseLinkDestination=helpers.parseLinkDestination,
        parseLinkLabel=found.end,
        parseLinkTitle=helpers.parseLinkTitle,
    )


def protocol(state: StateInline, silent: bool) -> bool:
    """Look for an address at a colon only, and after the name of a protocol only.

    The rule itself copies the rest of the text for each character, and searches all before it.
    """
    if state.src[state.pos] != ":" or not state.pending.endswith(_PROTOCOLS):
        return False
    return autolink._protocol_rule(state, silent)
