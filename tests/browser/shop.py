"""The shop: pages of another origin than the desk's, and the wire between its visitors and the desk."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>A shop</title>{head}</head>
<body><h1>A shop</h1><p><a href="#first">Goods</a></p>
<script src="{desk}/webchat/widget.js" data-connection="{connection}" {attributes} async></script>
</body></html>
"""


class Shop:
    """A site with pages that carry a chat."""

    def __init__(self):
        pages = self.pages = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                page, headers = pages.get(self.path, ("", {}))
                body = page.encode()
                self.send_response(200 if page else 404)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, desk, connection, language="en", head="", attributes="", headers=None):
        """The address of a new page with the chat of `connection`."""
        path = f"/{len(self.pages)}"
        page = PAGE.format(desk=desk, connection=connection, language=language, head=head, attributes=attributes)
        self.pages[path] = (page, headers or {})
        return self.origin + path

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Wire:
    """What lies between visitors and the desk, and can break: a TCP proxy on the loopback interface."""

    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.lost = None
        self.swallowed = threading.Event()
        self.sockets = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def lose_answer_to(self, request):
        """Lets the next request that begins like this through, and breaks before its answer."""
        self.lost = request.encode()
        self.swallowed.clear()

    def cut(self):
        """Breaks every connection there is."""
        for one in list(self.sockets):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.target)
            except OSError:
                near.close()
                continue
            self.sockets |= {near, far}
            state = {"swallow": False}
            threading.Thread(target=self.requests, args=(near, far, state), daemon=True).start()
            threading.Thread(target=self.answers, args=(far, near, state), daemon=True).start()

    def requests(self, near, far, state):
        def watch(data):
            if self.lost and data.startswith(self.lost):
                state["swallow"], self.lost = True, None
            return data

        self.pump(near, far, watch)

    def answers(self, far, near, state):
        def watch(data):
            if state["swallow"]:
                self.swallowed.set()
                return b""
            return data

        self.pump(far, near, watch)

    def pump(self, source, sink, watch):
        try:
            while data := source.recv(65536):
                data = watch(data)
                if not data:
                    break
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            self.sockets.discard(one)
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def close(self):
        self.listener.close()
        self.cut()
