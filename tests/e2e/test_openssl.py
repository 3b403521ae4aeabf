# SPDX-License-Identifier: MIT
"""OpenSSL is mapped by a process that has much to do, and by no other. Without
it everything works, and the log says why it is slower.

In a folder that a user can write to nothing is mapped: what stands there is the
user's.
"""

import contextlib
import os
import shutil

import pytest

import server as servers
from server import STORAGES
from sharing import message

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="libraries of Roost")

MODULES = os.path.join(os.environ.get("ROOST_E2E_TMP", ""), "modules")
LIBRARY = "libroost_openssl.so"
LARGE = message("large") + b"A line of a large message.\r\n" * 40000


def mapped(server, client):
    """Returns which libraries with OpenSSL the session has mapped."""
    with open("/proc/%d/maps" % server.session_pid(client)) as file:
        text = file.read()
    return [name for name in ("libcrypto", LIBRARY) if name in text]


def read_large(server, client, number):
    """Reads the large message, and asserts that all of it is there."""
    got = client.fetch(number, "BODY.PEEK[]")
    assert got.endswith(LARGE[-1000:]) and LARGE in got


@contextlib.contextmanager
def library(change):
    """Changes the library for as long as this lasts."""
    path = os.path.join(MODULES, LIBRARY)
    os.rename(path, path + ".kept")
    try:
        change(path)
        yield
    finally:
        os.rename(path + ".kept", path)


def of_another_build(path):
    with open(path + ".kept", "rb") as file:
        content = file.read()
    with open(os.path.join(os.environ["ROOST_E2E_TOP"], os.environ.get(
            "BUILD", "build"), "roost-build.h"), "rb") as file:
        build = file.read().split(b'"')[1]
    assert content.count(build) >= 1
    with open(path, "wb") as file:
        file.write(content.replace(build, b"x" * len(build)))


@pytest.fixture(params=STORAGES)
def server(request, make_server):
    server = make_server(request.param)
    for word in "one", "two":
        assert server.deliver(message(word), "alice")[0][0] == 250
    assert server.deliver(LARGE, "alice")[0][0] == 250
    return server


def test_little_is_done_without_openssl(server):
    """All that a client does who looks at a list, keywords and short messages,
    after another session has given the keywords."""
    with server.raw() as client:
        client.ok("SELECT INBOX")
        client.ok("STORE 1 +FLAGS (Dentist $Junk)")
    with server.raw() as client:
        client.ok("SELECT INBOX")
        assert "Dentist" in str(client.ok("FETCH 1 FLAGS"))
        client.ok("STORE 2 +FLAGS (Dentist Invoice)")
        client.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)")
        client.ok("SEARCH SUBJECT nowhere")
        client.ok("SEARCH KEYWORD Dentist")
        assert b"one" in client.fetch(1, "BODY.PEEK[]")
        assert mapped(server, client) == []
        read_large(server, client, 3)
        assert mapped(server, client) == ["libcrypto", LIBRARY]


@pytest.mark.parametrize("change, left, reason", [
    (lambda path: None, [], "No such file"),
    (of_another_build, ["libcrypto", LIBRARY], "another build"),
], ids=["missing", "another build"])
def test_without_the_library(server, change, left, reason):
    """As while packages are replaced under a process that runs."""
    with server.raw() as client, library(change):
        client.ok("SELECT INBOX")
        read_large(server, client, 3)
        assert client.append("INBOX", LARGE).ok
        read_large(server, client, 4)
        assert mapped(server, client) == left
        client.logout()
    [line] = [line for line in server.session_log(client)
              if "Warning" in line]
    assert "more slowly by libsodium" in line and reason in line


def test_bad_configuration(server):
    """OpenSSL is told to complain of what it does not understand."""
    path = os.path.join(server.root, "openssl.cnf")
    server.write(path, "config_diagnostics = 1\nopenssl_conf = begin\n"
                 "[begin]\nno_such_module = nothing\n")
    server.stop()
    server.extra += "import_environment {\n  OPENSSL_CONF = %s\n}\n" % path \
        if servers.NEW else "import_environment = TZ OPENSSL_CONF=%s\n" % path
    server.start()
    with server.raw() as client:
        client.ok("SELECT INBOX")
        read_large(server, client, 3)
        client.logout()
    [line] = [line for line in server.session_log(client)
              if "Warning" in line]
    assert "more slowly by libsodium" in line and "openssl.cnf" in line


@pytest.mark.skipif(not servers.ROOT, reason="only root can confine")
def test_in_a_users_folder(server):
    """The user has put a library where that of Roost would be looked for."""
    inside = server.root + server.root
    os.makedirs(os.path.dirname(inside))
    os.symlink("/", inside)
    planted = server.root + servers.MODULES
    os.makedirs(planted)
    shutil.copy(os.path.join(MODULES, LIBRARY), planted)
    server.stop()
    server.extra += "mail_chroot = %s/.\n" % server.root
    server.start()
    with server.raw() as client:
        root = os.readlink("/proc/%d/root" % server.session_pid(client))
        assert root == server.root
        client.ok("SELECT INBOX")
        read_large(server, client, 3)
        assert client.append("INBOX", LARGE).ok
        read_large(server, client, 4)
        assert mapped(server, client) == []
        client.logout()
    assert not [line for line in server.session_log(client)
                if "Warning" in line or "Error" in line]
