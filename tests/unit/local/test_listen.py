import asyncio
import socket

import pytest

from local.listen import HOST, listen


def test_small_answers_are_sent_at_once() -> None:
    async def delays_nothing() -> bool:
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            answered.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listen() as listener:
            async with await asyncio.start_server(answer, sock=listener):
                _, writer = await asyncio.open_connection(HOST, listener.getsockname()[1])
                writer.close()
                return bool(await answered)

    assert asyncio.run(delays_nothing())


def test_a_taken_port_is_refused() -> None:
    with listen() as taken, pytest.raises(OSError, match="in use"):
        listen(taken.getsockname()[1])
