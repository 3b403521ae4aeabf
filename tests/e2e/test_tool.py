# SPDX-License-Identifier: MIT
"""The program roost reads backups without Dovecot: every message byte for byte,
by any secret that opens the keyring; what is damaged or hostile costs that
message alone, and nothing is written where it does not belong.
"""

import hashlib
import os
import re
import shutil
import signal
import stat

import pytest

import corpus
import server as servers
import tamper
import toolkit
from tamper import rf
from toolkit import Extracted, lf, run

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="a program of Roost")

ARCHIVE = "Archive/2024"
APP = b"app-pass-word"
CODE = bytes(range(20))
CHUNKS = b"Subject: of several chunks\r\n\r\n" + b"0123456789abcde\r\n" * 4000


def regular():
    """Messages of the corpus that IMAP stores as they are."""
    return [message.data for message in corpus.messages()
            if message.data and corpus.is_regular(message.data)]


def make_keyring(server, user):
    """A keyring with a slot of every kind but escrow."""
    writer = rf.Writer(os.urandom, user.encode(),
                       tamper.provider_key(server))
    writer.add_epoch()
    writer.add_provider()
    writer.add_password(tamper.secret_of("log-in-word"), m=8192)
    writer.add_salted(b"app", hashlib.sha256(APP).digest())
    writer.add_salted(b"recovery", CODE)
    return writer


class Mail:
    """A server's mail that stays as it is; tests take copies."""

    def __init__(self, make, storage):
        self.server = make(storage)
        self.writer = make_keyring(self.server, "alice")
        tamper.put_keyring(self.server, "alice", self.writer.text())
        datas = regular()
        assert len(datas) > 60
        self.inbox = toolkit.fill(self.server, "alice", "INBOX",
                                  datas[:-8] + [CHUNKS])
        self.archive = toolkit.fill(self.server, "alice", ARCHIVE,
                                    datas[-8:])
        self.server.stop()

    def copy(self, path):
        return toolkit.Backup(self.server, "alice", path)


@pytest.fixture(scope="module", params=servers.STORAGES)
def mail(request, make_module_server):
    return Mail(make_module_server, request.param)


@pytest.fixture(scope="module")
def maildir(make_module_server):
    return Mail(make_module_server, "maildir")


@pytest.fixture
def secret_file(tmp_path):
    def make(text):
        path = tmp_path / "secret"
        path.write_bytes(text)
        return path
    return make


def code_text(code=CODE):
    return rf.print_code(code)


def extract(backup, out, *args, status=0, to="maildir", secret=None):
    """Extracts with the recovery code from a descriptor."""
    reader, writer = os.pipe()
    os.write(writer, code_text() if secret is None else secret)
    os.close(writer)
    try:
        return run("extract", backup.path, "--to", to, out, *args,
                   "--recovery-code", "--secret-fd", reader,
                   status=status, pass_fds=(reader,))
    finally:
        os.close(reader)


def by_data(messages):
    return sorted((lf(message.data), sorted(message.flags), message.seconds)
                  for message in messages)


def without_flags(messages):
    return sorted((lf(message.data), message.seconds) for message in messages)


def listed(out):
    """The lines of stdout as [(path, uid, reason)]."""
    return [tuple(line.split("\t")[:3]) for line in
            out.decode().splitlines()]


# The restore drill

def test_drill(mail, tmp_path):
    """Indexes are gone, no provider key is at hand, the code is typed: every
    message is there, byte for byte, with the date that it has."""
    backup = mail.copy(tmp_path / "home")
    expected = [plain for _, _, plain in backup.plaintexts()]
    backup.remove_indexes()
    out = tmp_path / "out"
    terminal = toolkit.Terminal("extract", backup.path, "--to", "maildir",
                                out, "--recovery-code")
    terminal.read(b"recovery code")
    assert not terminal.echoes()
    # As a person types it: lower case, and blanks in the place of dashes.
    terminal.type(code_text().lower().replace(b"-", b" "))
    status, shown = terminal.end()
    assert status == 0, shown
    assert code_text()[:9].lower() not in shown.lower()
    extracted = Extracted(out)
    folders = extracted.folders()
    assert set(folders) == {"INBOX", "Archive.2024"}
    everything = [message for folder in folders
                  for message in extracted.messages(folder)]
    assert sorted(message.data for message in everything) == sorted(expected)
    assert without_flags(extracted.messages()) == without_flags(mail.inbox)
    assert without_flags(extracted.messages("Archive.2024")) == \
        without_flags(mail.archive)
    assert (b"not checked" in shown) and (b"provider" in shown)


