# SPDX-License-Identifier: MIT
"""Write every .vec beside this file, from plugin/FORMAT.md.

    generate.py [folder]

The same bytes come out every time.  One vector has one defect; everything
else of it is repaired: a wrong byte of the header stands under a right
commitment and a right digest, a wrong field of a keyring under right macs.
README.md in this folder tells the form of a .vec.
"""
import hashlib
import hmac
import os
import struct
import sys

sys.dont_write_bytecode = True

import roost_format as rf      # noqa: E402
from roost_format import CHUNK, b64     # noqa: E402

LOW_ORDER = {
    "zero": "00" * 32,
    "one": "01" + "00" * 31,
    "order-8-a": "e0eb7a7c3b41b8ae1656e3faf19fc46a"
                 "da098deb9c32b1fd866205165f49b800",
    "order-8-b": "5f9c95bca3508c24b1d0b1559c83ef5b"
                 "04445cc4581c8e86d8224eddd09f1157",
    "p-minus-1": "ec" + "ff" * 30 + "7f",
    "p": "ed" + "ff" * 30 + "7f",
    "p-plus-1": "ee" + "ff" * 30 + "7f",
    "zero-top-bit": "00" * 31 + "80",
}


class Rng:
    """Deterministic bytes, told apart by a name."""

    def __init__(self, name):
        self.name = name.encode()
        self.count = 0

    def __call__(self, size):
        out = b""
        while len(out) < size:
            out += hashlib.sha512(b"roost vectors %d " % self.count
                                  + self.name).digest()
            self.count += 1
        return out[:size]


class Out:
    def __init__(self, folder):
        self.folder = folder
        self.names = set()

    def put(self, name, fields, data):
        assert name not in self.names, name
        self.names.add(name)
        text = "".join("%s: %s\n" % pair for pair in fields)
        with open(os.path.join(self.folder, name + ".vec"), "wb") as file:
            file.write(text.encode("ascii") + b"\n" + data)


OUT = None


def flip(data, at, bit=1):
    data = bytearray(data)
    data[at] ^= bit
    return bytes(data)


# ----------------------------------------------------------------- objects

class Ring:
    """Keyring id and epochs, as 6 needs them."""

    def __init__(self, name, count=1):
        rng = Rng("ring " + name)
        self.id = rng(16)
        self.host_key = rng(32)
        self.epochs = [(n, rng(32), rf.epoch_psk(self.host_key, n))
                       for n in range(1, count + 1)]

    def public(self, number=-1):
        return rf.public_of(self.epochs[number][1])


RING = Ring("one")
RING3 = Ring("three", 3)
OTHER = Ring("other")


class Message:
    """An object in parts; each can be replaced before build()."""

    def __init__(self, name, ring=RING, size=37, stanzas=None):
        self.rng = Rng("message " + name)
        self.ring = ring
        self.plain = self.rng(size)
        self.object_id = self.rng(16)
        self.data_key = self.rng(32)
        self.salt = self.rng(24)
        self.count = None
        self.table_len = None
        self.fixed_more = {}
        self.stanzas = stanzas or [self.x25519()]
        self.table_tail = b""
        self.after_seal = None      # changes H between sealing and body
        self.keep_digest = False
        self.no_digest = False

    # a stanza is a function of the fixed header

    def x25519(self, epoch=-1, **more):
        public, psk = self.ring.public(epoch), self.ring.epochs[epoch][2]
        ephemeral = self.rng(32)
        parts = {"role": 1, "kid": rf.key_id(public), "psk": psk,
                 "public": public, "kind": 1, "body": None, "fixed": None,
                 "head": None}
        parts.update(more)

        def make(fixed):
            body = rf.seal_stanza(
                parts["fixed"] or fixed,
                parts["head"] or rf.stanza_head(parts["kind"], 80,
                                                parts["kid"], parts["role"]),
                parts["public"], parts["psk"], self.data_key, ephemeral)
            if parts["body"]:
                body = parts["body"](body)
            return rf.stanza_head(parts["kind"], len(body), parts["kid"],
                                  parts["role"]) + body
        size = 12 + len(parts["body"](bytes(80)) if parts["body"]
                        else bytes(80))
        return size, make

    def raw(self, kind, length, kid=None, role=1):
        kid = kid or self.rng(8)
        body = self.rng(length)
        return 12 + length, lambda fixed: rf.stanza_head(kind, length, kid,
                                                         role) + body

    def fixed(self):
        size = sum(s[0] for s in self.stanzas) + len(self.table_tail)
        return rf.fixed_header(
            self.ring.id, self.object_id,
            len(self.stanzas) if self.count is None else self.count,
            size if self.table_len is None else self.table_len,
            **self.fixed_more)

    def build(self):
        fixed = self.fixed()
        header = fixed + b"".join(make(fixed) for _, make in self.stanzas)
        header += self.table_tail
        if self.after_seal:
            header = self.after_seal(header)
        self.header = header
        body = rf.seal_body(self.data_key, self.salt, header, self.plain)
        return rf.with_digest(header + body)


def redigest(data):
    return rf.with_digest(data[:-32])


def object_fields(expect, clause, comment, ring):
    fields = [("expect", expect), ("clause", clause), ("kind", "object"),
              ("comment", comment), ("keyring-id", ring.id.hex())]
    for number, private, psk in ring.epochs:
        fields.append(("epoch", "%d %s %s" % (number, private.hex(),
                                              psk.hex())))
    return fields


def good(name, comment, message=None, clause="6.1", ring=None, size=37,
         change=None, **fixed_more):
    message = message or Message(name, size=size)
    message.fixed_more.update(fixed_more)
    data = message.build()
    if change:
        data = change(data)
    fields = object_fields("ok", clause, comment, ring or message.ring)
    fields += [("plain-len", len(message.plain)),
               ("plain-sha256", hashlib.sha256(message.plain).hexdigest()),
               ("scrub", rf.scrub(data))]
    OUT.put(name, fields, data)


def bad(gate, name, comment, data, clause, ring=RING, released=0):
    fields = object_fields(gate, clause, comment, ring)
    fields += [("released", released), ("scrub", rf.scrub(data))]
    OUT.put("%s-%s" % (gate, name), fields, data)


def built(name, change=None, size=37, ring=RING, **parts):
    message = Message(name, ring=ring, size=size)
    for key, value in parts.items():
        setattr(message, key, value)
    if change:
        change(message)
    return message.build()


def objects_good():
    for size in (0, 1, 16383, 16384, 16385, 32768):
        good("ok-plain-%d" % size, "plaintext of %d bytes" % size, size=size,
             clause="5.2")
    msg = Message("eight", ring=RING3)
    msg.stanzas = [msg.raw(9, 0), msg.raw(2, 1168), msg.raw(255, 5),
                   msg.raw(3, 80), msg.x25519(0), msg.x25519(1),
                   msg.x25519(2), msg.raw(200, 1)]
    good("ok-eight-stanzas", "8 stanzas, 5 of them skipped", msg, "4.3")
    msg = Message("unknown")
    msg.stanzas = [msg.raw(77, 33), msg.x25519()]
    good("ok-unknown-stanza", "a stanza of unknown type before ours", msg,
         "4.3")
    msg = Message("mlkem")
    msg.stanzas = [msg.x25519(), msg.raw(2, 1168)]
    good("ok-reserved-stanza", "a stanza of type 2 after ours", msg, "4.3")
    good("ok-flags", "all flags that may be ignored are set", clause="3.2",
         flags=0xFFFF0000)
    msg = Message("newest", ring=RING3)
    msg.stanzas = [msg.x25519(0, body=lambda b: flip(b, 40)),
                   msg.x25519(1, body=lambda b: flip(b, 40)), msg.x25519(2)]
    good("ok-newest-epoch", "only the stanza of the newest epoch opens", msg,
         "6.14")
    msg = Message("oldest", ring=RING3)
    msg.stanzas = [msg.x25519(0)]
    good("ok-oldest-epoch", "three epochs held, sealed to the first", msg,
         "6.14")
    msg = Message("largest")
    msg.stanzas = [msg.raw(9, 16320 - 24 - 80), msg.x25519()]
    good("ok-largest-header", "the stanzas have 16320 bytes", msg, "6.9")
    for name, change in (
            ("flipped", lambda d: flip(d, -1)),
            ("zero", lambda d: d[:-32] + bytes(32)),
            ("of-body", lambda d: d[:-32] + hashlib.sha256(
                d[156:-32]).digest())):
        good("ok-digest-" + name, "opens, but a scrub finds a wrong digest",
             Message("digest " + name), "6.22", change=change)


def header_short():
    whole = built("short")
    for size in (1, 7, 8, 63):
        bad("header-short", "%d" % size, "the first %d bytes" % size,
            whole[:size], "6.2")
    bad("header-short", "empty", "no byte at all", b"", "6.2")
    bad("header-short", "foreign-7", "7 bytes that are not the magic",
        b"From: a", "6.2")
    bad("header-short", "foreign-63", "63 bytes that are not the magic",
        b"From: a" * 9, "6.2")
    for size, what in ((64, "no stanza"), (75, "a cut stanza head"),
                       (155, "all but one byte of the stanza")):
        bad("header-short", "table-%d" % size, "ends after " + what,
            whole[:size], "6.2")


def magic_to_count():
    for at in (0, 3, 6, 7):
        magic = flip(rf.MAGIC, at)
        bad("wrong-magic", "byte-%d" % at, "one bit of the magic",
            built("magic", fixed_more={"magic": magic}), "6.3")
    whole = built("translated")
    bad("wrong-magic", "lf", "CR LF of the magic became LF",
        whole.replace(b"\r\n", b"\n", 1), "6.3")
    bad("wrong-magic", "crlf", "LF of the magic became CR LF",
        whole[:6] + b"\r" + whole[6:], "6.3")
    bad("wrong-magic", "mail", "a plaintext message",
        b"From: a@example.org\r\nSubject: none\r\n\r\n" + b"x" * 64 + b"\r\n",
        "6.3")
    for value in (0, 1, 3, 255):
        bad("unknown-version", "%d" % value, "version %d" % value,
            built("version", fixed_more={"version": value}), "6.4")
    for value in (0, 2, 255):
        bad("unknown-suite", "%d" % value, "suite %d" % value,
            built("suite", fixed_more={"suite": value}), "6.5")
    for name, flags in (("0", 1), ("7", 0x80), ("8", 0x100), ("15", 0x8000),
                        ("all", 0xFFFFFFFF)):
        bad("critical-flag", name, "flags %08x" % flags,
            built("flag", fixed_more={"flags": flags}), "6.6")
    for at in (49, 56, 63):
        reserved = flip(bytes(15), at - 49, 0x80 if at == 56 else 1)
        bad("reserved-byte", "%d" % at, "offset %d is not zero" % at,
            built("reserved", fixed_more={"reserved": reserved}), "6.7")

    def many(count):
        def change(msg):
            msg.stanzas = [msg.x25519()] + [msg.raw(9, 0)
                                            for _ in range(count - 1)]
        return change
    for count in (9, 255):
        bad("stanza-count", "%d" % count, "%d stanzas" % count,
            built("count %d" % count, many(count)), "6.8")
    bad("stanza-count", "0", "no stanza and an empty table",
        built("count 0", lambda m: setattr(m, "stanzas", []) or
              setattr(m, "count", 0)), "6.8")
    bad("stanza-count", "0-but-table", "number 0 before a table of one",
        built("count 0b", count=0), "6.8")


def stanza_table():
    def size(length):
        def change(msg):
            msg.stanzas = [msg.x25519(), msg.raw(9, length - 12 - 92)]
        return change
    for length in (16321, 65535):
        bad("stanza-table", "%d" % length,
            "a table of %d bytes, sound but for its length" % length,
            built("table %d" % length, size(length)), "6.9")
    bad("stanza-table", "zero", "length 0 and one stanza",
        built("table zero", table_len=0), "6.9")
    bad("stanza-table", "one-left", "one byte left after the last stanza",
        built("left 1", table_tail=b"\0"), "6.9")
    bad("stanza-table", "stanza-left", "number 1, but two stanzas",
        built("left 2", lambda m: m.stanzas.append(m.raw(9, 8)), count=1),
        "6.9")
    bad("stanza-table", "no-head", "number 2, but one stanza",
        built("head 0", count=2), "6.9")
    bad("stanza-table", "cut-head", "11 bytes for the head of the second",
        built("head 11", count=2, table_tail=bytes([9, 1]) + bytes(9)),
        "6.9")

    def long_body(length):
        def after(header):
            at = len(header) - 8 - 12 + 2
            return header[:at] + struct.pack(">H", length) + header[at + 2:]

        def change(msg):
            msg.stanzas.append(msg.raw(9, 8))
            msg.after_seal = after
        return change
    for length in (9, 65535):
        bad("stanza-table", "body-%d" % length,
            "body of %d bytes where 8 are left" % length,
            built("body %d" % length, long_body(length)), "6.9")
    bad("stanza-table", "body-7", "the last body ends one byte early",
        built("body 7", long_body(7)), "6.9")
    bad("stanza-table", "field-short", "the length says one byte less",
        built("field 91", table_len=91), "6.9")


