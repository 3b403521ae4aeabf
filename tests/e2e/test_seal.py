# SPDX-License-Identifier: MIT
"""Mail that was there before Roost is sealed where it lies, sealed anew, and
stored as plaintext again: nothing that a client sees of it changes, and a
message that cannot be rewritten stays as it was and is listed.
"""

import concurrent.futures
import itertools
import os
import re
import socket
import threading
import time

import pytest

import apart
import cachekit
import canary
import canary_mail
import rewritekit as kit
import server as servers
import tamper
from cachefile import CacheFile
from cachekit import lose_cache
from cryptkit import (CRYPT_MAGIC, PASSWORD_SETTING, crypt_folder_settings,
                      crypt_settings)

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="commands of Roost")


@pytest.fixture(scope="module", params=kit.STORAGES)
def server(request, make_module_server):
    server = make_module_server(
        request.param, users=["u%02d" % number for number in range(60)])
    server.next_user = itertools.count()
    return server


@pytest.fixture
def user(server):
    return "u%02d" % next(server.next_user)


@pytest.fixture
def old(server, user):
    """A user with mail from before Roost in two mailboxes, and a keyring."""
    kit.fill(server, user)
    kit.fill(server, user, mailbox="Archive", messages=kit.MESSAGES[:2],
             make=True)
    kit.init(server, user)
    return user


def test_nothing_changes_but_the_disk(server, old):
    count = len(kit.MESSAGES)
    before = kit.facts(server, old)
    boxes, left, said = kit.rewrite(server, "seal", old)
    assert kit.sealed_kinds(server, old) == (count + 2, 0)
    kit.assert_same(server, old, before)
    assert boxes["INBOX"] == {
        "mailbox": "INBOX", "uid": "*", "sealed": str(count), "already": "0",
        "left": "0", "reason": ""}
    assert boxes["Archive"]["sealed"] == "2" and not left and not said
    server.doveadm("roost", "verify", "-u", old)
    assert kit.left_behind(server, old) == []
    # Once more there is nothing to do.
    inodes = [os.stat(path).st_ino for path in server.mail_files(old)]
    for command in "seal", "reseal":
        boxes, left, said = kit.rewrite(server, command, old)
        assert boxes["INBOX"]["already"] == str(count) and not left and \
            not said
    assert [os.stat(path).st_ino for path in
            server.mail_files(old)] == inodes


def test_each_message_opens_by_the_keyring_alone(server, old):
    kit.rewrite(server, "seal", old)
    plains = [plain for _, _, _, plain in
              tamper.Reader(server, old).messages()]
    wanted = [message.replace(b"\r\n", b"\n") for message in
              kit.MESSAGES + kit.MESSAGES[:2]]
    assert sorted(plain.replace(b"\r\n", b"\n") for plain in plains) == \
        sorted(wanted)


def test_way_out(server, old):
    before = kit.facts(server, old)
    stored = sorted(content for _, _, content in server.objects(old))
    kit.rewrite(server, "seal", old)
    done = server.doveadm("roost", "unseal", "-u", old, check=False)
    assert done.returncode == 64 and b"--yes-plaintext" in done.stderr
    assert kit.sealed_kinds(server, old)[1] == 0
    server.doveadm("roost", "policy", "-u", old, "sealed")
    boxes, left, said = kit.rewrite(server, "unseal", old,
                                    "--yes-plaintext")
    assert "from now on it is open" in said
    assert "New mail is still sealed" in said
    assert boxes["INBOX"]["unsealed"] == str(len(kit.MESSAGES)) and not left
    assert sorted(content for _, _, content in
                  server.objects(old)) == stored
    kit.assert_same(server, old, before)
    # Without Roost, too.
    conf = kit.plain_conf(server)
    assert kit.facts(server, old, conf)["uidl"] == before["uidl"]
    boxes, left, _ = kit.rewrite(server, "unseal", old, "--yes-plaintext")
    assert boxes["INBOX"]["already"] == str(len(kit.MESSAGES)) and not left


def test_newest_epoch(server, user):
    """After a rotation the messages of before move to the new key."""
    kit.fill(server, user)
    _, writer = tamper.make_keyring(server, user)
    tamper.put_keyring(server, user, writer.text())
    kit.rewrite(server, "seal", user)
    before = kit.facts(server, user)
    older = tamper.Reader(server, user)
    writer.add_epoch()
    writer.generation += 1
    tamper.put_keyring(server, user, writer.text())
    boxes, left, said = kit.rewrite(server, "reseal", user)
    assert boxes["INBOX"]["resealed"] == str(len(kit.MESSAGES))
    assert not left and not said
    assert older.messages() == []
    assert len(tamper.Reader(server, user).messages()) == len(kit.MESSAGES)
    kit.assert_same(server, user, before)
    boxes, _, _ = kit.rewrite(server, "reseal", user)
    assert boxes["INBOX"]["already"] == str(len(kit.MESSAGES))


