"""A report on the agents of a warehouse: one HTML file that needs nothing else."""
