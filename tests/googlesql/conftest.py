"""Registers the marker of this folder."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "googlesql: needs .venv-googlesql, where Google's SQL analyzer is installed")
