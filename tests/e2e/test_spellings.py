# SPDX-License-Identifier: MIT
"""One keyword in many spellings: one name, one token, one letter, whoever
writes it first and whatever happens meanwhile.
"""

import os
import random
import re
import signal
import threading

import pytest

import corpus
import server as servers
import virtualbox
from server import STORAGES
from keywordkit import (flags_of, give_two, listed, message, names_on_disk,
                        searched, shown_flags, tokens_on_disk, without_roost)

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs Roost")

NAMES = ["Zahnarzt", "kuendigung-plan", "$TopSecret", "Verhandlung_2031",
         "NACHLASS", "x" * 250]
LONG = "mail_max_keyword_length = 300\n"


def spelled(rng, name):
    return "".join(rng.choice((char.lower(), char.upper())) for char in name)


class Speller(threading.Thread):
    """A session that knows the mailbox as it was before anybody spelled
    anything, and gives its message every name in spellings of its own."""

    def __init__(self, server, number, start):
        super().__init__()
        self.rng = random.Random(corpus.SEED * 1000 + number)
        self.number, self.start_all = number, start
        self.client = server.raw("alice")
        self.client.ok("SELECT INBOX")
        self.used, self.failure = [], None

    def run(self):
        try:
            self.start_all.wait()
            names = [spelled(self.rng, name) for name in NAMES]
            self.rng.shuffle(names)
            self.used = names
            for name in names:
                self.client.ok("STORE %d +FLAGS (%s)" % (self.number, name))
        except Exception as failure:
            self.failure = failure


def letters(server):
    """What Maildir's letters stand for."""
    path = os.path.join(server.home("alice"), "Maildir", "dovecot-keywords")
    with open(path, encoding="ascii") as file:
        return dict(line.split() for line in file)


def spell_at_once(server, count):
    with server.raw("alice") as client:
        for number in range(count):
            assert client.append("INBOX", message("m%d" % number)).ok
    start = threading.Barrier(count)
    spellers = [Speller(server, number + 1, start)
                for number in range(count)]
    for speller in spellers:
        speller.start()
    for speller in spellers:
        speller.join()
        assert speller.failure is None, speller.failure
    return spellers


def assert_one_each(server, spellings):
    """A session that comes later: every name once, as somebody spelled it."""
    with server.raw("alice") as client:
        found = listed(client)
        assert sorted(name.lower() for name in found) == sorted(
            name.lower() for name in NAMES)
        assert set(found) <= spellings
    assert len(tokens_on_disk(server)) == len(NAMES)
    assert names_on_disk(server, NAMES) == set()
    return found


@pytest.mark.parametrize("storage", STORAGES)
def test_many_spell_one_name_at_once(make_server, storage):
    count = 25
    server = make_server(storage, extra=LONG)
    # A keyring that is there already: all begin at once.
    server.doveadm("roost", "init", "-u", "alice")
    spellers = spell_at_once(server, count)
    everybody = {number: {name.lower() for name in NAMES}
                 for number in range(1, count + 1)}
    for speller in spellers:
        speller.client.ok("NOOP")
        speller.client.ok("NOOP")
        assert shown_flags(speller.client) == everybody
        name = spelled(speller.rng, speller.rng.choice(NAMES))
        assert searched(speller.client, name) == list(everybody)
        speller.client.logout()
    spellings = {name for speller in spellers for name in speller.used}
    found = assert_one_each(server, spellings)
    if storage == "maildir":
        tokens = list(letters(server).values())
        assert len({token.lower() for token in tokens}) == len(tokens) == \
            len(NAMES)
    server.doveadm("force-resync", "-u", "alice", "INBOX")
    assert sorted(assert_one_each(server, spellings)) == sorted(found)
    if storage != "sdbox":
        return
    with server.raw("alice") as client:
        client.ok("CREATE Copies")
        client.ok("SELECT INBOX")
        client.ok("COPY 1:* Copies")
        client.ok("RENAME Copies Others")
        assert sorted(listed(client, "Others")) == sorted(found)
        assert shown_flags(client) == everybody
        client.ok("STORE 1:* -FLAGS (%s)" % NAMES[0].swapcase())
        assert searched(client, NAMES[0]) == []


def test_spellings_after_the_index_is_lost(make_server):
    """Maildir's letters alone say what there is; then not even they do."""
    server = make_server("maildir", extra=LONG)
    server.doveadm("roost", "init", "-u", "alice")
    spellers = spell_at_once(server, 4)
    spellings = {name for speller in spellers for name in speller.used}
    expected = flags_of(server)
    server.stop()
    server.remove_indexes("alice")
    server.start()
    assert flags_of(server) == expected
    assert_one_each(server, spellings)
    server.stop()
    server.remove_indexes("alice")
    os.unlink(os.path.join(server.home("alice"), "Maildir",
                           "dovecot-keywords"))
    server.start()
    with server.raw("alice") as client:
        assert all(re.fullmatch(r"unknown-\d+", name)
                   for name in listed(client)), listed(client)
        client.ok("STORE 1 +FLAGS (zahnARZT)")
        client.ok("STORE 2 +FLAGS (ZAHNarzt)")
        assert searched(client, "Zahnarzt") == [1, 2]
        assert len([name for name in listed(client)
                    if name.lower() == "zahnarzt"]) == 1