def save_dates(server, user):
    """Returns the dates as doveadm tells them, sorted. To ask puts them into
    the index cache; where they come from files, these are looked at."""
    if server.storage == "maildir":
        return sorted(time.strftime("%F %T", time.localtime(
            os.stat(path).st_ctime)) for path in server.mail_files(user))
    return told_save_dates(server, user)


def told_save_dates(server, user):
    done = server.doveadm("-f", "tab", "fetch", "-u", user, "date.saved",
                          "all")
    return sorted(done.stdout.decode().splitlines()[1:])


def tell_next_second():
    when = time.time()
    while int(time.time()) == int(when):
        time.sleep(0.01)


def test_save_date_stays(server, old):
    """Maildir has it from a file's times, of which a new file has others."""
    before = save_dates(server, old)
    tell_next_second()
    for command in ["seal"], ["unseal", "--yes-plaintext"], ["seal"]:
        kit.rewrite(server, command[0], old, *command[1:])
    assert told_save_dates(server, old) == before


def test_save_date_stays_where_an_old_form_is_put_back(server, user):
    """A genuine one, as from a backup: it is served, the index learns its
    name, and nothing else that only the index knows is lost."""
    kit.fill(server, user, messages=[SHORT[0]])
    kit.init(server, user)
    kit.rewrite(server, "seal", user)
    (path, offset, older), = server.objects(user)
    before = save_dates(server, user)
    tell_next_second()
    kit.rewrite(server, "unseal", user, "--yes-plaintext")
    kit.rewrite(server, "seal", user)
    (path, offset, newer), = server.objects(user)
    assert newer != older and len(newer) == len(older)
    tamper.overwrite(path, offset, older)
    for changed in 1, 0:
        with server.raw(user) as client:
            client.ok("SELECT INBOX")
            assert client.fetch(1, "BODY.PEEK[]") == SHORT[0]
            client.logout()
        assert "".join(server.session_log(client)).count(
            "object-changed") == changed
    assert told_save_dates(server, user) == before


def received_dates(server, user):
    """As the storage has them: the index cache is deleted."""
    cachekit.lose_cache(server, user)
    return server.doveadm("-f", "tab", "fetch", "-u", user,
                          "mailbox uid date.received", "all").stdout


def test_received_date_stays(server, old):
    before = received_dates(server, old)
    for command in ["seal"], ["unseal", "--yes-plaintext"], ["seal"]:
        kit.rewrite(server, command[0], old, *command[1:])
        assert received_dates(server, old) == before


def test_session_with_an_older_view(server, old):
    """It knows each message by what it was before, and reads it all the
    same; nothing is refused or taken for an attack."""
    mark = server.log_mark()
    with server.raw(old) as client:
        client.ok("SELECT INBOX")
        for command in ["seal"], ["unseal", "--yes-plaintext"], ["seal"]:
            client.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE)")
            kit.rewrite(server, command[0], old, *command[1:])
            answer = client.ok("FETCH 1:* (BODY.PEEK[] ENVELOPE)")
            assert len(answer.untagged) == len(kit.MESSAGES)
            for message, line in zip(kit.MESSAGES, answer.untagged):
                assert message in line
    log = server.log_since(mark)
    assert "Refused" not in log and "Error" not in log, log


# So much of an answer does not fit into the buffers on its way.
LARGE = b"Subject: large\r\n\r\n" + b"a line of the large one\r\n" * 350000


MANY = [b"From: a@sender.example\r\nSubject: number %d\r\n\r\nbody of %d\r\n"
        % (number, number) for number in range(150)]


class Slow:
    """A session in the middle of a listing: it has opened the first messages,
    which nobody has listed before, and the client does not read on. The index
    cache is there, because the last was listed. What comes before the large
    one is read."""

    def __init__(self, server, user, before=1):
        self.client = server.raw(user)
        self.client.ok("SELECT INBOX")
        self.client.ok("FETCH %d (ENVELOPE)" % (before + 2))
        self.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                    1 << 16)
        self.tag = self.client.send("FETCH 1:%d (ENVELOPE BODY.PEEK[])" % (
            before + 1))
        for _ in range(before):
            self.client.response()

    def go_on(self):
        """Ends the listing, with which it writes into the index cache."""
        assert self.client.finish(self.tag).ok
        self.client.logout()


