# SPDX-License-Identifier: MIT
"""What opens a keyring, over the years: passwords that change, app passwords,
recovery codes and keys of escrow come and go, and no message is touched.
"""

import contextlib
import os
import re
import subprocess

import pytest

import processes
import server as servers
import shim
import slotkit
import tamper
from slotkit import escrow_pair, good, opens, roost, shown, slots, text_of
from tamper import rf

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")

FRESH = "another-password"


@pytest.fixture(scope="module")
def server(make_module_server):
    api = slotkit.Api()
    server = slotkit.start(make_module_server, "maildir", 90, api.extra())
    server.api = api
    return server


@pytest.fixture
def user(server):
    return next(server.next_user)


@pytest.fixture
def locked(server, user):
    """A user in password mode with one message; his recovery code is
    server.code."""
    server.code = slotkit.initialise(server, user)
    assert server.deliver(text_of(1), user)[0][0] == 250
    return user


@pytest.fixture
def provided(server, user):
    """A user in provider mode with one message."""
    assert server.deliver(text_of(1), user)[0][0] == 250
    return user


def objects(server, user):
    return sorted(content for _, _, content in server.objects(user))


def generation(server, user):
    return slotkit.keyring(server, user).generation


# Adding

@pytest.mark.parametrize("mode", ["provider", "password"])
def test_add(server, request, mode):
    """Each new secret opens the mail, also without Roost, and those from
    before go on opening it."""
    user = request.getfixturevalue(
        "provided" if mode == "provider" else "locked")
    before = objects(server, user)
    old = "provider" if mode == "provider" else server.password(user)
    secret = None if mode == "provider" else server.password(user)
    code = shown(roost(server, "slot", "add", "-u", user, "recovery",
                       secret=secret))
    assert re.match(slotkit.CODE, code)
    app = shown(roost(server, "slot", "add", "-u", user, "app",
                      secret=secret))
    assert re.match(slotkit.APP, app)
    private, public, _ = escrow_pair(server)
    good(roost(server, "slot", "add", "-u", user, "escrow",
               "--public-key-file", public, secret=secret))
    if mode == "provider":
        good(roost(server, "slot", "add", "-u", user, "password",
                   fresh=FRESH))
    by = {old, code, app, private} | \
        ({FRESH} if mode == "provider" else {server.code})
    for one in by:
        assert slotkit.read_all(server, user, one) == ["ok"]
    assert objects(server, user) == before
    rows = good(roost(server, "slot", "list", "-u", user))
    assert [(int(row["slot"]), row["type"]) for row in rows] == \
        slots(server, user)
    assert rf.public_of(private).hex() in [
        row["detail"] for row in rows if row["type"] == "escrow"][0]
    # No secret is in a list.
    assert not any(secret in str(rows) for secret in (code, app, FRESH))


def test_no_two_app_passwords_are_alike(server, provided):
    found = {shown(roost(server, "slot", "add", "-u", provided, "app"))
             for _ in range(3)}
    assert len(found) == 3


def test_app_password_logs_in(server, locked):
    """What passdb hands over of it opens the mail, and no Argon2id is
    needed: app slots are tried first."""
    app = shown(roost(server, "slot", "add", "-u", locked, "app",
                      secret=server.password(locked)))
    with server.raw(locked, app) as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))
    with server.raw(locked, app[:-1] + ("a" if app[-1] != "a" else "b")) \
            as client:
        client.ok("SELECT INBOX")
        assert client.cmd("FETCH 1 (BODY.PEEK[])").status == "NO"


def test_escrow_opens_without_the_user(server, locked):
    """The private key opens, in a descriptor of its own, and is stored
    nowhere on the server."""
    private, public, secret = escrow_pair(server)
    good(roost(server, "slot", "add", "-u", locked, "escrow",
               "--public-key-file", public, secret=server.password(locked)))
    good(roost(server, "slot", "replace", "-u", locked, "password",
               "--escrow-key-file", secret, fresh=FRESH))
    assert opens(server, locked, FRESH)
    assert not opens(server, locked, server.password(locked))
    os.unlink(secret)
    wrong = escrow_pair(server)[2]
    answer = roost(server, "slot", "add", "-u", locked, "app",
                   "--escrow-key-file", wrong)
    assert answer.code == 77 and "no slot that a secret" in answer.said


