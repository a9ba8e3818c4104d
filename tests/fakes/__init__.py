"""Stand-ins of services for tests: small, strict, and tested themselves."""
