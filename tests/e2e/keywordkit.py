# SPDX-License-Identifier: MIT
"""keywordkit: what tests of private names of keywords share.

It searches the disk for names, reads the flags that clients are shown, makes
keywords as older builds stored them, and plays whole sessions to two servers to
compare the answers.
"""

import os
import re

import tamper
import virtualbox
from server import STORAGES
from tamper import rf

MESSAGE = (b"From: a@roost.test\r\nTo: b@roost.test\r\nSubject: %s\r\n"
           b"Message-ID: <%s@roost.test>\r\n"
           b"Date: Tue, 1 Apr 2025 10:00:00 +0000\r\n\r\nbody of %s\r\n")
# These names are private. None of them stands on disk for another reason. The
# token of the long one is longer than a name that a client may give.
SECRETS = ("Zahnarzt", "kuendigung-plan", "$TopSecret", "Verhandlung_2031",
           "x" * 12 + "-Nachlass-" + "y" * 20, "$label3")
PUBLIC = ("$Forwarded", "Junk", "$MDNSent")


def message(word):
    word = word.encode()
    return MESSAGE % (word, word, word)


# These files hold what their owner or an admin wrote.
NOT_MAIL = ("dovecot-virtual", ".dovecot.sieve", ".dovecot.svbin",
            ".dovecot.sieve.log")


def contents(folder):
    """Yields the bytes of all files below a folder but those of NOT_MAIL."""
    for folder, _, files in os.walk(folder):
        for name in set(files) - set(NOT_MAIL):
            with open(os.path.join(folder, name), "rb") as file:
                yield file.read()


def names_on_disk(server, names=SECRETS):
    """Returns those of the names that some file below the mail root
    contains."""
    found = set()
    for content in contents(server.mail_root):
        content = content.lower()
        found |= {name for name in names if name.lower().encode() in content}
    return found


def tokens_on_disk(server, user="alice"):
    """Returns the tokens in a user's files, in lower case, because Dovecot
    ignores their case."""
    found = set()
    for content in contents(server.home(user)):
        found |= {token.lower() for token in
                  re.findall(rb"rk1-[A-Za-z2-7]+", content)}
    return found


def token_of_older_build(server, name):
    """Returns the token that older builds made of a name. They sealed it as it
    was spelled, and not in lower case."""
    ring = tamper.Reader(server, "alice").ring
    return rf.token_text(rf.siv_seal(
        rf.token_key(ring.host_key), rf.TOKEN_LABEL + ring.id,
        name.encode())).decode()


def without_roost(server, then):
    """Calls then(client) while the server runs without Roost, so that the
    client sees and sends tokens as they are stored. Then it runs with Roost
    again."""
    server.stop()
    server.roost = False
    server.start()
    with server.raw("alice") as client:
        then(client)
    server.stop()
    server.roost = True
    server.start()


def listed(client, mailbox="INBOX"):
    """Selects a mailbox; returns the keywords of FLAGS. PERMANENTFLAGS must
    have the same, and none may occur twice."""
    answer = client.ok("SELECT %s" % mailbox)
    flags, = [line for line in answer.untagged
              if line.startswith(b"* FLAGS (")]
    permanent, = [line for line in answer.untagged
                  if b"[PERMANENTFLAGS (" in line]
    found = [name.decode() for name in
             re.search(rb"\(([^)]*)\)", flags).group(1).split()
             if not name.startswith(b"\\")]
    assert found == [name.decode() for name in
                     re.search(rb"\(([^)]*)\)", permanent).group(1).split()
                     if not name.startswith(b"\\")]
    folded = [name.lower() for name in found]
    assert len(set(folded)) == len(folded), flags
    return found


class Session:
    """Clients of one server, by number, whose answers are kept for a
    comparison."""

    def __init__(self, server, user="alice"):
        self.server, self.user = server, user
        self.clients, self.lines = {}, []

    def client(self, who):
        if who not in self.clients:
            self.clients[who] = self.server.raw(self.user)
        return self.clients[who]

    def note(self, who, what, lines):
        """Keeps responses that a client got to a command, without what
        differs from server to server."""
        for line in lines:
            line = re.sub(rb"(UIDVALIDITY|APPENDUID|COPYUID) \d+",
                          rb"\1 N", line)
            line = re.sub(rb"\b[0-9a-f]{32}\b", b"GUID", line)
            self.lines.append((who, what, line))

    def cmd(self, who, *parts):
        answer = self.client(who).cmd(*parts)
        what = repr(parts)
        self.note(who, what, answer.untagged)
        self.note(who, what, [answer.tagged])
        return answer

    def idle(self, who, then, wait):
        """Calls then() while a client is in IDLE, and ends that when a
        response contains the bytes `wait`."""
        client = self.client(who)
        client.idle()
        then()
        lines = []
        while not any(wait in line for line in lines):
            lines.append(client.response())
        answer = client.done()
        self.note(who, "IDLE", lines + answer.untagged + [answer.tagged])

    def close(self):
        for client in self.clients.values():
            client.logout()
        self.clients = {}


