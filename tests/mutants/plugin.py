#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""plugin: takes the security checks of the plugin out in turn; a test must fail.

    tests/mutants/plugin.py [--share I/N] [WORD ...]

With WORDs it tries only the mutants whose title contains one of them.  With a
share it tries the I-th of N equal shares of them, so that N machines or
processes can work at the same time.

It works on a copy of the tree.  An entry of MUTANTS has a title that says what
is wrong without the check, the file, a text that occurs once in it, the text
that replaces it, the file of tests that must notice, and what pytest gets after
-k; or, in the place of the last two, a program of tests/glue or tests/core and
an empty text.  The last line is "N passed, N failed".

Some checks are not listed, because nothing goes wrong without them.  If open()
gave a new keyring too wide a mode, the umask of the mail process would narrow
it.  A STORE by replication is exempt both in the hook and in the rules.  The
rest of an Authentication-Results header that is too long would not be trusted,
because it does not begin with the name of a host.  The large header of a
message that is saved could be read, but nothing of it would be kept.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import core  # noqa: E402

SECS_MAX = 600
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

ATTACKS, REFUSALS, KEYS = "attacks", "refusals", "keys"
STORES, LOST, NAMES = "keystore", "lost_keyring", "keyring_names"
DAMAGE, LEAKS, KEYWORDS = "cache_damage", "leaks", "keywords"
IN_USE, OWNER, PINS = "ring", "owner", "pins"
TENANTS = "tenants"
POLICY = "policy"
FLAGS, DELIVERY = "flags", "flags_delivery"
PROGRAMS, RULES = "flags_programs", "flags_rules"
STOCK, COMMANDS, GUARDS = "stock", "commands", "guards"
# These are programs and no files of tests/e2e.
FIND, LINES = "glue/test_cache_find", "glue/test_header_lines"
KEYSTORE, KEYSTORE_FILE = "glue/test_keystore", "glue/test_keystore_file"
KEYSTORE_DICT, DICT = "glue/test_keystore_dict", "dict"
RING, INDEX = "glue/test_ring", "glue/test_keyword_index"
SHARE = "glue/test_user_share"
KEYFILE = "core/test_keyfile"
CHANGE = "glue/test_ring_change"
SLOTS, ROTATION = "slots", "rotation"

DBOX_FILE, UIDLIST, TOOL = "core/test_dbox", "core/test_uidlist", "tool"
INDEX_FILE = "core/test_index"
MIDWAY, COMPRESSION = "midway", "compression"
AMONG = "among_others"
SEAL = "seal"

