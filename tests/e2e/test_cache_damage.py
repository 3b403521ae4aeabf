# SPDX-License-Identifier: MIT
"""Somebody changes what the sealed index cache holds: it is noticed, logged
once, and made anew from the message; nothing of it is served.

Each damage is done to many small messages at once: another byte of the blob
of each, until every place was hit.
"""

import hashlib
import os
import random
import re

import pytest

import cachefile
import corpus
import opened
import rewritekit
import server as servers
import tamper
from cachefile import CacheFile
from tamper import rf
from cachekit import (METRIC, answers, append_all, lose_cache, metric,
                      wait_metric)

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="attacks on Roost")

ASKED = ["FETCH 1:* (%s)" % items for items in (
    "ENVELOPE", "BODYSTRUCTURE PREVIEW", "BODY",
    "BODY.PEEK[HEADER.FIELDS (SUBJECT FROM DATE)]")]
ASKED += ["SEARCH SUBJECT 7", "SEARCH SENTSINCE 10-Jan-2020",
          "SORT (DATE) UTF-8 ALL", "SORT (SUBJECT) UTF-8 ALL",
          "THREAD REFERENCES UTF-8 ALL"]
# All at once, so that what is missing is made in one go.
WHOLE = ["FETCH 1:* (BODYSTRUCTURE ENVELOPE PREVIEW)"] + ASKED
NAMES = ["u%02d" % number for number in range(180)]


def small(number):
    """Small messages, all of one size."""
    return (b"From: a@x.example\r\nDate: %02d Jan 2020 10:00:00 +0000\r\n"
            b"Subject: s%03d\r\n\r\nbody %03d\r\n" % (
                1 + number % 28, number, number))


@pytest.fixture(scope="module", params=servers.STORAGES)
def server(request, make_module_server):
    server = make_module_server(request.param, users=NAMES, extra=METRIC)
    server.names = iter(NAMES)
    return server


def session(server, user, commands, mailbox="INBOX"):
    """(answers, what Roost logged) of one session, and no error of
    Dovecot's."""
    found = answers(server, user, commands, mailbox)
    log = server.session_log(server.clients[-1])
    assert not [line for line in log if re.search(
        r"[Cc]orrupt|[Rr]ebuild|fscking|Panic", line)], log
    return found, [line for line in log if re.search("Error:|Warning:", line)]


def filled(server, count, user=None):
    user = user or next(server.names)
    append_all(server, user, [small(number) for number in range(count)])
    wanted, lines = session(server, user, WHOLE)
    assert lines == []
    assert b"s001" in b"".join(wanted[ASKED[0]][0])
    return user, wanted


def uids_of(lines, gates):
    """The UIDs that the lines are about, each line naming its gate."""
    found = []
    for line in lines:
        uid = re.search(r"Mailbox \S+: UID (\d+): roost: ", line)
        assert uid, line
        gate = re.search(r"\[([a-z-]+)\]", line).group(1)
        wanted = gates(int(uid.group(1)))
        assert gate == wanted, (gate, wanted, line)
        found.append(int(uid.group(1)))
    return sorted(found)


def assert_noticed(server, user, wanted, uids, gates, mailbox="INBOX"):
    """Right answers and one line for each; then all is as it was."""
    found, lines = session(server, user, WHOLE, mailbox)
    for command in WHOLE:
        assert found[command] == wanted[command], command
    assert uids_of(lines, gates) == sorted(uids)
    with opened.Opens(server, user) as opens:
        found, lines = session(server, user, WHOLE, mailbox)
        assert found == wanted
        assert lines == []
        assert opens.names() == []


def head_of(field):
    """How many bytes stand before the nonce."""
    return 33 if field == cachefile.FIELD_OWN else 1


def gate_of_byte(at, field):
    return "blob-form" if at == 0 else \
        "other-keyring" if at < min(17, head_of(field)) else "blob-auth"


def blob_size(server, field):
    user, _ = filled(server, 2)
    cache = CacheFile(server, user)
    return len(cache.blob(1, field).data)


