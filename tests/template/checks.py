"""What must hold of the template. Each check returns its complaints, one line each."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from cost import idle_month
from template import constant, listed, names, text

# Nothing else may be created: what is billed by the hour or the month is not on this list. Alarms are, up to ten.
TYPES = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SES::ConfigurationSet",
    "AWS::SES::ConfigurationSetEventDestination",
    "AWS::SES::EmailIdentity",
    "AWS::SES::ReceiptRule",
    "AWS::SES::ReceiptRuleSet",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    # Of the standard tier, which costs nothing.
    "AWS::SSM::Parameter",
}
# Settings that bill for being there, or keep others from running.
FORBIDDEN_PROPERTIES = {
    "KmsKeyId",
    "KmsMasterKeyId",
    "ProvisionedConcurrencyConfig",
    "ProvisionedPollerConfig",
    "ProvisionedThroughput",
    "ReservedConcurrentExecutions",
    "SnapStart",
    "VpcConfig",
}
OUTPUTS = {"ApiUrl", "WebhookBase", "CreateToken"}

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


def cycles(template):
    """No resource depends on itself. Linters overlook those through Fn::Sub in what the transform makes."""
    graph = {
        name: (names(resource) | set(listed(resource.get("DependsOn", [])))) & template.resources.keys()
        for name, resource in template.resources.items()
    }
    settled, path, complaints = set(), [], []

    def visit(name):
        if name in path:
            complaints.append("a cycle: " + " → ".join([*path[path.index(name) :], name]))
        elif name not in settled:
            path.append(name)
            for each in sorted(graph[name]):
                visit(each)
            path.pop()
            settled.add(name)

    for name in graph:
        visit(name)
    return complaints


def references(template):
    """Whatever is referred to exists."""
    known = template.resources.keys() | template.written["Parameters"].keys()
    wanted = names(template.resources) | names(template.written["Outputs"]) - {"ApiApiGatewayDefaultStage"}
    return [f"{name} is referred to and does not exist" for name in sorted(wanted - known)]


def no_url_in_environment(template):
    """No function's environment knows an API."""
    apis = template.of("AWS::ApiGatewayV2::Api").keys() | template.of("AWS::ApiGatewayV2::Stage").keys()
    return [
        f"{function}: {key} refers to an API"
        for function in template.functions
        for key, value in template.environment(function).items()
        if names(value) & apis
    ]


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


def functions(template):
    """Every function runs on the chosen architecture and logs JSON to a group of its own."""
    complaints, groups = [], set()
    for name, function in template.functions.items():
        properties = function["Properties"]
        if properties.get("Architectures") != [{"Ref": "Architecture"}]:
            complaints.append(f"{name} ignores the parameter Architecture")
        if (properties.get("Runtime"), properties.get("Handler")) != ("provided.al2023", "bootstrap"):
            complaints.append(f"{name} does not run a binary")
        logging = properties.get("LoggingConfig", {})
        levels = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN"}
        if not levels.items() <= logging.items():
            complaints.append(f"{name} does not log as agreed")
        group = names(logging.get("LogGroup")) & template.of("AWS::Logs::LogGroup").keys()
        if len(group) != 1 or group & groups:
            complaints.append(f"{name} has no log group of its own")
        groups |= group
        if template.role_of(name):
            for action, resource, _ in template.allowed(name):
                if action.startswith("logs:") and names(resource) != group:
                    complaints.append(f"{name} may {action} elsewhere than in its log group")
    architecture = template.written["Parameters"]["Architecture"]
    if (architecture["Default"], sorted(architecture["AllowedValues"])) != ("arm64", ["arm64", "x86_64"]):
        complaints.append("the parameter Architecture is not arm64 or x86_64")
    return complaints


def logs(template):
    """Logs are not kept for ever: 30 days unless one asks for more."""
    complaints = [
        f"{name} is kept for ever"
        for name, group in template.of("AWS::Logs::LogGroup").items()
        if group["Properties"].get("RetentionInDays") != {"Ref": "LogRetention"}
    ]
    if template.written["Parameters"]["LogRetention"]["Default"] != 30:
        complaints.append("logs are not kept for 30 days")
    return complaints


