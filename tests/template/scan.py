"""Has checkov look at the template, as CloudFormation sees it; whatever it finds is mended or explained here.

Runs in the environment of `tests/requirements-checkov.txt`, and asks nothing of the network.

    .venv/bin/python tests/template/scan.py
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emulator"))

from template import ROOT, load

CHECKOV = ROOT / ".venv-checkov" / "bin" / "checkov"

BY_THE_MONTH = "a key of one's own in KMS costs $1 a month and by the request; "

# What is found and stays: the resources, `*` for all that it is found at, and why.
EXPLAINED = {
    # Concurrency of functions.
    "CKV_AWS_115": (
        {"*"},
        "reserved concurrency is taken from the account's, which may be 10; mappings have a maximum, the APIs a throttle",
    ),
    # Dead-letter queues of functions.
    "CKV_AWS_116": (
        {"*"},
        "queues, the stream and EmailRetries have theirs; the clock comes again, and whoever waits for an answer sees none",
    ),
    # Functions in a VPC.
    "CKV_AWS_117": ({"*"}, "nothing here is in a VPC, and a way from one to the platforms' APIs is billed by the hour"),
    # Tables with a customer's key.
    "CKV_AWS_119": (
        {"AWS::DynamoDB::Table.Table", "AWS::DynamoDB::Table.IndexTable"},
        BY_THE_MONTH + "tables are encrypted with DynamoDB's, and secrets in them with the installation's key",
    ),
    # Logs with a customer's key.
    "CKV_AWS_158": ({"*"}, BY_THE_MONTH + "logs are encrypted with CloudWatch's, and hold neither texts nor secrets"),
    # Environments with a customer's key.
    "CKV_AWS_173": ({"*"}, BY_THE_MONTH + "environments are encrypted with Lambda's, and hold names only"),
    # Access logs of the bucket.
    "CKV_AWS_18": (
        {"AWS::S3::Bucket.Bucket"},
        "they need a second bucket; objects are reached by the functions' roles and by links that the desk signs",
    ),
    # Versions in the bucket.
    "CKV_AWS_21": (
        {"AWS::S3::Bucket.Bucket"},
        "what somebody wants erased must be gone; keys derive from what they name, so a repetition writes the same",
    ),
    # Encrypted topics.
    "CKV_AWS_26": (
        {"AWS::SNS::Topic.MailTopic", "AWS::SNS::Topic.Alarms"},
        BY_THE_MONTH
        + "neither SES nor CloudWatch may use the one that AWS keeps for SNS; mails themselves stand in the bucket",
    ),
    # Encrypted queues.
    "CKV_AWS_27": ({"*"}, "they are, by SqsManagedSseEnabled, which this check does not know"),
    # Recovery of tables.
    "CKV_AWS_28": ({"AWS::DynamoDB::Table.IndexTable"}, "it holds what can be rebuilt or forgotten"),
}


def main():
    found = findings(load())
    unexplained = complaints(found, EXPLAINED)
    for each in unexplained:
        print(each)
    print(
        f"checkov finds {len(found)} things in {len({check for check, *_ in found})} checks; {len(unexplained)} to mend"
    )
    return 1 if unexplained else 0


def findings(template):
    """What checkov complains about: check, its name, resource."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        plain = {key: value for key, value in template.written.items() if key != "Transform"}
        path.write_text(json.dumps({**plain, "Resources": template.resources}))
        command = [str(CHECKOV), "--framework", "cloudformation", "--file", str(path), "--compact", "--quiet"]
        command += ["--skip-download", "--output", "json"]
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8"}
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    report = json.loads(done.stdout)
    if report["summary"]["parsing_errors"] or report["summary"]["resource_count"] < len(template.resources):
        sys.exit(f"checkov did not read the template: {report['summary']}")
    failed = report["results"]["failed_checks"]
    return [(each["check_id"], each["check_name"], each["resource"]) for each in failed]


def complaints(found, explained):
    """Findings without an explanation, and explanations without a finding."""
    open_ones = [
        f"{check} at {resource}: {name}"
        for check, name, resource in found
        if not explained.get(check, (set(), ""))[0] & {"*", resource}
    ]
    seen = {check: {resource for each, _, resource in found if each == check} for check in explained}
    needless = [
        f"{check} at {resource} is explained and not found"
        for check, (resources, _) in explained.items()
        for resource in sorted(resources)
        if not (seen[check] if resource == "*" else seen[check] & {resource})
    ]
    return open_ones + needless


if __name__ == "__main__":
    sys.exit(main())