@pytest.mark.parametrize("field", cachefile.FIELDS_OWN)
def test_every_byte_flipped(server, field):
    rng = random.Random("%d bits" % corpus.SEED)
    size = blob_size(server, field)
    assert 90 < size < 400
    user, wanted = filled(server, size)
    cache = CacheFile(server, user)
    for at in range(size):
        entry = cache.blob(at + 1, field)
        assert len(entry.data) == size
        cache.flip(entry, at, rng.randrange(8))
    assert_noticed(server, user, wanted, range(1, size + 1),
                   lambda uid: gate_of_byte(uid - 1, field))


@pytest.mark.parametrize("field", cachefile.FIELDS_OWN)
def test_every_truncation(server, field):
    size, least = blob_size(server, field), head_of(field) + 28
    user, wanted = filled(server, size)
    cache = CacheFile(server, user)
    for length in range(size):
        cache.change(length + 1, field,
                     cache.blob(length + 1, field).data[:length])
    assert [len(cache.blob(uid, field).data) for uid in (1, 2, size)] == \
        [0, 1, size - 1]
    assert_noticed(server, user, wanted, range(1, size + 1),
                   lambda uid: "blob-form" if uid - 1 < least
                   else "blob-auth")


@pytest.mark.parametrize("field", cachefile.FIELDS_OWN)
def test_random_bytes_and_other_users(server, field):
    """Bytes of chance, a blob of another user, an empty one, the parts of
    two genuine ones."""
    count, head = 40, head_of(field)
    # In the blobs beside the first one no keyring id stands.
    other_keyring = gate_of_byte(16, field)
    user, wanted = filled(server, count)
    other, _ = filled(server, count)
    cache, theirs = CacheFile(server, user), CacheFile(server, other)
    rng = random.Random("%d chance" % corpus.SEED)
    gates = {}
    for uid in range(1, count + 1):
        own, foreign = [from_.blob(uid, field).data
                        for from_ in (cache, theirs)]
        assert len(own) == len(foreign)
        beside = cache.blob(uid % count + 1, field).data
        data, gates[uid] = [
            (foreign, other_keyring),
            (own[:17] + foreign[17:], "blob-auth"),
            (own[:1] + rng.randbytes(len(own) - 1), other_keyring),
            (b"\0" * len(own), "blob-form"),
            (b"\2" + own[1:], "blob-form"),
            (own[:head] + beside[head:], "blob-auth"),
            (own[:-16] + beside[-16:], "blob-auth")][uid % 7]
        cache.change(uid, field, data)
    assert_noticed(server, user, wanted, gates, gates.get)


def test_damaged_again(server):
    """What was made anew is damaged, too: still nothing of it is served, it
    is logged once a session, and it is made anew again."""
    user, wanted = filled(server, 6)
    for round_ in range(3):
        cache = CacheFile(server, user)
        for uid in range(1, 7):
            for entry in cache.entries(uid):
                if entry.name in cachefile.FIELDS_OWN + (cachefile.FIELD_NEW,):
                    cache.flip(entry, 40 + 10 * round_ + uid, uid)
        assert_noticed(server, user, wanted, range(1, 7),
                       lambda uid: "blob-auth")


@pytest.mark.parametrize("field", cachefile.FIELDS_OWN)
@pytest.mark.parametrize("first", range(len(ASKED)))
def test_made_anew_whatever_is_asked_first(server, first, field):
    """A session that asks step by step leaves all there for the next."""
    user, wanted = filled(server, 3)
    cache = CacheFile(server, user)
    for uid in (1, 2, 3):
        cache.flip(cache.blob(uid, field), 50, 0)
    commands = ASKED[first:] + ASKED[:first]
    found, lines = session(server, user, commands)
    for command in commands:
        assert found[command] == wanted[command], command
    assert uids_of(lines, lambda uid: "blob-auth") == [1, 2, 3]
    with opened.Opens(server, user) as opens:
        found, lines = session(server, user, commands)
        assert lines == []
        assert opens.names() == []


# Genuine, but of another message

def test_metric_counts_refused_blobs(server):
    before = metric(server, "refused_blobs")
    user, wanted = filled(server, 3)
    cache = CacheFile(server, user)
    cache.flip(cache.blob(2), 60, 1)
    session(server, user, WHOLE)
    wait_metric(server, "refused_blobs", before + 1)


def subjects(server, user):
    return re.findall(rb"s\d\d\d", b"".join(answers(
        server, user, ASKED[:1])[ASKED[0]][0]))


