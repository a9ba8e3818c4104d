"""What is compared, each a program of its own: `python -m bench.contenders.NAME` prints its figures as JSON."""
