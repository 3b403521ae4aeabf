# SPDX-License-Identifier: MIT
"""Names of keywords: private on disk, and nobody notices."""

import os
import random
import re
import subprocess
import threading

import pytest

import apart
import corpus
import server as servers
import virtualbox
from server import STORAGES
from keywordkit import (PUBLIC, SCRIPTS, SECRETS, compare, flags_of, found_by,
                        give, give_two, letters, listed, message,
                        names_on_disk, pair, played, searched, shown_flags,
                        sync, tokens_on_disk)
from sharing import share, shared  # noqa: F401

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs Roost")

PREFIX = "rk1-"
# Both kinds: mdbox, like sdbox, has keywords in its index alone.
KINDS = ("maildir", "sdbox")
def shown_names(lines):
    shown = b"".join(line for _, _, line in lines
                     if b"FETCH (" in line).lower()
    return {name for name in SECRETS if name.lower().encode() in shown}


# Virtual mailboxes

# Programs beside IMAP

# Repair

# All of it, with private names and without

@pytest.mark.parametrize("storage", STORAGES)
def test_clients_see_no_difference(make_server, storage):
    """Of a server with private names and one without."""
    scripts = SCRIPTS + (letters,) * (storage == "maildir")
    control, server = [
        make_server(storage, settings={"roost_keywords": mode},
                    users=[script.__name__ for script in scripts],
                    plugins=["virtual"], extra=virtualbox.SETTINGS,
                    start=False)
        for mode in ("off", "private")]
    seen = [played(one.start(), scripts) for one in (control, server)]
    for script, expected, got in zip(scripts, *seen):
        compare(script, expected, got)
        assert shown_names(got), script.__name__
        assert tokens_on_disk(server, script.__name__), script.__name__
        assert not tokens_on_disk(control, script.__name__)
    # The test sees names where there are some, and they are nowhere else.
    every = set().union(*map(shown_names, seen[1]))
    assert names_on_disk(control) >= every
    assert names_on_disk(server, SECRETS + ("Etikett-7", "Etikett-39",
                                            "Nachtrag", "Erbschaft",
                                            "Geburtstag")) == set()
    assert not any(name in server.log_since(0) for name in SECRETS)


# Replication

def searched_anew(server, name):
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        return searched(client, name)


def both_ways(near, far):
    """What the mailboxes hold after changes here and there."""
    found = []
    with near.raw("alice") as here, far.raw("alice") as there:
        for number, names in enumerate([SECRETS[0], SECRETS[4] + " Junk",
                                        "\\Seen " + SECRETS[2], ""]):
            assert here.append("INBOX", message("s%d" % number), names).ok
        sync(near, far)
        found.append((flags_of(near), flags_of(far)))
        for client in here, there:
            client.ok("SELECT INBOX")
        there.ok("STORE 1 -FLAGS (%s)" % SECRETS[0].lower())
        there.ok("STORE 4 +FLAGS (%s)" % SECRETS[3])
        here.ok("STORE 2 +FLAGS (%s %s)" % (SECRETS[1], SECRETS[0]))
        here.ok("STORE 3 FLAGS (%s)" % SECRETS[4].upper())
        assert there.append("INBOX", message("s4"), "Fernweh " + "L" * 50).ok
        sync(near, far)
        found.append((flags_of(near), flags_of(far)))
        # What both know under one name, removed on one side and added anew.
        there.ok("NOOP")
        there.ok("STORE 1:5 -FLAGS (%s)" % SECRETS[4])
        sync(near, far)
        sync(far, near)
        found.append((flags_of(near), flags_of(far)))
        here.ok("NOOP")
        found.append([searched(here, name) for name in SECRETS])
    return found


@pytest.mark.parametrize("storage", KINDS)
def test_dsync_both_ways(make_server, storage):
    expected = both_ways(*pair(make_server, storage, "off"))
    near, far = pair(make_server, storage, "private")
    got = both_ways(near, far)
    assert got == expected
    assert got[2][0] == got[2][1]
    for server in near, far:
        assert names_on_disk(server, SECRETS + ("Fernweh", "L" * 50)) == set()
        # Only a token may be longer than what the admin allows a client.
        with server.raw("alice") as client:
            client.ok("SELECT INBOX")
            answer = client.cmd("STORE 1 +FLAGS (%s)" % ("M" * 51))
            assert not answer.ok and b"too long" in answer.tagged
    assert tokens_on_disk(near) == tokens_on_disk(far) != set()


@pytest.mark.parametrize("how", ("at once", "of before"))
def test_dsync_of_two_spellings(make_server, how):
    """Each side has given one keyword in a spelling of its own: one token, or
    two that were made before spellings had one, in a different order."""
    near, far = pair(make_server, "sdbox", "private")
    with near.raw("alice") as client:
        for number in range(3):
            assert client.append("INBOX", message("m%d" % number)).ok
    sync(near, far)
    if how == "of before":
        for server, number, name in ((near, 1, "Urlaub"), (far, 2, "URLAUB")):
            give(server, "INBOX", [(number, name)])
    with near.raw("alice") as here, far.raw("alice") as there:
        for client, number, name in ((here, 1, "Urlaub"),
                                     (there, 2, "URLAUB")):
            client.ok("SELECT INBOX")
            client.ok("STORE %d +FLAGS (%s)" % (number, name))
        # As many changes here as there would look like none to dsync.
        here.ok("STORE 3 +FLAGS (\\Seen)")
        expected = {"m0": {"urlaub"}, "m1": {"urlaub"}, "m2": {"\\seen"}}

        def synced(*directions):
            for one, other in directions:
                sync(one, other)
                assert flags_of(near) == flags_of(far) == expected
        synced((near, far), (near, far))
        for client in here, there:
            client.ok("NOOP")
            client.ok("STORE 1:2 -FLAGS (urlaub)")
            client.ok("STORE 1:2 +FLAGS (urlaub)")
            synced((near, far), (near, far), (far, near))
        here.ok("NOOP")
        here.ok("STORE 1 -FLAGS (urlaub)")
        if how == "at once":
            # Dovecot hands on what one side calls "URLAUB" and the other
            # "Urlaub" as two, also without Roost.
            there.ok("NOOP")
            there.ok("STORE 1 -FLAGS (urlaub)")
        expected["m0"] = set()
        synced((near, far), (far, near))
    for server in near, far:
        assert len(tokens_on_disk(server)) == 1 + (how == "of before")
        with server.raw("alice") as client:
            assert [name.lower() for name in listed(client)] == ["urlaub"]