# Replacing

@pytest.mark.parametrize("by", ["old", "code", "app"])
def test_password_changed(server, locked, by):
    """By the old password, or whatever else opens: one replacement, after
    which the old one opens nothing and no message was touched."""
    before, count = objects(server, locked), generation(server, locked)
    old = server.password(locked)
    given = {"old": old, "code": server.code}.get(by) or shown(
        roost(server, "slot", "add", "-u", locked, "app", secret=old))
    count = generation(server, locked)
    rows = good(roost(server, "slot", "replace", "-u", locked, "password",
                      secret=given, fresh=FRESH))
    assert [row["state"] for row in rows] == ["added", "removed"]
    assert opens(server, locked, FRESH)
    assert not opens(server, locked, old)
    assert opens(server, locked, server.code)
    assert objects(server, locked) == before
    assert generation(server, locked) == count + 2
    with server.raw(locked, FRESH) as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))


def test_password_replaced_again(server, locked):
    """The same once more changes nothing, so that a script may repeat it."""
    args = ("slot", "replace", "-u", locked, "password")
    good(roost(server, *args, secret=server.password(locked), fresh=FRESH))
    before = slotkit.document(server, locked)
    rows = good(roost(server, *args, secret=server.password(locked),
                      fresh=FRESH))
    assert [row["state"] for row in rows] == ["was added before"]
    assert slotkit.document(server, locked) == before


def test_old_password_kept(server, locked):
    """Both open until the command is run again with the one that is to stay,
    the new or the old one; a wrong secret adds none."""
    old = server.password(locked)
    args = ("slot", "replace", "-u", locked, "password")
    before = slotkit.document(server, locked)
    answer = roost(server, *args, "--keep-old", secret="wrong", fresh=FRESH)
    assert answer.code == 77 and slotkit.document(server, locked) == before
    for stays, goes in (old, FRESH), (FRESH, old):
        for state in "added", "was added before":
            rows = good(roost(server, *args, "--keep-old", secret=old,
                              fresh=FRESH))
            assert [row["state"] for row in rows] == [state, "kept"]
        for by in old, FRESH:
            with server.raw(locked, by) as client:
                client.ok("SELECT INBOX")
                assert client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))
        assert "Two passwords open" in slotkit.locked_status(
            server, locked)["next"]
        rows = good(roost(server, *args, secret=stays, fresh=stays))
        assert [row["state"] for row in rows] == ["was added before",
                                                  "removed"]
        assert opens(server, locked, stays)
        assert not opens(server, locked, goes)
    answer = roost(server, "slot", "replace", "-u", locked, "recovery", "-k",
                   secret=FRESH)
    assert answer.code == 64 and "--keep-old is for a password" in answer.said


def test_password_changed_elsewhere(server, locked):
    """Mail is still delivered; opening fails with one clear line that names
    the command; no new keyring is made; old password or code help."""
    keyring = slotkit.document(server, locked)
    assert server.deliver(text_of(2), locked)[0][0] == 250
    mark = server.log_mark()
    client = server.raw(locked, FRESH)
    client.ok("SELECT INBOX")
    for number in 1, 2:
        assert client.cmd("FETCH %d (BODY.PEEK[])" % number).status == "NO"
    client.logout()
    errors = [line for line in server.log_since(mark).splitlines()
              if "Error:" in line]
    assert len(errors) == 1 and "doveadm roost slot replace" in errors[0]
    assert slotkit.document(server, locked) == keyring
    good(roost(server, "slot", "replace", "-u", locked, "password",
               secret=server.code, fresh=FRESH))
    with server.raw(locked, FRESH) as client:
        client.ok("SELECT INBOX")
        for number in 1, 2:
            assert client.fetch(number, "BODY.PEEK[]").endswith(
                text_of(number))


