# SPDX-License-Identifier: MIT
"""What stops Roost from sealing or opening: each cause has one clear line in
the log, delivery is told to try again, nothing is written in clear, and once
the cause is gone the same mail arrives.
"""

import os
import re
import time

import pytest

import server as servers
import tamper
from tamper import rf
from refusals import assert_one_line, assert_session_refused, problems

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="refusals of Roost")

CANARY = b"canaryofthisfile"
MESSAGE = (b"From: a@sender.example\r\nSubject: %s\r\n\r\n%s in the body\r\n"
           % (CANARY, CANARY))


def assert_nothing_in_clear(server):
    """The index cache is not Roost's to seal."""
    assert [path for path, _ in server.find_on_disk(CANARY, everywhere=True)
            if not os.path.basename(path).startswith("dovecot.index")] == []


def assert_delivery_refused(server, user, pattern):
    before = server.objects(user)
    mark = server.log_mark()
    code, text = server.deliver(MESSAGE, user)[0]
    assert code // 100 == 4, (code, text)
    assert_one_line(server, mark, pattern)
    mark = server.log_mark()
    done = server.lda(user, MESSAGE)
    assert done.returncode == 75, done
    assert_one_line(server, mark, pattern)
    assert server.objects(user) == before
    assert_nothing_in_clear(server)


def assert_append_refused(server, user, pattern):
    """The session stays, APPEND fails."""
    mark = server.log_mark()
    client = server.raw(user)
    answer = client.append("INBOX", MESSAGE)
    assert answer.status == "NO", answer
    assert client.count() == len(server.objects(user))
    client.logout()
    assert_one_line(server, mark, pattern)


def assert_delivered(server, user):
    """As a mail server tries again: at last it arrives, sealed."""
    deadline = time.monotonic() + 20
    before = len(server.objects(user))
    while True:
        code, text = server.deliver(MESSAGE, user)[0]
        if code == 250:
            break
        assert code // 100 == 4 and time.monotonic() < deadline, text
        time.sleep(0.2)
    server.assert_sealed(user, before + 1)
    assert_nothing_in_clear(server)
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        assert client.fetch(before + 1, "BODY.PEEK[]").endswith(MESSAGE)


# Wrong values; userdb may give each of these for one user.

SETTINGS = {
    "roost_enable": ("maybe", "yes, no, read-only"),
    "roost_auto_create": ("sometimes", "yes, no"),
    "roost_plaintext": ("always", "refuse, flag, serve"),
    "roost_policy": ("strict", "open, sealed"),
    "roost_mode": ("keys", "provider, password"),
    "roost_generation_min": ("many", "not a number"),
    "roost_keyring_id": ("1234", "32 hexadecimal digits"),
    "roost_keyring": ("ldap:keys", "file:"),
    "roost_provider_key": ("0" * 64, "only the configuration may"),
    "roost_provider_old_key": ("0" * 64, "only the configuration may"),
}
MORE = {
    "roost_keyring up": ("roost_keyring", "file:~/../up", r"\.\."),
    "roost_keyring relative": ("roost_keyring", "file:keys", "absolute"),
}


def cases():
    for name, (value, said) in SETTINGS.items():
        yield name, name, value, said
    for case, (name, value, said) in MORE.items():
        yield case, name, value, said


CASES = {case: (name, value, said) for case, name, value, said in cases()}


def user_of(case):
    return re.sub(r"[^a-z]", "", case)


@pytest.fixture(scope="module")
def server(make_module_server):
    users = {user_of(case): {name: value}
             for case, (name, value, _) in CASES.items()}
    users.update({"k%02d" % number: {} for number in range(30)})
    users["pinned"] = {"roost_keyring_id": "ab" * 16}
    users["oldest"] = {"roost_generation_min": "5"}
    users["nocreate"] = {"roost_auto_create": "no"}
    users["secretive"] = {"roost_secret_key": "not the hash of anything"}
    server = make_module_server("maildir", users=users)
    server.next_user = iter(range(30))
    return server


@pytest.fixture
def user(server):
    return "k%02d" % next(server.next_user)


