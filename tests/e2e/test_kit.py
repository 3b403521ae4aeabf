# SPDX-License-Identifier: MIT
"""The kit itself: what would make a test fail by chance, or leave something
behind."""

import contextlib
import datetime
import os
import re
import signal
import subprocess
import sys
import threading

import pytest

from imapclient import Answer
import server as servers
from pairs import comparable


def answer(date):
    """Of a server whose clock says so."""
    text = date.strftime("%d-%b-%Y %H:%M:%S %z").encode()
    error = b"Internal error occurred. Refer to server log for more " \
        b"information. [%s]\r\n" % date.strftime("%F %T").encode()
    return Answer([b'* 1 FETCH (INTERNALDATE "%s" RFC822.SIZE 7)\r\n' % text,
                   b'* 2 FETCH (BODY[] {40}\r\nINTERNALDATE "whatever it '
                   b'is"        \r\n)\r\n', b"* BYE " + error],
                  b"a1 NO [SERVERBUG] " + error)


def test_the_clock_of_a_server_is_not_compared():
    now = datetime.datetime.now(datetime.timezone.utc)
    later = now + datetime.timedelta(seconds=2)
    old = datetime.datetime(2020, 1, 2, 3, 4, 5, 0, datetime.timezone.utc)
    older = old - datetime.timedelta(seconds=1)
    assert comparable(answer(now)) == comparable(answer(later))
    assert comparable(answer(old)) != comparable(answer(older))
    assert comparable(answer(old)) != comparable(answer(now))
    assert b"information.\r\n" in comparable(answer(now))[0][2]


def test_temporary_files_go_with_the_run(tmp_path):
    assert str(tmp_path).startswith(os.environ["ROOST_E2E_TMP"] + "/")


# The log: what is asserted of it must hold however late it is written.

LATE = 0.3


@pytest.fixture(scope="module")
def server(make_module_server):
    return make_module_server(users=("alice", "bob"))


@contextlib.contextmanager
def stopped(pid):
    """A process that does nothing until LATE seconds from now."""
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(LATE, os.kill, (pid, signal.SIGCONT))
    timer.start()
    try:
        yield
    finally:
        timer.join()


def process_of(server, pattern, mark):
    """The first that the log names so behind a mark: a login may be logged
    after the client was answered."""
    return int(server.wait_log(pattern, mark).group(1))


def imap_left(server):
    server.raw().close()
    return r"imap\(alice\).*Disconnected: Connection closed"


def imap_logged_out(server):
    client = server.imap("bob")
    client.logout()
    return r"imap\(bob\).*Disconnected: Logged out"


def pop3_left(server):
    client = server.pop3()
    client.close()
    return r"pop3\(alice\).*Disconnected: Connection closed"


def pop3_quit(server):
    client = server.pop3()
    client.quit()
    return r"pop3\(alice\).*Disconnected: Logged out"


def other_program(server):
    subprocess.run([sys.executable, "-c", """
import imaplib
client = imaplib.IMAP4("127.0.0.1", %d)
client.login("alice", %r)
client.select("INBOX")
""" % (server.imap_port, server.password("alice"))], check=True)
    return r"imap\(alice\).*Disconnected: Connection closed"


def delivered(server):
    assert server.deliver(b"Subject: s\r\n\r\nb\r\n", "bob")[0][0] == 250
    return "lmtp.*Disconnect from "


def lmtp_left(server):
    client = server.lmtp()
    client.ehlo()
    client.close()
    return "lmtp.*Disconnect from .*Connection closed"


@pytest.mark.parametrize("what", [
    imap_left, imap_logged_out, pop3_left, pop3_quit, other_program,
    delivered, lmtp_left], ids=lambda what: what.__name__)
def test_the_log_holds_what_is_over(server, what):
    """Also while the process that writes it is slow: nothing of a session
    that is over comes after a mark."""
    start = server.log_mark()
    with stopped(server.watch.log_pid):
        pattern = what(server)
        mark = server.log_mark()
    assert re.search(pattern, server.log_since(start))
    assert server.log_since(mark) == ""
    with stopped(server.watch.log_pid):
        what(server)
        assert re.search(pattern, server.log_since(mark))


@pytest.mark.parametrize("connect, pattern", [
    ("raw", r"mpid=(\d+),"), ("imap", r"mpid=(\d+),"),
    ("pop3", r"mpid=(\d+),"), ("lmtp", r"lmtp\((\d+)\): .*Connect from")])
def test_a_session_goes_on_without_its_client(server, connect, pattern):
    before = server.log_mark()
    client = getattr(server, connect)()
    if connect == "lmtp":
        client.ehlo()
    pid = process_of(server, pattern, before)
    mark = server.log_mark()
    with stopped(pid):
        client.close() if connect != "imap" else client.shutdown()
        assert re.search("Disconnect(ed:| from) ", server.log_since(mark))


def test_the_log_holds_what_an_open_session_said(server):
    with server.raw() as client, server.lmtp() as lmtp:
        mark = server.log_mark()
        with stopped(server.watch.log_pid):
            server.deliver(b"Subject: s\r\n\r\nb\r\n", "bob", client=lmtp)
            assert "saved mail" in server.log_since(mark)
        client.ok("NOOP")


def test_a_process_that_serves_many(make_server):
    server = make_server(users=["alice"], extra="""
service imap {
  process_limit = 1
  client_limit = 10
  %s
}
""" % servers.SERVES_MANY)
    with server.raw() as stays, server.raw() as client:
        pid = server.session_pid(client)
        mark = server.log_mark()
        with stopped(pid):
            client.close()
            assert "Disconnected" in server.log_since(mark)
        stays.ok("NOOP")


def test_a_killed_process_has_no_last_line(make_server):
    server = make_server(users=["alice"])
    server.check_crashes = lambda: None     # we kill it ourselves
    client = server.raw()
    mark = server.log_mark()
    pid = server.session_pid(client)
    with stopped(server.watch.log_pid):
        os.kill(pid, signal.SIGKILL)
        client.close()
        assert "child %d killed with signal 9" % pid in server.log_since(mark)


def test_a_login_that_was_refused(make_server):
    server = make_server(users=["alice"], extra="auth_failure_delay = 0\n")
    mark = server.log_mark()
    with stopped(server.watch.log_pid):
        with pytest.raises(AssertionError):
            server.raw("alice", "wrong")
        assert "auth failed, 1 attempts" in server.log_since(mark)


def test_a_log_process_that_starts_late(make_server, tmp_path):
    """A line that it read together with the greeting of a pipe would stay in
    its memory until the pipe's next line."""
    starter = tmp_path / "log"
    starter.write_text("#!/bin/sh\nsleep %s\nexec %s/log \"$@\"\n" % (
        LATE, os.path.dirname(servers.LDA)))
    starter.chmod(0o755)
    server = make_server(users=["alice"], extra="""
service log {
  executable = %s
}
""" % starter)
    with server.raw() as client:
        client.ok("NOOP")
    assert " user=<alice>" in server.log_since(0)


def test_the_log_of_a_stopped_server(make_server):
    server = make_server(users=["alice"])
    client = server.raw()
    with stopped(server.watch.log_pid):
        server.stop()
    assert [line for line in server.session_log(client)
            if "Disconnected" in line]