def stanza_rules():
    def last(make):
        return lambda m: m.stanzas.append(make(m))
    for name, make in (
            ("zero", lambda m: m.raw(0, 8)),
            ("zero-empty", lambda m: m.raw(0, 0)),
            ("role-0", lambda m: m.raw(9, 8, role=0)),
            ("role-2", lambda m: m.raw(9, 8, role=2)),
            ("role-255", lambda m: m.raw(2, 1168, role=255))):
        bad("stanza-type", name, "a second stanza breaks the rule",
            built("type " + name, last(make)), "6.10")
    bad("stanza-type", "role-2-ours", "our stanza has role 2",
        built("role ours", lambda m: setattr(
            m, "stanzas", [m.x25519(role=2)])), "6.10")
    bad("stanza-type", "zero-ours", "our stanza has type 0",
        built("type ours", lambda m: setattr(
            m, "stanzas", [m.x25519(kind=0)])), "6.10")
    for name, cut in (("79", lambda b: b[:-1]), ("81", lambda b: b + b"\0"),
                      ("0", lambda b: b""), ("32", lambda b: b[:32]),
                      ("112", lambda b: b + bytes(32))):
        bad("stanza-length", name, "our stanza's body has %s bytes" % name,
            built("length " + name, lambda m: setattr(
                m, "stanzas", [m.x25519(body=cut)])), "6.11")
    for kind, length in ((2, 1167), (2, 1169), (2, 80), (1, 1168)):
        bad("stanza-length", "type-%d-%d" % (kind, length),
            "second stanza: type %d with %d bytes" % (kind, length),
            built("length %d %d" % (kind, length),
                  last(lambda m: m.raw(kind, length))), "6.11")
    kid = rf.key_id(RING.public())
    for name, change in (
            ("ours", last(lambda m: m.x25519())),
            ("other-type", last(lambda m: m.raw(9, 8, kid=kid))),
            ("unknown", lambda m: m.stanzas.extend(
                [m.raw(9, 8, kid=b"\1" * 8), m.raw(10, 9, kid=b"\1" * 8)])),
            ("first-eighth", lambda m: m.stanzas.extend(
                [m.raw(9, 1) for _ in range(6)] + [m.raw(9, 1, kid=kid)]))):
        bad("stanza-duplicate", name, "one key id stands twice",
            built("duplicate " + name, change), "6.12")


def choosing():
    bad("other-keyring", "whole", "sealed for another keyring",
        built("other", ring=OTHER), "6.13")
    near = Ring("one")
    near.id = flip(RING.id, 15)
    bad("other-keyring", "bit", "one bit of the keyring id",
        built("near", ring=near), "6.13")
    near = Ring("one")
    near.id = flip(RING.id, 0, 0x80)
    bad("other-keyring", "first-bit", "the first bit of the keyring id",
        built("near 0", ring=near), "6.13")
    kid = rf.key_id(RING.public())
    stranger = OTHER.public()
    for name, make in (
            ("stranger", lambda m: [m.x25519(public=stranger,
                                             kid=rf.key_id(stranger))]),
            ("id-bit", lambda m: [m.x25519(kid=flip(kid, 7))]),
            ("unknown-type", lambda m: [m.raw(9, 80, kid=kid)]),
            ("type-2", lambda m: [m.raw(2, 1168, kid=kid)]),
            ("id-of-type-2", lambda m: [m.x25519(
                kid=rf.key_id(RING.public(), 2))]),
            ("eight", lambda m: [m.raw(1, 80) for _ in range(8)])):
        bad("no-key", name, "no stanza for a key held",
            built("no-key " + name, lambda m: setattr(m, "stanzas",
                                                      make(m))), "6.14")


def zero_secret(msg, enc):
    """A stanza right but for a shared secret of zeros."""
    def make(fixed):
        head = rf.stanza_head(1, 80, rf.key_id(RING.public()))
        secret = rf.kem_secret(bytes(32), enc, RING.public())
        info, psk_id = rf.stanza_inputs(fixed)
        key, nonce = rf.key_schedule(secret, info, RING.epochs[0][2],
                                     psk_id)
        return head + enc + rf.AESGCM(key).encrypt(nonce, msg.data_key,
                                                   head)
    return 92, make


def stanza_opening():
    for name, enc in LOW_ORDER.items():
        bad("low-order", name, "sealed with the all-zero shared secret",
            built("low " + name, lambda m: setattr(
                m, "stanzas", [zero_secret(m, bytes.fromhex(enc))])), "6.15")

    def one(name, comment, make, clause="6.16", ring=RING):
        bad("stanza-auth", name, comment,
            built("auth " + name, lambda m: setattr(m, "stanzas", make(m)),
                  ring=ring), clause, ring=ring)
    for name, at in (("enc", 5), ("ciphertext", 40), ("tag", 79)):
        one(name, "one bit of the stanza's %s" % name,
            lambda m: [m.x25519(body=lambda b: flip(b, at))])
    one("enc-top-bit", "the unused bit of enc, which HPKE binds",
        lambda m: [m.x25519(body=lambda b: flip(b, 31, 0x80))])
    one("psk", "sealed with another psk",
        lambda m: [m.x25519(psk=flip(RING.epochs[0][2], 0))])
    one("psk-zero", "sealed with the public key alone: psk of zeros",
        lambda m: [m.x25519(psk=bytes(32))])
    one("psk-older", "sealed with the psk of an older epoch",
        lambda m: [m.x25519(psk=RING3.epochs[0][2])], ring=RING3)
    one("public", "sealed to another public key under our key id",
        lambda m: [m.x25519(public=OTHER.public())])
    head = rf.stanza_head(1, 80, rf.key_id(RING.public()))
    one("aad", "the aad is not the stanza's head",
        lambda m: [m.x25519(head=head[:11])])
    one("info", "sealed under another message's header",
        lambda m: [m.x25519(fixed=flip(m.fixed(), 40))])
    one("psk-id", "sealed under another keyring's id",
        lambda m: [m.x25519(fixed=flip(m.fixed(), 16))])
    one("no-second", "the newest epoch's fails; an older one's would open",
        lambda m: [m.x25519(0), m.x25519(1),
                   m.x25519(2, body=lambda b: flip(b, 79))], "6.14",
        ring=RING3)
    bad("stanza-auth", "base-mode", "sealed in mode_base: public key alone",
        built("auth base", lambda m: setattr(m, "stanzas",
                                             [base_mode(m)])), "6.16")


def base_mode(msg):
    """HPKE mode_base: mode 0, empty psk and psk_id."""
    ephemeral = msg.rng(32)

    def make(fixed):
        head = rf.stanza_head(1, 80, rf.key_id(RING.public()))
        enc = rf.public_of(ephemeral)
        secret = rf.kem_secret(rf.shared_secret(ephemeral, RING.public()),
                               enc, RING.public())
        info, _ = rf.stanza_inputs(fixed)
        key, nonce = rf.key_schedule(secret, info, b"", b"", mode=0)
        return head + enc + rf.AESGCM(key).encrypt(nonce, msg.data_key, head)
    return 92, make


def prologue():
    whole = built("prologue")
    for size in (0, 1, 24, 55):
        bad("prologue-short", "%d" % size,
            "%d bytes after the header" % size, whole[:156 + size], "6.17")
    for name, at in (("first", 180), ("last", 211), ("salt-first", 156),
                     ("salt-last", 179)):
        bad("commitment", name, "one bit of salt or commitment",
            redigest(flip(whole, at)), "6.18")
    bad("commitment", "zero", "a commitment of zeros",
        redigest(whole[:180] + bytes(32) + whole[212:]), "6.18")

    def swap_key(msg):
        _, make = msg.x25519()
        right = msg.data_key

        def other(fixed):
            msg.data_key = flip(right, 0)
            stanza = make(fixed)
            msg.data_key = right
            return stanza
        msg.stanzas = [(92, other)]
    bad("commitment", "data-key", "the stanza holds another data key",
        built("commitment key", swap_key), "6.18")
    msg = Message("commitment skipped")
    msg.stanzas.append(msg.raw(9, 8))
    data = msg.build()
    bad("commitment", "skipped-body", "one bit of a stanza that is skipped",
        redigest(flip(data, len(msg.header) - 1)), "6.18")
    bad("commitment", "skipped-head", "the type of a stanza that is skipped",
        redigest(flip(data, len(msg.header) - 20)), "6.18")
    first, second = Message("swap a"), Message("swap b")
    a, b = first.build(), second.build()
    bad("commitment", "other-body", "an old header before a new body",
        redigest(a[:156] + b[156:]), "6.18")


def lengths():
    small = built("length")
    for size in (0, 1, 31, 32, 47):
        bad("impossible-length", "%d" % size,
            "%d bytes after the prologue" % size,
            redigest(small[:212 + size] + bytes(32))[:212 + size]
            if size < 32 else rf.with_digest(small[:212 + size - 32]),
            "6.19")
    two = built("length 2", size=CHUNK + 9)
    for size, what in ((16400, "the final chunk is gone"),
                       (16401, "one byte of the final chunk is left"),
                       (16415, "one byte less than a tag is left")):
        bad("impossible-length", "%d" % size, what,
            rf.with_digest(two[:212 + size]), "6.19")
    empty = built("length 3", size=CHUNK)
    bad("impossible-length", "cut-empty-final",
        "an empty final chunk is gone", rf.with_digest(empty[:212 + 16400]),
        "6.19")


def final_chunk():
    msg = Message("final", size=37)
    data = msg.build()

    def put(name, comment, changed):
        bad("final-chunk", name, comment, changed, "6.20")
    put("first-bit", "first bit of the chunk", redigest(flip(data, 212,
                                                             0x80)))
    put("tag", "last bit of the tag", redigest(flip(data, -33)))
    put("cut", "one byte is missing", rf.with_digest(data[:-33]))
    put("extended", "one byte too much", rf.with_digest(data[:-32] + b"\0"))
    put("no-digest", "the digest is missing", data[:-32])
    put("two-digests", "a digest of the object with its digest",
        rf.with_digest(data))
    put("zero", "chunk of zeros",
        rf.with_digest(data[:212] + bytes(len(data) - 212 - 32)))
    keys = rf.body_keys(msg.data_key, msg.salt, msg.header)
    aes = rf.AESGCM(keys[0])
    put("aad", "sealed with the header as AAD", rf.with_digest(
        data[:212] + aes.encrypt(keys[1], msg.plain, msg.header)))
    put("index", "sealed as chunk 1", rf.with_digest(
        data[:212] + rf.seal_chunk(keys[0], keys[1], 1, msg.plain)))
    big = Message("final big", size=2 * CHUNK + 5)
    whole = big.build()
    at = 212 + 16400
    put("dropped-chunk", "the middle chunk is gone",
        rf.with_digest(whole[:at] + whole[at + 16400:-32]))
    put("dropped-final", "ends with a part of a full chunk",
        rf.with_digest(whole[:at + 9000]))
    two = Message("final two", size=CHUNK + 5)
    data = two.build()
    keys = rf.body_keys(two.data_key, two.salt, two.header)
    put("nonce-0", "the counter was not counted", rf.with_digest(
        data[:at] + rf.seal_chunk(keys[0], keys[1], 0, two.plain[CHUNK:])))
    little = int.from_bytes((1).to_bytes(12, "little"), "big")
    put("nonce-little", "the counter is little-endian", rf.with_digest(
        data[:at] + rf.seal_chunk(keys[0], keys[1], little,
                                  two.plain[CHUNK:])))
    put("extra-chunk", "one more chunk of zeros before the final one",
        rf.with_digest(data[:at] + bytes(16400) + data[at:-32]))


def chunks():
    msg = Message("chunk", size=2 * CHUNK + 5)
    data = msg.build()
    at = [212, 212 + 16400, 212 + 2 * 16400]

    def put(name, comment, changed, released):
        bad("chunk", name, comment, redigest(changed), "6.21",
            released=released)
    put("0-first", "first byte of chunk 0", flip(data, at[0]), 0)
    put("0-tag", "last byte of chunk 0", flip(data, at[1] - 1), 0)
    put("1-first", "first byte of chunk 1", flip(data, at[1]), CHUNK)
    put("1-tag", "last byte of chunk 1", flip(data, at[2] - 1), CHUNK)
    first, second = data[at[0]:at[1]], data[at[1]:at[2]]
    put("swapped", "chunks 0 and 1 changed places",
        data[:at[0]] + second + first + data[at[2]:], 0)
    put("repeated", "chunk 1 is chunk 0 again",
        data[:at[1]] + first + data[at[2]:], CHUNK)
    other = Message("chunk other", size=2 * CHUNK + 5).build()
    put("foreign", "chunk 1 is another message's",
        data[:at[1]] + other[at[1]:at[2]] + data[at[2]:], CHUNK)
    put("zero", "chunk 0 of zeros",
        data[:at[0]] + bytes(16400) + data[at[1]:], 0)