@pytest.mark.parametrize("kind", ["recovery", "app", "escrow"])
def test_replaced(server, locked, kind):
    """Also of these kinds the new one opens and the old one does not."""
    secret = server.password(locked)
    private, public, _ = escrow_pair(server)
    old = server.code if kind == "recovery" else shown(
        roost(server, "slot", "add", "-u", locked, kind, secret=secret)) \
        if kind == "app" else private
    more = ()
    if kind == "escrow":
        good(roost(server, "slot", "add", "-u", locked, kind,
                   "--public-key-file", public, secret=secret))
        new, public, _ = escrow_pair(server)
        more = ("--public-key-file", public)
    assert opens(server, locked, old)
    answer = roost(server, "slot", "replace", "-u", locked, kind, *more,
                   secret=secret)
    if kind != "escrow":
        new = shown(answer)
    assert answer.code == 0 and opens(server, locked, new)
    assert not opens(server, locked, old)
    assert opens(server, locked, secret)


def test_key_of_escrow_that_is_there(server, locked):
    """It takes the place of itself, and no password falls with it, of which
    two stand while a panel works."""
    private, public, _ = escrow_pair(server)
    secret = server.password(locked)
    good(roost(server, "slot", "add", "-u", locked, "escrow",
               "--public-key-file", public, secret=secret))
    good(roost(server, "slot", "replace", "-u", locked, "--keep-old",
               "password", secret=secret, fresh=FRESH))
    before = slots(server, locked)
    for _ in range(2):
        good(roost(server, "slot", "replace", "-u", locked, "escrow",
                   "--public-key-file", public, secret=secret))
        assert slots(server, locked) == before
    assert opens(server, locked, private)
    assert opens(server, locked, secret) and opens(server, locked, FRESH)


@pytest.mark.parametrize("kind", ["recovery", "app"])
def test_replaced_by_its_own_secret(server, locked, kind):
    """Refused: were the new secret lost on its way, perhaps nobody would know
    one that opens."""
    old = server.code if kind == "recovery" else shown(
        roost(server, "slot", "add", "-u", locked, kind,
              secret=server.password(locked)))
    before = slotkit.document(server, locked)
    answer = roost(server, "slot", "replace", "-u", locked, kind, secret=old)
    assert answer.code == 75 and answer.rows == []
    assert "make one more slot by doveadm roost slot add" in answer.said
    assert slotkit.document(server, locked) == before


def test_another_password_after_a_broken_replacement(server, locked):
    """Two password slots stand, and a third one is wanted: the one stays that
    the owner opens, until the new one is proved."""
    old = server.password(locked)
    ring = slotkit.unlock(server, locked, old)
    text = with_second_password(server, locked, ring, FRESH)
    for by in old, FRESH:
        tamper.put_keyring(server, locked, text)
        assert opens(server, locked, old) and opens(server, locked, FRESH)
        good(roost(server, "slot", "replace", "-u", locked, "password",
                   secret=by, fresh="a-third"))
        assert [kind for _, kind in slots(server, locked)].count(
            "password") == 1
        assert opens(server, locked, "a-third")
    # Or the old one is to stay.
    tamper.put_keyring(server, locked, text)
    good(roost(server, "slot", "replace", "-u", locked, "password",
               secret=FRESH, fresh=old))
    assert opens(server, locked, old) and not opens(server, locked, FRESH)


@pytest.mark.parametrize("mode", ["password", "provider"])
def test_number_after_a_broken_replacement(server, request, mode):
    """What is no password opens the keyring, and stays."""
    user = request.getfixturevalue(
        "provided" if mode == "provider" else "locked")
    code = None if mode == "provider" else server.code
    if mode == "provider":
        good(roost(server, "slot", "add", "-u", user, "password",
                   fresh=server.password(user)))
    ring = slotkit.unlock(server, user, server.password(user))
    tamper.put_keyring(server, user, with_second_password(
        server, user, ring, FRESH))
    before = slots(server, user)
    last = max(number for number, kind in before if kind == "password")
    good(roost(server, "slot", "replace", "-u", user, str(last), secret=code,
               fresh="a-third"))
    after = [kind for _, kind in slots(server, user)]
    assert after.count("password") == 1, after
    assert sorted(after + ["password"]) == sorted(
        kind for _, kind in before)
    assert opens(server, user, "a-third")


