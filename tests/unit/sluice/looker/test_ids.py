from typing import Any

import pytest

from sluice.looker.ids import user_id


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (7, "7"),
        (7.0, "7"),
        ("7", "7"),
        (" 7 ", "7"),
        ("7.0", "7"),
        ("7.00", "7"),
        ("1,234", "1234"),
        ("1,234.00", "1234"),
        ("12,345,678", "12345678"),
        ("1 234", "1234"),
        ("1\u00a0234", "1234"),
        ("1\u202f234", "1234"),
        ("1'234", "1234"),
        ("1\u2019234", "1234"),
        ("\uff17", "7"),
        ("\u0667", "7"),
        ("2f-a_B", "2f-a_B"),
        (2**63, str(2**63)),
    ],
)
def test_an_id_is_read_however_it_is_written(written: Any, meant: str) -> None:
    assert user_id(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        None,
        True,
        "",
        " ",
        7.5,
        "7.5",
        "8.000",
        "1.234",
        "1,23",
        "1,2345",
        "0,123",
        "1,234'567",
        "1,234,",
        -1,
        2.0**60,
        1e300,
        "7 8",
        "7,8",
        "../1",
        "a b",
        "1" * 65,
        [7],
        {"value": 7},
        "<a>7</a>",
    ],
)
def test_what_could_be_more_than_one_id_or_none_is_not_read(written: Any) -> None:
    assert user_id(written) is None
