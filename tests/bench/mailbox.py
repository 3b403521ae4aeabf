# SPDX-License-Identifier: MIT
"""mailbox: what a client does with one mailbox of many messages.

Each command runs "first" on a copy of a state kept before, which is the same
each time, and then "again", each time in a process of its own. The states are
what delivery left behind, and what the first listing after it left behind.
Copies share the message files, which no command here writes, by hard links.
"""

import os
import shutil

import messages
import session

NAMES = ("plain", "roost")
FIRST, AGAIN, WRITE = 1.5, 1.3, 1.15
LIST = ("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE "
        "BODYSTRUCTURE)")
# (key, title, command, goals for the first time and again)
COMMANDS = (
    ("headers", "HEADER.FIELDS of 6 names", "FETCH 1:* BODY.PEEK["
     "HEADER.FIELDS (DATE FROM TO SUBJECT MESSAGE-ID REFERENCES)]",
     FIRST, AGAIN),
    ("subject", "SEARCH SUBJECT, no hit", "SEARCH SUBJECT " +
     messages.ABSENT, FIRST, AGAIN),
    ("sort-subject", "SORT (SUBJECT)", "SORT (SUBJECT) UTF-8 ALL", FIRST,
     AGAIN),
    ("sort-date", "SORT (DATE)", "SORT (DATE) UTF-8 ALL", FIRST, AGAIN),
    ("sort-from", "SORT (FROM)", "SORT (FROM) UTF-8 ALL", FIRST, AGAIN),
    ("thread", "THREAD REFERENCES", "THREAD REFERENCES UTF-8 ALL", FIRST,
     AGAIN),
    ("preview", "FETCH PREVIEW", "FETCH 1:* (PREVIEW)", FIRST, AGAIN),
    ("bodies", "FETCH of all bodies", "FETCH 1:* BODY.PEEK[]", 1.3, 1.3),
    ("body", "SEARCH BODY, no hit", "SEARCH BODY " + messages.ABSENT, 1.4,
     1.4),
)
DEAR = ("bodies", "body")
KEYWORD = (("keyword-set", "STORE of a keyword", "STORE 1:* +FLAGS (Fern)"),
           ("keyword-unset", "the keyword taken away",
            "STORE 1:* -FLAGS (Fern)"))


def _works():
    """Each work as (key, title, goal), in the order of the report."""
    yield "box-append", "APPEND, lively mailbox", WRITE
    yield "box-lmtp", "LMTP, lively mailbox", WRITE
    yield "box-locked", "LMTP, lively mailbox, password mode", WRITE
    for key, title in (("append", "listing after APPEND"),
                       ("lmtp", "listing after LMTP"),
                       ("locked", "listing after LMTP, password mode")):
        yield "list-%s-first" % key, title + ", first", FIRST
        yield "list-%s-again" % key, title + ", cached", AGAIN
    for key, title, _, first, again in COMMANDS:
        yield key + "-first", title + ", first", first
        yield key + "-again", title + ", again", again
    for key, title, _ in KEYWORD:
        yield key, title, WRITE


WORKS = tuple(_works())


def _copy(source, target, shared):
    """Copies a tree with its owners and times. Files whose paths below source
    are in shared are linked instead."""
    folders = []
    for folder, _, names in os.walk(source):
        to = target + folder[len(source):]
        os.mkdir(to)
        folders.append((folder, to))
        for name in names:
            pair = os.path.join(folder, name), os.path.join(to, name)
            if os.path.relpath(pair[0], source) in shared:
                os.link(*pair)
            else:
                shutil.copy2(*pair)
                folders.append(pair)
    for old, new in folders:
        found = os.stat(old)
        os.chown(new, found.st_uid, found.st_gid)
        shutil.copystat(old, new)


class Mailbox:
    """INBOX of one user on each of the servers."""

    def __init__(self, bench, servers, user):
        self.bench = bench
        self.servers = servers
        self.user = user
        self.shared = {}

    def kept(self, name, state):
        return os.path.join(self.servers[name].root, "kept",
                            self.user + "-" + state)

    def _idle(self, name):
        processes = session.Processes(self.servers[name].process.pid)
        processes.none("imap")

    def keep(self, state):
        """Keeps the mailbox as it is now, under the name of this state."""
        for name, one in self.servers.items():
            self._idle(name)
            target = self.kept(name, state)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            home = one.home(self.user)
            shared = {os.path.relpath(path, home)
                      for path in one.mail_files(self.user)}
            self.shared[name, state] = shared
            _copy(home, target, shared)

    def restore(self, state):
        """Brings back what was kept under this name."""
        for name, one in self.servers.items():
            self._idle(name)
            shutil.rmtree(one.home(self.user))
            _copy(self.kept(name, state), one.home(self.user),
                  self.shared[name, state])
        os.sync()       # or the disk would be busy while it is measured

    # Filling it

    def fill(self, kind, mails):
        """Fills the mailbox by APPEND or by delivery. The first message is not
        measured, because it makes mailbox and keyring."""
        put = self._append if kind == "append" else self._deliver
        for name in self.bench.in_turn(NAMES):
            self.bench.add("box-" + kind, name,
                           put(self.servers[name], mails))

    def _append(self, one, mails):
        with session.Session(one, self.user) as imap:
            imap.append("INBOX", mails[:1])
            os.sync()
            return imap.append("INBOX", mails[1:])

    def _deliver(self, one, wire):
        with session.Lmtp(one) as lmtp:
            lmtp.deliver(self.user, wire[:1])
            os.sync()
            return lmtp.deliver(self.user, wire[1:])

    # Using it

    def run(self, work, command, is_kept, is_same=True):
        """Measures a command on each server. What a login costs, such as
        opening a keyring by a password, is spent before."""
        for name in self.bench.in_turn(NAMES):
            with session.Session(self.servers[name], self.user,
                                 "INBOX") as imap:
                imap.run("FETCH 1 BODY.PEEK[]<0.1>")
                sample, count = imap.measure(command)
            if is_same:
                self.bench.same(work, count)
            if is_kept:
                self.bench.add(work, name, sample)

    def rounds(self, state, key, command, count, is_same=True):
        """Measures a command on the mailbox as it was kept, the first time and
        again, in so many rounds after one that is not counted."""
        self.bench.say("%s, %d rounds" % (key, count))
        for number in range(count + 1):
            self.restore(state)
            self.run(key + "-first", command, number > 0, is_same)
            self.run(key + "-again", command, number > 0, is_same)

    def commands(self, state, cheap, dear):
        for key, _, command, _, _ in COMMANDS:
            self.rounds(state, key, command, dear if key in DEAR else cheap)

    def keywords(self, state, count):
        self.bench.say("keyword, %d rounds" % count)
        for number in range(count + 1):
            self.restore(state)
            for work, _, command in KEYWORD:
                self.run(work, command, number > 0)
