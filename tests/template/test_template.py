"""The template holds what the design asks of it, and every check can fail."""

import checks
import pytest
from cost import idle_month
from template import load


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_holds(check):
    assert check(load()) == []


# A check, where to break the template, and what to put there; None removes.
BROKEN = [
    # The API's URL in the environment of its function: the cycle that only AWS finds.
    ("cycles", "ApiFunction.Environment.Variables.PUBLIC_URL", {"Fn::Sub": "https://${Api}.example.com"}),
    ("cycles", "ApiRole.Policies.0.PolicyDocument.Statement.0.Resource", {"Fn::Sub": "${ApiFunction.Arn}"}),
    ("references", "Clock.Environment.Variables.TABLE_NAME", {"Fn::Sub": "${Tabel}"}),
    ("no_url_in_environment", "Worker.Environment.Variables.PUBLIC_URL", {"Fn::Sub": "https://${Api}.example.com"}),
    ("wildcards", "BucketPolicy.PolicyDocument.Statement.1.Condition", None),
    ("wildcards", "MailTopicPolicy.PolicyDocument.Statement.0.Principal", "*"),
    ("wildcards", "MailTopicPolicy.PolicyDocument.Statement.0.Condition", {}),
    ("cycles", "LiveApi.Description", {"Fn::Sub": "for ${Live}"}),
    ("roles", "Telegram.Role", {"Fn::GetAtt": ["ApiRole", "Arn"]}),
    ("roles", "Telegram.Role", "arn:aws:iam::123456789012:role/shared"),
    ("roles", "ClockRole.ManagedPolicyArns", ["arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"]),
    ("roles", "ClockRole.AssumeRolePolicyDocument.Statement.0.Principal", {"AWS": "*"}),
    ("wildcards", "RouterRole.Policies.0.PolicyDocument.Statement.2.Action", "dynamodb:*"),
    ("wildcards", "RouterRole.Policies.0.PolicyDocument.Statement.2.Resource", "*"),
    ("wildcards", "RouterRole.Policies.0.PolicyDocument.Statement.2.Resource", "arn:aws:dynamodb:*:*:table/*"),
    ("wildcards", "RouterRole.Policies.0.PolicyDocument.Statement.2.Action", ["dynamodb:DeleteItem"]),
    ("wildcards", "SenderRole.Policies.0.PolicyDocument.Statement.5.Action", ["ssm:PutParameter"]),
    ("wildcards", "BucketPolicy.PolicyDocument.Statement.0.Effect", "Allow"),
    ("receivers", "TelegramRole.Policies.0.PolicyDocument.Statement.1.Condition", None),
    ("receivers", "TelegramRole.Policies.0.PolicyDocument.Statement.1.Action", ["dynamodb:GetItem", "dynamodb:Query"]),
    ("receivers", "TelegramRole.Policies.0.PolicyDocument.Statement.3.Resource", {"Fn::Sub": "${Bucket.Arn}/*"}),
    ("sources", "RouterRole.Policies.0.PolicyDocument.Statement.1.Action", ["sqs:ReceiveMessage"]),
    ("sources", "RelayRole.Policies.0.PolicyDocument.Statement.2.Resource", {"Fn::GetAtt": ["WorkQueue", "Arn"]}),
    ("environments", "Relay.Environment.Variables.BUCKET_NAME", {"Ref": "Bucket"}),
    ("environments", "Webchat.Environment.Variables.LIVE_PARAMETER", None),
    ("no_url_in_environment", "Webchat.Environment.Variables.LIVE_PARAMETER", {"Fn::Sub": "wss://${LiveApi}.example.com"}),
    ("environments", "Clock.Environment.Variables.OUTBOUND_QUEUE_URL", None),
    ("environments", "Clock.Environment.Variables.OUTBOUND_QUEUE_URL", {"Ref": "WorkQueue"}),
    ("environments", "Sender.Environment.Variables.KEY_PARAMETER", None),
    ("environments", "Sender.Environment.Variables.SECRET", "x"),
    ("functions", "Clock.Architectures", ["x86_64"]),
    ("functions", "Clock.Runtime", "nodejs22.x"),
    ("functions", "Clock.LoggingConfig.LogGroup", {"Ref": "ApiLog"}),
    ("functions", "Clock.LoggingConfig.SystemLogLevel", "DEBUG"),
    ("logs", "ClockLog.RetentionInDays", None),
    ("queues", "OutboundQueue.VisibilityTimeout", 359),
    ("queues", "Router.Timeout", 11),
    ("queues", "WorkQueue.RedrivePolicy", None),
    ("queues", "WorkQueue.RedrivePolicy.maxReceiveCount", 4),
    ("queues", "InboundDeadLetters.FifoQueue", None),
    ("queues", "InboundDeadLetters.MessageRetentionPeriod", None),
    ("queues", "WorkQueue.SqsManagedSseEnabled", False),
    ("queues", "WorkQueue.QueueName", "work"),
    ("queues", "InboundQueue.ContentBasedDeduplication", True),
    ("queues", "Clock.Events.More", {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["RelayDeadLetters", "Arn"]}}}),
    ("mappings", "Router.Events.Inbound.Properties.FunctionResponseTypes", None),
    ("mappings", "Sender.Events.Outbound.Properties.ScalingConfig", None),
    ("mappings", "Relay.Events.Appended.Properties.FunctionResponseTypes", None),
    ("mappings", "Relay.Events.Appended.Properties.StartingPosition", "LATEST"),
    ("mappings", "Relay.Events.Appended.Properties.BisectBatchOnFunctionError", False),
    ("mappings", "Relay.Events.Appended.Properties.MaximumRecordAgeInSeconds", None),
    ("mappings", "Relay.Events.Appended.Properties.DestinationConfig", None),
    ("mappings", "Relay.Events.Appended.Properties.FilterCriteria.Filters.0.Pattern", '{"eventName":["INSERT"]}'),
    ("clock", "Clock.Events.Tick.Properties.Schedule", "rate(5 minutes)"),
    ("clock", "Clock.Timeout", 60),
    ("clock", "Clock.EventInvokeConfig", None),
    ("tables", "Table.PointInTimeRecoverySpecification", None),
    ("tables", "Table.StreamSpecification.StreamViewType", "NEW_AND_OLD_IMAGES"),
    ("tables", "Table.TimeToLiveSpecification", None),
    ("tables", "Table.BillingMode", "PROVISIONED"),
    ("tables", "Table.TableName", "lambdesk"),
    ("tables", "IndexTable.StreamSpecification", {"StreamViewType": "NEW_IMAGE"}),
    ("indexes", "Table.GlobalSecondaryIndexes.0.Projection.NonKeyAttributes.0", "ids"),
    ("indexes", "Table.GlobalSecondaryIndexes.0.Projection", {"ProjectionType": "ALL"}),
    ("indexes", "Table.GlobalSecondaryIndexes.1", None),
    ("bucket", "Bucket.PublicAccessBlockConfiguration.BlockPublicPolicy", False),
    ("bucket", "Bucket.BucketEncryption", None),
    ("bucket", "Bucket.LifecycleConfiguration.Rules.1.Prefix", "media/"),
    ("bucket", "Bucket.LifecycleConfiguration.Rules.1.ExpirationInDays", 7),
    ("bucket", "QueuePolicy.Queues.6", None),
    ("alarms", "RelayDeadLettersAlarm.Dimensions.0.Value", {"Fn::GetAtt": ["WorkDeadLetters", "QueueName"]}),
    ("alarms", "ClockMissedAlarm.AlarmActions", None),
    ("api", "Telegram.Events.Webhook.Properties.Method", "GET"),
    ("api", "Api.DefaultRouteSettings", None),
    ("api", "LiveStage.DefaultRouteSettings", None),
    ("api", "LiveStage.AccessLogSettings.Format", "$context.path"),
    ("api", "Webchat.Events.Widget.Properties.Path", "/{proxy+}"),
    ("api", "Api.AccessLogSettings", None),
    ("api", "Api.AccessLogSettings.Format", "$context.path"),
    ("types", "Clock.ReservedConcurrentExecutions", 1),
    ("price", "Sender.Events.More", {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["RelayDeadLetters", "Arn"]}}}),
    ("builds", "Clock.CodeUri", "functions/api"),
    ("lint", "Table.BillingMode", "PAY_PER_REQUST"),
]


