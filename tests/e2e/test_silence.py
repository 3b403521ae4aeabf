# SPDX-License-Identifier: MIT
"""Silence on disk: a day of mail in which every field holds a canary, then a
search for each of them through all that the server wrote.

Searched are the mail root, the index root, temporary folder, base_dir, state
and logs, by file name, too. Left out are, by name:

  * the key file itself, and on 2.4 base_dir/dovecot.conf.binary, in which
    Dovecot keeps its whole configuration with the key's bytes in it: base_dir
    belongs on a tmpfs; asserted is that nobody else can read the file;
  * the folder of Sieve scripts, which name keywords in clear.

Visible by design and so no canaries: mailbox names, sizes, dates, delivery
addresses in logs. The *name* of a header that some client asked for by name
stands in dovecot.index.cache, where Dovecot lists the fields it knows, and
may stand nowhere else; its value may not.

Logging is stock but for what leaks by itself: deliver_log_format without the
message's headers, mail_log without subject, from and msgid.
"""

import base64
import concurrent.futures
import hashlib
import os
import quopri
import re
import stat
import subprocess

import pytest

import canary
import canary_day
import canary_mail
import corpus
import server as servers
import tempwatch
from server import NEW, STORAGES
from documents import commands

SILENT_LOG = {
    "mail_log_fields": "uid box size vsize",
    "mail_log_events": "delete undelete expunge save copy mailbox_create "
                       "mailbox_delete mailbox_rename flag_change"}
# A setting that asks Dovecot to cache the worst.
CACHE_ALL = "mail_always_cache_fields = hdr.subject hdr.from " \
    "hdr.x-word-odd imap.bodystructure imap.envelope body.snippet\n"


def _sieve_elsewhere(server):
    """Scripts in a folder that is not searched: they name keywords."""
    user = "%{user}" if NEW else "%u"
    place = os.path.join(server.root, "scripts", user)
    if not NEW:
        server.settings["sieve"] = "file:%s;active=%s.sieve" % (place, place)
        return ""
    return "sieve_script personal {\n  path = %s\n" \
        "  active_path = %s.sieve\n}\n" % (place, place)


def _index_elsewhere(server):
    """Indexes in a folder of their own."""
    folder = os.path.join(server.root, "index")
    os.makedirs(folder)
    server.own(folder)
    if NEW:
        return "mail_index_path = %s/%%{user}\n" % folder
    return "mail_location = maildir:~/Maildir:INDEX=%s/%%u\n" % folder


def silent_server(make_server, storage, roost):
    """A server that is configured as an admin should."""
    server = make_server(storage, roost=roost, start=False, secret=True,
                         users=canary_day.USERS,
                         plugins=["notify", "mail_log"], settings=SILENT_LOG)
    server.extra = "deliver_log_format = %s\n" % (
        "size=%{size}: %{message}" if NEW else "size=%p: %$")
    server.extra += _sieve_elsewhere(server)
    if storage == "maildir":
        server.extra += _index_elsewhere(server)
    if storage == "sdbox":
        server.extra += CACHE_ALL
    canary_day.Day.prepare(server)
    return server.start()


def conf_binary(server):
    return os.path.join(server.run_dir, "dovecot.conf.binary")


def left_out(server):
    return {server.keyfile, os.path.join(server.root, "scripts")} | \
        ({conf_binary(server)} if NEW else set())


def searcher(server, book):
    with open(server.keyfile) as file:
        secrets = {"provider key": bytes.fromhex(file.read().strip())}
    for user in server.users:
        secrets["unlock secret"] = hashlib.sha256(
            server.password(user).encode()).digest()
    return canary.Search(book, secrets)


def is_documented(hit):
    """The name of a header that clients ask for by name."""
    return hit.kind == "asked header name" and \
        os.path.basename(hit.path) == "dovecot.index.cache"


class Result:
    """What is left of a day when the server is gone."""

    def __init__(self, server, book):
        self.root, self.book = server.root, book
        search = searcher(server, book)
        self.hits = search.folders(server.run_dir, but=left_out(server))
        if NEW:
            self.binary = os.stat(conf_binary(server))
        if server.roost:
            server.assert_sealed()
        server.stop()
        self.log = server.log_since(0)
        self.hits += search.folders(server.root, but=left_out(server))
        self.files = search.files
        messages = set(server.mail_files())
        self.in_messages = {hit.word for hit in self.hits
                            if hit.path in messages}
        self.in_indexes = {hit.kind for hit in self.hits if os.path.basename(
            hit.path).startswith("dovecot.index")}
        self.found = {hit.word for hit in self.hits}
        server.remove()

    def table(self, hits):
        return canary.table(hits, self.root)


