# SPDX-License-Identifier: MIT
"""What a client is told is the same with Roost as without it.

The same messages go to two servers, one plain and one with Roost, and every
answer is compared byte for byte; again after the indexes were lost, and after
mail files were damaged and repaired.
"""

import os
import random
import re

import pytest

import corpus
import server as servers
from imapclient import body_parts, parse_list
from pairs import Pair

# Dovecot's own repair of a dbox file cuts a plaintext message at these
# bytes; sealed it has none of them, so that there the answers may differ.
UNREPAIRABLE = ("looks-dbox",)
@pytest.fixture(scope="module", params=servers.STORAGES)
def pair(request, make_module_server):
    pair = Pair(make_module_server, request.param)
    pair.fill(corpus.messages())
    assert len(pair.messages) > 100
    return pair


# Questions

def structure(pair, number):
    answer = pair.ask("FETCH %d (BODYSTRUCTURE)" % number)
    found = re.search(rb"BODYSTRUCTURE ", answer.untagged[0])
    return parse_list(answer.untagged[0], found.end())[0]


def batches(items, size):
    for start in range(0, len(items), size):
        yield items[start:start + size]


def part_questions(parts, rng):
    """FETCH items for each MIME part: many in one command where no item
    can be refused."""
    bodies = ["BODY.PEEK[%s]" % section for section, _, _ in parts]
    bodies += ["BODY.PEEK[%s.MIME]" % section
               for section, _, mime in parts if mime]
    bodies += ["BODY.PEEK[%s.%s]" % (section, what)
               for section, leaf, _ in parts if leaf
               for what in ("HEADER", "TEXT")][:20]
    rng.shuffle(bodies)
    found = [" ".join(batch) for batch in batches(bodies, 8)]
    leaves = [section for section, leaf, _ in parts if leaf]
    for section in rng.sample(leaves, min(len(leaves), 12)):
        found += ["BINARY.PEEK[%s]" % section, "BINARY.SIZE[%s]" % section,
                  "BINARY.PEEK[%s]<%d.%d>" % (section, rng.randrange(3000),
                                              rng.randrange(1, 500)),
                  "BODY.PEEK[%s]<%d.%d>" % (section, rng.randrange(3000),
                                            rng.randrange(1, 500))]
    return found


def ranges(size, rng, count=8):
    """Partial fetches: random, at the ends, across chunk borders."""
    for _ in range(count):
        offset = rng.randrange(size + 2)
        yield offset, rng.choice((1, 2, 100, 1000, 16384, 16385, 40000))
    for border in (16384, 32768):
        if size > border:
            yield border - rng.randrange(1, 20), rng.randrange(20, 60)
    yield max(0, size - 3), 10
    yield size, 1
    yield size + 5, 5


def message_questions(pair, number, rng):
    """FETCH items about one message, in random order."""
    size = len(pair.messages[number - 1].data)
    asked = ["BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]",
             "ENVELOPE", "BODYSTRUCTURE", "BODY", "RFC822.SIZE",
             "INTERNALDATE FLAGS", "PREVIEW", "BINARY.PEEK[]",
             "BINARY.SIZE[]", "RFC822.HEADER",
             "BODY.PEEK[HEADER.FIELDS (SUBJECT FROM X-LONG-7 RECEIVED)]",
             "BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT FROM DATE)]",
             "RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[1]<0.20>"]
    asked += part_questions(body_parts(structure(pair, number)), rng)
    wanted = list(ranges(size, rng))
    asked += ["BODY.PEEK[]<%d.%d>" % pair_ for pair_ in wanted]
    asked += ["BODY.PEEK[TEXT]<%d.%d>" % pair_ for pair_ in wanted[:3]]
    asked += ["BODY.PEEK[HEADER]<%d.%d>" % (rng.randrange(400),
                                            rng.randrange(1, 400))]
    if number % 5 == 0:
        asked += ["BODY[]", "RFC822", "RFC822.TEXT"]
    if re.search(rb"\r(?!\n)", pair.messages[number - 1].data):
        asked = [item for item in asked if may_be_asked(pair, number, item)]
    rng.shuffle(asked)
    # Last, since what BINARY answers of a part that is a message in base64
    # depends on whether Dovecot counted its size just before, which it does
    # not have to if the index cache knows it.
    asked.sort(key=lambda item: item.startswith("BINARY.SIZE"))
    return asked


