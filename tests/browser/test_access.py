"""Keyboards, screen readers, languages, small screens, and pages that do not mean well."""

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from wait import eventually


def test_everything_can_be_done_with_the_keyboard(visit, desk, connection, browser):
    chat = visit()
    eventually(lambda: chat.launcher.is_displayed(), "the launcher")
    press = lambda *keys: ActionChains(browser).send_keys(*keys).perform()
    press(Keys.TAB)
    for _ in range(3):
        if chat.focused() == "launcher":
            break
        press(Keys.TAB)
    assert chat.focused() == "launcher"
    press(Keys.ENTER)
    chat.await_session()
    assert chat.focused() == "text"
    press("By keyboard", Keys.ENTER)
    chat.await_delivered("By keyboard")
    desk.answer(connection, "Well done")
    chat.await_text("Well done")
    order = []
    for _ in range(3):
        ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
        order.append(chat.focused())
    assert order == ["round attach", "log", "round close"]
    press(Keys.TAB, Keys.TAB, Keys.TAB)
    assert chat.focused() == "text"
    press(Keys.TAB)
    assert chat.focused() == "round send"
    outline = "return getComputedStyle(root.activeElement).outlineStyle;"
    assert chat.run(outline) == "solid"
    press(Keys.ESCAPE)
    assert not chat.has(".panel")
    assert chat.focused() == "launcher"


