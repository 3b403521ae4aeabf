/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_MAIL_PRIVATE_H
#define ROOST_CACHE_MAIL_PRIVATE_H

/*
 * mail-private: what cache-mail, cache-find and cache-store share.
 */

#include "cache/mail.h"

void roost_cache_plain_wipe(struct cache_plain *plain);

/* For content that has none in it: of a blob of form 2, or just made. */
void roost_cache_mail_set_key(struct roost_cache_mail *cmail,
			      const uint8_t *data_key);

/* TRUE: it was not yet said of this message. */
bool roost_cache_mail_log_once(struct mail *mail, const char *what);

/*
 * Forget all that the index cache holds of the message: the next session makes
 * room for it anew.  A field alone cannot be taken away.  That it is sealed
 * stays on record: as this object, or as the one named so far (NULL).
 */
void roost_cache_mail_drop(struct mail *mail, const uint8_t *object_id);

/* What was not sealed is not told where it would not be served. */
bool roost_cache_mail_may_tell(const struct roost_cache_mail *cmail);

/* Are the first slots filled? */
bool roost_cache_mail_has_own(struct mail *mail);

#endif
