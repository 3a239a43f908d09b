"""Starts the emulator with a desk deployed to it, and keeps it until standard input closes or SIGTERM comes.

Prints one line of JSON when all stands: `endpoint`, `proxy`, `region`, `account`, `api_base_url`, `api_id`,
`functions`, `queues` (URLs), `tables` and `resources` (all of them) by the names of the template, `bucket`, `stack`,
`outputs`, `pid`, `log`. The functions are held to the policies of their roles; whoever signs with `test` and `test` is
not. They reach AWS through the proxy, which records their calls and can be told to be faulty; see `proxy.py`.
Build the functions first, with `build.py`.

    .venv/bin/python tests/emulator/up.py
    .venv/bin/python tests/emulator/up.py --bare            # the emulator alone, for the engines' conformance suite
    .venv/bin/python tests/emulator/up.py --template infra/cdk.out/Lambdesk.template.json --assets infra/cdk.out
    .venv/bin/python tests/emulator/up.py --calls FILE      # writes the functions' calls there at the end
    .venv/bin/python tests/emulator/up.py -- COMMAND …      # runs a command instead of waiting, and ends with its code
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from launch import REGION, Emulator
from proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--template", type=Path, default=ROOT / "template.yaml")
    parser.add_argument("--assets", type=Path, help="the folder that `cdk synth` wrote, for a template of its making")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="of the template")
    parser.add_argument("--bare", action="store_true", help="deploy nothing")
    parser.add_argument("--calls", type=Path, help="where the calls go that the functions made")
    parser.add_argument("--log", type=Path, help="where the log goes that is else thrown away")
    parser.add_argument("command", nargs="*", help="what to run, with the JSON line in LAMBDESK_STACK")
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    emulator = Emulator(options.log)
    with Proxy(emulator.port) as proxy:
        emulator.seen_at = proxy.endpoint
        with emulator:
            return serve(options, emulator, proxy)


def serve(options, emulator, proxy):
    """Deploys, tells, and waits for the end, or for the command's. The exit code."""
    stack = {"endpoint": emulator.endpoint, "region": REGION}
    if not options.bare:
        from deploy import deploy

        parameters = dict(parameter.split("=", 1) for parameter in options.parameter)
        stack = deploy(emulator.endpoint, options.template, options.assets, parameters=parameters)
    stack |= {"proxy": proxy.endpoint, "pid": os.getpid(), "log": str(emulator.log)}
    line = json.dumps(stack)
    if options.command:
        environment = {**os.environ, "LAMBDESK_EMULATOR": emulator.endpoint, "LAMBDESK_STACK": line}
        code = subprocess.run(options.command, env=environment).returncode
    else:
        print(line, flush=True)
        sys.stdin.buffer.read()
        code = 0
    if options.calls:
        options.calls.write_text(json.dumps({"stack": stack, "calls": proxy.recorded()}, indent=1))
    return code


if __name__ == "__main__":
    sys.exit(main())
