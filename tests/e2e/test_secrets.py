# SPDX-License-Identifier: MIT
"""Commands that read the mail of users in password mode: they take the secret
as the slot commands do, so that nobody needs a configuration that has it.
"""

import os

import pytest

import rewritekit
import server as servers
import shim
import slotkit
import tamper
import unlockkit
from slotkit import good, opens, roost, shown, text_of
from tamper import rf

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="commands of Roost")

COMMANDS = {"verify": [], "reseal": [], "unseal": ["--yes-plaintext"]}


@pytest.fixture(scope="module")
def server(make_module_server):
    api = slotkit.Api()
    server = slotkit.start(make_module_server, "maildir", 50, api.extra())
    server.api = api
    return server


@pytest.fixture
def locked(server):
    """A user in password mode, with a message of an old epoch in each of two
    mailboxes; his recovery code is server.code."""
    user = next(server.next_user)
    server.code = slotkit.initialise(server, user)
    with server.raw(user) as client:
        client.ok("CREATE Archive")
        for mailbox in "INBOX", "Archive":
            assert client.append(mailbox, text_of(1)).ok
    good(roost(server, "rotate", "-u", user, secret=server.password(user)))
    return user


@pytest.fixture
def provided(server):
    """A user in provider mode with a message."""
    user = next(server.next_user)
    assert server.deliver(text_of(1), user)[0][0] == 250
    return user


def epochs(server, user):
    ring = slotkit.unlock(server, user, server.password(user))
    return [slotkit.epoch_of(content, ring)
            for _, _, content in server.objects(user)]


def assert_done(server, user, command):
    """The command has done its work on both messages."""
    contents = [content for _, _, content in server.objects(user)]
    assert len(contents) == 2
    sealed = [content.startswith(servers.MAGIC) for content in contents]
    if command == "unseal":
        assert sealed == [False, False]
        return
    assert sealed == [True, True]
    assert epochs(server, user) == ([2, 2] if command == "reseal" else [1, 1])


def escrow_file(server, user, secret):
    """Adds an escrow slot; returns the text of its private key's file."""
    private = os.urandom(32)
    path = os.path.join(server.root, "escrow-of-" + user)
    tamper.write(path, rf.print_escrow_file("public", rf.public_of(private)))
    good(roost(server, "slot", "add", "-u", user, "escrow",
               "--public-key-file", path, secret=secret))
    return rf.print_escrow_file("private", private).decode()


@pytest.mark.parametrize("command, kind, way", [
    ("verify", kind, way) for kind in ("password", "app", "code", "escrow")
    for way in ("command line", "HTTP")] + [
    (command, kind, way) for command in ("reseal", "unseal")
    for kind, way in (("password", "HTTP"), ("code", "command line"),
                      ("escrow", "command line"))])
def test_secret_opens(server, locked, command, kind, way):
    """Whatever opens the keyring, as it does for slot commands."""
    password = server.password(locked)
    secret = {"password": lambda: password, "code": lambda: server.code,
              "app": lambda: shown(roost(server, "slot", "add", "-u", locked,
                                         "app", secret=password)),
              "escrow": lambda: escrow_file(server, locked, password)}[kind]()
    if way == "HTTP":
        name = "escrowKeyFile" if kind == "escrow" else "secretFile"
        more = {"yesPlaintext": True} if command == "unseal" else {}
        answer = server.api.call("roost" + command.capitalize(), user=locked,
                                 **{name: secret}, **more)
        assert answer[0] == "doveadmResponse", (answer, server._tail())
        rows = answer[1]
    elif kind == "escrow":
        path = os.path.join(server.root, "private-of-" + locked)
        tamper.write(path, secret.encode())
        os.chmod(path, 0o600)
        rows = good(roost(server, command, "-u", locked, *COMMANDS[command],
                          "--escrow-key-file", path))
    else:
        rows = good(roost(server, command, "-u", locked, *COMMANDS[command],
                          secret=secret))
    assert {"INBOX", "Archive"} <= {row["mailbox"] for row in rows}
    assert_done(server, locked, command)


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_secret(server, locked, command):
    """Nothing is changed; over the network there is one answer."""
    before = slotkit.document(server, locked), server.objects(locked)
    wrong = server.code[:-1] + ("0" if server.code[-1] != "0" else "1")
    for secret, said in (("wrong", "The secret opens no slot of the keyring"),
                         (wrong, "The recovery code is mistyped")):
        answer = roost(server, command, "-u", locked, *COMMANDS[command],
                       secret=secret)
        assert answer.code == 77 and said in answer.said, answer
        mark = server.log_mark()
        kind, result, _ = server.api.call(
            "roost" + command.capitalize(), user=locked, secretFile=secret,
            **({"yesPlaintext": True} if command == "unseal" else {}))
        assert (kind, result["exitCode"]) == ("error", 77)
        server.wait_log("The secret does not open the keyring", mark)
        assert said not in server.log_since(mark)
    assert before == (slotkit.document(server, locked),
                      server.objects(locked))


