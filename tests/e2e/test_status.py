# SPDX-License-Identifier: MIT
"""doveadm roost status: what a keyring is, what is left to seal, and what to
do next."""

import json
import os
import re
import subprocess

import pytest

import server as servers
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs the commands")

LOCKED = 77
MESSAGE = b"Subject: %d\r\n\r\nbody of the message\r\n"


def status(server, *args, user="alice"):
    """(exit status, the one row, what it complained about)"""
    done = server.doveadm("-f", "json", "roost", "status", "-u", user, *args,
                          check=False)
    row, = json.loads(done.stdout)
    return done.returncode, row, done.stderr.decode()


def deliver(server, count, user="alice"):
    for number in range(count):
        assert server.deliver(MESSAGE % number, user)[0][0] == 250


def counts(row):
    return row["messages"], row["not-sealed"], row["old-epoch"]


def take(server, step):
    """Runs the command that the step ends with."""
    server.doveadm(*step.split(": doveadm ")[1].split())


def without_roost(make_server, storage, count):
    server = make_server(storage, users=["alice"], roost=False, secret=True)
    deliver(server, count)
    server.stop()
    server.roost = True
    return server.start()


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_from_old_mail_to_nothing_to_do(make_server, storage):
    """Each step that it names leads to the next one."""
    server = without_roost(make_server, storage, 3)
    code, row, said = status(server)
    assert (code, said, row["state"]) == (0, "", "no keyring")
    with open(os.path.join(servers.TOP, "VERSION")) as file:
        assert row["version"] == file.read().strip()
    assert counts(row) == ("3", "3", "")
    assert "doveadm roost init -u alice" in row["next"]
    server.doveadm("roost", "init", "-u", "alice")
    deliver(server, 1)
    code, row, said = status(server)
    assert (code, said) == (0, "")
    assert (row["policy"], row["slots"]) == ("open", "provider")
    assert counts(row) == ("4", "3", "0")
    assert "Seal the 3 messages" in row["next"]
    assert row["next"].endswith(": doveadm roost seal -u alice")
    take(server, row["next"])
    code, row, said = status(server)
    assert counts(row)[1:] == ("0", "0")
    assert row["next"].endswith(": doveadm roost seal -u alice --finish")
    take(server, row["next"])
    code, row, said = status(server)
    assert (code, said, row["next"]) == (0, "", "Nothing")


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_older_epochs(make_server, storage):
    server = make_server(storage, users=["alice"])
    _, writer = tamper.make_keyring(server, "alice", policy=b"sealed")
    tamper.put_keyring(server, "alice", writer.text())
    deliver(server, 2)
    writer.add_epoch()
    writer.generation += 1
    tamper.put_keyring(server, "alice", writer.text())
    deliver(server, 1)
    code, row, said = status(server)
    assert (code, said, row["epochs"]) == (0, "", "2")
    assert counts(row) == ("3", "0", "2")
    assert "2 messages of older epochs" in row["next"]
    assert row["next"].endswith(": doveadm roost reseal -u alice")
    take(server, row["next"])
    assert counts(status(server)[1])[1:] == ("0", "0")


def test_quick_reads_no_mail(make_server):
    """Not even where mail could not be read."""
    server = make_server("maildir", users=["alice"])
    deliver(server, 1)
    path = server.mail_files("alice")[0]
    os.chmod(path, 0)
    try:
        code, row, said = status(server, "--quick")
        assert (code, said) == (0, "")
        assert counts(row) == ("", "", "")
        assert "without --quick" in row["next"]
        code, row, said = status(server)
        assert code == 75 and counts(row) == ("", "", "")
        assert "Not every message could be looked at" in said
    finally:
        os.chmod(path, 0o600)
    assert counts(status(server)[1]) == ("1", "0", "0")


def test_forgotten_password_would_lose_the_mail(make_server):
    """A password keyring without a recovery code says so; `init` gives it
    one."""
    server = make_server("maildir", users=["alice", "bob"], secret=True)
    text, _ = tamper.make_keyring(server, "alice", "password",
                                  policy=b"sealed")
    tamper.put_keyring(server, "alice", text)
    code, row, said = status(server)
    assert (code, said) == (LOCKED, "")
    assert (row["mode"], row["state"]) == ("password", "locked")
    assert "doveadm roost slot add -u alice recovery" in row["next"]
    server.init_password_mode("bob")
    code, row, said = status(server, user="bob")
    assert row["slots"] == "password,recovery"
    assert row["next"].startswith("See whether the user's secret opens it: ")


def test_locked_keyring(make_server, tmp_path):
    """It is said, what to do next, and by the status; with a secret it is
    known whether it opens."""
    server = make_server("maildir", users=["alice"], secret=True)
    server.init_password_mode("alice")
    deliver(server, 1)
    code, row, said = status(server)
    assert (code, said, row["state"]) == (LOCKED, "", "locked")
    assert row["next"].endswith(
        ": doveadm roost status -u alice --secret-file -")

    def given(text):
        done = server.doveadm(
            "-f", "json", *row["next"].split(": doveadm ")[1].split(),
            input=text.encode() + b"\n", check=False)
        found, = json.loads(done.stdout)
        return done.returncode, found, done.stderr.decode()
    code, found, said = given(server.password("alice"))
    assert (code, said) == (0, "")
    assert (found["state"], found["next"]) == ("open", "Nothing")
    code, found, said = given("another one")
    assert code == 77 and found["state"] == "locked" and said


