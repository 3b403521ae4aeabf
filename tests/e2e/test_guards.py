# SPDX-License-Identifier: MIT
"""Checks that another check seldom lets be seen: who may make a keyring, what
is believed of a message that was looked at before, and what becomes of
plaintext where it is not known whether it may be served."""

import os
import re

import pytest

import apart
import server as servers
import shim
import tamper
from server import MAGIC, STORAGES
from sharing import message, shared  # noqa: F401

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="checks of Roost")


def old_mail(make_server, storage, *words, **options):
    """A server on which alice has mail from before Roost."""
    server = make_server(storage, roost=False, **options)
    append(server, *words)
    server.roost = True
    return server.reload()


def append(server, *words):
    client = server.raw("alice")
    for word in words:
        assert client.append("INBOX", message(word)).ok
    client.logout()


def ask(server, *commands):
    """What a session of alice's is told: [(status, all bytes)]."""
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    answers = [client.cmd(command) for command in commands]
    client.logout()
    return [(answer.status, b"".join(answer.untagged)) for answer in answers]


def test_visitor_makes_no_keyring(shared):  # noqa: F811
    """Whoever makes it chooses its policy, and which provider key."""
    path = tamper.keyring_path(shared, "carol")
    with shared.raw("carol") as owner:
        owner.ok("CREATE Open")
        owner.ok("SETACL Open bob lrwstipekxa")
        owner.logout()
    mark = shared.log_mark()
    with shared.raw("bob") as visitor:
        answer = visitor.append("shared/carol/Open", message("early"))
        assert answer.status == "NO", answer
        visitor.logout()
    assert not os.path.exists(path) and shared.mail_files("carol") == []
    shared.wait_log("carol has no keyring .*only its own user", mark)
    assert shared.deliver(message("first"), "carol")[0][0] == 250
    with shared.raw("bob") as visitor:
        assert visitor.append("shared/carol/Open", message("late")).ok
        visitor.logout()
    shared.assert_sealed("carol", 2)


def test_keyring_is_made_by_its_users_uid(make_server):
    """Else the user could not read what was made for him."""
    server = make_server("maildir")
    library = shim.Shim(server, shim.OTHER_UID)
    path = tamper.keyring_path(server, "alice")
    client = apart.Imap(server, "alice", library.configuration(server))
    try:
        library.on()
        assert client.append("INBOX", message("early")).status == "NO"
        assert not os.path.exists(path)
        # Nor was it begun.
        assert not os.path.exists(path + ".lock")
        library.off()
        assert client.append("INBOX", message("late")).ok
        client.logout()
    finally:
        client.close()
    assert os.stat(path).st_uid == servers.MAIL_UID
    server.assert_sealed("alice", 1)


@pytest.mark.parametrize("storage", STORAGES)
def test_each_message_of_a_copy_is_looked_at(make_server, storage):
    """A plaintext message behind a sealed one is sealed when it is copied."""
    server = make_server(storage, settings={"roost_plaintext": "serve"})
    append(server, "sealed")
    server.roost = False
    append(server.reload(), "plain")
    server.roost = True
    with server.reload().raw("alice") as client:
        client.ok("CREATE Copies")
        client.ok("SELECT INBOX")
        client.ok("COPY 1:2 Copies")
        client.ok("SELECT Copies")
        for number, word in enumerate((b"sealed", b"plain"), 1):
            assert b"body of " + word in client.fetch(number, "BODY.PEEK[]")
        client.logout()
    plain = [content for _, _, content in server.objects("alice")
             if not content.startswith(MAGIC)]
    assert len(plain) == 1 and b"body of plain" in plain[0]
    assert len(server.find_on_disk(b"body of plain")) == 1


@pytest.mark.parametrize("storage", STORAGES)
def test_plaintext_is_not_served_without_a_policy(make_server, storage):
    """The keyring says whether it may be; one that is refused says
    nothing."""
    server = old_mail(make_server, storage, "old")
    append(server, "new")
    answers = ask(server, "FETCH 1 (BODY.PEEK[])")
    assert answers[0][0] == "OK" and b"body of old" in answers[0][1]
    path = tamper.keyring_path(server, "alice")
    text = tamper.read(path)
    tamper.write(path, text.replace(b"policy open", b"policy sealed"))
    mark = server.log_mark()
    for status, said in ask(server, "FETCH 1 (BODY.PEEK[])",
                            "FETCH 1 (BODY.PEEK[HEADER])"):
        assert status == "NO" and b"old" not in said
    server.wait_log("Refused the keyring .*provider-mac", mark)
    tamper.write(path, text)
    assert ask(server, "FETCH 1 (BODY.PEEK[])") == answers


@pytest.mark.parametrize("storage", STORAGES)
def test_cached_plaintext_is_not_told_under_sealed(make_server, storage):
    """What the cache has kept of a message is refused as the message is,
    once the policy is sealed."""
    server = old_mail(make_server, storage, "old")
    append(server, "new")
    commands = ["FETCH 1 (%s)" % items for items in
                ("ENVELOPE", "BODYSTRUCTURE", "PREVIEW",
                 "BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)]")]
    for _ in range(2):
        answers = ask(server, *commands)
        assert [status for status, _ in answers] == ["OK"] * len(commands)
        assert b"old" in answers[0][1]
    server.change_user("alice", roost_policy="sealed")
    for command, (status, said) in zip(commands, ask(server, *commands)):
        assert status == "NO" and b"old" not in said, command
        assert not re.search(rb"FETCH \(.*(ENVELOPE|STRUCTURE|PREVIEW) \(",
                             said), command
    for _, said in ask(server, "SEARCH SUBJECT old", "SEARCH FROM old"):
        assert not re.search(rb"SEARCH.* 1\b", said)
    server.change_user("alice", roost_policy="open")
    assert ask(server, *commands) == answers
