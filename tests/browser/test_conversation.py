"""What visitors and agents say to each other."""

import re

from selenium.webdriver.common.keys import Keys

from wait import eventually, never


def test_a_question_is_answered_and_the_answer_is_read(visit, desk, connection):
    chat = visit().open()
    chat.say("Does the Clerk fit a small desk?")
    chat.await_delivered("Does the Clerk fit a small desk?")
    assert eventually(lambda: desk.received(connection), "the message") == ["Does the Clerk fit a small desk?"]
    desk.answer(connection, "It does.\nShall I keep one?")
    chat.await_text("It does.\nShall I keep one?")
    sent = lambda: desk.events(connection, "replied")[0]["delivery"]
    eventually(lambda: sent() == "read", "the mark that the answer was read")


def test_the_conversation_survives_a_reload(visit, desk, connection, browser):
    chat = visit().open()
    chat.say("I come back")
    chat.await_delivered("I come back")
    desk.answer(connection, "You are welcome")
    chat.await_text("You are welcome")
    chat.write("half a thou")
    browser.refresh()
    # What was open stays open, and what was begun stays in the field.
    eventually(lambda: chat.texts == ["I come back", "You are welcome"], "the history")
    assert chat.field.get_attribute("value") == "half a thou"
    chat.say("ght")
    chat.await_delivered("half a thought")
    assert len(desk.tickets(connection)) == 1


def test_two_tabs_are_in_step(visit, desk, connection, browser):
    first = visit().open()
    first.say("From the first")
    first.await_delivered("From the first")
    left = browser.current_window_handle
    browser.switch_to.new_window("tab")
    right = browser.current_window_handle
    second = visit()
    second.open()
    second.await_text("From the first")
    second.say("From the second")
    second.await_delivered("From the second")
    desk.answer(connection, "To both")
    second.await_text("To both")
    browser.switch_to.window(left)
    everything = ["From the first", "From the second", "To both"]
    eventually(lambda: first.texts == everything, "all in the first tab")
    browser.switch_to.window(right)
    assert second.texts == everything
    # Neither makes the other begin anew.
    begun = "return performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/session')).length;"
    for window in (left, right):
        browser.switch_to.window(window)
        assert browser.execute_script(begun) == 1
    assert eventually(lambda: desk.received(connection), "messages") == everything[:2]


def test_what_is_not_seen_is_counted(visit, desk, connection, browser):
    chat = visit().open()
    chat.say("Hello")
    chat.await_delivered("Hello")
    chat.field.send_keys(Keys.ESCAPE)
    desk.answer(connection, "First")
    desk.answer(connection, "Second")
    eventually(lambda: chat.find(".badge").text == "2", "the mark on the button")
    assert chat.launcher.get_attribute("aria-label") == "Open chat, 2 new messages"
    browser.refresh()
    eventually(lambda: chat.find(".badge").text == "2", "the mark after a reload")
    chat.open()
    chat.await_text("Second")
    chat.field.send_keys(Keys.ESCAPE)
    assert not chat.has(".badge")
    browser.refresh()
    eventually(lambda: chat.launcher.is_displayed(), "the launcher")
    eventually(lambda: chat.run("return root.querySelectorAll('.entry').length") == 3, "the history")
    assert not chat.has(".badge")
    delivered = lambda: [event["delivery"] for event in desk.events(connection, "replied")]
    eventually(lambda: delivered() == ["read", "read"], "the marks at the desk")


def test_who_reads_above_is_not_torn_away(visit, desk, connection):
    chat = visit().open()
    chat.say("\n".join(f"Line {number}" for number in range(60)).replace("\n", Keys.SHIFT + Keys.ENTER + Keys.NULL))
    eventually(lambda: chat.all(".visitor time.state"), "the message in the history")
    chat.run("root.querySelector('.log').scrollTop = 0;")
    place = lambda: chat.run("return root.querySelector('.log').scrollTop;")
    eventually(lambda: place() == 0, "the top")
    desk.answer(connection, "A long story")
    eventually(lambda: chat.has(".below"), "the button to the news")
    assert place() == 0
    assert desk.events(connection, "replied")[0]["delivery"] != "read"
    chat.find(".below").click()
    eventually(lambda: not chat.has(".below"), "the end")
    eventually(lambda: desk.events(connection, "replied")[0]["delivery"] == "read", "the mark at the desk")


def test_both_sides_see_the_other_typing(visit, desk, connection):
    chat = visit().open()
    chat.say("Hello")
    chat.await_delivered("Hello")
    ticket = desk.ticket(connection)
    desk.call("POST", f"/tickets/{ticket}/typing")
    eventually(lambda: "typing" in chat.find(".typing").text, "that the agent is typing")
    desk.answer(connection, "Here I am")
    chat.await_text("Here I am")
    assert chat.find(".typing").text == ""
    typing = lambda: desk.call("GET", f"/tickets/{ticket}/typing")["customer"]
    eventually(lambda: not typing(), "that the customer is not typing any more")
    chat.write("Well")
    eventually(typing, "that the customer is typing")


def test_messages_keep_their_order(visit, desk, connection):
    chat = visit().open()
    texts = [f"Number {number}" for number in range(12)]
    for text in texts:
        chat.say(text)
    eventually(lambda: desk.received(connection) == texts, "all of them, once and in order")
    chat.await_delivered(texts[-1])
    assert chat.texts == texts