def recognition():
    whole = built("claim")

    def put(name, claimed, comment, data):
        OUT.put("claim-" + name, [
            ("expect", "claimed" if claimed else "plaintext"),
            ("clause", "6.24"), ("kind", "claim"), ("comment", comment)],
            data)
    put("whole", True, "a sealed message", whole)
    for size in (1, 2, 3, 4, 7, 8):
        put("first-%d" % size, True, "the first %d bytes" % size,
            whole[:size])
    put("empty", False, "no byte at all", b"")
    put("mail", False, "a message", b"From: a@example.org\r\n\r\nx\r\n")
    put("short-2-bit", False, "2 bytes, the second wrong", b"\x8eX")
    put("short-wrong", False, "3 bytes without the first", b"RST")
    put("lf", True, "CR LF became LF: 5 bytes stand in their place",
        whole.replace(b"\r\n", b"\n", 1))
    put("crlf", True, "LF at 6 became CR LF: 6 bytes in their place",
        whole[:6] + b"\r" + whole[6:])
    put("text", False, "six bytes in their place, but neither 0 nor 6",
        b"xRST\r\nx\n" + bytes(60))
    put("no-first", True, "all but byte 0", b"x" + whole[1:])
    put("half-first", True, "bytes 0 to 3", whole[:4] + b"xxxx" + bytes(60))
    put("half-last", True, "bytes 4 to 7", b"xxxx" + whole[4:])
    put("three", False, "bytes 0 to 2", whole[:3] + b"xxxxx" + bytes(60))


# ---------------------------------------------------------------- keyrings

USER = b"alice@example.org"
U = hashlib.sha256(b"correct horse").digest()
APP = hashlib.sha256(b"an app password").digest()
CODE = Rng("code")(20)
ESCROW = Rng("escrow")(32)      # the private key


def ring(name, epochs=1, slots=("provider",), **more):
    """A Writer; the password's and the app's secret are U and APP."""
    writer = rf.Writer(Rng("keyring " + name), USER)
    for key, value in more.items():
        setattr(writer, key, value)
    for _ in range(epochs):
        writer.add_epoch()
    for slot in slots:
        add_slot(writer, slot)
    return writer


def add_slot(writer, kind, **more):
    if kind == "provider":
        writer.add_provider(**more)
    elif kind == "password":
        writer.add_password(U, **more)
    elif kind == "app":
        writer.add_salted(b"app", APP, **more)
    elif kind == "escrow":
        writer.add_escrow(rf.public_of(ESCROW), **more)
    else:
        writer.add_salted(b"recovery", CODE, **more)


def doc(expect, name, clause, comment, text, writer, unlock="provider",
        owner=USER, keys=None, given=None):
    fields = [("expect", expect), ("clause", clause), ("kind", "keyring"),
              ("comment", comment)]
    if owner is not None:
        fields.append(("owner", owner.hex()))
    keys = [writer.provider_key] if keys is None else keys
    fields += [("provider-key", key.hex()) for key in keys]
    fields.append(("unlock", unlock))
    if unlock == "secret":
        fields.append(("secret", (given or U).hex()))
    if unlock == "recovery":
        fields.append(("code", (given or CODE).hex()))
    if unlock == "escrow":
        fields.append(("private", (given or ESCROW).hex()))
    if expect == "ok":
        fields.append(("generation", writer.generation))
        if unlock != "none":
            fields += [("epoch", "%d %s %s" % (n, private.hex(), psk.hex()))
                       for n, private, psk, _ in writer.epochs]
    prefix = "keyring-ok-" if expect == "ok" else expect + "-"
    OUT.put(prefix + name, fields, text)


def keyrings_good():
    def put(name, comment, writer, clause="9.1", **more):
        doc("ok", name, clause, comment, writer.text(), writer, **more)
    put("provider", "provider mode", ring("good"), "8.8")
    put("password", "password mode", ring("pw", slots=("password",)), "8.7",
        unlock="secret")
    put("locked", "password mode, loaded and not unlocked",
        ring("locked", slots=("password",)), "8.8", unlock="none")
    put("app", "an app slot", ring("app", slots=("app",)), "8.7",
        unlock="secret", given=APP)
    put("recovery", "a recovery slot", ring("rec", slots=("recovery",)),
        "8.7", unlock="recovery")
    put("app-then-password", "app slots fail, the password slot opens",
        ring("order", slots=("password", "app", "app")), "9.14",
        unlock="secret")
    writer = ring("two recovery", slots=())
    writer.add_salted(b"recovery", Rng("lost code")(20))
    add_slot(writer, "recovery")
    put("second-recovery", "the second recovery slot opens", writer, "9.14",
        unlock="recovery")
    put("no-provider-key", "a backup and a recovery code",
        ring("backup", slots=("provider", "recovery")), "9.15",
        unlock="recovery", keys=[], owner=None)
    keyrings_replacing(put)
    keyrings_escrow(put)
    writer = ring("three", epochs=3, slots=("provider", "recovery"))
    writer.epochs[0][2] = Rng("old psk")(32)
    put("three-epochs", "the first epoch's psk is of an older host key",
        writer, "9.13")
    writer = ring("gaps", slots=())
    add_slot(writer, "app", count=3)
    add_slot(writer, "provider", count=rf.NUMBER_MAX, created=rf.BIG_MAX)
    put("gaps", "slot numbers with gaps, up to the largest", writer, "7.13")
    put("slots-64", "64 slots", ring(
        "64", slots=("provider",) + ("recovery",) * 63), "7.13")
    put("owner-escapes", "owner with bytes of every kind",
        ring("esc", owner=b"\xc3\xa4 b%c/d\\\"'\x7f\x01ns:"), "7.11",
        owner=b"\xc3\xa4 b%c/d\\\"'\x7f\x01ns:")
    put("owner-1024", "the longest owner", ring("long", owner=b"a" * 1024),
        "7.11", owner=b"a" * 1024)
    put("largest-numbers", "the largest generation, policy sealed",
        ring("big", generation=rf.BIG_MAX, policy=b"sealed"), "7.6")
    old = ring("old key")
    put("old-provider-key", "wrapped by the second of two keys held", old,
        "9.3", keys=[Rng("new key")(32), old.provider_key])
    writer = largest(rf.DOC_MAX)
    put("largest", "a document of 65536 bytes", writer, "7.2",
        owner=writer.owner)


def keyrings_replacing(put):
    """One password takes the place of another."""
    new = hashlib.sha256(b"battery staple").digest()
    writer = ring("two passwords", slots=("password",))
    writer.add_password(new)
    put("two-passwords-later", "the later of two passwords opens", writer,
        "7.13", unlock="secret", given=new)
    put("two-passwords-earlier", "the earlier of two passwords opens",
        writer, "9.14", unlock="secret")
    writer = ring("two costs", slots=("password",))
    writer.add_password(new, 11, kek=Rng("kek")(32))
    put("two-passwords-limit", "the later one costs too much, the earlier "
        "opens", writer, "9.14", unlock="secret")


def keyrings_escrow(put):
    put("escrow", "an escrow slot", ring("esc", slots=("password", "escrow")),
        "8.14", unlock="escrow")
    put("escrow-no-provider-key", "a backup and an escrow key",
        ring("esc backup", slots=("escrow", "provider")), "9.15",
        unlock="escrow", keys=[])
    writer = ring("two escrow", slots=())
    writer.add_escrow(OTHER.public())
    add_slot(writer, "escrow")
    put("second-escrow", "the second escrow slot is for the key", writer,
        "9.14", unlock="escrow")
    writer = ring("escrow again", slots=())
    writer.add_escrow(rf.public_of(ESCROW), sealed=bytes(80))
    add_slot(writer, "escrow")
    put("escrow-again", "the first escrow slot for the key fails, the second "
        "opens", writer, "9.14", unlock="escrow")


_largest = None


def largest(size):
    """A sound document of exactly this size."""
    global _largest
    _largest = _largest or ring("largest", epochs=395)
    _largest.owner = b"a"
    base = len(_largest.text())
    _largest.owner = b"a" * (size - base + 1)
    return _largest


def doc_text():
    """7.2 to 7.4."""
    writer = ring("text")
    text = writer.text()

    def put(gate, name, comment, changed, clause):
        doc(gate, name, clause, comment, changed, writer)
    put("doc-size", "empty", "no byte at all", b"", "7.2")
    big = largest(rf.DOC_MAX + 1)
    doc("doc-size", "65537", "7.2", "65537 bytes, sound but for that",
        big.text(), big, owner=big.owner)
    lines = writer.lines()

    def line(name, comment, change):
        put("doc-line", name, comment, change, "7.3")

    def edit(at, change):
        return writer.text(lines[:at] + [change(lines[at])]
                           + lines[at + 1:])
    line("crlf", "a line ends with CR LF", edit(4, lambda x: x + b"\r"))
    line("tab", "a tab for a space",
         edit(4, lambda x: x.replace(b" ", b"\t")))
    line("nul", "a NUL", edit(3, lambda x: x + b"\0"))
    line("8-bit", "a byte over 7E", edit(3, lambda x: x + b"\x80"))
    line("del", "a DEL", edit(3, lambda x: x + b"\x7f"))
    line("empty", "an empty line", writer.text(lines[:4] + [b""]
                                               + lines[4:]))
    line("empty-first", "an empty first line", b"\n" + text)
    line("empty-last", "an empty last line", text + b"\n")
    line("leading", "a leading space", edit(4, lambda x: b" " + x))
    line("trailing", "a trailing space", edit(4, lambda x: x + b" "))
    line("two-spaces", "two spaces together",
         edit(4, lambda x: x.replace(b" ", b"  ")))
    line("no-lf", "no LF at the end", text[:-1])
    line("bom", "a byte order mark", b"\xef\xbb\xbf" + text)
    for name, first in (("2", b"roost-keyring 2"),
                        ("01", b"roost-keyring 01"),
                        ("none", b"roost-keyring"),
                        ("case", b"Roost-keyring 1"),
                        ("more", b"roost-keyring 1 1")):
        put("doc-version", name, "first line " + first.decode(),
            edit(0, lambda x: first), "7.4")


