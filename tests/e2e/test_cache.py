# SPDX-License-Identifier: MIT
"""The sealed index cache: a mailbox lists without its messages being opened,
and every answer is that of a plain server.

Openings of message files are counted by the kernel (inotify), and by strace
on the session itself.
"""

import email.utils
import os
import random
import re

import pytest

import cachefile
import corpus
import opened
import server as servers
import tempwatch
from cachefile import CacheFile
from cachekit import (LISTING, ONE, TWO, answers, append_all, assert_same,
                      deliver_all, lose_cache, message)
from pairs import Pair, comparable

EXTRA = {"roost_cache_headers": "%s %s" % (ONE, TWO)}

NAMES = ("regular simple raw-latin1 bcc groups bad-addresses bad-date reply "
         "list quotes-in-subject alternative nest-60 rfc822-nested "
         "type-rubbish smime-signed bounce bare-lf folded").split()


def dated(data):
    """For a message without a usable Date, Dovecot takes the time it came,
    which sdbox keeps in the message's file."""
    found = re.search(rb"(?im)^Date: (.*)$", data)
    if found and email.utils.parsedate_tz(found.group(1).decode()):
        return data
    return b"Date: Mon, 04 Mar 2019 05:06:07 +0200\r\n" + data


def small_corpus():
    """Ours, and odd ones."""
    found = [message(number) for number in range(8)]
    return found + [dated(item.data) for item in corpus.messages()
                    if item.name in NAMES and b"\0" not in item.data]


LISTING += ["SEARCH " + key for key in (
    "SUBJECT canary", "SUBJECT cached-3", "FROM sender.example",
    "TO reader", "CC someone", "BCC hidden", 'HEADER Message-ID ""',
    "HEADER List-Id l.example", "SENTSINCE 1-Jan-2016",
    "SENTBEFORE 1-Jan-2015", "SENTON 1-Jan-2024", "NOT SUBJECT cached",
    "OR FROM umber SUBJECT list")]
LISTING += ["SORT (%s) UTF-8 ALL" % order for order in (
    "SUBJECT", "FROM", "TO", "CC", "DATE",
    "REVERSE DISPLAYFROM", "DISPLAYTO", "SUBJECT REVERSE DATE")]
LISTING += ["THREAD %s UTF-8 ALL" % kind
            for kind in ("REFERENCES", "REFS", "ORDEREDSUBJECT")]
# What Dovecot keeps in clear, once a client has asked for it.
NATIVE = ["FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)",
          "SEARCH LARGER 1000", "SORT (SIZE) UTF-8 ALL",
          "SORT (ARRIVAL) UTF-8 ALL"]
ADDED = ["FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT %s)])" % ONE,
         "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (%s)])" % TWO,
         "SEARCH HEADER %s folded" % TWO.upper()]
BEYOND = ["FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT X-OTHER)])",
          "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (RETURN-PATH X-LONG-3)])",
          "SEARCH HEADER X-OTHER other",
          "FETCH 1:* (BODY.PEEK[HEADER.FIELDS.NOT (RECEIVED RETURN-PATH "
          "DELIVERED-TO)])"]


def lda_all(server, user, messages):
    for data in messages:
        assert server.lda(user, data).returncode == 0


def by_imap(server, user, command):
    with server.raw(user) as client:
        client.ok("CREATE " + command.split()[-1])
        client.ok("SELECT INBOX")
        client.ok(command)
        client.logout()


@pytest.fixture(scope="module", params=servers.STORAGES)
def pair(request, make_module_server):
    """A plain and a sealed server; on each alice's mail came by LMTP, bob's
    by lda, carol's by APPEND; alice has copies of hers, and carol moved."""
    pair = Pair(make_module_server, request.param, settings=dict(EXTRA),
                plugins=(), extra="")
    mail = small_corpus()
    for server in pair.both:
        deliver_all(server, "alice", mail)
        lda_all(server, "bob", mail[6:12])
        append_all(server, "carol", mail)
        by_imap(server, "alice", "COPY 1:* Copied")
        append_all(server, "dave", mail[:8])
        by_imap(server, "dave", "MOVE 1:* Moved")
    return pair