def test_drill_with_dovecot(mail, make_server, tmp_path):
    """The same copy, given to another server with the provider key, is
    served."""
    backup = mail.copy(tmp_path / "home")
    backup.remove_indexes()
    server = make_server(mail.server.storage, start=False)
    shutil.copy(mail.server.keyfile, server.keyfile)
    shutil.rmtree(server.home("alice"))
    shutil.copytree(backup.path, server.home("alice"))
    server.own(server.mail_root)
    server.start()
    if mail.server.storage != "maildir":
        server.doveadm("force-resync", "-u", "alice", "*")
    found = []
    with server.raw() as client:
        for mailbox in ("INBOX", ARCHIVE):
            client.ok('SELECT "%s"' % mailbox)
            found += [client.fetch(number + 1, "BODY.PEEK[]")
                      for number in range(client.count(mailbox))]
    assert sorted(found) == sorted(message.data for message in
                                   mail.inbox + mail.archive)


def test_what_is_lost_is_said(mail, tmp_path):
    backup = mail.copy(tmp_path / "home")
    _, said = extract(backup, tmp_path / "whole")
    assert "lost" not in said
    backup.remove_indexes()
    _, said = extract(backup, tmp_path / "out")
    assert ("lost or broken" in said) == (mail.server.storage != "maildir")
    assert ("copies and moves are lost" in said) == \
        (mail.server.storage == "mdbox")


def test_everything_kept(mail, tmp_path):
    """Flags, keywords with their names, dates and UIDs stay, but for the UIDs
    of mdbox."""
    backup = mail.copy(tmp_path / "home")
    out = tmp_path / "out"
    run("extract", backup.path, "--to", "maildir", out, "--provider-key",
        mail.server.keyfile)
    extracted = Extracted(out)
    assert set(extracted.folders()) == {"INBOX", "Archive.2024"}
    assert by_data(extracted.messages()) == by_data(mail.inbox)
    assert by_data(extracted.messages("Archive.2024")) == \
        by_data(mail.archive)
    if mail.server.storage == "mdbox":
        return
    new = tamper.read(out / "dovecot-uidlist")
    validity, following = re.match(rb"3 V(\d+) N(\d+)\n", new).groups()
    assert int(following) == len(mail.inbox) + 1
    if mail.server.storage == "maildir":
        old = tamper.read(os.path.join(backup.mail, "dovecot-uidlist"))
        assert b" V%s " % validity in old.splitlines()[0]
    names = {line.split(b":", 1)[1]: int(line.split()[0])
             for line in new.splitlines()[1:]}
    for path in (out / "cur").iterdir():
        base = os.fsencode(path.name).split(b":")[0]
        data = mail.inbox[names[base] - 1].data
        assert path.read_bytes() == lf(data)


def test_tokens_stay_without_the_provider_key(maildir, tmp_path):
    backup = maildir.copy(tmp_path / "home")
    out = tmp_path / "out"
    _, said = extract(backup, out)
    assert "stay tokens" in said
    names = {flag for message in Extracted(out).messages()
             for flag in message.flags if not flag.startswith("\\")}
    assert "$Forwarded" in names
    assert len([name for name in names if name.startswith("rk1-")]) == 2


def test_mbox(mail, tmp_path):
    backup = mail.copy(tmp_path / "home")
    out = tmp_path / "out"
    extract(backup, out, "--provider-key", mail.server.keyfile, to="mbox")
    assert sorted(os.listdir(out)) == ["Archive.2024.mbox", "INBOX.mbox"]
    for name, messages in (("INBOX", mail.inbox),
                           ("Archive.2024", mail.archive)):
        found = toolkit.mbox_messages(out / (name + ".mbox"))
        # A message without a line end at its end gets one in this format.
        assert sorted(data.rstrip(b"\n") for data, _ in found) == sorted(
            lf(message.data).rstrip(b"\n") for message in messages)
    text = (out / "INBOX.mbox").read_text("latin-1")
    if mail.server.storage == "maildir":
        assert "\nX-Keywords: Zahnarzt\n" in text
        assert "\nStatus: RO\nX-Status: D\n" in text


def test_mdbox_copies(make_module_server, tmp_path):
    """A message is in each mailbox that has it, with the flags that it has
    there; one that was deleted and not purged yet is put aside."""
    server = make_module_server("mdbox")
    toolkit.fill(server, "alice", "INBOX", regular()[:4], keywords=("",))
    with server.raw("alice") as client:
        client.ok('CREATE "Other"')
        client.ok("SELECT INBOX")
        client.ok('COPY 1:3 "Other"')
        client.ok("STORE 2,4 +FLAGS (\\Deleted)")
        client.ok("EXPUNGE")
        client.ok('SELECT "Other"')
        client.ok("STORE 1 FLAGS (\\Answered Urlaub)")
        # The others keep what they had in the inbox.
    server.stop()
    backup = toolkit.Backup(server, "alice", tmp_path / "home")
    out = tmp_path / "out"
    _, said = run("extract", backup.path, "--to", "maildir", out,
                  "--provider-key", server.keyfile)
    extracted = Extracted(out)
    data = [lf(message) for message in regular()[:4]]

    def seen(folder):
        return sorted((message.data, sorted(message.flags))
                      for message in extracted.messages(folder))
    assert seen("INBOX") == sorted([
        (data[0], []), (data[2], ["\\Answered", "\\Flagged"])])
    assert seen("Other") == sorted([
        (data[0], ["Urlaub", "\\Answered"]), (data[1], ["\\Seen"]),
        (data[2], ["\\Answered", "\\Flagged"])])
    assert [message.data for message in
            extracted.messages("roost-unreferenced")] == [data[3]]
    assert "1 messages of mdbox are in no mailbox" in said
    # Looked at, each stored message counts once.
    _, said = run("verify", backup.path, "--provider-key", server.keyfile)
    assert "4 sealed messages" in said


