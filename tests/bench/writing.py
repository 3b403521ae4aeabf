# SPDX-License-Identifier: MIT
"""writing: what APPEND and delivery by LMTP cost, on a disk and on a tmpfs.

All systems are filled at the same time: each in its turn gets some messages,
and a round's time is their sum. So whatever else the disk does weighs on all
alike. The first message is not measured, because it makes the mailbox.
"""

import contextlib
import os
import shutil

import disks
import lively
import messages
import rows
import server
import session
import systems

GOAL = 1.15
AT_ONCE = 50
# {kind of messages: (title, systems)}
KINDS = {"mails": ("large and small messages", rows.SYSTEMS),
         "lively": ("lively messages", rows.WITHOUT_CRYPT)}
WAYS = {"append": "APPEND", "lmtp": "LMTP"}
PLACES = {"disk": "disk", "tmpfs": "tmpfs"}


def _key(way, kind, place):
    return "write-%s-%s-%s" % (way, kind, place)


ROWS = tuple(rows.Row(_key(way, kind, place), "%s, %s, %s" % (
    said, title, where), GOAL) for place, where in PLACES.items()
    for kind, (title, _) in KINDS.items() for way, said in WAYS.items())


class _Append:
    def __init__(self, one, user):
        self.imap = session.Session(one, user)

    def put(self, mails):
        return self.imap.append("INBOX", mails)

    def close(self):
        self.imap.sock.close()


class _Deliver:
    def __init__(self, one, user):
        self.lmtp, self.user = session.Lmtp(one), user

    def put(self, mails):
        return self.lmtp.deliver(self.user, mails)

    def close(self):
        self.lmtp.close()


WRITERS = {"append": _Append, "lmtp": _Deliver}


def as_sent(way, mails):
    """The messages as this way of writing sends them, one after another."""
    return map(server.smtp_data, mails) if way == "lmtp" else mails


def fill(bench, servers, user, way, mails):
    """Writes the messages to the user's INBOX on each of the servers, and
    returns {system: {wall, cpu}}. The messages may be of any iterator, which
    is not read at once, and look as this way of writing sends them."""
    spent = {name: {"wall": 0.0, "cpu": 0.0} for name in servers}
    with contextlib.ExitStack() as stack:
        writers = {}
        for name, one in servers.items():
            writers[name] = WRITERS[way](one, user)
            stack.callback(writers[name].close)
        mails = iter(mails)
        first = [next(mails)]
        for writer in writers.values():
            writer.put(first)
        os.sync()
        for some in messages.in_groups(mails, AT_ONCE):
            for name in bench.in_turn(tuple(servers)):
                sample = writers[name].put(some)
                for field, value in sample.items():
                    spent[name][field] += value
    return spent


class Writing:
    def __init__(self, bench):
        self.bench = bench
        self.options = bench.options

    def rounds(self, servers, place, kind, mails, count):
        """On a disk nothing is deleted in between, because file systems are
        slow to make files where some were just deleted."""
        for way in WAYS:
            for number in range(count):
                self.bench.say("%s, %s, %s, round %d" % (way, kind, place,
                                                         number + 1))
                user = "%s%d" % (way, number)
                spent = fill(self.bench, servers, user, way,
                             as_sent(way, mails))
                for name, sample in spent.items():
                    self.bench.add(_key(way, kind, place), name, sample)
                    self.bench.check_stored(name, servers[name], user,
                                            len(mails))
                if place == "tmpfs":
                    self.forget(servers, user)

    @staticmethod
    def forget(servers, user):
        for one in servers.values():
            session.Processes(one.process.pid).none("imap")
            shutil.rmtree(one.home(user))

    def place(self, folder, place, made, count):
        users = ["%s%d" % (way, number) for way in WAYS
                 for number in range(count)]
        for kind, mails in made.items():
            servers = systems.start(
                os.path.join(folder, kind), KINDS[kind][1], users=users,
                storage=self.options.storage)
            try:
                self.rounds(servers, place, kind, mails, count)
            finally:
                systems.stop(servers)
                for one in servers.values():
                    one.remove()

    def run(self):
        options = self.options
        self.bench.say("making messages to write")
        made = {"mails": messages.make(options.messages, options.bytes,
                                       options.seed),
                "lively": list(lively.make(options.lively, options.seed))}
        self.place(os.path.join(self.bench.tmp, "writing"), "disk", made,
                   options.writes)
        needed = max(sum(map(len, mails)) * len(KINDS[kind][1])
                     for kind, mails in made.items())
        reason = disks.why_not(options.tmpfs, needed)
        if reason:
            self.bench.note("Writing on a tmpfs was not measured, because %s."
                            % reason)
            return
        self.place(os.path.join(options.tmpfs, "writing"), "tmpfs", made,
                   options.reads)
