"""Chats are found by their words, in every script; the index is never what matters."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.chat.message import Message, Text, Thinking
from app.chat.search import Found, Searcher, find
from app.chat.search_excerpt import WIDTH, Place
from app.chat.search_index import Filler, index_path, open_index
from app.chat.search_words import expression, terms
from app.chat.store import Store
from app.chat.store_repair import set_aside
from app.errors import Problem, WorldError

SAID = {
    "train": "How fast is the résumé of a train? It’s “120 km” in 1.5 hours, naïvely.",
    "chinese": "机器学习很好，我喜欢GPU加速的模型。",
    "japanese": "カタカナとひらがなを書く。東京タワー",
    "korean": "한국어를 배웁니다",
    "thai": "ภาษาไทยไม่มีช่องว่าง",
    "arabic": "مُحَمَّد يَكْتُبُ الدَّرْسَ",
    "hindi": "हिन्दी में उत्तर दें",
    "german": "Die Straße nach ZÜRICH; foo_bar(baz) und C++",
    "wide": "ＦＵＬＬ ｗｉｄｔｈ ﬁnally ½",
    "decomposed": "re\u0301sume\u0301 tie\u0302\u0301ng Vie\u0323\u0302t",
    "nul": "before\0after \u202eoverride 🚀🚀",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with closing(Store(path)) as opened:
        for number, (name, text) in enumerate(SAID.items()):
            asked = Message(name, None, "user", (Text(text),), float(number))
            opened.create_chat(f"c-{name}", title=f"About {name}", messages=(asked,))
        yield opened


def names(found: list[Found]) -> set[str]:
    return {place.chat_id.removeprefix("c-") for place in found}


def marked(place: Found) -> list[str]:
    return [place.excerpt[start:end] for start, end in place.marks]


@pytest.mark.parametrize(
    ("typed", "expected", "marks"),
    [
        ("train", "train", ["train"]),
        ("trai", "train", ["trai"]),
        ("fast tra", "train", ["fast", "tra"]),
        ("it's", "train", ["It’s"]),
        ('"120 km"', "train", ["120 km"]),
        ("naive", "train", ["naïve"]),
        ("学习", "chinese", ["学习"]),
        ("器学习很", "chinese", ["器学习很"]),
        ("欢", "chinese", ["欢"]),
        ("。", None, []),
        ("GPU加速", "chinese", ["GPU加速"]),
        ("gpu 模型", "chinese", ["GPU", "模型"]),
        ("カナと", "japanese", ["カナと"]),
        ("ﾀﾜｰ", "japanese", ["タワー"]),
        ("국어", "korean", ["국어"]),
        ("ไทย", "thai", ["ไทย"]),
        ("محمد", "arabic", ["مُحَمَّد"]),
        ("हिन्दी", "hindi", ["हिन्दी"]),
        ("zurich", "german", ["ZÜRICH"]),
        ("foo_bar", "german", ["foo_bar"]),
        ("c++", "german", ["C"]),
        ("width", "wide", ["ｗｉｄｔｈ"]),
        ("tieng viet", "decomposed", ["tie\u0302\u0301ng", "Vie\u0323\u0302t"]),
        ("after", "nul", ["after"]),
        ("🚀", "nul", ["🚀", "🚀"]),
        ("rain", None, []),
        ("km fast zebra", None, []),
        ('"fast train"', None, []),
        ('"km 120"', None, []),
    ],
)
def test_words_are_found_as_people_type_them(
    store: Store, typed: str, expected: str | None, marks: list[str]
) -> None:
    found = find(store.path, typed)
    assert names(found) == ({expected} if expected else set())
    if found:
        # Where several hits touch they are one mark.
        assert "".join(marked(found[0])) == "".join(marks)


def test_accents_are_of_no_account(store: Store) -> None:
    for typed in ("resume", "résumé", "RÉSUMÉ", "re\u0301sume\u0301"):
        assert names(find(store.path, typed)) == {"train", "decomposed"}


def test_titles_come_first_and_thoughts_are_told_apart(store: Store) -> None:
    answer = (Thinking("perhaps a zebra crossing"), Text("A train, I am sure."))
    store.add_messages("c-chinese", [Message("a", "chinese", "assistant", answer, 99.0)])
    store.rename("c-german", "Trains in Europe")
    found = find(store.path, "train")
    assert [(place.chat_id, place.part) for place in found[:2]] == [
        ("c-german", "title"),
        ("c-train", "title"),
    ]
    assert {place.message_id for place in found[2:]} == {"a", "train"}
    (thought,) = find(store.path, "zebra")
    assert (thought.part, thought.message_id, marked(thought)) == ("thinking", "a", ["zebra"])
    (both,) = find(store.path, "zebra sure")
    assert both.message_id == "a"


def test_what_changes_is_found_as_it_is_now(store: Store) -> None:
    running = Message("a", "train", "assistant", (), 9.0, "running")
    store.add_messages("c-train", [running])
    half = replace(running, parts=(Text("An aardvark"),))
    store.checkpoint(half)
    assert find(store.path, "aardvark") == []
    store.finish(replace(half, status="done"))
    assert names(find(store.path, "aardvark")) == {"train"}
    store.checkpoint(replace(half, parts=(Text("An aardvark eats"),)))
    store.finish(replace(half, status="done", parts=(Text("An aardvark eats ants"),)))
    assert len(find(store.path, "ants")) == 1
    store.rename("c-train", "Ants")
    assert [place.part for place in find(store.path, "ants")] == ["title", "message"]
    store.delete("c-train")
    assert find(store.path, "ants") == []
    store.undelete("c-train")
    assert len(find(store.path, "ants")) == 2


def test_an_answer_that_a_crash_cut_is_found(path: Path) -> None:
    running = Message("a", None, "assistant", (Text("first"),), 9.0, "running")
    with closing(Store(path)) as store:
        store.create_chat("c", title="Cut", messages=(running,))
        store.checkpoint(replace(running, parts=(Text("first second"),)))
        assert find(path, "second") == []
    with closing(Store(path)):
        assert [place.message_id for place in find(path, "second")] == ["a"]


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_deleted_for_good_is_in_no_file(store: Store, at_once: bool) -> None:
    secret = "xylophonequartz"
    message = Message("s", None, "user", (Text(f"my {secret} word"),), 1.0)
    store.create_chat("s", title=f"Of {secret}title", messages=(message,))
    with closing(open_index(store.path)) as database:
        filler = Filler(database)
        assert any(filler.fill())
    assert secret.encode() in index_path(store.path).read_bytes()
    store.delete("s")
    if at_once:
        store.purge("s")
        assert not index_path(store.path).exists()
    else:  # where the file could not be deleted
        store._database.execute("DELETE FROM chats WHERE id = 's'")
    assert find(store.path, secret) == []
    for file in store.path.parent.glob("*.search.*"):
        assert secret[:9].encode() not in file.read_bytes()
    assert names(find(store.path, "train")) == {"train"}


def test_filling_may_be_left_and_begun_again(store: Store) -> None:
    def count() -> int:
        with closing(open_index(store.path)) as database:
            next(Filler(database).fill())
            return int(database.execute("SELECT count(*) FROM docs").fetchone()[0])

    assert count() == 0
    assert len(find(store.path, "train")) == 2
    assert count() == len(SAID)
    with closing(open_index(store.path)) as database:
        filler = Filler(database)
        assert not any(filler.fill())
        store.rename("c-hindi", "Other")
        assert any(filler.fill())
        assert not any(filler.fill())


@pytest.mark.parametrize(
    "content",
    [b"", b"junk" * 2000, b"SQLite format 3\0" + bytes(range(256)) * 40, None],
    ids=["empty", "junk", "header", "another version"],
)
def test_a_bad_index_is_made_again(store: Store, content: bytes | None) -> None:
    assert len(find(store.path, "train")) == 2
    index = index_path(store.path)
    if content is None:
        with closing(sqlite3.connect(index)) as database:
            database.execute("PRAGMA user_version = 99")
    else:
        index.write_bytes(content)
    assert len(find(store.path, "train")) == 2


def test_an_index_of_another_store_is_put_right(store: Store, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite3"
    with closing(Store(other)) as second:
        asked = Message("z", None, "user", (Text("A zebra"),), 1.0)
        second.create_chat("z", title="Zoo", messages=(asked,))
        assert len(find(other, "zebra")) == 1
    index_path(other).replace(index_path(store.path))
    assert find(store.path, "zebra") == []
    assert names(find(store.path, "학")) | names(find(store.path, "한국")) == {"korean"}


def test_without_a_store_nothing_is_found_and_nothing_made(tmp_path: Path) -> None:
    assert find(tmp_path / "none.sqlite3", "train") == []
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_cannot_be_made_is_one_sentence(store: Store) -> None:
    index_path(store.path).mkdir()
    with pytest.raises(WorldError) as raised:
        find(store.path, "train")
    assert raised.value.problem.key == "search-unavailable"
    store.create_chat("new", title="The chats are not concerned")


HOSTILE = [
    *('"', '""', '"""', "'", "*", "(", ")", "NEAR(a b)", "a NOT b", "a OR b", "AND", "body:x"),
    *(
        "{a b}: c",
        "^a",
        "a + b",
        "-a",
        "a*b",
        "\\",
        "; DROP TABLE words",
        "%",
        "?1",
        "\0",
        "\ud83d",
    ),
    *("x" * 100_000, "a " * 10_000, '"' * 999, "([" * 500, "\u202e\u200b", "«", "”", "。。"),
]


