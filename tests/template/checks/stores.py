"""Where data stands: the tables and the bucket."""

from template import constant, names


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
