#!/usr/bin/python3
"""Prints how many resident bytes an idle connection costs echo_server:

    tests/soak/idle_connections.py FOLDER_OF_PROGRAMS [--connections N] [--most BYTES] [--most-deflate BYTES]

It opens N (10000) connections, sends a message over each and reads it back, and compares the server's
resident memory before and after: what a connection keeps, not what it needed meanwhile. The kernel's
own memory for a socket is not in it. It does so with --no-deflate and with --deflate, which the clients
do not offer. The exit status is 1 where there are more than BYTES (250 and 400) for each.
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
        answer = read_until(connection, text)
        assert answer.endswith(bytes([0x81, len(text)]) + text), answer  # behind pings, where it took long


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


def reset(connections):
    """So that their ports are free at once."""
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def measure(program, arguments, count, most):
    """True where an idle connection costs at most so many bytes."""
    with Server(program, "--port", 0, *arguments) as server:
        # What does not grow with their number is paid for before: buffers, tables, code.
        reset(open_connections(server.port, 10))
        time.sleep(0.2)
        before, start = resident(server.process), time.monotonic()
        connections = open_connections(server.port, count)
        took = time.monotonic() - start
        time.sleep(0.5)
        after = resident(server.process)
        talk(connections[::100], b"still there?")
        each = (after - before) / count
        print(f"{count} idle connections of echo_server {' '.join(arguments)}, opened in {took:.1f} s: "
              f"{each:.0f} resident bytes each ({before >> 10} KiB before, {after >> 10} KiB with them); "
              f"{most} are allowed", flush=True)
        reset(connections)
    return each <= most


def main():
    parser = argparse.ArgumentParser(description="Resident bytes of an idle connection of echo_server")
    parser.add_argument("folder", type=Path, help="where echo_server stands")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--most", type=int, default=250, help="bytes that each may cost without compression")
    parser.add_argument("--most-deflate", type=int, default=400, help="the same where it is offered")
    chosen = parser.parse_args()
    allow_descriptors(chosen.connections + 100)
    program = chosen.folder.resolve() / "echo_server"
    kept = [measure(program, ["--no-deflate"], chosen.connections, chosen.most),
            measure(program, ["--deflate"], chosen.connections, chosen.most_deflate)]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
