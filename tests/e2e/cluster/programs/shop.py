"""Runs the shop of the dashboards' test until it is stopped: python shop.py ENDPOINT.

Runs in a pod, beside the files of the shop and without the project.
"""

import sys

from tests.e2e.answers.shop import Shop

if __name__ == "__main__":
    Shop(sys.argv[1], {}).run(seconds=10_000_000)
