# SPDX-License-Identifier: MIT
"""Every command refuses nonsense: it ends with a status that says so and a
sentence that says what would be right, shows no word that may be a secret, and
changes nothing; over doveadm's HTTP API the client has an answer. Commands with secrets have more of this in test_slots.py and
test_rotation.py.
"""

import glob
import os
import re
import subprocess

import pytest

import server as servers
import slotkit
import tamper
import toolkit
from slotkit import text_of

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="commands of Roost")

# What each command takes beside its options: no words, words that are its own,
# or masks of mailboxes behind so many words.
NONE, OWN = "none", "own"
COMMANDS = {
    "cache purge": 0, "doctor": NONE, "init": NONE, "policy": OWN,
    "status": NONE, "verify": 0, "rebind": OWN, "seal": 0, "reseal": 0,
    "unseal": 0, "slot list": NONE, "slot add": OWN, "slot replace": OWN,
    "slot remove": OWN, "mode": OWN, "rotate": NONE, "provider-rotate": NONE,
    "keyring copy": OWN, "keyring delete": OWN, "keyring export": OWN,
    "keyring import": OWN, "keyring rename": OWN, "flags list": 0,
    "flags rename": 2, "flags merge": OWN, "flags unused": 0,
    "flags doctor": 0,
}
GROUPS = "", "slot", "keyring", "flags", "cache"


def test_all_commands_are_here():
    found = set()
    for path in glob.glob(os.path.join(servers.TOP, "plugin", "doveadm",
                                       "*.c")):
        found |= set(re.findall(r'\.name = "roost ([a-z -]+)"',
                                tamper.read(path).decode()))
    assert found - {"slot"} == set(COMMANDS)