def may_be_asked(pair, number, item):
    """False for a range that begins behind a lone CR: plain Dovecot miscounts
    there, calls the message's size broken, and renames its file."""
    found = re.match(r"(BODY\.PEEK\[.*\])<(\d+)\.\d+>$", item)
    if not found:
        return True
    whole = b"".join(pair.ask("FETCH %d (%s)" % (number, found.group(1)))
                     .untagged)
    literal = re.search(rb"\{(\d+)\}\r\n", whole)
    if not literal:
        return True
    before = literal.end() + int(found.group(2)) - 1
    return whole[before:before + 1] != b"\r" or \
        whole[before + 1:before + 2] == b"\n"


def ask_about_messages(pair, rng):
    numbers = list(range(1, len(pair.messages) + 1))
    rng.shuffle(numbers)
    for number in numbers:
        for items in message_questions(pair, number, rng):
            pair.ask("FETCH %d (%s)" % (number, items))


def light_searches():
    """SEARCH keys that need no message's body."""
    keys = ['LARGER %d' % size for size in (0, 400, 16384, 16640, 900000)]
    keys += ['SMALLER %d' % size for size in (1, 16385, 33000)]
    keys += ['BEFORE 1-Jan-2010', 'ON 31-Dec-2019', 'SINCE 1-Jan-2020',
             'SENTBEFORE 1-Jan-2015', 'SENTSINCE 1-Jan-2016',
             'SENTON 1-Jan-2024', 'OLDER 1000', 'DRAFT', 'UNSEEN',
             'SUBJECT canary', 'SUBJECT "no\\"', 'FROM x@y', 'FROM barley',
             'TO reader', 'CC undisclosed', 'BCC hidden', 'CC org',
             'HEADER Message-ID sender.example', 'HEADER X-Long-3 ""',
             'HEADER X-Long-3 candle', 'HEADER Received "by mail"',
             'HEADER List-Id l.example', 'HEADER Bcc zephyr24',
             'OR FROM umber HEADER Subject list', 'NOT SUBJECT canary']
    return keys


def heavy_searches(pair, rng):
    """SEARCH commands that read every message."""
    keys = ['BODY lantern', 'TEXT "sender.example"', 'BODY "sender.example"',
            'NOT BODY a', 'TEXT GIF89a', 'BODY picture',
            'OR BODY umber HEADER Subject list']
    for message in rng.sample(pair.messages, 6):
        keys += ["TEXT " + found.decode() for found in message.words[:1]]
    return [(key,) for key in keys] + [
        ("CHARSET UTF-8 %s " % key, (sought.encode(),))
        for key, sought in (("BODY", "Grüße"), ("TEXT", "日本"),
                            ("SUBJECT", "Köln"), ("TEXT", "€"),
                            ("BODY", "письмо"), ("BODY", "nowhere-at-all"))]


SORTS = ("ARRIVAL", "DATE", "SIZE", "SUBJECT", "FROM", "TO", "CC",
         "REVERSE SIZE SUBJECT", "SUBJECT REVERSE DATE", "DISPLAYFROM",
         "REVERSE DISPLAYTO", "FROM SUBJECT DATE")
THREADS = ("REFERENCES", "REFS", "ORDEREDSUBJECT")


def ask_about_mailbox(pair):
    for key in light_searches():
        pair.ask("SEARCH " + key)
        pair.ask("SEARCH RETURN (MIN MAX COUNT ALL) " + key)
    for order in SORTS:
        pair.ask("SORT (%s) UTF-8 ALL" % order)
    for kind in THREADS:
        pair.ask("THREAD %s UTF-8 ALL" % kind)
    for items in ("ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE INTERNALDATE",
                  "PREVIEW", "BODY.PEEK[HEADER.FIELDS (SUBJECT DATE)]"):
        pair.ask("FETCH 1:* (%s)" % items)


def ask_everything(pair, phase):
    rng = random.Random("%d %s" % (corpus.SEED, phase))
    pair.connect()
    ask_about_messages(pair, rng)
    for command in heavy_searches(pair, rng):
        pair.ask("SEARCH " + command[0], *command[1:])
    ask_about_mailbox(pair)
    # A new session is served from what the last one left in the index.
    pair.connect()
    ask_about_mailbox(pair)
    assert_as_sent(pair)
    pair.disconnect()


