# SPDX-License-Identifier: MIT
"""mails: reading a mailbox of large and small messages, and one of 25 MB in
parts, with mail_crypt beside the others."""

import os

import mailbox
import messages
import rows
import session
import systems
import writing

USER, BIG = "mails", "big"
RANGE = 65536
LISTING = "FETCH 1:* (ENVELOPE BODYSTRUCTURE)"
READING = (("fetch", "FETCH 1:* BODY.PEEK[]", 1.2,
            "FETCH 1:* BODY.PEEK[]"),
           ("search", "SEARCH BODY, no hit", 1.15,
            "SEARCH BODY " + messages.ABSENT))


def _parts():
    for kind in ("crlf", "lf"):
        name = kind.upper()
        yield rows.Row("partial-%s-cold" % kind,
                       "64 KiB at the end of the big one, " + name, 1.1)
        yield rows.Row("partial-%s-next" % kind,
                       "the next 64 KiB, " + name, 1.0, is_below=True)


ROWS = tuple(rows.Row(key, title, goal)
             for key, title, goal, _ in READING) + (
    rows.Row("listing-first", "FETCH ENVELOPE BODYSTRUCTURE, first",
             mailbox.FIRST),
    rows.Row("listing-again", "the same, cached", mailbox.CACHED),
) + tuple(_parts())


class Mails:
    def __init__(self, bench):
        self.bench = bench
        self.options = bench.options

    def reading(self, servers, mails):
        self.bench.say("filling a mailbox with %d messages" % len(mails))
        box = mailbox.Mailbox(self.bench, servers, USER)
        writing.fill(self.bench, servers, USER, "append", mails)
        for name, one in servers.items():
            self.bench.check_stored(name, one, USER, len(mails))
        box.keep("filled")
        box.rounds("filled", "listing", LISTING, self.options.writes)
        for key, _, _, command in READING:
            for number in range(self.options.reads + 1):
                self.bench.say("%s, round %d" % (key, number))
                box.run(key, command, number > 0)

    def part(self, servers, kind, is_kept):
        start = self.options.big * 24 // 25
        for name in self.bench.in_turn(tuple(servers)):
            with session.Session(servers[name], BIG, "INBOX") as imap:
                for work, off in (("cold", start), ("next", start + RANGE)):
                    work = "partial-%s-%s" % (kind, work)
                    sample, count = imap.measure(
                        "FETCH 1 BODY.PEEK[]<%d.%d>" % (off, RANGE))
                    self.bench.same(work, count)
                    if is_kept:
                        self.bench.add(work, name, sample)

    def parts(self, servers, kind):
        self.bench.say("partial FETCH, " + kind)
        big = messages.make_one(self.options.big, self.options.seed)
        for name, one in servers.items():
            with session.Session(one, BIG) as imap:
                imap.append("INBOX", [big])
            self.bench.check_stored(name, one, BIG, 1)
        for number in range(self.options.short + 1):
            self.part(servers, kind, number > 0)

    def run(self):
        options = self.options
        self.bench.say("making %d messages" % options.messages)
        mails = messages.make(options.messages, options.bytes, options.seed)
        servers = systems.start(os.path.join(self.bench.tmp, "mails"),
                                rows.SYSTEMS, extra=systems.NO_FSYNC,
                                users=(USER, BIG),
                                storage=options.storage)
        try:
            self.reading(servers, mails)
            self.parts(servers, "lf")
        finally:
            systems.stop(servers)
        servers = systems.start(os.path.join(self.bench.tmp, "crlf"),
                                rows.SYSTEMS, users=(BIG,),
                                storage="maildir", crlf=True)
        try:
            self.parts(servers, "crlf")
        finally:
            systems.stop(servers)
