"""A simulated Looker: a made-up population's conversations, served as Looker's API does, with faults on demand."""
