# SPDX-License-Identifier: MIT
"""From mbox, which cannot hold sealed mail, to a storage that can: doveadm reads
the one with Roost loaded, and what it saves into the other is sealed."""

import os
import subprocess

import pytest

import server as servers

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="mbox is like any other "
                                "storage without Roost")

BODY = b"word-of-the-body-%d"
MESSAGE = (b"From: Sender <sender@roost.test>\nTo: alice@roost.test\n"
           b"Subject: word-of-the-subject-%d\n"
           b"Date: Mon, 06 May 2024 09:00:00 +0000\n"
           b"Message-ID: <%d@roost.test>\n\n" + BODY + b"\n")
FROM = b"From sender@roost.test Mon May  6 09:00:00 2024\n"
NAMES = {"inbox": range(3), "Archive": range(3, 5)}
LOCATION = "mbox:~/old"
# What the settings of a server are that still has its mail there.
DEFAULT = ("-o", "mail_driver=mbox", "-o", "mail_path=~/old", "-o",
           "mail_inbox_path=~/old/inbox") if servers.NEW else \
    ("-o", "mail_location=mbox:~/old:INBOX=~/old/inbox")


def put_mbox(server, user="alice"):
    folder = os.path.join(server.home(user), "old")
    os.mkdir(folder)
    for name, numbers in NAMES.items():
        server.write(os.path.join(folder, name), b"".join(
            FROM + MESSAGE % (number, number, number) + b"\n"
            for number in numbers), 0o600)
    server.own(server.mail_root)
    return folder


def content(folder):
    return {name: open(os.path.join(folder, name), "rb").read()
            for name in NAMES}


def in_clear(server, folder):
    """Files beside the mbox in which a word of a message stands."""
    hits = server.find_on_disk(b"word-of-the", b"sender@roost.test",
                               everywhere=True)
    return [path for path, _ in hits if not path.startswith(folder + "/")]


def assert_moved(server, folder):
    """All of it is there, sealed, and opens."""
    server.assert_sealed("alice", 5)
    assert in_clear(server, folder) == []
    with server.raw("alice") as client:
        for name, numbers in NAMES.items():
            client.ok("SELECT " + name)
            for uid, number in enumerate(numbers, 1):
                text = client.fetch(uid, "BODY.PEEK[TEXT]")
                assert text.strip() == BODY % number
    assert in_clear(server, folder) == []


def move(server, *args):
    """Runs the command, and once more where Dovecot asks for that, as its own
    sync of 2.4 does between mbox and maildir without Roost, too."""
    done = server.doveadm(*args, check=False)
    if done.returncode == 2:
        assert b"You may want to run dsync again" in done.stderr
        done = server.doveadm(*args, check=False)
    assert done.returncode == 0, done