def bodies(server, user, count):
    """(every message as it is served, what was logged)."""
    command = "FETCH 1:* (BODY.PEEK[])"
    found, lines = session(server, user, [command, command])
    literals = [re.search(rb"\{\d+\}\r\n(.*)\)\r\n\Z", part, re.S).group(1)
                for part in found[command][0]]
    assert len(literals) == count
    return literals, lines


def assert_changed(server, user, messages, changed):
    """Served as the files say, and said once for each that changed."""
    before = metric(server, "changed_objects")
    found, lines = bodies(server, user, len(messages))
    assert found == messages
    assert uids_of(lines, lambda uid: "object-changed") == changed
    wait_metric(server, "changed_objects", before + len(changed))


def exchange(cache, *fields):
    for field in fields:
        one, two = cache.blob(1, field).data, cache.blob(2, field).data
        cache.change(1, field, two)
        cache.change(2, field, one)


@pytest.mark.parametrize(
    "fields", [(field,) for field in cachefile.FIELDS_OWN[1:]] +
    [cachefile.FIELDS_OWN[1:]], ids=" ".join)
def test_blobs_of_two_messages_mixed(server, fields):
    """Genuine ones, not all of one message: none of that is believed."""
    user, wanted = filled(server, 4)
    exchange(CacheFile(server, user), *fields)
    assert_noticed(server, user, wanted, [1, 2], lambda uid: "blob-auth")


def test_first_blob_gone(server):
    """Of what object the others are, nobody says."""
    user, wanted = filled(server, 3)
    cache = CacheFile(server, user)
    for uid in 1, 2, 3:
        cache.drop(uid, cachefile.FIELD_OWN)
    assert_noticed(server, user, wanted, (1, 2, 3), lambda uid: "blob-auth")


def test_first_blobs_exchanged(server):
    """The others say that they are not of one message, as soon as one of them
    is asked; previews alone are believed until then."""
    user, wanted = filled(server, 4)
    exchange(CacheFile(server, user), cachefile.FIELD_OWN)
    found, lines = session(server, user, ASKED)
    assert uids_of(lines, lambda uid: "blob-auth") == [1, 2]
    assert found == {command: wanted[command] for command in ASKED}
    found, lines = session(server, user, WHOLE)
    assert found == wanted and lines == []


def test_blobs_exchanged(server):
    """Two genuine blobs are exchanged: they are believed until the message
    is opened."""
    user, _ = filled(server, 4)
    exchange(CacheFile(server, user), *cachefile.FIELDS_OWN)
    with opened.Opens(server, user) as opens:
        assert subjects(server, user) == [b"s001", b"s000", b"s002", b"s003"]
        assert opens.names() == []
    assert_changed(server, user, [small(n) for n in range(4)], [1, 2])


def test_messages_exchanged(server):
    """Two genuine messages are exchanged on disk: each is opened by its own
    stanza."""
    user, _ = filled(server, 4)
    reader = tamper.Reader(server, user)
    one, two = reader.find(b"Subject: s000"), reader.find(b"Subject: s001")
    assert len(one[2]) == len(two[2])
    tamper.overwrite(one[0], one[1], two[2])
    tamper.overwrite(two[0], two[1], one[2])
    messages = [small(1), small(0), small(2), small(3)]
    assert_changed(server, user, messages, [1, 2])
    # From then on the index speaks of the message that is there.
    for command in ("FETCH 1:* (ENVELOPE)", "FETCH 1:* (BODY.PEEK[HEADER])"):
        found, lines = session(server, user, [command])
        assert re.findall(rb"s\d\d\d", b"".join(found[command][0])) == \
            [b"s001", b"s000", b"s002", b"s003"]
        assert uids_of(lines, lambda uid: "object-changed") == []


