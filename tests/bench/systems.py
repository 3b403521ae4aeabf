# SPDX-License-Identifier: MIT
"""systems: plain Dovecot, Dovecot with mail_crypt, and Dovecot with Roost,
each a server of its own and otherwise configured alike."""

import os
import subprocess

import server

SYSTEMS = ("plain", "mail_crypt", "roost")


def make_keys(folder):
    """The paths of a key pair for mail_crypt, which is made here."""
    private = os.path.join(folder, "mail_crypt.key")
    public = os.path.join(folder, "mail_crypt.pub")
    for command in (
            ["ecparam", "-name", "prime256v1", "-genkey", "-noout",
             "-out", private + ".ec"],
            ["pkey", "-in", private + ".ec", "-out", private],
            ["pkey", "-in", private, "-pubout", "-out", public]):
        subprocess.run(["openssl"] + command, check=True,
                       stderr=subprocess.DEVNULL)
    return private, public


def _mail_crypt(private, public):
    if server.NEW:
        return """
crypt_global_public_key_file = %s
crypt_global_private_key bench {
  crypt_private_key_file = %s
}
crypt_write_algorithm = aes-256-gcm-sha256
""" % (public, private)
    return """
plugin {
  mail_crypt_global_private_key = <%s
  mail_crypt_global_public_key = <%s
  mail_crypt_save_version = 2
}
""" % (private, public)


def start_flags(folder, storage, users):
    """As start(), for plain Dovecot and for one with rules for flags alone."""
    os.makedirs(folder)
    servers = {
        "plain": server.Server(os.path.join(folder, "plain"), users=users,
                               storage=storage, roost=False),
        "roost": server.Server(os.path.join(folder, "flags"), users=users,
                               storage=storage, roost=False,
                               plugins=["roost_flags"])}
    try:
        for one in servers.values():
            one.start()
    except BaseException:
        stop(servers)
        raise
    return servers


def start(folder, storage, crlf, users, names=SYSTEMS, secret=False):
    """Starts the servers, and returns them by name; the caller stops them.
    With secret, Roost gets the hash of each login's password."""
    os.makedirs(folder)
    keys = make_keys(folder)
    servers = {}
    try:
        for name in names:
            is_crypt = name == "mail_crypt"
            one = server.Server(
                os.path.join(folder, name), storage=storage, crlf=crlf,
                users=users, roost=name == "roost",
                secret=secret and name == "roost",
                plugins=["mail_crypt"] if is_crypt else [],
                extra=_mail_crypt(*keys) if is_crypt else "")
            servers[name] = one
            one.start()
    except BaseException:
        stop(servers)
        raise
    return servers


def stop(servers):
    for one in servers.values():
        one.ask_to_stop()
    for one in servers.values():
        one.stop()
