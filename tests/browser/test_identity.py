"""Customers who are signed in at the shop."""

from chat import Chat
from desk import identity
from wait import eventually

IDENTIFY = """
    const done = arguments[1];
    window.lambdesk.identify(arguments[0]).then((who) => done([true, who]), (problem) => done([false, problem.code]));
"""


def identify(browser, token):
    eventually(lambda: browser.execute_script("return Boolean(window.lambdesk);"), "the widget")
    return browser.execute_async_script(IDENTIFY, token)


def contact(desk, connection):
    ticket = desk.call("GET", f"/tickets/{desk.ticket(connection)}")
    return desk.call("GET", f"/contacts/{ticket['contact']}")


def test_a_customer_is_known_on_every_device(visit, desk, connection, browser, new_browser):
    chat = visit()
    told, who = identify(browser, identity(connection, "customer-7", name="Ann Lee"))
    assert told and who["name"] == "Ann Lee"
    chat.open()
    chat.say("From the desk")
    chat.await_delivered("From the desk")
    assert contact(desk, connection)["name"] == "Ann Lee"
    elsewhere = new_browser()
    elsewhere.get(browser.current_url)
    told, again = identify(elsewhere, identity(connection, "customer-7", name="Ann Lee"))
    assert told and again["visitor"] == who["visitor"]
    other = Chat(elsewhere).open()
    other.await_text("From the desk")
    other.say("From the sofa")
    chat.await_text("From the sofa")
    assert len(desk.tickets(connection)) == 1


def test_who_signs_in_keeps_the_conversation(visit, desk, connection, browser):
    chat = visit().open()
    chat.say("Who am I?")
    chat.await_delivered("Who am I?")
    told, _ = identify(browser, identity(connection, "customer-8", name="Bob"))
    assert told
    chat.await_text("Who am I?")
    chat.say("I am Bob")
    chat.await_delivered("I am Bob")
    assert chat.texts == ["Who am I?", "I am Bob"]
    assert len(desk.tickets(connection)) == 1


def test_what_the_shop_did_not_sign_is_not_believed(visit, desk, connection, browser):
    chat = visit()
    for token in [
        identity(connection, "customer-9", key="somebody else's key, just as long"),
        identity("con_01ARZ3NDEKTSV4RRFFQ69G5FAV", "customer-9"),
        identity(connection, "customer-9", exp=1),
        "nonsense",
    ]:
        assert identify(browser, token) == [False, "invalid_identity"]
    # The chat goes on without.
    chat.open()
    chat.say("Hello")
    chat.await_delivered("Hello")


def test_what_one_customer_did_not_send_is_not_sent_as_the_next(visit, desk, connection, browser):
    chat = visit()
    assert identify(browser, identity(connection, "customer-11"))[0]
    chat.open()
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/messages*"]})
    chat.say("From the first")
    eventually(lambda: chat.has(".state.delayed"), "the state of the message")
    assert identify(browser, identity(connection, "customer-12"))[0]
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    chat.say("From the second")
    chat.await_delivered("From the second")
    assert chat.texts == ["From the second"]
    assert desk.received(connection) == ["From the second"]


def test_a_forged_token_leads_to_nobodys_conversation(visit, desk, connection, browser):
    chat = visit().open()
    chat.say("Mine alone")
    chat.await_delivered("Mine alone")
    forge = """
        const name = Object.keys(localStorage).find((name) => name.endsWith(":visitor"));
        const kept = JSON.parse(localStorage[name]);
        const turned = kept.token.endsWith("A") ? "B" : "A";
        localStorage[name] = JSON.stringify({ ...kept, token: kept.token.slice(0, -1) + turned });
    """
    browser.execute_script(forge)
    browser.refresh()
    chat.await_session()
    chat.say("Somebody else")
    chat.await_delivered("Somebody else")
    assert chat.texts == ["Somebody else"]
    assert len(desk.tickets(connection)) == 2


def test_after_logout_nothing_is_left(visit, desk, connection, browser):
    chat = visit()
    told, who = identify(browser, identity(connection, "customer-10", name="Cleo"))
    assert told
    chat.open()
    chat.say("My secret")
    chat.await_delivered("My secret")
    chat.write("a draft")
    browser.execute_script("window.lambdesk.logout();")
    assert not [name for name in chat.stored() if name.startswith("lambdesk:")]
    chat.open()
    assert chat.texts == [] and chat.field.get_attribute("value") == ""
    chat.say("Somebody else")
    chat.await_delivered("Somebody else")
    assert chat.texts == ["Somebody else"]
    assert len(desk.tickets(connection)) == 2
