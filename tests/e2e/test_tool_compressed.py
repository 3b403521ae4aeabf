# SPDX-License-Identifier: MIT
"""The program roost gives messages as they were sent, also where Dovecot
compressed them before they were sealed. One that does not decompress is there
as it stands, and is listed.
"""

import base64
import bz2
import gzip
import lzma
import os
import random
import struct
import subprocess

import pytest

import corpus
import server as servers
import tamper
import toolkit
from toolkit import Extracted, lf, run

pytestmark = pytest.mark.skipif(servers.PLAIN, reason="a program of Roost")

METHODS = {None: b"", "gz": b"\x1f\x8b", "bz2": b"BZh",
           "zstd": b"\x28\xb5\x2f\xfd", "lz4": b"Dovecot-LZ4\r*\x9b\xc5"}
HEADER = (b"From: a@x.test\r\nTo: b@x.test\r\n"
          b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n")


def datas(method):
    """Messages that shrink much and not at all, of one chunk and of many."""
    noise = base64.encodebytes(random.Random(corpus.SEED).randbytes(200000))
    top = HEADER + b"Subject: stored by %s\r\n" % str(method).encode()
    return [
        top + b"\r\nhello\r\n",
        top + b"X-Only: a header\r\n\r\n",
        top + b"\r\n" + b"the same line again\r\n" * 30000,
        top + b"\r\n" + noise.replace(b"\n", b"\r\n"),
        top + b"\r\nFrom a line of text\r\n>From another\r\n",
    ]


def set_method(server, method):
    """What is saved from now on is compressed in this way, or not at all."""
    plugins, settings = servers.compression()
    for name in settings:
        server.settings.pop(name, None)
    server.plugins = plugins if method else []
    if method:
        name = "mail_compress_write_method" if servers.NEW else "zlib_save"
        server.settings[name] = method
    server.reload()


class Packed:
    """Mail of alice, in each way in which Dovecot stores it."""

    def __init__(self, make, storage):
        self.server = make(storage, users=["alice"])
        self.inbox = []
        for method in METHODS:
            set_method(self.server, method)
            self.inbox += toolkit.fill(self.server, "alice", "INBOX",
                                       datas(method))
        self.server.stop()
        self.keys = "--provider-key", self.server.keyfile

    def copy(self, path):
        return toolkit.Backup(self.server, "alice", path)

    def extract(self, backup, out, *args, to="maildir", status=0):
        return run("extract", backup.path, "--to", to, out, *self.keys,
                   *args, status=status)


@pytest.fixture(scope="module", params=servers.STORAGES)
def mail(request, make_module_server):
    return Packed(make_module_server, request.param)


@pytest.fixture(scope="module")
def maildir(make_module_server):
    return Packed(make_module_server, "maildir")


def by_data(messages):
    return sorted((lf(message.data), sorted(message.flags), message.seconds)
                  for message in messages)


def listed(out):
    return [tuple(line.split("\t")[:3]) for line in
            out.decode().splitlines()]


def cat_name(storage, path, offset):
    if storage != "mdbox":
        return path
    return "%s:%d" % (path, tamper.read(path)[:offset].rindex(b"\1\2"))


def test_every_message(mail, tmp_path):
    backup = mail.copy(tmp_path / "home")
    stored = [plain for _, _, plain in backup.plaintexts()]
    for magic in filter(None, METHODS.values()):
        assert sum(plain.startswith(magic) for plain in stored) == 5
    told, said = mail.extract(backup, tmp_path / "out")
    assert told == b"" and "20 were compressed" in said
    assert by_data(Extracted(tmp_path / "out").messages()) == \
        by_data(mail.inbox)
    mail.extract(backup, tmp_path / "mbox", to="mbox")
    found = toolkit.mbox_messages(tmp_path / "mbox" / "INBOX.mbox")
    assert sorted(data for data, _ in found) == sorted(
        lf(message.data) for message in mail.inbox)


def test_cat(mail, tmp_path):
    backup = mail.copy(tmp_path / "home")
    shown = []
    for path, offset, _ in backup.plaintexts():
        out, said = run("cat", cat_name(mail.server.storage, path, offset),
                        "--keyring", backup.keyring, *mail.keys)
        assert said == ""
        shown.append(out)
    assert sorted(shown) == sorted(lf(message.data) for message in mail.inbox)


def test_left_compressed(mail, tmp_path):
    """By --compressed each message is what was sealed."""
    backup = mail.copy(tmp_path / "home")
    found = backup.plaintexts()
    told, said = mail.extract(backup, tmp_path / "out", "--compressed")
    assert told == b"" and "20 begin as compressed data does" in said
    assert sorted(message.data for message in
                  Extracted(tmp_path / "out").messages()) == sorted(
                      plain for _, _, plain in found)
    path, offset, plain = next(item for item in found
                               if item[2].startswith(METHODS["gz"]))
    out, said = run("cat", cat_name(mail.server.storage, path, offset),
                    "--compressed", "--keyring", backup.keyring, *mail.keys)
    assert out == plain and "as gzip data does, and stays" in said


def test_intact(mail, tmp_path):
    backup = mail.copy(tmp_path / "home")
    told, said = run("verify", backup.path, *mail.keys)
    assert told == b"" and "25 sealed messages" in said
    assert "20 were compressed" in said
    told, _ = run("check-backup", backup.path, *mail.keys)
    assert b"mail\tgood\t25 sealed" in told
    # Without a key nobody can see that they are compressed.
    _, said = run("verify", backup.path, "--keyless")
    assert "compressed" not in said


def test_damage(maildir, tmp_path):
    """Of a compressed message whose seal is broken nothing is shown, and it
    is no question of compression."""
    backup = maildir.copy(tmp_path / "home")
    long = max(zip(backup.objects(), backup.plaintexts()),
               key=lambda pair: len(pair[1][2]) *
               pair[1][2].startswith(METHODS["gz"]))[0]
    assert len(long[2]) > 100000
    tamper.flip(long, len(long[2]) // 2)
    told, _ = maildir.extract(backup, tmp_path / "out", status=1)
    assert [reason for _, _, reason in listed(told)] == ["chunk"]
    assert len(Extracted(tmp_path / "out").messages()) == \
        len(maildir.inbox) - 1
    out, _ = run("cat", long[0], "--keyring", backup.keyring, *maildir.keys,
                 status=1)
    assert out == b""


# Messages that only look compressed, and such that are broken

def packed_text():
    text = HEADER.replace(b"\r\n", b"\n") + b"\n" + b"".join(
        b"line %d\n" % number for number in range(3000))
    return text, gzip.compress(text, mtime=0)


def rle_bomb(size):
    """zstd's frame of that many equal bytes, a million in each 32."""
    count = size // 131072
    blocks = b"".join(struct.pack("<I", 131072 << 3 | 2)[:3] + b"x"
                      for _ in range(count))
    return METHODS["zstd"] + b"\0\x50" + blocks + b"\1\0\0"


def odd_ones():
    """{reason to be listed or None: [(what is stored, what is given)]}"""
    text, gz = packed_text()
    bad_sum = gz[:-8] + bytes([gz[-8] ^ 1]) + gz[-7:]
    same = [gz[:-1], gz[:len(gz) // 2], gz + b"more\n", bad_sum,
            b"\x1f\x8b", b"BZh9 is how a word begins\n",
            METHODS["lz4"] + b"\0\0\1\0" + b"\x7f" * 20,
            METHODS["lz4"] + b"\x7f\0\0\0", METHODS["zstd"],
            # A window of 256 MiB, which Dovecot does not write.
            METHODS["zstd"] + b"\0\x90\1\0\0",
            lzma.compress(text), bz2.compress(text) + b"more\n"]
    good = [(gz, text), (bz2.compress(text), text),
            (METHODS["lz4"] + b"\0\1\0\0", b""),
            (b"\x1f\x8a is another\n", b"\x1f\x8a is another\n")]
    return same, good


def put_sealed(server, stored):
    """A Dovecot without the plugin for compression stores it as it is."""
    assert b"\r\n" not in stored, "pick another text: IMAP would change it"
    with server.raw("alice") as client:
        assert client.append("INBOX", stored, binary=True).ok


@pytest.fixture(scope="module", params=servers.STORAGES)
def odd(request, make_module_server):
    packed = Packed.__new__(Packed)
    packed.server = make_module_server(request.param, users=["alice"])
    same, good = odd_ones()
    for stored in same + [stored for stored, _ in good]:
        put_sealed(packed.server, stored)
    packed.server.stop()
    packed.keys = "--provider-key", packed.server.keyfile
    return packed


def test_not_decompressed(odd, tmp_path):
    """It is all there, and a line for each says that it stays as it was."""
    same, good = odd_ones()
    backup = odd.copy(tmp_path / "home")
    wanted = sorted(same + [text for _, text in good])
    told, said = odd.extract(backup, tmp_path / "out", status=1)
    assert [reason for _, _, reason in listed(told)] == \
        ["compressed"] * len(same)
    assert "%d begin as compressed data does and do not" % len(same) in said
    assert b"begins as xz data does, which is what this program does not " \
        b"decompress" in told
    assert sorted(message.data for message in
                  Extracted(tmp_path / "out").messages()) == wanted
    told, _ = run("verify", backup.path, *odd.keys, status=1)
    assert len(listed(told)) == len(same)
    told, _ = run("check-backup", backup.path, *odd.keys, status=1)
    assert b"mail\tdamaged" in told
    # Who does not want them decompressed misses nothing.
    for command in "verify", "check-backup":
        run(command, backup.path, *odd.keys, "--compressed")
    told, _ = odd.extract(backup, tmp_path / "kept", "--compressed")
    assert told == b""


def test_cat_of_odd_ones(odd, tmp_path):
    same, good = odd_ones()
    backup = odd.copy(tmp_path / "home")
    texts = dict(good)
    for path, offset, plain in backup.plaintexts():
        out, said = run("cat", cat_name(odd.server.storage, path, offset),
                        "--keyring", backup.keyring, *odd.keys,
                        status=1 if plain in same else 0)
        assert out == texts.get(plain, plain)
        assert ("it is handed out as it stands" in said) == (plain in same)


def test_plaintext(make_module_server, tmp_path):
    """Mail from before Roost was there, stored in clear and compressed."""
    server = make_module_server("maildir", users=["alice"])
    toolkit.fill(server, "alice", "INBOX", datas(None)[:1])
    server.stop()
    backup = toolkit.Backup(server, "alice", tmp_path / "home")
    text, gz = packed_text()
    for name, stored in ("1.whole:2,S", gz), ("1.cut:2,S", gz[:-1]):
        tamper.write(os.path.join(backup.mail, "cur", name), stored)
    told, _ = run("extract", backup.path, "--to", "maildir",
                  tmp_path / "out", "--provider-key", server.keyfile,
                  "--plaintext", status=1)
    assert listed(told) == [("Maildir/cur/1.cut:2,S", "0", "compressed")]
    found = [message.data for message in
             Extracted(tmp_path / "out").messages()]
    assert sorted(found) == sorted([text, gz[:-1], lf(datas(None)[0])])


def test_memory(make_module_server, tmp_path):
    """A message that grows to a GiB takes no memory for that."""
    server = make_module_server("maildir", users=["alice"])
    put_sealed(server, rle_bomb(1 << 30))
    server.stop()
    backup = toolkit.Backup(server, "alice", tmp_path / "home")
    done = subprocess.run(
        ["sh", "-c", 'ulimit -v 524288; exec "$@"', "sh", toolkit.ROOST,
         "verify", backup.path, "--provider-key", server.keyfile],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done
    assert b"1 were compressed" in done.stderr