def test_rewritten_messages_exchanged(server):
    """Of messages that were sealed in their place the index has the names
    alone: they are noticed, too, and are listed from the cache afterwards."""
    user, _ = filled(server, 3)
    rewritekit.rewrite(server, "unseal", user, "--yes-plaintext")
    rewritekit.rewrite(server, "seal", user)
    cache = CacheFile(server, user)
    for uid in 1, 2, 3:
        cache.drop(uid, *cachefile.FIELDS_OWN, cachefile.FIELD_NEW)
    reader = tamper.Reader(server, user)
    one, two = reader.find(b"Subject: s000"), reader.find(b"Subject: s001")
    tamper.overwrite(one[0], one[1], two[2])
    tamper.overwrite(two[0], two[1], one[2])
    assert_changed(server, user, [small(1), small(0), small(2)], [1, 2])
    wanted = [b"s001", b"s000", b"s002"]
    assert subjects(server, user) == wanted
    with opened.Opens(server, user) as opens:
        assert subjects(server, user) == wanted
        assert opens.names() == []


def test_resealed(server):
    """The same message sealed anew: another object, the same words."""
    user, wanted = filled(server, 2)
    reader = tamper.Reader(server, user)
    path, offset, old = reader.find(b"Subject: s001")
    new = reader.seal(reader.open(old)[1])
    assert len(new) == len(old)
    tamper.overwrite(path, offset, new)
    assert_changed(server, user, [small(0), small(1)], [2])
    assert session(server, user, WHOLE)[0] == wanted


def test_commitment_does_not_fit(server):
    """A genuine blob whose data key is another object's, under the object
    id of this one: only the keyring's owner can make it."""
    user, _ = filled(server, 2)
    reader = tamper.Reader(server, user)
    reseal_facts(reader, CacheFile(server, user), 1, os.urandom(32))
    assert_changed(server, user, [small(0), small(1)], [1])


def opened_blob(reader, cache, uid, field):
    """One of a message whose first blob is in its place."""
    object_id = cache.blob(uid).data[17:33]
    return rf.Blob(cache.blob(uid, field).data, reader.ring.id,
                   reader.ring.master, reader.ring.secrets, object_id)


def facts(reader, cache, uid):
    return opened_blob(reader, cache, uid, cachefile.FIELD_OWN)


def reseal_facts(reader, cache, uid, data_key=None, saved=None):
    """The first blob of a message with another data key, and other saved keys
    or none."""
    blob = facts(reader, cache, uid)
    items = [item for item in blob.items if item[0] != rf.KEYS_ITEM]
    if saved:
        items.append((rf.KEYS_ITEM, saved))
    cache.change(uid, cachefile.FIELD_OWN, rf.seal_blob_own(
        reader.ring.master, reader.ring.id, blob.object_id,
        data_key or blob.data_key, items))


def test_saved_keys(server):
    """Those of the message open it, with no other key at hand; others are of
    no use, and of no harm; and so are those with a bit changed."""
    user, _ = filled(server, 5)
    reader, cache = tamper.Reader(server, user), CacheFile(server, user)
    keys = {}
    for uid in range(1, 6):
        blob = facts(reader, cache, uid)
        keys[uid] = dict(blob.items)[rf.KEYS_ITEM]
        sealed = reader.find(b"Subject: s%03d" % (uid - 1))[2]
        assert keys[uid] == rf.saved_keys(sealed, blob.data_key)
    reseal_facts(reader, cache, 1)
    reseal_facts(reader, cache, 2, os.urandom(32), keys[2])
    reseal_facts(reader, cache, 3, None, keys[4])
    reseal_facts(reader, cache, 5, None,
                 bytes([keys[5][0] ^ 1]) + keys[5][1:])
    assert_changed(server, user, [small(n) for n in range(5)], [])


# Caches that are not divided

def items_of(reader, cache, uid):
    """All that the blobs of a message hold, in the order of a blob."""
    return sorted(item for field in cachefile.FIELDS_OWN for item
                  in opened_blob(reader, cache, uid, field).items)


def undivide(reader, cache, uids):
    """All in the first blob, as an earlier build wrote it, and no saved
    keys."""
    for uid in uids:
        blob = facts(reader, cache, uid)
        whole = rf.seal_blob_own(
            reader.ring.master, reader.ring.id, blob.object_id,
            blob.data_key, [item for item in items_of(reader, cache, uid)
                            if item[0] != rf.KEYS_ITEM])
        record, = [record for record in cache.records(uid)
                   if cachefile.FIELD_OWN in [
                       entry.name for entry in record.entries]]
        cache.rewrite(record, [
            (entry.name, entry.data) for entry in record.entries
            if entry.name not in cachefile.FIELDS_OWN] + [
                (cachefile.FIELD_OWN, whole)])


