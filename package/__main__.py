"""Entry point of the plugin: Pulumi runs this folder and talks to it over gRPC."""

import sys
from pathlib import Path

from pulumi.provider import main

# Pulumi keeps the whole repository, but Python looks only into this folder.
sys.path.insert(0, str(Path(__file__).parents[1]))

from package.provider import TracingProvider

main(TracingProvider(), sys.argv[1:])
