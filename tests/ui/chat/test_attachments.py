"""Attaching by drop and paste; chips, bubble and viewer; what is decoded, and what never."""

import struct
import zlib
from pathlib import Path

import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, QPoint, QSize, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage, QImageIOHandler, QImageWriter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chat.attachments import Found, Kept, digest
from app.chat.message import File, Image, Message, Text
from app.errors import WorldError
from tests.support.pictures import landscape
from tests.ui.chat import samples
from ui import jobs
from ui.chat.attach_card import FileCard
from ui.chat.attach_reading import decoded, look, look_at_image, of
from ui.chat.attach_strip import AttachStrip
from ui.chat.attach_viewer import Viewer
from ui.chat.composer import Composer
from ui.chat.item import Question
from ui.chat.message_box import given_in
from ui.chat.picture import MOST_BYTES, Picture, Pictures, fitted
from ui.chat.view import ChatView


def encoded(image: QImage, kind: str) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert QImageWriter(buffer, QByteArray(kind.encode())).write(image)
    return bytes(data.data())


def png(width: int, height: int, colour: str = "#336699") -> bytes:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(colour)
    return encoded(image, "png")


GIF = bytes.fromhex(
    "47494638396102000100800000ff000000000021f90400000000002c00000000020001000002020402003b"
)
"""Two pixels by one, red."""


def kept_in(folder: Path, *founds: Found) -> Kept:
    kept = Kept(folder / "attachments")
    for found in founds:
        kept.put(found.data)
    return kept


def image_of(found: Found) -> Image:
    assert isinstance(found.part, Image)
    return found.part