def assert_as_sent(pair):
    """The sealed server gives back what was sent, and finds it."""
    client = pair.clients[1]
    for number, message in enumerate(pair.messages, 1):
        if corpus.is_regular(message.data):
            got = client.fetch(number, "BODY.PEEK[]")
            assert got == message.data, message.name
            answer = client.ok("FETCH %d (RFC822.SIZE)" % number)
            assert b"RFC822.SIZE %d)" % len(message.data) \
                in answer.untagged[0], message.name
    for name in ("simple", "base64-one-line", "crlf-16385", "from-line"):
        found = client.ok("SEARCH TEXT " + corpus.word(name))
        wanted = [n for n, m in enumerate(pair.messages, 1)
                  if m.name == name]
        assert found.untagged == [b"* SEARCH %d\r\n" % wanted[0]], name


# Tests

def test_parser_knows_sections():
    """The test's own reader of BODYSTRUCTURE: a wrong one would ask less."""
    text = (b'((("text" "plain" NIL NIL NIL "7bit" 1 1)("text" "html" NIL NIL'
            b' NIL "7bit" {3}\r\n1)( 1) "alternative")("message" "rfc822" NIL'
            b' NIL NIL "7bit" 9 (NIL) ("text" "plain" NIL NIL NIL "7bit" 1 1)'
            b' 5) "mixed")')
    sections = [section for section, _, _ in body_parts(parse_list(text)[0])]
    assert sections == ["1", "1.1", "1.2", "2", "2.1"]


def test_every_answer(pair):
    ask_everything(pair, "fresh")


def test_disk_holds_no_word(pair):
    """Each stored message is sealed: none of its words is in its file."""
    pair.sealed.assert_sealed("alice", len(pair.messages))
    words = [word for message in pair.messages for word in message.words]
    assert len(words) > 100
    assert pair.plain.find_on_disk(*words[:3]), "the search finds nothing"
    if pair.sealed.roost:
        assert pair.sealed.find_on_disk(*words) == []


def test_every_answer_after_index_loss(pair):
    pair.restart(lambda server: server.remove_indexes("alice"))
    if pair.storage != "maildir":
        for server in pair.both:
            server.doveadm("force-resync", "-u", "alice", "INBOX")
    ask_everything(pair, "rebuilt")


@pytest.mark.parametrize("storage", servers.STORAGES)
def test_attachments_that_dovecot_finds(make_server, storage):
    """Dovecot's own $HasAttachment and $HasNoAttachment, which it sets when
    it parses a message: the same at last, whenever that is."""
    pair = Pair(make_server, storage,
                extra="mail_attachment_detection_options = add-flags\n",
                plugins=[], settings={})
    pair.fill([message for message in corpus.messages()
               if corpus.is_regular(message.data)][:12])
    found = []
    for server in pair.both:
        with server.raw("alice") as client:
            client.ok("SELECT INBOX")
            client.ok("FETCH 1:* (BODYSTRUCTURE BODY.PEEK[])")
        with server.raw("alice") as client:
            client.ok("SELECT INBOX")
            found.append(client.ok("FETCH 1:* (FLAGS)").untagged)
    found = [[line.replace(b"\\Recent ", b"").replace(b"\\Recent", b"")
              for line in lines if b"FETCH" in line] for lines in found]
    assert found[0] == found[1]
    assert len(found[0]) == len(pair.messages) > 8
    assert all(b"Attachment" in line for line in found[0]), found[0]


DAMAGED = ("simple", "crlf-16384", "lf-32768", "nest-60", "bare-lf",
           "header-200kb", "nul-body")