def queues(template):
    """Every polled queue hides a message long enough, and gives it up to dead letters of its own kind."""
    complaints = []
    found = template.of("AWS::SQS::Queue")
    receives = constant("shared/store/src/queue.rs", "MAX_RECEIVES")
    dead_letters = set()
    for function in template.functions:
        timeout = template.functions[function]["Properties"]["Timeout"]
        for mapping in template.mappings_of(function):
            for name in names(mapping["EventSourceArn"]) & found.keys():
                properties = found[name]["Properties"]
                if properties.get("VisibilityTimeout", 30) < 6 * timeout:
                    complaints.append(f"{name} hides messages for less than six times {function}'s timeout")
                redrive = properties.get("RedrivePolicy", {})
                target = names(redrive) & found.keys()
                if redrive.get("maxReceiveCount") != receives or len(target) != 1:
                    complaints.append(f"{name} does not give up after {receives} receives")
                    continue
                (target,) = target
                if target in dead_letters:
                    complaints.append(f"{name} shares its dead letters")
                dead_letters.add(target)
                kept = found[target]["Properties"]
                if kept.get("FifoQueue") != properties.get("FifoQueue"):
                    complaints.append(f"{target} is of another kind than {name}")
                if kept.get("MessageRetentionPeriod") != 14 * 24 * 3600:
                    complaints.append(f"{target} does not keep messages for 14 days")
    for name, queue in found.items():
        properties = queue["Properties"]
        if properties.get("SqsManagedSseEnabled") is not True:
            complaints.append(f"{name} is not encrypted")
        if "QueueName" in properties:
            complaints.append(f"{name} has a name that a second desk would collide with")
        if properties.get("FifoQueue") and properties.get("ContentBasedDeduplication"):
            complaints.append(f"{name} swallows messages of the same content")
    polled = sum(
        bool(names(mapping["EventSourceArn"]) & found.keys())
        for function in template.functions
        for mapping in template.mappings_of(function)
    )
    if polled > 3:
        complaints.append(f"{polled} queues are polled")
    return complaints


def mappings(template):
    """Every mapping reports single failures and is bounded; the stream's loses nothing and holds nothing up."""
    complaints = []
    found = template.of("AWS::SQS::Queue")
    for name, mapping in template.of("AWS::Lambda::EventSourceMapping").items():
        properties = mapping["Properties"]
        if properties.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            complaints.append(f"{name} does not report single failures")
        if names(properties["EventSourceArn"]) & found.keys():
            if names(properties.get("ScalingConfig")) != {"MaximumConcurrency"}:
                complaints.append(f"{name} has no MaximumConcurrency")
            if "MaximumBatchingWindowInSeconds" in properties:
                complaints.append(f"{name} waits for messages")
            continue
        stream = {
            "StartingPosition": "TRIM_HORIZON",
            "ParallelizationFactor": 1,
            "BisectBatchOnFunctionError": True,
        }
        complaints += [
            f"{name}: {key} is not {value}" for key, value in stream.items() if properties.get(key) != value
        ]
        for bound in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds"):
            if properties.get(bound, -1) < 0:
                complaints.append(f"{name}: {bound} is not bounded")
        if not names(properties.get("DestinationConfig")) & found.keys():
            complaints.append(f"{name} has no destination for what fails")
        patterns = [json.loads(each["Pattern"]) for each in properties.get("FilterCriteria", {}).get("Filters", [])]
        inserted = {"dynamodb": {"Keys": {"sk": {"S": [{"prefix": "E#"}, {"prefix": "R#"}]}}}, "eventName": ["INSERT"]}
        if patterns != [inserted]:
            complaints.append(f"{name} is not filtered to inserted events and replies")
    return complaints


def clock(template):
    """The clock ticks every minute, ticks do not overlap, and a failed one is not repeated."""
    complaints = []
    rules = template.of("AWS::Events::Rule")
    schedules = [rule["Properties"]["ScheduleExpression"] for rule in rules.values()]
    if schedules != ["rate(1 minute)"]:
        complaints.append(f"the schedule is {schedules}")
    for rule in rules.values():
        for target in rule["Properties"]["Targets"]:
            (function,) = names(target["Arn"])
            if template.functions[function]["Properties"]["Timeout"] >= 60:
                complaints.append(f"{function} may run longer than a minute")
            configurations = [
                each["Properties"]
                for each in template.of("AWS::Lambda::EventInvokeConfig").values()
                if names(each["Properties"]["FunctionName"]) == {function}
            ]
            if [each.get("MaximumRetryAttempts") for each in configurations] != [0]:
                complaints.append(f"{function} is tried again")
    return complaints


