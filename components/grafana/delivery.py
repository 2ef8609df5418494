"""Delivery of datasources and dashboards: objects for a sidecar or for the Grafana operator."""

from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions, core

from ..core.objects import metadata
from .datasources import Builder, Datasource, provisioning_file
from .settings import GrafanaDelivery, GrafanaSettings

#: Kinds of the Grafana operator (its custom resource definitions, `config/crd/bases`).
API_VERSION = "grafana.integreatly.org/v1beta1"
#: The operator refuses a change of these, so that Pulumi replaces the object.
IMMUTABLE = ("spec.instanceSelector", "spec.uid")
#: Name of the operator's object of the folder.
FOLDER = "tracing"
#: Key of a password in the Secret that the operator reads, and what it replaces with it.
_KEY, _PLACEHOLDER = "password", "${password}"


class Delivery:
    """Creates the objects of a component, by `grafana.delivery`; none for `files`."""

    def __init__(self, name: str, settings: GrafanaSettings, parent: pulumi.Resource) -> None:
        """Take what all objects share.

        Args:
            name: name of the component.
            settings: the Grafana side's settings.
            parent: the component.
        """
        self._name, self._settings, self._parent = name, settings, parent

    def datasource(
        self,
        role: str,
        build: Builder,
        *,
        url: pulumi.Input[str],
        password: pulumi.Input[str] | None,
    ) -> None:
        """Deliver a datasource.

        Args:
            role: what it is for; part of the names.
            build: returns the datasource.
            url: URL of Tempo's query API.
            password: password of the datasource.
        """
        file = f"tracing-datasource-{role}"
        # A separate file name: the sidecar would delete the new file with the old ConfigMap.
        secret = f"{file}-login"
        match self._settings.delivery:
            case GrafanaDelivery.SIDECAR if password is None:
                text = pulumi.Output.from_input(url).apply(
                    lambda known: self._provisioned(build(known, None))
                )
                core.v1.ConfigMap(
                    f"{self._name}-{role}",
                    metadata=self._for_sidecar(file),
                    data={f"{file}.yaml": text},
                    opts=self._child(),
                )
            case GrafanaDelivery.SIDECAR:
                text = pulumi.Output.all(url, pulumi.Output.secret(password)).apply(
                    lambda known: self._provisioned(build(*known))
                )
                core.v1.Secret(
                    f"{self._name}-{role}",
                    metadata=self._for_sidecar(secret),
                    string_data={f"{secret}.yaml": text},
                    opts=self._child(),
                )
            case GrafanaDelivery.OPERATOR:
                if password is not None:
                    core.v1.Secret(
                        f"{self._name}-{role}",
                        metadata=metadata(secret, self._settings.namespace),
                        string_data={_KEY: pulumi.Output.secret(password)},
                        opts=self._child(),
                    )
                placeholder = None if password is None else _PLACEHOLDER
                spec = pulumi.Output.from_input(url).apply(
                    lambda known: datasource_spec(build(known, placeholder), secret)
                )
                self._for_operator("GrafanaDatasource", role, file, spec)
            case GrafanaDelivery.FILES:
                pass

    def dashboards(self, texts: dict[str, str]) -> None:
        """Deliver dashboards, and their folder.

        Args:
            texts: the JSON of each by its uid.
        """
        settings = self._settings
        if settings.delivery is GrafanaDelivery.OPERATOR and texts:
            self._for_operator("GrafanaFolder", "folder", FOLDER, {"title": settings.folder})
        for uid, text in texts.items():
            # The sidecar writes the files of all ConfigMaps into one folder, so both names are
            # unique.
            name = f"dashboard-{uid}"
            if settings.delivery is GrafanaDelivery.SIDECAR:
                label = {settings.dashboard_label: settings.dashboard_label_value}
                folder = {settings.folder_annotation: settings.folder}
                core.v1.ConfigMap(
                    f"{self._name}-{uid}",
                    metadata=metadata(name, settings.namespace, label, folder),
                    data={f"{uid}.json": text},
                    opts=self._child(),
                )
            elif settings.delivery is GrafanaDelivery.OPERATOR:
                spec = {"folderRef": FOLDER, "json": text}
                self._for_operator("GrafanaDashboard", uid, name, spec)

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self._parent)

    def _provisioned(self, built: Datasource) -> str:
        return provisioning_file(built, org_id=self._settings.org_id)

    def _for_sidecar(self, name: str) -> Any:  # noqa: ANN401 - Pulumi's own type
        settings = self._settings
        label = {settings.datasource_label: settings.datasource_label_value}
        return metadata(name, settings.namespace, label)

    def _for_operator(self, kind: str, role: str, name: str, spec: pulumi.Input[Any]) -> None:
        selector = {"instanceSelector": {"matchLabels": dict(self._settings.instance_labels)}}
        apiextensions.CustomResource(
            f"{self._name}-{role}",
            api_version=API_VERSION,
            kind=kind,
            metadata=metadata(name, self._settings.namespace),
            spec=pulumi.Output.from_input(spec).apply(lambda known: {**known, **selector}),
            opts=pulumi.ResourceOptions(
                parent=self._parent,
                replace_on_changes=list(IMMUTABLE),
                delete_before_replace=True,
            ),
        )


def datasource_spec(built: Datasource, secret: str) -> dict[str, Any]:
    """Return the spec of a `GrafanaDatasource`, without its selector.

    Args:
        built: the datasource, with a placeholder for its password.
        secret: name of the Secret with the password.
    """
    source = {"secretKeyRef": {"name": secret, "key": _KEY}}
    values = [
        {"targetPath": f"secureJsonData.{key}", "valueFrom": source}
        for key, value in built.get("secureJsonData", {}).items()
        if _PLACEHOLDER in value
    ]
    return {
        "uid": built["uid"],
        "datasource": {key: value for key, value in built.items() if key != "uid"},
        **({"valuesFrom": values} if values else {}),
    }
