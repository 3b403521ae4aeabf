# SPDX-License-Identifier: MIT
"""What a mailbox's index, or a setting of Dovecot, could do to the silence on
disk, or to what is served, beyond an ordinary day."""

import os
import re
import shutil
import struct
import subprocess
import tempfile

import pytest

import server as servers
import tamper
from cachefile import CacheFile, index_folder
from imapclient import Closed
from tamper import rf

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="silence of Roost")

MESSAGE = (b"From: sender@canary.example\r\nSubject: canarysubject %d\r\n"
           b"X-Canary: canaryheader\r\n\r\nfirst line of text\r\n"
           b"second line of text\r\n")
TELLING = (b"canarysubject", b"canaryheader", b"canary.example")


def assert_index_silent(server, user="alice"):
    path = index_folder(server, user) + "/dovecot.index.cache"
    with open(path, "rb") as file:
        found = file.read()
    assert len(found) > 500
    assert [word for word in TELLING if word in found] == []


@pytest.mark.parametrize("storage", ["maildir", "sdbox", "mdbox"])
def test_mailbox_opened_twice_in_a_session(make_server, storage):
    """Settings that want headers cached are registered again each time that a
    mailbox is opened, for all who have it open in the process."""
    wanted = "hdr.subject hdr.x-canary hdr.from imap.envelope " \
        "imap.bodystructure date.sent"
    plugins, settings = servers.quota()
    server = make_server(storage, plugins=plugins, settings=settings,
                         extra=servers.quota_extra() +
                         "\nmail_always_cache_fields = %s\n" % wanted)
    for number in range(3):
        assert server.deliver(MESSAGE % number, "alice")[0][0] == 250
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    client.ok("FETCH 1 (ENVELOPE)")
    client.ok("CREATE Other")
    assert client.append("INBOX", MESSAGE % 3).ok
    client.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT X-CANARY)])")
    client.ok("COPY 1:4 INBOX")
    client.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY.PEEK[])")
    client.logout()
    assert_index_silent(server)


def parts_of_lie():
    """One text part: ten bytes of header, forty of body (Dovecot's own
    serialized form)."""
    return struct.pack("<IQQQQI", 8, 10, 11, 40, 41, 1)


PLANTS = {"mime.parts": parts_of_lie(),
          "size.virtual": struct.pack("<Q", 100),
          "size.physical": struct.pack("<Q", 90)}


@pytest.mark.parametrize("blob", ["kept", "lost"])
@pytest.mark.parametrize("storage", ["maildir", "sdbox", "mdbox"])
def test_planted_numbers_do_not_cut(make_server, storage, blob):
    """Dovecot itself takes parts and sizes of a message from its index
    cache; sizes it believes where nobody knows better."""
    server = make_server(storage)
    assert server.deliver(MESSAGE % 1, "alice")[0][0] == 250
    asked = ["BODY.PEEK[TEXT]", "BODY.PEEK[TEXT]<6.20>", "BODY.PEEK[]",
             "RFC822.SIZE", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
             "BODY.PEEK[1]"]
    wanted = answers(server, asked)
    cache = CacheFile(server, "alice")
    names = PLANTS if blob == "kept" else ["mime.parts"]
    for uid in sorted(cache.newest):
        if blob == "lost":
            cache.drop(uid, "roost.own", "roost.new")
        cache.drop(uid, *names)
        cache.plant(uid, [(name, PLANTS[name]) for name in names])
    assert answers(server, asked) == wanted
    assert b"second line of text" in b"".join(wanted[0])


def answers(server, asked):
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    found = [client.ok("FETCH 1 (%s)" % item).untagged for item in asked]
    client.logout()
    return found


def test_object_id_of_zero(make_server):
    """Plaintext is cached under an object id and a key of zeros: they open
    nothing."""
    server = make_server("maildir")
    assert server.deliver(MESSAGE % 1, "alice")[0][0] == 250
    server.doveadm("roost", "policy", "-u", "alice", "open")
    ring = tamper.Reader(server, "alice").ring
    first = server.mail_files("alice")[0]
    path = os.path.join(os.path.dirname(os.path.dirname(first)), "cur",
                        "1700000000.M1P1.host:2,S")
    shutil.copy2(first, path)
    tamper.write(path, (MESSAGE % 2).replace(b"\r\n", b"\n"))
    os.chown(path, os.stat(first).st_uid, os.stat(first).st_gid)
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    listed = client.ok("FETCH 1:* (UID ENVELOPE BODYSTRUCTURE)").untagged
    uid = next(re.search(rb"UID (\d+)", line).group(1) for line in listed
               if b"canarysubject 2" in line)
    client.logout()
    forged = rf.seal(ring.id, rf.public_of(b"\x40" * 32), b"\x41" * 32,
                     b"Subject: forged\n\nforged\n", object_id=bytes(16),
                     data_key=bytes(32))
    tamper.write(path, bytes(forged))
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    answer = client.cmd("UID FETCH %s (BODY.PEEK[])" % uid.decode())
    assert answer.status == "NO", answer
    assert b"forged" not in b"".join(answer.untagged)


