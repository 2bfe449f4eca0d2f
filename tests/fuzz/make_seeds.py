#!/usr/bin/python3
"""Writes the seeds of the fuzz targets that a person thought of: corpus/<target>/<name>.

Inputs that the fuzzer found, and those of bugs (bug_*), lie beside them and are left alone. The form
of an input stands at the top of each target, and in support/drive_plan.hpp.

Usage: make_seeds.py [CORPUS_FOLDER]
"""

import base64
import hashlib
import sys
import zlib
from pathlib import Path

CORPUS = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "corpus"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# What the targets' source of entropy gives first, as a client's key.
KEY = base64.b64encode(bytes(range(16)))
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

seeds = {}


def seed(target, name, *parts):
    files = seeds.setdefault(target, {})
    assert name not in files, (target, name)
    files[name] = b"".join(parts)


# --- Compressed payloads ---------------------------------------------------------------------------

def deflated(text, flush=zlib.Z_SYNC_FLUSH, level=6, strategy=zlib.Z_DEFAULT_STRATEGY, tail=4):
    made = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    out = made.compress(text) + made.flush(flush)
    return out[:len(out) - tail]


def payloads():
    def sized(*texts):
        return b"".join(len(text).to_bytes(2, "little") + text for text in texts)

    hello = bytes.fromhex("f248cdc9c90700")
    texts = sized(b"Hello", b"Hello", b"", b"{\"id\":1,\"id\":12,\"id\":123}", b"x" * 700)
    for name, all_of_them in {
            "hello": [hello],
            "window": [hello, bytes.fromhex("f200110000")],
            "stored": [bytes.fromhex("000500faff48656c6c6f00")],
            "final": [bytes.fromhex("f348cdc9c9070000"), bytes.fromhex("f200110000")],
            "two_blocks": [bytes.fromhex("f24805000000ffffcac9c90700")],
            "empty": [b"\0", b"", b"\0", hello],
            "lone_final": [deflated(b"Hello" * 9, zlib.Z_FINISH, tail=0), hello],
            "full_flush": [deflated(b"abc" * 20, zlib.Z_FULL_FLUSH), deflated(b"abc")],
            "fixed": [deflated(bytes(range(256)), strategy=zlib.Z_FIXED)],
            "huffman": [deflated(b"hawser " * 30, strategy=zlib.Z_HUFFMAN_ONLY)],
            "dynamic": [deflated(b"".join(b"%d," % (i * i) for i in range(400)), level=9)],
            "bomb": [deflated(bytes(100000), level=9)],
            "limit": [deflated(bytes(100)), deflated(bytes(101))],
            "corrupt": [b"\x06"],
            "cut": [deflated(b"abcdefgh" * 9)[:-3]],
            "final_stored": [deflated(bytes(range(99)), zlib.Z_FINISH, level=0, tail=0) + b"\0"],
            "final_empty": [b"\1", deflated(b"abc" * 9)[:-1] + b"\1"],
            "streams": [deflated(b"abc" * 9, zlib.Z_FINISH, tail=0) * 3 + deflated(b"abc" * 9)],
            "claims_the_end": [bytes.fromhex("010900f6ff"), bytes.fromhex("010e00f1ff48656c6c6f")],
    }.items():
        for kind, limit in enumerate(["", "_at_1", "_at_100", "_at_5000"]):
            if limit and name not in ("bomb", "limit", "dynamic"):
                continue
            seed("deflate_message", name + limit, bytes([kind << 2, 0, 3, 1, 2, 30]),
                 sized(*all_of_them))
        seed("deflate_message", name + "_alone", bytes([2, 0, 1, 5]), sized(*all_of_them))
    # Much of it comes of little, and then little of much.
    uneven = bytes(80000) + b"".join(b"%d," % (i * i) for i in range(4000))
    seed("deflate_message", "ratio", bytes([0x20, 0, 2, 1, 30]), sized(deflated(uneven, level=9)))
    for settings in (0, 0x3e, 0xff):
        seed("deflate_message", f"compress_{settings:02x}", bytes([1, settings, 2, 1, 9]), texts)
        seed("deflate_message", f"compress_{settings:02x}_alone", bytes([3, settings, 0]), texts)


payloads()


# --- Extensions ------------------------------------------------------------------------------------

def extensions():
    defaults = bytes([0, 7, 7, 1])
    small = bytes([7, 2, 2, 1])
    for name, text in {
            "simple": "permessage-deflate",
            "browser": "permessage-deflate; client_max_window_bits",
            "fallback": "permessage-deflate; server_max_window_bits=10; client_max_window_bits, "
                        "permessage-deflate; client_max_window_bits",
            "all": "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                   "server_max_window_bits=9; client_max_window_bits=15",
            "quoted": 'permessage-deflate; server_max_window_bits="\\1\\0"; x="a"',
            "eight": "permessage-deflate;server_max_window_bits=8;client_max_window_bits=8",
            "fields": "foo; bar=1, baz\npermessage-deflate\nx-webkit-deflate-frame",
            "repeated": "permessage-deflate; client_max_window_bits; client_max_window_bits",
            "wrong_values": "permessage-deflate; server_max_window_bits=08, "
                            "permessage-deflate; client_max_window_bits=+9, "
                            "permessage-deflate; server_no_context_takeover=1",
            "twice": "permessage-deflate, permessage-deflate",
            "malformed": 'permessage-deflate; a="b',
            "empty": ",,\n",
    }.items():
        seed("deflate_negotiation", name, defaults, text.encode())
        seed("deflate_negotiation", "small_" + name, small, text.encode())


