"""The system prompts of Mistral's reasoning models: without them they do not think, or rarely."""

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

# Ministral 3 Reasoning (2512) has the same under a heading, and one sentence otherwise.
_MINISTRAL_THOUGHT = """\
Your thoughts or/and draft, like working through an exercise on scratch paper. Be as casual and as \
long as you want until you are confident to generate the response to the user."""

MINISTRAL_SYSTEM_PROMPT = Turn(
    "system",
    (f"# HOW YOU SHOULD THINK AND ANSWER\n\n{_BEFORE}", Thought(_MINISTRAL_THOUGHT), _AFTER),
)

# Magistral Small 1.0 (2506) wrote its markers as text, and they are text here. What comes after the
# last line is the question, so the user's own text has to stand before it.
_PROBLEM = "\n\nProblem:\n\n"
MAGISTRAL_1_0_SYSTEM_PROMPT = Turn(
    "system",
    (
        """\
A user will ask you to solve a task. You should first draft your thinking process (inner \
monologue) until you have derived the final answer. Afterwards, write a self-contained summary of \
your thoughts (i.e. your summary should be succinct but contain all the critical steps you needed \
to reach the conclusion). You should use Markdown to format your response. Write both your \
thoughts and summary in the same language as the task posed by the user. NEVER use \\boxed{} in \
your response.

Your thinking process must follow the template below:
<think>
Your thoughts or/and draft, like working through an exercise on scratch paper. Be as casual and as \
long as you want until you are confident to generate a correct answer.
</think>

Here, provide a concise summary that reflects your reasoning and presents a clear final answer to \
the user. Don't mention that this is a summary."""
        + _PROBLEM,
    ),
)


def with_own(system: Turn | None, own: str) -> Turn | None:
    """Return a system prompt with the user's own text in it; None where there is neither."""
    if not own.strip():
        return system
    if system is None:
        return Turn("system", (own,))
    *before, last = system.parts
    if isinstance(last, str):
        text = last.removesuffix(_PROBLEM)
        return replace(system, parts=(*before, f"{text}\n\n{own}{last[len(text) :]}"))
    return replace(system, parts=(*system.parts, own))