def tables(template):
    """The table is kept, recoverable and streamed; the index is neither; both forget what has expired."""
    complaints = []
    found = template.of("AWS::DynamoDB::Table")
    for name, table in found.items():
        properties = table["Properties"]
        if properties.get("BillingMode") != "PAY_PER_REQUEST":
            complaints.append(f"{name} is not paid by request")
        if properties.get("TimeToLiveSpecification") != {"AttributeName": "expires_at", "Enabled": True}:
            complaints.append(f"{name} forgets nothing")
        if [key["AttributeName"] for key in properties["KeySchema"]] != ["pk", "sk"]:
            complaints.append(f"{name} has other keys")
        if "TableName" in properties:
            complaints.append(f"{name} has a name that a second desk would collide with")
    main = found["Table"]
    if (main.get("DeletionPolicy"), main.get("UpdateReplacePolicy")) != ("Retain", "Retain"):
        complaints.append("Table does not outlive the stack")
    properties = main["Properties"]
    if not properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
        complaints.append("Table cannot be recovered")
    if properties.get("StreamSpecification") != {"StreamViewType": "NEW_IMAGE"}:
        complaints.append("Table does not stream new images")
    if properties.get("DeletionProtectionEnabled") != {"Ref": "DeletionProtection"}:
        complaints.append("Table is not protected from deletion")
    plain = found["IndexTable"]["Properties"].keys()
    for extra in {"StreamSpecification", "PointInTimeRecoverySpecification", "GlobalSecondaryIndexes"} & plain:
        complaints.append(f"IndexTable has a {extra}")
    return complaints


def indexes(template):
    """The indexes are those that the code queries, with what it expects in them."""
    expected = {
        "views": ("views", {"ProjectionType": "INCLUDE", "NonKeyAttributes": projection()}),
        "due": ("due", {"ProjectionType": "KEYS_ONLY"}),
    }
    found = template.of("AWS::DynamoDB::Table")["Table"]["Properties"]["GlobalSecondaryIndexes"]
    complaints = []
    if {index["IndexName"] for index in found} != expected.keys():
        complaints.append("the indexes are others")
    for index in found:
        prefix, wanted = expected.get(index["IndexName"], (None, None))
        if index["Projection"] != wanted:
            complaints.append(f"{index['IndexName']} does not carry what the code reads from it")
        if [key["AttributeName"] for key in index["KeySchema"]] != [f"{prefix}_pk", f"{prefix}_sk"]:
            complaints.append(f"{index['IndexName']} has other keys")
    return complaints


def projection():
    return constant("shared/store/src/table.rs", "VIEWS_PROJECTION")


def bucket(template):
    """The bucket is private, encrypted, reached over TLS only, kept, and forgets what is abandoned."""
    complaints = []
    found = template.of("AWS::S3::Bucket")["Bucket"]
    properties = found["Properties"]
    if (found.get("DeletionPolicy"), found.get("UpdateReplacePolicy")) != ("Retain", "Retain"):
        complaints.append("Bucket does not outlive the stack")
    block = properties.get("PublicAccessBlockConfiguration", {})
    if sum(value is True for value in block.values()) != 4:
        complaints.append("Bucket may be public")
    rules = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    if [rule["ServerSideEncryptionByDefault"] for rule in rules] != [{"SSEAlgorithm": "AES256"}]:
        complaints.append("Bucket is not encrypted with keys that cost nothing")
    lifecycle = properties.get("LifecycleConfiguration", {}).get("Rules", [])
    if not any("AbortIncompleteMultipartUpload" in rule for rule in lifecycle):
        complaints.append("Bucket keeps abandoned uploads")
    expiring = {rule.get("Prefix"): rule["ExpirationInDays"] for rule in lifecycle if "ExpirationInDays" in rule}
    # What is received as a mail stands under originals/ once a connection took it.
    if expiring.keys() != {"inbound/", "mail/"} or min(expiring.values()) < 14 + 4:
        complaints.append("Bucket forgets something else than bodies that no queue can still hold")
    if "BucketName" in properties:
        complaints.append("Bucket has a name that a second desk would collide with")
    secured = {
        name
        for policy in (template.of("AWS::SQS::QueuePolicy") | template.of("AWS::S3::BucketPolicy")).values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for name in names(policy["Properties"].get("Queues", policy["Properties"].get("Bucket")))
    }
    for name in sorted(template.of("AWS::SQS::Queue").keys() | {"Bucket"}):
        if name not in secured:
            complaints.append(f"{name} may be used without TLS")
    return complaints


