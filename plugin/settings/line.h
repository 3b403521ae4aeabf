/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SETTINGS_LINE_H
#define ROOST_SETTINGS_LINE_H

/*
 * line: lines of Dovecot's configuration, as its version wants them written,
 * for messages to an operator.  What stands between braces has to be written on
 * lines of its own.
 *
 * All results live on the data stack.
 */

#include "dovecot/compat.h"

/* Where roost(7) puts the provider key. */
#define ROOST_LINE_KEY_FILE "/etc/dovecot/private/roost-provider.key"

/* How doveconf calls a setting of a plugin. */
const char *roost_line_plugin_setting(const char *name);

/* The line that sets a setting of a plugin. */
const char *roost_line_plugin_set(const char *name, const char *value);

/* The line that loads one more plugin, and the one that loads one less of those
   that are loaded. */
const char *roost_line_plugin_load(const char *plugin);
const char *roost_line_plugin_leave(const char *const *loaded,
				    const char *plugin);

/* The words without those of left, as the value of a list; NULL is the last of
   each. */
const char *roost_line_words_without(const char *const *words,
				     const char *const *left);

/* A line within the block of a protocol, or as it is if protocol is NULL. */
const char *roost_line_protocol(const char *protocol, const char *line);

/* How doveconf calls the settings that say in which storage mail is; the
   storage's name that begins the value of the first is its driver.  Then, the
   lines that name one for sealed mail, and the storage as doveadm takes it. */
#define ROOST_LINE_STORAGE "maildir:~/Maildir"
/* The command that moves a user's mail there from another storage; formats a
   name.  Where no separator is configured, the two would have different ones,
   and Dovecot would not do it. */
#define ROOST_LINE_MOVE "doveadm -o namespace/inbox/separator=/ backup -u %s " \
	ROOST_LINE_STORAGE
const char *roost_line_storage_setting(void);
const char *roost_line_storage(void);

/* The value that names a file. */
const char *roost_line_file(const char *path);

/* The path in a value that names a file; NULL if it holds the contents. */
const char *roost_line_file_path(const char *value);

#endif
