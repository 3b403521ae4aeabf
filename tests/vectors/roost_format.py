# SPDX-License-Identifier: MIT
"""The second implementation: what plugin/FORMAT.md says, and nothing else.

A library (used by generate.py, check_python.py and agree.py) and a small
command:

    roost_format.py seal|open|scrub|load|code|key-file|blob|...
        < parameters.json

The parameters are one JSON object whose binary values are hexadecimal; the
answer is one JSON object {"gate": token, ...}.  Numbers in comments are
clauses of FORMAT.md.  Nothing here calls the C core: primitives come from
python3-cryptography, hashlib, and (Argon2id alone) libsodium.
"""
import base64
import ctypes
import ctypes.util
import hashlib
import hmac
import json
import os
import struct
import sys

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey, Ed25519PublicKey)
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey, X25519PublicKey)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = bytes.fromhex("8e5253540d0a1a0a")
VERSION = 2
SUITE = 1
FIXED_LEN = 64
STANZA_HEAD_LEN = 12
STANZAS_MAX = 8
TABLE_MAX = 16320
X25519_TYPE = 1
X25519_BODY = 80
MLKEM_TYPE = 2
MLKEM_BODY = 1168
KNOWN_BODIES = {X25519_TYPE: X25519_BODY, MLKEM_TYPE: MLKEM_BODY}
PROLOGUE_LEN = 56
DIGEST_LEN = 32
CHUNK = 16384
TAG = 16
SEALED_CHUNK = CHUNK + TAG
CHUNKS_MAX = 1 << 32

DOC_MAX = 65536
NUMBER_MAX = (1 << 31) - 1
BIG_MAX = (1 << 53) - 1
SLOTS_MAX = 64
EPOCHS_MAX = 432
OWNER_MAX = 1024
WRAP_LEN = 60
ARGON2_LIMITS = (1, 10, 8192, 131072)

EMPTY_SECRET = hashlib.sha256(b"").digest()


class Gate(Exception):
    """The gate at which an input died; str() is its token."""


# ---------------------------------------------------------------- 1.3, 1.4

def hkdf_extract(algo, salt, ikm):
    size = hashlib.new(algo).digest_size
    return hmac.new(salt or bytes(size), ikm, algo).digest()


def hkdf_expand(algo, prk, info, length):
    out, block, count = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([count]), algo).digest()
        out += block
        count += 1
    return out[:length]


def derive(key, label, extra=b"", length=32):
    """D of 1.4."""
    info = b"roost/v1 " + label + b"\0" + extra
    return hkdf_expand("sha512", key, info, length)


def u32(number):
    return struct.pack(">I", number)


def wrap(key, aad, plaintext, nonce=None):
    nonce = nonce if nonce is not None else os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, aad)


def unwrap(key, aad, wrapped, gate):
    try:
        return AESGCM(key).decrypt(wrapped[:12], wrapped[12:], aad)
    except InvalidTag:
        raise Gate(gate) from None


def public_of(private):
    return X25519PrivateKey.from_private_bytes(private).public_key(
    ).public_bytes(serialization.Encoding.Raw,
                   serialization.PublicFormat.Raw)


