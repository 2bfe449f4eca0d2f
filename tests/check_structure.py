#!/usr/bin/python3
"""Checks the shape of the tree, so that no person has to: layers, includes, guards, mirrored tests.

The layers stand in include/hawser/README.md, in a fenced block that starts with ```layers and has
lines of the form `2: frame mask detail/sha1`: paths below include/hawser, without .hpp. A line that
starts with a space goes on with the layer of the line before.

Usage: check_structure.py [ROOT]
"""

import re
import sys
from pathlib import Path

UMBRELLA = "hawser"
EDGE_LAYER = 7  # Headers that touch an operating system or a library; not in the umbrella.
EDGES = ("adapters/", "codecs/", "testing/")  # Where they stand.

# What a core header may include of the standard library: cheap to compile, free of I/O.
CHEAP = set(
    "array bit cassert climits compare concepts cstddef cstdint cstring exception "
    "initializer_list iterator limits new span string string_view type_traits utility vector"
    .split())

# What one header alone may include beyond that, and why.
ALLOWED = {
    "system_entropy": (
        {"sys/random.h", "pthread.h", "random", "unistd.h", "cstdlib", "windows.h", "bcrypt.h"},
        "asks the operating system for random bytes, and notices a fork",
    ),
    "simd/": (
        {"immintrin.h", "emmintrin.h", "tmmintrin.h", "arm_neon.h", "wasm_simd128.h", "cpuid.h",
         "intrin.h", "sys/auxv.h"},
        "the kernels are written in intrinsics, and ask the processor which it has",
    ),
}

# Headers without a test file of their own, and why.
WITHOUT_TEST = {
    "hawser": "only includes the others; the consumer and the two translation units include it",
    "version": "macros and one constant; the install tests compare them with the package's version",
    "adapters/epoll": "how a connection reads and writes on epoll; tests/adapters/loop_connection.cpp runs on it",
    "adapters/uring": "how it does so on io_uring; tests/adapters/loop_connection.cpp runs on it, too",
    "detail/config": "macros for compilers; every other header uses them",
    "src": "compiles what others declare; tests/two_tus/ links a program with it",
    "codecs/zlib_src": "the same for zlib; the unit tests are linked with it (HAWSER_TESTS_SEPARATE)",
    "codecs/libdeflate_src": "the same for libdeflate; the unit tests are linked with it, too",
    "message_options": "an enumeration and a struct; tests/deflating_sender.cpp sends with each of them",
    "detail/request_fields": "how negotiation.hpp sees a request; tests/negotiation.cpp has every field",
    "simd/target": "macros for architectures; tests/simd/dispatch.cpp has the tiers that come of them",
    "simd/x86": "its kernels are reached by the tiers, each of which tests/kernels/ runs",
    "simd/neon": "its kernels are reached by the tiers, each of which tests/kernels/ runs",
    "simd/wasm": "its kernels are reached by the tiers, each of which tests/kernels/ runs",
}

PARTS = {".ipp", ".inc"}  # Texts that belong to the headers that include them.

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)


def read_layers(readme):
    """The layer of each header, and what is wrong with the block that says so."""
    if not readme.is_file():
        return {}, [f"{readme}: missing; it holds the table of layers"]
    block = re.search(r"^```layers\n(.*?)^```", readme.read_text(), re.MULTILINE | re.DOTALL)
    if not block:
        return {}, [f"{readme}: no block that starts with ```layers"]
    layers, faults, layer = {}, [], None
    for line in block.group(1).splitlines():
        head, colon, names = line.partition(":")
        if colon and head.strip().isdigit():
            layer = int(head)
        elif line.startswith((" ", "\t")) and layer is not None:
            names = line
        elif line.strip():
            faults.append(f"{readme}: cannot read the line of layers {line!r}")
            continue
        for name in names.split():
            if name in layers:
                faults.append(f"{readme}: {name} is listed twice")
            layers[name] = layer
    return layers, faults