def played(server, scripts):
    """Plays each script as the user with its name. Returns for each what its
    clients were told."""
    sessions = [Session(server, script.__name__) for script in scripts]
    for session, script in zip(sessions, scripts):
        script(session)
        session.close()
    return [session.lines for session in sessions]


def compare(script, expected, got):
    """Asserts that two servers told the clients of a script the same."""
    for number, (left, right) in enumerate(zip(expected, got)):
        assert left == right, "%s: line %d" % (script.__name__, number)
    assert len(expected) == len(got)


# What follows are scripts, and what they share. Each gets a Session.

def fill(session, mailbox="INBOX", count=6, first=1):
    """Appends messages with different keywords to a mailbox."""
    for number in range(first, first + count):
        flags = ["", SECRETS[0], SECRETS[4] + " $Forwarded", "\\Seen Junk",
                 SECRETS[2].upper(), SECRETS[1] + " " + SECRETS[0].lower()]
        session.cmd(1, 'APPEND "%s" (%s) "01-Apr-2025 10:00:00 +0000" '
                    % (mailbox, flags[number % len(flags)]),
                    (message("m%d" % number),))


def stores(session):
    fill(session)
    cmd = session.cmd
    cmd(1, "SELECT INBOX")
    cmd(1, "FETCH 1:* (FLAGS)")
    for command in ("STORE 1 +FLAGS (%s)", "STORE 1 +FLAGS (%s $MDNSent)",
                    "STORE 2 FLAGS (%s \\Answered)", "STORE 2 FLAGS ()",
                    "STORE 2:3 +FLAGS.SILENT (%s)",
                    "UID STORE 3 -FLAGS (%s)", "STORE 4 -FLAGS.SILENT (%s)",
                    "UID STORE 1:* +FLAGS (%s Junk)",
                    "STORE 1:* -FLAGS (%s)", "STORE 5 +FLAGS (%s)"):
        for name in SECRETS[:4]:
            name = name if len(command) % 2 else name.swapcase()
            cmd(1, command % name if "%s" in command else command)
            cmd(1, "FETCH 1:* (FLAGS)")
    for bad in ("STORE 1 +FLAGS (%s)" % ("z" * 51), "STORE 1 +FLAGS (a]b)",
                "STORE 1 +FLAGS (\\Nonsense)", "STORE 99 +FLAGS (abc)"):
        cmd(1, bad)
    cmd(1, "EXPUNGE")
    cmd(1, "SELECT INBOX")
    cmd(1, "EXAMINE INBOX")
    cmd(1, "STORE 1 +FLAGS (%s)" % SECRETS[0])
    cmd(1, "FETCH 1:* (FLAGS)")


def searches(session):
    fill(session, count=10)
    cmd = session.cmd
    # One command appends several messages, the second time with a name that is
    # too long.
    for bad in ("", " " + "n" * 60):
        cmd(1, "APPEND INBOX (%s%s) " % (SECRETS[3], bad),
            (message("multi1"),), " (%s \\Seen) " % SECRETS[3].upper(),
            (message("multi2"),))
    cmd(1, "SELECT INBOX")
    cmd(1, "STORE 7 +FLAGS (%s)" % SECRETS[1])
    for name in SECRETS + PUBLIC:
        for spelled in (name, name.upper(), name.lower()):
            cmd(1, "SEARCH KEYWORD %s" % spelled)
            cmd(1, "UID SEARCH UNKEYWORD %s" % spelled)
        cmd(1, "SEARCH OR KEYWORD %s NOT KEYWORD %s" % (name, SECRETS[0]))
        cmd(1, "SEARCH RETURN (ALL COUNT) NOT UNKEYWORD %s" % name)
        cmd(1, 'SORT (REVERSE ARRIVAL) UTF-8 KEYWORD %s' % name)
        cmd(1, 'THREAD REFERENCES UTF-8 UNKEYWORD %s' % name)
        cmd(1, 'SEARCH MODSEQ "/flags/%s" all 1' % name)
        cmd(1, "SEARCH 1:4 KEYWORD %s SEEN" % name)
    # No message has this name, but the search makes the server announce it.
    cmd(1, "SEARCH KEYWORD Neverused")
    cmd(1, "FETCH 1 (FLAGS)")
    cmd(1, "SEARCH UNKEYWORD neverused")
    cmd(1, "SEARCH KEYWORD %s" % ("q" * 70))


