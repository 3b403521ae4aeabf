/* SPDX-License-Identifier: MIT */
/*
 * protocols: for which protocols Dovecot opens mail.  See protocols.h.
 */
#include "doveadm/protocols.h"

static void
protocols_add(ARRAY_TYPE(const_string) *protocols, const char *name)
{
	/* These read and save no mail. */
	static const char *const without_mail[] = {
		"none", "sieve", "submission", "doveadm-server", NULL
	};
	const char *const *other;

	if (*name == '!' || str_array_find(without_mail, name) ||
	    strstr(name, "-login") != NULL)
		return;
	array_foreach(protocols, other) {
		if (strcmp(*other, name) == 0)
			return;
	}
	array_push_back(protocols, &name);
}

int
roost_protocols_get(const struct roost_doveconf *global, pool_t pool,
		    ARRAY_TYPE(const_string) *protocols, const char **error_r)
{
	static const char *const programs[] = {
		"imap", "pop3", "lmtp", "lda", "doveadm", "indexer-worker",
		NULL
	};
	const char *const *words, *name, *value;
	struct roost_doveconf *changed;
	unsigned int idx = 0;

	for (words = programs; *words != NULL; words++)
		protocols_add(protocols, *words);
	for (words = roost_doveconf_words(global, "protocols"); *words != NULL;
	     words++)
		protocols_add(protocols, p_strdup(pool, *words));
	changed = roost_doveconf_read(NULL, NULL, NULL, error_r);
	if (changed == NULL)
		return -1;
	while (roost_doveconf_next(changed, &idx, &name, &value)) {
		if (value == NULL && strncmp(name, "protocol/", 9) == 0 &&
		    strchr(name + 9, '/') == NULL)
			protocols_add(protocols, p_strdup(pool, name + 9));
	}
	roost_doveconf_free(&changed);
	return 0;
}
