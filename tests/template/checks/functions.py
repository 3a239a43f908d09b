"""The functions: how they run, are built and are reached."""

from template import names


def no_url_in_environment(template):
    """No function's environment knows an API."""
    apis = template.of("AWS::ApiGatewayV2::Api").keys() | template.of("AWS::ApiGatewayV2::Stage").keys()
    return [
        f"{function}: {key} refers to an API"
        for function in template.functions
        for key, value in template.environment(function).items()
        if names(value) & apis
    ]


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
