# SPDX-License-Identifier: MIT
"""Reduce other people's test vectors to tables that C reads line by line.

    convert.py cryptography <cryptography_vectors> <out>
    convert.py wycheproof <testvectors_v1> <out>

The first takes the folder of the Python package cryptography_vectors
(Debian: python3-cryptography-vectors), the second that of Wycheproof's JSON
files.  README.md in this folder tells where each table comes from; its form
is in ../primitives.c.
"""
import json
import os
import re
import sys


def word(text):
    return text if text else "-"


def write(out, name, origin, lines):
    with open(os.path.join(out, name), "w", encoding="ascii") as file:
        for line in origin:
            file.write("# %s\n" % line)
        for line in lines:
            file.write(" ".join(line) + "\n")
    print("%s: %d lines" % (name, len(lines)))


# ------------------------------------------- NIST and RFCs, from pyca's copy

def pairs(path):
    """Blocks of "name = value" lines; a lone FAIL stands as FAIL = 1."""
    with open(path, encoding="utf-8") as file:
        for block in re.split(r"\n\s*\n", file.read()):
            found = {}
            for line in block.split("\n"):
                line = line.strip()
                if line == "FAIL":
                    found["FAIL"] = "1"
                elif "=" in line and not line.startswith("#"):
                    name, _, value = line.strip("[]").partition("=")
                    found[name.strip().upper()] = value.strip()
            if found:
                yield found


def nist_gcm(path):
    limits, lines = {}, []
    for block in pairs(path):
        limits.update({k: v for k, v in block.items() if k.endswith("LEN")})
        if ("KEY" not in block or limits["IVLEN"] != "96"
                or limits["TAGLEN"] != "128"):
            continue
        result = "invalid" if "FAIL" in block else "valid"
        lines.append(["aes-256-gcm", result, block["KEY"], block["IV"],
                      word(block["AAD"]),
                      "-" if "FAIL" in block else word(block["PT"]),
                      block["CT"] + block["TAG"]])
    return lines


def from_cryptography(folder, out):
    origin = ["From cryptography_vectors; see README.md."]
    lines = nist_gcm(os.path.join(folder, "ciphers/AES/GCM",
                                  "gcmDecrypt256.rsp"))
    write(out, "nist-aes-256-gcm.txt", origin + [
        "NIST CAVP, gcmDecrypt256.rsp: 96-bit nonces, 128-bit tags."], lines)
    lines = [["x25519", "valid", b["INPUT_SCALAR"], b["INPUT_U"],
              b["OUTPUT_U"]] for b in pairs(os.path.join(
                  folder, "asymmetric/X25519/rfc7748.txt"))
             if "INPUT_U" in b and "OUTPUT_U" in b]
    write(out, "rfc7748-x25519.txt", origin + ["RFC 7748 5.2."], lines)
    lines = []
    for size in ("256", "512"):
        lines += [["hmac-sha" + size, "valid", b["KEY"], word(b["MSG"]),
                   b["MD"]] for b in pairs(os.path.join(
                       folder, "HMAC/rfc-4231-sha%s.txt" % size))
                  if "KEY" in b]
    write(out, "rfc4231-hmac.txt", origin + ["RFC 4231."], lines)
    lines, last = [], {}
    for block in pairs(os.path.join(folder, "KDF",
                                    "rfc-5869-HKDF-SHA256.txt")):
        last.update(block)
        if "OKM" in block:
            lines.append(["hkdf-sha256", "valid", last["IKM"],
                          word(last["SALT"]), word(last["INFO"]),
                          last["OKM"]])
    write(out, "rfc5869-hkdf.txt", origin + ["RFC 5869 A.1 to A.3."], lines)


# ---------------------------------------------------------------- Wycheproof

def tests(folder, name, **limits):
    path = os.path.join(folder, name)
    with open(path, encoding="utf-8") as file:
        for group in json.load(file)["testGroups"]:
            if all(group.get(k) == v for k, v in limits.items()):
                yield from group["tests"]


def from_wycheproof(folder, out):
    origin = ["From Wycheproof (Apache-2.0); see README.md."]
    lines = [["aes-256-gcm", t["result"], t["key"], t["iv"], word(t["aad"]),
              word(t["msg"]) if t["result"] == "valid" else "-",
              t["ct"] + t["tag"]] for t in tests(
                  folder, "aes_gcm_test.json", keySize=256, ivSize=96,
                  tagSize=128)]
    write(out, "wycheproof-aes-256-gcm.txt", origin, lines)
    for size in ("256", "512"):
        lines = [["hkdf-sha" + size, t["result"], t["ikm"], word(t["salt"]),
                  word(t["info"]), t["okm"]] for t in tests(
                      folder, "hkdf_sha%s_test.json" % size)
                 if t["result"] == "valid"]
        write(out, "wycheproof-hkdf-sha%s.txt" % size, origin, lines)
        lines = [["hmac-sha" + size, t["result"], word(t["key"]),
                  word(t["msg"]), t["tag"]] for t in tests(
                      folder, "hmac_sha%s_test.json" % size,
                      tagSize=int(size))]
        write(out, "wycheproof-hmac-sha%s.txt" % size, origin, lines)
    lines = []
    for t in tests(folder, "x25519_test.json"):
        zero = set(t["shared"]) == {"0"}
        lines.append(["x25519", "invalid" if zero else "valid", t["private"],
                      t["public"], t["shared"]])
    write(out, "wycheproof-x25519.txt", origin + [
        "invalid: the shared secret is zero, which Roost refuses."], lines)


def main():
    ways = {"cryptography": from_cryptography, "wycheproof": from_wycheproof}
    if len(sys.argv) != 4 or sys.argv[1] not in ways:
        print(__doc__, file=sys.stderr)
        return 2
    ways[sys.argv[1]](sys.argv[2], sys.argv[3])
    return 0


if __name__ == "__main__":
    sys.exit(main())
