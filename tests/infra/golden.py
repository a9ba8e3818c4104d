"""Writes the golden inventories anew: `python -m tests.infra.golden`. Read the difference before you commit it."""

import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def main() -> None:
    from tests.infra.conftest import write
    from tests.infra.recorder import BASE, EVERYTHING, inventory, record

    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder))
        for name, config in (("base", BASE), ("everything", EVERYTHING)):
            (FOLDER / f"{name}.txt").write_text(inventory(record(config, root=root)), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "function"))
    main()
