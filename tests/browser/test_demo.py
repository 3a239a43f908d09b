"""The shop that a newcomer sees first."""

from chat import Chat
from wait import eventually


def test_the_first_minute(desk, browser):
    browser.get(desk.url)
    assert browser.find_element("tag name", "h1").text == "Lamps for long evenings"
    commands = [one.text for one in browser.find_elements("tag name", "pre")]
    assert all(desk.url in command for command in commands) and len(commands) == 2
    chat = Chat(browser)
    eventually(lambda: chat.launcher.is_displayed(), "the launcher")
    browser.find_element("id", "ask").click()
    eventually(lambda: chat.has(".panel"), "the chat")
    chat.say("Is the Moth still to be had?")
    chat.await_delivered("Is the Moth still to be had?")
    ticket = desk.call("GET", "/tickets?limit=1")["items"][0]
    desk.call("POST", f"/tickets/{ticket['id']}/replies", {"text": "Two of them."})
    chat.await_text("Two of them.")


def test_in_russian(desk, browser):
    browser.get(desk.url)
    browser.find_element("link text", "Русский").click()
    eventually(lambda: browser.find_element("tag name", "h1").text == "Лампы для долгих вечеров", "the Russian page")
    chat = Chat(browser)
    eventually(lambda: chat.launcher.get_attribute("aria-label") == "Открыть чат", "the Russian chat")