def test_mdbox_too_many_copies(make_module_server, tmp_path):
    """An index that has one message again and again does not fill the
    disk."""
    server = make_module_server("mdbox")
    with server.raw("alice") as client:
        assert client.append("INBOX", b"Subject: copied\r\n\r\nonce\r\n").ok
        client.ok("SELECT INBOX")
        for _ in range(7):
            client.ok("COPY 1:* INBOX")
            client.ok("NOOP")
    server.stop()
    backup = toolkit.Backup(server, "alice", tmp_path / "home")
    told, _ = run("extract", backup.path, "--to", "maildir", tmp_path / "out",
                  "--provider-key", server.keyfile, status=1)
    assert b"has it 128 times" in told and b"taken 100 times" in told
    assert len(Extracted(tmp_path / "out").messages()) == 100


@pytest.mark.parametrize("storage", ("sdbox", "mdbox"))
def test_broken_index(make_module_server, tmp_path, storage):
    """It costs flags, and no message."""
    server = make_module_server(storage)
    toolkit.fill(server, "alice", "INBOX", regular()[:5])
    server.stop()
    for number, damage in enumerate((
            lambda content: content[:len(content) // 2],
            lambda content: content[:40] + b"\xff" * (len(content) - 40),
            lambda content: os.urandom(len(content)))):
        backup = toolkit.Backup(server, "alice", tmp_path / str(number))
        for folder, _, names in os.walk(backup.mail):
            for name in names:
                if name.startswith("dovecot.") and "index" in name:
                    path = os.path.join(folder, name)
                    tamper.write(path, damage(tamper.read(path)))
        out = tmp_path / ("out%d" % number)
        run("extract", backup.path, "--to", "maildir", out,
            "--provider-key", server.keyfile)
        extracted = Extracted(out)
        assert sorted(message.data for folder in extracted.folders()
                      for message in extracted.messages(folder)) == sorted(
            map(lf, regular()[:5]))


# One message

def test_cat(mail, tmp_path):
    backup = mail.copy(tmp_path / "home")
    found = backup.plaintexts()
    # A sample of the small ones, and the one of several chunks.
    for path, offset, plain in found[:6] + found[-10:]:
        name = path
        if mail.server.storage == "mdbox":
            header = tamper.read(path)[:offset].rindex(b"\x01\x02")
            name = "%s:%d" % (path, header)
        out, _ = run("cat", name, "--keyring", backup.keyring,
                     "--provider-key", mail.server.keyfile)
        assert out == plain


def test_cat_of_many(make_module_server, tmp_path):
    """Which of several is meant must be said."""
    server = make_module_server("mdbox")
    toolkit.fill(server, "alice", "INBOX", regular()[:2])
    server.stop()
    backup = toolkit.Backup(server, "alice", tmp_path / "home")
    path, = backup.files()
    keys = "--keyring", backup.keyring, "--provider-key", server.keyfile
    out, said = run("cat", path, *keys, status=2)
    assert out == b"" and "several messages" in said
    offset = re.search(r"the next at \S+:(\d+)", said).group(1)
    out, _ = run("cat", path + ":" + offset, *keys)
    assert out == lf(regular()[1])
    out, said = run("cat", path + ":7", *keys, status=2)
    assert out == b"" and "No whole message" in said
    _, said = run("cat", path + ".gone", *keys, status=4)
    assert "No such file" in said


# What opens the keyring

def one(maildir, tmp_path):
    """A backup, and one message of it with its plaintext."""
    backup = maildir.copy(tmp_path / "home")
    path, _, plain = backup.plaintexts()[0]
    return backup, path, plain


def test_secrets(maildir, tmp_path, secret_file):
    backup, path, plain = one(maildir, tmp_path)
    provider = "--provider-key", maildir.server.keyfile
    for kind, text, more in (
            ("--recovery-code", code_text() + b"\r\n", ()),
            ("--password", APP, ()),
            ("--password", APP + b"\n", provider),
            ("--password", b"log-in-word\nand a second line\n", provider)):
        out, said = run("cat", path, "--keyring", backup.keyring, kind,
                        "--secret-file", secret_file(text), *more)
        assert out == plain
        assert ("No provider key is at hand" in said) == (not more)


@pytest.mark.parametrize("kind,text,token,said", [
    ("--recovery-code", code_text()[:-1] + b"X", "code-typo", "mistyped"),
    ("--recovery-code", code_text()[5:], "code-typo", "mistyped"),
    ("--recovery-code", code_text(b"another code of 20 b"), "slot-auth",
     "none of the keyring of alice"),
    ("--password", b"not the password", "slot-auth",
     "the provider key is needed, too"),
    ("--password", b"log-in-word", "slot-auth",
     "the provider key is needed, too"),
    ("--password", b"", None, "is empty"),
    ("--password", b"x" * 1025, None, "more than 1024"),
    ("--password", b"a\0b", None, "NUL"),
])
def test_wrong_secret(maildir, tmp_path, secret_file, kind, text, token,
                      said):
    backup, path, _ = one(maildir, tmp_path)
    out, told = run("cat", path, "--keyring", backup.keyring, kind,
                    "--secret-file", secret_file(text), status=3)
    assert out == b"" and said in told
    assert token is None or "[%s]" % token in told


def test_wrong_password_with_the_provider_key(maildir, tmp_path,
                                              secret_file):
    backup, path, _ = one(maildir, tmp_path)
    out, said = run("cat", path, "--keyring", backup.keyring, "--password",
                    "--secret-file", secret_file(b"wrong"),
                    "--provider-key", maildir.server.keyfile, status=3)
    assert out == b"" and "[slot-auth]" in said
    assert "provider, password, app, recovery" in said


def test_nothing_given(maildir, tmp_path):
    backup, path, _ = one(maildir, tmp_path)
    _, said = run("cat", path, "--keyring", backup.keyring, status=3)
    assert "--recovery-code" in said and "--provider-key" in said


def test_wrong_provider_key(maildir, tmp_path, secret_file):
    backup, path, plain = one(maildir, tmp_path)
    wrong = secret_file(os.urandom(32).hex().encode())
    args = ["cat", path, "--keyring", backup.keyring, "--provider-key",
            wrong]
    _, said = run(*args, status=3)
    assert "[provider-key]" in said
    # Several may be at hand: the right one is chosen.
    out, _ = run(*args, "--provider-key", maildir.server.keyfile)
    assert out == plain
    for text in (b"no key", b"f" * 63, b"g" * 64):
        _, said = run("cat", path, "--keyring", backup.keyring,
                      "--provider-key", secret_file(text), status=3)
        assert "64 hexadecimal digits" in said


def test_foreign_keyring(maildir, tmp_path):
    """The keyring of another user opens no message, and --owner refuses it
    before."""
    backup, path, _ = one(maildir, tmp_path)
    writer = make_keyring(maildir.server, "mallory")
    tamper.write(tmp_path / "other.keyring", writer.text())
    args = ["cat", path, "--keyring", tmp_path / "other.keyring",
            "--provider-key", maildir.server.keyfile]
    out, said = run(*args, status=1)
    assert out == b"" and "[other-keyring]" in said
    assert maildir.writer.id.hex() in said
    _, said = run(*args, "--owner", "alice", status=3)
    assert "belongs to mallory" in said and "[owner]" in said


@pytest.mark.parametrize("name", [b"epoch", b"slot", b"secrets", b"policy",
                                  b"owner"])
def test_changed_keyring(maildir, tmp_path, name):
    """A line of another keyring in its place is noticed, also without the
    provider key where the owner has signed it."""
    backup, path, _ = one(maildir, tmp_path)
    other = make_keyring(maildir.server, "bobby")
    other.policy = b"sealed"
    line = re.search(rb"(?m)^%s .*$" % name, other.text()).group(0)
    tamper.write(backup.keyring, tamper.swap_line(
        tamper.read(backup.keyring), name, line))
    _, said = run("cat", path, "--keyring", backup.keyring,
                  "--provider-key", maildir.server.keyfile, status=3)
    assert "is refused" in said
    if name != b"policy":
        _, said = run("keyring", "show", backup.keyring, status=3)
        assert "is refused" in said


def test_no_keyring(tmp_path):
    path = tmp_path / "text"
    path.write_text("no keyring\n")
    _, said = run("keyring", "show", path, status=3)
    assert "[doc-version]" in said
    _, said = run("keyring", "show", tmp_path / "gone", status=3)
    assert "No such file" in said
    (tmp_path / "large").write_bytes(b"x" * 70000)
    _, said = run("keyring", "show", tmp_path / "large", status=3)
    assert "too large" in said


def test_keyring_show(maildir, tmp_path, secret_file):
    backup, _, _ = one(maildir, tmp_path)
    out, said = run("keyring", "show", backup.keyring)
    assert "No provider key" in said
    text = out.decode()
    for line in ("owner\talice", "id\t" + maildir.writer.id.hex(),
                 "mode\tprovider", "signature\tgenuine",
                 "slot\t4\trecovery"):
        assert line in text
    assert "opens" not in text
    out, _ = run("keyring", "show", backup.keyring, "--recovery-code",
                 "--secret-file", secret_file(code_text()))
    assert out.decode().endswith("opens\tyes\n")
    out, _ = run("keyring", "show", backup.keyring, "--recovery-code",
                 "--secret-file", secret_file(code_text(b"x" * 20)),
                 status=3)
    assert out.decode().endswith("opens\tno\n")


def test_escrow(maildir, tmp_path):
    """The pair that keygen makes opens the keyring from which its public key
    got a slot, and nothing else."""
    backup, path, plain = one(maildir, tmp_path)
    key = tmp_path / "escrow.key"
    run("keygen", key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    public = rf.read_escrow_file("public", tamper.read("%s.pub" % key))
    writer = make_keyring(maildir.server, "alice")
    writer.__dict__.update(maildir.writer.__dict__,
                           slots=list(maildir.writer.slots))
    writer.add_escrow(public)
    tamper.write(backup.keyring, writer.text())
    args = "cat", path, "--keyring", backup.keyring, "--escrow-key"
    out, _ = run(*args, key)
    assert out == plain
    out, _ = run("keyring", "show", backup.keyring)
    assert b"slot\t5\tescrow" in out
    _, said = run(*args, "%s.pub" % key, status=3)
    assert "no private escrow key" in said
    run("keygen", tmp_path / "other.key")
    _, said = run(*args, tmp_path / "other.key", status=3)
    assert "[no-slot]" in said
    # Neither file is replaced.
    before = tamper.read(key)
    _, said = run("keygen", key, status=4)
    assert "is not replaced" in said and tamper.read(key) == before
    os.rename(key, tmp_path / "away")
    _, said = run("keygen", key, status=4)
    assert "escrow.key.pub" in said and not key.exists()


# Asking

def test_asking_is_interrupted(maildir, tmp_path):
    """What is typed afterwards is shown again."""
    backup, path, _ = one(maildir, tmp_path)
    terminal = toolkit.Terminal("cat", path, "--keyring", backup.keyring,
                                "--recovery-code")
    terminal.read(b"recovery code")
    assert not terminal.echoes()
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.process.wait(timeout=60) == 5
    assert terminal.echoes()
    terminal.end()


def test_no_terminal(maildir, tmp_path):
    backup, path, _ = one(maildir, tmp_path)
    _, said = run("cat", path, "--keyring", backup.keyring, "--password",
                  status=3)
    assert "--secret-file" in said


@pytest.mark.parametrize("args,said", [
    ((), "usage:"),
    (("hat",), "no command hat"),
    (("cat",), "needs 1 argument"),
    (("cat", "a", "b"), "needs 1 argument"),
    (("cat", "a", "--password=geheim"), "--password"),
    (("cat", "a", "--to", "mbox"), "--to makes no sense"),
    (("cat", "a"), "--keyring"),
    (("cat", "a", "--password", "--recovery-code"), "Only one"),
    (("cat", "a", "--secret-fd", "x"), "number of a descriptor"),
    (("cat", "a", "--secret-file", "x"), "what kind"),
    (("extract", "a", "b"), "--to"),
    (("extract", "a", "b", "--to", "pst"), "maildir or mbox"),
    (("verify", "a", "--keyless", "--password"), "--keyless uses no key"),
    (("verify", "a", "--keyless", "--compressed"), "--compressed away"),
    (("keyring", "show", "a", "--compressed"), "--compressed makes no sense"),
    (("keyring",), "no command"),
])
def test_nonsense(args, said):
    out, told = run(*args, status=2)
    assert out == b"" and said in told and "geheim" not in told


# Damage

def test_damage(mail, tmp_path):
    """Each damaged message is listed with its reason; all others come
    out."""
    backup = mail.copy(tmp_path / "home")
    plain = {(path, offset): data for path, offset, data in
             backup.plaintexts()}
    objects = [place for place in backup.objects()
               if place[0].startswith(backup.mail)]
    long, = [place for place in objects if plain[place[:2]] == lf(CHUNKS)]
    rest = [place for place in objects if place != long][:4]
    tamper.flip(long, tamper.BODY + 20000)
    tamper.flip(rest[0], -40)
    tamper.flip(rest[1], tamper.AT["commitment"])
    tamper.flip(rest[2], tamper.AT["magic"] + 2)
    foreign = rf.seal(os.urandom(16), rf.public_of(os.urandom(32)),
                      os.urandom(32), b"x" * (len(rest[3][2]) - 260))
    assert len(foreign) == len(rest[3][2])
    tamper.overwrite(rest[3][0], rest[3][1], foreign)
    bad = [long] + rest
    out = tmp_path / "out"
    told, said = extract(backup, out, status=1)
    reasons = sorted(reason for _, _, reason in listed(told))
    assert reasons == sorted(["chunk", "final-chunk", "commitment",
                              "wrong-magic", "other-keyring"])
    assert "not to be had: 5 messages" in said
    good = sorted(data for place, data in plain.items()
                  if place not in {item[:2] for item in bad})
    extracted = Extracted(out)
    assert sorted(message.data for folder in extracted.folders()
                  for message in extracted.messages(folder)) == good
    # The same by verify, and by digests alone.
    told, _ = run("verify", backup.path, "--provider-key",
                  mail.server.keyfile, status=1)
    assert sorted(reason for _, _, reason in listed(told)) == reasons
    told, said = run("verify", backup.path, "--keyless", status=1)
    assert "Digests compared" in said
    # Without a keyring a whole message of another one is whole.
    assert sorted(reason for _, _, reason in listed(told)) == \
        ["digest"] * 3 + ["wrong-magic"]


def test_mbox_has_no_half_message(mail, tmp_path):
    backup = mail.copy(tmp_path / "home")
    path, offset, _ = next(place for place in backup.plaintexts()
                           if place[2] == lf(CHUNKS))
    long = next(place for place in backup.objects()
                if place[:2] == (path, offset))
    tamper.flip(long, tamper.BODY + 40000)
    out = tmp_path / "out"
    told, _ = extract(backup, out, to="mbox", status=1)
    assert [reason for _, _, reason in listed(told)] == ["chunk"]
    text = (out / "INBOX.mbox").read_bytes()
    assert b"Subject: of several chunks" not in text
    assert len(toolkit.mbox_messages(out / "INBOX.mbox")) == \
        len(mail.inbox) - 1


def test_cut(mail, tmp_path):
    backup = mail.copy(tmp_path / "home")
    before = len(backup.objects())
    path = backup.files()[-1]
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) - 100)
    out = tmp_path / "out"
    told, _ = extract(backup, out, status=1)
    (name, _, reason), = listed(told)
    assert name.startswith(os.path.relpath(path, backup.path))
    assert reason in ("final-chunk", "impossible-length", "damaged")
    extracted = Extracted(out)
    assert sum(len(extracted.messages(folder))
               for folder in extracted.folders()) == before - 1
    assert run("verify", backup.path, "--keyless", status=1)


