# SPDX-License-Identifier: MIT
"""flagbox: what rules for custom flags cost.

Plain Dovecot is compared with one that has the plugin `roost_flags` and its
default rules, without anything else of Roost, and with Roost and these rules.
Messages are small, because only their flags are worked on.
"""

import os

import mailbox
import rows
import session
import systems

GOAL = 1.1
USER = "flags"
TAGS = " ".join("tag%d" % number for number in range(5))
MANY, TAGGED = 200, 200
# Rules speak of $Junk and $NotJunk: they are looked up in each message, and
# setting the one clears the other. A client that does both pays 1.67.
STORES = (
    ("flags-set", "STORE of a keyword, rules", "STORE 1:* +FLAGS (Fern)",
     GOAL),
    ("flags-unset", "the keyword taken away, rules",
     "STORE 1:* -FLAGS (Fern)", GOAL),
    ("flags-junk", "STORE of $Junk, rules", "STORE 1:* +FLAGS ($Junk)", 1.3),
    ("flags-ham", "STORE of $NotJunk after it, rules",
     "STORE 1:* +FLAGS ($NotJunk)", 1.6),
)


def made_rows(size):
    """The rows of a mailbox of this size."""
    for key, title, _, goal in STORES:
        yield rows.Row(rows.sized(key, size), "%s, %s messages" % (
            title, rows.amount(size)), goal, ("flags",))


ROWS = (rows.Row("flags-append", "APPEND with keywords, rules", GOAL,
                 ("flags",)),
        rows.Row("flags-select", "SELECT with 200 keywords, rules", GOAL,
                 ("flags",)))


def make(count):
    """So many small messages, with CRLF lines."""
    return [b"From: a@example.org\r\nSubject: %d\r\nDate: Thu, 01 Jan 2026 "
            b"00:00:00 +0000\r\nMessage-ID: <%d@example.org>\r\n\r\nText "
            b"of a small message.\r\n" % (number, number)
            for number in range(count)]


def _names(imap, count):
    """Gives the mailbox so many names of keywords, which no message keeps."""
    names = ["name%03d" % number for number in range(count)]
    for start in range(0, count, 50):
        imap.run("STORE 1 +FLAGS (%s)" % " ".join(names[start:start + 50]))
        imap.run("STORE 1 -FLAGS (%s)" % " ".join(names[start:start + 50]))


class Flags:
    def __init__(self, bench, size):
        self.bench = bench
        self.options = bench.options
        self.size = size

    def append(self, servers, mails, is_kept, name_of_box):
        os.sync()
        for name in self.bench.in_turn(rows.WITH_RULES):
            with session.Session(servers[name], USER) as imap:
                imap.run("CREATE " + name_of_box)
                sample = imap.append(name_of_box, mails, "(\\Seen %s)" % TAGS)
                if is_kept:
                    self.bench.add("flags-append", name, sample)

    def select(self, servers, is_kept):
        for name in self.bench.in_turn(rows.WITH_RULES):
            with session.Session(servers[name], USER) as imap:
                imap.run("STATUS INBOX (MESSAGES)")
                sample, _ = imap.measure("SELECT Many")
                if is_kept:
                    self.bench.add("flags-select", name, sample)

    @staticmethod
    def many(servers):
        for one in servers.values():
            with session.Session(one, USER) as imap:
                imap.run("CREATE Many")
                imap.append("Many", make(10))
                imap.run("SELECT Many")
                _names(imap, MANY)

    def stores(self, servers):
        mails = make(self.size)
        for name, one in servers.items():
            with session.Session(one, USER) as imap:
                imap.append("INBOX", mails)
            self.bench.check_stored(name, one, USER, self.size)
        box = mailbox.Mailbox(self.bench, servers, USER, self.size)
        box.keep("filled")
        for number in range(self.options.cheap + 1):
            self.bench.say("flags, %d messages, round %d" % (self.size,
                                                             number))
            box.restore("filled")
            for work, _, command, _ in STORES:
                box.run(work, command, number > 0, is_same=False)

    def other(self, servers):
        """What does not depend on how many messages the mailbox has."""
        self.many(servers)
        for number in range(self.options.cheap + 1):
            self.select(servers, number > 0)
            self.append(servers, make(min(self.size, TAGGED)), number > 0,
                        "Tagged%d" % number)

    def run(self):
        servers = systems.start(
            os.path.join(self.bench.tmp, "flags%d" % self.size),
            rows.WITH_RULES, rules=True, users=(USER,),
            storage=self.options.storage)
        try:
            self.stores(servers)
            if self.size == self.options.lively:
                self.other(servers)
        finally:
            systems.stop(servers)
            for one in servers.values():
                one.remove()