MUTANTS = [
    # Reading
    ("what fails in its middle is the server's fault", "mail/read-errors.c",
     "\tif (failures != roost_istream_failures())\n"
     "\t\temail->has_failed = TRUE;\n", "", MIDWAY, "test_binary and sdbox"),
    ("POP3 ends a message that breaks off as if whole", "mail/read-errors.c",
     "\treturn strcmp(mail->box->storage->user->service, \"pop3\") == 0 ||\n",
     "\treturn ", MIDWAY, "pop3 and maildir"),
    ("replication sends what breaks off", "mail/read-errors.c",
     "\t\t(mail->transaction->flags &\n"
     "\t\t MAILBOX_TRANSACTION_FLAG_SYNC) != 0 ||\n", "", AMONG,
     "sync or backup"),
    ("a message that breaks off empties the file of others",
     "mail/save-hooks.c",
     "\tif (ret == 0 && roost_read_errors_check_whole(mail) < 0) {\n",
     "\tif (FALSE) {\n", AMONG, "another_user and mdbox and dg and move"),
    ("the last message of a move takes the others with it",
     "mail/save-hooks.c",
     "\tif (strcmp(box->storage->name, \"sdbox\") == 0)\n"
     "\t\tdbox_ctx->failed = FALSE;\n", "", AMONG,
     "another_user and sdbox and gr and move"),
    ("CATENATE saves what is not whole", "mail/read-errors.c",
     "\t\tstrcmp(mail->transaction->reason,\n"
     "\t\t       \"imap_msgpart_url_open_mail\") == 0;\n",
     "\t\tFALSE;\n", MIDWAY, "catenate and sdbox"),
    ("what only looks packed is held back", "mail/sizes.c",
     "\tif (is_counted && is_kept_as_shown(mail, &counted))\n"
     "\t\treturn FALSE;\n", "", "roundtrip",
     "mdbox and test_every_answer and not after"),
    ("what is shown packed is kept", "cache/store.c",
     "cmail->is_held_back ||", "FALSE ||", COMPRESSION,
     "away and sdbox and lost"),
    ("the sizes of packed bytes are kept", "mail/open-hooks.c",
     "\tif (omail->sizes.is_held_back)\n\t\troost_sizes_forget(mail);\n",
     "", COMPRESSION, "away and mdbox and warm"),
    ("a wrong record is not dropped", "mail/sizes.c",
     "\tif (roost_sizes_are_wrong(&sizes))\n"
     "\t\troost_cache_mail_disown(mail);\n", "", COMPRESSION,
     "heals and sdbox-sealed"),
    ("verify opens a copy by a remembered key", "doveadm/verify-message.c",
     "\t(void)roost_ring_forget(ring, header->object_id);\n", "", COMMANDS,
     "changed_copy"),
    ("verify looks at no size", "doveadm/verify-message.c",
     "\tif (told.virtual == shown.virtual &&\n", "\tif (TRUE ||\n",
     COMPRESSION, "verify and sdbox"),
    ("a search that fails is the server's fault", "mail/read-errors.c",
     "\t\tesearch->failures != roost_istream_failures();\n",
     "\t\tFALSE;\n", MIDWAY, "search and maildir"),
    ("a damaged chunk is released", "core/object.c",
     "\treturn err == ROOST_ERR_CHUNK ? if_bad : err;\n",
     "\treturn err == ROOST_ERR_CHUNK ? ROOST_OK : err;\n", ATTACKS,
     "maildir and (changed_chunk or final-tag)"),
    ("a damaged chunk is shown behind a good one", "stream/istream-roost.c",
     "\t\tif (err != ROOST_OK)\n\t\t\tbreak;\n"
     "\t\tstream->pos += ROOST_CHUNK_PLAIN_SIZE;\n",
     "\t\tstream->pos += ROOST_CHUNK_PLAIN_SIZE;\n", ATTACKS,
     "maildir and changed_chunk"),
    ("the final chunk fails as any other", "core/object.c",
     "\treturn err == ROOST_ERR_CHUNK ? if_bad : err;\n",
     "\treturn err == ROOST_ERR_CHUNK ? ROOST_ERR_CHUNK : err;\n", ATTACKS,
     "maildir and final-tag"),
    ("the commitment is not compared", "core/object.c",
     "\t\terr = ROOST_ERR_COMMITMENT;\n", "\t\terr = ROOST_OK;\n", ATTACKS,
     "maildir and commitment"),
    ("a wrong magic counts as plaintext", "core/header.c",
     "\treturn has_mark && (same >= 4 || same == len);\n",
     "\treturn has_mark && same == len;\n", ATTACKS,
     "maildir and changed_byte and magic"),
    ("an unsafe folder holds the unlock cache", "session/unlock-cache.c",
     "if (!is_mine && (st.st_uid != 0 || (st.st_mode & S_ISVTX) == 0))",
     "if (is_mine && !is_mine)", "unlock", "not_safe"),
    ("a folder on a disk holds the unlock cache", "session/unlock-cache.c",
     "if (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC)",
     "if (fs.f_type == 0)", "unlock", "on_a_disk"),
    ("another user's file of the unlock cache is taken",
     "session/unlock-cache.c", " &&\n\t    st.st_uid == geteuid())\n\t\tret",
     ")\n\t\tret", "unlock", "another_user_put and owner"),
    ("a link in the unlock cache is followed", "session/unlock-cache.c",
     "int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);",
     "int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);", "unlock",
     "another_user_put and link"),
    ("all logins compute at a time", "session/unlock-cache.c",
     "if (flock(fd, LOCK_EX | LOCK_NB) == 0)", "if (fd >= 0)", "unlock",
     "storm"),
    ("all connections of a user compute", "session/unlock-cache.c",
     "\t\tturn_lock_user(turn);\n", "\t\t;\n", "unlock", "five"),
    ("nothing is left for the next connection", "session/unlock-cache.c",
     "\t\tfile_leave(config, turn->path, unlock, &times, master);\n",
     "\t\t;\n", "unlock", "five"),
    ("a command has a state of its own", "session/user-share.c",
     "\t\truser = share->get(user);\n", "\t\t;\n", "one_state",
     "loaded_once and maildir"),
    ("modules of two builds share a state", "session/user-share.c",
     "strcmp(share->build, roost_user_share.build) == 0 &&", "TRUE &&",
     "one_state", "two_builds and another and maildir"),
    ("structs of two sizes are one state", "session/user-share.c",
     "share->user_size == roost_user_share.user_size &&", "TRUE &&",
     SHARE, ""),
    ("a plugin of an earlier build has its own state", "session/user-share.c",
     "\tif (module == NULL)\n\t\treturn 0;\n",
     "\tif (module == NULL || module_get_symbol_quiet(module,\n"
     "\t    ROOST_USER_SHARE_SYMBOL) == NULL)\n\t\treturn 0;\n",
     "one_state", "two_builds and before and maildir"),
    ("what one command is asked for, all are", "session/user-share.c",
     "\t\truser->is_asked = ruser->is_new = FALSE;\n", "\t\t;\n",
     SHARE, ""),
    ("a command frees the plugin's state", "session/user-share.c",
     "if (roost_user_get(ruser->user) == ruser)", "if (TRUE)", SHARE, ""),
    ("every message is logged again", "session/user.c",
     "\tif (hash_table_lookup(ruser->logged, key) != NULL)\n"
     "\t\treturn FALSE;\n", "", ATTACKS, "maildir and version"),
    ("a refusal is no error of the message", "dovecot/report.c",
     "\tmail_storage_set_error(mail->box->storage, "
     "MAIL_ERROR_INVALIDDATA,\n\t\t\t       ROOST_CLIENT_REFUSED);\n"
     "\tif (is_quiet)\n",
     "\tmail_set_critical(mail, \"refused\");\n\tif (is_quiet)\n", ATTACKS,
     "maildir and version"),
    ("the policy of the keyring is ignored", "session/ring.c",
     "\t\tROOST_POLICY_SEALED : doc->policy;\n",
     "\t\tROOST_POLICY_SEALED : ROOST_POLICY_OPEN;\n", ATTACKS,
     "maildir and plaintext"),
    ("the policy of userdb is ignored", "session/ring.c",
     "\tring->policy = config->has_policy &&\n",
     "\tring->policy = FALSE &&\n", ATTACKS, "maildir and plaintext"),
    ("flag refuses", "mail/refuse.c",
     "\treturn is_served ? 0 : -1;\n", "\treturn -1;\n", ATTACKS,
     "maildir and plaintext"),
    # Rules for flags
    ("flags: a STORE goes by no rule", "flags/mail-hooks.c",
     "\tif (is_exempt(mail, fmail->fbox) ||\n"
     "\t    roost_flags_box_is_free(",
     "\tif (TRUE ||\n\t    roost_flags_box_is_free(", FLAGS,
     "sets_no_protected and sdbox"),
    ("flags: any request is free", "flags/box.c",
     "\t\tif (!roost_flagrule_is_free(rules, actor, *names))\n"
     "\t\t\treturn FALSE;\n", "", FLAGS, "sets_no_protected and sdbox"),
    ("flags: colours may stay behind", "flags/box.c",
     " ||\n\t    box_has_colors(fbox->box))\n\t\treturn FALSE;\n",
     ")\n\t\treturn FALSE;\n", DELIVERY, "taken_away and sdbox"),
    ("flags: an APPEND goes by no rule", "flags/box-hooks.c",
     "(!is_copied && save_policy(ctx) < 0) ||", "FALSE ||",
     FLAGS, "append_forges and sdbox"),
    ("flags: any copy is the user's own", "flags/box-hooks.c",
     "\t\t.change = is_own(mail, fbox->box) ? ROOST_FLAG_COPY :\n"
     "\t\t\tROOST_FLAG_COPY_FOREIGN,\n",
     "\t\t.change = ROOST_FLAG_COPY,\n", FLAGS,
     "foreign_copy and sdbox"),
    ("flags: no copy is the user's own", "flags/box-hooks.c",
     "\t\t.change = is_own(mail, fbox->box) ? ROOST_FLAG_COPY :\n"
     "\t\t\tROOST_FLAG_COPY_FOREIGN,\n",
     "\t\t.change = ROOST_FLAG_COPY_FOREIGN,\n", FLAGS,
     "own_copy and sdbox"),
    ("flags: a delivery goes by no rule", "flags/box-hooks.c",
     "\t(void)save_ask(ctx, &ask);\n", "", DELIVERY, "scripts and sdbox"),
    ("flags: what is refused is committed", "flags/box-hooks.c",
     "\tif (code == MAIL_ERROR_NONE)\n\t\treturn fbox", "\tif (TRUE)\n"
     "\t\treturn fbox", FLAGS, "rejected_store"),
    ("flags: a deviation is hidden", "flags/mail-hooks.c",
     "\t\tmail->transaction->itrans->flags &=\n"
     "\t\t\tENUM_NEGATE(MAIL_INDEX_TRANSACTION_FLAG_HIDE);\n",
     "\t\t;\n", FLAGS, "alias_is_told and sdbox"),
    ("flags: every keyword is permanent", "flags/imap-hooks.c",
     "\t\tif (roost_flagrule_may_set(fbox->fuser->rules,\n"
     "\t\t\t\t\t   ROOST_FLAG_CLIENT, *name))\n", "", FLAGS,
     "permanent_flags and sdbox"),
    ("flags: a full mailbox takes names", "flags/box-hooks.c",
     "\t\tstatus_r->allow_new_keywords = FALSE;\n", "\t\t;\n", FLAGS,
     "limit_of_a_mailbox"),
    ("flags: replication is a delivery", "flags/box-hooks.c",
     "\treturn fbox->fuser->user->dsyncing;\n", "\treturn fbox == NULL;\n",
     PROGRAMS,
     "dsync_both_ways and sdbox or backup_is_exact"),
    ("flags: only the right spelling is found", "flags/box-hooks.c",
     "\t\troost_flags_search_fix(fbox, args);\n", "\t\t;\n", FLAGS,
     "old_spellings"),
    ("flags: anybody's word is the sender's", "flags/unsubscribe.c",
     "\treturn *words != NULL && str_array_icase_find(authserv, *words);\n",
     "\treturn *words != NULL;\n", DELIVERY, "trusted_hosts"),
    ("flags: any header of a host counts", "flags/unsubscribe.c",
     "\tif (unsubscribe->has_results || !clause_next(",
     "\tif (!clause_next(", DELIVERY,
     "trusted_hosts"),
    ("flags: what is quoted is read", "flags/unsubscribe.c",
     "\t\t\tp = quoted_end(p);\n", "\t\t\tp++;\n", DELIVERY,
     "trusted_hosts"),
    ("flags: a protected flag goes unseen", "flags/mail-hooks.c",
     "\t\tif (!roost_flagrule_may_clear(rules, ask->actor, *name))\n"
     "\t\t\treturn FALSE;\n", "", FLAGS, "is_no_server and sdbox"),
    ("flags: comments are read", "flags/unsubscribe.c",
     "\t\tif (*p == '(') {\n\t\t\tp = comment_end(p);\n"
     "\t\t\tcontinue;\n\t\t}\n\t\tif (*p++", "\t\tif (*p++", DELIVERY,
     "offers and sdbox"),
    ("flags: a copy is what core left of it", "flags/box-hooks.c",
     "\tnames_split(copy_names(ctx, mail), &ruled, &tokens);\n",
     "\tnames_split(roost_flags_box_names(fbox->box, ctx->data.keywords),\n"
     "\t\t    &ruled, &tokens);\n", PROGRAMS,
     "copy_keeps and sdbox"),
    ("flags: wrong rules let a user in", "flags/user.c",
     "\tif (fuser == NULL) {\n\t\tuser->error = p_strdup_printf("
     "user->pool, \"roost_flags: %s\",\n\t\t\t\t\t      error);\n"
     "\t\treturn;\n", "\tif (fuser == NULL) {\n\t\treturn;\n", RULES,
     "wrong_setting"),
    ("flags: names of a command count once each", "flags/box.c",
     "\t\tarray_push_back(&ftrans->named, &name);\n", "\t\t;\n", FLAGS,
     "within_one_command"),
    # Copying
    ("any sealed message is copied as it is", "mail/copy-share.c",
     "\t\treturn copy_is_inside_keyring(t, mail, &peek);\n",
     "\t\treturn TRUE;\n", ATTACKS,
     "maildir and copied and keyring-id"),
    ("a message that does not open is never copied", "mail/copy-share.c",
     "\t\treturn copy_is_inside_keyring(t, mail, &peek);\n",
     "\t\treturn FALSE;\n", ATTACKS, "maildir and copied and commitment"),
    # Keyrings
    ("the owner is not compared", "core/keyring.c",
     "\tif (owner != NULL && strcmp(owner, kr->owner) != 0)\n"
     "\t\treturn ROOST_ERR_OWNER;\n", "", ATTACKS,
     "maildir and another_users_keyring"),
    ("provider-mac is not compared", "core/keyring.c",
     "\t\terr = ROOST_ERR_PROVIDER_MAC;\n", "\t\terr = ROOST_OK;\n",
     ATTACKS, "maildir and keyring_changed and public"),
    ("owner-sig is not looked at", "core/keyring.c",
     "\t\terr = ROOST_ERR_OWNER_SIG;\n", "\t\terr = ROOST_OK;\n",
     ATTACKS,
     "maildir and who_has_the_provider"),
    ("a lost keyring is replaced", "session/scan.c",
     "\tif (!scan->has_sealed)\n\t\treturn 0;\n",
     "\tif (TRUE)\n\t\treturn 0;\n", ATTACKS,
     "maildir and keyring_deleted"),
    ("a world-readable keyring is used", "keyfile/keyfile.c",
     "(st.st_mode & 0007) != 0", "(st.st_mode & 0007) == 0100", REFUSALS,
     "test_keyring and world"),
    ("a missing folder is an empty one", "keyfile/keyfile.c",
     "\tif (stat(keyfile->dir, &st) == 0 && S_ISDIR(st.st_mode))\n",
     "\tif (stat(keyfile->dir, &st) != 0 || S_ISDIR(st.st_mode))\n", REFUSALS,
     "folder_missing"),
    ("the pinned id is not compared", "session/ring.c",
     "\tif (config->keyring_id_count > 0 && !id_is_pinned(doc->id, config)) "
     "{\n", "\tif (FALSE) {\n",
     REFUSALS, "userdb_names"),
    ("a keyring is made though userdb names one", "session/user-ring.c",
     "\telse if (place->config->keyring_id_count > 0)\n",
     "\telse if (FALSE)\n",
     REFUSALS, "userdb_names"),
    ("roost_generation_min is ignored", "session/ring.c",
     "\tif (doc->generation < config->generation_min) {\n",
     "\tif (doc->generation < config->generation_min && FALSE) {\n",
     REFUSALS, "older_than"),
    ("roost_auto_create is ignored", "session/user-ring.c",
     "\telse if (!ruser->config.auto_create && !ruser->is_asked)\n",
     "\telse if (FALSE)\n", REFUSALS, "not_made"),
    ("keyrings are made without a lock", "keyfile/lock.c",
     "flock(fd, LOCK_EX | LOCK_NB)", "flock(fd, LOCK_SH | LOCK_NB)", KEYFILE,
     ""),
    ("what cannot be read is not sealed", "session/scan.c",
     "\tif (mail->expunged)\n\t\treturn 0;\n", "\tif (TRUE)\n\t\treturn 0;\n",
     LOST, "test_unreadable and file"),
    ("a folder that cannot be read is empty", "session/scan-disk.c",
     "\tif (handle == NULL)\t/* no mail yet, or it has just gone */\n"
     "\t\treturn errno == ENOENT ||", "\tif (handle == NULL)\n"
     "\t\treturn errno != 0 ||", LOST, "unreadable_folder"),
    ("what no mailbox lists is not there", "session/scan-disk.c",
     "\tif (S_ISDIR(st.st_mode))\n\t\treturn walk_dir(walk, dir, path);\n",
     "\tif (S_ISDIR(st.st_mode))\n\t\treturn 0;\n", LOST, "not_listed"),
    ("a maildir file that is not listed is not read", "session/scan-disk.c",
     "\t\tif (dir->parent == NULL && *name != '.')\n", "\t\tif (FALSE)\n",
     LOST, "not_listed and maildir"),
    ("an sdbox file that is not listed is not read", "session/scan-disk.c",
     "\t\tif (dir->folder == NULL ||\n\t\t    !seq_range_exists(",
     "\t\tif (dir->folder == NULL &&\n\t\t    !seq_range_exists(", LOST,
     "not_listed and sdbox"),
    ("an mdbox file that is not listed is not read", "session/scan-disk.c",
     "\t} else if (strncmp(name, \"m.\", 2) == 0 &&\n",
     "\t} else if (FALSE && strncmp(name, \"m.\", 2) == 0 &&\n", LOST,
     "not_listed and mdbox"),
    ("a link to nothing is nothing", "session/scan-disk.c",
     "\t\tif (errno == ENOENT && (lstat(path, &st) < 0 ||\n",
     "\t\tif (errno == ENOENT && (TRUE ||\n", LOST, "folder_of_nothing"),
    ("fields in a cache are no trace", "session/scan-traces.c",
     "\tif (traces_cache(box, scan, error_r) < 0)\n",
     "\tif (FALSE && traces_cache(box, scan, error_r) < 0)\n", LOST,
     "trace_of and cache"),
    ("tokens in an index are no trace", "session/scan-traces.c",
     "\ttraces_keywords(box, scan);\n", "\t(void)traces_keywords;\n", LOST,
     "trace_of and token"),
    ("a next UID tells nothing", "session/scan-traces.c",
     "\tif (scan->remains == NULL)\n\t\tscan->remains = trace_printf(",
     "\tif (FALSE)\n\t\tscan->remains = trace_printf(", LOST,
     "test_emptied"),
    ("an index without its mailbox tells nothing", "session/scan-disk.c",
     "\t} else if (dir->folder == NULL && is_index_name(name) &&\n",
     "\t} else if (FALSE && is_index_name(name) &&\n", LOST,
     "other_folders"),
    ("a subscription tells nothing", "session/scan-traces.c",
     "\telse if (existence == MAILBOX_EXISTENCE_NONE)\n", "\telse if (FALSE)\n",
     LOST, "subscriptions"),
    ("a replaced keyring tells nothing", "session/keystore-file.c",
     "\tif (ret > 0)\n\t\t*hint_r", "\tif (ret > 1)\n\t\t*hint_r", LOST,
     "replaced_keyring"),
    ("remains count for nothing", "session/scan.c",
     "\tif (hint == NULL && scan->plain_count == 0)\n",
     "\tif (FALSE && scan->plain_count == 0)\n", LOST, "test_emptied"),
    ("--new makes a keyring beside sealed mail", "doveadm/keyring-init.c",
     "ctx->is_new ? roost_scan_check_sealed(scan_r, store, error_r) :\n",
     "ctx->is_new ? 0 :\n", LOST, "not_listed"),
    ("a keyring's name may be created", "mail/keyring-names.c",
     "\t\tv->create_box = names_create;\n", "\t\t(void)names_create;\n",
     NAMES, "reserved"),
    ("a keyring's name may be opened", "mail/keyring-names.c",
     "\t\tv->open = names_open;\n", "\t\t(void)names_open;\n", NAMES,
     "reserved"),
    ("a keyring may be renamed", "mail/keyring-names.c",
     "\tif (names_has(src->list, src->name) ||\n\t    names_has(dest->",
     "\tif (names_has(dest->", NAMES, "reserved"),
    ("a mailbox may be renamed to a keyring", "mail/keyring-names.c",
     " ||\n\t    names_has(dest->list, dest->name))\n", ")\n", NAMES,
     "reserved"),
    ("a keyring's folder may be renamed", "mail/keyring-names.c",
     "\tif (names_holds(src->list, src->name))\n", "\tif (FALSE)\n", NAMES,
     "folder_of"),
    ("a keyring's folder may be deleted", "mail/keyring-names.c",
     "\tif (names_holds(box->list, box->name))\n", "\tif (FALSE)\n", NAMES,
     "folder_of"),
    ("--new counts for nothing in a public namespace", "session/user.c",
     "\truser->is_new = is_new;\n", "\t(void)is_new;\n", LOST,
     "public_namespace and sdbox"),
    ("--namespace is another word for the user", "doveadm/keyring-init.c",
     "\tif (ns != NULL && ns->owner == NULL)\n", "\tif (FALSE)\n", LOST,
     "public_namespace and sdbox"),
    ("a lock is waited for without end", "keyfile/lock.c",
     "#define LOCK_TIMEOUT_SECS 5\n", "#define LOCK_TIMEOUT_SECS 9999\n",
     STORES, "waited_for_a_while"),
    ("a lock may be a link to another file", "keyfile/lock.c",
     "O_CLOEXEC | O_NOFOLLOW |\n\t\tO_NONBLOCK;",
     "O_CLOEXEC |\n\t\tO_NONBLOCK;", STORES, "odd_lock"),
    ("a lock may be anything", "keyfile/lock.c",
     "\tif (!S_ISREG(st.st_mode) || st.st_nlink != 1)\n",
     "\tif (false)\n", STORES, "odd_lock"),
    ("others may hold the lock", "keyfile/lock.c",
     "\t\treturn (st.st_mode & 07777) == mode ? 0 :\n",
     "\t\treturn mode != 0 ? 0 :\n", STORES, "user_alone"),
    ("a lock may be another user's", "keyfile/lock.c",
     "\tif ((st.st_mode & 0777 & ~mode) != 0)\n",
     "\tif (false)\n", STORES, "lock_of_another"),
    ("what a killed process wrote stays", "keyfile/store.c",
     "\tstore_remove_stale(keyfile);\n",
     "\t(void)store_remove_stale;\n", STORES,
     "temporary_files"),
    ("a public keyring is its first writer's", "session/user-ring.c",
     "\t\troost_keystore_share(store, &permissions);\n",
     "\t\t(void)permissions;\n", STORES, "public_with_uids and sdbox"),
    ("a public keyring is for everybody", "session/keystore.c",
     "permissions->file_create_mode & 0660;",
     "permissions->file_create_mode & 0666;", STORES, "for_readers"),
    ("mail is looked at under the lock", "session/user-ring.c",
     "\tif (roost_scan_mail(ns, &scan, &error) == 0 &&\n",
     "\tif (roost_keystore_lock(store, &error) == 0 &&\n"
     "\t    (ret = roost_scan_mail(ns, &scan, &error),\n"
     "\t     roost_keystore_unlock(store), ret) == 0 &&\n", STORES,
     "without_the_lock"),
    ("a forgotten data key leaves a hole", "session/ring.c",
     "\t*entry = *last;\n\troost_wipe(last, sizeof(*last));\n",
     "\troost_wipe(entry, sizeof(*entry));\n\tring->remembered_count++;\n",
     ATTACKS, "no_hole"),
    # Settings and storage
    ("userdb may give the provider key", "settings/config.c",
     "\t\t\t\t15) != 0)\n", "\t\t\t\t15) != 999)\n",
     REFUSALS, "wrong_value and provider"),
    ("a user without a provider key is let in", "settings/config.c",
     "\tif (config->provider_key_count == 0 &&\n",
     "\tif (FALSE && config->provider_key_count == 0 &&\n", REFUSALS,
     "no_provider_key"),
    ("the keyring's place may have ..", "settings/config.c",
     "\tif (is_file && (strstr(location, \"/../\") != NULL ||\n",
     "\tif (FALSE && (strstr(location, \"/../\") != NULL ||\n", REFUSALS,
     "wrong_value and up"),
    ("mbox is taken for good", "session/user-check.c",
     "\tif (!roost_storage_can_seal(storage))\n", "\tif (FALSE)\n",
     REFUSALS, "test_storage and mbox"),
    ("attachments may lie apart", "session/user-check.c",
     "\tif (*roost_attachment_dir(storage) != '\\0')\n",
     "\tif (FALSE && *roost_attachment_dir(storage) != '\\0')\n", REFUSALS,
     "attachments"),
    ("the hash of nothing is a secret", "settings/config.c",
     "\t\t!secret_is_of_nothing(secret);\n", "\t\tTRUE;\n", KEYS,
     "secret_from_userdb and of-nothing"),
    # Saving
    ("plaintext is saved where sealing fails", "mail/save-hooks.c",
     "\t     box_check_plaintext(box)) < 0)\n\t\treturn -1;\n",
     "\t     box_check_plaintext(box)) < 0)\n\t\tring = NULL;\n", REFUSALS,
     "test_keyring and garbage"),
    ("a look-alike is saved unsealed", "mail/save-hooks.c",
     "\treturn ret == 0 ? 0 : -1;\n", "\treturn ret >= 0 ? 0 : -1;\n", KEYS,
     "maildir and look_alike_is_refused"),
    ("the old provider key is ignored", "settings/config.c",
     "\treturn config_provider_key(config, \"roost_provider_old_key\",\n",
     "\treturn TRUE ? 0 : config_provider_key(config, "
     "\"roost_provider_old_key\",\n", KEYS, "provider_key_exchanged"),
    # A keyring that goes away, or another in its place, while it is in use
    ("it is not looked for before sealing", "mail/save-ring.c",
     "\t    roost_save_ring_bind(t, *ring_r, &error) == 0 &&\n", "", IN_USE,
     "new_epoch and maildir"),
    ("a copy shares a file without a keyring", "mail/copy-share.c",
     "\tif (roost_save_ring_bind(t, ring, &error) == 0)\n",
     "\tif (TRUE)\n", IN_USE,
     "test_vanished and maildir"),
    ("it is not looked for once more", "mail/save-ring.c",
     "\tint ret = strans == NULL ? 0 : trans_check(t, strans);\n",
     "\tint ret = strans == NULL || TRUE ? 0 : trans_check(t, strans);\n",
     IN_USE,
     "between_seal and vanished and maildir"),
    ("another public key meanwhile is no matter", "mail/save-ring.c",
     "\t\tif (roost_ring_seal_count(strans->ring) == strans->seal_count)\n",
     "\t\tif (roost_ring_seal_count(strans->ring) >= strans->seal_count)\n",
     IN_USE,
     "between_seal and new-epoch and maildir"),
    ("a keyring that is gone is still there", "session/ring.c",
     "\tif (ret == 0) {\n\t\t*error_r = t_strdup_printf(\"The keyring %s "
     "vanished while it \"\n", "\tif (ret == 0)\n\t\treturn 0;\n"
     "\tif (ret == 0) {\n\t\t*error_r = t_strdup_printf(\"The keyring %s "
     "vanished while it \"\n", IN_USE, "test_vanished and maildir"),
    ("what is stored now is not looked at", "session/ring.c",
     "buffer_cmp(doc, ring->stored))\n", "TRUE)\n", IN_USE,
     "replaced_by_another and maildir"),
    ("another keyring is taken", "session/ring.c",
     "\t\twhat = \"another one stands", "\t\twhat = TRUE ? NULL : "
     "\"another one stands", IN_USE, "replaced_by_another and maildir"),
    ("an older keyring is taken", "session/ring.c",
     "\telse if (fresh->doc->generation < ring->doc->generation)\n",
     "\telse if (FALSE)\n", IN_USE, "older_one and maildir"),
    ("another host key is taken", "session/ring.c",
     "\telse if (!roost_bytes_equal(fresh->secrets->host_key,\n"
     "\t\t\t\t    ring->secrets->host_key, ROOST_KEY_SIZE))\n",
     "\telse if (FALSE)\n", IN_USE, "host_key and maildir"),
    ("a later one's public key is not taken", "session/ring.c",
     "\tsecrets->seal_key = fresh->secrets->seal_key;\n", "", IN_USE,
     "new_epoch and maildir"),
    ("a later one is not opened anew", "session/ring.c",
     "\telse if (!has_keys)\n\t\tring_open_later(ring);\n", "", IN_USE,
     "opens_what and maildir"),
    ("an unknown epoch is not looked for", "session/ring.c",
     "\tif (err == ROOST_ERR_NO_KEY && ring_follow(ring))\n",
     "\tif (FALSE && ring_follow(ring))\n", ROTATION,
     "test_rotate and maildir"),
    ("a login's slot is gone before it was used", "session/ring.c",
     "\tif (!ring_has_slots_of(ring, fresh) &&\n",
     "\tif (FALSE && !ring_has_slots_of(ring, fresh) &&\n", RING, ""),
    ("an outdated ring writes into the cache", "session/ring.c",
     "\troost_prim_aead_free(&ring->cache_aead);\n"
     "\tring->is_outdated = TRUE;\n", "\tring->is_outdated = TRUE;\n", RING,
     ""),
    ("an old master key is kept", "session/ring.c",
     "\troost_wipe(master, ROOST_KEY_SIZE);\n"
     "\troost_prim_aead_free(&ring->cache_aead);\n",
     "\troost_prim_aead_free(&ring->cache_aead);\n"
     "\tmaster[0] = 1;\n", RING, ""),
    ("an outdated ring names another keyring", "session/ring.c",
     "\treturn err == ROOST_ERR_NO_KEY && ring->is_outdated ?\n",
     "\treturn FALSE ?\n", RING, ""),
    ("what has opened once is unproven again", "session/ring.c",
     "\tring->is_unproven = fresh->is_unproven && ring->open_keys == NULL;\n",
     "\tring->is_unproven = fresh->is_unproven;\n", RING, ""),
    ("a document of an unknown provider key is taken unseen",
     "session/ring.c",
     "\t    !roost_bytes_equal(copy->provider_mac, ring->doc->provider_mac,\n",
     "\t    FALSE && !roost_bytes_equal(copy->provider_mac, "
     "ring->doc->provider_mac,\n", RING, ""),
    # Changing a keyring
    ("the second of two changes is made", "session/ring-change.c",
     "\tif (old->generation == now->generation)\n", "\tif (TRUE)\n", CHANGE,
     ""),
    ("another keyring is changed", "session/ring-change.c",
     "\tif (!roost_bytes_equal(old->id, now->id, ROOST_ID_SIZE))\n",
     "\tif (FALSE)\n", CHANGE, ""),
    ("what the pins refuse is stored", "session/ring-change.c",
     "\tif (changing_check(changing, error_r) < 0 ||\n", "\tif (",
     CHANGE, ""),
    ("a new slot is not proved", "session/ring-change.c",
     "\tif (edit->new_slot == 0)\n", "\tif (TRUE)\n", CHANGE, ""),
    ("another keyring is bound than was looked at", "session/ring-rebind.c",
     "\tif (!rebinding_is_seen(rebind, kr)) {\n", "\tif (FALSE) {\n", CHANGE,
     ""),
    ("a wrong secret costs less than another", "session/ring-secret.c",
     "\tif ((!secret->has_hash ||\n", "\tif (FALSE && (!secret->has_hash ||\n",
     CHANGE, ""),
    ("a word too many is taken", "doveadm/slots.c",
     "\tif (*usage != '\\0' && count > 1)\n", "\tif (FALSE)\n", SLOTS,
     "test_nonsense"),
    ("a secret comes over a connection of doveadm", "doveadm/given.c",
     "\tif (given->ctx->cctx->conn_type == DOVEADM_CONNECTION_TYPE_TCP) {\n",
     "\tif (FALSE) {\n", SLOTS, "connection_of_doveadm"),
    ("the network is told what is wrong with a secret", "doveadm/target.c",
     "\tif (!roost_given_is_remote(given))\n", "\tif (TRUE)\n", SLOTS,
     "test_wrong_secret or test_no_such"),
    ("nobody is asked", "doveadm/consent.c",
     "\tif (is_yes_given(ctx))\n", "\tif (TRUE)\n", SLOTS, "test_compromised"),
    ("the old slot stays", "doveadm/slot-replace.c",
     "\tif (replacing->old == 0)\n", "\tif (TRUE)\n", SLOTS,
     "password_changed"),
    ("what leaked is kept", "doveadm/compromise.c",
     "\tif (slot->number == com->leaked)\n", "\tif (FALSE)\n", SLOTS,
     "test_compromised"),
    ("the mode that userdb pins is left", "doveadm/slots.c",
     "\tif (pin != ROOST_MODE_ANY &&\n", "\tif (FALSE &&\n", ROTATION,
     "that_is_pinned and maildir"),
    ("a public namespace gets a password", "doveadm/slots.c",
     "\tif (target->ns->owner != NULL || (type != ROOST_SLOT_PASSWORD &&\n",
     "\tif (TRUE || (type != ROOST_SLOT_PASSWORD &&\n", ROTATION,
     "public_namespace and maildir"),
    ("who is left is not told", "doveadm/provider-rotate.c",
     "\t\tctx->left++;\n\telse if (is_old)\n",
     "\t\tret = 0;\n\telse if (is_old)\n", ROTATION, "who_is_left"),
    ("tokens are stored without a keyring", "keywords/hooks.c",
     "\t\tif (ret == 0)\n\t\t\tret = roost_keyword_box_check_ring(kbox, "
     "&used);\n", "", IN_USE, "keywords and maildir"),
    # Pins of the id and of the mode
    ("the mode is not compared", "session/ring.c",
     "\tif (ring_check_mode(ring, config->mode, error_r) < 0)\n"
     "\t\treturn -1;\n", "", PINS, "mode_is_pinned and provider"),
    ("what nobody has opened is sealed to", "session/ring.c",
     "\tif (ring->is_unproven)\n", "\tif (FALSE)\n", PINS,
     "mode_is_pinned and password-slot"),
    ("a keyring in the wrong mode is made by itself", "session/user-ring.c",
     "\telse if (place->config->mode == ROOST_MODE_PASSWORD)\n",
     "\telse if (FALSE)\n", PINS, "none_is_made_in"),
    ("a keyring that the pins refuse is made", "session/ring.c",
     "\tif (ring_may_be_created(create, error_r) < 0)\n\t\treturn -1;\n",
     "", PINS, "none_is_made"),
    # Public namespaces
    ("tenants are all one", "session/user-ring.c",
     "\treturn t_strconcat(\"ns:\", ns->prefix, \"@\", tenant, NULL);\n",
     "\treturn t_strconcat(\"ns:\", ns->prefix, \"@\", *tenant == '/' ? "
     "\"/\" : tenant, NULL);\n", TENANTS, "maildir and apart"),
    ("a tenant's name is not heard", "session/user-ring.c",
     "\tif (*tenant == '\\0' &&\n", "\tif (TRUE &&\n", TENANTS,
     "maildir and has_a_name"),
    ("a path is taken as it is written", "session/user-ring.c",
     "\t\ttenant = t_normpath(path, &normal, &error) < 0 ? path : normal;\n",
     "\t\ttenant = t_normpath(path, &normal, &error) < 0 ? path : path;\n",
     "neighbours", "maildir and public_namespace"),
    ("ids of public namespaces are not compared", "settings/config.c",
     "\treturn config_ids(config_r, pool, \"roost_public_keyring_id\",\n"
     "\t\t\t  set->roost_public_keyring_id, error_r);\n",
     "\treturn config_ids(config_r, pool, \"roost_public_keyring_id\",\n"
     "\t\t\t  \"\", error_r);\n", TENANTS, "maildir and id_is_pinned"),
    ("only the first of several ids counts", "session/ring.c",
     "\tfor (i = 0; i < config->keyring_id_count; i++) {\n",
     "\tfor (i = 0; i < 1; i++) {\n", TENANTS, "maildir and id_is_pinned"),
    ("a dry run changes the keyring", "session/ring-rebind.c",
     "\tif (!rebinding->differs || rebinding->is_dry)\n",
     "\tif (!rebinding->differs)\n", TENANTS, "maildir and apart"),
    ("a keyring is written that nobody reads", "core/keyring-edit.c",
     "\tif (kr->generation >= GENERATION_MAX)\n", "\tif (false)\n",
     "glue/test_ring_change", ""),
    # Mailboxes of other users
    ("a visitor's pins bind somebody else's keyring", "session/user.c",
     "\t\t*config_r = owner_find(ruser, ns->owner->username);\n",
     "\t\t*config_r = &ruser->config;\n", OWNER, "maildir and older"),
    ("where nobody answers an owner has no pins", "session/owner.c",
     "\tint ret = -1;\n", "\tint ret = 1;\n", "glue/test_owner", ""),
    ("what a visitor's userdb says binds the owner",
     "settings/config.c",
     "\t\telse if (userdb_value(visitor_fields, from->name) != NULL)\n",
     "\t\telse if (FALSE)\n", OWNER, "maildir and pins_of_the_visitor"),
    ("what the owner's userdb says is not heard",
     "settings/config.c", "\t\tif (own != NULL)\n",
     "\t\tif (FALSE && own != NULL)\n", OWNER, "maildir and another_id"),
    ("a visitor without Roost is served plaintext", "mail/open.c",
     "\t\t\t     ns->owner == mail->box->storage->user))\n",
     "\t\t\t     TRUE))\n", OWNER, "maildir and test_policy and no"),
    ("a visitor's secret opens somebody else's keyring",
     "settings/config.c", "\tconfig_r->has_secret = FALSE;\n"
     "\tif (config_plaintext(", "\tif (config_plaintext(",
     OWNER, "maildir and secret"),
    # The index cache
    ("telling fields are cached", "cache/box.c",
     "\t\tcache_forbid_field(cache, i);\n", "\t\t(void)cache;\n", LEAKS,
     "opened_twice"),
    ("core reads native fields", "cache/box.c",
     "\t\tibox->cache_fields[fields[i]].idx = none;\n",
     "\t\t(void)ibox, (void)none;\n", LEAKS, "planted and lost"),
    ("sizes are the native ones", "cache/hooks.c",
     "\tif (!mail->saving && roost_cache_fill_sizes(mail, size_r, "
     "&physical))\n\t\treturn 0;\n", "\t(void)physical;\n", LEAKS,
     "planted and kept"),
    ("zero is an object", "cache/keys.c",
     "\treturn roost_bytes_are_zero(cmail->object_id, ROOST_ID_SIZE) ||\n",
     "\treturn FALSE ||\n", LEAKS, "object_id_of_zero"),
    ("a commitment that fails is the blob's no fault", "mail/open.c",
     "\t\troost_cache_keys_ignore(mail);\n", "\t\t(void)mail;\n", DAMAGE,
     "commitment and maildir"),
    ("a refused blob is not reported", "cache/find.c",
     "\tif (is_bad)\n\t\tcache_mail_report(", "\tif (FALSE)\n"
     "\t\tcache_mail_report(", DAMAGE, "truncation and maildir"),
    ("parts of two messages go together", "cache/find.c",
     "\treturn is_of_one ? ROOST_OK : ROOST_ERR_BLOB_AUTH;\n",
     "\t(void)is_of_one;\n\treturn ROOST_OK;\n", DAMAGE,
     "mixed and maildir"),
    ("parts go with a first one that is of nobody", "cache/find.c",
     "\t\treturn lookup->facts_err;\n", "\t\t;\n", DAMAGE,
     "every_byte and maildir"),
    ("what was replaced is news", "cache/find.c",
     "\tlookup->field_own.state = FIELD_EMPTY;\n", "", DAMAGE,
     "was_healed and maildir"),
    ("a blob of another keyring is opened", "cache/find.c",
     "\t\treturn ROOST_ERR_OTHER_KEYRING;\n", "\t\t;\n", FIND, ""),
    ("a blob that is too long is cut to one", "cache/find.c",
     "bytes[ROOST_BLOB_SIZE_MAX + 1];", "bytes[ROOST_BLOB_SIZE_MAX];", FIND,
     ""),
    ("a locked keyring loses its blobs", "cache/find.c",
     " &&\n\t    !roost_ring_is_locked(ring))\n", " && ring != NULL)\n",
     FIND, ""),
    ("a blob that is held is of any object", "cache/find.c",
     "\t\t(cmail->held == 0 ||\n", "\t\t(TRUE ||\n", FIND, ""),
    ("a name is another one that begins with it", "cache/header-lines.c",
     "\t\t\torder = names[middle][len] == '\\0' ? 0 : 1;\n", "\t\t\t;\n",
     LINES, ""),
    ("a name in clear has lines of others", "cache/header-lines.c",
     " &&\n\t\tname[line->name_len] == '\\0';\n", ";\n", LINES, ""),
    ("form 2 stands anywhere", "cache/find.c",
     "\treturn err == ROOST_OK && blob_r->form != ROOST_BLOB_FORM_OWN ?\n",
     "\treturn FALSE ?\n", DAMAGE, "where_form_1 and maildir"),
    ("what is not there takes all along", "cache/find.c",
     " &&\n\t    (field_own->state != FIELD_EMPTY ||\n"
     "\t     field_new->state != FIELD_EMPTY || !lookup->has_facts))\n",
     ")\n", DAMAGE, "without_a_summary and maildir"),
    ("an older blob is enough", "cache/find.c",
     "\t    cache_mail_has_all_of(lookup->cmail, lookup->blob))\n",
     "\t    TRUE)\n",
     DAMAGE, "made_twice and maildir"),
    ("a summary of any length is kept", "cache/content.c",
     "\tif (lines->used <= SUMMARY_MAX_SIZE)\n", "\tif (TRUE)\n", DAMAGE,
     "long_summary and maildir"),
    ("a summary has other headers, too", "cache/hooks.c",
     "\t\tif (!roost_content_is_in_summary(names[i]))\n",
     "\t\tif (i > 0 && !roost_content_is_in_summary(names[i]))\n", "cache",
     "from_and_subject"),
    ("core's field is told for a large header", "cache/hooks.c",
     "\t\tif (native_has_field(mail, headers->idx[i]))\n", "\t\tif (FALSE)\n",
     "cache_native", "large_header and folded and maildir"),
    ("core's value is told for a large header", "cache/hooks.c",
     "\tbool is_native = native_has_name(_mail, name);\n",
     "\tbool is_native = FALSE && native_has_name(_mail, name);\n",
     "cache_native", "large_header and folded and maildir"),
    ("a large header is kept", "cache/header-lines.c",
     "is_large || input->v_offset - start > max ? 0 : 1;", "1;", "large",
     "answers_are_plains and mdbox"),
    ("a large header is read whole", "cache/header-lines.c",
     "\t\tis_large = dest->used > max;\n", "", "large",
     "memory_is_plains and kept"),
    ("lines that core takes in pieces go to it", "cache/hooks.c",
     "roost_lines_are_short(input)", "TRUE", "large", "16_mb and maildir"),
    ("all that parts say of a message is kept", "flags/contents.c",
     "\tp_clear(contents->part_pool);\n", "", "large",
     "memory_is_plains and parts"),
    ("a blob of one part is one of another", "cache/find.c",
     "!content_is_of_blob(&opened, room))\n", "FALSE)\n", DAMAGE,
     "of_one_message and maildir"),
    ("what is bad stays beside a blob of all", "cache/find.c",
     " && lookup->has_facts &&\n",
     " && lookup->field_own.is_there &&\n", DAMAGE,
     "bad_beside and maildir"),
    ("form 2 is opened at each session", "cache/find.c",
     "\tif ((is_bad || lookup->is_form_new) && ", "\tif (is_bad && ", DAMAGE,
     "form_2_beside and maildir"),
    ("form 2 has saved keys", "core/blob.c",
     " &&\n\t\t\tform == ROOST_BLOB_FORM_OWN;\n", ";\n", DAMAGE,
     "no_saved_keys and maildir"),
    ("a field that is nowhere is registered", "cache/box.c",
     "\tif (box->cache->field_file_map[idx] == UINT32_MAX) {\n",
     "\tif (FALSE) {\n", DAMAGE, "received_date and maildir"),
    ("received dates are kept from the first list on", "cache/box.c",
     "\t\tcache_box_keep_received(cbox->box);\n",
     "\t\t(void)cache_box_keep_received;\n", "cache", "adds_nothing"),
    ("a blob is never made room for", "cache/find.c",
     "\t\treturn ROOST_CACHE_DROP;\n", "\t\treturn ROOST_CACHE_LEAVE;\n",
     DAMAGE,
     "damaged_again and maildir"),
    ("a full-text index is written", "session/user-check.c",
     "\tif (plugin == NULL || config->may_fts ||\n",
     "\tif (plugin != NULL || config->may_fts ||\n", LEAKS,
     "full_text"),
    ("a full-text index cannot be allowed", "session/user-check.c",
     "\tif (plugin == NULL || config->may_fts ||\n",
     "\tif (plugin == NULL ||\n", LEAKS, "full_text"),
    # The policy
    ("a keyring is born open", "session/scan.c",
     "\treturn scan->plain_count == 0 ? ", "\treturn FALSE ? ", POLICY,
     "born_sealed and maildir"),
    ("a keyring is born sealed over plaintext", "session/scan.c",
     "\treturn scan->plain_count == 0 ? ", "\treturn TRUE ? ", POLICY,
     "born_sealed and maildir"),
    ("doveadm makes a sealed keyring on the way", "session/user-ring.c",
     "\t\tcreate->policy = is_on_the_way(ruser) ? ",
     "\t\tcreate->policy = FALSE && is_on_the_way(ruser) ? ",
     POLICY, "on_the_way and maildir"),
    ("init makes an open keyring", "doveadm/keyring-init.c",
     "\t\t\troost_scan_policy(&scan);\n", "\t\t\tROOST_POLICY_OPEN;\n",
     POLICY, "born_sealed and maildir"),
    ("a changed keyring is of no later generation", "session/ring-change.c",
     "\tenum roost_err err = roost_keyring_next_generation(edit->kr);\n",
     "\tenum roost_err err = ROOST_OK;\n", POLICY,
     "policy_changed and maildir"),
    ("a changed keyring has the old mac", "session/ring-change.c",
     "\t\t\troost_keyring_sign_provider(edit->kr, edit->host_key);\n",
     "\t\t\tROOST_OK;\n", POLICY, "policy_changed and maildir"),
    ("a session keeps the policy it had", "session/user-ring.c",
     "\t\t\troost_user_renew_ring(ruser, ring, error_r) < 0))\n",
     "\t\t\tFALSE))\n", POLICY, "policy_changed and maildir"),
    ("read-only takes in what it refuses", "mail/save-hooks.c",
     "\tif (plaintext != ROOST_PLAINTEXT_REFUSE)\n",
     "\tif (plaintext <= ROOST_PLAINTEXT_SERVE)\n", POLICY,
     "read_only_takes and maildir"),
    ("verify takes what was put in place", "doveadm/verify-message.c",
     "\tif (!roost_named_object_is_there(mail))\n", "\tif (TRUE)\n",
     POLICY, "verify_names and maildir"),
    ("verify does not know the policy", "doveadm/mail-verify.c",
     "\telse if (run->plaintext > 0)\n", "\telse if (FALSE)\n", POLICY,
     "verify_by"),
    ("verify does not know the pin", "doveadm/mail-verify.c",
     "\tif (ring != NULL)\n\t\treturn roost_ring_policy(ring) == "
     "ROOST_POLICY_SEALED;\n",
     "\tif (ring != NULL)\n\t\treturn roost_ring_doc(ring)->policy == "
     "ROOST_POLICY_SEALED;\n", POLICY, "verify_by"),
    ("verify counts every message to the newest epoch", "session/sealed-to.c",
     "\t\tif (roost_bytes_equal(peek->key_ids[i], key_id,\n"
     "\t\t\t\t      ROOST_KEY_ID_SIZE))\n", "", "verify",
     "by_epoch and maildir and keys"),
    ("a lost keyring is a fresh account", "doveadm/keyring-status.c",
     "\tif (status->ring != NULL || all->messages == all->unsealed)\n",
     "\tif (TRUE)\n", "status", "lost_keyring"),
    ("the doctor overlooks a protocol", "doveadm/doctor-config.c",
     "\tif (check_has_plugin(check, \"roost\") || ", "\tif (TRUE || ",
     "doctor", "no-plugin-in-another"),
    ("the doctor overlooks a key that all read", "doveadm/doctor-server.c",
     "\tif ((st.st_mode & 0007) != 0) {\n", "\tif (FALSE) {\n", "doctor",
     "everybody_reads"),
    ("the doctor overlooks a format in braces", "doveadm/doctor-config.c",
     "\t\t\t\tif (str_array_find(telling, *words))\n",
     "\t\t\t\tif (FALSE)\n", "doctor", "log-format"),
    ("the doctor overlooks a keyring that all read", "doveadm/doctor-user.c",
     "(st.st_mode & 0077) == 0)\n", "TRUE)\n", "doctor",
     "keyring_that_others"),
    ("a lost name is restored from one that is lost, too",
     "doveadm/flags-restore.c",
     "\tif (stored == NULL || roost_flagname_is_lost(stored))\n",
     "\tif (stored == NULL)\n", "flags_doveadm", "makes_no_name_up"),
    ("a token becomes a name", "doveadm/flags-restore.c",
     "\tif (!roost_token_is_claimed(stored, strlen(stored)))\n",
     "\tif (TRUE)\n", "flags_doveadm", "makes_no_name_up or from_a_backup"),
    ("one user's backup is used for all", "doveadm/flags-doctor.c",
     "\tif (!cmd->cmd.ctx.iterate_single_user)\n", "\tif (FALSE)\n",
     "flags_doveadm", "wrong_backup"),
    ("one mailbox's backup is used for all", "doveadm/flags-doctor.c",
     "\tif (!S_ISDIR(st.st_mode) && !cmd->cmd.masks.is_one_mailbox)\n",
     "\tif (FALSE)\n", "flags_doveadm", "wrong_backup"),
    ("verify trips over a parent", "doveadm/walk.c",
     "mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND", "TRUE",
     POLICY, "verify_skips and maildir"),
    ("an interrupted command ends well", "doveadm/walk.c",
     "\t\treturn roost_command_fail(walk->ctx, user, INTERRUPTED);\n",
     "\t\treturn ret;\n", "faults", "alike and list"),
    ("a mailbox that was read in part has its row", "doveadm/walk.c",
     "\t\tif (doveadm_is_killed())\n\t\t\treturn -1;\n",
     "\t\tif (doveadm_is_killed())\n\t\t\treturn 0;\n", "faults",
     "alike and verify"),
    ("a cache is purged that fills again", "doveadm/cache-purge.c",
     "\tif (ret == 0)\n\t\treturn purge_fail(", "\tif (FALSE)\n"
     "\t\treturn purge_fail(", "silence", "nothing_is_purged"),
    ("a purge is believed", "doveadm/cache-purge.c",
     "\tif (name != NULL)\n", "\tif (FALSE)\n", "silence",
     "says_what_it_did_not"),
    # Plaintext in the place of sealed mail
    ("plaintext is served in a sealed one's place", "mail/open.c",
     "\tif (is_named(mail))\n", "\tif (FALSE && is_named(mail))\n",
     POLICY, "maildir and every_way"),
    ("the name of a dropped object is lost", "session/named-object.c",
     "\tif (object_id != NULL)\n\t\tmail_cache_add(",
     "\tif (FALSE)\n\t\tmail_cache_add(", POLICY,
     "maildir and another_genuine"),
    ("the name is lost where nothing opens", "session/named-object.c",
     "\tif (object_id == NULL && mail", "\tif (FALSE && mail", POLICY,
     "maildir and both_slots"),
    ("a copy shares what was put in place", "mail/copy-share.c",
     "\t\t!roost_named_object_is_there(mail) ? 1 : 0;\n",
     "\t\tTRUE ? 1 : 0;\n", POLICY,
     "maildir and read_only_copies"),
    ("what is refused for one policy is served", "mail/open.c",
     "\t\treturn is_again ? roost_refuse_unsealed(mail) :\n",
     "\t\treturn is_again ? (roost_refuse_unsealed(mail) < 0 &&\n"
     "\t\t\tconfig->plaintext == ROOST_PLAINTEXT_REFUSE ? -1 : 0) :\n",
     POLICY, "whatever_the_policy"),
    ("a spool on a disk is fine", "session/leaks.c",
     "\tif (roost_leaks_dir_keeps(dir))\n", "\tif (FALSE)\n", LEAKS, "spool"),
    # Names of keywords: what must not be stored
    ("a client may store a made-up token", "keywords/hooks.c",
     "\tif (ret == 0)\n\t\treturn kbox->module_ctx.super.transaction_commit(",
     "\tif (ret <= 0)\n\t\treturn kbox->module_ctx.super.transaction_commit(",
     KEYWORDS, "made_up"),
    ("a script may deliver with a made-up token", "keywords/change.c",
     "\tcopy_drop(kbox, ctx, mail, &used);\n", "", KEYWORDS, "made_up"),
    ("the last gate is open", "keywords/commit.c",
     "\t\tret = trans_prepare(t);\n", "\t\tret = 0;\n", KEYWORDS,
     "virtual"),
    ("the last gate does not close", "keywords/commit.c",
     "\tif (ret < 0) {\n\t\tsuper.rollback(t);\n\t\treturn -1;\n\t}\n", "",
     KEYWORDS, "virtual_index"),
    ("without a keyring names are stored", "keywords/box.c",
     "\tif (roost_user_config(kbox->ruser)->enable == ROOST_ENABLE_YES)\n",
     "\tif (FALSE)\n", KEYWORDS, "first_private or no_keyring"),
    ("with a keyring that fails names are stored", "keywords/box.c",
     "\tif (ret < 0)\n\t\treturn fault;\n", "", KEYWORDS, "no_keyring"),
    ("a name too long for a token is stored", "keywords/box.c",
     "\t\telse if (worst != ROOST_KEYWORD_BARE)\n\t\t\tworst = fault;\n",
     "\t\telse if (fault == ROOST_KEYWORD_FORGED)\n\t\t\tworst = fault;\n",
     KEYWORDS, "longest"),
    # What stands on disk stays
    ("a plain name of the index becomes a token", "keywords/index.c",
     "\t\tif (strcasecmp(names + recs[i].name_offset, name) == 0)\n",
     "\t\tif (FALSE)\n", KEYWORDS, "plain_names and sdbox"),
    ("a plain name of dovecot-keywords becomes a token",
     "keywords/index.c",
     "\treturn header_has(kindex->index, name) || maildir_has(box, name);\n",
     "\treturn header_has(kindex->index, name);\n", KEYWORDS,
     "plain_names and maildir"),
    ("a token that does not open is lost by a copy",
     "keywords/change.c", "\troost_keyword_index_allow(kbox->kindex, idx);\n"
     "\treturn TRUE;\n", "\treturn FALSE;\n", KEYWORDS, "another_keyring"),
    # Which keyring the names belong to
    ("the names of one keyring are the next one's", "keywords/index.c",
     "\t\tkeyword_index_reset(kindex, access->key);\n",
     "\t\tif (access->key != NULL)\n"
     "\t\t\tkeyword_index_reset(kindex, access->key);\n",
     KEYWORDS, "other_users"),
    ("the hash still finds names of another keyring",
     "keywords/index.c",
     "\t\t\thash_table_remove(kindex->index->keywords_hash,\n"
     "\t\t\t\t\t  keyword->alias);\n", "\t\t\t;\n", KEYWORDS,
     "other_users"),
    ("who says a token finds its messages", "keywords/search.c",
     "\t    (roost_keyword_index_is_opened(kindex, idx) &&\n",
     "\t    (FALSE && roost_keyword_index_is_opened(kindex, idx) &&\n",
     KEYWORDS,
     "token_of_a_name"),
    ("a search finds what another user's key has opened",
     "keywords/search.c",
     "\tif (!mail_index_keyword_lookup(asked->index, name, &idx) ||\n",
     "\tidx = asked->idx[0];\n\tif (\n", KEYWORDS, "other_users"),
    # Replication and virtual mailboxes
    ("replication sees names", "keywords/box.c",
     "\treturn kbox->box->storage->user->dsyncing;\n", "\treturn FALSE;\n",
     KEYWORDS, "dsync or another_keyring"),
    ("replication keeps to the clients' limit", "keywords/hooks.c",
     "\t\troost_keyword_handover_raise_limit(box->storage);\n",
     "\t\t;\n", KEYWORDS,
     "dsync"),
    ("a virtual mailbox keeps to the clients' limit",
     "keywords/handover.c",
     "\t\troost_keyword_handover_raise_limit(storage);\n", "\t\t;\n", KEYWORDS,
     "see_no_difference and sdbox"),
    ("clients have the limit of tokens after it", "keywords/handover.c",
     "\t\tstorage->set = limit_get(storage)->client;\n", "\t\t;\n",
     KEYWORDS, "see_no_difference and sdbox"),
    ("a virtual mailbox hands on tokens of its own keyring",
     "keywords/change.c", "\tif (name == NULL)\n\t\treturn FALSE;\n",
     "\tif (name != NULL)\n\t\treturn TRUE;\n\telse\n\t\treturn FALSE;\n",
     KEYWORDS, "shared_and"),
    # Several tokens on disk for one name
    ("a search asks for one of two", "keywords/search.c",
     "\t\tsearch_at_each(kindex, pool, arg, first);\n", "\t\t;\n", KEYWORDS,
     "spellings and sdbox"),
    ("one of two is taken away", "keywords/change.c",
     "\tif (type != MODIFY_REMOVE || ", "\tif (TRUE || ", KEYWORDS,
     "spellings and sdbox"),
    ("a name is shown twice", "keywords/change.c",
     "\t\tlist_add(shown,\n"
     "\t\t\t roost_keyword_index_shown_at(kbox->kindex, *idx));\n",
     "\t{\n\t\tunsigned int at = roost_keyword_index_shown_at(kbox->kindex, "
     "*idx);\n\t\tarray_push_back(shown, &at);\n\t}\n",
     KEYWORDS, "spellings and sdbox"),
    ("a name is listed twice", "keywords/hooks.c",
     "items == STATUS_KEYWORDS ?", "TRUE ?", KEYWORDS, "spellings and sdbox"),
    ("a second token is listed", "keywords/index.c",
     "\tshow(kindex, idx, shown_at(kindex, idx) > 0 ? idx : other);\n",
     "\tshow(kindex, idx, idx);\n", KEYWORDS, "spellings and sdbox"),
    # A module that is loaded and not used
    ("commands take libsodium at once", "doveadm/plugin.c",
     "\tmail_storage_hooks_add_forced(&hooks_module, &command_hooks);\n",
     "\tconst char *error;\n\t(void)roost_libraries_need(&error);\n"
     "\tmail_storage_hooks_add_forced(&hooks_module, &command_hooks);\n",
     STOCK, "scheme"),
    # Checks that another check nearly always hides
    ("a visitor makes the owner's keyring", "session/user-ring.c",
     "\tif (!place->is_own)\n\t\t*error_r", "\tif (FALSE)\n\t\t*error_r",
     GUARDS, "maildir and visitor"),
    ("a keyring is made with any uid", "session/user-ring.c",
     "\tif (user->uid != (uid_t)-1 && user->uid != geteuid()) {\n",
     "\tif (FALSE) {\n", GUARDS, "users_uid"),
    ("one message is looked at for another", "session/inspect.c",
     "\timail->has_peek = FALSE;\n", "", GUARDS, "each_message_of_a_copy"),
    ("plaintext is served where the keyring is refused", "mail/open.c",
     "\tif (roost_user_plaintext(ruser, ns, &plaintext, &error) < 0)\n"
     "\t\treturn roost_refuse_keyring(mail, \"keyring\", error);\n",
     "\tif (roost_user_plaintext(ruser, ns, &plaintext, &error) < 0)\n"
     "\t\treturn 0;\n",
     GUARDS, "without_a_policy and maildir"),
    ("the cache tells what may not be served", "cache/mail.c",
     "\treturn !roost_bytes_are_zero(cmail->object_id, ROOST_ID_SIZE) ||\n",
     "\treturn TRUE ||\n", GUARDS, "cached_plaintext and maildir"),
    ("any document is replaced", "session/keystore.c",
     "\treturn (ret == 0) == (old == NULL) &&\n"
     "\t\t(old == NULL || buffer_cmp(now, old)) ? 1 : 0;\n",
     "\treturn 1;\n", KEYSTORE, ""),
    ("nothing is read back", "session/keystore.c",
     "\tif (now->used != len || memcmp(now->data, doc, len) != 0) /*",
     "\tif (FALSE) /*", KEYSTORE, ""),

    # Keyrings in a dict
    ("a keyring in a dict is made at first use", "session/user-ring.c",
     "\telse if (!roost_keystore_makes_once(store))\n",
     "\telse if (FALSE)\n", DICT, "test_life and redis"),
    ("a dict that fails has no keyring", "session/keystore-dict.c",
     "\tif (ret == 0)\n\t\treturn 0;\n\tif (ret > 0 && len > 0 &&",
     "\tif (ret <= 0)\n\t\treturn 0;\n\tif (ret > 0 && len > 0 &&",
     KEYSTORE_DICT, ""),
    ("an empty value is no keyring", "session/keystore-dict.c",
     "\tif (ret == 0)\n\t\treturn 0;\n\tif (ret > 0 && len > 0 &&",
     "\tif (ret >= 0 && len == 0)\n\t\treturn 0;\n\tif (ret > 0 &&",
     KEYSTORE_DICT, ""),
    ("a value in a dict has any size", "session/keystore-dict.c",
     " && len <= ROOST_KEYRING_DOC_MAX)", ")", KEYSTORE_DICT, ""),
    ("a dict that cuts a keyring loses the old one", "session/keystore.c",
     "\tif (store->v->put_back == NULL || ", "\tif (TRUE || ",
     KEYSTORE_DICT, ""),
    ("a keyring in a dict is changed without a lock",
     "session/keystore-dict.c", "\tif (roost_keyfile_lock(dict->lock) == 0)",
     "\tif (TRUE)", KEYSTORE_DICT, ""),
    ("a write that failed says nothing", "session/keystore-dict.c",
     "\tif (answer->is_there && answer->ret != DICT_COMMIT_RET_FAILED) {",
     "\tif (answer->is_there) {", KEYSTORE_DICT, ""),
    ("a dict's password is logged", "session/keystore-dict.c",
     "t_strcut(rest, ':'), owner->name);", "rest, owner->name);",
     KEYSTORE_DICT, ""),
    ("a visitor asks the dict for his own keyring", "session/user-ring.c",
     "\t\t.name = place->owner, .home", "\t\t.name = ns->user->username, .home",
     DICT, "test_visitor and redis"),
    ("a keyring is not synced", "keyfile/store.c",
     "\telse if (fsync(fd) < 0)\n", "\telse if (false)\n", KEYSTORE_FILE, ""),
    ("the lock of a file that is gone is one", "keyfile/lock.c",
     "st.st_dev == now.st_dev && st.st_ino == now.st_ino)", "true)", KEYFILE,
     ""),
    ("a first keyring replaces another", "keyfile/store.c",
     "RENAME_NOREPLACE) == 0)", "0) == 0)", KEYFILE, ""),
    ("what a keyring replaces is gone at once", "keyfile/store.c",
     "if (link(keyfile->path, keyfile->old_path) < 0)", "if (false)", KEYFILE,
     ""),
    ("a keyring's folder is not synced", "keyfile/store.c",
     "\tint ret = fd < 0 ? -1 : fsync(fd);\n",
     "\tint ret = fd < 0 ? -1 : 0;\n", KEYSTORE_FILE, ""),
    ("a keyring cut short is whole", "keyfile/store.c",
     "\t\tlen -= (size_t)ret;\n", "\t\tlen = 0;\n", KEYSTORE_FILE, ""),
    ("a keyring that does not fit is stored", "keyfile/store.c",
     "\telse if (store_write_all(fd, doc, len) < 0)\n",
     "\telse if (store_write_all(fd, doc, len) < -1)\n", KEYSTORE_FILE, ""),
    ("a visitor's secret comes into the owner's ring", "session/ring.c",
     "\tif (config->has_secret)\n\t\tmemcpy(", "\tif (TRUE)\n\t\tmemcpy(", RING,
     ""),
    ("open keys are dropped for nothing", "session/ring.c",
     "\telse if (!has_keys)\n", "\telse\n", RING, ""),
    ("the user's secret stays", "session/ring.c",
     "\troost_wipe(secrets->user_secret, ROOST_KEY_SIZE);\n"
     "\treturn ring->unlock_err;\n", "\treturn ring->unlock_err;\n", RING, ""),
    ("nothing is wiped", "core/secret.c", "\tsodium_memzero(bytes, len);\n",
     "\t(void)bytes;\n\t(void)len;\n", "memory", "maildir"),
    # Passwords for a keyring
    ("a password is cut", "doveadm/password.c",
     "\tif (password->len > ROOST_PASSWORD_MAX)\n",
     "\tif (password->len > 2 * ROOST_PASSWORD_MAX)\n", COMMANDS, "is_cut"),
    ("a password may be empty", "doveadm/password.c",
     "\tif (password->len == 0)\n", "\tif (FALSE)\n", COMMANDS, "is_cut"),
    ("a password may hold NUL", "doveadm/password.c",
     "\tif (memchr(password->text, '\\0', password->len) != NULL)\n",
     "\tif (FALSE)\n", COMMANDS, "is_cut"),
    ("a password ends with CR", "doveadm/password.c",
     "\tif (password->len > 0 && text[password->len - 1] == '\\r')\n",
     "\tif (FALSE)\n", COMMANDS, "from_a_descriptor"),
    ("any two passwords are one", "doveadm/keyring-init.c",
     "\tif (passwords[0].len == passwords[1].len &&\n"
     "\t    roost_bytes_equal(passwords[0].text, passwords[1].text,\n"
     "\t\t\t      passwords[0].len))\n", "\tif (TRUE)\n", COMMANDS,
     "typed_is_cut"),
    ("who asks nothing is told by the next command", "flags/imap-hooks.c",
     "\t\tclient_tell(client, FALSE);\n\treturn ret;", "\t\t;\n\treturn ret;",
     FLAGS, "while_nothing and sdbox and IDLE and not roost"),
    ("a session writes its own spelling", "keywords/commit.c",
     "\t\troost_keyword_index_spell_as_header(kindex, *idx);\n", "\t\t;\n",
     "spellings", "later_of_two"),
    ("names in an mbox are tokens", "keywords/box.c",
     "\tif (!storage_is_ours(box->storage))\n", "\tif (FALSE)\n", KEYWORDS,
     "others_read"),
    # FETCH
    ("an item's name is read to its end", "mail/fetch-hooks.c",
     "size_t len = strspn(name, NAME_CHARS);", "size_t len = strlen(name);",
     "fetch_answers", "odd_names"),
    ("the line of a refused message is left", "mail/fetch-hooks.c",
     "\t\tstr_truncate(state->cur_str, 0);\n", "\t\t;\n",
     "fetch_answers", "good_messages and maildir"),
    ("a line that goes on is forgotten", "mail/fetch-hooks.c",
     "\t    state->cur_handler + 1 == array_count(&ctx->handlers) &&\n", "",
     "fetch_answers", "lost and no-after and maildir"),
    # What only a test of an index without a server shows
    ("a token in a token is opened", "keywords/index.c",
     "\t\tif (!is_claimed(name))\n", "\t\tif (name[0] != '\\0')\n", INDEX,
     ""),
    ("what was in clear is never sealed", "keywords/index.c",
     "{\n\tkindex->sealed_count = 0;\n}", "{\n\t(void)kindex;\n}", INDEX, ""),
    ("maildir's list is not read", "keywords/index.c",
     "header_has(kindex->index, name) || maildir_has(box, name)",
     "header_has(kindex->index, name) || (FALSE && maildir_has(box, name))",
     INDEX, ""),
    # Modes of roost_keywords
    ("all names is private names", "keywords/name.c",
     "\tcase ROOST_KEYWORDS_ALL:\n\t\treturn TRUE;\n",
     "\tcase ROOST_KEYWORDS_ALL:\n"
     "\t\treturn !roost_keyword_name_is_registered(name);\n", KEYWORDS,
     "all_names"),
    ("off makes tokens", "keywords/name.c",
     "\tcase ROOST_KEYWORDS_OFF:\n\t\treturn FALSE;\n",
     "\tcase ROOST_KEYWORDS_OFF:\n\t\treturn TRUE;\n", KEYWORDS, "off_shows"),
    # The program roost
    ("a message needs no end", "tool/dbox.c",
     "memcmp(mark, MAGIC_POST, sizeof(mark)) == 0 ?", "true ?", DBOX_FILE, ""),
    ("a long name of a mailbox runs over", "tool/dbox.c",
     "if (len - 1 <= ROOST_DBOX_MAILBOX_MAX &&", "if (", DBOX_FILE, ""),
    ("metadata need no end", "tool/dbox.c",
     "\t\tis_middle = end == NULL;\n\t}\n\treturn 0;",
     "\t\tis_middle = end == NULL;\n\t}\n\treturn 1;", DBOX_FILE, ""),
    ("an index has records beyond its end", "tool/index.c",
     "\t    count > (len - header_size) / record_size ||\n", "", INDEX_FILE,
     ""),
    ("an extension lies beyond its record", "tool/index.c",
     "\t\tif ((size_t)extension->offset + extension->size > record_size)\n"
     "\t\t\treturn false;\n", "", INDEX_FILE, ""),
    ("names of keywords lie beyond the header", "tool/index.c",
     "\t\tif (at >= span.len)\n\t\t\treturn false;\n", "", INDEX_FILE, ""),
    ("a record of a log is longer than it", "tool/index.c",
     "if (size < RECORD_HEAD_SIZE || size > len - off)",
     "if (size < RECORD_HEAD_SIZE)", INDEX_FILE, ""),
    ("half a transaction is taken", "tool/index.c",
     "\t\t    get32(span.bytes) > len - off)", "\t\t    false)", INDEX_FILE,
     ""),
    ("an expunge that was only asked for is done", "tool/index.c",
     "return !is_external || log_expunge(index, span, 8);",
     "return log_expunge(index, span, 8);", INDEX_FILE, ""),
    ("UIDs of an index come in any order", "tool/index.c",
     "if (uid == 0 || uid < index->next_uid ||", "if (uid == 0 ||",
     INDEX_FILE, ""),
    ("a log may ask for endless work", "tool/index.c",
     "return ++index->work < WORK_MAX;", "return true;", INDEX_FILE, ""),
    ("UIDs come in any order", "tool/uidlist.c",
     "entry_r->uid <= *last_uid ||", "entry_r->uid == 0 ||", UIDLIST, ""),
    ("a uidlist names files elsewhere", "tool/uidlist.c",
     " ||\n\t    memchr(entry_r->name, '/', entry_r->name_len) != NULL)", ")",
     UIDLIST, ""),
    ("a letter beyond z is a keyword", "tool/maildir-name.c",
     "\t\tif (*idx_r >= ROOST_MAILDIR_LETTERS)\n\t\t\treturn false;\n", "",
     UIDLIST, ""),
    ("links in a backup are followed", "tool/stored.c",
     "(dir_fd == AT_FDCWD ? 0 : O_NOFOLLOW)", "0", TOOL, "test_links"),
    ("what is no file is read", "tool/stored.c",
     "\telse if (!S_ISREG(st.st_mode))\n\t\terror = ENOTSUP;\n", "", TOOL,
     "test_links"),
    ("linked folders are walked", "tool/tree-tell.c",
     "return openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |",
     "return openat(fd, name, O_RDONLY | O_DIRECTORY |", TOOL,
     "test_linked_maildir"),
    ("dots in a level divide it", "tool/tree-tell.c",
     "\t\t    (byte == '.' && !is_joined))", "\t\t    false)", TOOL,
     "names_stay_inside"),
    ("names command the terminal", "tool/say.c",
     "if (byte >= 0x20 && byte < 0x7f && byte != '\\\\')", "if (true)", TOOL,
     "shown_names"),
    ("a full folder is written to", "tool/output.c",
     "if (fd < 0 || !is_empty(fd)) {", "if (fd < 0) {", TOOL,
     "output_is_new"),
    ("the output is read as mail", "tool/tree.c",
     "\telse if (S_ISDIR(st.st_mode) && !is_skipped(tree, &st))\n",
     "\telse if (S_ISDIR(st.st_mode))\n", TOOL, "output_in_the_backup"),
    ("one name takes another's place", "tool/output-maildir.c",
     "RENAME_NOREPLACE) == 0)", "0) == 0)", TOOL, "same_names"),
    ("half a message stays in a maildir", "tool/extract.c",
     "\tif (!is_good)\n\t\troost_output_cancel(extract->output);\n\telse if (",
     "\tif (", TOOL, "test_damage and maildir"),
    ("half a message stays in an mbox", "tool/output-mbox.c",
     "\tif (ftruncate(fileno(output->file), output->begin) < 0)\n",
     "\tif (false)\n", TOOL, "no_half_message and maildir"),
    ("plaintext is taken for the user's", "tool/tally.c",
     "\tif (tally->takes_plaintext)\n\t\treturn true;\n",
     "\tif (tally->takes_plaintext || true)\n\t\treturn true;\n", TOOL,
     "test_plaintext"),
    ("the owner is not compared", "tool/keys.c",
     "options->owner == NULL ? NULL : owner);\n\treturn owner_check",
     "NULL);\n\treturn owner_check", TOOL, "foreign_keyring"),
    ("an unsigned keyring is taken without the provider key", "tool/keys.c",
     "\t\terr = roost_keyring_check_owner(keys->keyring);\n", "\t\t;\n", TOOL,
     "changed_keyring"),
    ("what is typed is shown", "tool/ask.c",
     "hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);", ";", TOOL,
     "interrupted"),
    ("the terminal stays silent", "tool/ask.c",
     "\t(void)tcsetattr(fd, TCSAFLUSH, &shown);\n", "", TOOL,
     "interrupted"),
    ("a digest counts for another keyring", "tool/message.c",
     "\t\treturn ROOST_ERR_OTHER_KEYRING;\n", "\t\treturn ROOST_OK;\n", TOOL,
     "check_backup_of_another and maildir"),
    # Sealing in place
    ("what was stored is believed", "rewrite/maildir.c",
     "\t\ttmp_check(put, error_r) < 0 ? -1 : 0;\n", "\t\tFALSE ? -1 : 0;\n",
     SEAL, "does_not_keep"),
    ("a tag at the end is not asked for", "rewrite/form.c",
     "\tif (input->stream_errno == 0)\n", "\tif (TRUE)\n", SEAL,
     "mail_crypt"),
    ("what was put in place is sealed", "rewrite/rewrite.c",
     "\tif (!is_named(look->mail))\n", "\tif (TRUE)\n", SEAL,
     "nobody_answers"),
    ("what the policy refuses is sealed", "rewrite/rewrite.c",
     "\tif (roost_ring_policy(look->run->ring) != ROOST_POLICY_SEALED)\n",
     "\tif (TRUE)\n", SEAL, "nobody_answers"),
    ("what another run has stored is replaced", "rewrite/maildir.c",
     "\treturn is_same_file(&seek.st, &put->old) ? ROOST_REWRITE_PLACED :\n"
     "\t\tROOST_REWRITE_PLACE_OTHER;\n", "\treturn ROOST_REWRITE_PLACED;\n",
     SEAL, "two_runs"),
    ("a renamed message is doubled", "rewrite/maildir.c",
     "\tif (name_was_changed(put, put->old.st_nlink)) {\n",
     "\tif (FALSE && name_was_changed(put, put->old.st_nlink)) {\n", SEAL,
     "another_program"),
    ("the keyring is not asked for again", "rewrite/form.c",
     "\tif (form->plan != ROOST_REWRITE_UNSEAL &&\n"
     "\t    roost_user_renew_ring(", "\tif (FALSE &&\n"
     "\t    roost_user_renew_ring(", SEAL, "goes_away"),
    ("what was cached of the old form stays", "rewrite/known.c",
     "\tif (known_has_record(known))\n", "\tif (FALSE)\n", SEAL, "way_out"),
    ("the received date is the day of sealing", "rewrite/maildir.c",
     "\tif (futimens(put->tmp_fd, times) < 0)\n", "\tif ((void)times, FALSE)\n",
     SEAL, "nothing_changes"),
    ("the save date is the day of sealing", "rewrite/maildir.c",
     "\tput->form->save_date = put->old.st_ctime;\n", "", SEAL,
     "save_date_stays"),
    ("a copy is stored twice", "rewrite/maildir.c",
     "\tif (tmp_link(put))\n", "\tif (FALSE && tmp_link(put))\n", SEAL,
     "copies_stay"),
    ("what a killed run has left stays", "rewrite/maildir.c",
     "\tif (flock(fd, LOCK_EX | LOCK_NB) == 0 && unlink(path) < 0 &&\n",
     "\tif (FALSE && unlink(path) < 0 &&\n", SEAL, "killed_at"),
    ("plaintext is asked for nobody", "doveadm/mail-rewrite.c",
     "\tif (!cmd->is_sure && !unseal_ask(ctx))\n", "\tif (FALSE)\n", SEAL,
     "way_out"),
    ("all is finished though a message stays", "doveadm/mail-rewrite.c",
     "\tif (cmd->all.left > 0) {\n", "\tif (FALSE) {\n", SEAL,
     "finish_ends"),
    ("letters of maildir keep their names", "rewrite/names.c",
     "\tif (strcmp(box->storage->name, MAILDIR_STORAGE_NAME) == 0 &&\n"
     "\t    letters(", "\tif (FALSE &&\n\t    letters(", SEAL,
     "finish_leaves"),
    ("the older log keeps names", "rewrite/names.c",
     "\ti_unlink_if_exists(index->log->filepath2);\n", "", SEAL,
     "finish_leaves"),
    ("old caches stay", "doveadm/seal-finish.c",
     "\tif (finish_cache(box, &error) < 0)\n", "\tif (FALSE && "
     "finish_cache(box, &error) < 0)\n", SEAL, "finish_leaves"),
    # A session that reads while a message is sealed
    ("a message that was just stored anew is refused", "mail/open-hooks.c",
     "\tif (ret < 0 && omail->opened.is_unlike) {\n", "\tif (FALSE) {\n", SEAL,
     "older_view"),
]


