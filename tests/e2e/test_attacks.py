# SPDX-License-Identifier: MIT
"""Somebody changes the files of a running server: what opens is genuine, and
what does not open is refused for the right reason, logged once in a session,
and takes nothing else with it.

Each test has a user of its own, whose mailbox holds three messages of three
chunks; the one in the middle, or the last one where its length changes, is
attacked. imap_fetch_failure is Dovecot's default.
"""

import itertools
import os
import re
import secrets

import pytest

import server as servers
import tamper
from imapclient import Closed
from tamper import AT, BODY, CHUNK, HEADER, SEALED_CHUNK, rf
from cachekit import lose_cache

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="attacks on Roost")

STOCK = "\nimap_fetch_failure = disconnect-immediately\n"
NAMES = ["u%03d" % number for number in range(250)]
PINNED = {"roost_policy": "sealed"}
USERS = dict({name: {} for name in NAMES}, pinned=PINNED, copier=PINNED,
             flag={"roost_plaintext": "flag"},
             serve={"roost_plaintext": "serve"})
NUMBER = {b"first": 1, b"middle": 2, b"last": 3}


def message(word):
    """About 40 kB: the words of each chunk are its own."""
    lines = [b"%s line %05d of a message of three chunks" % (word, number)
             for number in range(850)]
    return b"From: a@sender.example\r\nSubject: about %s\r\n\r\n%s\r\n" % (
        word, b"\r\n".join(lines))


def stored(data):
    """As maildir and dbox keep it."""
    return data.replace(b"\r\n", b"\n")


class Box:
    """One user of one server: three messages, and sessions that watch the
    log."""

    def __init__(self, server, words=(b"first", b"middle", b"last"),
                 user=None):
        self.server = server
        self.user = user or NAMES[next(server.next_user)]
        client = self.session()
        for word in words:
            assert client.append("INBOX", message(word)).ok
        client.logout()
        self.reader = tamper.Reader(server, self.user)

    def place(self, word):
        return self.reader.find(b"Subject: about " + word)

    def session(self, mailbox="INBOX"):
        self.client = self.server.raw(self.user)
        self.client.ok('SELECT "%s"' % mailbox)
        return self.client

    def log(self):
        """Ends the last session; all that it logged."""
        self.client.logout()
        return self.server.session_log(self.client)

    def errors(self):
        return [line for line in self.log()
                if re.search(r"Error:|Warning:|Panic:|Fatal:", line)]

    def assert_refused(self, number, gate, others, mailbox="INBOX"):
        """FETCH says NO again and again, the others are there, and the log
        has one line."""
        client = self.session(mailbox)
        for _ in range(3):
            answer = client.cmd("FETCH %d (BODY.PEEK[])" % number)
            assert answer.status == "NO", answer
            assert answer.text.startswith(b"[PARSE] "), answer
            assert b"BODY" not in b"".join(answer.untagged), answer
        for word, at in others.items():
            assert client.fetch(at, "BODY.PEEK[]") == message(word), word
        lines = self.errors()
        assert len(lines) == 1, lines
        assert "[%s]" % gate in lines[0], lines
        assert "Mailbox %s: UID %d: roost: " % (mailbox, number) \
            in lines[0], lines
        self.assert_untouched()

    def assert_untouched(self):
        """Dovecot took it for no damage of its own files."""
        assert self.server.broken_files(self.user) == []
        log = self.log()
        assert not [line for line in log if re.search(
            r"[Cc]orrupt|[Rr]ebuild|fscking", line)], log

    def assert_opens(self, word, number=None):
        client = self.session()
        number = number or NUMBER[word]
        assert client.fetch(number, "BODY.PEEK[]") == message(word)
        assert self.errors() == []


@pytest.fixture(scope="module", params=servers.STORAGES)
def server(request, make_module_server):
    server = make_module_server(request.param, users=USERS, extra=STOCK)
    server.next_user = itertools.count()
    return server


# A changed byte

