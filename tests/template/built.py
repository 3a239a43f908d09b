"""Checks what `sam build` left: a program for arm64 for every function of the template.

    .venv/bin/python tests/template/built.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emulator"))

from expand import read
from template import ROOT

BUILT = ROOT / ".aws-sam" / "build"
# https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html: e_machine, at 18, of EM_AARCH64.
MAGIC, MACHINE, ARM64 = b"\x7fELF", slice(18, 20), (183).to_bytes(2, "little")


def main():
    wrong = []
    resources = read(ROOT / "template.yaml")["Resources"]
    functions = [name for name, resource in resources.items() if resource["Type"] == "AWS::Serverless::Function"]
    for name in functions:
        program = BUILT / name / "bootstrap"
        head = program.read_bytes()[:64] if program.is_file() else b""
        if not head.startswith(MAGIC) or head[MACHINE] != ARM64:
            wrong.append(name)
    print(f"sam build: {len(functions) - len(wrong)} of {len(functions)} functions are programs for arm64")
    return f"no program for arm64: {', '.join(wrong)}" if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