def whole_day(server):
    book = canary.Book()
    canary_day.Day(server, book).run()
    return Result(server, book)


@pytest.fixture(scope="module", params=STORAGES)
def days(request, make_module_server):
    """{is sealed: future of the day's result}: both days at once."""
    pool = concurrent.futures.ThreadPoolExecutor(2)
    found = {roost: pool.submit(whole_day, silent_server(
        make_module_server, request.param, roost))
             for roost in ([False] if servers.PLAIN else [False, True])}
    pool.shutdown(wait=True)
    return request.param, found


def first_seen(server):
    """Runs a day once more and tells after which command each kind of hit
    came to which file first."""
    book, seen, known, lines = canary.Book(), {}, set(), []
    search = searcher(server, book)

    def search_changed(name):
        new = {}
        for hit in search.changed(server.root, seen, left_out(server)):
            where = canary.place(hit.path, server.root)
            if (where, hit.kind) not in known and not is_documented(hit):
                known.add((where, hit.kind))
                new.setdefault(where, []).append("%s (%s)" % (hit.kind,
                                                              hit.form))
        lines.extend("after %s: %s: %s" % (name, where, ", ".join(kinds))
                     for where, kinds in sorted(new.items()))

    canary_day.Day(server, book, search_changed).run()
    server.stop()
    search_changed("the last process")
    return "\n".join(lines)


if not servers.PLAIN:
    def test_sealed_day_is_silent(days, make_server):
        """No canary anywhere, nor a key."""
        storage, found = days
        result = found[True].result()
        assert result.files > 100
        hits = [hit for hit in result.hits if not is_documented(hit)]
        if hits:
            pytest.fail("%d hits:\n%s\nfirst seen:\n%s" % (
                len(hits), result.table(hits),
                first_seen(silent_server(make_server, storage, True))))

    def test_sealed_day_makes_no_error(days):
        log = days[1][True].result().log
        assert re.findall(r"(?m)^.*(?:Error|Fatal|Panic): .*$", log) == []


def test_plain_day_is_seen(days):
    """The same day without Roost: the search finds every word it should."""
    result = days[1][False].result()
    assert len(result.hits) > 1000, len(result.hits)
    book = result.book
    keywords = {kind for kind in book.by_kind if kind.startswith("keyword ")}
    missing = book.numbers(*keywords) - result.in_messages
    assert missing == set(), {book.kinds[number] for number in missing}
    missing = book.numbers("keyword looked-for") - result.found
    assert missing == set(), {book.kinds[number] for number in missing}
    for kind in keywords - {"keyword looked-for"} | {
            "subject", "subject base64", "subject latin", "from name",
            "from local part", "to domain", "filename", "filename 2231",
            "name encoded", "boundary", "content-description", "preview",
            "preview 8 bit", "header x-word-odd", "asked header"}:
        assert kind in result.in_indexes, kind
    assert not any(hit.path.endswith(".log") and
                   "dovecot.index" not in hit.path for hit in result.hits)


if NEW:
    def test_expanded_configuration_is_private(days):
        """The file in base_dir that holds the key's bytes."""
        for future in days[1].values():
            binary = future.result().binary
            assert stat.S_IMODE(binary.st_mode) & 0o077 == 0
            assert binary.st_uid == os.geteuid()


# The search itself

WRITTEN = {
    "utf-8": lambda text: text.encode(),
    "latin-1": lambda text: text.encode("latin-1"),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 of utf-16": lambda text: base64.b64encode(
        text.encode("utf-16-le")),
    "urlsafe base64": lambda text: base64.urlsafe_b64encode(
        text.encode()),
    "base64 in lines": lambda text: base64.b64encode(
        text.encode()).replace(b"Y", b"Y\r\n").replace(b"b", b"b\n"),
    "quoted-printable": lambda text: b"".join(
        b"=%02X" % byte for byte in text.encode()),
    "quoted-printable in lines": lambda text: b"=\r\n".join(
        quopri.encodestring(bytes([byte]))
        for byte in text.encode("latin-1")),
    "percent": lambda text: b"".join(
        b"%%%02x" % byte for byte in text.encode()),
    "hex": lambda text: text.encode().hex().encode()}