BYTES = {
    "magic-first": (AT["magic"], "wrong-magic"),
    "magic-last": (AT["magic"] + 7, "wrong-magic"),
    "version": (AT["version"], "unknown-version"),
    "suite": (AT["suite"], "unknown-suite"),
    "table-length": (AT["table-length"] + 1, "stanza-table"),
    "flags-critical": (AT["flags"] + 3, "critical-flag"),
    "flags": (AT["flags"], "stanza-auth"),
    "keyring-id": (AT["keyring-id"], "other-keyring"),
    "object-id": (AT["object-id"] + 15, "stanza-auth"),
    "stanza-count": (AT["stanza-count"], "stanza-count"),
    "reserved": (AT["reserved"] + 7, "reserved-byte"),
    "stanza-type": (AT["stanza-type"], "no-key"),
    "stanza-role": (AT["stanza-role"], "stanza-type"),
    "stanza-length": (AT["stanza-length"], "stanza-table"),
    "stanza-key-id": (AT["stanza-key-id"] + 3, "no-key"),
    "enc": (AT["enc"] + 9, "stanza-auth"),
    "ciphertext": (AT["ciphertext"], "stanza-auth"),
    "stanza-tag": (AT["ciphertext"] + 47, "stanza-auth"),
    "salt": (AT["salt"], "commitment"),
    "commitment": (AT["commitment"] + 31, "commitment"),
    "final-chunk": (-rf.DIGEST_LEN - 200, "final-chunk"),
    "final-tag": (-rf.DIGEST_LEN - 1, "final-chunk"),
}


@pytest.mark.parametrize("region", BYTES)
def test_changed_byte(server, region):
    at, gate = BYTES[region]
    box = Box(server)
    tamper.flip(box.place(b"middle"), at)
    box.assert_refused(2, gate, {b"first": 1, b"last": 3})


def test_changed_digest_opens(server):
    """The digest is for who has no key; with one it says nothing more."""
    box = Box(server)
    tamper.flip(box.place(b"middle"), -1)
    box.assert_opens(b"middle")


def assert_first_chunk_refused(box):
    """It is read before anything is announced."""
    client = box.session()
    for _ in range(3):
        answer = client.cmd("FETCH 2 (BODY.PEEK[])")
        assert refused(answer), answer
    lines = box.errors()
    assert lines and all("[chunk]" in line for line in lines), lines
    assert re.search(r"INBOX: UID[ =]2: .*chunk 0 of", lines[0]), lines


def test_changed_first_chunk(server):
    box = Box(server)
    tamper.flip(box.place(b"middle"), BODY + 100)
    assert_first_chunk_refused(box)
    box.assert_untouched()
    box.assert_opens(b"first")
    box.assert_opens(b"last")


def test_changed_chunk(server):
    """The literal was announced: the connection ends, and what was sent is
    what verified before."""
    box = Box(server)
    tamper.flip(box.place(b"middle"), BODY + SEALED_CHUNK + 100)
    client = box.session()
    with pytest.raises(Closed) as closed:
        client.cmd("FETCH 2 (BODY.PEEK[])")
    assert_prefix(closed.value.seen, b"middle", 1)
    lines = box.errors()
    assert len(lines) == 1 and "[chunk]" in lines[0], lines
    assert re.search(r"INBOX: UID[ =]2: .*chunk 1 of", lines[0])
    box.assert_untouched()
    box.assert_opens(b"first")
    box.assert_opens(b"last")


def assert_prefix(seen, word, chunks):
    """seen holds of the message nothing but a beginning that ends within
    the first `chunks` chunks."""
    literal = re.search(rb"BODY\[\] \{\d+\}\r\n", seen)
    released = seen[literal.end():] if literal else b""
    verified = stored(message(word))[:chunks * CHUNK]
    assert stored(message(word)).startswith(stored(released[:-1]))
    assert len(stored(released)) <= len(verified)
    if not literal:
        assert b"line 0" not in seen


def test_chunks_swapped(server):
    box = Box(server)
    place = box.place(b"middle")
    one, two = BODY, BODY + SEALED_CHUNK
    new = place[2][:one] + place[2][two:two + SEALED_CHUNK] + \
        place[2][one:two] + place[2][two + SEALED_CHUNK:]
    tamper.replace(place, new)
    assert_first_chunk_refused(box)
    box.assert_opens(b"last")


# Another length

def cut(length):
    return lambda data: rf.with_digest(data[:length])


