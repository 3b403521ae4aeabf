/* SPDX-License-Identifier: MIT */
/*
 * sender-says: see sender-says.h.
 *
 * What a sender wrote stands within these headers, in quotes and in comments:
 * each is passed over as a whole, and never read as what a host says.
 */
#include "flags/sender-says.h"

#include <ctype.h>

#define ONE_CLICK "List-Unsubscribe=One-Click"

bool
roost_sender_is_asked(const char *name)
{
	static const char *const names[] = {
		"List-Unsubscribe", "List-Unsubscribe-Post",
		"Authentication-Results", NULL
	};

	return str_array_icase_find(names, name);
}

/* Past a comment (RFC 5322 3.2.2), which may have others in it. */
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

/* Past a quoted string (RFC 5322 3.2.4). */
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
 * The next part, up to a semicolon, without comments and blanks; what is
 * quoted is taken for "?".  FALSE after the last.
 */
static bool
part_next(const char **pos, string_t *part_r)
{
	const char *p = *pos;

	if (p == NULL)
		return FALSE;
	str_truncate(part_r, 0);
	while (*p != '\0' && *p != ';') {
		if (*p == '(') {
			p = comment_end(p);
		} else if (*p == '"') {
			p = quoted_end(p);
			str_append_c(part_r, '?');
		} else {
			/* Two words are not one. */
			str_append_c(part_r, *p == '\t' ? ' ' : *p);
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

/* RFC 8601 2.2: method, its version perhaps, "=", and the result. */
static bool
is_dkim_pass(const char *part)
{
	const char *p = skip_blanks(part);

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

/* Who says it, before the results. */
static bool
is_trusted(const char *part, const char *const *authserv)
{
	const char *const *words = t_strsplit_spaces(part, " ");

	return *words != NULL && str_array_icase_find(authserv, *words);
}

/* The topmost header of a trusted host decides: others may be anybody's. */
static void
hear_results(struct roost_sender_says *says, const char *value,
	     const char *const *authserv)
{
	string_t *part = t_str_new(128);

	if (says->has_heard || !part_next(&value, part) ||
	    !is_trusted(str_c(part), authserv))
		return;
	says->has_heard = TRUE;
	while (part_next(&value, part)) {
		if (is_dkim_pass(str_c(part)))
			says->has_passed = TRUE;
	}
}

/* RFC 2369 2: URIs in angle brackets, separated by commas; comments may stand
   between, and not in them. */
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
roost_sender_hear(struct roost_sender_says *says, const char *name,
		  const char *value, const char *const *authserv)
{
	if (strcasecmp(name, "List-Unsubscribe") == 0)
		says->has_uri = says->has_uri || has_https(value);
	else if (strcasecmp(name, "List-Unsubscribe-Post") == 0)
		says->has_post = says->has_post ||
			strcasecmp(t_str_trim(value, " \t"), ONE_CLICK) == 0;
	else if (strcasecmp(name, "Authentication-Results") == 0)
		hear_results(says, value, authserv);
}

bool
roost_sender_can_unsubscribe(const struct roost_sender_says *says,
			     const char *const *authserv)
{
	return says->has_uri && says->has_post &&
		(*authserv == NULL || says->has_passed);
}
