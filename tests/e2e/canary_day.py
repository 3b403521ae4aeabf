# SPDX-License-Identifier: MIT
"""canary_day: a full day of mail on one server.

alice uses IMAP and doveadm, and bob fetches his mail by POP3. Only carol's
password opens her keyring, so that mail is delivered to her while nobody can
read it. dave gets a copy of alice's mail by dsync. Everything is asked for in
several sessions, each in a new process, with new mail in between: by then
Dovecot has learned what clients ask for and prepares it at delivery.

A search for words must not find what an admin or user writes in clear on
purpose. Sieve scripts, which name keywords, therefore lie in a folder of their
own, and mailboxes have usual names.
"""

import os
import re

import canary_mail
import server as servers

USERS = ("alice", "bob", "carol", "dave")
LOCKED, COPY = "carol", "dave"
RECIPIENTS = USERS[:3]

# These items are fetched of every message. Not every version of Dovecot knows
# the items of OPTIONAL.
FETCHES = """
FAST | (UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ) | ENVELOPE | ALL | FULL
BODY | BODYSTRUCTURE | (SAVEDATE) | (PREVIEW) | (PREVIEW (LAZY)) | (SNIPPET)
(X-GUID X-MAILBOX X-REAL-UID X-SAVEDATE) | (BODY.PEEK[HEADER])
(BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC BCC SUBJECT MESSAGE-ID)])
(BODY.PEEK[HEADER.FIELDS (SENDER REPLY-TO IN-REPLY-TO REFERENCES RECEIVED)])
(BODY.PEEK[HEADER.FIELDS (X-WORD-ODD LIST-ID LIST-POST LIST-UNSUBSCRIBE \
KEYWORDS COMMENTS ORGANIZATION X-MAILER THREAD-TOPIC IMPORTANCE \
CONTENT-LANGUAGE X-ENCODED X-RAW X-FOLDED X-TWICE X-EMPTY X-ORIGINAL-TO \
X-FIRST X-MANY RETURN-PATH DKIM-SIGNATURE CONTENT-TYPE)])
(BODY.PEEK[HEADER.FIELDS (%(name)s)])
(BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT FROM RECEIVED)])
(BODY.PEEK[1]) | (BODY.PEEK[1.MIME]) | (BODY.PEEK[2]) | (BODY.PEEK[2.MIME])
(BODY.PEEK[3.MIME]) | (BODY.PEEK[4.MIME]) | (BODY.PEEK[2.HEADER])
(BODY.PEEK[2.TEXT]) | (BODY.PEEK[2.1]) | (BODY.PEEK[2.2.MIME])
(BODY.PEEK[2.HEADER.FIELDS (SUBJECT X-FOLDED)]) | (BODY.PEEK[TEXT])
(BODY.PEEK[]<100.2000>) | (BODY.PEEK[TEXT]<10.1000>) | (BODY.PEEK[1]<0.20>)
(BINARY.SIZE[1] BINARY.SIZE[2]) | (BINARY.PEEK[1]) | (BINARY.PEEK[2])
(BINARY.PEEK[2]<5.500>) | (BINARY.PEEK[]) | RFC822.HEADER | RFC822.TEXT
RFC822 | (BODY.PEEK[]) | (BODY[])
"""
OPTIONAL = "(EMAILID) | (THREADID)"
SORTS = "ARRIVAL CC DATE FROM SIZE SUBJECT TO DISPLAYFROM DISPLAYTO".split()
SEARCHES = """
ALL | ANSWERED | DELETED | DRAFT | FLAGGED | NEW | OLD | RECENT | SEEN
UNANSWERED | UNDELETED | UNDRAFT | UNFLAGGED | UNSEEN | LARGER 1000
SMALLER 100000 | BEFORE 1-Jan-2030 | ON 1-Jan-2024 | SINCE 1-Jan-2020
SENTBEFORE 1-Jan-2030 | SENTON 02-Mar-2024 | SENTSINCE 1-Jan-2020
SAVEDBEFORE 1-Jan-2030 | SAVEDON 1-Jan-2024 | SAVEDSINCE 1-Jan-2020
OLDER 1 | YOUNGER 1000000 | UID 1:* | 1:* | MODSEQ 1 | X-GUID none
HEADER SUBJECT "" | HEADER X-WORD-ODD "" | HEADER %(name)s ""
HEADER RECEIVED "" | HEADER DATE "" | HEADER CONTENT-TYPE ""
OR SUBJECT Re: FROM example | NOT SUBJECT nothing | NOT BODY nothing
RETURN (MIN MAX COUNT ALL) TEXT example | RETURN (SAVE) SUBJECT Re:
CHARSET UTF-8 SUBJECT Re: | FUZZY SUBJECT Re:
"""
# Pairs of a search key and the kind of word that is searched for with it.
FINDS = (
    ("SUBJECT", "subject"), ("SUBJECT", "subject base64"),
    ("SUBJECT", "subject q"), ("FROM", "from name"),
    ("FROM", "from local part"), ("FROM", "from domain"),
    ("TO", "to local part"), ("CC", "cc name"), ("BCC", "bcc local part"),
    ("HEADER REPLY-TO", "reply-to domain"), ("HEADER SENDER", "sender name"),
    ("HEADER MESSAGE-ID", "message-id"), ("HEADER REFERENCES", "references"),
    ("HEADER LIST-ID", "header list-id"),
    ("HEADER X-WORD-ODD", "header x-word-odd"),
    ("HEADER X-FOLDED", "folded header"), ("BODY", "preview"),
    ("BODY", "body"), ("BODY", "body base64"), ("BODY", "html text"),
    ("BODY", "attachment text"), ("TEXT", "header comments"),
    ("TEXT", "preview utf-16"), ("TEXT", "subject"),
    ("SUBJECT", "subject latin"), ("BODY", "body quoted"),
    ("HEADER X-ENCODED", "header q"))

