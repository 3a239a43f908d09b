"""What `cdk synth` makes is the template itself, but for the code of the functions. `tests/run infra` runs this."""

import json

from template import ROOT, load

SYNTHESIZED = ROOT / "infra" / "cdk.out" / "Lambdesk.template.json"


def normal(node):
    """Without the difference between the two ways of writing Fn::GetAtt."""
    if isinstance(node, dict):
        if node.keys() == {"Fn::GetAtt"} and isinstance(node["Fn::GetAtt"], str):
            return {"Fn::GetAtt": node["Fn::GetAtt"].split(".", 1)}
        return {key: normal(value) for key, value in node.items()}
    return [normal(value) for value in node] if isinstance(node, list) else node


def test_is_the_template():
    ours = load().written
    theirs = json.loads(SYNTHESIZED.read_text())
    for resource in ours["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            del resource["Metadata"]
            del resource["Properties"]["CodeUri"]
    for resource in theirs["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            assert resource["Properties"].pop("CodeUri").keys() == {"Bucket", "Key"}
    # What the CDK adds: a look at whether the account was bootstrapped.
    theirs["Parameters"].pop("BootstrapVersion", None)
    theirs.pop("Rules", None)
    assert normal(theirs) == normal(ours)
