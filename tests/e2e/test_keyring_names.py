# SPDX-License-Identifier: MIT
"""No mailbox is where a keyring lies: whatever the layout makes of names, a
keyring, its lock and what stands beside it are not listed and not reached.
"""

import os

import pytest

import server as servers
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")

MESSAGE = b"From: a@sender.example\r\nSubject: board\r\n\r\nbody\r\n"
NEW = servers.NEW


def location(storage, path, layout=None, more=""):
    """Settings of a namespace, or of the whole server."""
    if NEW:
        return "mail_driver = %s\nmail_path = %s\n%s" % (
            storage, path, "mailbox_list_layout = %s\n" % layout
            if layout else "") + more
    return "location = %s:%s%s%s\n" % (
        storage, path, ":LAYOUT=" + layout if layout else "", more)


def public(storage, layout):
    return """
namespace public {
  type = public
  separator = /
  prefix = Public/
%s}
""" % location(storage, "%s/public", layout)


def own(storage, path, layout=None, control=None):
    more = "" if control is None else "mail_control_path = %s\n" % control \
        if NEW else ":CONTROL=" + control
    text = location(storage, path, layout, more)
    return "\n" + (text if NEW else "mail_" + text)


# The storage, configuration, roost_keyring, prefix of mailboxes' names, and the
# name that would be the keyring.
CASES = {
    "public-fs": ("maildir", public("maildir", "fs"), None, "Public/",
                  "Public/roost.keyring"),
    "public-sdbox": ("sdbox", public("sdbox", None), None, "Public/",
                     "Public/roost.keyring"),
    "public-mdbox": ("mdbox", public("mdbox", None), None, "Public/",
                     "Public/roost.keyring"),
    "home": ("maildir", own("maildir", "~/", "fs"), None, "",
             "roost.keyring"),
    "home-control": ("maildir", own("maildir", "~/Maildir", "fs", "~/"),
                     None, "", "roost.keyring"),
    "hidden": ("maildir", "", "file:~/Maildir/.keys", "", "keys"),
    "inside": ("sdbox", "", "file:~/sdbox/mailboxes/deep", "", "deep"),
}


@pytest.fixture(params=CASES)
def case(request, make_server):
    storage, extra, keyring, prefix, name = CASES[request.param]
    settings = {"roost_keyring": keyring} if keyring else {}
    server = make_server(storage, start=False, settings=settings)
    server.extra = extra % server.root if "%s" in extra else extra
    folders = ["public", "public/mailboxes"]
    if keyring:
        folders += ["mail/alice/Maildir", "mail/alice/sdbox/mailboxes"]
    for folder in folders:
        folder = os.path.join(server.root, folder)
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, servers.MAIL_UID, servers.MAIL_GID)
    server.own(server.mail_root)
    return server.start(), prefix, name


def keyring_file(server, name):
    """The one keyring that is not the user's own, or is."""
    found = [os.path.join(folder, file)
             for folder, _, files in os.walk(server.root) for file in files
             if file in ("roost.keyring", ".keys", "deep")]
    beside = [path for path in found if "public" in path]
    return (beside or found)[0]


def answers_no(client, command, why=b"reserved"):
    """Whatever is not created is not there."""
    answer = client.cmd(command)
    assert answer.status == "NO" and why in answer.text, (command, answer)


def test_reserved(case):
    """Before there is a keyring and while there is one."""
    server, prefix, name = case
    client = server.raw("alice")
    dot = "/" if name == "keys" else "."    # Maildir++ makes dots of these
    names = [name + end.replace(".", dot)
             for end in ("", ".lock", ".old", ".host.7.tmp")]
    if "Public" not in prefix:
        names.append(name.replace("roost", "Roost").replace("keys", "Keys")
                     .replace("deep", "DEEP"))
    for _ in range(2):
        for each in names:
            answers_no(client, 'CREATE "%s"' % each)
            # Maildir++ has a folder beside it for that.
            if name != "keys":
                answers_no(client, 'CREATE "%s/below"' % each)
        answers_no(client, 'SUBSCRIBE "%s"' % name, b"")
        answers_no(client, 'SELECT "%s"' % name)
        answers_no(client, 'STATUS "%s" (MESSAGES)' % name)
        answer = client.append(name, MESSAGE)
        assert answer.status == "NO", answer
        board = prefix + "Board"
        client.cmd('CREATE "%s"' % board)
        assert client.append(board, MESSAGE).ok, server._tail()
        ring = keyring_file(server, name)
        before = tamper.read(ring)
        answers_no(client, 'RENAME "%s" "%s"' % (board, name))
        answers_no(client, 'RENAME "%s" "%smoved"' % (name, prefix))
        answers_no(client, 'RENAME "%s" "%smoved"' % (names[1], prefix))
        answers_no(client, 'DELETE "%s"' % name)
        answer = client.cmd('LIST "" "*"')
        shown = b"\n".join(answer.untagged).lower()
        assert name.split("/")[-1].encode() not in shown, shown
        assert b"board" in shown
        assert tamper.read(ring) == before
    client.ok('SELECT "%s"' % board)
    assert client.fetch(1, "BODY.PEEK[]") == MESSAGE
    client.ok('UNSUBSCRIBE "%s"' % name)
    client.logout()
    # What asks nobody whether there is such a mailbox.
    done = server.doveadm("mailbox", "subscribe", "-u", "alice", name,
                          check=False)
    assert done.returncode != 0 and b"reserved" in done.stderr, done
    done = server.doveadm("mailbox", "delete", "-u", "alice", name,
                          check=False)
    assert done.returncode != 0 and os.path.exists(ring)
    done = server.doveadm("mailbox", "list", "-u", "alice")
    assert name.split("/")[-1].encode() not in done.stdout.lower()
    # Names that only look like it are mailboxes like any others.
    with server.raw("alice") as client:
        for like in (name + "s", name + ".note", prefix + "my-" +
                     name.split("/")[-1]):
            if "." in like and name == "keys":
                continue
            client.ok('CREATE "%s"' % like)
            assert client.append(like, MESSAGE).ok


def test_index_layout(make_server):
    """There, a name makes no path: it is a mailbox's like any other."""
    server = make_server("sdbox", start=False)
    server.extra = own("sdbox", "~/sdbox", "index")
    server.start()
    with server.raw("alice") as client:
        client.ok("CREATE roost.keyring")
        assert client.append("roost.keyring", MESSAGE).ok
        assert client.append("INBOX", MESSAGE).ok
    assert os.path.isfile(tamper.keyring_path(server, "alice"))


@pytest.mark.parametrize("storage", ["maildir", "sdbox"])
def test_folder_of_the_keyring(make_server, storage):
    """A mailbox in whose folder the keyring lies is not deleted and not
    renamed, nor is one above it."""
    place = {"maildir": "~/Maildir/.box.sub/roost.keyring",
             "sdbox": "~/sdbox/mailboxes/box/sub/roost.keyring"}[storage]
    server = make_server(storage, start=False,
                         settings={"roost_keyring": "file:" + place})
    server.start()
    client = server.raw("alice")
    for name in "box", "box/sub", "other":
        client.ok("CREATE " + name)
    assert client.append("INBOX", MESSAGE).ok
    ring = place.replace("~", server.home("alice"))
    before = tamper.read(ring)
    for command in ("DELETE box/sub", "RENAME box/sub moved",
                    "RENAME box moved"):
        answer = client.cmd(command)
        assert answer.status == "NO" and b"keyring" in answer.text, answer
        assert tamper.read(ring) == before
    client.ok("RENAME other box/other")
    client.ok("DELETE box/other")
    client.logout()
