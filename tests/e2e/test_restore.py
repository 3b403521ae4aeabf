# SPDX-License-Identifier: MIT
"""One mailbox of a backup comes back beside the live one, by the commands of
the guide: with its flags, nothing twice, and nothing in clear.
"""

import contextlib
import os
import re
import shutil

import pytest

import canary
import server as servers
import slotkit
import toolkit
from documents import commands
from slotkit import good, roost

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")

BOX, KEYWORD = "Archive", "Zahnarzt"


class Drill:
    """Mail of alice, a copy of it, and what happened to her mail since."""

    def __init__(self, server, mode="provider"):
        self.server, self.mode = server, mode
        self.book = canary.Book()
        if mode == "password":
            server.init_password_mode("alice")
        keywords = ("", self.book.word("keyword"), "$Forwarded")
        self.inbox = toolkit.fill(server, "alice", "INBOX", [
            self.message() for _ in range(3)], keywords)
        self.archive = toolkit.fill(server, "alice", BOX, [
            self.message() for _ in range(7)], keywords)
        self.backup = os.path.join(server.root, "backup")
        self.restore = os.path.join(server.root, "restore")
        shutil.copytree(server.home("alice"), self.backup)

    def message(self):
        word = self.book.word
        return ("From: %s@sender.example\r\nSubject: %s\r\n\r\n%s\r\n" % (
            word("from"), word("subject"), word("body"))).encode() + \
            b"of some length\r\n" * 5000

    def live_on(self):
        """Messages of the mailbox go, others get flags, and mail arrives."""
        with self.server.raw("alice") as client:
            client.ok("SELECT " + BOX)
            client.ok("STORE 1:2 +FLAGS (\\Deleted)")
            client.ok("EXPUNGE")
            client.ok("STORE 1:3 FLAGS (\\Answered)")
        assert self.server.deliver(self.message(), "alice")[0][0] == 250

    def conf(self):
        """In password mode doveadm has the user's secret."""
        if self.mode == "password":
            return slotkit.with_secret(self.server,
                                       self.server.password("alice"))
        return contextlib.nullcontext(self.server.conf)

    def run(self):
        """The commands that the guide shows, but for the removal of the copy."""
        copy, bring, once, remove = commands("restore")
        assert (copy[0], remove[0]) == ("cp", "rm")
        shutil.rmtree(self.restore, ignore_errors=True)
        shutil.copytree(self.backup, self.restore)
        self.server.own(self.restore)
        place = {"maildir": "Maildir"}.get(self.server.storage,
                                           self.server.storage)
        with self.conf() as conf:
            for command in bring, once:
                assert command[0] == "doveadm"
                words = [word.replace("maildir:/restore/alice/Maildir",
                                      "%s:%s/%s" % (self.server.storage,
                                                    self.restore, place))
                         for word in command[1:]]
                done = self.server.doveadm("-c", conf, *words)
                assert b"Error" not in done.stderr, done
        assert words[-1] == "Restored/" + BOX
        shutil.rmtree(self.restore)

    def all_of(self, mailbox):
        """Returns [(UID, flags, date, message)] of a mailbox."""
        server = self.server
        with server.raw("alice") as client:
            client.ok('SELECT "%s"' % mailbox)
            found = []
            for number in range(1, client.count(mailbox) + 1):
                facts = client.ok("FETCH %d (UID FLAGS INTERNALDATE)" %
                                  number).untagged[0]
                found.append((re.sub(rb"\\Recent ?", b"", facts),
                              client.fetch(number, "BODY.PEEK[]")))
        return found

    def assert_restored(self):
        found = self.all_of("Restored/" + BOX)
        assert [text for _, text in found] == [
            message.data for message in self.archive]
        for (facts, _), message in zip(found, self.archive):
            inside = facts.split(b"FLAGS (")[1].split(b")")[0].decode()
            assert set(inside.split()) == message.flags
        dates = [facts.split(b'INTERNALDATE "')[1].split(b'"')[0].decode()
                 for facts, _ in found]
        wanted = [toolkit.DATES[number % len(toolkit.DATES)].strip()
                  for number in range(len(found))]
        assert [date.lstrip("0") for date in dates] == wanted

    def assert_nothing_in_clear(self):
        search = canary.Search(self.book)
        hits = search.folders(self.server.root, self.server.tmp_dir)
        assert hits == [] and search.files > 10, canary.table(
            hits, self.server.root)


def run_drill(drill):
    """Twice, as somebody who is not sure that it was done."""
    server = drill.server
    live = {name: drill.all_of(name) for name in ("INBOX", BOX)}
    for _ in range(2):
        drill.run()
        drill.assert_restored()
        assert {name: drill.all_of(name) for name in live} == live
        server.assert_sealed("alice")
        drill.assert_nothing_in_clear()


@pytest.mark.parametrize("since", ["nothing", "rotated", "compromised"])
@pytest.mark.parametrize("storage", servers.STORAGES)
def test_one_mailbox_beside_the_live_one(make_server, storage, since):
    """Also of a backup that was made before the keys were changed."""
    server = make_server(storage)
    drill = Drill(server)
    if since != "nothing":
        good(roost(server, "rotate", "-u", "alice", *(
            ["--compromised", "--yes"] if since == "compromised" else [])))
    drill.live_on()
    run_drill(drill)
    server.doveadm("roost", "verify", "-u", "alice")


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_in_password_mode(make_server, storage):
    """doveadm gets the user's secret by a configuration on a tmpfs."""
    server = make_server(storage, secret=True)
    drill = Drill(server, "password")
    good(roost(server, "rotate", "-u", "alice",
               secret=server.password("alice")))
    drill.live_on()
    run_drill(drill)
    gates = slotkit.read_all(server, "alice", server.password("alice"))
    assert set(gates) == {"ok"}
