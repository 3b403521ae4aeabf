# SPDX-License-Identifier: MIT
"""Public namespaces of several tenants: the folder of one opens nowhere in the
place of another's, unless it was bound anew.
"""

import os
import re
import shutil

import pytest

import server as servers
import tamper

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keyrings of Roost")

ONE, TWO = "one.example", "two.example"
MESSAGE = b"Subject: notice\r\n\r\nbody of the notice\r\n"


def namespace(server):
    root = os.path.join(server.mail_root, "public")
    if servers.NEW:
        place = "  mail_path = %s/%%{user | domain}/box" % root
    else:
        place = "  location = %s:%s/%%d/box" % (server.storage, root)
    return """
namespace public {
  type = public
  separator = /
  prefix = Public/
%s
  list = children
  subscriptions = no
}
""" % place


@pytest.fixture(params=servers.STORAGES)
def server(request, make_server):
    """A board of tenant one, with one message; none of tenant two."""
    server = make_server(request.param, start=False,
                         users=["%s@%s" % (name, domain)
                                for domain in (ONE, TWO)
                                for name in ("alice", "bob")])
    server.extra = namespace(server)
    os.makedirs(os.path.join(server.mail_root, "public"))
    server.own(server.mail_root)
    server.start()
    with server.raw("alice@" + ONE) as client:
        client.ok("CREATE Public/Board")
        assert client.append("Public/Board", MESSAGE).ok
    return server


def folder(server, domain):
    return os.path.join(server.mail_root, "public", domain)


def keyring(server, domain):
    found = [os.path.join(where, name)
             for where, _, names in os.walk(folder(server, domain))
             for name in names if name == "roost.keyring"]
    assert len(found) == 1, found
    return found[0]


def owner(server, domain):
    text = tamper.read(keyring(server, domain))
    return re.search(rb"(?m)^owner (.*)$", text).group(1).decode()


def use(server, user):
    """(FETCH of the first message, APPEND)."""
    with server.raw(user) as client:
        client.ok("SELECT Public/Board")
        return client.cmd("FETCH 1 (BODY.PEEK[])").status, \
            client.append("Public/Board", MESSAGE).status


def move(server, put_aside=False):
    """Tenant one's folder in the place of tenant two's."""
    server.stop()
    if put_aside:
        os.rename(folder(server, ONE), folder(server, TWO))
    else:
        shutil.copytree(folder(server, ONE), folder(server, TWO))
    server.own(server.mail_root)
    server.start()


def rebind(server, user, *args):
    return server.doveadm("roost", "rebind", "-u", user, *args, check=False)


def test_tenants_are_apart(server):
    """The same for every user of one; refused to the other, with whose it
    is and what to run; after that it opens there."""
    assert use(server, "bob@" + ONE) == ("OK", "OK")
    move(server)
    mark = server.log_mark()
    assert use(server, "alice@" + TWO) == ("NO", "NO")
    server.wait_log(r"roost\.keyring: .*\[owner\]; it belongs to "
                    r"ns:Public%2F@\S*one\.example\S*, and this is "
                    r"ns:Public%2F@\S*two\.example\S*: .*doveadm roost "
                    r"rebind", mark)
    before = tamper.read(keyring(server, TWO))
    done = rebind(server, "alice@" + TWO, "-n", "Public/")
    assert done.returncode == 0 and b"would be changed" in done.stdout
    assert tamper.read(keyring(server, TWO)) == before
    mark = server.log_mark()
    done = rebind(server, "alice@" + TWO, "Public")
    assert done.returncode == 0, done.stderr
    said = done.stderr.decode()
    assert re.search(r"Binding the keyring \S+roost\.keyring, so far of "
                     r"ns:Public%2F@\S*one\.example\S*, to "
                     r"ns:Public%2F@\S*two\.example", said), said
    text = tamper.read(keyring(server, TWO))
    assert b"\ngeneration 2\n" in text
    assert text.split(b"\n")[1:3] == before.split(b"\n")[1:3]
    assert use(server, "bob@" + TWO) == ("OK", "OK")
    assert use(server, "bob@" + ONE) == ("OK", "OK")
    done = rebind(server, "bob@" + TWO, "Public/")
    assert done.returncode == 0 and b"unchanged" in done.stdout
    assert tamper.read(keyring(server, TWO)) == text


