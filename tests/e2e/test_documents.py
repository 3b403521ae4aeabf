# SPDX-License-Identifier: MIT
"""What README.md, the guide and the manual pages show: doveconf loads their
configuration, and their commands do what they say on a private server.

documents.py says how a block tells what is done with it. What is run here by
name is a scene; other tests ask for blocks of their own.
"""

import json
import os
import re
import shutil
import subprocess

import pytest

import dictkit
import documents
import imapclient
import server as servers
import slotkit
import tamper
import toolkit
from slotkit import text_of
from stage import Stage

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="Roost's documents")

CHEAP = {"roost_argon2_time": "1", "roost_argon2_memory": "8 M"}
MAJOR = "%d.%d" % servers.MAJOR
CONFIGURATION = [
    block for block in documents.blocks() if block.kind == "conf" and
    block.name.split()[0] in ("both", "2.4" if servers.NEW else "2.3")]
# Around a block that belongs into a passdb.
PASSDB = "passdb shown {\n  driver = static\n%s}\n" if servers.NEW else \
    "passdb {\n  driver = static\n  args = password=x\n%s}\n"
# What a block that is about logins takes the place of.
LOGINS = re.compile(r"(?ms)^(?:passdb|userdb)\b[^\n]*\{\n.*?^\}\n")


def name_of(block):
    return "%s:%d" % (os.path.basename(block.path), block.line)


