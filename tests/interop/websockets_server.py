#!/usr/bin/python3
"""The server of Python's `websockets` for the tests: what each path does, README.md says.

Prints its ports, with and without a limit of 1000 bytes for messages; ends by SIGTERM."""

import asyncio
import http
import signal
import urllib.parse

import websockets

ENDS = {}


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def ping(socket):
    await (await socket.ping("are you there?"))
    await socket.send("pong: are you there?")


async def fragments(socket):
    await socket.write_frame(False, 1, b"one ")
    await socket.write_frame(False, 0, b"")
    await socket.write_frame(False, 0, b"two thr\xc3")  # inside a character
    await socket.write_frame(True, 0, b"\xa9e")
    await socket.send([b"fo", b"ur"])


async def serve(socket):
    url = urllib.parse.urlsplit(socket.path)
    query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
    try:
        if url.path == "/ping":
            await ping(socket)
        elif url.path == "/fragments":
            await fragments(socket)
        elif url.path == "/close":
            await close(socket, query)
        elif url.path == "/abort":
            socket.transport.abort()
        elif url.path == "/invalid":
            await socket.write_frame(True, 1, b"\xff")
        elif url.path == "/flood":
            await socket.send(bytes(int(query["size"])))
        elif url.path == "/header":
            await socket.send(socket.request_headers["X-Interop"])
        elif url.path == "/subprotocol":
            await socket.send(socket.subprotocol or "none")
        elif url.path == "/extensions":
            await socket.send(", ".join(each.name for each in socket.extensions) or "none")
        elif url.path == "/closed":
            await socket.send(ENDS.get(query["id"], "unknown"))
        await echo(socket)
    except websockets.exceptions.ConnectionClosed:
        pass
    finally:
        await socket.wait_closed()
        if "id" in query and url.path != "/closed":
            ENDS[query["id"]] = f"{socket.close_code} {socket.close_reason}".strip()


async def close(socket, query):
    if not query["code"]:  # close() always sends one
        await socket.write_close_frame(websockets.frames.Close(1005, ""), b"")
    await socket.close(int(query["code"] or 1000), query["reason"])


async def decide(path, headers):
    url = urllib.parse.urlsplit(path)
    if url.path == "/status":
        status = int(dict(urllib.parse.parse_qsl(url.query))["status"])
        return http.HTTPStatus(status), [], b"as you asked\n"
    if url.path == "/strict" and headers.get("Origin") != "https://good.example":
        return http.HTTPStatus.FORBIDDEN, [], b""
    return None


def choose(offered, known):
    return next((name for name in offered if name in known), None)


class Unoffering(websockets.WebSocketServerProtocol):
    """Agrees on a subprotocol that nobody offered, on one path."""

    def process_subprotocol(self, headers, available_subprotocols):
        if self.path.startswith("/unoffered"):
            return "other"
        return super().process_subprotocol(headers, available_subprotocols)


async def main():
    options = {"process_request": decide, "subprotocols": ["chat.v1", "chat.v2"],
               "select_subprotocol": choose, "create_protocol": Unoffering}
    loop = asyncio.get_running_loop()
    stop = loop.create_future()
    loop.add_signal_handler(signal.SIGTERM, stop.set_result, None)
    async with websockets.serve(serve, "127.0.0.1", 0, max_size=64 << 20, **options) as one, \
            websockets.serve(serve, "127.0.0.1", 0, max_size=1000, **options) as two:
        ports = [each.sockets[0].getsockname()[1] for each in (one, two)]
        print("listening on", *ports, flush=True)
        await stop


asyncio.run(main())
