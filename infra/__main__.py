"""Entry point of `pulumi up`: the engine runs this folder as a script, so the import roots are set here."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "function")]

from infra.program import deploy  # noqa: E402  the import roots must be set first

deploy()
