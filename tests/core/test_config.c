/* SPDX-License-Identifier: MIT */
/*
 * config: OpenSSL reads its configuration when the core begins, and not when it
 * is first needed, where it may be in a user's folder.
 */
#define _POSIX_C_SOURCE 200809L
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* OpenSSL is told to complain of what it does not understand. */
static const char config[] = "config_diagnostics = 1\n"
	"openssl_conf = begin\n"
	"[begin]\n"
	"no_such_module = nothing\n";

static void
test_configuration_is_read_at_the_beginning(void **state)
{
	char path[] = "/tmp/roost-config.XXXXXX";
	int fd = mkstemp(path);
	enum roost_err err;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, config, strlen(config)),
			 (ssize_t)strlen(config));
	assert_int_equal(close(fd), 0);
	assert_int_equal(setenv("OPENSSL_CONF", path, 1), 0);
	err = roost_prim_init();
	assert_int_equal(unlink(path), 0);
	assert_gate(err, ROOST_ERR_BACKEND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configuration_is_read_at_the_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
