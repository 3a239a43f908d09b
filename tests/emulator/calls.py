"""What a request to AWS asks for: who makes it, which actions it takes, and on which resources.

Actions and resources are those of IAM, after the service authorization reference: a batch of SQS takes the right of
the single call, and a transaction of DynamoDB those of the writes in it.
"""

import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from launch import ACCOUNT

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
# The form of a presigned upload carries its credential in a field.
FORM_CREDENTIAL = re.compile(
    rb'name="x-amz-credential"\r\n\r\n([^/\r\n]+)/\d{8}/([^/\r\n]+)/([^/\r\n]+)/', re.IGNORECASE
)
FORM_KEY = re.compile(rb'name="key"\r\n\r\n([^\r\n]*)', re.IGNORECASE)
# The SDK puts the name behind `app/`; what is signed by hand sends nothing but the name.
NAME = re.compile(r"(?:^|\s)app/(\S+)|^([A-Za-z0-9_-]+)$")


@dataclass(frozen=True, order=True)
class Call:
    """An action on a resource."""

    # How the caller names itself; nothing if it does not, as a browser that uses a presigned form.
    caller: str
    # The access key that it is signed with; nothing if it is not signed.
    key: str
    action: str
    resource: str
    # The partition keys that a request to DynamoDB touches.
    leading: tuple = ()
    # Whether it was signed beforehand, for somebody else to make.
    presigned: bool = False


@dataclass(frozen=True)
class Request:
    """A request as it came, but for a body that was sent in chunks: that is put together."""

    method: str
    target: str
    headers: dict
    body: bytes

    @property
    def credential(self):
        """Access key, region and service by which it is signed, or three empty texts."""
        query = dict(parse_qsl(urlsplit(self.target).query))
        told = self.headers.get("authorization") or f"Credential={query.get('X-Amz-Credential', '')}"
        if found := CREDENTIAL.search(told):
            return found.groups()
        if found := FORM_CREDENTIAL.search(self.body):
            return tuple(part.decode() for part in found.groups())
        return "", "", ""

    @property
    def service(self):
        """The service that it is signed for."""
        return self.credential[2]

    @property
    def operation(self):
        """The operation of a protocol that names it in a header or a form; else nothing."""
        if target := self.headers.get("x-amz-target"):
            return target.rpartition(".")[2]
        return dict(parse_qsl(self.body.decode(errors="replace"))).get("Action", "") if self.service == "ses" else ""


def calls(request):
    """What a request asks for. An action that nobody here knows is called `unknown`, and no policy allows it."""
    key, region, service = request.credential
    name = NAME.search(request.headers.get("user-agent", ""))
    caller = (name[1] or name[2]) if name else ""
    presigned = bool(key) and "authorization" not in request.headers
    # Whoever makes it is no function.
    caller = "" if presigned else caller
    read = SERVICES.get(service, unknown)
    try:
        found = list(read(request, f"arn:aws:{service}:{region}:{ACCOUNT}:"))
    except (KeyError, ValueError, IndexError):
        found = list(unknown(request, ""))
    return [Call(caller, key, action, resource, tuple(leading), presigned) for action, resource, *leading in found]


def unknown(request, _):
    yield f"unknown:{request.operation or request.method}", urlsplit(request.target).path


