"""Which fault strikes a request, and how each service says that it is asked too often."""

import json
import random
from collections import Counter

KINDS = ("drop", "lose_answer", "repeat", "delay", "throttle")
# Seconds. The longest are longer than a function waits for an answer, so that some requests are applied after their
# sender has given them up.
DELAYS = (0.05, 4.0)
EXCEEDED = "Throughput exceeds the current capacity of your table or index."


class Faults:
    """Decides in the order in which requests come. At rate 0 nothing happens to any."""

    def __init__(self, rate=0.0, seed=1):
        self.rate, self.seed = rate, seed
        self.random = random.Random(seed)
        self.seen, self.struck = 0, Counter()

    def next(self, service=""):
        """The fault for the next request, or none; one in `rate`, all kinds alike.

        No network repeats a request; whoever asks does, and nobody does who asks for a mail: SES would send it twice.
        """
        self.seen += 1
        if self.random.random() >= self.rate:
            return None
        kind = self.random.choice([kind for kind in KINDS if (kind, service) != ("repeat", "ses")])
        self.struck[kind] += 1
        return kind

    def delay(self):
        return self.random.uniform(*DELAYS)

    def report(self):
        return {
            "rate": self.rate,
            "seed": self.seed,
            "requests": self.seen,
            "struck": {kind: self.struck[kind] for kind in KINDS},
        }


def throttled(request):
    """The whole answer by which the request's service refuses what comes too fast."""
    service, operation = request.service, request.operation
    if service == "dynamodb" and operation == "TransactWriteItems":
        return cancelled(len(json.loads(request.body)["TransactItems"]))
    if service == "dynamodb" and operation in ("PutItem", "UpdateItem", "DeleteItem"):
        return refused("1.0", "com.amazonaws.dynamodb.v20120810#ThrottlingException", EXCEEDED)
    if service == "dynamodb":
        return refused("1.0", "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", EXCEEDED)
    if service == "sqs":
        told = "x-amzn-query-error: RequestThrottled;Sender"
        return refused("1.0", "com.amazonaws.sqs#RequestThrottled", "Rate exceeded", told)
    if service == "ssm":
        return refused("1.1", "ThrottlingException", "Rate exceeded")
    if service == "s3":
        body = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
        return answer(503, "Slow Down", "application/xml", "" if request.method == "HEAD" else body)
    if service == "ses" and operation:
        error = "<Type>Sender</Type><Code>Throttling</Code><Message>Maximum sending rate exceeded.</Message>"
        return answer(400, "Bad Request", "text/xml", f"<ErrorResponse><Error>{error}</Error></ErrorResponse>")
    return answer(429, "Too Many Requests", "application/json", json.dumps({"message": "Too Many Requests"}))


def cancelled(items):
    """A transaction of which the first write was too much."""
    reasons = [{"Code": "ThrottlingError", "Message": EXCEEDED}, *[{"Code": "None"}] * (items - 1)]
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    body = {"__type": kind, "message": message, "CancellationReasons": reasons}
    return answer(400, "Bad Request", "application/x-amz-json-1.0", json.dumps(body))


def refused(version, kind, message, *headers):
    """A refusal in a version of AWS's JSON protocol."""
    body = json.dumps({"__type": kind, "message": message})
    return answer(400, "Bad Request", f"application/x-amz-json-{version}", body, *headers)


def answer(status, reason, content_type, body, *headers):
    lines = [
        f"HTTP/1.1 {status} {reason}",
        f"content-type: {content_type}",
        f"content-length: {len(body.encode())}",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