def test_intact(mail, tmp_path):
    backup = mail.copy(tmp_path / "home")
    count = len(mail.inbox) + len(mail.archive)
    told, said = run("verify", backup.path, "--keyless")
    assert told == b"" and "%d sealed messages" % count in said
    told, said = run("verify", backup.path, "--provider-key",
                     mail.server.keyfile)
    assert told == b"" and "%d sealed to epoch 1" % count in said


def test_plaintext(maildir, tmp_path):
    """Where the policy is that all mail is sealed, a message in clear that
    somebody has put among it is not passed on as the user's."""
    backup = maildir.copy(tmp_path / "home")
    forged = b"Subject: forged\n\nnot of the owner\n"
    tamper.write(os.path.join(backup.mail, "cur", "1.forged:2,S"), forged)

    def subjects(out):
        return [message for message in Extracted(out).messages()
                if message.data == forged]
    known = "--provider-key", maildir.server.keyfile
    extract(backup, tmp_path / "open", *known)
    assert len(subjects(tmp_path / "open")) == 1
    # Who has changed the backup could have changed the policy, too.
    told, said = extract(backup, tmp_path / "unknown", status=1)
    assert [reason for _, _, reason in listed(told)] == ["plaintext"]
    assert subjects(tmp_path / "unknown") == []
    assert "its policy is not believed" in said
    maildir.writer.policy = b"sealed"
    tamper.write(backup.keyring, maildir.writer.text())
    maildir.writer.policy = b"open"
    told, _ = extract(backup, tmp_path / "sealed", *known, status=1)
    assert [reason for _, _, reason in listed(told)] == ["plaintext"]
    assert subjects(tmp_path / "sealed") == []
    extract(backup, tmp_path / "taken", "--plaintext")
    assert len(subjects(tmp_path / "taken")) == 1


