"""Evaluates every query of the dashboards against real programs."""
