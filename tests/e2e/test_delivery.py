# SPDX-License-Identifier: MIT
"""Every way a message comes in and goes out: LMTP, dovecot-lda, Sieve, IMAP,
POP3, doveadm, dsync, and real clients."""

import itertools
import os
import re
import subprocess

import pytest

import corpus
import server as servers
import tempwatch
from mbsynckit import maildir_files, mbsync, without_mark
from places import at_location, bodies, location

MESSAGES = {message.name: message for message in corpus.messages()}
SIMPLE = MESSAGES["simple"].data
OTHER = MESSAGES["alternative"].data
LARGE = MESSAGES["attachment-300kb"].data
CHUNK = MESSAGES["crlf-16385"].data


POOL = 70
SPECIAL = {"off": {"roost_enable": "no"}, "full": servers.quota_fields("1B"),
           "small": servers.quota_fields("10k")}


def all_users():
    """The users of one server: many usual ones, and some of each special
    kind."""
    found = {"user%d" % number: {} for number in range(POOL)}
    for kind, fields in SPECIAL.items():
        found.update({"%s%d" % (kind, number): fields
                      for number in range(6)})
    return found


@pytest.fixture(scope="module", params=servers.STORAGES)
def server(request, make_module_server):
    plugins, settings = servers.quota()
    server = make_module_server(request.param, secret=True, plugins=plugins,
                                settings=settings, users=all_users(),
                                extra=servers.quota_extra())
    server.unused = list(server.users)
    return server


def another(server, kind="user"):
    """A user of that kind whom no other test knows."""
    name = next(name for name in server.unused if name.startswith(kind))
    server.unused.remove(name)
    return name


def locked_user(server):
    """A user whose mail opens with the login password only."""
    name = another(server)
    if server.roost:
        server.init_password_mode(name)
    return name


@pytest.fixture
def user(server):
    return another(server)


def without_trace(message):
    """A delivered message without what the delivery put on top."""
    return re.sub(rb"\A(Return-Path: .*\r\n|Delivered-To: .*\r\n|"
                  rb"Received: .*\r\n(?:[ \t].*\r\n)*)+", b"", message)


def delivered(server, user, mailbox="INBOX"):
    return [without_trace(message)
            for message in bodies(server, user, mailbox)]


def as_delivered(message):
    return without_trace(message)


# Delivery

def test_lmtp_to_one(server, user):
    for message in (SIMPLE, LARGE, CHUNK):
        assert server.deliver(message, user)[0][0] == 250
    assert delivered(server, user) == [as_delivered(message) for message
                                       in (SIMPLE, LARGE, CHUNK)]
    server.assert_sealed(user, 3)


def files_of(server, user):
    return {(os.stat(path).st_dev, os.stat(path).st_ino): path
            for path in server.mail_files(user)}


@pytest.mark.skipif(servers.PLAIN, reason="of keyrings")
def test_lmtp_reads_the_keyring_twice(server, user):
    """When the mailbox is opened, and before the message is acknowledged.
    Where that takes long it is read once more in between."""
    mask = tempwatch.IN_OPEN | tempwatch.IN_CLOSE_NOWRITE
    counts = []
    with server.lmtp() as client:
        assert server.deliver(SIMPLE, user, client=client)[0][0] == 250
        with tempwatch.Folders([server.home(user)], mask) as folders:
            for _ in range(10):
                assert server.deliver(SIMPLE, user,
                                      client=client)[0][0] == 250
                counts.append(sum(name == "roost.keyring" and
                                  mask & tempwatch.IN_OPEN != 0
                                  for _, mask, name in folders.events()))
    assert min(counts) == 2 and max(counts) <= 3, counts


