"""Builds the functions for this machine, which is what the emulator runs, in one invocation of cargo-lambda.

They lie in `target/emulator-functions/<package>/bootstrap` afterwards.

    .venv/bin/python tests/emulator/build.py
"""

import os
import platform
import subprocess
import sys
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
    architecture = {"aarch64": "--arm64"}.get(platform.machine(), "--x86-64")
    command = ["cargo", "lambda", "build", "--locked", "--profile", "emulator", architecture, "--bins"]
    command += ["--lambda-dir", str(BUILT)]
    for name in sorted(set(packages(read(ROOT / "template.yaml")).values())):
        command += ["-p", name]
    # cargo-lambda and the Zig that links for it lie beside this Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PATH": path})


if __name__ == "__main__":
    build()
