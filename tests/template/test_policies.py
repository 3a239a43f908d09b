"""The evaluator of policies allows and denies as IAM does."""

import pytest
from policies import NotUnderstood, Stack, covering, grants
from used import forbidden, unneeded

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/desk"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:work"
RECEIVER = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["K#telegram#*", "S#connection"]}}


def role(*statements):
    return {
        "Properties": {
            "Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Allow", **each} for each in statements]}}]
        }
    }


def may(statement, action, resource, *leading):
    return covering(grants(role(statement), str), action, resource, leading) != []


def test_allows_what_is_named_and_nothing_else():
    statement = {"Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": [TABLE, f"{TABLE}/index/due"]}
    assert may(statement, "dynamodb:GetItem", TABLE)
    assert may(statement, "dynamodb:getitem", TABLE)
    assert may(statement, "dynamodb:Query", f"{TABLE}/index/due")
    assert not may(statement, "dynamodb:PutItem", TABLE)
    assert not may(statement, "dynamodb:GetItem", f"{TABLE}s")
    assert not may(statement, "dynamodb:Query", f"{TABLE}/index/views")
    assert not may(statement, "sqs:SendMessage", QUEUE)


def test_wildcards():
    objects = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::desk/inbound/*"}
    assert may(objects, "s3:GetObject", "arn:aws:s3:::desk/inbound/a/b")
    assert not may(objects, "s3:GetObject", "arn:aws:s3:::desk/originals/a")
    assert not may(objects, "s3:GetObject", "arn:aws:s3:::desk/inbound")
    assert may({"Action": "sqs:Send*", "Resource": "*"}, "sqs:SendMessage", QUEUE)
    assert not may({"Action": "sqs:Send*", "Resource": "*"}, "sqs:DeleteMessage", QUEUE)
    assert may({"Action": "sqs:?endMessage", "Resource": QUEUE}, "sqs:SendMessage", QUEUE)
    # A dot is a dot.
    assert not may({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::a.b"}, "s3:GetObject", "arn:aws:s3:::axb")


def test_leading_keys():
    statement = {"Action": "dynamodb:GetItem", "Resource": TABLE, "Condition": RECEIVER}
    assert may(statement, "dynamodb:GetItem", TABLE, "K#telegram#cnx_1")
    assert may(statement, "dynamodb:GetItem", TABLE, "K#telegram#cnx_1", "S#connection")
    assert not may(statement, "dynamodb:GetItem", TABLE, "K#email#cnx_1")
    assert not may(statement, "dynamodb:GetItem", TABLE, "K#telegram#cnx_1", "T#tkt_1")
    assert not may(statement, "dynamodb:GetItem", TABLE, "S#connections")
    # No keys at all satisfy it, as IAM has it.
    assert may(statement, "dynamodb:GetItem", TABLE)


def test_one_statement_must_allow_all_of_a_call():
    other = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["T#*"]}}
    both = grants(
        role(
            {"Action": "dynamodb:PutItem", "Resource": TABLE, "Condition": RECEIVER},
            {"Action": "dynamodb:PutItem", "Resource": TABLE, "Condition": other},
        ),
        str,
    )
    assert covering(both, "dynamodb:PutItem", TABLE, ("T#1",))
    assert not covering(both, "dynamodb:PutItem", TABLE, ("T#1", "K#telegram#1"))


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": QUEUE},
        {"NotAction": "sqs:SendMessage", "Resource": QUEUE},
        {"Action": "sqs:SendMessage", "Resource": QUEUE, "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Action": "sqs:SendMessage", "Resource": QUEUE, "Condition": {"StringLike": {"dynamodb:LeadingKeys": "T#*"}}},
    ],
)
def test_refuses_to_guess(statement):
    with pytest.raises(NotUnderstood):
        grants(role(statement), str)


TOLD = {
    "region": "us-east-1",
    "account": "000000000000",
    "stack": "desk",
    "resources": {
        "Table": "desk-Table-1",
        "WorkQueue": "http://127.0.0.1:1/000000000000/desk-WorkQueue-1",
        "Bucket": "desk-bucket",
    },
    "functions": {"Router": "desk-Router-1", "Relay": "desk-Relay-1"},
}
RESOURCES = {
    "Table": {"Type": "AWS::DynamoDB::Table"},
    "WorkQueue": {"Type": "AWS::SQS::Queue"},
    "Bucket": {"Type": "AWS::S3::Bucket"},
}


def test_resolves_references():
    stack = Stack(RESOURCES, TOLD)
    assert stack.value({"Fn::GetAtt": ["Table", "Arn"]}) == "arn:aws:dynamodb:us-east-1:000000000000:table/desk-Table-1"
    assert stack.value({"Fn::GetAtt": "WorkQueue.Arn"}) == "arn:aws:sqs:us-east-1:000000000000:desk-WorkQueue-1"
    assert stack.value({"Fn::Sub": "${Bucket.Arn}/mail/*"}) == "arn:aws:s3:::desk-bucket/mail/*"
    key = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${AWS::StackName}/key"
    assert stack.value({"Fn::Sub": key}) == "arn:aws:ssm:us-east-1:000000000000:parameter/desk/key"
    with pytest.raises(NotUnderstood):
        stack.value({"Fn::GetAtt": ["Bucket", "DomainName"]})


def call(action, resource, caller="desk-Router-1", key="ASIA1", leading=()):
    return {"caller": caller, "key": key, "action": action, "resource": resource, "leading": list(leading), "times": 1}


ALLOWED = {
    "Router": grants(role({"Action": "dynamodb:GetItem", "Resource": TABLE}), str),
    "Relay": grants(role({"Action": "sqs:SendMessage", "Resource": QUEUE}), str),
}
ROUTER = call("dynamodb:GetItem", TABLE)
RELAY = call("sqs:SendMessage", QUEUE, "desk-Relay-1", "ASIA2")


def complaints(calls, unused):
    found, used = forbidden(calls, ALLOWED, TOLD["functions"])
    return found + unneeded(ALLOWED, used, unused)


def test_all_is_well():
    assert complaints([ROUTER, RELAY], {}) == []


def test_complains_about_what_is_not_allowed():
    found = complaints([ROUTER, RELAY, call("dynamodb:PutItem", TABLE)], {})
    assert found == [f"Router may not dynamodb:PutItem on {TABLE} ()"]


def test_complains_about_what_nobody_needs():
    found = complaints([ROUTER], {})
    assert found == [f"Relay never used sqs:SendMessage on {QUEUE}, and no reason is given"]
    reason = {("Relay", "sqs:SendMessage", QUEUE): "why"}
    assert complaints([ROUTER], reason) == []
    assert complaints([ROUTER, RELAY], reason) == [
        f"a reason is given for sqs:SendMessage on {QUEUE} by Relay, which is used or not granted"
    ]


def test_complains_about_wrong_names():
    wrong = [ROUTER, RELAY, call("dynamodb:GetItem", TABLE, "desk-Router-1", "ASIA2")]
    assert any("ASIA2" in each for each in complaints(wrong, {}))
    stranger = [ROUTER, RELAY, call("dynamodb:GetItem", TABLE, "lambdesk", "ASIA3")]
    assert any("'lambdesk'" in each for each in complaints(stranger, {}))
    nameless = [ROUTER, RELAY, call("dynamodb:GetItem", TABLE, "", "ASIA1")]
    assert any("does not name itself" in each for each in complaints(nameless, {}))


def test_a_presigned_request_is_its_signers():
    upload = {**call("s3:PutObject", "arn:aws:s3:::desk/attachments/1", ""), "presigned": True}
    found = complaints([ROUTER, RELAY, upload], {})
    assert found == ["Router may not s3:PutObject on arn:aws:s3:::desk/attachments/1 ()"]
