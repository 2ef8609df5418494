"""Stacks that violate a policy: the plan of prod, each with one change."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from policy.rules.rule import UNKNOWN
from tests.golden import planned

Documents = list[dict[str, Any]]


def documents(stack: str) -> Documents:
    """Return the resources of a stack's plan, to be changed at will."""
    return json.loads(planned(stack)["plan.json"])["resources"]


@dataclass(frozen=True)
class Case:
    """One way to violate one policy.

    Attributes:
        rule: name of the policy.
        how: what is wrong, for the test's name.
        change: makes it wrong.
        before: retention so far in hours, where the policy compares.
    """

    rule: str
    how: str
    change: Callable[[Documents], None]
    before: float | None = None

    def resources(self) -> Documents:
        """Return the stack."""
        found = documents("prod")
        self.change(found)
        return found


def one(found: Documents, name: str) -> dict[str, Any]:
    """Return the resource of a name."""
    return next(r for r in found if r["name"] == f"tracing-{name}")


def setting(name: str, path: str, value: object) -> Callable[[Documents], None]:
    """Return a change of one input, given by the resource's name and a path with slashes."""

    def change(found: Documents) -> None:
        *keys, last = path.split("/")
        place: Any = one(found, name)["inputs"]
        for key in keys:
            place = place[int(key)] if key.isdigit() else place.setdefault(key, {})
        place[last] = value

    return change


def removing(name: str, path: str) -> Callable[[Documents], None]:
    """Return a change that takes one input away."""

    def change(found: Documents) -> None:
        *keys, last = path.split("/")
        place = one(found, name)["inputs"]
        for key in keys:
            place = place[key]
        del place[last]

    return change


def without(name: str) -> Callable[[Documents], None]:
    """Return a change that leaves a resource out."""
    return lambda found: found.remove(one(found, name))


def added(type_: str, **inputs: object) -> Callable[[Documents], None]:
    """Return a change that adds a resource."""

    def change(found: Documents) -> None:
        urn = f"urn:pulumi:prod::tracing::{type_}::tracing-added"
        found.append({"urn": urn, "type": type_, "name": "tracing-added", "inputs": inputs})

    return change


def policy(name: str, **changes: object) -> Callable[[Documents], None]:
    """Return a change of the first statement of a policy document."""

    def change(found: Documents) -> None:
        inputs = one(found, name)["inputs"]
        key = "assumeRolePolicy" if "assumeRolePolicy" in inputs else "policy"
        document = json.loads(inputs[key])
        document["Statement"][0] |= changes
        inputs[key] = json.dumps(document)

    return change


def unprotected(found: Documents) -> None:
    one(found, "storage-bucket")["protect"] = False


def another_bucket_of_unknown_name(found: Documents) -> None:
    """A bucket whose guards are known by their dependencies alone, and one guard is missing."""
    for resource in found:
        if "s3/bucket" in resource["type"] and "bucket" in resource["inputs"]:
            resource["inputs"]["bucket"] = UNKNOWN
    found.remove(one(found, "storage-encryption"))


_BUCKET = "arn:aws:s3:::traces-prod-333333333333-eu-west-1"
_SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}
_LIMITED = {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}

