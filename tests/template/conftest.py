"""Lets the template's tests use the emulator's expander, which is the transform that CloudFormation runs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emulator"))