# Ed25519 (8.9): y of the points of small order, and the prime.
ED_P = (1 << 255) - 19
ED_SMALL = (0, 1, ED_P - 1, int.from_bytes(bytes.fromhex(
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    "little"), int.from_bytes(bytes.fromhex(
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        "little"))


def ed25519_public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key(
    ).public_bytes(serialization.Encoding.Raw,
                   serialization.PublicFormat.Raw)


def ed25519_sign(seed, text):
    return Ed25519PrivateKey.from_private_bytes(seed).sign(text)


def ed25519_is_point(raw):
    """Canonical, and not of small order."""
    y = int.from_bytes(raw, "little") & ((1 << 255) - 1)
    return y < ED_P and y not in ED_SMALL


def ed25519_check(public, text, signature):
    if not (ed25519_is_point(public) and ed25519_is_point(signature[:32])):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id(public, kind=X25519_TYPE):
    text = b"roost key\0" + bytes([kind]) + public
    return hashlib.sha256(text).digest()[:8]


def shared_secret(private, public):
    """X25519; an all-zero result is the gate low-order (6.15)."""
    try:
        out = X25519PrivateKey.from_private_bytes(private).exchange(
            X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise Gate("low-order") from None
    if out == bytes(32):
        raise Gate("low-order")
    return out


# --------------------------------------------------------------------- 4.x

KEM_SUITE = b"KEM" + bytes.fromhex("0020")
HPKE_SUITE = b"HPKE" + bytes.fromhex("002000010002")
MODE_BASE, MODE_PSK = 0, 1


def labeled_extract(suite, salt, label, ikm):
    return hkdf_extract("sha256", salt, b"HPKE-v1" + suite + label + ikm)


def labeled_expand(suite, prk, label, info, length):
    text = struct.pack(">H", length) + b"HPKE-v1" + suite + label + info
    return hkdf_expand("sha256", prk, text, length)


def kem_secret(shared, enc, public):
    prk = labeled_extract(KEM_SUITE, b"", b"eae_prk", shared)
    return labeled_expand(KEM_SUITE, prk, b"shared_secret", enc + public, 32)


def key_schedule(secret, info, psk, psk_id, suite=HPKE_SUITE, key_len=32,
                 mode=MODE_PSK):
    id_hash = labeled_extract(suite, b"", b"psk_id_hash", psk_id)
    info_hash = labeled_extract(suite, b"", b"info_hash", info)
    context = bytes([mode]) + id_hash + info_hash
    prk = labeled_extract(suite, secret, b"secret", psk)
    key = labeled_expand(suite, prk, b"key", context, key_len)
    nonce = labeled_expand(suite, prk, b"base_nonce", context, 12)
    return key, nonce


def stanza_inputs(fixed):
    info = b"roost/v1 stanza\0" + fixed
    psk_id = b"roost/v1 psk\0" + fixed[16:32]
    return info, psk_id


def seal_stanza(fixed, head, public, psk, data_key, ephemeral):
    enc = public_of(ephemeral)
    secret = kem_secret(shared_secret(ephemeral, public), enc, public)
    info, psk_id = stanza_inputs(fixed)
    key, nonce = key_schedule(secret, info, psk, psk_id)
    return enc + AESGCM(key).encrypt(nonce, data_key, head)


def open_stanza(fixed, head, body, private, psk):
    enc, sealed = body[:32], body[32:]
    shared = shared_secret(private, enc)
    secret = kem_secret(shared, enc, public_of(private))
    info, psk_id = stanza_inputs(fixed)
    key, nonce = key_schedule(secret, info, psk, psk_id)
    try:
        return AESGCM(key).decrypt(nonce, sealed, head)
    except InvalidTag:
        raise Gate("stanza-auth") from None


def escrow_keys(shared, enc, public, aad):
    """8.14: key and nonce; aad is what 8.4 says."""
    return key_schedule(kem_secret(shared, enc, public),
                        b"roost/v1 escrow\0" + aad, b"", b"",
                        mode=MODE_BASE)


def seal_escrow(public, aad, master, ephemeral):
    enc = public_of(ephemeral)
    key, nonce = escrow_keys(shared_secret(ephemeral, public), enc, public,
                             aad)
    return enc + AESGCM(key).encrypt(nonce, master, b"")


def open_escrow(private, aad, sealed):
    """The master key, or None."""
    enc = sealed[:32]
    try:
        key, nonce = escrow_keys(shared_secret(private, enc), enc,
                                 public_of(private), aad)
        return AESGCM(key).decrypt(nonce, sealed[32:], b"")
    except (Gate, InvalidTag):
        return None


# ---------------------------------------------------------------------- 5

def body_keys(data_key, salt, header):
    info = (b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt
            + hashlib.sha512(header).digest())
    out = hkdf_expand("sha512", data_key, info, 76)
    return out[:32], out[32:44], out[44:]


def chunk_nonce(base, index):
    number = int.from_bytes(base, "big") ^ index
    return number.to_bytes(12, "big")


def seal_chunk(key, base, index, plaintext):
    return AESGCM(key).encrypt(chunk_nonce(base, index), plaintext, None)


def open_chunk(key, base, index, sealed, gate):
    try:
        return AESGCM(key).decrypt(chunk_nonce(base, index), sealed, None)
    except InvalidTag:
        raise Gate(gate) from None


def seal_body(data_key, salt, header, plaintext):
    """Prologue and chunks."""
    key, base, commitment = body_keys(data_key, salt, header)
    out = [salt, commitment]
    for index in range(len(plaintext) // CHUNK + 1):
        part = plaintext[index * CHUNK:(index + 1) * CHUNK]
        out.append(seal_chunk(key, base, index, part))
    return b"".join(out)


# ------------------------------------------------------------------- 2, 3

def fixed_header(keyring_id, object_id, count, table_len, flags=0,
                 version=VERSION, suite=SUITE, magic=MAGIC,
                 reserved=bytes(15)):
    return (magic + bytes([version, suite]) + struct.pack(">HI", table_len,
                                                          flags)
            + keyring_id + object_id + bytes([count]) + reserved)


def stanza_head(kind, body_len, kid, role=1):
    return bytes([kind, role]) + struct.pack(">H", body_len) + kid


def with_digest(data):
    return data + hashlib.sha256(data).digest()


def seal(keyring_id, public, psk, plaintext, object_id=None, data_key=None,
         salt=None, ephemeral=None, flags=0):
    """A message as a writer makes it: one stanza."""
    object_id = object_id or os.urandom(16)
    data_key = data_key or os.urandom(32)
    salt = salt or os.urandom(24)
    ephemeral = ephemeral or os.urandom(32)
    fixed = fixed_header(keyring_id, object_id, 1,
                         STANZA_HEAD_LEN + X25519_BODY, flags)
    head = stanza_head(X25519_TYPE, X25519_BODY, key_id(public))
    header = fixed + head + seal_stanza(fixed, head, public, psk, data_key,
                                        ephemeral)
    return with_digest(header + seal_body(data_key, salt, header, plaintext))


# ---------------------------------------------------------------------- 6

def claims(data):
    """6.24: does an object claim to be a sealed message?"""
    present = min(8, len(data))
    hits = [index for index in range(present) if data[index] == MAGIC[index]]
    need = min(4, present)
    return present > 0 and len(hits) >= need and (0 in hits or 6 in hits)


class Header:
    """6.2 .. 6.12: gates that need no key."""

    def __init__(self, data):
        if len(data) < FIXED_LEN:
            raise Gate("header-short")
        self.fixed = data[:FIXED_LEN]
        if data[:8] != MAGIC:
            raise Gate("wrong-magic")
        if data[8] != VERSION:
            raise Gate("unknown-version")
        if data[9] != SUITE:
            raise Gate("unknown-suite")
        table_len, flags = struct.unpack(">HI", data[10:16])
        if flags & 0xFFFF:
            raise Gate("critical-flag")
        if any(data[49:64]):
            raise Gate("reserved-byte")
        count = data[48]
        if not 1 <= count <= STANZAS_MAX:
            raise Gate("stanza-count")
        if table_len > TABLE_MAX:
            raise Gate("stanza-table")
        self.length = FIXED_LEN + table_len
        if len(data) < self.length:
            raise Gate("header-short")
        self.bytes = data[:self.length]
        self.keyring_id = data[16:32]
        self.object_id = data[32:48]
        self.flags = flags
        self.stanzas = self._walk(data[FIXED_LEN:self.length], count)
        self._check()

    @staticmethod
    def _walk(table, count):
        stanzas, at = [], 0
        for _ in range(count):
            head = table[at:at + STANZA_HEAD_LEN]
            if len(head) < STANZA_HEAD_LEN:
                raise Gate("stanza-table")
            length = struct.unpack(">H", head[2:4])[0]
            at += STANZA_HEAD_LEN
            if len(table) - at < length:
                raise Gate("stanza-table")
            stanzas.append((head, table[at:at + length]))
            at += length
        if at != len(table):
            raise Gate("stanza-table")
        return stanzas

    def _check(self):
        for head, _ in self.stanzas:
            if head[0] == 0 or head[1] != 1:
                raise Gate("stanza-type")
        for head, body in self.stanzas:
            if KNOWN_BODIES.get(head[0], len(body)) != len(body):
                raise Gate("stanza-length")
        ids = [head[4:] for head, _ in self.stanzas]
        if len(set(ids)) != len(ids):
            raise Gate("stanza-duplicate")


def choose_stanza(header, epochs):
    """6.14 .. 6.16: the data key."""
    for _, private, psk in sorted(epochs, reverse=True):
        kid = key_id(public_of(private))
        for head, body in header.stanzas:
            if head[0] == X25519_TYPE and head[4:] == kid:
                return open_stanza(header.fixed, head, body, private, psk)
    raise Gate("no-key")


class Object:
    """A sealed message, opened lazily: 6.1's steps in their order.

    epochs: list of (number, private key, psk).
    """

    def __init__(self, data, keyring_id, epochs):
        self.data = data
        self.header = Header(data)
        if self.header.keyring_id != keyring_id:
            raise Gate("other-keyring")
        self.data_key = choose_stanza(self.header, epochs)
        self._prologue()
        self._final()

    def _prologue(self):
        start = self.header.length
        prologue = self.data[start:start + PROLOGUE_LEN]
        if len(prologue) < PROLOGUE_LEN:
            raise Gate("prologue-short")
        self.key, self.base, commitment = body_keys(
            self.data_key, prologue[:24], self.header.bytes)
        if not hmac.compare_digest(commitment, prologue[24:]):
            raise Gate("commitment")
        self.start = start + PROLOGUE_LEN

    def _final(self):
        self.full = full_chunks(len(self.data), self.header.length)
        final = self.data[self.start + self.full * SEALED_CHUNK:-DIGEST_LEN]
        self.last = open_chunk(self.key, self.base, self.full, final,
                               "final-chunk")
        self.plain_len = self.full * CHUNK + len(self.last)

    def chunk(self, index):
        if index == self.full:
            return self.last
        at = self.start + index * SEALED_CHUNK
        return open_chunk(self.key, self.base, index,
                          self.data[at:at + SEALED_CHUNK], "chunk")

    def read(self):
        """Yield chunks in order; a Gate ends it."""
        for index in range(self.full + 1):
            yield self.chunk(index)


def full_chunks(total, header_len):
    """6.19: n, or the gate impossible-length."""
    length = total - header_len - PROLOGUE_LEN - DIGEST_LEN
    if length < TAG or length % SEALED_CHUNK < TAG:
        raise Gate("impossible-length")
    full = length // SEALED_CHUNK
    if full + 1 > CHUNKS_MAX:
        raise Gate("impossible-length")
    return full


def open_object(data, keyring_id, epochs):
    """(gate, plaintext released before it)."""
    released = b""
    try:
        for part in Object(data, keyring_id, epochs).read():
            released += part
    except Gate as gate:
        return str(gate), released
    return "ok", released


def scrub(data):
    """6.23, without keys: the gates that need none, then the digest."""
    try:
        header = Header(data)
        if len(data) - header.length < PROLOGUE_LEN:
            raise Gate("prologue-short")
        full_chunks(len(data), header.length)
        if hashlib.sha256(data[:-DIGEST_LEN]).digest() != data[-DIGEST_LEN:]:
            raise Gate("digest")
    except Gate as gate:
        return str(gate)
    return "ok"


# ---------------------------------------------------------------------- 7

B64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
OWNER_PLAIN = (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
               b"0123456789._@+-:")
HEX_UPPER = b"0123456789ABCDEF"


def b64(data):
    return base64.b64encode(data).rstrip(b"=")


def un_b64(text, length):
    if len(text) != (length * 8 + 5) // 6 or any(c not in B64 for c in text):
        raise Gate("doc-base64")
    data = base64.b64decode(text + b"=" * (-len(text) % 4))
    if b64(data) != text:
        raise Gate("doc-base64")
    return data


def escape_owner(name):
    return b"".join(bytes([c]) if c in OWNER_PLAIN else b"%%%02X" % c
                    for c in name)


def unescape_owner(text):
    if not 1 <= len(text) <= OWNER_MAX:
        raise Gate("doc-owner")
    out, at = b"", 0
    while at < len(text):
        if text[at] in OWNER_PLAIN:
            out += text[at:at + 1]
            at += 1
            continue
        digits = text[at + 1:at + 3]
        if (text[at:at + 1] != b"%" or len(digits) != 2
                or any(c not in HEX_UPPER for c in digits)
                or int(digits, 16) == 0
                or int(digits, 16) in OWNER_PLAIN):
            raise Gate("doc-owner")
        out += bytes([int(digits, 16)])
        at += 3
    return out


def number(text, most, least=0):
    if not text.isdigit() or (len(text) > 1 and text[:1] == b"0"):
        raise Gate("doc-number")
    if len(text) > 16 or not least <= int(text) <= most:
        raise Gate("doc-number")
    return int(text)


SLOT_FIELDS = {b"provider": 5, b"password": 9, b"app": 6, b"recovery": 6,
               b"escrow": 7}


class Slot:
    def __init__(self, line, fields):
        self.aad_line = line[:line.rindex(b" ")]
        self.kind = fields[2]
        self.number = number(fields[1], NUMBER_MAX, 1)
        self.created = number(fields[3], BIG_MAX)
        self.salt = self.t = self.m = None
        if self.kind == b"password":
            self.t = number(fields[5], NUMBER_MAX)
            self.m = number(fields[6], NUMBER_MAX)
        if self.kind == b"escrow":
            self.public = un_b64(fields[-2], 32)
            self.sealed = un_b64(fields[-1], 80)
            return
        if self.kind != b"provider":
            self.salt = un_b64(fields[-2], 16)
        self.wrap = un_b64(fields[-1], WRAP_LEN)


class Keyring:
    """A parsed document (7); load() and unlock_*() are 9."""

    def __init__(self, text):
        check_lines(text)
        self.text = text
        self.lines = text[:-1].split(b"\n")
        if self.lines[0] != b"roost-keyring 1":
            raise Gate("doc-version")
        self.at = 1
        self.epochs, self.slots = [], []
        self.host_key = None
        self.secrets = None
        self._head()
        self._epochs()
        self._slots()
        self._tail()

    def _record(self, name, count):
        if self.at >= len(self.lines):
            raise Gate("doc-record")
        fields = self.lines[self.at].split(b" ")
        if fields[0] != name:
            raise Gate("doc-record")
        if len(fields) != count:
            raise Gate("doc-field")
        self.at += 1
        return fields

    def _more(self, name):
        return (self.at < len(self.lines)
                and self.lines[self.at].split(b" ")[0] == name)

    def _head(self):
        self.id = un_b64(self._record(b"id", 2)[1], 16)
        fields = self._record(b"identity", 3)
        if fields[1] != b"ed25519":
            raise Gate("doc-field")
        self.identity = un_b64(fields[2], 32)
        self.owner = unescape_owner(self._record(b"owner", 2)[1])
        self.generation = number(self._record(b"generation", 2)[1], BIG_MAX,
                                 1)
        self.policy = self._record(b"policy", 2)[1]
        if self.policy not in (b"open", b"sealed"):
            raise Gate("doc-field")
        fields = self._record(b"host", 3)
        self.provider_id = un_b64(fields[1], 8)
        self.host_wrap = un_b64(fields[2], WRAP_LEN)

    def _epochs(self):
        while self._more(b"epoch"):
            fields = self._record(b"epoch", 5)
            if fields[2] != b"x25519":
                raise Gate("doc-field")
            count = number(fields[1], NUMBER_MAX, 1)
            number(fields[4], BIG_MAX)
            public = un_b64(fields[3], 32)
            if count != len(self.epochs) + 1 or count > EPOCHS_MAX:
                raise Gate("doc-epoch")
            self.epochs.append(public)
        if not self.epochs:
            raise Gate("doc-epoch")

    def _slots(self):
        while self._more(b"slot"):
            line = self.lines[self.at]
            fields = line.split(b" ")
            if (len(fields) < 3
                    or SLOT_FIELDS.get(fields[2]) != len(fields)):
                raise Gate("doc-field")
            word = {b"password": b"argon2id", b"escrow": b"x25519"}.get(
                fields[2])
            if word is not None and fields[4] != word:
                raise Gate("doc-field")
            slot = Slot(line, fields)
            self.at += 1
            self._slot_rules(slot)
            self.slots.append(slot)
        if not self.slots:
            raise Gate("doc-slot")

    def _slot_rules(self, slot):
        if self.slots and slot.number <= self.slots[-1].number:
            raise Gate("doc-slot")
        if len(self.slots) == SLOTS_MAX:
            raise Gate("doc-slot")
        if slot.kind == b"password" and len(self._of(b"password")) == 2:
            raise Gate("doc-slot")

    def _tail(self):
        length = 12 + 32 + 68 * len(self.epochs) + TAG
        self.secrets_wrap = un_b64(self._record(b"secrets", 2)[1], length)
        self.owner_sig = un_b64(self._record(b"owner-sig", 2)[1], 64)
        self.provider_mac = un_b64(self._record(b"provider-mac", 2)[1], 32)
        if self.at != len(self.lines):
            raise Gate("doc-record")

    # 8: what the mac and each AAD covers

    def provider_mac_text(self):
        return self.text[:len(self.text) - len(self.lines[-1]) - 1]

    def host_aad(self):
        line = self.lines[6]
        return (self.lines[1] + b"\n" + self.lines[3] + b"\n"
                + line[:line.rindex(b" ")])

    def slot_aad(self, slot):
        return self.id + slot.aad_line

    # 9

    def load(self, owner, provider_keys):
        if owner is not None and owner != self.owner:
            raise Gate("owner")
        if provider_keys is not None:
            self._load_host(provider_keys)
        if keyring_id(self.identity) != self.id:
            raise Gate("identity")
        if not ed25519_check(self.identity, owner_text(self.lines),
                             self.owner_sig):
            raise Gate("owner-sig")

    def _load_host(self, provider_keys):
        for key in provider_keys:
            if provider_key_id(key) == self.provider_id:
                break
        else:
            raise Gate("provider-key")
        self.host_key = unwrap(derive(key, b"host"), self.host_aad(),
                               self.host_wrap, "host-auth")
        want = mac(self.host_key, b"provider mac", self.provider_mac_text())
        if not hmac.compare_digest(want, self.provider_mac):
            raise Gate("provider-mac")

    def _of(self, kind):
        return [slot for slot in self.slots if slot.kind == kind]

    def _try(self, slot, kek):
        try:
            return unwrap(kek, self.slot_aad(slot), slot.wrap, "slot-auth")
        except Gate:
            return None

    def unlock_provider(self):
        slots = self._of(b"provider")
        if not slots or self.host_key is None:
            raise Gate("no-slot")
        self._finish(self._try(slots[0], derive(self.host_key,
                                                b"provider slot")))

    def unlock_secret(self, secret, limits=ARGON2_LIMITS):
        """9.14: app slots in document order, then the password slots, the
        later one first."""
        app = self._of(b"app")
        password = self._of(b"password") if self.host_key else []
        if not app and not password:
            raise Gate("no-slot")
        master = None
        for slot in app:
            master = master or self._try(slot, salted_kek(slot.salt, secret))
        gate = None
        for slot in reversed(password):
            if master is None:
                gate, master = self._try_password(slot, secret, limits)
        if gate:
            raise gate
        self._finish(master)

    def _try_password(self, slot, secret, limits):
        """The gate of one that may not be tried, and the master key."""
        try:
            return None, self._try(slot, self._password_kek(slot, secret,
                                                            limits))
        except Gate as gate:
            return gate, None

    def _password_kek(self, slot, secret, limits):
        if not (limits[0] <= slot.t <= limits[1]
                and limits[2] <= slot.m <= limits[3]):
            raise Gate("argon2-limit")
        pepper = derive(self.host_key, b"pepper")
        return password_kek(pepper, secret, slot.salt, slot.t, slot.m)

    def unlock_recovery(self, code):
        slots = self._of(b"recovery")
        if not slots:
            raise Gate("no-slot")
        master = None
        for slot in slots:
            master = master or self._try(slot, salted_kek(slot.salt, code))
        self._finish(master)

    def unlock_escrow(self, private):
        """8.14."""
        public = public_of(private)
        slots = [slot for slot in self._of(b"escrow")
                 if slot.public == public]
        if not slots:
            raise Gate("no-slot")
        master = None
        for slot in slots:
            master = master or open_escrow(
                private, self.slot_aad(slot), slot.sealed)
        self._finish(master)

    def _finish(self, master):
        if master is None:
            raise Gate("slot-auth")
        plain = unwrap(derive(master, b"secrets"), secrets_aad(self.id),
                       self.secrets_wrap, "secrets")
        self.seed, plain = plain[:32], plain[32:]
        if ed25519_public(self.seed) != self.identity:
            raise Gate("identity-key")
        self.secrets = []
        for index, public in enumerate(self.epochs):
            part = plain[index * 68:(index + 1) * 68]
            number_, private, psk = (struct.unpack(">I", part[:4])[0],
                                     part[4:36], part[36:])
            if number_ != index + 1 or public_of(private) != public:
                raise Gate("epoch-key")
            self.secrets.append((number_, private, psk))
        newest = self.secrets[-1]
        if self.host_key is not None and not hmac.compare_digest(
                newest[2], epoch_psk(self.host_key, newest[0])):
            raise Gate("epoch-key")
        self.master = master


def check_lines(text):
    """7.2 and 7.3."""
    if not 1 <= len(text) <= DOC_MAX:
        raise Gate("doc-size")
    if any(c != 0x0A and not 0x20 <= c <= 0x7E for c in text):
        raise Gate("doc-line")
    if text[-1:] != b"\n":
        raise Gate("doc-line")
    for line in text[:-1].split(b"\n"):
        if not line or line != line.strip(b" ") or b"  " in line:
            raise Gate("doc-line")


# ---------------------------------------------------------------------- 8

def mac(key, label, text):
    return hmac.new(derive(key, label), text, "sha512").digest()[:32]


def keyring_id(identity):
    """8.12."""
    return hashlib.sha256(b"roost keyring\0" + identity).digest()[:16]


OWNER_SIGNED = (b"roost-keyring", b"id", b"identity", b"owner", b"epoch",
                b"slot", b"secrets")


def owner_text(lines):
    """8.9: what the owner signs."""
    return b"roost/v1 owner-sig\0" + b"".join(
        line + b"\n" for line in lines
        if line.split(b" ")[0] in OWNER_SIGNED)


def secrets_aad(keyring_id):
    return b"roost/v1 secrets\0" + keyring_id


def epoch_psk(host_key, epoch):
    return derive(host_key, b"psk", u32(epoch))


def provider_key_id(key):
    return hashlib.sha256(b"roost provider\0" + key).digest()[:8]


def salted_kek(salt, ikm):
    """KEK(app) of U, KEK(recovery) of the code's 20 bytes."""
    prk = hkdf_extract("sha512", salt, ikm)
    return hkdf_expand("sha512", prk, b"roost/v1 slot\0", 32)


_sodium = None


def argon2id(password, salt, t, m):
    global _sodium
    if _sodium is None:
        _sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
        if _sodium.sodium_init() < 0:
            raise RuntimeError("libsodium does not start")
    out = ctypes.create_string_buffer(32)
    if _sodium.crypto_pwhash(out, ctypes.c_ulonglong(32), password,
                             ctypes.c_ulonglong(len(password)), salt,
                             ctypes.c_ulonglong(t), ctypes.c_size_t(m * 1024),
                             ctypes.c_int(2)) != 0:
        raise RuntimeError("crypto_pwhash failed")
    return out.raw


def password_kek(pepper, secret, salt, t, m):
    return argon2id(hmac.new(pepper, secret, "sha256").digest(), salt, t, m)


class Writer:
    """Builds a document; every part can be overridden to plant a defect.

    After the constructor: add_epoch() and add_slot_*(), then text().
    rng(n) yields n bytes.
    """

    def __init__(self, rng, owner=b"alice@example.org", provider_key=None):
        self.rng = rng
        self.owner = owner
        self.seed = rng(32)
        self.identity = ed25519_public(self.seed)
        self.id = keyring_id(self.identity)
        self.provider_key = provider_key or rng(32)
        self.host_key = rng(32)
        self.master = rng(32)
        self.generation = 1
        self.policy = b"open"
        self.epochs, self.slots = [], []

    def add_epoch(self, created=1700000000, psk=None):
        count = len(self.epochs) + 1
        private = self.rng(32)
        self.epochs.append([count, private,
                            psk or epoch_psk(self.host_key, count), created])

    def _slot(self, middle, kek, count):
        count = count or (self.slots[-1][0] + 1 if self.slots else 1)
        line = b"slot %d " % count + middle
        body = wrap(kek, self.id + line, self.master, self.rng(12))
        self.slots.append((count, line + b" " + b64(body)))

    def add_provider(self, count=None, created=1700000000):
        self._slot(b"provider %d" % created,
                   derive(self.host_key, b"provider slot"), count)

    def add_password(self, secret, t=1, m=8192, count=None,
                     created=1700000000, kek=None):
        salt = self.rng(16)
        pepper = derive(self.host_key, b"pepper")
        kek = kek or password_kek(pepper, secret, salt, t, m)
        self._slot(b"password %d argon2id %d %d " % (created, t, m)
                   + b64(salt), kek, count)

    def add_salted(self, kind, ikm, count=None, created=1700000000):
        salt = self.rng(16)
        self._slot(kind + b" %d " % created + b64(salt),
                   salted_kek(salt, ikm), count)

    def add_escrow(self, public, count=None, created=1700000000,
                   sealed=None):
        count = count or (self.slots[-1][0] + 1 if self.slots else 1)
        line = b"slot %d escrow %d x25519 " % (count, created) + b64(public)
        sealed = sealed or seal_escrow(public, self.id + line, self.master,
                                       self.rng(32))
        self.slots.append((count, line + b" " + b64(sealed)))

    def head(self):
        return [b"roost-keyring 1", b"id " + b64(self.id),
                b"identity ed25519 " + b64(self.identity),
                b"owner " + escape_owner(self.owner)]

    def host_line(self):
        pid = provider_key_id(self.provider_key)
        line = b"host " + b64(pid)
        head = self.head()
        aad = b"\n".join([head[1], head[3], line])
        body = wrap(derive(self.provider_key, b"host"), aad, self.host_key,
                    self.rng(12))
        return line + b" " + b64(body)

    def epoch_lines(self):
        return [b"epoch %d x25519 %s %d" % (n, b64(public_of(private)),
                                            created)
                for n, private, _, created in self.epochs]

    def secrets_plain(self):
        return self.seed + b"".join(u32(n) + private + psk
                                    for n, private, psk, _ in self.epochs)

    def secrets_line(self):
        return b"secrets " + b64(wrap(derive(self.master, b"secrets"),
                                      secrets_aad(self.id),
                                      self.secrets_plain(), self.rng(12)))

    def lines(self):
        return (self.head() + [b"generation %d" % self.generation,
                               b"policy " + self.policy, self.host_line()]
                + self.epoch_lines() + [line for _, line in self.slots]
                + [self.secrets_line()])

    def text(self, lines=None):
        return sign(lines or self.lines(), self.seed, self.host_key)


def sign(lines, seed, host_key):
    """Append owner-sig and provider-mac to the lines before them."""
    lines = lines + [b"owner-sig " + b64(ed25519_sign(seed,
                                                      owner_text(lines)))]
    text = b"".join(line + b"\n" for line in lines)
    return text + b"provider-mac " + b64(mac(host_key, b"provider mac",
                                             text)) + b"\n"


# --------------------------------------------------------------------- 10

CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def to_base32(data):
    bits = int.from_bytes(data, "big")
    count = len(data) * 8 // 5
    return bytes(CROCKFORD[bits >> 5 * (count - 1 - i) & 31]
                 for i in range(count))


def code_check(code):
    digest = hashlib.sha256(b"roost recovery\0" + code).digest()
    return to_base32(digest[:5])[:4]


def print_code(code):
    text = to_base32(code) + code_check(code)
    return b"-".join(text[i:i + 4] for i in range(0, 36, 4))


def read_code(text):
    text = text.replace(b"-", b"").replace(b" ", b"")
    if len(text) != 36:
        raise Gate("code-typo")
    bits = 0
    clean = b""
    for c in text.upper().translate(bytes.maketrans(b"OIL", b"011")):
        if c not in CROCKFORD:
            raise Gate("code-typo")
        clean += bytes([c])
    for c in clean[:32]:
        bits = bits << 5 | CROCKFORD.index(c)
    code = bits.to_bytes(20, "big")
    if clean[32:] != code_check(code):
        raise Gate("code-typo")
    return code


def read_key_file(text):
    if text[-2:] == b"\r\n":
        text = text[:-2]
    elif text[-1:] == b"\n":
        text = text[:-1]
    if len(text) != 64 or any(c not in b"0123456789abcdefABCDEF"
                              for c in text):
        raise Gate("key-file")
    return bytes.fromhex(text.decode("ascii"))


ESCROW_LINES = {"public": b"roost-escrow-public x25519",
                "private": b"roost-escrow-private x25519"}


def print_escrow_file(kind, key):
    return ESCROW_LINES[kind] + b"\n" + b64(key) + b"\n"


def read_escrow_file(kind, text):
    """10.4."""
    lines = [line[:-1] if line[-1:] == b"\r" else line
             for line in text.split(b"\n")[:-1]]
    last = text.split(b"\n")[-1]
    if last:
        lines.append(last)
    if len(lines) != 2 or lines[0] != ESCROW_LINES[kind]:
        raise Gate("escrow-file")
    try:
        return un_b64(lines[1], 32)
    except Gate:
        raise Gate("escrow-file") from None


def read_secret(text):
    """U of 8.7, or None for what counts as no secret."""
    if len(text) != 64 or any(c not in b"0123456789abcdefABCDEF"
                              for c in text):
        return None
    secret = bytes.fromhex(text.decode("ascii"))
    return None if secret == EMPTY_SECRET else secret


def load_keyring(text, owner=None, provider_keys=None, unlock="none",
                 given=None):
    """The whole of 9; the Keyring, or a Gate."""
    ring = Keyring(text)
    ring.load(owner, provider_keys)
    if unlock == "provider":
        ring.unlock_provider()
    elif unlock == "secret":
        ring.unlock_secret(given)
    elif unlock == "recovery":
        ring.unlock_recovery(given)
    elif unlock == "escrow":
        ring.unlock_escrow(given)
    return ring


# --------------------------------------------------------------------- 12

BLOB_MAX = 30720
BLOB_OWN, BLOB_NEW, BLOB_BESIDE = 1, 2, 3
HEADER_ITEMS = (1, 2, 3)
TEXT_ITEMS = (4, 5, 6)
DATE_ITEM, KEYS_ITEM, SUMMARY_ITEM = 8, 9, 10
TRIMMED = (HEADER_ITEMS, (4,), (5,), (6,), (7,), (SUMMARY_ITEM,))
FIXED_ITEMS = {DATE_ITEM: 12, KEYS_ITEM: 76}
STANDARD_NAMES = (
    b"Bcc Cc Content-Description Content-Disposition Content-Language "
    b"Content-Location Content-MD5 Content-Transfer-Encoding Content-Type "
    b"Date Disposition-Notification-To From Importance In-Reply-To Lines "
    b"List-Id List-Post List-Unsubscribe Mail-Followup-To Mail-Reply-To "
    b"Message-ID MIME-Version Newsgroups Priority References Reply-To Sender "
    b"Subject To X-Draft-Info X-Label X-Mailer X-Original-To X-Priority "
    b"X-Spam-Flag").split(b" ")


def item_is_good(form, kind, data):
    """12.5: what an item may hold."""
    if kind in TEXT_ITEMS:
        return 0 not in data
    if kind == KEYS_ITEM and form != BLOB_OWN:
        return False
    return len(data) == FIXED_ITEMS.get(kind, len(data))


def write_items(items):
    """Of (type, bytes) in the order given."""
    return b"".join(bytes([kind]) + u32(len(data)) + data
                    for kind, data in items)


def pad_items(plain, room):
    """12.19; what there is no room for stays as it is."""
    step = 64
    while len(plain) >= 16 * step:
        step *= 2
    size = min(room, step * max(1, -(-len(plain) // step)))
    return plain + bytes(max(0, size - len(plain)))


def blob_room(ad):
    """12.8, for a blob of which these bytes stand before the nonce."""
    return BLOB_MAX - len(ad) - 28 - (32 if ad[0] == BLOB_OWN else 0)


def read_items(form, plain, room):
    """12.5; a Gate for what 12.14 refuses."""
    items, at, last = [], 0, 0
    while at < len(plain) and plain[at]:
        head = plain[at:at + 5]
        if len(head) < 5 or not last < head[0] <= SUMMARY_ITEM:
            raise Gate("blob-content")
        last, length = head[0], int.from_bytes(head[1:], "big")
        data = plain[at + 5:at + 5 + length]
        if len(data) < length or not item_is_good(form, last, data):
            raise Gate("blob-content")
        items.append((last, data))
        at += 5 + length
    if pad_items(plain[:at], room) != plain:
        raise Gate("blob-content")
    return items


def trim_items(items, room):
    """12.7."""
    items = list(items)
    while len(write_items(items)) > room:
        size, group = max(
            ((len(write_items([i for i in items if i[0] in group])), group)
             for group in TRIMMED), key=lambda pair: pair[0])
        if size == 0:
            break
        items = [item for item in items if item[0] not in group]
    return items


def seal_blob(head, key, plain, nonce=None, ids=b""):
    """Of the bytes before the nonce; the ids are authenticated with them."""
    return head + wrap(key, head + ids, plain, nonce)


def seal_blob_own(master, keyring_id, object_id, data_key, items,
                  nonce=None):
    """12.2; None for one that may not be."""
    ad = bytes([BLOB_OWN]) + keyring_id + object_id
    blob = seal_blob(ad, derive(master, b"cache"), data_key + pad_items(
        write_items(items), blob_room(ad)), nonce)
    return blob if len(blob) <= BLOB_MAX else None


def seal_blob_beside(master, keyring_id, object_id, items, nonce=None):
    """12.24; None for one that may not be."""
    head = bytes([BLOB_BESIDE])
    blob = seal_blob(head, derive(master, b"cache"), pad_items(
        write_items(items), blob_room(head)), nonce, keyring_id + object_id)
    return blob if len(blob) <= BLOB_MAX else None


def seal_blob_new(header, data_key, items, nonce=None):
    """12.3; None for one that may not be."""
    ad = bytes([BLOB_NEW]) + header
    blob = seal_blob(ad, derive(data_key, b"blob"), pad_items(
        write_items(items), blob_room(ad)), nonce)
    return blob if len(blob) <= BLOB_MAX else None


def saved_keys(sealed, data_key):
    """12.17, of a whole object."""
    length = Header(sealed).length
    head = sealed[:length + 56]
    key, base, _ = body_keys(data_key, head[length:length + 24],
                             head[:length])
    return key + base + hashlib.sha256(head).digest()


class Blob:
    """12.9 .. 12.14; epochs as for Object.  beside: the object id of the
    blob of form 1 that this one stands beside, whose keyring id is right."""

    def __init__(self, data, keyring_id, master, epochs, beside=None):
        if len(data) > BLOB_MAX or data[:1] not in (b"\1", b"\2", b"\3"):
            raise Gate("blob-form")
        header, ids = None, b""
        if data[0] == BLOB_OWN:
            size, ring_id, self.object_id = 33, data[1:17], data[17:33]
        elif data[0] == BLOB_BESIDE:
            size, ring_id, self.object_id = 1, keyring_id, beside
            ids = keyring_id + (beside or b"")
        else:
            try:
                header = Header(data[1:])
            except Gate:
                raise Gate("blob-form") from None
            size, ring_id = 1 + header.length, header.keyring_id
            self.object_id = header.object_id
        if len(data) < size + 28:
            raise Gate("blob-form")
        if ring_id != keyring_id:
            raise Gate("other-keyring")
        self.data_key = choose_stanza(header, epochs) if header else None
        key = (derive(self.data_key, b"blob") if header
               else derive(master, b"cache"))
        if self.object_id is None:
            raise Gate("blob-auth")
        plain = unwrap(key, data[:size] + ids, data[size:], "blob-auth")
        if data[0] == BLOB_OWN:
            self.data_key, plain = plain[:32], plain[32:]
            if len(self.data_key) < 32:
                raise Gate("blob-content")
        self.items = read_items(data[0], plain, blob_room(data[:size]))


# --------------------------------------------------------------------- 13

TOKEN_PREFIX = b"rk1-"
TOKEN_ALPHABET = b"abcdefghijklmnopqrstuvwxyz234567"
TOKEN_LABEL = b"roost/v1 keyword\0"
NAME_MAX = 255


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def siv_tag(key, aad, plain):
    return hmac.digest(key[:32], bytes([len(aad)]) + aad + plain,
                       "sha256")[:16]


def siv_crypt(key, tag, data):
    return xor(data, hkdf_expand("sha256", key[32:], tag, len(data)))


def siv_seal(key, aad, plain):
    """13.2: the tag first."""
    tag = siv_tag(key, aad, plain)
    return tag + siv_crypt(key, tag, plain)


def siv_open(key, aad, sealed):
    """None for what does not open."""
    plain = siv_crypt(key, sealed[:16], sealed[16:])
    tag = siv_tag(key, aad, plain)
    return plain if hmac.compare_digest(tag, sealed[:16]) else None


def token_text(sealed):
    return TOKEN_PREFIX + base64.b32encode(sealed).rstrip(b"=").lower()


def token_key(host_key):
    return derive(host_key, b"keyword", b"", 64)


# bytes.lower() and isalpha() are ASCII's alone, as 13.2 wants it.

def letters(text):
    return [at for at in range(len(text)) if text[at:at + 1].isalpha()]


def capitals(text):
    """13.4: a bit for each letter."""
    return [int(text[at:at + 1].isupper()) for at in letters(text)]


def capitalize(text, bits):
    """The reverse: text is in lower case."""
    text = bytearray(text)
    for at, bit in zip(letters(text), bits):
        if bit:
            text[at] = ord(chr(text[at]).upper())
    return bytes(text)


def bits_of(data):
    return [byte >> shift & 1 for byte in data for shift in range(7, -1, -1)]


def case_bits(host_key, sealed, kind, data, count):
    """13.4: the first bits of check or mask."""
    key = derive(host_key, b"keyword case", b"", 32)
    return bits_of(hmac.digest(key, bytes([kind]) + sealed + data,
                               "sha256"))[:count]


def case_mask(host_key, sealed, check, count):
    padded = "".join(map(str, check + [0] * (32 - len(check))))
    return case_bits(host_key, sealed, 1,
                     int(padded, 2).to_bytes(4, "big"), count)


def case_room(text, name):
    """How many letters of the text carry check and marks; None: there are
    too few."""
    marks, check = len(letters(name)), len(letters(text)) - len(letters(name))
    return None if check < 0 else (min(32, check), marks)


def spell_token(host_key, sealed, text, name):
    """13.4: text, whose prefix counts for nothing, says how name is
    spelled."""
    text = text[4:]
    room = case_room(text, name)
    if room is not None:
        check = case_bits(host_key, sealed, 0, name, room[0])
        mask = case_mask(host_key, sealed, check, room[1])
        text = capitalize(text, check + [bit ^ masked for bit, masked in zip(
            capitals(name), mask)])
    return TOKEN_PREFIX + text


def spell_name(host_key, sealed, text, name):
    """13.9: how the text says that the name that was opened is spelled."""
    room = case_room(text[4:], name)
    if room is None:
        return name
    bits = capitals(text[4:])
    check = bits[:room[0]]
    mask = case_mask(host_key, sealed, check, room[1])
    spelled = capitalize(name.lower(), [bit ^ masked for bit, masked in zip(
        bits[room[0]:], mask)])
    right = case_bits(host_key, sealed, 0, spelled, room[0])
    return spelled if check == right else name


def seal_token(host_key, keyring_id, name):
    """13.2; None for a name that cannot exist (13.1)."""
    if not 1 <= len(name) <= NAME_MAX or 0 in name:
        return None
    sealed = siv_seal(token_key(host_key), TOKEN_LABEL + keyring_id,
                      name.lower())
    return spell_token(host_key, sealed, token_text(sealed), name)


def claims_token(text):
    return text[:4].lower() == TOKEN_PREFIX


def open_token(host_key, keyring_id, text):
    """13.7 to 13.9: the name, or a Gate."""
    if not claims_token(text) or not 32 <= len(text) <= 438:
        raise Gate("token")
    bits = 0
    for char in text[4:].lower():
        if char not in TOKEN_ALPHABET:
            raise Gate("token")
        bits = bits << 5 | TOKEN_ALPHABET.index(char)
    size, unused = divmod((len(text) - 4) * 5, 8)
    if unused > 4 or bits & (1 << unused) - 1:
        raise Gate("token")
    sealed = (bits >> unused).to_bytes(size, "big")
    name = siv_open(token_key(host_key), TOKEN_LABEL + keyring_id, sealed)
    if name is None or 0 in name:
        raise Gate("token")
    return spell_name(host_key, sealed, text, name)


# --------------------------------------------------------------------- 14

UNLOCK_LIFE = 43200


def unlock_name(host_key, keyring_id, secret):
    """14.2."""
    return hmac.new(derive(host_key, b"unlock name"), keyring_id + secret,
                    "sha256").hexdigest()


def unlock_kek(host_key, keyring_id, generation, secret, salt):
    prk = hkdf_extract("sha512", salt, derive(host_key, b"unlock") + secret)
    return hkdf_expand("sha512", prk, b"roost/v1 unlock\0" + keyring_id
                       + struct.pack(">Q", generation), 32)


def seal_unlock(host_key, keyring_id, generation, secret, master, created,
                expires, rng, version=1):
    """14.3."""
    salt = rng(32)
    head = bytes([version]) + salt + struct.pack(">QQ", created, expires)
    return head + wrap(unlock_kek(host_key, keyring_id, generation, secret,
                                  salt), head, master, rng(12))


def open_unlock(host_key, keyring_id, generation, secret, data, now):
    """14.5: the master key and its times."""
    if len(data) != 109 or data[0] != 1:
        raise Gate("unlock-file")
    created, expires = struct.unpack(">QQ", data[33:49])
    if (not created <= expires <= created + UNLOCK_LIFE
            or not created <= now < expires):
        raise Gate("unlock-file")
    return unwrap(unlock_kek(host_key, keyring_id, generation, secret,
                             data[1:33]), data[:49], data[49:],
                  "unlock-file"), created, expires


# ---------------------------------------------------------------- command

def _epochs(params):
    return [(e["number"], bytes.fromhex(e["private"]),
             bytes.fromhex(e["psk"])) for e in params["epochs"]]


def _cmd_seal(params):
    part = {name: bytes.fromhex(params[name]) for name in
            ("keyring_id", "public", "psk", "plaintext")}
    more = {name: bytes.fromhex(params[name]) for name in
            ("object_id", "data_key", "salt", "ephemeral") if name in params}
    return {"gate": "ok", "object": seal(**part, **more).hex()}


def _cmd_open(params):
    gate, released = open_object(bytes.fromhex(params["object"]),
                                 bytes.fromhex(params["keyring_id"]),
                                 _epochs(params))
    return {"gate": gate, "plaintext": released.hex()}


def _cmd_scrub(params):
    return {"gate": scrub(bytes.fromhex(params["object"]))}


def _cmd_load(params):
    keys = params.get("provider_keys")
    owner = params.get("owner")
    ring = load_keyring(
        bytes.fromhex(params["document"]),
        bytes.fromhex(owner) if owner is not None else None,
        [bytes.fromhex(key) for key in keys] if keys is not None else None,
        params.get("unlock", "none"), bytes.fromhex(params.get("given", "")))
    answer = {"gate": "ok", "id": ring.id.hex(), "owner": ring.owner.hex(),
              "generation": ring.generation}
    if ring.secrets is not None:
        answer["epochs"] = [{"number": n, "private": k.hex(), "psk": p.hex()}
                            for n, k, p in ring.secrets]
    return answer


def _cmd_code(params):
    return {"gate": "ok",
            "code": read_code(bytes.fromhex(params["text"])).hex()}


def _cmd_escrow_file(params):
    return {"gate": "ok", "key": read_escrow_file(
        params["which"], bytes.fromhex(params["text"])).hex()}


def _cmd_key_file(params):
    return {"gate": "ok",
            "key": read_key_file(bytes.fromhex(params["text"])).hex()}


def _cmd_blob(params):
    beside = params.get("beside")
    blob = Blob(*(bytes.fromhex(params[name]) for name in
                  ("blob", "keyring_id", "master")), _epochs(params),
                beside and bytes.fromhex(beside))
    return {"gate": "ok", "object_id": blob.object_id.hex(),
            "data_key": blob.data_key and blob.data_key.hex(),
            "items": {str(kind): data.hex() for kind, data in blob.items}}


def _cmd_seal_token(params):
    token = seal_token(*(bytes.fromhex(params[name]) for name in
                         ("host_key", "keyring_id", "name")))
    return {"gate": "limit"} if token is None else {
        "gate": "ok", "token": token.decode("ascii")}


def _cmd_token(params):
    return {"gate": "ok", "name": open_token(
        *(bytes.fromhex(params[name]) for name in
          ("host_key", "keyring_id", "text"))).hex()}


COMMANDS = {"seal": _cmd_seal, "open": _cmd_open, "scrub": _cmd_scrub,
            "load": _cmd_load, "code": _cmd_code, "key-file": _cmd_key_file,
            "escrow-file": _cmd_escrow_file,
            "blob": _cmd_blob,
            "seal-token": _cmd_seal_token, "token": _cmd_token}


def main(argv):
    if len(argv) != 2 or argv[1] not in COMMANDS:
        print("usage: roost_format.py " + "|".join(COMMANDS)
              + " < parameters.json", file=sys.stderr)
        return 2
    params = json.load(sys.stdin)
    try:
        answer = COMMANDS[argv[1]](params)
    except Gate as gate:
        answer = {"gate": str(gate)}
    json.dump(answer, sys.stdout)
    print()
    return 0 if answer["gate"] == "ok" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