@pytest.mark.parametrize("typed", HOSTILE)
def test_no_search_does_harm(store: Store, typed: str) -> None:
    find(store.path, typed)
    find(store.path, f"train {typed}")
    assert len(find(store.path, "train")) == 2


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_every_query_is_one_that_sqlite_takes(typed: str) -> None:
    wanted = terms(typed)
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE VIRTUAL TABLE t USING fts5 (a)")
        if wanted:
            database.execute("SELECT * FROM t WHERE t MATCH ?", (expression(wanted),)).fetchall()
    Place(wanted).excerpt(typed)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.text(max_size=12))
def test_marks_lie_in_the_excerpt_apart_and_in_order(text: str, typed: str) -> None:
    line, marks, _ = Place(terms(typed)).excerpt(text)
    assert len(line) <= WIDTH + 2
    assert "\n" not in line
    assert "\u202e" not in line
    edges = [edge for mark in marks for edge in mark]
    assert edges == sorted(set(edges)) or edges == sorted(edges)
    assert all(0 <= start < end <= len(line) for start, end in marks)


def test_an_excerpt_shows_most_of_the_words(store: Store) -> None:
    text = (
        "alpha " + "filler " * 2000 + "here alpha and\n\n  beta stand together " + "filler " * 2000
    )
    line, marks, count = Place(terms("alpha beta")).excerpt(text)
    assert [line[start:end] for start, end in marks] == ["alpha", "beta"]
    assert count == 2
    assert line.startswith("…")
    assert line.endswith("…")
    assert "here alpha and beta stand together" in line