@pytest.mark.parametrize("form", sorted(WRITTEN))
@pytest.mark.parametrize("before", range(3))
def test_search_reads_every_form(tmp_path, form, before):
    """Any spelling, at any place in a group of three bytes."""
    book = canary.Book()
    for number in range(300):
        (book.word8 if number % 2 else book.word)("word")
    path = tmp_path / "file"
    for word in book.by_kind["word"][-2:]:
        for text in (word, word.lower(), word.upper()):
            path.write_bytes(b"\xff" * 100 + WRITTEN[form](
                "x" * before + text + "y" * 9) + b"\n\xff\n")
            hits = canary.Search(book).folders(str(tmp_path))
            assert {hit.word for hit in hits} == {int(word[-4:])}, text
    path.write_bytes(WRITTEN[form]("x" * before + "QvarMix0001"))
    assert canary.Search(book).folders(str(tmp_path)) == []


def test_search_reads_names_and_keys(tmp_path):
    book, key = canary.Book(), bytes(range(5, 37))
    (tmp_path / book.word("folder")).mkdir()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / ("x," + book.word("name"))).write_bytes(b"")
    search = canary.Search(book, {"key": key})
    assert sorted(hit.kind for hit in search.folders(str(tmp_path))) == \
        ["folder", "name"]
    for written in (key, key.hex().encode(), key.hex().upper().encode(),
                    base64.b64encode(b"ab" + key),
                    base64.b64encode(b"a" + key.hex().encode())):
        (tmp_path / "file").write_bytes(b"\r\n" + written + b"\n")
        assert "secret" in {hit.kind for hit
                            in search.folders(str(tmp_path))}


# What was in clear before

def read_all(server, fetched, searched):
    """Two sessions: what the first asks for is cached for the second."""
    for _ in range(2):
        with server.raw("alice") as client:
            client.ok("SELECT INBOX")
            for item in ("FULL", "BODYSTRUCTURE", "(PREVIEW)",
                         "(BODY.PEEK[HEADER.FIELDS (SUBJECT %s)])" % fetched):
                client.ok("FETCH 1:* " + item)
            client.ok("SORT (SUBJECT) UTF-8 ALL")
            client.ok("SEARCH HEADER %s nothing" % searched)
            client.logout()
    server.doveadm("fetch", "-u", "alice", "hdr.subject hdr." +
                   searched.lower(), "mailbox", "INBOX")


def in_caches(server, search):
    """The kinds of canaries in the cache files."""
    return {hit.kind for folder, _, names in os.walk(server.home("alice"))
            for name in names if name.startswith("dovecot.index.cache")
            for hit in search.file(os.path.join(folder, name))
            if not is_documented(hit)}


if not servers.PLAIN:
    @pytest.mark.parametrize("storage", STORAGES)
    def test_purge_cleans_a_plaintext_cache(make_server, storage):
        """What plain Dovecot cached goes; the messages stay readable, and
        reading them again brings nothing back."""
        server = make_server(storage, roost=False)
        book = canary.Book()
        maker, search = canary_mail.Maker(book), canary.Search(book)
        old, new = maker.messages()[:-1], maker.messages()[:-1]
        for _ in range(2):
            for message in old:
                assert server.deliver(message, "alice")[0][0] == 250
            read_all(server, "X-Word-Odd", "Comments")
        server.stop()
        assert {"subject", "from name", "filename", "preview", "boundary",
                "header x-word-odd", "header comments"} <= in_caches(server,
                                                                     search)
        server.roost = True
        server.start()
        for message in new:
            assert server.deliver(message, "alice")[0][0] == 250
        server.doveadm("mailbox", "cache", "purge", "-u", "alice", "INBOX")
        assert in_caches(server, search) == set()
        # The same, and headers that nobody asked for before.
        read_all(server, "X-Word-Odd", "Comments")
        assert in_caches(server, search) == set()
        read_all(server, "Organization", "X-Mailer")
        assert in_caches(server, search) == set()
        with server.raw("alice") as client:
            client.ok("SELECT INBOX")
            for number, message in ((1, old[0]), (2 * len(old) + 1, new[0])):
                assert client.fetch(number, "BODY.PEEK[]").endswith(message)


