"""Asks the deployed desk in LAMBDESK_STACK whether it is healthy, and for its first token. `up.py` runs it."""

import json
import os
import sys
import time
import urllib.request

import boto3

from launch import CREDENTIALS

PATIENCE = 30  # seconds


def main():
    stack = json.loads(os.environ["LAMBDESK_STACK"])
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"{stack['api_base_url']}/health", timeout=PATIENCE) as answer:
                print(f"GET /health: {answer.status}")
            break
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"GET /health: {error}")
            time.sleep(0.5)
    functions = boto3.client(
        "lambda",
        endpoint_url=stack["endpoint"],
        region_name=stack["region"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    answer = functions.invoke(FunctionName=stack["functions"]["ApiFunction"], Payload=b'{"command":"create-token"}')
    payload = answer["Payload"].read()
    if "FunctionError" in answer:
        sys.exit(f"create-token: {payload.decode()}")
    print("create-token: answered")


if __name__ == "__main__":
    main()
