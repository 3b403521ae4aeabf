# SPDX-License-Identifier: MIT
"""Panels that change passwords, by the recipes of packaging/panels: Roundcube,
PostfixAdmin, doveadm's HTTP API alone, and app passwords beside SSO. Whoever
can log in can read, wherever a change breaks off, and no secret is seen.
"""

import contextlib
import hashlib
import http.server
import json
import os
import re
import select
import shutil
import subprocess
import threading

import pytest

import server as servers
import slotkit
import tamper
from slotkit import good, opens, roost, slots, text_of

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")

PANELS = os.path.join(servers.TOP, "packaging", "panels")
HERE = os.path.dirname(os.path.abspath(__file__))
POSTPASSWORD = os.path.join(PANELS, "roost-postpassword")


# Users whose names look like options, one for each way to change passwords.
ODD = {"-%s@roost.test" % way: way for way in ("roundcube", "postfixadmin",
                                               "api")}
PASSWORDS = ["quote\" back\\slash 'n", "  blanks around  ", "-u", "--yes", "*",
             "$(id) `id` $HOME %n %% \\n", "[\"a\", {}] # \u00e9", "\t",
             "p\u00e4ssw\u00f6rt \U0001f511 \u5bc6\u78bc", "x" * 1024]


@pytest.fixture(scope="module")
def server(make_module_server):
    server = make_module_server(
        "maildir", start=False, secret=True, users=[
            *["u%02d@roost.test" % number for number in range(60)], *ODD],
        settings={"roost_argon2_time": "1", "roost_argon2_memory": "8 M"})
    server.api = slotkit.Api()
    server.extra = "\nauth_failure_delay = 0\n" + server.api.extra() + \
        allowed_commands()
    server.next_user = iter(server.users)
    server.drivers = os.path.join(server.root, "drivers")
    os.makedirs(server.drivers)
    shutil.copy(os.path.join(PANELS, "roost.php"), server.drivers)
    shutil.copy(os.path.join(HERE, "roundcube-users.php"),
                os.path.join(server.drivers, "users.php"))
    return server.start()


@pytest.fixture
def user(server):
    return next(server.next_user)


@pytest.fixture
def locked(server, user):
    """A user in password mode with one message; his recovery code is
    server.code."""
    server.code = slotkit.initialise(server, user)
    assert server.deliver(text_of(1), user)[0][0] == 250
    return user


@pytest.fixture
def fresh():
    return "fresh-" + os.urandom(8).hex()


# The document

def recipe(heading):
    """Returns the part of the panels' README.md below a heading."""
    text = tamper.read(os.path.join(PANELS, "README.md")).decode()
    return text.split("\n## " + heading + "\n")[1].split("\n## ")[0]


def requests(heading):
    """Returns the requests and answers in JSON below a heading."""
    return [line.strip() for line in recipe(heading).splitlines()
            if line.startswith("    [[")]


def allowed_commands():
    """Returns the setting that the document gives for this Dovecot; the tests
    ask for two commands more."""
    block = recipe("doveadm's HTTP API").split("    # 2.3: ")[1]
    old, new = block.split("\n    # 2.4\n")
    text = new.split("\n\n")[0] if servers.NEW else old.split("\n", 1)[1]
    more = ("slot add", "slot list")
    if servers.NEW:
        return text.replace("{\n", "{\n" + "".join(
            "  \"roost %s\" = yes\n" % name for name in more), 1) + "\n"
    return text + "".join(",roost " + name for name in more) + "\n"


# What a user can do

def logs_in(server, user, password):
    return server.doveadm("auth", "test", user, password,
                          check=False).returncode == 0


def assert_reads(server, user, password, count=1):
    """The password logs in, as soon as Dovecot has read its passwd-file, and
    opens the mail."""
    slotkit.wait_until(lambda: logs_in(server, user, password))
    with server.raw(user, password) as client:
        client.ok("SELECT INBOX")
        for number in range(1, count + 1):
            assert client.fetch(number, "BODY.PEEK[]").endswith(
                text_of(number))


def passwords(server, user):
    return [kind for _, kind in slots(server, user)].count("password")


# Roundcube

