# SPDX-License-Identifier: MIT
"""Keyrings and keys over their life: made once, unlocked by whom they should
be, readable by a stranger's program, and nowhere to be seen.
"""

import concurrent.futures
import os
import re
import stat

import pytest

import corpus
import processes
import server as servers
import tamper
from tamper import rf

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="keys of Roost")

AT_ONCE = 8


def text_of(number):
    return b"From: a@sender.example\r\nSubject: number %d\r\n\r\nbody of " \
        b"number %d\r\n" % (number, number)


def crlf(data):
    return re.sub(rb"\r?\n", b"\r\n", data)


def bodies(server, user, mailbox="INBOX"):
    with server.raw(user) as client:
        client.ok('SELECT "%s"' % mailbox)
        return [client.fetch(number + 1, "BODY.PEEK[]")
                for number in range(client.count(mailbox))]


def keyrings(server, user):
    """Every file in the home that looks like one, or like a part of one."""
    return sorted(name for name in os.listdir(server.home(user))
                  if "keyring" in name)


# Made at first use

@pytest.fixture(scope="module", params=servers.STORAGES)
def server(request, make_module_server):
    return make_module_server(request.param)


def append(server, user, number):
    with server.raw(user) as client:
        return client.append("INBOX", text_of(number)).status


def at_once(work):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, range(AT_ONCE)))


@pytest.mark.parametrize("user", ["alice", "bob", "carol"])
def test_made_once(server, user):
    """Eight processes come at once: by LMTP, by IMAP, by both. The mailbox
    is there: 2.3 without Roost, too, may crash when several deliveries make
    the first mdbox files of a user."""
    with server.raw(user) as client:
        client.ok("SELECT INBOX")
    assert keyrings(server, user) == []

    def deliver(number):
        return server.deliver(text_of(number), user)[0][0]

    def either(number):
        return (deliver if number % 2 else
                lambda n: append(server, user, n))(number)

    work = {"alice": deliver, "carol": either,
            "bob": lambda number: append(server, user, number)}[user]
    mark = server.log_mark()
    assert set(at_once(work)) <= {250, "OK"}
    assert "Error" not in server.log_since(mark)
    found = bodies(server, user)
    assert len(found) == AT_ONCE
    for number in range(AT_ONCE):
        assert sum(body.endswith(text_of(number)) for body in found) == 1
    reader = tamper.Reader(server, user)
    assert len(reader.messages()) == AT_ONCE
    ids = {content[16:32] for _, _, content in server.objects(user)}
    assert ids == {reader.ring.id}
    assert set(keyrings(server, user)) <= {"roost.keyring",
                                           "roost.keyring.lock"}


def test_keyring_file(server):
    """0600, the user's own, in provider mode, of generation 1."""
    assert server.deliver(text_of(1), "dave")[0][0] == 250
    state = os.stat(tamper.keyring_path(server, "dave"))
    assert stat.S_IMODE(state.st_mode) == 0o600
    assert (state.st_uid, state.st_gid) == (servers.MAIL_UID,
                                            servers.MAIL_GID)
    assert state.st_nlink == 1
    ring = tamper.Reader(server, "dave").ring
    assert ring.owner == b"dave" and ring.generation == 1
    assert [slot.kind for slot in ring.slots] == [b"provider"]
    assert len(ring.secrets) == 1


def test_reading_makes_none(server):
    """Login, LIST, SELECT and FETCH of nothing are no first use."""
    with server.raw("erin") as client:
        client.ok("SELECT INBOX")
        client.ok('LIST "" *')
        client.ok("SEARCH ALL")
    assert keyrings(server, "erin") == []


def test_strangers_reader(server):
    """Every message file opens with the second implementation, the keyring
    and the provider key alone, and is what IMAP returns."""
    user = "erin"
    wanted = [message for message in corpus.messages()
              if corpus.is_regular(message.data)
              and 0 < len(message.data) < 70000][:40]
    assert len(wanted) == 40
    with server.raw(user) as client:
        for message in wanted[:20]:
            assert client.append("INBOX", message.data).ok, message.name
    for message in wanted[20:]:
        assert server.deliver(message.data, user)[0][0] == 250, message.name
    reader = tamper.Reader(server, user)
    objects = server.objects(user)
    assert len(objects) == 40
    opened = [reader.open(content) for _, _, content in objects]
    assert {gate for gate, _ in opened} == {"ok"}
    assert {rf.scrub(content) for _, _, content in objects} == {"ok"}
    plain = sorted(crlf(text) for _, text in opened)
    assert plain == sorted(bodies(server, user))
    assert {message.data for message in wanted[:20]} <= set(plain)


