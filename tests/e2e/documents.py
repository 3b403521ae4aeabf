# SPDX-License-Identifier: MIT
"""documents: the blocks of README.md, the guides and the manual pages.

A block of a .md is what is indented by four spaces, and of a page what stands
between .EX and .EE. Before each is a comment that says what a test does with
it, in a .md as below and in a page behind .\\":

    <!-- run: NAME -->            the test that asks for NAME runs it
    <!-- conf: 2.3 -->            doveconf loads it, on 2.3, 2.4 or both; words
                                  that follow say where it belongs
    <!-- not run: REASON -->

As a program it prints the blocks of those names, for scripts that run them
elsewhere: documents.py NAME ...
"""

import collections
import glob
import os
import re
import shlex
import sys

TOP = os.environ.get("ROOST_E2E_TOP") or os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))))
GUIDES = ("README.md", "packaging/doc/*.md")
PAGES = "packaging/man/*.[1-8]"
MARK = re.compile(r"^(run|conf|not run): (.+)$")
# What stands for a byte in a page that a terminal would show otherwise.
ESCAPES = (("\\-", "-"), ("\\(ti", "~"), ("\\(ha", "^"), ("\\(ga", "`"),
           ("\\(aq", "'"), ("\\(dq", '"'), ("\\&", ""), ("\\fB", ""),
           ("\\fI", ""), ("\\fR", ""), ("\\e", "\\"))

Block = collections.namedtuple("Block", "path line kind name text")


def plain(text):
    """Returns the text of a page without what is for the formatter."""
    for written, shown in ESCAPES:
        text = text.replace(written, shown)
    return text


def _block(path, number, comment, lines):
    found = MARK.match(comment or "")
    kind, name = found.groups() if found else (None, comment)
    return Block(path, number, kind, name, "".join(
        line + "\n" for line in lines).rstrip("\n") + "\n")


def _guide_blocks(path, lines):
    comment, block, start = None, [], 0
    for number, line in enumerate(lines + ["the end"], 1):
        if line.startswith("    ") or (block and not line):
            start = start if block else number
            block.append(line[4:])
            continue
        if block:
            yield _block(path, start, comment, block)
            comment, block = None, []
        found = re.match(r"<!-- (.*) -->$", line)
        comment = found.group(1) if found else comment if not line else None


def _page_blocks(path, lines):
    comment = start = None
    for number, line in enumerate(lines, 1):
        if line == ".EX":
            start = number
        elif line == ".EE":
            yield _block(path, start + 1, comment,
                         [plain(text) for text in lines[start:number - 1]])
            start = None
        elif start is None:
            found = re.match(r'\.\\" (.*)$', line)
            comment = found and found.group(1)


def paths():
    """Returns the documents."""
    return sorted(os.path.relpath(path, TOP) for pattern in (*GUIDES, PAGES)
                  for path in glob.glob(os.path.join(TOP, pattern)))


def blocks():
    """Returns all blocks of all documents."""
    found = []
    for path in paths():
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            lines = file.read().split("\n")
        found += (_guide_blocks if path.endswith(".md") else _page_blocks)(
            path, lines)
    return found


def block(name):
    """Returns the text of the block that a test runs by this name."""
    found = [block for block in blocks()
             if (block.kind, block.name) == ("run", name)]
    assert len(found) == 1, (name, found)
    return found[0].text


def commands(name):
    """Returns the commands of such a block, each as a list of arguments."""
    return [shlex.split(line, comments=True)
            for line in block(name).splitlines()
            if not line.startswith("#")]


if __name__ == "__main__":
    sys.stdout.write("".join(map(block, sys.argv[1:])))
