"""What the peers that are written in Python share: how an outcome is told, and interop_deflating."""

import contextlib
import re
import subprocess


def require(holds, what):
    if not holds:
        raise AssertionError(what)


class Outcomes:
    """Prints an outcome for each case."""

    def __init__(self):
        self.status = 0

    @contextlib.contextmanager
    def case(self, *names):
        name = ": ".join(names)
        try:
            yield
            print("ok", name, flush=True)
        except Exception as wrong:
            self.status = 1
            print(f"FAILED {name}\t{type(wrong).__name__} {wrong}".replace("\r\n", " "), flush=True)


class Ours:
    """Our end."""

    @staticmethod
    @contextlib.contextmanager
    def serving(program, options):
        """A server for each of these options: gives their ports by options."""
        options = list(dict.fromkeys(options))
        with subprocess.Popen([program, "serve", *options], stdout=subprocess.PIPE, text=True) as ours:
            try:
                ports = re.findall(r"\d+", ours.stdout.readline())
                require(len(ports) == len(options), "interop_deflating does not start")
                yield dict(zip(options, map(int, ports)))
            finally:
                ours.terminate()

    @staticmethod
    @contextlib.contextmanager
    def echoing(program, options, url, count):
        """Our client on this URL, so many times: gives what tells how the next one ended."""
        with subprocess.Popen([program, "echo", options, *[url] * count], stdout=subprocess.PIPE,
                              text=True) as ours:
            try:
                yield lambda: ours.stdout.readline().rstrip("\n")
            finally:
                ours.terminate()
