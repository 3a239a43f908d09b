"""The shop that a newcomer sees first."""

import json
import os
import subprocess

from chat import Chat
from desk import TOKEN
from wait import eventually


def shell(command):
    """What a command of the page answers a newcomer in the terminal."""
    environment = {"PATH": os.environ["PATH"], "LAMBDESK_API_TOKEN": TOKEN}
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, timeout=60, check=True)
    return json.loads(done.stdout)


def test_the_first_minute(new_desk, browser):
    browser.get(new_desk.url)
    assert browser.find_element("tag name", "h1").text == "Lamps for long evenings"
    commands = [one.text for one in browser.find_elements("tag name", "pre")]
    assert len(commands) == 2
    chat = Chat(browser)
    eventually(lambda: chat.launcher.is_displayed(), "the launcher")
    browser.find_element("id", "ask").click()
    eventually(lambda: chat.has(".panel"), "the chat")
    chat.say("Is the Moth still to be had?")
    chat.await_delivered("Is the Moth still to be had?")
    see, answer = (shell(command) for command in commands)
    assert see["items"][0]["subject"] == "Is the Moth still to be had?"
    assert answer["delivery"] == "queued", answer
    chat.await_text("Good evening! How can we help?")


def test_in_russian(desk, browser):
    browser.get(desk.url)
    browser.find_element("link text", "Русский").click()
    eventually(lambda: browser.find_element("tag name", "h1").text == "Лампы для долгих вечеров", "the Russian page")
    chat = Chat(browser)
    eventually(lambda: chat.launcher.get_attribute("aria-label") == "Открыть чат", "the Russian chat")
