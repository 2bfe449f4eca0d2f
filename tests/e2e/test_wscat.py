#!/usr/bin/python3
"""wscat against echo_server and against servers of plain sockets: what goes in and out, on a terminal
and off it, how it ends, and its exit status."""

import contextlib
import fcntl
import hashlib
import os
import pty
import re
import select
import socket
import subprocess
import termios
import time

from peer import (BINARY, CLOSE, PATIENCE, PING, PONG, TEXT, Ended, Listener, Server, accept_for,
                  close_payload, main)

CLOSED, NOT_CONNECTED, USAGE, BROKEN, TOLD_OFF, UNSENT = range(6)


def wscat(folder, *arguments, text=b""):
    """Runs it with this input: (exit status, output, what it said)."""
    done = subprocess.run([folder / "wscat", *map(str, arguments)], input=text, capture_output=True,
                          timeout=PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


def echo_server(folder):
    return Server(folder / "echo_server", "--port", 0)


def answer(peer, *headers):
    """Answers the request with 101 and returns its head."""
    head = peer.read_head().decode()
    key = re.search(r"\r\nSec-WebSocket-Key: ([^\r]+)\r\n", head).group(1).encode()
    peer.write("\r\n".join(["HTTP/1.1 101 Yes", "Upgrade: websocket", "Connection: Upgrade",
                            "Sec-WebSocket-Accept: " + accept_for(key).decode(), *headers, "", ""]).encode())
    return head


def closes_with(payload):
    """A server that opens, closes, and takes the answer."""
    def handle(peer):
        answer(peer)
        peer.send(CLOSE, payload)
        assert peer.read_frame()[:2] == (CLOSE, payload)
    return Listener(handle)


class Terminal:
    """wscat on a terminal of its own."""

    def __init__(self, program, *arguments, **environment):
        self.end, slave = pty.openpty()
        settings = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen(
            [program, *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, env={**settings, "TERM": "xterm", **environment},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.shown = b""

    def type(self, keys):
        os.write(self.end, keys)

    def see(self, text):
        """Waits until this was shown."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert self._read(deadline - time.monotonic()), f"{text!r} was not shown: {self.shown!r}"

    def _read(self, patience):
        if not select.select([self.end], [], [], max(patience, 0))[0]:
            return False
        with contextlib.suppress(OSError):  # the other end is closed
            data = os.read(self.end, 65536)
            self.shown += data
            return bool(data)
        return False

    def wait(self):
        """The exit status, and all that was shown."""
        while self._read(PATIENCE):
            pass
        return self.process.wait(PATIENCE), self.shown

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        os.close(self.end)


def test_lines_go_in_and_messages_come_out(folder):
    with echo_server(folder) as server:
        text = "hello\n\nh\u00e9llo \U0001f600\nlast".encode()
        assert wscat(folder, server.url, text=text) == (CLOSED, text + b"\n", "")
        # What a terminal would obey is data elsewhere.
        assert wscat(folder, "--wait", 0, server.url, text=b"\x1b[31m\r\n") == (CLOSED, b"\x1b[31m\r\n", "")


def test_long_input_comes_back_in_order(folder):
    lines = b"".join(b"line %d\n" % number for number in range(200000)) + b"x" * (5 << 20) + b"\n"
    with echo_server(folder) as server:
        status, out, said = wscat(folder, "--wait", 0, server.url, text=lines)
        assert (status, said) == (CLOSED, ""), (status, said)
        assert hashlib.sha256(out).digest() == hashlib.sha256(lines).digest()


def test_binary_sends_any_bytes(folder):
    def handle(peer):
        answer(peer)
        peer.expect(BINARY, b"\xff\0\xfe")
        peer.expect(BINARY, b"")
        peer.send(BINARY, b"\xfd")
        assert peer.read_frame()[0] == CLOSE
        peer.send(CLOSE, close_payload(1000))
    with Listener(handle) as server:
        assert wscat(folder, "--binary", server.url, text=b"\xff\0\xfe\n\n") == (CLOSED, b"\xfd\n", "")


def test_a_line_that_is_not_utf8_is_told_and_left_out(folder):
    with echo_server(folder) as server:
        status, out, said = wscat(folder, "--wait", 0, server.url, text=b"good\n\xff\nbetter\n")
        assert (status, out) == (UNSENT, b"good\nbetter\n"), (status, out)
        assert said == "wscat: line 2 was not sent: not UTF-8; --binary sends it\n", said


def test_the_request_has_what_was_asked_for(folder):
    heads = []

    def handle(peer):
        heads.append(answer(peer, "Sec-WebSocket-Protocol: two"))
        assert peer.read_frame()[0] == CLOSE
        peer.send(CLOSE, close_payload(1000))
    with Listener(handle) as server:
        url = server.url.replace("//", "//me:s%20cret@") + "/a?b=c"
        status, _, said = wscat(folder, "--wait", 0, "--subprotocol", "one", "--subprotocol", "two", "--header",
                                "X-One: 1", "--header", "X-Two:2", "--origin", "https://example.com", url)
        assert (status, said) == (CLOSED, ""), (status, said)
    assert heads[0].startswith("GET /a?b=c HTTP/1.1\r\n"), heads
    for line in ("Sec-WebSocket-Protocol: one, two", "X-One: 1", "X-Two: 2", "Origin: https://example.com",
                 "Authorization: Basic bWU6cyBjcmV0"):
        assert f"\r\n{line}\r\n" in heads[0], heads


def test_it_closes_with_the_code_and_reason_that_it_got(folder):
    cases = ((("--close", "4000", "so long \u263a"), close_payload(4000, "so long \u263a".encode())),
             (("--close", "1001"), close_payload(1001)), ((), close_payload(1000)))
    for arguments, payload in cases:
        def handle(peer, payload=payload):
            answer(peer)
            assert peer.read_frame()[:2] == (CLOSE, payload)
            peer.send(TEXT, b"late")  # what comes before the answer counts
            peer.send(CLOSE, payload)
        with Listener(handle) as server:
            assert wscat(folder, "--wait", 0, *arguments, server.url) == (CLOSED, b"late\n", "")


def test_what_the_server_closes_with_decides_the_exit_status(folder):
    for payload, expected, told in (
            (close_payload(1000, b"done"), CLOSED, ""), (close_payload(1001), CLOSED, ""), (b"", CLOSED, ""),
            (close_payload(1011), TOLD_OFF, "wscat: closed by the server with 1011 (internal error)\n"),
            (close_payload(4999, b"a\x1b]0;b\x07"), TOLD_OFF,
             "wscat: closed by the server with 4999: a\\x1b]0;b\\x07\n")):
        with closes_with(payload) as server:
            found = wscat(folder, "--wait", "inf", server.url)
            assert found == (expected, b"", told), found


def test_a_connection_that_breaks_is_told(folder):
    def vanish(peer):
        answer(peer)
        peer.send(TEXT, b"before")

    def reset(peer):
        answer(peer)
        peer.send(TEXT, b"before")
        with contextlib.suppress(Ended):
            peer.read(2)
        peer.reset()

    def lie(peer):
        answer(peer)
        peer.send(TEXT, b"before")
        peer.send(TEXT, b"\xff")
        peer.expect_close(1007)
    for handle, why in ((vanish, "the stream ended without a closing handshake"), (reset, "the transport failed"),
                        (lie, "a text message is not valid UTF-8; closed with 1007 (invalid payload)")):
        with Listener(handle) as server:
            text = b"x" if handle is reset else b""
            found = wscat(folder, "--wait", "inf", server.url, text=text)
            assert found == (BROKEN, b"before\n", f"wscat: the connection broke: {why}\n"), found


def test_a_handshake_that_fails_is_told(folder):
    def refuse(peer):
        peer.read_head()
        peer.write(b"HTTP/1.1 302 Not \x80here\r\nLocation: /there\r\nContent-Length: 12\r\n\r\nsee\nthere\x1b[\n")

    def misunderstand(peer):
        peer.read_head()
        peer.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    def vanish(peer):
        peer.read_head()
    for handle, why in ((refuse, "refused: 302 Not \\x80here\n  Location: /there\n  see\n  there\\x1b["),
                        (misunderstand, "no WebSocket connection: the status line is malformed"),
                        (vanish, "no WebSocket connection: the stream ended without a closing handshake")):
        with Listener(handle) as server:
            found = wscat(folder, server.url)
            assert found == (NOT_CONNECTED, b"", f"wscat: {why}\n"), found
    with echo_server(folder) as server:
        status, _, said = wscat(folder, "--origin", "https://evil.example", server.url)
        assert (status, said) == (NOT_CONNECTED, "wscat: refused: 403 Forbidden\n  the Origin is not allowed\n"), said


def test_nobody_there_is_told(folder):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = wscat(folder, f"ws://127.0.0.1:{port}/")
    assert found == (NOT_CONNECTED, b"", f"wscat: cannot connect to 127.0.0.1:{port}: Connection refused\n"), found
    status, _, said = wscat(folder, "wss://127.0.0.1/")
    assert status == NOT_CONNECTED and "TLS" in said, said


def test_wrong_usage_is_told(folder):
    url = "ws://127.0.0.1:1/"
    for arguments in ((), (url, url), ("http://127.0.0.1/",), ("--nonsense", url), (url, "--ping"),
                      ("--ping", "often", url), ("--ping", "-1", url), ("--close", "1005", url),
                      ("--close", "5000", url), ("--close", "9999999999999", url),
                      ("--close", "1000", "r" * 124, url), ("--header", "none", url), ("--wait", "", url)):
        status, out, said = wscat(folder, *arguments)
        assert (status, out) == (USAGE, b"") and said.startswith("wscat: "), (arguments, status, said)
    with echo_server(folder) as server:
        for arguments in (("--header", "Host: else"), ("--header", "A: b\nC: d"), ("--subprotocol", "a b"),
                          ("--subprotocol", "a", "--subprotocol", "a")):
            status, _, said = wscat(folder, *arguments, server.url)
            assert status == USAGE and said.startswith("wscat: this cannot be asked: "), (arguments, status, said)
    status, out, said = wscat(folder, "--help")
    assert status == 0 and out.startswith(b"usage: wscat ") and said == "", said
    assert max(map(len, out.decode().splitlines())) <= 100


def test_it_waits_for_replies_as_long_as_told(folder):
    def slow(peer):
        answer(peer)
        peer.expect(TEXT, b"hi")
        time.sleep(0.4)
        peer.send(TEXT, b"late")
        assert peer.read_frame()[0] == CLOSE
        peer.send(CLOSE, close_payload(1000))
    with Listener(slow) as server:
        before = time.monotonic()
        assert wscat(folder, server.url, text=b"hi") == (CLOSED, b"late\n", "")
        assert 0.9 < time.monotonic() - before < 5

    def quick(peer):
        answer(peer)
        peer.expect(TEXT, b"hi")
        assert peer.read_frame()[0] == CLOSE
        peer.send(CLOSE, close_payload(1000))
    with Listener(quick) as server:
        before = time.monotonic()
        assert wscat(folder, "--wait", 0, server.url, text=b"hi") == (CLOSED, b"", "")
        assert time.monotonic() - before < 0.9


def test_pings_and_timings_are_told(folder):
    pings = []

    def handle(peer):
        answer(peer)
        while True:
            opcode, payload, _ = peer.read_frame()
            if opcode == CLOSE:
                peer.send(CLOSE, payload)
                return
            if opcode == PING:
                pings.append(payload)
                time.sleep(0.01)
                peer.send(PONG, payload)
    with Listener(handle) as server:
        status, out, said = wscat(folder, "--ping", "0.1", "--timings", "--wait", "0.55", server.url, text=b"one\n")
    assert (status, out) == (CLOSED, b""), status
    lines = said.splitlines()
    assert re.fullmatch(r"connected in \d+\.\d\d ms, handshake in \d+\.\d\d ms", lines[0]), lines
    times = [float(re.fullmatch(r"round trip (\d+\.\d\d) ms", line).group(1)) for line in lines[1:-1]]
    assert len(pings) == len(times) >= 3 and min(times) >= 10, (pings, lines)
    assert lines[-1] == "sent 1 message, 3 bytes; received 0 messages, 0 bytes", lines


def test_it_ends_when_nobody_reads_its_output(folder):
    def talk(peer):
        answer(peer)
        while True:
            peer.send(TEXT, b"chatter")
            if select.select([peer.socket], [], [], 0.02)[0]:
                assert peer.read_frame()[:2] == (CLOSE, close_payload(1000))
                peer.send(CLOSE, close_payload(1000))
                return
    with Listener(talk) as server:
        process = subprocess.Popen([folder / "wscat", "--wait", "inf", server.url], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"chatter\n"
        process.stdout.close()
        assert process.wait(PATIENCE) == CLOSED
        process.stdin.close()


def test_a_terminal_gets_colours_and_nothing_that_it_would_obey(folder):
    evil = "red \x1b[31m\x07 c1 \u009b31m turned \u202e lines\r\nnext \u00e9\u2028\t\u2026".encode()

    def handle(peer):
        answer(peer)
        peer.send(TEXT, evil)
        peer.send(BINARY, b"\x1b[31m" + bytes(300))
        peer.expect(TEXT, b"typed")
        assert peer.read_frame()[0] == CLOSE
        peer.send(CLOSE, close_payload(1000, b"\x1b[1mbold"))
    for environment, mark in (({}, b"\x1b[36m< \x1b[0m"), ({"NO_COLOR": "1"}, b"< "), ({"TERM": "dumb"}, b"< ")):
        with Listener(handle) as server, \
                Terminal(folder / "wscat", "--wait", 0, server.url, **environment) as terminal:
            terminal.see(b" more\r\n")
            terminal.type(b"typed\n\x04")
            status, shown = terminal.wait()
            assert status == CLOSED, status
            text = ("red \\x1b[31m\\x07 c1 \\u009b31m turned \\u202e lines\\x0d\r\n"
                    "  next \u00e9\u2028\t\u2026\r\n").encode()
            assert mark + text in shown, shown
            assert mark + b"binary, 305 bytes\r\n  0000  1b 5b 33 31 6d 00 " in shown, shown
            assert b" .[31m..........." in shown and b"  and 49 more\r\n" in shown, shown
            assert b"closed with 1000 (normal): \\x1b[1mbold" in shown, shown
            rest = shown.replace(mark, b"") if environment else re.sub(rb"\x1b\[(36|2|0)m", b"", shown)
            assert b"\x1b" not in rest and b"\x07" not in rest, rest


def test_ctrl_c_closes_and_waits_for_the_answer(folder):
    def handle(peer):
        answer(peer)
        peer.send(TEXT, b"ready")
        assert peer.read_frame()[:2] == (CLOSE, close_payload(4001, b"enough"))
        peer.send(TEXT, b"still this")
        time.sleep(0.2)
        peer.send(CLOSE, close_payload(4001, b"enough"))
    with Listener(handle) as server, \
            Terminal(folder / "wscat", "--close", "4001", "enough", server.url) as terminal:
        terminal.see(b"ready")
        terminal.type(b"\x03")
        status, shown = terminal.wait()
        assert status == CLOSED, status
        assert b"still this" in shown and b"closed with 4001: enough" in shown, shown


def test_a_second_ctrl_c_leaves(folder):
    def handle(peer):
        answer(peer)
        peer.send(TEXT, b"ready")
        assert peer.read_frame()[0] == CLOSE
        peer.expect_end()  # without an answer of ours
    with Listener(handle) as server, Terminal(folder / "wscat", server.url) as terminal:
        terminal.see(b"ready")
        terminal.type(b"\x03")
        terminal.see(b"closing; Ctrl-C again leaves at once")
        before = time.monotonic()
        terminal.type(b"\x03")
        status, shown = terminal.wait()
        assert status == BROKEN and b"this end gave up" in shown, (status, shown)
        assert time.monotonic() - before < 3


if __name__ == "__main__":
    main(globals())