PLACES = [("alice", "INBOX"), ("bob", "INBOX"), ("carol", "INBOX"),
          ("alice", "Copied"), ("dave", "Moved")]


@pytest.mark.parametrize("user,mailbox", PLACES,
                         ids=["lmtp", "lda", "append", "copy", "move"])
def test_listing_opens_no_message(pair, user, mailbox):
    """A fresh process, and the first that lists this mailbox."""
    server = pair.sealed
    commands = LISTING + (ADDED if server.roost else [])
    wanted = answers(pair.plain, user, commands, mailbox)
    with opened.Opens(server, user) as opens:
        found = answers(server, user, commands, mailbox)
        if server.roost:
            assert opens.names() == []
        assert_same(found, wanted)
        native = answers(server, user, NATIVE, mailbox)
        assert_same(native, answers(pair.plain, user, NATIVE, mailbox))
        opens.names()
        assert answers(server, user, NATIVE, mailbox) == native
        assert opens.names() == []
        beyond = answers(server, user, BEYOND, mailbox)
        assert opens.count() > 0, "the counter sees nothing"
    assert_same(beyond, answers(pair.plain, user, BEYOND, mailbox))


@pytest.mark.skipif(servers.PLAIN, reason="of the sealed cache")
def test_strace_sees_no_message_opened(pair, tmp_path):
    """The same by strace, which sees all that the process opens."""
    if not servers.ROOT:
        pytest.skip("only root may trace a session")
    server = pair.sealed
    counted = []
    for commands in (LISTING + ADDED, ["FETCH 1:* (BODY.PEEK[])"]):
        client = server.raw("carol")
        with opened.Trace(server, tmp_path / "trace") as trace:
            client.ok("SELECT INBOX")
            for command in commands:
                client.ok(command)
            client.logout()
            mails, paths = trace.opened()
        assert any(path.endswith("dovecot.index.cache") for path in paths)
        counted.append(len(mails))
    assert counted[0] == 0
    if pair.storage == "mdbox":
        assert counted[1] > 0
    else:
        assert counted[1] >= len(small_corpus())


def writing_folders(server, user):
    """Returns the folders in which new messages are written."""
    folders = opened.mail_folders(server, user)
    if server.storage == "maildir":
        folders = {os.path.join(os.path.dirname(folder), "tmp")
                   for folder in folders}
    return folders


@pytest.mark.skipif(servers.PLAIN, reason="of the sealed cache")
def test_delivery_reads_nothing_again(pair):
    """Who delivers asks for lines of the header: they are told from what was
    written, and what was written is not read."""
    server = pair.sealed
    if server.storage == "mdbox":
        pytest.skip("Dovecot reads the file's header before it adds to it")
    message = (b"Message-ID: <once@sender.example>\r\nSubject: once\r\n"
               b"From: a@sender.example\r\n\r\n" +
               b"a line of the body\r\n" * 1000)
    mark = server.log_mark()
    with tempwatch.Folders(writing_folders(server, "bob"),
                           tempwatch.IN_ACCESS |
                           tempwatch.IN_CREATE) as folders:
        assert server.deliver(message, "bob")[0][0] == 250
        events = [mask for _, mask, name in folders.events()
                  if name and not mask & tempwatch.IN_ISDIR and
                  "dovecot" not in name]
    assert events == [tempwatch.IN_CREATE]
    server.wait_log("msgid=<once@sender.example>: saved mail to INBOX", mark)


# What From and Subject may be: too long for a summary, folded, twice, empty,
# not there, with blanks before the colon, in another case.
SENDERS = [
    b"From: far <far@x.example>\r\nSubject: " + b"very " * 210 + b"long\r\n",
    b"Subject: many\r\nFrom: " + b",\r\n ".join(
        b"Far %d <far%d@x.example>" % (n, n) for n in range(60)) + b"\r\n",
    b"From: a@x.example\r\nSubject: one\r\nSubject: two\r\n"
    b"From: b@x.example\r\n",
    b"SUBJECT: a\r\n\tfold =?utf-8?q?of_=C3=A4?=\r\nfrom: =?utf-8?q?=C3=84?="
    b"\r\n <a@x.example>\r\n",
    b"Subject : blank\r\nFrom\t: far@x.example\r\n",
    b"Subject:\r\nFrom:\r\n", b"", b"Subjects: no\r\nFro: no\r\n"]
