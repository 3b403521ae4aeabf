/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_SEALED_TO_H
#define ROOST_SESSION_SEALED_TO_H

/*
 * sealed-to: which epoch of a keyring a message is sealed to.  This needs no
 * key, because a message's header names it.
 */

#include "session/inspect.h"

#include "roost/keyring.h"

/*
 * The number of the newest epoch that the message is sealed to, which is the
 * one it is opened by; 0 if it is sealed for another keyring, or to none of
 * this one's epochs.  An error, with 0, only where the crypto library fails.
 */
enum roost_err roost_sealed_to_epoch(const struct roost_keyring *doc,
				     const struct roost_peek *peek,
				     uint32_t *epoch_r) ROOST_CHECKED;

#endif
