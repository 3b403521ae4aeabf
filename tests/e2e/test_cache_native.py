# SPDX-License-Identifier: MIT
"""The sealed index cache beside Dovecot's own: what somebody else wrote into
Dovecot's fields is never told about a sealed message, what Dovecot keeps in
clear is as without Roost, and settings and large messages change no answer.
"""

import random
import re
import struct
import time

import pytest

import apart
import cachefile
import corpus
import opened
import server as servers
from cachefile import CacheFile
from imapclient import Closed
from server import NEW, STORAGES
from cachekit import (LISTING, answers, append_all, assert_same, deliver_all,
                      lose_cache, message)
from pairs import BEGAN, Pair

NAMES = ["u%02d" % number for number in range(40)]
MAIL = [message(number) for number in range(6)]
ALL = LISTING + [
    "FETCH 1:* (UID RFC822.SIZE)",
    "FETCH 1:* (BINARY.SIZE[1] BINARY.SIZE[2] BINARY.SIZE[])",
    "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT X-OTHER)])",
    "FETCH 1:* (BODY.PEEK[HEADER])", "FETCH 1:* (BODY.PEEK[1])",
    "FETCH 1:* (BODY.PEEK[2.MIME])", "FETCH 1:* (BODY.PEEK[])",
    "SEARCH HEADER X-Other other", "SEARCH BODY canary",
    "SORT (SIZE) UTF-8 ALL"]


NOT_LAZY = [command for command in ALL if "LAZY" not in command]


def fill(server, user="alice"):
    append_all(server, user, MAIL)
    return answers(server, user, ALL)


def assert_told(found, wanted, when):
    """What is not told of the messages as they are."""
    wrong = [command for command in found if "LAZY" not in command and
             found[command] != wanted[command]]
    assert wrong == [], "%s session: %r\nwanted: %r" % (
        when, found[wrong[0]][0][:2], wanted[wrong[0]][0][:2])


def reorder(commands, seed):
    return random.Random("%d %s" % (corpus.SEED, seed)).sample(
        commands, len(commands))


def forget_blobs(server, user):
    """Takes the sealed blobs out of the cache file; its records stay."""
    cache = CacheFile(server, user)
    for uid in cache.newest:
        cache.drop(uid, cachefile.FIELD_OWN, cachefile.FIELD_NEW)
    assert not {cachefile.FIELD_OWN, cachefile.FIELD_NEW} & cache.names()


def assert_cache_is_whole(server):
    """Dovecot found nothing wrong with what the test wrote."""
    log = server.log_since(0)
    assert not re.search("[Cc]orrupt|[Bb]roken", log), log


LIE = b'(NIL "PLANTED" NIL NIL NIL NIL NIL NIL NIL "<PLANTED@x>")'
LINES = {"subject": b"Subject: PLANTED", "from": b"From: PLANTED <a@PLANTED>",
         "to": b"To: PLANTED <a@PLANTED>", "x-other": b"X-Other: PLANTED",
         "date": b"Date: Tue, 03 Feb 1970 01:01:01 +0000",
         "message-id": b"Message-ID: <PLANTED@x>",
         "references": b"References: <PLANTED@x>"}
LIES = [("hdr." + name, cachefile.header_value(line))
        for name, line in sorted(LINES.items())]
PLANTED = b'"text" "PLANTED" ("charset" "us-ascii") NIL NIL "7bit" 9999 99'
LIES += [("imap.envelope", LIE), ("imap.body", PLANTED),
         ("imap.bodystructure", PLANTED + b" NIL NIL NIL NIL"),
         ("body.snippet", b"1PLANTED"), ("date.sent", struct.pack(
             "<II", 3000000, 0))]


def plant(server, user, values):
    cache = CacheFile(server, user)
    for uid in sorted(cache.newest):
        cache.plant(uid, values)
    assert {name for name, _ in values} <= CacheFile(server, user).names()


