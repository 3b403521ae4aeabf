# SPDX-License-Identifier: MIT
"""slotkit: a user's keys over the years: commands with secrets, and what opens
a keyring.

roost() runs a command with secrets in descriptors, typed() runs one at a
terminal, and Api sends one to doveadm's HTTP API. opens() asks the second
implementation of FORMAT.md what opens a stored keyring.
"""

import base64
import collections
import contextlib
import fcntl
import glob
import http.client
import json
import os
import re
import signal
import subprocess
import termios
import time

import server as servers
import tamper
from tamper import rf

CODE = r"^([0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}$"
APP = r"^([a-km-np-z2-9]{4}-){6}[a-km-np-z2-9]{4}$"

Answer = collections.namedtuple("Answer", "code rows said")


def text_of(number):
    return b"From: a@sender.example\r\nSubject: number %d\r\n\r\nbody of " \
        b"number %d\r\n" % (number, number)


# Logins

def any_password(server):
    """Returns configuration in which every password logs in, after that of
    the passwd-file was asked, and is handed over like the right one. So a test
    can change a password, and log in by app passwords."""
    fields = {"userdb_uid": servers.MAIL_UID, "userdb_gid": servers.MAIL_GID,
              "userdb_home": server.mail_root +
              ("/%{user}" if servers.NEW else "/%u"),
              "userdb_roost_secret_key": "%{password | sha256 | hexlify}"
              if servers.NEW else "%{sha256:password}"}
    if servers.NEW:
        return "\npassdb static {\n  fields {\n    nopassword = yes\n%s  }\n" \
            "}\n" % "".join("    %s = %s\n" % item for item in fields.items())
    return "\npassdb {\n  driver = static\n  args = nopassword=y\n" \
        "  override_fields = %s\n}\n" % " ".join(
            "%s=%s" % item for item in fields.items())


# Keys of escrow

def escrow_pair(server):
    """Returns the private key and the paths of the public and the private
    key's file."""
    private = os.urandom(32)
    paths = []
    for kind, key in (("public", rf.public_of(private)),
                      ("private", private)):
        paths.append(os.path.join(server.root, "escrow-%s-%s" % (
            kind, private[:4].hex())))
        tamper.write(paths[-1], rf.print_escrow_file(kind, key))
    return (private, *paths)


# Commands

def pipe_of(text):
    """Returns a descriptor from which the text can be read."""
    reader, writer = os.pipe()
    os.write(writer, text if isinstance(text, bytes) else text.encode())
    os.close(writer)
    return reader


def roost(server, *args, secret=None, fresh=None, environment=None,
          conf=None):
    """Runs doveadm roost; secret is what opens the keyring now, fresh the new
    password. Returns an Answer, without rows where the command was killed
    while it told them."""
    fds, given = [], []
    for option, text in (("--secret-fd", secret),
                         ("--new-secret-fd", fresh)):
        if text is not None:
            fds.append(pipe_of(text + "\n"))
            given += [option, str(fds[-1])]
    try:
        done = subprocess.run(
            ["doveadm", "-c", conf or server.conf, "-f", "json", "roost",
             *args, *given], stdin=subprocess.DEVNULL, pass_fds=fds,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
            env=environment or server._environment())
    finally:
        for fd in fds:
            os.close(fd)
    try:
        rows = json.loads(done.stdout.strip() or b"[]")
    except json.JSONDecodeError:
        assert done.returncode == -signal.SIGKILL, done
        rows = []
    return Answer(done.returncode, rows,
                  done.stderr.decode(errors="replace"))


def good(answer):
    """Returns the rows of a command that succeeded."""
    assert answer.code == 0, answer
    return answer.rows


def locked_status(server, user):
    """Returns what status says of a keyring that no secret at hand opens."""
    answer = roost(server, "status", "-u", user)
    assert answer.code == LOCKED, answer
    row, = answer.rows
    assert row["state"] == "locked"
    return row


def start(make, storage, count, extra=""):
    """Makes and starts a server on which any password logs in; its users are
    u00 and so on, and next_user yields them."""
    server = make(storage, start=False, secret=True,
                  users=["u%02d" % number for number in range(count)])
    server.extra = any_password(server) + extra
    server.next_user = iter(server.users)
    return server.start()


def initialise(server, user):
    """Makes a keyring in password mode; returns the recovery code."""
    return good(roost(server, "init", "-u", user, "-m", "password",
                      secret=server.password(user)))[0]["recovery-code"]


def shown(answer):
    """Returns the one secret that a command showed."""
    found = [row["secret"] for row in good(answer) if row["secret"]]
    assert len(found) == 1, answer
    return found[0]