class Broken(Exception):
    """An entry proves nothing, because its text is not there, its code does not
    compile or its test does not run."""


def run(top, *command):
    """Runs a command; returns the completed process. After SECS_MAX it ends the
    command and all that it started, and raises Broken."""
    with subprocess.Popen(command, cwd=top, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          start_new_session=True) as process:
        try:
            out, _ = process.communicate(timeout=SECS_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                out, _ = process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                out, _ = process.communicate()
            raise Broken(f"{command}: more than {SECS_MAX} seconds:\n" +
                         out.decode(errors="replace")) from None
    return subprocess.CompletedProcess(command, process.returncode, out)


def copied(top):
    """Copies the tree, without what was built, into a folder."""
    os.chmod(top, 0o755)
    for name in os.listdir(TOP):
        if name in ("build", ".git"):
            continue
        path = os.path.join(TOP, name)
        if os.path.isdir(path):
            shutil.copytree(path, os.path.join(top, name), symlinks=True)
        else:
            shutil.copy(path, top)


def tested(top, tests, wanted):
    """Runs tests; returns the completed process. Its status is 0 if they pass,
    1 if one fails, and another if they could not run."""
    if not tests.startswith(("glue/", "core/")):
        return run(top, "tests/e2e/run", "-x", "-q", f"test_{tests}.py", "-k",
                   wanted)
    program = f"build/tests/{tests}"
    built = run(top, "make", "-s", "WERROR=", program)
    if built.returncode != 0:
        return built
    done = run(top, program)
    done.returncode = int(done.returncode != 0)
    return done


def notices(top, mutant):
    """Applies a mutant to the tree; tells whether a test fails."""
    title, name, old, new, tests, wanted = mutant
    path = os.path.join(top, "plugin", name)
    with open(path) as file:
        text = file.read()
    try:
        with open(path, "w") as file:
            file.write(core.changed(title, text, old, new))
        done = run(top, "make", "-s", "WERROR=", "all")
        if done.returncode == 0:
            done = tested(top, tests, wanted)
    except ValueError as error:
        raise Broken(str(error)) from None
    finally:
        with open(path, "w") as file:
            file.write(text)
    if done.returncode not in (0, 1):
        raise Broken(done.stdout.decode(errors="replace"))
    return done.returncode == 1


def asked():
    """Returns the mutants that the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", metavar="I/N", default="1/1")
    parser.add_argument("words", nargs="*", metavar="WORD")
    given = parser.parse_args()
    which, shares = map(int, given.share.split("/"))
    return [mutant for mutant in MUTANTS
            if not given.words or any(word in mutant[0] for word in
                                      given.words)][which - 1::shares]


def main():
    mutants = asked()
    passed = 0
    with tempfile.TemporaryDirectory(prefix="roost-mutants.") as top:
        copied(top)
        for mutant in mutants:
            try:
                found = notices(top, mutant)
            except Broken as broken:
                found = False
                print(f"BROKEN {mutant[0]}\n{broken}", flush=True)
            else:
                print("ok" if found else "SURVIVED", mutant[0], flush=True)
            passed += found
    print(f"{passed} passed, {len(mutants) - passed} failed")
    return passed != len(mutants)


if __name__ == "__main__":
    sys.exit(main())
