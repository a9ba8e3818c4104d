"""Brings the AI-agent conversations held in Looker into BigQuery."""

__version__ = "0.1.0"
