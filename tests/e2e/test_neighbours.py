# SPDX-License-Identifier: MIT
"""Roost beside others: mail_crypt, compression, shared and public namespaces,
and every other plugin that looks at mail while it is read or saved."""

import os
import re

import pytest

import server as servers
import tamper
import virtualbox
from cryptkit import CRYPT_MAGIC, crypt_settings
from server import NEW, STORAGES
from sharing import message, share, shared  # noqa: F401


def bodies(server, user, mailbox="INBOX"):
    client = server.imap(user)
    assert client.select(mailbox)[0] == "OK"
    _, answer = client.fetch("1:*", "(BODY.PEEK[])")
    return [part[1] for part in answer if isinstance(part, tuple)]


@pytest.mark.parametrize("storage", STORAGES)
def test_mail_crypt_read_only(make_server, tmp_path, storage):
    """Mail that mail_crypt sealed stays readable; new mail is Roost's."""
    settings, extra = crypt_settings(str(tmp_path), True)
    os.chmod(str(tmp_path), 0o755)
    for folder in list(tmp_path.parents)[:2]:
        os.chmod(str(folder), 0o755)
    server = make_server(storage, roost=False, settings=settings,
                         extra=extra, plugins=["mail_crypt"])
    assert server.deliver(message("older"), "alice")[0][0] == 250
    assert server.objects("alice")[0][2].startswith(CRYPT_MAGIC)
    server.stop()
    if servers.PLAIN:
        return
    private = settings.get("mail_crypt_global_private_key")
    server.settings = dict(settings)
    if NEW:
        server.settings["crypt_write_algorithm"] = ""
    else:
        server.settings["mail_crypt_save_version"] = "0"
        assert private
    server.roost = True
    server.start()
    assert server.deliver(message("newer"), "alice")[0][0] == 250
    older, newer = bodies(server, "alice")
    assert b"body of older" in older and b"body of newer" in newer
    client = server.imap("alice")
    client.create("Copies")
    client.select("INBOX")
    assert client.copy("1:2", "Copies")[0] == "OK"
    assert bodies(server, "alice", "Copies") == [older, newer]
    kinds = [content[:8] for _, _, content in server.objects("alice")]
    assert kinds.count(servers.MAGIC) == 3, kinds
    assert server.find_on_disk(b"body of") == []


def test_shared_mailbox_opens_for_a_visitor(shared):
    """With the owner's keyring, in provider mode."""
    share(shared)
    got = bodies(shared, "bob", "shared/alice/Open")
    assert len(got) == 1 and b"body of for-alice" in got[0]


def test_visitor_saves_for_the_owner(shared):
    """What bob puts into alice's mailbox is sealed for alice; what he copies
    to his own is sealed for him."""
    visitor = shared.imap("bob")
    assert visitor.append("shared/alice/Open", None, None,
                          message("from-bob"))[0] == "OK"
    assert b"body of from-bob" in bodies(shared, "alice", "Open")[1]
    assert visitor.select("shared/alice/Open")[0] == "OK"
    assert visitor.copy("1:2", "INBOX")[0] == "OK"
    assert len(bodies(shared, "bob")) == 2
    shared.assert_sealed("alice")
    shared.assert_sealed("bob")
    if not servers.PLAIN:
        ids = {user: {content[16:32]
                      for _, _, content in shared.objects(user)}
               for user in ("alice", "bob")}
        assert len(ids["alice"]) == len(ids["bob"]) == 1
        assert ids["alice"] != ids["bob"]
        inodes = {user: {os.stat(path).st_ino
                         for path in shared.mail_files(user)}
                  for user in ("alice", "bob")}
        assert not inodes["alice"] & inodes["bob"]


def test_public_namespace_has_its_own_keyring(shared):
    client = shared.imap("alice")
    if shared.storage != "maildir":
        assert client.create("Public/Board")[0] == "OK"
    assert client.append("Public/Board", None, None,
                         message("for-all"))[0] == "OK"
    assert b"body of for-all" in bodies(shared, "bob", "Public/Board")[0]
    assert shared.imap("bob").append("Public/Board", None, None,
                                     message("reply"))[0] == "OK"
    assert len(bodies(shared, "alice", "Public/Board")) == 2
    if not servers.PLAIN:
        keyrings = [os.path.join(folder, name)
                    for folder, _, names in os.walk(
                        os.path.join(shared.mail_root, "public"))
                    for name in names if name == "roost.keyring"]
        assert len(keyrings) == 1
        # The mail root is the tenant, written by each user as his home has
        # it.
        root = os.path.join(shared.mail_root, "public", {
            "maildir": "Maildir"}.get(shared.storage, shared.storage))
        with open(keyrings[0], "rb") as file:
            assert b"\nowner ns:Public%2F@" + tamper.rf.escape_owner(
                root.encode()) + b"\n" in file.read()
    assert shared.find_on_disk(b"body of") == [] or servers.PLAIN


def test_company(make_server):
    """Plugins that hook the same places, all at once."""
    plugins = ["acl", "quota", "notify", "mail_log", "lazy_expunge",
               "virtual"]
    settings = {} if NEW else {
        "acl": "vfile", "quota": "count:User quota", "quota_vsizes": "yes",
        "mail_log_events": "delete copy save", "mail_log_fields": "uid size"}
    extra = "acl_driver = vfile\nquota \"User quota\" {\n}\n" if NEW else ""
    server = make_server("sdbox", plugins=plugins, settings=settings,
                         extra=extra)
    assert server.deliver(message("company"), "alice")[0][0] == 250
    client = server.imap("alice")
    client.create("Other")
    client.select("INBOX")
    assert client.copy("1", "Other")[0] == "OK"
    assert client.uid("MOVE", "1", "Other")[0] == "OK"
    got = bodies(server, "alice", "Other")
    assert len(got) == 2 and got[0] == got[1]
    assert b"body of company" in got[0]
    server.assert_sealed("alice")
    assert " Error: " not in server.log_since(0)