def doc_records():
    writer = ring("records", epochs=2, slots=("provider", "recovery"))
    lines = writer.lines()
    text = writer.text()
    # 0 version 1 id 2 identity 3 owner 4 generation 5 policy 6 host
    # 7,8 epoch 9,10 slot 11 secrets

    def put(gate, name, comment, changed, clause="7.7"):
        doc(gate, name, clause, comment, changed, writer)

    def rec(name, comment, new):
        put("doc-record", name, comment, writer.text(new))
    rec("unknown", "an unknown record", lines[:5] + [b"colour blue"]
        + lines[5:])
    rec("comment", "a comment", lines[:1] + [b"# mine"] + lines[1:])
    rec("case", "a record in upper case", lines[:1] + [
        lines[1].replace(b"id", b"ID", 1)] + lines[2:])
    rec("missing-id", "no id", lines[:1] + lines[2:])
    rec("missing-identity", "no identity", lines[:2] + lines[3:])
    rec("two-identities", "two identity records", lines[:3] + lines[2:])
    rec("missing-policy", "no policy", lines[:5] + lines[6:])
    rec("missing-secrets", "no secrets", lines[:11])
    rec("repeated", "two policy records", lines[:6] + lines[5:])
    rec("two-hosts", "two host records", lines[:5] + lines[6:7] + lines[6:])
    rec("order", "policy before generation",
        lines[:4] + [lines[5], lines[4]] + lines[6:])
    rec("slot-after-secrets", "secrets before the last slot",
        lines[:10] + [lines[11], lines[10]])
    rec("epoch-after-slot", "an epoch after the slots",
        lines[:8] + lines[9:11] + [lines[8], lines[11]])
    at = text.rindex(b"provider-mac")
    put("doc-record", "missing-provider-mac", "no provider-mac", text[:at])
    at = text.rindex(b"owner-sig")
    put("doc-record", "missing-owner-sig", "no owner-sig",
        text[:at] + text[text.rindex(b"provider-mac"):])
    put("doc-record", "after-last", "a line after the last",
        text + b"policy open\n")
    put("doc-record", "cut", "only the first line", text[:text.index(b"\n")
                                                         + 1])

    def sub(gate, name, comment, clause, at, old, new):
        assert old in lines[at], (name, lines[at])
        changed = lines[:at] + [lines[at].replace(old, new, 1)] \
            + lines[at + 1:]
        put(gate, name, comment, writer.text(changed), clause)

    def field(name, comment, at, old, new):
        sub("doc-field", name, comment, "7.8", at, old, new)
    field("policy-word", "an unknown policy", 5, b"open", b"closed")
    field("policy-case", "a policy in upper case", 5, b"open", b"Open")
    field("policy-two", "two fields for one", 5, b"open", b"open sealed")
    field("no-value", "a record without its field", 4, b" 1", b"")
    field("identity-curve", "another kind of identity", 2, b"ed25519",
          b"ed448")
    field("identity-bare", "an identity without its kind", 2, b"ed25519 ",
          b"")
    field("identity-more", "a third field of identity", 2, b"ed25519",
          b"ed25519 1")
    field("curve", "another kind of key", 7, b"x25519", b"x448")
    field("slot-word", "an unknown slot type", 10, b"recovery", b"member")
    field("slot-fields", "a provider slot with a salt", 9, b"provider",
          b"provider 1")
    field("slot-short", "a recovery slot without its salt", 10,
          lines[10].split(b" ")[4] + b" ", b"")
    escrow = ring("escrow text", slots=("provider", "escrow"))

    def line(expect, name, comment, clause, old, new):
        parts = escrow.lines()
        assert old in parts[9]
        parts[9] = parts[9].replace(old, new, 1)
        doc(expect, name, clause, comment, escrow.text(parts), escrow)
    public, sealed = escrow.lines()[9].split(b" ")[5:]
    line("doc-field", "escrow-curve", "another kind of escrow key", "7.8",
         b"x25519", b"x448")
    line("doc-field", "escrow-bare", "an escrow slot without its kind", "7.8",
         b"x25519 ", b"")
    line("doc-field", "escrow-more", "an eighth field of an escrow slot",
         "7.8", b"x25519", b"x25519 1")
    for size in 31, 33:
        line("doc-base64", "escrow-key-%d" % size,
             "an escrow key of %d bytes" % size, "7.10", public,
             b64(bytes(size)))
    for size in 60, 79, 81:
        line("doc-base64", "escrow-sealed-%d" % size,
             "%d bytes sealed to the escrow key" % size, "7.10", sealed,
             b64(bytes(size)))
    field("host-more", "a third field of host", 6, b"host", b"host 1")
    field("owner-space", "a space in the owner", 3, b"alice", b"alice b")

    def num(name, comment, at, old, new):
        sub("doc-number", name, comment, "7.9", at, old, new)
    num("generation-0", "generation 0", 4, b" 1", b" 0")
    num("generation-max", "generation 2^53", 4, b" 1", b" 9007199254740992")
    num("leading-zero", "a leading zero", 4, b" 1", b" 01")
    num("plus", "a sign", 4, b" 1", b" +1")
    num("minus", "a negative number", 4, b" 1", b" -1")
    num("hex", "a hexadecimal number", 4, b" 1", b" 0x1")
    num("letter", "a digit and a letter", 4, b" 1", b" 1a")
    num("huge", "30 digits", 4, b" 1", b" 1" + b"0" * 29)
    num("wrap-64", "2^64 + 1", 4, b" 1", b" 18446744073709551617")
    num("created-max", "created 2^53", 7, b"1700000000",
        b"9007199254740992")
    num("created-zeros", "created 00", 9, b"1700000000", b"00")
    num("epoch-0", "epoch 0", 7, b"epoch 1", b"epoch 0")
    num("epoch-max", "epoch 2^31", 8, b"epoch 2", b"epoch 2147483648")
    num("slot-0", "slot 0", 9, b"slot 1", b"slot 0")
    num("slot-max", "slot 2^31", 10, b"slot 2", b"slot 2147483648")
    num("slot-wrap-32", "slot 2^32 + 2", 10, b"slot 2", b"slot 4294967298")

    def base(name, comment, at, change):
        head, _, last = lines[at].rpartition(b" ")
        put("doc-base64", name, comment, writer.text(
            lines[:at] + [head + b" " + change(last)] + lines[at + 1:]),
            "7.10")
    base("padding", "padding", 1, lambda x: x + b"==")
    base("short", "one character less", 1, lambda x: x[:-1])
    base("long", "one character more", 1, lambda x: x + b"A")
    base("url", "the URL alphabet", 6, lambda x: b"-" + x[1:])
    base("percent", "a byte outside of the alphabet", 6,
         lambda x: b"%" + x[1:])
    base("unused-bits", "an unused bit is set", 1,
         lambda x: x[:-1] + bytes([x[-1] + 1]))
    base("wrap-59", "a wrap of 59 bytes", 9, lambda x: b64(bytes(59)))
    base("wrap-61", "a wrap of 61 bytes", 10, lambda x: b64(bytes(61)))
    base("secrets-one", "secrets for one epoch where there are two", 11,
         lambda x: b64(bytes(60 + 68)))
    base("secrets-three", "secrets for three epochs where there are two",
         11, lambda x: b64(bytes(60 + 204)))
    sub("doc-base64", "key-31", "a public key of 31 bytes", "7.10", 7,
        lines[7].split(b" ")[3], b64(bytes(31)))
    sub("doc-base64", "salt-15", "a salt of 15 bytes", "7.10", 10,
        lines[10].split(b" ")[4], b64(bytes(15)))
    base("secrets-no-seed", "secrets without the identity's seed", 11,
         lambda x: b64(bytes(28 + 136)))
    base("identity-31", "an identity of 31 bytes", 2,
         lambda x: b64(bytes(31)))
    base("identity-33", "an identity of 33 bytes", 2,
         lambda x: b64(bytes(33)))
    put("doc-base64", "owner-sig", "an owner-sig of 63 bytes",
        text[:text.rindex(b"owner-sig")] + b"owner-sig " + b64(bytes(63))
        + b"\n" + text[text.rindex(b"provider-mac"):], "7.10")
    put("doc-base64", "provider-mac", "a provider-mac of 33 bytes",
        text[:text.rindex(b"provider-mac")] + b"provider-mac "
        + b64(bytes(33)) + b"\n", "7.10")

    def owner(name, comment, new):
        sub("doc-owner", name, comment, "7.11", 3, b"alice", new)
    owner("bare", "a byte that had to be escaped", b"al/ice")
    owner("lower", "lower-case hexadecimal", b"al%2fice")
    owner("needless", "an escaped byte that stands for itself", b"%61lice")
    owner("not-hex", "a percent sign and other letters", b"al%2Gice")
    owner("nul", "an escaped NUL", b"al%00ice")
    owner("bare-percent", "a percent sign", b"al%ice")
    sub("doc-owner", "cut", "ends within an escape", "7.11", 3, b".org",
        b".org%2")
    sub("doc-owner", "cut-percent", "ends with a percent sign", "7.11", 3,
        b".org", b".org%")
    sub("doc-owner", "1025", "1025 bytes", "7.11", 3, USER, b"a" * 1025)

    def sure(gate, name, comment, new, clause):
        put(gate, name, comment, writer.text(new), clause)
    sub("doc-epoch", "from-2", "epochs begin at 2", "7.12", 7, b"epoch 1",
        b"epoch 2")
    sub("doc-epoch", "gap", "epoch 3 after epoch 1", "7.12", 8, b"epoch 2",
        b"epoch 3")
    sub("doc-epoch", "twice", "epoch 1 twice", "7.12", 8, b"epoch 2",
        b"epoch 1")
    sure("doc-epoch", "descending", "epoch 2 before epoch 1",
         lines[:7] + [lines[8], lines[7]] + lines[9:], "7.12")
    sure("doc-epoch", "none", "no epoch", lines[:7] + lines[9:], "7.12")
    many = [b"epoch %d x25519 " % (n + 1) + lines[7].split(b" ")[3] + b" 0"
            for n in range(433)]
    sure("doc-epoch", "433", "433 epochs: their secrets cannot fit",
         lines[:7] + many + lines[9:], "7.12")
    sure("doc-slot", "descending", "slot 2 before slot 1",
         lines[:9] + [lines[10], lines[9], lines[11]], "7.13")
    sub("doc-slot", "twice", "slot 1 twice", "7.13", 10, b"slot 2",
        b"slot 1")
    sure("doc-slot", "none", "no slot", lines[:9] + lines[11:], "7.13")
    full = ring("65", slots=("provider",) + ("recovery",) * 64)
    doc("doc-slot", "65", "7.13", "65 slots", full.text(), full)
    three = ring("pair", slots=("password", "provider", "password"))
    add_slot(three, "password")
    doc("doc-slot", "three-passwords", "7.13", "three password slots",
        three.text(), three)


def loading():
    writer = ring("loading", slots=("provider", "recovery"))
    text, lines = writer.text(), writer.lines()

    def put(gate, name, clause, comment, changed, **more):
        doc(gate, name, clause, comment, changed, writer, **more)
    put("owner", "other", "9.2", "another user's", text,
        owner=b"bob@example.org")
    put("owner", "prefix", "9.2", "the user's name is a prefix", text,
        owner=USER[:-1])
    put("owner", "longer", "9.2", "the user's name is longer", text,
        owner=USER + b"x")
    put("owner", "case", "9.2", "another case", text,
        owner=b"Alice@example.org")
    stranger = Rng("stranger")(32)
    put("provider-key", "other", "9.3", "another provider key", text,
        keys=[stranger])
    put("provider-key", "bit", "9.3", "one bit of the provider key", text,
        keys=[flip(writer.provider_key, 31)])
    put("provider-key", "two-others", "9.3", "two other provider keys", text,
        keys=[stranger, flip(stranger, 0)])
    changed = lines[:6] + [b"host " + b64(rf.provider_key_id(stranger)) + b" "
                           + lines[6].split(b" ")[2]] + lines[7:]
    put("host-auth", "other-id", "9.4", "another key's id before the wrap",
        writer.text(changed), keys=[stranger])

    def host(name, comment, change):
        words = lines[6].split(b" ")
        raw = rf.un_b64(words[2], 60)
        new = words[0] + b" " + words[1] + b" " + b64(change(raw))
        put("host-auth", name, "9.4", comment,
            writer.text(lines[:6] + [new] + lines[7:]))
    host("nonce", "one bit of the nonce", lambda x: flip(x, 0))
    host("ciphertext", "one bit of the ciphertext", lambda x: flip(x, 20))
    host("tag", "one bit of the tag", lambda x: flip(x, 59))
    near = rf.Writer(Rng("near"), USER, writer.provider_key)
    near.add_epoch()
    near.add_provider()
    put("host-auth", "foreign", "9.4", "the host line of another keyring",
        writer.text(lines[:6] + [near.host_line()] + lines[7:]))
    mallory = b"mallory@example.org"
    put("host-auth", "owner", "9.4", "the owner's line was exchanged",
        writer.text(lines[:3] + [b"owner " + mallory] + lines[4:]),
        owner=mallory)
    put("host-auth", "id", "9.4", "the id was exchanged",
        writer.text(lines[:1] + [b"id " + b64(near.id)] + lines[2:]))

    def pmac(name, comment, old, new):
        assert old in text
        put("provider-mac", name, "9.5", comment, text.replace(old, new, 1))
    pmac("policy", "the policy was changed", b"policy open",
         b"policy sealed")
    pmac("generation", "the generation was changed", b"generation 1",
         b"generation 2")
    pmac("public-key", "the public key was swapped",
         lines[7].split(b" ")[3], b64(OTHER.public()))
    pmac("slot-removed", "a slot was removed", lines[9] + b"\n", b"")
    at = text.index(b"owner-sig ") + len("owner-sig ")
    pmac("owner-sig", "the owner-sig was changed", text[at:at + 86],
         b64(bytes(64)))
    pmac("identity", "the identity was changed", lines[2].split(b" ")[2],
         b64(near.identity))
    put("provider-mac", "bit", "9.5", "one bit of the provider-mac",
        edit_last(text, lambda x: flip(x, 31)))
    put("provider-mac", "zero", "9.5", "a provider-mac of zeros",
        edit_last(text, lambda x: bytes(32)))
    put("provider-mac", "other-host-key", "9.5",
        "signed with another host key", rf.sign(lines, writer.seed,
                                                near.host_key))
    identities()


def edit_last(text, change):
    at = text.rindex(b" ") + 1
    return text[:at] + b64(change(rf.un_b64(text[at:-1], 32))) + b"\n"


