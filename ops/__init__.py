"""The command line of whoever looks after an installation: `python -m ops COMMAND`."""
