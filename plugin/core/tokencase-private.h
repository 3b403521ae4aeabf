/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_TOKENCASE_PRIVATE_H
#define ROOST_CORE_TOKENCASE_PRIVATE_H

/*
 * tokencase: how a name is spelled, told by the case of its token's letters
 * (FORMAT.md 13.4).
 */

#include "roost/token.h"

/* A token that is being made or opened: the sealed bytes, and their digits as
   they stand in the text. */
struct roost_tokencase {
	const struct roost_token_key *key;
	const uint8_t *sealed;
	size_t sealed_len;
	size_t digits_len;
};

/* Only ASCII letters are folded, so that it is the same in every locale. */
char roost_tokencase_fold(char c);
void roost_tokencase_fold_all(const char *text, size_t len, char *folded_r);

/* Set the case of the digits, which come in lower case, so that they tell how
   the name is spelled. */
enum roost_err roost_tokencase_seal(const struct roost_tokencase *tc,
				    const char *name, char *digits)
	ROOST_CHECKED;

/* Spell the name that was opened as the digits tell.  It stays in lower case
   where they tell nothing that was made with the key, as in tokens that are
   older than this. */
enum roost_err roost_tokencase_open(const struct roost_tokencase *tc,
				    const char *digits, char *name)
	ROOST_CHECKED;

#endif
