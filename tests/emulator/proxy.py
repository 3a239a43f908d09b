"""Stands between the functions and the emulator: records what they ask for, and is as faulty as it is told to be.

Requests and answers pass byte for byte, because requests are signed. A request may be dropped unseen, applied with its
answer lost, applied twice, delayed, or throttled. `POST /_proxy` with `{"rate": 0.05, "seed": 1}` sets how many, from
the next request on; `GET /_proxy` tells how many there were.
"""

import asyncio
import json
import socket
import struct
import threading
from dataclasses import asdict

from calls import Request, calls
from faults import Faults, answer, throttled

CONTROL = "/_proxy"
MAX_HEAD = 256 * 1024  # bytes


class Proxy:
    """A running proxy, on loopback, in a thread of its own. Use it as a context."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.faults = Faults()
        # How often each call was made.
        self.calls = {}
        self.connections = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="proxy", daemon=True)

    def __enter__(self):
        self.thread.start()
        self.server = self.wait(asyncio.start_server(self.serve, "127.0.0.1", 0, limit=MAX_HEAD))
        self.endpoint = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_):
        self.wait(self.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def wait(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def close(self):
        self.server.close()
        for connection in self.connections:
            connection.cancel()
        await asyncio.gather(*self.connections, return_exceptions=True)

    def recorded(self):
        """The calls that were made, each once, with how often."""
        return [{**asdict(call), "times": times} for call, times in sorted(self.calls.items())]

    async def serve(self, reader, writer):
        connection = asyncio.current_task()
        self.connections.add(connection)
        try:
            while message := await read_message(reader):
                if not await self.handle(message, writer):
                    break
        except (OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
            # Whoever asked is gone, or ends with us.
            pass
        finally:
            self.connections.discard(connection)
            writer.close()

    async def handle(self, message, writer):
        """Answers one request. False when the connection is of no use any more."""
        head, raw, body = message
        method, target, _ = head.first.split(" ", 2)
        request = Request(method, target, head.headers, body)
        if target == CONTROL:
            writer.write(self.control(request))
            await writer.drain()
            return True
        for call in calls(request):
            self.calls[call] = self.calls.get(call, 0) + 1
        kind = self.faults.next(request.service)
        if kind == "drop":
            reset(writer)
            return False
        if kind == "throttle":
            writer.write(throttled(request))
            await writer.drain()
            return True
        if kind == "delay":
            await asyncio.sleep(self.faults.delay())
        answered = await self.exchange(method, raw)
        if kind == "repeat":
            answered = await self.exchange(method, raw)
        if kind == "lose_answer":
            reset(writer)
            return False
        writer.write(answered.raw)
        await writer.drain()
        return not (answered.last or head.headers.get("connection", "").lower() == "close")

    async def exchange(self, method, raw):
        """Has the emulator answer, on a connection of its own: one that is kept may end under a request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target_port, limit=MAX_HEAD)
        try:
            writer.write(raw)
            await writer.drain()
            return await read_answer(reader, method)
        finally:
            writer.close()

    def control(self, request):
        if request.method == "POST":
            self.faults = Faults(**json.loads(request.body))
        return answer(200, "OK", "application/json", json.dumps(self.faults.report()))


class Head:
    """The lines before a body."""

    def __init__(self, raw):
        self.raw = raw
        self.first, *lines = raw.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}


class Answer:
    """An answer, and whether nothing can follow it on its connection."""

    def __init__(self, raw, last):
        self.raw, self.last = raw, last


async def read_message(reader):
    """The next request: its head, all its bytes, and its body; nothing at the end of the connection."""
    try:
        head = Head(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.IncompleteReadError:
        return None
    raw, body = await read_body(reader, head)
    return head, head.raw + raw, body


async def read_answer(reader, method):
    head = Head(await reader.readuntil(b"\r\n\r\n"))
    while head.first.split(" ")[1].startswith("1"):
        head = Head(await reader.readuntil(b"\r\n\r\n"))
    status = head.first.split(" ")[1]
    closing = head.headers.get("connection", "").lower() == "close"
    if method == "HEAD" or status in ("204", "304"):
        return Answer(head.raw, closing)
    if "content-length" in head.headers or "transfer-encoding" in head.headers:
        raw, _ = await read_body(reader, head)
        return Answer(head.raw + raw, closing)
    return Answer(head.raw + await reader.read(), True)


async def read_body(reader, head):
    """A body as it came, and as it is meant."""
    if "chunked" not in head.headers.get("transfer-encoding", "").lower():
        body = await reader.readexactly(int(head.headers.get("content-length", 0)))
        return body, body
    raw, body = [], []
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            raw.append(line)
            # Trailers, up to an empty line.
            while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
                raw.append(line)
            return b"".join([*raw, line]), b"".join(body)
        chunk = await reader.readexactly(size + 2)
        raw += [line, chunk]
        body.append(chunk[:-2])


def reset(writer):
    """Ends a connection by a reset, as a network does that fails."""
    connection = writer.get_extra_info("socket")
    at_once = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    writer.transport.abort()
