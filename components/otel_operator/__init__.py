"""The OpenTelemetry Operator, which adds SDKs to annotated pods."""
