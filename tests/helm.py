"""Helm as the tests call it: it renders a chart for a Kubernetes that it is told of."""

import shutil

HELM = shutil.which("helm")

# A helm built from its sources believes the cluster to be an old one, which the charts refuse.
KUBERNETES = "1.34.0"

TEMPLATE = (HELM or "helm", "template", "--kube-version", KUBERNETES)