def assert_settled(server, user, wanted, mailbox="INBOX"):
    """The next session finds all, and opens nothing."""
    with opened.Opens(server, user) as opens:
        assert session(server, user, WHOLE, mailbox) == (wanted, [])
        assert opens.names() == []


def copy_all(server, user):
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        client.ok("CREATE Copy")
        client.ok("COPY 1:* Copy")
        client.logout()


def test_copy_of_what_was_made_twice(server):
    """Headers first, and all when more was asked: a copy has both, the
    newer behind the older."""
    user, wanted = filled(server, 3)
    lose_cache(server, user)
    session(server, user, ASKED[4:5])
    assert session(server, user, WHOLE) == (wanted, [])
    copy_all(server, user)
    for uid in 1, 2, 3:
        names = [entry.name for entry
                 in CacheFile(server, user, "Copy").entries(uid)]
        assert names.index(cachefile.LISTING) < \
            names.index(cachefile.FIELD_NEW)
    assert_settled(server, user, wanted, "Copy")


@pytest.mark.parametrize("field", cachefile.FIELDS_OWN)
def test_copy_of_what_was_healed(server, field):
    """What is bad was replaced, and is no news in the copy either."""
    user, wanted = filled(server, 3)
    cache = CacheFile(server, user)
    for uid in 1, 2, 3:
        cache.flip(cache.blob(uid, field), 60, 0)
    assert_noticed(server, user, wanted, (1, 2, 3), lambda uid: "blob-auth")
    copy_all(server, user)
    assert_settled(server, user, wanted, "Copy")


def test_healed_while_sorting(server):
    """Each message is opened once, however often it is compared."""
    user = next(server.names)
    append_all(server, user, [
        b"From: a%d@x.example\r\nSubject: same\r\n\r\nbody\r\n" % (9 - n)
        for n in range(8)])
    commands = ["SORT (SUBJECT FROM) UTF-8 ALL", "FETCH 1:* (ENVELOPE)",
                "FETCH 1:* (PREVIEW)"]
    wanted, lines = session(server, user, commands)
    assert lines == []
    cache = CacheFile(server, user)
    for uid in range(1, 9):
        cache.flip(cache.blob(uid, cachefile.SUMMARY), 60, 0)
    with opened.Opens(server, user) as opens:
        found, lines = session(server, user, commands)
        assert 0 < opens.count() <= 8  # mdbox has them in one file
    assert found == wanted
    assert uids_of(lines, lambda uid: "blob-auth") == list(range(1, 9))


@pytest.mark.parametrize("field", cachefile.FIELDS_OWN)
def test_form_2_where_form_1_stands(server, field):
    """Whoever can seal can write it, of any message of the owner's."""
    user, whole = filled(server, 3)
    wanted, _ = session(server, user, NEEDED[field])
    reader, cache = tamper.Reader(server, user), CacheFile(server, user)
    lines = b"Subject: forged\nFrom: forged@x.example\n"
    forged = rf.seal_blob_new(
        reader.find(b"Subject: s001")[2][:tamper.HEADER],
        facts(reader, cache, 2).data_key,
        [(3, lines), (4, b'NIL "forged"'), (5, b'"forged"'), (6, b"1forged"),
         (10, lines)])
    record = cache.records(1)[-1]
    cache.rewrite(record, [
        (entry.name, forged if entry.name == field else entry.data)
        for entry in record.entries
        if entry.name in (cachefile.FIELD_OWN, field)])
    found, lines = session(server, user, NEEDED[field])
    assert found == wanted
    assert uids_of(lines, lambda uid: "blob-form") == [1]
    assert session(server, user, WHOLE) == (whole, [])
    assert_settled(server, user, whole)


