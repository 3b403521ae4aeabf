# SPDX-License-Identifier: MIT
"""mailbox: what a client does with one mailbox of many messages.

Each command runs "first" on a copy of a state kept before, which is the same
each time, and then "again", each time in a process of its own. The states are
what delivery left behind, and what the first listing after it left behind.
Copies share the message files, which no command here writes, by hard links.
"""

import os
import shutil

import lively
import messages
import rows
import session
import systems
import writing

FIRST, AGAIN, CACHED, LOOKUP, WRITE = 1.5, 1.3, 0.5, 1.2, 1.15
BODIES, SEARCH = 1.2, 1.15
LIST = ("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE "
        "BODYSTRUCTURE)")
# (key, title, command, goals for the first time and again)
COMMANDS = (
    ("headers", "HEADER.FIELDS of 6 names", "FETCH 1:* BODY.PEEK["
     "HEADER.FIELDS (DATE FROM TO SUBJECT MESSAGE-ID REFERENCES)]",
     FIRST, LOOKUP),
    ("subject", "SEARCH SUBJECT, no hit", "SEARCH SUBJECT " +
     messages.ABSENT, FIRST, LOOKUP),
    ("sort-subject", "SORT (SUBJECT)", "SORT (SUBJECT) UTF-8 ALL", FIRST,
     AGAIN),
    ("sort-date", "SORT (DATE)", "SORT (DATE) UTF-8 ALL", FIRST, AGAIN),
    ("sort-from", "SORT (FROM)", "SORT (FROM) UTF-8 ALL", FIRST, AGAIN),
    ("thread", "THREAD REFERENCES", "THREAD REFERENCES UTF-8 ALL", FIRST,
     AGAIN),
    ("preview", "FETCH PREVIEW", "FETCH 1:* (PREVIEW)", FIRST, LOOKUP),
    ("bodies", "FETCH of all bodies", "FETCH 1:* BODY.PEEK[]", BODIES,
     BODIES),
    ("body", "SEARCH BODY, no hit", "SEARCH BODY " + messages.ABSENT,
     SEARCH, SEARCH),
)
DEAR = ("bodies", "body")
KEYWORD = (("keyword-set", "STORE of a keyword", "STORE 1:* +FLAGS (Fern)"),
           ("keyword-unset", "the keyword taken away",
            "STORE 1:* -FLAGS (Fern)"))
KINDS = {"append": "APPEND", "lmtp": "LMTP"}


def made_rows(size):
    """The rows of a mailbox of this size, in the order of the report."""
    of = ", %s messages" % rows.amount(size)
    for kind, said in KINDS.items():
        title = "listing after %s%s" % (said, of)
        yield rows.Row(rows.sized("list-%s-first" % kind, size),
                       title + ", first", FIRST)
        yield rows.Row(rows.sized("list-%s-again" % kind, size),
                       title + ", cached", CACHED)
    for key, title, _, first, again in COMMANDS:
        yield rows.Row(rows.sized(key + "-first", size),
                       title + of + ", first", first)
        yield rows.Row(rows.sized(key + "-again", size),
                       title + of + ", again", again)
    for key, title, _ in KEYWORD:
        yield rows.Row(rows.sized(key, size), title + of, WRITE)


def _copy(source, target, shared):
    """Copies a tree with its owners and times. Files whose paths below source
    are in shared are linked instead, unless they are there already."""
    folders = []
    for folder, _, names in os.walk(source):
        to = target + folder[len(source):]
        os.makedirs(to, exist_ok=True)
        folders.append((folder, to))
        for name in names:
            pair = os.path.join(folder, name), os.path.join(to, name)
            if os.path.relpath(pair[0], source) not in shared:
                shutil.copy2(*pair)
                folders.append(pair)
            elif not os.path.exists(pair[1]):
                os.link(*pair)
    for old, new in folders:
        found = os.stat(old)
        os.chown(new, found.st_uid, found.st_gid)
        shutil.copystat(old, new)


def _remove(top, kept):
    """Deletes all files of a tree whose paths below top are not in kept, and
    the folders that are empty then."""
    for folder, folders, names in os.walk(top, topdown=False):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.relpath(path, top) not in kept:
                os.unlink(path)
        if folder != top and not os.listdir(folder):
            os.rmdir(folder)


class Mailbox:
    """INBOX of one user on each of the servers. Works are kept under keys that
    end with the size, if there is one."""

    def __init__(self, bench, servers, user, size=None):
        self.bench = bench
        self.servers = servers
        self.names = tuple(servers)
        self.user = user
        self.size = size
        self.shared = {}

    def kept(self, name, state):
        return os.path.join(self.servers[name].root, "kept",
                            self.user + "-" + state)

    def _idle(self, name):
        processes = session.Processes(self.servers[name].process.pid)
        processes.none("imap")

    def _mails(self, name):
        """The paths of the message files below the user's home."""
        one = self.servers[name]
        home = one.home(self.user)
        return {os.path.relpath(path, home)
                for path in one.mail_files(self.user)}

    def keep(self, state):
        """Keeps the mailbox as it is now, under the name of this state."""
        for name, one in self.servers.items():
            self._idle(name)
            target = self.kept(name, state)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            self.shared[name, state] = self._mails(name)
            _copy(one.home(self.user), target, self.shared[name, state])

    def restore(self, state):
        """Brings back what was kept under this name. Message files that have
        kept their names stay where they are."""
        for name, one in self.servers.items():
            self._idle(name)
            home = one.home(self.user)
            shared = self.shared[name, state]
            if self._mails(name) == shared:
                _remove(home, shared)
            else:
                shutil.rmtree(home)
            _copy(self.kept(name, state), home, shared)
        os.sync()       # or the disk would be busy while it is measured

    def run(self, work, command, is_kept, is_same=True):
        """Measures a command on each server. What a login costs, such as
        opening a keyring by a password, is spent before."""
        if self.size:
            work = rows.sized(work, self.size)
        for name in self.bench.in_turn(self.names):
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


class Box:
    """The rows of a mailbox of one size. Only the first of the sizes is filled
    by delivery, too, which takes long."""

    def __init__(self, bench, size):
        self.bench = bench
        self.options = bench.options
        self.size = size

    def fill(self, servers, kind):
        """Fills a mailbox, measures how it is listed, and returns it."""
        self.bench.say("filling a mailbox by %s with %d messages" % (
            kind, self.size))
        box = Mailbox(self.bench, servers, kind, self.size)
        made = lively.make(self.size, self.options.seed)
        writing.fill(self.bench, servers, kind, kind,
                     writing.as_sent(kind, made))
        for name, one in servers.items():
            self.bench.check_stored(name, one, kind, self.size)
        box.keep("filled")
        box.rounds("filled", "list-" + kind, LIST, self.options.cheap,
                   is_same=kind == "append")
        return box

    def run(self):
        options = self.options
        servers = systems.start(
            os.path.join(self.bench.tmp, "box%d" % self.size),
            rows.WITHOUT_CRYPT, extra=systems.NO_FSYNC, users=tuple(KINDS),
            storage=options.storage)
        try:
            if self.size == options.lively:
                self.fill(servers, "lmtp")
            box = self.fill(servers, "append")
            box.keep("listed")
            box.commands("listed", options.cheap, options.reads)
            box.keywords("listed", options.cheap)
        finally:
            systems.stop(servers)
            for one in servers.values():
                one.remove()