class Waiting:
    """Polls a searcher as a window does, on its wake-ups."""

    def __init__(self, path: Path) -> None:
        self.news = threading.Semaphore(0)
        self.problems: list[Problem] = []
        self.found: list[tuple[Found, ...]] = []
        self.searcher = Searcher(path, wakeup=self.news.release, on_problem=self.problems.append)

    def settle(self) -> None:
        while self.searcher.poll():
            assert self.news.acquire(timeout=60)
        self.searcher.poll()


@pytest.fixture
def waiting(store: Store) -> Iterator[Waiting]:
    one = Waiting(store.path)
    yield one
    one.searcher.close()


def test_a_search_is_answered_and_again_when_more_is_known(store: Store, waiting: Waiting) -> None:
    waiting.searcher.search("zebra", waiting.found.append)
    waiting.settle()
    assert waiting.found == [()]
    store.rename("c-thai", "A zebra")
    waiting.searcher.refresh()
    waiting.settle()
    assert [len(places) for places in waiting.found] == [0, 1]
    waiting.searcher.refresh()
    waiting.settle()
    assert len(waiting.found) == 2


def test_only_the_newest_search_is_answered(waiting: Waiting) -> None:
    for typed in ("t", "tr", "tra", "train"):
        waiting.searcher.search(typed, waiting.found.append)
    waiting.settle()
    assert {place.title for places in waiting.found for place in places} == {"About train"}
    before = len(waiting.found)
    waiting.searcher.search("km", waiting.found.append)
    waiting.searcher.cancel()
    waiting.settle()
    assert len(waiting.found) == before