def test_dsync_with_plain_names(make_server):
    """One side makes tokens, the other does not: neither loses a name."""
    near, far = pair(make_server, "sdbox", "private")
    far.settings["roost_keywords"] = "off"
    far.reload()
    with far.raw("alice") as client:
        assert client.append("INBOX", message("one"),
                             SECRETS[0] + " $Forwarded").ok
    expected = {"one": {SECRETS[0].lower(), "$forwarded"}}

    def synced(*directions):
        for one, other in directions:
            sync(one, other)
            assert flags_of(near) == flags_of(far) == expected
    synced((near, far), (near, far))
    with near.raw("alice") as client:
        assert client.append("INBOX", message("two"), SECRETS[4]).ok
    expected["two"] = {SECRETS[4].lower()}
    synced((near, far), (far, near), (near, far))
    with far.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1:2 +FLAGS (%s $MDNSent)" % SECRETS[1])
    for names in expected.values():
        names |= {SECRETS[1], "$mdnsent"}
    synced((near, far), (near, far), (far, near))
    assert names_on_disk(near) == set()


def test_dsync_from_a_plain_server(make_server):
    """Again and again, before somebody moves for good: no run takes a name
    away."""
    near = make_server("sdbox")
    far = make_server("maildir", roost=False)
    near.doveadm("roost", "init", "-u", "alice")
    old = SECRETS[0].lower()
    with far.raw("alice") as client:
        assert client.append("INBOX", message("one"), SECRETS[0] + " Junk").ok
        for flag in ("$Forwarded", "$MDNSent"):
            for _ in range(2):
                near.doveadm("sync", "-1", "-R", "-u", "alice",
                             *far.dsync_server("alice"))
                assert old in flags_of(near)["one"]
            client.ok("SELECT INBOX")
            client.ok("STORE 1 +FLAGS (%s)" % flag)
    assert flags_of(far) == {"one": {old, "junk", "$forwarded", "$mdnsent"}}
    assert names_on_disk(near) == set()


def test_token_of_another_keyring(make_server):
    """It is shown as it is, goes along with its message, can be taken away;
    nothing is made of it."""
    near = make_server("sdbox")
    far = make_server("maildir")
    with near.raw("alice") as client:
        assert client.append("INBOX", message("one"), "Kurz").ok
        assert client.append("INBOX", message("two"), "Kurz Junk").ok
    sync(near, far, "backup")
    tokens = tokens_on_disk(near)
    assert tokens_on_disk(far) == tokens and len(tokens) == 1
    token = tokens.pop().decode()
    with far.raw("alice") as client:
        client.ok("CREATE Other")
        client.ok("SELECT INBOX")
        assert flags_of(far) == {"one": {token}, "two": {token, "junk"}}
        assert searched(client, token) == [1, 2]
        client.ok("STORE 1 FLAGS (%s Eigenes \\Seen)" % token)
        client.ok("COPY 1:2 Other")
        client.ok("STORE 2 -FLAGS (%s)" % token)
        client.ok("STORE 2 +FLAGS (Kurz)")
        assert flags_of(far) == {"one": {token, "eigenes", "\\seen"},
                                 "two": {"kurz", "junk"}}
        assert flags_of(far, "Other") == {"one": {token, "eigenes",
                                                  "\\seen"},
                                          "two": {token, "junk"}}
    assert token.encode() in tokens_on_disk(far)
    assert len(tokens_on_disk(far)) == 3
    assert names_on_disk(far, ("Kurz", "Eigenes")) == set()


@pytest.mark.parametrize("storage", KINDS)
def test_copy_of_a_long_token_of_another_keyring(make_server, storage):
    """One that is longer than a client's names may be: nothing is lost."""
    near = make_server("sdbox")
    far = make_server(storage)
    names = "%s $Forwarded Junk" % SECRETS[4]
    with near.raw("alice") as client:
        assert client.append("INBOX", message("one"), names).ok
        assert client.append("INBOX", message("two"), names).ok
    sync(near, far, "backup")
    token = tokens_on_disk(near).pop().decode()
    assert len(token) > 50
    expected = {token, "eigenes", "$forwarded", "junk"}
    with far.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1:2 +FLAGS (Eigenes)")
        for mailbox in ("Copied", "Moved"):
            client.ok("CREATE %s" % mailbox)
        client.ok("COPY 1 Copied")
        client.ok("MOVE 2 Moved")
        client.ok("SELECT Moved")
        assert searched(client, token) == searched(client, "Eigenes") == [1]
        # What clients may name is as long as it was.
        assert client.cmd("STORE 1 +FLAGS (%s)" % ("l" * 51)).status == "NO"
    assert flags_of(far, "Copied") == {"one": expected}
    assert flags_of(far, "Moved") == {"two": expected}
    assert names_on_disk(far, ("Eigenes", "l" * 51)) == set()


# Made-up tokens

def test_made_up_token_is_refused(make_server):
    server = make_server("sdbox", plugins=["virtual"],
                         extra=virtualbox.SETTINGS, start=False)
    virtualbox.add(server, "alice", "all", "!INBOX", "  all")
    server.start()
    with server.raw("alice") as client:
        assert client.append("INBOX", message("one"), SECRETS[0]).ok
        before = tokens_on_disk(server)
        for mailbox in ("INBOX", "virtual/all"):
            client.ok("SELECT %s" % mailbox)
            for made_up in ("rk1-", "rk1-aaaaaaa", "RK1-madeup", "Rk1-018",
                            "rk1-" + "a" * 40):
                for how in ("+FLAGS", "FLAGS", "+FLAGS.SILENT"):
                    answer = client.cmd("STORE 1 %s (Andere %s \\Seen)"
                                        % (how, made_up))
                    assert answer.status == "NO", answer
                    assert b"[CANNOT]" in answer.tagged, answer
                answer = client.append(mailbox, message("bad"), made_up)
                assert answer.status == "NO", answer
                assert b"[CANNOT]" in answer.tagged, answer
                answer = client.cmd(
                    "APPEND %s (Fein) " % mailbox, (message("good"),),
                    " (%s) " % made_up, (message("bad"),))
                assert answer.status == "NO", answer
                assert searched(client, made_up) == []
                client.ok("STORE 1 -FLAGS (%s)" % made_up)
        done = server.doveadm("flags", "add", "-u", "alice", "rk1-doveadm",
                              "mailbox", "INBOX", "1", check=False)
        assert done.returncode != 0
        assert client.count() == 1
    server.sieve("alice", 'require "imap4flags";\n'
                 'addflag ["rk1-sieve", "%s", "\\\\Flagged"];' % SECRETS[1])
    assert server.deliver(message("two"), "alice")[0][0] == 250
    assert server.lda("alice", message("three")).returncode == 0
    assert flags_of(server) == {
        "one": {SECRETS[0].lower()},
        "two": {SECRETS[1], "\\flagged"}, "three": {SECRETS[1], "\\flagged"}}
    after = tokens_on_disk(server)
    assert before < after and len(after) == len(before) + 1
    # Not as a name in a token either, nor in another case.
    assert names_on_disk(server, ("madeup", "rk1-aaaa", "rk1-018", "doveadm",
                                  "rk1-sieve")) == set()


