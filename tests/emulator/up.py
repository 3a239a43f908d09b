"""Starts the emulator with a desk deployed to it, and keeps it until standard input closes or SIGTERM comes.

Prints one line of JSON when all stands: `endpoint`, `region`, `account`, `api_base_url`, `api_id`, `functions`,
`queues` (URLs) and `tables` by the names of the template, `bucket`, `outputs`, `pid`, `log`. The functions are held to
the policies of their roles; whoever signs with `test` and `test` is not.
Build the functions first, with `build.py`.

    .venv/bin/python tests/emulator/up.py
    .venv/bin/python tests/emulator/up.py --bare            # the emulator alone, for the engines' conformance suite
    .venv/bin/python tests/emulator/up.py --template infra/cdk.out/Lambdesk.template.json --assets infra/cdk.out
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

ROOT = Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--template", type=Path, default=ROOT / "template.yaml")
    parser.add_argument("--assets", type=Path, help="the folder that `cdk synth` wrote, for a template of its making")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="of the template")
    parser.add_argument("--bare", action="store_true", help="deploy nothing")
    parser.add_argument("--log", type=Path, help="where the log goes that is else thrown away")
    parser.add_argument("command", nargs="*", help="what to run, with the JSON line in LAMBDESK_STACK")
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Emulator(options.log) as emulator:
        stack = {"endpoint": emulator.endpoint, "region": REGION}
        if not options.bare:
            from deploy import deploy

            parameters = dict(parameter.split("=", 1) for parameter in options.parameter)
            stack = deploy(emulator.endpoint, options.template, options.assets, parameters=parameters)
        stack["pid"] = os.getpid()
        stack["log"] = str(emulator.log)
        line = json.dumps(stack)
        if options.command:
            environment = {**os.environ, "LAMBDESK_EMULATOR": emulator.endpoint, "LAMBDESK_STACK": line}
            return subprocess.run(options.command, env=environment).returncode
        print(line, flush=True)
        sys.stdin.buffer.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
