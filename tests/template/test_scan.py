"""A finding of checkov fails the scan unless it is explained, and so does an explanation of nothing."""

from scan import complaints

FOUND = [("CKV_1", "Encrypt it", "AWS::SQS::Queue.A"), ("CKV_1", "Encrypt it", "AWS::SQS::Queue.B")]


def test_what_is_explained_is_well():
    assert complaints(FOUND, {"CKV_1": ({"*"}, "why")}) == []
    assert complaints(FOUND, {"CKV_1": ({"AWS::SQS::Queue.A", "AWS::SQS::Queue.B"}, "why")}) == []


def test_complains_about_what_is_not():
    assert complaints(FOUND, {}) == ["CKV_1 at AWS::SQS::Queue.A: Encrypt it", "CKV_1 at AWS::SQS::Queue.B: Encrypt it"]
    assert complaints(FOUND, {"CKV_1": ({"AWS::SQS::Queue.A"}, "why")}) == ["CKV_1 at AWS::SQS::Queue.B: Encrypt it"]


def test_complains_about_needless_explanations():
    assert complaints([], {"CKV_1": ({"*"}, "why")}) == ["CKV_1 at * is explained and not found"]
    assert complaints(FOUND[:1], {"CKV_1": ({"AWS::SQS::Queue.A", "AWS::SQS::Queue.B"}, "why")}) == [
        "CKV_1 at AWS::SQS::Queue.B is explained and not found"
    ]
