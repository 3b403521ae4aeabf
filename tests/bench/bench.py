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
import os
import platform
import sys
import time

TOP = os.environ["ROOST_E2E_TOP"]
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))

import flagbox  # noqa: E402
import inplace  # noqa: E402
import lively  # noqa: E402
import logins  # noqa: E402
import mailbox  # noqa: E402
import messages  # noqa: E402
import report  # noqa: E402
import server  # noqa: E402
import session  # noqa: E402
import systems  # noqa: E402

SIGNS = {"mail_crypt": b"CRYPTED\x03\x07", "roost": server.MAGIC}
RANGE = 65536
PARTS = ("mails", "box", "flags", "inplace", "logins")


class Bench:
    def __init__(self, options):
        self.options = options
        self.tmp = os.path.join(os.environ["ROOST_E2E_TMP"], "bench")
        self.samples = {}
        self.bytes = {}
        self.rounds = 0
        self.total = self.box_total = 0

    def say(self, text):
        print("%s %s" % (time.strftime("%H:%M:%S"), text), file=sys.stderr,
              flush=True)

    def add(self, work, system, sample):
        self.samples.setdefault(work, {}).setdefault(system, []).append(
            sample)

    def same(self, work, count):
        """Asserts that every system answers this with as many bytes."""
        assert self.bytes.setdefault(work, count) == count, \
            "%s: %d bytes, not %d" % (work, count, self.bytes[work])

    def in_turn(self, names=systems.SYSTEMS):
        """The names, each time beginning with another one."""
        self.rounds += 1
        shift = self.rounds % len(names)
        return names[shift:] + names[:shift]

    # What is measured

    def check_stored(self, name, one, user, count):
        """Asserts that the stored messages look as this system's do, and
        that there are so many, unless count is None."""
        stored = one.objects(user)
        assert count is None or len(stored) == count, \
            "%s stored %d of %d" % (name, len(stored), count)
        for path, _, content in stored:
            seen = [sign for sign, magic in SIGNS.items()
                    if content.startswith(magic)]
            assert seen == [name][:name != "plain"], (name, seen, path)

    def append(self, servers, mails, user, mailbox="All"):
        for name in self.in_turn():
            with session.Session(servers[name], user) as imap:
                imap.append("INBOX", mails[1:2])
                imap.run("CREATE " + mailbox)
                os.sync()
                sample = imap.append(mailbox, mails)
                self.add("append", name, sample)
            self.check_stored(name, servers[name], user, len(mails) + 1)
        self.listing(servers, user, mailbox)

    def listing(self, servers, user, mailbox):
        for name in self.in_turn():
            for work in ("listing-cold", "listing-cached"):
                with session.Session(servers[name], user, mailbox) as imap:
                    sample, count = imap.measure(
                        "FETCH 1:* (ENVELOPE BODYSTRUCTURE)")
                    self.same("listing", count)
                    self.add(work, name, sample)

    def lmtp(self, servers, wire, user):
        for name in self.in_turn():
            with session.Lmtp(servers[name]) as lmtp:
                lmtp.deliver(user, wire[1:2])
                os.sync()
                self.add("lmtp", name, lmtp.deliver(user, wire))
            self.check_stored(name, servers[name], user, len(wire) + 1)

    def read_all(self, servers, user, is_kept=True):
        for name in self.in_turn():
            with session.Session(servers[name], user, "All") as imap:
                sample, count = imap.measure("FETCH 1:* BODY.PEEK[]")
                self.same("fetch", count)
                if is_kept:
                    self.add("fetch", name, sample)
                    self.add("memory", name, session.memory(imap.pid))

    def search(self, servers, user, is_kept=True):
        for name in self.in_turn():
            with session.Session(servers[name], user, "All") as imap:
                sample, count = imap.measure("SEARCH BODY " +
                                             messages.ABSENT)
                self.same("search", count)
                if is_kept:
                    self.add("search", name, sample)

    def partial(self, servers, kind, is_kept=True):
        start = self.options.big * 24 // 25
        for name in self.in_turn():
            with session.Session(servers[name], "big", "INBOX") as imap:
                for work, off in (("cold", start), ("next", start + RANGE)):
                    work = "partial-%s-%s" % (kind, work)
                    sample, count = imap.measure(
                        "FETCH 1 BODY.PEEK[]<%d.%d>" % (off, RANGE))
                    self.same(work, count)
                    if is_kept:
                        self.add(work, name, sample)

    def login(self, servers, user, is_kept=True):
        for name in self.in_turn():
            with session.Session(servers[name], user, "All") as imap:
                sample = {"wall": imap.ready - imap.started,
                          "cpu": session.cpu(imap.pid)}
                if is_kept:
                    self.add("login", name, sample)

    # The whole

    def put_big(self, servers):
        big = messages.make_one(self.options.big, self.options.seed)
        for name, one in servers.items():
            with session.Session(one, "big") as imap:
                imap.append("INBOX", [big])
            self.check_stored(name, one, "big", 1)

    def writing(self, servers, mails):
        """Deletes nothing in between, because file systems are slow to make
        files where some were just deleted."""
        wire = [server.smtp_data(mail) for mail in mails]
        for number in range(self.options.writes):
            self.say("APPEND, round %d" % (number + 1))
            self.append(servers, mails, "append%d" % number)
        for number in range(self.options.writes):
            self.say("LMTP, round %d" % (number + 1))
            self.lmtp(servers, wire, "lmtp%d" % number)

    def reading(self, servers):
        user = "append%d" % (self.options.writes - 1)
        for work in (self.read_all, self.search):
            work(servers, user, is_kept=False)
            for number in range(self.options.reads):
                self.say("%s, round %d" % (work.__name__, number + 1))
                work(servers, user)
        self.say("login")
        self.login(servers, user, is_kept=False)
        for _ in range(self.options.short):
            self.login(servers, user)

    def ranges(self, servers, kind):
        self.say("partial FETCH, " + kind)
        self.put_big(servers)
        self.partial(servers, kind, is_kept=False)
        for _ in range(self.options.short):
            self.partial(servers, kind)

    def users(self):
        return ["big"] + ["%s%d" % (kind, number)
                          for kind in ("append", "lmtp")
                          for number in range(self.options.writes)]

    def mails_part(self):
        options = self.options
        self.say("making %d messages" % options.messages)
        mails = messages.make(options.messages, options.bytes, options.seed)
        self.total = sum(map(len, mails))
        servers = systems.start(os.path.join(self.tmp, "main"),
                                options.storage, False, self.users())
        try:
            self.writing(servers, mails)
            del mails
            self.reading(servers)
            self.ranges(servers, "lf")
        finally:
            systems.stop(servers)
        servers = systems.start(os.path.join(self.tmp, "crlf"), "maildir",
                                True, self.users())
        try:
            self.ranges(servers, "crlf")
        finally:
            systems.stop(servers)

    def fill(self, servers, kind, mails):
        """Fills several mailboxes alike, and returns the last one."""
        for number in range(self.options.writes):
            self.say("lively mailbox by %s, round %d" % (kind, number + 1))
            box = mailbox.Mailbox(self, servers, "%s%d" % (kind, number))
            box.fill(kind, mails)
        for name, one in servers.items():
            self.check_stored(name, one, box.user, len(mails))
        box.keep("delivered")
        box.rounds("delivered", "list-" + kind, mailbox.LIST,
                   self.options.cheap, is_same=kind == "append")
        return box

    def box_part(self):
        options = self.options
        self.say("making %d lively messages" % options.box)
        mails = lively.make(options.box, options.seed)
        self.box_total = sum(map(len, mails))
        wire = [server.smtp_data(mail) for mail in mails]
        servers = systems.start(os.path.join(self.tmp, "box"),
                                options.storage, False, self.users(),
                                mailbox.NAMES)
        try:
            self.fill(servers, "lmtp", wire)
            box = self.fill(servers, "append", mails)
            box.keep("listed")
            box.commands("listed", options.cheap, options.reads)
            box.keywords("listed", options.cheap)
        finally:
            systems.stop(servers)
        self.locked_part(wire)

    def locked_part(self, wire):
        """Delivers in password mode, where a delivery cannot open what it has
        sealed, but the client's login can."""
        servers = systems.start(os.path.join(self.tmp, "locked"),
                                self.options.storage, False, ("locked",),
                                mailbox.NAMES, secret=True)
        try:
            box = mailbox.Mailbox(self, servers, "locked")
            servers["roost"].init_password_mode("locked")
            box.fill("locked", wire)
            box.keep("delivered")
            box.rounds("delivered", "list-locked", mailbox.LIST,
                       self.options.cheap, is_same=False)
        finally:
            systems.stop(servers)

    def flags_part(self):
        servers = systems.start_flags(os.path.join(self.tmp, "flags"),
                                      self.options.storage, (flagbox.USER,))
        try:
            flagbox.Flags(self, servers).run(self.options.box,
                                             self.options.cheap)
        finally:
            systems.stop(servers)

    def inplace_part(self):
        options = self.options
        self.say("making %d messages" % options.messages)
        mails = messages.make(options.messages, options.bytes, options.seed)
        self.total = sum(map(len, mails))
        servers = systems.start(os.path.join(self.tmp, "inplace"),
                                options.storage, False, (inplace.USER,),
                                ("roost",))
        try:
            inplace.InPlace(self, servers["roost"]).run(mails,
                                                        options.writes)
        finally:
            systems.stop(servers)

    def logins_part(self):
        one, cache = logins.start(os.path.join(self.tmp, "logins"),
                                  self.options.storage)
        try:
            logins.Logins(self, one, cache).run(self.options.short)
        finally:
            one.stop()

    def run(self):
        self.load = [os.getloadavg()]
        for part in self.options.part or PARTS:
            getattr(self, part + "_part")()
        self.load.append(os.getloadavg())

    def result(self):
        return {
            "dovecot": "%d.%d.%d" % server.VERSION,
            "machine": "%s, %d processors" % (platform.machine(),
                                              os.cpu_count()),
            "storage": self.options.storage,
            "seed": self.options.seed,
            "load": self.load,
            "messages": self.options.messages,
            "bytes": self.total,
            "big": self.options.big,
            "box": self.options.box,
            "box_bytes": self.box_total,
            "samples": self.samples,
        }


