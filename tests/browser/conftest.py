"""What the tests need: a desk, a shop and browsers, each on the loopback interface and ended with the tests."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from selenium import webdriver

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from chat import Chat
from desk import Desk
from shop import Shop, Wire


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.start()
    yield desk
    desk.stop()


@pytest.fixture
def desk(running):
    """The desk, up and open whatever a test before did to it."""
    if running.process.poll() is not None:
        running.start()
    running.open_always()
    return running


@pytest.fixture
def new_desk(tmp_path):
    """A desk on which nothing has happened yet."""
    desk = Desk(tmp_path)
    desk.start()
    yield desk
    desk.stop()


@pytest.fixture(scope="session")
def shop():
    shop = Shop()
    yield shop
    shop.close()


@pytest.fixture
def connection(desk, shop):
    """A chat of its own for each test, which the shop's pages may show."""
    return desk.connection(allowed_origins=[shop.origin])


@pytest.fixture
def office(desk):
    """An address of the firm, by which the desk can mail."""
    settings = {"address": "support@shop.example"}
    made = desk.call("POST", "/connections", {"channel": "email", "name": "Support", "settings": settings})
    yield made["id"]
    desk.call("DELETE", f"/connections/{made['id']}")


@pytest.fixture
def wire(desk):
    wire = Wire(desk.port)
    yield wire
    wire.close()


@pytest.fixture
def new_browser(tmp_path):
    """Makes browsers, each with a visitor's own storage."""
    made = []

    def make(*arguments):
        options = webdriver.ChromeOptions()
        options.binary_location = os.environ.get("CHROMIUM") or shutil.which("chromium")
        folder = tmp_path / f"browser-{len(made)}"
        fixed = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1200,900"]
        for argument in (*fixed, f"--user-data-dir={folder}", *arguments):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "downloads")})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver"))
        browser = webdriver.Chrome(options=options, service=service)
        made.append(browser)
        return browser

    yield make
    for browser in made:
        browser.quit()


@pytest.fixture
def browser(new_browser):
    return new_browser()


@pytest.fixture
def visit(browser, desk, shop, connection):
    """Opens the shop in the browser and returns its chat."""

    def visit(**page):
        browser.get(shop.page(page.pop("desk", desk.url), connection, **page))
        return Chat(browser)

    return visit