extensions()

# --- Frames ----------------------------------------------------------------------------------------

def frame(opcode, payload=b"", fin=1, key=None, rsv=0, length_size=None, length=None):
    length = len(payload) if length is None else length
    if length_size is None:
        length_size = 0 if length < 126 else 2 if length < 65536 else 8
    mask = 0 if key is None else 128
    short = {0: length, 2: 126, 8: 127}[length_size]
    head = bytes([fin << 7 | rsv << 4 | opcode, mask | short & 127])
    if length_size:
        head += length.to_bytes(length_size, "big")
    if key is None:
        return head + payload
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def close(code=None, reason=b""):
    return b"" if code is None else code.to_bytes(2, "big") + reason


def conversations(key):
    """Frames as a peer sends them, right and wrong: a name and a list of frames."""
    def f(opcode, payload=b"", **more):
        return frame(opcode, payload, key=key, **more)

    smile = "κόσμε 😀".encode()
    return {
        "hello": [f(TEXT, b"Hello"), f(CLOSE, close(1000, b"bye"))],
        "sizes": [f(BINARY), f(BINARY, b"x" * 125), f(BINARY, b"x" * 126), f(TEXT, b"y" * 300)],
        "fragments": [f(TEXT, smile[:3], fin=0), f(PING, b"in between"), f(0, b"", fin=0),
                      f(0, smile[3:]), f(PONG), f(CLOSE, close())],
        "many_pings": [f(PING, bytes([i])) for i in range(12)] + [f(BINARY, b"end")],
        "bad_utf8": [f(TEXT, b"good \xed\xa0\x80 bad")],
        "bad_utf8_split": [f(TEXT, b"\xf0\x9f", fin=0), f(0, b"\x98"), f(TEXT, b"x")],
        "surprise_text": [f(TEXT, b"a", fin=0), f(BINARY, b"b")],
        "lone_continuation": [f(0, b"a")],
        "reserved": [f(TEXT, b"a", rsv=4), f(TEXT, b"b")],
        "reserved_opcodes": [f(3, b"a"), f(11, b"b"), f(TEXT, b"c")],
        "length_not_minimal": [f(TEXT, b"a", length_size=2), f(TEXT, b"b", length_size=8)],
        "length_of_64_bits": [f(BINARY, b"abc", length=1 << 63, length_size=8)],
        "length_of_63_bits": [f(BINARY, b"abc", length=(1 << 63) - 1)],
        "long_ping": [f(PING, b"p" * 130), f(PING, b"p", fin=0), f(TEXT, b"after")],
        "close_of_one_byte": [f(CLOSE, b"x")],
        "close_codes": [f(CLOSE, close(1005)), f(CLOSE, close(4999))],
        "close_in_message": [f(TEXT, b"a", fin=0), f(CLOSE, close(1001, smile)), f(0, b"b")],
        "close_bad_reason": [f(CLOSE, close(1000, b"\xff"))],
    }


MASKED = b"\x37\xfa\x21\x3d"
TO_SERVER = conversations(MASKED)
TO_CLIENT = conversations(None)


def both_roles():
    """The role, the bit that stands for it in frame_codec, and what it may receive."""
    return (("server", 0, TO_SERVER), ("client", 1, TO_CLIENT))


for role, bit, talks in both_roles():
    for name, frames in talks.items():
        seed("frame_codec", f"{role}_{name}", bytes([bit, 0, 0, 0, 0, 1, 3]), *frames)
    every = b"".join(b"".join(frames) for frames in talks.values())
    seed("frame_codec", f"{role}_relaxed", bytes([bit, 0xFF, 1, 0, 0, 2, 5, 0x83]), every)
    seed("frame_codec", f"{role}_relaxed_pieces", bytes([bit | 2, 0xFF, 1, 0, 0, 1, 7]), every)
    seed("frame_codec", f"{role}_pieces", bytes([bit | 2, 0, 0, 0, 0, 1, 2]), *talks["fragments"])
    seed("frame_codec", f"{role}_limits", bytes([bit, 0, 0, 0xFD, 0, 0]), *talks["fragments"])

# --- Handshakes --------------------------------------------------------------------------------------


def lines(*all_lines):
    return b"".join(line + b"\r\n" for line in all_lines) + b"\r\n"


def upgrade(*more, path=b"/chat?x=1", host=b"localhost:9001"):
    return lines(b"GET " + path + b" HTTP/1.1", b"Host: " + host, b"Upgrade: websocket",
                 b"Connection: keep-alive, Upgrade", b"Sec-WebSocket-Key: " + KEY,
                 b"Sec-WebSocket-Version: 13", *more)