def with_second_password(server, user, ring, password):
    """The document between the steps of a replacement."""
    writer = rf.Writer(os.urandom, user.encode(), tamper.provider_key(server))
    lines = ring.text[:-1].split(b"\n")
    last = max(slot.number for slot in ring.slots)
    at = max(number for number, line in enumerate(lines)
             if line.startswith(b"slot ")) + 1
    writer.id, writer.host_key, writer.master = \
        ring.id, ring.host_key, ring.master
    writer.slots = []
    writer.add_password(tamper.secret_of(password), count=last + 1)
    lines.insert(at, writer.slots[0][1])
    lines = [b"generation %d" % (ring.generation + 1)
             if line.startswith(b"generation ") else line for line in lines]
    return rf.sign(lines[:-2], ring.seed, ring.host_key)


def test_sessions_go_on(server, locked):
    """One that has read mail and one that has not yet: both read on by the
    login of before, and save what the new password opens."""
    reading = server.raw(locked)
    reading.ok("SELECT INBOX")
    assert reading.fetch(1, "BODY.PEEK[]").endswith(text_of(1))
    waiting = server.raw(locked)
    waiting.ok("SELECT INBOX")
    good(roost(server, "slot", "replace", "-u", locked, "password",
               secret=server.password(locked), fresh=FRESH))
    for number, client in ((2, reading), (3, waiting)):
        assert client.append("INBOX", text_of(number)).ok
        assert client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))
        client.logout()
    with server.raw(locked, FRESH) as client:
        client.ok("SELECT INBOX")
        for number in 1, 2, 3:
            assert client.fetch(number, "BODY.PEEK[]").endswith(
                text_of(number))


def test_two_commands_at_once(server, locked):
    """The one that asked first and stored second says what happened, and does
    nothing."""
    old = server.password(locked)
    waiting = slotkit.Typed(server, "slot", "add", "-u", locked, "app")
    waiting.prompt(b"recovery code")
    good(roost(server, "slot", "add", "-u", locked, "app", secret=old))
    before = slotkit.document(server, locked)
    waiting.answer(old)
    code, said = waiting.end()
    assert code == 75 and "it was changed meanwhile: it is of generation 2 " \
        "now, and was of 1" in said
    assert slotkit.document(server, locked) == before


# Removing

def test_removed(server, locked):
    old = server.password(locked)
    app = shown(roost(server, "slot", "add", "-u", locked, "app", secret=old))
    good(roost(server, "slot", "remove", "-u", locked, "app", secret=old))
    assert not opens(server, locked, app)
    assert opens(server, locked, old) and opens(server, locked, server.code)


@pytest.mark.parametrize("mode", ["provider", "password"])
def test_last_slot_stays(server, request, mode):
    """Also where a key of escrow would still open."""
    user = request.getfixturevalue(
        "provided" if mode == "provider" else "locked")
    secret = None
    if mode == "password":
        secret = server.code
        good(roost(server, "slot", "remove", "-u", user, "password",
                   secret=secret))
    _, public, path = escrow_pair(server)
    good(roost(server, "slot", "add", "-u", user, "escrow",
               "--public-key-file", public, secret=secret))
    before = slotkit.document(server, user)
    last = slots(server, user)[0]
    assert last[1] == ("provider" if mode == "provider" else "recovery")
    answer = roost(server, "slot", "remove", "-u", user, "-y", str(last[0]),
                   "--escrow-key-file", path)
    assert answer.code == 75 and answer.rows == []
    assert ("open it by one of these: password" if mode == "provider" else
            "the last slot that a person or the server") in answer.said
    assert slotkit.document(server, user) == before