def test_lmtp_to_many_in_every_order(server):
    """Three locked users, one without Roost and one over quota, in every
    order, and one who is none of these among them."""
    locked = [locked_user(server) for _ in range(3)]
    without = another(server, "off")
    full = another(server, "full")
    usual = another(server)
    orders = list(itertools.permutations(locked + [without, full]))
    with server.lmtp() as client:
        for count, order in enumerate(orders):
            order = list(order)
            order.insert(count % (len(order) + 1), usual)
            message = (b"Subject: order %d\r\nFrom: a@b.example\r\n\r\n%s"
                       b" %d\r\n" % (count, corpus.word("order").encode(),
                                     count))
            answers = dict(zip(order, server.deliver(message, *order,
                                                     client=client)))
            assert answers.pop(full)[0] in (452, 552)
            assert {code for code, _ in answers.values()} == {250}, answers
    assert_apart(server, locked + [usual], without, full)
    for name in locked + [usual, without]:
        got = delivered(server, name)
        assert len(got) == len(orders)
        for count, message in enumerate(got):
            assert message.endswith(b" %d\r\n" % count) and \
                message.startswith(b"Subject: order %d\r\n" % count)


def test_lmtp_of_a_large_message_to_many(server):
    locked = [locked_user(server) for _ in range(2)]
    without = another(server, "off")
    for order in itertools.permutations(locked + [without]):
        answers = server.deliver(LARGE, *order)
        assert [code for code, _ in answers] == [250] * 3, answers
    assert_apart(server, locked, without)
    for name in locked + [without]:
        assert delivered(server, name) == [as_delivered(LARGE)] * 6


def assert_apart(server, sealed, without, full=None):
    """No file of one user's is another's; all is sealed but for whom Roost
    is off."""
    for name in sealed:
        server.assert_sealed(name)
    assert not any(content.startswith(servers.MAGIC)
                   for _, _, content in server.objects(without))
    if full:
        assert server.objects(full) == []
    if server.roost:
        seen = {}
        for name in sealed + [without]:
            for inode, path in files_of(server, name).items():
                assert inode not in seen, (path, seen[inode])
                seen[inode] = path
        identities = [content[32:48] for name in sealed
                      for _, _, content in server.objects(name)]
        assert len(set(identities)) == len(identities)


def test_lda(server, user):
    for message in (SIMPLE, LARGE):
        done = server.lda(user, message)
        assert done.returncode == 0, done.stderr
    done = server.lda(user, OTHER, "-o", "lda_mailbox_autocreate=yes", "-m",
                      "Lists")
    assert done.returncode == 0, done.stderr
    assert delivered(server, user) == [as_delivered(SIMPLE),
                                       as_delivered(LARGE)]
    assert delivered(server, user, "Lists") == [as_delivered(OTHER)]
    server.assert_sealed(user, 3)


SIEVE = """require ["fileinto", "mailbox", "copy", "imap4flags", "body"];
if header :contains "subject" "about simple" {
  fileinto :create :flags "\\\\Flagged" "Simple";
} elsif body :text :contains "%s" {
  fileinto :copy :create "Body";
}
"""


def test_sieve_fileinto(server, user):
    """A script sorts by header and by body, and sets flags."""
    server.sieve(user, SIEVE % corpus.word("alternative"))
    for message in (SIMPLE, OTHER, CHUNK):
        assert server.deliver(message, user)[0][0] == 250
    assert delivered(server, user) == [as_delivered(OTHER),
                                       as_delivered(CHUNK)]
    assert delivered(server, user, "Simple") == [as_delivered(SIMPLE)]
    assert delivered(server, user, "Body") == [as_delivered(OTHER)]
    with server.raw(user) as client:
        client.ok("SELECT Simple")
        flags = b"".join(client.ok("FETCH 1 (FLAGS)").untagged)
        assert b"\\Flagged" in flags
    server.assert_sealed(user)


# POP3

def test_pop3(server, user):
    messages = [SIMPLE, LARGE, MESSAGES["dots"].data,
                MESSAGES["line-1mb"].data]
    with server.raw(user) as client:
        for message in messages:
            assert client.append("INBOX", message).ok
    client = server.pop3(user)
    assert client.stat() == (4, sum(map(len, messages)))
    sizes = [int(line.split()[1]) for line in client.list()[1]]
    assert sizes == [len(message) for message in messages]
    assert len({line.split()[1] for line in client.uidl()[1]}) == 4
    for number, message in enumerate(messages, 1):
        lines = client.retr(number)[1]
        assert b"\r\n".join(lines) + b"\r\n" == message
        head, body = message.split(b"\r\n\r\n", 1)
        top = b"\r\n".join(client.top(number, 2)[1])
        assert top == head + b"\r\n\r\n" + \
            b"\r\n".join(body.split(b"\r\n")[:2])
    client.dele(1)
    client.quit()
    assert bodies(server, user) == messages[1:]


