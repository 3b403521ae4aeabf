/* SPDX-License-Identifier: MIT */
/*
 * doctor-server: what is wrong with the server as a whole.  See
 * doctor-server.h.
 */
#include "doveadm/doctor-server.h"

#include "doveadm/doctor-config.h"
#include "session/leaks.h"
#include "session/memory.h"
#include "settings/line.h"

#include "roost/slot.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SWAPS_PATH "/proc/swaps"
#define CORE_PATTERN_PATH "/proc/sys/kernel/core_pattern"
#define LINE_MAX_SIZE 4096

static void
tell(struct roost_findings *findings, enum roost_severity severity,
     const char *name, const char *where, const char *what,
     const char *why, const char *mend)
{
	const struct roost_finding finding = {
		.severity = severity, .name = name, .where = where,
		.what = what, .why = why, .mend = mend,
	};

	roost_finding_add(findings, &finding);
}

static void
check_key_file(struct roost_findings *findings, const char *path)
{
	struct stat st;

	/* Dovecot has said already if it cannot be read. */
	if (stat(path, &st) < 0)
		return;
	if ((st.st_mode & 0007) != 0) {
		tell(findings, ROOST_SEVERITY_ERROR,
		     "provider-key-mode", path,
		     "everybody can read or write the provider key",
		     "who has it and the mail files reads all mail",
		     t_strconcat("chmod o= ", path, NULL));
	} else if (st.st_uid != 0 && st.st_uid != geteuid()) {
		tell(findings, ROOST_SEVERITY_ERROR,
		     "provider-key-owner", path,
		     "the provider key belongs to a user",
		     "who has it and the mail files reads all mail",
		     t_strconcat("chown root ", path, NULL));
	} else if ((st.st_mode & 0070) != 0) {
		tell(findings, ROOST_SEVERITY_NOTICE,
		     "provider-key-group", path,
		     "a group can read the provider key",
		     "only dovecot-lda run by the mail transport needs "
		     "that", t_strconcat("chmod g= ", path, NULL));
	}
}

static void
check_key(struct roost_findings *findings, const struct roost_doveconf *global)
{
	static const char *const setting = "roost_provider_key";
	static const char *const old = "roost_provider_old_key";
	const char *path = roost_doctor_config_key_path(global, setting);
	const char *value = roost_doveconf_get(global,
		roost_line_plugin_setting(setting));
	const char *line = roost_line_plugin_set(setting,
		roost_line_file(ROOST_LINE_KEY_FILE));

	if (*value == '\0')
		tell(findings, ROOST_SEVERITY_ERROR,
		     "provider-key-missing", setting,
		     "there is no provider key",
		     "nothing is sealed or opened, and users are not "
		     "let in", line);
	else if (path == NULL)
		tell(findings, ROOST_SEVERITY_WARNING,
		     "provider-key-inline", setting,
		     "the provider key stands in the configuration",
		     "whoever reads the configuration or a copy of it "
		     "has the key: put it into a file of its own", line);
	else
		check_key_file(findings, path);
	path = roost_doctor_config_key_path(global, old);
	if (path != NULL)
		check_key_file(findings, path);
}

static void
check_folders(struct roost_findings *findings,
	      const struct roost_doveconf *global)
{
	const char *temp_dir = roost_doveconf_get(global, "mail_temp_dir");
	const char *base_dir = roost_doveconf_get(global, "base_dir");

	if (roost_leaks_dir_keeps(temp_dir))
		tell(findings, ROOST_SEVERITY_WARNING,
		     "temp-dir-on-disk", temp_dir,
		     "mail_temp_dir is on a disk",
		     "Dovecot puts large messages there in the clear "
		     "while it receives or decodes them",
		     "mail_temp_dir = /run/dovecot-spool");
	if (ROOST_BASE_DIR_HOLDS_SETTINGS && roost_leaks_dir_keeps(base_dir))
		tell(findings, ROOST_SEVERITY_WARNING,
		     "base-dir-on-disk", base_dir,
		     "base_dir is on a disk",
		     "Dovecot keeps its configuration there, with the "
		     "provider key in it",
		     "base_dir = /run/dovecot");
}

