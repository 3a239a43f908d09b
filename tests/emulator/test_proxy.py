"""The proxy passes on what it gets, strikes as it says, and reads from a request what AWS would."""

import contextlib
import json
import socket
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from calls import Call, Request, calls
from faults import KINDS, Faults, throttled
from proxy import Proxy

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/desk"


def request(
    service, content, target="", method="POST", path="/", agent="aws-sdk-rust/1 app/lambdesk-Router-1 lang/rust"
):
    headers = {
        "authorization": f"AWS4-HMAC-SHA256 Credential=ASIA1/20261126/us-east-1/{service}/aws4_request, Signature=0",
        "x-amz-target": target,
        "user-agent": agent,
    }
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Request(method, path, headers, body)


def asked(*arguments, **more):
    return [(call.action, call.resource, call.leading) for call in calls(request(*arguments, **more))]


def test_tells_who_asks():
    get = (
        "dynamodb",
        {"TableName": "desk", "Key": {"pk": {"S": "T#1"}, "sk": {"S": "@"}}},
        "DynamoDB_20120810.GetItem",
    )
    assert calls(request(*get)) == [Call("lambdesk-Router-1", "ASIA1", "dynamodb:GetItem", ARN, ("T#1",))]
    assert calls(request(*get, agent="lambdesk-Router-1"))[0].caller == "lambdesk-Router-1"
    assert calls(request(*get, agent="Mozilla/5.0 (X11)"))[0].caller == ""


def test_reads_dynamodb():
    put = {"Put": {"TableName": "desk", "Item": {"pk": {"S": "T#1"}, "sk": {"S": "@"}}}}
    more = {"Put": {"TableName": "desk", "Item": {"pk": {"S": "M#1"}, "sk": {"S": "@"}}}}
    gone = {"Delete": {"TableName": "desk", "Key": {"pk": {"S": "D#1"}, "sk": {"S": "@"}}}}
    checked = {"ConditionCheck": {"TableName": "desk", "Key": {"pk": {"S": "X#1"}, "sk": {"S": "@"}}}}
    assert asked("dynamodb", {"TransactItems": [put, gone, more, checked]}, "DynamoDB_20120810.TransactWriteItems") == [
        ("dynamodb:PutItem", ARN, ("M#1", "T#1")),
        ("dynamodb:DeleteItem", ARN, ("D#1",)),
        ("dynamodb:ConditionCheckItem", ARN, ("X#1",)),
    ]
    query = {"TableName": "desk", "IndexName": "due", "KeyConditionExpression": "#pk = :pk AND #sk <= :to"}
    query["ExpressionAttributeValues"] = {":to": {"S": "9"}, ":pk": {"S": "reply#0"}}
    assert asked("dynamodb", query, "DynamoDB_20120810.Query") == [("dynamodb:Query", f"{ARN}/index/due", ("reply#0",))]
    batch = {"RequestItems": {"desk": {"Keys": [{"pk": {"S": "T#2"}}, {"pk": {"S": "T#1"}}]}}}
    assert asked("dynamodb", batch, "DynamoDB_20120810.BatchGetItem") == [
        ("dynamodb:BatchGetItem", ARN, ("T#1", "T#2"))
    ]
    assert asked("dynamodb", {}, "DynamoDB_20120810.ExecuteStatement")[0][0] == "unknown:ExecuteStatement"
    assert asked("dynamodb", b"no JSON", "DynamoDB_20120810.GetItem")[0][0] == "unknown:GetItem"


def test_reads_the_other_services():
    queue = {"QueueUrl": "http://127.0.0.1:1/000000000000/work"}
    assert asked("sqs", queue, "AmazonSQS.SendMessageBatch") == [
        ("sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:work", ())
    ]
    assert asked("ssm", {"Name": "/desk/key"}, "AmazonSSM.GetParameter") == [
        ("ssm:GetParameter", "arn:aws:ssm:us-east-1:000000000000:parameter/desk/key", ())
    ]
    assert asked("s3", b"x", method="PUT", path="/bucket/inbound/a%23b") == [
        ("s3:PutObject", "arn:aws:s3:::bucket/inbound/a#b", ())
    ]
    assert asked("s3", b"", method="GET", path="/bucket?list-type=2&prefix=a") == [
        ("s3:ListBucket", "arn:aws:s3:::bucket", ())
    ]
    mail = b"Action=SendRawEmail&Source=desk%40example.com&ConfigurationSetName=events"
    ses = "arn:aws:ses:us-east-1:000000000000:"
    assert asked("ses", mail) == [
        ("ses:SendRawEmail", f"{ses}identity/desk@example.com", ()),
        ("ses:SendRawEmail", f"{ses}configuration-set/events", ()),
    ]
    assert asked("ses", b"", method="GET", path="/v2/email/account") == [("ses:GetAccount", "*", ())]
    assert asked("lambda", b"", method="GET", path="/2016-08-19/account-settings") == [
        ("lambda:GetAccountSettings", "*", ())
    ]
    assert asked("kms", b"")[0][0] == "unknown:POST"