# IMAP saving

def test_multiappend_and_aborted_append(server, user):
    """All messages of one command or none."""
    with server.raw(user) as client:
        assert client.cmd('APPEND INBOX (\\Seen) ', (SIMPLE,), " ", (LARGE,),
                          ' "01-Jan-2001 00:00:00 +0000" ', (CHUNK,)).ok
        assert client.count() == 3
        bad = client.cmd("APPEND INBOX ", (SIMPLE,), " ", (b"",))
        if not bad.ok:
            assert client.count() == 3
    assert bodies(server, user)[:3] == [SIMPLE, LARGE, CHUNK]
    server.assert_sealed(user)


def test_connection_lost_during_append(server, user):
    """Half a message is no message."""
    with server.raw(user) as client:
        assert client.append("INBOX", SIMPLE).ok
    client = server.raw(user)
    client.sock.sendall(b"x APPEND INBOX {%d+}\r\n" % len(LARGE) +
                        LARGE[:100000])
    client.close()
    server.settle_log()
    assert bodies(server, user) == [SIMPLE]
    server.assert_sealed(user, 1)


def test_catenate(server, user):
    with server.raw(user) as client:
        assert client.append("INBOX", LARGE).ok
        client.ok("SELECT INBOX")
        validity = re.search(rb"UIDVALIDITY (\d+)", b"".join(
            client.ok("STATUS INBOX (UIDVALIDITY)").untagged)).group(1)
        url = "/INBOX;UIDVALIDITY=%s/;UID=1/;SECTION=" % validity.decode()
        answer = client.cmd(
            'APPEND INBOX CATENATE (TEXT ', (b"Subject: made of parts\r\n"
                                             b"\r\n",),
            ' URL "%sTEXT" TEXT ' % url, (b"tail\r\n",),
            ' URL "%s2.MIME")' % url)
        assert answer.ok, answer
        client.ok("NOOP")
        mime = client.fetch(1, "BODY.PEEK[2.MIME]")
        wanted = b"Subject: made of parts\r\n\r\n" + \
            LARGE.split(b"\r\n\r\n", 1)[1] + b"tail\r\n" + mime
        assert client.fetch(2, "BODY.PEEK[]") == wanted
        client.ok("STORE 1 +FLAGS (\\Deleted)")
        client.ok("EXPUNGE")
    assert bodies(server, user) == [wanted]
    server.doveadm("purge", "-u", user)
    server.assert_sealed(user, 1)


def test_binary_append(server, user):
    """literal8 with a binary part: Dovecot stores it as base64."""
    payload = bytes(range(256)) * 200
    head = (b"Subject: binary\r\nMIME-Version: 1.0\r\nContent-Type: "
            b"application/octet-stream\r\nContent-Transfer-Encoding: binary"
            b"\r\n\r\n")
    with server.raw(user) as client:
        answer = client.append("INBOX", head + payload, binary=True)
        assert answer.ok, answer
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BINARY.PEEK[1]") == payload
        answer = client.ok("FETCH 1 (BINARY.SIZE[1])")
        assert b"BINARY.SIZE[1] %d" % len(payload) in answer.untagged[0]
        assert client.fetch(1, "BINARY.PEEK[1]<20000.300>") == \
            payload[20000:20300]
    server.assert_sealed(user, 1)


if servers.NEW:
    def test_replace(server, user):
        """The new message is there and the old one gone, in one step."""
        with server.raw(user) as client:
            assert client.append("INBOX", SIMPLE).ok
            assert client.append("INBOX", LARGE).ok
            client.ok("SELECT INBOX")
            assert client.cmd("REPLACE 1 INBOX (\\Draft) ", (CHUNK,)).ok
            assert client.cmd("UID REPLACE 2 INBOX ", (OTHER,)).ok
        assert bodies(server, user) == [CHUNK, OTHER]
        server.doveadm("purge", "-u", user)
        server.assert_sealed(user, 2)


# IMAP copying

