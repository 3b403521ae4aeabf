/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_MEMORY_H
#define ROOST_SESSION_MEMORY_H

/*
 * memory: does a password slot fit into what a service may take (vsz_limit)?
 */

#include "dovecot/compat.h"

/* How many bytes of address space a service needs to open a password slot of
   this cost (FORMAT.md 8.7), also when it has grown with its mailboxes. */
uint64_t roost_memory_argon2_need(uint32_t m_kib);

/* How many this process may take; 0: there is no limit. */
uint64_t roost_memory_limit(void);

/* MiB, rounded up. */
uint64_t roost_memory_in_mib(uint64_t bytes);

#endif