def test_columns(make_server):
    """No line is longer than a terminal's, but for a path; a command stands
    on a line of its own."""
    server = without_roost(make_server, "maildir", 3)
    shown = server.doveadm("roost", "status", "-u", "alice").stdout.decode()
    lines = shown.splitlines()
    assert "    doveadm roost init -u alice" in lines, shown
    assert "state: no keyring" in lines
    for line in lines:
        assert len(line) <= 80 or line.startswith("keyring: "), shown


def test_without_roost_in_a_protocol(make_server):
    """All else that is told is of no use there."""
    server = make_server("maildir", users=["alice"])
    deliver(server, 1)
    code, row, said = status(server)
    assert (code, said) == (0, "")
    server.extra = "protocol lmtp {\n%s}\n" % (
        "mail_plugins = \n" if servers.NEW else "mail_plugins = acl\n")
    server.reload()
    deliver(server, 1)
    assert not server.objects("alice")[1][2].startswith(servers.MAGIC) or \
        not server.objects("alice")[0][2].startswith(servers.MAGIC)
    for args in (), ("--quick",):
        code, row, said = status(server, *args)
        assert code == 78, said
        assert "protocol lmtp: mail_plugins lacks roost" in said
        assert "Mend it with: protocol lmtp {" in said
        assert row["next"].startswith("Load Roost where")


def test_escrow_is_shown(make_server):
    server = make_server("maildir", users=["alice"])
    _, writer = tamper.make_keyring(server, "alice", policy=b"sealed")
    writer.add_escrow(tamper.rf.public_of(os.urandom(32)))
    tamper.put_keyring(server, "alice", writer.text())
    code, row, said = status(server)
    assert (code, said, row["slots"]) == (0, "", "provider,escrow")


def test_provider_key_that_is_being_replaced(make_server):
    new = os.urandom(32).hex()
    server = make_server("maildir", users=["alice"], start=False)
    old = os.path.join(server.root, "old.key")
    os.rename(server.keyfile, old)
    server.write(server.keyfile, new + "\n", 0o600)
    text, _ = tamper.make_keyring(server, "alice", policy=b"sealed",
                                  key=bytes.fromhex(tamper.read(old).decode()))
    tamper.put_keyring(server, "alice", text)
    server.settings["roost_provider_old_key"] = old if servers.NEW \
        else "<" + old
    server.start()
    code, row, said = status(server)
    assert (code, said, row["state"]) == (0, "", "open")
    assert "doveadm roost provider-rotate -u alice" in row["next"]


def test_lost_keyring_beside_sealed_mail(make_server):
    """It is no fresh account, and the command fails."""
    server = make_server("maildir", users=["alice"])
    deliver(server, 2)
    os.unlink(tamper.keyring_path(server, "alice"))
    code, row, said = status(server)
    assert code == 75 and "there are 2 sealed messages" in said
    assert row["state"] == "no keyring"
    assert "Restore the keyring" in row["next"]


def test_keyring_that_is_refused(make_server):
    server = make_server("maildir", users=["alice"])
    deliver(server, 1)
    path = tamper.keyring_path(server, "alice")
    tamper.write(path, tamper.read(path)[:-40])
    code, row, said = status(server)
    assert code == 75 and row["state"] == "refused" and "keyring" in said
    assert counts(row) == ("", "", "") and row["next"].startswith("Mend")


def test_who_makes_no_keyring(make_server):
    server = make_server("maildir", users={
        "alice": {"roost_auto_create": "no"}, "bob": {"roost_enable": "no"},
        "carol": {}})
    assert "doveadm roost init -u alice" in status(server)[1]["next"]
    assert "roost_enable" in status(server, user="bob")[1]["next"]
    assert status(server, user="carol")[1]["next"].startswith("Nothing:")


def without_home(make_server, home):
    """A server whose user alice has that home, where her mail does not
    lie."""
    server = make_server("maildir", users=["alice"], start=False)
    server.home = lambda user: home
    server.extra = ("mail_path = %s/away/%%{user}\n" if servers.NEW else
                    "mail_location = maildir:%s/away/%%u\n"
                    ) % server.mail_root
    asked = server.configuration
    server.configuration = lambda: re.sub(r"userdb_home( ?)=",
                                          r"userdb_other\1=", asked())
    server.write_users()
    return server.start()


@pytest.mark.parametrize("home, why, mend", [
    ("", "User alice has no home directory", "give userdb a home for alice"),
    ("%s/nowhere", "The home directory of user alice, ", "install -d -m 0700")],
    ids=["none", "not-there"])
def test_user_without_a_home(make_server, home, why, mend):
    home = home and home % os.environ["ROOST_E2E_TMP"]
    server = without_home(make_server, home)
    code, row, said = status(server)
    assert (code, row["state"]) == (75, "no home")
    assert why in said and mend in said and "refused" not in said + str(row)
    done = server.doveadm("roost", "init", "-u", "alice", check=False)
    assert done.returncode == 75 and why.encode() in done.stderr
    assert mend.encode() in done.stderr
    done = server.doveadm("-f", "json", "roost", "doctor", "-u", "alice",
                          check=False)
    found, = json.loads(done.stdout)
    assert done.returncode == 2 and found["finding"] == "no-home"
    assert mend in found["mend"]
    if home:
        subprocess.run(found["mend"], shell=True, check=True)
        code, row, said = status(server)
        assert (code, row["state"]) == (0, "no keyring"), said
