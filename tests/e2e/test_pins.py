# SPDX-License-Identifier: MIT
"""What userdb pins against somebody who holds the provider key and writes to
the storage: the id of a keyring, and the mode it must be in.
"""

import os
import re

import pytest

import server as servers
import tamper
from tamper import rf

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="pins of Roost")


def text_of(number):
    return b"From: a@sender.example\r\nSubject: number %d\r\n\r\nbody of " \
        b"number %d\r\n" % (number, number)


@pytest.fixture(scope="module")
def server(make_module_server):
    users = {"u%02d" % number: {} for number in range(30)}
    # No login raises what a password costs, which would change keyrings.
    server = make_module_server("maildir", users=users, secret=True, settings={
        "roost_argon2_time": "1", "roost_argon2_memory": "8 M"})
    server.next_user = iter(users)
    return server


class Account:
    """A user in password mode with one message."""

    def __init__(self, server):
        self.server = server
        self.user = next(server.next_user)
        self.path = tamper.keyring_path(server, self.user)
        self.good, self.writer = tamper.make_keyring(server, self.user,
                                                     "password")
        tamper.write(self.path, self.good)
        assert server.deliver(text_of(1), self.user)[0][0] == 250

    def pin(self, **fields):
        self.server.change_user(self.user, **fields)

    def pin_id(self, **more):
        self.pin(roost_keyring_id=self.writer.id.hex(), **more)

    def stored(self):
        return sorted(item[2] for item in self.server.objects(self.user))

    def deliver(self, number):
        return self.server.deliver(text_of(number), self.user)[0][0]

    def session(self):
        """(what FETCH of the first message answers, what APPEND does)."""
        with self.server.raw(self.user) as client:
            client.ok("SELECT INBOX")
            return client.cmd("FETCH 1 (BODY.PEEK[])").status, \
                client.append("Other", text_of(9)).status

    def assert_shut(self, pattern):
        """Nothing is delivered, saved or served, and the log says why."""
        before = self.stored()
        mark = self.server.log_mark()
        assert self.deliver(2) // 100 == 4
        self.server.wait_log(pattern, mark)
        assert self.server.lda(self.user, text_of(2)).returncode == 75
        assert self.session() == ("NO", "NO")
        assert self.stored() == before

    def assert_back(self):
        tamper.write(self.path, self.good)
        with self.server.raw(self.user) as client:
            client.ok("CREATE Other")
        assert self.deliver(2) == 250
        assert self.session() == ("OK", "OK")


@pytest.fixture
def account(server):
    return Account(server)


# What can be written by who has the provider key and no secret of the user

def provider_slot(account):
    return tamper.make_keyring(account.server, account.user)[0]


def password_slot(account):
    return tamper.make_keyring(account.server, account.user, "password",
                               os.urandom(32))[0]


def same_id(account):
    """Another identity and master key under the id that is pinned."""
    writer = rf.Writer(os.urandom, account.user.encode(),
                       tamper.provider_key(account.server))
    writer.id = account.writer.id
    writer.add_epoch()
    writer.add_provider()
    return writer.text()


def same_identity(account):
    """The public key, too; but nobody else can sign for it."""
    writer = rf.Writer(os.urandom, account.user.encode(),
                       tamper.provider_key(account.server))
    writer.id, writer.identity = account.writer.id, account.writer.identity
    writer.add_epoch()
    writer.add_provider()
    return writer.text()


def slot_added(account):
    """The genuine document with one slot more."""
    writer = account.writer
    lines = writer.lines()
    extra = b"slot 2 provider 1700000000 "
    at = [line.startswith(b"secrets") for line in lines].index(True)
    lines.insert(at, extra + rf.b64(os.urandom(60)))
    return rf.sign(lines, os.urandom(32), writer.host_key)


