from typing import Any

from sluice.looker import rules
from sluice.looker.rules import CAMEL, CONTENT, RULES, TREE, Rule


def leaves(node: Any) -> list[Rule]:
    if isinstance(node, Rule):
        return [node]
    if node is CONTENT:
        return []
    return [rule for child in node.values() for rule in leaves(child)]


def test_every_rule_is_one_leaf_of_the_tree() -> None:
    found = leaves(TREE)
    assert sorted(rule.path for rule in found) == sorted(rule.path for rule in RULES)
    assert len({rule.path for rule in RULES}) == len(RULES)


def test_no_rule_lies_inside_another() -> None:
    for rule in RULES:
        assert not [other.path for other in RULES if other.path.startswith((f"{rule.path}.", f"{rule.path}["))]


def test_every_rule_says_why_and_every_summary_what_is_kept() -> None:
    for rule in RULES:
        assert rule.why
        assert rule.kept or rule.summary is None


def test_the_paths_are_spelled_as_messages_are() -> None:
    """A path in snake_case would never be met: keys take their usual spelling before the tree is asked."""
    parts = {part.removesuffix("[]") for rule in RULES for part in rule.path.split(".")}
    assert not parts & CAMEL.keys()
    assert {part for part in parts if not part.islower()} <= set(CAMEL.values())


def test_known_keys_have_a_second_spelling() -> None:
    assert CAMEL["system_message"] == "systemMessage"
    assert CAMEL["big_query_job"] == "bigQueryJob"
    assert CAMEL["result_vega_chart_json"] == "resultVegaChartJson"
    assert len(CAMEL) == len(rules._KNOWN_KEYS) == len(set(rules._KNOWN_KEYS))
