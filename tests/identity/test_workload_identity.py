import json
import warnings
from typing import Any

import pulumi_aws as aws
import pytest

from components.identity.component import WorkloadIdentity, WorkloadIdentityArgs
from components.identity.role import role_arn
from components.identity.settings import IdentityMode, IdentitySettings
from plan.recorder import UNKNOWN, Recording, Resource, record
from tests.storage.aws_inputs import problems

REGION, ACCOUNT, BUCKET = "eu-west-1", "111122223333", "traces-dev"
ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/k1"
EXISTING = "arn:aws:iam::111122223333:role/platform/tempo"
BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"
TAGS = {"environment": "dev"}

COMPONENT = "tracing:index:WorkloadIdentity"
ROLE, ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
IRSA = IdentitySettings(mode=IdentityMode.IRSA)

both_modes = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])


def run(
    preview: bool,
    settings: IdentitySettings | None = None,
    *,
    kms_key_arn: str | None = None,
    oidc_issuer: str | None = ISSUER,
) -> Recording:
    def program() -> None:
        WorkloadIdentity(
            "identity",
            WorkloadIdentityArgs(
                settings=settings or IdentitySettings(),
                role_name="tracing-dev-apps-tempo",
                cluster_name="apps",
                region=REGION,
                account_id=ACCOUNT,
                oidc_issuer=oidc_issuer,
                namespace="tracing",
                service_account="tempo",
                bucket=BUCKET,
                kms_key_arn=kms_key_arn,
                tags=TAGS,
            ),
        )

    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        return record(program, preview=preview)


def children(recording: Recording) -> list[Resource]:
    component = recording.one(COMPONENT)
    return [resource for resource in recording.resources if resource.parent == component.urn]


def kinds(recording: Recording) -> list[str]:
    return sorted(resource.type for resource in children(recording))


def outputs(recording: Recording) -> dict[str, Any]:
    return recording.component_outputs[recording.one(COMPONENT).urn]


def policy(recording: Recording, name: str) -> dict[str, Any]:
    (found,) = [r for r in recording.of_type(ROLE_POLICY) if r.name == f"identity-{name}"]
    return found.inputs


@both_modes
def test_pod_identity_makes_a_role_its_policy_and_the_association(preview: bool) -> None:
    assert kinds(run(preview)) == sorted([ROLE, ROLE_POLICY, ASSOCIATION])


@both_modes
def test_irsa_makes_a_role_and_its_policy(preview: bool) -> None:
    assert kinds(run(preview, IRSA)) == sorted([ROLE, ROLE_POLICY])


@both_modes
@pytest.mark.parametrize("settings", [IdentitySettings(), IRSA], ids=["podIdentity", "irsa"])
def test_children_stand_under_the_component_and_carry_its_name(
    preview: bool, settings: IdentitySettings
) -> None:
    recording = run(preview, settings, kms_key_arn=KEY)
    aws_resources = [r for r in recording.resources if r.type.startswith("aws:")]
    assert aws_resources == children(recording)
    assert all(resource.name.startswith("identity-") for resource in aws_resources)


@both_modes
def test_every_input_is_one_that_pulumi_aws_knows(preview: bool) -> None:
    settings = IdentitySettings(permissions_boundary_arn=BOUNDARY)
    recording = run(preview, settings, kms_key_arn=KEY)
    assert [p for resource in children(recording) for p in problems(resource)] == []


@both_modes
def test_the_role_says_what_it_is_for(preview: bool) -> None:
    role = run(preview, IdentitySettings(permissions_boundary_arn=BOUNDARY)).one(ROLE).inputs
    trust = role.pop("assumeRolePolicy")
    assert role == {
        "name": "tracing-dev-apps-tempo",
        "description": "Tempo in EKS cluster apps: traces in S3 bucket traces-dev",
        "permissionsBoundary": BOUNDARY,
        "tags": TAGS,
    }
    assert json.loads(trust)["Statement"][0]["Principal"] == {"Service": "pods.eks.amazonaws.com"}


def test_the_role_has_no_boundary_unless_asked_for() -> None:
    assert "permissionsBoundary" not in run(True).one(ROLE).inputs


