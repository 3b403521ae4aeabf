/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_HOOKS_H
#define ROOST_CACHE_HOOKS_H

/*
 * hooks: answers about messages from the sealed cache, and filling it
 * while they are saved.
 */

#include "dovecot/compat.h"

/* Hook: outermost. */
void roost_cache_mail_allocated(struct mail *mail);

#endif
