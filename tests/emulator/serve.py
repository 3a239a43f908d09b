"""The emulator's server process; `launch.py` starts it.

It differs from the emulator as it comes in three ways. Nagle's algorithm is off, because it costs the functions'
runtime API 40 ms of every invocation. What functions write goes to this process's output, too, and not to the emulated
CloudWatch alone, so that one log tells all. And a batch of a table's stream comes again when its function reports that
a record of it failed, as it does on AWS from that record on: the emulator would pass over it.
"""

import runpy
import socketserver
import sys

from ministack.core.lambda_runtime import ProvidedWorker
from ministack.services import lambda_svc


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


def execute_function(function, event, execute=lambda_svc._execute_function):
    result = execute(function, event)
    records = event.get("Records") if isinstance(event, dict) else None
    if not records or records[0].get("eventSource") != "aws:dynamodb":
        return result
    body = result.get("body")
    reported = isinstance(body, dict) and body.get("batchItemFailures")
    return {**result, "error": True} if reported else result


socketserver.StreamRequestHandler.disable_nagle_algorithm = True
ProvidedWorker._pump_output = pump_output
lambda_svc._execute_function = execute_function
sys.argv = ["ministack"]
runpy.run_module("ministack", run_name="__main__")
