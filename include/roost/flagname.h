/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGNAME_H
#define ROOST_FLAGNAME_H

/*
 * flagname: what a keyword's name may be, and when two names are one.
 *
 * Promises: upper and lower case are those of ASCII, in every locale; no
 * pattern costs more than the product of both lengths.  It knows nothing of
 * rules.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest name that a rule may speak of (RFC 8621 4.1.1). */
#define ROOST_FLAGNAME_MAX 255

/* Returns the letter in lower case if it is one of A to Z, else the byte
   itself. */
char roost_flagname_fold(char c);

/* True for an atom-char of RFC 9051 9; keywords consist of these. */
bool roost_flagname_may_have(char c);

/* True for a flag-keyword of RFC 9051 9 of 1 to len_max bytes. */
bool roost_flagname_is_valid(const char *name, size_t len_max);

/* True if the two are one name, whatever their case. */
bool roost_flagname_equal(const char *a, const char *b);

/* Returns a hash that is the same for names that are equal. */
uint32_t roost_flagname_hash(const char *name);

/*
 * True for a name that Dovecot itself made up for a keyword whose own name was
 * lost: "unknown-5", where that was taken "unknown-5?", and so on.  Such a name
 * says nothing of its message.
 */
bool roost_flagname_is_lost(const char *name);

/* True if the pattern matches the whole text.  "*" stands for any bytes, "?"
   for one character, which is a byte or all bytes of a character in UTF-8. */
bool roost_flagname_match(const char *pattern, size_t pattern_len,
			  const char *text, size_t text_len);

#endif
