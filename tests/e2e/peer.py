"""What the scripts of this folder share: a program that runs, a WebSocket peer of plain sockets, and
the checks that a script is made of. Nothing but the standard library; a deadline on every wait."""

import base64
import contextlib
import hashlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
FIN = 0x80
PATIENCE = 20  # seconds that anything may take
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def mask(payload, key):
    """The payload under a key of 4 bytes: its own inverse."""
    size = len(payload)
    if size == 0 or key == b"\0\0\0\0":
        return bytes(payload)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(size, "big")


def frame_header(opcode, size, fin=True, key=b"\x11\x22\x33\x44"):
    """The header of a frame with so many bytes of payload; without a key it is a server's."""
    head = bytes([(FIN if fin else 0) | opcode])
    bit = 0x80 if key else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 1 << 16:
        head += bytes([bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", size)
    return head + key


def frame(opcode, payload=b"", fin=True, key=b"\x11\x22\x33\x44"):
    header = frame_header(opcode, len(payload), fin, key)
    return header + (mask(payload, key) if key else payload)


def close_payload(code, reason=b""):
    return struct.pack(">H", code) + reason


def accept_for(key):
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


class Ended(Exception):
    """The stream ended."""


class Peer:
    """One end of a connection: of a client, unless it was accepted by a listener."""

    def __init__(self, connection, is_client=True):
        self.socket = connection
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.key = b"\x11\x22\x33\x44" if is_client else b""
        self.pending = b""

    @classmethod
    def connect(cls, port, path="/", headers=""):
        """A client with an open connection."""
        peer = cls(socket.create_connection(("127.0.0.1", port), PATIENCE))
        peer.request(port, path, headers)
        head = peer.read_head()
        assert head.startswith(b"HTTP/1.1 101 "), head
        return peer

    def request(self, port, path="/", headers=""):
        self.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   f"Sec-WebSocket-Version: 13\r\n{headers}\r\n".encode())

    def accept(self):
        """Answers a client's request; returns its path."""
        head = self.read_head()
        key = re.search(rb"(?i)\r\nSec-WebSocket-Key: *([^\r]+)\r\n", head).group(1)
        self.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept_for(key) + b"\r\n\r\n")
        return head.split(b" ")[1].decode()

    def write(self, data):
        self.socket.sendall(data)

    def send(self, opcode, payload=b"", fin=True):
        self.write(frame(opcode, payload, fin, self.key))

    def _more(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise Ended
        return data

    def read(self, size):
        parts, have = [self.pending], len(self.pending)
        while have < size:
            parts.append(self._more())
            have += len(parts[-1])
        data = b"".join(parts)
        self.pending = data[size:]
        return data[:size]

    def read_head(self):
        while b"\r\n\r\n" not in self.pending:
            self.pending += self._more()
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def read_rest(self):
        """All until the end of the stream; a reset is an error."""
        parts = [self.pending]
        with contextlib.suppress(Ended):
            while True:
                parts.append(self._more())
        self.pending = b""
        return b"".join(parts)

    def read_frame(self):
        """(opcode, payload, fin)"""
        first, second = self.read(2)
        assert bool(second & 0x80) != bool(self.key), "masked in the wrong direction"
        size = second & 0x7F
        if size == 126:
            size, = struct.unpack(">H", self.read(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.read(8))
        key = b"" if self.key else self.read(4)
        payload = self.read(size)
        assert first & 0x70 == 0, "reserved bits"
        return first & 15, mask(payload, key) if key else payload, bool(first & FIN)

    def expect(self, opcode, payload):
        found = self.read_frame()
        assert found == (opcode, payload, True), f"{found[0]} {found[1][:80]!r} ({len(found[1])})"

    def expect_close(self, code, then_end=True):
        """A close frame of this code (None: without one), and the end of the stream behind it."""
        opcode, payload, _ = self.read_frame()
        assert opcode == CLOSE, f"{opcode} {payload[:80]!r}"
        found = struct.unpack(">H", payload[:2])[0] if payload else None
        assert found == code, f"{found} {payload[2:]!r}"
        if then_end:
            assert self.read_rest() == b""

    def expect_end(self):
        assert self.read_rest() == b""

    def reset(self):
        """Ends the connection by a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Server:
    """One of our servers, until the end of the block."""

    def __init__(self, program, *arguments, environment=None):
        self.process = subprocess.Popen([program, *map(str, arguments)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})})
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on (ws://.*:(\d+)/)\n", line)
        if not found:
            self.process.kill()
            raise AssertionError(f"no URL in {line!r}; {self.process.communicate()[1]}")
        self.url, self.port = found.group(1), int(found.group(2))

    def connect(self, *arguments):
        return Peer.connect(self.port, *arguments)

    def peak_memory(self):
        """The most that it had in memory so far, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) << 10

    def wait(self):
        """(exit status, standard output, standard error), once it ends by itself."""
        out, wrong = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, wrong

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status, _, wrong = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if kind is None:
            assert status == 0, f"exit status {status}: {wrong}"


class Listener:
    """A server of the script's own: each connection is given to `handle` in turn, in a thread."""

    def __init__(self, handle, count=1):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE)
        self.port = self.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        self.handle, self.count, self.fault = handle, count, None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            for _ in range(self.count):
                with Peer(self.socket.accept()[0], is_client=False) as peer:
                    self.handle(peer)
        except BaseException:  # told by the thread that waits
            self.fault = traceback.format_exc()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.thread.join(PATIENCE)
        self.socket.close()
        assert not self.thread.is_alive(), "the server's side did not end"
        assert self.fault is None, self.fault


def run(program, *arguments):
    """Runs a program to its end: (exit status, standard output, standard error)."""
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


def main(tests):
    """Runs every function of the script whose name starts with `test_`, with the programs' folder."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER_OF_PROGRAMS")
    folder, faults, count = Path(sys.argv[1]), 0, 0
    for name, test in list(tests.items()):
        if not name.startswith("test_"):
            continue
        start, count = time.monotonic(), count + 1
        try:
            test(folder)
            outcome = "ok"
        except BaseException:
            traceback.print_exc()
            outcome, faults = "FAILED", faults + 1
        print(f"{outcome:6} {time.monotonic() - start:6.2f} s  {name[5:].replace('_', ' ')}", flush=True)
    print(f"{count} tests, {faults} failed")
    sys.exit(1 if faults or not count else 0)
