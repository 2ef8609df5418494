"""`make verify`: sends a trace and a log to a deployed stack and checks what becomes of them."""
