#!/usr/bin/python3
"""A client and a server that have nothing but sockets and Python's zlib, and take from hawser what it
promised about windows and takeover, and no more:

    zlib_deflate.py client PROGRAM      PROGRAM is interop_deflating
    zlib_deflate.py server PROGRAM

What they agree on and what is sent, deflate_mixes.py says."""

import itertools
import random
import re
import socket
import sys
import threading
import zlib
from pathlib import Path

from deflate_mixes import LARGE, Messages, header, plan
from deflate_play import Outcomes, Ours, require

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from deflating import HEADER, Deflating, StrictInflater  # noqa: E402
from peer import BINARY, CLOSE, PATIENCE, PONG, TEXT, accept_for, close_payload  # noqa: E402

MESSAGES = Messages()


class Verifier(Deflating):
    """Reads messages with the window that was agreed on, and tries one that is half as large."""

    def agree(self, value, is_client):
        super().agree(value, is_client)
        self.narrower = None
        self.compressed = 0

    def expect_narrower_to_fail(self):
        if self.agreed is not None and self.inward.bits > 9:
            self.narrower = StrictInflater(self.inward.bits - 1)

    def inflated(self, data):
        self.compressed += 1
        if self.narrower is not None:
            try:
                self.narrower.inflate(data)
                if not self.inward.takes_over:
                    self.narrower = StrictInflater(self.narrower.bits)
            except zlib.error:
                self.narrower = None
        return super().inflated(data)

    def echo(self, data, in_fragments):
        """Sends a message, requires that it comes back, and tells what it took on the wire."""
        opcode = TEXT if isinstance(data, str) else BINARY
        data = data.encode() if opcode == TEXT else data
        cuts = (len(data) // 9, len(data) // 7, len(data) // 3) if in_fragments else ()
        sender = threading.Thread(target=self.send_message, args=(opcode, data),
                                  kwargs={"cuts": cuts}, daemon=True)
        sender.start()  # for a message that both ends' buffers do not hold
        found, came, _ = self.read_message()
        sender.join(PATIENCE)
        require(found == opcode and came == data, f"{found} of {len(came)} came for {len(data)}")
        return self.size_on_the_wire

    def converse(self, row, number, own):
        """All messages, the closing handshake, and what was promised of windows and takeover."""
        is_small = row != LARGE
        if is_small and self.agreed is not None and self.inward.bits <= chosen(own, "window_bits"):
            self.expect_narrower_to_fail()
        for message, in_fragments in MESSAGES.of(row, number):
            self.echo(message, in_fragments)
        require(self.narrower is None, "half of the window was enough")
        compresses = self.agreed is not None and self.inward.promised_bits > 8
        require((self.compressed > 0) == compresses, f"{self.compressed} were compressed")
        if compresses and is_small:
            self.require_takeover(self.inward.takes_over and chosen(own, "takeover") != 0)
        self.send(CLOSE, close_payload(1000))
        frame = self.read_frame()
        while frame[0] == PONG:
            frame = self.read_frame()
        require(frame == (CLOSE, close_payload(1000), True), f"{frame} came at the end")

    def require_takeover(self, is_taken_over):
        """What came before makes a message smaller where the window goes on, and only there."""
        some = random.Random(self.compressed).randbytes(100)
        sizes = [self.echo(some, False) for _ in range(4)]  # ours come whole and in fragments in turn
        if is_taken_over:
            require(max(sizes[1:]) < 60, f"the window does not go on: {sizes}")
        else:
            require(min(sizes) >= len(some), f"the window went on: {sizes}")


def check_the_verifier():
    """It refuses what goes back further than it may, in one message and over several."""
    for bits in range(9, 15):
        some = random.Random(bits)
        block = some.randbytes(300)
        gap = some.randbytes((1 << bits) + 20 - len(block))
        for parts in ([block + gap + block], [block, gap, block]):
            for used, is_good in ((bits, True), (bits + 1, False), (15, False)):
                compressor = zlib.compressobj(9, zlib.DEFLATED, -used)
                inflater = StrictInflater(bits)
                found = b""
                try:
                    for part in parts:
                        found += inflater.inflate((compressor.compress(part)
                                                   + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4])
                    was_good = found == b"".join(parts)
                except zlib.error as wrong:
                    require("too far back" in str(wrong), str(wrong))
                    was_good = False
                require(was_good == is_good, f"{used} bits for {bits}: {was_good}")


def chosen(own, name):
    return int(re.search(rf"\b{name}=(\d+)", own).group(1))


def play_clients(program, outcomes):
    connections = plan("zlib", "client")
    with Ours.serving(program, [own for _, own, _, _ in connections]) as ports:
        for number, (row, own, offer, expected) in enumerate(connections):
            with outcomes.case(row, header(offer)):
                with Verifier(socket.create_connection(("127.0.0.1", ports[own]), PATIENCE)) as peer:
                    peer.request(ports[own], "/", f"{HEADER}: {header(offer)}\r\n")
                    head = peer.read_head().decode()
                    found = "".join(re.findall(rf"(?i)\r\n{HEADER}: *([^\r]*)\r\n", head))
                    require(head.startswith("HTTP/1.1 101 ") and found == expected, head)
                    peer.agree(found or None, True)
                    peer.converse(row, number, own)
                    peer.expect_end()


def play_servers(program, outcomes):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        for own, some in itertools.groupby(plan("zlib", "server"), key=lambda each: each[1]):
            some = list(some)
            with Ours.echoing(program, own, url, len(some)) as told:
                for number, (row, _, response, expected) in enumerate(some):
                    with outcomes.case(row, header(response)):
                        try:
                            with Verifier(listener.accept()[0], is_client=False) as peer:
                                serve(peer, row, number, own, response, expected)
                        finally:
                            found = told()
                        require(found == expected, f"{found} instead of {expected}")


def serve(peer, row, number, own, response, expected):
    key = re.search(rb"\r\nSec-WebSocket-Key: *([^\r]+)\r\n", peer.read_head()).group(1)
    peer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
               b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept_for(key)
               + f"\r\n{HEADER}: {header(response)}\r\n\r\n".encode())
    if not expected.startswith("failed"):
        peer.agree(header(response), False)
        peer.converse(row, number, own)  # then it waits for us to end


def main(role, program):
    outcomes = Outcomes()
    with outcomes.case("the verifier refuses larger windows"):
        check_the_verifier()
    (play_clients if role == "client" else play_servers)(program, outcomes)
    return outcomes.status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