LENGTHS = {
    "inside-magic": (lambda data: data[:4], "header-short"),
    "inside-header": (lambda data: data[:40], "header-short"),
    "inside-stanza": (lambda data: data[:HEADER - 1], "header-short"),
    "inside-prologue": (lambda data: data[:BODY - 1], "prologue-short"),
    "before-body": (cut(BODY), "impossible-length"),
    "chunk-border": (cut(BODY + 2 * SEALED_CHUNK), "impossible-length"),
    "inside-chunk": (cut(BODY + SEALED_CHUNK + 5000), "final-chunk"),
    "final-chunk": (lambda data: rf.with_digest(data[:-432]),
                    "final-chunk"),
    "last-byte": (lambda data: data[:-1], "final-chunk"),
    "last-byte-good-digest": (lambda data: rf.with_digest(data[:-33]),
                              "final-chunk"),
    "no-digest": (lambda data: data[:-32], "final-chunk"),
    "one-more": (lambda data: data + b"\0", "final-chunk"),
    "one-more-good-digest": (lambda data: rf.with_digest(data[:-32] + b"\0"),
                             "final-chunk"),
    "chunk-more": (lambda data: rf.with_digest(
        data[:-32] + data[BODY:BODY + SEALED_CHUNK]), "final-chunk"),
    "chunk-less": (lambda data: rf.with_digest(
        data[:BODY] + data[BODY + SEALED_CHUNK:-32]), "final-chunk"),
    "twice": (lambda data: data + data, "final-chunk"),
}


@pytest.mark.parametrize("change", LENGTHS)
def test_changed_length(server, change):
    edit, gate = LENGTHS[change]
    box = Box(server)
    place = box.place(b"last")
    tamper.replace(place, edit(place[2]))
    box.assert_refused(3, gate, {b"first": 1, b"middle": 2})


# Genuine pieces in the wrong place

def test_two_users_messages_swapped(server):
    one, two = Box(server), Box(server)
    places = one.place(b"middle"), two.place(b"middle")
    assert len(places[0][2]) == len(places[1][2])
    tamper.replace(places[0], places[1][2])
    tamper.replace(places[1], places[0][2])
    for box in one, two:
        box.assert_refused(2, "other-keyring", {b"first": 1, b"last": 3})


def test_foreign_message_relabelled(server):
    """Another user's message with our keyring id written over its own."""
    one, two = Box(server), Box(server)
    foreign = bytearray(two.place(b"middle")[2])
    foreign[16:32] = one.reader.ring.id
    tamper.replace(one.place(b"middle"), bytes(foreign))
    one.assert_refused(2, "no-key", {b"first": 1, b"last": 3})


def test_foreign_file_dropped_in(make_server):
    """A copy of another user's maildir file, put into new/."""
    server = make_server("maildir", users=USERS, extra=STOCK)
    server.next_user = itertools.count()
    one, two = Box(server), Box(server)
    path, _, content = two.place(b"middle")
    target = os.path.join(server.home(one.user), "Maildir", "new",
                          os.path.basename(path).split(":")[0])
    tamper.write(target, content)
    one.assert_refused(4, "other-keyring", dict(NUMBER))


@pytest.mark.parametrize("upto, gate", [(HEADER, "commitment"),
                                        (BODY, "final-chunk")])
def test_old_header_new_body(server, upto, gate):
    """Two of the user's own messages, one's header before the other's
    body; with the salt and commitment of the header, and of the body."""
    box = Box(server, words=(b"first", b"midd-1", b"midd-2"))
    places = [box.place(word) for word in (b"midd-1", b"midd-2")]
    assert len(places[0][2]) == len(places[1][2])
    tamper.replace(places[0], places[0][2][:upto] + places[1][2][upto:])
    box.assert_refused(2, gate, {b"first": 1, b"midd-2": 3})


def forged(box, psk):
    """The middle message's text, changed, sealed to the user's public key
    as whoever has read the keyring's file could."""
    place = box.place(b"middle")
    gate, plain = box.reader.open(place[2])
    assert gate == "ok"
    new = box.reader.seal(plain.replace(b"middle", b"forged"), psk)
    tamper.replace(place, new)


@pytest.mark.parametrize("psk", [bytes(32), secrets.token_bytes(32)],
                         ids=["zero", "random"])
def test_sealed_with_public_key_alone(server, psk):
    box = Box(server)
    forged(box, psk)
    box.assert_refused(2, "stanza-auth", {b"first": 1, b"last": 3})


def test_sealed_with_the_keyrings_secret_opens(server):
    """The same, with the pre-shared key: so that the test above can fail."""
    box = Box(server)
    forged(box, None)
    client = box.session()
    assert client.fetch(2, "BODY.PEEK[]") == \
        message(b"middle").replace(b"middle", b"forged")
    lines = box.errors()
    assert len(lines) == 1 and "[object-changed]" in lines[0], lines


# Plaintext under policy sealed