def test_irsa_trusts_the_cluster_s_issuer() -> None:
    trust = json.loads(run(True, IRSA).one(ROLE).inputs["assumeRolePolicy"])["Statement"][0]
    assert trust["Principal"]["Federated"].endswith(
        "oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
    )


def test_irsa_without_an_issuer_is_refused() -> None:
    with pytest.raises(ValueError, match="OIDC issuer"):
        run(True, IRSA, oidc_issuer=None)


@both_modes
def test_the_association_ties_the_service_account_to_the_role(preview: bool) -> None:
    association = run(preview).one(ASSOCIATION).inputs
    assert association == {
        "clusterName": "apps",
        "namespace": "tracing",
        "serviceAccount": "tempo",
        "disableSessionTags": False,
        "roleArn": UNKNOWN if preview else "arn:aws:test:::identity-role",
        "tags": TAGS,
    }


def test_the_association_comes_after_the_permissions() -> None:
    recording = run(True, kms_key_arn=KEY)
    wanted = {r.urn for r in [*recording.of_type(ROLE_POLICY), recording.one(ROLE)]}
    assert wanted <= set(recording.one(ASSOCIATION).dependencies)


@both_modes
def test_permissions_on_the_bucket_are_known_at_preview(preview: bool) -> None:
    recording = run(preview, kms_key_arn=KEY)
    given = policy(recording, "bucket-access")
    assert given["role"] == "tracing-dev-apps-tempo"
    assert BUCKET in given["policy"]
    assert "kms:" not in given["policy"]


@both_modes
def test_permissions_on_the_key_name_the_key(preview: bool) -> None:
    given = policy(run(preview, kms_key_arn=KEY), "key-access")
    assert given["role"] == "tracing-dev-apps-tempo"
    assert [s["Resource"] for s in json.loads(given["policy"])["Statement"]] == [KEY]


def test_an_unknown_key_hides_its_own_policy_only() -> None:
    def program() -> None:
        WorkloadIdentity(
            "identity",
            WorkloadIdentityArgs(
                settings=IdentitySettings(),
                role_name="tempo",
                cluster_name="apps",
                region=REGION,
                account_id=ACCOUNT,
                oidc_issuer=None,
                namespace="tracing",
                service_account="tempo",
                bucket=BUCKET,
                kms_key_arn=aws.kms.Key("key").arn,
                tags=TAGS,
            ),
        )

    recording = record(program, preview=True)
    assert policy(recording, "key-access")["policy"] == UNKNOWN
    assert json.loads(policy(recording, "bucket-access")["policy"])


def test_without_kms_there_are_no_permissions_on_keys() -> None:
    assert [r.name for r in run(True).of_type(ROLE_POLICY)] == ["identity-bucket-access"]


@both_modes
def test_an_existing_role_gets_the_association_and_nothing_else(preview: bool) -> None:
    recording = run(preview, IdentitySettings(role_arn=EXISTING), kms_key_arn=KEY)
    assert kinds(recording) == [ASSOCIATION]
    assert recording.one(ASSOCIATION).inputs["roleArn"] == EXISTING
    assert outputs(recording) == {"roleArn": EXISTING}


@both_modes
def test_an_existing_role_for_irsa_makes_nothing(preview: bool) -> None:
    settings = IdentitySettings(mode=IdentityMode.IRSA, role_arn=EXISTING)
    recording = run(preview, settings, oidc_issuer=None)
    assert kinds(recording) == []
    assert outputs(recording) == {"roleArn": EXISTING}


@both_modes
def test_the_output_is_the_arn_of_the_role_that_is_made(preview: bool) -> None:
    assert outputs(run(preview)) == {
        "roleArn": UNKNOWN if preview else "arn:aws:test:::identity-role"
    }


@pytest.mark.parametrize(
    ("settings", "region", "arn"),
    [
        (IdentitySettings(), "eu-west-1", "arn:aws:iam::111122223333:role/tempo"),
        (IdentitySettings(), "cn-north-1", "arn:aws-cn:iam::111122223333:role/tempo"),
        (IdentitySettings(role_arn=EXISTING), "eu-west-1", EXISTING),
    ],
)
def test_the_role_s_arn_is_known_before_it_exists(
    settings: IdentitySettings, region: str, arn: str
) -> None:
    assert role_arn(settings, role_name="tempo", region=region, account_id=ACCOUNT) == arn
