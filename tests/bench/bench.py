# SPDX-License-Identifier: MIT
"""bench: plain Dovecot, mail_crypt and Roost side by side.

    tests/e2e/run -- /usr/bin/python3 tests/bench/bench.py [options]

Every system has a server of its own and gets the same mailbox. They are
measured in turn, each round beginning with another one, and a ratio is the
median of the rounds' ratios, so that a busy machine weighs on all alike.
Times are a client's; beside them stands the processor time of the server's
process that did the work. Goals are printed, never asserted.
"""

import argparse
import datetime
import os
import sys
import time
import traceback

TOP = os.environ["ROOST_E2E_TOP"]
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))

import about  # noqa: E402
import against  # noqa: E402
import disks  # noqa: E402
import flagbox  # noqa: E402
import inplace  # noqa: E402
import logins  # noqa: E402
import mailbox  # noqa: E402
import mails  # noqa: E402
import report  # noqa: E402
import server  # noqa: E402
import sessions  # noqa: E402
import writing  # noqa: E402

SIGNS = {"mail_crypt": b"CRYPTED\x03\x07", "roost": server.MAGIC}
PARTS = ("writing", "mails", "box", "flags", "sessions", "inplace", "logins")
# {option: (default, with --small, what it is)}
NUMBERS = {
    "messages": (2000, 200, "how many large and small messages"),
    "bytes": (None, None, "of these together (77000 each)"),
    "big": (25000000, 25000000, "bytes of the message that is read in parts"),
    "waiting": (1000, 40, "sessions at once that wait"),
    "writes": (3, 1, "rounds of what writes to a disk or takes long"),
    "reads": (7, 2, "rounds of FETCH, SEARCH, and writing to a tmpfs"),
    "short": (21, 3, "rounds of what is short"),
    "cheap": (11, 2, "rounds of commands on the lively mailboxes"),
}
ROUNDS = ("writes", "reads", "short", "cheap")
SIZES = ((5000, 20000), (300, 600))


def begins(one, user):
    """Yields (path, its first bytes) of each stored message."""
    for path in one.mail_files(user):
        with open(path, "rb") as file:
            content = file.read()
        starts = [0] if one.storage == "maildir" else \
            [start for start, _ in server.dbox_messages(content)]
        for start in starts:
            yield path, content[start:start + 16]


class Bench:
    """What all parts share: options, samples and notes."""

    def __init__(self, options):
        self.options = options
        self.tmp = os.path.join(os.environ["ROOST_E2E_TMP"], "bench")
        os.makedirs(self.tmp)
        self.samples = {}
        self.bytes = {}
        self.notes = []
        self.rounds = 0

    def say(self, text):
        print("%s %s" % (time.strftime("%H:%M:%S"), text), file=sys.stderr,
              flush=True)

    def note(self, text):
        """Keeps what the report must say beside its tables."""
        self.say(text)
        self.notes.append(text)

    def add(self, work, system, sample):
        self.samples.setdefault(work, {}).setdefault(system, []).append(
            sample)

    def same(self, work, count):
        """Asserts that every system answers this with as many bytes."""
        assert self.bytes.setdefault(work, count) == count, \
            "%s: %d bytes, not %d" % (work, count, self.bytes[work])

    def in_turn(self, names):
        """The names, each time beginning with another one."""
        self.rounds += 1
        shift = self.rounds % len(names)
        return names[shift:] + names[:shift]

    def check_stored(self, name, one, user, count):
        """Asserts that the stored messages look as this system's do, and
        that there are so many."""
        wanted = {"password": "roost", "flags": "plain"}.get(name, name)
        found = 0
        for path, begin in begins(one, user):
            seen = [sign for sign, magic in SIGNS.items()
                    if begin.startswith(magic)]
            assert seen == [wanted][:wanted != "plain"], (name, seen, path)
            found += 1
        assert found == count, "%s stored %d of %d" % (name, found, count)

    def parts(self):
        """Yields what the parts that were asked for consist of."""
        made = {"writing": (writing.Writing,), "mails": (mails.Mails,),
                "sessions": (sessions.Sessions,),
                "inplace": (inplace.InPlace,), "logins": (logins.Logins,)}
        for part in self.options.part or PARTS:
            if part in made:
                yield from (kind(self) for kind in made[part])
                continue
            kind = {"box": mailbox.Box, "flags": flagbox.Flags}[part]
            yield from (kind(self, size) for size in self.options.box)

    def run(self):
        """Returns whether everything was measured. What was measured before
        something failed is kept."""
        if disks.kind(self.tmp) == "tmpfs":
            self.note("What is called a disk here is a tmpfs, too.")
        self.load = [os.getloadavg()]
        is_whole = True
        try:
            for part in self.parts():
                part.run()
        except (AssertionError, OSError) as error:
            traceback.print_exc()
            self.note("This run broke off: %s." % (error or repr(error)))
            is_whole = False
        self.load.append(os.getloadavg())
        return is_whole

    def kind(self):
        """What a run must have in common with one that it is compared
        with."""
        options = self.options
        return {
            "dovecot": "%d.%d.%d" % server.VERSION,
            "machine": about.machine(),
            "storage": options.storage,
            "disk": disks.kind(self.tmp),
            "sizes": {name: getattr(options, name) for name in
                      ("messages", "bytes", "big", "lively", "waiting",
                       "seed")},
        }

    def result(self):
        return dict(
            self.kind(),
            format=against.FORMAT,
            date=datetime.date.today().isoformat(),
            commit=self.options.commit or about.commit(TOP),
            box=self.options.box,
            rounds={name: getattr(self.options, name) for name in ROUNDS},
            load=self.load,
            notes=self.notes,
            samples=self.samples)


