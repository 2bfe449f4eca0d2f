#!/usr/bin/python3
"""echo_client, conformance_client and sfml_echo_client against servers of plain sockets and our own."""

import os
import socket

from peer import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Ended, Listener, Server,
                  close_payload, main, run)

MIB = 1 << 20


def closed_port():
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def finish(peer, code=1000):
    """The server's closing handshake: its close frame, the client's, the end."""
    peer.send(CLOSE, close_payload(code))
    peer.expect_close(code, then_end=False)


def echo_all(peer):
    for size in (0, 1, 125, 126, 65535, 65536, 16 * MIB):
        payload = os.urandom(size)
        peer.send(BINARY, payload)
        peer.expect(BINARY, payload)
    peer.send(TEXT, "gr\u00fc\u00dfe".encode())
    peer.expect(TEXT, "gr\u00fc\u00dfe".encode())
    peer.send(TEXT, b"in ", fin=False)
    peer.send(PING, b"between")
    peer.send(CONTINUATION, b"parts")
    peer.expect(PONG, b"between")
    peer.expect(TEXT, b"in parts")


def test_echo_client_echoes_until_a_clean_close(folder):
    def serve(peer):
        peer.accept()
        echo_all(peer)
        finish(peer)

    with Listener(serve) as server:
        assert run(folder / "echo_client", server.url + "/any?thing=1") == (0, "", "")


def test_masks_differ_from_frame_to_frame(folder):
    masks = set()

    def serve(peer):
        peer.accept()
        for _ in range(50):
            peer.send(TEXT, b"same")
            head = peer.read(10)
            assert head[:2] == b"\x81\x84", head
            masks.add(head[2:6])
        finish(peer)

    with Listener(serve) as server:
        assert run(folder / "echo_client", server.url)[0] == 0
    assert len(masks) == 50


def test_echo_client_says_why_it_was_refused(folder):
    def serve(peer):
        peer.read_head()
        peer.write(b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 6\r\n\r\nshort\n")

    with Listener(serve) as server:
        status, out, wrong = run(folder / "echo_client", server.url)
    assert (status, out, wrong.count("\n")) == (1, "", 1), (status, out, wrong)
    assert "418" in wrong and "I'm a teapot" in wrong, wrong


def test_echo_client_fails_with_one_line(folder):
    def vanish_unopened(peer):
        peer.read_head()

    def vanish(peer):
        peer.accept()
        peer.send(TEXT, b"and")
        peer.expect(TEXT, b"and")

    def reset(peer):
        peer.accept()
        peer.reset()

    def send_nonsense(peer):
        peer.accept()
        peer.send(11)
        peer.expect_close(1002)

    for serve in (vanish_unopened, vanish, reset, send_nonsense):
        with Listener(serve) as server:
            status, out, wrong = run(folder / "echo_client", server.url)
        assert (status, out, wrong.count("\n")) == (1, "", 1), (serve, status, out, wrong)
    for url in (f"ws://127.0.0.1:{closed_port()}/", "http://127.0.0.1/", "nonsense", "wss://127.0.0.1/"):
        status, out, wrong = run(folder / "echo_client", url)
        assert (status, out, wrong.count("\n")) == (1, "", 1), (url, status, out, wrong)


def test_a_reset_after_the_closing_handshake_is_no_error(folder):
    def serve(peer):
        peer.accept()
        finish(peer, 1001)
        peer.reset()

    with Listener(serve) as server:
        assert run(folder / "echo_client", server.url) == (0, "", "")


def test_conformance_client_plays_all_cases(folder):
    seen = []

    def play(peer):
        path = peer.accept()
        seen.append(path)
        if path == "/getCaseCount":
            peer.send(TEXT, b"5")
        elif path == "/runCase?case=1&agent=hawser":
            echo_all(peer)
        elif path == "/runCase?case=2&agent=hawser":
            finish(peer)
            peer.reset()
            return
        elif path == "/runCase?case=3&agent=hawser":
            peer.send(TEXT, b"good")
            peer.send(3)  # a reserved opcode
            peer.expect(TEXT, b"good")
            peer.expect_close(1002)
            return
        elif path == "/runCase?case=4&agent=hawser":
            return  # without a word
        elif path == "/runCase?case=5&agent=hawser":
            peer.send(TEXT, b"fragment", fin=False)
            peer.write(b"\x88\x02\x03\xe8\x89\x00")  # a close, and a ping behind it
            peer.expect_close(1000, then_end=False)
            return
        finish(peer)

    with Listener(play, count=7) as server:
        status, _, wrong = run(folder / "conformance_client", server.url, "hawser")
    assert (status, wrong) == (0, ""), (status, wrong)
    assert seen == ["/getCaseCount", *(f"/runCase?case={n}&agent=hawser" for n in range(1, 6)),
                    "/updateReports?agent=hawser"], seen


def test_conformance_client_never_begins_to_close(folder):
    def serve(peer):
        path = peer.accept()
        if path.startswith("/runCase"):
            peer.send(TEXT, b"once")
            peer.expect(TEXT, b"once")
            peer.socket.settimeout(0.3)
            try:
                raise AssertionError(f"the client sent {peer.read(1)!r}")
            except (TimeoutError, Ended) as what:
                assert isinstance(what, TimeoutError), "the client ended the connection"
            peer.socket.settimeout(5)
        else:
            peer.send(TEXT, b"1")
        finish(peer)

    with Listener(serve, count=3) as server:
        assert run(folder / "conformance_client", server.url, "hawser")[0] == 0
    status, _, wrong = run(folder / "conformance_client", f"ws://127.0.0.1:{closed_port()}", "hawser")
    assert (status, wrong.count("\n")) == (1, 1), (status, wrong)


def test_sfml_echo_client_against_echo_server(folder):
    with Server(folder / "echo_server", "--port", 0) as server:
        for text in ("over a socket of somebody else", "x" * 100_000):
            assert run(folder / "sfml_echo_client", server.url, text) == (0, text + "\n", "")


def test_sfml_echo_client_waits_echoes_and_fails_as_others_do(folder):
    def serve(peer):
        peer.accept()
        payload = os.urandom(MIB)
        peer.send(BINARY, payload)
        peer.expect(BINARY, payload)
        finish(peer)

    def vanish(peer):
        peer.accept()

    with Listener(serve) as server:
        assert run(folder / "sfml_echo_client", server.url) == (0, "", "")
    with Listener(vanish) as server:
        status, out, wrong = run(folder / "sfml_echo_client", server.url)
    assert (status, out, wrong.count("\n")) == (1, "", 1), (status, out, wrong)


if __name__ == "__main__":
    main(globals())
