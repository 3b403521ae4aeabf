/* SPDX-License-Identifier: MIT */
#ifndef ROOST_REWRITE_KNOWN_H
#define ROOST_REWRITE_KNOWN_H

/*
 * known: what the index cache knows of a message whose stored form is changed.
 *
 * What was made of the old form is dropped: blobs of Roost, the name of the
 * object, and fields of Dovecot's own that tell what a message says.  Sizes and
 * dates stay, because a reader is told the same ones afterwards.
 */

#include "dovecot/compat.h"

#include "roost/header.h"

/*
 * Drop what the index cache knows of the message of that UID, and have the
 * index say whether it is being unsealed: from then on it is believed that it
 * is plaintext, whoever writes the old form's name again.  save_date is what
 * the storage answers now where the cache has no such date, and will not answer
 * afterwards; 0: it will.  The index is locked meanwhile.  0, or -1 with
 * error_r.
 */
int roost_rewrite_known_drop(struct mailbox *box, uint32_t uid,
			     bool is_unsealed, time_t save_date,
			     const char **error_r);

/* Write down that the message is this object, or by zeros that it is not
   sealed.  Where that fails, a reader learns it from the message. */
void roost_rewrite_known_name(struct mailbox *box, uint32_t uid,
			      const uint8_t object_id[ROOST_ID_SIZE]);

#endif
