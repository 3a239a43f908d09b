"""The emulator's server process; `launch.py` starts it.

It differs from the emulator as it comes in two ways. Nagle's algorithm is off, because it costs the functions' runtime
API 40 ms of every invocation. And what functions write goes to this process's output, too, and not to the emulated
CloudWatch alone, so that one log tells all.
"""

import runpy
import socketserver
import sys

from ministack.core.lambda_runtime import ProvidedWorker


class Echoed:
    """A function's output that is written to ours while it is read."""

    def __init__(self, stream, name):
        self.stream, self.name = stream, name

    def readline(self):
        line = self.stream.readline()
        if line:
            sys.stdout.buffer.write(f"{self.name}: ".encode() + line)
            sys.stdout.buffer.flush()
        return line

    def close(self):
        self.stream.close()


def pump_output(worker, stream, lines, pump=ProvidedWorker._pump_output):
    pump(worker, Echoed(stream, worker.func_name), lines)


socketserver.StreamRequestHandler.disable_nagle_algorithm = True
ProvidedWorker._pump_output = pump_output
sys.argv = ["ministack"]
runpy.run_module("ministack", run_name="__main__")
