"""Rules on the backends: how Tempo, Alloy and Grafana sign in to them."""

from collections.abc import Iterator, Mapping

from ..backends.settings import Auth, SignInSettings, WriterSettings
from ..core.problem import Problem, problem
from ..settings import TracingSettings
from .messages import SECRETS


def credentials(
    settings: TracingSettings, given: Mapping[str, object], *, stack_file: bool = True
) -> Iterator[Problem]:
    """Yield a problem for each backend without its password, and each password without use.

    Args:
        settings: the stack's settings.
        given: the passwords and tokens, by the keys of `SECRETS`; None for one that is not set.
        stack_file: whether they come from a stack file or are a component's arguments.
    """
    for secret, name in SECRETS.items():
        its: SignInSettings | None = getattr(settings.backends, name)
        key, is_given = f"backends.{name}", given.get(secret) is not None
        needed = its is not None and its.has_password
        existing = isinstance(its, WriterSettings) and its.existing_secret is not None
        if its and needed and not is_given and not existing:
            run = f"run `pulumi config set --secret tracing:{secret}`"
            fix = run if stack_file else f"set {secret}"
            if isinstance(its, WriterSettings):
                fix += f", or name a Secret that exists in {key}.existingSecret"
            if its.sign_in is Auth.BASIC:
                yield problem(f"{key}.username", its.username, f"needs a password: {fix}")
            else:
                yield problem(f"{key}.auth", its.sign_in, f"needs a token: {fix}")
        elif is_given and not needed:
            yield Problem(
                key=secret,
                message=f"needs a user: set {key}.username, or {key}.auth: bearer for a token, or "
                "remove this key",
            )
        elif is_given and existing:
            yield Problem(
                key=secret,
                message=f"contradicts {key}.existingSecret, which has the password or token: "
                "remove one of the two",
            )


def sign_in(settings: TracingSettings) -> Iterator[Problem]:
    """Yield a problem for each setting of a backend that contradicts how to sign in."""
    its = settings.backends
    for name, backend in (("metrics", its.metrics), ("logs", its.logs), ("profiles", its.profiles)):
        if backend:
            yield from _user(f"backends.{name}", backend)
    for backend in (its.metrics, its.logs):
        for name, (url, writer) in backend.writers.items() if backend else ():
            yield from _files(f"backends.{name}", url, writer)
    for name, backend in (("metrics", its.metrics), ("logs", its.logs)):
        if backend and backend.existing_secret and backend.create_datasource:
            yield problem(
                f"backends.{name}.createDatasource",
                True,
                f"needs the password or token, which backends.{name}.existingSecret has only in "
                f"the cluster: create the datasource yourself, or replace existingSecret by the "
                f"encrypted key tracing:{name}Password",
            )


def _user(key: str, its: SignInSettings) -> Iterator[Problem]:
    if its.username and its.sign_in is not Auth.BASIC:
        yield problem(
            f"{key}.username",
            its.username,
            f"has no effect with {key}.auth: {its.sign_in}: remove one of the two",
        )
    if its.sign_in is Auth.BASIC and not its.username:
        yield Problem(
            key=f"{key}.username",
            message=f"is missing: {key}.auth: basic needs a user, for example tempo",
        )


def _files(key: str, url: str, its: WriterSettings) -> Iterator[Problem]:
    if its.existing_secret and not its.has_password:
        yield Problem(
            key=f"{key}.existingSecret",
            message=f"has no effect with {key}.auth: {its.sign_in}: set {key}.username, or "
            f"{key}.auth: bearer for a token, or remove this key",
        )
    if its.ca is None:
        return
    if (its.ca.config_map is None) == (its.ca.secret is None):
        yield Problem(
            key=f"{key}.ca",
            message="needs either configMap or secret, for example configMap: company-ca",
        )
    if url.startswith("http:"):
        yield Problem(
            key=f"{key}.ca",
            message=f"has no effect with {url}: use an https URL, or remove this key",
        )