# Hostile backups

def test_links(maildir, tmp_path):
    """Nothing outside of the backup is read."""
    backup = maildir.copy(tmp_path / "home")
    outside = tmp_path / "outside"
    (outside / "cur").mkdir(parents=True)
    (outside / "cur" / "1.secret:2,").write_bytes(b"Subject: outside\n\n")
    os.symlink(outside / "cur" / "1.secret:2,",
               os.path.join(backup.mail, "cur", "1.link:2,"))
    os.symlink(outside, os.path.join(backup.mail, ".Linked"))
    os.mkfifo(os.path.join(backup.mail, "cur", "1.fifo:2,"))
    shutil.rmtree(os.path.join(backup.mail, ".Archive.2024"))
    os.symlink("/etc/passwd",
               os.path.join(backup.mail, "dovecot-keywords.new"))
    out = tmp_path / "out"
    told, said = extract(backup, out, status=1)
    assert {name.rsplit("/", 1)[1] for name, _, reason in listed(told)
            if reason == "damaged"} == {"1.link:2,", "1.fifo:2,"}
    assert "Maildir/.Linked: it is a symbolic link" in said
    extracted = Extracted(out)
    assert set(extracted.folders()) == {"INBOX"}
    assert all(b"outside" not in message.data
               for message in extracted.messages())