def condstore(session):
    fill(session)
    cmd = session.cmd
    cmd(1, "ENABLE QRESYNC")
    cmd(1, "SELECT INBOX (CONDSTORE)")
    valid = re.search(rb"UIDVALIDITY (\d+)", b"".join(
        session.client(2).cmd("SELECT INBOX").untagged)).group(1).decode()
    for number, name in enumerate(SECRETS[:4]):
        cmd(1, "UID STORE 1:3 (UNCHANGEDSINCE %d) +FLAGS (%s)"
            % (number * 4 + 1, name))
        cmd(1, "STORE 4 (UNCHANGEDSINCE 1) -FLAGS (%s)" % name)
        cmd(1, "STORE 4 (UNCHANGEDSINCE 1000) FLAGS (%s)" % name.lower())
        cmd(2, "STORE 5 +FLAGS.SILENT (%s)" % name)
        cmd(1, "NOOP")
        cmd(1, "FETCH 1:* (FLAGS MODSEQ) (CHANGEDSINCE %d)" % (number + 2))
        cmd(1, "STATUS INBOX (HIGHESTMODSEQ)")
    # The message may have this keyword already; its MODSEQ tells whether it
    # was changed.
    cmd(1, "STORE 4 +FLAGS (%s)" % SECRETS[3])
    cmd(1, "FETCH 4 (MODSEQ)")
    cmd(2, "STORE 6 +FLAGS (\\Deleted)")
    cmd(2, "EXPUNGE")
    for modseq in (1, 3, 8):
        cmd(1, "UNSELECT")
        client = session.client(1)
        answer = client.cmd("SELECT INBOX (QRESYNC (%s %d 1:6))"
                            % (valid, modseq))
        session.note(1, "QRESYNC", answer.untagged)


def copies(session):
    fill(session)
    cmd = session.cmd
    for mailbox in ("Other", "Third"):
        cmd(1, "CREATE %s" % mailbox)
    cmd(1, "SELECT INBOX")
    cmd(1, "COPY 1:4 Other")
    cmd(1, "UID MOVE 2 Other")
    cmd(2, "SELECT Other")
    cmd(2, "FETCH 1:* (UID FLAGS)")
    cmd(2, "SEARCH KEYWORD %s" % SECRETS[0])
    cmd(2, "STORE 1 +FLAGS (%s)" % SECRETS[3])
    cmd(2, "COPY 1:* Third")
    cmd(2, "UID MOVE 1 INBOX")
    cmd(1, "NOOP")
    cmd(1, "FETCH 1:* (UID FLAGS)")
    cmd(1, "RENAME Third Fourth")
    cmd(1, "SELECT Fourth")
    cmd(1, "FETCH 1:* (UID FLAGS)")
    cmd(1, "SEARCH KEYWORD %s" % SECRETS[3])
    cmd(1, "LIST \"\" * RETURN (STATUS (MESSAGES UNSEEN))")


def two_sessions(session):
    fill(session)
    cmd = session.cmd
    for who in (1, 2):
        cmd(who, "SELECT INBOX")
    session.idle(1, lambda: cmd(2, "STORE 1 +FLAGS (%s)" % SECRETS[1]),
                 b"FETCH")
    session.idle(2, lambda: cmd(1, "STORE 2 FLAGS (%s %s)" % SECRETS[2:4]),
                 b"FETCH")
    cmd(2, "STORE 3 +FLAGS (%s)" % SECRETS[1].upper())
    cmd(1, "NOOP")
    for who in (1, 2):
        for name in SECRETS[:4]:
            cmd(who, "SEARCH KEYWORD %s" % name)
    # A message brings a new name, of which both clients learn.
    session.idle(1, lambda: cmd(3, "APPEND INBOX (Geburtstag) ",
                                (message("idle"),)), b"EXISTS")
    for who in (1, 2):
        cmd(who, "NOOP")
        cmd(who, "STORE 4 +FLAGS (geburtstag)")
        cmd(who, "FETCH 1:* (FLAGS)")
        cmd(who, "SEARCH KEYWORD GEBURTSTAG")


