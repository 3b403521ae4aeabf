# SPDX-License-Identifier: MIT
"""doveadm roost doctor --expect: a state that a server is held to, with an exit
status for what watches it."""

import json
import os
import shlex
import time

import pytest

import server as servers

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs the commands")

FOUND, USAGE = 2, 64
MESSAGE = b"Subject: expected\r\n\r\nbody\r\n"
NO_PLUGINS = "mail_plugins = \n" if servers.NEW else "mail_plugins = acl\n"


def expect(server, what, *args):
    """(exit status, findings, what was complained about)"""
    done = server.doveadm("-f", "json", "roost", "doctor", "--expect", what,
                          *args, check=False)
    rows = json.loads(done.stdout) if done.stdout.strip() else []
    return done.returncode, rows, done.stderr.decode()


def good(server, *args):
    assert expect(server, "sealed", *args) == (0, [], "")


def deliver(server, user="alice"):
    assert server.deliver(MESSAGE, user)[0][0] == 250


def take(server, mend):
    """Runs the commands that mend it where the messages are the user's."""
    for command in mend.split(";")[0].split(": ")[-1].split(" && "):
        server.doveadm(*shlex.split(command)[1:])


def plaintext(server, user="alice"):
    """Delivers one message to a server that has lost the plugin in one
    protocol."""
    kept = server.extra
    server.extra += "protocol lmtp {\n%s}\n" % NO_PLUGINS
    server.reload()
    deliver(server, user)
    server.extra = kept
    server.reload()


@pytest.mark.parametrize("mode", ["provider", "password"])
@pytest.mark.parametrize("storage", servers.STORAGES)
def test_plaintext_beside_sealed_mail(make_server, storage, mode):
    server = make_server(storage, users=["alice", "bob"], secret=True)
    if mode == "password":
        server.init_password_mode("alice")
    deliver(server)
    good(server, "-u", "alice")
    good(server, "-A")
    plaintext(server)
    code, (row,), said = expect(server, "sealed", "-u", "alice")
    assert (code, said) == (FOUND, "")
    assert (row["finding"], row["severity"]) == ("not-sealed", "error")
    assert row["where"] == "user alice, mailbox INBOX"
    assert row["what"].startswith("1 messages that were saved since ")
    assert row["what"].endswith("are not sealed: UID 2")
    assert "doveadm expunge -u alice mailbox 'INBOX' uid 2" in row["mend"]
    code, rows, said = expect(server, "sealed", "-A")
    assert code == FOUND and [row["username"] for row in rows] == ["alice"]
    good(server, "-u", "bob")
    if mode == "provider":
        take(server, row["mend"])
        good(server, "-u", "alice")
        server.assert_sealed("alice", 2)
        assert b" sealed" in server.doveadm("-f", "flow", "roost", "status",
                                            "-u", "alice").stdout.replace(
                                                b"policy=", b" ")


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_since(make_server, storage):
    """What is older than the period is not looked at; by default a day."""
    server = make_server(storage, roost=False, users=["alice"])
    client = server.raw("alice")
    client.append("INBOX", MESSAGE, "", "01-Jan-2024 10:00:00 +0000")
    client.logout()
    server.stop()
    server.roost = True
    server.start()
    saved = time.time()
    code, (row,), said = expect(server, "sealed", "-u", "alice")
    assert code == FOUND
    time.sleep(max(0, saved + 2.1 - time.time()))
    good(server, "-u", "alice", "--since", "1 secs")
    assert expect(server, "sealed", "-u", "alice", "--since",
                  "1 hour")[0] == FOUND
    take(server, row["mend"])
    server.assert_sealed("alice", 1)
    good(server, "-u", "alice")


@pytest.mark.parametrize("name", ["it's; touch x", "many*"])
def test_a_name_that_a_user_has_chosen(make_server, name):
    """Root may take the line into a shell: the name stays one word, and means
    no other mailbox."""
    server = make_server("maildir", roost=False, users=["alice"])
    client = server.raw("alice")
    assert client.cmd('CREATE "%s"' % name).status == "OK"
    assert client.append(name, MESSAGE).ok
    client.logout()
    server.stop()
    server.roost = True
    server.start()
    code, (row,), _ = expect(server, "sealed", "-u", "alice")
    assert code == FOUND
    assert row["where"] == "user alice, mailbox " + name
    if "*" in name:
        assert "doveadm" not in row["mend"] and "rename" in row["mend"]
    else:
        assert shlex.split(row["mend"])[-1] == name


