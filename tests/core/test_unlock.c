/* SPDX-License-Identifier: MIT */
/*
 * unlock: a file of the unlock cache opens for whom it was made, in its time,
 * and for nobody else (FORMAT.md 14).
 */
#include "kit.h"

/* A file of another version is made by hand, which needs its key. */
#include "core/unlock.c"

#define NOW UINT64_C(1800000000)

struct fixture {
	uint8_t host_key[32], secret[32], id[16], master[32];
	struct roost_unlock unlock;
	struct roost_unlock_times times;
	uint8_t file[ROOST_UNLOCK_FILE_SIZE];
};

static void
fixture_seal(struct fixture *fix)
{
	kit_fill((uint8_t *)fix, sizeof(*fix));
	fix->unlock = (struct roost_unlock) {
		.host_key = fix->host_key, .secret = fix->secret,
		.keyring_id = fix->id, .generation = 7,
	};
	fix->times = (struct roost_unlock_times) {
		.created = NOW - 60, .expires = NOW + 600
	};
	assert_good(roost_unlock_seal(&fix->unlock, &fix->times, fix->master,
				      fix->file));
}

/* Open it at a time, and see that nothing is left after a refusal. */
static enum roost_err
fixture_open(const struct fixture *fix, uint64_t now)
{
	struct roost_unlock_times times;
	uint8_t master[32];
	enum roost_err err;

	memset(master, 0x55, sizeof(master));
	memset(&times, 0x55, sizeof(times));
	err = roost_unlock_open(&fix->unlock, fix->file, sizeof(fix->file),
				now, &times, master);
	if (err == ROOST_OK) {
		assert_memory_equal(master, fix->master, 32);
		assert_memory_equal(&times, &fix->times, sizeof(times));
	} else {
		assert_zero(master, 32);
		assert_zero(&times, sizeof(times));
	}
	return err;
}

static void
test_what_was_left_is_taken(void **state)
{
	struct fixture fix, again;

	(void)state;
	fixture_seal(&fix);
	assert_good(fixture_open(&fix, NOW));
	again = fix;
	again.unlock = fix.unlock;
	assert_good(roost_unlock_seal(&fix.unlock, &fix.times, fix.master,
				      again.file));
	assert_memory_not_equal(fix.file + 1, again.file + 1, 32);
	assert_memory_not_equal(fix.file + 61, again.file + 61, 48);
}

static void
test_all_that_it_is_for_must_be_right(void **state)
{
	struct fixture fix;

	(void)state;
	fixture_seal(&fix);
	fix.host_key[31] ^= 1;
	assert_gate(fixture_open(&fix, NOW), ROOST_ERR_UNLOCK_FILE);
	fix.host_key[31] ^= 1;
	fix.secret[31] ^= 1;
	assert_gate(fixture_open(&fix, NOW), ROOST_ERR_UNLOCK_FILE);
	fix.secret[31] ^= 1;
	fix.id[15] ^= 1;
	assert_gate(fixture_open(&fix, NOW), ROOST_ERR_UNLOCK_FILE);
	fix.id[15] ^= 1;
	fix.unlock.generation++;
	assert_gate(fixture_open(&fix, NOW), ROOST_ERR_UNLOCK_FILE);
	fix.unlock.generation = 7 + (UINT64_C(1) << 32);
	assert_gate(fixture_open(&fix, NOW), ROOST_ERR_UNLOCK_FILE);
	fix.unlock.generation = 7;
	assert_good(fixture_open(&fix, NOW));
}

