"""Rules on the backends: how Tempo, Alloy and Grafana sign in to them."""

from collections.abc import Iterator, Mapping

from pydantic.alias_generators import to_camel

from ..backends import amazon
from ..backends.settings import Auth, SignInSettings, WriterSettings
from ..core.problem import Problem, problem
from ..identity.settings import IdentityMode
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

    for name, (_, writer) in settings.backends.writers.items():
        if name.endswith("]") and writer.has_password and not writer.existing_secret:
            yield Problem(
                key=f"backends.{name}.existingSecret",
                message=f"is missing: it names the Secret with the password or token for "
                f"backends.{name}.auth: {writer.sign_in}",
            )


def sign_in(settings: TracingSettings) -> Iterator[Problem]:
    """Yield a problem for each setting of a backend that contradicts how to sign in."""
    its = settings.backends
    for name, backend in (("metrics", its.metrics), ("logs", its.logs), ("profiles", its.profiles)):
        if backend:
            yield from _user(f"backends.{name}", backend)
    seen: dict[tuple[str, str | None], str] = {}
    for name, (url, writer) in its.writers.items():
        if name.endswith("]"):
            yield from _user(f"backends.{name}", writer)
        twin = seen.setdefault((url, writer.tenant), name)
        if twin != name:
            yield problem(
                f"backends.{name}.url",
                url,
                f"is written to already by backends.{twin}, for the same tenant: remove one of "
                "the two",
            )
        yield from _files(f"backends.{name}", url, writer)
        yield from _signature(settings, name, url, writer)
    if its.metrics and amazon.is_amazon(its.metrics.url):
        yield from _signed("backends.metrics", "url", its.metrics.url, its.metrics)
    for name, backend in (("logs", its.logs), ("profiles", its.profiles)):
        if backend and backend.sign_in is Auth.SIGV4 and backend.create_datasource:
            yield problem(
                f"backends.{name}.createDatasource",
                True,
                f"contradicts backends.{name}.auth: sigv4, because Grafana signs requests of "
                "Prometheus datasources only: remove one of the two",
            )
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


#: Keys of the URLs that are written to.
_WRITE_URLS = {"metrics": "remoteWriteUrl", "logs": "otlpUrl"}
_WORKSPACE = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-<id>"


def _signature(
    settings: TracingSettings, name: str, url: str, its: WriterSettings
) -> Iterator[Problem]:
    """Yield a problem for a backend whose requests can't be signed or are not allowed."""
    key, url_key = f"backends.{name}", _WRITE_URLS.get(name, "url")
    if amazon.is_amazon(url):
        yield from _signed(key, url_key, url, its)
    if its.sign_in is not Auth.SIGV4:
        for part in sorted(its.sigv4.model_fields_set):
            yield problem(
                f"{key}.sigv4.{to_camel(part)}",
                getattr(its.sigv4, part),
                f"has no effect without {key}.auth: sigv4: set that too, or remove this key",
            )
        return
    if settings.identity.mode is IdentityMode.NONE:
        yield problem(
            f"{key}.auth",
            its.auth,
            "needs an AWS identity of the pods, and identity.mode is none: use podIdentity or irsa",
        )
    if amazon.is_amazon(url):
        return
    if not its.sigv4.region:
        yield Problem(
            key=f"{key}.sigv4.region",
            message=f"is missing: the host of {key}.{url_key} names no region, for example "
            "eu-west-1",
        )
    if not its.sigv4.role_arn:
        yield Problem(
            key=f"{key}.sigv4.roleArn",
            message="is missing: the stack knows what to allow for workspaces of Amazon Managed "
            "Prometheus only. Name a role that may write here, for example "
            "arn:aws:iam::111122223333:role/writer",
        )


def _signed(key: str, url_key: str, url: str, its: SignInSettings) -> Iterator[Problem]:
    """Yield a problem for a URL of Amazon Managed Prometheus that can't be used as it is."""
    found = amazon.workspace(url)
    if its.sign_in is not Auth.SIGV4:
        yield problem(
            f"{key}.{url_key}",
            url,
            f"is Amazon Managed Prometheus, which accepts signed requests only: set {key}.auth: "
            "sigv4",
        )
    elif found is None:
        yield problem(
            f"{key}.{url_key}",
            url,
            f"must name a region and a workspace, as {_WORKSPACE} does, with "
            "/api/v1/remote_write at the end to write",
        )
    elif its.sigv4.region not in (None, found.region):
        yield problem(
            f"{key}.sigv4.region",
            its.sigv4.region,
            f"must be {found.region}, as in {key}.{url_key}: remove this key",
        )
    elif its.sigv4.service != amazon.SERVICE:
        yield problem(
            f"{key}.sigv4.service",
            its.sigv4.service,
            f"must be {amazon.SERVICE} for {key}.{url_key}: remove this key",
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
