#!/usr/bin/python3
"""Prints how many resident bytes an idle connection costs echo_server:

    tests/soak/idle_connections.py FOLDER_OF_PROGRAMS [--connections N] [--most BYTES]

It opens N (10000) connections, sends a message over each and reads it back, and compares the server's
resident memory before and after: what a connection keeps, not what it needed meanwhile. The kernel's
own memory for a socket is not in it. The exit status is 1 where there are more than BYTES (400) for each.
"""

import argparse
import resource
import socket
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from peer import TEXT, Server, frame  # noqa: E402

PORTS_OF_AN_ADDRESS = 20000  # fewer than the system gives out for one address


def allow_descriptors(count):
    """Lets this program and those that it starts open so many; exits where the system forbids it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < count:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
        except (ValueError, PermissionError):
            sys.exit(f"{count} descriptors are needed, and {most} are allowed: see ulimit -Hn")
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, most))


def resident(process):
    """The server's resident bytes that are its own: no pages of programs and libraries."""
    for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) << 10
    raise AssertionError("the kernel does not tell")


def connect(port, number):
    """A socket with its request on the way."""
    source = f"127.0.0.{1 + number // PORTS_OF_AN_ADDRESS}"
    connection = socket.create_connection(("127.0.0.1", port), 20, (source, 0))
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    return connection


def read_until(connection, end):
    data = b""
    while not data.endswith(end):
        more = connection.recv(4096)
        assert more, f"the stream ended: {data}"
        data += more
    return data


def talk(connections, text):
    """A message over each, and back."""
    for connection in connections:
        connection.sendall(frame(TEXT, text))
    for connection in connections:
        assert read_until(connection, text) == bytes([0x81, len(text)]) + text


def open_connections(port, count, together=100):
    """They go in groups, as at a server that has been there for a while."""
    connections = []
    for first in range(0, count, together):
        group = [connect(port, number) for number in range(first, min(first + together, count))]
        for connection in group:
            head = read_until(connection, b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 "), head
        talk(group, b"hello")
        connections += group
    return connections


def main():
    parser = argparse.ArgumentParser(description="Resident bytes of an idle connection of echo_server")
    parser.add_argument("folder", type=Path, help="where echo_server stands")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--most", type=int, default=400, help="bytes that each may cost")
    chosen = parser.parse_args()
    allow_descriptors(chosen.connections + 100)

    with Server(chosen.folder.resolve() / "echo_server", "--port", 0) as server:
        # What does not grow with their number is paid for before: buffers, tables, code.
        for connection in open_connections(server.port, 10):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        time.sleep(0.2)
        before, start = resident(server.process), time.monotonic()
        connections = open_connections(server.port, chosen.connections)
        took = time.monotonic() - start
        time.sleep(0.5)
        after = resident(server.process)
        talk(connections[::100], b"still there?")
        each = (after - before) / chosen.connections
        print(f"{chosen.connections} idle connections, opened in {took:.1f} s: {each:.0f} resident bytes each "
              f"({before >> 10} KiB before, {after >> 10} KiB with them); {chosen.most} are allowed")
        for connection in connections:
            connection.close()
    sys.exit(1 if each > chosen.most else 0)


if __name__ == "__main__":
    main()
