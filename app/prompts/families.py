"""Chat templates for files that carry none, by the family that their control tokens show.

llama.cpp falls back to ChatML for such files, whatever they are. Here a family's format is used
only where the vocabulary has the tokens it is made of, and without a family there is no format: the
user is told, and may choose one by name. Written from the formats' public descriptions.
"""

from dataclasses import dataclass

_ROLE_TURNS = (
    "{{% for m in messages %}}{begin}{{{{ m.role }}}}{middle}{{{{ m.content{trim} }}}}{end}"
    "{{% endfor %}}{{% if add_generation_prompt %}}{begin}assistant{middle}{{% endif %}}"
)


def _turns(begin: str, middle: str, end: str, *, before: str = "", trim: str = "") -> str:
    return before + _ROLE_TURNS.format(begin=begin, middle=middle, end=end, trim=trim)


_BOS = "{{ bos_token }}"

# Gemma has no system role: it was trained with such text before the first question.
_GEMMA = (
    _BOS + "{% set system = '' %}"
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content ~ '\\n\\n' %}"
    "{% set messages = messages[1:] %}{% endif %}"
    "{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else 'user' }}\n"
    "{{ system if loop.first }}{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
_GEMMA_4 = (
    _BOS + "{% for m in messages %}<|turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    "{{ m.content | trim }}<turn|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn>model\n"
    "{% if enable_thinking is defined and not enable_thinking %}<|channel>thought\n<channel|>"
    "{% endif %}{% endif %}"
)
_LLAMA_2 = (
    "{% set system = '' %}"
    "{% if messages[0].role == 'system' %}"
    "{% set system = '<<SYS>>\\n' ~ messages[0].content ~ '\\n<</SYS>>\\n\\n' %}"
    "{% set messages = messages[1:] %}{% endif %}"
    "{% for m in messages %}{% if m.role == 'assistant' %} {{ m.content | trim }} {{ eos_token }}"
    "{% else %}{{ bos_token }}[INST] {{ system if loop.first }}{{ m.content | trim }} [/INST]"
    "{% endif %}{% endfor %}"
)
_DEEPSEEK = (
    "<｜begin▁of▁sentence｜>{% for m in messages %}"
    "{% if m.role == 'system' %}{{ m.content }}"
    "{% elif m.role == 'user' %}<｜User｜>{{ m.content }}"
    "{% else %}<｜Assistant｜>{{ m.content }}<｜end▁of▁sentence｜>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<｜Assistant｜>__THINK__{% endif %}"
)
_GLM = (
    "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_HARMONY = (
    "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
    "Knowledge cutoff: 2024-06\nCurrent date: {{ strftime_now('%Y-%m-%d') }}\n\n"
    "Reasoning: {{ reasoning_effort if reasoning_effort is defined else 'medium' }}\n\n"
    "# Valid channels: analysis, commentary, final. Channel must be included for every message."
    "<|end|>{% for m in messages %}"
    "{% if m.role == 'system' %}<|start|>developer<|message|># Instructions\n\n{{ m.content }}"
    "<|end|>"
    "{% elif m.role == 'user' %}<|start|>user<|message|>{{ m.content }}<|end|>"
    "{% else %}{% if m.reasoning is defined %}<|start|>assistant<|channel|>analysis<|message|>"
    "{{ m.reasoning }}<|end|>{% endif %}"
    "<|start|>assistant<|channel|>final<|message|>{{ m.content }}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
_COMMAND = (
    _BOS + "{% for m in messages %}<|START_OF_TURN_TOKEN|>"
    "{% if m.role == 'system' %}<|SYSTEM_TOKEN|>{% elif m.role == 'user' %}<|USER_TOKEN|>"
    "{% else %}<|CHATBOT_TOKEN|>{% endif %}{{ m.content }}<|END_OF_TURN_TOKEN|>{% endfor %}"
    "{% if add_generation_prompt %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{% endif %}"
)
_KIMI = (
    "{% for m in messages %}<|im_{{ m.role }}|>{{ m.role }}<|im_middle|>{{ m.content }}<|im_end|>"
    "{% endfor %}{% if add_generation_prompt %}<|im_assistant|>assistant<|im_middle|>{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Family:
    """A format. tokens: that the vocabulary must have; architectures: of which it must be, if any.

    thinks: what the name says where the model thinks, and what its prompts then end with.
    """

    name: str
    template: str
    tokens: tuple[str, ...]
    architectures: tuple[str, ...] = ()
    thinks: tuple[str, str] = ("", "")

    def written(self, name: str) -> str:
        """Return the template for a model of this name."""
        word, opens = self.thinks
        return self.template.replace("__THINK__", opens if word and word in name.lower() else "")


_ROWS = (
    Family("harmony", _HARMONY, ("<|start|>", "<|message|>", "<|channel|>", "<|end|>")),
    Family(
        "llama3",
        _turns(
            "<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>", before=_BOS, trim="|trim"
        ),
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    ),
    Family(
        "llama4",
        _turns("<|header_start|>", "<|header_end|>\n\n", "<|eot|>", before=_BOS, trim="|trim"),
        ("<|header_start|>", "<|header_end|>", "<|eot|>"),
    ),
    Family("gemma4", _GEMMA_4, ("<|turn>", "<turn|>")),
    Family("gemma", _GEMMA, ("<start_of_turn>", "<end_of_turn>")),
    Family(
        "granite",
        _turns("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>\n"),
        ("<|start_of_role|>", "<|end_of_role|>"),
    ),
    Family(
        "deepseek",
        _DEEPSEEK,
        ("<｜User｜>", "<｜Assistant｜>"),
        thinks=("r1", "<think>\n"),
    ),
    Family("glm", _GLM, ("[gMASK]", "<sop>", "<|user|>", "<|assistant|>")),
    Family("command-r", _COMMAND, ("<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>")),
    Family("kimi", _KIMI, ("<|im_user|>", "<|im_assistant|>", "<|im_middle|>")),
    Family(
        "phi4",
        _turns("<|im_start|>", "<|im_sep|>", "<|im_end|>"),
        ("<|im_start|>", "<|im_sep|>", "<|im_end|>"),
    ),
    Family(
        "seed",
        _turns("<seed:bos>", "\n", "<seed:eos>"),
        ("<seed:bos>", "<seed:eos>"),
    ),
    Family(
        "phi3",
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
        ("<|user|>", "<|assistant|>", "<|end|>"),
    ),
    # Qwen and many others.
    Family(
        "chatml",
        _turns("<|im_start|>", "\n", "<|im_end|>\n"),
        ("<|im_start|>", "<|im_end|>"),
    ),
    # Llama 2 and the first Mistral spell their markers as text: only the name can tell.
    Family("llama2", _LLAMA_2, ("<s>", "</s>"), architectures=("llama",)),
)

FAMILIES: dict[str, Family] = {row.name: row for row in _ROWS}

TOKENS: tuple[str, ...] = tuple(dict.fromkeys(token for row in _ROWS for token in row.tokens))
"""What vocabularies are asked for."""

_SAYS_LLAMA_2 = ("llama-2", "llama2", "llama 2", "mistral-7b", "mistral 7b", "mixtral")


def family(controls: tuple[str, ...], architecture: str, name: str) -> Family | None:
    """Return the family of a file without a chat template, None where nothing shows it."""
    for row in _ROWS:
        if not set(row.tokens) <= set(controls):
            continue
        if row.architectures:
            named = any(word in name.lower() for word in _SAYS_LLAMA_2)
            if architecture not in row.architectures or not named:
                continue
        return row
    return None
