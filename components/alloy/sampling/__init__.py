"""Tail sampling: the samplers behind the gateway, what they keep, the series that they write."""