def put_plaintext(box):
    """Plaintext of the same size in place of the last message, and nothing
    left that says that it was sealed: see test_policy.py."""
    place = box.place(b"last")
    tamper.replace(place, stored(message(b"slip")))
    lose_cache(box.server, box.user)


def policy_in_keyring(box, word):
    """Where the keyring says `open`, userdb alone can say otherwise."""
    path = tamper.keyring_path(box.server, box.user)
    text = tamper.swap_line(tamper.read(path), b"policy", b"policy " + word)
    tamper.write(path, tamper.provider_mac(text, box.reader.ring.host_key))


@pytest.mark.parametrize("how", ["userdb", "keyring"])
def test_plaintext_refused(server, how):
    box = Box(server, user="pinned" if how == "userdb" else None)
    policy_in_keyring(box, b"sealed" if how == "keyring" else b"open")
    put_plaintext(box)
    box.assert_refused(3, "plaintext", {b"first": 1, b"middle": 2})


@pytest.mark.parametrize("word, lines", [("flag", 1), ("serve", 0)])
def test_plaintext_served(server, word, lines):
    box = Box(server, user=word)
    policy_in_keyring(box, b"sealed")
    put_plaintext(box)
    client = box.session()
    for _ in range(2):
        assert client.fetch(3, "BODY.PEEK[]") == message(b"slip")
    logged = box.errors()
    assert len(logged) == lines, logged
    assert all("UID 3" in line and "[plaintext]" in line for line in logged)


def test_plaintext_served_under_open(server):
    box = Box(server)
    server.doveadm("roost", "policy", "-u", box.user, "open")
    put_plaintext(box)
    client = box.session()
    assert client.fetch(3, "BODY.PEEK[]") == message(b"slip")
    assert box.errors() == []


def test_plaintext_copied_under_sealed(server):
    """COPY is no way around it."""
    box = Box(server, user="copier")
    policy_in_keyring(box, b"open")
    put_plaintext(box)
    client = box.session()
    client.ok("CREATE There")
    for command in "COPY", "MOVE":
        answer = client.cmd("%s 3 There" % command)
        assert answer.status == "NO", answer
    assert client.count("There") == 0 and client.count() == 3
    assert len(box.errors()) == 1


# Keyrings

def deliver(box):
    return box.server.deliver(message(b"more"), box.user)[0]


def contents(box):
    return sorted(item[2] for item in box.server.objects(box.user))


def assert_shut(box, reason, gate=None):
    """With this keyring nothing opens and nothing is taken in: one line in
    the log of each, and no file changes."""
    path = tamper.keyring_path(box.server, box.user)
    before = tamper.read(path) if os.path.exists(path) else None
    files = contents(box)
    client = box.session()
    for number in (1, 2, 3, 1):
        answer = client.cmd("FETCH %d (BODY.PEEK[])" % number)
        assert answer.status == "NO" and b"[PARSE]" in answer.text, answer
    lines = box.errors()
    assert len(lines) == 1, lines
    assert re.search(reason, lines[0]), lines
    mark = box.server.log_mark()
    code, text = deliver(box)
    assert code // 100 == 4, text
    box.server.wait_log(reason, mark)
    lines = [line for line in box.server.log_since(mark).splitlines()
             if "Error:" in line]
    assert len(lines) == 1, lines
    lda = box.server.lda(box.user, message(b"more"))
    assert lda.returncode == 75, lda
    assert contents(box) == files
    assert box.server.find_on_disk(b"more line") == []
    after = tamper.read(path) if os.path.exists(path) else None
    assert after == before


def assert_back(box):
    """All is as it was, and what was refused arrives."""
    for word, number in NUMBER.items():
        box.assert_opens(word, number)
    assert deliver(box)[0] == 250
    client = box.session()
    assert stored(client.fetch(4, "BODY.PEEK[]")).endswith(
        stored(message(b"more")))
    assert box.errors() == []


def test_another_users_keyring(server):
    box, other = Box(server), Box(server)
    path = tamper.keyring_path(server, box.user)
    own = tamper.read(path)
    tamper.write(path, tamper.read(tamper.keyring_path(server, other.user)))
    assert_shut(box, r"another user's \[owner\]")
    tamper.write(path, own)
    assert_back(box)


def test_keyring_deleted(server):
    """No new one is made while there are sealed messages."""
    box = Box(server)
    path = tamper.keyring_path(server, box.user)
    own = tamper.read(path)
    os.unlink(path)
    assert_shut(box, r"no keyring|keyring .* is missing")
    tamper.write(path, own)
    assert_back(box)


