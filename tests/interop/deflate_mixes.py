"""Which parameters of permessage-deflate both ends mix, what they must agree on then (written from RFC
7692 7.1 and what each library says of itself), and the messages that go over each connection."""

import itertools
import json
import random

FLAGS = (False, True)
# What our end is given: see deflating.cpp. By the rows of the table.
OURS = {
    "as wide as it goes": {"takeover": 1, "peer_takeover": 1, "window_bits": 15, "peer_window_bits": 15,
                           "insists": 0, "min_size": 0},
    "our default": {"takeover": 1, "peer_takeover": 1, "window_bits": 12, "peer_window_bits": 12,
                    "insists": 0, "min_size": 64},
    "no takeover": {"takeover": 0, "peer_takeover": 0, "window_bits": 15, "peer_window_bits": 15,
                    "insists": 0, "min_size": 0},
    "9 bits, insisted on": {"takeover": 1, "peer_takeover": 1, "window_bits": 9, "peer_window_bits": 9,
                            "insists": 1, "min_size": 0},
}
WIDEST = "as wide as it goes"
MIXED_WITH_ALL = {"client": WIDEST, "server": "our default"}  # the others meet a few mixes
LARGE = "16 MiB"
BROWSERS_OFFER = (False, False, None, True)


def options_text(own):
    return ",".join(f"{name}={value}" for name, value in own.items())


def header(mix):
    """Parameters as they stand in the header; `True` is a parameter without a value."""
    names = ("server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits",
             "client_max_window_bits")
    return "; ".join(["permessage-deflate"] + [
        name if value is True else f"{name}={value}" for name, value in zip(names, mix) if value])


def is_same(header, other):
    return sorted(header.split("; ")) == sorted(other.split("; "))


# ---- What must be agreed on: the header's value; "" where compression is declined

def our_answer(offer, own):
    """Our server's answer to an offer."""
    no_server, no_client, server_bits, client_bits = offer
    ours, theirs = own["window_bits"], own["peer_window_bits"]
    if server_bits == 8 or own["insists"] and theirs < 15 and not client_bits:
        return ""
    asked = 15 if client_bits is True else client_bits
    limit = min(theirs, asked) if asked else 15
    return header((no_server or not own["takeover"], no_client or not own["peer_takeover"],
                   min(ours, server_bits) if server_bits else None, limit if limit < 15 else None))


def our_offers(own):
    no_server, no_client = not own["peer_takeover"], not own["takeover"]
    bits = own["peer_window_bits"] if own["insists"] and own["peer_window_bits"] < 15 else None
    offers = [(no_server, no_client, bits, True)]
    if not own["insists"] and (no_server or bits):
        offers.append((False, no_client, None, True))
    return offers


def answer_of_websockets(theirs, own):
    """Its tables in permessage_deflate.py: the first offer, made narrower."""
    no_server, no_client, server_bits, _ = our_offers(own)[0]
    bits = min(filter(None, (server_bits, theirs[2])), default=None)
    return header((no_server or theirs[0], no_client or theirs[1], bits, theirs[3]))


def answer_of_ws(theirs, own):
    """Its acceptAsServer: the first offer that does not ask for less than it was told to use."""
    for no_server, no_client, server_bits, _ in our_offers(own):
        if not (server_bits and theirs[2] and theirs[2] > server_bits):
            return header((no_server or theirs[0], no_client or theirs[1], theirs[2] or server_bits,
                           theirs[3]))
    return "refused with 400"


def answer_of_zlib(theirs, own):
    """Ours says what it likes; our client fails where it insisted on something else."""
    if own["insists"] and not (theirs[2] or 15) <= own["peer_window_bits"]:
        return "failed: the server's parameters of an extension are not what was offered"
    return header(theirs)


def mixes(server_bits, client_bits):
    return list(itertools.product(FLAGS, FLAGS, server_bits, client_bits))