@pytest.fixture(scope="module", params=STORAGES)
def server(request, make_module_server):
    """Many users, and configurations beside the server's own."""
    server = make_module_server(request.param, users=NAMES)
    server.names = iter(NAMES)
    server.no_cache = apart.configuration(
        server, "no-cache", settings={"roost_cache": "off"})
    server.without = apart.configuration(server, "without", roost=False)
    return server


@pytest.mark.skipif(servers.PLAIN, reason="attacks on Roost")
@pytest.mark.parametrize("case", ["kept", "lost", "off"])
def test_planted_values(server, case):
    """Somebody writes Dovecot's own fields into the cache file: beside the
    blob, in its place, and where roost_cache is off."""
    user = next(server.names)
    wanted = fill(server, user)
    if case != "kept":
        forget_blobs(server, user)
    plant(server, user, LIES)
    conf = server.no_cache if case == "off" else None
    for name in ("first", "second"):
        found = answers(server, user, reorder(ALL, name), conf=conf)
        assert_told(found, wanted, name)
        assert "PLANTED" not in repr(found)
    assert_cache_is_whole(server)
    server.doveadm("mailbox", "cache", "purge", "-u", user, "INBOX")
    assert not any(map(cachefile.is_telling, CacheFile(server, user).names()))


ONE_BY_ONE = ["ENVELOPE", "BODYSTRUCTURE", "BODY", "PREVIEW", "RFC822.SIZE",
              "BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "BINARY.SIZE[1]",
              "BODY.PEEK[HEADER.FIELDS (SUBJECT X-OTHER)]", "BODY.PEEK[1]",
              "BODY.PEEK[2.MIME]", "BINARY.PEEK[2]"]


@pytest.mark.skipif(servers.PLAIN, reason="attacks on Roost")
@pytest.mark.parametrize("item", ONE_BY_ONE)
def test_planted_values_asked_for_first(server, item):
    """Whatever is asked for when the blob is made: no lie gets into it."""
    user = next(server.names)
    wanted = fill(server, user)
    forget_blobs(server, user)
    plant(server, user, LIES)
    assert "PLANTED" not in repr(answers(server, user,
                                         ["FETCH 1:* (%s)" % item]))
    assert_told(answers(server, user, ALL), wanted, "second")
    assert_cache_is_whole(server)


@pytest.mark.skipif(servers.PLAIN, reason="attacks on Roost")
def test_planted_values_by_doveadm(server):
    user = next(server.names)
    fill(server, user)
    forget_blobs(server, user)
    plant(server, user, LIES)
    for _ in range(2):
        done = server.doveadm("fetch", "-u", user, "hdr.subject hdr.x-other "
                              "imap.envelope imap.bodystructure body.snippet "
                              "date.sent", "mailbox", "INBOX")
        assert b"PLANTED" not in done.stdout
        assert b"about cached-3" in done.stdout
        assert b"1970" not in done.stdout


@pytest.mark.skipif(servers.PLAIN, reason="attacks on Roost")
@pytest.mark.parametrize("line", ["folded", "long"])
def test_planted_values_of_a_large_header(server, line):
    """Core itself answers for a header that is too large to be kept: not what
    somebody planted, and it keeps nothing."""
    user = next(server.names)
    pad = "pad" * 20 + ("\r\n " if line == "folded" else "")
    append_all(server, user, [corpus.head(
        "padded", "X-Pad: " + pad * 4000, subject="about lanternlight"
    ).encode() + b"\r\ntext\r\n"])
    commands = ["FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])",
                "FETCH 1 (ENVELOPE)", "SEARCH SUBJECT lanternlight",
                "SORT (SUBJECT) UTF-8 ALL"]
    wanted = answers(server, user, commands)
    assert repr(wanted).count("lanternlight") >= 3
    kept = [entry.name for uid in CacheFile(server, user).newest
            for entry in CacheFile(server, user).entries(uid)]
    assert not any(map(cachefile.is_telling, kept)), kept
    plant(server, user, LIES)
    assert_told(answers(server, user, commands), wanted, "planted")
    done = server.doveadm("fetch", "-u", user, "hdr.subject", "all")
    assert b"lanternlight" in done.stdout and b"PLANTED" not in done.stdout