def test_linked_maildir(maildir, tmp_path):
    """A folder of messages that is a link is told, and not read."""
    backup = maildir.copy(tmp_path / "home")
    cur = os.path.join(backup.mail, "cur")
    shutil.move(cur, tmp_path / "outside")
    os.symlink(tmp_path / "outside", cur)
    out = tmp_path / "out"
    told, _ = extract(backup, out, status=1)
    assert ("Maildir/cur", "0", "damaged") in listed(told)
    new = len(os.listdir(os.path.join(backup.mail, "new")))
    assert len(Extracted(out).messages()) == new < len(maildir.inbox)


def test_names_stay_inside(make_module_server, tmp_path):
    """The name of a mailbox that mdbox has noted leads nowhere else."""
    server = make_module_server("mdbox")
    for name in ("aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"):
        toolkit.fill(server, "alice", name, regular()[:1])
    server.stop()
    backup = toolkit.Backup(server, "alice", tmp_path / "home")
    path = backup.files()[0]
    content = tamper.read(path)
    for old, new in ((b"Baaaaaaaaaaaa", b"B../../../es1"),
                     (b"Bbbbbbbbbbbbb", b"B/tmp/.\x1b[2Jx/"),
                     (b"Bcccccccccccc", b"B............")):
        assert content.count(old) == 1 and len(old) == len(new)
        content = content.replace(old, new)
    tamper.write(path, content)
    # With indexes these would say which mailbox it is.
    backup.remove_indexes()
    out = tmp_path / "deep" / "out"
    out.parent.mkdir()
    run("extract", backup.path, "--to", "maildir", out, "--provider-key",
        server.keyfile)
    assert os.listdir(tmp_path / "deep") == ["out"]
    folders = Extracted(out).folders()
    found = {name: len(Extracted(out).messages(name)) for name in folders}
    assert found["%2e%2e.%2e%2e.%2e%2e.es1"] == 1
    assert found["tmp.%2e%1b[2Jx"] == 1
    assert found["%2e" * 12] == 1
    run("extract", backup.path, "--to", "mbox", tmp_path / "deep" / "mbox",
        "--provider-key", server.keyfile)
    assert sorted(os.listdir(tmp_path / "deep")) == ["mbox", "out"]


