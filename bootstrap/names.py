"""Names of the resources of `bootstrap`, known before they exist."""

from components.core.regions import partition
from components.settings import TracingSettings


def state_bucket(tracing: TracingSettings) -> str:
    """Return the name of the bucket that holds an environment's Pulumi state."""
    cluster = tracing.cluster
    return f"tracing-state-{tracing.environment.name}-{cluster.account_id}-{cluster.region}"


def state_key_alias(tracing: TracingSettings) -> str:
    """Return the alias of the KMS key that encrypts an environment's Pulumi state."""
    return f"alias/tracing-state-{tracing.environment.name}"


def trace_key_alias(tracing: TracingSettings) -> str:
    """Return the alias of the trace bucket's KMS key."""
    return f"alias/tracing-{tracing.environment.name}-traces"


def boundary(tracing: TracingSettings) -> str:
    """Return the name of the permissions boundary of Tempo's role."""
    return f"tracing-{tracing.environment.name}-boundary"


def boundary_arn(tracing: TracingSettings) -> str:
    """Return the ARN of the permissions boundary of Tempo's role."""
    cluster = tracing.cluster
    return f"arn:{partition(cluster.region)}:iam::{cluster.account_id}:policy/{boundary(tracing)}"