@pytest.mark.parametrize("command", ["seal", "reseal", "unseal"])
def test_listing_that_goes_on_meanwhile(server, user, command):
    """What a session has opened before is not what the message is when the
    session writes that down: the message is served, and nobody is warned; one
    that is put in a sealed message's place is refused."""
    _, writer = tamper.make_keyring(server, user)
    tamper.put_keyring(server, user, writer.text())
    kit.fill(server, user, is_cached=False,
             messages=[kit.MESSAGES[0], LARGE, kit.MESSAGES[1]])
    if command != "seal":
        kit.rewrite(server, "seal", user)
        lose_cache(server, user)
    if command == "reseal":
        writer.add_epoch()
        writer.generation += 1
        tamper.put_keyring(server, user, writer.text())
    mark = server.log_mark()
    slow = Slow(server, user)
    kit.rewrite(server, command, user, *(
        ["--yes-plaintext"] if command == "unseal" else []))
    slow.go_on()
    assert kit.sealed_kinds(server, user) == (
        (0, 3) if command == "unseal" else (3, 0))
    for _ in range(2):
        with server.raw(user) as client:
            client.ok("SELECT INBOX")
            client.ok("FETCH 1 (ENVELOPE BODYSTRUCTURE)")
            assert client.fetch(1, "BODY.PEEK[]") == kit.MESSAGES[0]
    log = server.log_since(mark)
    assert not re.search("Refused|object-changed|Error", log), log
    if command == "unseal" or server.storage == "mdbox":
        return
    place = tamper.Reader(server, user).find(b"the dentist")
    tamper.replace(place, b"Subject: evil\n\nevil\n")
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        assert not client.cmd("FETCH 1 (BODY.PEEK[])").ok


def test_listing_that_has_written_before(server, user):
    """Of a long listing Dovecot writes the beginning early, and takes back at
    its end what was written of these messages meanwhile."""
    kit.fill(server, user, is_cached=False,
             messages=MANY + [LARGE, kit.MESSAGES[1]])
    kit.init(server, user)
    kit.rewrite(server, "seal", user)
    lose_cache(server, user)
    mark = server.log_mark()
    slow = Slow(server, user, len(MANY))
    kit.rewrite(server, "unseal", user, "--yes-plaintext")
    slow.go_on()
    # Nothing to do, nothing to complain about.
    boxes, left, _ = kit.rewrite(server, "unseal", user, "--yes-plaintext")
    assert left == [] and boxes["INBOX"]["unsealed"] == "0"
    server.doveadm("roost", "verify", "-u", user)
    for mailbox in "INBOX", "Copies":
        with server.raw(user) as client:
            client.ok("SELECT %s" % mailbox)
            for number in range(len(MANY)):
                client.ok("FETCH %d (ENVELOPE BODYSTRUCTURE)" % (number + 1))
                assert client.fetch(number + 1, "BODY.PEEK[]") == MANY[number]
            if mailbox == "INBOX":
                client.ok("CREATE Copies")
                client.ok("COPY 1:* Copies")
    log = server.log_since(mark)
    assert not re.search("Refused|object-changed|Error", log), log


def test_old_name_written_after_unsealing(server, user):
    """A session that had opened a message before may write at any later time
    that it is a sealed one: it is served, and sealed again, until it is put in
    the place of a sealed one by others."""
    kit.fill(server, user)
    kit.init(server, user)
    kit.rewrite(server, "seal", user)
    for _ in range(2):
        kit.rewrite(server, "unseal", user, "--yes-plaintext")
        for uid in 1, 2, 3:
            CacheFile(server, user).change(uid, "roost.object",
                                           os.urandom(16))
        mark = server.log_mark()
        server.doveadm("roost", "verify", "-u", user)
        with server.raw(user) as client:
            client.ok("SELECT INBOX")
            for number in 1, 2, 3:
                assert client.fetch(number, "BODY.PEEK[]") == \
                    kit.MESSAGES[number - 1]
        assert kit.rewrite(server, "unseal", user, "--yes-plaintext")[1] == []
        boxes, left, _ = kit.rewrite(server, "seal", user)
        assert left == [] and \
            boxes["INBOX"]["sealed"] == str(len(kit.MESSAGES))
        assert not re.search("unsealed|Refused|Error", server.log_since(mark))
    if server.storage == "mdbox":
        return
    place = tamper.Reader(server, user).find(b"the dentist")
    tamper.replace(place, b"Subject: evil\n\nevil\n")
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        assert not client.cmd("FETCH 1:* (BODY.PEEK[])").ok
    assert server.doveadm("roost", "verify", "-u", user,
                          check=False).returncode != 0


