#!/usr/bin/python3
"""echo_server, and uring_echo_server, against a client of plain sockets: what they send back, and how
they end."""

import functools
import os
import re
import signal
import socket
import subprocess
import threading
import time

from peer import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, Server, close_payload, frame,
                  frame_header, main)

MIB = 1 << 20


def start(folder, *arguments, program="echo_server", **more):
    return Server(folder / program, "--port", 0, *arguments, **more)


def on_each_loop(test):
    """The test is for both servers."""

    @functools.wraps(test)
    def on_both(folder):
        test(folder, "echo_server")
        if is_uring_refused(folder):
            print("no io_uring here: uring_echo_server is not tested")
        else:
            test(folder, "uring_echo_server")

    return on_both


def is_uring_refused(folder):
    """The kernel may have none, or let nobody use it. The server says so and ends."""
    tried = subprocess.Popen([folder / "uring_echo_server", "--port", "0"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    with tried:
        is_listening = tried.stdout.readline().startswith("listening on ")
        tried.kill()
        return not is_listening and "io_uring_setup" in tried.stderr.read()


def send_while_reading(peer, data):
    """Sends from a thread, so that this one can read meanwhile."""
    thread = threading.Thread(target=peer.write, args=(data,), daemon=True)
    thread.start()
    return thread


@on_each_loop
def test_both_types_of_all_sizes_come_back(folder, program):
    with start(folder, program=program) as server, server.connect() as peer:
        for size in (0, 1, 125, 126, 127, 65535, 65536, 65537, MIB, 16 * MIB):
            text = ("h\u00e9llo \U0001f600 " * (size // 12 + 1)).encode()[:size]
            text = text.decode(errors="ignore").encode().ljust(size, b".")
            for opcode, payload in ((TEXT, text), (BINARY, os.urandom(size))):
                sender = send_while_reading(peer, frame(opcode, payload))
                peer.expect(opcode, payload)
                sender.join()
        peer.send(CLOSE, close_payload(1000, b"bye"))
        peer.expect_close(1000)


@on_each_loop
def test_a_message_of_65537_fragments_comes_back_whole(folder, program):
    with start(folder, program=program) as server, server.connect() as peer:
        count = 65537
        frames = [frame(BINARY, b"f", fin=False)] + [frame(CONTINUATION, b"f", fin=False)] * (count - 2)
        frames.append(frame(CONTINUATION, b"f"))
        sender = send_while_reading(peer, b"".join(frames))
        peer.expect(BINARY, b"f" * count)
        sender.join()
        # One byte in each segment of TCP, as slow as the loop is.
        for byte in frame(TEXT, b"byte by byte"):
            peer.write(bytes([byte]))
        peer.expect(TEXT, b"byte by byte")


@on_each_loop
def test_pings_are_answered_between_fragments(folder, program):
    with start(folder, program=program) as server, server.connect() as peer:
        peer.send(TEXT, b"one ", fin=False)
        peer.send(PING, b"p" * 125)
        peer.expect(PONG, b"p" * 125)
        peer.send(CONTINUATION, b"two")
        peer.expect(TEXT, b"one two")


@on_each_loop
def test_the_echo_precedes_the_close_of_a_later_error(folder, program):
    with start(folder, program=program) as server:
        for wrong, code in ((frame(3), 1002), (frame(TEXT, b"\xff"), 1007), (frame(TEXT, key=b""), 1002),
                            (frame(CONTINUATION), 1002), (frame(PING, fin=False), 1002)):
            with server.connect() as peer:
                peer.write(frame(TEXT, b"good") + frame(BINARY, bytes(70000)) + wrong)
                peer.expect(TEXT, b"good")
                peer.expect(BINARY, bytes(70000))
                peer.expect_close(code)


@on_each_loop
def test_invalid_utf8_is_caught_inside_a_frame(folder, program):
    with start(folder, program=program) as server:
        # The frame is not complete, nor is the message, when the server must know.
        for head, rest in ((b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", b"\xf4\x90"),
                           (b"hello ", b"\xed\xa0"), (b"", b"\xc0")):
            with server.connect() as peer:
                whole = frame(TEXT, head + rest + b"...." * 10, fin=False)
                peer.write(whole[:6 + len(head)])
                time.sleep(0.02)
                peer.write(whole[6 + len(head):6 + len(head + rest)])
                peer.expect_close(1007)


@on_each_loop
def test_it_closes_within_a_second_of_the_closing_handshake(folder, program):
    with start(folder, program=program) as server:
        for payload, code in ((b"", None), (close_payload(1000), 1000), (close_payload(4999, b"x"), 4999)):
            with server.connect() as peer:
                before = time.monotonic()
                peer.send(CLOSE, payload)
                peer.expect_close(code)
                assert time.monotonic() - before < 1
        with server.connect() as peer:  # and lets nothing else disturb that
            peer.write(frame(CLOSE, close_payload(1000)) + frame(PING) + frame(TEXT, b"late") * 1000)
            peer.expect_close(1000)


def test_who_still_sends_100_MiB_reads_the_close_frame(folder):
    part = b"\0" * MIB
    for limit in (1000, 64 * MIB):
        with start(folder, "--max-message-size", limit, environment=frugal_tools()) as server:
            with server.connect() as peer:  # reads only when all is sent
                peer.write(frame_header(BINARY, 100 * MIB))
                for _ in range(100):
                    peer.write(part)
                peer.expect_close(1009)
            with server.connect() as peer:  # reads at once, and goes on sending meanwhile
                peer.write(frame_header(BINARY, 100 * MIB))
                peer.write(part)
                peer.expect_close(1009)
                for _ in range(99):
                    peer.write(part)
            with server.connect() as peer:  # in fragments, the sum of which is too much
                peer.send(BINARY, part[:1000], fin=False)
                fragment = frame(CONTINUATION, part, fin=False)
                for _ in range(100):
                    peer.write(fragment)
                peer.expect_close(1009)
            assert server.peak_memory() < 16 * MIB + 2 * limit + memory_of_tools()


@on_each_loop
def test_what_is_no_request_gets_an_answer_and_no_reset(folder, program):
    with start(folder, program=program) as server:
        good = (f"Host: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n")
        for request, status in (
                ("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + "x" * 500, 400),
                ("GET / HTTP/1.1\r\n" + good + "X: " + "y" * 20000 + "\r\n\r\n", 431),
                ("GET / HTTP/1.1\r\n" + good.replace("13", "12") + "\r\n", 426),
                ("GET / HTTP/1.1\r\n" + good.replace("127.0.0.1", "evil.example") + "\r\n", 421),
                ("GET / HTTP/1.1\r\n" + good + "Origin: http://evil.example\r\n\r\n", 403),
                ("POST / HTTP/1.1\r\n" + good + "Content-Length: 5\r\n\r\nhello", 405),
                ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 426),
                ("GET / HTTP/2.0\r\n" + good + "\r\n", 505)):
            with Peer(socket.create_connection(("127.0.0.1", server.port))) as peer:
                peer.write(request.encode("latin-1") + b"z" * (4 * MIB))  # more than it wants to know
                answer = peer.read_rest()
                assert answer.startswith(f"HTTP/1.1 {status} ".encode()), (request[:300], answer)
                assert re.search(rb"\r\nConnection: close\b", answer), answer
        with server.connect("/", f"Origin: http://127.0.0.1:{server.port}\r\n") as peer:
            peer.send(TEXT, b"from its own page")
            peer.expect(TEXT, b"from its own page")
    with start(folder, "--any-origin") as server:
        with server.connect("/", "Origin: https://example.com\r\n") as peer:
            peer.send(TEXT, b"from anywhere")
            peer.expect(TEXT, b"from anywhere")


def memory_of_tools():
    """What an address sanitizer takes for itself."""
    return 64 * MIB if "ASAN_OPTIONS" in os.environ else 0


def frugal_tools():
    """An address sanitizer is to keep little of what was freed."""
    return {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}


def test_a_client_that_does_not_read_costs_bounded_memory(folder):
    with start(folder, environment=frugal_tools()) as server, server.connect() as peer:
        payload = os.urandom(MIB)
        sender = send_while_reading(peer, frame(BINARY, payload) * 64)
        time.sleep(0.5)
        with server.connect() as other:  # others are served meanwhile
            other.send(TEXT, b"still there?")
            other.expect(TEXT, b"still there?")
        assert sender.is_alive(), "64 MiB were taken from a client that reads nothing"
        for _ in range(64):
            peer.expect(BINARY, payload)
        sender.join()
        assert server.peak_memory() < 24 * MIB + memory_of_tools(), server.peak_memory()


@on_each_loop
def test_many_clients_at_once(folder, program):
    with start(folder, program=program) as server:
        peers = [server.connect() for _ in range(200)]
        for number, peer in enumerate(peers):
            peer.send(TEXT, b"client %d" % number)
        for number, peer in enumerate(peers):
            peer.expect(TEXT, b"client %d" % number)
            if number % 3 == 0:
                peer.reset()
            else:
                peer.close()
        with server.connect() as peer:
            peer.send(TEXT, b"the next")
            peer.expect(TEXT, b"the next")


def test_threads_share_a_port(folder):
    with start(folder, "--threads", 4) as server:
        tasks = len(os.listdir(f"/proc/{server.process.pid}/task"))
        assert tasks >= 4, f"{tasks} threads instead of 4"
        peers = [server.connect() for _ in range(64)]
        for number, peer in enumerate(peers):
            peer.send(TEXT, b"client %d" % number)
        for number, peer in enumerate(peers):
            peer.expect(TEXT, b"client %d" % number)
        server.process.send_signal(signal.SIGTERM)
        for peer in peers:
            peer.expect_close(1001, then_end=False)
            peer.send(CLOSE, close_payload(1001))
            peer.expect_end()
            peer.close()
        assert server.wait()[0] == 0


def test_it_waits_where_descriptors_run_out(folder):
    command = 'ulimit -n 24; exec "$0" --port 0'
    with Server("bash", "-c", command, folder / "echo_server") as server:
        waiting = [Peer(socket.create_connection(("127.0.0.1", server.port))) for _ in range(30)]
        for peer in waiting:
            peer.request(server.port)
        assert waiting[0].read_head().startswith(b"HTTP/1.1 101 ")
        for peer in waiting[:15]:
            peer.close()
        assert waiting[-1].read_head().startswith(b"HTTP/1.1 101 ")
        ticks = sum(map(int, open(f"/proc/{server.process.pid}/stat").read().split()[13:15]))
        assert ticks < 100, f"it was busy waiting for {ticks} ticks"
        for peer in waiting[15:]:
            peer.close()


def test_a_signal_closes_all_with_1001(folder):
    for number in (signal.SIGTERM, signal.SIGINT):
        with start(folder) as server, server.connect() as peer, server.connect() as silent:
            server.process.send_signal(number)
            peer.expect_close(1001, then_end=False)
            peer.send(CLOSE, close_payload(1001))
            peer.expect_end()
            peer.close()
            silent.expect_close(1001, then_end=False)
            silent.close()
            assert server.wait()[0] == 0


if __name__ == "__main__":
    main(globals())
