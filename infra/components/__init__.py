"""One noun per file. Constructors take plain inputs by keyword; only `infra.program` knows the configuration."""
