"""Deploys a template to the emulator: uploads the code, creates the stack, tells what came of it."""

import io
import json
import time
import zipfile
from pathlib import Path

import boto3
from botocore.config import Config

from build import BUILT, packages
from expand import expand, read, with_rights, with_numbers, with_routes, without_tls
from launch import CREDENTIALS, REGION

CODE_BUCKET = "lambdesk-code"
PATIENCE = 120  # seconds until the stack must stand


class Account:
    """Clients of the emulator's services."""

    def __init__(self, endpoint):
        session = boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})

        def client(service):
            return session.client(service, endpoint_url=endpoint, config=config)

        self.s3 = client("s3")
        self.ssm = client("ssm")
        self.cloudformation = client("cloudformation")
        self.id = client("sts").get_caller_identity()["Account"]


def deploy(endpoint, template_path, assets=None, stack="lambdesk", parameters=None):
    """Deploys `template.yaml`, or what `cdk synth` made of it with its folder as `assets`. Returns what was created."""
    account = Account(endpoint)
    template = read(template_path)
    if assets:
        upload_assets(account, Path(assets), Path(template_path))
    else:
        upload_functions(account, template)
    parameters = {"Architecture": "x86_64", "DeletionProtection": "false", **(parameters or {})}
    body = with_rights(without_tls(with_numbers(with_routes(expand(template, parameters)), parameters)))
    account.s3.put_object(Bucket=CODE_BUCKET, Key="template.json", Body=json.dumps(body).encode())
    account.cloudformation.create_stack(
        StackName=stack,
        TemplateURL=f"{endpoint}/{CODE_BUCKET}/template.json",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    outputs = await_stack(account, stack)
    return created(account, endpoint, stack, parameters, outputs)


def upload_functions(account, template):
    """Uploads the built functions, and names them in the template."""
    account.s3.create_bucket(Bucket=CODE_BUCKET)
    for name, package in packages(template).items():
        key = f"{package}.zip"
        account.s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=zipped(BUILT / package))
        template["Resources"][name]["Properties"]["CodeUri"] = {"Bucket": CODE_BUCKET, "Key": key}


def upload_assets(account, folder, template_path):
    """Does what `cdk bootstrap` and the upload of `cdk deploy` do."""
    account.s3.create_bucket(Bucket=CODE_BUCKET)
    account.ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Type="String", Value="30")
    manifest = json.loads((folder / template_path.name.replace(".template.", ".assets.")).read_text())
    buckets = set()
    for asset in manifest["files"].values():
        if asset["source"]["packaging"] != "zip":
            continue
        code = zipped(folder / asset["source"]["path"])
        for destination in asset["destinations"].values():
            bucket = destination["bucketName"].replace("${AWS::AccountId}", account.id)
            bucket = bucket.replace("${AWS::Region}", REGION)
            if bucket not in buckets:
                account.s3.create_bucket(Bucket=bucket)
                buckets.add(bucket)
            account.s3.put_object(Bucket=bucket, Key=destination["objectKey"], Body=code)


def zipped(folder):
    """A zip archive of a folder's files, with the right to execute them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(path.name)
            entry.external_attr = 0o755 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def await_stack(account, stack):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = account.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        if found["StackStatus"] == "CREATE_COMPLETE":
            return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
        if found["StackStatus"] != "CREATE_IN_PROGRESS":
            events = account.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
            reasons = [
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
                for event in events
                if event["ResourceStatus"].endswith("FAILED")
            ]
            raise RuntimeError(f"the stack is {found['StackStatus']}: {found.get('StackStatusReason')}; {reasons}")
        time.sleep(0.1)
    raise RuntimeError("the stack is still being created")


def created(account, endpoint, stack, parameters, outputs):
    """What the stack holds, by the names of the template."""
    pages = account.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]

    def of(kind):
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in resources
            if resource["ResourceType"] == kind
        }

    api = of("AWS::ApiGatewayV2::Api")["Api"]
    return {
        "endpoint": endpoint,
        "region": REGION,
        "account": account.id,
        "stack": stack,
        "resources": {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources},
        "parameters": parameters,
        # The host name of a real API does not resolve here; this path is the emulator's own way to the same stage.
        "api_base_url": f"{endpoint}/_aws/execute-api/{api}/$default",
        "api_id": api,
        "functions": of("AWS::Lambda::Function"),
        "queues": of("AWS::SQS::Queue"),
        "tables": of("AWS::DynamoDB::Table"),
        "bucket": of("AWS::S3::Bucket")["Bucket"],
        "outputs": outputs,
    }