# ---------------------------------------------------------------- looking at what is given


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "bmp"])
def test_every_kind_of_image_is_told_by_its_bytes(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "misnamed.txt"
    path.write_bytes(encoded(landscape(tmp_path / "x.png", 90, 60), kind))
    part = image_of(look(str(path)))
    assert (part.mime, part.width, part.height) == (f"image/{kind}", 90, 60)
    assert part.name == "misnamed.txt"
    assert part.sha256 == digest(path.read_bytes())


def test_of_a_gif_the_first_frame_is_shown() -> None:
    part = image_of(of("dot.gif", GIF))
    assert (part.mime, part.width, part.height) == ("image/gif", 2, 1)
    assert decoded("dot.gif", GIF, "image/gif", None)[1].pixelColor(0, 0).red() > 200


def test_an_image_is_turned_as_the_camera_held_it(tmp_path: Path) -> None:
    image = QImage(80, 40, QImage.Format.Format_RGB32)
    image.fill("white")
    for x in range(80):
        for y in range(10):
            image.setPixelColor(x, y, "black")  # the top as the sensor saw it
    path = str(tmp_path / "turned.jpg")
    writer = QImageWriter(path)
    writer.setTransformation(QImageIOHandler.Transformation.TransformationRotate90)
    assert writer.write(image)
    found = look(path)
    part = image_of(found)
    assert (part.width, part.height) == (40, 80)
    _, shown = decoded("turned.jpg", found.data, part.mime, QSize(20, 40))
    assert (shown.width(), shown.height()) == (20, 40)
    assert shown.pixelColor(18, 20).lightness() < 60
    assert shown.pixelColor(2, 20).lightness() > 200


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize(
    ("side", "depth", "said"),
    [
        (30_000, 8, "30,000 × 30,000 pixels, more than the 60 million"),
        (6_000, 16, "6,000 × 6,000 pixels, more than the 30 million"),
    ],
)
def test_a_bomb_is_refused_before_it_is_decoded(side: int, depth: int, said: str) -> None:
    """30,000 by 30,000 pixels in a file of a few kilobytes would be 3.6 GB."""
    header = struct.pack(">IIBBBBB", side, side, depth, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    with pytest.raises(WorldError) as raised:
        of("bomb.png", bomb)
    assert raised.value.problem.title == f"“bomb.png” has {said} that Ponder opens."


@pytest.mark.qt_log_ignore("Unsupported marker type")
@pytest.mark.parametrize("data", [png(64, 64)[:60], b"\xff\xd8\xff junk", b"GIF89a", GIF[:12]])
def test_a_broken_image_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(WorldError, match="“x” is damaged or not a whole image"):
        of("x", data)


def test_a_picture_that_is_really_a_text_is_a_text() -> None:
    assert isinstance(of("BMW.txt", b"BM is how BMW begins").part, File)
    svg = of("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>").part
    assert isinstance(svg, File)


# ---------------------------------------------------------------- giving


def test_what_is_pasted_or_dropped_is_told_apart(tmp_path: Path) -> None:
    def mime(text: str = "", image: bool = False, *urls: QUrl) -> QMimeData:
        made = QMimeData()
        if text:
            made.setText(text)
        if image:
            made.setImageData(QImage(4, 4, QImage.Format.Format_RGB32))
        if urls:
            made.setUrls(list(urls))
        return made

    cat, model = QUrl.fromLocalFile("/x/cat.png"), QUrl.fromLocalFile("/x/m.gguf")
    assert given_in(mime("words")) is None
    assert given_in(mime("cells", True)) is None
    assert isinstance(given_in(mime("", True)), QImage)
    assert given_in(mime("", False, cat)) == ["/x/cat.png"]
    assert given_in(mime("", False, cat, model)) is None
    assert given_in(mime("", False, QUrl("https://example.org/cat.png"))) is None


@pytest.fixture
def composer(dressed: QApplication, qtbot: QtBot) -> Composer:
    made = Composer()
    qtbot.addWidget(made)
    made.resize(860, made.height())
    made.show()
    qtbot.waitExposed(made)
    made.setFocus()
    return made


def strip_of(composer: Composer, kept: Kept | None = None) -> AttachStrip:
    pictures = Pictures(composer)
    pictures.kept = kept
    return composer.attachments(pictures)


def test_an_image_on_the_clipboard_is_given_and_a_long_text_stays_text(
    composer: Composer, qtbot: QtBot
) -> None:
    image = QMimeData()
    image.setImageData(QImage(4, 4, QImage.Format.Format_RGB32))
    QGuiApplication.clipboard().setMimeData(image)
    with qtbot.waitSignal(composer.given) as given:
        qtbot.keyClick(composer.box, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert isinstance(given.args[0], QImage)
    assert composer.text() == ""
    text = "a long line of text\n" * 20_000
    QGuiApplication.clipboard().setText(text)
    composer.box.paste()
    assert composer.text() == text


def test_chips_are_reached_shown_and_removed_by_keyboard(composer: Composer, qtbot: QtBot) -> None:
    strip = strip_of(composer)
    plain = composer.height()
    strip.show_parts(tuple(of(f"{name}.txt", b"x").part for name in "abc"))
    assert composer.height() > plain
    assert [chip.accessibleName() for chip in strip.chips] == [
        f"{name}.txt, text file, 1 byte" for name in "abc"
    ]
    strip.chips[1].setFocus()
    with qtbot.waitSignal(strip.opened) as opened:
        qtbot.keyClick(strip.chips[1], Qt.Key.Key_Return)
    assert opened.args == [1]
    with qtbot.waitSignal(strip.removed) as removed:
        qtbot.keyClick(strip.chips[1], Qt.Key.Key_Delete)
    assert removed.args == [1]
    with qtbot.waitSignal(strip.removed) as removed:
        qtbot.mouseClick(strip.chips[2].remove, Qt.MouseButton.LeftButton)
    assert removed.args == [2]
    strip.show_parts(())
    assert composer.height() == plain


def test_enter_does_not_send_what_the_model_would_not_see(composer: Composer, qtbot: QtBot) -> None:
    sent: list[tuple[str, bool]] = []
    composer.send_requested.connect(lambda text: sent.append((text, False)))
    composer.send_without_requested.connect(lambda text: sent.append((text, True)))
    strip = strip_of(composer)
    strip.show_parts((of("cat.png", png(4, 4)).part,))
    strip.explain("Magistral cannot see images here.", blocked=True)
    qtbot.keyClicks(composer.box, "What is it?")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert not sent
    assert composer.text() == "What is it?"
    assert strip.without.hasFocus()
    qtbot.keyClick(strip.without, Qt.Key.Key_Return)
    assert sent == [("What is it?", True)]
    strip.explain("", blocked=False)
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent[1:] == [("", False)]  # an attachment may be all there is to send


@pytest.mark.parametrize("width", [480, 640, 1200])
def test_twenty_chips_leave_room_for_the_text_at_any_width(composer: Composer, width: int) -> None:
    strip = strip_of(composer)
    composer.resize(width, composer.height())
    strip.show_parts(tuple(of(f"{n} {'long ' * 20}.txt", b"x").part for n in range(20)))
    strip.explain("About 9,000 tokens of text are attached. " * 2, blocked=True)
    assert strip.geometry().bottom() <= composer.box.geometry().top()
    assert composer.height() < 380
    assert strip.without.geometry().right() <= strip.width()
    assert not strip.note.geometry().intersects(strip.without.geometry())
    assert max(chip.geometry().right() for chip in strip.chips) < strip.width()


# ---------------------------------------------------------------- in the transcript


def asked(*parts: Image | File | Text) -> Message:
    return Message("q1", None, "user", parts, 1.0)


def shown(view: ChatView, message: Message) -> Question:
    view.show_conversation((message, samples.answer("Yes.")), samples.alone, {})
    item = view.item(message.id)
    assert isinstance(item, Question)
    return item


def test_an_image_is_shown_in_the_bubble_in_its_proportions(
    view: ChatView, qtbot: QtBot, tmp_path: Path
) -> None:
    landscape(tmp_path / "Möwe.png", 1440, 720)
    found = look(str(tmp_path / "Möwe.png"))
    view.pictures.kept = kept_in(tmp_path, found)
    item = shown(view, asked(image_of(found), Text("What is this?")))
    assert item.gallery is not None
    (picture,) = item.gallery.widgets
    assert isinstance(picture, Picture)
    assert picture.size() == QSize(360, 180)
    assert picture.accessibleName().startswith("Möwe.png, image, 1,440 × 720, ")
    assert picture.geometry().bottom() < item.text_at.y()
    before = item.height()
    qtbot.waitUntil(lambda: view.pictures.held_bytes > 0, timeout=60_000)
    assert item.height() == before  # nothing moves when the pixels come
    painted = picture.grab().toImage()
    assert painted.pixelColor(painted.width() * 7 // 10, painted.height() * 3 // 10).red() > 240
    with qtbot.waitSignal(view.attachment_opened) as opened:
        qtbot.mouseClick(picture, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert opened.args == ["q1", 0]
    as_markdown = "![Möwe.png](<Möwe.png>)\n\nWhat is this?"
    item.copy_all()
    assert QGuiApplication.clipboard().text() == as_markdown
    view.selection.select_text(0)
    assert view.copy()
    assert QGuiApplication.clipboard().text() == as_markdown


def test_a_text_file_is_a_card_and_the_keyboard_reaches_it(view: ChatView, qtbot: QtBot) -> None:
    part = of("notes.txt", b"one\ntwo\n").part
    gone = File("0" * 64, "lost.txt", 9, "utf-8", None)
    assert isinstance(part, File)
    item = shown(view, asked(part, gone))
    assert item.gallery is not None
    card, lost = item.gallery.widgets
    assert isinstance(card, FileCard)
    assert lost.accessibleName() == "lost.txt, text file, 9 bytes: the file is missing"
    assert item.stops()[1:3] == [card, lost]
    assert "notes.txt, text file, 8 bytes" in item.accessibleDescription()
    with qtbot.waitSignal(view.attachment_opened) as opened:
        qtbot.keyClick(card, Qt.Key.Key_Return)
    assert opened.args == ["q1", 0]


def test_a_missing_image_is_a_placeholder_that_names_it(
    view: ChatView, qtbot: QtBot, tmp_path: Path
) -> None:
    found = of("cat.png", png(400, 300))
    view.pictures.kept = Kept(tmp_path)
    item = shown(view, asked(image_of(found)))
    assert item.gallery is not None
    (picture,) = item.gallery.widgets
    assert isinstance(picture, Picture)
    with qtbot.waitSignal(view.pictures.come, timeout=60_000):
        picture.grab()
    assert picture.missing
    assert picture.accessibleName().endswith("the file is missing")
    assert not picture.grab().isNull()


def test_pixels_are_held_only_for_what_was_painted_and_only_so_many(
    dressed: QApplication, qtbot: QtBot, tmp_path: Path
) -> None:
    founds = [of("x.png", png(2000, 2000, f"#{n:02x}0000")) for n in range(8)]
    pictures = Pictures()
    pictures.kept = kept_in(tmp_path, *founds)
    size = QSize(2000, 2000)
    for found in founds:
        with qtbot.waitSignal(pictures.come, timeout=60_000):
            assert pictures.find(image_of(found), size) is None
        assert pictures.held_bytes <= MOST_BYTES
    assert pictures.find(image_of(founds[-1]), size) is not None
    assert pictures.find(image_of(founds[0]), size) is None  # painted longest ago
    qtbot.waitUntil(jobs.idle, timeout=60_000)
    pictures.deleteLater()


def test_a_long_chat_decodes_only_what_is_seen(
    view: ChatView, qtbot: QtBot, tmp_path: Path
) -> None:
    founds = [of(f"{n}.png", png(300, 300, f"#{n:02x}8000")) for n in range(60)]
    view.pictures.kept = kept_in(tmp_path, *founds)
    branch = [
        Message(f"q{n}", f"q{n - 1}" if n else None, "user", (image_of(found),), 1.0)
        for n, found in enumerate(founds)
    ]
    view.show_conversation(branch, samples.alone, {})
    qtbot.waitUntil(lambda: view.pictures.held_bytes > 0, timeout=60_000)
    qtbot.waitUntil(jobs.idle, timeout=60_000)
    assert view.pictures.held_bytes < 12 * 300 * 300 * 4


@pytest.mark.parametrize(
    ("image", "box", "size"),
    [
        ((4000, 3000), 360, (360, 270)),
        ((100, 80), 360, (100, 80)),
        ((10_000, 10), 360, (360, 32)),
        ((1, 1), 360, (32, 32)),
    ],
)
def test_sizes(image: tuple[int, int], box: int, size: tuple[int, int]) -> None:
    part = Image("0" * 64, "x.png", 1, "image/png", *image)
    assert fitted(part, QSize(box, box)) == QSize(*size)


# ---------------------------------------------------------------- whole


def test_the_viewer_shows_an_image_whole_and_saves_its_very_bytes(
    composer: Composer, qtbot: QtBot, tmp_path: Path
) -> None:
    landscape(tmp_path / "hill.jpg", 5000, 100)
    found = look(str(tmp_path / "hill.jpg"))
    viewer = Viewer(composer, image_of(found), kept_in(tmp_path, found))
    viewer.show()
    body = viewer.body
    qtbot.waitUntil(lambda: getattr(body, "image", None) is not None, timeout=60_000)
    assert not viewer.grab().isNull()
    viewer.save_to(str(tmp_path / "copy.jpg"))
    qtbot.waitUntil(jobs.idle, timeout=60_000)
    assert (tmp_path / "copy.jpg").read_bytes() == found.data
    viewer.extra.click()
    qtbot.waitUntil(jobs.idle, timeout=60_000)
    assert body.horizontalScrollBar().maximum() > 3000
    viewer.save_to(str(tmp_path / "copy.jpg" / "not a folder"))
    qtbot.waitUntil(jobs.idle, timeout=60_000)
    assert "could not be saved" in viewer.said.toolTip()
    qtbot.keyClick(viewer, Qt.Key.Key_Escape)
    assert not viewer.isVisible()


def test_the_viewer_shows_all_of_a_text_piece_by_piece(
    composer: Composer, qtbot: QtBot, tmp_path: Path
) -> None:
    text = "line\n" * 60_000 + "x" * 30_000 + "\nend"
    found = of("notes.txt", text.encode())
    viewer = Viewer(composer, found.part, kept_in(tmp_path, found))
    viewer.show()
    body = viewer.body
    qtbot.waitUntil(lambda: bool(getattr(body, "whole", False)), timeout=60_000)
    assert body.toPlainText().replace("\n", "") == text.replace("\n", "")  # type: ignore[union-attr]
    assert body.isReadOnly()  # type: ignore[union-attr]
    viewer.extra.click()
    assert QGuiApplication.clipboard().text() == text
    viewer.close()


def test_what_is_pasted_as_pixels_becomes_a_png() -> None:
    found = look_at_image(QImage(4, 4, QImage.Format.Format_RGB32))
    assert (found.part.name, image_of(found).mime) == ("Pasted image.png", "image/png")
    with pytest.raises(WorldError, match="more than the 60 million"):
        look_at_image(QImage(30_000, 2_100, QImage.Format.Format_Mono))
