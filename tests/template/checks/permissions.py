"""Who may do what."""

import json

from template import names, text

# Actions that know no resources.
WITHOUT_RESOURCE = {"lambda:GetAccountSettings", "ses:GetAccount", "ses:DescribeActiveReceiptRuleSet"}
# What of the account's own, besides the stack's, an action may be allowed on: mail leaves from any verified address.
SES = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:"
OF_THE_ACCOUNT = {
    "ses:SendRawEmail": {SES + "identity/*", SES + "configuration-set/*"},
    "ses:GetEmailIdentity": {SES + "identity/*"},
}
# What SES may do, for this account only.
SERVICES = {
    ("BucketPolicy", "ses.amazonaws.com", "s3:PutObject", "${Bucket.Arn}/mail/*"),
    ("MailTopicPolicy", "ses.amazonaws.com", "sns:Publish", "${MailTopic}"),
}
# Actions that only these functions may have on anything.
PRIVILEGED = {
    "ses:SendRawEmail": {"Sender"},
    "ssm:PutParameter": {"ApiFunction"},
    "lambda:InvokeFunction": {"ApiFunction"},
    "dynamodb:DeleteItem": {"ApiFunction", "Clock", "Live", "Relay", "Sender", "Webchat"},
    "execute-api:ManageConnections": {"ApiFunction", "Live", "Relay", "Sender", "Webchat"},
    "dynamodb:UpdateItem": {"ApiFunction", "Router"},
    "dynamodb:Scan": set(),
    "s3:DeleteObject": set(),
    "sqs:PurgeQueue": set(),
}
# What a function needs to be fed by each kind of source, on that source.
QUEUE_SOURCE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
STREAM_SOURCE = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}
# The variable that names each resource to the functions.
VARIABLES = {
    "TABLE_NAME": "Table",
    "INDEX_TABLE_NAME": "IndexTable",
    "BUCKET_NAME": "Bucket",
    "INBOUND_QUEUE_URL": "InboundQueue",
    "OUTBOUND_QUEUE_URL": "OutboundQueue",
    "WORK_QUEUE_URL": "WorkQueue",
    "INBOUND_DEAD_LETTERS_URL": "InboundDeadLetters",
    "OUTBOUND_DEAD_LETTERS_URL": "OutboundDeadLetters",
    "WORK_DEAD_LETTERS_URL": "WorkDeadLetters",
    "RELAY_DEAD_LETTERS_URL": "RelayDeadLetters",
    "EMAIL_DEAD_LETTERS_URL": "EmailDeadLetters",
    "EMAIL_FUNCTION": "Email",
}
KEY_PARAMETER = "/${AWS::StackName}/key"
LIVE_PARAMETER = "/${AWS::StackName}/live"
KEY_ARN = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter" + KEY_PARAMETER


def roles(template):
    """Every function has a role of its own, with inline policies only."""
    complaints, owners = [], {}
    for function in template.functions:
        role = template.role_of(function)
        if role is None:
            complaints.append(f"{function} has no role of its own")
            continue
        if role in owners:
            complaints.append(f"{function} shares its role with {owners[role]}")
        owners[role] = function
    for name, role in template.of("AWS::IAM::Role").items():
        if role["Properties"].get("ManagedPolicyArns"):
            complaints.append(f"{name} has managed policies")
        if name not in owners:
            complaints.append(f"{name} is no function's role")
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            if statement.get("Principal") != {"Service": "lambda.amazonaws.com"}:
                complaints.append(f"{name} may be assumed by others than Lambda")
    return complaints


def wildcards(template):
    """No action and no resource is left open, and what few may do few can."""
    complaints = []
    for function in filter(template.role_of, template.functions):
        for action, resource, _ in template.allowed(function):
            if "*" in action:
                complaints.append(f"{function} may {action}")
            elif text(resource) == "*" and action not in WITHOUT_RESOURCE:
                complaints.append(f"{function} may {action} on everything")
            elif text(resource) not in {"*", KEY_ARN, *OF_THE_ACCOUNT.get(action, ())} and not names(resource):
                complaints.append(f"{function} may {action} on {text(resource)}, which is not ours")
            if function not in PRIVILEGED.get(action, {function}):
                complaints.append(f"{function} may {action}")
    policies = (template.of(f"AWS::{kind}Policy") for kind in ("SQS::Queue", "S3::Bucket", "SNS::Topic"))
    for name, policy in ((name, policy) for some in policies for name, policy in some.items()):
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny":
                continue
            service = statement["Principal"].get("Service") if isinstance(statement["Principal"], dict) else None
            account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
            granted = (name, service, statement["Action"], text(statement["Resource"]))
            if granted not in SERVICES or statement.get("Condition") != account:
                complaints.append(f"{name} allows something")
    return complaints


