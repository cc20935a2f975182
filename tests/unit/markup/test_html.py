"""Markdown to HTML: CommonMark as specified, and messages as they are shown."""

import subprocess
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.markup import to_html

COMMONMARK = [
    ("", ""),
    ("a", "<p>a</p>\n"),
    ("a\nb", "<p>a\nb</p>\n"),
    ("a  \nb", "<p>a<br />\nb</p>\n"),
    ("a\\\nb", "<p>a<br />\nb</p>\n"),
    ("a\n\nb", "<p>a</p>\n<p>b</p>\n"),
    ("# a", "<h1>a</h1>\n"),
    ("###### a ######", "<h6>a</h6>\n"),
    ("#a", "<p>#a</p>\n"),
    ("####### a", "<p>####### a</p>\n"),
    ("a\n===", "<h1>a</h1>\n"),
    ("a\n---", "<h2>a</h2>\n"),
    ("***", "<hr />\n"),
    ("- - -", "<hr />\n"),
    ("    a\n     b", "<pre><code>a\n b\n</code></pre>\n"),
    ("a\n    b", "<p>a\nb</p>\n"),
    ("\ta", "<pre><code>a\n</code></pre>\n"),
    ("```\na\n```", "<pre><code>a\n</code></pre>\n"),
    ("```py x\na", '<pre><code class="language-py">a</code></pre>\n'),
    ("~~~\n```\n~~~", "<pre><code>```\n</code></pre>\n"),
    ("````\n```\n````", "<pre><code>```\n</code></pre>\n"),
    ("> a\nb", "<blockquote>\n<p>a\nb</p>\n</blockquote>\n"),
    (">\n", "<blockquote>\n</blockquote>\n"),
    ("- a\n  >", "<ul>\n<li>a\n<blockquote>\n</blockquote>\n</li>\n</ul>\n"),
    ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
    ("- a\n\n- b", "<ul>\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n</li>\n</ul>\n"),
    ("text\n- a", "<p>text</p>\n<ul>\n<li>a</li>\n</ul>\n"),
    ("2. a", '<ol start="2">\n<li>a</li>\n</ol>\n'),
    ("text\n2. a", "<p>text\n2. a</p>\n"),
    ("- a\n  - b", "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>\n"),
    ("- a\n* b", "<ul>\n<li>a</li>\n</ul>\n<ul>\n<li>b</li>\n</ul>\n"),
    ("*a* **b** ***c***", "<p><em>a</em> <strong>b</strong> <em><strong>c</strong></em></p>\n"),
    ("_a_ __b__ c_d_e", "<p><em>a</em> <strong>b</strong> c_d_e</p>\n"),
    ("* a*", "<ul>\n<li>a*</li>\n</ul>\n"),
    ("`a` ``b`c`` ` d `", "<p><code>a</code> <code>b`c</code> <code>d</code></p>\n"),
    ("`*a*`", "<p><code>*a*</code></p>\n"),
    ("\\*a\\* \\a", "<p>*a* \\a</p>\n"),
    ("&amp; &copy; &#35; &nope;", "<p>&amp; © # &amp;nope;</p>\n"),
    ("[a](/b 'c')", '<p><a href="/b" title="c">a</a></p>\n'),
    ("[a](<b c>)", '<p><a href="b%20c">a</a></p>\n'),
    ("[a]\n\n[A]: /b", '<p><a href="/b">a</a></p>\n'),
    ("[a][]\n\n[a]: /b", '<p><a href="/b">a</a></p>\n'),
    ("[a]", "<p>[a]</p>\n"),
    ("[a]: /b", ""),
    ("![a *b*](/c)", '<p><img src="/c" alt="a b" /></p>\n'),
    ("<http://a.b>", '<p><a href="http://a.b">http://a.b</a></p>\n'),
    ("<a@b.c>", '<p><a href="mailto:a@b.c">a@b.c</a></p>\n'),
    ("http://a.b", "<p>http://a.b</p>\n"),
    ("<b>a</b>", "<p><b>a</b></p>\n"),
    ("<div>\n*a*\n</div>", "<div>\n*a*\n</div>"),
    ("<!-- a -->", "<!-- a -->"),
    ("| a |\n|---|", "<p>| a |\n|---|</p>\n"),
    ("~~a~~ $x$", "<p>~~a~~ $x$</p>\n"),
    ("\\[a\\]", "<p>[a]</p>\n"),
    ("a\0b", "<p>a\ufffdb</p>\n"),
    ("a\r\nb\rc", "<p>a\nb\nc</p>\n"),
]


@pytest.mark.parametrize(("text", "html"), COMMONMARK)
def test_commonmark(text: str, html: str) -> None:
    assert to_html(text, commonmark=True) == html


