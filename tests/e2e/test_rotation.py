# SPDX-License-Identifier: MIT
"""New keys for new mail: rotation, another mode, another provider key. Those
who are logged in go on, and no old mail is lost.
"""

import os

import pytest

import apart
import server as servers
import slotkit
import tamper
from sharing import shared  # noqa: F401
from slotkit import good, opens, roost, slots, text_of
from tamper import rf

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")

FRESH = "another-password"


@pytest.fixture(scope="module", params=servers.STORAGES)
def server(request, make_module_server):
    return slotkit.start(make_module_server, request.param, 40)


@pytest.fixture
def user(server):
    return next(server.next_user)


def initialised(server, user, mode):
    """A user in this mode with one message; what opens his keyring."""
    if mode == "password":
        slotkit.initialise(server, user)
    assert server.deliver(text_of(1), user)[0][0] == 250
    return server.password(user) if mode == "password" else None


def select(server, user, password=None):
    client = server.raw(user, password)
    client.ok("SELECT INBOX")
    return client


def is_read(client, number):
    return client.fetch(number, "BODY.PEEK[]").endswith(text_of(number))


def epochs(server, user, by):
    ring = slotkit.unlock(server, user, by)
    return sorted(slotkit.epoch_of(content, ring)
                  for _, _, content in server.objects(user))


# A new epoch

@pytest.mark.parametrize("mode", ["provider", "password"])
def test_rotate(server, user, mode):
    """New mail is sealed to the new epoch at once, also by who was logged in;
    he reads it, and what came before stays where it is and opens."""
    secret = initialised(server, user, mode)
    before = server.objects(user)[0][2]
    reading = select(server, user)
    assert is_read(reading, 1)
    waiting = select(server, user)
    rows = good(roost(server, "rotate", "-u", user, secret=secret))
    assert (rows[0]["epoch"], rows[0]["generation"]) == ("2", "2")
    assert server.deliver(text_of(2), user)[0][0] == 250
    for client in reading, waiting:
        client.ok("NOOP")
        assert is_read(client, 2) and is_read(client, 1)
    assert reading.append("INBOX", text_of(3)).ok
    assert waiting.append("INBOX", text_of(4)).ok
    reading.ok("NOOP")
    assert is_read(reading, 4)
    by = secret or "provider"
    assert epochs(server, user, by) == [1, 2, 2, 2]
    assert before in [content for _, _, content in server.objects(user)]
    fresh = select(server, user)
    assert all(is_read(fresh, number) for number in (1, 2, 3, 4))
    for client in reading, waiting, fresh:
        client.logout()
        assert not [line for line in server.session_log(client)
                    if "Error:" in line or "Warning:" in line]


def test_rotate_all(server, user):
    """Users whose keyrings need a secret are told of, the others rotate."""
    other = next(server.next_user)
    initialised(server, user, "password")
    initialised(server, other, "provider")
    answer = roost(server, "rotate", "-u", user[:-1] + "?")
    assert answer.code != 0 and "name the user by -u" in answer.said
    assert len(slotkit.keyring(server, user).epochs) == 1
    if user[:-1] == other[:-1]:
        assert len(slotkit.keyring(server, other).epochs) == 2


