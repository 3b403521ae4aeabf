/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SECRET_H
#define ROOST_SECRET_H

/*
 * secret: guarded memory for keys that live long, and wiping.
 *
 * Guarded memory has inaccessible pages around it, is locked where the system
 * allows it, is left out of core dumps, and is wiped when it is freed.  Each
 * piece costs some pages, so it is for keys and not for messages.  The process
 * keeps a few freed pieces for the next who asks for that size.  Not for
 * threads.
 */

#include <stddef.h>

/* Returns size zeroed bytes, or NULL if the system refuses; roost_secret_free()
   frees them.  To be called only after roost_prim_init(). */
void *roost_secret_new(size_t size) __attribute__((warn_unused_result));

/* Wipe and free *secret and set it to NULL; *secret may be NULL.  The process
   is aborted if the bytes before *secret were written to. */
void roost_secret_free(void **secret);

/* Overwrite with zeros in a way the compiler cannot remove. */
void roost_wipe(void *bytes, size_t len);

#endif
