"""The sink side: rows, the streaming load, the ledger. Knows nothing of Looker."""
