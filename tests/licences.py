"""Checks every dependency that we ship or test with against `deny.toml`: its licence, its source, and the bans.

    python3 tests/licences.py
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def packages(target):
    """What the workspace compiles for a target."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    used = {node["id"] for node in metadata["resolve"]["nodes"]}
    ours = set(metadata["workspace_members"])
    return [package for package in metadata["packages"] if package["id"] in used - ours]


def satisfied(expression, allowed):
    """Whether a licence expression of SPDX leaves a choice that is allowed."""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))
    tokens = [token.upper() if token.upper() in ("AND", "OR", "WITH") else token for token in tokens]

    def either():
        value = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            value = both() or value
        return value

    def both():
        value = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            value = one() and value
        return value

    def one():
        token = tokens.pop(0)
        if token == "(":
            value = either()
            tokens.pop(0)
            return value
        if tokens and tokens[0] == "WITH":
            # An exception only ever permits more.
            del tokens[:2]
        return token in allowed

    return either()


def main():
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    allowed = set(rules["licenses"]["allow"])
    banned = {each["crate"] for each in rules["bans"]["deny"]}
    seen, complaints = set(), []
    for target in rules["graph"]["targets"]:
        for package in packages(target):
            name = f"{package['name']} {package['version']}"
            if name in seen:
                continue
            seen.add(name)
            if not satisfied(package["license"] or "none", allowed):
                complaints.append(f"{name}: {package['license']}")
            if package["name"] in banned:
                complaints.append(f"{name} is banned")
            if not (package["source"] or "").startswith("registry+"):
                complaints.append(f"{name} comes from {package['source']}")
    for complaint in complaints:
        print(complaint)
    print(f"licences: {len(seen)} crates, {len(complaints)} complaints")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
