/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_UNLOCK_CACHE_H
#define ROOST_SESSION_UNLOCK_CACHE_H

/*
 * unlock-cache: what a login by password leaves for the user's next
 * connections, in a folder of volatile memory, so that Argon2id is computed
 * once and not five times (FORMAT.md 14).
 *
 * Promises: no more processes compute at a time than are allowed, also where a
 * hundred users come at once; of one user one does, and the others wait for
 * what it leaves.  Whatever is wrong with the folder costs time and no access.
 */

#include "settings/config.h"

#include "roost/unlock.h"

/* The right to compute, while it is held. */
struct roost_unlock_turn;

/*
 * Look for what a connection before has left.  TRUE, and master_r is the master
 * key, which the caller wipes.  FALSE, and the caller is to compute it and then
 * to call roost_unlock_cache_leave(), in any case; master_r is zero.
 */
bool roost_unlock_cache_take(const struct roost_config_unlock *config,
			     const struct roost_unlock *unlock,
			     uint8_t master_r[ROOST_KEY_SIZE],
			     struct roost_unlock_turn **turn_r);

/*
 * What was taken does not open the keyring, because it is of another document
 * of the same generation, as after a restore: remove it.  The caller goes on as
 * if nothing had been taken.
 */
struct roost_unlock_turn *
roost_unlock_cache_refuse(const struct roost_config_unlock *config,
			  const struct roost_unlock *unlock);

/*
 * The right to compute once more, for who has opened the keyring and lets the
 * user's other connections go on meanwhile.  NULL if it is not to be had at
 * once: of the processes that compute at a time one at most is of this kind, so
 * that it keeps no login waiting.  roost_unlock_cache_leave() ends it.
 */
struct roost_unlock_turn *
roost_unlock_cache_turn(const struct roost_config_unlock *config,
			const struct roost_unlock *unlock);

/* Let others compute, before roost_unlock_cache_leave(). */
void roost_unlock_cache_computed(struct roost_unlock_turn *turn);

/* Leave the master key for the next; NULL if it was not found.  *turn is freed
   and becomes NULL. */
void roost_unlock_cache_leave(const struct roost_config_unlock *config,
			      const struct roost_unlock *unlock,
			      const uint8_t *master,
			      struct roost_unlock_turn **turn);

#endif