if not servers.PLAIN:
    @pytest.mark.parametrize("had_keyring", [True, False])
    @pytest.mark.parametrize("storage", STORAGES)
    def test_manual_cleans_the_caches_of_old_mail(make_server, storage,
                                                  had_keyring):
        """The very commands that roost(7) shows, for a user whose mail was
        listed by plain Dovecot, in mailboxes of odd names."""
        shown = commands("purge")
        server = make_server(storage, roost=False)
        book = canary.Book()
        maker, search = canary_mail.Maker(book), canary.Search(book)
        boxes = ["INBOX", "Sub/Folder of words", "Sub/\\\\ \\\"odd\\\" %"]
        with server.raw("alice") as client:
            for box in boxes[1:]:
                client.ok('CREATE "%s"' % box)
            client.ok("CREATE Parent/Child")
            client.ok("CREATE Parent")
            client.ok("DELETE Parent")
            for box in boxes:
                for message in maker.messages()[:-1]:
                    assert client.append(box, message).ok
                client.ok('SELECT "%s"' % box)
                for item in ("(ENVELOPE BODYSTRUCTURE PREVIEW)",
                             "(BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)])"):
                    client.ok("FETCH 1:* " + item)
        read_all(server, "X-Word-Odd", "Comments")
        server.stop()
        assert {"subject", "from name", "filename",
                "preview"} <= in_caches(server, search)
        server.roost = True
        server.start()
        if had_keyring:
            assert server.deliver(b"Subject: x\r\n\r\nx\r\n",
                                  "alice")[0][0] == 250
        # Listed once more, after Roost came and before it was cleaned.
        read_all(server, "X-Word-Odd", "Comments")
        assert in_caches(server, search) != set()
        for command in shown:
            assert command[0] == "doveadm"
            server.doveadm(*command[1:])
        assert in_caches(server, search) == set()
        read_all(server, "X-Word-Odd", "Comments")
        read_all(server, "Organization", "X-Mailer")
        assert in_caches(server, search) == set()

    def test_nothing_is_purged_without_a_keyring(make_server):
        """It would come back: so says the command, and how to go on."""
        server = make_server("maildir")
        with server.raw("alice") as client:
            client.ok("SELECT INBOX")
        done = server.doveadm("roost", "cache", "purge", "-u", "alice",
                              check=False)
        assert done.returncode != 0
        assert b"doveadm roost init -u alice" in done.stderr
        server.doveadm("roost", "init", "-u", "alice")
        server.doveadm("roost", "cache", "purge", "-u", "alice")

    def test_purge_says_what_it_did_not_do(make_server):
        """Roost is off for the user: Dovecot's fields stay."""
        server = make_server("maildir")
        server.doveadm("roost", "init", "-u", "alice")
        server.change_user("alice", roost_enable="no")
        assert server.deliver(b"Subject: x\r\n\r\nx\r\n", "alice")[0][0] == 250
        read_all(server, "X-Word-Odd", "Comments")
        done = server.doveadm("roost", "cache", "purge", "-u", "alice",
                              check=False)
        assert done.returncode != 0
        assert re.search(rb"mailbox INBOX: it still has \S+: ", done.stderr)


# Spools