def test_reads_presigned_requests():
    part = b'--x\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    form = part % (b"key", b"attachments/1")
    form += part % (b"x-amz-credential", b"ASIA2/20261126/us-east-1/s3/aws4_request") + b"--x--\r\n"
    assert calls(Request("POST", "/bucket", {}, form)) == [
        Call("", "ASIA2", "s3:PutObject", "arn:aws:s3:::bucket/attachments/1", presigned=True)
    ]
    link = "/bucket/attachments/1?X-Amz-Credential=ASIA2%2F20261126%2Fus-east-1%2Fs3%2Faws4_request"
    assert calls(Request("GET", link, {}, b"")) == [
        Call("", "ASIA2", "s3:GetObject", "arn:aws:s3:::bucket/attachments/1", presigned=True)
    ]


def test_throttles_as_the_services_do():
    transaction = request("dynamodb", {"TransactItems": [{}, {}]}, "DynamoDB_20120810.TransactWriteItems")
    head, body = throttled(transaction).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and f"content-length: {len(body)}".encode() in head
    assert [reason["Code"] for reason in json.loads(body)["CancellationReasons"]] == ["ThrottlingError", "None"]
    assert throttled(request("s3", b"", method="PUT", path="/b/k")).startswith(b"HTTP/1.1 503 ")
    assert throttled(request("s3", b"", method="HEAD", path="/b/k")).endswith(b"\r\n\r\n")
    assert b"<Code>Throttling</Code>" in throttled(request("ses", b"Action=SendRawEmail"))
    assert b"RequestThrottled" in throttled(request("sqs", {}, "AmazonSQS.SendMessage"))


def test_strikes_as_often_as_it_says():
    def drawn(seed):
        faults = Faults(0.2, seed)
        return [faults.next() for _ in range(5000)], faults.report()

    kinds, report = drawn(7)
    assert drawn(7)[0] == kinds != drawn(8)[0]
    assert 900 < sum(report["struck"].values()) < 1100
    assert all(report["struck"][kind] > 150 for kind in KINDS)
    assert not any(Faults(0.0).next() for _ in range(100))


def test_repeats_no_mail():
    faults = Faults(1.0)
    struck = {faults.next("ses") for _ in range(200)}
    assert struck == {"drop", "lose_answer", "delay", "throttle"}


class Echo(BaseHTTPRequestHandler):
    """Answers with what it got, in chunks if it is asked at `/chunks`."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append((self.headers["host"], body))
        self.send_response(200)
        if self.path == "/chunks":
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        else:
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.bodies = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def post(url, body):
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
        return answer.read()


class Only(Faults):
    """One fault for all."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def next(self, service=""):
        return self.kind


def test_passes_on_byte_for_byte(server):
    with Proxy(server.server_port) as proxy:
        body = bytes(range(256)) * 5000
        assert post(proxy.endpoint + "/", body) == body
        assert post(proxy.endpoint + "/chunks", body) == body
        # The Host header is signed, and must arrive as it was sent.
        host = proxy.endpoint.removeprefix("http://")
        assert server.bodies == [(host, body), (host, body)]
        assert proxy.recorded()[0]["times"] == 1


@pytest.mark.parametrize(
    ("kind", "applied", "answers"),
    [
        ("drop", 0, False),
        ("lose_answer", 1, False),
        ("repeat", 2, True),
        ("throttle", 0, False),
        ("delay", 1, True),
    ],
)
def test_does_each_fault(server, kind, applied, answers):
    with Proxy(server.server_port) as proxy:
        proxy.faults = Only(kind)
        proxy.faults.delay = lambda: 0.01
        if answers:
            assert post(proxy.endpoint, b"once") == b"once"
        else:
            with pytest.raises((OSError, urllib.error.HTTPError)):
                post(proxy.endpoint, b"once")
    assert len(server.bodies) == applied


def test_is_told_how_faulty_to_be(server):
    with Proxy(server.server_port) as proxy:
        told = json.loads(post(f"{proxy.endpoint}/_proxy", json.dumps({"rate": 1.0, "seed": 3}).encode()))
        assert told["rate"] == 1.0
        with contextlib.suppress(OSError):
            post(proxy.endpoint, b"once")
        with urllib.request.urlopen(f"{proxy.endpoint}/_proxy", timeout=10) as answer:
            assert sum(json.loads(answer.read())["struck"].values()) == 1


def test_a_chunked_request_is_put_together(server):
    with Proxy(server.server_port) as proxy:
        with socket.create_connection(("127.0.0.1", int(proxy.endpoint.rpartition(":")[2])), timeout=10) as connection:
            head = b"POST /_proxy HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            connection.sendall(head + b'8\r\n{"rate":\r\n4\r\n0.5}\r\n0\r\n\r\n')
            assert b'"rate": 0.5' in connection.recv(4096)