def test_without_the_users_secret(server, user):
    """In password mode an admin can seal, as deliveries do, and can open
    nothing."""
    kit.fill(server, user)
    text, _ = tamper.make_keyring(server, user, "password")
    tamper.put_keyring(server, user, text)
    kit.rewrite(server, "seal", user)
    assert kit.sealed_kinds(server, user) == (len(kit.MESSAGES), 0)
    for command in ["reseal"], ["unseal", "--yes-plaintext"]:
        _, _, said = kit.rewrite(server, command[0], user, *command[1:],
                                 status=75)
        assert "There is no terminal to ask for the secret" in said, said
    assert kit.sealed_kinds(server, user) == (len(kit.MESSAGES), 0)
    reader = tamper.Reader(
        server, user, unlock="secret",
        given=tamper.secret_of(server.password(user)))
    assert len(reader.messages()) == len(kit.MESSAGES)


def test_rate_and_progress(server, old):
    began = time.monotonic()
    boxes, _, said = kit.rewrite(server, "seal", old, "--rate", "3", "INBOX",
                                 options=["-v"])
    assert boxes["INBOX"]["sealed"] == str(len(kit.MESSAGES))
    assert time.monotonic() - began > (len(kit.MESSAGES) - 2) / 3
    assert re.search(r"INBOX: \d/%d, 0:00:0\d left" % len(kit.MESSAGES), said)


# What is not sealed

def test_compressed_mail_stays_compressed(make_server):
    plugins, settings = servers.compression()
    server = make_server(plugins=plugins, settings=settings, users=["alice"])
    conf = kit.plain_conf(server)
    kit.fill(server, "alice", conf)
    kit.init(server, "alice")
    stored = sorted(content for _, _, content in server.objects("alice"))
    assert any(content[:2] == b"\x1f\x8b" for content in stored)
    before = kit.facts(server, "alice")
    kit.rewrite(server, "seal", "alice")
    assert sorted(plain for _, _, _, plain in
                  tamper.Reader(server, "alice").messages()) == stored
    kit.assert_same(server, "alice", before)
    kit.rewrite(server, "unseal", "alice", "--yes-plaintext")
    assert sorted(content for _, _, content in
                  server.objects("alice")) == stored
    kit.assert_same(server, "alice", before)


def crypt_server(make_server, tmp_path, storage):
    """A server that reads what mail_crypt has written, and a configuration
    by which it writes."""
    settings, extra = crypt_settings(str(tmp_path), True)
    for folder in [tmp_path] + list(tmp_path.parents)[:2]:
        os.chmod(str(folder), 0o755)
    name = "crypt_write_algorithm" if servers.NEW else \
        "mail_crypt_save_version"
    reading = dict(settings, **{name: None if servers.NEW else "0"})
    server = make_server(storage, settings=reading, extra=extra,
                         plugins=["mail_crypt"], users=["alice"])
    return server, kit.plain_conf(server, settings=settings)


@pytest.mark.parametrize("storage", kit.STORAGES)
def test_mail_crypt(make_server, tmp_path, storage):
    """What mail_crypt has encrypted is sealed once it was read to its end; a
    message that does not verify stays, is listed, and stops nothing."""
    server, writing = crypt_server(make_server, tmp_path, storage)
    kit.fill(server, "alice", writing)
    kit.init(server, "alice")
    stored = [content for _, _, content in server.objects("alice")]
    assert all(content.startswith(CRYPT_MAGIC) for content in stored)
    before = kit.facts(server, "alice")
    # The tag of the longest one stands at its end.
    path, offset, content = max(server.objects("alice"),
                                key=lambda found: len(found[2]))
    tamper.flip((path, offset, content), -1)
    boxes, left, said = kit.rewrite(server, "seal", "alice", status=75)
    assert boxes["INBOX"]["sealed"] == str(len(kit.MESSAGES) - 1)
    assert boxes["INBOX"]["left"] == "1" and len(left) == 1
    assert "1 messages stay as they were" in said
    # A purge may have put it elsewhere.
    (path, offset, kept), = [found for found in server.objects("alice")
                             if found[2].startswith(CRYPT_MAGIC)]
    assert kept == content[:-1] + bytes([content[-1] ^ 0x40])
    tamper.overwrite(path, offset, content)
    kit.rewrite(server, "seal", "alice")
    assert kit.sealed_kinds(server, "alice") == (len(kit.MESSAGES), 0)
    kit.assert_same(server, "alice", before)
    assert server.find_on_disk(b"line 000001") == []
    server.doveadm("roost", "verify", "-u", "alice")


