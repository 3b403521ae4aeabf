#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""rooms: rules about which folders of plugin/, the rooms, may use each other.

    rooms.py RULE          prints a line for each place that breaks the rule
    rooms.py --title RULE  prints the rule's title

It must run in the tree's top folder.  The table in rooms.md says which room may
know what: a whole other room, one file of it (core/err), a public header but
not the functions that it declares (roost/token.h), or Dovecot.  The file
"names" lists the symbols that do not begin with their file's name, each with
the reason.  The rules symbols, circles and names read the objects in BUILD.
"""
import collections
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import lint  # noqa: E402

TABLE = "tests/shape/rooms.md"
NAMES = "tests/shape/names"
HOUSE = "plugin/HOUSE.md"
BUILD = os.environ.get("BUILD", "build")
Room = collections.namedtuple("Room", "name purpose begin knows words")


def rooms():
    """Returns {name: Room}, the rows of the table."""
    found = {}
    with open(TABLE, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|")
                     .split("|")]
            if len(cells) == 5 and cells[0] != "room" and \
                    not cells[0].startswith("---"):
                name, purpose, begin, knows, words = cells
                found[name] = Room(
                    name, purpose, begin.strip("`"),
                    [word.strip() for word in knows.split(",")
                     if word.strip() not in ("", "-")],
                    [word.strip() for word in words.split(",") if word])
    return found


def folders():
    """Returns the names of the rooms that plugin/ has."""
    return sorted(name for name in os.listdir("plugin")
                  if os.path.isdir(os.path.join("plugin", name)))


def sources():
    """Yields (room, name, lines) of every C file."""
    for room in folders():
        for name in sorted(os.listdir(os.path.join("plugin", room))):
            if name.endswith((".c", ".h")):
                with open(os.path.join("plugin", room, name),
                          encoding="utf-8") as file:
                    yield room, name, file.read().split("\n")


def home_of(header):
    """Returns the file of plugin/, without its suffix, that implements a public
    header."""
    stem = os.path.basename(header)[:-len(".h")]
    if stem.startswith("flag"):
        return "rules/" + stem[len("flag"):]
    return "core/" + stem


def may_know(room, path, table):
    """Tells whether files of a room may use a file, whose path has no
    suffix."""
    other = path.split("/")[0]
    return other == room or other in table[room].knows or \
        path in table[room].knows


def rule_table():
    """rooms: each folder of plugin/ has its row, and HOUSE.md the table"""
    table = rooms()
    for name in sorted(set(folders()) ^ set(table)):
        yield f"{TABLE} or plugin/: only one of them has {name}"
    for room in table.values():
        path = os.path.join("include" if room.begin.startswith("roost/")
                            else "plugin", room.begin)
        if not os.path.exists(path):
            yield f"{TABLE}: {room.name} begins with {path}, which is not"
        for known in room.knows:
            if known.split("/")[0] not in {"Dovecot", "roost", *table}:
                yield f"{TABLE}: {room.name} knows {known}, which is no room"
    with open(TABLE, encoding="utf-8") as file:
        text = file.read()
    if not os.path.exists(HOUSE):
        yield f"there is no {HOUSE}"
        return
    with open(HOUSE, encoding="utf-8") as file:
        if text not in file.read():
            yield f"{HOUSE} does not show the table of {TABLE}"


def wrong_include(room, name, line, table):
    """Says what is wrong with a line; returns None if nothing is."""
    found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
    if not found:
        return None
    quote, path = found.groups()
    if path.startswith("roost/"):
        return None if path in table[room].knows or \
            may_know(room, home_of(path), table) else \
            f"may not know {path}"
    if quote == "<" and not path.endswith(("-storage.h", "mail-user.h")):
        return None
    head = path.split("/")[0]
    if "/" in path and head in table:
        if not os.path.exists(os.path.join("plugin", path)):
            return f"there is no plugin/{path}"
        return None if may_know(room, path[:-len(".h")], table) else \
            f"may not know {path}"
    if os.path.exists(os.path.join("plugin", room, path)) or \
            path.startswith("."):
        return f"does not say the room of {path}"
    return None if "Dovecot" in table[room].knows else \
        f"may not know Dovecot's {path}"


def rule_includes():
    """rooms: no include passes a wall"""
    table = rooms()
    for room, name, lines in sources():
        for number, line in enumerate(lines, 1):
            wrong = room in table and wrong_include(room, name, line, table)
            if wrong:
                yield f"plugin/{room}/{name}:{number}: {wrong}"


def symbols(path):
    """Returns the symbols that an object defines for others, and those that
    others must define for it."""
    done = subprocess.run(["nm", path], stdout=subprocess.PIPE, check=True,
                          universal_newlines=True)
    defined, wanted = set(), set()
    for line in done.stdout.splitlines():
        *_, kind, name = line.split()
        name = name.split("@")[0]
        if kind in "TDRBCV":
            defined.add(name)
        elif kind == "U":
            wanted.add(name)
    return defined, wanted


def objects():
    """Returns {room/stem: (defined, wanted symbols)} of every source that was
    compiled."""
    found = {}
    for room, name, _ in sources():
        path = f"{room}/{name[:-len('.c')]}"
        if name.endswith(".c") and os.path.exists(f"{BUILD}/{path}.o"):
            found[path] = symbols(f"{BUILD}/{path}.o")
    return found


def users(found):
    """Yields (file, other file, symbol) for each symbol of another file that a
    file uses. A symbol that its own room defines, too, is that one: another
    room answers instead of it, in a module that is linked without it."""
    owners = collections.defaultdict(list)
    for path, (defined, _) in found.items():
        for symbol in defined:
            owners[symbol].append(path)
    for path, (_, wanted) in found.items():
        for symbol in sorted(wanted):
            room = path.split("/")[0] + "/"
            near = [owner for owner in owners[symbol]
                    if owner.startswith(room)]
            for owner in near or owners[symbol]:
                yield path, owner, symbol


def rule_symbols():
    """rooms: no symbol passes a wall"""
    table = rooms()
    for path, owner, symbol in users(objects()):
        room = path.split("/")[0]
        if owner.endswith("/plugin") or \
                room in table and not may_know(room, owner, table):
            yield f"plugin/{path}.c: may not know {symbol} of {owner}"


def circles(edges):
    """Returns the groups of nodes that reach each other along the edges."""
    def reached(start):
        seen, left = set(), [start]
        while left:
            for node in edges[left.pop()]:
                if node not in seen:
                    seen.add(node)
                    left.append(node)
        return seen
    reach = {node: reached(node) for node in list(edges)}
    groups = {frozenset(other for other in reach[node]
                        if node in reach.get(other, ()))
              for node in reach if node in reach[node]}
    return sorted(map(sorted, groups))


def rule_circles():
    """rooms: no file uses one that uses it"""
    edges = collections.defaultdict(set)
    for path, owner, _ in users(objects()):
        edges[path].add(owner)
        edges[owner].update(())
    for group in circles(edges):
        yield "a circle: " + ", ".join(group)


def listed_names():
    """Returns {file: beginnings of symbols that are allowed there, too}."""
    found = {}
    with open(NAMES, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                path, words, reason = (cell.strip()
                                       for cell in line.split(":", 2))
                assert reason, line
                found[path] = words.split()
    return found


def beginnings(path, table):
    """Returns how the symbols of a file may begin after roost_: with its name,
    or the first or last word of its name, also behind a word of the room."""
    room, stem = path.split("/")
    stems = {stem.replace("-", "_"), stem.split("-")[0], stem.split("-")[-1]}
    return stems | {word + joint + stem for word in table[room].words
                    for joint in ("_", "") for stem in stems}


def rule_names():
    """rooms: symbols begin with the name of their file"""
    table, listed, used = rooms(), listed_names(), set()
    for path, (defined, _) in objects().items():
        if path.split("/")[0] not in table:
            continue
        allowed = beginnings(path, table)
        for symbol in sorted(defined):
            if path.endswith("/main") and symbol == "main":
                continue
            if any(re.match(f"(doveadm_)?roost_{word}(_|$)", symbol)
                   for word in allowed):
                continue
            word = next((word for word in listed.get(path, ())
                         if re.match(f"roost_{word}(_|$)", symbol)), None)
            if word is None:
                yield f"plugin/{path}.c: {symbol}"
            used.add((path, word))
    # A file that is for another major version of Dovecot defines no symbol in
    # this build, so that its entries cannot be judged.
    told = {path for path, (defined, _) in objects().items() if defined}
    for path, words in listed.items():
        for word in words:
            if (path, word) not in used and \
                    (path in told or not os.path.exists(f"plugin/{path}.c")):
                yield f"{NAMES}: {path} has no roost_{word}"


if __name__ == "__main__":
    sys.exit(lint.main(globals()))