def damage(server, uids):
    """Damages mail files where plain Dovecot loses nothing: maildir loses
    the sizes in file names, sdbox the first byte of a file, mdbox the size
    of a message."""
    if server.storage == "maildir":
        for path in server.mail_files("alice"):
            os.rename(path, re.sub(r",[SW]=\d+", "", path))
    elif server.storage == "sdbox":
        hit = [path for path in server.mail_files("alice")
               if int(path.rsplit(".", 1)[1]) in uids]
        assert len(hit) == len(DAMAGED)
        for path in hit:
            overwrite(path, 0, b"9")
    else:
        # Where the size is wrong, Dovecot's repair looks for its own marks,
        # LF 01 and more; at an LF 01 that is none it skips what it has read
        # and joins messages, whatever plugin wrote them. Small messages
        # have none by chance.
        small = [found for found in server.objects("alice")
                 if len(found[2]) < 2000 and b"\n\x01" not in found[2]]
        assert len(small) > 50, \
            "only %d small messages without LF 01" % len(small)
        for path, offset, content in small[5::len(small) // 6]:
            overwrite(path, offset - 17, b"%016X" % (len(content) + 7))


def overwrite(path, offset, content):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(content)


def repair(server):
    """What an admin does: Dovecot notices at reading, then force-resync."""
    for _ in range(3):
        server.doveadm("fetch", "-u", "alice", "text", "mailbox", "INBOX",
                       check=False)
    for _ in range(2):
        server.doveadm("force-resync", "-u", "alice", "INBOX")


def test_every_answer_after_repair(pair):
    pair.expunge(UNREPAIRABLE)
    uids = pair.uids(DAMAGED)
    pair.restart(lambda server: damage(server, uids[server]))
    for server in pair.both:
        repair(server)
    if pair.storage != "maildir":
        for server in pair.both:
            assert server.broken_files("alice"), "nothing was repaired"
    ask_everything(pair, "repaired")


def quota(server, user="alice"):
    done = server.doveadm("-f", "tab", "quota", "get", "-u", user)
    return done.stdout


def test_quota_counts_plaintext(pair):
    numbers = [quota(server) for server in pair.both]
    assert numbers[0] == numbers[1]
    assert b"STORAGE\t%d" % 0 not in numbers[1]
    for server in pair.both:
        server.doveadm("quota", "recalc", "-u", "alice")
    assert [quota(server) for server in pair.both] == numbers


OTHER = ("(BODY.PEEK[TEXT] BODY.PEEK[1] BODYSTRUCTURE ENVELOPE RFC822.SIZE "
         "PREVIEW BODY.PEEK[HEADER.FIELDS.NOT (RECEIVED)])")


def test_delivered_by_lmtp(pair):
    """What LMTP delivers, but for the Received line with its id."""
    accepted = 0
    lmtp = [server.lmtp() for server in pair.both]
    for message in pair.messages:
        answers = [server.deliver(message.data, "bob", client=client)[0][0]
                   for server, client in zip(pair.both, lmtp)]
        assert answers[0] == answers[1], message.name
        accepted += answers[0] == 250
    for client in lmtp:
        client.quit()
    assert accepted > 100
    pair.connect("bob")
    for number in range(1, accepted + 1):
        pair.ask("FETCH %d %s" % (number, OTHER))
        pair.ask("FETCH %d (BODY.PEEK[TEXT]<%d.%d>)" % (
            number, 16384 - number, 2 * number))
    pair.disconnect()
    pair.sealed.assert_sealed("bob", accepted)


def test_big_message(pair):
    """25 MB: whole, in parts, and at random places."""
    message = corpus.big()
    rng = random.Random("%d big ranges" % corpus.SEED)
    pair.connect("carol")
    for client in pair.clients:
        assert client.append("INBOX", message.data).ok
    pair.ask("NOOP")
    pair.ask("FETCH 1 (RFC822.SIZE ENVELOPE BODYSTRUCTURE PREVIEW)")
    size = len(message.data)
    for offset, length in list(ranges(size, rng, 12)):
        pair.ask("FETCH 1 (BODY.PEEK[]<%d.%d>)" % (offset, length))
        pair.ask("FETCH 1 (BODY.PEEK[2]<%d.%d>)" % (offset, length))
    pair.ask("FETCH 1 (BODY.PEEK[1] BODY.PEEK[2.MIME] BODY.PEEK[HEADER])")
    pair.ask("SEARCH BODY " + corpus.word("big"))
    pair.ask("FETCH 1 (BINARY.SIZE[2])")
    assert pair.clients[1].fetch(1, "BODY.PEEK[]") == message.data
    pair.disconnect()
    pair.sealed.assert_sealed("carol", 1)


@pytest.mark.parametrize("storage", ["maildir"])
def test_stored_with_crlf(make_server, storage):
    """mail_save_crlf: messages lie on disk with CRLF."""
    pair = Pair(make_server, storage, crlf=True)
    pair.fill([message for message in corpus.messages()
               if message.name not in ("header-200kb", "line-1mb-spaces")])
    ask_everything(pair, "crlf")
    pair.sealed.assert_sealed("alice", len(pair.messages))