def test_copy_keeps_one_file(server, user):
    """COPY inside one user shares the bytes where Dovecot shares them."""
    with server.raw(user) as client:
        for message in (SIMPLE, LARGE):
            assert client.append("INBOX", message).ok
        client.ok("CREATE Copies")
        client.ok("SELECT INBOX")
        before = disk_use(server, user)
        client.ok("COPY 1:2 Copies")
        client.ok("COPY 2 INBOX")
    assert bodies(server, user) == [SIMPLE, LARGE, LARGE]
    assert bodies(server, user, "Copies") == [SIMPLE, LARGE]
    assert disk_use(server, user) == before
    server.assert_sealed(user)


def disk_use(server, user):
    """{inode: size} of the message files."""
    return {os.stat(path).st_ino: os.path.getsize(path)
            for path in server.mail_files(user)}


def test_move(server, user):
    """MOVE keeps the bytes, and the source is empty."""
    with server.raw(user) as client:
        for message in (SIMPLE, LARGE):
            assert client.append("INBOX", message, "\\Flagged").ok
        client.ok("CREATE Archive")
        client.ok("SELECT INBOX")
        before = sorted(content for _, _, content in server.objects(user))
        client.ok("MOVE 1:2 Archive")
        assert client.count() == 0
        client.ok("SELECT Archive")
        answer = b"".join(client.ok("FETCH 1:2 (FLAGS)").untagged)
        assert answer.count(b"\\Flagged") == 2
    assert bodies(server, user, "Archive") == [SIMPLE, LARGE]
    after = sorted(content for _, _, content in server.objects(user))
    assert after == before
    server.assert_sealed(user, 2)


# doveadm

def test_doveadm_save_fetch_search(server, user):
    server.doveadm("save", "-u", user, "-m", "INBOX", input=LARGE)
    server.doveadm("save", "-u", user, input=SIMPLE)
    assert bodies(server, user) == [LARGE, SIMPLE]
    done = server.doveadm("-f", "pager", "fetch", "-u", user, "text",
                          "mailbox", "INBOX")
    for message in (SIMPLE, LARGE):
        body = message.split(b"\r\n\r\n", 1)[1].replace(b"\r\n", b"\n")
        assert body.rstrip() in done.stdout.replace(b"\r\n", b"\n")
    done = server.doveadm("-f", "flow", "fetch", "-u", user, "size.virtual",
                          "mailbox", "INBOX")
    assert re.findall(rb"=(\d+)", done.stdout) == \
        [b"%d" % len(LARGE), b"%d" % len(SIMPLE)]
    done = server.doveadm("search", "-u", user, "mailbox", "INBOX", "body",
                          corpus.word("simple"))
    assert len(done.stdout.splitlines()) == 1
    server.assert_sealed(user, 2)


def test_doveadm_copy_and_move(server, user):
    with server.raw(user) as client:
        for message in (SIMPLE, LARGE, OTHER):
            assert client.append("INBOX", message).ok
    for mailbox in ("Here", "There"):
        server.doveadm("mailbox", "create", "-u", user, mailbox)
    server.doveadm("copy", "-u", user, "Here", "mailbox", "INBOX", "larger",
                   "100000")
    server.doveadm("move", "-u", user, "There", "mailbox", "INBOX",
                   "smaller", "100000")
    assert bodies(server, user) == [LARGE]
    assert bodies(server, user, "Here") == [LARGE]
    assert bodies(server, user, "There") == [SIMPLE, OTHER]
    server.assert_sealed(user)


def test_doveadm_copy_between_users(server, user):
    """A copy in another's tree is sealed for the other, and no link."""
    friend = another(server)
    without = another(server, "off")
    with server.raw(user) as client:
        for message in (SIMPLE, LARGE):
            assert client.append("INBOX", message).ok
    for name in (friend, without):
        server.doveadm("copy", "-u", name, "INBOX", "user", user, "mailbox",
                       "INBOX")
        assert bodies(server, name) == [SIMPLE, LARGE]
    server.assert_sealed(friend, 2)
    assert not any(content.startswith(servers.MAGIC)
                   for _, _, content in server.objects(without))
    if server.roost:
        assert not set(files_of(server, user)) & \
            (set(files_of(server, friend)) | set(files_of(server, without)))
        one, two = ([content[16:48] for _, _, content
                     in server.objects(name)] for name in (user, friend))
        assert not set(one) & set(two)
    # What the friend holds opens when the first owner's mail is gone.
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1:* +FLAGS (\\Deleted)")
        client.ok("EXPUNGE")
    server.doveadm("purge", "-u", user)
    assert bodies(server, friend) == [SIMPLE, LARGE]


