"""The local BigQuery: an emulator of its REST API, and the tables and views of sql/ in it."""