def test_token_of_a_name_is_that_name(make_server):
    """Who has seen the disk and says a token gets no second keyword."""
    server = make_server("maildir")
    with server.raw("alice") as client:
        client.ok("CREATE Other")
        for mailbox in ("INBOX", "Other"):
            assert client.append(mailbox, message("one"),
                                 "Kurz" if mailbox == "INBOX" else "").ok
        token = tokens_on_disk(server).pop().decode()
        client.ok("SELECT INBOX")
        assert searched(client, token) == []
        assert searched(client, token.upper()) == []
        assert found_by(client, "UNKEYWORD %s" % token) == [1]
        assert searched(client, "kurz") == [1]
        client.ok("SELECT Other")
        for spelled in (token.upper(), token):
            client.ok("STORE 1 FLAGS (%s)" % spelled)
            assert flags_of(server, "Other") == {"one": {"kurz"}}
            assert searched(client, "KURZ") == [1]
            client.ok("STORE 1 -FLAGS (kurz)")
            assert flags_of(server, "Other") == {"one": set()}
    assert {found.lower() for found in tokens_on_disk(server)} == \
        {token.encode()}


# What stood there before, and what stands there after

def legacy(make_server, storage, **options):
    """A server that knew nothing of Roost; names on its disk are plain."""
    server = make_server(storage, roost=False, **options)
    with server.raw("alice") as client:
        for number, name in enumerate(SECRETS[:4]):
            assert client.append("INBOX", message("old%d" % number), name).ok
    assert names_on_disk(server) == set(SECRETS[:4])
    server.stop()
    server.roost = True
    return server


OLD = {"old%d" % number: {name.lower()}
       for number, name in enumerate(SECRETS[:4])}


@pytest.mark.parametrize("storage", KINDS)
def test_plain_names_stay(make_server, storage):
    server = legacy(make_server, storage).start()
    assert flags_of(server) == OLD
    with server.raw("alice") as client, server.raw("alice") as other:
        client.ok("SELECT INBOX")
        other.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (Neuland %s)" % SECRETS[1].upper())
        client.ok("STORE 2 -FLAGS (%s)" % SECRETS[1].upper())
        other.ok("NOOP")
        assert searched(other, SECRETS[1]) == [1]
        assert searched(other, "neuland") == [1]
    now = dict(OLD, old0={SECRETS[0].lower(), SECRETS[1], "neuland"},
               old1=set())
    assert flags_of(server) == now
    server.doveadm("force-resync", "-u", "alice", "INBOX")
    assert flags_of(server) == now
    assert names_on_disk(server, SECRETS + ("Neuland",)) == set(SECRETS[:4])
    assert len(tokens_on_disk(server)) == 1
    if storage != "maildir":
        return
    # Letters stand for the old names, whatever index there is.
    server.stop()
    server.remove_indexes("alice")
    server.start()
    assert flags_of(server) == now
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 3 +FLAGS (%s neuland)" % SECRETS[0])
        assert searched(client, SECRETS[0]) == [1, 3]
    assert len(tokens_on_disk(server)) == 1


@pytest.mark.parametrize("storage", KINDS)
def test_backup_makes_plain_names_private(make_server, storage):
    """As roost(7) says."""
    server = legacy(make_server, storage).start()
    place = "sdbox" if storage != "sdbox" else "mdbox"
    server.doveadm("backup", "-u", "alice", "%s:~/moved" % place)
    server.stop()
    home = server.home("alice")
    subprocess.run(["rm", "-rf", os.path.join(home, server._path()[2:])],
                   check=True)
    os.rename(os.path.join(home, "moved"), os.path.join(home, place))
    server.storage = place
    server.start()
    assert flags_of(server) == OLD
    assert names_on_disk(server) == set()
    assert len(tokens_on_disk(server)) == 4


@pytest.mark.parametrize("storage", KINDS)
def test_plugin_taken_away_and_put_back(make_server, storage):
    server = make_server(storage)
    with server.raw("alice") as client:
        for number, name in enumerate(SECRETS[:4]):
            assert client.append("INBOX", message("old%d" % number),
                                 name + " Junk").ok
    expected = flags_of(server)
    server.stop()
    server.roost = False
    server.start()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        lines = client.ok("FETCH 1:* (FLAGS)").untagged
        assert len(lines) == 4 and all(
            re.search(rb"\(rk1-[A-Za-z2-7]+ Junk\)|"
                      rb"\(Junk rk1-[A-Za-z2-7]+\)|"
                      rb"\(.*rk1-[A-Za-z2-7]+.*\)", line)
            for line in lines)
        token = re.search(rb"rk1-[A-Za-z2-7]+", lines[1]).group(0).decode()
        assert searched(client, token) == [2]
        client.ok("STORE 1 +FLAGS (Zwischendurch %s)" % token)
        client.ok("STORE 2 -FLAGS (%s)" % token)
    server.stop()
    server.roost = True
    server.start()
    expected["old0"] |= {"zwischendurch", SECRETS[1]}
    expected["old1"] -= {SECRETS[1]}
    assert flags_of(server) == expected
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]") == message("old0")
        assert searched(client, "Zwischendurch") == [1]
        client.ok("STORE 1 -FLAGS (%s)" % SECRETS[1])
        assert searched(client, SECRETS[1]) == []
    assert names_on_disk(server) == set()


