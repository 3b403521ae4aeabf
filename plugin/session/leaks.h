/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_LEAKS_H
#define ROOST_SESSION_LEAKS_H

/*
 * leaks: what beside the mail would leave words of it on a disk.
 */

#include "dovecot/compat.h"

/* The full-text plugin among these names, of which NULL is the last, or among
   those that the user has loaded; NULL if there is none. */
const char *roost_leaks_fts_among(const char *const *plugins);
const char *roost_leaks_fts_plugin(const struct mail_user *user);

/* Does a field of Dovecot's own in an index cache, of this name, tell what a
   message says? */
bool roost_leaks_field_is_telling(const char *name);

/* Is it known that the device is an encrypted one, or made of such? */
bool roost_leaks_device_is_encrypted(dev_t dev);

/* Does the file system of an open file or folder lie in memory alone?  -1, with
   errno, if it cannot be asked. */
int roost_leaks_fd_is_volatile(int fd);

/* Would whoever holds the disk find what is written into this folder?  FALSE if
   it is not there, lies in memory, or on an encrypted device. */
bool roost_leaks_dir_keeps(const char *dir);

/* Warn, once for the process, if Dovecot's spool files would lie on a disk,
   where they can be read by whoever holds it. */
void roost_leaks_check_temp_dir(struct mail_user *user);

#endif