static void
test_any_bit_of_a_file_is_bound(void **state)
{
	struct roost_unlock_times times;
	struct fixture fix;
	uint8_t master[32];
	size_t bit;

	(void)state;
	fixture_seal(&fix);
	for (bit = 0; bit < 8 * sizeof(fix.file); bit++) {
		fix.file[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_gate(fixture_open(&fix, NOW), ROOST_ERR_UNLOCK_FILE);
		fix.file[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_gate(roost_unlock_open(&fix.unlock, fix.file,
				      sizeof(fix.file) - 1, NOW, &times,
				      master), ROOST_ERR_UNLOCK_FILE);
	assert_gate(roost_unlock_open(&fix.unlock, fix.file, 0, NOW, &times,
				      master), ROOST_ERR_UNLOCK_FILE);
}

/* One that is authentic is not taken either. */
static void
test_no_other_version_is_taken(void **state)
{
	struct fixture fix;
	uint8_t kek[32];

	(void)state;
	fixture_seal(&fix);
	assert_good(file_kek(&fix.unlock, fix.file + SALT_OFF, kek));
	fix.file[0]++;
	assert_good(roost_prim_wrap(kek, fix.file, WRAP_OFF, fix.master, 32,
				    fix.file + WRAP_OFF));
	assert_gate(fixture_open(&fix, NOW), ROOST_ERR_UNLOCK_FILE);
	fix.file[0]--;
	assert_good(roost_prim_wrap(kek, fix.file, WRAP_OFF, fix.master, 32,
				    fix.file + WRAP_OFF));
	assert_good(fixture_open(&fix, NOW));
}

static void
test_its_time_is_kept(void **state)
{
	struct fixture fix;

	(void)state;
	fixture_seal(&fix);
	assert_good(fixture_open(&fix, NOW - 60));
	assert_good(fixture_open(&fix, NOW + 599));
	assert_gate(fixture_open(&fix, NOW + 600), ROOST_ERR_UNLOCK_FILE);
	assert_gate(fixture_open(&fix, NOW - 61), ROOST_ERR_UNLOCK_FILE);
	assert_gate(fixture_open(&fix, 0), ROOST_ERR_UNLOCK_FILE);
	assert_gate(fixture_open(&fix, UINT64_MAX), ROOST_ERR_UNLOCK_FILE);
}

static void
test_no_file_lives_longer_than_it_may(void **state)
{
	struct fixture fix;

	(void)state;
	fixture_seal(&fix);
	fix.times.expires = fix.times.created + ROOST_UNLOCK_LIFE_MAX;
	assert_good(roost_unlock_seal(&fix.unlock, &fix.times, fix.master,
				      fix.file));
	assert_good(fixture_open(&fix, NOW));
	fix.times.expires++;
	assert_gate(roost_unlock_seal(&fix.unlock, &fix.times, fix.master,
				      fix.file), ROOST_ERR_LIMIT);
	assert_zero(fix.file, sizeof(fix.file));
	fix.times.expires = fix.times.created - 1;
	assert_gate(roost_unlock_seal(&fix.unlock, &fix.times, fix.master,
				      fix.file), ROOST_ERR_LIMIT);
}

/* Its name is the same at each login, and tells nothing. */
static void
test_its_name_depends_on_whose_it_is(void **state)
{
	char name[ROOST_UNLOCK_NAME_SIZE], other[ROOST_UNLOCK_NAME_SIZE];
	struct fixture fix;

	(void)state;
	fixture_seal(&fix);
	assert_good(roost_unlock_name(&fix.unlock, name));
	assert_int_equal(strlen(name), 64);
	assert_int_equal(strspn(name, "0123456789abcdef"), 64);
	fix.unlock.generation++;
	assert_good(roost_unlock_name(&fix.unlock, other));
	assert_string_equal(name, other);
	fix.secret[0] ^= 1;
	assert_good(roost_unlock_name(&fix.unlock, other));
	assert_string_not_equal(name, other);
	fix.secret[0] ^= 1;
	fix.id[0] ^= 1;
	assert_good(roost_unlock_name(&fix.unlock, other));
	assert_string_not_equal(name, other);
	fix.id[0] ^= 1;
	fix.host_key[0] ^= 1;
	assert_good(roost_unlock_name(&fix.unlock, other));
	assert_string_not_equal(name, other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_left_is_taken),
		cmocka_unit_test(test_all_that_it_is_for_must_be_right),
		cmocka_unit_test(test_any_bit_of_a_file_is_bound),
		cmocka_unit_test(test_no_other_version_is_taken),
		cmocka_unit_test(test_its_time_is_kept),
		cmocka_unit_test(test_no_file_lives_longer_than_it_may),
		cmocka_unit_test(test_its_name_depends_on_whose_it_is),
	};

	return cmocka_run_group_tests_name("unlock", tests, kit_setup,
					   kit_teardown);
}