def test_flags_make_no_message_recent(make_server):
    """In maildir they rename the file of one."""
    server = make_server("maildir", roost=False, users=["alice"])
    deliver(server)
    path, = server.mail_files("alice")
    old = os.path.join(os.path.dirname(path), "1700000000.M1P1.host")
    os.rename(path, old)
    os.unlink(os.path.join(server.home("alice"), "Maildir",
                           "dovecot-uidlist"))
    server.stop()
    server.roost = True
    server.start()
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (\\Seen)")
    path, = server.mail_files("alice")
    assert "1700000000.M1P1.host:2,S" in path
    good(server, "-u", "alice")


def test_userdb_takes_the_plugin_away(make_server):
    server = make_server("maildir", users=["alice"])
    server.change_user("alice", **(
        {"mail_plugins/roost": "no"} if servers.NEW else
        {"mail_plugins": "acl"}))
    for what in "loaded", "sealed":
        code, (row,), said = expect(server, what, "-u", "alice")
        assert code == FOUND and row["finding"] == "plugin-missing"


def test_not_loaded_in_a_protocol(make_server):
    server = make_server("maildir", users=["alice"])
    deliver(server)
    assert expect(server, "loaded") == (0, [], "")
    server.extra = "protocol pop3 {\n%s}\n" % NO_PLUGINS
    server.reload()
    code, (row,), said = expect(server, "loaded")
    assert (code, said) == (FOUND, "")
    assert (row["finding"], row["where"]) == ("plugin-missing",
                                              "protocol pop3")
    for what in "loaded", "sealed":
        code, rows, said = expect(server, what, "-u", "alice")
        assert (code, rows) == (FOUND, [])
        assert "protocol pop3: mail_plugins lacks roost" in said


def test_whose_mail_is_not_to_be_sealed(make_server):
    """One who is named is; of all, those who are not are told of; and if it
    is nobody, that is wrong."""
    server = make_server("maildir", users={
        "alice": {}, "bob": {"roost_enable": "no"}})
    deliver(server, "bob")
    code, (row,), said = expect(server, "sealed", "-A")
    assert (code, said, row["severity"]) == (0, "", "notice")
    assert (row["finding"], row["username"]) == ("not-enabled", "bob")
    code, (row,), said = expect(server, "sealed", "-u", "bob")
    assert (code, row["severity"]) == (FOUND, "error")
    server.change_user("alice", roost_enable="read-only")
    code, rows, said = expect(server, "sealed", "-A")
    assert code == FOUND and len(rows) == 2
    assert "roost_enable is yes for none" in said


def test_what_cannot_be_read(make_server):
    server = make_server("maildir", users=["alice"])
    deliver(server)
    path, = server.mail_files("alice")
    os.chmod(path, 0)
    try:
        code, rows, said = expect(server, "sealed", "-u", "alice")
        assert code == 75 and "Not every message could be looked at" in said
    finally:
        os.chmod(path, 0o600)
    good(server, "-u", "alice")


@pytest.mark.parametrize("args, said", [
    (("--expect", "happiness"), "--expect takes loaded or sealed"),
    (("--expect", "sealed"), "add -u <user> or -A"),
    (("--expect", "sealed", "-A", "--since", "x"), "--since takes a period"),
    (("--expect", "loaded", "--since", "1 day"), "--since is for"),
    (("--since", "1 day"), "--since is for")])
def test_nonsense(make_server, args, said):
    server = make_server("maildir", users=["alice"], start=False)
    server.imap_port, server.pop3_port = 10143, 10110
    server.write_conf()
    done = server.doveadm("roost", "doctor", *args, check=False)
    assert done.returncode == USAGE and said in done.stderr.decode(), done