@pytest.mark.parametrize("case", CASES)
def test_wrong_value(server, case):
    name, value, said = CASES[case]
    user = user_of(case)
    pattern = "roost: .*%s.*%s" % (name, said)
    mark = server.log_mark()
    assert_delivery_refused(server, user, pattern)
    if case != "roost_keyring relative":
        assert_session_refused(server, user, pattern)
    assert not re.search(re.escape(value) + r"\b(?!,)",
                         "\n".join(problems(server, mark))) \
        or value in ("file:keys", "file:~/../up")
    server.users[user] = {}
    server.write_users()
    assert_delivered(server, user)


def test_wrong_secret_is_no_error(server):
    """roost_secret_key is a hint: delivery and sessions go on."""
    assert_delivered(server, "secretive")


# The provider key

BAD_KEYS = {
    "empty": ("", "roost_provider_key"),
    "short": ("ab" * 31 + "\n", "roost_provider_key.*64 hexadecimal"),
    "not-hex": ("g" * 64 + "\n", "roost_provider_key.*64 hexadecimal"),
}


def test_bad_provider_key(make_server):
    """Each in turn; then the good one, with CRLF."""
    server = make_server("maildir")
    good = tamper.read(server.keyfile)
    for case, (text, pattern) in BAD_KEYS.items():
        server.stop()
        server.write(server.keyfile, text, 0o600)
        server.start()
        assert_delivery_refused(server, "alice", pattern)
        assert not os.path.exists(tamper.keyring_path(server, "alice")), case
        if len(text) > 60:
            assert text.strip()[:60] not in server.log_since(0), case
    server.stop()
    server.write(server.keyfile, good.strip() + b"\r\n", 0o600)
    server.start()
    assert_delivered(server, "alice")


def test_no_provider_key(make_server):
    server = make_server("maildir", settings={"roost_provider_key": None})
    pattern = "roost_provider_key is not set"
    assert_delivery_refused(server, "alice", pattern)
    assert_session_refused(server, "alice", pattern)
    server.stop()
    server.settings.clear()
    server.start()
    assert_delivered(server, "alice")


# 2.3 hands over the contents of a file without its name.
if servers.NEW:
    def test_world_readable_provider_key(make_server):
        server = make_server("maildir", start=False)
        os.chmod(server.keyfile, 0o644)
        server.start()
        pattern = "roost_provider_key.*can be read by everybody: chmod"
        assert_delivery_refused(server, "alice", pattern)
        assert_session_refused(server, "alice", pattern)
        os.chmod(server.keyfile, 0o640)
        assert_delivered(server, "alice")


# Storage that cannot hold sealed mail

def storage_extra(case, server_root):
    if case == "mbox":
        return ("\nmail_driver = mbox\nmail_path = ~/mbox\n"
                "mail_inbox_path = ~/mbox/inbox\n") if servers.NEW else \
            "\nmail_location = mbox:~/mbox:INBOX=~/mbox/inbox\n"
    if case == "attachments":
        return "\n%s = %s/attachments\n" % (
            "mail_ext_attachment_path" if servers.NEW
            else "mail_attachment_dir", server_root)
    space = "\nnamespace other {\n  separator = /\n  prefix = other/\n%s}\n"
    driver = case.split("-")[0]
    remote = "" if driver == "mbox" else \
        "\n%s_host = 127.0.0.1\n%s_password = x\n" % (driver, driver)
    return remote + space % (
        "  mail_driver = %s\n  mail_path = ~/other\n" % driver
        if servers.NEW else "  location = %s:~/other\n" % driver)


STORAGES = {
    "mbox": "mbox storage cannot hold sealed mail",
    "mbox-namespace": 'namespace "other/": mbox storage cannot hold',
    "imapc": 'namespace "other/": imapc storage cannot hold',
    "pop3c": 'namespace "other/": pop3c storage cannot hold',
    "attachments": "mail_ext_attachment_path is set" if servers.NEW
    else "mail_attachment_dir is set",
}


if not servers.NEW:
    # It connects before any plugin is asked.
    del STORAGES["imapc"]


