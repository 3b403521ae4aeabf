/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_RECORD_H
#define ROOST_SESSION_RECORD_H

/*
 * record: what the index cache holds of one message, replaced in one step.
 */

#include "dovecot/compat.h"

#include "mail-cache.h"

/* A field of Dovecot's number, and the value that it is to have. */
struct roost_record_field {
	unsigned int idx;
	const void *data;
	size_t size;
};
ARRAY_DEFINE_TYPE(roost_record_field, struct roost_record_field);

/*
 * What is there of the message ends, and these fields take its place.  The view
 * is of the index as it is now; a mailbox's own one is older, and has a
 * transaction open.  0, or -1 if the index cannot be written.
 */
int roost_record_replace(struct mail_cache *cache,
			 struct mail_index_view *view, uint32_t seq,
			 const ARRAY_TYPE(roost_record_field) *fields);

#endif