def test_planting_is_believed_without_roost(make_server):
    """The control: plain Dovecot tells what was planted."""
    server = make_server("maildir", roost=False)
    append_all(server, "alice", MAIL)
    answers(server, "alice", ["FETCH 1:* (BODY.PEEK[HEADER])"])
    cache = CacheFile(server, "alice")
    assert len(cache.newest) == len(MAIL)
    for uid in cache.newest:
        for record in cache.records(uid):
            cache.rewrite(record, [])
    plant(server, "alice", LIES)
    told = repr(answers(server, "alice", LISTING))
    assert_cache_is_whole(server)
    for lie in ("Subject: PLANTED", '(NIL "PLANTED"', '"text" "PLANTED"',
                'PREVIEW "PLANTED"'):
        assert lie in told, lie


def closed_eyes(server, user, commands):
    """Without the plugin; a session may end in the middle of an answer,
    where it reads less than it was told."""
    found, client = [], None
    for command in commands:
        if client is None:
            client = apart.Imap(server, user, server.without)
            client.ok("SELECT INBOX")
        try:
            found.append(client.cmd(command).key())
        except Closed as closed:
            found.append(closed.seen)
            client.close()
            client = None
    if client is not None:
        client.logout()
    return repr(found)


SIZED = ["FETCH 1:* (UID RFC822.SIZE)", "SORT (SIZE) UTF-8 ALL",
         "FETCH 1:* (BODY.PEEK[])"]
BLIND = [command for command in NOT_LAZY if command not in SIZED] + [
    "FETCH 1:* (%s)" % item for item in ONE_BY_ONE]


def poisoned(server, commands, is_cache_lost):
    """(user, answers before) of a mailbox that a process without the plugin
    was in."""
    user = next(server.names)
    wanted = fill(server, user)
    if is_cache_lost:
        lose_cache(server, user)
    for _ in range(2):
        assert "about cached" not in closed_eyes(server, user, commands)
    return user, wanted


@pytest.mark.skipif(servers.PLAIN, reason="of Roost being away")
@pytest.mark.parametrize("blob", ["kept", "lost"])
@pytest.mark.parametrize("seed", range(2))
def test_process_without_the_plugin(server, blob, seed):
    """It sees ciphertext, and keeps what it sees of it in Dovecot's fields;
    with Roost, nothing of that is told."""
    user, wanted = poisoned(server, reorder(BLIND, seed), blob == "lost")
    for name in "third", "fourth":
        commands = [command for command in ALL if command not in SIZED]
        assert_told(answers(server, user, reorder(commands, "%s %s" % (
            name, seed))), wanted, name)
    server.doveadm("mailbox", "cache", "purge", "-u", user, "INBOX")
    assert not any(map(cachefile.is_telling, CacheFile(server, user).names()))


@pytest.mark.skipif(servers.PLAIN, reason="of Roost being away")
def test_sizes_after_a_process_without_the_plugin(server):
    """Sizes stay in clear: those of ciphertext are not told."""
    user, wanted = poisoned(server, BLIND + SIZED, False)
    for name in "third", "fourth":
        assert_told(answers(server, user, SIZED), wanted, name)


# Settings

