/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGNAME_H
#define ROOST_FLAGNAME_H

/*
 * flagname: what a keyword's name may be, and when two names are one.
 *
 * Promises: case is that of ASCII, in every locale; no pattern costs more
 * than the product of both lengths.  It knows nothing of rules.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest name that a rule may speak of (RFC 8621 4.1.1). */
#define ROOST_FLAGNAME_MAX 255

/* A to Z become a to z, every other byte stays. */
char roost_flagname_fold(char c);

/* True for an atom-char of RFC 9051 9: what a keyword consists of. */
bool roost_flagname_may_have(char c);

/* True for a flag-keyword of RFC 9051 9 of 1 to len_max bytes. */
bool roost_flagname_is_valid(const char *name, size_t len_max);

/* True if both are one name. */
bool roost_flagname_equal(const char *a, const char *b);

/* Equal names have equal hashes. */
uint32_t roost_flagname_hash(const char *name);

/*
 * True for a name that Dovecot itself made up for a keyword whose own name was
 * lost: "unknown-5", where that was taken "unknown-5?", and so on.  Such a name
 * says nothing of its message.
 */
bool roost_flagname_is_lost(const char *name);

/*
 * True if the pattern matches the whole text.  "*" is any bytes, "?" one
 * character: a byte, or all those of a character in UTF-8.
 */
bool roost_flagname_match(const char *pattern, size_t pattern_len,
			  const char *text, size_t text_len);

#endif
