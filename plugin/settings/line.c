/* SPDX-License-Identifier: MIT */
/*
 * line: lines of Dovecot's configuration.  See line.h.
 */
#include "settings/line.h"

const char *
roost_line_words_without(const char *const *words, const char *const *left)
{
	string_t *str = t_str_new(64);

	for (; *words != NULL; words++) {
		if (!str_array_find(left, *words))
			str_printfa(str, "%s%s", str_len(str) == 0 ? "" : " ",
				    *words);
	}
	return str_c(str);
}

const char *
roost_line_protocol(const char *protocol, const char *line)
{
	return protocol == NULL ? line :
		t_strdup_printf("protocol %s { %s }", protocol, line);
}

#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK

const char *
roost_line_plugin_setting(const char *name)
{
	return name;
}

const char *
roost_line_plugin_set(const char *name, const char *value)
{
	return t_strdup_printf("%s = %s", name, value);
}

const char *
roost_line_plugin_load(const char *plugin)
{
	return t_strdup_printf("mail_plugins { %s = yes }", plugin);
}

const char *
roost_line_plugin_leave(const char *const *loaded ATTR_UNUSED,
			const char *plugin)
{
	return t_strdup_printf("mail_plugins { %s = no }", plugin);
}

const char *
roost_line_storage_setting(void)
{
	return "mail_driver";
}

const char *
roost_line_storage(void)
{
	return "mail_driver = maildir\nmail_path = ~/Maildir\n"
		"mail_inbox_path =";
}

const char *
roost_line_file(const char *path)
{
	return path;
}

const char *
roost_line_file_path(const char *value)
{
	return strncmp(value, "inline:", 7) == 0 ? NULL : value;
}

#else

const char *
roost_line_plugin_setting(const char *name)
{
	return t_strconcat("plugin/", name, NULL);
}

const char *
roost_line_plugin_set(const char *name, const char *value)
{
	return t_strdup_printf("plugin { %s = %s }", name, value);
}

const char *
roost_line_plugin_load(const char *plugin)
{
	return t_strdup_printf("mail_plugins = $mail_plugins %s", plugin);
}

const char *
roost_line_plugin_leave(const char *const *loaded, const char *plugin)
{
	const char *const left[] = { plugin, NULL };

	return t_strconcat("mail_plugins = ",
			   roost_line_words_without(loaded, left), NULL);
}

const char *
roost_line_storage_setting(void)
{
	return "mail_location";
}

const char *
roost_line_storage(void)
{
	return "mail_location = "ROOST_LINE_STORAGE;
}

const char *
roost_line_file(const char *path)
{
	return t_strconcat("<", path, NULL);
}

const char *
roost_line_file_path(const char *value)
{
	return *value == '<' ? value + 1 : NULL;
}

#endif
