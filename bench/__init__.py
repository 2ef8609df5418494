"""Measures what the project promises about time: python -m bench."""