def test_keyring_deleted_sealed_mail_elsewhere(server):
    """The only sealed message lies in another mailbox, unsubscribed and
    deep; INBOX holds none."""
    box = Box(server)
    client = box.session()
    client.ok('CREATE "Deep/er"')
    client.ok('COPY 1 "Deep/er"')
    client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    client.logout()
    path = tamper.keyring_path(server, box.user)
    os.unlink(path)
    mark = server.log_mark()
    assert deliver(box)[0] // 100 == 4
    server.wait_log(r"keyring .* is missing", mark)
    assert not os.path.exists(path)


def test_keyring_deleted_damaged_mail(server):
    """What only claims to be sealed counts, too."""
    box = Box(server, words=(b"middle",))
    tamper.flip(box.place(b"middle"), AT["magic"])
    path = tamper.keyring_path(server, box.user)
    os.unlink(path)
    assert deliver(box)[0] // 100 == 4
    assert not os.path.exists(path)


def flipped(text, name):
    """The document with one character of that record's last field
    changed."""
    line = re.search(rb"(?m)^%s .*$" % name, text).group(0)
    old = line[-20:-19]
    new = b"B" if old == b"A" else b"A"
    return text.replace(line, line[:-20] + new + line[-19:])


def new_public_key(text):
    key = rf.b64(rf.public_of(os.urandom(32)))
    return re.sub(rb"(?m)^(epoch 1 x25519) \S+", rb"\1 " + key, text)


