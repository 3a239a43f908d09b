"""The emulator's server process; `launch.py` starts it.

Nagle's algorithm is switched off first, because it costs the functions' runtime API 40 ms of every invocation.
"""

import runpy
import socketserver
import sys

socketserver.StreamRequestHandler.disable_nagle_algorithm = True
sys.argv = ["ministack"]
runpy.run_module("ministack", run_name="__main__")
