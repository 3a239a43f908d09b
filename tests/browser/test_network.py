"""Networks that break, desks that restart, clocks that are wrong."""

from chat import Chat
from wait import eventually, never

OFFLINE = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


def test_what_is_written_while_the_desk_is_down_arrives_once(visit, desk, connection):
    chat = visit().open()
    chat.say("Before")
    chat.await_delivered("Before")
    desk.kill()
    chat.say("During")
    eventually(lambda: "Not sent yet" in chat.find(".state.delayed").text, "the state of the message")
    eventually(lambda: "No connection" in chat.find(".notice").text, "the notice")
    desk.start()
    chat.await_delivered("During")
    eventually(lambda: not chat.has(".notice"), "the end of the notice")
    assert eventually(lambda: desk.received(connection), "messages") == ["Before", "During"]
    desk.answer(connection, "Afterwards")
    chat.await_text("Afterwards")
    assert chat.texts == ["Before", "During", "Afterwards"]


def test_a_message_whose_answer_is_lost_is_not_doubled(visit, desk, connection, wire):
    chat = visit(desk=wire.url).open()
    chat.say("Before")
    chat.await_delivered("Before")
    wire.lose_answer_to(f"POST /webchat/{connection}/messages")
    chat.say("In the middle")
    assert wire.swallowed.wait(20)
    chat.await_delivered("In the middle")
    chat.say("After")
    chat.await_delivered("After")
    assert chat.texts == ["Before", "In the middle", "After"]
    assert eventually(lambda: desk.received(connection), "messages") == ["Before", "In the middle", "After"]


def test_an_answer_that_comes_while_the_visitor_is_offline_is_caught_up(visit, desk, connection, browser):
    chat = visit().open()
    chat.say("Hello")
    chat.await_delivered("Hello")
    browser.execute_cdp_cmd("Network.enable", {})
    for offline in (True, False, True):
        browser.execute_cdp_cmd("Network.emulateNetworkConditions", OFFLINE | {"offline": offline})
        eventually(lambda offline=offline: chat.has(".notice") == offline, "the notice, or its end")
    assert "No connection" in chat.find(".notice").text
    chat.say("Are you there?")
    for text in ["One", "Two"]:
        desk.answer(connection, text)
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", OFFLINE | {"offline": False})
    chat.await_text("Two")
    chat.await_delivered("Are you there?")
    assert sorted(chat.texts) == ["Are you there?", "Hello", "One", "Two"]
    assert chat.texts.index("One") < chat.texts.index("Two")
    eventually(lambda: not chat.has(".notice"), "the end of the notice")


def test_a_broken_connection_is_made_anew(visit, desk, connection, wire):
    chat = visit(desk=wire.url).open()
    chat.say("Hello")
    chat.await_delivered("Hello")
    for number in range(3):
        wire.cut()
        desk.answer(connection, f"Answer {number}")
        chat.await_text(f"Answer {number}")
    assert chat.texts == ["Hello", "Answer 0", "Answer 1", "Answer 2"]


def test_what_was_not_sent_survives_the_page(visit, desk, connection, browser):
    chat = visit().open()
    chat.say("Before")
    chat.await_delivered("Before")
    desk.kill()
    chat.say("Kept")
    eventually(lambda: chat.has(".state.delayed"), "the state of the message")
    browser.get("about:blank")
    desk.start()
    chat = visit()
    eventually(lambda: desk.received(connection) == ["Before", "Kept"], "the message at the desk")
    eventually(lambda: chat.texts == ["Before", "Kept"], "the history")
    eventually(lambda: not [name for name in chat.stored() if ":out:" in name], "an empty outbox")


def test_what_a_closed_tab_left_is_sent_by_another(visit, desk, connection, browser):
    chat = visit().open()
    chat.say("Before")
    chat.await_delivered("Before")
    left = browser.current_window_handle
    browser.switch_to.new_window("tab")
    other = visit()
    other.open()
    other.await_text("Before")
    desk.kill()
    other.say("Left behind")
    eventually(lambda: other.has(".state.delayed"), "the state of the message")
    browser.close()
    browser.switch_to.window(left)
    chat.await_text("Left behind")
    desk.start()
    chat.await_delivered("Left behind")
    assert desk.received(connection) == ["Before", "Left behind"]


