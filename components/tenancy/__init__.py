"""Tenants: whose traces are kept apart in Tempo, and how a span's tenant is found."""