def _numbers(text):
    found = [int(word) for word in text.split(",")]
    if min(found) < 100:
        raise ValueError("a mailbox has 100 messages at least")
    return found


def parse():
    parser = argparse.ArgumentParser(description="Plain Dovecot, mail_crypt "
                                     "and Roost side by side.")
    add = parser.add_argument
    add("--small", action="store_true", help="a quick run of everything")
    add("--part", action="append", choices=PARTS, help="of the "
        "measurements (all)")
    add("--storage", choices=server.STORAGES, default="sdbox")
    for name, (default, small, told) in NUMBERS.items():
        add("--" + name, type=int, help="%s (%s; small: %s)" % (
            told, default, small) if default else told)
    add("--box", type=_numbers, metavar="N,N", help="messages of the lively "
        "mailboxes (5000,20000; small: 300,600); 100000 takes an hour more")
    add("--tmpfs", default=os.path.join(os.environ["ROOST_E2E_TMP"],
                                        "servers"),
        help="a folder on a tmpfs (one is mounted for the run)")
    add("--seed", type=int, default=1)
    add("--against", metavar="FILE", help="compare with an earlier "
        "bench.json")
    add("--commit", help="what was measured, if git does not know it")
    add("--out", default=os.path.join(TOP, os.environ.get("BUILD", "build"),
                                      "bench"), help="folder of the results")
    return complete(parser.parse_args())


def complete(options):
    """Fills in what was not asked for."""
    for name, (default, small, _) in NUMBERS.items():
        if getattr(options, name) is None:
            setattr(options, name, small if options.small else default)
    options.bytes = options.bytes or 77000 * options.messages
    options.box = options.box or list(SIZES[options.small])
    options.lively = options.box[0]
    assert all(getattr(options, name) > 0 for name in NUMBERS)
    return options


def main():
    options = parse()
    if server.PLAIN:
        sys.exit("bench: ROOST_E2E_PLAIN=1 leaves nothing to measure")
    bench = Bench(options)
    earlier = None
    try:
        # Before an hour is spent on what cannot be compared.
        if options.against:
            earlier = against.read(options.against)
            against.check(earlier, bench.kind())
    except against.Refused as refused:
        sys.exit("bench: %s" % refused)
    is_whole = bench.run()
    report.write(bench.result(), options.out, earlier)
    sys.exit(not is_whole)


main()