def test_the_later_of_two_writes_the_earlier_spelling(make_server):
    """Replication compares what a log has to the letter: a session goes on
    in the token's spelling that the index has, not in its own."""
    server = make_server("sdbox")
    server.doveadm("roost", "init", "-u", "alice")

    def written():
        found = []
        for folder, _, names in os.walk(server.home("alice")):
            for name in names:
                if name == "dovecot.index.log" and "INBOX" in folder:
                    with open(os.path.join(folder, name), "rb") as file:
                        found += re.findall(rb"rk1-[A-Za-z2-7]+", file.read())
        return found
    with server.raw("alice") as one, server.raw("alice") as two:
        for number in range(4):
            assert one.append("INBOX", message("m%d" % number)).ok
        for client, name in ((one, "Urlaub"), (two, "URLAUB")):
            client.ok("SELECT INBOX")
            assert searched(client, name) == []
        two.ok("STORE 1 +FLAGS (URLAUB)")
        first, = written()
        one.ok("STORE 2 +FLAGS (Urlaub)")
        one.ok("NOOP")
        before = len(written())
        one.ok("STORE 3 +FLAGS (Urlaub)")
        one.ok("STORE 2 -FLAGS (Urlaub)")
        assert set(written()[before:]) == {first}
        two.ok("NOOP")
        assert searched(two, "urlaub") == [1, 3]


@pytest.mark.parametrize("storage", STORAGES)
def test_killed_between_two_spellings(make_server, storage):
    """Whoever wrote first is killed at once: what stands there is one
    keyword."""
    server = make_server(storage)
    server.doveadm("roost", "init", "-u", "alice")
    server.check_crashes = lambda: None     # we kill them ourselves
    rng = random.Random(corpus.SEED)
    with server.raw("alice") as client:
        for number in range(8):
            assert client.append("INBOX", message("m%d" % number)).ok
    for number in range(1, 8):
        with server.raw("alice") as first:
            pid = server.session_pid(first)
            second = server.raw("alice")
            for client in first, second:
                client.ok("SELECT INBOX")
                client.ok("NOOP")
            name = "Runde-%d" % number
            first.send("STORE %d +FLAGS (%s)" % (number, spelled(rng, name)))
            if rng.randrange(2):
                os.kill(pid, signal.SIGKILL)
            second.ok("STORE %d +FLAGS (%s)"
                      % (number + 1, spelled(rng, name)))
            second.ok("NOOP")
            assert number + 1 in searched(second, name)
            second.logout()
    with server.raw("alice") as client:
        assert sorted(name.lower() for name in listed(client)) == \
            ["runde-%d" % number for number in range(1, 8)]
    assert len(tokens_on_disk(server)) == 7


def with_virtual(make_server, storage, store):
    """A server whose alice has three messages, in a virtual mailbox, too,
    after one STORE."""
    server = make_server(storage, plugins=["virtual"],
                         extra=virtualbox.SETTINGS, start=False)
    virtualbox.add(server, "alice", "all", "INBOX", "  all")
    server.start()
    with server.raw("alice") as client:
        for number in range(3):
            assert client.append("INBOX", message("m%d" % number)).ok
        client.ok("SELECT INBOX")
        client.ok("STORE " + store)
    return server


@pytest.mark.parametrize("storage", STORAGES)
def test_name_in_clear_beside_its_token(make_server, storage):
    """Modes were changed, or a process without Roost wrote the name: two on
    disk, one to everybody, also where mailboxes are put together."""
    server = with_virtual(make_server, storage, "1 +FLAGS (Urlaub Junk)")

    def store(client):
        client.ok("SELECT INBOX")
        client.ok("STORE 2 +FLAGS (URLAUB)")
    without_roost(server, store)
    for mode in ("private", "off", "all"):
        server.settings["roost_keywords"] = mode
        server.reload()
        with server.raw("alice") as client:
            for mailbox in ("INBOX", "virtual/all"):
                assert sorted(name.lower() for name in
                              listed(client, mailbox)) == ["junk", "urlaub"]
                assert searched(client, "urlaub") == [1, 2]
                assert shown_flags(client) == {
                    1: {"urlaub", "junk"}, 2: {"urlaub"}, 3: set()}
    with server.raw("alice") as client:
        client.ok("SELECT virtual/all")
        client.ok("STORE 1:2 -FLAGS (uRLAUB)")
        client.ok("SELECT INBOX")
        assert searched(client, "urlaub") == []
        client.ok("STORE 3 +FLAGS (Urlaub)")
        assert shown_flags(client) == {1: {"junk"}, 2: set(), 3: {"urlaub"}}


@pytest.mark.parametrize("storage", STORAGES)
def test_two_tokens_in_a_virtual_mailbox(make_server, storage):
    server = with_virtual(make_server, storage, "3 +FLAGS (Danach)")
    give_two(server, "INBOX")
    with server.raw("alice") as client:
        assert sorted(listed(client, "virtual/all")) == ["Danach", "Urlaub"]
        assert shown_flags(client) == {1: {"urlaub"}, 2: {"urlaub"},
                                       3: {"danach"}}
        assert searched(client, "URLAUB") == [1, 2]
        client.ok("STORE 3 +FLAGS (URLAUB)")
        client.ok("STORE 1:2 -FLAGS (urlaub)")
        assert searched(client, "urlaub") == [3]
    assert flags_of(server) == {"m0": set(), "m1": set(),
                                "m2": {"danach", "urlaub"}}