def unlocking():
    doc("no-slot", "provider", "9.8", "password mode, nobody there",
        ring("ns1", slots=("password", "app", "recovery")).text(),
        ring("ns1", slots=("password", "app", "recovery")))
    writer = ring("ns2", slots=("provider", "recovery"))
    doc("no-slot", "secret", "9.8", "neither app nor password slot",
        writer.text(), writer, unlock="secret")
    writer = ring("ns3", slots=("provider", "app"))
    doc("no-slot", "recovery", "9.8", "no recovery slot", writer.text(),
        writer, unlock="recovery")
    doc("no-slot", "escrow", "9.8", "no escrow slot", writer.text(), writer,
        unlock="escrow")
    writer = ring("ns4", slots=("provider", "escrow"))
    doc("no-slot", "escrow-other", "9.8", "an escrow slot for another key",
        writer.text(), writer, unlock="escrow", given=Rng("no escrow")(32))
    for name, t, m in (("t-0", 0, 8192), ("t-11", 11, 8192),
                       ("m-8191", 1, 8191), ("m-131073", 1, 131073),
                       ("m-max", 1, rf.NUMBER_MAX), ("m-0", 1, 0)):
        writer = ring("argon " + name, slots=("provider",))
        writer.add_password(U, t, m, kek=Rng("kek")(32))
        doc("argon2-limit", name, "9.9", "t %d, m %d" % (t, m),
            writer.text(), writer, unlock="secret")
    no_provider_key()
    slot_auth()
    escrow_auth()
    signatures()
    secrets_and_keys()


def no_provider_key():
    """9.15: provider and password slots count as absent."""
    def put(gate, name, comment, slots, unlock, given=None):
        writer = ring("no key " + name, slots=slots)
        doc(gate, name, "9.15", comment, writer.text(), writer, unlock=unlock,
            keys=[], given=given)
    put("no-slot", "no-provider-key", "a provider slot and no provider key",
        ("provider", "recovery"), "provider")
    put("no-slot", "no-pepper", "a password slot and no provider key",
        ("password", "recovery"), "secret")
    put("slot-auth", "app-no-pepper",
        "the app slot fails, the password slot lacks its pepper",
        ("app", "password"), "secret")
    put("ok", "app-no-provider-key", "a backup and an app password",
        ("password", "app"), "secret", APP)
    writer = ring("no key owner", slots=("recovery",))
    doc("owner", "no-provider-key", "9.2", "a backup of another user's",
        writer.text(), writer, unlock="recovery", keys=[],
        owner=b"bob@example.org")


def slot_auth():
    writer = ring("slots", slots=("provider", "password", "app", "recovery"))
    lines = writer.lines()
    for name, unlock, given, comment in (
            ("wrong-password", "secret", hashlib.sha256(b"no").digest(),
             "another password"),
            ("wrong-code", "recovery", Rng("no code")(20),
             "another recovery code"),
            ("code-bit", "recovery", flip(CODE, 19),
             "one bit of the recovery code")):
        doc("slot-auth", name, "9.10", comment, writer.text(), writer,
            unlock=unlock, given=given)
    doc("slot-auth", "code-as-secret", "10.2",
        "a right code, but not of this keyring", writer.text(), writer,
        unlock="recovery", given=Rng("foreign code")(20))

    def put(name, comment, at, old, new, unlock, given=None):
        assert old in lines[at]
        doc("slot-auth", name, "9.10", comment, writer.text(
            lines[:at] + [lines[at].replace(old, new, 1)] + lines[at + 1:]),
            writer, unlock=unlock, given=given)
    put("created", "the created of the slot was changed", 8, b"1700000000",
        b"1700000001", "provider")
    put("number", "the number of the slot was changed", 11, b"slot 4",
        b"slot 5", "recovery")
    put("type", "an app slot became a recovery slot", 10, b"app",
        b"recovery", "recovery", Rng("x")(20))
    put("t", "the cost was changed", 9, b"argon2id 1", b"argon2id 2",
        "secret")
    put("m", "the memory was changed", 9, b"8192", b"8193", "secret")
    salt = lines[11].split(b" ")[4]
    put("salt", "the salt was changed", 11, salt,
        b64(flip(rf.un_b64(salt, 16), 3)), "recovery")
    last = lines[8].split(b" ")[-1]
    for name, at in (("nonce", 0), ("ciphertext", 30), ("tag", 59)):
        put("wrap-" + name, "one bit of the wrap", 8, last,
            b64(flip(rf.un_b64(last, 60), at)), "provider")
    other = ring("slots 2", slots=("provider",))
    put("foreign", "the provider slot of another keyring", 8, lines[8],
        other.lines()[8], "provider")
    bare = ring("no pepper", slots=())
    salt = ring("no pepper", slots=()).rng(16)      # the one bare draws next
    bare.add_password(U, kek=rf.argon2id(U, salt, 1, 8192))
    doc("slot-auth", "no-pepper", "9.10", "Argon2id without the pepper",
        bare.text(), bare, unlock="secret")
    two = ring("second provider", slots=("provider", "provider"))
    at = 8
    last = two.lines()[at].split(b" ")[-1]
    new = [line.replace(last, b64(flip(rf.un_b64(last, 60), 30)))
           for line in two.lines()]
    doc("slot-auth", "second-provider", "9.14",
        "the first provider slot fails, no second is tried", two.text(new),
        two)


def escrow_auth():
    """An escrow slot with one defect each."""
    writer = ring("escrow slot", slots=("provider", "escrow"))
    lines = writer.lines()
    line, _, sealed = lines[9].rpartition(b" ")
    sealed = rf.un_b64(sealed, 80)

    def put(name, comment, new):
        doc("slot-auth", "escrow-" + name, "9.10", comment,
            writer.text(lines[:9] + [new] + lines[10:]), writer,
            unlock="escrow")

    def put_sealed(name, comment, new):
        put(name, comment, line + b" " + b64(new))
    for name, at in (("enc", 0), ("ciphertext", 40), ("tag", 79)):
        put_sealed(name, "one bit of what is sealed", flip(sealed, at))
    put_sealed("zero", "an enc of zeros gives a secret of zeros",
               bytes(32) + sealed[32:])
    put("created", "the created of the slot was changed",
        lines[9].replace(b"1700000000", b"1700000001"))
    put("number", "the number of the slot was changed",
        lines[9].replace(b"slot 2", b"slot 3"))
    put("foreign", "the escrow slot of another keyring",
        ring("escrow slot 2", slots=("provider", "escrow")).lines()[9])
    public, ephemeral = rf.public_of(ESCROW), Rng("escrow ephemeral")(32)
    enc = rf.public_of(ephemeral)
    secret = rf.kem_secret(rf.shared_secret(ephemeral, public), enc, public)
    aad = writer.id + line
    for name, comment, info, mode, more in (
            ("mode", "sealed in mode_psk", b"roost/v1 escrow\0" + aad, 1,
             b""),
            ("label", "another label", b"roost/v1 stanza\0" + aad, 0, b""),
            ("info", "the line is AAD instead of info",
             b"roost/v1 escrow\0", 0, aad),
            ("no-id", "the keyring's id is missing",
             b"roost/v1 escrow\0" + line, 0, b"")):
        key, nonce = rf.key_schedule(secret, info, b"", b"", mode=mode)
        put_sealed(name, comment, enc + rf.AESGCM(key).encrypt(
            nonce, writer.master, more))
    put("to-other", "sealed to another key than the line names",
        line + b" " + b64(rf.seal_escrow(OTHER.public(), aad, writer.master,
                                         ephemeral)))


def identities():
    """9.6: the document is right in itself, its id is another."""
    writer, other = ring("identities", slots=("provider", "recovery")), \
        ring("identities 2")

    def put(name, comment, new, **more):
        victim = ring("identities", slots=("provider", "recovery"), id=new)
        doc("identity", name, "9.6", comment, victim.text(), victim, **more)
    digest = hashlib.sha256(b"roost keyring\0" + writer.identity).digest()
    put("other", "the id of another keyring", other.id)
    put("bit", "one bit of the id", flip(writer.id, 0))
    put("last-bit", "the last bit of the id", flip(writer.id, 15, 128))
    put("zero", "an id of zeros", bytes(16))
    put("second-half", "the other half of the hash", digest[16:])
    put("no-label", "hashed without its label",
        hashlib.sha256(writer.identity).digest()[:16])
    put("key-itself", "the first bytes of the public key",
        writer.identity[:16])
    put("no-provider-key", "a backup and a recovery code", other.id,
        keys=[], unlock="recovery")


def signatures():
    """9.7: the provider's mac is right, the owner's signature is not."""
    writer = ring("macs", epochs=2, slots=("provider", "recovery"))
    lines = writer.lines()
    good = writer.text().split(b"\n")[-3]

    def put(name, comment, new=lines, owner_sig=good, **more):
        text = b"".join(line + b"\n" for line in new + [owner_sig])
        text += b"provider-mac " + b64(rf.mac(
            writer.host_key, b"provider mac", text)) + b"\n"
        doc("owner-sig", name, "9.7", comment, text, writer, **more)
    put("public-key", "the newest public key was swapped",
        [line.replace(line.split(b" ")[3], b64(OTHER.public()))
         if line.startswith(b"epoch 2") else line for line in lines])
    put("created", "an epoch's created was changed",
        [line.replace(b"1700000000", b"1700000009")
         if line.startswith(b"epoch 2") else line for line in lines])
    put("slot-removed", "a slot was removed", lines[:10] + lines[11:])
    extra = ring("macs", epochs=2, slots=("provider", "recovery"))
    extra.add_salted(b"recovery", Rng("theirs")(20))
    added = lines[:11] + [extra.lines()[11]] + lines[11:]
    put("slot-added", "a slot was added", added)
    put("no-provider-key", "a slot was added, and no provider key is at hand",
        added, keys=[], unlock="recovery")
    put("locked", "a slot was added, and nothing is unlocked", added,
        unlock="none")
    swapped = b"secrets " + b64(rf.wrap(
        rf.derive(writer.master, b"secrets"), rf.secrets_aad(writer.id),
        writer.secrets_plain(), Rng("nonce")(12)))
    put("secrets", "the secrets were wrapped again", lines[:11] + [swapped])
    signature_bytes(put, writer, rf.un_b64(good.split(b" ")[1], 64))


def signature_bytes(put, writer, good):
    lines = writer.lines()

    def sig(name, comment, raw, **more):
        put(name, comment, owner_sig=b"owner-sig " + b64(raw), **more)
    text = rf.owner_text(lines)
    sig("bit", "one bit of its first half", flip(good, 0))
    sig("second-half", "one bit of its second half", flip(good, 40))
    sig("zero", "a signature of zeros", bytes(64))
    sig("other-seed", "signed by another identity",
        rf.ed25519_sign(Rng("another seed")(32), text))
    sig("no-label", "signed without its label",
        rf.ed25519_sign(writer.seed, text[text.index(b"\0") + 1:]))
    sig("other-label", "signed under another label",
        rf.ed25519_sign(writer.seed, b"roost/v1 secrets" +
                        text[text.index(b"\0"):]))
    order = (1 << 252) + 27742317777372353535851937790883648493
    high = int.from_bytes(good[32:], "little") + order
    sig("high", "its second half is not below the order", good[:32]
        + high.to_bytes(32, "little"))
    small_order()


def small_order():
    """With such an identity one signature fits every document."""
    neutral = (1).to_bytes(32, "little")
    for name, identity in (("small-order", neutral),
                           ("not-canonical", rf.ED_P.to_bytes(32, "little")),
                           ("one-again", (rf.ED_P + 1).to_bytes(32,
                                                                "little"))):
        writer = rf.Writer(Rng("small " + name), USER)
        writer.identity = identity
        writer.id = rf.keyring_id(identity)
        writer.add_epoch()
        writer.add_provider()
        text = b"".join(line + b"\n" for line in writer.lines()
                        + [b"owner-sig " + b64(neutral + bytes(32))])
        text += b"provider-mac " + b64(rf.mac(
            writer.host_key, b"provider mac", text)) + b"\n"
        doc("owner-sig", name, "8.13", "an identity that is no key", text,
            writer)