def dynamodb(request, arn):
    content = json.loads(request.body)
    operation = request.operation
    if operation == "BatchGetItem":
        for table, asked in content["RequestItems"].items():
            yield "dynamodb:BatchGetItem", f"{arn}table/{table}", *sorted({key["pk"]["S"] for key in asked["Keys"]})
    elif operation == "TransactWriteItems":
        # Together as one request takes them: conditions hold for all keys of an action, or for none.
        touched = {}
        for item in content["TransactItems"]:
            ((kind, what),) = item.items()
            action = {
                "Put": "PutItem",
                "Update": "UpdateItem",
                "Delete": "DeleteItem",
                "ConditionCheck": "ConditionCheckItem",
            }[kind]
            keys = what["Item"] if kind == "Put" else what["Key"]
            touched.setdefault((action, what["TableName"]), set()).add(keys["pk"]["S"])
        for (action, table), keys in touched.items():
            yield f"dynamodb:{action}", f"{arn}table/{table}", *sorted(keys)
    elif operation == "Query":
        where = f"{arn}table/{content['TableName']}"
        if index := content.get("IndexName"):
            where += f"/index/{index}"
        partition = re.match(r"\s*\S+\s*=\s*(:\w+)", content["KeyConditionExpression"])[1]
        yield "dynamodb:Query", where, content["ExpressionAttributeValues"][partition]["S"]
    elif operation in ("GetItem", "PutItem", "UpdateItem", "DeleteItem"):
        keys = content["Item"] if operation == "PutItem" else content["Key"]
        yield f"dynamodb:{operation}", f"{arn}table/{content['TableName']}", keys["pk"]["S"]
    elif operation == "Scan":
        yield "dynamodb:Scan", f"{arn}table/{content['TableName']}"
    else:
        yield from unknown(request, arn)


def sqs(request, arn):
    queue = json.loads(request.body)["QueueUrl"].rpartition("/")[2]
    yield f"sqs:{request.operation.removesuffix('Batch')}", f"{arn}{queue}"


def ssm(request, arn):
    yield f"ssm:{request.operation}", f"{arn}parameter/{json.loads(request.body)['Name'].lstrip('/')}"


def s3(request, _):
    path, query = urlsplit(request.target).path, parse_qs(urlsplit(request.target).query, keep_blank_values=True)
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    if request.method == "POST" and not key and (form := FORM_KEY.search(request.body)):
        yield "s3:PutObject", f"arn:aws:s3:::{bucket}/{form[1].decode()}"
    elif not key:
        action = "s3:ListBucket" if request.method in ("GET", "HEAD") else f"unknown:{request.method}"
        yield action, f"arn:aws:s3:::{bucket}"
    elif request.method == "DELETE" and "uploadId" in query:
        yield "s3:AbortMultipartUpload", f"arn:aws:s3:::{bucket}/{key}"
    else:
        action = {
            "GET": "GetObject",
            "HEAD": "GetObject",
            "PUT": "PutObject",
            "POST": "PutObject",
            "DELETE": "DeleteObject",
        }
        yield f"s3:{action[request.method]}", f"arn:aws:s3:::{bucket}/{key}"


def ses(request, arn):
    path = unquote(urlsplit(request.target).path)
    if request.operation == "SendRawEmail":
        form = dict(parse_qsl(request.body.decode()))
        yield "ses:SendRawEmail", f"{arn}identity/{form['Source']}"
        if events := form.get("ConfigurationSetName"):
            yield "ses:SendRawEmail", f"{arn}configuration-set/{events}"
    elif request.operation:
        yield f"ses:{request.operation}", "*"
    elif request.method == "GET" and path == "/v2/email/account":
        yield "ses:GetAccount", "*"
    elif request.method == "GET" and path.startswith("/v2/email/identities/"):
        yield "ses:GetEmailIdentity", f"{arn}identity/{path.rpartition('/')[2]}"
    else:
        yield from unknown(request, arn)


def functions(request, arn):
    path = urlsplit(request.target).path.rstrip("/")
    if request.method == "GET" and path.endswith("/account-settings"):
        yield "lambda:GetAccountSettings", "*"
    elif request.method == "POST" and (invoked := re.search(r"/functions/([^/]+)/invocations$", path)):
        yield "lambda:InvokeFunction", f"{arn}function:{invoked[1]}"
    else:
        yield from unknown(request, arn)


def execute_api(request, arn):
    api, stage, rest = request.target.removeprefix("/_aws/execute-api/").lstrip("/").split("/", 2)
    action = "execute-api:ManageConnections" if rest.startswith("@connections/") else "execute-api:Invoke"
    yield action, f"{arn}{api}/{stage}/{request.method}/{unquote(rest)}"


SERVICES = {
    "dynamodb": dynamodb,
    "sqs": sqs,
    "ssm": ssm,
    "s3": s3,
    "ses": ses,
    "lambda": functions,
    "execute-api": execute_api,
}
