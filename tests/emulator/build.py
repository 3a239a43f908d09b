"""Builds the functions for this machine, which is what the emulator runs, in one invocation of cargo, and with them what
`tests/bench --quick` measures besides: what is built together is built once.

They lie in `target/emulator-functions/<package>/bootstrap` afterwards, as cargo-lambda would have left them.

    .venv/bin/python tests/emulator/build.py
"""

import subprocess
import tomllib
from pathlib import Path

from expand import read

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "target" / "emulator-functions"


def packages(template):
    """The cargo package of each function of the template, by the function's name there."""
    found = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            manifest = ROOT / resource["Properties"]["CodeUri"] / "Cargo.toml"
            found[name] = tomllib.loads(manifest.read_text())["package"]["name"]
    return found


def build():
    """Builds every function of `template.yaml`."""
    names = sorted(set(packages(read(ROOT / "template.yaml")).values()))
    command = ["cargo", "build", "--locked", "--bins", "--features", "lambdesk-benchmark/hello"]
    for name in [*names, "lambdesk-local", "lambdesk-benchmark"]:
        command += ["-p", name]
    subprocess.run(command, cwd=ROOT, check=True)
    for name in names:
        folder = BUILT / name
        folder.mkdir(parents=True, exist_ok=True)
        # By a rename, so that a function that is running keeps its file. What is uploaded often is better small.
        subprocess.run(["strip", "-o", folder / "new", ROOT / "target" / "debug" / name], check=True)
        (folder / "new").rename(folder / "bootstrap")


if __name__ == "__main__":
    build()
