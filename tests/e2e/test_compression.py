# SPDX-License-Identifier: MIT
"""Mail that is compressed before it is sealed.

Each answer is that of a plain Dovecot that compresses in the same way: with
and without the sealed cache, after it was lost, and after a time without the
plugin that unpacks. What was noted of a message in such a time heals.
"""

import base64
import gzip
import json
import os
import random
import re
import shlex

import pytest

import corpus
import server as servers
from imapclient import Closed
from server import NEW, STORAGES

# Messages that shrink much and not at all, and smaller ones than gzip's frame.
SMALL = (b"From: a@x.test\r\nTo: b@x.test\r\nSubject: small\r\n"
         b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\nhello needle\r\n")
LINES = b"Subject: lines\r\n\r\n" + b"x\r\n" * 3000
SAME = b"Subject: same\r\n\r\n" + b"the same line again\r\n" * 9000
HEADER = b"Subject: only a header\r\nX-A: b\r\n\r\n"


def noise():
    coded = base64.b64encode(random.Random(corpus.SEED).randbytes(60000))
    return (b"Subject: noise\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            b"--b\r\n\r\nfirst part with a thimble\r\n--b\r\n"
            b"Content-Type: application/x; name=a\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" +
            b"\r\n".join(re.findall(b".{1,76}", coded)) + b"\r\n--b--\r\n")


MESSAGES = [SMALL, LINES, SAME, noise(), HEADER]
ITEMS = ["ENVELOPE", "RFC822.SIZE", "BODY.PEEK[]", "BODY.PEEK[]<10.50>",
         "BODY.PEEK[]<20000.100>", "BODYSTRUCTURE", "BODY.PEEK[TEXT]",
         "BODY.PEEK[HEADER]", "BODY.PEEK[1]", "BODY.PEEK[2]",
         "BINARY.PEEK[1]", "BINARY.SIZE[2]", "BINARY.PEEK[2]", "PREVIEW"]
COMMANDS = ["FETCH %d (%s)" % (number, item)
            for number in range(1, len(MESSAGES) + 1) for item in ITEMS] + [
    "FETCH 1:5 (RFC822.SIZE ENVELOPE BODYSTRUCTURE)", "SEARCH BODY needle",
    "SEARCH TEXT thimble", "SEARCH LARGER 5000", "SEARCH SMALLER 200",
    "SORT (SIZE) UTF-8 ALL", "SORT (SUBJECT) UTF-8 ALL",
    "STATUS INBOX (MESSAGES SIZE)"]


def compression(method):
    plugins, settings = servers.compression()
    if method is None:
        return [], {}
    name = "mail_compress_write_method" if NEW else "zlib_save"
    settings = dict(settings, **{name: method})
    settings.pop("zlib_save_level", None)
    return plugins, settings


def ask_pop3(server):
    client = server.pop3("alice")
    answers = {"LIST": client.list()[1]}
    for number in range(1, len(MESSAGES) + 1):
        answers["RETR %d" % number] = client.retr(number)[1]
        answers["TOP %d" % number] = client.top(number, 3)[1]
    client.quit()
    return answers


def ask(server, seed=None):
    """{command: answer} in an order of its own; no connection may end."""
    commands = list(COMMANDS)
    if seed is not None:
        random.Random(seed).shuffle(commands)
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    answers = {}
    for command in commands:
        untagged, tagged = client.cmd(command).key()
        # Dovecot forgets within a session whether a part has NULs.
        answers[command] = [part.replace(b"] ~{", b"] {")
                            for part in untagged], tagged
    client.logout()
    answers.update(ask_pop3(server))
    sizes = server.doveadm("-f", "tab", "fetch", "-u", "alice",
                           "uid size.physical size.virtual", "mailbox",
                           "INBOX")
    answers["sizes"] = sizes.stdout
    return answers


def assert_same(wanted, got, when):
    for command, answer in wanted.items():
        assert got[command] == answer, "%s %s: %.300r, not %.300r" % (
            when, command, got[command], answer)


def verified(server):
    """Returns the row of the only mailbox."""
    row, = json.loads(server.doveadm("-f", "json", "roost", "verify", "-u",
                                     "alice").stdout)
    return [row[name] for name in ("mailbox", "messages", "sealed",
                                   "plaintext", "bad", "epochs", "reasons")]


def lose_cache(server):
    for folder, _, names in os.walk(server.home("alice")):
        for name in names:
            if name == "dovecot.index.cache":
                os.unlink(os.path.join(folder, name))


def fill(server):
    with server.raw("alice") as client:
        for message in MESSAGES:
            assert client.append("INBOX", message,
                                 date="01-Jan-2024 00:00:00 +0000").ok


CASES = [(storage, "gz", False, cache) for storage in STORAGES
         for cache in ("sealed", "off")] + [
    ("sdbox", "zstd", False, "sealed"), ("maildir", "zstd", True, "off"),
    ("mdbox", None, True, "off"), ("sdbox", "gz", True, "sealed")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(
    map(str, case)))
def test_every_answer(make_server, case):
    storage, method, crlf, cache = case
    plugins, settings = compression(method)
    plain = make_server(storage, roost=False, plugins=plugins,
                        settings=settings, crlf=crlf, users=["alice"])
    sealed = make_server(storage, plugins=plugins, crlf=crlf,
                         settings=dict(settings, roost_cache=cache),
                         users=["alice"])
    for server in (plain, sealed):
        fill(server)
    assert_same(ask(plain), ask(sealed), "at first")
    for when in ("after the loss", "again"):
        seed = corpus.SEED + len(when)
        wanted = ask(plain, seed)
        if when == "after the loss":
            lose_cache(sealed)
        assert_same(wanted, ask(sealed, seed), when)
    assert " Error: " not in sealed.log_since(0)
    if sealed.roost:
        assert verified(sealed) == ["INBOX", "5", "5", "0", "0", "1:5", ""]


# A time without the plugin

def set_plugin(server, is_there):
    plugins, settings = servers.compression()
    server.plugins = plugins if is_there else []
    for name, value in settings.items():
        if is_there:
            server.settings[name] = value
        else:
            server.settings.pop(name, None)
    server.reload()


def look_without(server):
    """All that a client may ask; what it gets is as it may be."""
    for command in COMMANDS:
        try:
            with server.raw("alice") as client:
                client.ok("SELECT INBOX")
                client.cmd(command)
        except (Closed, OSError):
            pass
    for number in range(1, len(MESSAGES) + 1):
        for ask_one in (lambda client: client.retr(number),
                        lambda client: client.top(number, 3)):
            try:
                ask_one(server.pop3("alice"))
            except (servers.poplib.error_proto, EOFError, OSError):
                pass


@pytest.mark.skipif(servers.PLAIN, reason="plain Dovecot keeps what it saw")
@pytest.mark.parametrize("is_lost", [False, True], ids=["warm", "lost"])
@pytest.mark.parametrize("storage, cache", [
    ("maildir", "sealed"), ("sdbox", "sealed"), ("mdbox", "off")])
def test_plugin_taken_away_and_put_back(make_server, storage, cache, is_lost):
    plugins, settings = servers.compression()
    server = make_server(storage, plugins=plugins, users=["alice"],
                         settings=dict(settings, roost_cache=cache))
    fill(server)
    wanted = ask(server)
    if is_lost:
        lose_cache(server)
    set_plugin(server, False)
    look_without(server)
    set_plugin(server, True)
    for when in ("at first", "again"):
        assert_same(wanted, ask(server, corpus.SEED), when)


# What was noted of a message in such a time

HEALED = (b"From: a@x.test\r\nSubject: healed\r\nMIME-Version: 1.0\r\n"
          b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
          b"part one\r\n--b\r\n\r\n" + b"a line of it\r\n" * 4000 +
          b"--b--\r\n")


@pytest.fixture(params=[(storage, cache) for storage in STORAGES
                        for cache in ("sealed", "off")],
                ids=lambda param: "-".join(param))
def noted(request, make_server):
    """A message that was saved, looked at and cached as its compressed
    bytes: so all sizes on record, the structure and the headers are of
    these."""
    storage, cache = request.param
    server = make_server(storage, users=["alice"],
                         settings={"roost_cache": cache})
    packed = gzip.compress(HEALED.replace(b"\r\n", b"\n"))
    with server.raw("alice") as client:
        assert client.append("INBOX", packed, binary=True).ok
        client.ok("SELECT INBOX")
        client.ok("FETCH 1 (RFC822.SIZE ENVELOPE BODYSTRUCTURE PREVIEW)")
    set_plugin(server, True)
    return server


def assert_healed(server):
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]") == HEALED
        assert client.fetch(1, "BODY.PEEK[1]") == b"part one"
        told = client.ok("FETCH 1 (RFC822.SIZE ENVELOPE BODYSTRUCTURE)")
        assert b"RFC822.SIZE %d " % len(HEALED) in told.untagged[0]
        assert b'"healed"' in told.untagged[0]
        assert told.untagged[0].count(b'"text" "plain"') == 2