def test_tenant_has_a_name(server):
    """roost_tenant: the folder may be moved, but not to another's place."""
    server.stop()
    server.settings["roost_tenant"] = "%{user | domain}" if servers.NEW \
        else "%d"
    server.start()
    assert use(server, "alice@" + ONE) == ("NO", "NO")
    assert rebind(server, "alice@" + ONE, "Public/").returncode == 0
    assert owner(server, ONE) == "ns:Public%2F@" + ONE
    assert use(server, "bob@" + ONE) == ("OK", "OK")
    move(server, put_aside=True)
    assert use(server, "alice@" + TWO) == ("NO", "NO")
    # Moved to another place of the same tenant.
    server.stop()
    server.extra = server.extra.replace("/public/", "/elsewhere/")
    os.makedirs(os.path.join(server.mail_root, "elsewhere"))
    os.rename(folder(server, TWO),
              os.path.join(server.mail_root, "elsewhere", ONE))
    server.own(server.mail_root)
    server.start()
    assert use(server, "bob@" + ONE) == ("OK", "OK")


def test_id_is_pinned(server):
    """Several may be named; the command is bound by it, too."""
    right = tamper.read(keyring(server, ONE)).split(b"\n")[1]
    ring_id = tamper.rf.un_b64(right.split(b" ")[1], 16).hex()
    server.stop()
    server.settings["roost_public_keyring_id"] = '"%s %s"' % (
        "ab" * 16, ring_id) if servers.NEW else "%s %s" % (
            "ab" * 16, ring_id)
    server.start()
    assert use(server, "bob@" + ONE) == ("OK", "OK")
    move(server)
    server.stop()
    server.settings["roost_public_keyring_id"] = "ab" * 16
    server.start()
    mark = server.log_mark()
    assert use(server, "bob@" + ONE) == ("NO", "NO")
    server.wait_log("its id is not the one that roost_public_keyring_id",
                    mark)
    before = tamper.read(keyring(server, TWO))
    done = rebind(server, "bob@" + TWO, "Public/")
    assert done.returncode != 0
    assert b"roost_public_keyring_id" in done.stderr, done.stderr
    assert tamper.read(keyring(server, TWO)) == before
    # Nor is one made.
    os.unlink(keyring(server, TWO))
    shutil.rmtree(folder(server, TWO))
    with server.raw("alice@" + TWO) as client:
        client.cmd("CREATE Public/Board")
        assert client.append("Public/Board", MESSAGE).status == "NO"


def test_renamed_user(server):
    """The user's own keyring: in provider mode with the provider key, in
    password mode not."""
    old, new = "alice@" + ONE, "bob@" + ONE
    assert server.deliver(MESSAGE, old)[0][0] == 250
    server.stop()
    os.rmdir(server.home(new)) if not os.listdir(server.home(new)) else \
        shutil.rmtree(server.home(new))
    os.rename(server.home(old), server.home(new))
    server.start()
    mark = server.log_mark()
    assert server.deliver(MESSAGE, new)[0][0] // 100 == 4
    server.wait_log(r"made for the user name alice@.*renamed, run doveadm "
                    "roost rebind", mark)
    done = rebind(server, new)
    assert done.returncode == 0, done.stderr
    assert server.deliver(MESSAGE, new)[0][0] == 250
    with server.raw(new) as client:
        client.ok("SELECT INBOX")
        for seq in 1, 2:
            client.ok("FETCH %d (BODY.PEEK[])" % seq)
    text = tamper.make_keyring(server, new, "password", os.urandom(32),
                               owner=old)[0]
    tamper.put_keyring(server, new, text)
    done = rebind(server, new)
    assert done.returncode != 0
    assert b"only one in provider mode" in done.stderr, done.stderr
    assert tamper.read(tamper.keyring_path(server, new)) == text


def test_no_such_namespace(server):
    done = rebind(server, "bob@" + ONE, "Other/")
    assert done.returncode != 0
    assert b"no public namespace with the prefix" in done.stderr


def test_damaged_keyring(server):
    """It is told, and no other one is made."""
    path = keyring(server, ONE)
    text = tamper.read(path)
    tamper.write(path, text.replace(b"epoch", b"epock"))
    done = server.doveadm("roost", "init", "--new", "-u", "alice@" + ONE,
                          "--namespace", "Public/", check=False)
    assert done.returncode == 75 and b"exists" not in done.stdout, done
    assert b"Refused the keyring" in done.stderr
    tamper.write(path, text)