@pytest.mark.parametrize("storage", kit.STORAGES)
def test_mail_crypt_with_folder_keys(make_server, storage):
    """The same where a password of the user opens the keys of his mailboxes:
    without it each message stays and is listed, and with it they are sealed,
    but for one that is damaged."""
    writing, extra = crypt_folder_settings(True, "folder-password")
    reading, _ = crypt_folder_settings(False)
    server = make_server(storage, settings=reading, extra=extra,
                         plugins=["mail_crypt"], users=["alice"])
    conf = kit.plain_conf(server, settings=writing)
    kit.fill(server, "alice", conf)
    kit.fill(server, "alice", conf, mailbox="Archive", make=True,
             messages=kit.MESSAGES[:1])
    kit.init(server, "alice")
    count = len(kit.MESSAGES) + 1
    stored = sorted(content for _, _, content in server.objects("alice"))
    assert len(stored) == count
    assert all(content.startswith(CRYPT_MAGIC) for content in stored)
    _, left, _ = kit.rewrite(server, "seal", "alice", status=75)
    assert len(left) == count
    assert all("Cannot decrypt key" in row["reason"] or
               "mail_crypt cannot open it" in row["reason"]
               for row in left), left
    assert sorted(content for _, _, content in
                  server.objects("alice")) == stored
    server.change_user("alice", **{PASSWORD_SETTING: "folder-password"})
    before = kit.facts(server, "alice")
    path, offset, content = max(server.objects("alice"),
                                key=lambda found: len(found[2]))
    tamper.flip((path, offset, content), -1)
    boxes, left, said = kit.rewrite(server, "seal", "alice", status=75)
    assert len(left) == 1 and boxes["INBOX"]["left"] == "1", left
    assert boxes["Archive"]["sealed"] == "1"
    (path, offset, kept), = [found for found in server.objects("alice")
                             if found[2].startswith(CRYPT_MAGIC)]
    assert kept == content[:-1] + bytes([content[-1] ^ 0x40])
    tamper.overwrite(path, offset, content)
    kit.rewrite(server, "seal", "alice", "--finish")
    assert kit.sealed_kinds(server, "alice") == (count, 0)
    kit.assert_same(server, "alice", before)
    # Nothing of mail_crypt is needed any more.
    server.stop()
    server.plugins.remove("mail_crypt")
    for name in reading:
        del server.settings[name]
    server.start()
    server.change_user("alice", **{PASSWORD_SETTING: None})
    kit.assert_same(server, "alice", before)


def skip_in_shared_files(server):
    if server.storage == "mdbox":
        pytest.skip("a message among others has no place for a longer one")


def test_plaintext_that_nobody_answers_for(server, user):
    """What was put in a sealed message's place, or under the policy sealed, is
    not made genuine by sealing it."""
    skip_in_shared_files(server)
    kit.fill(server, user)
    kit.init(server, user)
    kit.rewrite(server, "seal", user)
    before = kit.facts(server, user)
    place = tamper.Reader(server, user).find(b"the dentist")
    genuine = place[2]
    tamper.replace(place, b"Subject: evil\n\nevil\n")
    for command in ["seal"], ["unseal", "--yes-plaintext", "INBOX"]:
        boxes, left, _ = kit.rewrite(server, command[0], user, *command[1:],
                                     status=75)
        assert "[unsealed]" in left[0]["reason"] and len(left) == 1, left
    path, offset, _ = [found for found in server.objects(user)
                       if not found[2].startswith(servers.MAGIC) and
                       b"evil" in found[2]][0]
    tamper.replace((path, offset, b"Subject: evil\n\nevil\n"), genuine)
    kit.rewrite(server, "seal", user)
    kit.assert_same(server, user, before)
    # Under the policy sealed.
    server.doveadm("roost", "policy", "-u", user, "sealed")
    kit.fill(server, user, messages=[b"Subject: added\r\n\r\nadded\r\n"],
             is_cached=False)
    boxes, left, _ = kit.rewrite(server, "seal", user, status=75)
    assert "the policy is sealed" in left[0]["reason"] and len(left) == 1
    server.doveadm("roost", "policy", "-u", user, "open")
    kit.rewrite(server, "seal", user)
    assert kit.sealed_kinds(server, user)[1] == 0


