/* SPDX-License-Identifier: MIT */
/*
 * name: the grammar of keywords' names, and their case.  See
 * roost/flagname.h.
 */
#include "roost/flagname.h"

#include <string.h>

/* Dovecot numbers such names with 32 bits, which are at most ten digits. */
#define LOST_DIGITS_MAX 10

#define FNV_BASIS UINT32_C(2166136261)
#define FNV_PRIME UINT32_C(16777619)

char
roost_flagname_fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
roost_flagname_may_have(char c)
{
	return c > 0x20 && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

bool
roost_flagname_is_valid(const char *name, size_t len_max)
{
	size_t len;

	for (len = 0; name[len] != '\0'; len++) {
		if (len == len_max || !roost_flagname_may_have(name[len]))
			return false;
	}
	return len > 0;
}

bool
roost_flagname_equal(const char *a, const char *b)
{
	for (; roost_flagname_fold(*a) == roost_flagname_fold(*b); a++, b++) {
		if (*a == '\0')
			return true;
	}
	return false;
}

bool
roost_flagname_is_lost(const char *name)
{
	static const char lost[] = "unknown-";
	size_t i, digits;

	for (i = 0; lost[i] != '\0'; i++) {
		if (roost_flagname_fold(name[i]) != lost[i])
			return false;
	}
	name += i;
	digits = strspn(name, "0123456789");
	if (digits == 0 || digits > LOST_DIGITS_MAX)
		return false;
	name += digits;
	return name[strspn(name, "?")] == '\0';
}

uint32_t
roost_flagname_hash(const char *name)
{
	uint32_t hash = FNV_BASIS;

	for (; *name != '\0'; name++) {
		hash ^= (unsigned char)roost_flagname_fold(*name);
		hash *= FNV_PRIME;
	}
	/* The low bits choose a bucket of a table, so the high ones are mixed
	   in. */
	return hash ^ hash >> 16;
}

/* Returns where the character ends that begins at this byte. */
static size_t
char_end(const char *text, size_t len, size_t at)
{
	do
		at++;
	while (at < len && ((unsigned char)text[at] & 0xc0) == 0x80);
	return at;
}

/* Only the last "*" is ever tried again: what stands before it has matched as
   early as it could, so that a later match of it cannot help. */
bool
roost_flagname_match(const char *pattern, size_t pattern_len,
		     const char *text, size_t text_len)
{
	size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;

	while (t < text_len) {
		if (p < pattern_len && pattern[p] == '*') {
			star = ++p;
			star_text = t;
		} else if (p < pattern_len && pattern[p] == '?') {
			t = char_end(text, text_len, t);
			p++;
		} else if (p < pattern_len &&
			   roost_flagname_fold(pattern[p]) ==
			   roost_flagname_fold(text[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			star_text = char_end(text, text_len, star_text);
			p = star;
			t = star_text;
		} else {
			return false;
		}
	}
	while (p < pattern_len && pattern[p] == '*')
		p++;
	return p == pattern_len;
}
