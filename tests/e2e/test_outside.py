# SPDX-License-Identifier: MIT
"""What Roost does not protect, as threats.md says, and what helps: access
lists and Sieve scripts that lie in the storage, what Dovecot is told to log,
older genuine copies."""

import os

import pytest

import server as servers
from server import NEW

MESSAGE = (b"From: a@roost.test\r\nTo: b@roost.test\r\nSubject: board\r\n"
           b"\r\nfor the board\r\n")

PUBLIC = {
    True: """
namespace public {
  type = public
  separator = /
  prefix = Public/
  mail_path = %{home}/../public
  subscriptions = no
}
acl_driver = vfile
""",
    False: """
namespace public {
  type = public
  separator = /
  prefix = Public/
  location = maildir:%h/../public
  subscriptions = no
}
"""}


@pytest.fixture
def board(make_server):
    """A public mailbox that alice may read; options: more settings."""
    def make(extra="", settings=()):
        acl = {} if NEW else {"acl": "vfile"}
        server = make_server("maildir", plugins=["acl"], start=False,
                             settings=dict(acl, **dict(settings)),
                             extra=PUBLIC[NEW] + extra)
        folder = os.path.join(server.mail_root, "public", ".Board")
        for name in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(folder, name))
        server.own(server.mail_root)
        return server.start(), folder
    return make


def plant(server, folder, text):
    """What whoever can write to the storage can do."""
    path = os.path.join(folder, "dovecot-acl")
    server.write(path, text)
    server.own(folder)


def test_access_list_in_the_storage_is_believed(board):
    """Who may write to the storage lets himself into a mailbox."""
    server, folder = board()
    plant(server, folder, "user=alice lrwstipekxa\n")
    assert server.imap("alice").append("Public/Board", None, None,
                                       MESSAGE)[0] == "OK"
    with server.raw("bob") as client:
        assert client.cmd("SELECT Public/Board").status != "OK"
    plant(server, folder, "user=alice lrwstipekxa\nuser=bob lr\n")
    with server.raw("bob") as client:
        client.ok("SELECT Public/Board")
        answer = client.ok("FETCH 1 BODY[TEXT]")
    assert b"for the board" in b"".join(answer.untagged)


GRANTED = """
acl_globals_only = yes
namespace public {
  mailbox Board {
    acl user=alice {
      rights = lrwstipekxa
    }
  }
}
"""


def test_access_list_elsewhere_is_safe(board):
    """acl_globals_only: what is planted in the storage counts for nothing."""
    lists = os.path.join(os.environ["ROOST_E2E_TMP"], "outside-acl")
    servers.Server.write(lists, "Public/Board user=alice lrwstipekxa\n")
    server, folder = board(
        GRANTED if NEW else "",
        {} if NEW else {"acl": "vfile:" + lists, "acl_globals_only": "yes"})
    assert server.imap("alice").append("Public/Board", None, None,
                                       MESSAGE)[0] == "OK"
    plant(server, folder, "user=bob lrwstipekxa\n")
    with server.raw("bob") as client:
        assert client.cmd("SELECT Public/Board").status != "OK"


FILE_INTO = 'require ["fileinto", "mailbox"];\nfileinto :create "Planted";\n'


def filed(server, user, mailbox):
    """How many messages are there, 0 where it does not exist."""
    client = server.imap(user)
    status, answer = client.status(mailbox, "(MESSAGES)")
    return int(answer[0].split()[-1].rstrip(b")")) if status == "OK" else 0


def test_script_in_the_storage_is_run(make_server):
    """Who may write to the home decides what becomes of new mail."""
    server = make_server("maildir")
    server.sieve("alice", FILE_INTO)
    assert server.deliver(MESSAGE, "alice")[0][0] == 250
    assert filed(server, "alice", "Planted") == 1
    server.assert_sealed("alice")


def test_script_elsewhere_is_safe(make_server):
    """With scripts outside of the mail storage, what is planted in the home
    is not run. The user's own must be there: where it is missing, 2.4 looks
    into the home after all."""
    scripts = os.path.join(os.environ["ROOST_E2E_TMP"], "outside-sieve")
    os.makedirs(os.path.join(scripts, "alice"), exist_ok=True)
    servers.Server.write(os.path.join(scripts, "alice.sieve"), "keep;\n")
    servers.Server.own(scripts)
    name = "%{user}" if NEW else "%u"
    server = make_server("maildir", start=False)
    configuration = server.configuration
    assert "~/.dovecot.sieve" in configuration()
    server.configuration = lambda: configuration().replace(
        "~/.dovecot.sieve", "%s/%s.sieve" % (scripts, name)).replace(
        "~/sieve", "%s/%s" % (scripts, name))
    server.start()
    server.sieve("alice", FILE_INTO)
    assert server.deliver(MESSAGE, "alice")[0][0] == 250
    assert filed(server, "alice", "Planted") == 0
    assert filed(server, "alice", "INBOX") == 1


if not servers.PLAIN:
    def test_older_genuine_message_is_served(make_server):
        """A message that was deleted, and is put back from a backup, is as
        genuine as it was."""
        server = make_server("maildir")
        assert server.deliver(MESSAGE, "alice")[0][0] == 250
        path, = server.mail_files("alice")
        with open(path, "rb") as file:
            backup = file.read()
        client = server.imap("alice")
        client.select("INBOX")
        client.store("1", "+FLAGS", "\\Deleted")
        client.expunge()
        assert server.mail_files("alice") == []
        server.write(path, backup)
        server.own(server.mail_root)
        with server.raw("alice") as client:
            client.ok("SELECT INBOX")
            assert b"for the board" in client.fetch(1, "BODY.PEEK[TEXT]")


def test_what_dovecot_is_told_to_log(make_server):
    """deliver_log_format with the subject puts it into the log; without, and
    that is what threats.md advises, nothing of the message is there."""
    for form, is_told in (("told %s" if not NEW else "told %{subject}", True),
                          ("told nothing", False)):
        server = make_server("maildir",
                             extra="deliver_log_format = %s\n" % form)
        assert server.deliver(MESSAGE.replace(b": board", b": logged-word"),
                              "alice")[0][0] == 250
        server.wait_log("told ")
        assert ("logged-word" in server.log_since(0)) == is_told