def test_what_the_desk_refuses_can_be_sent_again_or_given_up(visit, desk, connection, browser):
    chat = visit().open()
    refuse = """
        const right = window.fetch;
        window.fetch = (url, options) => {
          if (!window.refusing || options.method !== "POST" || !String(url).endsWith("/messages")) return right(url, options);
          return Promise.resolve(new Response('{"code": "invalid"}', { status: 422 }));
        };
        window.refusing = true;
    """
    browser.execute_script(refuse)
    chat.say("First")
    chat.say("Second")
    eventually(lambda: len(chat.all(".state.failed")) == 2, "both as not sent")
    browser.execute_script("window.refusing = false;")
    retry, discard = [button.text for button in chat.all(".state.failed")[0].find_elements("css selector", "button")]
    assert (retry, discard) == ("Retry", "Delete")
    chat.all(".state.failed button")[0].click()
    chat.await_delivered("First")
    eventually(lambda: chat.all(".state.failed button"), "the second")[1].click()
    eventually(lambda: chat.texts == ["First"], "only the first")
    assert desk.received(connection) == ["First"]


def test_a_token_that_ran_out_is_renewed(visit, desk, connection, browser):
    chat = visit().open()
    chat.say("Before")
    chat.await_delivered("Before")
    expired = """
        const right = window.fetch;
        window.fetch = (url, options) => {
          if (window.renewed ||= String(url).endsWith("/session")) return right(url, options);
          return Promise.resolve(new Response('{"code": "invalid_token"}', { status: 401 }));
        };
    """
    browser.execute_script(expired)
    chat.say("After")
    chat.await_delivered("After")
    assert chat.texts == ["Before", "After"]
    assert len(desk.tickets(connection)) == 1


def test_without_a_websocket_the_desk_is_asked(visit, desk, connection, browser):
    browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {"source": "window.WebSocket = class { constructor() { throw new Error('forbidden'); } static OPEN = 1; };"},
    )
    chat = visit().open()
    chat.say("Hello")
    chat.await_delivered("Hello")
    desk.answer(connection, "By asking")
    chat.await_text("By asking")


def test_without_storage_the_chat_works_as_long_as_the_page(visit, desk, connection, browser):
    blocked = "for (const name of ['localStorage', 'sessionStorage'])"
    blocked += " Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });"
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": blocked})
    chat = visit().open()
    assert "keeps nothing" in chat.find(".notice").text
    chat.say("Hello")
    chat.await_delivered("Hello")
    desk.answer(connection, "Good evening")
    chat.await_text("Good evening")


CLOCK = """
    const Right = Date;
    const wrong = %d;
    window.Date = class Date extends Right {
      constructor(...given) { given.length ? super(...given) : super(Right.now() + wrong); }
      static now() { return Right.now() + wrong; }
    };
"""


def test_a_wrong_clock_does_no_harm(visit, desk, connection, browser):
    chat = visit().open()
    chat.say("With a right clock")
    chat.await_delivered("With a right clock")
    right = chat.run("return [...root.querySelectorAll('.day')].map((one) => one.textContent);")
    for number, years in enumerate([-6, 6]):
        source = {"source": CLOCK % (years * 365 * 86_400_000)}
        made = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
        browser.refresh()
        chat.await_text("With a right clock")
        chat.say(f"With a wrong clock {number}")
        chat.await_delivered(f"With a wrong clock {number}")
        desk.answer(connection, f"Never mind {number}")
        chat.await_text(f"Never mind {number}")
        assert chat.run("return [...root.querySelectorAll('.day')].map((one) => one.textContent);") == right
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", made)
    wanted = ["With a right clock", "With a wrong clock 0", "Never mind 0", "With a wrong clock 1", "Never mind 1"]
    assert chat.texts == wanted


def test_a_page_that_the_owner_did_not_allow_gets_no_chat(desk, shop, browser):
    other = desk.connection(allowed_origins=["https://shop.example"])
    browser.get(shop.page(desk.url, other))
    chat = Chat(browser)
    chat.launcher.click()
    # The desk's refusal is not for the page to read, so that it looks like a desk that is down.
    eventually(lambda: "No connection" in chat.find(".notice").text, "the notice")
    chat.say("Hello")
    never(lambda: not chat.has(".state.delayed") or desk.tickets(other), "something got through")
    assert not [name for name in chat.stored() if name.endswith(":visitor")]
