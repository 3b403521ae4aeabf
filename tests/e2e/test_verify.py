# SPDX-License-Identifier: MIT
"""doveadm roost verify: rows that a script can act on."""

import json
import os
import re

import pytest

import server as servers
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="needs the commands")

MESSAGE = b"Subject: %d\r\n\r\n" + b"body of the message\r\n" * 3000
USAGE, TEMPFAIL, NOTFOUND = 64, 75, 68


def verify(server, *args, user="alice"):
    """(exit status, rows, what it complained about)"""
    done = server.doveadm("-f", "json", "roost", "verify", "-u", user, *args,
                          check=False)
    rows = json.loads(done.stdout) if done.stdout.strip() else []
    return done.returncode, rows, done.stderr.decode()


def deliver(server, *numbers, user="alice"):
    for number in numbers:
        assert server.deliver(MESSAGE % number, user)[0][0] == 250


@pytest.fixture(params=servers.STORAGES)
def two_epochs(request, make_server):
    """alice has two messages of the first epoch and three of the second."""
    server = make_server(request.param, users=["alice"])
    _, writer = tamper.make_keyring(server, "alice")
    tamper.put_keyring(server, "alice", writer.text())
    deliver(server, 0, 1)
    writer.add_epoch()
    writer.generation += 1
    tamper.put_keyring(server, "alice", writer.text())
    deliver(server, 2, 3, 4)
    return server


@pytest.mark.parametrize("how", [(), ("-k",)], ids=["keys", "keyless"])
def test_counts_by_epoch(two_epochs, how):
    code, rows, said = verify(two_epochs, *how)
    assert (code, said) == (0, "")
    row, = rows
    assert (row["mailbox"], row["messages"], row["sealed"], row["plaintext"],
            row["bad"], row["epochs"], row["reasons"]) == (
        "INBOX", "5", "5", "0", "0", "1:2 2:3", "")


def test_counts_by_reason(two_epochs):
    """Each bad message is counted under its gate, and under no epoch."""
    server = two_epochs
    found = sorted(tamper.Reader(server, "alice").messages(),
                   key=lambda item: re.search(rb"Subject: \d", item[3])[0])
    tamper.flip(found[0][:3], 20000)
    tamper.flip(found[1][:3], 20000)
    tamper.flip(found[4][:3], 190)
    code, rows, said = verify(server)
    assert code == TEMPFAIL
    row, = rows
    assert (row["messages"], row["sealed"], row["bad"]) == ("5", "2", "3")
    counts = dict(part.split(":") for part in row["reasons"].split())
    assert counts == {"chunk": "2", "commitment": "1"}
    assert row["epochs"] == "2:2"
    gates = [re.search(r"\[([a-z-]+)\]$", line).group(1)
             for line in said.splitlines() if "Mailbox INBOX: UID" in line]
    assert sorted(gates) == ["chunk", "chunk", "commitment"]


def test_epoch_is_not_known_without_a_keyring(two_epochs):
    server = two_epochs
    os.unlink(tamper.keyring_path(server, "alice"))
    code, rows, _ = verify(server, "--keyless")
    assert (code, rows[0]["epochs"]) == (0, "?:5")
    code, rows, _ = verify(server)
    assert code == TEMPFAIL
    assert (rows[0]["epochs"], rows[0]["reasons"]) == ("", "locked:5")


@pytest.fixture
def mixed(make_server):
    """alice has a plaintext message in Old, a good and a damaged one in
    INBOX."""
    server = make_server("maildir", users=["alice"], roost=False)
    with server.raw("alice") as client:
        client.ok("CREATE Old")
        assert client.append("Old", b"Subject: old\r\n\r\nold\r\n").ok
    server.stop()
    server.roost = True
    server.start()
    deliver(server, 0, 1)
    found = sorted(tamper.Reader(server, "alice").messages())[0]
    tamper.flip(found[:3], 20000)
    return server


def test_list_names_each_message(mixed):
    """What a script restores or seals: mailbox, UID and why."""
    code, rows, said = verify(mixed, "--list")
    assert code == TEMPFAIL and "[chunk]" in said
    assert {(row["mailbox"], row["state"], row["reason"]) for row in rows} \
        == {("Old", "plaintext", ""), ("INBOX", "bad", "chunk")}
    uid = [row["uid"] for row in rows if row["state"] == "bad"][0]
    mixed.doveadm("expunge", "-u", "alice", "mailbox", "INBOX", "uid", uid)
    code, rows, said = verify(mixed, "-l")
    assert (code, said) == (0, "")
    assert [row["mailbox"] for row in rows] == ["Old"]


@pytest.mark.parametrize("form", ["tab", "flow", "table"])
def test_rows_in_every_format(mixed, form):
    done = mixed.doveadm("-f", form, "roost", "verify", "-u", "alice",
                         check=False)
    assert b"chunk:1" in done.stdout and b"1:1" in done.stdout
    assert done.returncode == TEMPFAIL


def test_masks_name_mailboxes(mixed):
    """Only what was asked for is read, and what is not there is named."""
    code, rows, said = verify(mixed, "Old")
    assert (code, said) == (0, "")
    assert [(row["mailbox"], row["plaintext"]) for row in rows] == [
        ("Old", "1")]
    code, rows, said = verify(mixed, "INB*")
    assert code == TEMPFAIL and [row["mailbox"] for row in rows] == ["INBOX"]
    code, rows, said = verify(mixed, "Nowhere")
    assert (code, rows) == (NOTFOUND, []) and "Nowhere" in said


def test_masks_go_by_the_policy(mixed):
    mixed.doveadm("roost", "policy", "-u", "alice", "sealed")
    code, rows, said = verify(mixed, "Old")
    assert code == TEMPFAIL and "1 messages are not sealed, though" in said


def test_nonsense_is_refused(mixed):
    code, rows, said = verify(mixed, "--epoch")
    assert (code, rows) == (USAGE, [])
