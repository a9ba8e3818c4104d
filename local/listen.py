"""Sockets that servers of this process answer on."""

import socket

HOST = "127.0.0.1"
BACKLOG = 1024


def listen(port: int = 0) -> socket.socket:
    """A listening socket on the loopback interface; port 0 takes any free one. Raises OSError when it is taken."""
    # Named as TCP, which socket.create_server() does not do: asyncio leaves Nagle's algorithm on for the others, and
    # every small answer then waits 40 ms for the client's acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
