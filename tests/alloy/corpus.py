# ruff: noqa: E501 - texts as they are
"""A corpus of attributes and texts: what the default redaction makes of each."""

from typing import Any, NamedTuple

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWNyZXQtMDEifQ.c2VjcmV0LTAy"
AWS_KEY = "AKIAIOSFODNN7EXAMPLE"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0LTAz\n-----END RSA PRIVATE KEY-----"


class Case(NamedTuple):
    """A value, and what arrives."""

    key: str
    sent: Any
    arrives: Any


def gone(key: str, value: Any) -> Case:
    """Return a case whose value is masked as a whole."""
    return Case(key, value, "REDACTED")


def stays(key: str, value: Any) -> Case:
    """Return a case whose value stays as it is."""
    return Case(key, value, value)


#: Attributes of every kind: resources, spans, events, log records, data points.
ATTRIBUTES = [
    # Headers are lists in the semantic conventions, and strings in older ones.
    gone("http.request.header.authorization", ["Bearer secret-11"]),
    gone("http.request.header.proxy-authorization", ["Basic secret-12"]),
    gone("http.request.header.cookie", ["id=secret-13", "b=secret-14"]),
    gone("http.response.header.set-cookie", ["id=secret-15; Path=/"]),
    gone("response.Set_Cookie", "id=secret-16"),
    gone("http.request.header.x-api-key", ["secret-17"]),
    gone("http.request.header.X-Amz-Security-Token", "secret-18"),
    gone("rpc.grpc.request.metadata.authorization", ["Bearer secret-19"]),
    gone("Authorization", "secret-20"),
    gone("db.password", "secret-21"),
    gone("user.passwd", "secret-22"),
    gone("DB_PASSWORD", "secret-23"),
    gone("accessToken", "secret-24"),
    gone("auth.refresh_token", "secret-25"),
    gone("apiKey", "secret-26"),
    gone("aws.secret_access_key", "secret-27"),
    gone("client-secret", {"nested": "secret-28"}),
    gone("private.key", "secret-29"),
    gone("credentials", 1234567890123),
    gone('we"ird\\ secret', "secret-30"),
    gone("tls.passphrase", "secret-92"),
    gone("mysql.pwd", "secret-93"),
    gone("user.jwt", "secret-94"),
    gone("access-key", "secret-95"),
    # Tokens in values of any name.
    Case("message", f"got {JWT}, sorry", "got REDACTED, sorry"),
    Case("note", f"key {AWS_KEY}.", "key REDACTED."),
    Case(
        "curl",
        "curl -H 'Authorization: Bearer secret-31.aaaaaaaaaaaa'",
        "curl -H 'Authorization: Bearer REDACTED'",
    ),
    gone("vcs.url.token.a", "ghp_secret32aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    gone("b", "github_pat_secret33aaaaaaaaaaaaaaaa"),
    gone("c", "glpat-secret34aaaaaaaaaaaaaaaa"),
    gone("d", "xoxb-123456789012-secret35"),
    gone("e", "AIzasecret36aaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    gone("f", "sk_live_secret37aaaaaaaaaa"),
    Case("tls.key.file.content", f"a {PEM} b", "a REDACTED b"),
    gone("cut", PEM[:-20]),
    # Users and passwords in URLs of any scheme.
    Case("url.full", "https://bob:secret-41@h.example/a?b=1", "https://REDACTED@h.example/a?b=1"),
    Case(
        "db.connection_string",
        "postgresql://app:secret-42@db:5432/shop",
        "postgresql://REDACTED@db:5432/shop",
    ),
    Case("amqp", "amqp://u:secret@43@mq/vhost", "amqp://REDACTED@mq/vhost"),
    # What must stay, although it looks a little like a secret.
    stays("gen_ai.usage.input_tokens", 17),
    stays("gen_ai.token.type", "input"),
    stays(
        "aws.secretsmanager.secret.arn", "arn:aws:secretsmanager:eu-west-1:111111111111:secret:a"
    ),
    stays("messaging.kafka.message.key", "order-17"),
    stays("session.id", "00112233-4455-6677-8899-aabbccddeeff"),
    stays("http.request.header.user-agent", ["curl/8.5.0"]),
    stays("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"),
    stays("passenger.count", "3"),
    stays("keyboard", "de"),
    stays("token_count", 3),
    stays("order.number", "4111111111111111"),
    stays("contact", "mail bob@example.com"),
    stays("http.url", "http://shop.example/orders/17?page=2&sort=asc#top"),
    stays("path", "/a/b@c"),
    stays("ratio", 0.5),
    stays("ok", True),
    stays("items", ["a", "b"]),
    # Patterns search strings only, as docs/clean-data.md says.
    stays("list", ["Bearer a-pattern-would-mask-this"]),
    stays("empty", ""),
]
#: Attributes of spans whose URLs and statements are looked into.
SPAN_ATTRIBUTES = [
    Case(
        "http.target",
        "/login?user=bob&password=secret-51&next=%2Fhome",
        "/login?user=bob&password=REDACTED&next=%2Fhome",
    ),
    Case(
        "url.query",
        "access_token=secret-52&sig=secret-96&page=2",
        "access_token=REDACTED&sig=REDACTED&page=2",
    ),
    Case(
        "db.query.text",
        "select a1 from t2 where name = 'O''Neil secret-53' and n in (1,2, 3.5) and id = $1 limit 10",
        "select a1 from t2 where name = ? and n in (?,?, ?) and id = $1 limit ?",
    ),
    Case("db.statement", "insert into t values ('secret-54", "insert into t values (?"),
]
#: Attributes of resources whose text is looked into. A list with a secret becomes text.
RESOURCE_ATTRIBUTES = [
    Case(
        "process.command_line",
        "java -Ddb.password=secret-57 -jar shop.jar",
        "java -Ddb.password=REDACTED -jar shop.jar",
    ),
    Case(
        "process.command_args",
        ["shop", "--api-key=secret-58", "-v"],
        '["shop","--api-key=REDACTED","-v"]',
    ),
]
#: Query of a presigned URL of S3; it replaces the `url.full` above in a span of its own.
PRESIGNED = Case(
    "url.full",
    "https://b.s3.amazonaws.com/k?X-Amz-Credential=secret-55&X-Amz-Expires=60&X-Amz-Signature=secret-56",
    "https://b.s3.amazonaws.com/k?X-Amz-Credential=REDACTED&X-Amz-Expires=60&X-Amz-Signature=REDACTED",
)
#: Texts: bodies of log records, messages of exceptions and of a span's status.
TEXTS = [
    ("login with password=secret-61 failed", "login with password=REDACTED failed"),
    ("DB_PASSWORD=secret-62 TZ=UTC", "DB_PASSWORD=REDACTED TZ=UTC"),
    (
        '{"user":"bob","password":"secret 63 \\" secret","n":1}',
        '{"user":"bob","password":"REDACTED","n":1}',
    ),
    (
        '{"m":"{\\"apiKey\\":\\"secret-64\\",\\"n\\":1}"}',
        '{"m":"{\\"apiKey\\":\\"REDACTED\\",\\"n\\":1}"}',
    ),
    ("client_secret: 'secret 65' rest", "client_secret: 'REDACTED' rest"),
    ("Cookie: a=secret-66; b=secret-67\nHost: h", "Cookie: REDACTED\nHost: h"),
    ("> Authorization: Basic secret-68==\n> Host: h", "> Authorization: REDACTED\n> Host: h"),
    ("> X-API-Key: c2VjcmV0 rest", "> X-API-Key: REDACTED rest"),
    ("PRIVATE_KEY=c2VjcmV0 TZ=UTC", "PRIVATE_KEY=REDACTED TZ=UTC"),
    ("> COOKIE: a=c2VjcmV0\n> Host: h", "> COOKIE: REDACTED\n> Host: h"),
    (f"token {JWT}", "token REDACTED"),
    (
        "GET https://u:secret-69@h/x?access_token=secret-70&p=1",
        "GET https://REDACTED@h/x?access_token=REDACTED&p=1",
    ),
    (
        '{"token":null,"max_tokens":100,"keys":["a"]}',
        '{"token":null,"max_tokens":100,"keys":["a"]}',
    ),
    ("the password is wrong", "the password is wrong"),
    ("order 17 sold out", "order 17 sold out"),
    ("expected token ';' at line 3", "expected token ';' at line 3"),
]
#: Names of spans.
NAMES = [
    ("GET /reset?token=secret-81", "GET /reset?token=REDACTED"),
    ("GET /reset?X-TOKEN=secret-82", "GET /reset?X-TOKEN=REDACTED"),
    ("GET /orders/17/items/0a1b2c3d-0000-4000-8000-00000000000f", "GET /orders/{id}/items/{id}"),
    ("GET /v2/users/507f1f77bcf86cd799439011", "GET /v2/users/{id}"),
    ("GET /v1/orders/{id}", "GET /v1/orders/{id}"),
    ("SELECT shop.orders2", "SELECT shop.orders2"),
]
#: No part of it may arrive anywhere.
SECRETS = ("secret-", "secret 6", "secret3", "c2VjcmV0", AWS_KEY, "secret@43")