def test_plain_names_vanish_under_a_session(make_server):
    """An index is rebuilt without the names that nothing has, while a process
    knows them: one that has a token as well, and one that has none."""
    server = make_server("sdbox", extra="mail_max_keyword_length = 200\n")
    with server.raw("alice") as client:
        client.ok("CREATE Other")
        assert client.append("Other", message("other"), SECRETS[0]).ok
        for number in range(3):
            assert client.append("INBOX", message("m%d" % number)).ok
    token = tokens_on_disk(server).pop().decode()
    server.stop()
    server.roost = False
    server.start()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (%s %s)" % SECRETS[:2])
        client.ok("STORE 2 +FLAGS (%s)" % token)
        client.ok("STORE 1 FLAGS ()")
    server.stop()
    server.roost = True
    server.start()
    with server.raw("alice") as client, server.raw("alice") as other:
        client.ok("SELECT INBOX")
        assert searched(client, SECRETS[0]) == [2]
        client.ok("SELECT Other")
        server.doveadm("force-resync", "-u", "alice", "INBOX")
        client.ok("SELECT INBOX")
        client.ok("STORE 3 +FLAGS (%s)" % SECRETS[1])
        other.ok("SELECT INBOX")
        for number in range(3):
            client.ok("STORE 3 +FLAGS (Neu-%d)" % number)
            other.ok("STORE 1 +FLAGS (Auch-%d)" % number)
            client.ok("NOOP")
            client.ok("STORE %d +FLAGS (%s)" % (3 - number, SECRETS[0]))
        for session in client, other:
            session.ok("NOOP")
            assert searched(session, SECRETS[0]) == [1, 2, 3]
            assert searched(session, SECRETS[1]) == [3]
    assert flags_of(server) == {
        "m0": {SECRETS[0].lower()} | {"auch-%d" % n for n in range(3)},
        "m1": {SECRETS[0].lower()},
        "m2": {SECRETS[0].lower(), SECRETS[1]} |
              {"neu-%d" % n for n in range(3)}}
    server.doveadm("force-resync", "-u", "alice", "INBOX")
    assert searched_anew(server, SECRETS[0]) == [1, 2, 3]


# Modes

def test_all_names(make_server):
    server = make_server("maildir", settings={"roost_keywords": "all"})
    with server.raw("alice") as client:
        assert client.append("INBOX", message("one"),
                             "%s $Forwarded Junk" % SECRETS[0]).ok
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS ($MDNSent)")
        assert searched(client, "junk") == [1]
    assert flags_of(server) == {"one": {SECRETS[0].lower(), "$forwarded",
                                        "junk", "$mdnsent"}}
    assert names_on_disk(server, SECRETS + PUBLIC) == set()
    assert len(tokens_on_disk(server)) == 4


@pytest.mark.parametrize("storage", KINDS)
def test_lost_names_stay_readable(make_server, storage):
    """What Dovecot calls a keyword whose name was lost says nothing, and is
    told as it is; what only looks like it is private."""
    lost, others = ("unknown-1", "UNKNOWN-2", "unknown-1?", "unknown-3??"), \
        ("unknown-1?2", "unknown-20310401123000")
    server = make_server(storage)
    with server.raw("alice") as client:
        assert client.append("INBOX", message("one"), " ".join(lost)).ok
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (%s)" % " ".join(others))
    assert flags_of(server) == {"one": {name.lower()
                                        for name in lost + others}}
    assert names_on_disk(server, others) == set()
    assert len(tokens_on_disk(server)) == len(others)


@pytest.mark.parametrize("storage", KINDS)
def test_off_shows_names_and_makes_no_token(make_server, storage):
    server = make_server(storage)
    with server.raw("alice") as client:
        assert client.append("INBOX", message("one"), SECRETS[0]).ok
        assert client.append("INBOX", message("two"), "").ok
    tokens = tokens_on_disk(server)
    server.settings["roost_keywords"] = "off"
    server.reload()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert searched(client, SECRETS[0]) == [1]
        client.ok("STORE 2 +FLAGS (%s %s)" % (SECRETS[0].upper(),
                                              SECRETS[1]))
        assert searched(client, SECRETS[0]) == [1, 2]
    assert flags_of(server) == {"one": {SECRETS[0].lower()},
                                "two": {SECRETS[0].lower(), SECRETS[1]}}
    assert tokens_on_disk(server) == tokens
    assert names_on_disk(server) == {SECRETS[1]}
    # What is plain now stays so.
    server.settings["roost_keywords"] = "private"
    server.reload()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (%s %s)" % (SECRETS[1].upper(),
                                              SECRETS[2]))
    assert flags_of(server)["one"] == {name.lower() for name in SECRETS[:3]}
    assert names_on_disk(server) == {SECRETS[1]}


# Keyrings

def keyring(server, user="alice"):
    return os.path.join(server.home(user), "roost.keyring")


def test_first_private_name_makes_the_keyring(make_server):
    """No sooner, and no later."""
    server = make_server("maildir", roost=False)
    with server.raw("alice") as client:
        assert client.append("INBOX", message("one")).ok
    server.stop()
    server.roost = True
    server.start()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("FETCH 1 (FLAGS)")
        client.ok("STORE 1 +FLAGS ($Forwarded \\Seen Junk)")
        assert searched(client, SECRETS[0]) == []
        client.ok("STORE 1 -FLAGS (%s)" % SECRETS[1])
        assert not os.path.exists(keyring(server))
        client.ok("STORE 1 +FLAGS (%s)" % SECRETS[0])
        assert os.path.exists(keyring(server))
        assert searched(client, SECRETS[0]) == [1]
        client.ok("STORE 1 +FLAGS (%s)" % SECRETS[2])
    assert flags_of(server)["one"] >= {SECRETS[0].lower(),
                                       SECRETS[2].lower()}
    assert names_on_disk(server) == set()
    assert len(tokens_on_disk(server)) == 2


