"""What calls functions: queues, the stream and the minute."""

import json

from template import constant, names


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