@pytest.mark.parametrize("field", cachefile.FIELDS_OWN[1:])
def test_form_1_beside_form_1(server, field):
    """An earlier build wrote it so: it is refused, though it opens, and made
    anew."""
    user, whole = filled(server, 3)
    wanted, _ = session(server, user, NEEDED[field])
    reader, cache = tamper.Reader(server, user), CacheFile(server, user)
    for uid in 1, 2, 3:
        first = facts(reader, cache, uid)
        earlier = rf.seal_blob_own(
            reader.ring.master, reader.ring.id, first.object_id,
            first.data_key, opened_blob(reader, cache, uid, field).items)
        cache.rewrite(cache.records(uid)[-1], [
            (cachefile.FIELD_OWN, cache.blob(uid).data), (field, earlier)])
    found, lines = session(server, user, NEEDED[field])
    assert found == wanted
    assert uids_of(lines, lambda uid: "blob-form") == [1, 2, 3]
    assert session(server, user, WHOLE) == (whole, [])
    assert_settled(server, user, whole)


def test_without_a_summary(server):
    """What is not there takes nothing along: headers have the same lines."""
    commands = NEEDED[cachefile.SUMMARY]
    user, _ = filled(server, 3)
    wanted, _ = session(server, user, commands)
    cache = CacheFile(server, user)
    for uid in 1, 2, 3:
        cache.drop(uid, cachefile.SUMMARY)
    with opened.Opens(server, user) as opens:
        assert session(server, user, commands) == (wanted, [])
        assert opens.names() == []


def test_a_long_summary_is_left_out(server):
    """It would be no shorter than what it spares."""
    user = next(server.names)
    append_all(server, user, [b"Subject: %s\r\n\r\nbody\r\n" % (b"x" * size)
                              for size in (1024 - 10, 1024 - 9)])
    cache = CacheFile(server, user)
    assert [len(cache.blob(uid, cachefile.SUMMARY).data) for uid in (1, 2)] \
        == [29 + 1152, 29 + 64]


# What each asks for; of a blob that it does not need, nothing is said.
NEEDED = {cachefile.FIELD_OWN: ["SORT (DATE) UTF-8 ALL",
                                "SEARCH SENTSINCE 10-Jan-2020"],
          cachefile.SUMMARY: ["SEARCH SUBJECT 7", "SORT (SUBJECT) UTF-8 ALL",
                              "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (FROM)])"],
          cachefile.PREVIEW: ["FETCH 1:* (PREVIEW)"],
          cachefile.HEADERS: ["SEARCH HEADER DATE 2020"],
          cachefile.LISTING: ["FETCH 1:* (ENVELOPE BODYSTRUCTURE)"]}


@pytest.mark.parametrize("field", cachefile.FIELDS_OWN)
def test_only_what_is_needed_is_opened(server, field):
    user, _ = filled(server, 3)
    wanted, lines = session(server, user, NEEDED[field])
    assert lines == []
    cache = CacheFile(server, user)
    for uid in 1, 2, 3:
        for other in cachefile.FIELDS_OWN:
            if other != field:
                cache.flip(cache.blob(uid, other), 50, 0)
    with opened.Opens(server, user) as opens:
        assert session(server, user, NEEDED[field]) == (wanted, [])
        assert opens.names() == []


def flip_new(server, user):
    cache = CacheFile(server, user)
    for uid in sorted(cache.newest):
        for entry in cache.entries(uid, cachefile.FIELD_NEW):
            cache.flip(entry, len(entry.data) - 1, 0)


@pytest.mark.parametrize("first", ["listing", "bodies"])
def test_all_in_the_first_blob(server, first):
    """Nothing is said, all is right, and what is missing is made once."""
    user, wanted = filled(server, 3)
    undivide(tamper.Reader(server, user), CacheFile(server, user), (1, 2, 3))
    if first == "bodies":
        assert bodies(server, user, 3) == ([small(n) for n in range(3)], [])
    assert session(server, user, WHOLE) == (wanted, [])
    assert_settled(server, user, wanted)


def test_bad_beside_all_in_the_first_blob(server):
    """There is no room to make anew what is bad: all goes, once."""
    user, wanted = filled(server, 3)
    undivide(tamper.Reader(server, user), CacheFile(server, user), (1, 2, 3))
    session(server, user, WHOLE)
    for _ in range(2):
        flip_new(server, user)
        found, lines = session(server, user, ASKED[:1])
        assert found[ASKED[0]] == wanted[ASKED[0]]
        assert uids_of(lines, lambda uid: "blob-auth") in ([1, 2, 3], [])
        assert session(server, user, WHOLE) == (wanted, [])
        assert_settled(server, user, wanted)


