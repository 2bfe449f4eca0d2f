"""A peer that compresses by Python's zlib alone, and keeps to what was agreed on to the letter."""

import zlib

from peer import CONTINUATION, PING, PONG, Peer, frame_header, mask

RSV1 = 0x40
TAIL = b"\0\0\xff\xff"
HEADER = "Sec-WebSocket-Extensions"


def parameters(value):
    """What an accepted extension says: its parameters by name; None where there is none."""
    if value is None:
        return None
    name, *rest = [part.strip() for part in value.split(";")]
    assert name == "permessage-deflate", value
    found = {}
    for part in rest:
        key, _, text = part.partition("=")
        assert key not in found, value
        found[key] = int(text) if text else True
    return found


class StrictInflater:
    """Inflates with a window of so many bits, and no byte more than a step: zlib itself looks back as
    far as the output of one call goes, whatever its window."""

    def __init__(self, bits):
        self.bits = bits
        self.inflater = zlib.decompressobj(-bits)

    def inflate(self, payload):
        step = 1 if len(payload) <= 4096 else 64 if len(payload) < 1 << 20 else 4096
        payload += TAIL
        parts = []
        behind = b""
        for begin in range(0, len(payload), 4096):  # for what is left over is copied at each step
            rest = payload[begin:begin + 4096]
            if self.inflater.eof:
                behind += rest
                continue
            while rest and not self.inflater.eof:
                parts.append(self.inflater.decompress(rest, step))
                rest = self.inflater.unconsumed_tail
        while part := self.inflater.decompress(b"", step):
            parts.append(part)
        # RFC 7692 7.2.3.4: behind a block with BFINAL stands an empty one.
        assert self.inflater.unused_data + behind == (b"\0" + TAIL if self.inflater.eof else b"")
        return b"".join(parts)


class Context:
    """One direction: compresses, or inflates with no more of a window than was agreed on."""

    def __init__(self, agreed, side):
        self.takes_over = f"{side}_no_context_takeover" not in agreed
        self.promised_bits = agreed.get(f"{side}_max_window_bits", 15)
        self.bits = max(9, self.promised_bits)  # zlib's smallest
        self.begin()

    def begin(self):
        self.compressor = zlib.compressobj(6, zlib.DEFLATED, -self.bits)
        self.inflater = StrictInflater(self.bits)

    def compress(self, data):
        out = self.compressor.compress(data) + self.compressor.flush(zlib.Z_SYNC_FLUSH)
        assert out.endswith(TAIL)
        if not self.takes_over:
            self.begin()
        return out[:-4] or b"\0"

    def inflate(self, payload):
        data = self.inflater.inflate(payload)
        assert not self.inflater.inflater.eof or not self.takes_over
        if not self.takes_over:
            self.begin()
        return data


class Deflating(Peer):
    """A peer that reads and writes compressed messages."""

    def agree(self, value, is_client):
        self.agreed = parameters(value)
        if self.agreed is not None:
            sides = ("client", "server") if is_client else ("server", "client")
            self.outward, self.inward = (Context(self.agreed, side) for side in sides)

    def send_message(self, opcode, data, compressed=True, cuts=()):
        first = opcode
        if compressed and self.agreed is not None:
            data, first = self.outward.compress(data), opcode | RSV1
        places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
        for number, (begin, end) in enumerate(zip(places, places[1:])):
            part = data[begin:end]
            is_last = number == len(places) - 2
            head = frame_header(first if number == 0 else CONTINUATION, len(part), is_last, self.key)
            self.write(head + (mask(part, self.key) if self.key else part))
            if cuts:
                self.send(PING, b"between")

    def read_message(self):
        """(opcode, payload, whether it was compressed)"""
        parts, opcode, is_compressed = [], None, False
        while True:
            first = self.read(1)[0]
            self.pending = bytes([first & ~RSV1]) + self.pending
            code, payload, fin = self.read_frame()
            if code == PONG:
                continue
            assert not first & RSV1 or opcode is None, "RSV1 on a continuation"
            if opcode is None:
                opcode, is_compressed = code, bool(first & RSV1)
            parts.append(payload)
            if fin:
                break
        data = b"".join(parts)
        self.size_on_the_wire = len(data)
        assert not is_compressed or self.agreed is not None, "compressed without an agreement"
        return opcode, self.inflated(data) if is_compressed else data, is_compressed

    def inflated(self, payload):
        return self.inward.inflate(payload)