def virtual_mailboxes(session):
    server = session.server
    for name, rule in (("all", "all"), ("one", "KEYWORD " + SECRETS[0])):
        virtualbox.add(server, session.user, name, "!INBOX", "Other",
                       "  " + rule)
    fill(session)
    cmd = session.cmd
    cmd(1, "CREATE Other")
    fill(session, "Other", 3, 7)
    cmd(1, "SELECT virtual/all")
    cmd(1, "FETCH 1:* (FLAGS)")
    # The tokens of the last two names are longer than what a client may write.
    for name in SECRETS[:5] + ("N" * 50,):
        cmd(1, "STORE 1,8 +FLAGS (%s)" % name)
        cmd(1, "STORE 2 FLAGS (%s)" % name.lower())
        cmd(1, "STORE 3 -FLAGS (%s)" % name)
        cmd(1, "SEARCH KEYWORD %s" % name)
    cmd(1, "NOOP")
    for mailbox in ("INBOX", "Other", "virtual/one", "virtual/all"):
        cmd(2, "SELECT %s" % mailbox)
        cmd(2, "FETCH 1:* (FLAGS)")
        cmd(2, "SEARCH KEYWORD %s" % SECRETS[0])
        cmd(2, "SEARCH KEYWORD %s" % ("n" * 50))
    cmd(2, "SELECT Other")
    cmd(2, "STORE 1:* -FLAGS (%s)" % SECRETS[0])
    cmd(1, "NOOP")
    cmd(1, "FETCH 1:* (FLAGS)")
    cmd(1, "APPEND virtual/all (%s Erbschaft) " % SECRETS[3],
        (message("into"),))
    cmd(2, "SELECT INBOX")
    cmd(2, "FETCH 1:* (FLAGS)")
    # A name of a client may not be longer than the admin allows, although
    # tokens may.
    answer = cmd(2, "STORE 1 +FLAGS (%s)" % ("o" * 51))
    assert answer.status == "NO" and b"too long" in answer.tagged


SIEVE = """require ["imap4flags", "fileinto"];
addflag "%s";
addflag ["%s", "$Forwarded"];
if header :contains "Subject" "two" { setflag "%s"; fileinto "Other"; }
""" % SECRETS[:3]


def programs(session):
    server = session.server
    session.cmd(1, "CREATE Other")
    server.sieve(session.user, SIEVE)
    for word in ("lmtp-one", "lmtp-two"):
        assert server.deliver(message(word), session.user)[0][0] == 250
    for word in ("lda-one", "lda-two"):
        assert server.lda(session.user, message(word)).returncode == 0

    def doveadm(*args):
        done = server.doveadm("-f", "flow", *args)
        session.note(0, args, done.stdout.splitlines())

    for mailbox in ("INBOX", "Other"):
        session.cmd(1, "SELECT %s" % mailbox)
        session.cmd(1, "FETCH 1:* (FLAGS)")
    for change in ("add", "remove", "replace"):
        doveadm("flags", change, "-u", session.user,
                "%s %s" % (SECRETS[3], SECRETS[0].upper()), "mailbox",
                "INBOX", "1")
        doveadm("fetch", "-u", session.user, "uid flags", "mailbox", "INBOX",
                "all")
        for name in SECRETS[:4]:
            doveadm("search", "-u", session.user, "keyword", name)
            doveadm("search", "-u", session.user, "unkeyword", name.upper())
    doveadm("copy", "-u", session.user, "Other", "mailbox", "INBOX", "all")
    for mailbox in ("INBOX", "Other"):
        session.cmd(1, "SELECT %s" % mailbox)
        session.cmd(1, "FETCH 1:* (FLAGS)")


def show_and_search(session):
    """Fetches all flags and searches for each name."""
    session.cmd(1, "SELECT INBOX")
    session.cmd(1, "FETCH 1:* (FLAGS)")
    for name in SECRETS[:5]:
        session.cmd(1, "SEARCH KEYWORD %s" % name)


def repaired(session):
    fill(session)
    session.cmd(1, "SELECT INBOX")
    session.cmd(1, "STORE 1 +FLAGS (%s)" % SECRETS[3])
    session.close()
    server = session.server
    server.doveadm("force-resync", "-u", session.user, "INBOX")
    show_and_search(session)
    session.cmd(1, "STORE 2 +FLAGS (%s Nachtrag)" % SECRETS[3].upper())
    session.cmd(1, "FETCH 1:* (FLAGS)")


