/* SPDX-License-Identifier: MIT */
/*
 * kit: makes folders for tests and runs their lists; kit.h is the contract.
 */
#include "lib.h"
#include "unlink-directory.h"

#include "roost/prim.h"

#include "test-common.h"

#include "kit.h"

#include <stdlib.h>

const char *
kit_folder(void)
{
	const char *top = getenv("TMPDIR");
	char *path = t_strdup_noconst(t_strconcat(top != NULL ? top : "/tmp",
						  "/roost-test.XXXXXX", NULL));

	if (mkdtemp(path) == NULL)
		i_fatal("mkdtemp(%s) failed: %m", path);
	return path;
}

void
kit_folder_free(const char *dir)
{
	const char *error;

	if (unlink_directory(dir, UNLINK_DIRECTORY_FLAG_RMDIR, &error) < 0)
		i_fatal("%s", error);
}

int
kit_run(void (*const tests[])(void))
{
	int ret;

	if (roost_prim_init() != ROOST_OK)
		return 1;
	ret = test_run(tests);
	roost_prim_deinit();
	return ret;
}
