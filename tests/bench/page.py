# SPDX-License-Identifier: MIT
"""page: the page with the last results of both majors.

    page.py PAGE SECTION.md

puts a section, which the bench has written as bench.md, into the page in the
place of the section of the same major. What was not measured says so. The page
ends with where.md, which tells what the dearer rows pay for.
"""

import os
import re
import sys

MAJORS = ("2.3", "2.4")
HEAD = """# What it costs

Plain Dovecot, Dovecot with `mail_crypt`, and Roost in provider mode and in
password mode, each a server of its own on one machine, measured in turn. A
ratio is the median of the rounds' ratios to plain, with the lowest and the
highest round; "lowest" compares the lowest times of all rounds, and "processor"
the time that a processor has worked. `make bench` measures it all, and
`python3 tests/bench/page.py tests/BENCH.md build/bench/bench.md` puts what it
wrote here.
"""
WHERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "where.md")
MISSING = "## Dovecot %s\n\nNot measured yet.\n"


def section(title, subtitle, tables, notes):
    """One run as a section: its tables are lists of rows, the first of each
    being the heading."""
    parts = ["## %s\n\n%s." % (title, subtitle)] + list(notes)
    for table in tables:
        lines = [table[0], ["---"] * len(table[0])] + table[1:]
        parts.append("\n".join("| %s |" % " | ".join(line)
                               for line in lines))
    return "\n\n".join(parts) + "\n"


def sections(text):
    """{major: section} of a page or of one section."""
    found = {}
    for part in re.split(r"(?m)^(?=## )", text):
        named = re.match(r"## Dovecot (\d+\.\d+)", part)
        if named:
            found[named.group(1)] = part.rstrip() + "\n"
    return found


def put(text, new):
    """The page with a section put into its place."""
    found = sections(text)
    given = sections(new)
    if len(given) != 1 or not set(given) <= set(MAJORS):
        raise ValueError("this is not one section of Dovecot %s" %
                         " or ".join(MAJORS))
    found.update(given)
    with open(WHERE) as file:
        where = file.read()
    return "\n".join([HEAD] + [found.get(major, MISSING % major)
                               for major in MAJORS] + [where])


def main():
    page, path = sys.argv[1:]
    text = ""
    if os.path.exists(page):
        with open(page) as file:
            text = file.read()
    with open(path) as file:
        try:
            text = put(text, file.read())
        except ValueError as error:
            sys.exit("page: %s: %s" % (path, error))
    with open(page, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
