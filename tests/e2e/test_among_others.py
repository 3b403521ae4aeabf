# SPDX-License-Identifier: MIT
"""Messages that cannot be read among others that doveadm copies, moves,
imports or replicates: the others arrive whole, nothing that was there before is
lost, and what stays behind is named."""

import os

import pytest

import server as servers
import tamper
from server import STORAGES
from tamper import AT
from places import at_location, bodies, location

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="attacks on Roost")

# Which of the messages are good, refused at once, or damaged further on: where
# the last one fails, or the first one, differs in Dovecot.
ORDERS = ("r", "d", "gr", "gd", "rg", "dg", "gdg", "dgr", "rdgg")


def message(word):
    """Of several chunks."""
    return b"From: a@sender.example\r\nSubject: about %s\r\n\r\n%s" % (
        word.encode(), b"".join(b"%s line %05d\r\n" % (word.encode(), number)
                                for number in range(4000)))


def words(order):
    return ["%s%d" % (kind, number) for number, kind in enumerate(order)]


def fill(server, user, *given):
    with server.raw(user) as client:
        for word in given:
            assert client.append("INBOX", message(word)).ok


def damage(server, user, given):
    reader = tamper.Reader(server, user)
    for word in given:
        at = {"r": AT["commitment"], "d": AT["chunk-1"] + 7}.get(word[0])
        if at is not None:
            tamper.flip(reader.find(b"Subject: about " + word.encode()), at)


@pytest.fixture(scope="module", params=STORAGES)
def server(request, make_module_server):
    names = [order + how for order in ORDERS
             for how in ("move", "copy", "import")]
    return make_module_server(request.param, users=[
        side + name for name in names for side in ("from", "to")])


def root(server, user):
    return os.path.join(server.home(user), {"maildir": "Maildir"}.get(
        server.storage, server.storage))


def command(server, how, source, target):
    if how == "import":
        return ["import", "-u", target, "-U", source,
                location(server.storage, root(server, source)), "",
                "mailbox", "INBOX", "all"]
    return [how, "-u", target, "INBOX", "user", source, "mailbox", "INBOX",
            "all"]


@pytest.mark.parametrize("how", ["move", "copy", "import"])
@pytest.mark.parametrize("order", ORDERS)
def test_to_another_user(server, order, how):
    source, target = "from" + order + how, "to" + order + how
    given = words(order)
    good = [word for word in given if word[0] == "g"]
    bad = [word for word in given if word[0] != "g"]
    fill(server, target, "own")
    fill(server, source, *given)
    damage(server, source, given)
    done = server.doveadm(*command(server, how, source, target), check=False)
    assert done.returncode in (65, 75), done
    for gate in {"r": b"[commitment]", "d": b"[chunk]"}.items():
        assert (gate[1] in done.stderr) == (gate[0] in order), done.stderr
    assert bodies(server, target) == list(map(message, ["own"] + good))
    server.doveadm("roost", "verify", "-u", target)
    with server.raw(source) as client:
        assert client.count() == len(bad if how == "move" else given)


# Replication stops at it.

def at_place(server, kind, place):
    """How many messages a backup has that are whole."""
    done = server.doveadm(*at_location(kind, place), "fetch", "-u", "alice",
                          "text", "mailbox", "INBOX")
    return done.stdout.count(b" line 03999")


@pytest.fixture(params=["r", "d"])
def pair(request, make_server):
    """(server, what is damaged) with four messages, of which the third is."""
    server = make_server("mdbox", users=["alice", "bob"])
    fill(server, "alice", "g0", "g1")
    return server, request.param


@pytest.mark.parametrize("kind", STORAGES)
def test_backup(pair, kind):
    """It keeps what it had, and is complete once the message is gone."""
    server, bad = pair
    place = os.path.join(server.home("alice"), "backup")
    args = ["backup", "-u", "alice", location(kind, place)]
    server.doveadm(*args)
    fill(server, "alice", bad + "2", "g3")
    damage(server, "alice", [bad + "2"])
    for _ in range(2):
        done = server.doveadm(*args, check=False)
        assert done.returncode in (65, 75), done
        assert b"cannot be opened" in done.stderr, done.stderr
        assert at_place(server, kind, place) == 2
    server.doveadm("expunge", "-u", "alice", "mailbox", "INBOX", "subject",
                   bad + "2")
    server.doveadm(*args)
    assert at_place(server, kind, place) == 3


def test_sync_with_another(pair):
    """To one who has mail of his own: nobody's is lost."""
    server, bad = pair
    fill(server, "bob", "own")
    fill(server, "alice", bad + "2", "g3")
    damage(server, "alice", [bad + "2"])
    done = server.doveadm("sync", "-u", "alice", *server.dsync_server("bob"),
                          check=False)
    assert done.returncode in (65, 75), done
    assert b"cannot be opened" in done.stderr, done.stderr
    server.doveadm("roost", "verify", "-u", "bob")
    assert message("own") in bodies(server, "bob")
    server.doveadm("expunge", "-u", "alice", "mailbox", "INBOX", "subject",
                   bad + "2")
    assert set(bodies(server, "alice")) >= set(map(message,
                                                   ["g0", "g1", "g3"]))
    server.doveadm("roost", "verify", "-u", "alice")
