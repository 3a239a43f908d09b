"""What an idle month costs, computed from the template at list prices of us-east-1 without any free tier.

    .venv/bin/python tests/template/cost.py
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emulator"))

from template import constant, listed, load, names

SECONDS = 30 * 24 * 3600

PRICES = json.loads((Path(__file__).parent / "prices.json").read_text())
SQS_STANDARD = PRICES["sqs_standard_request"]
SQS_FIFO = PRICES["sqs_fifo_request"]
LAMBDA_REQUEST = PRICES["lambda_request"]
LAMBDA_GB_SECOND = PRICES["lambda_gb_second"]
DYNAMODB_READ = PRICES["dynamodb_read_unit"]
DYNAMODB_WRITE = PRICES["dynamodb_write_unit"]
DYNAMODB_GB = PRICES["dynamodb_gb_month"]
DYNAMODB_RECOVERY_GB = PRICES["dynamodb_recovery_gb_month"]
S3_GB = PRICES["s3_gb_month"]
ALARM = PRICES["alarm_metric_month"]

# An idle mapping keeps five long polls open, of 20 seconds each. AWS tells this of standard queues and nothing of FIFO
# queues, for which the same is assumed; MaximumConcurrency limits invocations and is not known to limit polling.
POLLERS = 5
POLL_SECONDS = 20

# An idle tick of the clock asks for three kinds of due items in every shard and for changed settings in their only one,
# one after the other, with an eventually
# consistent query of half a unit and, by assumption, four milliseconds each, and notes in the index table that it ran.
# It logs nothing, and what Lambda itself would log of it is below WARN.
CLOCK_KINDS = 3
CLOCK_QUERIES = CLOCK_KINDS * constant("shared/store/src/keys.rs", "DUE_SHARDS") + 1
CLOCK_READ_UNITS = CLOCK_QUERIES / 2
CLOCK_WRITE_UNITS = 1
CLOCK_SECONDS = (CLOCK_QUERIES + 1) * 0.004

# What lies in a small desk that nobody writes to: 5 MB in the table, 50 MB of attachments.
STORED_GB = 0.005
OBJECTS_GB = 0.05

INTERVALS = {"rate(1 minute)": 60}


def idle_month(template, alarmed=False):
    """The lines of the bill: what, and how much."""
    bill = {}
    queues = template.of("AWS::SQS::Queue")
    for mapping in template.of("AWS::Lambda::EventSourceMapping").values():
        properties = mapping["Properties"]
        for queue in names(properties["EventSourceArn"]) & queues.keys():
            price = SQS_FIFO if queues[queue]["Properties"].get("FifoQueue") else SQS_STANDARD
            bill[f"polling {queue}"] = SECONDS / POLL_SECONDS * POLLERS * price
    architecture = template.written["Parameters"]["Architecture"]["Default"]
    for rule in template.of("AWS::Events::Rule").values():
        ticks = SECONDS / INTERVALS[rule["Properties"]["ScheduleExpression"]]
        for target in rule["Properties"]["Targets"]:
            (function,) = names(target["Arn"])
            gigabytes = template.functions[function]["Properties"]["MemorySize"] / 1024
            bill[f"{function}: requests"] = ticks * LAMBDA_REQUEST
            bill[f"{function}: time"] = ticks * CLOCK_SECONDS * gigabytes * LAMBDA_GB_SECOND[architecture]
            bill[f"{function}: reads"] = ticks * CLOCK_READ_UNITS * DYNAMODB_READ
            bill[f"{function}: writes"] = ticks * CLOCK_WRITE_UNITS * DYNAMODB_WRITE
    bill["stored items"] = STORED_GB * (DYNAMODB_GB + DYNAMODB_RECOVERY_GB)
    bill["stored objects"] = OBJECTS_GB * S3_GB
    for name, alarm in template.of("AWS::CloudWatch::Alarm").items():
        # Without an address there are no alarms, unless one forgets to make it conditional.
        if alarmed or alarm.get("Condition") != "Alarmed":
            bill[f"alarm {name}"] = ALARM * len(listed(alarm["Properties"].get("Metrics", [{}])))
    return bill


if __name__ == "__main__":
    for title, alarmed in (("An idle month", False), ("An idle month with alarms", True)):
        bill = idle_month(load(), alarmed)
        print(f"{title}: ${sum(bill.values()):.3f}")
        for what, dollars in bill.items():
            print(f"  {what:32} {dollars:8.4f}")
