/* SPDX-License-Identifier: MIT */
/*
 * loaded: whether Roost is loaded wherever Dovecot opens mail.  See loaded.h.
 *
 * A protocol may have a list of plugins of its own, which a later line for all
 * does not change, and nobody is told: mail is then saved there in clear.
 */
#include "doveadm/loaded.h"

#include "doveadm/protocols.h"
#include "settings/line.h"

#include <sys/stat.h>

#define PLUGIN "roost"

struct loaded {
	struct roost_findings *findings;
	struct roost_doveconf *global;
	pool_t pool;
	ARRAY_TYPE(const_string) protocols;
	ARRAY_TYPE(const_string) without;	/* those without Roost */
};

static void
tell(const struct loaded *loaded, const char *where, const char *has,
     const char *mend)
{
	const struct roost_finding finding = {
		.severity = ROOST_SEVERITY_ERROR,
		.name = "plugin-missing",
		.where = where,
		.what = t_strdup_printf("mail_plugins lacks "PLUGIN"%s", has),
		.why = "mail is saved there in clear, and sealed mail cannot "
			"be read",
		.mend = mend,
	};

	roost_finding_add(loaded->findings, &finding);
}

static bool
list_has_plugin(const char *value)
{
	return str_array_find(t_strsplit_spaces(value, ", "), PLUGIN);
}

/* -- protocols -- */

static int
look_at_protocol(struct loaded *loaded, const char *protocol,
		 const char **error_r)
{
	static const char *const names[] = { "mail_plugins", NULL };
	struct roost_doveconf *conf =
		roost_doveconf_read(protocol, names, loaded->global, error_r);

	if (conf == NULL)
		return -1;
	if (!str_array_find(roost_doveconf_words(conf, "mail_plugins"),
			    PLUGIN))
		array_push_back(&loaded->without, &protocol);
	roost_doveconf_free(&conf);
	return 0;
}

static int
look_at_protocols(struct loaded *loaded, const char **error_r)
{
	const char *protocol;
	int ret = roost_protocols_get(loaded->global, loaded->pool,
				      &loaded->protocols, error_r);

	array_foreach_elem(&loaded->protocols, protocol) {
		if (ret < 0)
			break;
		T_BEGIN {
			ret = look_at_protocol(loaded, protocol, error_r);
		} T_END_PASS_STR_IF(ret < 0, error_r);
	}
	return ret;
}

static void
tell_protocols(const struct loaded *loaded)
{
	const char *line = roost_line_plugin_load(PLUGIN), *protocol;
	const char *has = "";

	/* One line mends that. */
	if (array_count(&loaded->without) == array_count(&loaded->protocols)) {
		tell(loaded, "every protocol", "", line);
		return;
	}
	if (str_array_find(roost_doveconf_words(loaded->global,
						"mail_plugins"), PLUGIN))
		has = ", though the list for all has it: this protocol has a "
			"list of its own";
	array_foreach_elem(&loaded->without, protocol)
		tell(loaded, t_strconcat("protocol ", protocol, NULL), has,
		     roost_line_protocol(protocol, line));
}

/* -- networks and names of hosts -- */

/* The block in which a setting that doveconf shows takes Roost away; NULL if it
   takes it from no such block. */
static const char *
block_without(const char *name, const char *value)
{
	static const char *const kinds[] = {
		"local/", "local_name/", "remote/", NULL
	};
	static const char list[] = "/mail_plugins";
	const char *const *kind, *end = strstr(name, list);

	for (kind = kinds; *kind != NULL; kind++) {
		if (strncmp(name, *kind, strlen(*kind)) == 0)
			break;
	}
	if (*kind == NULL || end == NULL || value == NULL)
		return NULL;
	if (strcmp(end, list) == 0)
		return list_has_plugin(value) ? NULL :
			t_strdup_until(name, end);
	return strcmp(end + strlen(list), "/"PLUGIN) == 0 &&
		strcmp(value, "no") == 0 ? t_strdup_until(name, end) : NULL;
}

static int
look_at_blocks(struct loaded *loaded, const char **error_r)
{
	struct roost_doveconf *changed =
		roost_doveconf_read(NULL, NULL, NULL, error_r);
	const char *name, *value, *block;
	unsigned int idx = 0;

	if (changed == NULL)
		return -1;
	while (roost_doveconf_next(changed, &idx, &name, &value)) {
		block = block_without(name, value);
		if (block != NULL)
			tell(loaded, block, " for the clients of this block",
			     t_strdup_printf("in that block: %s",
					     roost_line_plugin_load(PLUGIN)));
	}
	roost_doveconf_free(&changed);
	return 0;
}

/* -- the server that runs -- */

#ifdef ROOST_SETTINGS_MODULE
/* It asks the settings module at its start alone, and after that takes no
   configuration with a setting that it does not know. */
static void
look_at_server(const struct loaded *loaded)
{
	static const struct roost_finding finding = {
		.severity = ROOST_SEVERITY_ERROR,
		.name = "restart-needed",
		.where = "the running server",
		.what = "Dovecot was started before Roost was installed",
		.why = "it goes on with the configuration of then, also after "
			"a reload, and mail is saved as that says",
		.mend = "systemctl restart dovecot",
	};
	const char *module = t_strconcat(
		roost_doveconf_get(loaded->global, "mail_plugin_dir"),
		"/"ROOST_SETTINGS_MODULE, NULL);
	const char *pid = t_strconcat(
		roost_doveconf_get(loaded->global, "base_dir"),
		"/master.pid", NULL);
	struct stat installed, started;

	/* The file of a server that does not run is not there. */
	if (stat(module, &installed) < 0 || stat(pid, &started) < 0)
		return;
	if (installed.st_ctim.tv_sec > started.st_mtim.tv_sec ||
	    (installed.st_ctim.tv_sec == started.st_mtim.tv_sec &&
	     installed.st_ctim.tv_nsec > started.st_mtim.tv_nsec))
		roost_finding_add(loaded->findings, &finding);
}
#else
static void
look_at_server(const struct loaded *loaded ATTR_UNUSED)
{
}
#endif

static int
look(struct loaded *loaded, const char **error_r)
{
	if (look_at_protocols(loaded, error_r) < 0)
		return -1;
	tell_protocols(loaded);
	look_at_server(loaded);
	return look_at_blocks(loaded, error_r);
}

int
roost_loaded_check(struct roost_findings *findings, const char **error_r)
{
	static const char *const names[] = {
		"base_dir", "mail_plugin_dir", "mail_plugins", "protocols",
		NULL
	};
	struct loaded loaded = { .findings = findings };
	int ret;

	loaded.global = roost_doveconf_read(NULL, names, NULL, error_r);
	if (loaded.global == NULL)
		return -1;
	loaded.pool = pool_alloconly_create("roost loaded", 1024);
	p_array_init(&loaded.protocols, loaded.pool, 16);
	p_array_init(&loaded.without, loaded.pool, 16);
	ret = look(&loaded, error_r);
	roost_doveconf_free(&loaded.global);
	pool_unref(&loaded.pool);
	return ret;
}
