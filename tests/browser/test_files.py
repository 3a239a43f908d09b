"""Files both ways."""

import struct
import urllib.request
import zlib

from wait import eventually


def png(width, height):
    """A picture of one colour."""
    rows = b"".join(b"\0" + b"\x2a\x6f\x97" * width for _ in range(height))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = [struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_a_visitors_files_reach_the_desk_unchanged(visit, desk, connection, tmp_path):
    note, picture = tmp_path / "Счёт № 5 <b>.txt", tmp_path / "lamp.png"
    note.write_text("It flickers.")
    picture.write_bytes(png(60, 40))
    chat = visit().open()
    chat.attach(note, picture)
    eventually(lambda: [one.text for one in chat.all(".chips .name")] == [note.name, "lamp.png"], "the files")
    eventually(lambda: not chat.all(".chips progress"), "the end of the uploads")
    chat.say("See here")
    eventually(lambda: chat.all(".visitor .image img"), "the picture in the history")
    assert chat.find(".visitor .image img").get_attribute("alt") == "lamp.png"
    assert chat.find(".visitor a.file").text.startswith(note.name)
    shown = "const image = root.querySelector('.visitor .image img'); return image.complete && image.naturalWidth;"
    eventually(lambda: chat.run(shown) == 60, "the picture")
    files = desk.events(connection, "message_received")[0]["content"]["attachments"]
    assert [file["name"] for file in files] == [note.name, "lamp.png"]


def test_a_file_alone_is_shown_without_a_text(visit, desk, connection, tmp_path, browser):
    chat = visit().open()
    note = tmp_path / "note.txt"
    note.write_text("It flickers.")
    chat.attach(note)
    eventually(lambda: chat.all(".chips li") and not chat.all(".chips progress"), "the end of the upload")
    parts = lambda: chat.run(
        "return [...root.querySelectorAll('.bubble')].map((one) => [...one.children].map((part) => part.className));"
    )
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/messages*"]})
    chat.find(".send").click()
    eventually(lambda: chat.all(".visitor .delayed"), "a message that waits")
    assert parts() == [["file"]]
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    chat.find(".visitor .delayed .act").click()
    eventually(lambda: chat.all(".visitor a.file"), "the file in the history")
    desk.answer(connection, None, attachments=[desk.upload("manual.pdf", b"%PDF-1.4 by hand", "application/pdf")])
    eventually(lambda: chat.all(".desk a.file"), "the answer")
    assert parts() == [["file"], ["file"]]
    assert [one["content"].get("text") for one in desk.events(connection, "message_received")] == [None]
    browser.refresh()
    eventually(lambda: chat.all(".desk a.file"), "the history")
    assert parts() == [["file"], ["file"]]


def test_progress_is_shown_and_an_upload_can_be_given_up(visit, desk, connection, tmp_path, browser):
    large = tmp_path / "large.bin"
    large.write_bytes(b"\0" * 3_000_000)
    chat = visit().open()
    browser.execute_cdp_cmd("Network.enable", {})
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 500_000}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
    chat.attach(large)
    share = lambda: float(chat.find(".chips progress").get_attribute("value"))
    eventually(lambda: 0 < share() < 1, "progress")
    chat.say("Too early")
    assert "still being uploaded" in chat.find(".warning").text
    assert chat.texts == []
    chat.find(".chips .act").click()
    assert not chat.all(".chips li")
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    chat.say(" after all")
    chat.await_delivered("Too early after all")


def test_a_broken_upload_can_be_repeated(visit, desk, connection, tmp_path, browser):
    file = tmp_path / "file.txt"
    file.write_text("content")
    chat = visit().open()
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/uploads*"]})
    chat.attach(file)
    eventually(lambda: "was not uploaded" in chat.find(".warning").text, "the failure")
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    eventually(lambda: [one for one in chat.all(".chips .act") if one.text == "Retry"], "a way to repeat")[0].click()
    eventually(lambda: chat.all(".chips li") and not chat.all(".chips progress, .chips .act:not([aria-label])"), "the upload")
    chat.find(".send").click()
    eventually(lambda: chat.all(".visitor a.file"), "the file in the history")


def test_pasted_and_dropped_files_are_taken(visit, desk, connection):
    chat = visit().open()
    give = """
        const data = new DataTransfer();
        data.items.add(new File(["from elsewhere"], arguments[1], { type: "text/plain" }));
        const kind = arguments[0] === "paste" ? ClipboardEvent : DragEvent;
        const key = arguments[0] === "paste" ? "clipboardData" : "dataTransfer";
        const target = root.querySelector(arguments[0] === "paste" ? "textarea" : ".log");
        target.dispatchEvent(new kind(arguments[0], { [key]: data, bubbles: true, cancelable: true, composed: true }));
    """
    chat.run(give, "paste", "pasted.txt")
    chat.run(give, "drop", "dropped.txt")
    eventually(lambda: [one.text for one in chat.all(".chips .name")] == ["pasted.txt", "dropped.txt"], "the files")
    eventually(lambda: not chat.all(".chips progress"), "the end of the uploads")
    chat.find(".send").click()
    eventually(lambda: len(chat.all(".visitor a.file")) == 2, "the files in the history")


def test_an_agents_files_can_be_downloaded(visit, desk, connection):
    chat = visit().open()
    chat.say("The manual, please")
    chat.await_delivered("The manual, please")
    manual = desk.upload("manual.pdf", b"%PDF-1.4 by hand", "application/pdf")
    picture = desk.upload("lamp.png", png(80, 50), "image/png")
    desk.answer(connection, "Here", attachments=[manual, picture])
    link = eventually(lambda: chat.find(".desk a.file"), "the file")
    assert link.text.startswith("manual.pdf, ")
    with urllib.request.urlopen(link.get_attribute("href"), timeout=20) as answer:
        assert answer.read() == b"%PDF-1.4 by hand"
        assert answer.headers["Content-Disposition"].startswith("attachment")
    shown = "const image = root.querySelector('.desk .image img'); return image.complete && image.naturalWidth;"
    eventually(lambda: chat.run(shown) == 80, "the picture")
