/* SPDX-License-Identifier: MIT */
#ifndef ROOST_GLUE_KIT_H
#define ROOST_GLUE_KIT_H

/*
 * kit: what the tests share that use Dovecot's own test library.
 */

/* Makes an empty folder in $TMPDIR, or in /tmp if that is not set.  Returns its
   path, which lies on the data stack; a failure ends the program. */
const char *
kit_folder(void);

/* Removes a folder with all that is in it; a failure ends the program. */
void
kit_folder_free(const char *dir);

/* Initialises the libraries of cryptography and runs the tests of a list that
   NULL ends.  Returns what main() is to return. */
int
kit_run(void (*const tests[])(void));

#endif