def parse():
    parser = argparse.ArgumentParser(description="Plain Dovecot, mail_crypt "
                                     "and Roost side by side.")
    add = parser.add_argument
    add("--small", action="store_true", help="a quick run: 200 messages")
    add("--part", action="append", choices=PARTS, help="of the "
        "measurements (all)")
    add("--storage", choices=server.STORAGES, default="sdbox")
    add("--messages", type=int, help="how many (2000)")
    add("--bytes", type=int, help="of all together (154000000)")
    add("--box", type=int, help="messages of the lively mailbox (5000)")
    add("--big", type=int, default=25000000, help="bytes of the message "
        "that is read in parts")
    add("--seed", type=int, default=1)
    add("--writes", type=int, default=3, help="rounds of APPEND and LMTP")
    add("--reads", type=int, default=7, help="rounds of FETCH and SEARCH")
    add("--short", type=int, default=21, help="rounds of what is short")
    add("--cheap", type=int, default=11, help="rounds of commands on the "
        "lively mailbox")
    add("--out", default=os.path.join(TOP, os.environ.get("BUILD", "build"),
                                      "bench"), help="folder of the results")
    options = parser.parse_args()
    options.messages = options.messages or (200 if options.small else 2000)
    options.box = options.box or (500 if options.small else 5000)
    options.bytes = options.bytes or 77000 * options.messages
    assert options.writes > 0 and options.reads > 0 and options.short > 0 and \
        options.cheap > 0
    return options


def main():
    options = parse()
    if server.PLAIN:
        sys.exit("bench: ROOST_E2E_PLAIN=1 leaves nothing to measure")
    bench = Bench(options)
    bench.run()
    report.write(bench.result(), options.out)


main()
