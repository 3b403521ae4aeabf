/* SPDX-License-Identifier: MIT */
/*
 * secret: guarded memory is zeroed, fenced, left out of dumps, freed to NULL,
 * and as good as new where it is used again.
 */
#include "kit.h"

#include "core/secret-private.h"
#include "roost/bytes.h"
#include "roost/secret.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_new_memory_is_zero(void **state)
{
	size_t size;

	(void)state;
	for (size = 1; size < 10000; size = size * 3 + 1) {
		void *secret = roost_secret_new(size);

		assert_non_null(secret);
		assert_zero(secret, size);
		memset(secret, 0x5a, size);
		roost_secret_free(&secret);
		assert_null(secret);
	}
}

static void
test_null_may_be_freed(void **state)
{
	void *secret = NULL;

	(void)state;
	roost_secret_free(&secret);
	assert_null(secret);
}

static void
test_an_impossible_size_is_null(void **state)
{
	(void)state;
	assert_null(roost_secret_new(SIZE_MAX - 100));
}

static void
died(int signal_number)
{
	(void)signal_number;
	_exit(1);
}

/* True if a child dies of touching the byte. */
static bool
dies_of_touching(volatile uint8_t *byte)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGSEGV, died);
		(void)signal(SIGBUS, died);
		*byte = (uint8_t)(*byte + 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void
test_the_byte_after_it_is_inaccessible(void **state)
{
	void *secret = roost_secret_new(100);
	uint8_t *bytes = secret;

	(void)state;
	assert_false(dies_of_touching(bytes + 99));
	assert_true(dies_of_touching(bytes + 100));
	roost_secret_free(&secret);
}

static void
test_bytes_before_it_are_guarded(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		void *secret = roost_secret_new(100);
		volatile uint8_t *bytes = secret;

		(void)signal(SIGABRT, died);
		bytes[-1] ^= 1;
		roost_secret_free(&secret);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}

/* What the kernel says of the memory that has the byte: VmFlags of smaps. */
static void
memory_flags(const void *byte, char flags_r[256])
{
	FILE *file = fopen("/proc/self/smaps", "r");
	bool is_here = false;
	unsigned long start, end;
	char line[256];

	assert_non_null(file);
	flags_r[0] = '\0';
	while (flags_r[0] == '\0' && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			is_here = (uintptr_t)byte >= start &&
				(uintptr_t)byte < end;
		else if (is_here && strncmp(line, "VmFlags:", 8) == 0)
			(void)snprintf(flags_r, 256, "%s", line);
	}
	(void)fclose(file);
	assert_string_not_equal(flags_r, "");
}

/* What a process keeps of freed memory is as good as new. */
static void
test_memory_is_used_again(void **state)
{
	void *secret = roost_secret_new(100), *again, *other;
	uint8_t *bytes = secret;
	char flags[256];

	(void)state;
	memset(bytes, 0x5a, 100);
	roost_secret_free(&secret);
	assert_zero(bytes, 100);	/* while nobody has it, too */
	other = roost_secret_new(101);
	assert_ptr_not_equal(other, bytes);
	again = roost_secret_new(100);
	assert_ptr_equal(again, bytes);
	assert_zero(again, 100);
	memory_flags(again, flags);
	assert_non_null(strstr(flags, " dd"));
	assert_false(dies_of_touching(bytes + 99));
	assert_true(dies_of_touching(bytes + 100));
	roost_secret_free(&again);
	roost_secret_free(&other);
}

/* True if the page of these bytes is the process's. */
static bool
is_mapped(const void *bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return msync((void *)((uintptr_t)bytes / page * page), page,
		     MS_ASYNC) == 0;
}

/* Those that nobody asked for go first, and all at the end. */
static void
test_few_pieces_are_kept(void **state)
{
	void *secrets[ROOST_SECRET_SPARES_MAX + 1];
	const uint8_t *first, *second;
	size_t i;

	(void)state;
	for (i = 0; i <= ROOST_SECRET_SPARES_MAX; i++)
		secrets[i] = roost_secret_new(7000 + i);
	first = secrets[0];
	second = secrets[1];
	for (i = 0; i <= ROOST_SECRET_SPARES_MAX; i++)
		roost_secret_free(&secrets[i]);
	assert_false(is_mapped(first));
	assert_true(is_mapped(second));
	roost_secret_drop_spares();
	assert_false(is_mapped(second));
}

static void
test_wipe_zeroes_so_many_bytes(void **state)
{
	uint8_t bytes[64];

	(void)state;
	memset(bytes, 0x77, sizeof(bytes));
	roost_wipe(bytes + 1, 62);
	assert_zero(bytes + 1, 62);
	assert_int_equal(bytes[0], 0x77);
	assert_int_equal(bytes[63], 0x77);
	roost_wipe(bytes, 0);
	assert_int_equal(bytes[0], 0x77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_memory_is_zero),
		cmocka_unit_test(test_null_may_be_freed),
		cmocka_unit_test(test_an_impossible_size_is_null),
		cmocka_unit_test(test_the_byte_after_it_is_inaccessible),
		cmocka_unit_test(test_bytes_before_it_are_guarded),
		cmocka_unit_test(test_memory_is_used_again),
		cmocka_unit_test(test_few_pieces_are_kept),
		cmocka_unit_test(test_wipe_zeroes_so_many_bytes),
	};

	return cmocka_run_group_tests_name("secret", tests, kit_setup,
					   kit_teardown);
}
