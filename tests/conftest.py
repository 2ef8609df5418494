"""What all tests share."""

import os

# An Output put into a text is a mistake that would otherwise print a help text.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