@pytest.mark.parametrize("command", COMMANDS)
def test_none_given(server, locked, command):
    """Who is at no terminal is told how to give one."""
    before = slotkit.document(server, locked), server.objects(locked)
    answer = roost(server, command, "-u", locked, *COMMANDS[command])
    assert answer.code == 75 and "give it by --secret-file or --secret-fd" in \
        answer.said, answer
    assert before == (slotkit.document(server, locked),
                      server.objects(locked))


@pytest.mark.parametrize("command", COMMANDS)
def test_asked_for_at_the_terminal(server, locked, command):
    code, said = slotkit.typed(
        server, command, "-u", locked, *COMMANDS[command],
        answers=[(b"Present password", server.password(locked))])
    assert code == 0, said
    assert_done(server, locked, command)


@pytest.mark.parametrize("is_right", [True, False])
def test_argon2id_is_computed_once(server, locked, is_right):
    """And not for each mailbox."""
    it = shim.Shim(server, unlockkit.COUNT)
    conf, notes = it.configuration(server), it.flag + ".log"
    tamper.write(notes, b"", 0o666)
    it.on()
    try:
        answer = roost(
            server, "verify", "-u", locked, "INBOX", "Archive",
            secret=server.password(locked) if is_right else "wrong",
            conf=conf, environment=dict(server._environment(), LD_PRELOAD=":".join(
                filter(None, [servers.PRELOAD, it.path]))))
    finally:
        it.off()
    assert answer.code == (0 if is_right else 77), answer
    assert tamper.read(notes) == b"be"


def test_nobody_is_asked(server, locked, provided):
    """Without need: in provider mode, with --keyless, and where the
    configuration has the secret."""
    for args in (("verify", "-u", provided), ("reseal", "-u", provided),
                 ("verify", "-u", locked, "--keyless")):
        assert slotkit.typed(server, *args)[0] == 0
    with slotkit.with_secret(server, server.password(locked)) as conf:
        good(roost(server, "verify", "-u", locked, conf=conf))


def test_secret_in_provider_mode(server, provided):
    """One that is given has to open, whatever else does."""
    app = shown(roost(server, "slot", "add", "-u", provided, "app"))
    good(roost(server, "verify", "-u", provided, secret=app))
    assert roost(server, "verify", "-u", provided, secret="wrong").code == 77


@pytest.mark.parametrize("command", [*COMMANDS, "seal"])
def test_several_users(server, locked, command):
    """A secret is one user's; without one, nobody is asked for those of all
    users."""
    more = COMMANDS.get(command, [])
    before = server.objects(locked)
    answer = roost(server, command, "-A", *more,
                   secret=server.password(locked))
    assert answer.code == 64 and "name the user by -u" in answer.said
    assert server.objects(locked) == before
    if command == "verify":
        code, said = slotkit.typed(server, command, "-A")
        assert code == 75 and "--keyless compares the digests" in said


def test_keyless_takes_none(server, locked):
    answer = roost(server, "verify", "-u", locked, "--keyless",
                   secret=server.password(locked))
    assert answer.code == 64 and "takes no secret" in answer.said


def test_seal_where_nothing_shows_whose_the_keyring_is(server, locked):
    """With roost_mode=password and no id, who seals has to open it."""
    secret = server.password(locked)
    good(roost(server, "unseal", "-u", locked, "--yes-plaintext",
               secret=secret))
    path = os.path.join(server.root, "secret-of-" + locked)
    tamper.write(path, secret.encode())
    args = ("-o", "%sroost_mode=password" % ("" if servers.NEW else "plugin/"),
            "roost", "seal", "-u", locked)
    done = server.doveadm(*args, check=False)
    assert done.returncode == 75 and b"--secret-file" in done.stderr
    assert not any(content.startswith(servers.MAGIC)
                   for _, _, content in server.objects(locked))
    server.doveadm(*args, "--secret-file", path)
    assert epochs(server, locked) == [2, 2]
    assert opens(server, locked, secret)
    assert rewritekit.left_behind(server, locked) == []