/* -- logs -- */

static const struct debug_setting {
	const char *name, *silent;
	enum roost_severity severity;
	const char *why;
} debug_settings[] = {
	{ "auth_debug_passwords", "no", ROOST_SEVERITY_ERROR,
	  "passwords stand in the log" },
	{ "auth_verbose_passwords", "no", ROOST_SEVERITY_WARNING,
	  "passwords that were not right, or hashes of them, stand in the "
	  "log" },
	{ "auth_debug", "no", ROOST_SEVERITY_WARNING,
	  "userdb fields stand in the log, roost_secret_key among them" },
	{ "mail_debug", "no", ROOST_SEVERITY_WARNING,
	  "userdb fields stand in the log, roost_secret_key among them" },
	{ "log_debug", "", ROOST_SEVERITY_WARNING,
	  "what clients ask for may stand in the log" },
};

static void
check_debug(struct roost_findings *findings,
	    const struct roost_doveconf *global)
{
	const struct debug_setting *set;
	const char *value;

	for (set = debug_settings;
	     set < debug_settings + N_ELEMENTS(debug_settings); set++) {
		value = roost_doveconf_get(global, set->name);
		if (*value == '\0' || strcmp(value, set->silent) == 0)
			continue;
		tell(findings, set->severity, "debug-log", set->name,
		     t_strdup_printf("%s is set", set->name), set->why,
		     t_strdup_printf("%s = %s", set->name,
					    set->silent));
	}
}

/* A service whose processes are run through the program rawlog. */
static void
check_rawlog_services(struct roost_findings *findings,
		      const struct roost_doveconf *global)
{
	static const char *const rawlog[] = { "rawlog", NULL };
	const char *name, *value, *service;
	const char *const *words;
	unsigned int idx = 0;

	while (roost_doveconf_next(global, &idx, &name, &value)) {
		size_t len = strlen(name);

		if (value == NULL || strncmp(name, "service/", 8) != 0 ||
		    len < 20 || strcmp(name + len - 11, "/executable") != 0)
			continue;
		words = t_strsplit_spaces(value, " ");
		if (!str_array_find(words, "rawlog"))
			continue;
		service = t_strdup_until(name + 8, name + len - 11);
		tell(findings, ROOST_SEVERITY_ERROR, "rawlog",
		     t_strconcat("service ", service, NULL),
		     "its executable is run through rawlog",
		     "whole sessions are written in clear into "
		     "dovecot.rawlog folders of users",
		     t_strdup_printf("service %s { executable = %s }",
				service, roost_line_words_without(words,
								  rawlog)));
	}
}

/* -- memory on a disk -- */

/* The first line of the file that begins like this, on the data stack; NULL if
   there is none or the file cannot be read. */
static const char *
file_line(const char *path, const char *start)
{
	char line[LINE_MAX_SIZE];
	FILE *file = fopen(path, "re");
	const char *found = NULL;

	if (file == NULL)
		return NULL;
	while (found == NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, start, strlen(start)) == 0)
			found = t_strdup(t_strcut(line, '\n'));
	}
	(void)fclose(file);
	return found;
}

/* May processes of the server that runs leave a core image?  A server that does
   not run leaves none. */
static bool
server_may_dump(const struct roost_doveconf *global)
{
	const char *pid, *limits, *limit;
	unsigned long number;

	pid = file_line(t_strconcat(roost_doveconf_get(global, "base_dir"),
				    "/master.pid", NULL), "");
	if (pid == NULL || str_to_ulong(pid, &number) < 0)
		return FALSE;
	limits = t_strdup_printf("/proc/%lu/limits", number);
	limit = file_line(limits, "Max core file size");
	if (limit == NULL)
		return FALSE;
	limit += strlen("Max core file size");
	return strcmp(t_strsplit_spaces(limit, " ")[0], "0") != 0;
}