def secrets_and_keys():
    writer = ring("keys", epochs=2, slots=("provider",))
    lines = writer.lines()
    plain = writer.secrets_plain()

    def sealed(gate, name, clause, comment, raw, **more):
        doc(gate, name, clause, comment, writer.text(
            lines[:10] + [b"secrets " + b64(raw)]), writer, **more)
    nonce = Rng("secrets nonce")(12)
    key, aad = rf.derive(writer.master, b"secrets"), rf.secrets_aad(
        writer.id)
    right = rf.wrap(key, aad, plain, nonce)
    for name, at in (("nonce", 0), ("ciphertext", 50), ("tag", -1)):
        sealed("secrets", name, "9.11", "one bit of the wrap",
               flip(right, at))
    sealed("secrets", "aad", "9.11", "the AAD names another keyring",
           rf.wrap(key, rf.secrets_aad(OTHER.id), plain, nonce))
    sealed("secrets", "key", "9.11", "wrapped by another key",
           rf.wrap(rf.derive(writer.master, b"cache"), aad, plain, nonce))

    def keys(name, comment, new, **more):
        sealed("epoch-key", name, "9.13", comment,
               rf.wrap(key, aad, seed + new, nonce), **more)
    seed, one, two = plain[:32], plain[32:100], plain[100:]

    def identity_key(name, comment, new):
        sealed("identity-key", name, "9.12", comment,
               rf.wrap(key, aad, new + one + two, nonce))
    identity_key("bit", "one bit of the seed", flip(seed, 31))
    identity_key("zero", "a seed of zeros", bytes(32))
    identity_key("other", "another keyring's seed", Rng("another seed")(32))
    identity_key("public", "the public key in its place", writer.identity)
    identity_key("private", "an epoch's private key in its place", one[4:36])
    keys("private-bit", "one bit of the newest private key",
         one + flip(two, 10))
    keys("older-private", "one bit of the older private key",
         flip(one, 10) + two)
    keys("swapped", "the two epochs' secrets changed places", two + one)
    keys("number", "both numbers are 1", one + rf.u32(1) + two[4:])
    keys("number-0", "numbers count from 0",
         rf.u32(0) + one[4:] + rf.u32(1) + two[4:])
    keys("psk", "the newest psk is not of the host key",
         one + flip(two, 67))
    keys("psk-older", "the newest psk is the older epoch's",
         one + two[:36] + one[36:])


# ---------------------------------------------------------- code, key file

def code(expect, name, comment, text, clause="10.2"):
    fields = [("expect", expect), ("clause", clause), ("kind", "recovery"),
              ("comment", comment)]
    if expect == "ok":
        fields.append(("code", CODE.hex()))
        fields.append(("printed", rf.print_code(CODE).decode()))
    prefix = "code-ok-" if expect == "ok" else "code-typo-"
    OUT.put(prefix + name, fields, text)


def codes():
    text = rf.print_code(CODE)
    code("ok", "printed", "as it is printed", text, "10.1")
    code("ok", "lower", "lower case, without dashes",
         text.lower().replace(b"-", b""))
    likeness = text.replace(b"0", b"O").replace(b"1", b"l")
    assert likeness != text
    code("ok", "likeness", "O for 0, l for 1, spaces for dashes",
         b" " + likeness.replace(b"-", b" ") + b" ")

    def typo(name, comment, changed):
        code("code-typo", name, comment, changed)
    letters = rf.CROCKFORD
    other = letters[(letters.index(text[0]) + 1) % 32:][:1]
    typo("first", "the first character", other + text[1:])
    other = letters[(letters.index(text[-1]) + 1) % 32:][:1]
    typo("check", "the last character of the check", text[:-1] + other)
    at = next(i for i in range(30) if text[i] != text[i + 1]
              and b"-"[0] not in text[i:i + 2])
    typo("exchanged", "two characters changed places",
         text[:at] + text[at + 1:at + 2] + text[at:at + 1] + text[at + 2:])
    typo("short", "one character less", text[:-1])
    typo("long", "one character more", text + b"0")
    typo("no-check", "without the check", text[:-5])
    typo("empty", "nothing", b"")
    typo("u", "a U, which the alphabet leaves out", b"U" + text[1:])
    typo("dot", "a dot", text.replace(b"-", b".", 1))
    typo("lf", "a line end", text + b"\n")
    typo("8-bit", "a byte of 8 bits", b"\xce" + text[1:])
    typo("nul", "a NUL", text[:-1] + b"\0")


def key_files():
    key = Rng("key file")(32)

    def put(expect, name, comment, text):
        fields = [("expect", expect), ("clause", "10.3"),
                  ("kind", "key-file"), ("comment", comment)]
        if expect == "ok":
            fields.append(("key", key.hex()))
        OUT.put(("key-file-ok-" if expect == "ok" else "key-file-") + name,
                fields, text)
    text = key.hex().encode()
    put("ok", "lf", "as openssl rand -hex 32 prints it", text + b"\n")
    put("ok", "bare", "upper case, without line end", text.upper())
    put("ok", "crlf", "with CR LF", text + b"\r\n")
    for name, comment, changed in (
            ("empty", "nothing", b""),
            ("lf-only", "only a line end", b"\n"),
            ("63", "63 digits", text[:-1] + b"\n"),
            ("65", "65 digits", text + b"0\n"),
            ("two-lf", "two line ends", text + b"\n\n"),
            ("cr", "only CR at the end", text + b"\r"),
            ("space-after", "a space at the end", text + b" \n"),
            ("space-before", "a space at the front", b" " + text + b"\n"),
            ("prefix", "0x at the front", b"0x" + text + b"\n"),
            ("letter", "a letter that is no digit", text[:-1] + b"g\n"),
            ("raw", "32 raw bytes", key),
            ("base64", "base64", b64(key) + b"=\n"),
            ("nul", "a NUL after the digits", text + b"\0"),
            ("two-keys", "two keys", text + b"\n" + text + b"\n"),
            ("lf-first", "a line end at the front", b"\n" + text)):
        put("key-file", name, comment, changed)


def escrow_files():
    """10.4."""
    private = Rng("escrow file")(32)
    public = rf.public_of(private)

    def put(expect, name, which, comment, text, key=None):
        fields = [("expect", expect), ("clause", "10.4"),
                  ("kind", "escrow-file"), ("comment", comment),
                  ("which", which)]
        if expect == "ok":
            fields.append(("key", key.hex()))
        OUT.put(("escrow-file-ok-" if expect == "ok" else "escrow-file-")
                + name, fields, text)
    text = rf.print_escrow_file("public", public)
    hidden = rf.print_escrow_file("private", private)
    first, second = text[:-1].split(b"\n")
    put("ok", "public", "public", "a public key", text, public)
    put("ok", "private", "private", "a private key", hidden, private)
    put("ok", "crlf", "public", "with CR LF",
        text.replace(b"\n", b"\r\n"), public)
    put("ok", "no-end", "private", "without the last line end", hidden[:-1],
        private)
    for name, which, comment, changed in (
            ("swapped", "private", "a public key where a private one is "
             "needed", text),
            ("swapped-back", "public", "a private key where a public one is "
             "needed", hidden),
            ("empty", "public", "nothing", b""),
            ("one-line", "public", "the first line alone", first + b"\n"),
            ("no-kind", "public", "the key alone", second + b"\n"),
            ("three", "public", "a third line", text + b"x\n"),
            ("blank", "public", "an empty third line", text + b"\n"),
            ("blank-first", "public", "an empty first line", b"\n" + text),
            ("curve", "public", "another kind of key",
             text.replace(b"x25519", b"x448")),
            ("space", "public", "a space behind the kind",
             text.replace(b"x25519", b"x25519 ")),
            ("space-key", "public", "a space behind the key",
             text[:-1] + b" \n"),
            ("cut", "public", "one character of the key is missing",
             text[:-2] + b"\n"),
            ("long", "public", "one character more", text[:-1] + b"A\n"),
            ("padding", "public", "padding", text[:-1] + b"=\n"),
            ("bits", "public", "an unused bit is set",
             text[:-2] + bytes([text[-2] + 1]) + b"\n"),
            ("hex", "public", "hexadecimal digits", first + b"\n"
             + public.hex().encode() + b"\n"),
            ("cr", "public", "CR alone between the lines",
             first + b"\r" + second + b"\n"),
            ("end-cr", "public", "CR alone at the end", text[:-1] + b"\r"),
            ("nul", "public", "a NUL behind the key", text[:-1] + b"\0\n")):
        put("escrow-file", name, which, comment, changed)


# ------------------------------------------------------------------- blobs

MASTER = Rng("blob master")(32)
OBJECT_ID = Rng("blob object")(16)
DATA_KEY = Rng("blob data key")(32)
DATE = struct.pack(">qi", 1700000000, 60)
KEYS = Rng("blob saved keys")(76)
ITEMS = [(1, b"X-Ticket\n"), (2, b"Received\n"),
         (3, b"Subject: a canary\nX-Ticket: 7\n"), (4, b"NIL NIL"),
         (5, b'"text" "plain" NIL NIL NIL "7bit" 2 1'), (6, b"canary"),
         (7, bytes(range(16))), (8, DATE), (9, KEYS),
         (10, b"Subject: a canary\n")]
NEW_ITEMS = [item for item in ITEMS if item[0] != 9]


def blob(expect, name, clause, comment, data, opened=None, ring=RING,
         stands=None):
    """opened: (object id, data key, items); stands: beside a blob of this
    object id."""
    fields = [("expect", expect), ("clause", clause), ("kind", "blob"),
              ("comment", comment), ("keyring-id", ring.id.hex()),
              ("master", MASTER.hex())]
    fields += [("epoch", "%d %s %s" % (n, private.hex(), psk.hex()))
               for n, private, psk in ring.epochs]
    if stands is not None:
        fields.append(("beside", stands.hex()))
    if opened:
        fields.append(("object-id", opened[0].hex()))
        if opened[1] is not None:
            fields.append(("data-key", opened[1].hex()))
        fields += [("item", "%d %s" % (kind, text.hex() or "-"))
                   for kind, text in opened[2]]
    OUT.put("blob-%s-%s" % (expect.replace("blob-", ""), name), fields, data)


def padded(items, room=30627):
    """Items, or the bytes of some, as form 1 has them."""
    if not isinstance(items, bytes):
        items = rf.write_items(items)
    return rf.pad_items(items, room)


def own(items, form=1, ring_id=RING.id, object_id=OBJECT_ID, plain=None,
        data_key=DATA_KEY, key=None, sealed_ad=None):
    """A blob of form 1, right but for what is given."""
    ad = bytes([form]) + ring_id + object_id
    if plain is None:
        plain = data_key + padded(items)
    nonce = Rng("own nonce")(12)
    return ad + rf.wrap(key or rf.derive(MASTER, b"cache"),
                        ad if sealed_ad is None else sealed_ad, plain, nonce)


def header_of(name, make=None, ring=RING, **parts):
    """H and data key of a message, right but for what is given."""
    msg = Message("blob " + name, ring=ring)
    if make:
        msg.stanzas = make(msg)
    for key, value in parts.items():
        setattr(msg, key, value)
    msg.build()
    return msg.header, msg.data_key


def new(items, name="new", form=2, plain=None, key=None, sealed_ad=None,
        change=None, **parts):
    """A blob of form 2."""
    header, data_key = header_of(name, **parts)
    if change:
        header = change(header)
    ad = bytes([form]) + header
    if plain is None:
        plain = rf.pad_items(rf.write_items(items), rf.blob_room(ad))
    return ad + rf.wrap(key or rf.derive(data_key, b"blob"),
                        ad if sealed_ad is None else sealed_ad, plain,
                        Rng("new nonce")(12))


def beside(items, form=3, ring_id=RING.id, object_id=OBJECT_ID, plain=None,
           key=None, sealed_ad=None):
    """A blob of form 3, right but for what is given."""
    if plain is None:
        plain = padded(items, 30691)
    ids = ring_id + object_id
    return bytes([form]) + rf.wrap(
        key or rf.derive(MASTER, b"cache"),
        bytes([form]) + ids if sealed_ad is None else sealed_ad, plain,
        Rng("beside nonce")(12))


def blobs_good():
    def put_own(name, comment, items, clause="12.2", **more):
        blob("ok", "own-" + name, clause, comment, own(items, **more),
             (more.get("object_id", OBJECT_ID),
              more.get("data_key", DATA_KEY), items))

    def put_new(name, comment, items, clause="12.3", ring=RING, **more):
        _, data_key = header_of("new", ring=ring, **more)
        data = new(items, ring=ring, **more)
        blob("ok", "new-" + name, clause, comment, data,
             (data[33:49], data_key, items), ring)

    def put_beside(name, comment, items, clause="12.24", **more):
        stands = more.get("object_id", OBJECT_ID)
        blob("ok", "beside-" + name, clause, comment, beside(items, **more),
             (stands, None, items), stands=stands)
    empty = [(kind, b"") for kind in (*range(1, 8), 10)]
    odd = [(3, b"Subject: \0\n"), (7, b"\0\0")]
    for put, room, items in ((put_own, 30627, ITEMS),
                             (put_new, 30535, NEW_ITEMS),
                             (put_beside, 30691, NEW_ITEMS)):
        put("all", "every item", items)
        put("none", "no item", [])
        put("empty", "items that are there and empty", empty, "12.5")
        put("nul", "NUL in headers and parts", odd, "12.5")
        put("largest", "the largest: 30720 bytes",
            [(3, b"x" * (room - 5))], "12.8")
        for size in (64, 65, 1023, 1024, 1025, 2048, 2049, 28672, 28673):
            put("padded-%d" % size, "items of %d bytes" % size,
                [(3, b"x" * (size - 5))], "12.19")
    put_own("not-sealed", "of a message that is not sealed", ITEMS,
            object_id=bytes(16), data_key=bytes(32))
    put_beside("not-sealed", "of a message that is not sealed", NEW_ITEMS,
               object_id=bytes(16))
    put_new("epochs", "an unknown stanza before that of the newest epoch",
            NEW_ITEMS, "12.12", RING3,
            make=lambda m: [m.raw(9, 3), m.x25519(2), m.x25519(0)])


