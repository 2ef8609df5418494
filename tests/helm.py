"""Helm as the tests call it: it renders a chart for a Kubernetes that it is told of."""

import shutil

from plan.diff.rendered import KUBERNETES

HELM = shutil.which("helm")

TEMPLATE = (HELM or "helm", "template", "--kube-version", KUBERNETES)
