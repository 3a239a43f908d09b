"""Whether a role's policies allow a call: what IAM decides, as far as the template uses it.

Understands identity policies with Action, Resource and the condition `ForAllValues:StringLike` on
`dynamodb:LeadingKeys`; anything else in a statement is an error, not a guess.
"""

import functools
import re
from dataclasses import dataclass

from template import listed

LEADING_KEYS = "dynamodb:LeadingKeys"
UNDERSTOOD = {"Sid", "Effect", "Action", "Resource", "Condition"}

# What GetAtt tells of each kind of resource, by its physical name.
ARNS = {
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
}


class NotUnderstood(Exception):
    """A policy says something that nothing here evaluates."""


@dataclass(frozen=True)
class Grant:
    """One action on one resource that a statement allows."""

    action: str
    resource: str
    # How the template spells the resource.
    written: str
    # The patterns that partition keys must match; nothing where any may be touched.
    leading: tuple | None = None

    def covers(self, action, resource, leading=()):
        """Whether it allows a call. `ForAllValues` holds of no values, too."""
        if not matches(self.action.lower(), action.lower()) or not matches(self.resource, resource):
            return False
        return self.leading is None or all(any(matches(each, key) for each in self.leading) for key in leading)


@functools.cache
def pattern(text):
    """The regular expression of a pattern with `*` and `?`."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(letter, re.escape(letter)) for letter in text), re.DOTALL)


def matches(wanted, told):
    return pattern(wanted).fullmatch(told) is not None


class Stack:
    """The names that a deployed stack gave its resources."""

    def __init__(self, resources, told):
        self.resources = resources
        self.names = told["resources"]
        self.pseudo = {
            "AWS::Partition": "aws",
            "AWS::Region": told["region"],
            "AWS::AccountId": told["account"],
            "AWS::StackName": told["stack"],
            "AWS::URLSuffix": "amazonaws.com",
        }

    def value(self, node):
        """A value with its references resolved."""
        if isinstance(node, str):
            return node
        if node.keys() == {"Ref"}:
            return self.reference(node["Ref"])
        if node.keys() == {"Fn::GetAtt"}:
            return self.attribute(node["Fn::GetAtt"])
        if node.keys() == {"Fn::Sub"} and isinstance(node["Fn::Sub"], str):
            return re.sub(r"\$\{([^}]+)\}", lambda found: self.named(found[1]), node["Fn::Sub"])
        raise NotUnderstood(f"a value: {node}")

    def named(self, name):
        return self.attribute(name) if "." in name else self.reference(name)

    def reference(self, name):
        if name in self.pseudo:
            return self.pseudo[name]
        return self.names[name]

    def attribute(self, told):
        name, attribute = told.split(".", 1) if isinstance(told, str) else told
        if attribute != "Arn":
            raise NotUnderstood(f"{name}.{attribute}")
        kind, physical = self.resources[name]["Type"], self.names[name]
        # The reference to a queue is its URL.
        short = physical.rpartition("/")[2] if kind == "AWS::SQS::Queue" else physical
        place = {"region": self.pseudo["AWS::Region"], "account": self.pseudo["AWS::AccountId"], "name": short}
        if kind == "AWS::SQS::Queue":
            return "arn:aws:sqs:{region}:{account}:{name}".format(**place)
        if kind not in ARNS:
            raise NotUnderstood(f"{name}.Arn of a {kind}")
        return ARNS[kind].format(**place)


def grants(role, resolve, spell=str):
    """Everything that a role's inline policies allow. `resolve` makes a text of a resource, `spell` shows it."""
    return [
        Grant(action, resolve(resource), spell(resource), leading(statement.get("Condition")))
        for policy in role["Properties"].get("Policies", [])
        for statement in listed(policy["PolicyDocument"]["Statement"])
        if understood(statement)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]


def understood(statement):
    if statement.keys() - UNDERSTOOD or statement["Effect"] != "Allow":
        raise NotUnderstood(f"a statement: {statement}")
    return True


def leading(condition):
    if condition is None:
        return None
    if condition.keys() != {"ForAllValues:StringLike"} or condition["ForAllValues:StringLike"].keys() != {LEADING_KEYS}:
        raise NotUnderstood(f"a condition: {condition}")
    return tuple(listed(condition["ForAllValues:StringLike"][LEADING_KEYS]))


def covering(allowed, action, resource, leading=()):
    """The grants that allow a call; none if it is denied."""
    return [grant for grant in allowed if grant.covers(action, resource, leading)]
