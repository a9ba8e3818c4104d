"""The reader of log queries knows true from false, and what it does not know."""

import pytest

from tests.infra.log_filter import matches

ENTRY = {"logName": "projects/p/logs/a%2Fb", "severity": "WARNING", "n": 5, "x": {"y": "z", "flag": False}}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('x.y="z"', True),
        ('x.y="w"', False),
        ("x.flag=false", True),
        ("x.flag=true", False),
        ("x.missing=false", False),
        ("n>=5", True),
        ("n>=6", False),
        ("missing>=1", False),
        ("severity>=INFO", True),
        ("severity>=ERROR", False),
        ('log_id("a/b")', True),
        ('log_id("b")', False),
        ('x.y="w" OR n>=5', True),
        ('x.y="w" OR x.y="z" AND n>=6', False),
        ('(x.y="w" OR x.y="z") AND n>=5', True),
        ('x.y="w" AND (x.y="z" OR n>=5)', False),
    ],
)
def test_it_reads(query: str, found: bool) -> None:
    assert matches(query, ENTRY) is found


@pytest.mark.parametrize("query", ['NOT x.y="z"', '(x.y="z"', 'x.y="z" x.y="z"', "x.y:z"])
def test_it_refuses_what_it_does_not_know(query: str) -> None:
    with pytest.raises(ValueError, match=r"understood|left over|closed"):
        matches(query, ENTRY)