DOVEADM_FIELDS = (
    "user mailbox mailbox-guid seq uid guid flags modseq hdr body "
    "body.preview body.snippet text size.physical size.virtual "
    "date.received date.sent date.saved imap.envelope imap.body "
    "imap.bodystructure pop3.uidl pop3.order refcount storageid "
    "hdr.subject hdr.x-word-odd hdr.from.utf8 body.1 binary.1")

SIEVE = """require ["fileinto", "mailbox", "imap4flags", "copy", "body"];
addflag "%(all)s";
if header :contains "x-word-odd" "" {
  addflag ["\\\\Flagged", "%(some)s"];
}
if body :text :contains "filler words" {
  fileinto :copy :create :flags ["%(filed)s", "%(all)s"] "Filed";
}
if exists "x-twice" { fileinto :create "Lists"; }
"""


def items(text):
    return [item.strip() for line in text.strip().splitlines()
            for item in line.split(" | ")]


class Day:
    """A day on `server`, a started Server whose users are USERS. Each time a
    command has ended, `did` is called with its name."""

    def __init__(self, server, book, did=lambda name: None):
        self.server = server
        self.book = book
        self.did = did
        self.mail = canary_mail.Maker(book)
        self.rounds = 0
        self.asked = book.word("asked header name")
        self.tags = {kind: book.word("keyword " + kind) for kind in (
            "stored", "appended", "second", "all", "some", "filed",
            "doveadm", "replaced", "copied", "looked-for")}
        self.tags["dollar"] = "$" + book.word("keyword dollar")

    @staticmethod
    def prepare(server):
        """Makes the folder of Sieve scripts. Dovecot must not have been
        started yet."""
        folder = os.path.join(server.root, "scripts")
        os.makedirs(folder)
        server.own(folder)

    def run(self):
        if self.server.roost:
            self.server.init_password_mode(LOCKED)
        self.scripts()
        self.deliver()
        for user in (LOCKED, "alice"):
            self.session(user)
        self.deliver()
        self.append()
        self.session("alice")
        self.move_about()
        self.deliver()
        self.session("alice")
        self.pop3()
        self.commands()
        self.replicate()
        self.deliver()
        for user in RECIPIENTS:
            self.session(user)
        self.rebuild()

    # Coming in

    def scripts(self):
        folder = os.path.join(self.server.root, "scripts")
        for user in USERS:
            self.server.write(os.path.join(folder, user + ".sieve"),
                              SIEVE % self.tags)
        self.server.own(folder)

    def asked_message(self):
        """Returns a message with a header line for whose name clients ask."""
        return ("%s: %s\r\n" % (self.asked, self.book.word("asked header")) +
                self.mail.simple()).encode()

    def deliver(self):
        """Delivers by LMTP to all at once and to one, and by dovecot-lda."""
        self.rounds += 1
        for message in self.mail.messages():
            answers = self.server.deliver(message, *RECIPIENTS)
            assert [code for code, _ in answers] == [250] * 3, answers
            self.did("LMTP to three")
        # Everybody has a message with these words in INBOX now.
        self.latest = {kind: words[-1]
                       for kind, words in self.book.by_kind.items()}
        for user in RECIPIENTS:
            assert self.server.deliver(self.asked_message(),
                                       user)[0][0] == 250
            self.did("LMTP to one")
        for message in self.mail.messages(self.rounds % 2, 2):
            done = self.server.lda("alice", message)
            assert done.returncode == 0, done.stderr
            self.did("dovecot-lda")

    def append(self):
        tags = self.tags
        with self.server.raw("alice") as client:
            for message in self.mail.messages():
                assert client.append("INBOX", message,
                                     "\\Seen " + tags["appended"]).ok
                self.did("APPEND")
            parts = ["APPEND INBOX "]
            for message in self.mail.messages():
                parts += ["(%s) " % tags["second"], (message,), " "]
            client.ok(*parts[:-1])
            self.did("MULTIAPPEND")
            client.ok('APPEND INBOX (%s) CATENATE (TEXT ' % tags["dollar"],
                      (self.mail.head().encode() + b"\r\n",),
                      ' URL "/INBOX/;UID=1/;SECTION=TEXT" TEXT ',
                      (self.mail.word("catenated").encode(),), ")")
            self.did("CATENATE")
            data = self.mail.head(
                "Content-Type: application/octet-stream",
                "Content-Transfer-Encoding: binary") + "\r\n\0" + \
                self.mail.word("binary appended")
            client.ok("APPEND INBOX ", [data.encode()])
            self.did("APPEND of binary")
            client.logout()

    # Sessions

    def session(self, user):
        """Asks for everything in a new session."""
        with self.server.raw(user) as client:
            self.ask(client, "SELECT INBOX (CONDSTORE)")
            self.keywords(client)
            self.fetch_all(client)
            self.search_all(client)
            self.sort_all(client)
            client.logout()
            self.did("LOGOUT")

    def ask(self, client, *parts, is_optional=False):
        answer = client.cmd(*parts)
        assert answer.status != "BAD" or is_optional, (parts, answer)
        self.did("%s" % (parts[0] if len(parts) == 1 else list(parts)))
        return answer

    def fetch_all(self, client):
        for item in items(FETCHES % {"name": self.asked}):
            self.ask(client, "FETCH 1:* " + item)
        for item in items(OPTIONAL):
            self.ask(client, "FETCH 1:* " + item, is_optional=True)

    def search_all(self, client):
        for key in items(SEARCHES % {"name": self.asked}):
            self.ask(client, "SEARCH " + key)
        for key, kind in FINDS:
            word = self.latest[kind]
            parts = ["SEARCH %s %s" % (key, word)] if word.isascii() else \
                ["SEARCH CHARSET UTF-8 %s " % key, (word.encode(),)]
            answer = self.ask(client, *parts)
            assert re.search(rb"^\* SEARCH( \d+)+\r\n",
                             b"".join(answer.untagged)), (key, kind, answer)
        for tag in self.tags.values():
            self.ask(client, "SEARCH KEYWORD " + tag)
            self.ask(client, "SEARCH UNKEYWORD " + tag.lower())

    def sort_all(self, client):
        for key in SORTS:
            self.ask(client, "SORT (%s) UTF-8 ALL" % key)
        self.ask(client, "SORT RETURN (ALL) (REVERSE SUBJECT FROM) UTF-8 ALL")
        kinds = set(re.findall(rb"THREAD=(\S+)", b"".join(
            client.ok("CAPABILITY").untagged)))
        assert len(kinds) >= 3, kinds
        for kind in sorted(kinds):
            self.ask(client, "THREAD %s UTF-8 ALL" % kind.decode())

    def keywords(self, client):
        """Changes keywords with STORE in all its forms; FETCH must show them
        by the names that the client gave."""
        tags = self.tags
        for change in ("1 +FLAGS (\\Flagged %(stored)s $Forwarded)",
                       "2 +FLAGS.SILENT (%(stored)s %(dollar)s)",
                       "2 -FLAGS (%(stored)s)",
                       "3 FLAGS (%(replaced)s \\Answered)",
                       "4 (UNCHANGEDSINCE 99999) +FLAGS (%(stored)s)"):
            self.ask(client, "STORE " + change % tags)
        flags = self.ask(client, "FETCH 1:4 (FLAGS)").untagged
        for number, tag in ((1, "stored"), (2, "dollar"), (3, "replaced")):
            assert tags[tag].encode() in flags[number - 1], flags

    def move_about(self):
        with self.server.raw("alice") as client:
            for box in ("Work", "Archive/2024", "Other"):
                self.ask(client, "CREATE " + box)
            self.ask(client, "SELECT INBOX")
            self.ask(client, "STORE 5 +FLAGS (%s)" % self.tags["copied"])
            for command in ("COPY 1:20 Work", "COPY 5:9 INBOX",
                            "MOVE 21:25 Archive/2024", "UID COPY 1:* Other",
                            "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE"):
                assert self.ask(client, command).ok, command
            if servers.NEW:
                assert self.ask(client, "REPLACE 2 INBOX (%s) "
                                % self.tags["copied"],
                                (self.mail.attachments().encode(),)).ok
            for box in ("Work", "Archive/2024", "Other", "Filed"):
                self.ask(client, 'STATUS "%s" (MESSAGES UNSEEN SIZE)' % box)
                self.ask(client, 'SELECT "%s"' % box)
                if box in ("Work", "Filed"):
                    self.fetch_all(client)
                self.ask(client, "FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)")
                self.ask(client, "SORT (SUBJECT) UTF-8 ALL")
                self.ask(client, "STORE 1 +FLAGS (%s)" % self.tags["stored"])
            self.ask(client, 'LIST "" "*" RETURN (STATUS (MESSAGES))')
            self.ask(client, "RENAME Other Others")
            client.logout()

    def pop3(self):
        for _ in range(2):
            client = self.server.pop3("bob")
            count = client.stat()[0]
            assert count > 10
            client.list()
            client.uidl()
            for number in range(1, count + 1):
                client.top(number, 3)
                client.retr(number)
            client.dele(1)
            client.quit()
            self.did("POP3")

    # doveadm

    def doveadm(self, *args, check=True):
        done = self.server.doveadm(*args, check=check)
        self.did("doveadm " + " ".join(args))
        return done

    def commands(self):
        box, tags = ("mailbox", "INBOX"), self.tags
        for _ in range(2):
            self.doveadm("fetch", "-u", "alice", DOVEADM_FIELDS, *box)
            # The field text.utf8 is fetched of some messages only, because
            # Dovecot itself fails at a header with a line that is no header
            # line.
            self.doveadm("fetch", "-u", "alice", "text.utf8", *box, "body",
                         "filler")
        for query in (("subject", self.latest["subject"]), ("text", "example"),
                      ("body", "filler"), ("header", "x-word-odd", "e"),
                      ("keyword", tags["stored"]), ("from", "example"),
                      ("sentsince", "2020-01-01"), ("seen",)):
            self.doveadm("search", "-u", "alice", *box, *query)
        for args in (("flags", "add", "-u", "bob", tags["doveadm"], *box,
                      "1:5"),
                     ("flags", "replace", "-u", "bob", tags["replaced"],
                      *box, "2"),
                     ("flags", "remove", "-u", "bob", tags["doveadm"], *box,
                      "3"),
                     ("index", "-u", "alice", "*"),
                     ("index", "-u", "bob", "INBOX"),
                     ("mailbox", "status", "-u", "alice", "all", "*"),
                     ("copy", "-u", "alice", "Work", *box, "1:5"),
                     ("move", "-u", "alice", "Work", *box, "6:7"),
                     ("copy", "-u", "bob", "INBOX", "user", "alice",
                      "mailbox", "Work", "1:3"),
                     ("deduplicate", "-u", "alice", "-m", "mailbox", "Work"),
                     ("expunge", "-u", "alice", *box, "1:2"),
                     ("mailbox", "cache", "decision", "-u", "alice",
                      "--fields", "hdr.subject body.snippet", "--decision",
                      "yes", "INBOX"),
                     ("purge", "-u", "alice"),
                     ("mailbox", "cache", "purge", "-u", "alice", "INBOX")):
            self.doveadm(*args)
        message = self.mail.attachments().encode()
        self.server.doveadm("save", "-u", "alice", "-m", "Work",
                            input=message)
        self.did("doveadm save")

    def replicate(self):
        """Copies mail to another user and to another storage and back, and
        imports it."""
        other = {"maildir": "sdbox", "sdbox": "mdbox",
                 "mdbox": "maildir"}[self.server.storage]
        far = self.server.dsync_server(COPY)
        place = "%s:%s" % (other, os.path.join(self.server.home("alice"),
                                               "backup"))
        for _ in range(2):
            done = self.doveadm("sync", "-u", "alice", *far, check=False)
            # The status 2 asks for another run: two Maildirs disagreed about
            # the id of INBOX.
            assert done.returncode in (0, 2), done.stderr
            self.deliver_two()
        found = self.doveadm("search", "-u", COPY, "mailbox", "Work", "all")
        assert found.stdout.count(b"\n") > 10, found.stdout
        for direction in ((), ("-R",)):
            self.doveadm("backup", *direction, "-u", "alice", place)
        for args in (("-u", "alice"), ("-U", "alice", "-u", "bob")):
            self.doveadm("import", *args, place, "Imported", "mailbox",
                         "Work")

    def deliver_two(self):
        for user in ("alice", COPY):
            assert self.server.deliver(self.mail.attachments().encode(),
                                       user)[0][0] == 250
            self.did("LMTP to " + user)

    def rebuild(self):
        """Rebuilds indexes, and asks for everything once more."""
        for user in ("alice", "bob"):
            self.doveadm("force-resync", "-u", user, "*")
            self.doveadm("purge", "-u", user)
            self.session(user)
            self.doveadm("mailbox", "cache", "purge", "-u", user, "INBOX")