def test_compromised(server, locked):
    """A new master key: what leaked opens nothing new, also not with the
    provider key and an older keyring; what else falls is said before; and
    that old backups stay open is said, too."""
    old, thief = server.password(locked), server.code
    app = shown(roost(server, "slot", "add", "-u", locked, "app", secret=old))
    private, public, _ = escrow_pair(server)
    good(roost(server, "slot", "add", "-u", locked, "escrow",
               "--public-key-file", public, secret=old))
    backup = slotkit.document(server, locked)
    args = ("slot", "remove", "-u", locked, "--compromised", "recovery")
    answer = roost(server, *args, secret=old)
    assert answer.code == 75 and "needs --yes" in answer.said
    assert slotkit.document(server, locked) == backup
    answer = roost(server, *args, "--yes", "--recovery", secret=old)
    code = shown(answer)
    states = {(row["type"], row["state"]) for row in answer.rows}
    assert states == {("recovery", "removed"), ("app", "dropped"),
                      ("password", "kept"), ("escrow", "kept"),
                      ("recovery", "added")}
    assert re.search(r"These fall.*\d+ \(recovery.*\d+ \(app", answer.said)
    assert "Backups and snapshots made before stay open" in answer.said
    for by in old, code, private:
        assert slotkit.read_all(server, locked, by) == ["ok"]
    for by in thief, app:
        assert not opens(server, locked, by)
    # The thief has the backup: it opens what came before, and no more.
    assert server.deliver(text_of(2), locked)[0][0] == 250
    assert slotkit.read_all(server, locked, old) == ["ok", "ok"]
    ring = slotkit.unlock(server, locked, thief, backup)
    gates = sorted(rf.open_object(content, ring.id, ring.secrets)[0]
                   for _, _, content in server.objects(locked))
    assert gates == ["no-key", "ok"]
    assert slotkit.keyring(server, locked).id == ring.id


def test_compromised_password(server, locked):
    """Who opens by the password that leaked has to give a new one, or have a
    code made."""
    old = server.password(locked)
    args = ("slot", "remove", "-u", locked, "-y", "-C", "password")
    before = slotkit.document(server, locked)
    answer = roost(server, *args, secret=old)
    assert answer.code == 75 and "--new-secret-file" in answer.said
    assert slotkit.document(server, locked) == before
    good(roost(server, *args, secret=old, fresh=FRESH))
    assert opens(server, locked, FRESH)
    assert not opens(server, locked, old)
    assert not opens(server, locked, server.code)


UNREAD = r"""
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

static int was_stored;

static int
is_plugin(void *caller)
{
	Dl_info info;

	return is_on() && dladdr(caller, &info) != 0 &&
		strstr(info.dli_fname, "roost_plugin") != NULL;
}

#define STORES(name, params, args) \
int \
name params \
{ \
	was_stored |= is_plugin(__builtin_return_address(0)); \
	return ((int (*) params)dlsym(RTLD_NEXT, #name)) args; \
}

STORES(rename, (const char *a, const char *b), (a, b))
STORES(renameat2, (int a, const char *b, int c, const char *d,
		   unsigned int e), (a, b, c, d, e))
STORES(link, (const char *a, const char *b), (a, b))

ssize_t
read(int fd, void *data, size_t size)
{
	if (was_stored && is_plugin(__builtin_return_address(0))) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_read, fd, data, size);
}
"""


@pytest.mark.parametrize("case", ["add", "replace", "mode", "compromised",
                                  "init"])
def test_stored_but_not_read_back(server, user, case):
    """The command fails, but shows the secret that it made: it opens what is
    stored, and nobody could know it otherwise."""
    it = shim.Shim(server, UNREAD)
    conf = it.configuration(server)
    environment = dict(server._environment(), LD_PRELOAD=":".join(
        filter(None, [servers.PRELOAD, it.path])))
    args, given = ("slot", "add", "-u", user, "app"), {}
    if case == "init":
        args, given = ("init", "-u", user, "-m", "password"), {
            "secret": "the-password"}
    else:
        assert server.deliver(text_of(1), user)[0][0] == 250
    if case == "replace":
        shown(roost(server, *args))
        args = ("slot", "replace", "-u", user, "app")
    elif case == "mode":
        args, given = ("mode", "-u", user, "-y", "password"), {"fresh": FRESH}
        good(roost(server, "slot", "add", "-u", user, "password", **given))
    elif case == "compromised":
        args = ("rotate", "-u", user, "-y", "--compromised", "--recovery")
    it.on()
    try:
        answer = roost(server, *args, **given, conf=conf,
                       environment=environment)
    finally:
        it.off()
    assert answer.code != 0 and "Input/output error" in answer.said, answer
    row, = answer.rows
    assert row["state"].startswith("perhaps "), row
    secret = row["recovery-code" if case == "init" else "secret"]
    assert opens(server, user, secret), row


