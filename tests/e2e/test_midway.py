# SPDX-License-Identifier: MIT
"""A message that opens, and fails in its middle: a chunk of it was changed.

Where nothing of the answer was sent yet, that message alone is refused, as
often as it is asked for; the session and the other messages stay. Nothing
ever looks as if it were whole.
"""

import base64
import os
import random
import re
import urllib.parse

import pytest

import corpus
import server as servers
import tamper
import virtualbox
from server import STORAGES
from tamper import AT

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="attacks on Roost")

STOCK = "\nimap_fetch_failure = disconnect-immediately\n"
USERS = ("alice", "bob", "carol")


def message(word):
    """Two parts; the second one is base64 that does not pack, in chunks 0 to
    3."""
    rng = random.Random("%d %s" % (corpus.SEED, word))
    coded = base64.b64encode(rng.randbytes(40000)).decode()
    lines = "\r\n".join(re.findall(".{1,76}", coded))
    return ("From: a@sender.example\r\nSubject: about %s\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain\r\n\r\nfirst part of %s\r\n"
            "--b\r\nContent-Type: application/octet-stream\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n"
            % (word, word, lines)).encode()


def fill(server, user, mailbox="INBOX"):
    """Three messages, the second of which is damaged; gives the chunk."""
    client = server.raw(user)
    for word in ("one", "two", "three"):
        assert client.append(mailbox, message(word)).ok
    client.logout()
    places = [found for found in server.objects(user)
              if len(found[2]) > 3 * tamper.CHUNK // 2]
    if server.storage == "maildir":
        places.sort(key=lambda found: os.path.getmtime(found[0]))
    tamper.flip(tamper.Reader(server, user).find(b"Subject: about two")
                if not server.plugins else places[1], AT["chunk-1"] + 7)


def damaged(make, storage, cache="sealed", is_packed=False):
    plugins, settings = servers.compression() if is_packed else ([], {})
    server = make(storage, users=USERS, extra=STOCK, plugins=plugins,
                  settings=dict(settings, roost_cache=cache))
    fill(server, "alice")
    return server


@pytest.fixture(scope="module", params=STORAGES)
def plain(request, make_module_server):
    return damaged(make_module_server, request.param)


@pytest.fixture(scope="module", params=STORAGES)
def uncached(request, make_module_server):
    return damaged(make_module_server, request.param, "off")


@pytest.fixture(scope="module")
def packed(make_module_server):
    return damaged(make_module_server, "sdbox", is_packed=True)


@pytest.fixture(scope="module", params=[
    ("maildir", "sealed", False), ("sdbox", "off", False),
    ("mdbox", "sealed", False), ("mdbox", "off", True)],
    ids=lambda param: "-".join(map(str, param)))
def every(request, make_module_server):
    return damaged(make_module_server, *request.param)


def assert_refused(server, command, mailbox="INBOX", status=b"[PARSE] "):
    """Again and again; then a session that goes on."""
    client = server.raw("alice")
    client.ok('SELECT "%s"' % mailbox)
    for _ in range(3):
        answer = client.cmd(command)
        assert answer.status == "NO", answer
        assert answer.text.startswith(status), answer
        assert b"BODY[" not in b"".join(answer.untagged), answer
    assert client.fetch(3, "BODY.PEEK[]") == message("three")
    assert client.fetch(2, "BODY.PEEK[HEADER.FIELDS (SUBJECT)]") == \
        b"Subject: about two\r\n\r\n"
    client.logout()
    lines = [line for line in server.session_log(client) if "Error:" in line]
    assert lines and all("[chunk]" in line for line in lines), lines
    assert any(re.search("UID[= ]2: ", line) for line in lines), lines


BINARY = ["BINARY.PEEK[2]", "BINARY.PEEK[]", "BINARY.SIZE[2]",
          "BINARY.SIZE[]", "BINARY.PEEK[2]<30000.10>",
          "BINARY.PEEK[2]<0.10>"]


@pytest.mark.parametrize("item", BINARY)
def test_binary(plain, item):
    assert_refused(plain, "FETCH 2 (%s)" % item)


def test_binary_among_others(plain):
    """Dovecot stops at it by default."""
    client = plain.raw("alice")
    client.ok("SELECT INBOX")
    for _ in range(3):
        answer = client.cmd("FETCH 1:3 (BINARY.SIZE[2])")
        assert answer.status == "NO", answer
        assert answer.text.startswith(b"[PARSE] "), answer
        assert b"* 1 FETCH (BINARY.SIZE[2] 40000)\r\n" in answer.untagged


# Where nothing is cached, the structure is read before the answer.
READ_FIRST = ["BODY.PEEK[2]", "BODY.PEEK[1]", "BODY.PEEK[2.MIME]",
              "BODYSTRUCTURE", "PREVIEW", "BINARY.PEEK[1]", "BINARY.PEEK[2]"]


@pytest.mark.parametrize("item", READ_FIRST)
def test_what_is_read_first(uncached, item):
    assert_refused(uncached, "FETCH 2 (%s)" % item)


def assert_parse(client, item):
    """Again and again, and the next message is there."""
    for _ in range(3):
        answer = client.cmd("FETCH 2 (%s)" % item)
        assert answer.status == "NO", answer
        assert answer.text.startswith(b"[PARSE] "), answer
    assert client.fetch(3, "BODY.PEEK[]") == message("three")


@pytest.mark.parametrize("item", ["BODY.PEEK[]", "BODY.PEEK[]<30000.10>",
                                  "BODY.PEEK[]<0.10>", "BODY.PEEK[2]",
                                  "BODY.PEEK[TEXT]", "BINARY.PEEK[2]"])
def test_compressed(packed, item):
    """All of it is unpacked before the answer."""
    client = packed.raw("alice")
    client.ok("SELECT INBOX")
    assert_parse(client, item)


def test_search(every):
    """No answer, and no other message in it."""
    server = every
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    for command in ("SEARCH BODY nowhere", "SEARCH TEXT nowhere",
                    "SORT (SUBJECT) UTF-8 BODY nowhere") * 2:
        answer = client.cmd(command)
        assert answer.status == "NO", answer
        assert b"SERVERBUG" not in answer.text, answer
        assert not re.search(rb"\d", b"".join(answer.untagged)), answer
    assert client.fetch(3, "BODY.PEEK[]") == message("three")


@pytest.mark.parametrize("ask", ["retr", "top"])
def test_pop3(every, ask):
    """An error, not a message that ends: the client would delete it."""
    server = every
    mark = server.log_mark()
    client = server.pop3("alice")
    for _ in range(2):
        with pytest.raises(servers.poplib.error_proto) as failed:
            if ask == "retr":
                client.retr(2)
            else:
                client.top(2, 5000)
        assert b"-ERR" in failed.value.args[0]
    lines = client.retr(3)[1]
    assert b"\r\n".join(lines) + b"\r\n" == message("three")
    server.wait_log(r"\[chunk\]", mark)


def test_doveadm(every):
    """The exit status says it, and the others are shown."""
    server = every
    done = server.doveadm("fetch", "-u", "alice", "text", "mailbox", "INBOX",
                          check=False)
    assert done.returncode in (65, 75), done.returncode
    assert b"[chunk]" in done.stderr
    for word in (b"one", b"three"):
        assert b"first part of " + word in done.stdout


# Through other doors

def copied_to(server, other):
    """Alice's mail, saved anew for somebody else."""
    return server.doveadm("copy", "-u", other, "INBOX", "user", "alice",
                          "mailbox", "INBOX", check=False)


def test_copied_to_another_keyring(every):
    server = every
    done = copied_to(server, "bob")
    assert done.returncode != 0
    assert b"[chunk]" in done.stderr, done.stderr
    client = server.raw("bob")
    client.ok("SELECT INBOX")
    for number in range(1, client.count() + 1):
        got = client.fetch(number, "BODY.PEEK[]")
        assert got in (message("one"), message("three"))


def test_catenate_and_urlauth(plain):
    """A part of it in a new message: NO, and nothing is saved."""
    client = plain.raw("alice")
    client.ok("SELECT INBOX")
    before = client.count("INBOX")
    uid = client.ok("FETCH 2 (UID)").untagged[0]
    uid = int(re.search(rb"UID (\d+)", uid).group(1))
    url = "/INBOX;UIDVALIDITY=%d/;UID=%d" % (
        int(re.search(rb"UIDVALIDITY (\d+)", b"".join(client.ok(
            "STATUS INBOX (UIDVALIDITY)").untagged)).group(1)), uid)
    for section in ("", "/;SECTION=2"):
        answer = client.cmd('APPEND INBOX CATENATE (URL "%s%s")' % (
            urllib.parse.quote(url, safe="/;="), section))
        assert answer.status in ("NO", "BAD"), answer
    assert client.count("INBOX") == before
    assert client.fetch(3, "BODY.PEEK[]") == message("three")


@pytest.fixture(scope="module")
def virtual(make_module_server):
    server = make_module_server("sdbox", users=USERS, plugins=["virtual"],
                                settings={"roost_cache": "off"},
                                extra=STOCK + virtualbox.SETTINGS,
                                start=False)
    virtualbox.add(server, "alice", "all", "INBOX", "  all")
    server.plugins, kept = [], server.plugins
    server.extra, extra = STOCK, server.extra
    server.start()
    fill(server, "alice")
    server.plugins, server.extra = kept, extra
    return server.reload()


@pytest.mark.parametrize("item", ["BINARY.PEEK[2]", "BODY.PEEK[2]",
                                  "BODYSTRUCTURE"])
def test_virtual_mailbox(virtual, item):
    client = virtual.raw("alice")
    client.ok("SELECT virtual/all")
    assert_parse(client, item)
    answer = client.cmd("SEARCH BODY nowhere")
    assert answer.status == "NO" and b"SERVERBUG" not in answer.text, answer