def alarms(template):
    """At most ten, one for every dead letter, and all of them told to somebody."""
    complaints = []
    found = template.of("AWS::CloudWatch::Alarm")
    if len(found) > 10:
        complaints.append(f"{len(found)} alarms")
    for name, alarm in found.items():
        if not names(alarm["Properties"].get("AlarmActions")) & template.of("AWS::SNS::Topic").keys():
            complaints.append(f"{name} tells nobody")
        if alarm["Properties"].get("Period", 60) < 60:
            complaints.append(f"{name} is of high resolution and price")
    watched = {name for alarm in found.values() for name in names(alarm["Properties"].get("Dimensions"))}
    for name in sorted(template.of("AWS::SQS::Queue").keys() - {"WorkQueue"} | {"Clock", "Api"}):
        if name not in watched:
            complaints.append(f"nobody watches {name}")
    return complaints


def api(template):
    """The routes are those of the design, throttled, and logged without bodies."""
    complaints = []
    routes = {(method, path): functions for method, path, functions in template.routes()}
    expected = {
        ("post", "/webhooks/telegram/{connection}"): {"Telegram"},
        ("x-amazon-apigateway-any-method", "/webchat/{proxy+}"): {"Webchat"},
        ("x-amazon-apigateway-any-method", "/api/{proxy+}"): {"ApiFunction"},
        ("get", "/health"): {"ApiFunction"},
        ("get", "/"): {"ApiFunction"},
    }
    for route in expected.keys() | routes.keys():
        if routes.get(route) != expected.get(route):
            complaints.append(f"{' '.join(route)} leads to {routes.get(route)}")
    for name, stage in template.of("AWS::ApiGatewayV2::Stage").items():
        settings = stage["Properties"].get("DefaultRouteSettings", {})
        if not {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= settings.keys():
            complaints.append(f"{name} is not throttled")
        if settings.get("DetailedMetricsEnabled"):
            complaints.append(f"{name} has metrics that are billed")
        if not names(stage["Properties"].get("AccessLogSettings")) & template.of("AWS::Logs::LogGroup").keys():
            complaints.append(f"{name} has no access log")
        for secret in ("$context.path", "$request", "authorization"):
            if secret in stage["Properties"].get("AccessLogSettings", {}).get("Format", ""):
                complaints.append(f"{name} logs {secret}")
    return complaints


def types(template):
    """Nothing is created that bills by the hour or the month for being there."""
    complaints = [
        f"{name} is a {resource['Type']}"
        for name, resource in template.resources.items()
        if resource["Type"] not in TYPES
    ]

    def walk(name, node):
        if isinstance(node, dict):
            complaints.extend(f"{name} has a {key}" for key in node.keys() & FORBIDDEN_PROPERTIES)
            for value in node.values():
                walk(name, value)
        elif isinstance(node, list):
            for value in node:
                walk(name, value)

    for name, resource in template.resources.items():
        walk(name, resource)
    return complaints


def price(template):
    """An idle month costs at most a dollar, without the free tier."""
    dollars = sum(idle_month(template).values())
    return [f"an idle month costs ${dollars:.2f}"] if dollars > 1 else []


def outputs(template):
    """The outputs that people need are there."""
    found = template.written["Outputs"]
    complaints = [f"the output {name} is missing" for name in sorted(OUTPUTS - found.keys())]
    command = text(found.get("CreateToken", {}).get("Value"))
    for part in ("--function-name ${ApiFunction}", '{"command":"create-token"}', "raw-in-base64-out"):
        if part not in command:
            complaints.append(f"the command that makes the first token lacks {part}")
    return complaints


def builds(template):
    """Every function is built by cargo-lambda from a crate of its own."""
    complaints, sources = [], set()
    for name, resource in template.written["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        source = resource["Properties"].get("CodeUri", "")
        if not source.startswith("functions/") or source in sources:
            complaints.append(f"{name} is built from {source}")
        sources.add(source)
        if resource.get("Metadata") != {"BuildMethod": "rust-cargolambda"}:
            complaints.append(f"{name} is not built by cargo-lambda")
    return complaints


def lint(template):
    """cfn-lint has nothing to say."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(json.dumps(template.written))
        command = [str(Path(sys.executable).with_name("cfn-lint")), "--regions", "us-east-1", "--", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


ALL = [
    cycles,
    references,
    no_url_in_environment,
    roles,
    wildcards,
    receivers,
    sources,
    environments,
    functions,
    logs,
    queues,
    mappings,
    clock,
    tables,
    indexes,
    bucket,
    alarms,
    api,
    types,
    price,
    outputs,
    builds,
    lint,
]
