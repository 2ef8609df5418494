"""AWS identity of Tempo's pods."""
