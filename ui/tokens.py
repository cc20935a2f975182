"""The tokens of the design as values, free of Qt so that their contrast can be tested anywhere."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """One theme's colours as "#RRGGBB". on_accent is the ink on a ground of accent."""

    background: str
    sidebar: str
    card: str
    line: str
    ink: str
    muted: str
    accent: str
    accent_soft: str
    on_accent: str
    thinking_ground: str
    thinking_rule: str
    thinking_ink: str
    code: str
    bubble: str
    good: str
    warn: str
    bad: str
    dark: bool


LIGHT = Theme(
    background="#FBFAF8",
    sidebar="#F3F1EC",
    card="#FFFFFF",
    line="#E4E0D8",
    ink="#22201C",
    muted="#6F6A62",
    accent="#3D5AFE",
    accent_soft="#E9EDFF",
    on_accent="#FFFFFF",
    thinking_ground="#F6F3FB",
    thinking_rule="#8B6FD6",
    thinking_ink="#5B5470",
    code="#F5F3EE",
    bubble="#EFECE5",
    good="#2E9E6B",
    warn="#D9902F",
    bad="#CF4A4A",
    dark=False,
)

DARK = Theme(
    background="#1B1A1D",
    sidebar="#151417",
    card="#232227",
    line="#302E35",
    ink="#ECEAE6",
    muted="#97919A",
    accent="#8EA2FF",
    accent_soft="#262B45",
    on_accent="#151417",
    thinking_ground="#221F2C",
    thinking_rule="#9D83EA",
    thinking_ink="#B9B1CC",
    code="#141316",
    bubble="#2A282E",
    good="#58C596",
    warn="#E5AC5B",
    bad="#EC7C7C",
    dark=True,
)
