# SPDX-License-Identifier: MIT
"""Where Roost is installed and nobody uses it, nothing changes: doveadm's own
commands say what they say without its modules, and end as they do then."""

import contextlib
import os
import re

import pytest

import server as servers

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="there are no modules")

NAMES = ("alice", "bob")
MESSAGE = (b"From: a@x.example\r\nSubject: stock %d\r\n"
           b"Date: Mon, 01 Jan 2024 10:00:00 +0000\r\n\r\nbody %d\r\n")
DATE = "01-Jan-2024 10:00:00 +0000"

# Each answers the same when it is asked twice.
COMMANDS = """\
mailbox list -u alice
mailbox list -A
mailbox status -u alice messages,vsize,unseen,uidnext INBOX
mailbox mutf7 Grüße
mailbox metadata list -u alice INBOX
mailbox path -u alice INBOX
mailbox cache decision -u alice INBOX
fetch -u alice uid,flags,hdr,text,size.virtual,date.received mailbox INBOX
fetch -A uid,imap.envelope,imap.bodystructure all
search -u alice mailbox INBOX subject stock
search -A all
flags add -u alice Stock mailbox INBOX 1
flags remove -u alice Stock mailbox INBOX 1
force-resync -u alice INBOX
index -u alice INBOX
index -A INBOX
purge -u alice
expunge -u alice mailbox INBOX subject nowhere
copy -u alice INBOX mailbox INBOX subject nowhere
altmove -u alice subject nowhere
dump -t imapzlib nowhere
dump nowhere
quota get -u alice
quota recalc -u alice
sieve list -u alice
user alice
user nobody
user *
auth test alice wrong
auth test alice secret-of-alice
auth lookup alice
auth cache flush
who
kick nobody
service status lmtp
log errors
replicator status
instance list
config -n
config -d mail_location
exec nothing
help help
no-such-command
mailbox no-such-command
search
pw -s NOSUCH -p x
pw -t {PLAIN}x -p y
""".splitlines()
# The same by way of a process of the server.
REMOTE = [line for line in COMMANDS if re.match(
    r"(mailbox (list|status)|fetch|search|index|purge|quota) .*(-u|-A)",
    line)]


@contextlib.contextmanager
def no_modules():
    """As if Roost were not installed: its modules are taken from where
    Dovecot finds them, and put back."""
    top = os.path.join(os.environ["ROOST_E2E_TMP"], "modules")
    away = os.path.join(os.environ["ROOST_E2E_TMP"], "away")
    moves = {os.path.join(folder, name): os.path.join(away, name)
             for folder, _, names in os.walk(top)
             for name in names if re.match(r"lib.*roost.*\.so$", name)}
    assert len(moves) >= 3
    os.mkdir(away)
    for name, other in moves.items():
        os.rename(name, other)
    try:
        yield
    finally:
        for name, other in moves.items():
            os.rename(other, name)
        os.rmdir(away)


def masked(text, server):
    """Without what is another each time."""
    text = text.decode(errors="replace").replace(server.root, "ROOT")
    text = re.sub(r"<\d+><[A-Za-z0-9+/]+>", "<PID><SESSION>", text)
    # Roost's line among the names of commands.
    return "".join(line for line in text.splitlines(True)
                   if not line.startswith("  roost "))


def told(server, *args):
    done = server.doveadm(*args, check=False)
    return done.returncode, masked(done.stdout, server), \
        masked(done.stderr, server)


def asked(server):
    """{command: its answer} of all."""
    home = server.home("alice")
    found = {line: told(server, *line.replace("~", home).split())
             for line in COMMANDS}
    socket = os.path.join(server.run_dir, "doveadm-server")
    for line in REMOTE:
        name, *rest = re.match(r"(\w+(?: list| status| get| recalc)?) (.*)",
                               line).groups()
        found["-S " + line] = told(server, *name.split(), "-S", socket,
                                   *rest[0].split())
    found[""] = told(server)
    return found


def pw(server, *args):
    return told(server, "pw", *args)


def schemes(server):
    code, shown, _ = pw(server, "-l")
    assert code == 0
    return shown.split()


def hashed(server, scheme):
    """(exit status, hash, what was complained about)"""
    code, shown, said = pw(server, "-s", scheme, "-p", "a password", "-u",
                           "alice@roost.test")
    return code, shown.strip(), said


def verified(server, known):
    """Whether a right and a wrong password are."""
    return [pw(server, "-t", known, "-p", word, "-u", "alice@roost.test")[0]
            for word in ("a password", "another")]


@pytest.fixture(scope="module")
def server(make_module_server):
    plugins, settings = servers.quota()
    server = make_module_server(
        "maildir", roost=False, users=NAMES, plugins=plugins,
        settings=settings, extra=servers.quota_extra())
    client = server.raw("alice")
    for number in range(3):
        client.append("INBOX", MESSAGE % (number, number), "", DATE)
    client.ok("CREATE Other")
    client.logout()
    # What these leave behind is there for both.
    asked(server)
    return server


def in_order(answer):
    """With -A it is not said in which order users come."""
    code, shown, said = answer
    return code, sorted(shown.splitlines()), said


def test_commands_answer_as_ever(server):
    with no_modules():
        wanted = asked(server)
    assert len([True for code, *_ in wanted.values() if code == 0]) > 30
    found = asked(server)
    for line, answer in wanted.items():
        assert in_order(found[line]) == in_order(answer), line


def test_the_modules_are_there(server):
    """Else the comparison above compares nothing."""
    assert server.doveadm("roost", "status", "-u", "alice",
                          check=False).returncode != 64
    with no_modules():
        assert server.doveadm("roost", "status", "-u", "alice",
                              check=False).returncode == 64


def test_every_scheme_of_passwords(server):
    """Also those of libsodium, which Dovecot insists on initializing."""
    with no_modules():
        names = schemes(server)
        wanted = {name: hashed(server, name) for name in names}
        answers = {name: verified(server, wanted[name][1]) for name in names}
    assert len(names) > 20 and answers["ARGON2ID"] == [0, 75]
    assert schemes(server) == names
    for name in names:
        code, shown, said = hashed(server, name)
        assert (code, said) == (wanted[name][0], wanted[name][2]), name
        assert len(shown) == len(wanted[name][1]), name
        assert verified(server, wanted[name][1]) == answers[name], name


def test_passwords_where_roost_is_used(make_server):
    """The mail plugin, too, is in each doveadm then."""
    server = make_server("maildir", users=NAMES, flags={})
    assert server.deliver(MESSAGE % (1, 1), "alice")[0][0] == 250
    server.assert_sealed("alice", 1)
    for name in ("ARGON2I", "ARGON2ID", "SHA512-CRYPT"):
        code, shown, said = hashed(server, name)
        assert (code, said) == (0, "") and shown.startswith("{%s}" % name)
