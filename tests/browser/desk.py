"""A desk in a process of its own, and its REST API as an agent's program uses it."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

from child import end_with_parent, free_port
from wait import eventually

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "ldk_browser-tests"
KEY = "a key of the shop's server, long enough"


def binary():
    """The desk's program, as `cargo build` leaves it."""
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "debug" / "lambdesk"


class Desk:
    """A running desk. It can be killed and started anew on the same port with the same data."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LAMBDESK_")}
        environment |= {"LAMBDESK_API_TOKEN": TOKEN, "RUST_LOG": "warn"}
        command = [binary(), "--listen", f"127.0.0.1:{self.port}", "--data", self.folder / "data"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*map(str, command), "--tick-seconds", "1"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=end_with_parent,
            )
        eventually(self.is_up, f"a desk (see {self.folder / 'log'})")

    def is_up(self):
        if self.process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text(errors="replace")[-4000:])
        with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
            return answer.status == 200

    def kill(self):
        """Ends it in the middle of whatever it does."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    # --- The REST API

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None
        return json.loads(text) if text else None

    def connection(self, **settings):
        """The id of a new chat."""
        settings = {"jwt_keys": [{"kid": "shop", "alg": "HS256", "key": KEY}], "title": "Kaamos"} | settings
        made = self.call("POST", "/connections", {"channel": "webchat", "name": "Shop", "settings": settings})
        return made["id"]

    def open_always(self, always=True):
        """Opens the desk round the clock, or never."""
        calendar = self.call("GET", "/calendars")["items"][0]
        days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        week = {day: [{"start": "00:00", "end": "24:00"}] if always else [] for day in days}
        self.call("PUT", f"/calendars/{calendar['id']}", {"name": "Hours", "time_zone": "UTC", "week": week})

    def tickets(self, connection):
        """The tickets of a chat, oldest first."""
        items = self.call("GET", "/tickets?channel=webchat&limit=100")["items"]
        return sorted((one for one in items if one["connection"] == connection), key=lambda one: one["number"])

    def ticket(self, connection):
        """The latest ticket of a chat, when it has come."""
        return eventually(lambda: self.tickets(connection), "a ticket")[-1]["id"]

    def events(self, connection, kind):
        """What happened on a chat, of one kind, in the desk's order."""
        tickets = [ticket["id"] for ticket in self.tickets(connection)]
        events = [event for one in tickets for event in self.call("GET", f"/tickets/{one}/events?limit=100")["items"]]
        return [event for event in events if event["kind"] == kind]

    def received(self, connection):
        """The texts that came by a chat."""
        return [event["content"]["text"] for event in self.events(connection, "message_received")]

    def answer(self, connection, text, **more):
        """An agent's reply on the latest ticket."""
        return self.call("POST", f"/tickets/{self.ticket(connection)}/replies", {"text": text, **more})

    def upload(self, name, content, content_type):
        """The id of a file for a reply."""
        announced = {"name": name, "size": len(content), "content_type": content_type}
        made = self.call("POST", "/attachments", announced)
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in made["upload"]["fields"].items()
        ]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'.encode()
        body = b"".join(parts) + head + content + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        url = urllib.parse.urljoin(self.url, made["upload"]["url"])
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
            assert answer.status < 300
        return made["id"]


def identity(connection, customer, key=KEY, **claims):
    """What the shop's server says of a customer who is signed in: a JWT (RFC 7519)."""
    now = int(time.time())
    claims = {"sub": customer, "aud": connection, "iat": now, "exp": now + 600, "jti": uuid.uuid4().hex} | claims
    parts = [{"alg": "HS256", "typ": "JWT", "kid": "shop"}, claims]
    signed = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{encoded(hmac.digest(key.encode(), signed.encode(), hashlib.sha256))}"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
