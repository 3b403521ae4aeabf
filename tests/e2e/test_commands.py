# SPDX-License-Identifier: MIT
"""doveadm roost init, status, verify: what they say, and how they end."""

import fcntl
import hashlib
import json
import os
import re
import stat
import subprocess
import termios

import pytest

import server as servers
import tamper

MESSAGE = b"Subject: x\r\n\r\n" + b"body of the message\r\n" * 3000
CODE = r"^([0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}$"

if not servers.PLAIN:
    @pytest.fixture(scope="module")
    def server(make_module_server):
        return make_module_server("maildir", secret=True,
                                  users=servers.USERS + ("frank",))

    def roost(server, *args, **options):
        """(exit status, rows, what it complained about)"""
        done = server.doveadm("-f", "json", "roost", *args, check=False,
                              **options)
        rows = json.loads(done.stdout) if done.stdout.strip() else []
        return done.returncode, rows, done.stderr.decode()

    def test_status_before_and_after_first_mail(server):
        code, rows, _ = roost(server, "status", "-u", "alice")
        assert (code, rows[0]["state"]) == (0, "no keyring")
        assert server.deliver(MESSAGE, "alice")[0][0] == 250
        code, rows, _ = roost(server, "status", "-u", "alice")
        assert code == 0
        assert rows[0]["state"] == "open" and rows[0]["mode"] == "provider"
        assert rows[0]["policy"] == "sealed"
        assert rows[0]["slots"] == "provider"
        assert re.match("^[0-9a-f]{32}$", rows[0]["keyring-id"])

    def test_status_of_all(server):
        code, rows, _ = roost(server, "status", "-A")
        assert code == 0
        assert {row["username"] for row in rows} == set(server.users)

    @pytest.mark.parametrize("cache", ["off", "sealed"])
    def test_verify_of_a_changed_copy(make_server, cache):
        """What was opened before helps no copy: its own stanza is tried."""
        server = make_server("maildir", settings={"roost_cache": cache})
        assert server.deliver(MESSAGE, "alice")[0][0] == 250
        path = server.mail_files("alice")[0]
        folder, name = os.path.split(path)
        content = bytearray(tamper.read(path))
        content[150] ^= 0x40
        tamper.write(os.path.join(folder, "9" + name), bytes(content))
        code, rows, said = roost(server, "verify", "-u", "alice")
        assert (code, rows[0]["bad"]) == (75, "1")
        assert "[stanza-auth]" in said and "[commitment]" not in said

    @pytest.mark.skipif(servers.NEW, reason="this Dovecot has no batch")
    @pytest.mark.parametrize("command", ["status", "verify", "flags list"])
    def test_batch(server, command):
        """It is told, and does not end by a signal."""
        done = server.doveadm("batch", "-u", "alice", ":", "roost",
                              *command.split(), check=False)
        assert done.returncode == 64
        assert b"cannot be a part of doveadm batch" in done.stderr

    def test_init_once(server):
        code, rows, _ = roost(server, "init", "-u", "bob", "-r")
        assert (code, rows[0]["state"]) == (0, "created")
        assert re.match(CODE, rows[0]["recovery-code"])
        path = tamper.keyring_path(server, "bob")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with open(path) as file:
            document = file.read()
        again = roost(server, "init", "-u", "bob", "-r")
        assert (again[0], again[1][0]["state"]) == (0, "exists")
        assert again[1][0]["recovery-code"] == ""
        with open(path) as file:
            assert file.read() == document

    def test_password_mode_is_locked_for_the_operator(server):
        server.init_password_mode("carol")
        code, rows, _ = roost(server, "status", "-u", "carol")
        assert code == 77 and rows[0]["mode"] == "password"
        assert rows[0]["state"] == "locked"
        assert server.deliver(MESSAGE, "carol")[0][0] == 250
        code, _, said = roost(server, "verify", "-u", "carol")
        assert code == 75 and "give it by --secret-file" in said
        code, rows, _ = roost(server, "verify", "-u", "carol", "-k")
        assert code == 0 and rows[0]["sealed"] == "1"
        client = server.imap("carol")
        client.select()
        assert MESSAGE in client.fetch("1", "BODY.PEEK[]")[1][0][1]

    def test_no_password_from_nowhere(server):
        code, _, said = roost(server, "init", "-u", "dave", "-m", "password")
        assert code != 0 and "--secret-fd" in said
        assert not os.path.exists(tamper.keyring_path(server, "dave"))

    def opens_with(server, user, password):
        """True if the keyring opens with what passdb makes of it."""
        name = "roost_secret_key" if servers.NEW else "plugin/roost_secret_key"
        rows = roost_status(server, user, "-o", "%s=%s" % (
            name, hashlib.sha256(password).hexdigest()))
        return rows[0]["state"] == "open"

    def roost_status(server, user, *options):
        done = server.doveadm("-f", "json", *options, "roost", "status",
                              "-u", user, check=False)
        return json.loads(done.stdout)

    def given(server, user, written):
        """roost init with a password from a pipe, which stays open."""
        reader, writer = os.pipe()
        try:
            os.write(writer, written)
            if b"\n" not in written:
                os.close(writer)
            return roost(server, "init", "-u", user, "-m", "password",
                         "--secret-fd", str(reader), pass_fds=(reader,))
        finally:
            os.close(reader)
            if b"\n" in written:
                os.close(writer)

    @pytest.mark.parametrize("written, password", [
        (b"word\n", b"word"), (b"word", b"word"), (b"word\r\n", b"word"),
        (b"wo\rrd \n", b"wo\rrd "), (b"word\nmore\n", b"word"),
        (b"\xff" * 1024 + b"\r\n", b"\xff" * 1024),
        (b"x" * 1024, b"x" * 1024)], ids=lambda value: repr(value)[:20])
    def test_password_from_a_descriptor(server, written, password):
        code, rows, said = given(server, "frank", written)
        assert code == 0 and rows[0]["state"] == "created", said
        assert opens_with(server, "frank", password)
        assert not opens_with(server, "frank", password + b"\r")
        os.unlink(tamper.keyring_path(server, "frank"))

    @pytest.mark.parametrize("written, why", [
        (b"", "is empty"), (b"\n", "is empty"), (b"\r\nword\n", "is empty"),
        (b"wo\0rd\n", "NUL"), (b"x" * 1025 + b"\n", "more than 1024"),
        (b"x" * 1025, "more than 1024"), (b"x" * 1026, "more than 1024"),
        (b"x" * 1025 + b"\r\n", "more than 1024"),
        (b"x" * 30000, "more than 1024")], ids=lambda value: repr(value)[:20])
    def test_no_password_is_cut(server, written, why):
        code, rows, said = given(server, "frank", written)
        assert code != 0 and rows == [] and why in said
        assert not os.path.exists(tamper.keyring_path(server, "frank"))

    def typed(server, user, *lines):
        """(exit status, what it said) of roost init at a terminal."""
        ours, theirs = os.openpty()

        def take_terminal():
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        process = subprocess.Popen(
            ["doveadm", "-c", server.conf, "roost", "init", "-u", user, "-m",
             "password"], stdin=theirs, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=take_terminal,
            env=server._environment())
        shown = b""
        for line in lines:
            while not shown.endswith(b": "):
                shown += os.read(ours, 1000)
            assert not termios.tcgetattr(theirs)[3] & termios.ECHO
            shown = b""
            os.write(ours, line)
        said = process.communicate(timeout=60)[0].decode()
        assert termios.tcgetattr(theirs)[3] & termios.ECHO
        os.close(ours)
        os.close(theirs)
        return process.returncode, said

    def test_password_from_a_terminal(server):
        word = server.password("frank").encode()
        code, said = typed(server, "frank", word + b"\n", word + b"\n")
        assert code == 0, said
        assert opens_with(server, "frank", word)
        os.unlink(tamper.keyring_path(server, "frank"))

    def test_typed_password_that_no_login_takes(server):
        """As passdb says; nobody would notice before the mail is locked."""
        code, said = typed(server, "frank", b"pass word\n", b"pass word\n")
        assert code == 75 and "frank does not log in with this" in said
        assert "--secret-file" in said
        assert not os.path.exists(tamper.keyring_path(server, "frank"))

    def test_typed_password_that_nobody_can_try(server):
        socket = os.path.join(server.run_dir, "auth-client")
        os.rename(socket, socket + ".away")
        try:
            code, said = typed(server, "frank", b"pass word\n",
                               b"pass word\n")
        finally:
            os.rename(socket + ".away", socket)
        assert code == 0 and "passdb could not be asked" in said
        os.unlink(tamper.keyring_path(server, "frank"))

    @pytest.mark.parametrize("lines, why", [
        ([b"x" * 1025 + b"\n"], "more than 1024"),
        ([b"x" * 3000 + b"\n"], "more than 1024"), ([b"\n"], "is empty"),
        ([b"one\n", b"two\n"], "differ"), ([b"one\n", b"oneone\n"], "differ")],
        ids=["limit", "long", "empty", "other", "longer"])
    def test_no_password_typed_is_cut(server, lines, why):
        code, said = typed(server, "frank", *lines)
        assert code == 75 and why in said
        assert not os.path.exists(tamper.keyring_path(server, "frank"))

    def test_descriptor_that_is_none(server):
        code, rows, said = roost(server, "init", "-u", "frank", "-m",
                                 "password", "-f", "-3")
        assert code == 75 and rows == [] and "number of an open file" in said

    def test_password_that_cannot_be_read(server):
        folder = os.open(server.root, os.O_RDONLY)
        try:
            code, rows, said = roost(server, "init", "-u", "frank", "-m",
                                     "password", "-f", str(folder),
                                     pass_fds=(folder,))
        finally:
            os.close(folder)
        assert code == 75 and rows == [] and "Cannot read the password" in said
        assert not os.path.exists(tamper.keyring_path(server, "frank"))

    def test_terminal_that_is_not_ours(server):
        """There is one at the standard input, but nobody is to be asked."""
        ours, theirs = os.openpty()
        done = subprocess.run(
            ["doveadm", "-c", server.conf, "roost", "init", "-u", "frank",
             "-m", "password"], stdin=theirs, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            env=server._environment(), timeout=60)
        os.close(ours)
        os.close(theirs)
        assert done.returncode == 75
        assert b"There is no terminal to ask for the password" in done.stdout

    def test_password_of_a_keyring_that_is_there(server):
        """Nobody is to believe that the password was changed."""
        code, rows, _ = given(server, "frank", b"word\n")
        assert (code, rows[0]["state"]) == (0, "created")
        path = tamper.keyring_path(server, "frank")
        text = tamper.read(path)
        code, rows, said = given(server, "frank", b"other\n")
        assert code == 75 and "There is a keyring already, in password" in said
        assert ": doveadm roost slot replace -u frank password\n" in said
        assert tamper.read(path) == text
        os.unlink(path)

    def test_provider_keyring_of_an_account_that_is_new(server):
        """What is to be done instead is said, and nobody is asked for a
        password before."""
        assert roost(server, "init", "-u", "frank")[0] == 0
        path = tamper.keyring_path(server, "frank")
        text = tamper.read(path)
        code, said = typed(server, "frank")
        assert code == 75 and "There is a keyring already, in provider" in said
        assert ": doveadm roost mode -u frank password\n" in said
        assert tamper.read(path) == text
        os.unlink(path)

    def test_no_such_namespace(server):
        code, rows, said = roost(server, "init", "-u", "frank", "-n", "No/")
        assert code == 75 and rows == []
        assert 'no public one, with the prefix "No/"' in said

    @pytest.mark.parametrize("args", [
        ("-m", "other"), ("-p", "other"), ("-f", "3"), ("password",)])
    def test_wrong_parameters(server, args):
        code, _, said = roost(server, "init", "-u", "dave", *args)
        assert code == 64 and "roost init: " in said

    def test_verify_names_what_is_bad(server):
        assert server.deliver(MESSAGE, "erin")[0][0] == 250
        assert server.deliver(MESSAGE, "erin")[0][0] == 250
        code, rows, _ = roost(server, "verify", "-u", "erin")
        assert code == 0
        assert (rows[0]["sealed"], rows[0]["bad"]) == ("2", "0")
        found = sorted(tamper.Reader(server, "erin").messages())[0]
        tamper.flip(found[:3], 20000)
        for args, gate in (((), "[chunk]"), (("-k",), "[digest]")):
            code, rows, said = roost(server, "verify", "-u", "erin", *args)
            assert code != 0
            assert (rows[0]["sealed"], rows[0]["bad"]) == ("1", "1")
            assert gate in said and "UID " in said and "INBOX" in said
        code, rows, _ = roost(server, "verify", "-A")
        assert code != 0 and {row["username"] for row in rows} >= {
            "alice", "erin"}

    @pytest.mark.parametrize("at, gate", [
        (8, "[unknown-version]"), (150, "[stanza-auth]"), (190, "[commitment]"),
        (-1, "[digest]")])
    def test_verify_names_the_gate(server, at, gate):
        assert server.deliver(MESSAGE, "dave")[0][0] == 250
        found = sorted(tamper.Reader(server, "dave").messages())[0]
        tamper.flip(found[:3], at)
        args = ("-k",) if gate == "[digest]" else ()
        code, rows, said = roost(server, "verify", "-u", "dave", *args)
        assert code == 75 and gate in said
        assert (rows[0]["sealed"], rows[0]["bad"]) == ("0", "1")
        os.unlink(found[0])

    def test_through_the_doveadm_server(server):
        socket = os.path.join(server.run_dir, "doveadm-server")
        code, rows, _ = roost(server, "verify", "-S", socket, "-u", "alice")
        assert code == 0 and rows[0]["bad"] == "0"
