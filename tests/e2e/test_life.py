# SPDX-License-Identifier: MIT
"""Events in the life of a user's keys, as far as they are tested nowhere else:
what happens, and what must never happen.

The others: first use (test_keys, test_refusals), a changed password and the
last slot (test_slots), a secret that leaked (test_slots, test_rotation), an
account that is renamed or deleted (test_keyring_moves).
"""

import os

import pytest

import server as servers
import slotkit
import tamper
from slotkit import good, opens, roost, text_of
from tamper import rf

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")

FRESH = "another-password"


@pytest.fixture(scope="module", params=servers.STORAGES)
def server(request, make_module_server):
    return slotkit.start(make_module_server, request.param, 20)


@pytest.fixture
def user(server):
    return next(server.next_user)


def errors(server, client):
    return [line for line in server.session_log(client) if "Error:" in line]


@pytest.mark.parametrize("by", ["the old password", "the recovery code"])
def test_password_changed_elsewhere(server, user, by):
    """Event: the password is changed where Roost does not know of it. Mail is
    delivered, also while the user is logged in and reads nothing; each session
    logs one line that names the command; and what the user still knows, given
    to that, opens everything. Never: a new keyring, or one that is changed."""
    code = slotkit.initialise(server, user)
    deliver = iter(range(1, 9))

    def arrive():
        assert server.deliver(text_of(next(deliver)), user)[0][0] == 250

    arrive()
    before = slotkit.document(server, user)
    for _ in range(2):
        client = server.raw(user, FRESH)
        client.ok("SELECT INBOX")
        arrive()
        client.ok("NOOP")
        for number in range(1, client.count() + 1):
            for item in "BODY.PEEK[]", "ENVELOPE", "BODY.PEEK[TEXT]":
                answer = client.cmd("FETCH %d (%s)" % (number, item))
                assert answer.status == "NO" and b"number" not in b"".join(
                    answer.untagged)
        client.logout()
        told = errors(server, client)
        assert len(told) == 1, told
        assert "doveadm roost slot replace" in told[0]
        assert slotkit.document(server, user) == before
    good(roost(server, "slot", "replace", "-u", user, "password",
               secret=server.password(user) if "old" in by else code,
               fresh=FRESH))
    arrive()
    client = server.raw(user, FRESH)
    client.ok("SELECT INBOX")
    for number in range(1, next(deliver)):
        assert client.fetch(number, "BODY.PEEK[]").endswith(text_of(number))
    client.logout()
    assert errors(server, client) == []
    server.assert_sealed(user)


def test_recovery_code_is_stored_nowhere(server, user):
    """Event: a recovery code is made. It is shown once. Never: stored, in any
    form that it has."""
    codes = [slotkit.initialise(server, user)]
    again = roost(server, "init", "-u", user)
    assert [row["recovery-code"] for row in good(again)] == [""]
    codes.append(slotkit.shown(roost(server, "slot", "add", "-u", user,
                                     "recovery", secret=codes[0])))
    codes.append(slotkit.shown(roost(
        server, "rotate", "-u", user, "--compromised", "--recovery", "--yes",
        secret=codes[1], fresh=FRESH)))
    assert len(set(codes)) == 3
    assert opens(server, user, codes[2]) and not opens(server, user, codes[0])
    listed = str(good(roost(server, "slot", "list", "-u", user))) + str(
        good(roost(server, "status", "-u", user, secret=codes[2])))
    for code in codes:
        raw = rf.read_code(code.encode())
        words = [code.encode(), code.lower().encode(),
                 code.replace("-", "").encode(), raw, raw.hex().encode()]
        assert server.find_on_disk(*words, everywhere=True) == []
        assert code not in listed


def reseal(server, user, *masks):
    with slotkit.with_secret(server, server.password(user)) as conf:
        good(roost(server, "reseal", "-u", user, *masks, conf=conf))


def test_old_epochs_stay(server, user):
    """Event: rotation. New mail gets the new epoch, and reseal moves the old
    mail of the mailboxes that are named. Never: an epoch goes that a message
    needs, be it in another mailbox or in a backup."""
    slotkit.initialise(server, user)
    secret = server.password(user)
    with server.raw(user) as client:
        client.ok("CREATE Archive")
        for mailbox in "INBOX", "Archive":
            assert client.append(mailbox, text_of(1)).ok
    old = server.objects(user)
    good(roost(server, "rotate", "-u", user, secret=secret))
    reseal(server, user, "INBOX")
    ring = slotkit.unlock(server, user, secret)
    assert len(ring.epochs) == 2
    now = sorted(slotkit.epoch_of(content, ring)
                 for _, _, content in server.objects(user))
    assert now == [1, 2]
    for args in ("rotate",), ("reseal",), ("rotate", "-C", "-y"):
        if args[0] == "reseal":
            reseal(server, user)
        else:
            good(roost(server, args[0], "-u", user, *args[1:], secret=secret,
                       fresh=secret if len(args) > 1 else None))
        with server.raw(user) as client:
            for mailbox in "INBOX", "Archive":
                client.ok("SELECT " + mailbox)
                assert client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))
        ring = slotkit.unlock(server, user, secret)
        assert [rf.open_object(content, ring.id, ring.secrets)[0]
                for _, _, content in old] == ["ok", "ok"]


def test_account_renamed(server, user):
    """Event: an account gets another name. Never: the keyring is bound to it
    without the provider key that it was made with."""
    assert server.deliver(text_of(1), user)[0][0] == 250
    other = next(server.next_user)
    os.rename(server.home(other), server.home(other) + ".away")
    os.rename(server.home(user), server.home(other))
    before = slotkit.document(server, other)
    path = os.path.join(server.root, "other-%s.key" % user)
    server.write(path, os.urandom(32).hex() + "\n", 0o600)
    conf = os.path.join(server.root, "other-%s.conf" % user)
    text = tamper.read(server.conf).decode()
    assert server.keyfile in text
    server.write(conf, text.replace(server.keyfile, path))
    args = ("keyring", "rename", "-u", other, user)
    answer = roost(server, *args, conf=conf)
    assert answer.code != 0 and slotkit.document(server, other) == before
    good(roost(server, *args))
    with server.raw(other) as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))