def test_everything_has_a_name_and_a_role(visit, desk, connection, browser):
    chat = visit().open()
    chat.say("Hello")
    chat.await_delivered("Hello")
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    found = [
        (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
    ]
    for role, name in found:
        assert name or role not in ("button", "textbox", "dialog", "log", "link", "img"), (role, found)
    for wanted in [("dialog", "Kaamos"), ("log", "Messages"), ("textbox", "Write a message"), ("button", "Send")]:
        assert wanted in found
    assert ("button", "Close chat") in found and ("button", "Attach files") in found


CONTRAST = """
    const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const ground = (one) => {
      for (; one; one = one.parentElement) {
        const found = numbers(getComputedStyle(one).backgroundColor);
        if (found.length === 3 || found[3] > 0) return found;
      }
      return [255, 255, 255];
    };
    const all = [...root.querySelectorAll('.panel *')].filter((one) =>
      one.getClientRects().length && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
    return all.map((one) => {
      const [a, b] = [light(numbers(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
      return [one.className || one.tagName, (a + 0.05) / (b + 0.05)];
    });
"""


@pytest.mark.parametrize("dark", [False, True])
def test_texts_can_be_read(visit, desk, connection, dark):
    chat = visit(head='<meta name="color-scheme" content="light dark">')
    chat.resize(1200, 900, dark)
    chat.open()
    chat.say("See https://example.com")
    chat.await_delivered("See https://example.com")
    desk.answer(connection, "Good evening")
    chat.await_text("Good evening")
    ratios = chat.run(CONTRAST)
    assert len(ratios) > 6
    assert not [found for found in ratios if found[1] < 4.5]


def test_nothing_moves_for_those_who_asked_for_that(visit, desk, connection, browser):
    chat = visit()
    for wish, moves in [("reduce", False), ("no-preference", True)]:
        media = {"features": [{"name": "prefers-reduced-motion", "value": wish}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        chat.open()
        name = "return getComputedStyle(root.querySelector('.panel')).animationName;"
        assert (chat.run(name) != "none") == moves
        chat.field.send_keys(Keys.ESCAPE)


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ({"language": "ru"}, "Открыть чат"),
        ({"language": "ru-RU"}, "Открыть чат"),
        ({"language": "en", "attributes": 'data-language="ru"'}, "Открыть чат"),
        ({"language": "ru", "attributes": 'data-language="en"'}, "Open chat"),
        ({"language": "fr"}, "Open chat"),
    ],
)
def test_the_chat_speaks_the_pages_language(visit, page, wanted):
    chat = visit(**page)
    eventually(lambda: chat.launcher.get_attribute("aria-label") == wanted, wanted)


def test_a_conversation_in_russian(visit, desk, connection):
    chat = visit(language="ru").open()
    assert chat.find(".presence").text == "Мы на связи"
    chat.say("Здравствуйте! Лампа мигает 😟")
    chat.await_delivered("Здравствуйте! Лампа мигает 😟")
    assert desk.received(connection) == ["Здравствуйте! Лампа мигает 😟"]
    desk.answer(connection, "Сейчас посмотрим")
    chat.await_text("Сейчас посмотрим")


def test_on_a_phone_the_chat_takes_the_screen(visit, desk, connection, browser):
    chat = visit()
    chat.resize(390, 780)
    chat.open()
    box = "const box = root.querySelector('.panel').getBoundingClientRect(); return [box.x, box.y, box.width, box.height];"
    assert chat.run(box) == [0, 0, 390, 780]
    assert chat.find(".panel").get_attribute("aria-modal") == "true"
    size = "return parseFloat(getComputedStyle(root.querySelector('textarea')).fontSize);"
    assert chat.run(size) >= 16
    for _ in range(8):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        assert chat.focused() != ""
    chat.say("From the bus")
    chat.await_delivered("From the bus")
    # The keyboard takes the lower half.
    chat.resize(390, 400)
    eventually(lambda: chat.run(box) == [0, 0, 390, 400], "a dialog as high as what is left")
    chat.find(".close").click()
    assert chat.launcher.is_displayed()


# How much room scrollbars take of the page and of the chat, where they take any.
SCROLLBARS = """
    const bars = [...root.querySelectorAll('.panel, .panel *')].map((one) => {
      const { borderLeftWidth, borderRightWidth } = getComputedStyle(one);
      const inner = one.offsetWidth - parseFloat(borderLeftWidth) - parseFloat(borderRightWidth);
      return [one.className || one.localName, one.clientWidth ? inner - one.clientWidth : 0];
    });
    bars.push(["page", innerWidth - document.documentElement.clientWidth]);
    return bars.filter(([, width]) => width > 0.5);
"""


def test_a_narrow_window_has_no_needless_scrollbar(visit, desk, connection, browser):
    chat = visit(head="<style>body { height: 3000px }</style>")
    # Not as a phone, whose scrollbars take no room.
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_script("scrollTo(0, 500);")
    eventually(lambda: chat.launcher.is_displayed(), "the launcher")
    assert [name for name, _ in chat.run(SCROLLBARS)] == ["page"], "the page is long"
    chat.open()
    assert chat.run(SCROLLBARS) == []
    chat.say("Hello")
    chat.await_delivered("Hello")
    chat.write("A text\nof two lines".replace("\n", Keys.SHIFT + Keys.ENTER + Keys.NULL))
    assert chat.run(SCROLLBARS) == []
    # A window that becomes wide has its page back, and so has one whose chat is closed.
    chat.resize(1200, 844)
    eventually(lambda: [name for name, _ in chat.run(SCROLLBARS)] == ["page"], "the page's scrollbar")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    eventually(lambda: chat.run(SCROLLBARS) == [], "the chat alone")
    chat.find(".close").click()
    assert [name for name, _ in chat.run(SCROLLBARS)] == ["page"]
    assert browser.execute_script("return [scrollY, document.documentElement.style.overflow];") == [500, ""]


HOSTILE = """<style>
  html { font-size: 60px !important; line-height: 4 !important; }
  html, body, p, div, h2, button, textarea, section, ul, ol, li, svg, lambdesk-chat {
    color: red !important; background: yellow !important; font: 60px serif !important; opacity: 0.1;
    letter-spacing: 1em !important; text-transform: uppercase !important; box-sizing: content-box !important;
    display: inline-block !important; position: static !important; width: 999px !important; padding: 50px !important;
    transform: rotate(30deg) !important; visibility: hidden !important; pointer-events: none !important;
    direction: rtl !important; filter: blur(9px) !important; z-index: -1 !important;
  }
</style>"""

LOOK = """
    return [...root.querySelectorAll('.panel, h2, .log, textarea, .send, .text')].map((one) => {
      const { color, backgroundColor, fontSize, letterSpacing, textTransform, visibility } = getComputedStyle(one);
      return [one.className, one.offsetWidth, color, backgroundColor, fontSize, letterSpacing, textTransform, visibility];
    });
"""


def test_the_pages_style_does_not_reach_the_chat(visit, desk, connection):
    looks = []
    for head in ["", HOSTILE]:
        chat = visit(head=head).open() if not looks else visit(head=head)
        if not looks:
            chat.say("Hello")
        chat.await_text("Hello")
        chat.await_delivered("Hello")
        # While it rises, it is transparent at first.
        eventually(lambda: chat.find(".panel").is_displayed(), "the dialog")
        looks.append(chat.run(LOOK))
        corner = "const { right, bottom } = root.querySelector('.panel').getBoundingClientRect();"
        corner += "return [document.documentElement.clientWidth - right, innerHeight - bottom];"
        if head == "":
            assert chat.run(corner) == [20, 20]
    assert looks[0] == looks[1]


def test_the_chats_style_does_not_reach_the_page(visit, browser):
    heading = "return JSON.stringify([...getComputedStyle(document.querySelector('h1'))].map((name) =>"
    heading += "getComputedStyle(document.querySelector('h1')).getPropertyValue(name)));"
    chat = visit(attributes='type="text/plain"')
    without = browser.execute_script(heading)
    chat = visit()
    chat.open()
    assert browser.execute_script(heading) == without


def test_a_strict_policy_of_the_page_is_respected(visit, desk, connection, browser):
    desk_socket = desk.url.replace("http", "ws")
    policy = f"default-src 'none'; script-src {desk.url}; connect-src {desk.url} {desk_socket}; img-src {desk.url}; "
    policy += "require-trusted-types-for 'script'; trusted-types 'none'"
    chat = visit(headers={"Content-Security-Policy": policy}).open()
    chat.say("Hello")
    chat.await_delivered("Hello")
    desk.answer(connection, "Good evening")
    chat.await_text("Good evening")
    assert chat.run("return getComputedStyle(root.querySelector('.panel')).position;") == "fixed"
    said = [entry["message"] for entry in browser.get_log("browser")]
    assert not [line for line in said if "Content Security" in line or "TrustedHTML" in line]


def test_what_is_typed_is_no_shortcut_of_the_page(visit, desk, connection, browser):
    chat = visit().open()
    browser.execute_script("window.keys = []; document.addEventListener('keydown', ({ key }) => window.keys.push(key));")
    chat.say("s?")
    chat.await_delivered("s?")
    assert browser.execute_script("return window.keys;") == []