def loaded(server, text, configuration=None):
    """Returns what doveconf says of the server's configuration with a text in
    it, whose files are there."""
    stage = Stage(server)
    for path in set(re.findall(r"(?:= |:)<?(/[\w./-]+\.(?:key|ext))", text)):
        place = stage.path(path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        server.write(place, "0" * 64 + "\n", 0o600)
    path = os.path.join(server.root, "shown.conf")
    before, *protocols = re.split(r"(?m)^(?=protocol )",
                                  configuration or server.configuration())
    server.write(path, "".join([before, stage.placed(text), "\n",
                                *protocols]))
    return subprocess.run(["doveconf", "-n", "-c", path],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("block", CONFIGURATION, ids=name_of)
def test_configuration_is_loaded(make_server, block):
    server = make_server(start=False)
    server.imap_port, server.pop3_port = 1, 2
    text, words = block.text, block.name.split()[1:]
    configuration = server.configuration()
    if "passdb" in words:
        text = PASSDB % text
    elif "auth" in words:
        configuration = LOGINS.sub("", configuration)
    done = loaded(server, text, configuration)
    assert done.returncode == 0 and not done.stderr, done
    # Something of it is there: it was no comment, and is no default.
    assert done.stdout


def test_nonsense_is_not_loaded(make_server):
    server = make_server(start=False)
    server.imap_port, server.pop3_port = 1, 2
    assert loaded(server, "nonsense_of_ours = yes\n").returncode != 0


def filled(make_server, storage="maildir", **options):
    """Returns a server with mail of alice."""
    server = make_server(storage, **options)
    for number in range(3):
        assert server.deliver(text_of(number), "alice")[0][0] == 250
    return server


# Scenes

def test_readme_shows_that_it_works(make_server):
    stage = Stage(make_server())
    tamper.write(os.path.join(stage.root, "message"),
                 b"Subject: seen\r\n\r\nhas a word of that message\r\n")
    done = stage.run(documents.block("works"))
    stage.server.assert_sealed("alice", 1)
    assert "subject" in done[4].out and "seen" in done[4].out
    assert len(done) == 6


def test_key_is_made_once(make_server):
    stage = Stage(make_server(start=False))
    text = documents.block("key")
    path = stage.path("/etc/dovecot/private/roost-provider.key")
    stage.run(text)
    key = tamper.read(path)
    assert re.fullmatch(rb"[0-9a-f]{64}\n", key)
    assert os.stat(path).st_mode & 0o777 == 0o600
    stage.run(text, codes=(1, 2))
    assert tamper.read(path) == key


def test_program(make_server):
    server = filled(make_server, "sdbox", users=("alice",))
    code = server.doveadm("-f", "tab", "roost", "slot", "add", "-u", "alice",
                          "recovery").stdout.decode().split("\t")[-1].strip()
    stage = Stage(server)
    shutil.copytree(server.home("alice"), stage.path("/backup/alice"))
    shutil.copy(server.keyfile, stage.path("/backup/roost-provider.key"))
    done = stage.run(documents.block("tool"), [("ecovery", code)])
    assert "number 0" in done[2].out
    assert sorted(os.listdir(stage.path("/tmp"))) == [
        "alice", "escrow.key", "escrow.key.pub"]
    assert len(toolkit_messages(stage.path("/tmp/alice"))) == 3


def toolkit_messages(folder):
    return [path for path, _, names in os.walk(folder) for _ in names
            if os.path.basename(path) in ("cur", "new")]


def test_provider_mode(make_server):
    server = make_server(users=("alice",))
    stage = Stage(server)
    private, public, _ = slotkit.escrow_pair(server)
    shutil.copy(public, os.path.join(stage.root, "escrow.pub"))
    done = stage.run(documents.block("provider"))
    assert {"provider", "recovery", "escrow"} == {
        slot["type"] for slot in slotkit.good(slotkit.roost(
            server, "slot", "list", "-u", "alice"))}
    assert len(done) == 15


def test_password_mode(make_server):
    server = make_server(users=("alice",), secret=True, settings=CHEAP)
    assert server.deliver(text_of(1), "alice")[0][0] == 250
    server.doveadm("roost", "keyring", "delete", "-u", "alice", "--yes")
    shutil.rmtree(server.home("alice"))
    os.makedirs(server.home("alice"), mode=0o700)
    server.own(server.home("alice"))
    old, new = server.password("alice"), "a new password"
    present = ("Present", new)
    stage = Stage(server)
    stage.run(documents.block("password"), [
        ("assword", old), ("Again", old),
        ("Present", old), ("New", new), ("Again", new),
        present, present, present,
        present, ("recovery code", "no"), ("Go on", "yes"),
        ("Go on", "yes"), present, ("Go on", "yes"), ("New", new),
        ("Again", new)])
    assert [slot["type"] for slot in slotkit.good(slotkit.roost(
        server, "slot", "list", "-u", "alice"))] == ["password", "recovery"]


def test_old_mail(make_server):
    server = make_server(users=("alice",), roost=False)
    with server.raw("alice") as client:
        client.ok("CREATE Archive")
        for box in ("INBOX", "Archive"):
            assert client.append(box, text_of(1)).ok
    server.roost = True
    server.reload()
    server.doveadm("roost", "init", "-u", "alice")
    lines = documents.block("seal").splitlines(True)
    Stage(server).run("".join(lines[:-1]))
    server.assert_sealed("alice", 2)
    shutil.rmtree(os.path.join(server.root, "stage"))
    Stage(server).run(lines[-1])
    assert len(server.find_on_disk(b"number 1")) == 2


def test_flags(make_server):
    server = make_server(users=("alice",), flags={})
    with server.raw("alice") as client:
        for flag in ("Plan-B", "Junk", "JunkRecorded"):
            assert client.append("INBOX", text_of(1), flag).ok
    done = Stage(server).run(documents.block("flags"))
    assert "Plan-B" in done[0].out
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert client.ok("SEARCH KEYWORD Plan").untagged == \
            [b"* SEARCH 1\r\n"]


def test_rules(make_server):
    server = make_server(start=False, flags={})
    path = os.path.join(server.root, "rules")
    server.write(path, documents.block("rules"))
    server.flags["map"] = path
    server.start()
    assert server.deliver(b"List-Id: <a.example>\r\nX-Spam-Flag: YES\r\n"
                          b"Subject: x\r\n\r\nx\r\n", "alice")[0][0] == 250
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        told = client.ok("FETCH 1 (FLAGS)").untagged[0]
    assert b"$list" in told and b"$Junk" in told


def test_mailboxes_written_anew(make_server):
    server = filled(make_server, users=("alice",))
    done = Stage(server).run(documents.block("anew"))
    assert "flags" in done[1].out
    assert os.path.isdir(os.path.join(server.home("alice"), "new"))


def test_keyrings_in_a_database(make_server):
    """PostgreSQL, by the configuration, the map and the table of roost(7); only
    the place of the database is another."""
    server = make_server(start=False, users=("alice",))
    engine = dictkit.Pgsql(server)
    stage = Stage(server)
    block, = [block for block in CONFIGURATION
              if "roost_keyring = dict:" in block.text]
    text = stage.placed(block.text).replace(
        "/run/postgresql", engine.folder).replace(
            "dbname = mail", "dbname = postgres\n        user = roost")
    path = stage.path("/etc/dovecot/roost-keys.conf.ext")
    server.write(path, documents.block("map").replace(
        "host=/run/postgresql dbname=mail",
        "host=%s dbname=postgres user=roost" % engine.folder))
    server.extra = text + \
        "service dict {\n  unix_listener dict {\n    mode = 0666\n  }\n}\n"
    try:
        engine.start()
        engine.query("DROP TABLE roost_keyrings")
        engine.query(documents.block("table"))
        server.start()
        server.doveadm("roost", "init", "-u", "alice")
        assert engine.get("alice").startswith(b"roost-keyring")
        assert server.deliver(text_of(1), "alice")[0][0] == 250
        server.assert_sealed("alice", 1)
    finally:
        server.stop()
        engine.stop()


def test_pins(make_server):
    """With the fields of roost(7) the user reads; the id that is shown there is
    another keyring's, and with it nothing opens."""
    server = make_server(users=("alice",), secret=True, settings=CHEAP)
    server.init_password_mode("alice")
    assert server.deliver(text_of(1), "alice")[0][0] == 250
    pins = dict(pin.split("=") for pin in documents.block("pins").split())
    right = slotkit.good(slotkit.roost(server, "status", "-u", "alice",
                                       "--quick", secret=server.password(
                                           "alice")))[0]["keyring-id"]
    assert set(pins) == {"roost_mode", "roost_keyring_id"} and \
        len(pins["roost_keyring_id"]) == len(right)
    for key, is_read in ((right, True), (pins["roost_keyring_id"], False)):
        server.change_user("alice", **dict(pins, roost_keyring_id=key))
        with server.raw("alice") as client:
            client.ok("SELECT INBOX")
            assert client.cmd("FETCH 1 BODY.PEEK[]").ok == is_read
    server.wait_log("its id is not the one that")


@pytest.mark.parametrize("has_prefetch", [False] + [True] * servers.ROOT)
def test_blocks_for_logins(make_server, has_prefetch):
    """By the guide's blocks a login in password mode reads; with a prefetch in
    front of them nobody gets in, as the guide says."""
    block, = [block for block in CONFIGURATION
              if block.name.split()[1:] == ["auth", "login"]]
    server = make_server(start=False, users=("alice",), settings=CHEAP)
    text = block.text.replace("/etc/dovecot/users",
                              os.path.join(server.root, "users"))
    prefetch = "userdb prefetch {\n}\n" if servers.NEW else \
        "userdb {\n  driver = prefetch\n}\n"
    configuration = server.configuration
    server.configuration = lambda: LOGINS.sub("", configuration()) + (
        prefetch * has_prefetch) + text
    server.secret = True
    server.start()
    server.init_password_mode("alice")
    assert server.deliver(text_of(1), "alice")[0][0] == 250
    if has_prefetch:
        with pytest.raises((imapclient.Closed, OSError)):
            server.raw("alice").ok("SELECT INBOX")
        server.wait_log("User is missing UID")
        return
    with server.raw("alice") as client:
        client.ok("SELECT INBOX")
        assert b"number 1" in client.fetch(1, "BODY.PEEK[]")
    server.assert_sealed("alice", 1)


def test_request(make_server):
    """A password is exchanged by the request that doveadm-roost(1) shows."""
    api = slotkit.Api()
    server = make_server(start=False, users=("alice",), secret=True,
                         settings=CHEAP)
    server.extra = api.extra()
    server.start()
    slotkit.good(slotkit.roost(server, "init", "-u", "alice", "-m", "password",
                               secret="old one"))
    request, = json.loads(documents.block("api"))
    assert api.calls(request[:2])[0][0] == "doveadmResponse"

    slotkit.good(slotkit.roost(server, "verify", "-u", "alice",
                               secret="new one"))


def test_keyrings_move(make_server):
    """Out and in again, into a database, and out of their files."""
    server = make_server(start=False, users=("alice", "alicia"))
    engine = dictkit.Sqlite(server).start()
    server.extra += engine.conf()
    server.start()
    try:
        for user in server.users:
            assert server.deliver(text_of(1), user)[0][0] == 250
        stage = Stage(server)
        stage.run(documents.block("moving"))
        assert engine.get("alice") == slotkit.document(server, "alice")
        server.doveadm("roost", "keyring", "delete", "-u", "alicia", "--yes")
        server.stop()
        server.settings["roost_keyring"] = engine.location()
        server.start()
        stage.run(documents.block("moved"))
        assert engine.get("alice") is None is engine.get("alicia")
    finally:
        server.stop()
        engine.stop()