@pytest.mark.parametrize("storage", KINDS)
def test_no_keyring_may_be_made(make_server, storage):
    """Then no private name is stored, and all else works."""
    server = make_server(storage, roost=False)
    with server.raw("alice") as client:
        assert client.append("INBOX", message("one")).ok
    server.stop()
    server.roost = True
    server.settings["roost_auto_create"] = "no"
    server.start()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS ($Forwarded)")
        for how in ("+FLAGS", "FLAGS", "+FLAGS.SILENT"):
            answer = client.cmd("STORE 1 %s (%s)" % (how, SECRETS[0]))
            assert answer.status == "NO" and b"SERVERBUG" in answer.tagged
        client.ok("STORE 1 +FLAGS (\\Seen)")
        client.ok("CREATE Other")
    server.wait_log("Cannot make a token of a private keyword")
    assert flags_of(server) == {"one": {"$forwarded", "\\seen"}}
    assert names_on_disk(server) == set() == tokens_on_disk(server)
    assert SECRETS[0] not in server.log_since(0)
    # An admin decides for a backup server: opened, not sealed.
    server.settings["roost_enable"] = "read-only"
    server.reload()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (%s)" % SECRETS[0])
    assert names_on_disk(server) == {SECRETS[0]}


@pytest.mark.parametrize("storage", KINDS)
def test_copy_where_no_keyring_may_be_made(make_server, storage):
    """What cannot be stored is refused, and the session goes on."""
    server = legacy(make_server, storage)
    server.settings["roost_auto_create"] = "no"
    server.start()
    with server.raw("alice") as client:
        client.ok("CREATE Other")
        client.ok("SELECT INBOX")
        for command in ("COPY 1:3 Other", "MOVE 1 Other"):
            answer = client.cmd(command)
            assert answer.status == "NO" and b"SERVERBUG" in answer.tagged
        client.ok("STORE 4 FLAGS ($Forwarded)")
        assert searched(client, SECRETS[0]) == [1]
        assert client.count("Other") == 0
    assert flags_of(server) == dict(OLD, old3={"$forwarded"})
    server.wait_log("Cannot make a token of a private keyword")


def test_virtual_index_gets_no_name_either(make_server):
    """Its names come from no client: the last gate holds them."""
    server = legacy(make_server, "sdbox", plugins=["virtual"],
                    extra=virtualbox.SETTINGS)
    folder = virtualbox.add(server, "alice", "all", "!INBOX", "  all")
    server.settings["roost_auto_create"] = "no"
    server.start()

    def readable():
        found = set()
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            found |= {name for name in SECRETS if name.encode() in content}
        return found

    with server.raw("alice") as client:
        assert client.cmd("SELECT virtual/all").status == "NO"
        client.ok("SELECT INBOX")
    server.wait_log("Cannot make a token of a private keyword")
    assert readable() == set()
    assert flags_of(server) == OLD
    server.doveadm("roost", "init", "-u", "alice")
    assert flags_of(server, "virtual/all") == OLD
    assert readable() == set()
    assert len(tokens_on_disk(server)) == 4


@pytest.mark.parametrize("storage", KINDS)
def test_keyring_that_fails(make_server, storage):
    """Tokens are shown, no name is stored, nothing is lost."""
    server = make_server(storage)
    with server.raw("alice") as client:
        assert client.append("INBOX", message("one"),
                             SECRETS[0] + " Junk").ok
    with open(keyring(server), "rb") as file:
        whole = file.read()
    server.write(keyring(server), whole.replace(b"provider-mac ",
                                                b"provider-mac A"), 0o600)
    token = tokens_on_disk(server).pop().decode()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        line = client.ok("FETCH 1 (FLAGS)").untagged[-1]
        assert token.encode() in line.lower() and b"Junk" in line
        for how in ("+FLAGS", "FLAGS"):
            answer = client.cmd("STORE 1 %s (%s)" % (how, SECRETS[1]))
            assert answer.status == "NO" and b"SERVERBUG" in answer.tagged
        client.ok("STORE 1 +FLAGS (\\Seen)")
        client.ok("STORE 1 FLAGS (Junk \\Seen %s)" % token)
    server.wait_log("Names of keywords cannot be shown")
    assert names_on_disk(server) == set()
    assert tokens_on_disk(server) == {token.encode()}
    assert not any(name in server.log_since(0) for name in SECRETS)
    server.write(keyring(server), whole, 0o600)
    assert flags_of(server) == {"one": {SECRETS[0].lower(), "junk",
                                        "\\seen"}}


def test_password_mode_without_the_password(make_server):
    server = make_server("sdbox", secret=True)
    server.init_password_mode("alice")
    server.sieve("alice", 'require "imap4flags";\naddflag "%s";'
                 % SECRETS[0])
    assert server.deliver(message("one"), "alice")[0][0] == 250
    server.doveadm("flags", "add", "-u", "alice", SECRETS[1], "mailbox",
                   "INBOX", "all")
    shown = server.doveadm("fetch", "-u", "alice", "flags", "mailbox",
                           "INBOX", "all").stdout.decode()
    assert SECRETS[0] in shown and SECRETS[1] in shown
    assert flags_of(server) == {"one": {SECRETS[0].lower(), SECRETS[1]}}
    assert names_on_disk(server) == set()
    assert len(tokens_on_disk(server)) == 2


def test_other_users_of_an_index_see_tokens(make_server):
    """Two users whom an admin has given one folder, in one process that has
    its index open for both: what the one's keyring opens is not shown to the
    other, who has another."""
    server = make_server("sdbox", users=("alice", "bob"), extra="""
service imap {
  client_limit = 10
  process_limit = 1
  %s
}
""" % servers.SERVES_MANY)
    with server.raw("alice") as client:
        assert client.append("INBOX", message("one"), SECRETS[0]).ok
    token = tokens_on_disk(server).pop().decode()
    os.rmdir(server.home("bob"))
    os.symlink(server.home("alice"), server.home("bob"))
    with server.raw("bob") as bob, server.raw("alice") as alice:
        for turn in range(3):
            for client, own, other in ((alice, SECRETS[0], token),
                                       (bob, token, SECRETS[0])):
                if turn % 2 == 0:
                    client.ok("SELECT INBOX")
                line = client.ok("FETCH 1 (FLAGS)").untagged[-1].decode()
                line = line.lower()
                assert own.lower() in line, (turn, own, line)
                assert other.lower() not in line, (turn, own, line)
                assert searched(client, own) == [1]
                assert searched(client, other) == []
        assert bob.cmd("STORE 1 +FLAGS (%s)" % SECRETS[1]).status == "NO"
        alice.ok("STORE 1 +FLAGS (%s)" % SECRETS[2])
        assert searched(bob, SECRETS[2]) == []
    assert names_on_disk(server) == set()
    said = server.session_log(alice) + server.session_log(bob)
    pids = set(re.findall(r"imap\(\w+\)<(\d+)>", "\n".join(said)))
    assert len(pids) == 1, pids


