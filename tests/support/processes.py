"""Processes as /proc tells of them."""

from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Ids of the processes below `pid`."""
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [below for child in children for below in descendants(child)]


def peak_bytes(pid: int) -> int:
    """The most memory the process ever held (VmHWM)."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmHWM"].removesuffix("kB")) * 1024
