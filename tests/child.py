"""Processes that tests start: where they listen, and that they end with the test."""

import ctypes
import random
import signal
import socket
import sys

# Below those that the system gives to connections, so that none takes a port before its server listens, or while it is
# started again.
PORTS = range(10_000, 30_000)


def free_port():
    """A port of the loopback interface on which nobody listens."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("all ports are taken")


def end_with_parent():
    """Has the kernel end this process when its parent dies, even by SIGKILL."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
