/* SPDX-License-Identifier: MIT */
#ifndef ROOST_GLUE_KIT_H
#define ROOST_GLUE_KIT_H

/*
 * kit: what the tests on Dovecot's own kit share.
 */

/* A new folder in $TMPDIR or /tmp; the path lies on the data stack. */
const char *
kit_folder(void);

/* Removes it with all that is in it. */
void
kit_folder_free(const char *dir);

/* Runs what a test's list names, with the libraries initialised; what main()
   returns. */
int
kit_run(void (*const tests[])(void));

#endif
