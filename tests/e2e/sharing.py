# SPDX-License-Identifier: MIT
"""sharing: a server with shared mailboxes and a public namespace."""

import os

import pytest

from server import NEW, STORAGES

MESSAGE = (b"From: a@roost.test\r\nTo: b@roost.test\r\nSubject: %s\r\n\r\n"
           b"body of %s\r\n")


def message(word):
    word = word.encode()
    return MESSAGE % (word, word)


@pytest.fixture(scope="module", params=STORAGES)
def shared(request, make_module_server):
    return arrange(make_module_server, request.param).start()


def arrange(make, storage):
    """Makes a server on which users can share mailboxes, with a public
    namespace in which everybody may do everything. It is not started."""
    path = {"maildir": "Maildir", "sdbox": "sdbox", "mdbox": "mdbox"}[storage]
    if NEW:
        extra = """
namespace shared {
  type = shared
  separator = /
  prefix = shared/$user/
  mail_path = %%{owner_home}/%s
  mail_index_private_path = ~/shared/%%{owner_user}
  list = children
  subscriptions = no
}
namespace public {
  type = public
  separator = /
  prefix = Public/
  mail_path = %%{home}/../public/%s
  list = children
  subscriptions = no
}
acl_driver = vfile
acl_sharing_map {
  dict file {
    path = %%{home}/../shared-mailboxes
  }
}
""" % (path, path)
        settings = {}
        extra = extra.replace("shared/$user/", "shared/$user/")
    else:
        extra = """
namespace shared {
  type = shared
  separator = /
  prefix = shared/%%%%u/
  location = %s:%%%%h/%s
  list = children
  subscriptions = no
}
namespace public {
  type = public
  separator = /
  prefix = Public/
  location = %s:%%h/../public/%s
  list = children
  subscriptions = no
}
""" % (storage, path, storage, path)
        settings = {"acl": "vfile"}
    server = make(
        storage, extra=extra, settings=settings, plugins=["acl"],
        protocol_plugins={"imap": ["imap_acl"]}, start=False)
    public = os.path.join(server.mail_root, "public", path)
    folders = [public, os.path.join(public, "mailboxes")]
    if storage == "maildir":
        # A mailbox of a maildir has no access list but its own, so that the
        # mailbox Board is made here to get one.
        folders = [public, os.path.join(public, ".Board")]
        for name in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(public, ".Board", name))
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
        server.write(os.path.join(folder, "dovecot-acl"),
                     "authenticated lrwstipekxa\n")
    server.own(server.mail_root)
    return server


def share(server):
    """Puts a message into alice's mailbox Open, in which bob may do
    everything."""
    assert server.deliver(message("for-alice"), "alice")[0][0] == 250
    owner = server.imap("alice")
    owner.create("Open")
    owner.select("INBOX")
    assert owner.copy("1", "Open")[0] == "OK"
    assert owner.setacl("Open", "bob", "lrwstipekxa")[0] == "OK"
