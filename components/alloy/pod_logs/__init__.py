"""Logs of pods: a DaemonSet of Alloy that reads them and finds the ids of traces in them."""