FEW = mixes((None, 9, 10), (None, 10))
AS_CLIENT = {
    "ws": mixes((None, 9, 10, 12, 15), (None, True, 9, 10, 12, 15)),
    "websockets": mixes((None, 9, 10, 12, 15), (None, True, 9, 10, 12, 15)),
    "zlib": mixes((None, 8, 9, 10, 11, 12, 13, 14, 15), (None, True, 9, 12, 15)),
}
AS_SERVER = {
    "ws": (mixes((None, 9, 10, 12, 15), (None, 9, 10, 12, 15)), answer_of_ws),
    "websockets": (mixes((None, 9, 10, 12, 15), (None, 9, 10, 12, 15)), answer_of_websockets),
    "zlib": (mixes((None, 9, 12, 15), (None, 8, 9, 10, 11, 12, 13, 14, 15)), answer_of_zlib),
}


def plan(peer, role):
    """All connections of a peer: (row, our options, its parameters, what must be agreed on)."""
    every, answer = (AS_CLIENT[peer], our_answer) if role == "client" else AS_SERVER[peer]
    rows = []
    for row, own in OURS.items():
        some = every if row == MIXED_WITH_ALL[role] else FEW
        rows += [(row, options_text(own), mix, answer(mix, own)) for mix in some]
    own, mix = OURS[WIDEST], BROWSERS_OFFER if role == "client" else (False, False, None, None)
    rows.append((LARGE, options_text(own), mix, answer(mix, own)))
    return rows


def plan_as_json(peer, role):
    """The same with the parameters' text: [row, our options, text, parameters, what must be agreed on]."""
    return json.dumps([(row, own, header(mix), mix, agreed) for row, own, mix, agreed in plan(peer, role)])


def plan_of_browser():
    """(row, our options, what must be agreed on, whether 16 MiB go, too): a page chooses nothing."""
    return [(row, options_text(own), our_answer(BROWSERS_OFFER, own), row in MIXED_WITH_ALL.values())
            for row, own in OURS.items()]


# ---- What is sent

SMALL = (0, 1, 64, 125, 126, 1000)
MIDDLE = (65535, 65536, 300000)
MIB = 1 << 20
# Repeated at distances that each size of window but the smallest has, and the next smaller has not.
DISTANCES = (100, 300, 600, 1500, 3000, 6000, 12000, 24000)
CHARACTERS = [*map(chr, range(32, 127)), *"\u00e9\u00fc\u03ba\u4e16\u754c\U0001f600\U0001f44b"]


def units(random_units, is_compressible, size, some):
    """A list of units, of which some are repeated."""
    if not is_compressible:
        return random_units(size)
    out = []
    while len(out) < size:
        distance = some.choice(DISTANCES)
        if distance <= len(out) and some.random() < 0.7:
            begin = len(out) - distance
            out += out[begin:begin + min(distance, some.randrange(20, 100))]
        else:
            out += random_units(30)
    return out


def payload(is_text, is_compressible, size, some):
    """A text or bytes of this size; in bytes, also for a text."""
    if is_text:
        chosen = units(lambda n: some.choices(CHARACTERS, k=n), is_compressible, size, some)
        cut = "".join(chosen).encode()[:size].decode(errors="ignore")
        return cut + "." * (size - len(cut.encode()))
    return bytes(units(some.randbytes, is_compressible, size, some))


class Messages:
    """What goes over the connections: made once."""

    def __init__(self):
        some = random.Random(7692)
        kinds = list(itertools.product(FLAGS, FLAGS, FLAGS))  # text, random, in fragments
        make = lambda kind, size: (payload(kind[0], not kind[1], size, some), kind[2])
        self.small = [make(kind, size) for size in SMALL for kind in kinds]
        self.middle = [[make(kind, size) for kind in kinds] for size in MIDDLE]

    def of(self, row, number):
        """(payload, whether it goes in fragments) of one connection, by its number."""
        if row == LARGE:
            some = random.Random(16)
            text = payload(True, True, MIB, some) * 16
            return [(text, False), (text, True), (some.randbytes(16 * MIB), number % 2 == 1)]
        # Every kind in each of the sizes comes by within 8 connections; a compressible one in each.
        return self.small + [each[(number + step) % 8]
                             for each, step in zip(self.middle, (0, 3, 5))]


def pieces(message):
    """A message in fragments: cut inside of characters too where bytes are sent."""
    third, half = len(message) // 3, len(message) // 2
    return [message[:third], message[third:half], message[half:]]
