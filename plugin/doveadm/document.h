/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_DOCUMENT_H
#define ROOST_DOVEADM_DOCUMENT_H

/*
 * document: a keyring's document in a file of the admin's, or on standard input
 * and output.
 *
 * doveadm acts as the user whose mail it is, so that the file is read and
 * written with his rights.
 */

#include "dovecot/compat.h"

/* Read it; path is NULL for standard input.  0, or -1 with error_r: also where
   there is more than a keyring may have, or nothing. */
int roost_document_read(const char *path, buffer_t *doc_r,
			const char **error_r);

/*
 * Write it; path is NULL for standard output.  The file has mode 0600, is
 * synced, and must not be there before.  0, or -1 with error_r: then there is
 * no file.
 */
int roost_document_write(const char *path, const buffer_t *doc,
			 const char **error_r);

/* How log lines call it. */
const char *roost_document_name(const char *path);

#endif
