"""Waiting for what must come, with a deadline."""

import time

PATIENCE = 30  # seconds


def eventually(look, what, patience=PATIENCE):
    """Looks again and again until `look` finds something, and returns it. What it raises counts as not found."""
    deadline = time.monotonic() + patience
    while True:
        try:
            found, seen = look(), None
        except Exception as error:  # noqa: BLE001: a page that is being rebuilt raises all kinds of things
            found, seen = None, error
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {patience} s") from seen
        time.sleep(0.05)


def never(look, what, patience=2):
    """Looks for a while at what must not come."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        assert not look(), what
        time.sleep(0.05)
