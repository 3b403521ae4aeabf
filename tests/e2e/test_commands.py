# SPDX-License-Identifier: MIT
"""doveadm roost init, status, verify: what they say, and how they end."""

import json
import os
import re
import stat

import pytest

import server as servers
import tamper

MESSAGE = b"Subject: x\r\n\r\n" + b"body of the message\r\n" * 3000
CODE = r"^([0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}$"

if not servers.PLAIN:
    @pytest.fixture(scope="module")
    def server(make_module_server):
        return make_module_server("maildir", secret=True)

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
        assert rows[0]["policy"] == "open" and rows[0]["slots"] == "provider"
        assert re.match("^[0-9a-f]{32}$", rows[0]["keyring-id"])

    def test_status_of_all(server):
        code, rows, _ = roost(server, "status", "-A")
        assert code == 0
        assert {row["username"] for row in rows} == set(server.users)

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
        assert code == 0 and rows[0]["mode"] == "password"
        assert rows[0]["state"] == "locked"
        assert server.deliver(MESSAGE, "carol")[0][0] == 250
        code, _, said = roost(server, "verify", "-u", "carol")
        assert code != 0 and "--keyless" in said
        code, rows, _ = roost(server, "verify", "-u", "carol", "-k")
        assert code == 0 and rows[0]["sealed"] == "1"
        client = server.imap("carol")
        client.select()
        assert MESSAGE in client.fetch("1", "BODY.PEEK[]")[1][0][1]

    def test_no_password_from_nowhere(server):
        code, _, said = roost(server, "init", "-u", "dave", "-m", "password")
        assert code != 0 and "--secret-fd" in said
        assert not os.path.exists(tamper.keyring_path(server, "dave"))

    @pytest.mark.parametrize("args", [("-m", "other"), ("-p", "other"),
                                      ("-f", "-3")])
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

    def test_through_the_doveadm_server(server):
        socket = os.path.join(server.run_dir, "doveadm-server")
        code, rows, _ = roost(server, "verify", "-S", socket, "-u", "alice")
        assert code == 0 and rows[0]["bad"] == "0"
        code, _, said = roost(server, "init", "-S", socket, "-u", "dave",
                              "-m", "password")
        assert code != 0 and "command line only" in said
