"""What the end-to-end and fault tests stand on: an installation of their own, and its ground truth."""
