/* SPDX-License-Identifier: MIT */
/*
 * memory: what a service needs, and what it may take.  See memory.h.
 */
#include "session/memory.h"

#include "restrict-process-size.h"

#include <stdio.h>
#include <unistd.h>

#define STATM_PATH "/proc/self/statm"
#define MIB (1024U * 1024)

/* What a mail process grows by when mailboxes are opened. */
#define PROCESS_GROWTH (16U * MIB)
/* Its size where that is not known. */
#define PROCESS_SIZE (64U * MIB)

/* The address space of this process, which has what a mail process has. */
static uint64_t
process_size(void)
{
	FILE *file = fopen(STATM_PATH, "re");
	unsigned long pages;
	bool is_known = file != NULL && fscanf(file, "%lu", &pages) == 1;

	if (file != NULL)
		(void)fclose(file);
	return is_known ? (uint64_t)pages * (uint64_t)getpagesize() :
		PROCESS_SIZE;
}

uint64_t
roost_memory_argon2_need(uint32_t m_kib)
{
	return process_size() + PROCESS_GROWTH + (uint64_t)m_kib * 1024;
}

uint64_t
roost_memory_limit(void)
{
	rlim_t limit;

	return restrict_get_process_size(&limit) < 0 ||
		limit == RLIM_INFINITY ? 0 : (uint64_t)limit;
}

uint64_t
roost_memory_in_mib(uint64_t bytes)
{
	return (bytes + MIB - 1) / MIB;
}
