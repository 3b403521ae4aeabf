/* SPDX-License-Identifier: MIT */
#ifndef ROOST_REWRITE_PLAN_H
#define ROOST_REWRITE_PLAN_H

/*
 * plan: what a run makes of stored messages.
 */

enum roost_rewrite_plan {
	/* Seal plaintext, and what mail_crypt has encrypted. */
	ROOST_REWRITE_SEAL,
	/* Seal to the newest epoch what is sealed to an older one. */
	ROOST_REWRITE_RESEAL,
	/* Store the plaintext of what is sealed. */
	ROOST_REWRITE_UNSEAL
};

#endif