@pytest.mark.parametrize("case", ["add", "replace", "init"])
def test_not_read_back_over_http(make_server, case):
    """No row would arrive with an error, so that the answer is a row that says
    so, and the log has the error."""
    api = slotkit.Api()
    server = make_server("maildir", start=False, users=["alice"])
    it = shim.Shim(server, UNREAD)
    server.extra = it.setting() + api.extra()
    server.start()
    if case != "init":
        good(roost(server, "init", "-u", "alice"))
    if case == "replace":
        good(roost(server, "slot", "add", "-u", "alice", "app"))
    mark = server.log_mark()
    it.on()
    try:
        kind, rows, _ = {
            "add": lambda: api.call("roostSlotAdd", user="alice", type="app"),
            "replace": lambda: api.call("roostSlotReplace", user="alice",
                                        slot="app"),
            "init": lambda: api.call("roostInit", user="alice",
                                     mode="password", secretFile=FRESH),
        }[case]()
    finally:
        it.off()
    assert kind == "doveadmResponse", (rows, server._tail())
    assert [row["state"] for row in rows] == [{
        "add": "perhaps added", "replace": "perhaps replaced",
        "init": "perhaps created"}[case]]
    server.wait_log("Error: .*Input/output error", mark)
    assert opens(server, "alice", rows[0][
        "recovery-code" if case == "init" else "secret"])


def test_escrow_key_proves_nothing_of_a_person(server, provided):
    """It opens the keyring, but whoever has it is not who reads the mail."""
    _, public, path = escrow_pair(server)
    good(roost(server, "slot", "add", "-u", provided, "escrow",
               "--public-key-file", public))
    good(roost(server, "slot", "add", "-u", provided, "password",
               fresh=FRESH))
    before = slotkit.document(server, provided)
    args = ("slot", "remove", "-u", provided, "-y", "provider")
    answer = roost(server, *args, "--escrow-key-file", path)
    assert answer.code != 0 and answer.rows == []
    assert "not that the user can" in answer.said
    assert slotkit.document(server, provided) == before
    good(roost(server, *args, secret=FRESH))
    assert opens(server, provided, FRESH)
    assert not slotkit.keyring(server, provided)._of(b"provider")


# What is told of a secret

def wrong_code(code):
    return code[:-1] + ("0" if code[-1] != "0" else "1")


def other_code():
    return rf.print_code(os.urandom(20)).decode()


CASES = {
    "mistyped": (lambda server: wrong_code(server.code),
                 "The recovery code is mistyped"),
    "short": (lambda server: server.code[:-2],
              "The recovery code is mistyped"),
    "other-code": (lambda server: other_code(),
                   "The secret opens no slot of the keyring"),
    "other-password": (lambda server: "wrong",
                       "The secret opens no slot of the keyring"),
}


@pytest.mark.parametrize("case", CASES)
def test_wrong_secret(server, locked, case):
    """Told apart for who is at the command line; over the network there is
    one answer, and one line of the log."""
    make, said = CASES[case]
    wrong = make(server)
    before = slotkit.document(server, locked)
    answer = roost(server, "slot", "add", "-u", locked, "app", secret=wrong)
    assert answer.code == 77 and said in answer.said, answer
    mark = server.log_mark()
    kind, result, _ = server.api.call("roostSlotAdd", user=locked,
                                      type="app", secretFile=wrong)
    assert (kind, result["exitCode"]) == ("error", 77)
    server.wait_log("The secret does not open the keyring$", mark)
    assert said not in server.log_since(mark)
    assert slotkit.document(server, locked) == before


def test_no_such_slot(server, locked):
    """A code, where there is no recovery slot: told, and over the network
    not."""
    good(roost(server, "slot", "remove", "-u", locked, "recovery",
               secret=server.password(locked)))
    good(roost(server, "slot", "add", "-u", locked, "app",
               secret=server.password(locked)))
    private, _, path = escrow_pair(server)
    answer = roost(server, "slot", "add", "-u", locked, "app",
                   "--escrow-key-file", path)
    assert answer.code == 77 and "no slot that a secret of this kind" in \
        answer.said
    mark = server.log_mark()
    kind, result, _ = server.api.call(
        "roostSlotAdd", user=locked, type="app",
        escrowKeyFile=rf.print_escrow_file("private", private).decode())
    assert (kind, result["exitCode"]) == ("error", 77)
    server.wait_log("The secret does not open the keyring$", mark)


