# SPDX-License-Identifier: MIT
"""tamper: what an attacker who can write the disk does to mail and keyrings.

Reader opens a server's files with the second implementation of FORMAT.md, so
without Roost, and tells which stored object holds which message. replace() and
flip() change stored objects in place. make_keyring() makes keyring documents,
and swap_line() and provider_mac() change them.
"""

import hashlib
import os
import re
import sys

import server as servers

sys.path.insert(0, os.path.join(servers.TOP, "tests", "vectors"))

import roost_format as rf  # noqa: E402

CHUNK = rf.CHUNK
SEALED_CHUNK = rf.SEALED_CHUNK
HEADER = rf.FIXED_LEN + rf.STANZA_HEAD_LEN + rf.X25519_BODY
BODY = HEADER + rf.PROLOGUE_LEN

# Where each field of an object with one stanza begins.
AT = {"magic": 0, "version": 8, "suite": 9, "table-length": 10, "flags": 12,
      "keyring-id": 16, "object-id": 32, "stanza-count": 48, "reserved": 49,
      "stanza-type": 64, "stanza-role": 65, "stanza-length": 66,
      "stanza-key-id": 68, "enc": 76, "ciphertext": 108, "salt": HEADER,
      "commitment": HEADER + 24, "chunk-0": BODY,
      "chunk-1": BODY + SEALED_CHUNK}


def keyring_path(server, user):
    return os.path.join(server.home(user), "roost.keyring")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content, mode=0o600):
    """Writes a file that belongs to the user who owns all mail."""
    with open(path, "wb") as file:
        file.write(content)
    os.chown(path, servers.MAIL_UID, servers.MAIL_GID)
    os.chmod(path, mode)


def provider_key(server):
    return rf.read_key_file(read(server.keyfile))


def secret_of(password):
    """Returns the secret that passdb hands to Roost for a login password."""
    return hashlib.sha256(password.encode()).digest()


class Reader:
    """One user's mail, read without Roost and without Dovecot."""

    def __init__(self, server, user, path=None, unlock="provider",
                 given=None):
        self.server = server
        self.user = user
        text = read(path or keyring_path(server, user))
        self.ring = rf.load_keyring(text, user.encode(),
                                    [provider_key(server)], unlock, given)

    def open(self, content):
        """Opens an object; returns (gate, plaintext). The gate is "ok" or the
        check that refused the object."""
        return rf.open_object(content, self.ring.id, self.ring.secrets)

    def messages(self):
        """Returns [(path, offset, object, plaintext)] of the stored objects
        that can be opened."""
        found = []
        for path, offset, content in self.server.objects(self.user):
            gate, plain = self.open(content)
            if gate == "ok":
                found.append((path, offset, content, plain))
        return found

    def find(self, word):
        """Returns (path, offset, object) of the one message that contains the
        word."""
        found = [item[:3] for item in self.messages() if word in item[3]]
        assert len(found) == 1, (word, len(found))
        return found[0]

    def seal(self, plain, psk=None):
        """Returns a message sealed as a writer of this keyring seals it, or
        with another pre-shared key."""
        _, private, ring_psk = self.ring.secrets[-1]
        return rf.seal(self.ring.id, rf.public_of(private), psk or ring_psk,
                       plain)


def overwrite(path, offset, content):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(content)


def flip(place, at):
    """Changes one bit of the byte at `at`, which counts from the end if it is
    negative. Returns the object as it is then."""
    path, offset, content = place
    at %= len(content)
    changed = bytes([content[at] ^ 0x40])
    overwrite(path, offset + at, changed)
    return content[:at] + changed + content[at + 1:]


def replace(place, new):
    """Puts other bytes where an object was. In a dbox file, the length in
    front of the message is corrected too, so that only Roost has a reason to
    refuse it. If the new object has another length, the old one must be the
    last in its file."""
    path, offset, old = place
    whole = read(path)
    assert whole[offset:offset + len(old)] == old
    head, tail = whole[:offset], whole[offset + len(old):]
    if old != whole:
        assert len(new) == len(old) or b"\x01\x02" not in tail
        assert head[-18:-1] == b"%016X\n" % len(old) or \
            head.endswith(b"%016X\n" % len(old)), head[-40:]
        head = head[:-17] + b"%016X\n" % len(new)
    with open(path, "r+b") as file:
        file.write(head + new + tail)
        file.truncate()


# Keyrings

def make_keyring(server, user, unlock="provider", secret=None,
                 policy=b"open", key=None, owner=None, t=1, m=8192):
    """Makes a keyring document with the second implementation; returns (text,
    Writer)."""
    writer = rf.Writer(os.urandom, (owner or user).encode(),
                       key or provider_key(server))
    writer.policy = policy
    writer.add_epoch()
    if unlock == "provider":
        writer.add_provider()
    elif unlock == "password":
        writer.add_password(secret or secret_of(server.password(user)),
                            t=t, m=m)
    return writer.text(), writer


def put_keyring(server, user, text):
    write(keyring_path(server, user), text)


def swap_line(text, name, line):
    """Returns the document with a line in the place of the first of that
    name."""
    return re.sub(rb"(?m)^%s .*$" % name, lambda _: line, text, count=1)


def provider_mac(text, host_key):
    """Returns the document with a valid provider-mac, as anybody who has the
    provider key can make it."""
    before = text[:text.rindex(b"provider-mac ")]
    return before + b"provider-mac " + \
        rf.b64(rf.mac(host_key, b"provider mac", before)) + b"\n"