def receivers(template):
    """A receiver reads connections of its channel, and hands on. Nothing else."""
    complaints = []
    for _, path, functions in template.routes():
        if not path.startswith("/webhooks/"):
            continue
        channel = path.split("/")[2]
        keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"K#{channel}#*"]}}
        for function in functions & template.functions.keys():
            allowed = {
                ("dynamodb:GetItem", "${Table.Arn}", json.dumps(keys)),
                ("sqs:SendMessage", "${InboundQueue.Arn}", "null"),
                ("s3:PutObject", "${Bucket.Arn}/inbound/*", "null"),
                ("s3:PutObject", "${Bucket.Arn}/originals/*", "null"),
                ("ssm:GetParameter", KEY_ARN, "null"),
            }
            for action, resource, condition in template.allowed(function):
                if action.startswith("logs:"):
                    continue
                if (action, text(resource), json.dumps(condition)) not in allowed:
                    complaints.append(f"{function} may {action} on {text(resource)} if {condition}")
    return complaints


def sources(template):
    """Every function may read what feeds it, and put aside what it cannot handle."""
    complaints = []
    for function in filter(template.role_of, template.functions):
        allowed = template.allowed(function)
        for mapping in template.mappings_of(function):
            source = names(mapping["EventSourceArn"])
            needed = QUEUE_SOURCE if source & template.of("AWS::SQS::Queue").keys() else STREAM_SOURCE
            granted = {action for action, resource, _ in allowed if names(resource) & source}
            complaints += [f"{function} may not {action} on its source" for action in sorted(needed - granted)]
            for aside in names(mapping.get("DestinationConfig", {})):
                if not any(action == "sqs:SendMessage" and aside in names(resource) for action, resource, _ in allowed):
                    complaints.append(f"{function} may not send to {aside}")
    return complaints


def environments(template):
    """A function knows the name of a resource if, and only if, it may do something there."""
    complaints = []
    for function in filter(template.role_of, template.functions):
        environment = template.environment(function)
        allowed = [each for each in template.allowed(function) if not each[0].startswith("logs:")]
        reached = {
            resource
            for action, where, _ in allowed
            for resource in names(where)
            if action not in STREAM_SOURCE
        }
        # Where Lambda puts what the function failed at. The function itself need not know.
        for retries in template.of("AWS::Lambda::EventInvokeConfig").values():
            if function in names(retries["Properties"]["FunctionName"]):
                reached -= names(retries["Properties"].get("DestinationConfig", {}))
        for variable, resource in VARIABLES.items():
            if variable in environment and text(environment[variable]) != "${" + resource + "}":
                complaints.append(f"{function}: {variable} is not {resource}")
            if (variable in environment) != (resource in reached):
                complaints.append(f"{function}: {variable} and the policy do not agree")
        sealed = any(action.startswith("ssm:") for action, _, _ in allowed)
        if ("KEY_PARAMETER" in environment) != sealed:
            complaints.append(f"{function}: KEY_PARAMETER and the policy do not agree")
        if sealed and text(environment.get("KEY_PARAMETER")) != KEY_PARAMETER:
            complaints.append(f"{function}: KEY_PARAMETER is not {KEY_PARAMETER}")
        if ("LIVE_PARAMETER" in environment) != ("LiveUrl" in reached):
            complaints.append(f"{function}: LIVE_PARAMETER and the policy do not agree")
        if text(environment.get("LIVE_PARAMETER", LIVE_PARAMETER)) != LIVE_PARAMETER:
            complaints.append(f"{function}: LIVE_PARAMETER is not {LIVE_PARAMETER}")
        known = {"KEY_PARAMETER", "LIVE_PARAMETER", "MAIL_EVENTS", "PUBLIC_URL", "TIME_ZONE"}
        for variable in environment.keys() - VARIABLES.keys() - known:
            complaints.append(f"{function}: {variable} is known to nobody")
    return complaints