def test_written_by_the_second_implementation(make_server):
    """The other direction: a file that Python sealed is a message."""
    server = make_server("maildir")
    assert server.deliver(text_of(1), "alice")[0][0] == 250
    reader = tamper.Reader(server, "alice")
    path = os.path.join(server.home("alice"), "Maildir", "new",
                        "1700000000.M1P1.elsewhere")
    plain = b"Subject: written elsewhere\n\n" + b"line\n" * 9000
    tamper.write(path, reader.seal(plain))
    assert bodies(server, "alice")[1] == crlf(plain)


# Another provider key

def file_setting(path):
    return path if servers.NEW else "<" + path


def test_provider_key_exchanged(make_server):
    """The old key is named: all goes on. It is not: nothing is lost."""
    server = make_server("maildir")
    assert server.deliver(text_of(1), "alice")[0][0] == 250
    before = tamper.read(tamper.keyring_path(server, "alice"))
    server.stop()
    old = os.path.join(server.root, "old.key")
    os.rename(server.keyfile, old)
    server.write(server.keyfile, os.urandom(32).hex() + "\n", 0o600)
    server.start()
    mark = server.log_mark()
    assert server.deliver(text_of(2), "alice")[0][0] // 100 == 4
    server.wait_log(r"\[provider-key\]; .*roost_provider_old_key", mark)
    server.stop()
    server.settings["roost_provider_old_key"] = file_setting(old)
    server.start()
    assert server.deliver(text_of(2), "alice")[0][0] == 250
    assert server.deliver(text_of(3), "bob")[0][0] == 250
    found = bodies(server, "alice")
    assert [body.endswith(text_of(number + 1))
            for number, body in enumerate(found)] == [True, True]
    assert tamper.read(tamper.keyring_path(server, "alice")) == before
    # What is made now is made with the new one.
    assert tamper.Reader(server, "bob").ring.provider_id == \
        rf.provider_key_id(tamper.provider_key(server))


# Password mode

def master_conf(server):
    """A master user `boss` who may log in as everybody, and whose password
    is handed over like a user's."""
    fields = {"uid": servers.MAIL_UID, "gid": servers.MAIL_GID,
              "home": server.mail_root + "/%{login_user}",
              "roost_secret_key": "%{password | sha256 | hexlify}"
              if servers.NEW else "%{sha256:password}"}
    if servers.NEW:
        return """
auth_master_user_separator = *
passdb masters {
  driver = passwd-file
  master = yes
  passwd_file_path = %s/masters
  fields {
%s  }
}
""" % (server.root, "".join("    userdb_%s = %s\n" % item
                            for item in fields.items()))
    return """
auth_master_user_separator = *
passdb {
  driver = passwd-file
  master = yes
  args = %s/masters
  override_fields = %s
}
""" % (server.root, " ".join("userdb_%s=%s" % item
                             for item in fields.items()))


@pytest.fixture(scope="module")
def locked(make_module_server):
    """A server in password mode: alice, bob and carol have keyrings with
    a password slot."""
    server = make_module_server("maildir", start=False, secret=True)
    server.extra = master_conf(server)
    server.write(os.path.join(server.root, "masters"),
                 "boss:{PLAIN}boss-secret\n")
    for user in "alice", "bob", "carol":
        tamper.put_keyring(server, user,
                           tamper.make_keyring(server, user, "password")[0])
    return server.start()


def assert_locked(server, client, number, gate):
    """NO again and again, one line for all messages."""
    for _ in range(2):
        answer = client.cmd("FETCH %d (BODY.PEEK[])" % number)
        assert answer.status == "NO" and b"[PARSE]" in answer.text, answer
    client.cmd("FETCH 1 (BODY.PEEK[])")
    client.logout()
    lines = [line for line in server.session_log(client) if "Error:" in line]
    assert len(lines) == 1 and re.search(gate, lines[0]), lines