@pytest.mark.parametrize("case", STORAGES)
def test_storage(make_server, case):
    server = make_server("maildir", start=False)
    server.extra = storage_extra(case, server.root)
    server.start()
    assert_delivery_refused(server, "alice", STORAGES[case])
    assert_session_refused(server, "alice", STORAGES[case])
    server.stop()
    server.extra = ""
    server.start()
    assert_delivered(server, "alice")


def test_storage_without_sealing(make_server):
    """roost_enable=no: mbox is left alone."""
    server = make_server("maildir", start=False,
                         settings={"roost_enable": "no"})
    server.extra = storage_extra("mbox", server.root)
    server.start()
    assert server.deliver(MESSAGE, "alice")[0][0] == 250
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]").endswith(MESSAGE)


# Keyrings that must not be used

def spoiled(text):
    """Another last character of the last line: of provider-mac."""
    last = text[-10:-9]
    return text[:-10] + (b"A" if last != b"A" else b"B") + text[-9:]


def other_provider(server, user):
    return tamper.make_keyring(server, user, key=os.urandom(32))[0]


def without_epoch_secret(server, user):
    """provider-mac and owner-sig are right, the private key is another."""
    text, writer = tamper.make_keyring(server, user)
    writer.epochs[0][1] = os.urandom(32)
    lines = writer.lines()
    lines[-1] = [line for line in text.splitlines()
                 if line.startswith(b"secrets")][0]
    return writer.text(lines)


KEYRINGS = {
    "another-user": (lambda server, user: tamper.make_keyring(
        server, user, owner="k29")[0], 0o600,
        r"another user's \[owner\].*user name k29, .*one home, .*renamed"),
    "owner-prefix": (lambda server, user: tamper.make_keyring(
        server, user, owner=user + "x")[0], 0o600, r"\[owner\]"),
    "world-readable": (lambda server, user: tamper.make_keyring(
        server, user)[0], 0o604, "open to everybody: chmod 0600"),
    "world-writable": (lambda server, user: tamper.make_keyring(
        server, user)[0], 0o602, "open to everybody: chmod 0600"),
    "other-provider-key": (other_provider, 0o600,
                           r"\[provider-key\].*roost_provider_old_key"),
    "provider-mac": (lambda server, user: spoiled(tamper.make_keyring(
        server, user)[0]), 0o600, r"\[provider-mac\]"),
    "too-large": (lambda server, user: tamper.make_keyring(server, user)[0] +
                  b"#" * 65536, 0o600, "larger than 65536"),
    "garbage": (lambda server, user: b"hello\n", 0o600,
                r"\[doc-version\].*line 1"),
}


@pytest.mark.parametrize("case", KEYRINGS)
def test_keyring(server, user, case):
    make, mode, pattern = KEYRINGS[case]
    path = tamper.keyring_path(server, user)
    text = make(server, user)
    tamper.write(path, text, mode)
    pattern = re.escape(path) + ".*" + pattern
    assert_delivery_refused(server, user, pattern)
    assert_append_refused(server, user, pattern)
    assert tamper.read(path) == text
    good = text if "world" in case else tamper.make_keyring(server, user)[0]
    tamper.write(path, good)
    assert_delivered(server, user)
    assert tamper.read(path) == good


@pytest.mark.parametrize("make, remove", [
    (os.mkdir, os.rmdir), (os.mkfifo, os.unlink)], ids=["folder", "fifo"])
def test_keyring_is_no_file(server, user, make, remove):
    path = tamper.keyring_path(server, user)
    make(path)
    os.chown(path, servers.MAIL_UID, servers.MAIL_GID)
    assert_delivery_refused(server, user, "not a regular file")
    remove(path)
    assert_delivered(server, user)


def test_keyring_folder_missing(make_server):
    """A folder that is not mounted is no empty folder."""
    server = make_server("maildir", start=False)
    folder = os.path.join(server.root, "keys")
    server.settings["roost_keyring"] = "file:%s/alice" % folder
    server.start()
    assert_delivery_refused(server, "alice", "its directory .* not there")
    os.mkdir(folder)
    server.own(folder)
    assert_delivered(server, "alice")
    assert os.listdir(server.home("alice")).count("roost.keyring") == 0


