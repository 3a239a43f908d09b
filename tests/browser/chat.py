"""The chat as a visitor sees it."""

import base64
import json
import re

from selenium.common.exceptions import NoSuchElementException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from wait import eventually


class Chat:
    """The widget on the page that a browser's present window shows."""

    def __init__(self, browser):
        self.browser = browser

    @property
    def root(self):
        return eventually(
            lambda: self.browser.find_element(By.CSS_SELECTOR, "lambdesk-chat").shadow_root, "the widget"
        )

    def find(self, selector):
        return self.root.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.root.find_elements(By.CSS_SELECTOR, selector)

    def has(self, selector):
        try:
            return self.find(selector).is_displayed()
        except NoSuchElementException:
            return False

    def run(self, script, *arguments):
        """Runs a script of a function body with `root`, the shadow root."""
        begin = "const root = document.querySelector('lambdesk-chat').shadowRoot;"
        return self.browser.execute_script(begin + script, *arguments)

    @property
    def launcher(self):
        return self.find(".launcher")

    @property
    def field(self):
        return self.find("textarea")

    def open(self):
        eventually(lambda: self.launcher.is_displayed(), "the launcher")
        self.launcher.click()
        self.await_session()
        return self

    def await_session(self):
        eventually(lambda: self.find("h2").text == "Kaamos", "the desk's title")

    def write(self, text):
        # Some drivers have no keys for emoji: those come as if from the system's palette.
        for part in re.split("([\U00010000-\U0010ffff]+)", text):
            if part > "\uffff":
                self.browser.execute_cdp_cmd("Input.insertText", {"text": part})
            elif part:
                self.field.send_keys(part)

    def say(self, text):
        """Writes a message, and sends it with the Enter key."""
        self.write(text + Keys.ENTER)

    @property
    def texts(self):
        """What stands in the bubbles."""
        return self.run("return [...root.querySelectorAll('.bubble')].map((one) => one.innerText.trim());")

    @property
    def entries(self):
        """Who said what, and the line below it."""
        return self.run(
            "return [...root.querySelectorAll('.entry')].map((one) => [one.classList[1],"
            "one.querySelector('.bubble').innerText.trim(), one.querySelector('.state')?.innerText ?? '']);"
        )

    def await_text(self, text):
        return eventually(lambda: text in self.texts, f"{text!r} in the chat")

    def await_delivered(self, text):
        """Until the history has it: it carries the desk's time."""
        look = "return [...root.querySelectorAll('.entry.visitor')].some((one) =>"
        look += "one.querySelector('.bubble').innerText.trim() === arguments[0] && one.querySelector('time.state'));"
        return eventually(lambda: self.run(look, text), f"{text!r} in the history")

    def attach(self, *paths):
        picker = self.find(".picker")
        picker.send_keys("\n".join(map(str, paths)))

    def focused(self):
        """The class and name of what has the focus in the widget."""
        return self.run("return root.activeElement?.className || root.activeElement?.id || '';")

    def picture(self, path, width, height, dark=False):
        """Takes a screenshot of a window of this size."""
        self.resize(width, height, dark)
        shot = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(base64.b64decode(shot["data"]))

    def resize(self, width, height, dark=False):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        look = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": look})

    def stored(self):
        """What the browser keeps for the widget."""
        return json.loads(self.browser.execute_script("return JSON.stringify({...sessionStorage, ...localStorage});"))