# Where secrets come from

def test_http(server, locked):
    """A panel changes a password: both come in the body."""
    kind, rows, _ = server.api.call(
        "roostSlotReplace", user=locked, slot="password",
        secretFile=server.password(locked), newSecretFile=FRESH)
    assert kind == "doveadmResponse", server._tail()
    assert [row["state"] for row in rows] == ["added", "removed"]
    assert opens(server, locked, FRESH)
    kind, rows, _ = server.api.call("roostSlotAdd", user=locked, type="app",
                                    secretFile=FRESH)
    assert opens(server, locked, rows[0]["secret"])
    kind, rows, _ = server.api.call("roostSlotList", user=locked)
    assert [row["type"] for row in rows] == ["recovery", "password", "app"]


def test_http_makes_a_keyring(server, user):
    """A panel makes an account: the password comes in the body, and the
    recovery code is in the answer."""
    kind, rows, _ = server.api.call("roostInit", user=user, mode="password",
                                    secretFile=FRESH)
    assert kind == "doveadmResponse", server._tail()
    assert (rows[0]["state"], rows[0]["mode"]) == ("created", "password")
    assert opens(server, user, FRESH)
    assert opens(server, user, rows[0]["recovery-code"])
    kind, result, _ = server.api.call("roostInit", user=user,
                                      mode="password", secretFile="other")
    assert (kind, result["exitCode"]) == ("error", 75)
    assert not opens(server, user, "other")


def test_a_new_password_from_a_file(server, user):
    path = os.path.join(server.root, "password-of-" + user)
    tamper.write(path, FRESH.encode() + b"\n")
    os.chmod(path, 0o600)
    good(roost(server, "init", "-u", user, "-m", "password",
               "--secret-file", path))
    assert opens(server, user, FRESH)


def test_http_takes_no_descriptor(server, locked):
    kind, result, _ = server.api.call("roostSlotAdd", user=locked,
                                      type="app", secretFd="0")
    assert kind == "error" and result["exitCode"] == 75


def test_connection_of_doveadm_takes_no_secret(server, locked):
    socket = os.path.join(server.run_dir, "doveadm-server")
    for words in (("slot", "add", "-u", locked, "app"),
                  ("init", "-u", "u89", "-m", "password")):
        answer = roost(server, *words, "-S", socket)
        assert answer.code == 75 and "HTTP API" in answer.said
    assert good(roost(server, "slot", "list", "-S", socket, "-u", locked))


def test_files_and_standard_input(server, locked):
    path = os.path.join(server.root, "secret-%s" % locked)
    tamper.write(path, server.password(locked).encode() + b"\n")
    good(roost(server, "slot", "add", "-u", locked, "app", "--secret-file",
               path))
    done = server.doveadm("roost", "slot", "add", "-u", locked, "app",
                          "--secret-file", "-",
                          input=server.password(locked).encode())
    assert done.returncode == 0
    answer = roost(server, "slot", "add", "-u", locked, "app",
                   "--secret-file", path + "-s3cr3t")
    assert answer.code == 75 and "never a secret" in answer.said
    assert "s3cr3t" not in answer.said


def test_terminal(server, locked):
    old = server.password(locked)
    code, said = slotkit.typed(
        server, "slot", "replace", "-u", locked, "password",
        answers=[(b"Present password", old), (b"New login", FRESH),
                 (b"Again", FRESH)])
    assert code == 0, said
    assert opens(server, locked, FRESH)
    code, said = slotkit.typed(
        server, "slot", "remove", "-u", locked, "-C", "recovery",
        answers=[(b"Present password", FRESH), (b"recovery code", "no"),
                 (b"Go on", "no")])
    assert code == 75 and "Nothing was changed" in said
    assert opens(server, locked, server.code)
    code, said = slotkit.typed(
        server, "slot", "remove", "-u", locked, "-C", "recovery",
        answers=[(b"Present password", FRESH), (b"recovery code", "yes"),
                 (b"Go on", "yes")])
    assert code == 0, said
    assert not opens(server, locked, server.code)
    code = re.search(r"added\s+(([0-9A-Z]{4}-){8}[0-9A-Z]{4})", said)
    assert opens(server, locked, code.group(1))


