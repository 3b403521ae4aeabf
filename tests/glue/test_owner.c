/* SPDX-License-Identifier: MIT */
/*
 * test_owner: what userdb pins for an owner, where there is nobody to ask.
 *
 * Contains owner.c.
 */
#include "session/owner.c"

#include "test-common.h"

static void
test_nobody_to_ask(void)
{
	struct mail_user owner = { .username = "alice" };
	const char *const none[] = { NULL };
	const char *const *fields = none;
	const char *error = "";
	pool_t pool = pool_alloconly_create("test owner", 1024);

	test_begin("what is pinned for an owner is not known to be nothing");
	i_assert(mail_user_auth_master_conn == NULL);
	test_assert(roost_owner_fields(&owner, pool, &fields, &error) == -1);
	test_assert(strstr(error, "pins for alice") != NULL);
	test_assert(strstr(error, "could not be looked up") != NULL);
	pool_unref(&pool);
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_nobody_to_ask,
		NULL
	};

	return test_run(tests);
}