def test_damaged_message_stays(server, old):
    kit.rewrite(server, "seal", old)
    place = tamper.Reader(server, old).find(b"line 000001")
    damaged = tamper.flip(place, tamper.AT["chunk-1"] + 7)
    boxes, left, said = kit.rewrite(server, "unseal", old,
                                    "--yes-plaintext", status=75)
    assert boxes["INBOX"]["left"] == "1" and \
        boxes["INBOX"]["unsealed"] == str(len(kit.MESSAGES) - 1)
    assert "chunk" in left[0]["reason"], left
    assert [content for _, _, content in server.objects(old)
            if content.startswith(servers.MAGIC)] == [damaged]


@pytest.mark.parametrize("args", [
    ("seal", "--rate", "0"), ("seal", "--rate", "fast"), ("unseal",),
    ("seal", "NoSuchMailbox"), ("reseal", "--yes-plaintext")])
def test_nonsense(server, old, args):
    done = server.doveadm("roost", args[0], "-u", old, *args[1:],
                          check=False)
    assert done.returncode in (64, 75), done
    assert len(done.stderr) > 20
    assert kit.sealed_kinds(server, old)[0] == 0


def test_needs_a_keyring_and_the_plugin(server, user):
    kit.fill(server, user)
    _, _, said = kit.rewrite(server, "seal", user, status=75)
    assert "doveadm roost init" in said
    kit.init(server, user)
    conf = kit.plain_conf(server)
    done = server.doveadm("-c", conf, "roost", "seal", "-u", user,
                          check=False)
    assert done.returncode != 0
    assert kit.sealed_kinds(server, user)[0] == 0


# Names of one file

def test_copies_stay_one_file(make_server):
    """Copies in several mailboxes are one file before and after."""
    server = make_server(users=["alice"])
    kit.fill(server, "alice")
    conf = kit.plain_conf(server)
    for mailbox in "Copies", "More":
        server.doveadm("-c", conf, "mailbox", "create", "-u", "alice",
                       mailbox)
        server.doveadm("-c", conf, "copy", "-u", "alice", mailbox,
                       "mailbox", "INBOX", "all")
    kit.init(server, "alice")
    before = kit.facts(server, "alice")

    def inodes():
        return {os.stat(path).st_ino: os.stat(path).st_nlink
                for path in server.mail_files("alice")}

    assert set(inodes().values()) == {3}
    first = inodes()
    for command in ["seal"], ["unseal", "--yes-plaintext"], ["seal"]:
        kit.rewrite(server, command[0], "alice", *command[1:])
        assert set(inodes().values()) == {3}
        assert len(inodes()) == len(kit.MESSAGES)
        kit.assert_same(server, "alice", before)
        server.doveadm("roost", "verify", "-u", "alice")
    assert kit.sealed_kinds(server, "alice") == (3 * len(kit.MESSAGES), 0)
    # One mailbox alone: its names leave the others.
    kit.rewrite(server, "unseal", "alice", "--yes-plaintext", "Copies")
    assert kit.sealed_kinds(server, "alice") == (2 * len(kit.MESSAGES),
                                                 len(kit.MESSAGES))
    kit.assert_same(server, "alice", before)


# Others meanwhile

SHORT = [b"From: a@sender.example\r\nSubject: number %d\r\n\r\nbody of %d\r\n"
         % (number, number) for number in range(40)]


# A message of mdbox that is read in the very moment in which it is moved, among
# others, may be noted as another one than the index knows; it is served.  And
# Dovecot's sessions say when they meet a cache file that is replaced just then.
HARMLESS = r"object-changed\]; it is served|stat\(\) failed with file .*cache"


def in_background(*calls):
    """Runs functions at the same time until the first of them ends, and tells
    the others to end; returns what they return."""
    is_over = threading.Event()

    def run(call):
        try:
            return call(is_over)
        finally:
            is_over.set()

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in
                [pool.submit(run, call) for call in calls]]


