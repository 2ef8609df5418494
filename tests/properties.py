"""Numbers of examples of property tests: few in `make test`, ten times as many in `make test-all`.

Both run each property. hypothesis takes the profile from `--hypothesis-profile`.
"""

import os

from hypothesis import HealthCheck, settings

FEW, MANY = "few", "many"
_NUMBER = 25
# No test fails because a machine is slow, and CI's result for a commit is always the same. Settings
# are large by nature, and types refuse some that their schema lets through.
settings.register_profile(
    FEW,
    max_examples=_NUMBER,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
        HealthCheck.filter_too_much,
    ],
)
settings.register_profile(MANY, settings.get_profile(FEW), max_examples=10 * _NUMBER)


def examples(number: int) -> settings:
    """Let a test that costs more or less than most take another number of examples."""
    return settings(max_examples=number * settings().max_examples // _NUMBER)