WAYS = {
    "import": ("import", "-u", "alice", LOCATION, "", "all"),
    "backup": ("backup", "-R", "-u", "alice", LOCATION),
    "sync": ("sync", "-u", "alice", LOCATION),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("storage", servers.STORAGES)
def test_from_mbox(make_server, storage, way):
    """The server has the new storage already."""
    server = make_server(storage, users=["alice"])
    folder = put_mbox(server)
    move(server, *WAYS[way])
    assert_moved(server, folder)
    if way != "sync":
        assert all(BODY % number in content(folder)[name]
                   for name in NAMES for number in NAMES[name])


@pytest.mark.parametrize("way", ["backup", "sync"])
@pytest.mark.parametrize("storage", servers.STORAGES)
def test_to_a_new_storage(make_server, storage, way):
    """The server still has mbox, and the new storage is named."""
    server = make_server(storage, users=["alice"])
    folder = put_mbox(server)
    move(server, *DEFAULT, way, "-u", "alice",
         "%s:%s" % (storage, server._path()))
    assert_moved(server, folder)


@pytest.mark.parametrize("way", WAYS)
def test_in_password_mode(make_server, way):
    server = make_server("maildir", users=["alice"], secret=True)
    server.init_password_mode("alice")
    folder = put_mbox(server)
    move(server, *WAYS[way])
    assert_moved(server, folder)


MOVE = "doveadm -o namespace/inbox/separator=/ backup -u alice " \
    "maildir:~/Maildir"


@pytest.mark.parametrize("is_moved_before", [True, False])
def test_without_a_separator_in_the_configuration(make_server,
                                                  is_moved_before):
    """As in stock configurations, where each storage has one of its own: the
    command that status and doctor name, and the other direction."""
    server = make_server("maildir", users=["alice"], start=False)
    asked = server.configuration
    server.configuration = lambda: asked().replace("  separator = /\n", "")
    server.start()
    folder = put_mbox(server)
    plain = server.doveadm(*DEFAULT, "backup", "-u", "alice",
                           "maildir:~/Maildir", check=False)
    assert plain.returncode == 75 and b"separator" in plain.stderr
    args = MOVE.split()[1:]
    server.doveadm(*(DEFAULT + tuple(args) if is_moved_before else
                     args[:2] + list(WAYS["backup"])))
    assert_moved(server, folder)
    # Dovecot's own command takes no masks, and Roost's does.
    server.doveadm("roost", "cache", "purge", "-u", "alice", "*")
    server.doveadm("mailbox", "cache", "purge", "-u", "alice", "INBOX")


def assert_nothing_saved(server, folder, *args):
    done = server.doveadm(*args, check=False)
    assert done.returncode != 0, args
    assert b"mbox storage cannot hold sealed mail" in \
        done.stderr + server.log_since(0).encode(), done.stderr
    assert in_clear(server, folder) == []
    return done


MAIL = b"Subject: word-of-the-subject-new\r\n\r\nword-of-the-body-new\r\n"


def test_nothing_is_saved_into_mbox(make_server):
    """Whatever direction it is asked for."""
    server = make_server("sdbox", users=["alice"])
    assert server.deliver(MAIL, "alice")[0][0] == 250
    folder = put_mbox(server)
    before = content(folder)
    assert_nothing_saved(server, folder, "backup", "-u", "alice",
                         "mbox:~/other")
    assert_nothing_saved(server, folder, "sync", "-1", "-u", "alice",
                         "mbox:~/old")
    assert_nothing_saved(server, folder, *DEFAULT, "import", "-u", "alice",
                         "sdbox:~/sdbox", "", "all")
    assert_nothing_saved(server, folder, *DEFAULT, "copy", "-u", "alice",
                         "Archive", "mailbox", "INBOX", "1")
    if not servers.NEW or servers.VERSION >= (2, 4):
        done = subprocess.run(
            ["doveadm", "-c", server.conf, *DEFAULT, "save", "-u", "alice"],
            input=MAIL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=server._environment(), timeout=120)
        assert done.returncode != 0
    after = content(folder)
    for name in NAMES:
        assert b"-new" not in after[name]
        assert after[name].count(b"\nSubject: ") == \
            before[name].count(b"\nSubject: ")


def test_no_private_name_is_written_back(make_server):
    """sync writes back what changed since; the name of a flag would stand
    there in clear."""
    server = make_server("maildir", users=["alice"])
    folder = put_mbox(server)
    move(server, *WAYS["sync"])
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS ($Forwarded)")
    move(server, *WAYS["sync"])
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (Dentist)")
    done = server.doveadm(*WAYS["sync"], check=False)
    assert done.returncode != 0
    assert b"private name of a keyword in clear" in done.stderr, done.stderr
    assert server.find_on_disk(b"Dentist", everywhere=True) == []
    move(server, *WAYS["backup"])


def test_keywords_of_mbox_become_tokens(make_server):
    server = make_server("maildir", users=["alice"])
    folder = put_mbox(server)
    server.doveadm(*DEFAULT, "-o", "plugin/roost_enable=no" if not servers.NEW
                   else "roost_enable=no", "flags", "add", "-u", "alice",
                   "Dentist", "mailbox", "INBOX", "1")
    assert b"X-Keywords: Dentist" in content(folder)["inbox"]
    move(server, *WAYS["backup"])
    hits = server.find_on_disk(b"Dentist", everywhere=True)
    assert all(path.startswith(folder + "/") for path, _ in hits) and hits
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.ok("SEARCH KEYWORD Dentist")


def test_other_sessions_end_at_their_start(make_server):
    server = make_server("maildir", users=["alice"], start=False)
    server.extra = "".join("%s\n" % word.replace("=", " = ", 1)
                           for word in DEFAULT[1::2])
    server.start()
    put_mbox(server)
    code, text = server.deliver(MAIL, "alice")[0]
    assert code == 451
    assert "with doveadm backup" in server.log_since(0)
    done = server.doveadm("roost", "status", "-u", "alice", check=False)
    assert done.returncode == 75
    assert b"mbox storage cannot hold sealed mail" in done.stderr
    assert b"\n    " + MOVE.encode() + b"\n" in done.stdout
    for args in ("--expect", "sealed"), ():
        done = server.doveadm("-f", "flow", "roost", "doctor", *args, "-u",
                              "alice", check=False)
        assert done.returncode == 2
        assert done.stdout.count(b"finding=storage-unfit") == 1
