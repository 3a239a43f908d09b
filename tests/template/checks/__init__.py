"""What must hold of the template. Each check returns its complaints, one line each."""

from checks.events import clock, mappings, queues
from checks.functions import api, builds, functions, logs, no_url_in_environment
from checks.permissions import environments, receivers, roles, sources, wildcards
from checks.stores import bucket, indexes, tables
from checks.whole import alarms, cycles, lint, outputs, price, references, types

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
