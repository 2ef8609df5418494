"""The OpenTelemetry Operator, which puts SDKs into pods that ask for one."""