# Other people's mailboxes

def test_shared_and_public_mailboxes(shared):
    """The names are kept with the owner's keyring, whoever gives them."""
    shared.stop()
    shared.plugins.append("virtual")
    shared.extra += virtualbox.SETTINGS
    virtualbox.add(shared, "bob", "both", "INBOX", "shared/alice/Open",
                   "  all")
    shared.start()
    share(shared)
    with shared.raw("alice") as alice, shared.raw("bob") as bob:
        for client, mailbox in ((alice, "Open"), (bob, "shared/alice/Open")):
            client.ok("SELECT %s" % mailbox)
            client.ok("STORE 1 +FLAGS (Von-%s-lang-genug)"
                      % ("Alice" if client is alice else "Bob"))
        bob.ok("APPEND INBOX (Eigenes) ", (message("own"),))
        bob.cmd("CREATE Public/Board")
        bob.ok("APPEND Public/Board (Aushang) ", (message("all"),))
        alice.ok("SELECT Public/Board")
        assert searched(alice, "aushang")
        # Through a virtual mailbox, whose index is bob's.
        bob.ok("SELECT virtual/both")
        lines = b"".join(bob.ok("FETCH 1:* (FLAGS)").untagged)
        assert b"Von-Alice-lang-genug" in lines and b"Eigenes" in lines
        assert b"rk1-" not in lines
        both = ("Gemeinsam", "Gemeinsam-und-viel-laenger-als-sonst")
        for name in both:
            bob.ok("STORE 1:* +FLAGS (%s)" % name)
        bob.ok("NOOP")
        answer = bob.cmd("STORE 1:* +FLAGS (rk1-madeup)")
        assert answer.status == "NO", answer
        alice.ok("SELECT Open")
        lines = b"".join(alice.ok("FETCH 1:* (FLAGS)").untagged)
        for name in both + ("Von-Bob-lang-genug",):
            assert name.encode() in lines
            assert searched(alice, name) == [1]
        bob.ok("SELECT INBOX")
        assert all(searched(bob, name) for name in both)
        bob.ok("SELECT shared/alice/Open")
        assert all(searched(bob, name) == [1] for name in both)
    assert names_on_disk(shared, ("lang-genug", "Eigenes", "Aushang",
                                  "Gemeinsam", "madeup")) == set()
    tokens = {user: tokens_on_disk(shared, user) for user in ("alice", "bob")}
    assert len(tokens["alice"]) >= 4 and \
        not tokens["alice"] & tokens["bob"]


# Limits

@pytest.mark.parametrize("storage", KINDS)
def test_longest_name(make_server, storage):
    server = make_server(storage, extra="mail_max_keyword_length = 400\n")
    longest, longer = "K" * 255, "W" * 256
    with server.raw("alice") as client:
        assert client.append("INBOX", message("one"), longest).ok
        answer = client.append("INBOX", message("bad"), longer)
        assert answer.status == "NO" and b"too long" in answer.tagged
        client.ok("SELECT INBOX")
        answer = client.cmd("STORE 1 +FLAGS (%s)" % longer)
        assert answer.status == "NO" and b"too long" in answer.tagged
        client.ok("STORE 1 +FLAGS (%s)" % longest[:-1])
        client.ok("CREATE Other")
        client.ok("COPY 1 Other")
    expected = {"one": {longest.lower(), longest[:-1].lower()}}
    for mailbox in ("INBOX", "Other"):
        assert flags_of(server, mailbox) == expected
    server.doveadm("force-resync", "-u", "alice", "INBOX")
    assert flags_of(server) == expected
    assert names_on_disk(server, ("K" * 20, "W" * 20)) == set()


# Several at once

def two_spellings(server, one, two, tokens):
    """Two sessions know one keyword by two spellings."""
    for client in (one, two):
        client.ok("NOOP")
        client.ok("NOOP")
        for name in ("urlaub", "Urlaub", "URLAUB"):
            assert searched(client, name) == [1, 2]
            assert found_by(client, "UNKEYWORD %s" % name) == [3, 4]
    assert len(tokens_on_disk(server)) == tokens
    both = {"m0": {"urlaub"}, "m1": {"urlaub"}, "m2": set(), "m3": set()}
    assert flags_of(server) == both
    with server.raw("alice") as third:
        assert [name.lower() for name in listed(third)] == ["urlaub"]
        assert searched(third, "Urlaub") == [1, 2]
        # Taken away and set again; set twice; replaced; gone for all.
        third.ok("STORE 2 -FLAGS (URLAUB)")
        assert searched(third, "urlaub") == [1]
        two.ok("NOOP")
        one.ok("STORE 2 FLAGS (urlaub)")
        third.ok("STORE 1:3 +FLAGS (urlaub)")
        assert flags_of(server) == dict(both, m2={"urlaub"})
        assert searched(third, "uRLAUB") == [1, 2, 3]
        shown = server.doveadm("fetch", "-u", "alice", "flags", "mailbox",
                               "INBOX", "all").stdout.lower()
        assert shown.count(b"urlaub") == 3
        third.ok("STORE 2:4 FLAGS (Urlaub \\Seen)")
        assert searched(third, "uRLAUB") == [1, 2, 3, 4]
        assert found_by(third, "OR KEYWORD urlaub SEEN") == \
            found_by(third, "NOT UNKEYWORD urlaub") == [1, 2, 3, 4]
        assert found_by(third, "OR UNKEYWORD urlaub ANSWERED") == \
            found_by(third, "NOT (OR KEYWORD urlaub SEEN)") == []
        third.ok("STORE 1:2 -FLAGS (URLAUB)")
        assert searched(third, "urlaub") == [3, 4]
    for client in (one, two):
        client.ok("NOOP")
        assert searched(client, "urlaub") == [3, 4]
        assert b"rlaub" not in client.ok("FETCH 1 (FLAGS)").untagged[-1]
    two.ok("STORE 3:4 FLAGS ()")
    one.ok("NOOP")
    assert searched(one, "urlaub") == []
    assert flags_of(server) == dict({name: set() for name in both},
                                    m1={"\\seen"})
    assert len(tokens_on_disk(server)) == tokens
    assert names_on_disk(server, ("urlaub",)) == set()


