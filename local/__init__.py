"""The rehearsal: what stands in for Looker and for BigQuery on one machine."""