def test_password_opens_what_came_while_locked(locked):
    """LMTP, lda and doveadm save have no password: they seal; the login
    opens."""
    assert locked.deliver(text_of(1), "alice")[0][0] == 250
    assert locked.lda("alice", text_of(2)).returncode == 0
    locked.doveadm("save", "-u", "alice", input=text_of(3))
    locked.assert_sealed("alice", 3)
    found = bodies(locked, "alice")
    assert [body.endswith(text_of(number + 1))
            for number, body in enumerate(found)] == [True] * 3
    client = locked.pop3("alice")
    assert b"\r\n".join(client.retr(1)[1]).endswith(text_of(1)[:-2])
    client.quit()
    reader = tamper.Reader(locked, "alice", unlock="secret",
                           given=tamper.secret_of(locked.password("alice")))
    assert len(reader.messages()) == 3


def test_no_password_is_locked(locked):
    """doveadm has none: locked, said once, and nothing opens."""
    assert locked.deliver(text_of(1), "bob")[0][0] == 250
    assert locked.deliver(text_of(2), "bob")[0][0] == 250
    done = locked.doveadm("fetch", "-u", "bob", "text", "mailbox", "INBOX",
                          check=False)
    assert done.returncode != 0
    assert b"body of" not in done.stdout
    assert done.stderr.count(b"[locked]") == 1, done.stderr


def test_wrong_password_is_locked(locked):
    """Another password than the keyring's: here a master user's. What came
    meanwhile opens with the right one."""
    for number in 1, 2:
        assert locked.deliver(text_of(number), "carol")[0][0] == 250
    client = locked.raw("carol*boss", "boss-secret")
    client.ok("SELECT INBOX")
    assert_locked(locked, client, 2, r"\[slot-auth\]")
    assert locked.deliver(text_of(3), "carol")[0][0] == 250
    found = bodies(locked, "carol")
    assert [body.endswith(text_of(number + 1))
            for number, body in enumerate(found)] == [True] * 3


def test_master_user_can_deliver(locked):
    """A master's session is locked, and APPEND into it seals."""
    client = locked.raw("bob*boss", "boss-secret")
    before = locked.objects("bob")
    assert client.append("INBOX", text_of(9)).ok
    client.logout()
    locked.assert_sealed("bob", len(before) + 1)
    assert bodies(locked, "bob")[-1] == text_of(9)


@pytest.mark.parametrize("value", ["", "zz", rf.EMPTY_SECRET.hex(),
                                   "00" * 32], ids=["none", "no-hash",
                                                    "of-nothing", "other"])
def test_secret_from_userdb(make_server, value):
    """A secret that is none, and the hash of no password: locked, and
    delivery goes on."""
    server = make_server("maildir", users={"alice": {
        "roost_secret_key": value}} if value else ("alice",), start=False)
    secret = rf.EMPTY_SECRET if value == rf.EMPTY_SECRET.hex() else None
    tamper.put_keyring(server, "alice", tamper.make_keyring(
        server, "alice", "password", secret)[0])
    server.start()
    assert server.deliver(text_of(1), "alice")[0][0] == 250
    client = server.raw("alice")
    client.ok("SELECT INBOX")
    assert_locked(server, client, 1,
                  r"\[slot-auth\]" if value == "00" * 32 else
                  r"\[locked\]")


# roost_enable of one user

@pytest.fixture(scope="module", params=servers.STORAGES)
def mixed(request, make_module_server):
    """alice seals; bob read first and sealed, too, and then was set to
    read-only, after his policy was set to open, carol to no."""
    server = make_module_server(request.param)
    for user in "alice", "bob", "carol":
        assert server.deliver(text_of(1), user)[0][0] == 250
    server.doveadm("roost", "policy", "-u", "bob", "open")
    server.stop()
    server.users["bob"] = {"roost_enable": "read-only"}
    server.users["carol"] = {"roost_enable": "no"}
    server.write_users()
    return server.start()


def sealed(server, user):
    return [content.startswith(servers.MAGIC)
            for _, _, content in server.objects(user)]


def test_enable(mixed):
    for user in "alice", "bob", "carol":
        assert mixed.deliver(text_of(2), user)[0][0] == 250
    assert sealed(mixed, "alice") == [True, True]
    assert sorted(sealed(mixed, "bob")) == [False, True]
    assert sorted(sealed(mixed, "carol")) == [False, True]
    for user in "alice", "bob":
        assert [body.endswith(text_of(number + 1)) for number, body
                in enumerate(bodies(mixed, user))] == [True, True]
    client = mixed.raw("carol")
    client.ok("SELECT INBOX")
    assert client.fetch(2, "BODY.PEEK[]").endswith(text_of(2))
    assert_locked(mixed, client, 1, "roost_enable is no")