def find_cycle(edges):
    """One cycle of includes as a list of names, or None."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name):] + [name]
        if name in done:
            return None
        path.append(name)
        for other in sorted(edges[name]):
            cycle = visit(other)
            if cycle:
                return cycle
        path.pop()
        done.add(name)
        return None

    for start in sorted(edges):
        cycle = visit(start)
        if cycle:
            return cycle
    return None


def reachable(edges, start):
    seen, left = set(), [start]
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left.extend(edges.get(name, ()))
    return seen


def may_include(name, header):
    if header in CHEAP:
        return True
    return any(header in headers and (name.startswith(key) if key.endswith("/") else
                                      name.rpartition("/")[2] == key)
               for key, (headers, _) in ALLOWED.items())


def includes_of(folder, path, seen):
    """What a file includes; for its parts (.ipp, .inc) what those include. `seen` collects parts."""
    for include in INCLUDE.findall(path.read_text()):
        part = folder.parent / include
        if part.suffix in PARTS and part.is_file():
            if part not in seen:
                seen.add(part)
                yield from includes_of(folder, part, seen)
        else:
            yield include


def check_includes(folder, layers):
    """Layers, guards and what a core header includes. Answers the faults and who includes whom."""
    faults, edges, parts = [], {}, set()
    headers = {path.relative_to(folder).with_suffix("").as_posix(): path
               for path in sorted(folder.rglob("*.hpp"))}
    for name, path in headers.items():
        text = path.read_text()
        own_parts = set()
        edges[name] = set()
        if not re.search(r"^#pragma once$", text, re.MULTILINE):
            faults.append(f"{name}: no #pragma once")
        if name not in layers:
            faults.append(f"{name}: in no layer of include/hawser/README.md")
        elif name.startswith(EDGES) and layers[name] < EDGE_LAYER:
            faults.append(f"{name}: stands at the edge, but not in layer {EDGE_LAYER}")
        for include in includes_of(folder, path, own_parts):
            if not include.startswith("hawser/"):
                is_core = not name.startswith(EDGES) and layers.get(name, 0) < EDGE_LAYER
                if is_core and not may_include(name, include):
                    faults.append(f"{name}: a core header must not include <{include}>")
                continue
            if not (folder.parent / include).is_file():
                faults.append(f"{name}: includes {include}, which is not there")
            else:
                other = include[len("hawser/"):-len(".hpp")]
                edges[name].add(other)
                if layers.get(other, 0) > layers.get(name, EDGE_LAYER):
                    faults.append(f"{name} (layer {layers[name]}): includes {other} "
                                  f"of the higher layer {layers[other]}")
        parts |= own_parts
    for path in sorted(folder.rglob("*")):
        if path.suffix in PARTS and path not in parts:
            faults.append(f"{path.relative_to(folder)}: no header includes it")
    for name in sorted(set(layers) - set(headers)):
        faults.append(f"{name}: stands in the table of layers, but there is no such header")
    cycle = find_cycle(edges)
    if cycle:
        faults.append("headers include each other: " + " -> ".join(cycle))
    return faults, edges


def check_umbrella(edges, layers):
    if UMBRELLA not in edges:
        return [f"{UMBRELLA}.hpp is missing"]
    inside = reachable(edges, UMBRELLA)
    faults = [f"{UMBRELLA}.hpp does not reach {name}" for name in sorted(edges)
              if layers.get(name, EDGE_LAYER) < EDGE_LAYER and name not in inside]
    faults += [f"{UMBRELLA}.hpp reaches {name}, which is no core header" for name in sorted(inside)
               if layers.get(name, 0) >= EDGE_LAYER and name != UMBRELLA]
    return faults


def check_tests(tests, headers):
    faults = []
    for name in sorted(headers):
        mirrored = (tests / f"{name}.cpp").is_file()
        if name in WITHOUT_TEST and mirrored:
            faults.append(f"{name}: has a test, so it needs no reason for having none")
        elif name not in WITHOUT_TEST and not mirrored:
            faults.append(f"{name}: no tests/{name}.cpp")
    for target in sorted((tests / "fuzz").glob("*.cpp")):
        corpus = tests / "fuzz" / "corpus" / target.stem
        if not corpus.is_dir() or not any(corpus.iterdir()):
            faults.append(f"tests/fuzz/{target.name}: no inputs in corpus/{target.stem}/")
    return faults


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    folder = root / "include" / "hawser"
    layers, faults = read_layers(folder / "README.md")
    found, edges = check_includes(folder, layers)
    faults += found
    faults += check_umbrella(edges, layers)
    faults += check_tests(root / "tests", edges)
    for fault in faults:
        print(fault)
    print(f"{len(edges)} headers in {len(set(layers.values()))} layers, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
