"""The Helm command of the tests: it renders a chart for one version of Kubernetes."""

import shutil

from plan.diff.rendered import KUBERNETES

HELM = shutil.which("helm")

TEMPLATE = (HELM or "helm", "template", "--kube-version", KUBERNETES)
