/* SPDX-License-Identifier: MIT */
/*
 * secret: guarded memory is zeroed, fenced, and freed to NULL.
 */
#include "kit.h"

#include "roost/bytes.h"
#include "roost/secret.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
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
		cmocka_unit_test(test_wipe_zeroes_so_many_bytes),
	};

	return cmocka_run_group_tests_name("secret", tests, kit_setup,
					   kit_teardown);
}
