/* SPDX-License-Identifier: MIT */
/*
 * flags-23: reading the settings from the plugin section of 2.3.  See
 * flags.h.
 */
#include "settings/flags.h"

#ifndef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings/plugin-section.h"
#include "read-full.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_SIZE_MAX (1024 * 1024)

#define DEF(name) ROOST_PLUGIN_SETTING(struct roost_flags_settings, name, "")

static const struct roost_plugin_setting plugin_settings[] = {
	DEF(roost_flags_protect),
	DEF(roost_flags_keep),
	DEF(roost_flags_deny),
	DEF(roost_flags_allow),
	DEF(roost_flags_alias),
	DEF(roost_flags_exclusive),
	DEF(roost_flags_imply),
	DEF(roost_flags_colors),
	DEF(roost_flags_max_per_message),
	DEF(roost_flags_max_per_mailbox),
	DEF(roost_flags_reserve),
	DEF(roost_flags_on_violation),
	DEF(roost_flags_at_delivery),
	DEF(roost_flags_authserv),
	DEF(roost_flags_map),
};

int
roost_flags_settings_get(struct mail_user *user,
			 const struct roost_flags_settings **set_r,
			 const char **error_r ATTR_UNUSED)
{
	pool_t pool = pool_alloconly_create("roost flags settings", 1024);
	struct roost_flags_settings *set =
		p_new(pool, struct roost_flags_settings, 1);

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

/* "= </path" is read before a plugin sees it; a path is read here, by the
   user's process. */
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
