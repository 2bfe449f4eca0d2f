#!/usr/bin/python3
"""Plays the cases with Python's `websockets` as the client:

    websockets_client.py ECHO LIMITED STRICT PLAY ORIGIN STATUS

URLs: see README.md. STATUS is the outcome that a page of ORIGIN gets at STRICT: 101 or 403."""

import asyncio
import random
import sys
import time
import urllib.parse

import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatusCode

MIB = 1 << 20
PATIENCE = 20
ENDINGS = ((1000, "1000", "done"), (1001, "1001", ""), (3000, "3000", ""),
           (4999, "4999 and a reason", "Gr\u00fc\u00dfe \U0001f44b"), (1005, "no code", ""))


def name_of_size(size):
    return f"{size // MIB} MiB" if size >= MIB else f"{size} B"


def text_of(size):
    """Text of a given size in bytes, with characters of one, two and four."""
    part = "h\u00e9llo \U0001f600 ".encode()
    return (part * (size // len(part))).ljust(size, b".").decode()


def require(holds, what):
    if not holds:
        raise AssertionError(what)


def connect(url, **options):
    return websockets.connect(url, **{"max_size": 64 * MIB, "max_queue": None, "ping_interval": None,
                                      "open_timeout": PATIENCE, **options})


async def expect(socket, data):
    found = await socket.recv()
    require(found == data, f"{type(found).__name__} of {len(found)} came: {found[:60]!r}")


async def close(socket, code=1000, reason=""):
    """Closes, and requires that the answer says the same."""
    if code == 1005:  # close() always sends one
        await socket.write_close_frame(websockets.frames.Close(1005, ""), b"")
    await socket.close(code if code != 1005 else 1000, reason)
    require_end(socket, code, reason)


def require_end(socket, code, reason):
    """A reason of None is any."""
    require(socket.close_code == code and reason in (None, socket.close_reason),
            f"it ended with {socket.close_code} {socket.close_reason}")


async def expect_end(socket, code, reason=""):
    try:
        found = await socket.recv()
        raise AssertionError(f"{found[:60]!r} came")
    except ConnectionClosed:
        require_end(socket, code, reason)


async def expect_failure(socket, code):
    """The client fails the connection with this code; it does not read the answer."""
    try:
        found = await socket.recv()
        raise AssertionError(f"{found[:60]!r} came")
    except ConnectionClosed as closed:
        require(closed.sent is not None and closed.sent.code == code, f"it ended with {closed}")


async def require_status(status, url, **options):
    try:
        async with connect(url, **options):
            found = 101
    except InvalidStatusCode as refused:
        found = refused.status_code
    require(found == status, f"the status is {found}")


class Cases:
    def __init__(self, echo, limited, strict, play, origin, status):
        self.echo, self.limited, self.strict, self.play_url = echo, limited, strict, play
        self.origin, self.status = origin, int(status)
        self.ids, self.is_good = 0, True

    async def play(self, name, case):
        try:
            await asyncio.wait_for(case, PATIENCE)
            print("ok", name, flush=True)
        except Exception as wrong:
            self.is_good = False
            print(f"FAILED {name}\t{type(wrong).__name__} {wrong}", flush=True)

    def next_id(self):
        self.ids += 1
        return f"websockets{self.ids}"

    async def require_ended(self, id, expected):
        """The server says that the connection of this id ended so; a reason may follow the code."""
        limit = time.monotonic() + 10
        while True:
            async with connect(f"{self.play_url}/closed?id={id}") as socket:
                told = await socket.recv()
            if told != "unknown" or time.monotonic() > limit:
                break
            await asyncio.sleep(0.02)
        require(told == expected or told.startswith(expected + " "), f"the server was told {told}")

    # ---- Messages

    async def one_size(self, data):
        async with connect(self.echo) as socket:
            await socket.send(data)
            await expect(socket, data)
            await close(socket)

    async def many(self):
        async with connect(self.echo) as socket:
            for number in range(1000):
                await socket.send(f"message {number}")
            for number in range(1000):
                await expect(socket, f"message {number}")

    async def fragments_to_the_server(self):
        async with connect(self.echo) as socket:
            await socket.write_frame(False, 1, b"one ")
            await socket.write_frame(False, 0, b"")
            await socket.write_frame(False, 0, b"two thr\xc3")  # inside a character
            await socket.ping("between")
            await socket.write_frame(True, 0, b"\xa9e")
            await expect(socket, "one two thr\u00e9e")
            await socket.send([b"fo", b"ur"])
            await expect(socket, b"four")

    async def fragments_to_the_client(self):
        async with connect(self.play_url + "/fragments") as socket:
            await expect(socket, "one two thr\u00e9e")
            await expect(socket, b"four")

    async def ping_to_the_server(self):
        async with connect(self.echo) as socket:
            for payload in (b"p" * 125, b""):
                await (await socket.ping(payload))

    async def ping_to_the_client(self):
        async with connect(self.play_url + "/ping") as socket:
            await expect(socket, "pong: are you there?")

    async def compression(self):
        async with connect(self.echo) as socket:
            names = [each.name for each in socket.extensions]
            require(names == ["permessage-deflate"], f"extensions: {names}")
        async with connect(self.play_url + "/echo") as socket:
            require(socket.extensions == [], f"extensions: {socket.extensions}")

    # ---- Handshakes

    async def subprotocol(self, offered, chosen):
        async with connect(self.play_url + "/subprotocol", subprotocols=offered or None) as socket:
            await expect(socket, chosen or "none")
            require(socket.subprotocol == chosen, f"the subprotocol is {socket.subprotocol}")

    async def header(self):
        headers = {"X-Interop": 'a, b; c="d"'}
        async with connect(self.play_url + "/header", extra_headers=headers) as socket:
            await expect(socket, 'a, b; c="d"')

    # ---- Ends

    async def client_closes(self, code, reason):
        id = self.next_id()
        async with connect(f"{self.play_url}/echo?id={id}") as socket:
            await close(socket, code, reason)
        await self.require_ended(id, f"{code} {reason}".strip())

    async def server_closes(self, code, reason):
        query = urllib.parse.urlencode({"code": "" if code == 1005 else code, "reason": reason},
                                       quote_via=urllib.parse.quote)
        async with connect(f"{self.play_url}/close?{query}") as socket:
            await expect_end(socket, code, reason)

    async def client_vanishes(self):
        id = self.next_id()
        socket = await connect(f"{self.play_url}/echo?id={id}")
        socket.transport.abort()
        await socket.wait_closed()
        await self.require_ended(id, "1006")

    async def server_vanishes(self):
        async with connect(self.play_url + "/abort") as socket:
            await expect_end(socket, 1006)

    async def over_the_servers_limit(self):
        async with connect(self.limited) as socket:
            await socket.send("x" * 1000)
            await expect(socket, "x" * 1000)
            await socket.send("x" * 1001)
            await expect_end(socket, 1009, None)

    async def over_the_clients_limit(self):
        id = self.next_id()
        async with connect(f"{self.play_url}/flood?size=2000&id={id}", max_size=1000) as socket:
            await expect_failure(socket, 1009)
        await self.require_ended(id, "1009")

    async def invalid_to_the_server(self):
        async with connect(self.echo) as socket:
            await socket.write_frame(True, 1, b"\xff")
            await expect_end(socket, 1007, None)

    async def invalid_to_the_client(self):
        id = self.next_id()
        async with connect(f"{self.play_url}/invalid?id={id}") as socket:
            await expect_failure(socket, 1007)
        await self.require_ended(id, "1007")

    # ---- All of them

    async def run(self):
        for type in ("text", "binary"):
            for size in (0, 1, 125, 126, 127, 65535, 65536, MIB, 16 * MIB):
                data = text_of(size) if type == "text" else random.Random(size).randbytes(size)
                await self.play(f"{type} of {name_of_size(size)}", self.one_size(data))
        await self.play("1000 messages in order", self.many())
        await self.play("fragments to the server", self.fragments_to_the_server())
        await self.play("fragments to the client", self.fragments_to_the_client())
        await self.play("ping to the server", self.ping_to_the_server())
        await self.play("ping to the client", self.ping_to_the_client())
        await self.play("compression is agreed on", self.compression())
        await self.play("subprotocol: the first that both know",
                        self.subprotocol(["x", "chat.v2", "chat.v1"], "chat.v2"))
        await self.play("subprotocol: none in common", self.subprotocol(["x", "y"], None))
        await self.play("subprotocol: none offered", self.subprotocol([], None))
        await self.play("header", self.header())
        await self.play("Origin of the URL's host",
                        require_status(self.status, self.strict, origin=self.origin))
        await self.play("Origin that is refused",
                        require_status(403, self.strict, origin="https://evil.example"))
        for status in (401, 404, 426, 503):
            await self.play(f"refused with status {status}",
                            require_status(status, f"{self.play_url}/status?status={status}"))
        for code, name, reason in ENDINGS:
            await self.play(f"client closes with {name}", self.client_closes(code, reason))
        for code, name, reason in ENDINGS:
            await self.play(f"server closes with {name}", self.server_closes(code, reason))
        await self.play("client vanishes", self.client_vanishes())
        await self.play("server vanishes", self.server_vanishes())
        await self.play("over the server's limit: 1009", self.over_the_servers_limit())
        await self.play("over the client's limit: 1009", self.over_the_clients_limit())
        await self.play("text to the server that is not UTF-8: 1007", self.invalid_to_the_server())
        await self.play("text to the client that is not UTF-8", self.invalid_to_the_client())
        return self.is_good


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(Cases(*sys.argv[1:]).run()) else 1)