@pytest.mark.parametrize("compromised", [[], ["--compromised", "--yes"]])
def test_no_room_for_an_epoch(server, user, compromised):
    """It is refused in time, so that the slots can still be exchanged, and
    says what to do."""
    _, writer = tamper.make_keyring(server, user)
    one = len(writer.text())
    writer.add_epoch()
    each = len(writer.text()) - one + 4     # numbers of more digits
    for _ in range((65536 - 4096 - one) // each - 2):
        writer.add_epoch()
    tamper.put_keyring(server, user, writer.text())
    count, answer = len(writer.epochs), None
    while answer is None or answer.code == 0:
        answer = roost(server, "rotate", "-u", user)
        count += answer.code == 0
    assert count > len(writer.epochs)
    before = slotkit.document(server, user)
    answer = roost(server, "rotate", "-u", user, *compromised)
    assert answer.code != 0 and answer.rows == []
    assert "has %d epochs, and no room" % count in answer.said
    assert "doveadm sync" in answer.said
    assert slotkit.document(server, user) == before
    for fresh in "first", "second":
        verb = "add" if fresh == "first" else "replace"
        good(roost(server, "slot", verb, "-u", user, "password", fresh=fresh))
    assert slotkit.opens(server, user, "second")
    assert server.deliver(text_of(1), user)[0][0] == 250


# A new master key

@pytest.mark.parametrize("mode", ["provider", "password"])
def test_compromised(server, user, mode):
    """Who is logged in goes on reading what there was, and is told to log in
    again for what came since, where his login's secret does not open it."""
    secret = initialised(server, user, mode)
    if mode == "provider":
        good(roost(server, "slot", "add", "-u", user, "password",
                   fresh=server.password(user)))
    client = select(server, user)
    assert is_read(client, 1)
    before = slotkit.keyring(server, user)
    answer = roost(server, "rotate", "-u", user, "--compromised", "--yes",
                   secret=secret, fresh=FRESH)
    assert "The host key stays" in answer.said
    good(answer)
    after = slotkit.keyring(server, user)
    assert (after.id, after.host_key) == (before.id, before.host_key)
    assert not opens(server, user, server.password(user))
    assert server.deliver(text_of(2), user)[0][0] == 250
    client.ok("NOOP")
    if mode == "provider":
        assert is_read(client, 2)
    else:
        for _ in range(2):
            answer = client.cmd("FETCH 2 (BODY.PEEK[])")
            assert answer.status == "NO", answer
    assert is_read(client, 1)
    # What it saves is sealed to the newest epoch.
    assert client.append("INBOX", text_of(3)).ok
    client.logout()
    told = [line for line in server.session_log(client) if "Error:" in line]
    assert len(told) == (mode == "password")
    assert mode == "provider" or "log in again" in told[0]
    assert epochs(server, user, FRESH) == [1, 2, 2]
    client = select(server, user, FRESH)
    assert all(is_read(client, number) for number in (1, 2, 3))
    client.logout()


def test_compromised_while_listing(server, user):
    """Names of keywords and lists stay: caches of before are made anew."""
    initialised(server, user, "provider")
    client = select(server, user)
    client.ok("STORE 1 +FLAGS (Dentist)")
    client.cmd("FETCH 1 (ENVELOPE BODYSTRUCTURE)")
    good(roost(server, "rotate", "-u", user, "--compromised", "--yes"))
    for session in client, select(server, user):
        answer = session.cmd("FETCH 1 (FLAGS ENVELOPE BODYSTRUCTURE)")
        assert answer.ok and b"Dentist" in answer.untagged[0]
        assert b"number 1" in answer.untagged[0]
        session.logout()


# Another mode

def test_to_password_mode_and_back(server, user):
    """What it means is said before; sessions go on; and each of the states
    opens."""
    initialised(server, user, "provider")
    client = select(server, user)
    before = slotkit.document(server, user)
    answer = roost(server, "mode", "-u", user, "password",
                   fresh=server.password(user))
    assert answer.code == 75 and "needs --yes" in answer.said
    assert "who loses all of them has lost the mail" in answer.said
    assert slotkit.document(server, user) == before
    rows = good(roost(server, "mode", "-u", user, "password", "--yes",
                      fresh=server.password(user)))
    code = [row["secret"] for row in rows if row["type"] == "recovery"][0]
    assert [kind for _, kind in slots(server, user)] == ["password",
                                                         "recovery"]
    assert opens(server, user, server.password(user))
    assert opens(server, user, code) and not opens(server, user, "provider")
    assert is_read(client, 1) and client.append("INBOX", text_of(2)).ok
    assert server.doveadm("fetch", "-u", user, "text", "mailbox", "INBOX",
                          check=False).returncode != 0
    answer = roost(server, "mode", "-u", user, "provider", "--yes",
                   secret="wrong")
    assert answer.code == 77
    answer = roost(server, "mode", "-u", user, "provider", "--yes",
                   secret=code)
    assert "can read all of it, what came before included" in answer.said
    good(answer)
    assert opens(server, user, "provider")
    assert b"number 2" in server.doveadm(
        "fetch", "-u", user, "text", "mailbox", "INBOX").stdout
    assert is_read(client, 2)
    client.logout()
    assert good(roost(server, "mode", "-u", user, "provider")) == []


def test_mode_that_is_pinned(server, user):
    initialised(server, user, "provider")
    server.change_user(user, roost_mode="provider")
    before = slotkit.document(server, user)
    answer = roost(server, "mode", "-u", user, "password", "-y", fresh=FRESH)
    assert answer.code == 75 and "roost_mode=provider is set" in answer.said
    assert slotkit.document(server, user) == before


@pytest.mark.parametrize("args, said", [
    (("mode",), "Say provider or password"),
    (("mode", "other"), "There is no such mode"),
    (("mode", "password", "s3cr3t"), "never a secret"),
    (("rotate", "s3cr3t"), "never a secret"),
    (("rotate", "--recovery"), "belong to --compromised"),
    (("provider-rotate", "s3cr3t"), "never a secret")])
def test_nonsense(server, user, args, said):
    initialised(server, user, "provider")
    before = slotkit.document(server, user)
    answer = roost(server, args[0], "-u", user, *args[1:])
    assert answer.code == 64 and said in answer.said, answer
    assert "s3cr3t" not in answer.said
    assert slotkit.document(server, user) == before


# Another provider key

def file_setting(path):
    return path if servers.NEW else "<" + path


def with_new_key(server):
    """Returns the path of a new provider key, and of a configuration that
    names it beside the server's own."""
    key = os.path.join(server.root, "new.key")
    server.write(key, os.urandom(32).hex() + "\n", 0o600)
    kept, server.keyfile = server.keyfile, key
    conf = apart.configuration(server, "newkey", settings={
        "roost_provider_old_key": file_setting(kept)})
    server.keyfile = kept
    return key, conf


@pytest.fixture
def old_key(make_server):
    """A server that has got another provider key, with users of both."""
    server = make_server("maildir", secret=True)
    for user in "alice", "bob", "carol":
        assert server.deliver(text_of(1), user)[0][0] == 250
    good(roost(server, "mode", "-u", "carol", "password", "-y",
               fresh=server.password("carol")))
    server.stop()
    server.old = os.path.join(server.root, "old.key")
    os.rename(server.keyfile, server.old)
    server.write(server.keyfile, os.urandom(32).hex() + "\n", 0o600)
    server.settings["roost_provider_old_key"] = file_setting(server.old)
    server.start()
    assert server.deliver(text_of(1), "dave")[0][0] == 250
    return server


def states(answer):
    return {(row["username"], row["state"]) for row in answer.rows}


USERS = ("alice", "bob", "carol")


def test_provider_rotate(old_key):
    """All users, in both modes, without them; whoever is logged in goes on;
    afterwards the old key can go."""
    server = old_key
    clients = [select(server, user) for user in USERS]
    documents = {user: slotkit.document(server, user)
                 for user in USERS + ("dave",)}
    answer = roost(server, "provider-rotate", "-A", "--dry-run")
    assert answer.code == 0
    wanted = {(user, "would be changed") for user in USERS}
    assert states(answer) == wanted | {("dave", "unchanged")}
    assert {user: slotkit.document(server, user)
            for user in documents} == documents
    answer = roost(server, "provider-rotate", "-A")
    assert answer.code == 0, answer
    assert states(answer) == {(user, "changed") for user in USERS} | {
        ("dave", "unchanged")}
    assert "roost_provider_old_key can go" in answer.said
    for user in USERS:
        old, new = documents[user], slotkit.document(server, user)
        changed = {line.split(b" ")[0] for line in
                   set(new.splitlines()) - set(old.splitlines())}
        assert changed == {b"generation", b"host", b"provider-mac"}
    for user, client in zip(USERS, clients):
        assert client.append("INBOX", text_of(2)).ok
        assert is_read(client, 1) and is_read(client, 2)
        client.logout()
    before = slotkit.document(server, "alice")
    assert states(roost(server, "provider-rotate", "-A")) == {
        (user, "unchanged") for user in USERS + ("dave",)}
    assert slotkit.document(server, "alice") == before
    server.stop()
    del server.settings["roost_provider_old_key"]
    os.unlink(server.old)
    server.start()
    for user in USERS:
        assert server.deliver(text_of(3), user)[0][0] == 250
        client = select(server, user)
        assert all(is_read(client, number) for number in (1, 2, 3))


def test_session_from_before_the_new_key(make_server):
    """A session that began before the new key was configured saves and reads
    what the keyring is now."""
    server = make_server("maildir")
    assert server.deliver(text_of(1), "alice")[0][0] == 250
    client = select(server, "alice")
    assert is_read(client, 1)
    key, conf = with_new_key(server)
    good(roost(server, "provider-rotate", "-u", "alice", conf=conf))
    assert client.append("INBOX", text_of(2)).ok
    assert is_read(client, 1) and is_read(client, 2)
    os.replace(key, server.keyfile)
    assert slotkit.read_all(server, "alice", "provider") == ["ok", "ok"]


def test_provider_rotate_tells_who_is_left(old_key):
    """Who fails is named, the others are done, and the exit status says it;
    a run that was killed is taken up where it ended."""
    server = old_key
    good_text = slotkit.document(server, "bob")
    tamper.put_keyring(server, "bob", good_text[:-5] + b"AAAA\n")
    answer = roost(server, "provider-rotate", "-A")
    assert answer.code == 75
    assert ("bob", "left") in states(answer)
    assert {("alice", "changed"), ("carol", "changed")} <= states(answer)
    assert "1 keyrings are left" in answer.said
    assert "keep roost_provider_old_key" in answer.said
    tamper.put_keyring(server, "bob", good_text)
    answer = roost(server, "provider-rotate", "-A")
    assert answer.code == 0 and states(answer) == {
        ("alice", "unchanged"), ("carol", "unchanged"),
        ("dave", "unchanged"), ("bob", "changed")}


def test_public_namespace(shared):  # noqa: F811
    """Its keyring rotates as any other, gets another provider key with those
    of users, and takes no secret of one."""
    server = shared
    client = server.raw("alice")
    client.cmd("CREATE Public/Board")
    assert client.append("Public/Board", text_of(1)).ok
    client.logout()
    args = ("-u", "alice", "-n", "Public/")
    assert good(roost(server, "rotate", *args))[0]["epoch"] == "2"
    assert slotkit.shown(roost(server, "slot", "add", *args, "recovery"))
    for words in (("slot", "add", *args, "app"),
                  ("slot", "remove", *args, "-y", "provider"),
                  ("mode", *args, "-y", "password")):
        answer = roost(server, *words)
        assert answer.code == 64 and "public namespace" in answer.said, answer
    key, conf = with_new_key(server)
    rows = good(roost(server, "provider-rotate", "-u", "alice", conf=conf))
    assert [row["state"] for row in rows
            if "public" in row["keyring"]] == ["changed"]
    os.replace(key, server.keyfile)
    server.reload()
    client = server.raw("bob")
    client.ok("SELECT Public/Board")
    assert client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))
    client.logout()
