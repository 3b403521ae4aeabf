/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_WRAP_H
#define ROOST_DOVEADM_WRAP_H

/*
 * wrap: a sentence for a terminal.
 */

#include "dovecot/compat.h"

/* The text in lines of 80 columns, of which the title takes the first.  A
   command at its end, behind a colon, gets a line of its own and stays whole,
   to be copied.  On the data stack. */
const char *roost_wrap(const char *title, const char *text);

#endif
