# SPDX-License-Identifier: MIT
"""A large mailbox is sealed in place while it is in use: one session reads,
another waits in IDLE, a third delivers. Nobody is disconnected, nothing that
was told before is told otherwise, and mbsync has nothing to do.
"""

import concurrent.futures
import os
import random
import re

import pytest

import apart
import corpus
import logwatch
import mbsynckit
import rewritekit as kit
import server as servers

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="commands of Roost")

# All storages have the same sessions; one of them shows that it scales.
COUNTS = {"maildir": 2000, "sdbox": 2000, "mdbox": 10000}
AT_ONCE = 500
# mbsync would expunge what is deleted.
FLAGS = kit.FLAGS[:-1] + (r"\Draft",)
READS = 20
FETCH = "(UID FLAGS MODSEQ INTERNALDATE RFC822.SIZE ENVELOPE BODY.PEEK[])"
HARMLESS = r"object-changed\]; it is served|" \
    r"stat\(\) failed with file .*cache"


def message(number):
    return (b"From: sender%d@sender.example\r\nTo: b@receiver.example\r\n"
            b"Subject: number %d of many\r\n"
            b"Date: Wed, 01 Jan 2020 10:00:00 +0000\r\n"
            b"Message-ID: <%d.many@sender.example>\r\n\r\n"
            b"body of %d\r\n" % ((number,) * 4)) + \
        b"a line of some length, as there are many\r\n" * (number % 60)


def fill(server, user, count):
    """Stores messages without Roost, many in one command."""
    with apart.Imap(server, user, kit.plain_conf(server)) as client:
        for first in range(0, count, AT_ONCE):
            parts = ["APPEND INBOX"]
            for number in range(first, min(first + AT_ONCE, count)):
                flags = FLAGS[number % len(FLAGS)]
                date = kit.DATES[number % len(kit.DATES)]
                parts += [' (%s) "%s" ' % (flags, date), (message(number),)]
            client.ok(*parts)
        # From now on Dovecot keeps MODSEQs.
        client.ok("SELECT INBOX")
        client.ok("FETCH 1:* (MODSEQ)")


class Told:
    """All that clients are told of the first messages of a mailbox."""

    def __init__(self, server, user, conf, count):
        with apart.Imap(server, user, conf) as client:
            selected = b"".join(client.ok("SELECT INBOX").untagged)
            self.validity = re.search(rb"UIDVALIDITY \d+", selected)[0]
            self.fetched = [line for line in client.ok(
                "FETCH 1:%d %s" % (count, FETCH)).untagged
                if b" FETCH (" in line]
        self.uidl = apart.uidl(server, user, conf)[:count]
        rows = kit.fetched(server, user)
        self.rows = rows[:count + 1]

    def assert_same(self, other):
        assert self.validity == other.validity
        for kind in "fetched", "uidl", "rows":
            pairs = zip(getattr(self, kind), getattr(other, kind))
            assert len(getattr(self, kind)) == len(getattr(other, kind))
            differing = [pair for pair in pairs if pair[0] != pair[1]]
            assert differing == [], (kind, len(differing), differing[:2])


class Sessions:
    """Clients that were there before, and go on."""

    def __init__(self, server, user, told):
        self.server, self.user, self.told = server, user, told
        self.count = len(told.fetched)
        self.random = random.Random(corpus.SEED)
        self.reader, self.idler = server.raw(user), server.raw(user)
        for client in self.clients():
            client.ok("SELECT INBOX")
        self.pids = [server.session_pid(client) for client in self.clients()]
        self.idler.idle()
        self.lmtp = server.lmtp()
        self.delivered = 0

    def clients(self):
        return self.reader, self.idler

    def deliver(self):
        assert self.server.deliver(
            b"Subject: delivered %d\r\n\r\nmeanwhile\r\n" % self.delivered,
            self.user, client=self.lmtp)[0][0] == 250
        self.delivered += 1

    def read(self):
        """Reads some messages, which must be what they were."""
        numbers = sorted(self.random.sample(range(1, self.count + 1), READS))
        lines = [line for line in self.reader.ok("FETCH %s %s" % (
            ",".join(map(str, numbers)), FETCH)).untagged
            if re.match(rb"\* \d+ FETCH \(UID .* BODY\[\]", line, re.S)]
        assert lines == [self.told.fetched[number - 1] for number in numbers]

    def end(self):
        """Asserts that each of them is still the same, and is told of the new
        messages."""
        self.idler.done()
        for client, pid in zip(self.clients(), self.pids):
            client.ok("NOOP")
            assert self.server.session_pid(client) == pid
            assert logwatch.is_open(client)
            assert client.ok("SEARCH ALL").untagged[-1].split()[-1] == \
                b"%d" % (self.count + self.delivered)
            client.logout()
        self.lmtp.quit()


def local(folder):
    """Returns {name: inode} of what mbsync has stored, and its own notes."""
    inbox = folder / "mail" / "INBOX"
    notes = sorted((folder / "mail").glob("state-*")) + \
        sorted(inbox.glob(".mbsyncstate*"))
    assert notes
    return ({path.name: path.stat().st_ino
             for path in mbsynckit.maildir_files(inbox)},
            [path.read_bytes() for path in notes])


@pytest.mark.parametrize("storage", kit.STORAGES)
def test_many_are_sealed_in_use(make_server, tmp_path, storage):
    count = COUNTS[storage]
    server = make_server(storage, users=["alice"])
    fill(server, "alice", count)
    kit.init(server, "alice")
    mbsynckit.mbsync(server, "alice", tmp_path)
    told = Told(server, "alice", kit.plain_conf(server), count)
    before, _ = local(tmp_path)
    assert len(before) == count
    mark = server.log_mark()
    sessions = Sessions(server, "alice", told)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sealing = pool.submit(kit.rewrite, server, "seal", "alice")
        while not sealing.done():
            sessions.deliver()
            sessions.read()
    boxes, left, said = sealing.result()
    assert boxes["INBOX"]["sealed"] == str(count) and not left and not said
    sessions.read()
    sessions.end()
    assert kit.sealed_kinds(server, "alice") == (
        count + sessions.delivered, 0)
    told.assert_same(Told(server, "alice", server.conf, count))
    # All that there is for mbsync is what was delivered; then nothing.
    mbsynckit.mbsync(server, "alice", tmp_path)
    after, notes = local(tmp_path)
    assert len(after) == count + sessions.delivered
    assert {name: after.get(name) for name in before} == before
    mbsynckit.mbsync(server, "alice", tmp_path)
    assert local(tmp_path) == (after, notes)
    server.doveadm("roost", "verify", "-u", "alice")
    assert kit.left_behind(server, "alice") == []
    bad = [line for line in server.log_since(mark).splitlines()
           if re.search("Error|Warning|Fatal|Panic", line)]
    assert [line for line in bad if not re.search(HARMLESS, line)] == []
