"""Expands the SAM template into plain CloudFormation that the emulator serves.

The emulator ignores the OpenAPI `Body` of an HTTP API, so every route of a SAM HttpApi would answer 404 there. This
runs the SAM transform, which is the one that CloudFormation runs, and turns that body into integrations and routes.
"""

import hashlib
import json
import logging
import os
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# It regrets at exit that nobody collected its metrics.
logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)


class NoManagedPolicies:
    """What the transform asks for policies by name; the template names none."""

    def load(self):
        return {}


def read(path):
    """A template, whether YAML or JSON, as plain dictionaries."""
    return json.loads(json.dumps(yaml_parse(Path(path).read_text())))


def expand(template, parameters=None):
    """The template after the SAM transform. Each function's CodeUri must name an object of S3 by now."""
    return transform(template, dict(parameters or {}), NoManagedPolicies())


def with_numbers(template, parameters):
    """The template with the values of its numeric parameters in place of references; the emulator makes texts of them."""
    numbers = {
        name: int(parameters.get(name, parameter["Default"]))
        for name, parameter in template["Parameters"].items()
        if parameter["Type"] == "Number"
    }

    def walk(node):
        if isinstance(node, dict):
            if node.keys() == {"Ref"} and node["Ref"] in numbers:
                return numbers[node["Ref"]]
            return {key: walk(value) for key, value in node.items()}
        return [walk(value) for value in node] if isinstance(node, list) else node

    return {**template, "Resources": walk(template["Resources"])}


def without_tls(template):
    """The template without the policies that refuse plain HTTP, which is what the emulator speaks and holds them to."""
    refusing = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy")
    kept = {name: each for name, each in template["Resources"].items() if each["Type"] not in refusing}
    return {**template, "Resources": kept}


def with_rights(template):
    """The template with the rights as the emulator asks for them.

    A batch call takes a right of its own there, beside the single call's, which is all that AWS asks for. For a mail
    by SES's first API it knows no resource and asks for all of them.
    """
    batched = ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")

    def walk(node):
        if isinstance(node, list):
            return [walk(value) for value in node]
        if not isinstance(node, dict):
            return node
        node = {key: walk(value) for key, value in node.items()}
        if "Action" in node and "Effect" in node:
            actions = node["Action"] if isinstance(node["Action"], list) else [node["Action"]]
            node["Action"] = actions + [f"{action}Batch" for action in actions if action in batched]
            if "ses:SendRawEmail" in actions:
                node["Resource"] = "*"
        return node

    return {**template, "Resources": walk(template["Resources"])}


def with_routes(template):
    """The expanded template with routes in place of the API's OpenAPI body. Knows no authorizers: there are none."""
    template.pop("Transform", None)
    resources = template["Resources"]
    for api, resource in list(resources.items()):
        properties = resource.get("Properties", {})
        if resource["Type"] != "AWS::ApiGatewayV2::Api" or "Body" not in properties:
            continue
        body = properties.pop("Body")
        properties.pop("FailOnWarnings", None)
        properties["Name"] = body["info"]["title"]
        properties["ProtocolType"] = "HTTP"
        if cors := body.get("x-amazon-apigateway-cors"):
            # As it stands in the body, in camelCase: that is what the emulator reads.
            properties["CorsConfiguration"] = cors
        for path, methods in body["paths"].items():
            for method, operation in methods.items():
                spec = operation["x-amazon-apigateway-integration"]
                integration = f"{api}Integration{short(json.dumps(spec, sort_keys=True))}"
                resources[integration] = {
                    "Type": "AWS::ApiGatewayV2::Integration",
                    "Properties": {
                        "ApiId": {"Ref": api},
                        "IntegrationType": spec["type"].upper(),
                        "IntegrationUri": spec["uri"],
                        "PayloadFormatVersion": spec["payloadFormatVersion"],
                    },
                }
                verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                resources[f"{api}Route{short(verb + path)}"] = {
                    "Type": "AWS::ApiGatewayV2::Route",
                    "Properties": {
                        "ApiId": {"Ref": api},
                        "RouteKey": f"{verb} {path}",
                        "Target": {"Fn::Sub": "integrations/${" + integration + "}"},
                    },
                }
    return template


def short(text):
    return hashlib.sha256(text.encode()).hexdigest()[:8]