def test_doveadm_import_of_plaintext(server, user):
    """Old mail in clear is sealed as it is imported."""
    source = os.path.join(server.home(user), "old")
    for folder in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(source, folder))
    for number, message in enumerate((SIMPLE, LARGE)):
        server.write(os.path.join(source, "cur", "%d.M1P1.host:2,S"
                                  % (1000 + number)),
                     message.replace(b"\r\n", b"\n"), 0o600)
    server.own(source)
    server.doveadm("import", "-u", user, location("maildir", source), "",
                   "mailbox", "INBOX")
    assert sorted(bodies(server, user)) == sorted([SIMPLE, LARGE])
    if server.storage == "maildir":
        inside = [content for path, _, content in server.objects(user)
                  if not path.startswith(source + "/")]
    else:
        inside = [content for _, _, content in server.objects(user)]
    assert len(inside) == 2
    assert all(content.startswith(servers.MAGIC) == server.roost
               for content in inside)


@pytest.mark.parametrize("kind", servers.STORAGES)
def test_doveadm_backup_and_back(server, user, kind):
    """dsync to another place and storage of the same user, and back."""
    with server.raw(user) as client:
        for message in (SIMPLE, LARGE, MESSAGES["bare-lf"].data):
            assert client.append("INBOX", message, "\\Answered kept").ok
        client.ok("CREATE Sub")
        assert client.append("Sub", CHUNK).ok
    before = bodies(server, user), bodies(server, user, "Sub")
    place = os.path.join(server.home(user), "backup")
    server.doveadm("backup", "-u", user, location(kind, place))
    done = server.doveadm(*at_location(kind, place), "fetch", "-u", user,
                          "text", "mailbox", "Sub")
    assert corpus.word("crlf-16385").encode() in done.stdout
    if server.roost:
        words = [corpus.word(name).encode() for name
                 in ("simple", "attachment-300kb", "crlf-16385")]
        assert os.path.isdir(place)
        assert find_in(server.home(user), words, ("u.", "m.", "1")) == []
    with server.raw(user) as client:
        client.ok("DELETE Sub")
    server.doveadm("backup", "-R", "-u", user, location(kind, place))
    assert (bodies(server, user), bodies(server, user, "Sub")) == before


def find_in(place, words, prefixes):
    """The message files under a folder that contain one of the words."""
    hits = []
    for folder, _, names in os.walk(place):
        for name in names:
            if name.startswith(prefixes):
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                hits += [name for word in words if word in content]
    return hits


def test_dsync_between_users(server, user):
    other = another(server)
    with server.raw(user) as client:
        for message in (SIMPLE, LARGE):
            assert client.append("INBOX", message).ok
    server.doveadm("sync", "-u", user, *server.dsync_server(other))
    assert bodies(server, other) == [SIMPLE, LARGE]
    with server.raw(other) as client:
        assert client.append("INBOX", CHUNK).ok
    server.doveadm("sync", "-u", user, *server.dsync_server(other))
    assert bodies(server, user) == [SIMPLE, LARGE, CHUNK]
    for name in (user, other):
        server.assert_sealed(name, 3)


def test_dsync_between_servers(server, user, make_server):
    """Another server with another provider key and storage."""
    kinds = servers.STORAGES
    far = make_server(kinds[(kinds.index(server.storage) + 1) % 3],
                      users=[user])
    with server.raw(user) as client:
        for message in (SIMPLE, LARGE, CHUNK):
            assert client.append("INBOX", message).ok
    server.doveadm("backup", "-u", user, *far.dsync_server(user))
    assert bodies(far, user) == bodies(server, user)
    far.assert_sealed(user, 3)


# Two sessions

def wait_for(client, pattern):
    """Reads responses until one matches."""
    while True:
        line = client.response()
        if re.search(pattern, line):
            return line


