/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_KEYRING_PRIVATE_H
#define ROOST_CORE_KEYRING_PRIVATE_H

/*
 * keyring-private: what the text of a keyring (keyring-text.c) and its
 * cryptography (keyring.c) share: lines, since macs and AADs are over them.
 */

#include "roost/keyring.h"

/* Text being built in the caller's memory; never beyond size. */
struct roost_text {
	char *bytes;
	size_t size, len;
	bool is_full;
};

/* Which lines roost_keyring_text_lines() writes. */
enum roost_keyring_part {
	ROOST_PART_ALL,			/* the whole document */
	ROOST_PART_BEFORE_PROVIDER_MAC,
	ROOST_PART_OWNER_SIG,		/* what the owner-sig is over */
};

/* A writer of one document; text->is_full afterwards means too large. */
void roost_keyring_text_lines(struct roost_text *text,
			      const struct roost_keyring *kr,
			      enum roost_keyring_part part);

/* The AAD of `host` and the part of a slot's line before its wrap. */
void roost_keyring_text_host_ad(struct roost_text *text,
				const struct roost_keyring *kr);
void roost_keyring_text_slot(struct roost_text *text,
			     const struct roost_slot *slot);

#endif