def test_blobs_of_one_message_exchanged(server):
    """In the place of another part a blob is none."""
    user, wanted = filled(server, 3)
    cache = CacheFile(server, user)
    for uid in (1, 2, 3):
        record = cache.records(uid)[-1]
        other = {cachefile.HEADERS: cachefile.LISTING,
                 cachefile.LISTING: cachefile.HEADERS}
        cache.rewrite(record, [(other.get(entry.name, entry.name), entry.data)
                               for entry in record.entries])
    assert_noticed(server, user, wanted, (1, 2, 3),
                   lambda uid: "blob-content")


def test_without_a_received_date(server):
    """Where the cache has lost it, nobody writes for its sake alone."""
    user, _ = filled(server, 3)
    cache = CacheFile(server, user)
    at = cache.bytes.index(b"date.received\0", cache.fields_at)
    cache.write(at, b"date.forgotten"[:13])
    before = os.stat(cache.path)
    for _ in range(2):
        session(server, user, ASKED[:1])
    after = os.stat(cache.path)
    assert (after.st_ino, after.st_mtime_ns) == \
        (before.st_ino, before.st_mtime_ns)


def test_plaintext_that_is_flagged_is_not_kept(make_module_server):
    """It is served, and said each time; what was kept of it would not be."""
    server = make_module_server("maildir", users=["flagged"], settings={
        "roost_policy": "sealed", "roost_plaintext": "flag"})
    append_all(server, "flagged", [small(0)])
    path = os.path.join(os.path.dirname(server.mail_files("flagged")[0]),
                        "1600000000.P1.host:2,S")
    with open(path, "wb") as file:
        file.write(small(9).replace(b"\r\n", b"\n"))
    os.chown(path, servers.MAIL_UID, servers.MAIL_GID)
    for _ in range(2):
        found, lines = session(server, "flagged", ASKED[:1])
        assert b"s009" in b"".join(found[ASKED[0]][0]) and len(lines) == 1
    cache = CacheFile(server, "flagged")
    assert [entry.name for uid in sorted(cache.newest) if uid != 1
            for entry in cache.entries(uid)
            if entry.name.startswith("roost.")] == []


# Password mode

@pytest.fixture(scope="module", params=servers.STORAGES)
def locked(request, make_module_server):
    server = make_module_server(request.param, start=False, secret=True)
    for user in ("alice", "bob", "carol", "dave"):
        tamper.put_keyring(server, user, tamper.make_keyring(
            server, user, "password")[0])
    return server.start()


def deliver_locked(server, user):
    for number in range(4):
        if number % 2:
            assert server.lda(user, small(number)).returncode == 0
        else:
            assert server.deliver(small(number), user)[0][0] == 250


def own_of(cache, uids):
    return [len(cache.entries(uid, cachefile.FIELD_OWN)) for uid in uids]


def wipe_messages(server, user):
    """The message files stay, what is in them goes."""
    for path, offset, content in server.objects(user):
        tamper.overwrite(path, offset, bytes(len(content)))


def test_delivery_to_locked_user(locked):
    """Form 2 until the first session, then form 1; what was paid for once
    is served without the message."""
    deliver_locked(locked, "alice")
    cache, uids = CacheFile(locked, "alice"), (1, 2, 3, 4)
    assert not any(map(cachefile.is_telling, cache.names()))
    assert own_of(cache, uids) == [0] * 4
    heads = {content[:tamper.HEADER]
             for _, _, content in locked.objects("alice")}
    for uid in uids:
        data = cache.blob(uid, cachefile.FIELD_NEW).data
        assert data[0] == 2 and data[1:1 + tamper.HEADER] in heads
        assert b"s00" not in data and b"a@x" not in data
    with opened.Opens(locked, "alice") as opens:
        wanted, lines = session(locked, "alice", WHOLE)
        assert lines == []
        assert opens.names() == []
    assert re.findall(rb"s\d\d\d", b"".join(wanted[ASKED[0]][0])) == \
        [b"s000", b"s001", b"s002", b"s003"]
    assert own_of(CacheFile(locked, "alice"), uids) == [1] * 4
    wipe_messages(locked, "alice")
    found, lines = session(locked, "alice", WHOLE)
    assert found == wanted
    assert lines == []