class Nonsense:
    """A server whose user alice has a keyring and a message."""

    def __init__(self, server, api):
        self.server, self.api = server, api
        assert server.deliver(text_of(1), "alice")[0][0] == 250
        self.before = self.state()

    def state(self):
        return (slotkit.document(self.server, "alice"),
                self.server.objects("alice"),
                sorted(os.listdir(self.server.home("bob"))))

    def run(self, *args):
        """Returns (exit status, what was said); nothing may change."""
        done = subprocess.run(
            ["doveadm", "-c", self.server.conf, "roost", *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, timeout=300,
            env={name: value for name, value in
                 self.server._environment().items() if name != "USER"})
        said = done.stderr.decode()
        assert done.returncode > 0, (args, done)
        assert re.search(r"[a-z]+ [a-z]+", said), (args, said)
        assert "Panic" not in said and "Raw backtrace" not in said, said
        assert self.state() == self.before, args
        return done.returncode, said


@pytest.fixture(scope="module")
def nonsense(make_module_server):
    api = slotkit.Api()
    server = make_module_server("maildir", start=False, users=["alice", "bob"])
    server.extra = api.extra()
    return Nonsense(server.start(), api)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("words", ["", "frobnicate", "-x"])
def test_group(nonsense, group, words):
    """It prints how its commands are used."""
    status, said = nonsense.run(*group.split(), *words.split())
    assert status == 64 and "usage: doveadm" in said
    for command in COMMANDS:
        if group and command.startswith(group + " "):
            assert command.split()[1] in said
    assert said.count("|replace") <= 1, said


@pytest.mark.parametrize("command", COMMANDS)
def test_no_user(nonsense, command):
    if command == "doctor":
        return          # it looks at the server then
    status, said = nonsense.run(*command.split())
    assert status == (75 if servers.NEW else 64) and "-u" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_option(nonsense, command):
    status, said = nonsense.run(*command.split(), "-u", "alice",
                                "--frobnicate")
    assert status == 64 and "--frobnicate" in said


RIGHT = {"policy": ["open"], "slot add": ["app"], "slot replace": ["provider"],
         "slot remove": ["provider"], "mode": ["provider"],
         "keyring copy": ["file:~/other"], "keyring rename": ["alice"],
         "keyring export": ["/nowhere/to"], "keyring import": ["/nowhere/from"],
         "flags rename": ["a", "b"], "flags merge": ["a", "b"],
         "unseal": ["--yes-plaintext"]}


@pytest.mark.parametrize("command", COMMANDS)
def test_user_that_is_not_there(nonsense, command):
    status, said = nonsense.run(*command.split(), "-u", "nobody",
                                *RIGHT.get(command, []))
    assert status == 67 and "nobody" in said and "doesn't exist" in said


@pytest.mark.parametrize("command", [
    command for command, takes in COMMANDS.items() if takes in (NONE, OWN)
    and command != "flags merge"])
def test_word_too_many(nonsense, command):
    """It may be a secret, so that it is not told again."""
    status, said = nonsense.run(*command.split(), "-u", "alice",
                                *RIGHT.get(command, ["file:~/other"]),
                                "s3cr3t", "s3cr3t-2")
    assert status == 64 and "s3cr3t" not in said
    assert re.search("There is a word too many(; write doveadm roost|: say)",
                     said) and "never a secret" in said, said


@pytest.mark.parametrize("command", [
    command for command, takes in COMMANDS.items() if isinstance(takes, int)])
@pytest.mark.parametrize("names", [["NoBox"], ["NoBox", "NoBox2"],
                                   ["NoBox", "X*"]])
def test_mailbox_that_is_not_there(nonsense, command, names):
    """Also among others, and beside a mask."""
    status, said = nonsense.run(*command.split(), "-u", "alice",
                                *dry(command), *names)
    assert status in (65, 68, 75), (status, said)
    for name in names:
        if "*" not in name:
            assert re.search(r"Cannot open mailbox %s\b" % name, said), said


def dry(command):
    """Returns the words with which a command would do nothing to the mailbox
    that is there."""
    return {"flags rename": ["a", "b"], "unseal": ["-y", "--rate", "1"],
            "flags unused": []}.get(command, [])


@pytest.mark.parametrize("args, status, said", [
    ("init -m other", 64, "--mode takes provider or password"),
    ("init -p other", 64, "--policy takes open or sealed"),
    ("init --secret-fd x", 64, "--mode password"),
    ("init -n No/", 75, "with the prefix"),
    ("policy other", 64, "Write open or sealed"),
    ("policy -n No/ open", 75, "with the prefix"),
    ("rebind No/", 75, "no public namespace with the prefix"),
    ("seal --rate x", 64, "--rate is a number of messages a second"),
    ("seal --rate 0", 64, "--rate is a number of messages a second"),
    ("seal --rate -1", 64, "--rate is a number of messages a second"),
    ("reseal --rate 1e9", 64, "--rate is a number of messages a second"),
    ("unseal -y --rate x", 64, "--rate is a number of messages a second"),
    ("unseal", 64, "give --yes-plaintext"),
    ("seal --finish INBOX", 64, "--finish is for all mailboxes"),
    ("slot add", 64, "Say what kind of slot to add"),
    ("slot add other", 64, "it is provider, password, app, recovery or"),
    ("slot add app --secret-fd x", 75, "take the number of an open file"),
    ("slot add app --secret-fd 1x", 75, "take the number of an open file"),
    ("slot add app --secret-fd -1", 75, "take the number of an open file"),
    ("slot add app --secret-fd 99", 75, "Bad file descriptor"),
    ("slot add app --secret-file", 64, "requires an argument"),
    ("slot add app --secret-file /nowhere/s3cr3t", 75, "never a secret"),
    ("slot add password --new-secret-fd x", 75, "the number of an open file"),
    ("slot add app -n No/", 75, "with the prefix"),
    ("slot replace", 64, "Say which slot to replace"),
    ("slot replace 0", 64, "has no slot 0"),
    ("slot replace 9", 64, "has no slot 9"),
    ("slot replace 99999999999999999999", 64, "neither the number of a slot"),
    ("slot replace app", 64, "has no app slot"),
    ("slot replace provider -k", 64, "--keep-old is for a password"),
    ("slot remove", 64, "Say which slot to remove"),
    ("slot remove -1", 64, "invalid option"),
    ("slot remove s3cr3t", 64, "neither the number of a slot"),
    ("slot remove -y provider", 75, "There is no terminal to ask"),
    ("mode", 64, "Say provider or password"),
    ("mode other", 64, "say provider or password"),
    ("rotate --recovery", 64, "belong to --compromised"),
    ("keyring copy", 64, "takes the location to copy to"),
    ("keyring copy other", 75, "write file:PATH or dict:NAME"),
    ("keyring copy file:relative", 75, "takes an absolute path"),
    ("keyring delete other", 75, "write file:PATH or dict:NAME"),
    ("keyring delete", 75, "--yes"),
    ("keyring export relative", 64, "must be absolute"),
    ("keyring import relative", 64, "must be absolute"),
    ("keyring import /nowhere", 75, "No such file"),
    ("keyring import", 75, "is no keyring"),
    ("keyring rename", 64, "the old one at the end"),
    ("flags rename", 64, "<old> <new>"),
    ("flags rename a", 64, "<old> <new>"),
    ("flags merge", 64, "<target> <source>"),
    ("flags merge a", 64, "<target> <source>"),
    ("flags doctor --backup /nowhere", 64, "Cannot look at /nowhere"),
])
def test_own_nonsense(nonsense, args, status, said):
    words = args.split()
    name = max((name for name in COMMANDS if args.startswith(name)), key=len)
    count = len(name.split())
    answer = nonsense.run(*words[:count], "-u", "alice", *words[count:])
    assert answer[0] == status and said in answer[1], answer
    assert "s3cr3t" not in answer[1]


@pytest.mark.parametrize("args, said", [
    ("slot add app", "name the user by -u"),
    ("init -m password", "one user at a time"),
    ("keyring export", "one user at a time"),
    ("keyring import", "one user at a time"),
    ("keyring rename alice", "Write the user's name"),
])
def test_not_for_all_users(nonsense, args, said):
    """A secret, a document or a name is one user's."""
    words = args.split()
    count = 1 if words[0] == "init" else 2
    more = ["--secret-file", "/dev/null"] if words[0] == "slot" else []
    status, told = nonsense.run(*words[:count], "-A", *words[count:], *more)
    assert status != 0 and said in told, told


# Over doveadm's HTTP API

OVER_HTTP = [
    ("cache purge", {"mailboxMask": ["NoBox"]}, 68, "mailbox NoBox"),
    ("doctor", {}, 64, "from the command line of the mail host only"),
    ("init", {"mode": "other"}, 64, "--mode takes provider or password"),
    ("init", {"policy": "other"}, 64, "--policy takes open or sealed"),
    ("init", {"secretFile": "s3cr3t"}, 64, "is for --mode password"),
    ("init", {"more": ["s3cr3t"]}, 64, "There is a word too many"),
    ("policy", {"policy": "other"}, 64, "Write open or sealed"),
    ("policy", {"more": ["s3cr3t"]}, 64, "There is a word too many"),
    ("status", {"more": ["s3cr3t"]}, 64, "There is a word too many"),
    ("verify", {"mailboxMask": ["NoBox"]}, 68, "mailbox NoBox"),
    ("rebind", {"prefix": "No/"}, 75, "no public namespace with the prefix"),
    ("rebind", {"more": ["s3cr3t"]}, 64, "There is a word too many"),
    ("seal", {"rate": "x"}, 64, "--rate is a number of messages"),
    ("seal", {"finish": True, "mailboxMask": ["INBOX"]}, 64,
     "--finish is for all mailboxes"),
    ("reseal", {"rate": "0"}, 64, "--rate is a number of messages"),
    ("unseal", {}, 64, "give --yes-plaintext"),
    ("unseal", {"yesPlaintext": True, "rate": "-1"}, 64,
     "--rate is a number of messages"),
    ("slot", {}, 64, None),
    ("slot list", {"more": ["s3cr3t"]}, 64, "There is a word too many"),
    ("slot add", {}, 64, "Say what kind of slot to add"),
    ("slot add", {"type": ["other"]}, 64, "it is provider, password, app"),
    ("slot add", {"type": ["app", "s3cr3t"]}, 64, "There is a word too many"),
    ("slot replace", {}, 64, "Say which slot to replace"),
    ("slot replace", {"slot": ["9"]}, 64, "has no slot 9"),
    ("slot remove", {}, 64, "Say which slot to remove"),
    ("slot remove", {"slot": ["app"], "recovery": True}, 64,
     "belong to --compromised"),
    ("mode", {}, 64, "Say provider or password"),
    ("mode", {"mode": ["other"]}, 64, "say provider or password"),
    ("rotate", {"recovery": True}, 64, "belong to --compromised"),
    ("rotate", {"more": ["s3cr3t"]}, 64, "There is a word too many"),
    ("provider-rotate", {"more": ["s3cr3t"]}, 64, "There is a word too many"),
    ("keyring copy", {}, 64, "takes the location to copy to"),
    ("keyring copy", {"more": ["s3cr3t"]}, 64, "There is a word too many"),
    ("keyring delete", {}, 75, "--yes"),
    ("keyring delete", {"more": ["s3cr3t"]}, 64, "There is a word too many"),
    ("keyring export", {"path": "relative"}, 64, "must be absolute"),
    ("keyring export", {"path": "/nowhere"}, 75, "on the command line only"),
    ("keyring import", {"path": "relative"}, 64, "must be absolute"),
    ("keyring import", {}, 75, "on the command line only"),
    ("keyring rename", {}, 64, "the old one at the end"),
    ("keyring rename", {"more": ["s3cr3t"]}, 64, "There is a word too many"),
    ("flags list", {"mailboxMask": ["NoBox"]}, 68, "mailbox NoBox"),
    ("flags rename", {}, 64, "<old> <new>"),
    ("flags rename", {"old": "a", "target": "A"}, 64, "are one keyword"),
    ("flags merge", {"target": "a"}, 64, "<target> <source>"),
    ("flags merge", {"target": "\\Seen", "source": ["a"]}, 64,
     "is a system flag"),
    ("flags unused", {"mailboxMask": ["NoBox"]}, 68, "mailbox NoBox"),
    ("flags doctor", {"backup": "/nowhere"}, 64, "Cannot look at /nowhere"),
]


def test_all_commands_are_here_over_http():
    assert {command for command, *_ in OVER_HTTP} - {"slot"} == set(COMMANDS)


@pytest.mark.parametrize("command, parameters, status, said", OVER_HTTP)
def test_over_http(nonsense, command, parameters, status, said):
    """The client has the exit status, and the answer to what it asked for in
    the same request behind that; the log says what would be right."""
    name = re.sub("[ -](.)", lambda found: found.group(1).upper(),
                  "roost " + command)
    mark = nonsense.server.log_mark()
    (kind, result, _), (behind, rows, _) = nonsense.api.calls(
        [name, dict(parameters, user="alice") if command != "slot" else {}],
        ["roostStatus", {"user": "alice", "quick": True}])
    # What core says of a mailbox differs between formats and versions.
    assert kind == "error" and result["exitCode"] in (
        (status, 75) if status == 68 else (status,)), result
    assert behind == "doveadmResponse" and rows[0]["mode"] == "provider"
    if said is not None:
        nonsense.server.wait_log(re.escape(said), mark)
    assert "s3cr3t" not in nonsense.server.log_since(mark)
    assert nonsense.state() == nonsense.before


@pytest.mark.parametrize("command, parameters, said", [
    ("init", {"mode": "password"}, "one user at a time"),
    ("keyring export", {}, "one user at a time"),
    ("keyring rename", {"oldName": "alice"}, "Write the user's name"),
])
def test_for_all_users_over_http(nonsense, command, parameters, said):
    """It is said once, and not of each user."""
    name = re.sub(" (.)", lambda found: found.group(1).upper(),
                  "roost " + command)
    mark = nonsense.server.log_mark()
    kind, result, _ = nonsense.api.call(name, allUsers=True, **parameters)
    assert kind == "error" and result["exitCode"] == 64
    nonsense.server.wait_log(said, mark)
    assert nonsense.server.log_since(mark).count(said) == 1
    assert nonsense.state() == nonsense.before


# The program

PROGRAM = {"cat": ["/nowhere"], "extract": ["/nowhere", "/nowhere/out", "--to",
                                            "maildir"],
           "verify": ["/nowhere"], "check-backup": ["/nowhere"],
           "keyring show": ["/nowhere"], "keygen": ["/nowhere/key"]}


@pytest.mark.parametrize("command", PROGRAM)
def test_program(command):
    """Words that are missing or too many, options that are unknown or of
    another command, and files that are not there."""
    words, right = command.split(), PROGRAM[command]
    for args, status in (
            ([], 2), (right + ["s3cr3t"], 2), (right + ["--frobnicate"], 2),
            (right + ["--secret-fd", "x"], 2), (right + ["--keyring"], 2),
            (right, (1, 2, 3, 4))):
        done = subprocess.run(
            [toolkit.ROOST, *words, *args], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, timeout=100)
        told = done.stderr.decode()
        assert done.returncode in (status if isinstance(status, tuple)
                                   else (status,)), (args, done)
        assert re.search(r"[a-z]+ [a-z]+", told), (args, told)
        assert "s3cr3t" not in told


@pytest.mark.parametrize("args", [[], ["frobnicate"], ["keyring"],
                                  ["keyring", "frobnicate"], ["--frobnicate"],
                                  [""]])
def test_program_usage(args):
    out, told = toolkit.run(*args, status=2)
    assert out == b""
    assert "usage: roost" in told or "no command" in told
