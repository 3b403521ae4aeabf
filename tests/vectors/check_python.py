# SPDX-License-Identifier: MIT
"""Run every .vec through roost_format.py; then look at the set as a whole,
and at HPKE against RFC 9180 and OpenSSL.

    check_python.py [folder]

A vector passes when the gate is exactly the expected one and what was
released is exactly what may have been.  Ends with "N passed, N failed".
"""
import hashlib
import os
import re
import sys

sys.dont_write_bytecode = True

import roost_format as rf      # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FORMAT = os.path.join(HERE, "..", "..", "plugin", "FORMAT.md")


def read_vec(path):
    with open(path, "rb") as file:
        head, _, data = file.read().partition(b"\n\n")
    fields = {}
    for line in head.decode("ascii").split("\n"):
        name, _, value = line.partition(": ")
        fields.setdefault(name, []).append(value)
    return fields, data


def one(fields, name, default=None):
    return fields.get(name, [default])[0]


def epochs(fields):
    out = []
    for text in fields.get("epoch", []):
        number, private, psk = text.split(" ")
        out.append((int(number), bytes.fromhex(private), bytes.fromhex(psk)))
    return out


def run_object(fields, data):
    gate, released = rf.open_object(
        data, bytes.fromhex(one(fields, "keyring-id")), epochs(fields))
    if gate != one(fields, "expect"):
        return gate
    if gate == "ok":
        if (len(released) != int(one(fields, "plain-len"))
                or hashlib.sha256(released).hexdigest()
                != one(fields, "plain-sha256")):
            return "another plaintext"
    elif len(released) != int(one(fields, "released")):
        return "released %d bytes" % len(released)
    scrub = rf.scrub(data)
    if scrub != one(fields, "scrub"):
        return "scrub " + scrub
    return gate


def run_keyring(fields, data):
    keys = [bytes.fromhex(key) for key in fields.get("provider-key", [])]
    owner = one(fields, "owner")
    given = (one(fields, "secret") or one(fields, "code")
             or one(fields, "private"))
    try:
        ring = rf.load_keyring(
            data, bytes.fromhex(owner) if owner is not None else None,
            keys or None, one(fields, "unlock"),
            bytes.fromhex(given) if given else None)
    except rf.Gate as gate:
        return str(gate)
    if str(ring.generation) != one(fields, "generation"):
        return "another generation"
    if "epoch" in fields and epochs(fields) != ring.secrets:
        return "other keys"
    return "ok"


def run_recovery(fields, data):
    try:
        code = rf.read_code(data)
    except rf.Gate as gate:
        return str(gate)
    if code.hex() != one(fields, "code"):
        return "another code"
    if rf.print_code(code).decode() != one(fields, "printed"):
        return "printed otherwise"
    return "ok"


def run_key_file(fields, data):
    try:
        key = rf.read_key_file(data)
    except rf.Gate as gate:
        return str(gate)
    return "ok" if key.hex() == one(fields, "key") else "another key"


def run_escrow_file(fields, data):
    which = one(fields, "which")
    try:
        key = rf.read_escrow_file(which, data)
    except rf.Gate as gate:
        return str(gate)
    return "ok" if key.hex() == one(fields, "key") else "another key"


def run_unlock(fields, data):
    hexed = [bytes.fromhex(one(fields, name)) for name in
             ("host-key", "keyring-id", "secret")]
    if rf.unlock_name(*hexed) != one(fields, "name"):
        return "another name"
    try:
        master, created, expires = rf.open_unlock(
            hexed[0], hexed[1], int(one(fields, "generation")), hexed[2],
            data, int(one(fields, "now")))
    except rf.Gate as gate:
        return str(gate)
    if "%d %d" % (created, expires) != one(fields, "times"):
        return "other times"
    return "ok" if master.hex() == one(fields, "master") else "another key"


def run_token(fields, data):
    host_key = bytes.fromhex(one(fields, "host-key"))
    ring_id = bytes.fromhex(one(fields, "keyring-id"))
    try:
        name = rf.open_token(host_key, ring_id, data)
    except rf.Gate as gate:
        return str(gate)
    if name.hex() != one(fields, "name"):
        return "another name"
    # Clause 13.9 reads what no writer makes.
    if one(fields, "clause") != "13.9" and \
            rf.seal_token(host_key, ring_id, name) != data:
        return "another token"
    return "ok"


def run_blob(fields, data):
    try:
        blob = rf.Blob(data, bytes.fromhex(one(fields, "keyring-id")),
                       bytes.fromhex(one(fields, "master")), epochs(fields),
                       bytes.fromhex(one(fields, "beside"))
                       if "beside" in fields else None)
    except rf.Gate as gate:
        return str(gate)
    if blob.object_id.hex() != one(fields, "object-id"):
        return "another object id"
    if (blob.data_key is None) != ("data-key" not in fields) or (
            blob.data_key and blob.data_key.hex() != one(fields, "data-key")):
        return "another data key"
    if ["%d %s" % (kind, text.hex() or "-") for kind, text in blob.items
            ] != fields.get("item", []):
        return "other items"
    return "ok"


def run_claim(_, data):
    return "claimed" if rf.claims(data) else "plaintext"


RUNNERS = {"object": run_object, "keyring": run_keyring,
           "recovery": run_recovery, "key-file": run_key_file,
           "escrow-file": run_escrow_file, "unlock": run_unlock,
           "claim": run_claim, "token": run_token, "blob": run_blob}