def accept(*more, key=KEY):
    digest = base64.b64encode(hashlib.sha1(key + GUID).digest())
    return lines(b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket",
                 b"Connection: Upgrade", b"Sec-WebSocket-Accept: " + digest, *more)


BROWSER = upgrade(b"Origin: http://localhost:9001", b"Sec-WebSocket-Protocol: other, superchat, chat",
                  b"Cookie: a=1; b=\"2\"", b"Sec-WebSocket-Extensions: permessage-deflate")
FOREIGN = upgrade(b"Origin: https://example.com")
REQUESTS = {
    "upgrade": upgrade(),
    "browser": BROWSER,
    "foreign": FOREIGN,
    "null_origin": upgrade(b"Origin: null"),
    "absolute": upgrade(path=b"ws://localhost:9001/chat"),
    "other_authority": upgrade(path=b"http://example.com/"),
    "ipv6": upgrade(host=b"[::1]:8080"),
    "rebound": upgrade(host=b"evil.example"),
    "plain": lines(b"GET / HTTP/1.1", b"Host: localhost"),
    "head": lines(b"HEAD /file HTTP/1.0", b"Accept: */*"),
    "post": lines(b"POST / HTTP/1.1", b"Host: a", b"Content-Length: 3") + b"abc",
    "body": upgrade(b"Content-Length: 5") + b"hello",
    "chunked": upgrade(b"Transfer-Encoding: chunked"),
    "two_keys": upgrade(b"Sec-WebSocket-Key: " + KEY),
    "version_8": upgrade().replace(b": 13", b": 8"),
    "no_key": upgrade().replace(b"Sec-WebSocket-Key", b"X-Key"),
    "no_connection": upgrade().replace(b"keep-alive, Upgrade", b"close"),
    "twice_the_same": upgrade(b"Sec-WebSocket-Protocol: chat", b"Sec-WebSocket-Protocol: chat"),
    "bare_lf": upgrade().replace(b"\r\n", b"\n"),
    "bare_cr": upgrade(b"X: a\rb"),
    "folded": upgrade(b"X: a", b" b"),
    "space_before_colon": upgrade(b"X : a"),
    "control": upgrade(b"X: a\x00b"),
    "empty_line_before": b"\r\n" + upgrade(b"X:", b"Y: \t "),
    "bad_version": b"GET / HTTP/2.0\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00",
}
REFUSALS = {
    "forbidden": lines(b"HTTP/1.1 403 Forbidden", b"Content-Length: 7") + b"not you",
    "chunked": lines(b"HTTP/1.1 426 Upgrade Required", b"Transfer-Encoding: chunked") +
               b"5;a=b\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nTrailer: x\r\n\r\nmore",
    "until_close": lines(b"HTTP/1.0 500", b"X: y") + b"a body to the end",
    "interim": lines(b"HTTP/1.1 103 Early Hints", b"Link: x") + lines(b"HTTP/1.1 204 No Content"),
    "two_lengths": lines(b"HTTP/1.1 200 OK", b"Content-Length: 5, 5") + b"hello",
    "bad_lengths": lines(b"HTTP/1.1 200 OK", b"Content-Length: 5, 6") + b"hello",
    "bad_chunk": lines(b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked") + b"5\r\nhelloX",
    "huge_chunk": lines(b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked") + b"f" * 17,
}
RESPONSES = {
    "accept": accept(),
    "subprotocol": accept(b"Sec-WebSocket-Protocol: superchat"),
    "not_offered": accept(b"Sec-WebSocket-Protocol: other"),
    "extension": accept(b"Sec-WebSocket-Extensions: permessage-deflate"),
    "wrong_accept": accept(key=b"x" * 24),
    "reason": accept().replace(b"Switching Protocols", b"\xe4\xbd\xa0"),
    "no_reason": accept().replace(b" Switching Protocols", b""),
    "two_accepts": accept(b"Sec-WebSocket-Accept: x"),
    "not_http": b"SSH-2.0-OpenSSH\r\n",
    **REFUSALS,
}

for name, head in REQUESTS.items():
    seed("head_parser", f"request_{name}", b"\x00\x02\x04\x11", head)
    seed("negotiation", f"request_{name}", b"\x00\x00", head)
seed("head_parser", "request_too_large", b"\x02\x00", upgrade())
seed("head_parser", "request_too_many", b"\x0c\x00", upgrade())
for name, head in RESPONSES.items():
    seed("head_parser", f"response_{name}", b"\x80\x02\x02\x85", head)
    if name not in REFUSALS:
        seed("negotiation", f"response_{name}", b"\x00\x01", head)
for rules, request in ((1, "foreign"), (2, "foreign"), (3, "null_origin"), (4, "upgrade"), (8, "rebound")):
    seed("negotiation", f"rules_{rules}_{request}", bytes([rules, 0]), REQUESTS[request])
HTTP_LINES = "\n".join(["GET:/chat", "host:a", "UPGRADE:WebSocket", "connection:upgrade",
                        "sec-websocket-key:" + KEY.decode(), "sec-websocket-version:13"]).encode()
seed("negotiation", "lines_request", b"\x00\x02", HTTP_LINES)
seed("negotiation", "lines_any_bytes", b"\x00\x02", HTTP_LINES + b"\nSec-WebSocket-Protocol:\xff\x00,\t")
seed("negotiation", "lines_response", b"\x00\x03", b"101:\nupgrade:WEBSOCKET\nconnection: a , upgrade"
     b"\nSec-WebSocket-Accept:" + base64.b64encode(hashlib.sha1(KEY + GUID).digest()))

# --- The small grammars --------------------------------------------------------------------------------

GRAMMARS = {
    "uri": [b"ws://localhost", b"wss://user:p%40ss@[2001:db8::1]:8443/a/b;c?x=1&y=/?",
            b"WS://a:/", b"ws://a:65536/", b"ws://a/#b", b"ws://%zz/", b"ws://a@b@c/"],
    "authority": [b"example.com:80", b"[::ffff:1.2.3.4]:1", b"1.2.3.4", b"::1", b"1:2:3:4:5:6:7::",
                  b"[1::2::3]", b"a:0", b"a]b:1"],
    "origin": [b"https://example.com\nexample.com", b"http://[::1]:8080\n[::1]:8080", b"null\na",
               b"https://a:443\nA:443", b"https://a/\na", b"chrome-extension://abc\nabc"],
    "target": [b"/chat?x=1", b"http://a:80/b?c?d", b"*", b"a:443", b"ws://a?q", b"/a#b", b"//a/b"],
    "query": [b"x\ny=2&x=1&x=3", b"x\nx&x=1", b"\n=a", b"a\nb"],
    "cookies": [b"a=1; b=2\na=3;c", b" a = b ;=;;x=y=z\n", b"\n\"q\"=\"r\""],
    "percent": [b"a%20b+c", b"%", b"%4", b"%zz", b"%00%fF"],
    "base64": [b"", b"Zg==", b"Zm8=", b"Zm9v", b"Zh==", b"Z===", b"Zm9v Zg=="],
    "authorization": [b"user:pass", b"user", b"us%3Aer:x", b"a:b:c", b"%00", b"%C3%A9:%E2%82%AC"],
}
for which, (name, texts) in enumerate(GRAMMARS.items()):
    for i, text in enumerate(texts):
        seed("uri", f"{name}_{i}", bytes([which]), text)

# --- Kernels ---------------------------------------------------------------------------------------------

KEY_BYTES = b"\x01\x02\x40\x80"
TEXTS = {
    "ascii": b"The quick brown fox jumps over the lazy dog. " * 3,
    "two": "éàü".encode() * 20,
    "three": "κόσμε漢字".encode() * 10,
    "four": "😀🎉".encode() * 15,
    "mixed": ("a" * 31 + "é" + "b" * 7 + "漢" + "c" * 64 + "😀").encode(),
    "edges": b"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
    "overlong": b"ok \xc0\xaf", "overlong_3": b"ok \xe0\x9f\xbf", "overlong_4": b"\xf0\x8f\xbf\xbf",
    "surrogate": b"x" * 16 + b"\xed\xa0\x80", "too_large": b"\xf4\x90\x80\x80",
    "cut": b"x" * 40 + b"\xf0\x9f\x98", "stray": b"y" * 33 + b"\x80", "never": b"\xfe\xff",
}
for i, (name, text) in enumerate(TEXTS.items()):
    seed("mask_utf8", name, bytes([i * 5]), KEY_BYTES, bytes([3, 0x06, 0x81, 0x0A]), text)
seed("mask_utf8", "empty", bytes([0]), KEY_BYTES, b"\x00")
# Around what a kernel reads at once, and cut there or not at all.
LONG = ("aé漢😀" * 40).encode()
for size in (16, 17, 32, 64, 65, 128, 256, 300):
    seed("mask_utf8", f"size_{size}", bytes([size % 64]), KEY_BYTES, bytes([1, 0x80 | size // 8 - 1]), LONG[:size])
for edge in (16, 32, 64, 128, 256):
    # The last byte of each is the first behind the edge.
    for name, bad in {"stray": b"\x80", "overlong": b"\xe0\x9f\xbf", "surrogate": b"\xed\xa0\x80",
                      "large": b"\xf4\x90\x80\x80", "cut": b"\xf0\x9f\x98"}.items():
        text = LONG[:edge // 10 * 10 - 10].ljust(edge + 1 - len(bad), b"x") + bad + b"y" * 40
        seed("mask_utf8", f"{name}_at_{edge}", b"\x03", KEY_BYTES, bytes([2, 0x82, 0x0C]), text)

# --- Connections -------------------------------------------------------------------------------------------

HANDSHAKE, PIECES, NO_PONGS, UNCHECKED, DECIDES, HTTP, ECHOES, LIMITS = (1 << i for i in range(8))
LATER, ACCEPT, SUPERCHAT, _, REJECT, RESPOND, _, _ = range(8)
# The actions of support/driven.hpp.
(FEED, FEED_EACH, FEED_PAUSE, FEED_OFTEN, PASS, DEADLINE, AT_EVENT, NOTHING, SEND, SEND_TOO, SEND_BINARY,
 BEGIN, APPEND, FINISH, CONTROL, _, SHUT, TAKE_OR_ABORT, SHOW, TAKE, _, DECIDE, END, TAKE_ALL) = range(24)


def plan(first, flags, second, relaxed, decision, limits, deflate, whole):
    fourth = relaxed >> 8 | decision << 1 | (deflate is not None) << 4 | whole << 5
    return bytes([first, flags, second, relaxed & 255, fourth, *limits, *(deflate or ())])


def driven(flags=0, second=0, relaxed=0, decision=0, limits=(0, 0, 0), actions=(), wire=b"", deflate=None,
           whole=False):
    return (plan(len(actions), flags, second, relaxed, decision, limits, deflate, whole) + wire
            + b"".join(bytes(action) for action in actions))


def split(flags=0, second=0, relaxed=0, decision=0, limits=(0, 0, 0), client=False, wire=b"", deflate=None,
          whole=False):
    return (plan(client << 7 | 3, flags, second, relaxed, decision, limits, deflate, whole) + b"\x04\x00\x83"
            + wire)


ROUND = [(FEED, 40), (SEND, 2), (CONTROL, 1), (TAKE, 3), (FEED_EACH, 20), (SHOW, 0), (SEND_BINARY, 5),
         (TAKE, 200), (PASS, 3), (DEADLINE, 0), (NOTHING, 0)]
STREAM = [(BEGIN, 0), (APPEND, 0x12), (CONTROL, 2), (APPEND, 0x04), (SEND, 1), (FINISH, 0x11),
          (FINISH, 0), (BEGIN, 1), (APPEND, 9), (TAKE_ALL, 0), (SHUT, 0)]
FLOOD = [(FEED_OFTEN, 0xE6), (TAKE, 1), (FEED_OFTEN, 0xE6), (SHOW, 0), (FEED_OFTEN, 0x66), (TAKE, 130)]
STUCK = [(SEND, 7), (TAKE, 5), (FEED, 60), (PASS, 4), (PASS, 6), (PASS, 6)]

for role, bit, talks in both_roles():
    target = f"{role}_input"
    for name in ("hello", "fragments", "bad_utf8", "close_in_message", "reserved"):
        seed(target, f"adopted_{name}", driven(wire=b"".join(talks[name]), actions=ROUND))
    for name in ("sizes", "fragments"):
        wire = b"".join(talks[name])
        seed(target, f"echo_{name}", driven(ECHOES, wire=wire))
        seed(target, f"echo_pieces_{name}", driven(ECHOES | PIECES, wire=wire,
                                                   actions=[(FEED_EACH, 255), (TAKE, 0)]))
        seed(target, f"limits_{name}", driven(ECHOES | LIMITS, wire=wire, limits=(0, 0x5B, 0x0E)))
        seed(target, f"paused_{name}", driven(wire=wire, actions=[(FEED_PAUSE, 40)] * 9))
    seed(target, "streams", driven(wire=b"".join(talks["hello"]), actions=STREAM))
    seed(target, "flood", driven(wire=b"".join(talks["many_pings"]), actions=FLOOD))
    seed(target, "flood_of_limits", driven(LIMITS, wire=b"".join(talks["many_pings"]),
                                           limits=(0, 0x80, 0), actions=FLOOD))
    ping = frame(PING, b"p" * 20, key=MASKED if bit == 0 else None)
    seed(target, "flood_behind_stuck_output", driven(wire=ping * 4, actions=[
        (SEND, 7), (TAKE, 2), (FEED_OFTEN, 0xE0 | len(ping) - 1), (TAKE, 3),
        (FEED_OFTEN, 0xE0 | len(ping) - 1), (CONTROL, 1), (CONTROL, 0x8A), (TAKE, 250)]))
    pong = frame(PONG, b"\x01", key=MASKED if bit == 0 else None)
    seed(target, "round_trip", driven(wire=pong, actions=[
        (PASS, 1), (CONTROL, 0), (TAKE_ALL, 0), (PASS, 2), (FEED, 30), (PASS, 2), (PASS, 5), (DEADLINE, 0)]))
    seed(target, "other_subprotocol", driven(second=1, wire=b"".join(talks["hello"])))
    seed(target, "stuck", driven(second=0x50, wire=b"".join(talks["fragments"]), actions=STUCK))
    seed(target, "bug_lost_behind_its_end_failed_too",
         driven(second=0x50, wire=b"".join(talks["hello"]), actions=[(FEED, 255)] + [(PASS, 6)] * 3))
    seed(target, "silent", driven(second=0x10, wire=talks["hello"][0],
                                  actions=[(FEED, 30)] + [(DEADLINE, 0)] * 6))
    seed(target, "calls_at_events", driven(wire=b"".join(talks["fragments"]), actions=[
        (AT_EVENT, SHUT - 8), (FEED, 10), (AT_EVENT, SEND - 8), (FEED, 255)]))
    seed(target, "end_at_event", driven(wire=b"".join(talks["hello"]), actions=[
        (AT_EVENT, 24 * 2 - 2 - 8), (FEED, 255), (END, 0), (NOTHING, 0)]))
    seed(target, "aborted", driven(wire=b"".join(talks["hello"]), actions=[
        (SEND, 2), (TAKE_OR_ABORT, 0), (FEED, 255)]))
    seed(target, "relaxed", driven(ECHOES, relaxed=0x1FF, actions=[(FEED, 255)] * 3, wire=b"".join(
        b"".join(talks[name]) for name in ("reserved", "long_ping", "bad_utf8", "length_not_minimal"))))
    for client_bit, pieces, name in ((bit == 1, 0, "whole"), (bit == 1, PIECES, "pieces")):
        for talk in ("fragments", "many_pings", "bad_utf8_split", "close_in_message", "length_of_64_bits"):
            seed("any_split", f"{role}_{name}_{talk}",
                 split(pieces | ECHOES, client=client_bit, wire=b"".join(talks[talk])))
    seed("any_split", f"{role}_limits", split(ECHOES | LIMITS, client=bit == 1, limits=(0, 0x7B, 0),
                                             wire=b"".join(talks["fragments"] + talks["hello"])))

FRAMES = b"".join(TO_SERVER["hello"])
for name in ("upgrade", "browser", "foreign", "plain", "head", "version_8", "bare_lf", "post"):
    seed("server_input", f"request_{name}", driven(HANDSHAKE, wire=REQUESTS[name] + FRAMES))
for name, decision in (("later", LATER), ("accept", ACCEPT), ("superchat", SUPERCHAT), ("reject", REJECT),
                       ("respond", RESPOND)):
    seed("server_input", f"decides_{name}", driven(
        HANDSHAKE | DECIDES | HTTP | ECHOES, decision=decision, wire=BROWSER + FRAMES,
        actions=[(FEED_EACH, 255), (FEED_EACH, 200), (DECIDE, 0x20), (SEND, 2), (NOTHING, 0)]))
    seed("server_input", f"answers_{name}", driven(HANDSHAKE | HTTP, decision=decision,
                                                   wire=REQUESTS["plain"] + FRAMES))
    seed("any_split", f"server_decides_{name}",
         split(HANDSHAKE | DECIDES | HTTP | ECHOES, decision=decision, wire=BROWSER + FRAMES))
seed("server_input", "undecided", driven(HANDSHAKE | DECIDES, second=0x50, wire=BROWSER + FRAMES))
seed("server_input", "half_a_request", driven(HANDSHAKE, second=0x50, wire=BROWSER[:60]))
seed("server_input", "small_head", driven(HANDSHAKE | LIMITS, limits=(2, 0, 0), wire=BROWSER))
seed("server_input", "early", driven(HANDSHAKE | DECIDES | LIMITS, limits=(0x20, 0, 0),
                                     wire=upgrade() + FRAMES))
seed("server_input", "origins_hosts", driven(HANDSHAKE, second=6, wire=FOREIGN + FRAMES))
seed("server_input", "closed_while_it_opens", driven(HANDSHAKE, wire=upgrade(),
                                                     actions=[(FEED, 30), (SHUT, 0), (FEED, 200)]))
for name, head in REQUESTS.items():
    if name in ("browser", "post", "tls", "bare_cr", "control", "chunked"):
        seed("any_split", f"server_request_{name}", split(HANDSHAKE, wire=head + FRAMES))

seed("server_input", "decides_other", driven(HANDSHAKE | DECIDES, wire=BROWSER + FRAMES,
                                             actions=[(FEED, 255), (FEED, 255), (DECIDE, 0x21)]))
seed("server_input", "bad_answers", driven(HANDSHAKE | DECIDES, wire=BROWSER + FRAMES, actions=[
    (FEED, 255), (FEED, 255), (DECIDE, 0x30), (DECIDE, 0x71), (DECIDE, 0x61), (DECIDE, 0x63), (DECIDE, 0x70)]))

FRAMES = b"".join(TO_CLIENT["hello"])
seed("client_input", "other_url", driven(HANDSHAKE, second=5, wire=accept() + FRAMES))
seed("client_input", "bad_url", driven(HANDSHAKE, second=6, wire=accept() + FRAMES))
for name, head in RESPONSES.items():
    offers = 1 if name == "subprotocol" else 0
    seed("client_input", f"response_{name}", driven(HANDSHAKE | ECHOES, second=offers, wire=head + FRAMES))
    if name in ("accept", "subprotocol", "chunked", "until_close", "interim", "wrong_accept"):
        seed("any_split", f"client_response_{name}",
             split(HANDSHAKE, second=offers, client=True, wire=head + FRAMES))
seed("client_input", "small_refusal", driven(HANDSHAKE | LIMITS, limits=(0x80, 0, 0),
                                             wire=REFUSALS["forbidden"]))
seed("client_input", "half_an_answer", driven(HANDSHAKE, second=0x50, wire=accept()[:50],
                                              actions=[(TAKE_ALL, 0), (FEED, 255), (DEADLINE, 0)]))
seed("client_input", "closed_while_it_opens", driven(HANDSHAKE, wire=accept(), actions=[(SHUT, 0)]))

# --- Connections that compress ------------------------------------------------------------------------------

# The four bytes of deflate options, see support/drive_plan.hpp, and scripts of support/compressed_wire.hpp.
WIDE, OURS, ALONE, NARROW = (0x60, 0, 0, 0), (0, 0, 1, 0), (0x63, 3, 0, 0), (0x68, 0x24, 0, 1)
SCRIPT = 0x80
BINARY_BITS, TEXT_BITS, COMPRESSED, FRAGMENTS, BETWEEN = 0, 1, 2, 4, 8
FULL, FINAL, FINAL_ALONE, OFTEN, WRONG = 0x10, 0x20, 0x30, 0x40, 0x80
RAW = b"\xff"


def message(bits, text, wrong=None):
    return bytes([bits, len(text)]) + text + (b"" if wrong is None else bytes([wrong]))


def scripted(options):
    return (options[0] | SCRIPT, *options[1:])


def compressing():
    smile = "κόσμε 😀".encode()
    hello = bytes.fromhex("f248cdc9c90700")
    both = TEXT_BITS | COMPRESSED
    scripts = {
        "takeover": [message(both, b"Hello"), message(both, b"Hello"), message(TEXT_BITS, b"Hello")],
        "fragments": [message(both | FRAGMENTS | BETWEEN, smile * 3), message(both, b"")],
        "final": [message(both | FINAL, b"Hello"), message(both | FINAL_ALONE, b"Hello"),
                  message(both | FULL, b"Hello"), message(both, b"Hello")],
        "large": [message(COMPRESSED | OFTEN, bytes(range(200))), message(both | OFTEN, smile * 12)],
        "bomb": [message(COMPRESSED | OFTEN, bytes(255))] * 3,
        "bad_utf8": [message(both, b"good \xed\xa0\x80 bad")],
        "cut_utf8": [message(both, smile[:3])],
        "wrong": [message(both, smile), message(both | WRONG, smile * 4, wrong=9)],
        "far_back": [message(COMPRESSED, bytes(range(255))), message(COMPRESSED, bytes(range(254, 0, -1))),
                     message(COMPRESSED, bytes(range(0, 200, 2)) * 2), message(COMPRESSED, bytes(range(255)))],
    }
    offers = {
        "browser": b"permessage-deflate; client_max_window_bits",
        "mix": b"permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
               b"server_max_window_bits=9; client_max_window_bits=10",
        "fallback": b"permessage-deflate; server_max_window_bits=8, permessage-deflate",
        "malformed": b'permessage-deflate; x="',
    }
    alone = b"permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    for role, bit, talks in both_roles():
        key = MASKED if bit == 0 else None

        def f(opcode, payload, **more):
            return frame(opcode, payload, key=key, rsv=4, **more)

        frames = {
            "hello": [f(TEXT, hello), f(TEXT, bytes.fromhex("f200110000"))],
            "stored": [f(TEXT, bytes.fromhex("000500faff48656c6c6f00"))],
            "two_blocks": [f(TEXT, bytes.fromhex("f24805000000ffffcac9c90700"))],
            "empty": [f(BINARY, b"\0"), f(BINARY, b""), f(TEXT, b"", fin=0),
                      frame(0, b"\0", key=key)],
            "corrupt": [f(TEXT, b"\x06")],
            "in_continuation": [f(TEXT, hello[:3], fin=0), f(0, hello[3:])],
            "in_ping": [f(PING, b"")],
            "bomb": [f(BINARY, deflated(bytes(100000), level=9))],
        }
        ends = frame(CLOSE, close(1000), key=key)
        chosen = {"ours": ("takeover",), "alone": ("takeover", "fragments", "cut_utf8"),
                  "narrow": ("fragments", "large", "bomb", "far_back")}
        for name, options in (("wide", WIDE), ("ours", OURS), ("alone", ALONE), ("narrow", NARROW)):
            for talk, some in frames.items():
                if name != "wide" and talk not in ("hello", "bomb"):
                    continue
                wire = b"".join(some) + ends
                pieces = PIECES if name == "alone" else 0
                seed(f"{role}_input", f"deflate_{name}_{talk}",
                     driven(ECHOES | pieces, wire=wire, deflate=options, actions=ROUND))
                seed("any_split", f"{role}_deflate_{name}_{talk}",
                     split(ECHOES | pieces, client=bit == 1, wire=wire, deflate=options))
            for talk, some in scripts.items():
                wire = bytes([(0x61, 0x64, 0x68, 0x61)[("wide", "ours", "alone", "narrow").index(name)]])
                wire += b"".join(some) + RAW + ends
                if talk not in chosen.get(name, scripts):
                    continue
                pieces = PIECES if name in ("alone", "narrow") else 0
                small = {"flags": LIMITS, "limits": (0, 0x60, 0x0E)} if name == "narrow" else {"flags": 0}
                small["flags"] |= ECHOES | pieces
                seed(f"{role}_input", f"deflate_script_{name}_{talk}",
                     driven(wire=wire, deflate=scripted(options), actions=STREAM + [(FEED_EACH, 255)], **small))
                seed("any_split", f"{role}_deflate_script_{name}_{talk}",
                     split(client=bit == 1, wire=wire, deflate=scripted(options), **small))
        for name, offer in offers.items():
            header = b"Sec-WebSocket-Extensions: " + offer
            head = upgrade(header) if bit == 0 else accept(header)
            wire = head + b"\x61" + b"".join(scripts["takeover"]) + RAW + ends
            for options, which in ((OURS, "ours"), (ALONE, "alone")):
                if which == "alone" and name != "mix":
                    continue
                seed(f"{role}_input", f"deflate_opens_{which}_{name}",
                     driven(HANDSHAKE | ECHOES, wire=wire, deflate=scripted(options)))
                seed("any_split", f"{role}_deflate_opens_{which}_{name}",
                     split(HANDSHAKE | ECHOES, client=bit == 1, wire=wire, deflate=scripted(options)))
        # A compressor that is given back when it is idle, and messages in parts around that.
        seed(f"{role}_input", "deflate_idle", driven(wire=b"", deflate=(0, 0, 0x0C, 0), actions=[
            (SEND, 7), (TAKE_ALL, 0), (PASS, 3), (SEND, 7), (PASS, 6), (BEGIN, 0), (APPEND, 7), (PASS, 6),
            (APPEND, 9), (FINISH, 7), (TAKE_ALL, 0), (PASS, 6), (SEND, 7)]))
        for how in range(4):
            seed(f"{role}_input", f"deflate_options_{how}", driven(deflate=(0, 0, how << 6 | 3, 0), actions=[
                (SEND, 2), (SEND, 7), (BEGIN, 0), (APPEND, 7), (FINISH, 0), (TAKE_ALL, 0), (SEND_BINARY, 13)]))
        # Bytes that do not shrink, and do when they come again.
        noise, text = 0xB0, 0x30
        seed(f"{role}_input", "deflate_noise", driven(deflate=WIDE, actions=[
            (SEND_BINARY, noise | 12), (SEND_BINARY, noise | 7), (SEND_BINARY, noise | 12), (SEND, text | 12),
            (TAKE_ALL, 0), (SEND, text | 12), (BEGIN, 1), (APPEND, noise | 12), (APPEND, noise | 7), (FINISH, 0)]))
        seed(f"{role}_input", "deflate_alone", driven(deflate=ALONE, actions=[
            (BEGIN, 0), (APPEND, text | 7), (FINISH, text | 7), (BEGIN, 0), (FINISH, text | 7),
            (SEND, text | 7), (SEND, text | 7), (TAKE_ALL, 0)]))
        seed(f"{role}_input", "deflate_windows", driven(deflate=(0x78, 0x24, 0, 0), actions=[
            (BEGIN, 0), (APPEND, text | 7), (APPEND, text | 7), (TAKE_ALL, 0), (FINISH, text | 7),
            (SEND, text | 7), (SEND, text | 7)]))
        seed(f"{role}_input", "deflate_full_output", driven(
            LIMITS, limits=(0, 0, 0x03), deflate=WIDE, actions=[(BEGIN, 0)] + [(APPEND, 7), (APPEND, 12)] * 9
            + [(TAKE_ALL, 0), (FINISH, 13), (SEND, 14), (SEND, 12)]))
        # The same with libdeflate, which takes nothing over.
        talks = {talk: (ALONE, b"".join(some)) for talk, some in frames.items()}
        talks |= {f"script_{talk}": (scripted(ALONE), b"\x61" + b"".join(some) + RAW) for talk, some in scripts.items()}
        for talk, (options, wire) in talks.items():
            for name, flags in (("whole", ECHOES), ("whole_pieces", ECHOES | PIECES)):
                if flags & PIECES and talk not in ("hello", "corrupt", "script_fragments", "script_bad_utf8"):
                    continue
                seed(f"{role}_input", f"deflate_{name}_{talk}", driven(
                    flags, wire=wire + ends, deflate=options, whole=True, actions=ROUND + [(FEED_EACH, 255)] * 2))
                seed("any_split", f"{role}_deflate_{name}_{talk}",
                     split(flags, client=bit == 1, wire=wire + ends, deflate=options, whole=True))
        seed("any_split", f"{role}_deflate_whole_refused",
             split(client=bit == 1, wire=frames["hello"][0] + ends, deflate=WIDE, whole=True))
        header = b"Sec-WebSocket-Extensions: " + (offers["mix"] if bit == 0 else alone)
        wire = (upgrade(header) if bit == 0 else accept(header)) + b"".join(frames["hello"]) + ends
        seed(f"{role}_input", "deflate_whole_opens", driven(HANDSHAKE | ECHOES, wire=wire, deflate=ALONE, whole=True))
        seed("any_split", f"{role}_deflate_whole_opens",
             split(HANDSHAKE | ECHOES, client=bit == 1, wire=wire, deflate=ALONE, whole=True))
        seed(f"{role}_input", "deflate_whole_sends", driven(deflate=(0x63, 3, 0, 0x0C), whole=True, actions=[
            (SEND, text | 7), (SEND_BINARY, noise | 12), (SEND, 14), (BEGIN, 0), (APPEND, text | 7), (FINISH, 7),
            (TAKE_ALL, 0), (SEND, 15)]))


compressing()

for target, files in seeds.items():
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    print(f"{target}: {len(files)} seeds, {sum(map(len, files.values()))} bytes")
