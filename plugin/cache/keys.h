/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_KEYS_H
#define ROOST_CACHE_KEYS_H

/*
 * keys: the keys of a message, from its blob to whoever opens the file, and
 * from an opened file to its blob.
 *
 * Promises: notices when the file is not the one that the blob describes; the
 * blob is then not used, and once the file has opened, dropped and reported.
 */

#include "cache/mail.h"

/*
 * The keys of the object in the file, as the blob has them; header is H of the
 * file (FORMAT.md 2.1).  FALSE if there are none, or the blob is of another
 * object, which is then ignored; keys_r is left alone.  The caller wipes what
 * it got.  For any mail.
 */
bool roost_cache_keys_get(struct mail *mail, const struct roost_header *header,
			  struct roost_file_keys *keys_r);

/*
 * Is the file, whose header this is, not the object that the index names now?
 * The index is read anew before it is said so, and the file is to be found
 * anew.  For any mail.
 */
bool roost_cache_keys_are_other(struct mail *mail,
				const struct roost_header *header);

/* The file does not open with these keys: ignore the blob. */
void roost_cache_keys_ignore(struct mail *mail);

/*
 * The file was opened or sealed with these keys, which are copied; NULL, NULL:
 * it is not sealed.  Where the blob was ignored, this reports that the file is
 * another one, and drops the blob.  For any mail.
 */
void roost_cache_keys_opened(struct mail *mail, const uint8_t *object_id,
			     const struct roost_file_keys *keys);

#endif
