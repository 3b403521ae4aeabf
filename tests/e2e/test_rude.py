# SPDX-License-Identifier: MIT
"""Rudeness: a full disk, processes killed in the middle of their work. What
was acknowledged is there, whole; what was not is there whole or not at all."""

import hashlib
import os
import random
import re
import signal
import smtplib
import subprocess
import threading
import time

import pytest

import corpus
import processes
import server as servers
from server import STORAGES


def message(name, size, rng):
    body = b"".join(b"%x\r\n" % rng.getrandbits(4 * 70)
                    for _ in range(size // 72))
    return b"Subject: %s\r\n\r\n%s" % (name.encode(), body)


def subjects(server):
    client = server.imap("alice")
    client.select("INBOX")
    _, answer = client.fetch("1:*", "(BODY.PEEK[])")
    return {re.search(rb"^Subject: (\S+)\r", part[1], re.M).group(1)
            for part in answer if isinstance(part, tuple)}


if servers.ROOT:
    @pytest.mark.parametrize("storage", STORAGES)
    def test_full_disk(make_server, storage):
        """NO or 4xx, one clear error, and all that was there still is."""
        server = make_server(storage, users=["alice"])
        rng = random.Random(corpus.SEED)
        home = server.home("alice")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0700,"
                        "uid=%d,gid=%d" % (servers.MAIL_UID,
                                           servers.MAIL_GID),
                        "tmpfs", home], check=True)
        try:
            small = message("small", 5000, rng)
            large = message("large", 8000000, rng)
            assert server.deliver(small, "alice")[0][0] == 250
            client = server.raw("alice")
            client.ok("SELECT INBOX")
            assert not client.append("INBOX", large).ok
            code = server.deliver(large, "alice")[0][0]
            assert 400 <= code < 500, code
            again = message("again", 5000, rng)
            assert client.append("INBOX", again).ok
            assert subjects(server) == {b"small", b"again"}
            if not servers.PLAIN:
                server.doveadm("roost", "verify", "-u", "alice")
            server.assert_sealed("alice", 2)
        finally:
            server.stop()
            subprocess.run(["umount", "-l", home], check=True)

    def mount_pages(home, pages, *more):
        """A disk of so many pages."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join((
            "size=%d" % (4096 * pages), "mode=0700", "uid=%d" %
            servers.MAIL_UID, "gid=%d" % servers.MAIL_GID) + more),
            "tmpfs", home], check=True)

    @pytest.fixture(scope="module", params=STORAGES)
    def full(request, make_module_server):
        return make_module_server(request.param, users=[
            "u%d" % pages for pages in range(1, 12)])

    @pytest.mark.parametrize("pages", range(1, 12))
    def test_full_disk_from_the_start(full, pages):
        """Wherever it becomes full, while the mailbox and the keyring are
        made, too: once there is room again all goes on, and what was
        acknowledged is there."""
        server, rng = full, random.Random(corpus.SEED)
        user = "u%d" % pages
        home = server.home(user)
        given = [message("m%d" % number, 5000, rng) for number in range(4)]
        mount_pages(home, pages)
        try:
            codes = [server.deliver(data, user)[0][0] for data in given[:3]]
            assert set(codes) <= {250, 451, 452}, codes
            mount_pages(home, 5000, "remount")
            codes.append(server.deliver(given[3], user)[0][0])
            assert codes[3] == 250
            with server.raw(user) as client:
                client.ok("SELECT INBOX")
                got = [client.fetch(number + 1, "BODY.PEEK[]")
                       for number in range(client.count())]
            saved = [data for data, code in zip(given, codes) if code == 250]
            assert [part[part.index(b"Subject: m"):] for part in got] == saved
            if not servers.PLAIN:
                server.doveadm("roost", "verify", "-u", user)
            server.assert_sealed(user, len(saved))
            assert not [name for name in os.listdir(home)
                        if name.endswith((".tmp", ".old"))]
        finally:
            subprocess.run(["umount", "-l", home], check=True)


class Writer(threading.Thread):
    """Saves messages by IMAP or LMTP until told to stop, and notes which were
    acknowledged."""

    def __init__(self, server, user, kind, number, seed):
        super().__init__(daemon=True)
        self.server, self.user, self.kind = server, user, kind
        self.name_prefix = "%s%d" % (kind, number)
        self.rng = random.Random("%s %s" % (seed, self.name_prefix))
        self.sent, self.acknowledged, self.over = {}, set(), False

    def run(self):
        count = 0
        while not self.over:
            count += 1
            name = "%s-%d" % (self.name_prefix, count)
            data = message(name, self.rng.choice((100, 3000, 40000, 400000)),
                           self.rng)
            self.sent[name] = hashlib.sha256(data).digest()
            try:
                if self.save(data):
                    self.acknowledged.add(name)
            except (OSError, EOFError, AssertionError, ValueError,
                    smtplib.SMTPException):
                pass    # the process was killed under us
            except Exception as error:
                if "abort" not in type(error).__name__:
                    raise

    def save(self, data):
        if self.kind == "lmtp":
            return self.server.deliver(data, self.user)[0][0] == 250
        client = self.server.imap(self.user)
        try:
            return client.append("INBOX", None, None, data)[0] == "OK"
        finally:
            client.shutdown()


@pytest.mark.parametrize("storage", STORAGES)
def test_killed_while_saving(make_server, storage):
    server = make_server(storage, users=["alice"])
    # Made in peace: a process killed while it makes the mailbox can leave
    # Dovecot's own locks behind, which time out after minutes.
    assert server.deliver(b"Subject: first\r\n\r\nfirst\r\n",
                          "alice")[0][0] == 250
    server.imap("alice").select("INBOX")
    seed = "%d %s" % (corpus.SEED, storage)
    rng = random.Random(seed)
    writers = [Writer(server, "alice", kind, number, seed)
               for kind in ("imap", "lmtp") for number in range(2)]
    for writer in writers:
        writer.start()
    killed, deadline = 0, time.monotonic() + 400
    while time.monotonic() < deadline and (killed < 8 or sum(
            len(writer.acknowledged) for writer in writers) < 10):
        pids = list(processes.of_group(server.process.pid, "imap", "lmtp"))
        if pids and killed < 8:
            try:
                os.kill(rng.choice(pids), signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
        time.sleep(rng.random() * 0.05)    # where in its work it is hit
    for writer in writers:
        writer.over = True
    for writer in writers:
        writer.join(400)
        assert not writer.is_alive()
    assert killed == 8
    server.check_crashes = lambda: None     # we killed them ourselves
    first = hashlib.sha256(b"Subject: first\r\n\r\nfirst\r\n").digest()
    sent, acknowledged = {"first": first}, {"first"}
    for writer in writers:
        sent.update(writer.sent)
        acknowledged |= writer.acknowledged
    assert len(acknowledged) >= 10
    client = server.imap("alice")
    client.select("INBOX")
    _, answer = client.fetch("1:*", "(BODY.PEEK[])")
    found = set()
    for part in answer:
        if not isinstance(part, tuple):
            continue
        names = re.findall(rb"^Subject: (\S+)\r", part[1], re.M)
        name = names[-1].decode()
        stored = part[1][part[1].index(b"Subject: "):]
        assert hashlib.sha256(stored).digest() == sent[name], name
        found.add(name)
    assert acknowledged <= found, acknowledged - found
    if not servers.PLAIN:
        server.doveadm("roost", "verify", "-u", "alice")
    server.assert_sealed("alice")
