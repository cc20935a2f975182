"""Whether the next answer fits into the model's context, and what can be done where it does not.

Nothing is ever left out in silence: what does not fit is not sent, and each way to make room says
how many tokens it gains. Tokens are counted by the engine, of the very prompt that would be sent;
on a server, which counts only afterwards, they are estimated and called so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.chat.load_plan import LoadPlan
from app.chat.message import File, Image, Message, Text, Thinking

OfferKind = Literal["thoughts", "turns", "context", "anyway"]

_ROOM_SHARE = 8
_MOST_ROOM = 2048
_SPARE_SHARE = 4
"""Who drops turns has a quarter of the context free then, or would be asked again at once."""

CUTS_AT_ONCE = 8
"""How many places to cut the conversation at are counted together."""

_CHARS_PER_TOKEN = 3.5
_PICTURE_TOKENS = 1500
_PICTURE_PX, _PATCH_PX, _LEAST_PICTURE = 1540, 14, 4096
"""Pictures are scaled down to so many pixels and cut into such patches, of which projectors join
some; those that cut them into tiles take no more than the last, however small the picture."""

_MESSAGE_BYTES, _TEXT_BYTES, _FILE_BYTES = 48, 16, 160
"""More than is written around a message, around a text or thought in it, and around a file."""


def least_room(context: int) -> int:
    """Return the tokens that an answer needs at least, or it is not worth beginning."""
    return min(_MOST_ROOM, context // _ROOM_SHARE)


@dataclass(frozen=True, slots=True)
class Offer:
    """A way to make room. gains: tokens, below 1 where that is not known. enough: by itself.

    messages: how many of the oldest the model is not shown any more (turns). plan: how the model is
    loaded anew (context). anyway: the answer begins in what room there is.
    """

    kind: OfferKind
    gains: int
    enough: bool = True
    messages: int = 0
    plan: LoadPlan | None = None

    @property
    def label(self) -> str:
        """Return what is done, as a button says it."""
        if self.kind == "thoughts":
            return "Leave out earlier thoughts"
        if self.kind == "turns":
            return f"Leave out the {self.messages} oldest messages"
        if self.kind == "context" and self.plan is not None:
            return f"Load with {self.plan.context:,} tokens of context"
        return "Go on as it is"


@dataclass(frozen=True, slots=True)
class NoRoom:
    """What stands in the way of an answer.

    tokens: of the prompt, 0 where they cannot be counted; context: that the model holds, 0 where it
    is not known. exact: the engine counted. sent: the question is in the chat already. looking: a
    larger context is still being looked for. limit: why there is none, "" where there may be.
    """

    tokens: int
    context: int
    offers: tuple[Offer, ...]
    exact: bool = True
    sent: bool = False
    looking: bool = False
    limit: str = ""

    @property
    def title(self) -> str:
        """Return what happened, in a sentence."""
        if not self.exact:
            held = f" of {self.context:,} tokens" if self.context else ""
            return f"The conversation no longer fits into the server's context{held}."
        left = self.context - self.tokens
        if left > 0:
            return (
                f"This takes {self.tokens:,} of the {self.context:,} tokens that the model's "
                f"context holds: too little is left for an answer."
            )
        return f"This takes {self.tokens:,} tokens, and the model's context holds {self.context:,}."

    @property
    def advice(self) -> str:
        """Return what has become of it and what is to be done."""
        kept = "What came is kept." if self.sent else "Nothing was sent, your text stays."
        chosen = "Choose how to make room:" if self.offers else "There is no room to be made here."
        return f"{kept} {chosen}"

    def gain(self, offer: Offer) -> str:
        """Return what an offer gains, in words."""
        about = "" if self.exact else "about "
        if offer.kind == "anyway":
            return f"{self.context - self.tokens:,} tokens are left for the answer"
        if offer.gains < 1:
            return "the server does not say how much it gains"
        verb = "adds" if offer.kind == "context" else "frees"
        more = "" if offer.enough else ", not enough by itself"
        return f"{verb} {about}{offer.gains:,} tokens{more}"

    def with_plan(self, plan: LoadPlan | None, limit: str) -> "NoRoom":
        """Return it once a larger context was looked for. limit: why there is none, else ""."""
        offers = self.offers
        if plan is not None:
            enough = self.tokens + least_room(plan.context) <= plan.context
            offer = Offer("context", plan.context - self.context, enough, plan=plan)
            before = [one for one in offers if one.kind != "anyway"]
            offers = (*before, offer, *(one for one in offers if one.kind == "anyway"))
        return replace(self, offers=offers, looking=False, limit=limit)


def cuts(branch: Sequence[Message], hidden: int) -> list[int]:
    """Return before which messages a conversation can be cut: questions, but the first shown.

    hidden: so many of the oldest are left out already.
    """
    return [at for at, message in enumerate(branch) if message.role == "user" and at >= hidden][1:]


def target(context: int) -> int:
    """Return how long a prompt may be once turns were left out."""
    return context - max(least_room(context), context // _SPARE_SHARE)


def spread(places: Sequence[int], most: int = CUTS_AT_ONCE) -> list[int]:
    """Return at most so many of the places, evenly spread, the last among them."""
    if len(places) <= most:
        return list(places)
    return [places[-(-len(places) * n // most) - 1] for n in range(1, most + 1)]


def best_cut(counted: Sequence[tuple[int, int]], context: int) -> tuple[int, int] | None:
    """Return where to cut, of the places and the tokens that are left there, oldest first.

    The first after which there is room to spare, else the first after which there is enough, else
    the last.
    """
    for most in (target(context), context - least_room(context)):
        found = next((one for one in counted if one[1] <= most), None)
        if found is not None:
            return found
    return counted[-1] if counted else None


def most_tokens(branch: Sequence[Message], system_bytes: int, *, sees: bool) -> int:
    """Return how many tokens messages take at most.

    No token stands for less than a byte of text. system_bytes: of what stands before them. sees:
    pictures are shown to the model, or else told of in words.
    """
    found = system_bytes
    for message in branch:
        found += _MESSAGE_BYTES
        for part in message.parts:
            if isinstance(part, Image):
                text = part.name
                found += _FILE_BYTES
                found += _picture_tokens(part) if sees and not part.withheld else 0
            elif isinstance(part, File):
                text = (part.text or "") + part.name
                found += _FILE_BYTES
            else:
                text = part.text
                found += _TEXT_BYTES
            found += len(text.encode("utf-8", "replace"))
    return found


def _picture_tokens(part: Image) -> int:
    """Return how many tokens a picture takes at most: one for each of the smallest patches."""
    longest = max(part.width, part.height, 1)
    scale = min(1.0, _PICTURE_PX / longest)
    columns = int(part.width * scale) // _PATCH_PX + 2
    rows = int(part.height * scale) // _PATCH_PX + 2
    return max(columns * rows, _LEAST_PICTURE)


def estimated(branch: Sequence[Message], *, thoughts: bool) -> int:
    """Return about how many tokens messages take where nobody counts them."""
    return round(sum(_sizes(branch, thoughts)))


def _sizes(branch: Sequence[Message], thoughts: bool) -> Iterator[float]:
    for message in branch:
        for part in message.parts:
            match part:
                case Image():
                    yield _PICTURE_TOKENS
                case File(text=text):
                    yield len(text or "") / _CHARS_PER_TOKEN
                case Thinking(text=text) if thoughts:
                    yield len(text) / _CHARS_PER_TOKEN
                case Text(text=text):
                    yield len(text) / _CHARS_PER_TOKEN


def on_server(
    branch: Sequence[Message], hidden: int, context: int, *, keeps_thoughts: bool
) -> NoRoom:
    """Return what can be done where a server said that the conversation is too long.

    branch: up to the question; hidden: so many of the oldest were not sent. context: 0 where the
    server does not tell it.
    """
    sent = branch[hidden:]
    whole = estimated(sent, thoughts=keeps_thoughts)
    offers: list[Offer] = []
    # What the server calls too long is so, whatever it seems here.
    most = min(context or whole, whole) * 3 // 4
    if keeps_thoughts and (gain := whole - estimated(sent, thoughts=False)):
        offers.append(Offer("thoughts", gain, enough=whole - gain <= most))
    left = [(cut, estimated(branch[cut:], thoughts=keeps_thoughts)) for cut in cuts(branch, hidden)]
    if left:
        cut, tokens = next((one for one in left if one[1] <= most), left[-1])
        offers.append(Offer("turns", whole - tokens, tokens <= most, messages=cut - hidden))
    limit = "Its context is set where the server runs, not here."
    return NoRoom(0, context, tuple(offers), exact=False, sent=True, limit=limit)
