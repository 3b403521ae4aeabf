# SPDX-License-Identifier: MIT
"""The operator's guide, walked from one end to the other: each test is a script
of the guide's own commands, on a private server.
"""

import os
import re
import shutil
import subprocess

import pytest

import documents
import server as servers
import slotkit
import stage as stages
import tamper
from slotkit import good, roost, text_of

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="Roost's guide")

CHEAP = {"roost_argon2_time": "1", "roost_argon2_memory": "8 M"}
NEW_PASSWORD = "new-password"
KEYWORD = "Zahnarzt"
MODES = ("provider", "password")


class Walk:
    """A server, and the guide's blocks that are run on it."""

    def __init__(self, make_server, mode="provider", **options):
        self.mode = mode
        options.setdefault("users", ("alice",))
        self.server = make_server(secret=mode == "password", settings=CHEAP,
                                  **options)
        self.stage = stages.Stage(self.server)
        self.place("/etc/dovecot/private/roost-provider.key")

    def place(self, path):
        """The server's provider key lies where the guide has it."""
        target = self.stage.path(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(self.server.keyfile, target)

    def run(self, text, *answers, **options):
        return self.stage.run(text, answers, **options)

    def initialise(self):
        if self.mode == "password":
            password = self.server.password("alice")
            done, = self.run(documents.block("init-password"),
                             ("assword", password), ("Again", password))
            return done.out.split()[-1]
        return good(roost(self.server, "init", "-u", "alice"))

    def deliver(self, count=3):
        for number in range(count):
            assert self.server.deliver(text_of(number),
                                       "alice")[0][0] == 250

    def reads(self, box="INBOX", password=None):
        """Returns the messages as a client gets them."""
        with self.server.raw("alice", password) as client:
            client.ok('SELECT "%s"' % box)
            return [client.fetch(number + 1, "BODY.PEEK[]")
                    for number in range(client.count(box))]


def with_roost(walk):
    """Roost is turned on, as by the package's line."""
    walk.server.stop()
    walk.server.roost = True
    walk.server.start()


# From mbox to sealed mail

MBOX = "From a@sender.example Mon Jan  1 10:00:00 2024\n" \
    "From: a@sender.example\nSubject: number %d\nStatus: %s\n\n" \
    "body of number %d\n\n"


def fill_mbox(walk):
    """Mail as Debian's stock configuration keeps it: in /var/mail and ~/mail,
    of which one folder is subscribed."""
    spool = os.path.join(walk.server.root, "var-mail-alice")
    mail = os.path.join(walk.server.home("alice"), "mail")
    os.makedirs(mail)
    walk.server.write(spool, "".join(
        MBOX % (number, "RO" if number else "O", number)
        for number in range(4)))
    walk.server.write(os.path.join(mail, "Saved"), "".join(
        MBOX % (number, "RO", number) for number in range(4, 6)))
    walk.server.write(os.path.join(mail, ".subscriptions"), "Saved\n")
    os.chown(spool, servers.MAIL_UID, servers.MAIL_GID)
    walk.server.own(walk.server.home("alice"))
    walk.stage.places["/var/mail/alice"] = spool
    return spool, mail


@pytest.mark.parametrize("mode", MODES)
def test_from_mbox_to_sealed_mail(make_server, mode):
    walk = Walk(make_server, mode)
    server = walk.server
    spool, mail = fill_mbox(walk)
    if mode == "password":
        walk.initialise()
    else:
        walk.run(documents.block("mbox-init"))
    walk.run(documents.block("mbox-2.4") if servers.NEW else
             documents.block("mbox-2.3"))
    mailboxes, policy = walk.run(documents.block("mbox-compare"))
    assert "INBOX messages=4" in mailboxes.out
    assert "Saved messages=2" in mailboxes.out
    assert re.search(r"(?m)^sealed +sealed +\* +6 +0 *$", policy.out)
    server.assert_sealed("alice", 6)
    assert [text.split()[-1] for text in walk.reads()] == [
        b"0", b"1", b"2", b"3"]
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.ok("SEARCH UNSEEN").untagged[-1] == b"* SEARCH 1\r\n"
        assert b"Saved" in b"".join(client.ok('LSUB "" *').untagged)
    os.unlink(spool)
    shutil.rmtree(mail)
    assert server.find_on_disk(b"number 1", b"number 4",
                               everywhere=True) == []
    assert server.deliver(text_of(9), "alice")[0][0] == 250
    server.assert_sealed("alice", 7)


@pytest.mark.parametrize("mode", MODES)
def test_old_mail_is_sealed(make_server, mode):
    walk = Walk(make_server, mode, roost=False)
    walk.deliver()
    before = walk.reads()
    with_roost(walk)
    init, *seal = documents.block("seal-old").splitlines(True)
    if mode == "password":
        walk.initialise()
    else:
        walk.run(init)
    done = walk.run("".join(seal))
    assert re.search(r"(?m)^sealed +sealed +\* +3 +0 *$", done[-1].out)
    walk.server.assert_sealed("alice", 3)
    assert walk.reads() == before


# Password mode

def test_password_is_changed(make_server):
    walk = Walk(make_server, "password", start=False)
    walk.server.extra = slotkit.any_password(walk.server)
    walk.server.start()
    code = walk.initialise()
    walk.deliver()
    before = walk.reads()
    walk.run(documents.block("change"),
             ("Present", walk.server.password("alice")),
             ("New", NEW_PASSWORD), ("Again", NEW_PASSWORD))
    assert walk.reads(password=NEW_PASSWORD) == before
    with walk.server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert not client.cmd("FETCH 1 BODY.PEEK[]").ok
    # The recovery code does in the place of a password that was forgotten.
    walk.run(documents.block("change"), ("Present", code),
             ("New", "another"), ("Again", "another"))
    assert walk.reads(password="another") == before


# Backups

@pytest.mark.parametrize("storage", servers.STORAGES)
def test_backup_is_checked_and_read(make_server, storage):
    walk = Walk(make_server, storage=storage)
    walk.deliver()
    shutil.copytree(walk.server.home("alice"),
                    walk.stage.path("/backup/alice"))
    walk.run(documents.block("check-backup"))
    walk.run(documents.block("extract"))
    texts = [tamper.read(os.path.join(folder, name)) for folder, _, names
             in os.walk(walk.stage.path("/tmp/alice")) for name in names
             if os.path.basename(folder) in ("cur", "new")]
    assert sorted(text.split(b"body of ")[1].strip() for text in texts) == [
        b"number 0", b"number 1", b"number 2"]
    # The check can fail.
    tamper.write(walk.stage.path("/etc/dovecot/private/roost-provider.key"),
                 b"0" * 64 + b"\n")
    walk.run(documents.block("check-backup").splitlines()[0], codes=(1, 3))


def test_restore_in_password_mode(make_server):
    walk = Walk(make_server, "password")
    server = walk.server
    walk.initialise()
    with server.raw("alice") as client:
        client.ok("CREATE Archive")
        for number in range(3):
            assert client.append("Archive", text_of(number), KEYWORD).ok
    shutil.copytree(server.home("alice"), walk.stage.path("/backup/alice"))
    server.own(walk.stage.path("/backup"))
    shutil.rmtree(os.path.join(server.home("alice"), "Maildir"))
    walk.stage.places["/etc/dovecot/dovecot.conf"] = server.conf
    secret = walk.stage.places["/run/alice.conf"] = os.path.join(
        server.tmp_dir, "alice.conf")
    walk.run(documents.block("secret-2.4") if servers.NEW else
             documents.block("secret-2.3"),
             ("Password", server.password("alice")))
    assert os.stat(secret).st_mode & 0o777 == 0o600
    walk.run(documents.block("restore-password"))
    assert not os.path.exists(secret)
    assert [text.split()[-1] for text in walk.reads("Restored/Archive")] == [
        b"0", b"1", b"2"]
    server.assert_sealed("alice", 3)


# Looking after it

def test_line_that_turns_it_on():
    """Both files of the packages have it, and all else in comments."""
    line = documents.block("enable-line")
    for major in ("2.3", "2.4"):
        text = tamper.read(os.path.join(
            documents.TOP, "packaging", "conf", major,
            "11-roost.conf")).decode()
        assert line in text.splitlines(True)
        assert all(row.startswith("#") for row in text.split("\n") if row)


def test_looking_after_it(make_server):
    walk = Walk(make_server)
    walk.deliver()
    for done in walk.run(documents.block("look")):
        assert done.out, done
    expected, *rest = walk.run(documents.block("monitor"))
    assert expected.code == 0, expected
    assert all(done.out for done in rest), rest


def test_key_is_not_overwritten(make_server):
    walk = Walk(make_server, start=False)
    path = walk.stage.path("/etc/dovecot/private/roost-provider.key")
    key = tamper.read(path)
    walk.run(documents.block("key-again"), codes=(1, 2))
    assert tamper.read(path) == key


def test_some_users_first(make_server):
    """Who has the field is sealed; the others are not, and are served."""
    name, *_, field = documents.block("some-users").strip().split(":")
    field, value = field.split("=")
    walk = Walk(make_server, start=False, users={
        name: {field[len("userdb_"):]: value}, "bob": {}})
    server = walk.server
    server.settings["roost_enable"] = "read-only"
    server.start()
    for user in server.users:
        assert server.deliver(text_of(1), user)[0][0] == 250
    assert len(server.objects("bob")) == 1
    assert server.objects("alice")[0][2].startswith(servers.MAGIC)
    assert not server.objects("bob")[0][2].startswith(servers.MAGIC)


def test_sieve_script_is_right(make_server):
    walk = Walk(make_server, start=False)
    server = walk.server
    server.extra = "\n".join(
        block.text for block in documents.blocks()
        if block.kind == "conf" and "imapsieve" in block.text and
        block.name == ("2.4" if servers.NEW else "2.3")).replace(
            "protocol imap {\n  mail_plugins = $mail_plugins imap_sieve\n}\n",
            "")
    path = os.path.join(server.root, "spam.sieve")
    server.write(path, documents.block("sieve"))
    server.extra = walk.stage.placed(server.extra)
    server.start()
    done = subprocess.run(["sievec", "-c", server.conf, path],
                          stderr=subprocess.PIPE)
    assert done.returncode == 0, done
    assert os.path.exists(path[:-len("sieve")] + "svbin")


# The way out

@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("storage", servers.STORAGES)
def test_leaving(make_server, mode, storage):
    walk = Walk(make_server, mode, storage=storage)
    server = walk.server
    walk.initialise()
    walk.deliver()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (%s)" % KEYWORD)
    before = walk.reads()
    server.stop()
    server.settings["roost_enable"] = "read-only"
    server.start()
    answers = [("Present", server.password("alice"))] * (mode == "password")
    walk.run(documents.block("leave"), *answers)
    assert len(server.find_on_disk(b"body of number")) >= 1
    assert not any(content.startswith(servers.MAGIC)
                   for _, _, content in server.objects("alice"))
    assert server.deliver(text_of(3), "alice")[0][0] == 250
    server.stop()
    server.settings["roost_keywords"] = "off"
    old = server._path()
    server.storage, server._path = "sdbox", lambda: "~/new"
    server.start()
    walk.run(documents.block("leave-names").replace(
        "maildir:~/Maildir", "%s:%s" % (storage, old)))
    server.stop()
    shutil.rmtree(os.path.join(server.home("alice"), old[2:]))
    server.roost, server.settings = False, {}
    server.start()
    assert walk.reads()[:3] == before
    assert len(walk.reads()) == 4
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.ok("SEARCH KEYWORD " + KEYWORD).untagged[-1] == \
            b"* SEARCH 1\r\n"
        assert b"rk1-" not in b"".join(client.ok("SELECT INBOX").untagged)