@pytest.mark.parametrize("storage", STORAGES)
def test_two_spellings_at_once(make_server, storage):
    """Two processes that have not heard of each other's: one token, so that
    one keyword is listed, and one letter of Maildir is used."""
    server = make_server(storage)
    with server.raw("alice") as one, server.raw("alice") as two:
        for number in range(4):
            assert one.append("INBOX", message("m%d" % number)).ok
        for client, name in ((one, "Urlaub"), (two, "URLAUB")):
            client.ok("SELECT INBOX")
            assert searched(client, name) == []
        two.ok("STORE 1 +FLAGS (URLAUB)")
        one.ok("STORE 2 +FLAGS (Urlaub)")
        with server.raw("alice") as third:
            assert listed(third) == ["URLAUB"]
        two_spellings(server, one, two, 1)


def test_another_keyword_after_two_spellings(make_server):
    """What a command about one keyword comes to is not for the next."""
    server = make_server("sdbox")
    with server.raw("alice") as client:
        for number in range(3):
            assert client.append("INBOX", message("m%d" % number)).ok
    give_two(server, "INBOX")
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (Other)")
        client.ok("STORE 1:3 +FLAGS (URLAUB)")
        client.ok("STORE 1:3 +FLAGS (Other)")
        client.ok("STORE 2:3 -FLAGS (urlaub)")
        client.ok("STORE 1:2 -FLAGS (Other)")
    assert flags_of(server) == {"m0": {"urlaub"}, "m1": set(),
                                "m2": {"other"}}


@pytest.mark.parametrize("storage", STORAGES)
def test_two_spellings_of_before(make_server, storage):
    """Two tokens of one name, as earlier builds left them: one keyword to
    every client, whichever of them its messages have."""
    server = make_server(storage)
    server.doveadm("roost", "init", "-u", "alice")
    with server.raw("alice") as client:
        for number in range(4):
            assert client.append("INBOX", message("m%d" % number)).ok
    give_two(server, "INBOX")
    with server.raw("alice") as one, server.raw("alice") as two:
        assert listed(one) == ["Urlaub"] == listed(two)
        two_spellings(server, one, two, 2)


@pytest.mark.parametrize("storage", STORAGES)
def test_keywords_beside_two_spellings(make_server, storage):
    """A client finds the names of a message by their numbers: those behind
    the second token have moved up, and those that come later are new."""
    server = make_server(storage)
    with server.raw("alice") as client:
        for number in range(5):
            assert client.append("INBOX", message("m%d" % number)).ok
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (Davor)")
    give_two(server, "INBOX")
    expected = {"m0": {"davor", "urlaub"}, "m1": {"urlaub"},
                "m2": {"danach"}, "m3": {"zuletzt"}, "m4": set()}
    with server.raw("alice") as one, server.raw("alice") as two:
        for client in (one, two):
            assert sorted(listed(client)) == ["Davor", "Urlaub"]
        two.ok("STORE 3 +FLAGS (Danach)")
        one.ok("NOOP")
        # The second one has both tokens then.
        two.ok("STORE 1:2 +FLAGS (URLAUB)")
        one.ok("STORE 4 +FLAGS (Zuletzt)")
        two.ok("STORE 4 +FLAGS.SILENT (ZULETZT)")
        for client in (one, two):
            client.ok("NOOP")
            # Who spelled it otherwise goes on so, as with plain names.
            assert sorted(name.lower() for name in listed(client)) == \
                ["danach", "davor", "urlaub", "zuletzt"]
            assert flags_of(server) == expected
            shown = shown_flags(client)
            assert [shown[number] for number in range(1, 6)] == \
                [names for _, names in sorted(expected.items())]
        one.ok("CREATE Other")
        one.ok("COPY 1:5 Other")
    assert flags_of(server, "Other") == expected
    with server.raw("alice") as client:
        assert sorted(listed(client, "Other")) == ["Danach", "Davor", "Urlaub",
                                                   "Zuletzt"]


def modseqs(client):
    return dict(re.findall(rb"\* (\d+) FETCH \(MODSEQ \((\d+)\)",
                           b"\n".join(client.ok(
                               "FETCH 1:* (MODSEQ)").untagged)))


@pytest.mark.parametrize("storage", STORAGES)
def test_modseq_of_two_spellings(make_server, storage):
    """Being shown once is no change; being cleared is one."""
    server = make_server(storage)
    with server.raw("alice") as client:
        for number in range(4):
            assert client.append("INBOX", message("m%d" % number)).ok
        client.ok("SELECT INBOX (CONDSTORE)")
        client.ok("STORE 4 +FLAGS (Ort)")
    give_two(server, "INBOX")
    with server.raw("alice") as one, server.raw("alice") as two:
        for client in (one, two):
            client.ok("SELECT INBOX (CONDSTORE)")
        before = modseqs(one)
        listed(one)
        assert modseqs(one) == before == modseqs(two)
        one.ok("STORE 2 -FLAGS (urlaub)")
        two.ok("NOOP")
        after = modseqs(two)
        assert {number for number in before
                if before[number] != after[number]} == {b"2"}
        assert searched(two, "URLAUB") == [1]


def test_two_spellings_in_several_mailboxes(make_server):
    """One doveadm command asks all of them: it removes no more than it is
    told to."""
    server = make_server("sdbox")
    with server.raw("alice") as client:
        for mailbox in ("One", "Two", "Three"):
            client.ok("CREATE %s" % mailbox)
        # Here what stands first in the others has other positions.
        for number in range(2):
            assert client.append("Three", message("m"), "Andere-%d"
                                 % number).ok
    for mailbox in ("One", "Two", "Three"):
        with server.raw("alice") as client:
            for number in range(3):
                assert client.append(mailbox, message("m%d" % number)).ok
        give_two(server, mailbox)

    def found(*query):
        lines = server.doveadm("-f", "flow", "fetch", "-u", "alice",
                               "mailbox uid", *query).stdout.decode()
        return sorted(re.findall(r"mailbox=(\S+) uid=(\d+)", lines))
    both = sorted((mailbox, uid) for mailbox in ("One", "Two", "Three")
                  for uid in "12")
    rest = sorted([("One", "3"), ("Two", "3")] +
                  [("Three", uid) for uid in "345"])
    assert found("keyword", "urlaub") == both
    assert found("unkeyword", "urlaub") == rest
    assert found("not", "keyword", "urlaub") == rest
    assert found("not", "unkeyword", "urlaub") == both
    assert found("keyword", "urlaub", "or", "seen") == both
    server.doveadm("expunge", "-u", "alice", "mailbox", "*", "unkeyword",
                   "urlaub")
    assert found("all") == both