def test_shown_names(maildir, tmp_path):
    """A name in a backup cannot command the terminal."""
    backup = maildir.copy(tmp_path / "home")
    with open(os.path.join(backup.mail, "cur", "1.\x1b[2J\n:2,"),
              "wb") as file:
        file.write(rf.MAGIC)
    told, _ = extract(backup, tmp_path / "out", status=1)
    (name, _, reason), = listed(told)
    assert name.endswith("cur/1.\\x1b[2J\\x0a:2,")
    assert reason == "header-short"


def test_output_is_new(maildir, tmp_path):
    """Nothing is replaced, and no link is followed to another place."""
    backup = maildir.copy(tmp_path / "home")
    full, other, link = (tmp_path / name for name in ("full", "o", "link"))
    full.mkdir()
    (full / "file").write_text("mine")
    other.mkdir()
    link.symlink_to(other)
    for out in (full, link, tmp_path / "home" / "roost.keyring"):
        _, said = extract(backup, out, status=4)
        assert "no empty folder" in said
    assert os.listdir(full) == ["file"] and os.listdir(other) == []
    _, said = extract(backup, tmp_path / "none" / "out", status=4)
    assert "Cannot make the folder" in said
    extract(backup, other)
    assert stat.S_IMODE((other / "cur").stat().st_mode) == 0o700
    path = next((other / "cur").iterdir())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_output_in_the_backup(maildir, tmp_path):
    backup = maildir.copy(tmp_path / "home")
    out = os.path.join(backup.path, "out")
    extract(backup, out)
    assert set(Extracted(out).folders()) == {"INBOX", "Archive.2024"}
    assert len(Extracted(out).messages()) == len(maildir.inbox)


