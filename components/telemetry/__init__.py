"""Names of metrics and labels, the queries written from them, and the stack that they select."""