LINK = '<p><a href="{0}">{1}</a></p>\n'
SHOWN = [
    ("| a |\n|:-:|\n| b |", ["<th", "text-align:center", "<td", ">b</td>"]),
    ("~~a~~", ["<p><s>a</s></p>\n"]),
    ("about ~5 and ~6", ["<p>about ~5 and ~6</p>\n"]),
    ("http://a.b/c", [LINK.format("http://a.b/c", "http://a.b/c")]),
    ("www.a.bc", [LINK.format("http://www.a.bc", "www.a.bc")]),
    ("a@b.cd", [LINK.format("mailto:a@b.cd", "a@b.cd")]),
    ("see https://a.b/c_(d), now", ['<a href="https://a.b/c_(d)">https://a.b/c_(d)</a>, now']),
    ("[a](https://b.c 'd')", ['<a href="https://b.c" title="d">a</a>']),
    ("[a](HTTPS://b.c)", ['<a href="HTTPS://b.c">a</a>']),
    ("[a](mailto:b@c.d)", ['<a href="mailto:b@c.d">a</a>']),
    ("<b>a</b>", ["<p>&lt;b&gt;a&lt;/b&gt;</p>\n"]),
    ("<div>\na\n</div>", ["&lt;div&gt;"]),
    ("<img src=x onerror=alert(1)>", ["&lt;img src=x onerror=alert(1)&gt;"]),
    ("![a](http://b.c/d.png)", [LINK.format("http://b.c/d.png", "a")]),
    ("![](http://b.c/d.png)", [LINK.format("http://b.c/d.png", "http://b.c/d.png")]),
    ("[![a](http://b.c)](http://d.e)", [LINK.format("http://d.e", "a")]),
    ("[a](http://b.c) ![d](http://e.f)", ['</a> <a href="http://e.f">d</a>']),
    ("- [ ] a\n- [X] b", ["☐ a", "☑ b"]),
    ("xmpp:a@b.c and xmpp:", ["<p>xmpp:a@b.c and xmpp:</p>\n"]),
    ("So 120*2: 0*2=0, 2*2=4", ["<p>So 120*2: 0*2=0, 2*2=4</p>"]),
    ("(a)*(b)*(c) and *1* and **2**3", ["(a)*(b)*(c) and <em>1</em> and <strong>2</strong>3"]),
    ("a\n- b", ["<p>a</p>\n<ul>\n<li>b</li>\n</ul>\n"]),
]


@pytest.mark.parametrize(("text", "parts"), SHOWN)
def test_as_messages_are_shown(text: str, parts: list[str]) -> None:
    html = to_html(text)
    for part in parts:
        assert part in html


@pytest.mark.parametrize(
    "text",
    [
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](file:///etc/passwd)",
        "[a](data:text/html,x)",
        "[a](vbscript:x)",
        "[a](//host/x)",
        "[a](relative.md)",
        "[a](#here)",
        "[a](http:x)",
        "<javascript:alert(1)>",
        "![a](file:///etc/passwd)",
        "![a](data:image/png;base64,AAAA)",
        "[a]\n\n[a]: javascript:alert(1)",
        "ftp://a.b/c",
        "xmpp:a@b.c",
    ],
)
def test_nothing_else_is_a_link_and_nothing_is_lost(text: str) -> None:
    html = to_html(text)
    assert "<a" not in html
    assert "<img" not in html
    letters = [letter for letter in text if letter.isalnum()]
    assert [letter for letter in html.replace("<p>", "").replace("</p>", "") if letter in letters]


PIECES = st.sampled_from(
    [
        *(
            "<script>",
            "</p>",
            "<img src=x>",
            "<!--",
            "javascript:",
            "http://a.b",
            "](",
            ")",
            "[a",
            "]",
        ),
        *("![", "`", "```\n", "$", "$$", '"', "'", "<", ">", "&", "&lt;", "\n", "\n\n", "> ", "- "),
        *("|", "\n|--|--|\n", "*", "~~", "\\", "\\(", "\\)", "x", " ", "#", "\0", "\ufffd", "é"),
    ]
)
TAGS = {
    *(
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "em",
        "strong",
        "s",
        "code",
        "pre",
        "blockquote",
        "ul",
        "ol",
        "li",
        "hr",
        "br",
    ),
    *("table", "thead", "tbody", "tr", "th", "td", "a", "span"),
}


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(PIECES, max_size=20))
def test_whatever_is_written_only_known_tags_come_out(pieces: list[str]) -> None:
    seen: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attrs)))

        def handle_comment(self, data: str) -> None:
            raise AssertionError(data)

    reader = Reader()
    reader.feed(to_html("".join(pieces)))
    reader.close()
    for tag, attributes in seen:
        assert tag in TAGS
        assert set(attributes) <= {"href", "title", "class", "data-tex", "data-display", "style"}
        assert (attributes.get("href") or "http://").startswith(("http://", "https://", "mailto:"))
        assert (attributes.get("style") or "text-align:").startswith("text-align:")


def test_no_parser_is_loaded_before_the_first_use() -> None:
    program = (
        "import sys, app.markup, app.markup.blocks, app.markup.highlight\n"
        "assert not {'markdown_it', 'pygments'} & set(sys.modules)\n"
        "app.markup.blocks.parse('a')\n"
        "assert 'markdown_it' in sys.modules\n"
        "app.markup.highlight.runs('a', 'python')\n"
        "assert 'pygments' in sys.modules and 'PySide6' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