def test_copy_when_not_sealing(mixed):
    """What lies there sealed stays so; also where it cannot be read."""
    for user in "bob", "carol":
        client = mixed.raw(user)
        client.ok("SELECT INBOX")
        client.ok("CREATE There")
        client.ok("COPY 1 There")
        client.logout()
        paths = [item for item in mixed.objects(user)
                 if item[2].startswith(servers.MAGIC)]
        assert len(paths) == (1 if mixed.storage == "mdbox" else 2)
    assert bodies(mixed, "bob", "There")[0].endswith(text_of(1))


def look_alike(server):
    """What looks sealed: a message of another user (no NUL, which Dovecot
    would replace), and eight bytes."""
    genuine = server.objects("alice")[0][2].replace(b"\0", b"\1") + \
        b"end\r\n"
    return [genuine, servers.MAGIC + b"\r\nand no more\r\n"]


def test_look_alike_is_sealed(mixed):
    """Sent by a client, it is a message like any other."""
    client = mixed.raw("dave")
    for data in look_alike(mixed):
        assert client.append("INBOX", data).ok
    client.logout()
    mixed.assert_sealed("dave", 2)
    reader = tamper.Reader(mixed, "dave")
    plain = {crlf(item[3]) for item in reader.messages()}
    assert plain == {crlf(data) for data in look_alike(mixed)}
    assert set(map(crlf, bodies(mixed, "dave"))) == plain


@pytest.mark.parametrize("user", ["bob", "carol"])
def test_look_alike_is_refused(mixed, user):
    """Where it would lie on disk as it is, and count as damaged."""
    before = mixed.objects(user)
    client = mixed.raw(user)
    for data in look_alike(mixed):
        answer = client.append("INBOX", data)
        assert answer.status == "NO", answer
        assert answer.text.startswith(b"[CANNOT] "), answer
    client.ok("SELECT INBOX")
    client.logout()
    after = mixed.objects(user)
    assert sorted(item[2] for item in after) == \
        sorted(item[2] for item in before)


# Where keys must not be

@pytest.mark.parametrize("debug", [False, True], ids=["usual", "debug"])
def test_keys_are_not_to_be_seen(make_server, debug):
    """Not in the log, nor in the environment or the arguments of a process,
    nor on disk but in their own file. (Dovecot's debug log tells all that
    userdb gives, roost_secret_key too.)"""
    server = make_server("maildir", secret=not debug,
                         extra="" if not debug else "\nmail_debug = yes\n"
                         if not servers.NEW else
                         "\nlog_debug = category=mail\n")
    key = tamper.read(server.keyfile).strip()
    tamper.put_keyring(server, "bob", tamper.make_keyring(
        server, "bob", "provider" if debug else "password")[0])
    secrets = {key, bytes.fromhex(key.decode())}
    for user in "alice", "bob":
        secret = tamper.secret_of(server.password(user))
        secrets |= {secret, secret.hex().encode()}
        assert server.deliver(text_of(1), user)[0][0] == 250
        assert server.lda(user, text_of(2)).returncode == 0
    client = server.raw("bob")
    client.ok("SELECT INBOX")
    assert client.fetch(1, "BODY.PEEK[]").endswith(text_of(1))
    pop = server.pop3("alice")
    lmtp = server.lmtp()
    lmtp.ehlo("client.roost.test")
    server.doveadm("-D", "fetch", "-u", "alice", "text", "mailbox", "INBOX")
    seen = []
    names = set()
    for pid in processes.of_group(server.process.pid):
        for name in "cmdline", "environ":
            with open("/proc/%d/%s" % (pid, name), "rb") as file:
                content = file.read()
            seen += [(pid, name) for secret in secrets if secret in content]
            names |= set(re.findall(rb"dovecot/(\w+)", content))
    assert {b"imap", b"pop3", b"lmtp"} <= names, names
    assert seen == []
    pop.quit()
    lmtp.quit()
    ring = tamper.Reader(server, "alice").ring
    secrets |= {ring.host_key, ring.master, ring.secrets[0][1],
                ring.secrets[0][2]}
    client.logout()
    hits = server.find_on_disk(*secrets, everywhere=True)
    allowed = {server.keyfile}
    assert key in {word for path, word in hits}, "the search finds nothing"
    kept = [(path, word) for path, word in hits if path not in allowed
            and not path.endswith("dovecot.conf.binary")]
    assert kept == []
