#!/usr/bin/python3
"""Checks that every test that a README names by its tag exists, ran and passed.

The READMEs of conformance/ and security/ map rules and attacks to tags in the form `[tag]`. The programs of
those folders are run once; a tag that none of them has is looked for in the unit tests.

Usage: check_tags.py ROOT PROGRAMS      (PROGRAMS: the folder of the tests' programs)
"""

import re
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

TAG = re.compile(r"`(\[[a-z0-9][a-z0-9.-]*\])`")


def run(tags, program, *selection):
    """Adds the tags of the test cases that ran to `tags`, with whether all of each passed."""
    result = subprocess.run([program, "-r", "xml", *selection], stdout=subprocess.PIPE, check=False)
    for case in xml.fromstring(result.stdout).iter("TestCase"):
        outcome = case.find("OverallResult")
        passed = outcome is not None and outcome.get("success") == "true"
        for tag in re.findall(r"\[[^\]]+\]", case.get("tags", "")):
            tags[tag] = tags.get(tag, True) and passed


def main(root, programs):
    faults, named = [], {}
    for folder in ("conformance", "security"):
        readme = root / "tests" / folder / "README.md"
        found = TAG.findall(readme.read_text()) if readme.is_file() else []
        if not found:
            faults.append(f"{readme}: names no tag")
        for tag in found:
            named.setdefault(tag, readme)

    ran = {}
    run(ran, programs / "conformance")
    run(ran, programs / "security")
    elsewhere = sorted(tag for tag in named if tag not in ran)
    if elsewhere:
        run(ran, programs / "unit", ",".join(elsewhere))
    for tag, readme in named.items():
        if tag not in ran:
            faults.append(f"{readme}: no test has the tag {tag}, or it did not run")
        elif not ran[tag]:
            faults.append(f"{readme}: a test of {tag} failed")

    for fault in faults:
        print(fault)
    print(f"{len(named)} tags, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
