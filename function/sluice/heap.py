"""How the C library keeps memory that fifty threads allocate and free.

glibc gives threads heaps of their own and raises, with every large block freed, the size from which a block is given
back to the system at once. Bodies of conversations then leave each heap full of holes, and the process grows with the
volume it has handled: by a third between 50 MB and 1 GB, measured. https://man7.org/linux/man-pages/man3/mallopt.3.html
"""

import ctypes

M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
HEAPS = 2
GIVEN_BACK_FROM_BYTES = 128 * 1024


def bound() -> None:
    """Keep few heaps, and give large blocks back when they are freed. Does nothing where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, HEAPS)
        mallopt(M_MMAP_THRESHOLD, GIVEN_BACK_FROM_BYTES)