def refusal_clauses():
    """Clauses of FORMAT.md that say MUST refuse, with their tokens."""
    with open(FORMAT, encoding="utf-8") as file:
        text = file.read()
    clauses = {}
    for part in re.split(r"\n(?=\*\*\d+\.\d+\*\*)", text):
        name = re.match(r"\*\*(\d+\.\d+)\*\*", part)
        part = part.split("\n## ")[0]
        if not name:
            continue
        tokens = re.findall(r"MUST\s+refuse\s+with\s+`([a-z0-9-]+)`", part)
        if tokens:
            clauses[name.group(1)] = tokens
    return clauses


def check_set(seen, problems):
    """seen: (clause, expect, scrub) of every vector."""
    cited = {clause for clause, _, _ in seen}
    answers = {expect for _, expect, _ in seen} | {s for _, _, s in seen}
    clauses = refusal_clauses()
    if len(clauses) < 40:
        problems.append("FORMAT.md has only %d refusals" % len(clauses))
    for clause, tokens in sorted(clauses.items()):
        if clause not in cited:
            problems.append("no vector cites clause " + clause)
        for token in tokens:
            if token not in answers:
                problems.append("no vector expects " + token)
    good = sum(expect == "ok" for _, expect, _ in seen)
    bad = sum(expect not in ("ok", "claimed", "plaintext")
              for _, expect, _ in seen)
    if bad < 4 * good or len(seen) < 150:
        problems.append("%d negative for %d positive" % (bad, good))
    print("%d vectors: %d open, %d are refused" % (len(seen), good, bad))


def check_names(problems):
    """12.6: the list in the text is the list in the program."""
    with open(FORMAT, encoding="utf-8") as file:
        part = re.search(r"\*\*12\.6\*\*.*?```\n(.*?)```", file.read(),
                         re.S)
    names = re.split(r",\s+", part.group(1).strip()) if part else []
    if [name.encode() for name in names] != rf.STANDARD_NAMES:
        problems.append("12.6 has other names")
    if sorted(names, key=str.lower) != names or len(names) != 35:
        problems.append("12.6 is not sorted, or not 35 names")


def derive_key_pair(ikm):
    """RFC 9180 7.1.3: only tests draw a key from ikm."""
    prk = rf.labeled_extract(rf.KEM_SUITE, b"", b"dkp_prk", ikm)
    return rf.labeled_expand(rf.KEM_SUITE, prk, b"sk", b"", 32)


def hpke(fields, aead, key_len):
    """(enc, shared secret, ct) of a known answer in mode_psk, or without a
    psk in mode_base."""
    ephemeral = derive_key_pair(fields["ikmE"])
    public = rf.public_of(fields["skR"])
    enc = rf.public_of(ephemeral)
    shared = rf.kem_secret(rf.shared_secret(ephemeral, public), enc, public)
    suite = b"HPKE" + bytes.fromhex("00200001") + aead
    key, nonce = rf.key_schedule(
        shared, fields["info"], fields["psk"], fields["psk_id"], suite,
        key_len, rf.MODE_PSK if fields["psk"] else rf.MODE_BASE)
    return enc, shared, rf.AESGCM(key).encrypt(nonce, fields["pt"],
                                               fields["aad"])


def check_rfc9180(problems):
    fields = {}
    with open(os.path.join(HERE, "rfc9180.txt"), encoding="ascii") as file:
        for line in file:
            if not line.startswith("#"):
                name, _, value = line.strip().partition(": ")
                if len(value) % 2 == 0:
                    fields[name] = bytes.fromhex(value)
    fields["skR"] = fields["skRm"]
    got = hpke(fields, fields["aead_id"], 16)
    if got != (fields["enc"], fields["shared_secret"], fields["ct"]):
        problems.append("RFC 9180 A.1.2 does not come out")
    if rf.public_of(fields["skRm"]) != fields["pkRm"]:
        problems.append("RFC 9180 A.1.2: another pkRm")


def check_openssl(problems):
    names = ("ikmE", "skR", "psk", "psk_id", "info", "aad", "pt", "enc",
             "ct")
    path = os.path.join(HERE, "third-party", "openssl-hpke.txt")
    count = 0
    with open(path, encoding="ascii") as file:
        for line in file:
            if line.startswith("#"):
                continue
            values = [bytes.fromhex(word.replace("-", ""))
                      for word in line.split()[2:]]
            fields = dict(zip(names, values))
            enc, _, ct = hpke(fields, b"\0\2", 32)
            count += 1
            if (enc, ct) != (fields["enc"], fields["ct"]):
                problems.append("OpenSSL's HPKE: another answer in line %d"
                                % count)
    if count == 0:
        problems.append("openssl-hpke.txt is empty")


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else HERE
    names = sorted(n for n in os.listdir(folder) if n.endswith(".vec"))
    passed, failed, seen, problems = 0, 0, [], []
    for name in names:
        fields, data = read_vec(os.path.join(folder, name))
        expect = one(fields, "expect")
        got = RUNNERS[one(fields, "kind")](fields, data)
        seen.append((one(fields, "clause"), expect, one(fields, "scrub")))
        if got == expect:
            passed += 1
        else:
            failed += 1
            print("%s: expected %s, got %s" % (name, expect, got))
    check_set(seen, problems)
    check_rfc9180(problems)
    check_openssl(problems)
    check_names(problems)
    for problem in problems:
        print(problem)
    print("%d passed, %d failed" % (passed, failed + len(problems)))
    return 1 if failed or problems or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
