"""Measured side by side with what a user would write or pick instead. `make bench` runs it; the table is results.md."""