CASES = [
    Case("bucket-public", "no block", without("storage-public-access-block")),
    Case(
        "bucket-public",
        "one block off",
        setting("storage-public-access-block", "restrictPublicBuckets", False),
    ),
    Case(
        "bucket-public",
        "one block missing",
        removing("storage-public-access-block", "blockPublicAcls"),
    ),
    Case("bucket-public", "ACL", setting("storage-bucket", "acl", "public-read")),
    Case(
        "bucket-public",
        "ACL of its own",
        added("aws:s3/bucketAcl:BucketAcl", bucket="x", acl="authenticated-read"),
    ),
    Case(
        "bucket-public",
        "policy",
        added(
            "aws:s3/bucketPolicy:BucketPolicy",
            bucket="x",
            policy=json.dumps(
                {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}}
            ),
        ),
    ),
    Case("bucket-unencrypted", "nothing stated", without("storage-encryption")),
    Case("bucket-unencrypted", "name not known yet", another_bucket_of_unknown_name),
    Case("bucket-unencrypted", "no rule", setting("storage-encryption", "rules", [])),
    Case(
        "bucket-unencrypted",
        "no algorithm",
        setting("storage-encryption", "rules/0/applyServerSideEncryptionByDefault", {}),
    ),
    Case("bucket-plain-http", "no policy", without("storage-tls-only")),
    Case("bucket-plain-http", "objects only", policy("storage-tls-only", Resource=f"{_BUCKET}/*")),
    Case("bucket-plain-http", "bucket only", policy("storage-tls-only", Resource=_BUCKET)),
    Case("bucket-plain-http", "some actions", policy("storage-tls-only", Action="s3:GetObject")),
    Case("bucket-plain-http", "no condition", policy("storage-tls-only", Condition={})),
    Case(
        "bucket-plain-http",
        "the wrong way round",
        policy("storage-tls-only", Condition={"Bool": {"aws:SecureTransport": "true"}}),
    ),
    Case(
        "bucket-plain-http",
        "for somebody",
        policy("storage-tls-only", Principal={"AWS": "arn:aws:iam::333333333333:root"}),
    ),
    Case("bucket-unprotected", "not protected", unprotected),
    Case("retention-shortened", "distributed", lambda _: None, before=673),
    Case(
        "chart-unpinned", "no version", lambda f: one(f, "beyla-release")["inputs"].pop("version")
    ),
    Case("chart-unpinned", "empty version", setting("beyla-release", "version", "")),
    Case("chart-unpinned", "range", setting("beyla-release", "version", "~1.16")),
    Case("chart-unpinned", "part of a version", setting("beyla-release", "version", "1.16")),
    Case(
        "release-without-limits",
        "no resources",
        removing("tempo-release", "values/distributor/resources"),
    ),
    Case(
        "release-without-limits",
        "no CPU limit",
        removing("alloy-release", "values/alloy/resources/limits/cpu"),
    ),
    Case(
        "release-without-limits",
        "side car",
        removing("alloy-release", "values/configReloader/resources/limits"),
    ),
    Case(
        "release-without-limits",
        "turned on",
        setting("tempo-release", "values/gateway/enabled", True),
    ),
    Case(
        "release-without-limits",
        "replicas turned on",
        setting("beyla-release", "values/k8sCache/replicas", 2),
    ),
    Case(
        "release-without-limits",
        "a chart that nobody knows",
        added(
            "kubernetes:helm.sh/v3:Release",
            chart="x",
            version="1.2.3",
            maxHistory=1,
            values={"a": _LIMITED, "b": {"resources": {"requests": {"cpu": "1"}}}},
        ),
    ),
    Case(
        "release-without-limits",
        "a chart that nobody knows, with nothing",
        added(
            "kubernetes:helm.sh/v3:Release",
            chart="oci://mirror/x",
            version="1.2.3",
            maxHistory=1,
            values={},
        ),
    ),
    Case("release-unlimited-history", "zero", setting("tempo-release", "maxHistory", 0)),
    Case("release-unlimited-history", "not set", removing("tempo-release", "maxHistory")),
    Case(
        "privileged-pods",
        "host network",
        setting("alloy-release", "values/controller/hostNetwork", True),
    ),
    Case(
        "privileged-pods",
        "host processes",
        setting("alloy-release", "values/controller/hostPID", True),
    ),
    Case(
        "privileged-pods",
        "privileged",
        setting("tempo-release", "values/tempo/securityContext/privileged", True),
    ),
    Case(
        "privileged-pods",
        "capability",
        setting("alloy-release", "values/alloy/securityContext/capabilities/add", ["SYS_ADMIN"]),
    ),
    Case(
        "privileged-pods",
        "host path",
        setting(
            "alloy-release",
            "values/controller/volumes/extra",
            [{"name": "root", "hostPath": {"path": "/"}}],
        ),
    ),
    Case(
        "privileged-pods",
        "root",
        setting("alloy-release", "values/alloy/securityContext/runAsUser", 0),
    ),
    Case(
        "privileged-pods",
        "a DaemonSet beside the charts",
        added(
            "kubernetes:apps/v1:DaemonSet",
            spec={"template": {"spec": {"hostIPC": True}}},
        ),
    ),
    Case(
        "privileged-namespace",
        "Tempo's",
        setting(
            "namespace", "metadata/labels", {"pod-security.kubernetes.io/enforce": "privileged"}
        ),
    ),
    Case("privileged-namespace", "no label", removing("namespace", "metadata/labels")),
    Case(
        "privileged-namespace",
        "Alloy with Beyla",
        setting("alloy-release", "namespace", "tracing-beyla"),
    ),
    Case("secrets-readable", "the chart's rules", removing("alloy-release", "values/rbac")),
    Case(
        "secrets-readable",
        "a rule",
        setting(
            "alloy-release",
            "values/rbac",
            {"create": True, "rules": [], "clusterRules": [_SECRETS]},
        ),
    ),
    Case(
        "secrets-readable",
        "everything",
        setting(
            "alloy-release",
            "values/extraObjects",
            [{"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}],
        ),
    ),
    Case(
        "secrets-readable",
        "Beyla's rules",
        setting("beyla-release", "values/rbac/extraClusterRoleRules", [_SECRETS]),
    ),
    Case(
        "secrets-readable",
        "a ClusterRole",
        added("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", rules=[_SECRETS]),
    ),
    Case("iam-wildcard", "action", policy("identity-bucket-access", Action="s3:*")),
    Case("iam-wildcard", "some actions", policy("identity-bucket-access", Action=["s3:Get*"])),
    Case("iam-wildcard", "all actions", policy("identity-bucket-access", Action=["*"])),
    Case("iam-wildcard", "all resources", policy("identity-bucket-access", Resource="*")),
    Case(
        "iam-wildcard",
        "many buckets",
        policy("identity-bucket-access", Resource="arn:aws:s3:::traces-*/*"),
    ),
    Case(
        "iam-wildcard",
        "many keys",
        policy("identity-bucket-access", Resource="arn:aws:kms:eu-west-1:333333333333:key/*"),
    ),
    Case(
        "iam-wildcard",
        "all but some",
        policy("identity-bucket-access", NotAction=["iam:*"], Action=[]),
    ),
    Case("iam-wildcard", "trust", policy("identity-role", Action="sts:*")),
    Case(
        "iam-wildcard",
        "inline policy of a role",
        setting(
            "identity-role",
            "inlinePolicies",
            [{"policy": json.dumps({"Statement": {"Effect": "Allow", "Action": "kms:?"}})}],
        ),
    ),
]
