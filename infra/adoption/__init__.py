"""Taking over what Google has and the state has not. One noun per file; `infra.adopt` is the command."""
