/* SPDX-License-Identifier: MIT */
/*
 * test_openssl: the library with OpenSSL is mapped from beside the module, but
 * not in a user's folder, and not if it is of another build.
 *
 * Contains openssl.c.  The module is this program, beside which each test puts
 * the library that is to be found there.
 */
#include "dovecot/openssl.c"

#include "test-common.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUILT "../../"ROOST_OPENSSL_MODULE_NAME

static const char *chroot_dir;
static char warning[1024];

/* Instead of Dovecot's own. */
const char *
restrict_access_get_current_chroot(void)
{
	return chroot_dir;
}

static void ATTR_FORMAT(2, 0)
keep_warning(const struct failure_context *ctx ATTR_UNUSED,
	     const char *format, va_list args)
{
	i_assert(vsnprintf(warning, sizeof(warning), format, args) > 0);
}

static bool
is_mapped(void)
{
	char line[4096];
	bool is_found = FALSE;
	FILE *maps = fopen("/proc/self/maps", "r");

	i_assert(maps != NULL);
	while (!is_found && fgets(line, sizeof(line), maps) != NULL)
		is_found = strstr(line, ROOST_OPENSSL_MODULE_NAME) != NULL;
	i_assert(fclose(maps) == 0);
	return is_found;
}

/* Put the library, of this or of another build, beside the program. */
static void
put_library(bool is_other)
{
	const char *path = library_path();
	const char *from = t_strconcat(
		t_strdup_until(path, strrchr(path, '/')), "/"BUILT, NULL);
	buffer_t *bytes = t_buffer_create(1 << 20);
	char chunk[4096], *build;
	size_t len;
	FILE *file = fopen(from, "rb");

	i_assert(file != NULL);
	while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buffer_append(bytes, chunk, len);
	i_assert(fclose(file) == 0);
	if (is_other) {
		build = memmem(bytes->data, bytes->used, ROOST_BUILD,
			       sizeof(ROOST_BUILD));
		i_assert(build != NULL);
		build[0] ^= 1;
	}
	file = fopen(path, "wb");
	i_assert(file != NULL);
	i_assert(fwrite(bytes->data, 1, bytes->used, file) == bytes->used);
	i_assert(fclose(file) == 0);
}

/* Ask for OpenSSL. */
static const struct roost_openssl *
find(void)
{
	const struct roost_openssl *openssl;

	warning[0] = '\0';
	i_set_error_handler(keep_warning);
	openssl = roost_openssl_find();
	i_set_error_handler(default_error_handler);
	return openssl;
}

static void
test_in_a_users_folder(void)
{
	test_begin("nothing is mapped in a user's folder");
	put_library(FALSE);
	chroot_dir = "/home/alice";
	test_assert(find() == NULL);
	test_assert(!is_mapped());
	test_assert(warning[0] == '\0');
	chroot_dir = NULL;
	i_unlink(library_path());
	test_end();
}

static void
test_no_library(void)
{
	test_begin("a library that is not there is told");
	test_assert(find() == NULL);
	test_assert(strstr(warning, library_path()) != NULL);
	test_assert(strstr(warning, "No such file") != NULL);
	test_end();
}

/* What is mapped stays, so that this is done in a child. */
static void
test_another_build(void)
{
	int status;
	pid_t pid;

	test_begin("a library of another build is not used");
	put_library(TRUE);
	pid = fork();
	i_assert(pid >= 0);
	if (pid == 0)
		_exit(find() == NULL && is_mapped() &&
		      strstr(warning, "another build") != NULL ? 0 : 1);
	i_assert(waitpid(pid, &status, 0) == pid);
	test_assert(status == 0);
	i_unlink(library_path());
	test_end();
}

static void
test_right_library(void)
{
	const struct roost_openssl *openssl;
	struct roost_openssl_sha256 *sha;
	uint8_t hash[ROOST_SHA256_SIZE], right[ROOST_SHA256_SIZE];

	test_begin("the library beside the module is used");
	put_library(FALSE);
	openssl = find();
	i_unlink(library_path());
	test_assert(openssl != NULL && is_mapped() && warning[0] == '\0');
	sha = openssl->sha256_new();
	i_assert(sha != NULL);
	test_assert(openssl->sha256_update(sha, "abc", 3) == ROOST_OK);
	test_assert(openssl->sha256_final(sha, hash) == ROOST_OK);
	openssl->sha256_free(&sha);
	openssl->end();
	i_assert(roost_prim_sha256("abc", 3, right) == ROOST_OK);
	test_assert(memcmp(hash, right, sizeof(hash)) == 0);
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_in_a_users_folder,
		test_no_library,
		test_another_build,
		test_right_library,
		NULL
	};

	return test_run(tests);
}