def test_a_burst_is_slowed_down_and_not_lost(visit, desk, connection):
    chat = visit().open()
    texts = [f"Number {number}" for number in range(24)]
    for text in texts:
        chat.say(text)
    eventually(lambda: "too fast" in chat.find(".notice").text, "the notice")
    eventually(lambda: desk.received(connection) == texts, "all of them, once and in order", patience=60)
    eventually(lambda: chat.find(".notice").text == "", "the end of the notice")
    assert chat.texts == texts


def test_enter_sends_and_shift_enter_does_not(visit, desk, connection):
    chat = visit().open()
    chat.write("one" + Keys.SHIFT + Keys.ENTER + Keys.NULL + "two")
    assert chat.field.get_attribute("value") == "one\ntwo"
    # An input method uses Enter for itself.
    composing = "root.querySelector('textarea').dispatchEvent(new KeyboardEvent('keydown',"
    chat.run(composing + "{key: 'Enter', isComposing: true, bubbles: true, cancelable: true, composed: true}));")
    assert chat.texts == []
    chat.write(Keys.ENTER)
    chat.await_delivered("one\ntwo")
    chat.write("   " + Keys.ENTER)
    never(lambda: len(chat.texts) > 1, "an empty message was sent", patience=1)


def test_a_text_that_is_too_long_is_kept_and_explained(visit, desk, connection):
    chat = visit().open()
    chat.run(
        "const field = root.querySelector('textarea'); field.value = '😀'.repeat(10001);"
        "field.dispatchEvent(new Event('input', { bubbles: true }));"
    )
    chat.write(Keys.ENTER)
    assert "10001" in chat.find(".warning").text
    assert chat.texts == []
    chat.write(Keys.BACKSPACE)
    assert not chat.has(".warning")
    chat.write(Keys.ENTER)
    chat.await_delivered("😀" * 10000)


HOSTILE = [
    "<img src=x onerror=\"document.title='broken'\">",
    "<script>document.title='broken'</script>",
    "</p></div><style>* { display: none }</style>",
    "javascript:document.title='broken'",
    "&lt;b&gt; ${document.title='broken'} {{7*7}}",
]


def test_texts_stay_texts(visit, desk, connection, browser):
    chat = visit().open()
    for text in HOSTILE:
        chat.say(text)
        chat.await_delivered(text)
        desk.answer(connection, f"{text} back")
        chat.await_text(f"{text} back")
    assert browser.title == "A shop"
    assert not chat.all(".log img, .log script, .log style, .log b, .log a")


def test_addresses_become_links_that_reveal_nothing(visit, desk, connection):
    chat = visit().open()
    chat.say("Hello")
    chat.await_delivered("Hello")
    desk.answer(connection, 'See (https://example.com/a_(b)?c=1&d=2), HTTP://EXAMPLE.ORG/x. "https://[bad" ftp://no')
    links = eventually(lambda: chat.all(".log a"), "links")
    assert [link.text for link in links] == ["https://example.com/a_(b)?c=1&d=2", "HTTP://EXAMPLE.ORG/x"]
    for link in links:
        assert {"noopener", "noreferrer"} <= set(link.get_attribute("rel").split())
        assert link.get_attribute("target") == "_blank"


def test_who_is_away_and_has_no_mail_asks_for_no_address(visit, desk, connection):
    desk.open_always(False)
    chat = visit().open()
    eventually(lambda: chat.find(".presence").text == "We are away. The answer will be here", "where the answer will be")
    assert not chat.has(".address")
    chat.say("When do you open?")
    chat.await_delivered("When do you open?")


def test_who_is_away_asks_where_to_answer(visit, desk, connection, office):
    desk.open_always(False)
    chat = visit().open()
    eventually(lambda: chat.has(".address"), "the question for an address")
    assert chat.find(".presence").text == "We are away and answer later"
    chat.say("When do you open?")
    assert chat.texts == []
    assert chat.focused() == "email"
    chat.find("#email").send_keys("ann@example")
    chat.find("#email").clear()
    chat.find("#email").send_keys("ann@example.org")
    chat.find("#name").send_keys("Ann")
    chat.find(".send").click()
    chat.await_delivered("When do you open?")
    assert not chat.has(".address")
    by_mail = "We are away. The answer goes to your e-mail, too"
    assert chat.find(".presence").text == by_mail
    ticket = desk.call("GET", f"/tickets/{desk.ticket(connection)}")
    contact = desk.call("GET", f"/contacts/{ticket['contact']}")
    assert contact["name"] == "Ann"
    assert re.search(r"ann@example\.org", str(contact))
    # Who has given an address is not asked again.
    chat.browser.refresh()
    eventually(lambda: chat.texts == ["When do you open?"], "the history")
    chat.await_session()
    assert not chat.has(".address")
    eventually(lambda: chat.find(".presence").text == by_mail, "where the answer goes")


def test_who_gives_no_address_can_write_all_the_same(visit, desk, connection, office):
    desk.open_always(False)
    chat = visit().open()
    eventually(lambda: chat.has(".address"), "the question for an address")
    chat.find(".address .act").click()
    chat.say("I look in tomorrow")
    chat.await_delivered("I look in tomorrow")


def test_the_greeting_stands_first(visit, desk, connection):
    desk.call("PATCH", f"/connections/{connection}", {"settings": {"greeting": "Good evening!"}})
    chat = visit().open()
    chat.await_text("Good evening!")
    chat.say("Hello")
    chat.await_delivered("Hello")
    assert chat.texts == ["Good evening!", "Hello"]
