/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_COMPROMISE_H
#define ROOST_DOVEADM_COMPROMISE_H

/*
 * compromise: a new master key, after a secret has leaked.  Who had it had the
 * master key, so that taking its slot away would cure nothing.
 *
 * A new epoch comes with the new master key.  Only slots whose secrets are at
 * hand can be made again: the provider's, those of escrow, which need no more
 * than their public keys, the one that was opened just now, and new ones.  All
 * others fall, and which ones is said before.
 */

#include "doveadm/slots.h"

/* Make it, and print a row for each slot.  leaked is the number of the slot
   that falls in any case, or 0.  Returns as roost_command_run() has it. */
int roost_compromise_run(struct roost_slots_command *cmd,
			 struct roost_target *target, uint32_t leaked,
			 const char **error_r);

#endif