def blobs_form():
    def put(name, comment, data, clause="12.10"):
        blob("blob-form", name, clause, comment, data)
    put("empty", "nothing", b"")
    for form in (0, 4, 0x81, 255):
        put("%d" % form, "form %d, else as form 1" % form,
            own(ITEMS, form=form))
        put("%d-new" % form, "form %d, else as form 2" % form,
            new(NEW_ITEMS, form=form))
    whole = own(ITEMS)
    for size in (1, 17, 33, 45, 60):
        put("own-%d" % size, "the first %d bytes" % size, whole[:size])
    whole = new(NEW_ITEMS)
    for size in (1, 64, 65, 156, 157, 169, 184):
        put("new-%d" % size, "the first %d bytes" % size, whole[:size])
    whole = beside(NEW_ITEMS)
    for size in (1, 13, 28):
        put("beside-%d" % size, "the first %d bytes of form 3" % size,
            whole[:size])
    put("beside-long", "right, but 30721 bytes",
        beside([(3, b"x" * (30691 - 4))]), "12.8")
    put("own-long", "right, but 30721 bytes",
        own([(3, b"x" * (30627 - 4))]), "12.8")
    put("new-long", "right, but 30721 bytes",
        new([(3, b"x" * (30535 - 4))]), "12.8")
    for name, comment, parts in (
            ("magic", "a bit of the magic", {"magic": flip(rf.MAGIC, 3)}),
            ("version", "version 3", {"version": 3}),
            ("suite", "suite 2", {"suite": 2}),
            ("flag", "a critical flag", {"flags": 1}),
            ("reserved", "a reserved byte", {"reserved": flip(bytes(15),
                                                              14)})):
        put("header-" + name, comment, new(NEW_ITEMS, fixed_more=parts))
    for name, comment, parts in (
            ("count-0", "no stanza counted", {"count": 0}),
            ("count-2", "two stanzas counted, one there", {"count": 2}),
            ("table", "one byte left in the table", {"table_tail": b"\0"}),
            ("table-long", "a table of more than 16320 bytes",
             {"table_len": 16321}),
            ("role", "a stanza of role 2",
             {"make": lambda m: [m.x25519(role=2)]}),
            ("length", "a stanza of type 1 with 79 bytes",
             {"make": lambda m: [m.x25519(body=lambda b: b[:-1])]}),
            ("twice", "two stanzas of one key id",
             {"make": lambda m: [m.x25519(), m.x25519()]})):
        put("header-" + name, comment, new(NEW_ITEMS, **parts))


def blobs_keys():
    def put(expect, name, clause, comment, data, ring=RING):
        blob(expect, name, clause, comment, data, ring=ring)
    near = Ring("one")
    near.id = flip(RING.id, 15)
    put("other-keyring", "own", "12.11", "another keyring",
        own(ITEMS, ring_id=OTHER.id))
    put("other-keyring", "own-bit", "12.11", "one bit of the keyring id",
        own(ITEMS, ring_id=near.id))
    put("other-keyring", "own-zero", "12.11", "a keyring id of zeros",
        own(ITEMS, ring_id=bytes(16)))
    put("other-keyring", "new", "12.11", "another keyring",
        new(NEW_ITEMS, ring=OTHER))
    put("other-keyring", "new-bit", "12.11", "one bit of the keyring id",
        new(NEW_ITEMS, ring=near))
    stranger = OTHER.public()
    put("no-key", "stranger", "12.12", "a stanza for another key",
        new(NEW_ITEMS, make=lambda m: [m.x25519(public=stranger,
                                            kid=rf.key_id(stranger))]))
    put("no-key", "type", "12.12", "a stanza of unknown type with our id",
        new(NEW_ITEMS, make=lambda m: [m.raw(9, 80, rf.key_id(RING.public()))]))
    put("low-order", "zero", "12.12", "an all-zero shared secret",
        new(NEW_ITEMS, make=lambda m: [zero_secret(m, bytes(32))]))
    for name, comment, make in (
            ("bit", "a bit of the stanza",
             lambda m: [m.x25519(body=lambda b: flip(b, 79))]),
            ("psk", "sealed with the public key alone",
             lambda m: [m.x25519(psk=bytes(32))]),
            ("info", "a stanza of another header",
             lambda m: [m.x25519(fixed=flip(m.fixed(), 40))])):
        put("stanza-auth", name, "12.12", comment, new(NEW_ITEMS, make=make))
    put("stanza-auth", "older", "12.12",
        "the newest epoch's fails; an older one's would open",
        new(NEW_ITEMS, ring=RING3, make=lambda m: [
            m.x25519(0), m.x25519(2, body=lambda b: flip(b, 79))]), RING3)


def blobs_auth():
    def put(name, comment, data):
        blob("blob-auth", name, "12.13", comment, data,
             stands=OBJECT_ID if data[0] == 3 else None)
    for form, whole, ad, short in (("own", own(ITEMS), 33, 61),
                                   ("new", new(NEW_ITEMS), 157, 185),
                                   ("beside", beside(NEW_ITEMS), 1, 29)):
        for name, at in (("nonce", ad), ("nonce-last", ad + 11),
                         ("first", ad + 12), ("middle", ad + 40),
                         ("tag", len(whole) - 16), ("last", len(whole) - 1)):
            put("%s-%s" % (form, name), "one bit", flip(whole, at))
        put(form + "-cut", "the last byte is missing", whole[:-1])
        put(form + "-more", "one byte more", whole + b"\0")
        put(form + "-shortest", "as short as one can be", whole[:short])
        put(form + "-zero", "a tag of zeros", whole[:-16] + bytes(16))
    put("own-object", "one bit of the object id", flip(own(ITEMS), 17))
    put("own-object-last", "one bit of the object id", flip(own(ITEMS), 32))
    put("own-master", "under the master key itself", own(ITEMS, key=MASTER))
    put("own-label", "under the key of form 2",
        own(ITEMS, key=rf.derive(MASTER, b"blob")))
    put("own-secrets", "under another key of the master key",
        own(ITEMS, key=rf.derive(MASTER, b"secrets")))
    put("own-data-key", "under the data key's",
        own(ITEMS, key=rf.derive(DATA_KEY, b"blob")))
    ad = b"\1" + RING.id + OBJECT_ID
    for name, comment, sealed in (
            ("aad-none", "no AAD", b""),
            ("aad-form", "the AAD of another form", b"\2" + ad[1:]),
            ("aad-no-form", "an AAD without the form", ad[1:]),
            ("aad-ring", "an AAD without the object id", ad[:17]),
            ("aad-object", "the AAD of another message",
             ad[:17] + bytes(16))):
        put("own-" + name, comment, own(ITEMS, sealed_ad=sealed))
        if name != "aad-form":
            put("beside-" + name, comment, beside(
                NEW_ITEMS, sealed_ad=b"\3" + sealed[1:]
                if sealed[:1] == b"\1" else sealed))
    put("beside-aad-form", "the AAD of form 1", beside(NEW_ITEMS,
                                                       sealed_ad=ad))
    put("beside-aad-head", "what stands before the nonce as AAD",
        beside(NEW_ITEMS, sealed_ad=b"\3"))
    put("beside-aad-swapped", "the two ids in the other order",
        beside(NEW_ITEMS, sealed_ad=b"\3" + OBJECT_ID + RING.id))
    put("beside-ring", "beside a blob of another keyring",
        beside(NEW_ITEMS, ring_id=OTHER.id))
    put("beside-object", "beside the blob of another message",
        beside(NEW_ITEMS, object_id=bytes(16)))
    put("beside-object-bit", "one bit of the object id",
        beside(NEW_ITEMS, object_id=flip(OBJECT_ID, 15)))
    put("beside-form-1", "a blob of form 1 without what stands before the "
        "nonce", b"\3" + own(ITEMS)[33:])
    put("beside-master", "under the master key itself",
        beside(NEW_ITEMS, key=MASTER))
    put("beside-label", "under the key of form 2",
        beside(NEW_ITEMS, key=rf.derive(MASTER, b"blob")))
    put("beside-data-key", "under the data key's",
        beside(NEW_ITEMS, key=rf.derive(DATA_KEY, b"blob")))
    blob("blob-auth", "beside-nothing", "12.13",
         "right, but beside no blob of form 1", beside(NEW_ITEMS))
    header, data_key = header_of("new")
    put("new-key", "under the data key itself", new(NEW_ITEMS, key=data_key))
    put("new-label", "under the key of form 1",
        new(NEW_ITEMS, key=rf.derive(data_key, b"cache")))
    put("new-master", "under the cache key",
        new(NEW_ITEMS, key=rf.derive(MASTER, b"cache")))
    for name, comment, sealed in (
            ("aad-none", "no AAD", b""),
            ("aad-form", "the AAD of another form", b"\1" + header),
            ("aad-no-form", "an AAD without the form", header),
            ("aad-fixed", "only the fixed header as AAD",
             b"\2" + header[:64])):
        put("new-" + name, comment, new(NEW_ITEMS, sealed_ad=sealed))
    put("new-aad-more", "an AAD of one byte more",
        new(NEW_ITEMS, sealed_ad=b"\2" + header + b"\0"))
    put("new-flags", "a flag that may be ignored, not in the AAD",
        new(NEW_ITEMS, fixed_more={"flags": 1 << 16}, sealed_ad=b"\2" + header))

    def skipped(msg):
        return [msg.raw(9, 3), msg.x25519()]
    header, _ = header_of("new", skipped)
    put("new-skipped", "one bit in the body of a skipped stanza",
        new(NEW_ITEMS, make=skipped, change=lambda h: flip(h, 77),
            sealed_ad=b"\2" + header))


def items_wrong(items):
    """(name, comment, items that 12.14 refuses); of others, which are
    right."""
    def item(kind, data=b"", length=None):
        return bytes([kind]) + rf.u32(len(data) if length is None
                                      else length) + data
    for kind in (11, 12, 255):
        yield "type-%d" % kind, "an item of type %d" % kind, \
            padded(item(kind))
    yield "type-11-after", "a type too high after all others", \
        padded(rf.write_items(items) + item(11))
    yield "twice", "an item twice", padded(item(3, b"a\n") * 2)
    yield "twice-empty", "an empty item twice", padded(item(1) + item(1))
    yield "descending", "items in descending order", \
        padded(item(3, b"a\n") + item(2))
    yield "descending-later", "the last item belongs first", \
        padded(rf.write_items(items) + item(1))
    for size in (1, 2, 4):
        yield "head-%d" % size, "%d bytes of an item's head" % size, \
            item(1, b"a" * (59 - size)) + item(3)[:size]
    for name, length in (("1", 60), ("all", 0xFFFFFFFF), ("top", 0x8000003B),
                         ("2-24", 0x0100003B)):
        yield "length-" + name, "a length that runs past the end", \
            item(3, b"a" * 59, length)
    yield "less", "a length that ends one byte early", \
        padded(item(3, b"aa", 1))
    for size in (0, 11, 13, 24):
        yield "date-%d" % size, "a sent date of %d bytes" % size, \
            padded(item(8, (DATE + DATE)[:size]))
    for size in (0, 44, 75, 77):
        yield "keys-%d" % size, "saved keys of %d bytes" % size, \
            padded(item(9, (KEYS + KEYS)[:size]))
    for kind, name in ((4, "envelope"), (5, "structure"), (6, "preview")):
        for where, text in (("first", b"\0ab"), ("middle", b"a\0b"),
                            ("last", b"ab\0"), ("only", b"\0")):
            yield "nul-%s-%s" % (name, where), "a NUL", \
                padded(item(kind, text))


def padding_wrong():
    """(name, comment, items whose padding 12.19 has otherwise)."""
    plain = rf.write_items(ITEMS[3:4])
    right = padded(plain)
    yield "none", "no padding", plain
    yield "one", "one byte of padding", plain + b"\0"
    yield "less", "a byte less than there should be", right[:-1]
    yield "more", "a byte more than there should be", right + b"\0"
    yield "step", "a step more than there should be", right + bytes(64)
    yield "first", "a padding whose first byte is no zero", \
        plain + b"\xff" + right[len(plain) + 1:]
    yield "middle", "a byte of the padding is no zero", \
        flip(right, len(plain) + 9)
    yield "last", "the last byte of the padding is no zero", \
        flip(right, len(right) - 1)
    yield "empty", "no item and no padding", b""
    yield "item", "an item behind padding", \
        padded(plain + b"\0\x0a\0\0\0\0")


