"""From a stack file to settings: the only place that reads Pulumi's configuration."""

from config.loader import TracingConfig, load_config

__all__ = ["TracingConfig", "load_config"]
