# SPDX-License-Identifier: MIT
"""systems: plain Dovecot, Dovecot with mail_crypt, and Dovecot with Roost in
provider mode and in password mode, each a server of its own and otherwise
configured alike.

In password mode the host has an unlock cache: a session finds its key there,
so that what a password costs, which `logins` measures, is not in other rows.
"""

import os
import subprocess

import rows
import server


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


# What is filled to be read does not wait for the disk each time.
NO_FSYNC = "mail_fsync = never\n"


def give_unlock_cache(one):
    """Gives a server an unlock cache, and returns its folder."""
    cache = os.path.join(one.tmp_dir, "unlock")
    os.makedirs(cache, exist_ok=True)
    os.chmod(cache, 0o700)
    os.chown(cache, server.MAIL_UID, server.MAIL_GID)
    one.settings["roost_unlock_cache"] = cache
    return cache


def _make(folder, name, keys, extra, rules, options):
    """The server of one system, not started yet. With rules, all systems but
    plain Dovecot have roost_flags with its default rules."""
    is_roost = name in rows.MODES
    is_crypt = name == "mail_crypt"
    one = server.Server(
        os.path.join(folder, name), roost=is_roost,
        secret=name == "password",
        plugins=["mail_crypt"] if is_crypt else [],
        flags={} if rules and name != "plain" else None,
        extra=extra + (_mail_crypt(*keys) if is_crypt else ""), **options)
    if name == "password":
        give_unlock_cache(one)
    return one


def start(folder, names, extra="", rules=False, **options):
    """Starts the servers, and returns them by name; the caller stops them. All
    users of the password mode have their keyrings then."""
    os.makedirs(folder)
    keys = make_keys(folder) if "mail_crypt" in names else ()
    servers = {}
    try:
        for name in names:
            one = servers[name] = _make(folder, name, keys, extra, rules,
                                        options)
            one.start()
            if name == "password":
                for user in one.users:
                    one.init_password_mode(user)
    except BaseException:
        stop(servers)
        raise
    return servers


def stop(servers):
    for one in servers.values():
        one.ask_to_stop()
    for one in servers.values():
        one.stop()
