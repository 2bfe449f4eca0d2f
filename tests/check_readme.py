#!/usr/bin/python3
"""Checks that the README is true where a script can tell.

- A fenced block behind `<!-- from PATH -->` is the part of PATH between `// [readme]` and `// [/readme]`;
  behind `<!-- from PATH NAME -->` the part that begins with `// [readme NAME]`.
- Every member of `limits` and `timeouts` stands in a table.
- Every link to a file leads to one.

Usage: check_readme.py [--write] [ROOT]      (--write: puts the parts of the files into the README)
"""

import re
import sys
import textwrap
from pathlib import Path

BLOCK = re.compile(r"(<!-- from (\S+)(?: (\w+))? -->\n```cpp\n)(.*?)(```\n)", re.DOTALL)
MEMBER = re.compile(r"^  (?:[\w:]+) (\w+) = ", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def find_part(source, name):
    """The lines between the marks, moved to the left edge; None where there are none."""
    mark = re.escape(f"// [readme {name}]" if name else "// [readme]")
    text = source.read_text() if source.is_file() else ""
    part = re.search(rf"^ *{mark}\n(.*?)^ *// \[/readme\]\n", text, re.MULTILINE | re.DOTALL)
    return textwrap.dedent(part.group(1)) if part else None


def main(arguments):
    write = "--write" in arguments
    rest = [each for each in arguments if each != "--write"]
    root = Path(rest[0]) if rest else Path(__file__).resolve().parent.parent
    readme = root / "README.md"
    text = readme.read_text()
    faults = []

    blocks = 0

    def replace(match):
        nonlocal blocks
        blocks += 1
        head, path, name, shown, end = match.groups()
        part = find_part(root / path, name)
        if part is None:
            faults.append(f"README.md: {path} has no part for it")
            return match.group(0)
        if part != shown and not write:
            faults.append(f"README.md: its program is not that of {path}")
        return head + part + end

    replaced = BLOCK.sub(replace, text)
    if blocks == 0:
        faults.append("README.md: it shows no program")
    if write:
        readme.write_text(replaced)

    for header in ("limits", "timeouts"):
        members = MEMBER.findall((root / f"include/hawser/{header}.hpp").read_text())
        if not members:
            faults.append(f"{header}.hpp: no members found")
        faults += [f"README.md: no row for {member} of {header}" for member in members
                   if f"| `{member}` |" not in text]

    faults += [f"README.md: {link} leads nowhere" for link in LINK.findall(text)
               if not (root / link).exists()]

    for fault in faults:
        print(fault)
    print(f"{blocks} programs, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