def large_message(size):
    """A large base64 part, a large quoted-printable one, and a small one."""
    return (corpus.head("spooled", *corpus.typed(
        "multipart/mixed; boundary=edge")) + "\r\n" + corpus.multipart(
            "edge",
            corpus.part("text/plain", "c2hvcnQ=\r\n",
                        "Content-Transfer-Encoding: base64"),
            corpus.part("application/octet-stream",
                        corpus.wrapped64(bytes(size * 3 // 4)),
                        "Content-Transfer-Encoding: base64"),
            corpus.part("text/plain", "=C3=A9=\r\n" * (size // 7),
                        "Content-Transfer-Encoding: quoted-printable"))
            ).encode()


SMALL, LARGE = large_message(1000), large_message(600000)
HUGE = large_message(25 << 20)


class Spools:
    """Watches a server's mail_temp_dir."""

    def __init__(self, server):
        self.watch = tempwatch.Watch(server.tmp_dir)

    def none(self, what):
        names = self.watch.names()
        assert names == [], (what, names)

    def some(self, what, program):
        """Dovecot's own files of that program, already unlinked."""
        names = self.watch.names()
        assert names and all(name.startswith("dovecot.%s." % program)
                             for name in names), (what, names)


@pytest.fixture(scope="module", params=STORAGES)
def spooling(request, make_module_server):
    """alice has a small, a large and a huge message."""
    server = make_module_server(request.param)
    with tempwatch.Watch(server.tmp_dir) as watch:
        with server.raw("alice") as client:
            for message in (SMALL, LARGE, HUGE):
                assert client.append("INBOX", message).ok
        assert watch.names() == [], "APPEND"
    return server


READS = """
BODY.PEEK[] | BODY.PEEK[]<100.500> | BODY.PEEK[]<20000000.70000>
BODY.PEEK[TEXT] | BODY.PEEK[2] | BODY.PEEK[2]<200000.3000> | BODY.PEEK[3]
BODY.PEEK[2.MIME] | ENVELOPE | BODYSTRUCTURE | PREVIEW | RFC822.SIZE
BODY.PEEK[HEADER.FIELDS (SUBJECT)] | BINARY.PEEK[1]
"""


def test_reading_spools_nothing(spooling):
    """25 MB are read in place, in whole and in part."""
    spools = Spools(spooling)
    with spooling.raw("alice") as client:
        client.ok("SELECT INBOX")
        for item in canary_day.items(READS):
            client.ok("FETCH 1:3 (%s)" % item)
            spools.none(item)
        assert client.fetch(3, "BODY.PEEK[]") == HUGE
        assert client.fetch(3, "BODY.PEEK[]<20000000.70000>") == \
            HUGE[20000000:20070000]
        for command in ("SEARCH BODY nothing", "SEARCH TEXT nothing",
                        "COPY 1:3 INBOX", "CREATE Box", "MOVE 6 Box"):
            client.ok(command)
            spools.none(command)
    client = spooling.pop3("alice")
    for number in (2, 3):
        client.retr(number)
        client.top(number, 5)
    client.quit()
    spools.none("POP3")
    spooling.doveadm("fetch", "-u", "alice", "text", "mailbox", "INBOX")
    spools.none("doveadm fetch")
    spooling.doveadm("save", "-u", "alice", input=LARGE)
    spools.none("doveadm save")


def test_catenate_spools_nothing(spooling):
    spools = Spools(spooling)
    with spooling.raw("alice") as client:
        client.ok("APPEND INBOX CATENATE (TEXT ", (LARGE,),
                  ' URL "/INBOX/;UID=2" URL "/INBOX/;UID=3/;SECTION=2")')
    spools.none("CATENATE")


def test_large_binary_parts_are_spooled(spooling):
    """Dovecot's own: a decoded part of more than 128 KB, and the size of any
    part of a message that has one."""
    spools = Spools(spooling)
    with spooling.raw("alice") as client:
        client.ok("SELECT INBOX")
        client.ok("FETCH 1 (BINARY.SIZE[1] BINARY.SIZE[2])")
        client.ok("FETCH 1 (BINARY[])")
    spools.none("BINARY of a small message")
    for item in ("BINARY.SIZE[1]", "BINARY.PEEK[3]", "BINARY.PEEK[2]"):
        with spooling.raw("alice") as client:
            client.ok("SELECT INBOX")
            client.ok("FETCH 2 (%s)" % item)
        spools.some(item, "imap")


def test_large_deliveries_are_spooled(spooling, tmp_path):
    """Dovecot's own: LMTP's and a piped dovecot-lda's messages of more than
    128 KB. dovecot-lda that reads a file needs none."""
    spools = Spools(spooling)
    assert spooling.deliver(SMALL, "bob")[0][0] == 250
    spools.none("LMTP of a small message")
    assert spooling.deliver(LARGE, "bob", "carol")[1][0] == 250
    spools.some("LMTP of a large message", "lmtp")
    assert spooling.lda("bob", SMALL).returncode == 0
    spools.none("dovecot-lda of a small message")
    assert spooling.lda("bob", LARGE).returncode == 0
    spools.some("dovecot-lda of a large message through a pipe", "lda")
    path = tmp_path / "message"
    path.write_bytes(HUGE)
    assert lda_of_file(spooling, "bob", path).returncode == 0
    spools.none("dovecot-lda of a large message in a file")


def lda_of_file(server, user, path):
    with open(str(path), "rb") as file:
        return subprocess.run(
            [servers.LDA, "-c", server.conf, "-d", user], stdin=file,
            env=server._environment(), timeout=120)


def test_remote_dsync_spools(spooling):
    """Dovecot's own: large messages that arrive through a pipe."""
    spools = Spools(spooling)
    spooling.doveadm("backup", "-u", "alice",
                     *spooling.dsync_server("erin"))
    spools.some("dsync", "doveadm")


def test_compression_spools_what_is_read(make_server):
    """Dovecot's own: to seek in what it unpacks, zlib or mail_compress keep
    it in a file, sealed or not. Saving needs none."""
    plugins, settings = servers.compression()
    server = make_server("sdbox", plugins=plugins, settings=settings)
    spools = Spools(server)
    with server.raw("alice") as client:
        assert client.append("INBOX", LARGE).ok
        spools.none("APPEND")
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.fetch(1, "BODY.PEEK[]") == LARGE
    spools.some("BODY[]", "imap")
