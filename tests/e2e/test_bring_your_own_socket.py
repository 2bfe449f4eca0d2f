#!/usr/bin/python3
"""bring_your_own_socket, the README's program: it echoes, and ends however the client behaves."""

import socket
import time

from peer import BINARY, CLOSE, PING, PONG, TEXT, Peer, Server, close_payload, frame, main

MIB = 1 << 20


def start(folder, *arguments):
    return Server(folder / "bring_your_own_socket", 0, *arguments)


def expect_last_line(server, line):
    status, out, wrong = server.wait()
    assert (status, out, wrong) == (0, line + "\n", ""), (status, out, wrong)


def test_it_echoes_and_ends_after_a_close(folder):
    with start(folder) as server, server.connect() as peer:
        peer.send(TEXT, b"hello")
        peer.expect(TEXT, b"hello")
        payload = bytes(range(256)) * 4096  # 1 MiB, its limit
        peer.send(BINARY, payload)
        peer.send(PING, b"?")
        peer.expect(BINARY, payload)
        peer.expect(PONG, b"?")
        peer.send(CLOSE, close_payload(1000))
        peer.expect_close(1000)
        peer.close()
        expect_last_line(server, "closed by the client")


def test_it_ends_after_a_failure_that_the_client_reads(folder):
    with start(folder) as server, server.connect() as peer:
        peer.write(frame(BINARY, bytes(20 * MIB)))
        peer.expect_close(1009)
        peer.close()
        expect_last_line(server, "the message is larger than the limit")


def test_it_ends_when_the_client_vanishes(folder):
    with start(folder) as server:
        server.connect().close()
        expect_last_line(server, "the stream ended without a closing handshake")
    with start(folder) as server:
        server.connect().reset()
        expect_last_line(server, "the stream ended without a closing handshake")


def test_it_ends_when_the_client_falls_silent(folder):
    with start(folder, 0.3) as server, server.connect() as peer:
        before = time.monotonic()
        peer.expect(PING, b"\x01")
        expect_last_line(server, "the peer did not answer a ping")
        assert 0.5 < time.monotonic() - before < 5
    with start(folder, 0.3) as server:
        with Peer(socket.create_connection(("127.0.0.1", server.port))) as peer:
            peer.write(b"GET / HTTP/1.1\r\n")
            assert peer.read_rest().startswith(b"HTTP/1.1 408 ")
            peer.close()
            expect_last_line(server, "the opening handshake took too long")


def test_it_ends_when_the_client_reads_nothing(folder):
    with start(folder, 0.5) as server, server.connect() as peer:
        peer.socket.settimeout(0.5)
        try:
            while True:
                peer.send(BINARY, bytes(MIB))
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
        expect_last_line(server, "the peer took no output")


if __name__ == "__main__":
    main(globals())
