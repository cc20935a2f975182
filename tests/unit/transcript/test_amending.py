"""A list of contents is added to a PDF without touching a byte of it; letters are told as typed."""

from app.transcript.amending import Entry, with_letters, with_outline

BODY = b"""%PDF-1.4
1 0 obj
<<
/Type /Catalog
/Pages 2 0 R
>>
endobj
2 0 obj
<<
/Type /Pages
/Kids
[
3 0 R
4 0 R
]
/Count 2
>>
endobj
"""
WHOLE = BODY + b"trailer\n<<\n/Size 5\n/Root 1 0 R\n>>\nstartxref\n%d\n%%%%EOF\n" % len(BODY)


def test_contents_are_added_behind_what_is_there() -> None:
    made = with_outline(WHOLE, [Entry("You: 你好", 0, 700.0), Entry("It", 1, 12.5)], "en")
    assert made.startswith(WHOLE)
    added = made[len(WHOLE) :]
    assert b"/Outlines 5 0 R\n/PageMode /UseOutlines\n/Lang (en)" in added
    assert b"/Type /Outlines /First 6 0 R /Last 7 0 R /Count 2" in added
    assert b"/Parent 5 0 R /Next 7 0 R /Dest [3 0 R /XYZ 0 700.0 null]" in added
    assert b"/Parent 5 0 R /Prev 6 0 R /Dest [4 0 R /XYZ 0 12.5 null]" in added
    assert b"<FEFF0059006F0075003A00204F60597D>" in added
    assert b"/Size 8" in added
    assert b"/Prev %d" % len(BODY) in added
    # Every entry of the new table is where it says.
    table = added[added.index(b"xref\n") : added.index(b"trailer")].split(b"\n")[1:-1]
    for number, place in zip(table[::2], table[1::2], strict=True):
        at = int(place[:10])
        assert made[at:].startswith(number.split()[0] + b" 0 obj\n")
    start = int(made.rsplit(b"startxref\n", 1)[1].split()[0])
    assert made[start:].startswith(b"xref\n")


def test_what_is_no_such_pdf_is_left_alone() -> None:
    for data in (b"", b"%PDF", WHOLE[:-8], WHOLE.replace(b"/Root", b"/Rood")):
        assert with_outline(data, [Entry("x", 0, 0.0)]) == data
    assert with_outline(WHOLE, []) == WHOLE


def test_letters_are_those_that_people_type_and_glyphs_keep_their_numbers() -> None:
    said = (
        b"1 beginbfrange\n<2F06> <2F06> <2F06>\n<0002> <0004> [<FEDF> <0041> <FEFB> ]\nendbfrange\n"
    )
    made = with_letters(b"<2F06>\n" + said)
    assert made == b"<2F06>\n" + said.replace(
        b"<2F06> <2F06> <2F06>", b"<2F06> <2F06> <4E8C>"
    ).replace(b"<FEDF>", b"<0644>")
    assert len(made) == len(said) + 7