SUMMARY = ["FETCH 1:* (BODY.PEEK[HEADER.FIELDS (%s)])" % names for names in (
    "SUBJECT", "FROM", "SUBJECT FROM", "FROM SUBJECT TO", "DATE FROM", "TO")]
SUMMARY += ["SEARCH " + key for key in (
    "SUBJECT long", "SUBJECT two", "FROM far59", "NOT FROM far",
    'SUBJECT ""', "HEADER FROM \"\"", "OR SUBJECT blank FROM b@x",
    "CHARSET UTF-8 SUBJECT ä")]
SUMMARY += ["SORT (%s) UTF-8 ALL" % order for order in (
    "SUBJECT", "FROM", "DISPLAYFROM")] + ["THREAD ORDEREDSUBJECT UTF-8 ALL"]


def test_from_and_subject(pair):
    """They are told from a blob of their own, whatever they are."""
    found = []
    for server in pair.both:
        append_all(server, "erin", [
            dated(lines + b"To: far@x.example\r\n\r\nbody\r\n")
            for lines in SENDERS])
        with opened.Opens(server, "erin") as opens:
            found.append(answers(server, "erin", SUMMARY))
            assert opens.names() == [] or not server.roost
    assert_same(found[1], found[0])


def test_doveadm_opens_no_message(pair):
    """doveadm, too."""
    fields = "uid hdr.subject hdr.from imap.envelope imap.bodystructure " \
        "imap.body body.snippet date.sent size.virtual"
    found = []
    for server in pair.both:
        with opened.Opens(server, "carol") as opens:
            found.append(server.doveadm("fetch", "-u", "carol", fields,
                                        "mailbox", "INBOX").stdout)
            found.append(server.doveadm("search", "-u", "carol", "mailbox",
                                        "INBOX", "subject", "canary",
                                        "sentsince", "2016-01-01").stdout)
            if server is pair.sealed and server.roost:
                assert opens.names() == []
    assert without_guids(found[0]) == without_guids(found[2])
    assert found[1].count(b"\n") == found[3].count(b"\n") > 0


def without_guids(shown):
    return re.sub(rb"(?m)^mailbox-guid: .*$", b"", shown)


def test_no_native_field_is_written(pair):
    """And the native ones that are kept are those that tell nothing."""
    for user, mailbox in PLACES:
        names = CacheFile(pair.sealed, user, mailbox).names()
        telling = {name for name in names if cachefile.is_telling(name)}
        if pair.sealed.roost:
            assert telling == set()
            assert cachefile.FIELD_OWN in names
            assert cachefile.FIELD_NEW not in names
        else:
            assert telling


# The cache is lost

def blob_sizes(server, user, uid):
    return {entry.name: len(entry.data) for entry in
            CacheFile(server, user).entries(uid)
            if entry.name.startswith("roost.")}


@pytest.mark.parametrize("is_locked", [False, True])
def test_lengths_tell_little(make_server, is_locked):
    """Mails whose subjects and senders differ by some bytes have caches of one
    size: by who can open the keyring, and by a delivery that cannot."""
    server = make_server("maildir", secret=is_locked)
    if not server.roost:
        pytest.skip("sizes of Roost's blobs")
    if is_locked:
        server.init_password_mode("alice")
    subjects = ["yes indeed", "no, later on", "not so soon"]
    for subject in subjects:
        data = b"From: %s@x.example\r\nSubject: %s\r\n\r\ntext\r\n" % (
            subject[:2].encode(), subject.encode())
        assert server.deliver(data, "alice")[0][0] == 250
    sizes = [blob_sizes(server, "alice", uid) for uid in (1, 2, 3)]
    assert len(sizes[0]) == (1 if is_locked else 5), sizes
    assert sizes[0] == sizes[1] == sizes[2]
    assert answers(server, "alice", ["SEARCH SUBJECT later"])
    for name, size in sizes[0].items():
        around = 29 + 156 if is_locked else \
            93 if name == cachefile.FIELD_OWN else 29
        assert (size - around) % 64 == 0, name