def test_idle_and_two_sessions(server, user):
    with server.raw(user) as watcher, server.raw(user) as worker:
        watcher.ok("SELECT INBOX")
        worker.ok("SELECT INBOX")
        watcher.idle()
        assert worker.append("INBOX", SIMPLE).ok
        wait_for(watcher, rb"\* 1 EXISTS")
        assert server.deliver(LARGE, user)[0][0] == 250
        wait_for(watcher, rb"\* 2 EXISTS")
        assert watcher.done().ok
        assert without_trace(watcher.fetch(2, "BODY.PEEK[]")) == \
            as_delivered(LARGE)
        worker.ok("NOOP")
        worker.ok("STORE 1:2 +FLAGS (\\Flagged $Important private)")
        seen = b"".join(watcher.ok("NOOP").untagged)
        assert seen.count(b"$Important") >= 2 and b"private" in seen
        assert watcher.ok("SEARCH KEYWORD private").untagged == \
            [b"* SEARCH 1 2\r\n"]
        worker.ok("STORE 1 +FLAGS (\\Deleted)")
        worker.ok("EXPUNGE")
        gone = watcher.cmd("FETCH 1 (BODY.PEEK[])")
        assert b"* 1 EXPUNGE" in b"".join(watcher.ok("NOOP").untagged) or \
            not gone.ok
        assert without_trace(watcher.fetch(1, "BODY.PEEK[]")) == \
            as_delivered(LARGE)


def test_two_sessions_save_at_once(server):
    """First use by several sessions at the same time: one keyring, and every
    message opens."""
    name = another(server)
    clients = [server.raw(name) for _ in range(4)]
    for client in clients:
        # Dovecot itself trips over four sessions that create INBOX at once.
        client.ok("SELECT INBOX")
    if server.roost:
        assert not os.path.exists(os.path.join(server.home(name),
                                               "roost.keyring"))
    for client in clients:
        client.tag = client.send("APPEND INBOX ", (SIMPLE,))
    for client in clients:
        answer = client.finish(client.tag)
        assert answer.ok, answer
        client.close()
    assert bodies(server, name) == [SIMPLE] * 4
    server.assert_sealed(name, 4)
    if server.roost:
        assert len({content[16:32] for _, _, content
                    in server.objects(name)}) == 1


# Switching for one user

def test_roost_off_then_on_for_one_user(server):
    """What was saved in clear stays readable, new mail is sealed."""
    name = another(server, "off")
    assert server.deliver(SIMPLE, name)[0][0] == 250
    assert not server.objects(name)[0][2].startswith(servers.MAGIC)
    server.change_user(name, roost_enable="yes")
    assert server.deliver(LARGE, name)[0][0] == 250
    assert delivered(server, name) == [as_delivered(SIMPLE),
                                       as_delivered(LARGE)]
    kinds = [content.startswith(servers.MAGIC)
             for _, _, content in sorted(server.objects(name),
                                         key=lambda found: len(found[2]))]
    assert kinds == [False, server.roost]


# Quota

def test_quota_of_plaintext_sizes(server):
    """The limit counts what the owner stored, not the sealed size."""
    message = b"Subject: q\r\n\r\n" + b"x" * 1000 + b"\r\n"
    name = another(server, "small")
    with server.raw(name) as client:
        saved = 0
        while client.append("INBOX", message).ok:
            saved += 1
            assert saved < 20
        assert saved == 10240 // len(message)
        answer = client.append("INBOX", message)
        assert answer.status == "NO" and b"OVERQUOTA" in answer.text
        assert client.count() == saved


# Compression

@pytest.fixture(scope="module", params=servers.STORAGES)
def packed(request, make_module_server):
    plugins, settings = servers.compression()
    return make_module_server(request.param, plugins=plugins,
                              settings=settings)