def letters(session):
    """Removes the indexes of a maildir, so that Dovecot has to read keywords
    from the letters in file names and from dovecot-keywords."""
    fill(session)
    session.close()
    server = session.server
    server.stop()
    server.remove_indexes(session.user)
    server.start()
    show_and_search(session)
    session.cmd(1, "STORE 2 +FLAGS (%s Nachtrag)" % SECRETS[3].upper())
    session.cmd(1, "STORE 1 -FLAGS (%s)" % SECRETS[1])
    session.close()
    server.stop()
    server.remove_indexes(session.user)
    server.start()
    show_and_search(session)


def many(session):
    """Stores more keywords than a maildir has letters for."""
    fill(session)
    session.cmd(1, "SELECT INBOX")
    for number in range(40):
        session.cmd(1, "STORE %d +FLAGS (Etikett-%d)"
                    % (number % 6 + 1, number))
    session.cmd(1, "FETCH 1:* (FLAGS)")
    session.close()
    session.server.doveadm("force-resync", "-u", session.user, "INBOX")
    session.cmd(1, "SELECT INBOX")
    session.cmd(1, "FETCH 1:* (FLAGS)")
    for number in range(0, 40, 3):
        session.cmd(1, "SEARCH KEYWORD etikett-%d" % number)


SCRIPTS = (stores, searches, condstore, copies, two_sessions,
           virtual_mailboxes, programs, repaired, many)


def flags_of(server, mailbox="INBOX", user="alice"):
    """Returns {subject: {flags in lower case}} of a mailbox, as a new session
    sees them."""
    found = {}
    with server.raw(user) as client:
        client.ok("EXAMINE %s" % mailbox)
        for line in client.ok("FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS "
                              "(SUBJECT)])").untagged:
            if b" FETCH (" in line:
                subject = re.search(rb"Subject: (\S+)", line).group(1)
                flags = re.search(rb"FLAGS \(([^)]*)\)", line).group(1)
                names = flags.decode().lower().split()
                assert len(set(names)) == len(names), line
                found[subject.decode()] = set(names) - {"\\recent"}
    return found


def searched(client, name):
    """Returns the numbers of the messages that have a keyword."""
    return found_by(client, "KEYWORD %s" % name)


def found_by(client, key):
    """Returns the numbers of the messages that match a search key."""
    lines = [line.split() for line in client.ok("SEARCH %s" % key).untagged]
    numbers, = [line[2:] for line in lines if line[1] == b"SEARCH"]
    return [int(number) for number in numbers]


def sync(near, far, how="sync"):
    """Replicates alice's mail from one server to another with dsync."""
    near.doveadm(how, "-u", "alice", *far.dsync_server("alice"))


def pair(make_server, storage, mode, **options):
    """Makes two servers of different storage on which alice has the same
    keyring."""
    near = make_server(storage, settings={"roost_keywords": mode}, **options)
    far = make_server(STORAGES[(STORAGES.index(storage) + 1) % 3],
                      settings={"roost_keywords": mode},
                      keyfile=near.keyfile, **options)
    near.doveadm("roost", "init", "-u", "alice")
    with open(os.path.join(near.home("alice"), "roost.keyring"),
              "rb") as file:
        path = os.path.join(far.home("alice"), "roost.keyring")
        far.write(path, file.read(), 0o600)
    far.own(far.mail_root)
    return near, far


def give(server, mailbox, keywords):
    """Gives messages tokens as older builds made them; `keywords` is [(number,
    name)]."""
    def store(client):
        client.ok("SELECT %s" % mailbox)
        for number, name in keywords:
            client.ok("STORE %d +FLAGS (%s)"
                      % (number, token_of_older_build(server, name)))
    without_roost(server, store)


def give_two(server, mailbox):
    """Gives the first two messages the same keyword in two spellings, for
    which older builds made two tokens."""
    give(server, mailbox, [(1, "Urlaub"), (2, "URLAUB")])


def shown_flags(client):
    """Returns {number: {flags in lower case}} of the selected mailbox."""
    found = {}
    for line in client.ok("FETCH 1:* (FLAGS)").untagged:
        number = re.match(rb"\* (\d+) FETCH .*FLAGS \(([^)]*)\)", line)
        if number:
            names = number.group(2).decode().lower().split()
            assert len(names) == len(set(names)), line
            found[int(number.group(1))] = set(names) - {"\\recent"}
    return found