if not servers.PLAIN:
    @pytest.mark.parametrize("item", [
        "BODY.PEEK[]", "BODY.PEEK[TEXT]<10.20>", "BODY.PEEK[1]"])
    def test_record_heals(noted, item):
        """No connection ends; where parts were told before the message was
        opened, it has to be asked for again, once."""
        with noted.raw("alice") as client:
            client.ok("SELECT INBOX")
            answer = client.cmd("FETCH 1 (%s)" % item)
            assert answer.ok or answer.text.startswith(b"[PARSE] "), answer
            # Maildir's file names have sizes: then Dovecot renames the file,
            # which is a new message to this session.
            client.ok("NOOP")
        mark = noted.log_mark()
        assert_healed(noted)
        assert_healed(noted)
        assert "orrupted" not in noted.log_since(mark)

    def test_pop3_is_told_the_message(noted):
        """Never one empty line for a message, which the client deletes."""
        client = noted.pop3("alice")
        assert b"\r\n".join(client.retr(1)[1]) + b"\r\n" == HEALED
        client.quit()
        client = noted.pop3("alice")
        assert b"\r\n".join(client.top(1, 10000)[1]) + b"\r\n" == HEALED
        client.quit()
        assert_healed(noted)

    def test_verify_compares_sizes(noted):
        """It names the message and what to do, which helps."""
        done = noted.doveadm("roost", "verify", "-u", "alice", check=False)
        assert done.returncode == 75, done
        assert b"UID 1: roost: its size on record is" in done.stderr
        assert b"but it has %d (%d) [size]" % (
            len(HEALED.replace(b"\r\n", b"\n")), len(HEALED)) in done.stderr
        advice = re.search("doveadm (fetch) (.* uid 1)\n",
                           done.stderr.decode())
        assert advice, done.stderr
        done = noted.doveadm(advice.group(1), "-u", "alice",
                             *shlex.split(advice.group(2)))
        # Maildir's file name has the right sizes now, and so another UID.
        assert b"a line of it" in done.stdout or noted.storage == "maildir"
        assert verified(noted) == ["INBOX", "1", "1", "0", "0", "1:1", ""]
        assert_healed(noted)
