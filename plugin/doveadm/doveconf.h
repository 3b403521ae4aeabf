/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_DOVECONF_H
#define ROOST_DOVEADM_DOVECONF_H

/*
 * doveconf: settings as Dovecot's program of that name computes them.
 *
 * A command has its own settings, and what the configuration says for another
 * protocol or service is known to that program alone, on both majors.  It is
 * run with the configuration file that this doveadm uses.
 */

#include "dovecot/compat.h"

struct roost_doveconf;

/*
 * Ask for these settings, of which NULL is the last, as they are for a
 * protocol, or without one if it is NULL.  A setting that this Dovecot does not
 * know is not there.  With names NULL: all that the configuration changes, with
 * its sections.  parent has what holds without the protocol, or is NULL, and
 * must live longer.  NULL with error_r.
 */
struct roost_doveconf *
roost_doveconf_read(const char *protocol, const char *const *names,
		    const struct roost_doveconf *parent,
		    const char **error_r);

/* Wipes all values, since one may be a key; *conf may be NULL. */
void roost_doveconf_free(struct roost_doveconf **conf);

/* The value of a setting, "" if there is none.  The name of one in a section
   begins with the section's, as in "service/imap/vsz_limit". */
const char *
roost_doveconf_get(const struct roost_doveconf *conf, const char *name);

/* Has the setting a value other than "no", or a section of its own? */
bool roost_doveconf_is_set(const struct roost_doveconf *conf,
			   const char *name);

/* The value as a list of words: what stands in the value, or else the words of
   the parent with what is set to "yes" in the section of that name, and without
   what is set to "no" there.  On the data stack, NULL is the last. */
const char *const *
roost_doveconf_words(const struct roost_doveconf *conf, const char *name);

/* Each setting in turn, from *idx_r = 0 on; FALSE at the end.  A section is one
   with the value NULL. */
bool roost_doveconf_next(const struct roost_doveconf *conf,
			 unsigned int *idx, const char **name_r,
			 const char **value_r);

#endif