def test_an_index_broken_under_the_searcher_is_made_again(store: Store, waiting: Waiting) -> None:
    waiting.searcher.search("train", waiting.found.append)
    waiting.settle()
    assert len(waiting.found[-1]) == 2
    with closing(sqlite3.connect(index_path(store.path))) as database:
        database.execute("DROP TABLE words")
        database.commit()
    waiting.searcher.search("zurich", waiting.found.append)
    waiting.settle()
    assert [place.chat_id for place in waiting.found[-1]] == ["c-german"]
    assert waiting.problems == []


def test_a_searcher_goes_on_where_its_index_was_thrown_away(store: Store, waiting: Waiting) -> None:
    waiting.searcher.search("train", waiting.found.append)
    waiting.settle()
    store.delete("c-thai")
    store.purge("c-thai")
    store.rename("c-hindi", "A train")
    waiting.searcher.refresh()
    waiting.settle()
    assert len(waiting.found[-1]) == 3
    assert index_path(store.path).exists()


def test_a_text_of_the_index_that_is_damaged_has_it_made_again(
    store: Store, waiting: Waiting
) -> None:
    waiting.searcher.search("train", waiting.found.append)
    waiting.settle()
    with closing(sqlite3.connect(index_path(store.path))) as database:
        database.execute("UPDATE docs SET body = x'00ff'")
        database.commit()
    store.finish(Message("train", None, "user", (Text("A plane"),), 1.0))
    waiting.searcher.search("plane", waiting.found.append)
    waiting.settle()
    assert [place.chat_id for place in waiting.found[-1]] == ["c-train"]
    assert waiting.problems == []


def test_another_store_in_its_place_is_searched(
    store: Store, waiting: Waiting, tmp_path: Path
) -> None:
    waiting.searcher.search("zebra", waiting.found.append)
    waiting.settle()
    other = tmp_path / "other.sqlite3"
    with closing(Store(other)) as second:
        asked = Message("z", None, "user", (Text("A zebra"),), 1.0)
        second.create_chat("z", title="Zoo", messages=(asked,))
    store.close()
    set_aside(store.path)
    other.replace(store.path)
    waiting.searcher.refresh()
    waiting.settle()
    assert [place.chat_id for place in waiting.found[-1]] == ["z"]


def test_a_searcher_that_cannot_is_told_once(store: Store) -> None:
    index_path(store.path).mkdir()
    waiting = Waiting(store.path)
    waiting.searcher.search("train", waiting.found.append)
    waiting.settle()
    waiting.searcher.search("train k", waiting.found.append)
    waiting.settle()
    assert [problem.key for problem in waiting.problems] == ["search-unavailable"]
    assert waiting.found == [(), ()]
    index_path(store.path).rmdir()
    waiting.searcher.search("train", waiting.found.append)
    waiting.settle()
    assert len(waiting.found[-1]) == 2
    waiting.searcher.close()


def test_a_searcher_that_was_never_asked_has_no_thread(store: Store) -> None:
    Searcher(store.path).close()
    assert not index_path(store.path).exists()
