/* SPDX-License-Identifier: MIT */
/*
 * sender-says: see sender-says.h.
 */
#include "sender-says.h"

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

/* RFC 5322 3.2.2: comments go, and may be in each other. */
static const char *
without_comments(const char *value)
{
	string_t *text = t_str_new(strlen(value) + 1);
	unsigned int depth = 0;
	bool is_quoted = FALSE;

	for (; *value != '\0'; value++) {
		if (*value == '"' && depth == 0)
			is_quoted = !is_quoted;
		if (*value == '\\' && value[1] != '\0') {
			if (depth == 0)
				str_append_data(text, value, 2);
			value++;
		} else if (*value == '(' && !is_quoted) {
			depth++;
		} else if (*value == ')' && !is_quoted && depth > 0) {
			depth--;
		} else if (depth == 0) {
			str_append_c(text, *value == '\n' ? ' ' : *value);
		}
	}
	return str_c(text);
}

/* RFC 2369 2: URIs in angle brackets, separated by commas. */
static bool
has_https(const char *value)
{
	while ((value = strchr(value, '<')) != NULL) {
		value++;
		while (*value == ' ' || *value == '\t' || *value == '\n')
			value++;
		if (strncasecmp(value, "https://", 8) == 0)
			return strchr(value, '>') != NULL;
	}
	return FALSE;
}

/* "dkim=pass" with blanks anywhere between, and nothing else after it but
   what is separated from it. */
static bool
is_dkim_pass(const char *result)
{
	const char *const *words =
		t_strsplit_spaces(t_str_replace(result, '\t', ' '), " ");
	string_t *text = t_str_new(32);
	unsigned int i;

	for (i = 0; words[i] != NULL && i < 3; i++) {
		str_append(text, words[i]);
		if (strcasecmp(str_c(text), "dkim=pass") == 0)
			return TRUE;
	}
	return FALSE;
}

/* RFC 8601 2.2: who says it; then each result. */
static bool
results_pass(const char *value, const char *const *authserv)
{
	const char *const *parts = t_strsplit(without_comments(value), ";");
	const char *const *who = t_strsplit_spaces(*parts, " \t");

	if (*who == NULL || !str_array_icase_find(authserv, *who))
		return FALSE;
	for (parts++; *parts != NULL; parts++) {
		if (is_dkim_pass(*parts))
			return TRUE;
	}
	return FALSE;
}

void
roost_sender_hear(struct roost_sender_says *says, const char *name,
		  const char *value, const char *const *authserv)
{
	if (strcasecmp(name, "List-Unsubscribe") == 0)
		says->has_uri = says->has_uri ||
			has_https(without_comments(value));
	else if (strcasecmp(name, "List-Unsubscribe-Post") == 0)
		says->has_post = says->has_post ||
			strcasecmp(t_str_trim(value, " \t\n"), ONE_CLICK) == 0;
	else if (strcasecmp(name, "Authentication-Results") == 0)
		says->has_passed = says->has_passed ||
			results_pass(value, authserv);
}

bool
roost_sender_can_unsubscribe(const struct roost_sender_says *says,
			     const char *const *authserv)
{
	return says->has_uri && says->has_post &&
		(*authserv == NULL || says->has_passed);
}
