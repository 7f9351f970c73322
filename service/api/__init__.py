"""HTTP and JSON: parses, calls a use case, answers."""