MAKING = {"envelope": ["FETCH 1:* (ENVELOPE)"],
          "header": ["FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"],
          "structure": ["FETCH 1:* (BODYSTRUCTURE)"],
          "preview": ["FETCH 1:* (PREVIEW)"],
          "sort": ["SORT (SUBJECT) UTF-8 ALL", "SORT (DATE) UTF-8 ALL"],
          "all": LISTING}


@pytest.mark.parametrize("what", sorted(MAKING))
def test_first_listing_makes_it(pair, what):
    """Old mail, of which nothing is cached: what the first session asks for
    is there for the second. The answers are right in both, and in a third
    that asks for everything."""
    server = pair.sealed
    lose_cache(server, "carol")
    commands = MAKING[what]
    wanted = answers(pair.plain, "carol", LISTING + commands)
    with opened.Opens(server, "carol") as opens:
        first = answers(server, "carol", commands)
        assert opens.count() > 0, "the first must read"
        second = answers(server, "carol", commands)
        if server.roost and what in ("all", "structure", "preview"):
            assert opens.names() == []
        elif server.roost:
            opens.names()
            answers(server, "carol", commands)
            assert opens.names() == []
    for command in commands:
        if "LAZY" not in command:
            assert first[command] == second[command] == wanted[command], \
                command
    wanted = answers(pair.plain, "carol", LISTING)
    assert_same(answers(server, "carol", LISTING), wanted)


def test_index_makes_it(pair):
    """doveadm index, which asks for all that is kept of a message; on 2.4
    it does so with full-text search only, and doveadm fetch instead."""
    server = pair.sealed
    lose_cache(server, "carol")
    server.doveadm("index", "-u", "carol", "INBOX")
    if servers.NEW:
        server.doveadm("fetch", "-u", "carol", "imap.bodystructure", "all")
    if server.roost:
        assert cachefile.FIELD_OWN in CacheFile(server, "carol").names()
        with opened.Opens(server, "carol") as opens:
            answers(server, "carol", LISTING + ADDED)
            assert opens.names() == []


def use(server, user):
    answers(server, user, LISTING + ["STORE 1 +FLAGS (anew \\Seen)",
                                     "STORE 1 -FLAGS (anew)"])
    lda_all(server, user, [message(0)])
    server.doveadm("fetch", "-u", user, "hdr.subject flags", "all")
    server.doveadm("flags", "add", "-u", user, "anew", "2")


def test_no_session_writes_it_anew(pair):
    """Dovecot drops a field that was not used for long, and does so by
    copying the file: into another one of the same name."""
    server, user = pair.sealed, "erin"
    deliver_all(server, user, small_corpus())
    file = os.path.join(cachefile.index_folder(server, user),
                        "dovecot.index.cache")
    seen = set()
    for _ in range(3):
        use(server, user)
        seen.add(os.stat(file).st_ino)
    assert len(seen) == 1


def test_the_first_list_adds_nothing(pair):
    """What a list shows was all kept at delivery."""
    server, user = pair.sealed, "erin"
    command = ("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE "
               "BODYSTRUCTURE PREVIEW)")
    answers(server, user, ["CREATE fresh"])
    append_all(server, user, [message(0), message(1)], "fresh")
    kept = held(server, user, "fresh")
    answers(server, user, [command], "fresh")
    if server.roost:
        assert held(server, user, "fresh") == kept


def held(server, user, mailbox):
    """By UID: of each of its records what stands in it."""
    cache = CacheFile(server, user, mailbox)
    return {uid: [[(entry.name, entry.data) for entry in record.entries]
                  for record in cache.records(uid)] for uid in cache.newest}