# A full-text index

REFUSED = r"The plugin fts would write the words of the mail into an index " \
    r"in clear: do not load it, or write roost_fts = allow " + (
        "at the top level of the configuration" if servers.NEW
        else r"in plugin \{ \}")
FTS_USERS = {
    "alice": {}, "bob": {"roost_policy": "sealed"},
    "carol": {"roost_policy": "open"}, "dave": {"roost_enable": "read-only"},
    "erin": {"roost_enable": "no"}}


def deliver_all(server):
    """{user: code of the answer}"""
    return {user: server.deliver(MESSAGE % 1, user)[0][0]
            for user in FTS_USERS}


def test_full_text_index_refused_to_all_alike(make_server):
    """Without a keyring, with one of either policy, to readers: whoever has
    Roost on meets the question at once, with the line to write."""
    server = make_server("maildir", plugins=["fts"], users=FTS_USERS)
    mark = server.log_mark()
    codes = deliver_all(server)
    assert codes.pop("erin") == 250
    assert {code // 100 for code in codes.values()} == {4}
    server.stop()
    server.plugins = []
    server.start()
    assert set(deliver_all(server).values()) == {250}
    server.stop()
    server.plugins = ["fts"]
    server.start()
    for user in codes:
        mark = server.log_mark()
        with pytest.raises((Closed, OSError)):
            server.raw(user).ok("SELECT INBOX")
        said = server.wait_log(r"Error: .*roost: .*fts.*", mark).group(0)
        assert re.search(REFUSED, said), said
    server.raw("erin").ok("SELECT INBOX")


def test_full_text_index_allowed(make_server):
    """By the very line that the refusal names."""
    server = make_server("maildir", plugins=["fts"],
                         settings={"roost_fts": "allow"}, users=FTS_USERS)
    assert set(deliver_all(server).values()) == {250}
    for user in FTS_USERS:
        server.raw(user).ok("SELECT INBOX")


def test_full_text_index_in_one_protocol(make_server):
    """Where it is loaded, it is refused; delivery goes on."""
    server = make_server("maildir", protocol_plugins={"imap": ["fts"]},
                         users=FTS_USERS)
    assert set(deliver_all(server).values()) == {250}
    with pytest.raises((Closed, OSError)):
        server.raw("alice").ok("SELECT INBOX")


@pytest.mark.parametrize("value", ["perhaps", ""])
@pytest.mark.parametrize("name", ["roost_cache", "roost_keywords",
                                  "roost_fts"])
def test_wrong_value_is_refused(make_server, name, value):
    server = make_server("maildir", settings={name: value})
    mark = server.log_mark()
    code, _ = server.deliver(MESSAGE % 1, "alice")[0]
    assert code // 100 == 4
    server.wait_log(name + " is set to something else than: ", mark)


def test_wrong_header_names_are_refused(make_server):
    server = make_server("maildir",
                         settings={"roost_cache_headers": "X-Good Subject:"})
    mark = server.log_mark()
    code, _ = server.deliver(MESSAGE % 1, "alice")[0]
    assert code // 100 == 4
    server.wait_log("roost_cache_headers holds something", mark)


def test_spool_on_a_disk_is_warned_of(make_server):
    """The servers of these tests lie on a tmpfs; what is beside it does not,
    unless the whole machine lives in memory."""
    server = make_server("maildir", start=False)
    server.tmp_dir = tempfile.mkdtemp(dir=os.environ["ROOST_E2E_TMP"])
    os.chmod(server.tmp_dir, 0o1777)
    server.start()
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    client.logout()
    said = "\n".join(server.session_log(client))
    kind = subprocess.run(["stat", "-f", "-c", "%T", server.tmp_dir],
                          stdout=subprocess.PIPE, check=True).stdout
    if kind.strip() in (b"tmpfs", b"ramfs"):
        assert "mail_temp_dir" not in said
    else:
        assert re.search("mail_temp_dir .* is on a disk", said)


def test_spool_in_memory_is_not(make_server):
    server = make_server("maildir")
    mark = server.log_mark()
    server.raw("alice").ok("SELECT INBOX")
    assert server.deliver(MESSAGE % 1, "alice")[0][0] == 250
    server.wait_log("saved mail", mark)
    assert "mail_temp_dir" not in server.log_since(mark)
