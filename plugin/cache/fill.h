/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_FILL_H
#define ROOST_CACHE_FILL_H

/*
 * fill: have what is wanted in a mail's content: from a blob, or made from the
 * message and stored.
 *
 * Promises: a blob that is missing or refused costs one reading of the
 * message, and is then there.
 */

#include "cache/mail.h"

/* Look the blob up, once for each message.  TRUE: content has the items that
   were kept of it, which need not be all.  Never reads the message. */
bool roost_cache_fill_from_blob(struct mail *mail, enum cache_blob blob);

/*
 * Have an item in content; whoever needs one of the body gets all.  1; 0 the
 * caller must ask Dovecot for it; -1 the message cannot be had: the storage's
 * error says why.
 */
int roost_cache_fill_item(struct mail *mail, enum roost_blob_item item);

/*
 * Put the header lines, and what comes of them, into content.  The stream is
 * at the message's beginning.  0; -1 the stream says why, and content is of no
 * use.
 */
int roost_cache_fill_headers(struct mail *mail, struct istream *input);

/* The message's sizes, if a blob tells them; else FALSE, with nothing set.
   Never reads the message.  For any mail. */
bool roost_cache_fill_sizes(struct mail *mail, uoff_t *virtual_r,
			    uoff_t *physical_r);

#endif
