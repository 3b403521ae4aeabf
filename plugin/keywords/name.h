/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_NAME_H
#define ROOST_KEYWORDS_NAME_H

/*
 * name: which names of keywords are private, so that tokens are to stand on
 * disk in their place.
 */

#include "settings/config.h"

/* True if the name means something to mail software and says nothing of what
   its owner thinks: it is registered, or Dovecot made it up.  Case does not
   count. */
bool roost_keyword_name_is_registered(const char *name);

/* True if by this mode a token is to stand on disk in the name's place. */
bool roost_keyword_name_is_private(const char *name, enum roost_keywords mode);

#endif