def test_compressed_then_sealed(packed):
    """Compression comes first: the sealed file is small, sizes are true."""
    message = b"Subject: packed\r\n\r\n" + b"the same line\r\n" * 20000
    with packed.raw("alice") as client:
        for sent in (message, SIMPLE, LARGE):
            assert client.append("INBOX", sent).ok
        client.ok("CREATE Copies")
        client.ok("SELECT INBOX")
        client.ok("COPY 1:3 Copies")
        assert b"RFC822.SIZE %d)" % len(message) in \
            client.ok("FETCH 1 (RFC822.SIZE)").untagged[0]
        assert client.fetch(1, "BODY.PEEK[]<200000.1000>") == \
            message[200000:201000]
    packed.deliver(message, "bob", "carol")
    assert bodies(packed, "alice") == [message, SIMPLE, LARGE]
    assert bodies(packed, "alice", "Copies") == [message, SIMPLE, LARGE]
    for name in ("bob", "carol"):
        assert delivered(packed, name) == [message]
        packed.assert_sealed(name, 1)
        assert len(packed.objects(name)[0][2]) < 5000
    packed.assert_sealed("alice")
    smallest = min(len(content) for _, _, content in packed.objects("alice"))
    assert smallest < 3000


# Real clients

def curl(server, user, path, *args, input=None):
    done = subprocess.run(
        ["curl", "-sS", "--max-time", "60", "-u",
         "%s:%s" % (user, server.password(user)),
         "imap://127.0.0.1:%d/%s" % (server.imap_port, path), *args],
        input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=90, env=dict(os.environ, LD_PRELOAD=""))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_fetches_and_uploads(server, user, tmp_path):
    for number, message in enumerate((SIMPLE, LARGE, CHUNK)):
        file = tmp_path / ("m%d" % number)
        file.write_bytes(message)
        curl(server, user, "INBOX", "-T", str(file))
    for number, message in enumerate((SIMPLE, LARGE, CHUNK), 1):
        assert curl(server, user, "INBOX;UID=%d" % number) == message
        got = curl(server, user, "INBOX;UID=%d;SECTION=TEXT" % number)
        assert got == message.split(b"\r\n\r\n", 1)[1]
    found = curl(server, user, "INBOX?TEXT%20" + corpus.word("simple"))
    assert found.split() == [b"*", b"SEARCH", b"1"]
    server.assert_sealed(user, 3)


def test_mbsync_both_ways(server, user, tmp_path):
    with server.raw(user) as client:
        for message in (SIMPLE, LARGE, CHUNK):
            assert client.append("INBOX", message).ok
        client.ok("CREATE Work")
        assert client.append("Work", OTHER, "\\Flagged").ok
    mbsync(server, user, tmp_path)
    near = tmp_path / "mail"
    got = [without_mark(path.read_bytes())
           for path in maildir_files(near / "INBOX")]
    assert sorted(got) == sorted(message.replace(b"\r\n", b"\n")
                                 for message in (SIMPLE, LARGE, CHUNK))
    flagged = maildir_files(near / "Work")
    assert [without_mark(path.read_bytes()) for path in flagged] == \
        [OTHER.replace(b"\r\n", b"\n")]
    assert "F" in flagged[0].name.split(":2,")[1]
    # And back: a new message, a flag, a deletion.
    upload = MESSAGES["bounce"].data
    (near / "INBOX" / "new" / "1.1_1.host").write_bytes(
        upload.replace(b"\r\n", b"\n"))
    flagged[0].rename(str(flagged[0]) + "S")
    for path in maildir_files(near / "INBOX"):
        if corpus.word("attachment-300kb").encode() in path.read_bytes():
            path.unlink()
    mbsync(server, user, tmp_path)
    assert sorted(map(without_mark, bodies(server, user))) == \
        sorted([SIMPLE, CHUNK, upload])
    with server.raw(user) as client:
        client.ok("SELECT Work")
        assert b"\\Seen" in client.ok("FETCH 1 (FLAGS)").untagged[0]
    server.assert_sealed(user)


def test_imaplib(server, user):
    """Python's own client: another parser of the same answers."""
    client = server.imap(user)
    assert client.append("INBOX", None, None, SIMPLE)[0] == "OK"
    client.select("INBOX")
    kind, found = client.fetch("1", "(RFC822)")
    assert kind == "OK" and found[0][1] == SIMPLE
    assert client.store("1", "+FLAGS", "\\Deleted")[0] == "OK"
    client.close()
    client.logout()


# What must not have happened meanwhile

def test_log_has_no_error(server):
    """Nothing above made the server complain."""
    errors = [line for line in server.log_since(0).splitlines()
              if re.search(r"(Error|Fatal|Panic): ", line)]
    assert errors == []
