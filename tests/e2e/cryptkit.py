# SPDX-License-Identifier: MIT
"""cryptkit: the settings of Dovecot's own mail encryption, mail_crypt."""

import os
import subprocess

from server import NEW

CRYPT_MAGIC = b"CRYPTED\x03\x07"


def crypt_keys(folder):
    """Dovecot's own mail encryption: a key pair, made by openssl."""
    private = os.path.join(folder, "crypt.pem")
    public = os.path.join(folder, "crypt.pub")
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey",
                    "-noout", "-out", private + ".raw"], check=True)
    subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in",
                    private + ".raw", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out",
                    public], check=True, stderr=subprocess.DEVNULL)
    for path in (private, public):
        os.chmod(path, 0o644)
    return private, public


def crypt_settings(folder, is_writing):
    private, public = crypt_keys(folder)
    if not NEW:
        return {"mail_crypt_global_private_key": "<" + private,
                "mail_crypt_global_public_key": "<" + public,
                "mail_crypt_save_version": "2" if is_writing else "0"}, ""
    return {"crypt_global_public_key_file": public,
            "crypt_write_algorithm":
                "aes-256-gcm-sha256" if is_writing else None}, """
crypt_global_private_key main {
  crypt_private_key_file = %s
}
""" % private


def crypt_folder_settings(is_writing, password=None):
    """Returns (settings, extra) by which each mailbox has keys of its own, that
    open by a key of the user, which a password opens."""
    if not NEW:
        settings = {"mail_crypt_curve": "prime256v1",
                    "mail_crypt_require_encrypted_user_key": "yes",
                    "mail_crypt_save_version": "2" if is_writing else "0"}
        extra = "\nmail_attribute_dict = file:%h/dovecot-attributes\n"
    else:
        settings = {"crypt_user_key_curve": "prime256v1",
                    "crypt_user_key_require_encrypted": "yes",
                    "crypt_write_algorithm":
                        "aes-256-gcm-sha256" if is_writing else None}
        extra = "\nmail_attribute {\n  dict file {\n" \
            "    path = %{home}/dovecot-attributes\n  }\n}\n"
    if password:
        settings[PASSWORD_SETTING] = password
    return settings, extra


PASSWORD_SETTING = "crypt_user_key_password" if NEW else \
    "mail_crypt_private_password"
