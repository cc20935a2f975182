"""Guesses of what comes next: what came before, no more than is worth while, never beyond a cut."""

from app.engine.backends.lookup import MOST_GUESSED, Lookup

ROW = list(range(100, 120))


def test_what_came_before_is_guessed_and_more_of_it_the_more_was_right() -> None:
    lookup = Lookup()
    sequence = [*ROW, 1, 2, *ROW[:4]]
    assert lookup.guess(sequence, ROW[4], 10) == ROW[5:7]
    lookup.judge(2, 2)
    assert lookup.guess(sequence, ROW[4], 10) == ROW[5:9]
    lookup.judge(4, 4)
    assert lookup.guess(sequence, ROW[4], 10) == ROW[5 : 5 + MOST_GUESSED]
    assert lookup.guess(sequence, ROW[4], 1) == ROW[5:6]
    lookup.judge(7, 3)
    assert len(lookup.guess(sequence, ROW[4], 10)) == 2
    assert lookup.guess(sequence, ROW[5], 10) == []


def test_the_last_place_counts_and_none_beyond_a_cut() -> None:
    lookup = Lookup()
    sequence = [1, 2, 3, 4, 5, 9, 1, 2, 3, 7, 8]
    assert lookup.guess([*sequence, 1, 2], 3, 9) == [7, 8]
    del sequence[6:]
    lookup.cut(6)
    assert lookup.guess([*sequence, 1, 2], 3, 9) == []
    # Read again, it is found again.
    sequence += [1, 2, 3, 6]
    assert lookup.guess([*sequence, 1, 2], 3, 9) == [6, 1]


def test_pictures_are_not_guessed() -> None:
    assert Lookup().guess([1, 2, 3, 4, -1, -1, 1, 2], 3, 9) == [4]


def test_wrong_guesses_are_given_up_and_tried_again_later() -> None:
    lookup = Lookup()
    sequence = [*ROW, 1, 2, *ROW[:4]]
    for _ in range(16):
        assert lookup.guess(sequence, ROW[4], 10)
        lookup.judge(2, 0)
    rest = 0
    while not lookup.guess(sequence, ROW[4], 10):
        rest += 1
    assert rest == 256


def test_nothing_is_guessed_at_the_beginning() -> None:
    lookup = Lookup()
    assert [lookup.guess([], 1, 9), lookup.guess([1], 1, 9), lookup.guess([1, 1], 1, 9)] == [[]] * 3
