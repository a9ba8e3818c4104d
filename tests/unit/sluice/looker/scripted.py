"""A server that does what servers and the network do to a client, over real sockets."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

type Act = Callable[[socket.socket], None]


def say(text: bytes) -> Act:
    return lambda peer: peer.sendall(text)


def hang_up(peer: socket.socket) -> None:
    peer.shutdown(socket.SHUT_RDWR)


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def then(*acts: Act) -> Act:
    def act(peer: socket.socket) -> None:
        for each in acts:
            each(peer)

    return act


def silence(peer: socket.socket) -> None:
    pass


def waiting(until: threading.Barrier | threading.Event) -> Act:
    def act(_: socket.socket) -> None:
        until.wait(5)

    return act


class Server:
    """Does with each request what `script` says next, in the end OK; `heard` is (connection, head of the request)."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.script: list[Act] = []
        self.heard: list[tuple[int, str]] = []
        self.ended = threading.Semaphore(0)
        self.handshake: Act | None = None
        """Done with each connection instead of serving it."""
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._peers: list[socket.socket] = []
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self._peers.append(peer)
                threading.Thread(target=self._serve, args=(peer, len(self._peers)), daemon=True).start()

    def _serve(self, peer: socket.socket, number: int) -> None:
        with suppress(OSError):
            if self.handshake:
                self.handshake(peer)
            if self._tls:
                peer = self._tls.wrap_socket(peer, server_side=True)
            while head := self._head(peer):
                self.heard.append((number, head))
                (self.script.pop(0) if self.script else say(OK))(peer)
        peer.close()
        self.ended.release()

    @staticmethod
    def _head(peer: socket.socket) -> str:
        text = b""
        while not text.endswith(b"\r\n\r\n"):
            if not (piece := peer.recv(1)):
                return ""
            text += piece
        return text.decode()

    def close(self) -> None:
        self._listener.close()
        for peer in self._peers:
            peer.close()


def drip(text: bytes, seconds: float) -> Act:
    """Sends one byte at a time, so long after each."""

    def act(peer: socket.socket) -> None:
        for number in range(len(text)):
            peer.sendall(text[number : number + 1])
            threading.Event().wait(seconds)

    return act