def test_same_names(maildir, tmp_path):
    """Two messages whose names would be the same are two messages."""
    backup = maildir.copy(tmp_path / "home")
    path = next(name for name in backup.files() if ":2," in name and
                os.path.dirname(name) == os.path.join(backup.mail, "cur"))
    name, flags = os.path.basename(path).split(":2,")
    # What stands behind a comma says of sizes, and is made anew.
    shutil.copy(path, os.path.join(os.path.dirname(path), "%s,X:2,%s" % (
        name.split(",")[0], flags)))
    out = tmp_path / "out"
    extract(backup, out)
    assert len(Extracted(out).messages()) == len(maildir.inbox) + 1


def test_one_uid_twice(maildir, tmp_path):
    """Two files of one name, but for their flags, cost no other UID: Dovecot
    would refuse a list in which one stands twice."""
    backup = maildir.copy(tmp_path / "home")
    path = next(name for name in backup.files() if name.endswith(":2,S") and
                os.path.dirname(name) == os.path.join(backup.mail, "cur"))
    shutil.copy(path, path + "T")
    out = tmp_path / "out"
    extract(backup, out)
    assert len(Extracted(out).messages()) == len(maildir.inbox) + 1
    lines = tamper.read(out / "dovecot-uidlist").splitlines()[1:]
    assert [int(line.split()[0]) for line in lines] == \
        list(range(1, len(maildir.inbox) + 1))


@pytest.mark.parametrize("name,text", [
    ("dovecot-uidlist", b"3 V1 N1\n2 :a\n1 :b\n"),
    ("dovecot-uidlist", b"\0" * 5000),
    ("dovecot-keywords", b"\xff\0 99999999999999 x\n" * 100),
])
def test_broken_lists(maildir, tmp_path, name, text):
    """They cost UIDs or keywords, and no message."""
    backup = maildir.copy(tmp_path / "home")
    tamper.write(os.path.join(backup.mail, name), text)
    out = tmp_path / "out"
    _, said = extract(backup, out)
    assert len(Extracted(out).messages()) == len(maildir.inbox)
    assert ("dovecot-uidlist makes no sense" in said) == \
        (name == "dovecot-uidlist")


def test_no_mail(tmp_path, maildir):
    backup = maildir.copy(tmp_path / "home")
    shutil.rmtree(backup.mail)
    _, said = extract(backup, tmp_path / "out", status=4)
    assert "There is no mail" in said
    _, said = run("verify", tmp_path / "gone", "--keyless", status=4)
    assert "No such file" in said


# Do they belong together?

def test_check_backup(mail, tmp_path, secret_file):
    backup = mail.copy(tmp_path / "home")
    out, _ = run("check-backup", backup.path, "--provider-key",
                 mail.server.keyfile)
    states = [tuple(line.split("\t")[:2])
              for line in out.decode().splitlines()]
    assert states == [("keyring", "good"), ("provider key", "good"),
                      ("slots", "good"), ("unlocking", "good"),
                      ("mail", "good")]
    # Without any secret: by digests and headers.
    out, said = run("check-backup", backup.path)
    assert b"provider key\tnot checked" in out
    assert b"unlocking\tnot checked" in out and b"mail\tgood" in out
    assert "Digests compared" in said
    # Another provider key, and lists that are gone.
    backup.remove_indexes()
    out, _ = run("check-backup", backup.path, "--provider-key",
                 secret_file(b"0" * 64), status=1)
    assert b"provider key\tmissing" in out
    assert (b"UIDs\tmissing" if mail.server.storage == "maildir"
            else b"flags\tmissing") in out
    assert b"mail\tgood" in out


def test_check_backup_of_another(mail, tmp_path):
    """A keyring that is not that of the mail, and one that is none."""
    backup = mail.copy(tmp_path / "home")
    tamper.write(backup.keyring, make_keyring(mail.server, "alice").text())
    out, _ = run("check-backup", backup.path, status=1)
    assert b"mail\tdamaged" in out
    reasons = {line.split(b"\t")[2] for line in out.splitlines()
               if len(line.split(b"\t")) == 4}
    assert reasons == {b"other-keyring"}
    tamper.write(backup.keyring, b"no keyring\n")
    out, _ = run("check-backup", backup.path, status=1)
    assert b"keyring\tmissing" in out and b"mail\tgood" in out


def test_check_backup_warns(make_module_server, tmp_path):
    """A keyring that only the provider key opens."""
    server = make_module_server("maildir")
    toolkit.fill(server, "alice", "INBOX", regular()[:1])
    server.stop()
    backup = toolkit.Backup(server, "alice", tmp_path / "home")
    out, _ = run("check-backup", backup.path, "--provider-key",
                 server.keyfile)
    assert b"slots\twarning\tnothing but the provider key" in out
