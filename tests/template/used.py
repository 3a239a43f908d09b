"""Compares what the functions asked of AWS over all journeys with what the template allows them.

Each call must be allowed by the role of the function that made it, and whatever is allowed must have been asked for, or
stand in `UNUSED` with its reason.

    .venv/bin/python tests/template/used.py target/emulator-calls.json
    .venv/bin/python tests/template/used.py --allowed target/faults-calls.json     # the first half, of some journeys
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emulator"))

from policies import Stack, covering, grants
from template import load, text

BY_LAMBDA = (
    "Lambda does this in the function's name: it polls the queue or the stream, writes the log, puts aside what failed"
)
ABSENT = "nobody asks for it by name: with it S3 tells an object that is not there from one that may not be read"
PUSH = "no connection is open: the emulator's gateway goes by a name that leads nowhere"
CONNECTIONS = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${LiveApi}/live/POST/@connections/*"
EVENTS = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/*"

# What is allowed and no journey on the emulator asks for: function, action, resource as the template spells it, each
# `*` for any; and why.
UNUSED = {
    ("*", "logs:CreateLogStream", "*"): BY_LAMBDA,
    ("*", "logs:PutLogEvents", "*"): BY_LAMBDA,
    ("Router", "sqs:ReceiveMessage", "${InboundQueue.Arn}"): BY_LAMBDA,
    ("Router", "sqs:DeleteMessage", "${InboundQueue.Arn}"): BY_LAMBDA,
    ("Router", "sqs:GetQueueAttributes", "${InboundQueue.Arn}"): BY_LAMBDA,
    ("Sender", "sqs:ReceiveMessage", "${OutboundQueue.Arn}"): BY_LAMBDA,
    ("Sender", "sqs:DeleteMessage", "${OutboundQueue.Arn}"): BY_LAMBDA,
    ("Sender", "sqs:GetQueueAttributes", "${OutboundQueue.Arn}"): BY_LAMBDA,
    ("Worker", "sqs:ReceiveMessage", "${WorkQueue.Arn}"): BY_LAMBDA,
    ("Worker", "sqs:DeleteMessage", "${WorkQueue.Arn}"): BY_LAMBDA,
    ("Worker", "sqs:GetQueueAttributes", "${WorkQueue.Arn}"): BY_LAMBDA,
    ("Relay", "dynamodb:DescribeStream", "*"): BY_LAMBDA,
    ("Relay", "dynamodb:GetRecords", "*"): BY_LAMBDA,
    ("Relay", "dynamodb:GetShardIterator", "*"): BY_LAMBDA,
    ("Relay", "dynamodb:ListStreams", "*"): BY_LAMBDA,
    ("Email", "sqs:SendMessage", "${EmailDeadLetters.Arn}"): BY_LAMBDA,
    ("Router", "sqs:ChangeMessageVisibility", "${InboundQueue.Arn}"): "a batch of which the time runs out",
    ("Worker", "sqs:ChangeMessageVisibility", "${WorkQueue.Arn}"): "a batch of which the time runs out",
    ("*", "execute-api:ManageConnections", CONNECTIONS): PUSH,
    ("ApiFunction", "dynamodb:DeleteItem", "${IndexTable.Arn}"): PUSH,
    ("Relay", "dynamodb:DeleteItem", "${IndexTable.Arn}"): PUSH,
    ("Sender", "dynamodb:DeleteItem", "${IndexTable.Arn}"): PUSH,
    ("Webchat", "dynamodb:DeleteItem", "${IndexTable.Arn}"): PUSH,
    ("*", "s3:ListBucket", "${Bucket.Arn}"): ABSENT,
    ("Email", "s3:PutObject", "${Bucket.Arn}/inbound/*"): "a mail too large for the queue: long, with a hundred files",
    ("Webchat", "s3:PutObject", "${Bucket.Arn}/inbound/*"): "a message too large for the queue; the chat takes none",
    ("ApiFunction", "s3:PutObject", "${Bucket.Arn}/inbound/*"): "such a message that a newer parser moves elsewhere",
    ("Sender", "ses:SendRawEmail", EVENTS): "events of mails, which a desk without MailDomain does not ask for",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--allowed", action="store_true", help="ask only whether each call is allowed")
    parser.add_argument("calls", type=Path, help="what `up.py --calls` wrote")
    options = parser.parse_args()
    recorded = json.loads(options.calls.read_text())
    template, told = load(), recorded["stack"]
    stack = Stack(template.resources, told)
    allowed = {
        function: grants(template.resources[template.role_of(function)], stack.value, text)
        for function in template.functions
    }
    found, used = forbidden(recorded["calls"], allowed, told["functions"])
    if not options.allowed:
        found += unneeded(allowed, used, UNUSED)
    if not recorded["calls"]:
        found.append("no call was recorded: nothing was looked at")
    for each in found:
        print(each)
    times = Counter(call["action"] for call in recorded["calls"] for _ in range(call["times"]))
    print(f"{times.total()} calls of {len(times)} actions by {len(callers(recorded['calls']))} functions")
    return 1 if found else 0


def callers(calls):
    """The keys that each name signed with."""
    keys = defaultdict(set)
    for call in calls:
        if call["caller"]:
            keys[call["caller"]].add(call["key"])
    return keys


def forbidden(calls, allowed, functions):
    """What is wrong with calls: names, and what is not allowed. With it the rights that they used.

    `allowed` holds the grants of each function, `functions` their deployed names, both by the template's names.
    """
    found, used = [], set()
    owners = {name: function for function, name in functions.items()}
    # The emulator gives each function a key of its own, so whoever takes another's name shows by the key.
    signers = defaultdict(set)
    for name, keys in callers(calls).items():
        if name not in owners:
            found.append(f"nobody is called {name!r}")
        if len(keys) > 1:
            found.append(f"{name} signs with the keys of several: {', '.join(sorted(keys))}")
        for key in keys:
            signers[key].add(name)
    found += [
        f"the key {key} is used by {', '.join(sorted(names))}"
        for key, names in sorted(signers.items())
        if len(names) > 1
    ]
    for call in calls:
        names = {call["caller"]} if call["caller"] else signers.get(call["key"], set())
        if not call["caller"] and not call.get("presigned"):
            found.append(f"whoever signs with {call['key'] or 'no key'} does not name itself for {call['action']}")
        for function in sorted(owners[name] for name in names & owners.keys()):
            grants_of_it = covering(allowed[function], call["action"], call["resource"], tuple(call["leading"]))
            used |= {(function, grant) for grant in grants_of_it}
            if not grants_of_it:
                keys = ", ".join(call["leading"])
                found.append(f"{function} may not {call['action']} on {call['resource']} ({keys})")
    return found, used


def unneeded(allowed, used, unused):
    """What is wrong with rights: those that nobody used without a reason, and the reasons for others."""
    found = []
    idle = {
        (function, grant.action, grant.written)
        for function, some in allowed.items()
        for grant in some
        if (function, grant) not in used
    }
    for right in sorted(idle):
        if not any(fits(reason, right) for reason in unused):
            found.append(f"{right[0]} never used {right[1]} on {right[2]}, and no reason is given")
    for reason in unused:
        if not any(fits(reason, right) for right in idle):
            found.append(
                f"a reason is given for {reason[1]} on {reason[2]} by {reason[0]}, which is used or not granted"
            )
    return found


def fits(reason, right):
    return all(wanted in ("*", told) for wanted, told in zip(reason, right, strict=True))


if __name__ == "__main__":
    sys.exit(main())