@pytest.mark.skipif(servers.PLAIN, reason="of a setting of Roost")
@pytest.mark.parametrize("storage", STORAGES)
def test_cache_off(make_server, storage):
    """roost_cache=off: neither sealed nor in clear; all answers right."""
    pair = Pair(make_server, storage, plugins=(),
                settings={"roost_cache": "off"}, extra="")
    wanted = fill(pair.plain)
    assert_told(fill(pair.sealed), wanted, "first")
    assert_told(answers(pair.sealed, "alice", ALL), wanted, "second")
    names = CacheFile(pair.sealed, "alice").names()
    assert not any(map(cachefile.is_telling, names))
    assert not [name for name in names if name.startswith("roost")]
    # A session with it makes it.
    conf = apart.configuration(pair.sealed, "sealed",
                               settings={"roost_cache": "sealed"})
    answers(pair.sealed, "alice", LISTING, conf=conf)
    with opened.Opens(pair.sealed, "alice") as opens:
        found = answers(pair.sealed, "alice", LISTING, conf=conf)
        assert opens.names() == []
    assert_same(found, {command: wanted[command] for command in LISTING})


@pytest.mark.skipif(servers.PLAIN, reason="of a setting of Roost")
def test_enable_of_one_user(make_server):
    """read-only reads and keeps sealed what is sealed; no tells nothing of
    it. Mail that came in clear is listed as ever."""
    server = make_server("sdbox")
    confs = {value: apart.configuration(server, value, settings={
        "roost_enable": value}) for value in ("read-only", "no")}
    for user, conf in (("alice", confs["read-only"]), ("bob", confs["no"])):
        append_all(server, user, MAIL[:3])
        server.doveadm("roost", "policy", "-u", user, "open")
        wanted = answers(server, user, LISTING)
        if user == "alice":
            with opened.Opens(server, user) as opens:
                assert answers(server, user, LISTING, conf=conf) == wanted
                assert opens.names() == []
        with apart.Imap(server, user, conf) as client:
            for data in MAIL[3:]:
                assert client.append("INBOX", data).ok
            client.logout()
        assert sorted(content.startswith(servers.MAGIC) for _, _, content
                      in server.objects(user)) == [False] * 3 + [True] * 3
    for _ in range(2):
        found = answers(server, "alice", LISTING, conf=confs["read-only"])
        assert "about cached-0" in repr(found)
        assert "about cached-5" in repr(found)
    assert not any(map(cachefile.is_telling,
                       CacheFile(server, "alice").names()))
    with opened.Opens(server, "alice") as opens:
        assert answers(server, "alice", LISTING,
                       conf=confs["read-only"]) == found
        assert opens.names() == []
    for _ in range(2):
        told = repr(answers(server, "bob", [
            "FETCH %d (%s)" % (number, item) for number in range(1, 7)
            for item in TELLING], conf=confs["no"]))
        assert "about cached-1" not in told
        assert "about cached-4" in told