DOCUMENTS = {
    "provider-slot": (provider_slot, "roost_keyring_id",
                      "roost_mode is another"),
    "password-slot": (password_slot, "roost_keyring_id",
                      r"set roost_keyring_id .*\[(slot-auth|locked)\]"),
    "same-id": (same_id, r"\[identity\]", r"\[identity\]"),
    "same-identity": (same_identity, r"\[owner-sig\]", r"\[owner-sig\]"),
    "slot-added": (slot_added, r"\[owner-sig\]", r"\[owner-sig\]"),
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_id_is_pinned(account, case):
    make, pattern, _ = DOCUMENTS[case]
    account.pin_id()
    tamper.write(account.path, make(account))
    account.assert_shut(pattern)
    account.assert_back()


@pytest.mark.parametrize("case", DOCUMENTS)
def test_mode_is_pinned(account, case):
    """And the id is not: then only who is logged in with the secret can
    save."""
    make, _, pattern = DOCUMENTS[case]
    account.pin(roost_mode="password")
    tamper.write(account.path, make(account))
    account.assert_shut(pattern)
    tamper.write(account.path, account.good)
    with account.server.raw(account.user) as client:
        client.ok("CREATE Other")
    assert account.session() == ("OK", "OK")
    mark = account.server.log_mark()
    assert account.deliver(3) // 100 == 4
    account.server.wait_log(r"set roost_keyring_id to the id that doveadm "
                            r"roost status prints .*\[locked\]", mark)


def test_id_and_mode_are_pinned(account):
    """As roost(7) recommends it."""
    account.pin_id(roost_mode="password")
    for make, *_ in DOCUMENTS.values():
        tamper.write(account.path, make(account))
        account.assert_shut("roost")
    account.assert_back()


def test_nothing_is_pinned(account):
    """roost(7) says so: a keyring that was exchanged as a whole is taken, and
    who made it reads what comes from then on; not what was there."""
    text, writer = tamper.make_keyring(account.server, account.user)
    before = account.server.objects(account.user)
    tamper.write(account.path, text)
    assert account.deliver(2) == 250
    reader = tamper.Reader(account.server, account.user)
    assert [plain.endswith(b"body of number 2\n") for _, _, _, plain
            in reader.messages()] == [True]
    assert reader.open(before[0][2])[0] == "other-keyring"


def test_provider_mode_is_pinned(account):
    account.pin(roost_mode="provider")
    account.assert_shut("is in password mode, and roost_mode is another")
    account.good = provider_slot(account)
    tamper.write(account.path, account.good)
    assert account.deliver(2) == 250


def test_session_that_is_open(account):
    """A keyring that comes in the place of one in use passes the same
    pins."""
    account.pin_id(roost_mode="password")
    with account.server.raw(account.user) as client:
        client.ok("CREATE Other")
        assert client.append("Other", text_of(2)).ok
        for make, *_ in DOCUMENTS.values():
            tamper.write(account.path, make(account))
            assert client.append("Other", text_of(3)).status == "NO"
        tamper.write(account.path, account.good)
        assert client.append("Other", text_of(3)).ok


def run_init(server, user, *more):
    return server.doveadm("roost", "init", "-u", user, *more, check=False)


def test_none_is_made_in_another_mode(server):
    """Neither by itself nor by the command; and what the command prints is
    what is pinned."""
    user = next(server.next_user)
    path = tamper.keyring_path(server, user)
    server.change_user(user, roost_mode="password")
    mark = server.log_mark()
    assert server.deliver(text_of(1), user)[0][0] // 100 == 4
    server.wait_log(r"roost_mode=password: make it with doveadm roost init "
                    r"-m password -u " + user, mark)
    done = run_init(server, user)
    assert done.returncode != 0
    assert b"a keyring in another mode is not made" in done.stderr
    assert not os.path.exists(path)
    shown = server.init_password_mode(user).decode()
    server.change_user(user, roost_keyring_id=re.search(
        r"\b[0-9a-f]{32}\b", shown).group(0))
    assert server.deliver(text_of(1), user)[0][0] == 250
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))


def test_none_is_made_for_another_id(server):
    user = next(server.next_user)
    server.change_user(user, roost_keyring_id="ab" * 16)
    done = run_init(server, user)
    assert done.returncode != 0
    assert b"roost_keyring_id names a keyring" in done.stderr
    assert not os.path.exists(tamper.keyring_path(server, user))