def test_no_session_writes_its_fields_anew(pair):
    """The list of fields is the same each time: who only reads writes
    nothing into the file, nor waits for who does."""
    server, user = pair.sealed, "erin"
    deliver_all(server, user, [message(1)])
    answers(server, user, LISTING)
    file = os.path.join(cachefile.index_folder(server, user),
                        "dovecot.index.cache")
    before = os.stat(file).st_mtime_ns
    for _ in range(2):
        answers(server, user, LISTING)
    assert os.stat(file).st_mtime_ns == before


def test_purge_keeps_it(pair):
    server = pair.sealed
    answers(server, "carol", LISTING)
    before = CacheFile(server, "carol")
    for _ in range(2):
        server.doveadm("mailbox", "cache", "purge", "-u", "carol", "INBOX")
    if server.roost:
        after = CacheFile(server, "carol")
        assert sorted(after.newest) == sorted(before.newest)
        for uid in after.newest:
            assert after.blob(uid).data in \
                {entry.data for entry in before.entries(uid)}, uid
        with opened.Opens(server, "carol") as opens:
            found = answers(server, "carol", LISTING)
            assert opens.names() == []
        assert_same(found, answers(pair.plain, "carol", LISTING))


def test_two_first_sessions_at_once(pair):
    """Both list a mailbox for the first time, command by command."""
    rng = random.Random("%d two" % corpus.SEED)
    wanted = answers(pair.plain, "carol", LISTING)
    for round_ in range(3):
        lose_cache(pair.sealed, "carol")
        clients = [pair.sealed.raw("carol") for _ in range(2)]
        for client in clients:
            client.ok("SELECT INBOX")
        orders = [rng.sample(LISTING, len(LISTING)) for _ in clients]
        for step in range(len(LISTING)):
            tags = [client.send(order[step]) for client, order
                    in zip(clients, orders)]
            for client, order, tag in zip(clients, orders, tags):
                found = comparable(client.finish(tag))
                if "LAZY" not in order[step]:
                    assert found == wanted[order[step]], order[step]
        for client in clients:
            client.logout()
        assert_same(answers(pair.sealed, "carol", LISTING), wanted)


def test_lazy_preview(pair):
    """A preview that is not cached is not made for LAZY, with or without
    Roost; one that is cached is given."""
    command = "FETCH 1 (PREVIEW (LAZY))"
    for server in pair.both:
        known = answers(server, "carol", ["FETCH 1 (PREVIEW)", command])
        text = known["FETCH 1 (PREVIEW)"][0]
        assert b"canary text 0" in text[0]
        assert known[command][0] == text
        lose_cache(server, "carol")
        with opened.Opens(server, "carol") as opens:
            assert answers(server, "carol", [command])[command][0] == \
                [b"* 1 FETCH (PREVIEW NIL)\r\n"]
            # Plain Dovecot reads the header, and gives it away.
            assert opens.count() == 0 or not server.roost
            answers(server, "carol", ["FETCH 1 (PREVIEW)"])
            assert opens.count() > 0
            assert answers(server, "carol", [command])[command][0] == text
            assert opens.names() == []


@pytest.mark.skipif(servers.PLAIN, reason="of a setting of Roost")
def test_header_added_later(make_server):
    """Another roost_cache_headers: old blobs do not know the new names."""
    mail = [message(number) for number in range(3)]
    server = make_server("sdbox")
    append_all(server, "alice", mail)
    server.stop()
    server.settings.update(EXTRA)
    server.start()
    append_all(server, "alice", mail)
    found = answers(server, "alice", ADDED)
    text = b"".join(found[ADDED[0]][0])
    assert [int(n) for n in re.findall(rb"X-My-One: one (\d)", text)] == \
        [0, 1, 2] * 2
    assert found[ADDED[2]][0] == [b"* SEARCH 1 2 3 4 5 6\r\n"]
    server.stop()
    server.settings.clear()
    server.start()
    assert answers(server, "alice", ADDED) == found
    with opened.Opens(server, "alice") as opens:
        answers(server, "alice", LISTING)
        assert opens.names() == []
