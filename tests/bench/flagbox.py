# SPDX-License-Identifier: MIT
"""flagbox: what rules for custom flags cost, without anything else of Roost.

Plain Dovecot is compared with one that has the plugin `roost_flags` and its
default rules. Messages are small, because only their flags are worked on.
"""

import mailbox
import session

NAMES = mailbox.NAMES
GOAL = 1.1
USER = "flags"
TAGS = " ".join("tag%d" % number for number in range(5))
MANY = 200
STORES = (
    ("flags-set", "STORE of a keyword, rules", "STORE 1:* +FLAGS (Fern)"),
    ("flags-unset", "the keyword taken away, rules",
     "STORE 1:* -FLAGS (Fern)"),
    ("flags-junk", "STORE of $Junk, rules", "STORE 1:* +FLAGS ($Junk)"),
    ("flags-ham", "STORE of $NotJunk after it, rules",
     "STORE 1:* +FLAGS ($NotJunk)"),
)
# $Junk and $NotJunk have no goals, because rules speak of them: they are
# looked up in each message, and setting the one clears the other.
WORKS = tuple((key, title, GOAL if "Fern" in command else None)
              for key, title, command in STORES) + (
    ("flags-append", "APPEND with keywords, rules", GOAL),
    ("flags-select", "SELECT with 200 keywords, rules", GOAL),
)


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
    def __init__(self, bench, servers):
        self.bench = bench
        self.servers = servers
        self.box = mailbox.Mailbox(bench, servers, USER)

    def append(self, mails, flags, is_kept, mailbox_name):
        for name in self.bench.in_turn(NAMES):
            with session.Session(self.servers[name], USER) as imap:
                imap.run("CREATE " + mailbox_name)
                sample = imap.append(mailbox_name, mails, flags)
                if is_kept:
                    self.bench.add("flags-append", name, sample)

    def stores(self, is_kept):
        self.box.restore("filled")
        for work, _, command in STORES:
            self.box.run(work, command, is_kept, is_same=False)

    def select(self, is_kept):
        for name in self.bench.in_turn(NAMES):
            with session.Session(self.servers[name], USER) as imap:
                imap.run("STATUS INBOX (MESSAGES)")
                sample, _ = imap.measure("SELECT Many")
                if is_kept:
                    self.bench.add("flags-select", name, sample)

    def many(self):
        for one in self.servers.values():
            with session.Session(one, USER) as imap:
                imap.run("CREATE Many")
                imap.append("Many", make(10))
                imap.run("SELECT Many")
                _names(imap, MANY)

    def run(self, count, rounds):
        mails = make(count)
        for one in self.servers.values():
            with session.Session(one, USER) as imap:
                imap.append("INBOX", mails)
        self.box.keep("filled")
        for number in range(rounds + 1):
            self.bench.say("flags, round %d" % number)
            self.stores(number > 0)
        self.many()
        for number in range(rounds + 1):
            self.select(number > 0)
            self.append(mails[:500], "(\\Seen %s)" % TAGS, number > 0,
                        "Tagged%d" % number)