def test_keyring_missing_that_userdb_names(server):
    """roost_keyring_id: nothing is made; what is put there must have that
    id."""
    path = tamper.keyring_path(server, "pinned")
    pattern = "is missing, but roost_keyring_id names one"
    assert_delivery_refused(server, "pinned", pattern)
    assert_append_refused(server, "pinned", pattern)
    assert not os.path.exists(path)
    text, writer = tamper.make_keyring(server, "pinned")
    tamper.write(path, text)
    pattern = "its id is not the one that roost_keyring_id names"
    assert_delivery_refused(server, "pinned", pattern)
    assert_append_refused(server, "pinned", pattern)
    server.users["pinned"]["roost_keyring_id"] = writer.id.hex()
    server.write_users()
    assert_delivered(server, "pinned")


def test_keyring_older_than_userdb_allows(server):
    path = tamper.keyring_path(server, "oldest")
    _, writer = tamper.make_keyring(server, "oldest")
    for writer.generation in 1, 4:
        tamper.write(path, writer.text())
        assert_delivery_refused(server, "oldest",
                                "generation is below roost_generation_min")
    writer.generation = 5
    tamper.write(path, writer.text())
    assert_delivered(server, "oldest")


def test_keyring_not_made(server):
    pattern = r"no keyring .*doveadm roost init -u nocreate.*" \
        "roost_auto_create"
    assert_delivery_refused(server, "nocreate", pattern)
    assert_append_refused(server, "nocreate", pattern)
    assert not os.path.exists(tamper.keyring_path(server, "nocreate"))
    server.users["nocreate"] = {}
    server.write_users()
    assert_delivered(server, "nocreate")


def sealed_box(server, user):
    """A user with one message; (keyring's text, host key)."""
    assert_delivered(server, user)
    path = tamper.keyring_path(server, user)
    return tamper.read(path), tamper.Reader(server, user).ring.host_key


def swapped_public_key(server, user):
    """What whoever has the provider key can make: all but owner-sig is
    right."""
    text, host_key = sealed_box(server, user)
    key = rf.b64(rf.public_of(os.urandom(32)))
    bad = re.sub(rb"(?m)^(epoch 1 x25519) \S+", rb"\1 " + key, text)
    tamper.write(tamper.keyring_path(server, user),
                 tamper.provider_mac(bad, host_key))
    return text


def test_owner_sig(server, user):
    good = swapped_public_key(server, user)
    mark = server.log_mark()
    client = server.raw(user)
    client.ok("SELECT INBOX")
    for _ in range(2):
        answer = client.cmd("FETCH 1 (BODY.PEEK[])")
        assert answer.status == "NO" and b"[PARSE]" in answer.text
    client.logout()
    assert_one_line(server, mark, r"UID 1: roost: .*\[owner-sig\]")
    tamper.write(tamper.keyring_path(server, user), good)
    assert_delivered(server, user)


def test_owner_sig_delivery(server, user):
    """Checked before sealing: else what arrives is sealed for a stranger and
    lost to the owner."""
    swapped_public_key(server, user)
    assert_delivery_refused(server, user, r"\[owner-sig\]")


def test_owner_sig_delivery_in_password_mode(server, user):
    """Nobody is there to unlock anything, and it is noticed."""
    text, writer = tamper.make_keyring(server, user, "password")
    key = rf.b64(rf.public_of(os.urandom(32)))
    bad = re.sub(rb"(?m)^(epoch 1 x25519) \S+", rb"\1 " + key, text)
    path = tamper.keyring_path(server, user)
    tamper.write(path, tamper.provider_mac(bad, writer.host_key))
    assert_delivery_refused(server, user, r"\[owner-sig\]")
    tamper.write(path, text)
    assert server.deliver(MESSAGE, user)[0][0] == 250


def test_private_key_of_another(server, user):
    """All MACs are right, but the private key is not that of the epoch."""
    sealed_box(server, user)
    tamper.write(tamper.keyring_path(server, user),
                 without_epoch_secret(server, user))
    with server.raw(user) as client:
        mark = server.log_mark()
        client.ok("SELECT INBOX")
        assert client.cmd("FETCH 1 (BODY.PEEK[])").status == "NO"
    server.wait_log(r"\[(other-keyring|epoch-key)\]", mark)