def test_secrets_are_nowhere(server, locked):
    """Not in an argument, the environment, the log or a file: neither those
    that are given nor those that are shown."""
    old = server.password(locked)
    waiting = slotkit.Typed(server, "slot", "replace", "-u", locked,
                            "password")
    waiting.prompt(b"Present password")
    waiting.answer(old)
    waiting.prompt(b"New login")
    seen = b"".join(tamper.read("/proc/%d/%s" % (waiting.process.pid, name))
                    for name in ("cmdline", "environ"))
    waiting.answer(FRESH + "-typed")
    waiting.prompt(b"Again")
    waiting.answer(FRESH + "-typed")
    code, said = waiting.end()
    assert code == 0, said
    app = shown(roost(server, "slot", "add", "-u", locked, "app",
                      secret=FRESH + "-typed"))
    code = shown(roost(server, "slot", "replace", "-u", locked, "recovery",
                       secret=app))
    _, rows, _ = server.api.call("roostSlotAdd", user=locked, type="app",
                                 secretFile=FRESH + "-typed")
    for pid in processes.of_group(server.process.pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            seen += tamper.read("/proc/%d/cmdline" % pid)   # or it has ended
    secrets = [text.encode() for text in (
        FRESH + "-typed", app, code, rows[0]["secret"])] + [
        tamper.secret_of(text) for text in (FRESH + "-typed", app)]
    secrets += [secret.hex().encode() for secret in secrets[-2:]] + [
        rf.read_code(code.encode())]
    assert not any(secret in seen for secret in secrets)
    assert server.find_on_disk(*secrets, everywhere=True) == []


# Nonsense

@pytest.mark.parametrize("args, status, said", [
    (("slot", "add", "secret"), 64, "no such kind of slot: it is provider"),
    (("slot", "add"), 64, "Say what kind of slot"),
    (("slot", "add", "app", "s3cr3t"), 64, "never a secret"),
    (("slot", "list", "s3cr3t"), 64, "never a secret"),
    (("slot", "replace"), 64, "Say which slot"),
    (("slot", "replace", "s3cr3t"), 64, "neither the number of a slot"),
    (("slot", "replace", "99"), 64, "has no slot 99"),
    (("slot", "replace", "app"), 64, "has no app slot"),
    (("slot", "remove", "-3"), 64, ""),
    (("slot", "remove", "--recovery", "app"), 64, "belong to --compromised"),
    (("slot", "add", "escrow"), 75, "--public-key-file"),
    (("slot", "add", "escrow", "--public-key-file", "/etc/passwd"), 75,
     "no public key of escrow"),
    (("slot", "add", "provider"), 75, "There is a provider slot already"),
    (("slot", "add", "password"), 75, "There is no terminal"),
    (("slot", "add", "app", "-n", "No/"), 75, "with the prefix"),
    (("slot", "add", "app", "--secret-fd", "-4"), 75, "the number of an"),
])
def test_nonsense(server, provided, args, status, said):
    """A sentence says what would be right, and nothing is changed; a word
    that may be a secret is not told again."""
    before = slotkit.document(server, provided)
    answer = roost(server, *args[:2], "-u", provided, *args[2:])
    assert answer.code == status and said in answer.said, answer
    assert "s3cr3t" not in answer.said
    assert slotkit.document(server, provided) == before


def test_secret_of_all_users(server):
    answer = roost(server, "slot", "add", "-A", "app", secret="word")
    assert answer.code != 0 and "name the user by -u" in answer.said


def test_no_keyring(server, user):
    answer = roost(server, "slot", "add", "-u", user, "app")
    assert answer.code == 75 and "doveadm roost init" in answer.said


@pytest.mark.parametrize("args", [(), ("frobnicate",), ("-x",)])
def test_usage(server, args):
    """The group alone prints a complete usage."""
    done = subprocess.run(
        ["doveadm", "-c", server.conf, "roost", "slot", *args],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=server._environment())
    assert done.returncode == 64
    said = done.stderr.decode()
    for word in "list", "add", "replace", "remove", "--secret-file", \
            "provider|password|app|recovery|escrow", "--compromised":
        assert word in said
