"""The source side: sessions, discovery, listing, fan-out and pruning. Knows nothing of BigQuery."""
