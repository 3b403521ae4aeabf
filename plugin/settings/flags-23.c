/* SPDX-License-Identifier: MIT */
/*
 * flags-23: reads the settings of roost_flags from the plugin section of
 * Dovecot 2.3.  The contract is in flags.h.
 */
#include "settings/flags.h"

#ifndef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings/plugin-section.h"
#include "read-full.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_SIZE_MAX (1024 * 1024)

static const struct roost_plugin_setting plugin_settings[] = {
#define SETTING(name, type, by_default, text) \
	{ #name, offsetof(struct roost_flags_settings, name) },
#include "settings/flags.def"
};

int
roost_flags_settings_get(struct mail_user *user,
			 const struct roost_flags_settings **set_r,
			 const char **error_r ATTR_UNUSED)
{
	pool_t pool = pool_alloconly_create("roost flags settings", 1024);
	struct roost_flags_settings *set =
		p_new(pool, struct roost_flags_settings, 1);

	*set = roost_flags_settings_default;
	set->pool = pool;
	roost_plugin_section_read(user, plugin_settings,
				  N_ELEMENTS(plugin_settings), set);
	*set_r = set;
	return 0;
}

void
roost_flags_settings_free(const struct roost_flags_settings *set)
{
	pool_t pool = set->pool;

	pool_unref(&pool);
}

static int
map_read(int fd, const char *path, const char **text_r, size_t *len_r,
	 const char **error_r)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m", path);
		return -1;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > MAP_SIZE_MAX) {
		*error_r = t_strdup_printf("%s is no file, or has more than "
					   "%d bytes", path, MAP_SIZE_MAX);
		return -1;
	}
	text = t_malloc0((size_t)st.st_size + 1);
	if (pread_full(fd, text, (size_t)st.st_size, 0) < 0) {
		*error_r = t_strdup_printf("read(%s) failed: %m", path);
		return -1;
	}
	*text_r = text;
	*len_r = (size_t)st.st_size;
	return 0;
}

/* Dovecot has read the file named by "= </path" already; a file named without
   the sign is read here, by the user's process. */
int
roost_flags_settings_map(const char *value, const char **text_r,
			 size_t *len_r, const char **where_r,
			 const char **error_r)
{
	int fd, ret;

	*text_r = value;
	*len_r = strlen(value);
	*where_r = "roost_flags_map";
	if (*value != '/')
		return 0;
	*where_r = value;
	fd = open(value, O_RDONLY | O_NONBLOCK);
	if (fd == -1) {
		*error_r = t_strdup_printf("roost_flags_map: open(%s) failed: "
					   "%m: users must be able to read it",
					   value);
		return -1;
	}
	ret = map_read(fd, value, text_r, len_r, error_r);
	if (close(fd) < 0)
		i_error("close(%s) failed: %m", value);
	return ret;
}

#endif