static void
check_core_dumps(struct roost_findings *findings,
		 const struct roost_doveconf *global)
{
	const char *pattern = file_line(CORE_PATTERN_PATH, "");

	if (pattern == NULL || *pattern == '\0' || !server_may_dump(global))
		return;
	tell(findings, ROOST_SEVERITY_WARNING, "core-dumps",
	     CORE_PATTERN_PATH,
	     t_strdup_printf("a process that crashes leaves a core image: %s",
			     pattern),
	     "that of a mail process holds the provider key and the secrets "
	     "of the user, as Dovecot's settings have them",
	     "[Service] LimitCORE=0 in the unit of dovecot: systemctl edit "
	     "dovecot");
}

/* A swap area: does whoever holds the disk find there what was in memory? */
static bool
swap_keeps(const char *path, bool is_file)
{
	struct stat st;

	if (strstr(path, "/zram") != NULL || stat(path, &st) < 0)
		return strstr(path, "/zram") == NULL;
	return !roost_leaks_device_is_encrypted(is_file ? st.st_dev :
						st.st_rdev);
}

static void
check_swap_line(struct roost_findings *findings, const char *line)
{
	const char *const *words = t_strsplit_spaces(line, " \t");
	const char *path;

	if (words[0] == NULL || words[1] == NULL || *words[0] != '/')
		return;
	path = words[0];
	if (!swap_keeps(path, strcmp(words[1], "file") == 0))
		return;
	tell(findings, ROOST_SEVERITY_WARNING, "swap-not-encrypted", path,
	     "swap is not encrypted, as far as can be seen",
	     "messages and passwords that a process holds can come onto the "
	     "disk; Roost locks its own keys in memory, but not those",
	     t_strdup_printf("swap %s /dev/urandom swap in /etc/crypttab, and "
			     "/dev/mapper/swap in /etc/fstab", path));
}

static void
check_swap(struct roost_findings *findings)
{
	char line[LINE_MAX_SIZE];
	FILE *file = fopen(SWAPS_PATH, "re");

	/* A kernel without swap has no such file. */
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) T_BEGIN {
		check_swap_line(findings, t_strcut(line, '\n'));
	} T_END;
	(void)fclose(file);
}

/* -- memory for Argon2id -- */

static void
check_vsz_limit(struct roost_findings *findings,
		const struct roost_doveconf *global)
{
	/* Those that users log in to with their secret. */
	static const char *const services[] = { "imap", "pop3", NULL };
	const uint32_t m_kib = roost_doctor_config_argon2_memory(global);
	const uint64_t need = roost_memory_argon2_need(m_kib);
	const char *const *service;
	uint64_t limit;

	for (service = services; *service != NULL; service++) {
		limit = roost_doctor_config_vsz_limit(global, *service);
		if (limit == 0 || limit >= need)
			continue;
		tell(findings, ROOST_SEVERITY_WARNING, "vsz-limit",
		     t_strconcat("service ", *service, NULL),
		     t_strdup_printf("vsz_limit is %llu MiB",
				     (unsigned long long)limit / 1048576),
		     "opening a keyring by the password needs more: such "
		     "users do not get in",
		     t_strdup_printf("service %s { vsz_limit = %lluM }",
				     *service, (unsigned long long)
				     roost_memory_in_mib(need)));
	}
}

void
roost_doctor_server(struct roost_findings *findings,
		    const struct roost_doveconf *global)
{
	check_key(findings, global);
	check_folders(findings, global);
	check_debug(findings, global);
	check_rawlog_services(findings, global);
	check_core_dumps(findings, global);
	check_swap(findings);
	check_vsz_limit(findings, global);
}
