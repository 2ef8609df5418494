"""Rules about the backends' users and passwords."""

from collections.abc import Iterator, Mapping

from ..core.problem import Problem, problem
from ..settings import TracingSettings

#: Keys of the passwords in a stack file, each with the backend of `backends` that it belongs to.
#: They are keys of their own because Pulumi hands out a secret inside an object in plain text.
SECRETS = {"metricsPassword": "metrics", "logsPassword": "logs"}


def credentials(
    settings: TracingSettings, given: Mapping[str, object], *, stack_file: bool = True
) -> Iterator[Problem]:
    """Yield a problem for each user without a password, and each password without a user.

    Args:
        settings: the stack's settings.
        given: the passwords that there are, by the keys of `SECRETS`; None where there is none.
        stack_file: whether passwords come from a stack file; else they are a component's arguments.
    """
    for key, name in SECRETS.items():
        backend = getattr(settings.backends, name)
        user = backend.username if backend else None
        password = given.get(key) is not None
        if user and not password:
            yield problem(
                f"backends.{name}.username",
                user,
                "needs a password: "
                + (f"pulumi config set --secret tracing:{key}" if stack_file else f"give {key}"),
            )
        if password and not user:
            yield Problem(key=key, message=f"belongs to backends.{name}.username, which is not set")
