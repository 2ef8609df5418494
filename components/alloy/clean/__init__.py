"""Clean data: redaction, limits, drop rules and route templates of the gateway."""
