#!/usr/bin/python3
"""echo_server and echo_client with compressed messages, against Python's zlib: what was agreed on about
windows and takeover is kept to the letter, for it is all that the inflater here has."""

import json
import random
import re
import socket
import subprocess
import threading
import zlib

from deflating import HEADER, RSV1, Deflating
from peer import (BINARY, CLOSE, CONTINUATION, PATIENCE, PING, TEXT, Server, accept_for, close_payload,
                  frame_header, main, mask)

MIB = 1 << 20
CODECS = ("zlib", "libdeflate")


def connect(port, offer):
    peer = Deflating(socket.create_connection(("127.0.0.1", port), PATIENCE))
    peer.request(port, "/", f"{HEADER}: {offer}\r\n" if offer else "")
    head = peer.read_head().decode()
    assert head.startswith("HTTP/1.1 101 "), head
    found = re.findall(rf"(?i)\r\n{HEADER}: *([^\r]*)\r\n", head)
    assert len(found) <= 1 and found != [""], head
    peer.agree(found[0] if found else None, True)
    return peer


def texts(seed):
    """Messages of all kinds and sizes."""
    some = random.Random(seed)
    record = lambda: json.dumps({"id": some.random(), "name": some.choice(["buy", "sell"]),
                                 "note": "κόσμε 😀"}, ensure_ascii=False).encode()
    for size in (0, 1, 63, 64, 65, 1000, 40000, 70000, 300000):
        yield TEXT, (b"".join(record() for _ in range(size // 40 + 1))[:size]
                     .decode(errors="ignore").encode())
        yield BINARY, some.randbytes(size)
        yield BINARY, b"\0" * size


OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_no_context_takeover; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=15; client_max_window_bits=15",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
    "permessage-deflate; server_max_window_bits=9, permessage-deflate; server_max_window_bits=15, "
    "permessage-deflate",
    "permessage-deflate; server_max_window_bits=8, permessage-deflate",
    "permessage-deflate; unknown, permessage-deflate; server_max_window_bits=10",
]


def test_every_offer_is_answered_and_kept_to(folder):
    for codec in CODECS:
        answer_every_offer(folder, codec)


def answer_every_offer(folder, codec):
    with Server(folder / "echo_server", "--port", 0, "--codec", codec) as server:
        for number, offer in enumerate(OFFERS):
            with connect(server.port, offer) as peer:
                assert codec == "zlib" or not (peer.inward.takes_over or peer.outward.takes_over)
                assert peer.agreed is not None, offer
                bits = re.search(r"server_max_window_bits=(\d+)", offer.split(",")[0])
                if bits and int(bits.group(1)) > 8:
                    assert peer.agreed["server_max_window_bits"] <= int(bits.group(1)), offer
                compressed = 0
                for opcode, data in texts(number):
                    peer.send_message(opcode, data)
                    found = peer.read_message()
                    assert found[:2] == (opcode, data), (offer, opcode, len(data))
                    compressed += found[2]
                # What is larger than a small window libdeflate cannot compress.
                is_small = codec == "libdeflate" and peer.inward.bits < 15
                assert compressed > (1 if is_small else 9), (offer, compressed)
                peer.send(CLOSE, close_payload(1000))
                peer.expect_close(1000)


def test_fragments_and_plain_messages_come_back_too(folder):
    for codec in CODECS:
        with (Server(folder / "echo_server", "--port", 0, "--codec", codec) as server,
              connect(server.port, OFFERS[1]) as peer):
            for number, (opcode, data) in enumerate(texts(5)):
                if len(data) > 100000:
                    continue
                peer.send_message(opcode, data, compressed=number % 3 != 0, cuts=(0, 1, 2, 77, 9999))
                assert peer.read_message()[:2] == (opcode, data)


def test_large_messages_come_back(folder):
    for codec in CODECS:
        with (Server(folder / "echo_server", "--port", 0, "--codec", codec) as server,
              connect(server.port, OFFERS[1]) as peer):
            for data in (b"x" * (16 * MIB), random.Random(1).randbytes(16 * MIB)):
                sender = threading.Thread(target=peer.send_message, args=(BINARY, data), daemon=True)
                sender.start()
                assert peer.read_message()[:2] == (BINARY, data)
                sender.join()


def test_a_bomb_ends_with_1009_and_little_memory(folder):
    part = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = part.compress(bytes(64 * MIB)) + part.flush(zlib.Z_FULL_FLUSH)
    for codec in CODECS:
        with Server(folder / "echo_server", "--port", 0, "--max-message-size", MIB,
                    "--codec", codec) as server:
            before = server.peak_memory()
            with connect(server.port, OFFERS[0]) as peer:
                is_whole = codec == "libdeflate"  # it inflates nothing before
                peer.write(frame_header(BINARY | RSV1, len(bomb), is_whole, peer.key)
                           + mask(bomb, peer.key))
                peer.expect_close(1009, then_end=False)
            assert server.peak_memory() - before < 8 * MIB


def test_what_is_wrong_is_told(folder):
    for codec in CODECS:
        tell_what_is_wrong(folder, codec)


def tell_what_is_wrong(folder, codec):
    with Server(folder / "echo_server", "--port", 0, "--codec", codec) as server:
        for first, payload, code in ((TEXT | RSV1, b"\x06", 1007), (TEXT | RSV1, b"\xff" * 9, 1007),
                                     (PING | RSV1, b"", 1002), (CONTINUATION | RSV1, b"", 1002),
                                     (TEXT | 0x20, b"", 1002)):
            with connect(server.port, OFFERS[0]) as peer:
                peer.write(frame_header(first, len(payload), True, peer.key)
                           + mask(payload, peer.key))
                peer.expect_close(code, then_end=False)
        for opcode, data in ((TEXT, b"\xff\xfe"), (TEXT, "😀".encode()[:3])):
            with connect(server.port, OFFERS[0]) as peer:
                peer.send_message(opcode, data)
                peer.expect_close(1007, then_end=False)


def test_a_server_may_be_told_not_to_compress(folder):
    for arguments, is_agreed in ((["--no-deflate"], False), (["--deflate"], True), ([], True)):
        with Server(folder / "echo_server", "--port", 0, *arguments) as server:
            with connect(server.port, OFFERS[1]) as peer:
                assert (peer.agreed is not None) == is_agreed
        with Server(folder / "echo_server", "--port", 0, *arguments) as server:
            for offer in ("x-webkit-deflate-frame", "perframe-deflate", ""):
                with connect(server.port, offer) as peer:
                    assert peer.agreed is None


RESPONSES = [
    None,
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; client_no_context_takeover; client_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8",
    "permessage-deflate; server_max_window_bits=10; client_max_window_bits=15",
]


def serve(listener, response, seen):
    """One connection of echo_client: sends it messages and checks that they come back."""
    peer = Deflating(listener.accept()[0], is_client=False)
    with peer:
        head = peer.read_head()
        seen.append(re.findall(rf"\r\n{HEADER}: *([^\r]*)\r\n", head.decode()))
        key = re.search(rb"\r\nSec-WebSocket-Key: *([^\r]+)\r\n", head).group(1)
        extensions = f"{HEADER}: {response}\r\n".encode() if response else b""
        peer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept_for(key) + b"\r\n"
                   + extensions + b"\r\n")
        peer.agree(response, False)
        compressed = 0
        for opcode, data in texts(9):
            peer.send_message(opcode, data)
            found = peer.read_message()
            assert found[:2] == (opcode, data), (response, opcode, len(data))
            compressed += found[2]
        bits = (peer.agreed or {}).get("client_max_window_bits", 15)
        assert (compressed > 9) == (peer.agreed is not None and bits > 8), (response, compressed)
        peer.send(CLOSE, close_payload(1000))
        peer.expect_close(1000, then_end=False)  # the client waits for us to close
        seen.append("done")


def test_a_client_keeps_to_every_response(folder):
    for response in RESPONSES:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            seen = []
            thread = threading.Thread(target=serve, args=(listener, response, seen), daemon=True)
            thread.start()
            port = listener.getsockname()[1]
            result = subprocess.run([folder / "echo_client", f"ws://127.0.0.1:{port}/"],
                                    capture_output=True, text=True, timeout=PATIENCE, check=False)
            thread.join(PATIENCE)
            assert seen == [["permessage-deflate; client_max_window_bits"], "done"], (response, seen)
            assert result.returncode == 0, result.stderr


if __name__ == "__main__":
    main(globals())