@pytest.mark.parametrize(("check", "where", "what"), BROKEN)
def test_complains(check, where, what):
    template = load()
    resource, *path = where.split(".")
    node = template.written["Resources"][resource]["Properties"]
    path = [int(part) if part.isdigit() else part for part in path]
    for part in path[:-1]:
        node = node[part]
    if what is None:
        del node[path[-1]]
    else:
        node[path[-1]] = what
    assert getattr(checks, check)(template) != []


def test_complains_about_what_bills_by_the_hour():
    template = load()
    template.written["Resources"]["Nat"] = {"Type": "AWS::EC2::NatGateway", "Properties": {"SubnetId": "subnet-1"}}
    assert checks.types(template) == ["Nat is a AWS::EC2::NatGateway"]


@pytest.mark.parametrize("policy", ["DeletionPolicy", "UpdateReplacePolicy"])
@pytest.mark.parametrize(("check", "name"), [("tables", "Table"), ("bucket", "Bucket")])
def test_complains_about_what_dies_with_the_stack(check, name, policy):
    template = load()
    template.written["Resources"][name][policy] = "Delete"
    assert getattr(checks, check)(template) != []


def test_complains_about_alarms_without_condition():
    template = load()
    for name, resource in template.written["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            del resource["Condition"]
    assert checks.price(template) != []


def test_complains_about_an_eleventh_alarm():
    template = load()
    template.written["Resources"]["More"] = template.written["Resources"]["InboundAgeAlarm"]
    assert checks.alarms(template) == ["11 alarms"]


def test_complains_about_missing_builds_and_outputs():
    template = load()
    del template.written["Resources"]["Clock"]["Metadata"]
    del template.written["Outputs"]["CreateToken"]
    assert checks.builds(template) != []
    assert checks.outputs(template) != []


def test_tells_the_price():
    """A figure for the README; see `cost.py` for its lines."""
    plain, alarmed = (sum(idle_month(load(), alarmed).values()) for alarmed in (False, True))
    print(f"an idle month costs ${plain:.2f}, and ${alarmed:.2f} with alarms")
    assert 0.5 < plain <= 1 and plain < alarmed