@pytest.mark.parametrize("storage", KINDS)
def test_same_name_by_two_processes(make_server, storage):
    server = make_server(storage)
    with server.raw("alice") as one, server.raw("alice") as two:
        for number in range(2):
            assert one.append("INBOX", message("m%d" % number)).ok
        for client in (one, two):
            client.ok("SELECT INBOX")
        for round_ in range(10):
            sent = [(client, client.send("STORE %d +FLAGS (Runde-%d)"
                                         % (number, round_)))
                    for number, client in ((1, one), (2, two))]
            for client, tag in sent:
                assert client.finish(tag).ok
        for client in (one, two):
            client.ok("NOOP")
            for round_ in range(10):
                assert searched(client, "runde-%d" % round_) == [1, 2]
    assert len(tokens_on_disk(server)) == 10
    expected = {"runde-%d" % round_ for round_ in range(10)}
    assert flags_of(server) == {"m0": expected, "m1": expected}


class Worker(threading.Thread):
    """A client that changes flags at random."""

    def __init__(self, server, seed, count, messages, names):
        super().__init__()
        self.random = random.Random(seed)
        self.count, self.messages, self.names = count, messages, names
        self.client = server.raw("alice")
        self.client.ok("SELECT INBOX")
        self.failure = None

    def run(self):
        try:
            for _ in range(self.count):
                self.step()
        except Exception as failure:
            self.failure = failure

    def some(self):
        names = self.random.sample(self.names, self.random.randint(1, 3))
        return " ".join(self.random.choice((name, name.upper(), name.title()))
                        for name in names)

    def step(self):
        pick = self.random.random()
        first = self.random.randint(1, self.messages)
        last = min(self.messages, first + self.random.randint(0, 3))
        if pick < 0.6:
            how = self.random.choice(("+FLAGS", "-FLAGS", "+FLAGS.SILENT",
                                      "-FLAGS.SILENT", "FLAGS"))
            self.client.ok("STORE %d:%d %s (%s)" % (first, last, how,
                                                    self.some()))
        elif pick < 0.8:
            self.client.ok("SEARCH KEYWORD %s" % self.some().split()[0])
        elif pick < 0.95:
            self.client.ok("FETCH %d:%d (FLAGS)" % (first, last))
        elif pick < 0.99:
            self.client.ok("NOOP")
        else:
            self.client.ok("SELECT INBOX")


@pytest.mark.parametrize("storage", STORAGES)
def test_many_sessions_at_once(make_server, storage):
    """ROOST_E2E_KEYWORD_OPS changes by five sessions: in the end all see the
    same, by FETCH and by SEARCH."""
    total = int(os.environ.get("ROOST_E2E_KEYWORD_OPS", "400"))
    names = ["Thema-%d" % number for number in range(40)]
    server = make_server(storage)
    with server.raw("alice") as client:
        for number in range(20):
            assert client.append("INBOX", message("m%d" % number)).ok
    workers = [Worker(server, corpus.SEED + number, total // 5, 20, names)
               for number in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.failure is None, worker.failure
    fresh = server.raw("alice")
    fresh.ok("SELECT INBOX")
    expected = shown_flags(fresh)
    assert any(expected.values())
    for client in [worker.client for worker in workers] + [fresh]:
        client.ok("NOOP")
        client.ok("NOOP")
        assert shown_flags(client) == expected
        for name in names:
            assert searched(client, name) == sorted(
                number for number, flags in expected.items()
                if name.lower() in flags), name
        client.logout()
    assert names_on_disk(server, ["thema-"]) == set()
    server.doveadm("force-resync", "-u", "alice", "INBOX")
    fresh = server.raw("alice")
    fresh.ok("SELECT INBOX")
    assert shown_flags(fresh) == expected


def test_copy_without_any_name_that_is_allowed(make_server):
    """Names were longer once: the message is copied without them."""
    server = make_server("maildir")
    long_names = apart.configuration(
        server, "long", extra="mail_max_keyword_length = 100\n")
    with apart.Imap(server, "alice", long_names) as client:
        assert client.append("INBOX", message("one")).ok
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (%s)" % ("n" * 80))
        client.ok("CREATE Other")
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("COPY 1 Other")
        client.ok("SELECT Other")
        assert client.fetch(1, "BODY.PEEK[]") == message("one")
        answer = client.cmd("FETCH 1 (FLAGS)")
        assert b"nnn" not in b"".join(answer.untagged)


MBOX = """
namespace old {
  separator = /
  prefix = Old/
%s}
"""


def test_names_in_a_file_that_others_read(make_server):
    """Other software reads the keywords that stand in an mbox, which may be
    there where nothing is sealed any more."""
    server = make_server("sdbox")
    server.doveadm("roost", "init", "-u", "alice")
    server.stop()
    server.settings["roost_enable"] = "read-only"
    where = os.path.join(server.home("alice"), "old")
    server.extra += MBOX % (
        "  mail_driver = mbox\n  mail_path = %s\n" % where if servers.NEW
        else "  location = mbox:%s\n" % where)
    os.mkdir(where)
    box = os.path.join(where, "Box")
    server.write(box, b"From a@roost.test Sat Nov 28 10:00:00 2026\n" +
                 message("old").replace(b"\r\n", b"\n") + b"\n")
    server.own(server.mail_root)
    server.start()
    with server.raw("alice") as client:
        client.ok("SELECT Old/Box")
        client.ok("STORE 1 +FLAGS (Dentist)")
        assert searched(client, "Dentist") == [1]
        client.ok("CLOSE")
    with open(box, "rb") as file:
        assert b"\nX-Keywords: Dentist" in file.read()
