"""Dashboards as a component."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core, meta

from ..layout import Dashboard, as_json
from ..settings import GrafanaSettings

#: Most bytes of a dashboard: an object in Kubernetes takes 1 MiB, names and labels included.
MAX_BYTES = 900 * 1024
#: Annotation that tells the sidecar the folder (its value ``folderAnnotation`` must say so too).
FOLDER_ANNOTATION = "grafana_folder"


@dataclass(frozen=True, kw_only=True)
class GrafanaDashboardsArgs:
    """Arguments of the dashboards.

    Attributes:
        settings: the Grafana side's settings.
        dashboards: the dashboards; their uids are names in Kubernetes.
    """

    settings: GrafanaSettings
    dashboards: Sequence[Dashboard]


class GrafanaDashboards(pulumi.ComponentResource):
    """A ConfigMap for each dashboard, for Grafana's sidecar."""

    uids: pulumi.Output[list[str]]
    """Uids of the dashboards."""

    def __init__(
        self,
        name: str,
        args: GrafanaDashboardsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the dashboards.

        Args:
            name: name of the component.
            args: the dashboards, and where they go.
            opts: options of the component.

        Raises:
            ValueError: a dashboard has no uid, shares one, or is too large for an object.
        """
        super().__init__("tracing:index:GrafanaDashboards", name, {}, opts)
        texts = dashboard_files(args.dashboards)
        for uid, text in texts.items():
            core.v1.ConfigMap(
                f"{name}-{uid}",
                metadata=_metadata(args.settings, uid),
                data={f"{uid}.json": text},
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.uids = pulumi.Output.from_input(list(texts))
        self.register_outputs({"uids": self.uids})


def dashboard_files(dashboards: Sequence[Dashboard]) -> dict[str, str]:
    """Return the JSON of each dashboard by its uid.

    Raises:
        ValueError: a dashboard has no uid, shares one, or is too large for an object.
    """
    texts: dict[str, str] = {}
    for one in dashboards:
        text = as_json(one)
        if not one.uid or one.uid in texts:
            raise ValueError(f"dashboard {one.title}: uid {one.uid} is missing or taken")
        if (size := len(text.encode())) > MAX_BYTES:
            raise ValueError(f"dashboard {one.uid}: {size} bytes, {MAX_BYTES} fit into an object")
        texts[one.uid] = text
    return texts


def _metadata(settings: GrafanaSettings, uid: str) -> meta.v1.ObjectMetaArgs:
    return meta.v1.ObjectMetaArgs(
        # The sidecar writes the files of all ConfigMaps into one folder, so both names are unique.
        name=f"dashboard-{uid}",
        namespace=settings.namespace,
        labels={
            "app.kubernetes.io/managed-by": "pulumi",
            "app.kubernetes.io/part-of": "tracing",
            settings.dashboard_label: settings.dashboard_label_value,
        },
        annotations={FOLDER_ANNOTATION: settings.folder},
    )