DOCUMENTS = {
    "public-key": (new_public_key, "provider-mac"),
    "identity": (lambda text: flipped(text, b"identity"), "provider-mac"),
    "owner-sig": (lambda text: flipped(text, b"owner-sig"),
                  "provider-mac"),
    "policy": (lambda text: tamper.swap_line(text, b"policy",
                                             b"policy open"),
               "provider-mac"),
    "generation": (lambda text: tamper.swap_line(text, b"generation",
                                                 b"generation 9"),
                   "provider-mac"),
    "provider-mac": (lambda text: flipped(text, b"provider-mac"),
                     "provider-mac"),
    "host": (lambda text: flipped(text, b"host"), "host-auth"),
    "id": (lambda text: flipped(text, b"id"), "host-auth"),
    "slot": (lambda text: flipped(text, b"slot"), "provider-mac"),
    "cut": (lambda text: text[:len(text) // 2], "doc-line"),
    "cut-at-line": (lambda text: text[:text.rindex(b"provider-mac")],
                    "doc-record"),
    "empty": (lambda text: b"", "doc-size"),
    "crlf": (lambda text: text.replace(b"\n", b"\r\n"), "doc-line"),
    "other-version": (lambda text: text.replace(b"keyring 1", b"keyring 2"),
                      "doc-version"),
}


@pytest.mark.parametrize("change", DOCUMENTS)
def test_keyring_changed(server, change):
    edit, gate = DOCUMENTS[change]
    box = Box(server)
    path = tamper.keyring_path(server, box.user)
    own = tamper.read(path)
    assert edit(own) != own
    tamper.write(path, edit(own))
    assert_shut(box, r"keyring .*\[%s\]" % gate)
    tamper.write(path, own)
    assert_back(box)


def test_public_key_replaced_by_who_has_the_provider_key(server):
    """The provider-mac is right, the owner's signature is not: nothing opens
    or is saved under such a keyring."""
    box = Box(server)
    path = tamper.keyring_path(server, box.user)
    own = tamper.read(path)
    tamper.write(path, tamper.provider_mac(new_public_key(own),
                                           box.reader.ring.host_key))
    assert_shut(box, r"keyring .*\[owner-sig\]")
    tamper.write(path, own)
    assert_back(box)


# What an unreadable message answers

def refused(answer):
    return answer.status == "NO" and answer.text.startswith(b"[PARSE] ") \
        and b"{" not in b"".join(answer.untagged)


def no(answer):
    """NO, perhaps with what the other messages contributed."""
    return answer.status == "NO"


def no_others(answer):
    return answer.status == "NO" and b"".join(answer.untagged) in (
        b"", b"* SEARCH 1 3\r\n", b"* SORT 1 3\r\n")


def fine(answer):
    return answer.ok


def from_index(answer):
    """NO, or what an earlier session left in the index."""
    return answer.status == "NO" or answer.ok


def from_cache(answer):
    """What the sealed cache holds is genuine, whatever became of the file."""
    return answer.ok and b'PREVIEW "middle line 00000' in answer.untagged[0]


# command: expected, where the message is refused at opening
REFUSED = {
    "FETCH 2 (BODY.PEEK[])": refused,
    "FETCH 2 (BODY[])": refused,
    "FETCH 2 (RFC822)": refused,
    "FETCH 2 (BODY.PEEK[TEXT])": refused,
    "FETCH 2 (BODY.PEEK[HEADER])": refused,
    "FETCH 2 (BODY.PEEK[1])": refused,
    "FETCH 2 (BODY.PEEK[]<0.10>)": refused,
    "FETCH 2 (BODY.PEEK[]<30000.50>)": refused,
    "FETCH 2 (BINARY.PEEK[1])": refused,
    "FETCH 2 (PREVIEW)": from_cache,
    "FETCH 2 (RFC822.SIZE)": fine,
    "FETCH 2 (FLAGS UID INTERNALDATE)": fine,
    "FETCH 1 (BODY.PEEK[])": fine,
    "FETCH 3 (BODY.PEEK[])": fine,
    "SEARCH BODY middle": no_others,
    "SEARCH TEXT nowhere": no_others,
    "SEARCH BODY message": no_others,
    "SEARCH SUBJECT middle": from_index,
    "SEARCH HEADER X-None none": from_index,
    "SEARCH LARGER 100": fine,
    "SEARCH UNSEEN": fine,
    "SORT (SUBJECT) UTF-8 ALL": from_index,
    "SORT (SIZE) UTF-8 ALL": fine,
    "SORT (ARRIVAL) UTF-8 BODY message": no_others,
    "THREAD REFERENCES UTF-8 ALL": from_index,
    "STORE 2 +FLAGS (\\Seen)": fine,
}

# What none of these may show, and what a right answer from the index is.
SECRET = (b"middle line", b"00001 of a message")
INDEXED = {b"* SEARCH 2\r\n", b"* SEARCH\r\n", b"* SORT 1 3 2\r\n",
           b"* THREAD (1)(2)(3)\r\n", b"* SORT 2 1 3\r\n", b""}


@pytest.fixture(scope="module")
def refused_box(server):
    box = Box(server)
    tamper.flip(box.place(b"middle"), AT["commitment"])
    return box


@pytest.mark.parametrize("command", REFUSED)
def test_refused_message(refused_box, command):
    box = refused_box
    client = box.session()
    answers = [client.cmd(command) for _ in range(2)]
    for answer in answers:
        assert REFUSED[command](answer), answer
        if REFUSED[command] is not from_cache and (
                " 2 " in command or not command.startswith("FETCH")):
            assert not any(word in b"".join(answer.untagged)
                           for word in SECRET)
        if REFUSED[command] is from_index:
            assert b"".join(answer.untagged) in INDEXED, answer
    assert client.fetch(3, "BODY.PEEK[]") == message(b"last")
    lines = box.errors()
    failed = any(not answer.ok for answer in answers)
    # 2.4 threads a message that it cannot read by itself, and says OK.
    assert len(lines) == failed or (command.startswith("THREAD") and
                                    len(lines) == 1), lines
    assert all("UID 2: roost: " in line and "[commitment]" in line
               for line in lines), lines


def test_refused_message_among_others(refused_box):
    """A FETCH of many stops at it; with no-after it does not."""
    box = refused_box
    client = box.session()
    answer = client.cmd("FETCH 1:3 (BODY.PEEK[])")
    assert answer.status == "NO" and b"[PARSE]" in answer.text
    assert b"first line 00849" in answer.untagged[0]
    assert not any(word in b"".join(answer.untagged[1:2])
                   for word in SECRET)
    assert len(box.errors()) == 1


def test_refused_message_no_after(make_server):
    """The setting of the example configuration: the rest is sent."""
    server = make_server("maildir", users=USERS)
    server.next_user = itertools.count()
    box = Box(server)
    tamper.flip(box.place(b"middle"), AT["commitment"])
    client = box.session()
    answer = client.cmd("FETCH 1:3 (BODY.PEEK[])")
    assert answer.status == "NO" and b"[PARSE]" in answer.text, answer
    text = b"".join(answer.untagged)
    assert message(b"first") in text and message(b"last") in text
    assert b"middle line" not in text
    assert len(box.errors()) == 1


def test_refused_message_by_pop3(refused_box):
    """-ERR, and all stays; Dovecot calls it expunged, and ends a session
    that asks for it a third time."""
    box = refused_box
    mark = box.server.log_mark()
    client = box.server.pop3(box.user)
    assert client.stat()[0] == 3
    for ask in (lambda: client.top(2, 1), lambda: client.retr(2)):
        with pytest.raises(servers.poplib.error_proto) as failed:
            ask()
        assert b"-ERR" in failed.value.args[0]
    assert b"\r\n".join(client.retr(3)[1]) + b"\r\n" == message(b"last")
    client.quit()
    lines = [line for line in box.server.log_since(mark).splitlines()
             if "Error:" in line]
    assert len(lines) == 1 and "[commitment]" in lines[0], lines
    assert len(box.server.objects(box.user)) == 3


def test_refused_message_by_doveadm(refused_box):
    """doveadm says so, exits with a failure, and shows the others."""
    box = refused_box
    done = box.server.doveadm("fetch", "-u", box.user, "text", "mailbox",
                              "INBOX", check=False)
    assert done.returncode in (65, 75), done.returncode
    assert done.stderr.count(b"[commitment]") == 1
    assert b"middle line" not in done.stdout
    assert b"first line 00849" in done.stdout
    assert b"last line 00849" in done.stdout
    done = box.server.doveadm("search", "-u", box.user, "mailbox", "INBOX",
                              "BODY", "nowhere", check=False)
    assert done.returncode in (65, 75), done.returncode
    assert done.stdout == b"" and b"[commitment]" in done.stderr


MOVES = ("commitment", "version", "ciphertext", "keyring-id", "magic")


@pytest.mark.parametrize("command", ["COPY", "MOVE"])
@pytest.mark.parametrize("region", MOVES)
def test_refused_message_copied(server, region, command):
    """Copied and moved as it is where its header names our keyring; else
    it would have to be read: NO, and the source stays."""
    box = Box(server)
    changed = tamper.flip(box.place(b"middle"), AT[region])
    client = box.session()
    client.ok("CREATE There")
    answer = client.cmd("%s 2 There" % command)
    if region in ("commitment", "ciphertext"):
        assert answer.ok, answer
        assert client.count("There") == 1
        assert client.count("INBOX") == (2 if command == "MOVE" else 3)
        client.logout()
        box.assert_refused(1, "commitment" if region == "commitment"
                           else "stanza-auth", {}, mailbox="There")
        return
    assert answer.status == "NO", answer
    assert client.count("There") == 0
    assert client.count("INBOX") == 3
    assert len(box.errors()) == 1
    assert len(contents(box)) == 3 and changed in contents(box)


@pytest.mark.parametrize("region", MOVES)
def test_refused_message_deleted(server, region):
    box = Box(server)
    tamper.flip(box.place(b"middle"), AT[region])
    client = box.session()
    client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    answer = client.ok("EXPUNGE")
    assert b"* 2 EXPUNGE\r\n" in answer.untagged
    assert client.fetch(2, "BODY.PEEK[]") == message(b"last")
    client.logout()
    box.server.doveadm("purge", "-u", box.user)
    assert len(box.server.objects(box.user)) == 2


# What a message answers whose second chunk of three is damaged

@pytest.fixture(scope="module")
def damaged_box(server):
    box = Box(server)
    tamper.flip(box.place(b"middle"), AT["chunk-1"] + 7)
    return box


# command: whether the connection ends, and what may have been sent
ENDS = ["FETCH 2 (BODY.PEEK[])", "FETCH 2 (BODY.PEEK[TEXT])",
        "FETCH 1:3 (BODY.PEEK[])", "FETCH 2 (BODY.PEEK[]<20000.50>)"]


@pytest.mark.parametrize("command", ENDS)
def test_damaged_chunk_ends_connection(damaged_box, command):
    box = damaged_box
    client = box.session()
    with pytest.raises(Closed) as closed:
        client.cmd(command)
    assert_nothing_of_chunk(closed.value.seen)
    lines = box.errors()
    assert len(lines) == 1 and "[chunk]" in lines[0], lines
    box.assert_untouched()


def assert_nothing_of_chunk(seen, chunk=1):
    """No line that begins in that chunk or behind it was sent."""
    text = stored(message(b"middle"))
    after = re.findall(rb"middle line \d{5}", text[chunk * CHUNK:])
    assert len(after) > 100
    sent = set(re.findall(rb"middle line \d{5}", seen))
    assert not sent & set(after[1:])


SERVED = ["FETCH 2 (BODY.PEEK[HEADER])", "FETCH 2 (ENVELOPE)",
          "FETCH 2 (BODY.PEEK[]<100.50>)", "FETCH 2 (RFC822.SIZE)",
          "FETCH 2 (BODYSTRUCTURE)", "SEARCH BODY \"middle line 00001\"",
          "SEARCH SUBJECT middle", "SORT (SUBJECT) UTF-8 ALL"]


@pytest.mark.parametrize("command", SERVED)
def test_damaged_chunk_not_needed(damaged_box, command):
    """What the verified chunks alone answer is answered."""
    client = damaged_box.session()
    client.ok(command)
    assert client.fetch(3, "BODY.PEEK[]") == message(b"last")
    assert damaged_box.errors() == []


@pytest.mark.parametrize("command", ["SEARCH BODY \"middle line 00849\"",
                                     "SEARCH TEXT nowhere",
                                     "SORT (SIZE) UTF-8 BODY nowhere"])
def test_damaged_chunk_searched(damaged_box, command):
    client = damaged_box.session()
    for _ in range(2):
        answer = client.cmd(command)
        assert answer.status == "NO", answer
        assert b"2" not in b"".join(answer.untagged)
    assert client.fetch(3, "BODY.PEEK[]") == message(b"last")
    lines = damaged_box.errors()
    assert lines and all("[chunk]" in line for line in lines), lines


def test_damaged_chunk_by_doveadm(damaged_box):
    box = damaged_box
    done = box.server.doveadm("fetch", "-u", box.user, "text", "mailbox",
                              "INBOX", check=False)
    assert done.returncode == 75, done.returncode
    assert b"[chunk]" in done.stderr
    assert_nothing_of_chunk(done.stdout)
    assert b"first line 00849" in done.stdout


def test_damaged_chunk_copied(damaged_box):
    """Inside one keyring a file is shared unread; saved anew it is not."""
    client = damaged_box.session()
    client.ok("CREATE There")
    client.ok("COPY 2 There")
    assert damaged_box.errors() == []


def pop3_lines(box, ask):
    """What POP3 sent until it said the message was whole, or None."""
    client = box.server.pop3(box.user)
    try:
        return b"\r\n".join(ask(client)[1])
    except (servers.poplib.error_proto, EOFError, OSError) as failed:
        return None if not getattr(failed, "seen", b"") else failed.seen
    finally:
        client.close()


def test_damaged_chunk_by_pop3_releases_nothing(damaged_box):
    for ask in (lambda client: client.retr(2),
                lambda client: client.top(2, 5000)):
        assert_nothing_of_chunk(pop3_lines(damaged_box, ask) or b"")


def test_damaged_chunk_by_pop3_not_as_whole(damaged_box):
    """A client that was told +OK deletes the message from the server."""
    box = damaged_box
    mark = box.server.log_mark()
    assert pop3_lines(box, lambda client: client.retr(2)) is None
    box.server.wait_log(r"\[chunk\]", mark, timeout=5)


def test_key_forgotten_leaves_no_hole(make_server):
    """A session reads two messages and sees the first one changed; then the
    second is replaced by one that needs no key: zeros for its object id and
    its data key.  With a cache the keys would stand there."""
    server = make_server("maildir", users=["alice"],
                         settings={"roost_cache": "off"})
    for word in (b"one", b"two"):
        answer = server.deliver(b"Subject: x\r\n\r\nbody of %s\r\n" % word,
                                "alice")
        assert answer[0][0] == 250
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    assert client.cmd("FETCH 1:2 (BODY.PEEK[])").ok
    for found in sorted(tamper.Reader(server, "alice").messages()):
        if b"body of one" in found[3]:
            tamper.flip(found[:3], -60)
        else:
            second = found
    assert client.cmd("FETCH 1 (BODY.PEEK[])").status == "NO"
    forged = tamper.rf.seal(
        second[2][16:32], tamper.rf.public_of(b"\x01" * 32), b"\x02" * 32,
        second[3].replace(b"body of two", b"FORGED 4 U!"),
        object_id=bytes(16), data_key=bytes(32))
    with open(second[0], "r+b") as file:
        file.truncate(0)
        file.write(forged)
    answer = client.cmd("FETCH 2 (BODY.PEEK[])")
    assert answer.status == "NO"
    assert b"FORGED" not in b"".join(answer.untagged)
