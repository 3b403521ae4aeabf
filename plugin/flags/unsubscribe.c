/* SPDX-License-Identifier: MIT */
/*
 * unsubscribe: the headers about unsubscribing.  See unsubscribe.h.
 *
 * In the results of a host, quoted strings and comments can hold text that the
 * sender wrote.  They are passed over whole, so that they are never read as the
 * host's own words.
 */
#include "flags/unsubscribe.h"

#include <ctype.h>

#define ONE_CLICK "List-Unsubscribe=One-Click"

bool
roost_unsubscribe_wants_header(const char *name)
{
	static const char *const names[] = {
		"List-Unsubscribe", "List-Unsubscribe-Post",
		"Authentication-Results", NULL
	};

	return str_array_icase_find(names, name);
}

/* Where a comment ends (RFC 5322 3.2.2), which may have others in it. */
static const char *
comment_end(const char *p)
{
	unsigned int depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
	}
	return p;
}

/* Where a quoted string ends (RFC 5322 3.2.4). */
static const char *
quoted_end(const char *p)
{
	for (p++; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			return p + 1;
	}
	return p;
}

/*
 * Get the next clause, up to a semicolon, without comments, and with "?" for
 * each quoted string.  FALSE after the last one.
 */
static bool
clause_next(const char **pos, string_t *clause_r)
{
	const char *p = *pos;

	if (p == NULL)
		return FALSE;
	str_truncate(clause_r, 0);
	while (*p != '\0' && *p != ';') {
		if (*p == '(') {
			p = comment_end(p);
		} else if (*p == '"') {
			p = quoted_end(p);
			str_append_c(clause_r, '?');
		} else {
			str_append_c(clause_r, *p == '\t' ? ' ' : *p);
			p++;
		}
	}
	*pos = *p == '\0' ? NULL : p + 1;
	return TRUE;
}

static const char *
skip_blanks(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

/* Is this `dkim = pass`?  A version may follow the method (RFC 8601 2.2). */
static bool
is_dkim_pass(const char *clause)
{
	const char *p = skip_blanks(clause);

	if (strncasecmp(p, "dkim", 4) != 0)
		return FALSE;
	p = skip_blanks(p + 4);
	if (*p == '/') {
		p = skip_blanks(p + 1);
		while (i_isdigit(*p))
			p++;
		p = skip_blanks(p);
	}
	if (*p != '=')
		return FALSE;
	p = skip_blanks(p + 1);
	return strncasecmp(p, "pass", 4) == 0 &&
		(p[4] == '\0' || p[4] == ' ');
}

/* Is the host that the first clause names a trusted one? */
static bool
is_trusted(const char *clause, const char *const *authserv)
{
	const char *const *words = t_strsplit_spaces(clause, " ");

	return *words != NULL && str_array_icase_find(authserv, *words);
}

/* The topmost header that names a trusted host decides, since anybody may have
   written those below it. */
static void
add_results(struct roost_unsubscribe *unsubscribe, const char *value,
	    const char *const *authserv)
{
	string_t *clause = t_str_new(128);

	if (unsubscribe->has_results || !clause_next(&value, clause) ||
	    !is_trusted(str_c(clause), authserv))
		return;
	unsubscribe->has_results = TRUE;
	while (clause_next(&value, clause)) {
		if (is_dkim_pass(str_c(clause)))
			unsubscribe->has_passed = TRUE;
	}
}

/* Is there an https URI?  URIs stand in angle brackets, with commas and perhaps
   comments between them (RFC 2369 2). */
static bool
has_https(const char *p)
{
	while (*p != '\0') {
		if (*p == '(') {
			p = comment_end(p);
			continue;
		}
		if (*p++ != '<')
			continue;
		while (*p == ' ' || *p == '\t')
			p++;
		if (strncasecmp(p, "https://", 8) == 0 &&
		    strchr(p, '>') != NULL)
			return TRUE;
		p += strcspn(p, ">");
	}
	return FALSE;
}

void
roost_unsubscribe_add_header(struct roost_unsubscribe *unsubscribe,
			     const char *name,
			     const char *value, const char *const *authserv)
{
	if (strcasecmp(name, "List-Unsubscribe") == 0)
		unsubscribe->has_uri = unsubscribe->has_uri || has_https(value);
	else if (strcasecmp(name, "List-Unsubscribe-Post") == 0)
		unsubscribe->has_post = unsubscribe->has_post ||
			strcasecmp(t_str_trim(value, " \t"), ONE_CLICK) == 0;
	else if (strcasecmp(name, "Authentication-Results") == 0)
		add_results(unsubscribe, value, authserv);
}

bool
roost_unsubscribe_is_offered(const struct roost_unsubscribe *unsubscribe,
			     const char *const *authserv)
{
	return unsubscribe->has_uri && unsubscribe->has_post &&
		(*authserv == NULL || unsubscribe->has_passed);
}
