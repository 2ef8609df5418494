"""Validation of settings: what the types of the settings can't check, and the messages."""

from ..core.problem import Problem, SettingsError, problem, shown
from .backends import credentials
from .messages import SECRETS
from .rules import check, problems

__all__ = [
    "SECRETS",
    "Problem",
    "SettingsError",
    "check",
    "credentials",
    "problem",
    "problems",
    "shown",
]