def test_flags_change_and_mail_arrives(server, user):
    """While messages are sealed and unsealed, sessions change their flags,
    and new ones are delivered: none is lost, doubled or disconnected."""
    kit.fill(server, user, messages=SHORT)
    kit.init(server, user)
    mark = server.log_mark()

    def rewrite(_):
        for _ in range(3):
            kit.rewrite(server, "seal", user)
            kit.rewrite(server, "unseal", user, "--yes-plaintext")
        kit.rewrite(server, "seal", user)

    def flip(is_over):
        count = 0
        with server.raw(user) as client:
            client.ok("SELECT INBOX")
            while not is_over.is_set():
                client.ok("STORE 1:40 %sFLAGS (\\Seen Dentist)" % (
                    "-+"[count % 2]))
                client.ok("FETCH %d (BODY.PEEK[TEXT] ENVELOPE)" % (
                    count % 40 + 1))
                count += 1
            client.ok("STORE 1:40 FLAGS (\\Flagged)")
        return count

    def deliver(is_over):
        count = 0
        while not is_over.is_set():
            assert server.deliver(b"Subject: new\r\n\r\nnew\r\n",
                                  user)[0][0] == 250
            count += 1
        return count

    _, flips, more, delivered = in_background(rewrite, flip, flip, deliver)
    assert flips > 5 and more > 5 and delivered > 0
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        answer = client.ok("UID FETCH 1:* (FLAGS BODY.PEEK[TEXT])")
    texts = [line for line in answer.untagged if b" FETCH (" in line]
    assert len(texts) == 40 + delivered
    for number in range(40):
        assert b"(UID %d FLAGS (\\Flagged)" % (number + 1) in texts[number]
        assert b"body of %d\r\n" % number in texts[number]
    assert all(b"new\r\n" in text for text in texts[40:])
    bad = [line for line in server.log_since(mark).splitlines()
           if "Error" in line or "Warning" in line]
    assert [line for line in bad if not re.search(
        "New mail is still|%s" % HARMLESS, line)] == []
    server.doveadm("roost", "verify", "-u", user)


def test_two_runs_at_once(server, user):
    kit.fill(server, user, messages=SHORT * 3)
    kit.init(server, user)
    before = kit.facts(server, user)
    for command, done, *more in (("seal", "sealed"),
                                 ("unseal", "unsealed", "--yes-plaintext"),
                                 ("seal", "sealed")):
        both = in_background(*[
            lambda _: kit.rewrite(server, command, user, *more)] * 2)
        assert all(left == [] for _, left, _ in both), both
        assert sum(int(boxes["INBOX"][done]) for boxes, _, _ in both) == 120
        assert kit.left_behind(server, user) == []
    assert kit.sealed_kinds(server, user) == (120, 0)
    # Dovecot may drop from its cache what only the cache knows.
    kit.assert_same(server, user, before, but=["date.saved"])


@pytest.fixture
def meddler(server):
    if server.storage == "mdbox":
        pytest.skip("test_seal_dbox.py does the same there")
    return kit.Meddler(server)


def temporary(server, user):
    """Returns a pattern of the shell for temporary files in the INBOX."""
    return os.path.join(server.home(user), {
        "maildir": "Maildir/tmp/roost-rewrite.*",
        "sdbox": "sdbox/mailboxes/INBOX/dbox-Mails/.temp.*.roost-rewrite",
    }[server.storage])


def test_disk_that_does_not_keep_what_was_written(server, old, meddler):
    """What is read back is not what was written: the old form stays."""
    before = kit.facts(server, old)
    for command, *more in ["seal"], ["unseal", "--yes-plaintext"]:
        kinds = kit.sealed_kinds(server, old)
        boxes, left, _ = meddler.run(
            "fsync printf X | dd conv=notrunc bs=1 seek=30 of=$(echo %s)" %
            temporary(server, old), command, old, "INBOX", *more, status=75)
        assert meddler.was_done and len(left) == 1, left
        assert sum(kit.sealed_kinds(server, old)) == sum(kinds)
        assert kit.left_behind(server, old) == []
        kit.assert_same(server, old, before)
        kit.rewrite(server, command, old, *more)
    kit.assert_same(server, old, before)


def test_keyring_goes_away_meanwhile(server, old, meddler):
    """What was sealed to it would open nowhere."""
    path = tamper.keyring_path(server, old)
    text = tamper.read(path)
    _, left, _ = meddler.run("fsync rm -f %s" % path, "seal", old, "INBOX",
                             status=75)
    assert meddler.was_done
    assert kit.sealed_kinds(server, old)[0] == 0
    tamper.write(path, text)
    kit.rewrite(server, "seal", old)
    assert kit.sealed_kinds(server, old)[1] == 0


def test_full_disk(server, old, meddler):
    """It ends at the first message, and leaves nothing behind."""
    before = kit.facts(server, old)
    _, left, said = meddler.run("full", "seal", old, status=75)
    assert len(left) == 1 and "others would end like this" in said
    assert "No space left" in left[0]["reason"]
    assert kit.sealed_kinds(server, old)[0] == 0
    assert kit.left_behind(server, old) == []
    kit.assert_same(server, old, before)


