/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_TOKENCASE_PRIVATE_H
#define ROOST_CORE_TOKENCASE_PRIVATE_H

/*
 * tokencase: how a name is spelled, in the case of its token's letters
 * (FORMAT.md 13.4).
 */

#include "roost/token.h"

/* A token that is being made or opened: what is sealed, and its digits as they
   stand in the text. */
struct roost_tokencase {
	const struct roost_token_key *key;
	const uint8_t *sealed;
	size_t sealed_len;
	size_t digits_len;
};

/* ASCII alone: the same in every locale. */
char roost_tokencase_fold(char c);
void roost_tokencase_fold_all(const char *text, size_t len, char *folded_r);

/* Let the digits, which come in lower case, tell how name is spelled. */
enum roost_err roost_tokencase_seal(const struct roost_tokencase *tc,
				    const char *name, char *digits)
	ROOST_CHECKED;

/* Spell the name that was opened as the digits tell.  Where they tell nothing
   that the key has made, as with tokens of before, it stays as it is. */
enum roost_err roost_tokencase_open(const struct roost_tokencase *tc,
				    const char *digits, char *name)
	ROOST_CHECKED;

#endif