def reader_of(server, user):
    return tamper.Reader(server, user, unlock="secret",
                         given=tamper.secret_of(server.password(user)))


def test_form_2_beside_all_in_the_first_blob(locked):
    """A delivery that an earlier build listed: form 2 is opened once more,
    and never again."""
    user = "carol"
    deliver_locked(locked, user)
    wanted, _ = session(locked, user, WHOLE)
    undivide(reader_of(locked, user), CacheFile(locked, user), (1, 2, 3, 4))
    for _ in range(3):
        assert session(locked, user, WHOLE) == (wanted, [])
    cache = CacheFile(locked, user)
    for uid in (1, 2, 3, 4):
        assert {entry.data[0] for entry in cache.entries(uid)
                if entry.name in cachefile.FIELDS_OWN +
                (cachefile.FIELD_NEW,)} == {1, 3}
    assert_settled(locked, user, wanted)


def test_form_2_has_no_saved_keys(locked):
    """Who can seal can make a form 2 of any keys. Under keys that no stanza
    gives, a message stays refused."""
    user = "dave"
    assert locked.lda(user, small(0)).returncode == 0
    reader, cache = reader_of(locked, user), CacheFile(locked, user)
    path, offset, old = reader.find(b"Subject: s000")
    length = rf.Header(old).length
    head, key, base = old[:length + 56], os.urandom(32), os.urandom(12)
    forged = rf.with_digest(head + rf.seal_chunk(
        key, base, 0, small(0).replace(b"\r\n", b"\n").replace(
            b"body", b"EVIL")))
    assert len(forged) == len(old)
    blob = cache.blob(1, cachefile.FIELD_NEW).data
    items = rf.Blob(blob, reader.ring.id, reader.ring.master,
                    reader.ring.secrets).items
    assert rf.KEYS_ITEM not in dict(items)
    data_key = os.urandom(32)
    _, private, psk = reader.ring.secrets[-1]
    header = rf.seal(reader.ring.id, rf.public_of(private), psk, b"x",
                     object_id=old[32:48], data_key=data_key)[:length]
    saved = key + base + hashlib.sha256(head).digest()
    made = rf.seal_blob_new(header, data_key, [
        item for item in items if item[0] in (3, 8)] +
                            [(rf.KEYS_ITEM, saved)])
    cache.change(1, cachefile.FIELD_NEW, made)
    tamper.overwrite(path, offset, forged)
    for _ in range(2):
        found, lines = session(locked, user, ["FETCH 1 (BODY.PEEK[TEXT])"])
        assert b"EVIL" not in repr(found).encode()
        assert "[final-chunk]" in "".join(lines), lines


def test_damage_of_form_2(locked):
    """Every part of it damaged: the message is asked."""
    user = "bob"
    for number in range(12):
        assert locked.deliver(small(number), user)[0][0] == 250
    cache = CacheFile(locked, user)
    size = len(cache.blob(1, cachefile.FIELD_NEW).data)
    places = [0, 1, 1 + 8, 1 + 16, 1 + 32, 1 + 48, 1 + 76, 1 + 108,
              1 + tamper.HEADER, 13 + tamper.HEADER, size - 1]
    for uid, at in enumerate(places, 1):
        cache.flip(cache.blob(uid, cachefile.FIELD_NEW), at, 3)
    found, lines = session(locked, user, WHOLE)
    assert re.findall(rb"s\d\d\d", b"".join(found[ASKED[0]][0])) == \
        [b"s%03d" % number for number in range(12)]
    assert sorted(int(re.search(r"UID (\d+): roost", line).group(1))
                  for line in lines) == list(range(1, len(places) + 1))
    with opened.Opens(locked, user) as opens:
        again, lines = session(locked, user, WHOLE)
        assert again == found
        assert lines == []
        assert opens.names() == []


def test_locked_process_is_told_nothing(locked):
    """doveadm has no password: neither form opens."""
    for number in range(4):
        assert locked.deliver(small(number), "bob")[0][0] == 250
    done = locked.doveadm("fetch", "-u", "bob", "hdr.subject imap.envelope",
                          "mailbox", "INBOX", check=False)
    assert done.returncode != 0
    assert not re.search(rb"s\d\d\d", done.stdout)
    assert done.stderr.count(b"[locked]") == 1, done.stderr