class Typed:
    """A command at a terminal; it ends when the last answer was typed."""

    def __init__(self, server, *args):
        self.ours, theirs = os.openpty()

        def take_terminal():
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            ["doveadm", "-c", server.conf, "roost", *args], stdin=theirs,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=take_terminal, env=server._environment())
        os.close(theirs)

    def prompt(self, word):
        """Waits until it asks for something."""
        text = b""
        while not text.endswith(b": "):
            text += os.read(self.ours, 1000)
        assert word in text, text

    def answer(self, line):
        os.write(self.ours, line.encode() + b"\n")

    def end(self):
        """Returns (exit status, what it said)."""
        said = self.process.communicate(timeout=120)[0].decode()
        os.close(self.ours)
        return self.process.returncode, said


def typed(server, *args, answers=()):
    """Runs a command at a terminal. answers are [(word of the prompt, what is
    typed)]."""
    terminal = Typed(server, *args)
    for word, line in answers:
        terminal.prompt(word)
        terminal.answer(line)
    return terminal.end()


class Api:
    """doveadm's HTTP API of a server whose configuration has extra()."""

    KEY = "key-of-the-api"

    def __init__(self):
        self.port = servers._free_ports()[0]

    def extra(self):
        return "\ndoveadm_api_key = %s\nservice doveadm {\n" \
            "  inet_listener http {\n    port = %d\n  }\n}\n" % (
                self.KEY, self.port)

    def call(self, command, **parameters):
        """Returns [kind, answer, tag]."""
        return self.calls([command, parameters])[0]

    def calls(self, *commands):
        """Sends several in one request, each as [command, parameters]; returns
        the list of what call() returns."""
        client = http.client.HTTPConnection("127.0.0.1", self.port,
                                            timeout=120)
        client.request("POST", "/doveadm/v1", json.dumps(
            [[*command, "tag"] for command in commands],
            ensure_ascii=False).encode(), {
                "Content-Type": "application/json",
                "Authorization": "X-Dovecot-API " + base64.b64encode(
                    self.KEY.encode()).decode()})
        answer = client.getresponse()
        text = answer.read()
        client.close()
        assert answer.status == 200, (answer.status, text)
        return json.loads(text)


# A user's secret at hand

@contextlib.contextmanager
def with_secret(server, password):
    """Yields a configuration, on a tmpfs, by which doveadm has what a login
    with the password would hand over."""
    path = os.path.join(server.tmp_dir, "with-secret.conf")
    setting = "roost_secret_key = " + tamper.secret_of(password).hex()
    with open(server.conf) as file:
        text = file.read()
    server.write(path, text + "\n" + (
        setting if servers.NEW else "plugin {\n  %s\n}" % setting) + "\n",
        0o600)
    try:
        yield path
    finally:
        os.unlink(path)


# Keyrings

def document(server, user):
    return tamper.read(tamper.keyring_path(server, user))


def keyring(server, user):
    """Returns the stored keyring as the second implementation reads it, with
    its host key open."""
    ring = rf.Keyring(document(server, user))
    ring.load(user.encode(), [tamper.provider_key(server)])
    return ring


def slots(server, user):
    return [(slot.number, slot.kind.decode())
            for slot in keyring(server, user).slots]


def unlock(server, user, by, text=None):
    """Returns the opened keyring; by is a word, or the text of a password, an
    app password or a recovery code, or the bytes of an escrow key."""
    if by == "provider":
        way, given = "provider", None
    elif isinstance(by, bytes):
        way, given = "escrow", by
    elif re.match(CODE, by):
        way, given = "recovery", rf.read_code(by.encode())
    else:
        way, given = "secret", tamper.secret_of(by)
    return rf.load_keyring(text or document(server, user), user.encode(),
                           [tamper.provider_key(server)], way, given)


def opens(server, user, by, text=None):
    """Tells whether it opens the stored keyring."""
    try:
        unlock(server, user, by, text)
    except rf.Gate as gate:
        assert str(gate) in ("slot-auth", "no-slot"), gate
        return False
    return True


def read_all(server, user, by):
    """Returns the gates at which the stored objects of a user end, with what
    he has: "ok" for those that open."""
    ring = unlock(server, user, by)
    return [rf.open_object(content, ring.id, ring.secrets)[0]
            for _, _, content in server.objects(user)]


def epoch_of(content, ring):
    """Returns the epoch that an object is sealed to."""
    keys = {rf.key_id(rf.public_of(private)): number
            for number, private, _ in ring.secrets}
    return keys[content[68:76]]


def is_opened_by_another(path):
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link) == path and \
                    link.split("/")[2] != str(os.getpid()):
                return True
        except OSError:     # it was closed meanwhile
            pass
    return False

# How status ends where a keyring is locked.
LOCKED = 77


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
