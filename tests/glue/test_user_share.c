/* SPDX-License-Identifier: MIT */
/*
 * test_user_share: whose state of a user a command works on.
 *
 * Contains user-share.c; what that asks for is answered by this program.
 */
#define _GNU_SOURCE
#include "session/user-share.h"

#include "module-dir.h"

#include "test-common.h"

/* Dovecot's list of modules, and one symbol of the plugin. */
static struct module plugin = {
	.path = "/modules/lib13_roost_plugin.so", .name = "roost_plugin",
};
static const struct roost_user_share *exported;
static const struct roost_user_share *const *exports;
static bool is_loaded;

static struct module *
find_module(struct module *modules ATTR_UNUSED, const char *name)
{
	return is_loaded && strcmp(name, plugin.name) == 0 ? &plugin : NULL;
}

static void *
find_symbol(struct module *module, const char *name)
{
	i_assert(module == &plugin);
	return strcmp(name, "roost_plugin_share") == 0 ?
		(void *)(uintptr_t)exports : NULL;
}

#define module_dir_find find_module
#define module_get_symbol_quiet find_symbol
#include "session/user-share.c"

/* The state that this copy of the code has of the user, and the plugin's. */
static struct roost_user *own, *theirs;
static struct mail_user user;
static bool has_libraries;
static unsigned int freed_count;

struct roost_user *
roost_user_get(struct mail_user *_user)
{
	i_assert(_user == &user);
	return own;
}

struct roost_user *
roost_user_new(struct mail_user *_user, const char **error_r ATTR_UNUSED)
{
	i_assert(own == NULL);
	own = i_new(struct roost_user, 1);
	own->user = _user;
	return own;
}

void
roost_user_free(struct roost_user **ruser)
{
	i_assert(*ruser == own);
	i_free(own);
	*ruser = NULL;
	freed_count++;
}

int
roost_libraries_need(const char **error_r)
{
	*error_r = "no libraries";
	return has_libraries ? 0 : -1;
}

static struct roost_user *
get_theirs(struct mail_user *_user)
{
	i_assert(_user == &user);
	return theirs;
}

static struct roost_user_share
share_init(void)
{
	struct roost_user_share share = roost_user_share;

	share.get = get_theirs;
	exported = NULL;
	exports = &exported;
	is_loaded = has_libraries = TRUE;
	theirs = NULL;
	freed_count = 0;
	return share;
}

/* Is there a state of this copy for as long as a command has it? */
static bool
is_own(void)
{
	const char *error = NULL;
	struct roost_user *ruser = roost_user_share_take(&user, &error);
	bool is_right = ruser != NULL && ruser == own;

	if (ruser != NULL)
		roost_user_share_give_back(&ruser);
	return is_right && ruser == NULL && own == NULL && freed_count == 1;
}

static void
test_own(void)
{
	struct roost_user_share share = share_init();

	test_begin("a user of whom the plugin knows nothing");
	exported = &share;
	test_assert(is_own());
	is_loaded = FALSE;
	freed_count = 0;
	test_assert(is_own());
	test_end();
}

static void
test_theirs(void)
{
	struct roost_user_share share = share_init();
	struct roost_user state = { .user = &user };
	const char *error = NULL;
	struct roost_user *ruser;

	test_begin("the plugin's state is used and stays");
	exported = &share;
	theirs = &state;
	ruser = roost_user_share_take(&user, &error);
	test_assert(ruser == &state);
	test_assert(own == NULL);
	/* What an admin asked of one command is not asked of the next. */
	state.is_asked = state.is_new = TRUE;
	roost_user_share_give_back(&ruser);
	test_assert(ruser == NULL && freed_count == 0);
	test_assert(!state.is_asked && !state.is_new);
	test_end();
}

/* Is nothing given, and are both modules named? */
static bool
is_refused(void)
{
	const char *error = "";

	return roost_user_share_take(&user, &error) == NULL && own == NULL &&
		strstr(error, plugin.path) != NULL &&
		strstr(error, "test_user_share are of different builds") !=
		NULL;
}

static void
test_builds(void)
{
	struct roost_user_share share;
	size_t *const sizes[] = {
		&share.user_size, &share.config_size, &share.settings_size,
	};
	unsigned int i;

	test_begin("modules of two builds share nothing");
	share = share_init();
	exported = &share;
	share.build = "roost build of another day";
	test_assert(is_refused());
	for (i = 0; i < N_ELEMENTS(sizes); i++) {
		share = share_init();
		exported = &share;
		(*sizes[i])++;
		test_assert_idx(is_refused(), i);
	}
	/* A plugin that has no such table. */
	share = share_init();
	exports = NULL;
	test_assert(is_refused());
	test_end();
}

static void
test_libraries(void)
{
	struct roost_user_share share = share_init();
	struct roost_user state = { .user = &user };
	const char *error = "";

	test_begin("this copy needs its libraries too");
	exported = &share;
	theirs = &state;
	has_libraries = FALSE;
	test_assert(roost_user_share_take(&user, &error) == NULL);
	test_assert_strcmp(error, "no libraries");
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_own,
		test_theirs,
		test_builds,
		test_libraries,
		NULL
	};

	return test_run(tests);
}
