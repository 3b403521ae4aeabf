/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_NAMES_H
#define ROOST_KEYWORDS_NAMES_H

/*
 * names: which keywords everybody knows.
 */

#include "settings/config.h"

/* True if the name says what a message is to mail software, and nothing of
   what its owner thinks; case does not count. */
bool roost_keyword_is_registered(const char *name);

/* True if a name is to stand on disk as a token. */
bool roost_keyword_is_private(const char *name, enum roost_keywords mode);

#endif
