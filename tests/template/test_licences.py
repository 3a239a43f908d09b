"""The licence check reads licence expressions rightly."""

import sys

import pytest
from template import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from licences import satisfied

ALLOWED = {"MIT", "Apache-2.0", "ISC"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("MIT/Apache-2.0", True),
        ("Apache-2.0 AND ISC", True),
        ("Apache-2.0 AND OpenSSL", False),
        ("(MIT OR GPL-2.0) AND ISC", True),
        ("(OpenSSL OR GPL-2.0) AND ISC", False),
        ("GPL-2.0 OR MIT AND OpenSSL", False),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", True),
        ("none", False),
    ],
)
def test_satisfied(expression, expected):
    assert satisfied(expression, ALLOWED) == expected