TELLING = ("ENVELOPE", "BODYSTRUCTURE", "PREVIEW", "BODY", "PREVIEW (LAZY)",
           "BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "BODY.PEEK[HEADER]")


def told_of(server, conf, numbers):
    """The messages of which something is told."""
    commands = {"FETCH %d (%s)" % (number, item): number
                for item in TELLING for number in numbers}
    found = answers(server, "alice", list(commands), conf=conf)
    return {commands[command] for command in commands if re.search(
        "about cached|file-|canary text", repr(found[command]))}


@pytest.mark.skipif(servers.PLAIN, reason="of a setting of Roost")
@pytest.mark.parametrize("storage", ["maildir", "sdbox"])
def test_refused_plaintext_is_not_listed(make_server, storage):
    """Policy sealed: of mail in clear nothing is told, though Dovecot's
    cache and Roost's have it; with `serve` it is again."""
    server = make_server(storage)
    without = apart.configuration(server, "without", roost=False)
    with apart.Imap(server, "alice", without) as client:
        for data in MAIL[:2]:
            assert client.append("INBOX", data).ok
        client.logout()
    for _ in range(2):
        answers(server, "alice", LISTING, conf=without)
    assert any(map(cachefile.is_telling, CacheFile(server, "alice").names()))
    # Policy open: served, and put into the sealed cache.
    append_all(server, "alice", MAIL[2:4])
    assert told_of(server, None, (1, 2, 3, 4)) == {1, 2, 3, 4}
    cache = CacheFile(server, "alice")
    assert cache.entries(1, cachefile.FIELD_OWN)
    assert cache.entries(3, cachefile.FIELD_OWN)
    for setting in ("refuse", "serve", "refuse"):
        conf = apart.configuration(server, setting, settings={
            "roost_policy": "sealed", "roost_plaintext": setting})
        told = told_of(server, conf, (1, 2, 3, 4))
        assert told == ({3, 4} if setting == "refuse" else {1, 2, 3, 4}), \
            setting
        found = repr(answers(server, "alice", ["SEARCH SUBJECT cached-1"],
                             conf=conf))
        assert ("* SEARCH 2" in found) == (setting == "serve")


# Large messages

def large_messages():
    head, body = corpus.head, "\r\ntext of %s\r\n"
    many = ", ".join("Somebody %d <person%d@example.org>" % (n, n)
                     for n in range(2000))
    folded = many.replace(", ", ",\r\n\t")
    ids = " ".join("<%040d@thread.example>" % n for n in range(340))
    parts = corpus.multipart("edge", *[
        corpus.part("text/plain; name=part-%d" % n, "part %d\r\n" % n)
        for n in range(500)])
    found = {
        "to": head("to", "Cc: " + folded) + body,
        "to-one-line": head("to-one-line", "Bcc: " + many) + body,
        "parts": head("parts", *corpus.typed(
            "multipart/mixed; boundary=edge")) + "\r\n" + parts,
        "references": head("references", "References: " + ids.replace(
            " ", "\r\n ")) + body,
        "line": head("line", "X-Label: " + "long " * 20000) + body,
        "standard-line": head("standard-line", "Reply-To: \"%s\" <a@b>"
                              % ("long " * 20000)) + body,
        "subject": head("subject", subject="word " * 20000) + body,
        "everything": head("everything", "Cc: " + folded, "References: " +
                           ids, *corpus.typed("multipart/mixed; "
                                              "boundary=edge")) +
        "\r\n" + parts,
        "many-of-one": head("many-of-one", *[
            "X-Label: number %d" % n for n in range(3000)]) + body,
        "small": head("small") + body}
    return [data.replace("%s", name).encode()
            for name, data in found.items()]


LARGE = [command for command in LISTING if "LAZY" not in command] + [
    "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (X-LABEL REFERENCES CC)])",
    "SEARCH HEADER X-LABEL long", "SEARCH CC person1999",
    "SEARCH HEADER References 00339@thread", "SEARCH SUBJECT word",
    "SEARCH HEADER X-LABEL 2999", "SEARCH BCC person1998"]


@pytest.mark.parametrize("storage", STORAGES)
def test_larger_than_a_blob(make_server, storage):
    """What does not fit is asked of the message; what does is there."""
    pair = Pair(make_server, storage, plugins=(), settings={}, extra="")
    large = large_messages()
    for server in pair.both:
        append_all(server, "alice", large)
        deliver_all(server, "bob", large)
    for name in "first", "second", "third":
        if name == "third":
            for server in pair.both:
                lose_cache(server, "alice")
                answers(server, "alice", reorder(LARGE, "lost"))
        for user in ("alice", "bob"):
            commands = reorder(LARGE, name)
            wanted = answers(pair.plain, user, commands)
            assert_same(answers(pair.sealed, user, commands), wanted)
    if not pair.sealed.roost:
        return
    cache = CacheFile(pair.sealed, "alice")
    sizes = [max(len(entry.data) for entry in cache.entries(uid)
                 if entry.name.startswith("roost."))
             for uid in range(1, len(large) + 1)]
    assert max(sizes) <= 30720 and min(sizes) > 200, sizes
    # A large message costs itself alone.
    with opened.Opens(pair.sealed, "alice") as opens:
        answers(pair.sealed, "alice", [
            command.replace("1:*", str(len(large)))
            for command in LISTING if command.startswith("FETCH")])
        assert opens.names() == []


# What Dovecot keeps in clear

DATE = "01-Feb-2003 04:05:06 +0100"


@pytest.fixture(scope="module", params=STORAGES)
def pair(request, make_module_server):
    plugins, settings = servers.quota()
    boxes = "namespace inbox {\n" + "".join(
        "  mailbox %s {\n    auto = create\n    autoexpunge = %s\n  }\n" % box
        for box in (("Expiring", "3 s"), ("Staying", "1 day"))) + "}\n"
    pair = Pair(make_module_server, request.param, plugins=plugins,
                settings=settings, extra=servers.quota_extra() + boxes)
    for server in pair.both:
        with server.raw("alice") as client:
            for data in MAIL:
                assert client.append("INBOX", data, "", DATE).ok
            client.logout()
        deliver_all(server, "bob", MAIL)
    return pair


def every_server(pair):
    return [pair.plain, pair.sealed]


def save_dates(server, user):
    """Of each message, in seconds since 1970 (2.3 and 2.4: SAVEDATE)."""
    command = "FETCH 1:* (SAVEDATE)"
    found = answers(server, user, [command])[command][0]
    shown = re.findall(r'SAVEDATE "([^"]+)"', b"".join(found).decode())
    return [time.mktime(time.strptime(text[:20].strip(),
                                      "%d-%b-%Y %H:%M:%S"))
            for text in shown], shown


def test_save_date(pair):
    """The date of saving, not of the message; also without a cache."""
    for user in ("alice", "bob"):
        dates = [save_dates(server, user) for server in every_server(pair)]
        assert len(dates[0][0]) == len(dates[1][0]) == len(MAIL)
        for saved in dates[0][0] + dates[1][0]:
            assert BEGAN.timestamp() <= saved <= time.time()
        for server in every_server(pair):
            before = save_dates(server, user)
            answers(server, user, LISTING)
            assert save_dates(server, user) == before
            lose_cache(server, user)
            answers(server, user, LISTING)
            assert save_dates(server, user) == before


def test_search_by_save_date(pair):
    today = time.strftime("%Y-%m-%d", time.localtime(time.time() - 86400))
    counts = []
    for server in every_server(pair):
        found = [server.doveadm("search", "-u", "alice", "mailbox", "INBOX",
                                *key.split()).stdout.count(b"\n")
                 for key in ("savedsince 1h", "savedbefore 1h",
                             "savedsince " + today, "savedbefore " + today,
                             "before 2003-02-03", "since 2003-02-03",
                             "NOT savedsince 1h")]
        counts.append(found)
    assert counts[0] == counts[1] == [6, 0, 6, 0, 6, 0, 0]


def test_dates_and_sizes(pair):
    commands = ["FETCH 1:* (INTERNALDATE RFC822.SIZE)",
                "SEARCH BEFORE 2-Feb-2003", "SEARCH ON 1-Feb-2003",
                "SEARCH LARGER 2000", "SEARCH SMALLER 2000",
                "SORT (ARRIVAL) UTF-8 ALL", "SORT (SIZE) UTF-8 ALL",
                "STATUS INBOX (SIZE MESSAGES)"]
    for _ in range(2):
        one, two = [answers(server, "alice", commands)
                    for server in every_server(pair)]
        assert one == two
        assert b"RFC822.SIZE %d" % len(MAIL[0]) in two[commands[0]][0][0]
        for server in every_server(pair):
            lose_cache(server, "alice")


def test_object_ids(pair):
    """EMAILID and THREADID where offered, X-GUID everywhere: one for each
    message, kept by COPY and by the loss of the cache as without Roost."""
    seen = []
    for server in every_server(pair):
        with server.raw("alice") as client:
            offered = b"OBJECTID" in client.ok("CAPABILITY").untagged[0]
        items = ["X-GUID"] + ["EMAILID", "THREADID"] * offered
        shapes = []
        for item in items:
            command = "FETCH 1:* (%s)" % item
            before = answers(server, "alice", [command])
            answers(server, "alice", LISTING)
            lose_cache(server, "alice")
            assert answers(server, "alice", [command]) == before
            values = [re.sub(rb"^\* \d+ ", b"", part)
                      for part in before[command][0]]
            shapes.append((item, len(set(values))))
        seen.append((offered, shapes))
    assert seen[0] == seen[1]
    assert seen[0][1][0] == ("X-GUID", len(MAIL))


# POP3

OLD_FORMATS = ["%08Xu%08Xv", "%u", "%v.%u", "%g", "%08Xv%08Xu", "%u-%g",
               "%f", "%m"]
NEW_FORMATS = {"%08Xu%08Xv": "%{uid | hex(8)}%{uidvalidity | hex(8)}",
               "%u": "%{uid}", "%v.%u": "%{uidvalidity}.%{uid}",
               "%g": "%{guid}",
               "%08Xv%08Xu": "%{uidvalidity | hex(8)}%{uid | hex(8)}",
               "%u-%g": "%{uid}-%{guid}", "%f": "%{filename}",
               "%m": "%{md5}"}


def facts(server, user="bob"):
    """(UIDVALIDITY, [(uid, guid)]) of the INBOX, by IMAP."""
    with server.raw(user) as client:
        answer = client.ok("SELECT INBOX")
        valid = int(re.search(rb"UIDVALIDITY (\d+)", b"".join(
            answer.untagged)).group(1))
        found = re.findall(rb"UID (\d+) X-GUID (\S+?)\)", b"".join(
            client.ok("FETCH 1:* (UID X-GUID)").untagged))
        client.logout()
    return valid, [(int(uid), guid) for uid, guid in found]


def wanted_uidl(form, valid, uid, guid):
    return {"%08Xu%08Xv": b"%08x%08x" % (uid, valid), "%u": b"%d" % uid,
            "%v.%u": b"%d.%d" % (valid, uid), "%g": guid,
            "%08Xv%08Xu": b"%08x%08x" % (valid, uid),
            "%u-%g": b"%d-%s" % (uid, guid), "%f": guid}.get(form)


@pytest.mark.parametrize("form", OLD_FORMATS)
def test_pop3_uidl(pair, form):
    """In every format, before and after the cache is lost. %m is of mbox
    alone, %f of maildir alone: refused alike elsewhere."""
    kinds = []
    for server in every_server(pair):
        conf = apart.configuration(server, "uidl", extra="pop3_uidl_format = "
                                   + (NEW_FORMATS[form] if NEW else form))
        found = apart.uidl(server, "bob", conf)
        valid, ids = facts(server)
        lose_cache(server, "bob")
        assert apart.uidl(server, "bob", conf) == found
        if len(found) == len(MAIL):
            # In maildir the GUID is the file's name.
            wanted = [b"%d %s" % (number, wanted_uidl(form, valid, *one))
                      for number, one in enumerate(ids, 1)]
            assert [line.split(b",")[0].lower() for line in found] == \
                [line.split(b",")[0].lower() for line in wanted]
            assert len(set(found)) == len(MAIL)
            found = "%d lines" % len(found)
        kinds.append(found)
    assert kinds[0] == kinds[1]
    assert kinds[0] == "%d lines" % len(MAIL) or form == "%m" or \
        (form == "%f" and pair.storage != "maildir"), kinds


def test_pop3_reads_the_uidl_header(pair):
    """pop3_reuse_xuidl: a UIDL out of the message's header."""
    kept = []
    for server in every_server(pair):
        deliver_all(server, "erin", [b"X-UIDL: old-%d\r\n" % number +
                                     MAIL[number] for number in range(3)])
        conf = apart.configuration(server, "xuidl",
                                   extra="pop3_reuse_xuidl = yes")
        kept.append([apart.uidl(server, "erin", conf) for _ in range(2)])
    assert kept[0] == kept[1]
    assert kept[0][0] == [b"%d old-%d" % (n + 1, n) for n in range(3)]


# autoexpunge and quota

def expire(server):
    with server.raw("alice") as client:
        for box in ("Expiring", "Staying"):
            for data in MAIL[:2]:
                assert client.append(box, data, "", DATE).ok
            client.ok("SELECT " + box)
            for command in LISTING:
                client.ok(command)
        client.logout()


def test_autoexpunge(pair):
    """By the date of saving, also after the cache was lost: what was saved
    long enough ago goes when a session ends, and nothing else."""
    for server in every_server(pair):
        began = time.monotonic()
        expire(server)
        lose_cache(server, "alice")
        with server.raw("alice") as client:
            count = client.count("Expiring")
            assert count == 2 or time.monotonic() > began + 2
            client.logout()
    deadline = time.monotonic() + 30
    left = list(every_server(pair))
    while left:
        assert time.monotonic() < deadline
        with left[0].raw("alice") as client:
            count = client.count("Expiring")
            assert client.count("Staying") == 2
            client.logout()
        if count == 0:
            left.pop(0)
        else:
            time.sleep(0.2)


def quota(server, user):
    return server.doveadm("-f", "tab", "quota", "get", "-u", user).stdout


def test_quota_after_index_rebuild(pair):
    """Counted from the messages again, as plaintext."""
    for server in every_server(pair):
        append_all(server, "carol", MAIL)
        deliver_all(server, "carol", MAIL)
    before = [quota(server, "carol") for server in every_server(pair)]
    pair.restart(lambda one: one.remove_indexes("carol"))
    for server in every_server(pair):
        server.doveadm("force-resync", "-u", "carol", "INBOX")
        server.doveadm("quota", "recalc", "-u", "carol")
    after = [quota(server, "carol") for server in every_server(pair)]
    assert re.search(rb"MESSAGE\t%d\t" % (2 * len(MAIL)), after[0]), after
    assert before == [before[0]] * 2 and after == before
    for server in every_server(pair):
        assert "about cached-5" in repr(answers(server, "carol", LISTING))


# The spelling of a structure

SPELT = [b"Content-Type: text/plain; charset=us-ascii\r\n"
         b"Content-Transfer-Encoding: 7BIT\r\n",
         b"Content-Transfer-Encoding: 7Bit\r\n",
         b"Content-Type: TEXT/PLAIN\r\n", b"",
         b"Content-Type: TEXT/PLAIN; charset=US-ASCII\r\n"
         b"Content-Transfer-Encoding: 7BIT\r\nContent-Language: en\r\n",
         b"Content-Type: TEXT/HTML; charset=US-ASCII\r\n"
         b"Content-Transfer-Encoding: 7BIT\r\n"]


def structures(server):
    """What a session of its own is told of each message."""
    told = []
    for number in range(1, len(SPELT) + 1):
        with server.raw("alice") as client:
            client.ok("SELECT INBOX")
            told.append(client.ok("FETCH %d (BODYSTRUCTURE)" %
                                  number).untagged)
    return told


@pytest.mark.parametrize("cache", ["sealed", "off"])
def test_spelling_of_plain_text(make_server, cache):
    """Dovecot tells a plain 7bit text that it has in its cache in one
    spelling, and in the message's own what it just read."""
    plain = make_server("sdbox", roost=False, users=["alice"])
    sealed = make_server("sdbox", users=["alice"],
                         settings={"roost_cache": cache})
    for server in (plain, sealed):
        with server.raw("alice") as client:
            for head in SPELT:
                assert client.append("INBOX", b"Subject: x\r\nMIME-Version: "
                                     b"1.0\r\n%s\r\nbody\r\n" % head).ok
    assert structures(sealed) == structures(plain)
    lose_cache(plain, "alice")
    lose_cache(sealed, "alice")
    first = structures(plain)
    # Without a cache nobody knows that it is the first time.
    assert (structures(sealed) == first) == (
        cache == "sealed" or servers.PLAIN)
    for _ in range(2):
        told = structures(plain)
        assert told != first
        assert structures(sealed) == told