class Roundcube:
    """A change of a password in Roundcube, which goes on meanwhile."""

    def __init__(self, server, user, current, new, way="store", **config):
        self.server, self.user = server, user
        self.new = new
        asked = {"driver": os.path.join(server.drivers, "roost.php"),
                 "user": user, "current": current, "new": new,
                 "config": {
                     "password_roost_driver": "users",
                     "password_roost_url":
                         "http://127.0.0.1:%d/doveadm/v1" % server.api.port,
                     "password_roost_api_key": server.api.KEY,
                     "users_file": os.path.join(server.root, "users"),
                     "users_way": way, **config}}
        self.process = subprocess.Popen(
            ["php", "-d", "display_errors=stderr",
             os.path.join(HERE, "roundcube.php")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.process.stdin.write(json.dumps(asked).encode())
        self.process.stdin.close()

    def end(self, status=0):
        """Returns (code, message, complaints), or None if it was killed."""
        out, said = self.process.stdout.read(), self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        assert self.process.wait(120) == status, said
        assert self.new.encode() not in out + said, (out, said)
        if status:
            return None
        answer = json.loads(out)
        return answer["code"], answer["message"], answer["complaints"]


def roundcube(*args, **options):
    status = options.pop("status", 0)
    return Roundcube(*args, **options).end(status)


SUCCESS, ERROR, CONNECT_ERROR, IN_HISTORY, CONSTRAINT = 0, 2, 3, 4, 5


def test_roundcube(server, locked, fresh):
    """Both places change, and the old password is good for neither."""
    old = server.password(locked)
    assert roundcube(server, locked, old, fresh) == (SUCCESS, "", [])
    assert_reads(server, locked, fresh)
    assert not logs_in(server, locked, old)
    assert opens(server, locked, fresh) and not opens(server, locked, old)
    assert passwords(server, locked) == 1


def test_roundcube_wrong_password(server, locked, fresh):
    """It changes nothing, and the user is told."""
    before = slotkit.document(server, locked)
    users = tamper.read(os.path.join(server.root, "users"))
    code, message, complaints = roundcube(server, locked, "wrong", fresh)
    assert code == ERROR and "changed elsewhere before" in message
    assert complaints == []
    assert slotkit.document(server, locked) == before
    assert tamper.read(os.path.join(server.root, "users")) == users


WAYS = {  # what the user database does: (is it stored, result, slots after)
    "refuse": (False, IN_HISTORY, 1),
    "fail": (False, ERROR, 2),
    "throw": (False, ERROR, 2),
    "lost": (True, CONNECT_ERROR, 2),
    "killed before": (False, None, 2),
    "killed after": (True, None, 2),
}


@pytest.mark.parametrize("way", WAYS)
def test_roundcube_breaks_off(server, locked, fresh, way):
    """Whichever password logs in reads the mail, and the same change done
    again leaves one password."""
    is_stored, result, count = WAYS[way]
    old = server.password(locked)
    answer = roundcube(server, locked, old, fresh, way=way,
                       status=0 if result is not None else -9)
    assert answer is None or answer[0] == result
    assert passwords(server, locked) == count
    now = fresh if is_stored else old
    assert_reads(server, locked, now)
    assert server.deliver(text_of(2), locked)[0][0] == 250
    if count == 2:
        assert "Two passwords open the keyring" in slotkit.locked_status(
            server, locked)["next"]
    # Again, or another password.
    for new in (fresh if not is_stored else fresh + "-2",):
        assert roundcube(server, locked, now, new) == (SUCCESS, "", [])
    assert_reads(server, locked, new, 2)
    assert passwords(server, locked) == 1
    assert not opens(server, locked, now)


def test_roundcube_finish_fails(server, locked, fresh):
    """The server is gone when the old one is to go: the user database is
    changed, the new password opens, and the log says what is left."""
    ready, go = fifos(server)
    change = Roundcube(server, locked, server.password(locked), fresh,
                       way="wait", users_ready=ready, users_go=go)
    wait_until_there(ready)
    server.stop()
    go_on(go)
    code, _, complaints = change.end()
    server.start()
    assert code == SUCCESS
    assert len(complaints) == 1 and "both passwords open" in complaints[0]
    assert_reads(server, locked, fresh)
    assert roundcube(server, locked, fresh, fresh + "-2") == (SUCCESS, "", [])
    assert passwords(server, locked) == 1


@pytest.mark.parametrize("mode", ["provider", "none"])
def test_roundcube_no_password_opens(server, user, fresh, mode):
    """The user database is all that changes."""
    if mode == "provider":
        good(roost(server, "init", "-u", user))
    assert roundcube(server, user, server.password(user), fresh) == (
        SUCCESS, "", [])
    slotkit.wait_until(lambda: logs_in(server, user, fresh))
    if mode == "provider":
        assert slots(server, user) == [(1, "provider")]
    else:
        assert not os.path.exists(tamper.keyring_path(server, user))


@pytest.mark.parametrize("new", ["", "two\nlines", "x" * 1025])
def test_roundcube_unfit(server, locked, new):
    before = slotkit.document(server, locked)
    process = Roundcube(server, locked, server.password(locked), new)
    process.new = "never-shown"
    assert process.end() == (CONSTRAINT, "", [])
    assert slotkit.document(server, locked) == before


@pytest.mark.parametrize("config, said", [
    ({"password_roost_driver": "nothing"}, "is to name another driver"),
    ({"password_roost_driver": "roost"}, "is to name another driver"),
    ({"password_roost_driver": "../drivers/users"}, "another driver"),
    ({"password_roost_url": "http://mail.example.org/doveadm/v1"}, "https://"),
    ({"password_roost_url": "http://127.0.0.1:1/doveadm/v1"}, "no answer"),
])
def test_roundcube_configured_wrong(server, locked, fresh, config, said):
    """Nothing is changed, and the log says which setting."""
    before = slotkit.document(server, locked)
    users = tamper.read(os.path.join(server.root, "users"))
    code, _, complaints = roundcube(server, locked, server.password(locked),
                                    fresh, **config)
    assert code == CONNECT_ERROR
    assert len(complaints) == 1 and said in complaints[0], complaints
    assert slotkit.document(server, locked) == before
    assert tamper.read(os.path.join(server.root, "users")) == users


class Impostor(http.server.BaseHTTPRequestHandler):
    """Answers in the place of doveadm, or never, and counts how often it was
    asked."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        text = self.server.answer
        if text is None:
            self.rfile.read()   # until who asked has gone
            return
        self.send_response(307 if text.startswith(b"http") else 200)
        self.send_header("Location", text.decode(errors="replace"))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def impostor(answer):
    """Yields (URL, a function that tells how often it was asked)."""
    serving = http.server.HTTPServer(("127.0.0.1", 0), Impostor)
    serving.answer, serving.asked = answer, 0
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    try:
        yield ("http://127.0.0.1:%d/doveadm/v1" % serving.server_address[1],
               lambda: serving.asked)
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()


@pytest.mark.parametrize("answer", [
    b"", b"[]", b"[[]]", b"{}", b"<html>", b"[1]", b'[["doveadmResponse"]]',
    b'[["doveadmResponse",[],"roundcube"]]',
    b'[["doveadmResponse",[{"slots":1}],"roundcube"]]',
    b'[["error",{"type":"unAuthorized","exitCode":0},"roundcube"]]',
    b'[["doveadmResponse",[{"slots":""}],"roundcube"],["a","b","c"]]',
])
def test_roundcube_strange_answer(server, locked, fresh, answer):
    """It is a failure, and the user database is left alone."""
    users = tamper.read(os.path.join(server.root, "users"))
    with impostor(answer) as (url, asked):
        code, _, complaints = roundcube(
            server, locked, server.password(locked), fresh,
            password_roost_url=url)
        assert asked() == 1
    assert code == CONNECT_ERROR and len(complaints) == 1, complaints
    assert tamper.read(os.path.join(server.root, "users")) == users


def test_roundcube_goes_nowhere_else(server, locked, fresh):
    """An answer that names another server gets it no secret."""
    with impostor(b"[]") as (url, other_asked), \
            impostor(url.encode()) as (url, asked):
        assert roundcube(server, locked, server.password(locked), fresh,
                         password_roost_url=url)[0] == CONNECT_ERROR
        assert (asked(), other_asked()) == (1, 0)


@pytest.mark.parametrize("user", ["u?0@roost.test", "*", "u0*"])
def test_roundcube_pattern(server, user, fresh):
    """A name that would ask for several users is nobody's."""
    users = tamper.read(os.path.join(server.root, "users"))
    code, _, complaints = roundcube(server, user, "any", fresh)
    assert code == CONNECT_ERROR and "a pattern" in complaints[0]
    assert tamper.read(os.path.join(server.root, "users")) == users


def test_roundcube_no_answer(server, locked, fresh):
    """As a wrong key may get none. The time is over, nothing is changed, and
    the log names the settings."""
    users = tamper.read(os.path.join(server.root, "users"))
    with impostor(None) as (url, asked):
        code, _, complaints = roundcube(
            server, locked, server.password(locked), fresh,
            password_roost_url=url, password_roost_timeout=1)
        assert asked() == 1
    assert code == CONNECT_ERROR and len(complaints) == 1
    assert "password_roost_api_key" in complaints[0]
    assert "password_roost_timeout" in complaints[0]
    assert tamper.read(os.path.join(server.root, "users")) == users


# Every password and every name

def change_by(way, server, user, old, new):
    """Changes the password that opens the keyring, and nothing else."""
    if way == "roundcube":
        assert roundcube(server, user, old, new) == (SUCCESS, "", [])
    elif way == "postfixadmin":
        assert PostfixAdmin(server).change(user, old, new) == (0, "")
    else:
        assert server.api.call(
            "roostSlotReplace", user=user, slot="password", secretFile=old,
            newSecretFile=new)[0] == "doveadmResponse"


@pytest.mark.parametrize("user", ODD)
def test_odd_passwords(server, user):
    """What opens the keyring is what logs in, byte for byte."""
    slotkit.initialise(server, user)
    old = server.password(user)
    for new in PASSWORDS:
        change_by(ODD[user], server, user, old, new)
        assert opens(server, user, new) and not opens(server, user, old)
        old = new


# Nothing is seen

def fifos(server):
    paths = [os.path.join(server.root, "fifo-%s-%s" % (
        name, os.urandom(4).hex())) for name in ("ready", "go")]
    for path in paths:
        os.mkfifo(path)
    return paths


def wait_until_there(ready):
    """Waits until what is to be looked at waits, too."""
    reader = os.open(ready, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert select.select([reader], [], [], 120)[0]
        assert os.read(reader, 1)
    finally:
        os.close(reader)


def go_on(go):
    with open(go, "w"):
        pass


def forms(*secrets):
    """Returns what stands for the secrets: they, their hashes, and these as
    hexadecimal."""
    hashes = [tamper.secret_of(secret) for secret in secrets]
    return [secret.encode() for secret in secrets] + hashes + [
        one.hex().encode() for one in hashes]


def shown_by_processes(words):
    """Returns where the words stand in an argument or the environment of any
    process."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in "cmdline", "environ":
            path = "/proc/%s/%s" % (pid, name)
            try:
                with open(path, "rb") as file:
                    content = file.read()
            except OSError:
                continue
            found += [path for word in words if word in content]
    return found


def assert_nowhere(server, old, fresh):
    """Neither in the log nor in any other file; the old one had stood in the
    passwd-file, and no longer does."""
    assert server.find_on_disk(*forms(old, fresh), everywhere=True) == []
    for folder, _, names in os.walk(server.tmp_dir):
        for name in names:
            content = tamper.read(os.path.join(folder, name))
            assert not any(word in content for word in forms(old, fresh))


def test_roundcube_shows_nothing(server, locked, fresh):
    """Not while it runs, and not afterwards."""
    ready, go = fifos(server)
    old = server.password(locked)
    change = Roundcube(server, locked, old, fresh, way="wait",
                       users_ready=ready, users_go=go)
    wait_until_there(ready)
    assert shown_by_processes(forms(old, fresh)) == []
    go_on(go)
    assert change.end() == (SUCCESS, "", [])
    assert_nowhere(server, old, fresh)


# PostfixAdmin

class PostfixAdmin:
    """Runs roost-postpassword as PostfixAdmin does."""

    def __init__(self, server, script=POSTPASSWORD):
        self.server, self.script = server, script
        self.bin = os.path.join(server.root, "bin-" + os.urandom(4).hex())
        os.makedirs(self.bin)
        self.wrap('exec %s -c "%s" "$@"\n' % (shutil.which("doveadm"),
                                              server.conf))

    def wrap(self, text):
        """Makes what is run in the place of doveadm."""
        tamper.write(os.path.join(self.bin, "doveadm"),
                     b"#!/bin/sh\n" + text.encode(), 0o755)

    def popen(self, *args, given=b"", **environment):
        process = subprocess.Popen(
            [self.script, *args], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(self.server._environment(), **environment,
                     PATH=self.bin + ":" + os.environ["PATH"]))
        # It need not read what it is given.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(given)
            process.stdin.flush()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        return process

    def end(self, process):
        """Returns (exit status, what it said)."""
        said = process.stdout.read().decode()
        process.stdout.close()
        return process.wait(120), said

    def change(self, user, old, new):
        return self.end(self.popen(
            user, user.split("@")[1],
            given=("%s\0%s\0" % (old, new)).encode()))


@pytest.fixture
def postfixadmin(server):
    return PostfixAdmin(server)


def store(server, user, password):
    """PostfixAdmin changes its database."""
    path = os.path.join(server.root, "users")
    stamp = int(os.stat(path).st_mtime) + 1
    text = tamper.read(path).decode()
    text = re.sub(r"(?m)^%s:\{[^}]*\}[^:]*:" % re.escape(user),
                  "%s:{SHA512.HEX}%s:" % (user, hashlib.sha512(
                      password.encode()).hexdigest()), text)
    tamper.write(path, text.encode(), 0o644)
    os.utime(path, (stamp, stamp))


def test_postfixadmin(server, locked, fresh, postfixadmin):
    old = server.password(locked)
    store(server, locked, fresh)
    assert postfixadmin.change(locked, old, fresh) == (0, "")
    assert_reads(server, locked, fresh)
    assert opens(server, locked, fresh) and not opens(server, locked, old)
    # Again changes nothing.
    before = slotkit.document(server, locked)
    assert postfixadmin.change(locked, old, fresh) == (0, "")
    assert slotkit.document(server, locked) == before


def test_postfixadmin_fails(server, locked, fresh, postfixadmin):
    """The new password logs in and the old one opens: mail is delivered, the
    log and the script name the command, and by it the user is in again."""
    store(server, locked, fresh)
    before = slotkit.document(server, locked)
    status, said = postfixadmin.change(locked, "wrong", fresh)
    assert status == 1 and slotkit.document(server, locked) == before
    command = "doveadm roost slot replace -u %s password" % locked
    assert command in said
    assert server.deliver(text_of(2), locked)[0][0] == 250
    slotkit.wait_until(lambda: logs_in(server, locked, fresh))
    with server.raw(locked, fresh) as client:
        client.ok("SELECT INBOX")
        assert client.cmd("FETCH 1 (BODY.PEEK[])").status == "NO"
        client.logout()
    told = [line for line in server.session_log(client) if "Error:" in line]
    assert len(told) == 1 and "doveadm roost slot replace" in told[0]
    good(roost(server, *command.split()[2:], secret=server.password(locked),
               fresh=fresh))
    assert_reads(server, locked, fresh, 2)


def test_postfixadmin_killed(server, locked, fresh, postfixadmin):
    """doveadm dies between its two steps: whatever logs in opens, and once
    more ends it."""
    old = server.password(locked)
    postfixadmin.wrap('case "$*" in *slot\\ replace*) more=--keep-old; esac\n'
                      '%s -c "%s" "$@" $more || exit $?\n'
                      '[ -z "$more" ] || kill -9 $$\n' % (
                          shutil.which("doveadm"), server.conf))
    status, _ = postfixadmin.change(locked, old, fresh)
    assert status == 1
    assert_reads(server, locked, old)
    store(server, locked, fresh)
    assert_reads(server, locked, fresh)
    assert PostfixAdmin(server).change(locked, old, fresh) == (0, "")
    assert_reads(server, locked, fresh)
    assert not opens(server, locked, old)


@pytest.mark.parametrize("name", ["old", "new", "user"])
def test_postfixadmin_shows_nothing(server, locked, fresh, postfixadmin,
                                    name):
    """Not while it runs, also where a variable of the same name was in the
    environment, and not afterwards."""
    old = server.password(locked)
    ready, go = fifos(server)
    postfixadmin.wrap(
        'case "$*" in *slot\\ replace*) echo > "%s"; cat "%s";; esac\n'
        'exec %s -c "%s" "$@"\n' % (ready, go, shutil.which("doveadm"),
                                   server.conf))
    store(server, locked, fresh)
    process = postfixadmin.popen(
        locked, "roost.test", given=("%s\0%s\0" % (old, fresh)).encode(),
        **{name: "was-there"})
    wait_until_there(ready)
    assert shown_by_processes(forms(old, fresh)) == []
    go_on(go)
    assert postfixadmin.end(process) == (0, "")
    assert opens(server, locked, fresh)
    assert_nowhere(server, old, fresh)


@pytest.mark.parametrize("args, given, said", [
    (("{user}", "roost.test", "{old}", "{new}"), "", "standard input only"),
    (("{user}",), "{old}\0{new}\0", "takes a user and a domain"),
    (("{user}", "other.test"), "{old}\0{new}\0", "not of that domain"),
    (("*@roost.test", "roost.test"), "{old}\0{new}\0", "a pattern"),
    (("{user}", "roost.test"), "{old}\n{new}\n", "each with a NUL"),
    (("{user}", "roost.test"), "{old}\0{new}", "each with a NUL"),
    (("{user}", "roost.test"), "{old}\0\0", "new password is empty"),
    (("{user}", "roost.test"), "{old}\0{new}\nmore\0", "several lines"),
])
def test_postfixadmin_nonsense(server, locked, fresh, postfixadmin, args,
                               given, said):
    """It is refused, shows no password, and changes nothing."""
    before = slotkit.document(server, locked)
    words = {"user": locked, "old": server.password(locked), "new": fresh}
    status, told = postfixadmin.end(postfixadmin.popen(
        *[word.format(**words) for word in args],
        given=given.format(**words).encode()))
    assert status == 1 and said in told, told
    assert fresh not in told and words["old"] not in told
    assert slotkit.document(server, locked) == before


def test_postfixadmin_without_dovecot(server, locked, fresh, postfixadmin):
    """The script says what lets the user in again."""
    store(server, locked, fresh)
    server.stop()
    status, said = postfixadmin.change(locked, server.password(locked), fresh)
    server.start()
    command = "doveadm roost slot replace -u %s password" % locked
    assert status == 1 and command in said
    good(roost(server, *command.split()[2:], secret=server.password(locked),
               fresh=fresh))
    assert_reads(server, locked, fresh)


def test_postfixadmin_broken_keyring(server, locked, fresh, postfixadmin):
    """It is not taken for one that no password opens."""
    tamper.write(tamper.keyring_path(server, locked), b"no keyring\n")
    status, said = postfixadmin.change(locked, server.password(locked), fresh)
    assert status == 1 and "cannot be found out" in said


def test_postfixadmin_provider_mode(server, user, fresh, postfixadmin):
    for _ in range(2):
        assert postfixadmin.change(user, "any", fresh) == (0, "")
        good(roost(server, "init", "-u", user))
    before = slotkit.document(server, user)
    assert postfixadmin.change(user, "", fresh) == (0, "")
    assert slotkit.document(server, user) == before


def test_postfixadmin_new_mailbox(server, user, locked, fresh):
    """Its first password opens it, and a keyring of an older mailbox is left
    alone."""
    script = os.path.join(server.root, "postpassword-" + user)
    text = tamper.read(POSTPASSWORD)
    assert text.count(b"\nnew_mailbox=provider\n") == 1
    tamper.write(script, text.replace(b"=provider\n", b"=password\n"), 0o755)
    panel = PostfixAdmin(server, script)
    other = next(server.next_user)
    assert panel.change(other, "", fresh) == (0, "")
    assert [kind for _, kind in slots(server, other)] == ["password",
                                                          "recovery"]
    store(server, other, fresh)
    assert server.deliver(text_of(1), other)[0][0] == 250
    assert_reads(server, other, fresh)
    before = slotkit.document(server, locked)
    for one in panel, PostfixAdmin(server):
        status, said = one.change(locked, "", fresh)
        assert status == 1 and "There is a keyring" in said
    assert slotkit.document(server, locked) == before


# A panel that speaks the HTTP API

def shape(answer):
    """Returns the parts of an answer that are the same at each run."""
    kind, rows, tag = answer
    if kind == "error":
        return kind, rows["type"], rows.get("exitCode"), tag
    return kind, [(row.get("type"), row.get("state")) for row in rows], tag


def filled(text, user, old, new):
    return json.loads(text.replace("USER", user).replace("OLD", old)
                      .replace("NEW", new))[0]


def call(server, request):
    command, parameters, _ = request
    return server.api.call(command, **parameters)


def test_http_api(server, locked, fresh):
    """The requests and answers of the document, word for word."""
    old = server.password(locked)
    status, told, keep, finish, rows, denied = requests("doveadm's HTTP API")
    answer = call(server, filled(status, locked, old, fresh))
    documented = json.loads(told)[0]
    assert answer[0] == documented[0]
    for name in "slots", "mode":
        assert answer[1][0][name] == documented[1][0][name]
    wrong = filled(keep, locked, "wrong", fresh)
    before = slotkit.document(server, locked)
    assert shape(call(server, wrong)) == shape(json.loads(denied)[0])
    assert slotkit.document(server, locked) == before
    answer = call(server, filled(keep, locked, old, fresh))
    assert answer == json.loads(rows)[0]
    assert opens(server, locked, old) and opens(server, locked, fresh)
    again = call(server, filled(keep, locked, old, fresh))
    assert [row["state"] for row in again[1]] == ["was added before", "kept"]
    store(server, locked, fresh)
    assert_reads(server, locked, fresh)
    answer = call(server, filled(finish, locked, old, fresh))
    assert [row["state"] for row in answer[1]] == ["was added before",
                                                   "removed"]
    assert not opens(server, locked, old)
    assert_reads(server, locked, fresh)
    answer = call(server, filled(finish, locked, old, fresh))
    assert [row["state"] for row in answer[1]] == ["was added before"]


def test_http_api_takes_back(server, locked, fresh):
    """The user database has refused it."""
    old = server.password(locked)
    _, _, keep, finish, _, _ = requests("doveadm's HTTP API")
    call(server, filled(keep, locked, old, fresh))
    answer = call(server, filled(finish, locked, old, old))
    assert [row["state"] for row in answer[1]] == ["was added before",
                                                   "removed"]
    assert opens(server, locked, old) and not opens(server, locked, fresh)


def test_http_api_exit_codes(server, locked, user, fresh):
    """Those of the document's table."""
    args = {"slot": "password", "secretFile": server.password(locked),
            "newSecretFile": fresh}
    other = next(server.next_user)
    good(roost(server, "init", "-u", other))
    for name, status in (("nobody@roost.test", (67, 68)), (other, (64,))):
        kind, answer, _ = server.api.call("roostSlotReplace", user=name,
                                          **args)
        assert kind == "error" and answer["exitCode"] in status, answer
    kind, answer, _ = server.api.call("roostSlotReplace", user=locked)
    assert kind == "error" and answer["exitCode"] == 64
    kind, answer, _ = server.api.call("who")
    assert (kind, answer["type"]) == ("error", "unAuthorized")
    kind, answer, _ = server.api.call("roostNothing")
    assert (kind, answer["type"]) == ("error", "unknownMethod")


@pytest.mark.parametrize("name", ["secretFile", "newSecretFile"])
def test_http_api_takes_one_line(server, locked, fresh, name):
    """What follows a first line would be left out, and the password that logs
    in would not open the mail."""
    args = {"secretFile": server.password(locked), "newSecretFile": fresh}
    args[name] += "\nmore"
    before = slotkit.document(server, locked)
    kind, answer, _ = server.api.call("roostSlotReplace", user=locked,
                                      slot="password", **args)
    assert kind == "error" and answer["exitCode"] == 75
    assert slotkit.document(server, locked) == before
    args[name] = args[name][:-len("more")]
    assert server.api.call("roostSlotReplace", user=locked, slot="password",
                           **args)[0] == "doveadmResponse"


# SSO and app passwords

@pytest.fixture(scope="module")
def sso(make_module_server):
    """Users log in at the portal without a password, and elsewhere by app
    passwords, which are in a passwd-file of their own."""
    server = make_module_server("maildir", start=False, secret=True)
    server.api = slotkit.Api()
    path = os.path.join(server.root, "app-passwords")
    server.write(path, "")
    server.extra = "\nauth_failure_delay = 0\n" + server.api.extra() + (
        passdb_24(server, path) if servers.NEW else passdb_23(server, path))
    server.app_passwords = path
    return server.start()


def passdb_23(server, path):
    return "\npassdb {\n  driver = passwd-file\n  args = %s\n" \
        "  override_fields = userdb_uid=%d userdb_gid=%d userdb_home=%s/%%u " \
        "userdb_roost_secret_key=%%{sha256:password}\n}\n" % (
            path, servers.MAIL_UID, servers.MAIL_GID, server.mail_root)


def passdb_24(server, path):
    return "\npassdb apps {\n  driver = passwd-file\n" \
        "  passwd_file_path = %s\n  fields {\n    userdb_uid = %d\n" \
        "    userdb_gid = %d\n    userdb_home = %s/%%{user}\n" \
        "    userdb_roost_secret_key = %%{password | sha256 | hexlify}\n" \
        "  }\n}\n" % (path, servers.MAIL_UID, servers.MAIL_GID,
                      server.mail_root)


def add_app(server, user, password):
    """The user database gets the hash of an app password."""
    stamp = int(os.stat(server.app_passwords).st_mtime) + 1
    with open(server.app_passwords, "a") as file:
        file.write("%s:{SHA512.HEX}%s::::::\n" % (user, hashlib.sha512(
            password.encode()).hexdigest()))
    os.utime(server.app_passwords, (stamp, stamp))


def test_app_passwords(sso, fresh):
    """The document's commands: after them only what Roost has made opens the
    mail; a login by SSO does the rest; devices come and go."""
    server, user = sso, "alice"
    commands = [line.strip() for line in
                recipe("SSO and app passwords").splitlines()
                if re.match("    (doveadm|openssl) ", line)]
    provision, add, remove = [line.replace("USER", user)
                              for line in commands]
    panel = PostfixAdmin(server)
    made = subprocess.run(
        provision, shell=True, check=True, stdout=subprocess.PIPE,
        env=dict(os.environ, PATH=panel.bin + ":" + os.environ["PATH"]))
    code = re.search(slotkit.CODE[1:-1], made.stdout.decode()).group(0)
    app = slotkit.shown(roost(server, *add.split()[2:], secret=code))
    good(roost(server, *remove.split()[2:], secret=code))
    assert [kind for _, kind in slots(server, user)] == ["recovery", "app"]
    assert server.deliver(text_of(1), user)[0][0] == 250
    add_app(server, user, app)
    assert_reads(server, user, app)
    # The portal's login has another password, or none.
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (\\Flagged)")
        assert client.cmd("FETCH 1 (BODY.PEEK[])").status == "NO"
    assert not opens(server, user, "provider")
    request, _ = requests("SSO and app passwords")
    answer = call(server, filled(request, user, app, fresh))
    second = answer[1][0]["secret"]
    assert re.match(slotkit.APP, second)
    assert slotkit.read_all(server, user, second) == ["ok"]
    good(roost(server, "slot", "remove", "-u", user, answer[1][0]["slot"],
               secret=code))
    assert not opens(server, user, second) and opens(server, user, app)
    # The last one goes only if the code stays.
    good(roost(server, "slot", "remove", "-u", user, "app", secret=code))
    assert roost(server, "slot", "remove", "-u", user, "recovery",
                 secret=code).code == 75


def test_sso_in_provider_mode(sso):
    """A login that hands nothing over reads everything."""
    server, user = sso, "bob"
    assert server.deliver(text_of(1), user)[0][0] == 250
    server.change_user(user, roost_mode="provider")
    assert_reads(server, user, server.password(user))
    assert slots(server, user) == [(1, "provider")]
