"""Writes what is generated anew: `python -m tests.infra.golden`, with `function` on PYTHONPATH.

The golden inventories, and the table of keys in `docs/deploy.md`. Read the difference before you commit it.
"""

import tempfile
from pathlib import Path
from typing import Any

import yaml

from infra.definitions import ROOT
from tests.infra.conftest import write
from tests.infra.recorder import BASE, EVERYTHING, inventory, record

FOLDER = Path(__file__).parent / "golden"
DOCUMENT = ROOT / "docs/deploy.md"
BEGIN, END = "from Pulumi.yaml -->\n", "<!-- /keys -->"


def keys() -> str:
    """Every key of the project as a Markdown table."""
    declared: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    rows = [f"| `{name}` | {_default(key)} | {_escaped(key['description'])} |" for name, key in declared.items()]
    return "\n".join(["", "| key | default | meaning |", "|---|---|---|", *rows, "", ""])


def documented(text: str) -> str:
    """`text` of the document with the table as it should be."""
    head, rest = text.split(BEGIN, 1)
    return f"{head}{BEGIN}{keys()}{END}{rest.split(END, 1)[1]}"


def _default(key: dict[str, Any]) -> str:
    if key.get("secret"):
        return "- (secret)"
    if "default" not in key:
        return "-"
    text = str(key["default"]).lower() if isinstance(key["default"], bool) else str(key["default"])
    return f"`{text}`" if text else "empty"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder))
        for name, config in (("base", BASE), ("everything", EVERYTHING)):
            (FOLDER / f"{name}.txt").write_text(inventory(record(config, root=root)), encoding="utf-8")
    DOCUMENT.write_text(documented(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
