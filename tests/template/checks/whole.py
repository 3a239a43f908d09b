"""What must hold of the template as a whole."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from cost import idle_month
from template import listed, names, text

# Nothing else may be created: what is billed by the hour or the month is not on this list. Alarms are, up to ten.
TYPES = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SES::ConfigurationSet",
    "AWS::SES::ConfigurationSetEventDestination",
    "AWS::SES::EmailIdentity",
    "AWS::SES::ReceiptRule",
    "AWS::SES::ReceiptRuleSet",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    # Of the standard tier, which costs nothing.
    "AWS::SSM::Parameter",
}
# Settings that bill for being there, or keep others from running.
FORBIDDEN_PROPERTIES = {
    "KmsKeyId",
    "KmsMasterKeyId",
    "ProvisionedConcurrencyConfig",
    "ProvisionedPollerConfig",
    "ProvisionedThroughput",
    "ReservedConcurrentExecutions",
    "SnapStart",
    "VpcConfig",
}
OUTPUTS = {"ApiUrl", "WebhookBase", "CreateToken"}


def cycles(template):
    """No resource depends on itself. Linters overlook those through Fn::Sub in what the transform makes."""
    graph = {
        name: (names(resource) | set(listed(resource.get("DependsOn", [])))) & template.resources.keys()
        for name, resource in template.resources.items()
    }
    settled, path, complaints = set(), [], []

    def visit(name):
        if name in path:
            complaints.append("a cycle: " + " → ".join([*path[path.index(name) :], name]))
        elif name not in settled:
            path.append(name)
            for each in sorted(graph[name]):
                visit(each)
            path.pop()
            settled.add(name)

    for name in graph:
        visit(name)
    return complaints


def references(template):
    """Whatever is referred to exists."""
    known = template.resources.keys() | template.written["Parameters"].keys()
    wanted = names(template.resources) | names(template.written["Outputs"]) - {"ApiApiGatewayDefaultStage"}
    return [f"{name} is referred to and does not exist" for name in sorted(wanted - known)]


def types(template):
    """Nothing is created that bills by the hour or the month for being there."""
    complaints = [
        f"{name} is a {resource['Type']}"
        for name, resource in template.resources.items()
        if resource["Type"] not in TYPES
    ]

    def walk(name, node):
        if isinstance(node, dict):
            complaints.extend(f"{name} has a {key}" for key in node.keys() & FORBIDDEN_PROPERTIES)
            for value in node.values():
                walk(name, value)
        elif isinstance(node, list):
            for value in node:
                walk(name, value)

    for name, resource in template.resources.items():
        walk(name, resource)
    return complaints


def price(template):
    """An idle month costs at most a dollar, without the free tier."""
    dollars = sum(idle_month(template).values())
    return [f"an idle month costs ${dollars:.2f}"] if dollars > 1 else []


def outputs(template):
    """The outputs that people need are there."""
    found = template.written["Outputs"]
    complaints = [f"the output {name} is missing" for name in sorted(OUTPUTS - found.keys())]
    command = text(found.get("CreateToken", {}).get("Value"))
    for part in ("--function-name ${ApiFunction}", '{"command":"create-token"}', "raw-in-base64-out"):
        if part not in command:
            complaints.append(f"the command that makes the first token lacks {part}")
    return complaints


def alarms(template):
    """At most ten, one for every dead letter, and all of them told to somebody."""
    complaints = []
    found = template.of("AWS::CloudWatch::Alarm")
    if len(found) > 10:
        complaints.append(f"{len(found)} alarms")
    for name, alarm in found.items():
        if not names(alarm["Properties"].get("AlarmActions")) & template.of("AWS::SNS::Topic").keys():
            complaints.append(f"{name} tells nobody")
        if alarm["Properties"].get("Period", 60) < 60:
            complaints.append(f"{name} is of high resolution and price")
    watched = {name for alarm in found.values() for name in names(alarm["Properties"].get("Dimensions"))}
    for name in sorted(template.of("AWS::SQS::Queue").keys() - {"WorkQueue"} | {"Clock", "Api"}):
        if name not in watched:
            complaints.append(f"nobody watches {name}")
    return complaints


def lint(template):
    """cfn-lint has nothing to say."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(json.dumps(template.written))
        command = [str(Path(sys.executable).with_name("cfn-lint")), "--regions", "us-east-1", "--", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]
