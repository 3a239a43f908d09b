"""The template as the checks see it: as written, and as CloudFormation sees it after the SAM transform."""

import copy
import functools
import re
from pathlib import Path

from expand import expand, read

ROOT = Path(__file__).resolve().parents[2]


class Template:
    """A template. Change what is `written`, and whatever is asked afterwards follows."""

    def __init__(self, written):
        self.written = written

    @functools.cached_property
    def resources(self):
        """The resources after the transform."""
        packaged = copy.deepcopy(self.written)
        for resource in packaged["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = "s3://bucket/key"
        # The transform puts the default of a parameter in the place of a reference to it; a name without one stays.
        for parameter in packaged["Parameters"].values():
            parameter.pop("Default", None)
        return expand(packaged)["Resources"]

    def of(self, kind):
        """The transformed resources of a type, by name."""
        return {name: each for name, each in self.resources.items() if each["Type"] == kind}

    @property
    def functions(self):
        return self.of("AWS::Lambda::Function")

    def mappings_of(self, function):
        """The event source mappings of a function."""
        found = self.of("AWS::Lambda::EventSourceMapping").values()
        return [each["Properties"] for each in found if names(each["Properties"]["FunctionName"]) == {function}]

    def role_of(self, function):
        """The name of a function's role, if it is one of the template's."""
        found = names(self.functions[function]["Properties"]["Role"])
        return next(iter(found & self.of("AWS::IAM::Role").keys()), None)

    def allowed(self, function):
        """What a function may do: action, resource and condition, one each."""
        policies = self.resources[self.role_of(function)]["Properties"].get("Policies", [])
        return [
            (action, resource, statement.get("Condition"))
            for policy in policies
            for statement in listed(policy["PolicyDocument"]["Statement"])
            if statement["Effect"] == "Allow"
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        ]

    def environment(self, function):
        variables = self.functions[function]["Properties"].get("Environment", {"Variables": {}})
        return variables["Variables"]

    def routes(self):
        """Each route of each API as method, path and function."""
        return [
            (method, path, names(operation["x-amazon-apigateway-integration"]["uri"]))
            for api in self.of("AWS::ApiGatewayV2::Api").values()
            if "Body" in api["Properties"]
            for path, methods in api["Properties"]["Body"]["paths"].items()
            for method, operation in methods.items()
        ]


def load():
    return Template(read(ROOT / "template.yaml"))


def listed(value):
    return value if isinstance(value, list) else [value]


def names(node):
    """The logical names and parameters that a value refers to, those within Fn::Sub strings included."""
    found = set()
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                found.add(value)
            elif key == "Fn::GetAtt":
                found.add(value.split(".")[0] if isinstance(value, str) else value[0])
            elif key == "Fn::Sub":
                text, variables = (value, {}) if isinstance(value, str) else value
                found |= {name.split(".")[0] for name in re.findall(r"\$\{([^!}][^}]*)\}", text)} - variables.keys()
                found |= names(variables)
            else:
                found |= names(value)
    elif isinstance(node, list):
        for value in node:
            found |= names(value)
    return {name for name in found if not name.startswith("AWS::")}


def text(node):
    """A value on one line, with its references as `${…}`."""
    if isinstance(node, dict):
        if "Fn::Sub" in node:
            return text(node["Fn::Sub"])
        if "Fn::GetAtt" in node:
            return "${" + ".".join(listed(node["Fn::GetAtt"])) + "}"
        if "Ref" in node:
            return "${" + node["Ref"] + "}"
    return str(node)


def constant(path, name):
    """The number or the list of texts that a Rust constant of the workspace holds."""
    source = (ROOT / path).read_text()
    found = re.search(rf"pub const {name}: [^=]+ = (\[.*?\]|\d+);", source, re.DOTALL)
    assert found, f"{path} has no constant {name}"
    value = found.group(1)
    return re.findall(r'"([^"]*)"', value) if value.startswith("[") else int(value)