def blobs_content():
    for size in (0, 1, 31):
        blob("blob-content", "own-key-%d" % size, "12.14",
             "a plaintext of %d bytes" % size,
             own(None, plain=DATA_KEY[:size]))
    for name, comment, plain in items_wrong(ITEMS):
        blob("blob-content", "own-" + name, "12.14", comment,
             own(None, plain=DATA_KEY + plain))
    for name, comment, plain in items_wrong(NEW_ITEMS):
        blob("blob-content", "new-" + name, "12.14", comment,
             new(None, plain=plain))
        blob("blob-content", "beside-" + name, "12.14", comment,
             beside(None, plain=plain), stands=OBJECT_ID)
    for name, comment, plain in padding_wrong():
        for form, data in (("own", own(None, plain=DATA_KEY + plain)),
                           ("new", new(None, plain=plain)),
                           ("beside", beside(None, plain=plain))):
            blob("blob-content", "%s-padding-%s" % (form, name), "12.19",
                 comment, data,
                 stands=OBJECT_ID if form == "beside" else None)
    blob("blob-content", "own-no-key", "12.14", "items without a data key",
         own(None, plain=padded(ITEMS)))
    blob("blob-content", "new-key", "12.14", "a data key before the items",
         new(None, plain=padded(DATA_KEY + rf.write_items(NEW_ITEMS))))
    blob("blob-content", "new-saved", "12.14", "saved keys in form 2",
         new(ITEMS))
    blob("blob-content", "beside-saved", "12.14", "saved keys in form 3",
         beside(ITEMS), stands=OBJECT_ID)
    blob("blob-content", "beside-key", "12.14",
         "a data key before the items of form 3",
         beside(None, plain=DATA_KEY + padded(NEW_ITEMS)), stands=OBJECT_ID)


# -------------------------------------------------------- names of keywords

def token(expect, name, comment, text, clause, word=None):
    fields = [("expect", expect), ("clause", clause), ("kind", "token"),
              ("comment", comment), ("host-key", RING.host_key.hex()),
              ("keyring-id", RING.id.hex())]
    if expect == "ok":
        fields.append(("name", word.hex()))
    OUT.put(("token-ok-" if expect == "ok" else "token-") + name, fields,
            text)


def token_of(word, host_key=RING.host_key, aad=rf.TOKEN_LABEL + RING.id,
             key=None):
    """Of any bytes, even of a name that cannot exist, sealed as they are."""
    return rf.token_text(rf.siv_seal(key or rf.token_key(host_key), aad,
                                     word))


def spelled(word):
    return rf.seal_token(RING.host_key, RING.id, word)


def tokens_good():
    for size in (1, 4, 16, 255):
        word = (b"Divorce." * 32)[:size]
        token("ok", "%d" % size, "a name of %d bytes" % size,
              spelled(word), "13.3", word)
    for name, word in (("8-bit", "R\u00c9gime"), ("digits", "2031-4"),
                       ("lower", "divorce"), ("capitals", "DIVORCE"),
                       ("mixed", "dIvOrCe"), ("255-capitals", "Z" * 255)):
        word = word.encode()
        token("ok", name, "a name in its spelling", spelled(word), "13.4",
              word)


def tokens_of_no_spelling():
    text = spelled(b"Divorce")

    def put(name, comment, changed, word=b"divorce"):
        token("ok", name, comment, changed, "13.9", word)
    put("all-lower", "the token in lower case", text.lower())
    put("all-upper", "the token in upper case", text.upper())
    put("check-bit", "a bit of the check", swap(text, 0))
    put("check-last", "the last bit of the check", swap(
        text, len(rf.letters(text[4:])) - 8))
    put("mark-bit", "a bit of the marks", swap(
        text, len(rf.letters(text[4:])) - 7))
    put("marks-of-another", "the case of another name's token",
        rf.TOKEN_PREFIX + rf.capitalize(text[4:].lower(),
                                        rf.capitals(spelled(b"Widower")[4:])))
    put("sealed-spelling", "sealed as it is spelled", token_of(b"Divorce"),
        b"Divorce")
    put("sealed-capitals", "the same in upper case",
        token_of(b"DivorcE").upper(), b"DivorcE")


def swap(text, number):
    """The other case for one letter after the prefix."""
    at = 4 + rf.letters(text[4:])[number]
    return text[:at] + text[at:at + 1].swapcase() + text[at + 1:]


def tokens_malformed():
    text = token_of(b"Divorce")

    def put(name, comment, changed):
        token("token", name, comment, changed, "13.7")
    put("empty", "nothing", b"")
    put("prefix", "the prefix alone", text[:4])
    put("no-prefix", "no prefix", text[4:])
    put("prefix-2", "rk2- for rk1-", b"rk2-" + text[4:])
    put("prefix-cut", "no hyphen", b"rk1" + text[4:])
    put("prefix-twice", "the prefix twice", text[:4] + text)
    put("space-before", "a space before", b" " + text)
    put("lf-after", "a line end after", text + b"\n")
    put("nul-after", "a NUL after", text + b"\0")
    put("padded", "padding after", token_of(b"Div") + b"=")
    for name, char in (("0", b"0"), ("1", b"1"), ("8", b"8"), ("9", b"9"),
                       ("hyphen", b"-"), ("8-bit", b"\xe1")):
        put("digit-" + name, "a character outside of the alphabet",
            text[:20] + char + text[21:])
    put("base64", "base64 for base32",
        text[:4] + b64(rf.siv_seal(rf.token_key(RING.host_key),
                                   rf.TOKEN_LABEL + RING.id, b"Divorce")))
    put("crockford", "the alphabet of recovery codes",
        b"rk1-" + text[4:].translate(bytes.maketrans(
            rf.TOKEN_ALPHABET, rf.CROCKFORD.lower())))
    for size, unused in ((1, 4), (2, 1), (3, 3), (5, 2)):
        right = token_of(b"Divorce"[:size])
        last = rf.TOKEN_ALPHABET.index(right[-1:])
        assert last & (1 << unused) - 1 == 0
        for bit in sorted({0, unused - 1}):
            put("unused-%d-%d" % (unused, bit), "an unused bit is set",
                right[:-1] + rf.TOKEN_ALPHABET[last | 1 << bit:][:1])
    for size, left in ((4, 1), (5, 3), (2, 6)):
        right = token_of(b"Divorce"[:size]) + b"a"
        assert (len(right) - 4) % 8 == left
        put("digit-more-%d" % left, "a digit too many", right)
    put("of-nothing", "the tag of a name of no bytes", token_of(b""))
    put("of-256", "a name of 256 bytes", token_of(b"x" * 256))


def seal_as(key, tagged, word, part=slice(16)):
    """A token's bytes with the tag of other bytes, or another part of it."""
    tag = hmac.digest(key[:32], tagged, "sha256")[part]
    return tag + rf.siv_crypt(key, tag, word)


def tokens_forged():
    word = b"Divorce and after"
    key, aad = rf.token_key(RING.host_key), rf.TOKEN_LABEL + RING.id
    sealed = rf.siv_seal(key, aad, word)

    def put(name, comment, text):
        token("token", name, comment, text, "13.8")

    def changed(name, comment, data):
        put(name, comment, rf.token_text(data))
    for name, at, bit in (("tag-first", 0, 0x80), ("tag-31", 8, 0x80),
                          ("tag-63", 12, 0x80), ("tag-last", 15, 1),
                          ("text-first", 16, 0x80), ("text-last", -1, 1)):
        changed(name, "one bit", flip(sealed, at, bit))
    changed("byte-less", "the last byte is missing", sealed[:-1])
    changed("byte-more", "a byte more", sealed + b"\0")
    changed("tag-zero", "a tag of zeros", bytes(16) + sealed[16:])
    changed("tag-last-16", "the tag at the end", sealed[16:] + sealed[:16])
    changed("tag-of-another", "the tag of another name",
            rf.siv_seal(key, aad, b"divorce and after")[:16] + sealed[16:])
    changed("in-clear", "a tag before the name in the clear",
            sealed[:16] + word)
    put("other-host-key", "another host key",
        token_of(word, OTHER.host_key))
    put("other-keyring", "another keyring id",
        token_of(word, aad=rf.TOKEN_LABEL + OTHER.id))
    put("aad-empty", "empty associated data", token_of(word, aad=b""))
    put("aad-label", "the label alone", token_of(word, aad=rf.TOKEN_LABEL))
    put("aad-no-zero", "the label without its 00",
        token_of(word, aad=rf.TOKEN_LABEL[:-1] + RING.id))
    put("aad-no-length", "associated data without its length",
        rf.token_text(seal_as(key, aad + word, word)))
    put("tag-of-32", "the last 16 bytes of the MAC for the first",
        rf.token_text(seal_as(key, bytes([len(aad)]) + aad + word, word,
                              slice(16, 32))))
    put("key-halves", "the halves of the key exchanged",
        token_of(word, key=key[32:] + key[:32]))
    put("key-one-half", "one half of the key for both",
        token_of(word, key=key[:32] * 2))
    put("key-label", "a key of another label", token_of(
        word, key=rf.derive(RING.host_key, b"pepper", b"", 64)))
    for name, other in (("first", b"\0ivorce"), ("middle", b"Div\0rce"),
                        ("last", b"Divorc\0"), ("only", b"\0")):
        put("nul-" + name, "a right token of a name with a 00",
            token_of(other))


def unlocks():
    """14."""
    rng = Rng("unlock")
    host_key, keyring_id, master = rng(32), rng(16), rng(32)
    now, generation = 1800000000, 7
    times = (now - 60, now + 600)

    def put(expect, name, clause, comment, data, now=now,
            generation=generation):
        fields = [("expect", expect), ("clause", clause),
                  ("kind", "unlock"), ("comment", comment),
                  ("host-key", host_key.hex()),
                  ("keyring-id", keyring_id.hex()), ("secret", U.hex()),
                  ("generation", generation), ("now", now),
                  ("name", rf.unlock_name(host_key, keyring_id, U))]
        if expect == "ok":
            created, expires = struct.unpack(">QQ", data[33:49])
            fields += [("times", "%d %d" % (created, expires)),
                       ("master", master.hex())]
        OUT.put(("unlock-ok-" if expect == "ok" else "unlock-file-") + name,
                fields, data)

    def made(times=times, generation=generation, **more):
        return rf.seal_unlock(host_key, keyring_id, generation, U, master,
                              *times, Rng("unlock file"), **more)
    good = made()
    put("ok", "good", "14.3", "a good file", good)
    put("ok", "just-made", "14.5", "made in this second", good,
        now=times[0])
    put("ok", "last-second", "14.5", "one second before it expires", good,
        now=times[1] - 1)
    put("ok", "longest", "14.4", "expires after 12 hours",
        made((now, now + 43200)))
    put("ok", "generation-max", "14.3", "the largest generation",
        made(generation=rf.BIG_MAX), generation=rf.BIG_MAX)

    def bad(name, comment, data, **more):
        put("unlock-file", name, "14.5", comment, data, **more)
    bad("expired", "it has expired", good, now=times[1])
    bad("future", "made in the future", good, now=times[0] - 1)
    bad("too-long", "expires after 12 hours and a second",
        made((now, now + 43201)))
    bad("backwards", "expires before it was made",
        made((now - 1, now - 2)), now=now - 1)
    bad("empty", "nothing", b"")
    bad("cut", "one byte less", good[:-1])
    bad("long", "one byte more", good + b"\0")
    bad("version-0", "version 0", made(version=0))
    bad("version-2", "version 2", made(version=2))
    for name, at in (("salt", 1), ("created", 40), ("expires", 48),
                     ("nonce", 49), ("ciphertext", 61), ("tag", 108)):
        bad(name, "one bit changed", flip(good, at))
    bad("generation", "of the generation before",
        made(generation=generation - 1))
    other = Rng("unlock other")
    for name, args in (
            ("other-host", (other(32), keyring_id, generation, U)),
            ("other-keyring", (host_key, other(16), generation, U)),
            ("other-secret", (host_key, keyring_id, generation, other(32)))):
        bad(name, "made for another", rf.seal_unlock(
            *args, master, *times, Rng("unlock file")))


def main():
    global OUT
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(
        os.path.abspath(__file__))
    for name in os.listdir(folder):
        if name.endswith(".vec"):
            os.unlink(os.path.join(folder, name))
    OUT = Out(folder)
    for part in (objects_good, header_short, magic_to_count, stanza_table,
                 stanza_rules, choosing, stanza_opening, prologue, lengths,
                 final_chunk, chunks, recognition, keyrings_good, doc_text,
                 doc_records, loading, unlocking, codes, key_files, escrow_files,
                 unlocks,
                 blobs_good, blobs_form, blobs_keys, blobs_auth,
                 blobs_content, tokens_good, tokens_of_no_spelling,
                 tokens_malformed, tokens_forged):
        part()
    print("%d vectors" % len(OUT.names))


if __name__ == "__main__":
    main()
