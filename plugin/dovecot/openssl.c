/* SPDX-License-Identifier: MIT */
/*
 * openssl: how the plugins find OpenSSL.  See roost/openssl.h.
 *
 * It is mapped when there is much to do, with libroost_openssl.so, which lies
 * beside the module of the mail plugin.  A process without it goes on with
 * libsodium, which is slower.
 */
#define _GNU_SOURCE
#include "dovecot/compat.h"
#include "dovecot/openssl-module.h"
#include "dovecot/report.h"
#include "roost-build.h"

#include "restrict-access.h"

#include <dlfcn.h>

/* The folder of doveadm's module, in that of the mail plugin's. */
static const char doveadm_folder[] = "/doveadm";

/* Returns the path of the library, beside or above the module that this code is
   in, which was found in the same way if it has no folder in its name. */
static const char *
library_path(void)
{
	Dl_info info;
	const char *folder, *end;
	size_t len, tail = strlen(doveadm_folder);

	if (dladdr(doveadm_folder, &info) == 0 ||
	    (end = strrchr(info.dli_fname, '/')) == NULL)
		return ROOST_OPENSSL_MODULE_NAME;
	folder = t_strdup_until(info.dli_fname, end);
	len = strlen(folder);
	if (len >= tail && strcmp(folder + len - tail, doveadm_folder) == 0)
		folder = t_strndup(folder, len - tail);
	return t_strconcat(folder, "/"ROOST_OPENSSL_MODULE_NAME, NULL);
}

static const struct roost_openssl *
library_load(const char *path, const char **error_r)
{
	const struct roost_openssl_module *module;
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	if (library == NULL) {
		*error_r = dlerror();
		return NULL;
	}
	module = dlsym(library, ROOST_OPENSSL_MODULE_SYMBOL);
	if (module == NULL || strcmp(module->build, ROOST_BUILD) != 0) {
		*error_r = "It is of another build of Roost than this process; "
			"restart Dovecot";
		return NULL;
	}
	if (module->openssl->start() != ROOST_OK) {
		*error_r = "OpenSSL has no AES-256-GCM or SHA-256, or cannot "
			"read its configuration; see what openssl.cnf says";
		return NULL;
	}
	return module->openssl;
}

static void
warn(const char *path, const char *error)
{
	struct event *event = event_create(NULL);

	event_add_category(event, &roost_report_category);
	e_warning(event, "roost: Large messages are sealed and opened more "
		  "slowly by libsodium, because OpenSSL cannot be used: %s: "
		  "%s", path, error);
	event_unref(&event);
}

/* What a process in a user's folder finds there is the user's, and must not be
   mapped. */
const struct roost_openssl *
roost_openssl_find(void)
{
	const struct roost_openssl *openssl = NULL;

	if (restrict_access_get_current_chroot() != NULL)
		return NULL;
	T_BEGIN {
		const char *path = library_path(), *error = "";

		openssl = library_load(path, &error);
		if (openssl == NULL)
			warn(path, error);
	} T_END;
	return openssl;
}