def test_another_program_renames_the_file(make_server):
    """It takes no locks: the message is there once, with the new flags."""
    server = make_server(users=["alice"])
    kit.fill(server, "alice", messages=kit.MESSAGES[:1])
    kit.init(server, "alice")
    path, = server.mail_files("alice")
    seen = re.sub("(:2,)?$", ":2,S", path.replace("/new/", "/cur/"), count=1)
    meddler = kit.Meddler(server)
    meddler.run("rename mv %s %s" % (path, seen), "seal", "alice")
    assert meddler.was_done
    assert server.mail_files("alice") == [seen]
    assert kit.sealed_kinds(server, "alice") == (1, 0)
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        answer = client.ok("UID FETCH 1:* (FLAGS BODY.PEEK[])")
    assert len(answer.untagged) == 1
    assert b"(UID 1 FLAGS (\\Seen)" in answer.untagged[0]
    assert kit.MESSAGES[0] in answer.untagged[0]


def test_interrupt_ends_behind_the_message(server, old, meddler):
    _, left, said = meddler.run("fsync kill -TERM $PPID", "seal", old,
                                status=80)
    assert kit.sealed_kinds(server, old)[0] == 1
    assert "Interrupted" in said and not left
    assert kit.left_behind(server, old) == []
    kit.rewrite(server, "seal", old)
    assert kit.sealed_kinds(server, old)[1] == 0


# What stood in clear beside the messages

class Searched:
    """Old mail in which every word is a canary, and a search for them."""

    def __init__(self, server, user):
        self.server, self.user = server, user
        self.book = canary.Book()
        self.keywords = [self.book.word("keyword") for _ in range(3)]
        maker = canary_mail.Maker(self.book)
        self.search = canary.Search(self.book)
        with apart.Imap(server, user, kit.plain_conf(server)) as client:
            for mailbox in "INBOX", "Archive":
                client.cmd("CREATE %s" % mailbox)
                for number, message in enumerate(maker.messages()[:-1]):
                    flags = " ".join(self.keywords[:number % 4])
                    assert client.append(mailbox, message, flags).ok
                client.ok("SELECT %s" % mailbox)
                for item in ("FULL", "BODYSTRUCTURE", "(PREVIEW)"):
                    client.ok("FETCH 1:* " + item)
        assert self.kinds() >= {"subject", "keyword", "preview"}

    def kinds(self):
        return {hit.kind for hit in self.search.folders(
            self.server.home(self.user))
            if hit.kind != "asked header name"}


def test_finish_leaves_nothing_in_clear(server, user):
    """Messages, index caches and names of keywords: the search finds none of
    the words, and each client is told what it was told before."""
    old = Searched(server, user)
    kit.init(server, user)
    before = kit.facts(server, user)
    done = server.doveadm("roost", "seal", "-u", user, "--finish", "INBOX",
                          check=False)
    assert done.returncode == 64 and b"none can be named" in done.stderr
    boxes, left, said = kit.rewrite(server, "seal", user, "--finish",
                                    options=["-v"])
    assert not left and kit.sealed_kinds(server, user)[1] == 0
    assert "The policy is sealed from now on" in said
    assert "snapshots" in said
    assert old.kinds() == set()
    kit.assert_same(server, user, before)
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        shown = b"".join(client.ok("FETCH 1:* FLAGS").untagged)
        client.ok("STORE 1 +FLAGS (%s)" % old.keywords[2])
        found = client.ok("SEARCH KEYWORD %s" % old.keywords[2]).untagged
    assert all(word.encode() in shown for word in old.keywords)
    assert re.search(rb"SEARCH 1 ", b"".join(found))
    assert old.kinds() == set()
    # Once more there is nothing to do.
    kit.rewrite(server, "seal", user, "--finish")
    assert old.kinds() == set()


def test_finish_ends_where_a_message_stays(server, user):
    skip_in_shared_files(server)
    kit.fill(server, user)
    kit.init(server, user)
    kit.rewrite(server, "seal", user)
    place = tamper.Reader(server, user).find(b"the dentist")
    tamper.replace(place, b"Subject: evil\n\nevil\n")
    _, left, _ = kit.rewrite(server, "seal", user, "--finish", status=75)
    assert len(left) == 1
    done = server.doveadm("roost", "policy", "-u", user)
    assert b"open" in done.stdout and b"sealed" not in \
        done.stdout.split(b"\n")[1]
