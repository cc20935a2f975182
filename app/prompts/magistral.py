"""Magistral's own system prompt: without it the model does not think before it answers."""

from dataclasses import replace

from app.prompts.segments import Thought, Turn

# Word for word from the model cards of Magistral Small 1.1 and 1.2 (2507, 2509). The thought in the
# middle is one for the model too: its markers are control tokens.
_BEFORE = """\
First draft your thinking process (inner monologue) until you arrive at a response. Format your \
response using Markdown, and use LaTeX for any mathematical equations. Write both your thoughts \
and the response in the same language as the input.

Your thinking process must follow the template below:"""
_THOUGHT = """\
Your thoughts or/and draft, like working through an exercise on scratch paper. Be as casual and as \
long as you want until you are confident to generate the response. Use the same language as the \
input."""
_AFTER = "Here, provide a self-contained response."

MAGISTRAL_SYSTEM_PROMPT = Turn("system", (_BEFORE, Thought(_THOUGHT), _AFTER))


def with_own(system: Turn | None, own: str) -> Turn | None:
    """Return a system prompt with the user's own text after it; None where there is neither."""
    if not own.strip():
        return system
    if system is None:
        return Turn("system", (own,))
    *before, last = system.parts
    if isinstance(last, str):
        return replace(system, parts=(*before, f"{last}\n\n{own}"))
    return replace(system, parts=(*system.parts, own))
