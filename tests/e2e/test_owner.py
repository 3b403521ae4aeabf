# SPDX-License-Identifier: MIT
"""Whose pins bind a shared mailbox: its owner's, whoever reads it. A visitor
brings no key, no pin and no exemption of his own into it.
"""

import os

import pytest

import server as servers
import tamper
from sharing import message, share, shared  # noqa: F401

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="pins of Roost")

OPEN = "shared/alice/Open"


@pytest.fixture(scope="module")
def server(shared):  # noqa: F811
    """alice's mailbox Open has a sealed message and a plaintext one."""
    share(shared)
    shared.doveadm("roost", "policy", "-u", "alice", "open")
    shared.change_user("alice", roost_enable="no")
    with shared.raw("alice") as client:
        assert client.append("Open", message("plain")).ok
    shared.change_user("alice", roost_enable=None)
    return shared


@pytest.fixture
def pin(server):
    """Sets userdb fields for the time of a test."""
    changed = {}

    def change(user, **fields):
        changed.setdefault(user, set()).update(fields)
        server.change_user(user, **fields)

    yield change
    for user, names in changed.items():
        server.change_user(user, **dict.fromkeys(names))


def read(server, user, mailbox):
    """What FETCH answers for the sealed and the plaintext message."""
    with server.raw(user) as client:
        client.ok("SELECT " + mailbox)
        return [client.cmd("FETCH %d (BODY.PEEK[])" % seq).status
                for seq in (1, 2)]


def both(server):
    return read(server, "alice", "Open"), read(server, "bob", OPEN)


def append(server, user, mailbox):
    with server.raw(user) as client:
        return client.append(mailbox, message("more")).status


def test_without_pins(server):
    assert both(server) == (["OK", "OK"], ["OK", "OK"])


@pytest.mark.parametrize("visitor", [
    {}, {"roost_policy": "open"}, {"roost_plaintext": "serve"},
    {"roost_enable": "no"}, {"roost_enable": "read-only"}],
    ids=lambda fields: " ".join(fields.values()) or "nothing")
def test_policy(server, pin, visitor):
    """What is refused to the owner is refused to the visitor, whatever his
    own account says."""
    pin("alice", roost_policy="sealed")
    if visitor:
        pin("bob", **visitor)
    owner, found = both(server)
    assert owner == ["OK", "NO"]
    assert found[1] == "NO"
    assert (found[0] == "OK") == (visitor.get("roost_enable") != "no")


def test_owner_serves_plaintext(server, pin):
    pin("alice", roost_policy="sealed", roost_plaintext="serve")
    assert both(server) == (["OK", "OK"], ["OK", "OK"])


def test_older_keyring(server, pin):
    pin("alice", roost_generation_min="7")
    mark = server.log_mark()
    assert both(server) == (["NO", "NO"], ["NO", "NO"])
    server.wait_log(r"imap\(bob\).*below roost_generation_min", mark)
    assert append(server, "bob", OPEN) == "NO"


def test_another_id(server, pin):
    pin("alice", roost_keyring_id="ab" * 16)
    mark = server.log_mark()
    assert both(server) == (["NO", "NO"], ["NO", "NO"])
    server.wait_log(r"imap\(bob\).*not the one that roost_keyring_id", mark)
    assert append(server, "bob", OPEN) == "NO"


def test_pins_of_the_visitor(server, pin):
    """They are about his own keyring."""
    assert server.deliver(message("own"), "bob")[0][0] == 250
    own = tamper.Reader(server, "bob").ring
    pin("bob", roost_policy="sealed", roost_keyring_id=own.id.hex(),
        roost_generation_min=str(own.generation))
    assert read(server, "bob", OPEN) == ["OK", "OK"]
    pin("bob", roost_policy="open", roost_keyring_id="ab" * 16,
        roost_generation_min="9")
    assert read(server, "bob", OPEN) == ["OK", "OK"]
    assert append(server, "bob", "INBOX") == "NO"


def test_wrong_pin(server, pin):
    """What cannot be understood is no missing pin."""
    pin("alice", roost_generation_min="many")
    mark = server.log_mark()
    assert read(server, "bob", OPEN) == ["NO", "NO"]
    server.wait_log(r"userdb has for alice, the owner of the mailbox: "
                    "roost_generation_min is not a number", mark)
    assert append(server, "bob", OPEN) == "NO"


def test_secret_of_the_visitor(server, pin):
    """It opens nothing of somebody else's, though it would."""
    secret = os.urandom(32)
    tamper.put_keyring(server, "carol", tamper.make_keyring(
        server, "carol", "password", secret)[0])
    pin("carol", roost_secret_key=secret.hex())
    with server.raw("carol") as client:
        client.ok("CREATE Open")
        client.ok("SETACL Open bob lrwstipekxa")
        assert client.append("Open", message("locked")).ok
        client.ok("SELECT Open")
        client.ok("FETCH 1 (BODY.PEEK[])")
    pin("bob", roost_secret_key=secret.hex())
    mark = server.log_mark()
    with server.raw("bob") as client:
        client.ok("SELECT shared/carol/Open")
        assert client.cmd("FETCH 1 (BODY.PEEK[])").status == "NO"
    server.wait_log(r"imap\(bob\).*\[locked\]", mark)


@pytest.mark.parametrize("command", [("policy",), ("init",), ("rebind",)],
                         ids=lambda command: command[0])
def test_commands_name_no_owner_by_a_namespace(server, command):
    """What others share has their keyrings, which are theirs to change."""
    args = ("shared/",) if command[0] == "rebind" else ("-n", "shared/")
    done = server.doveadm("roost", *command, "-u", "bob", *args, check=False)
    assert done.returncode == 75, done
    assert b'"shared/" has no folder for a keyring' in done.stderr, done
