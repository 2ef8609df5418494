"""Linux kernels that Beyla runs on, and those on which context propagation breaks requests."""

#: Oldest kernel, if it has BTF (Beyla's documentation).
OLDEST = (5, 8)
#: First broken release of each branch, the last of all later ones too: grafana/beyla#2941, #3025.
BREAKING = ((6, 6, 128), (6, 12, 75), (6, 18, 14), (6, 19, 0))


def breaks_propagation(kernel: tuple[int, ...]) -> bool:
    """Return whether context propagation breaks requests on a kernel, for example (6, 12, 80)."""
    branches: dict[tuple[int, ...], tuple[int, ...]] = {first[:2]: first for first in BREAKING}
    return kernel >= branches.get(kernel[:2], BREAKING[-1])
