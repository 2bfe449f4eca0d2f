#!/usr/bin/python3
"""Python's `websockets` as the client of hawser and as its server, over every mix of parameters that it
takes: what is agreed on, and messages of all kinds in both directions.

    websockets_deflate.py client|server PROGRAM     PROGRAM is interop_deflating

What they agree on and what is sent, deflate_mixes.py says."""

import asyncio
import itertools
import sys

import websockets
from websockets.extensions.permessage_deflate import (ClientPerMessageDeflateFactory,
                                                      ServerPerMessageDeflateFactory)

from deflate_mixes import Messages, header, is_same, pieces, plan
from deflate_play import Outcomes, Ours, require

HEADER = "Sec-WebSocket-Extensions"
OPTIONS = {"compression": None, "max_size": 64 << 20, "ping_interval": None}
MESSAGES = Messages()


async def converse(socket, row, number, expected):
    agreed = socket.response_headers.get(HEADER, "")
    require(is_same(agreed, expected), f"{agreed} was agreed on instead of {expected}")
    for message, in_fragments in MESSAGES.of(row, number):
        await socket.send(pieces(message) if in_fragments else message)
        found = await asyncio.wait_for(socket.recv(), 20)
        require(found == message, f"{type(found).__name__} of {len(found)} came for {len(message)}")
    await socket.close()
    require(socket.close_code == 1000, f"it ended with {socket.close_code}")


async def play_clients(program, outcomes):
    connections = plan("websockets", "client")
    with Ours.serving(program, [own for _, own, _, _ in connections]) as ports:
        for number, (row, own, offer, expected) in enumerate(connections):
            with outcomes.case(row, header(offer)):
                factory = ClientPerMessageDeflateFactory(*offer)
                async with websockets.connect(f"ws://127.0.0.1:{ports[own]}/", extensions=[factory],
                                              **OPTIONS) as socket:
                    await converse(socket, row, number, expected)


class Mixing(websockets.WebSocketServerProtocol):
    """Its parameters are those of the connection whose turn it is."""

    current = (False,) * 4

    def process_extensions(self, headers, available_extensions):
        return super().process_extensions(headers, [ServerPerMessageDeflateFactory(*self.current)])


async def play_servers(program, outcomes):
    accepted = asyncio.Queue()

    async def handle(socket):
        ended = asyncio.get_running_loop().create_future()
        await accepted.put((socket, ended))
        await ended

    async with websockets.serve(handle, "127.0.0.1", 0, create_protocol=Mixing, extensions=[],
                                **OPTIONS) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for own, some in itertools.groupby(plan("websockets", "server"), key=lambda each: each[1]):
            for number, (row, _, theirs, expected) in enumerate(some):
                Mixing.current = theirs
                with outcomes.case(row, header(theirs)), Ours.echoing(program, own, url, 1) as told:
                    socket, ended = await asyncio.wait_for(accepted.get(), 20)
                    try:
                        await converse(socket, row, number, expected)
                    finally:
                        ended.set_result(None)
                    found = await asyncio.to_thread(told)
                    require(is_same(found, expected), f"{found} instead of {expected}")


async def main(role, program):
    outcomes = Outcomes()
    await (play_clients if role == "client" else play_servers)(program, outcomes)
    return outcomes.status


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