if not servers.PLAIN:
    @pytest.mark.parametrize("storage", STORAGES)
    def test_locked_delivery_among_plugins_that_read_again(
            make_server, tmp_path, storage):
        """What was just saved is read again by others before the delivery is
        over; a locked user's session cannot open the keyring for that."""
        for folder in [tmp_path] + list(tmp_path.parents)[:2]:
            os.chmod(str(folder), 0o755)
        settings, extra = crypt_settings(str(tmp_path), False)
        if NEW:
            settings["crypt_write_algorithm"] = ""
        server = make_server(
            storage, secret=True, settings=settings,
            plugins=["mail_crypt", "mail_compress" if NEW else "zlib",
                     "notify", "mail_log"],
            extra=extra + "mail_always_cache_fields = body.snippet "
            "hdr.subject mime.parts imap.bodystructure\n")
        users = ["alice", "bob", "carol"]
        for user in users:
            server.init_password_mode(user)
        for word in ("one", "two"):
            answers = server.deliver(message(word), *users)
            assert [code for code, _ in answers] == [250] * 3, answers
        done = server.lda("alice", message("three"))
        assert done.returncode == 0, done.stderr
        for user in users:
            got = bodies(server, user)
            assert b"body of one" in got[0] and b"body of two" in got[1]
            server.assert_sealed(user)
        assert b"body of three" in bodies(server, "alice")[2]
        assert server.find_on_disk(b"body of") == []

    @pytest.mark.parametrize("word", ["no", "read-only"])
    def test_visitor_with_roost_off_leaves_no_plaintext(shared, word):
        """The owner's mailbox is sealed, whatever the visitor has."""
        shared.change_user("bob", roost_enable=word)
        shared.imap("bob").append("shared/alice/Open", None, None,
                                  message("plain-from-bob"))
        shared.change_user("bob", roost_enable="yes")
        assert shared.find_on_disk(b"plain-from-bob") == []
        shared.assert_sealed("alice")

    def test_visitor_with_pins(shared):
        """What userdb pins for bob's keyring says nothing of alice's."""
        shown = shared.doveadm("-f", "tab", "roost", "status", "-u", "bob")
        found = re.search(r"\b[0-9a-f]{32}\b", shown.stdout.decode())
        shared.change_user("bob", roost_keyring_id=found.group(0))
        visitor = shared.imap("bob")
        visitor.create("Public/Board")      # it may be there
        for mailbox in ("INBOX", "shared/alice/Open", "Public/Board"):
            assert visitor.append(mailbox, None, None,
                                  message("pinned"))[0] == "OK", mailbox
        assert b"body of pinned" in bodies(shared, "bob",
                                           "shared/alice/Open")[-1]

    def test_userdb_cannot_bring_a_provider_key(make_server):
        names = ["roost_provider_key"] if NEW else \
            ["roost_provider_key", "plugin/roost_provider_key"]
        for name in names:
            server = make_server("maildir",
                                 users={"alice": {name: "aa" * 32}})
            assert server.deliver(message("one"), "alice")[0][0] // 100 == 4
            server.wait_log("userdb sets roost_provider_key")
            assert not os.path.exists(os.path.join(server.home("alice"),
                                                   "roost.keyring"))

    def test_location_of_the_visitors_name(make_server):
        """A keyring location with the user's name in it: bob's keyring must
        not be taken for alice's, in whatever order they are used."""
        path = "prefix = shared/$user/\n  mail_path = %{owner_home}/Maildir" \
            if NEW else "prefix = shared/%%u/\n  location = maildir:%%h/Maildir"
        extra = """
namespace shared {
  type = shared
  separator = /
  list = children
  subscriptions = no
  %s
}
%s""" % (path, "acl_driver = vfile\n" if NEW else "")
        server = make_server("maildir", plugins=["acl"], extra=extra,
                             settings={} if NEW else {"acl": "vfile"},
                             protocol_plugins={"imap": ["imap_acl"]},
                             start=False)
        keys = os.path.join(server.root, "keys")
        os.makedirs(keys)
        os.chmod(keys, 0o777)
        server.settings["roost_keyring"] = "file:%s/%s.ring" % (
            keys, "%{user}" if NEW else "%u")
        server.start()
        share(server)
        visitor = server.imap("bob")
        assert visitor.append("INBOX", None, None, message("own"))[0] == "OK"
        visitor.append("shared/alice/Open", None, None, message("from-bob"))
        assert len({content[16:32]
                    for _, _, content in server.objects("alice")}) == 1


def test_virtual_mailbox_saves_into_its_own(make_server):
    server = make_server("maildir", plugins=["virtual"],
                         extra=virtualbox.SETTINGS, start=False)
    virtualbox.add(server, "alice", "all", "!INBOX", "  all")
    server.start()
    assert server.deliver(message("one"), "alice")[0][0] == 250
    client = server.imap("alice")
    assert client.append("virtual/all", None, None, message("two"))[0] == "OK"
    client.select("INBOX")
    assert client.copy("1", "virtual/all")[0] == "OK"
    assert len(bodies(server, "alice")) == 3
    server.assert_sealed("alice", 3)
