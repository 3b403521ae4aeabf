/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_ASK_H
#define ROOST_TOOL_ASK_H

/*
 * ask: a secret that a person types, or that a file or a descriptor holds.
 */

#include "tool/options.h"

#include <stddef.h>

#define ROOST_ASK_MAX 1024	/* bytes of a secret */

/* Secret. */
struct roost_ask {
	/* One line end, and a byte that shows that there are too many. */
	char text[ROOST_ASK_MAX + 3];
	size_t len;
};

/*
 * Read one line from where the options say, or from the terminal, on which what
 * is typed is not shown.  what names the secret, as in "password".  False, and
 * a sentence was said, if there is none.  The caller wipes ask_r, also then.
 */
bool roost_ask_secret(const struct roost_options *options, const char *what,
		      struct roost_ask *ask_r);

#endif
