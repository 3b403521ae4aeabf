/* SPDX-License-Identifier: MIT */
/*
 * doctor-config: what is wrong with Dovecot's configuration.  See
 * doctor-config.h.
 *
 * Each check is asked once for what holds everywhere, and once for each
 * protocol.  What a protocol has in common with the rest was told with the
 * rest, so that one line of configuration is asked for once.
 */
#include "doveadm/doctor-config.h"

#include "master-service.h"

#include "doveadm/protocols.h"
#include "session/leaks.h"
#include "settings/line.h"

#include "roost/slot.h"

#include <ctype.h>

struct check {
	struct roost_findings *findings;
	const struct roost_doveconf *global, *conf;
	const char *protocol;		/* NULL: what holds everywhere */
};

static const char *const global_names[] = {
	"auth_debug", "auth_debug_passwords", "auth_verbose_passwords",
	"base_dir", "default_vsz_limit", "log_debug", "mail_debug",
	"mail_temp_dir", "protocols", "service", NULL
};
static const char *const protocol_names[] = {
	"deliver_log_format", "imap_fetch_failure", "lmtp_proxy_rawlog_dir",
	"lmtp_rawlog_dir", "mail_attachment_dir", "mail_driver",
	"mail_ext_attachment",
	"mail_ext_attachment_path", "mail_location", "mail_plugins",
	"rawlog_dir", NULL
};
static const char *const plugin_names[] = {
	"roost_provider_key", "roost_provider_old_key", "roost_fts",
	"roost_argon2_memory", "mail_log_fields", ROOST_CRYPT_WRITE_SETTING,
	NULL
};

/* What a setting of mail_crypt is for, and the line of Roost that takes its
   place. */
static const struct crypt_setting {
	const char *name, *purpose;
	/* Where place is NULL, value is the whole line, and where value is
	   NULL, it is the key's file. */
	const char *place, *value;
} crypt_settings[] = {
	{ "mail_crypt_global_private_key", "the key that opens all mail",
	  "roost_provider_key", NULL },
	{ "crypt_global_private_key", "the key that opens all mail",
	  "roost_provider_key", NULL },
	{ "mail_crypt_global_public_key", "the key that all mail is sealed to",
	  "roost_provider_key", NULL },
	{ "crypt_global_public_key_file", "the key that all mail is sealed to",
	  "roost_provider_key", NULL },
	{ "mail_crypt_curve", "that each user gets keys",
	  "roost_auto_create", "yes" },
	{ "crypt_user_key_curve", "that each user gets keys",
	  "roost_auto_create", "yes" },
	{ "mail_crypt_private_password", "the user's own secret", NULL,
	  "doveadm roost init -m password, and roost_secret_key from passdb" },
	{ "crypt_user_key_password", "the user's own secret", NULL,
	  "doveadm roost init -m password, and roost_secret_key from passdb" },
	{ "mail_crypt_require_encrypted_user_key",
	  "that keys open by the user's secret only", "roost_mode",
	  "password" },
	{ "crypt_user_key_require_encrypted",
	  "that keys open by the user's secret only", "roost_mode",
	  "password" },
};

/* -- reading -- */

static const char *
plugin_get(const struct roost_doveconf *conf, const char *name)
{
	return roost_doveconf_get(conf, roost_line_plugin_setting(name));
}

static void
names_add_plugins(ARRAY_TYPE(const_string) *names)
{
	const char *const *name, *full;
	unsigned int i;

	for (name = plugin_names; *name != NULL; name++) {
		full = roost_line_plugin_setting(*name);
		array_push_back(names, &full);
	}
	for (i = 0; i < N_ELEMENTS(crypt_settings); i++) {
		full = roost_line_plugin_setting(crypt_settings[i].name);
		array_push_back(names, &full);
	}
}

static struct roost_doveconf *
config_read(const char *protocol, const struct roost_doveconf *global,
	    const char **error_r)
{
	ARRAY_TYPE(const_string) names;

	t_array_init(&names, 32);
	array_append(&names, protocol_names, N_ELEMENTS(protocol_names) - 1);
	names_add_plugins(&names);
	if (protocol == NULL)
		array_append(&names, global_names,
			     N_ELEMENTS(global_names) - 1);
	array_append_zero(&names);
	return roost_doveconf_read(protocol, array_front(&names), global,
				   error_r);
}

struct roost_doveconf *
roost_doctor_config_read(const char **error_r)
{
	return config_read(NULL, NULL, error_r);
}

/* -- what the checks share -- */

static const char *
check_where(const struct check *check)
{
	return check->protocol == NULL ? "every protocol" :
		t_strconcat("protocol ", check->protocol, NULL);
}

/* Was what this setting means told with the rest?  Its value may be a key, and
   is not copied. */
static bool
is_told(const struct check *check, const char *name)
{
	const char *value = roost_doveconf_get(check->conf, name);

	if (check->protocol == NULL)
		return FALSE;
	if (*value != '\0')
		return strcmp(value, roost_doveconf_get(check->global,
							name)) == 0;
	return strcmp(t_strarray_join(roost_doveconf_words(check->conf,
							   name), " "),
		      t_strarray_join(roost_doveconf_words(check->global,
							   name), " ")) == 0;
}

static const char *const *
check_plugins(const struct check *check)
{
	return roost_doveconf_words(check->conf, "mail_plugins");
}

static bool
check_has_plugin(const struct check *check, const char *plugin)
{
	return str_array_find(check_plugins(check), plugin);
}

/* mend: the line as it is to be written. */
static void
tell_line(const struct check *check, enum roost_severity severity,
	  const char *name, const char *what, const char *why,
	  const char *mend)
{
	const struct roost_finding finding = {
		.severity = severity,
		.name = name,
		.where = check_where(check),
		.what = what,
		.why = why,
		.mend = mend,
	};

	roost_finding_add(check->findings, &finding);
}

/* line: one that belongs where the finding is. */
static void
tell(const struct check *check, enum roost_severity severity, const char *name,
     const char *what, const char *why, const char *line)
{
	tell_line(check, severity, name, what, why,
		  roost_line_protocol(check->protocol, line));
}

/* -- for each protocol -- */

/* Was what a setting of this plugin means told with the rest?  The lists of
   plugins may differ in others. */
static bool
is_told_of_plugin(const struct check *check, const char *plugin,
		  const char *name)
{
	return is_told(check, name) &&
		str_array_find(roost_doveconf_words(check->global,
						    "mail_plugins"), plugin);
}

static void
check_fts(const struct check *check)
{
	const char *const *plugins = check_plugins(check);
	const char *fts = roost_leaks_fts_among(plugins);
	bool is_allowed = strcasecmp(plugin_get(check->conf, "roost_fts"),
				     "allow") == 0;

	if (fts == NULL || is_told(check, "mail_plugins"))
		return;
	tell(check, is_allowed ? ROOST_SEVERITY_NOTICE : ROOST_SEVERITY_ERROR,
	     "full-text-plugin",
	     t_strdup_printf("mail_plugins has %s%s", fts, is_allowed ?
			     ", which roost_fts allows" : ""),
	     is_allowed ? "its index holds the words of the mail in clear" :
	     "its index would hold the words of the mail in clear, so that "
	     "users are not let in",
	     roost_line_plugin_leave(plugins, fts));
}

/* Does a text of variables name one of these that tell of a message?  A short
   one is one letter behind modifiers; in braces names stand with modifiers. */
static bool
format_is_telling(const char *format)
{
	static const char *const telling[] = { "subject", "from", "msgid",
					       NULL };
	const char *p = format, *end;

	while ((p = strchr(p, '%')) != NULL) {
		p++;
		if (*p == '{' && (end = strchr(p, '}')) != NULL) {
			const char *const *words = t_strsplit_spaces(
				t_strdup_until(p + 1, end), " |:;,()='\"");

			for (; *words != NULL; words++) {
				if (str_array_find(telling, *words))
					return TRUE;
			}
			p = end;
			continue;
		}
		p += strspn(p, "-+.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (*p != '\0' && strchr("msf", *p) != NULL)
			return TRUE;
		if (*p != '\0')
			p++;
	}
	return FALSE;
}

static void
check_log_format(const struct check *check)
{
	const char *name = "deliver_log_format";

	if (is_told(check, name) ||
	    !format_is_telling(roost_doveconf_get(check->conf, name)))
		return;
	tell(check, ROOST_SEVERITY_WARNING, "deliver-log-format",
	     "deliver_log_format has the subject, the sender or the "
	     "Message-ID of each message",
	     "the log holds them in clear",
	     "deliver_log_format = "ROOST_LOG_FORMAT_SILENT);
}

static void
check_mail_log(const struct check *check)
{
	static const char *const telling[] = {
		"subject", "from", "msgid", "flags", NULL
	};
	/* What Dovecot logs where nothing is set. */
	static const char *const by_default[] = {
		"uid", "box", "msgid", "size", NULL
	};
	const char *name = roost_line_plugin_setting("mail_log_fields");
	const char *const *fields = roost_doveconf_words(check->conf, name);
	const char *const *field;

	if (!check_has_plugin(check, "mail_log") ||
	    is_told_of_plugin(check, "mail_log", name))
		return;
	if (*fields == NULL)
		fields = by_default;
	for (field = fields; *field != NULL; field++) {
		if (str_array_find(telling, *field))
			break;
	}
	if (*field == NULL)
		return;
	/* The fields may be those of all, though the plugin is loaded here. */
	tell_line(check, ROOST_SEVERITY_WARNING, "mail-log-fields",
		  t_strdup_printf("mail_log logs the field %s", *field),
		  "the log holds it in clear",
		  roost_line_protocol(is_told(check, name) ? NULL :
				      check->protocol,
			roost_line_plugin_set("mail_log_fields",
				roost_line_words_without(fields, telling))));
}

static void
check_rawlog(const struct check *check)
{
	static const char *const names[] = {
		"rawlog_dir", "lmtp_rawlog_dir", "lmtp_proxy_rawlog_dir", NULL
	};
	const char *const *name;

	for (name = names; *name != NULL; name++) {
		if (*roost_doveconf_get(check->conf, *name) == '\0' ||
		    is_told(check, *name))
			continue;
		tell(check, ROOST_SEVERITY_ERROR, "rawlog",
		     t_strdup_printf("%s is set", *name),
		     "whole sessions are written there in clear, if the "
		     "folder exists", t_strconcat(*name, " =", NULL));
	}
}

static void
check_attachments(const struct check *check)
{
	/* doveconf knows the last by its section or by its whole name. */
	static const char *const places[] = {
		"mail_attachment_dir", "mail_ext_attachment/path",
		"mail_ext_attachment_path"
	};
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(places); i++) {
		if (*roost_doveconf_get(check->conf, places[i]) == '\0' ||
		    is_told(check, places[i]))
			continue;
		tell(check, ROOST_SEVERITY_ERROR, "attachment-dir",
		     ROOST_ATTACHMENT_SETTING" is set",
		     "attachments would lie there unsealed, so that users "
		     "are not let in", ROOST_ATTACHMENT_SETTING" =");
	}
}

/* Users are told one by one, and by then a delivery has failed. */
static void
check_storage(const struct check *check)
{
	static const char *const fit[] = { "maildir", "sdbox", "mdbox", NULL };
	const char *name = roost_line_storage_setting();
	const char *value = roost_doveconf_get(check->conf, name);
	const char *driver = t_strcut(value, ':');

	if (is_told(check, name) || str_array_find(fit, driver))
		return;
	if (*driver == '\0' || strcmp(driver, "auto") == 0)
		tell(check, ROOST_SEVERITY_WARNING, "storage-guessed",
		     t_strconcat(name, " does not say in which storage mail "
				 "is", NULL),
		     "Dovecot takes what it finds, and mbox, which it may "
		     "find, cannot hold sealed mail", roost_line_storage());
	else
		tell(check, ROOST_SEVERITY_ERROR, "storage-unfit",
		     t_strdup_printf("%s is %s", name, value),
		     t_strdup_printf("%s cannot hold sealed mail, so that "
			"deliveries fail and users are not let in; move each "
			"user's mail before, by "ROOST_LINE_MOVE, driver,
			"USER"), roost_line_storage());
}

static void
check_fetch_failure(const struct check *check)
{
	const char *name = "imap_fetch_failure";

	if ((check->protocol != NULL && strcmp(check->protocol, "imap") != 0) ||
	    is_told(check, name) ||
	    strcmp(roost_doveconf_get(check->conf, name), "no-after") == 0)
		return;
	tell(check, ROOST_SEVERITY_NOTICE, "fetch-failure",
	     "imap_fetch_failure is not no-after",
	     "a client that fetches many messages gets none of them behind "
	     "one that is refused", "imap_fetch_failure = no-after");
}

/* -- mail_crypt -- */

static void
check_crypt_setting(const struct check *check, const struct crypt_setting *set)
{
	const char *name = roost_line_plugin_setting(set->name);
	const char *line = set->value;

	if (!roost_doveconf_is_set(check->conf, name) ||
	    is_told_of_plugin(check, "mail_crypt", name))
		return;
	if (set->place != NULL)
		line = roost_line_plugin_set(set->place, line != NULL ? line :
			roost_line_file(ROOST_LINE_KEY_FILE));
	tell(check, ROOST_SEVERITY_NOTICE, "mail-crypt-setting",
	     t_strdup_printf("%s says %s", set->name, set->purpose),
	     "mail that Roost seals does not need it: the line beside takes "
	     "its place, and it can go when no message needs it", line);
}

static void
check_crypt(const struct check *check)
{
	const char *name =
		roost_line_plugin_setting(ROOST_CRYPT_WRITE_SETTING);
	unsigned int i;

	if (!check_has_plugin(check, "mail_crypt"))
		return;
	for (i = 0; i < N_ELEMENTS(crypt_settings); i++)
		check_crypt_setting(check, &crypt_settings[i]);
	if (strcmp(roost_doveconf_get(check->conf, name),
		   ROOST_CRYPT_WRITE_OFF) != 0 &&
	    !is_told_of_plugin(check, "mail_crypt", name))
		tell(check, ROOST_SEVERITY_WARNING, "mail-crypt-writes",
		     "the plugin mail_crypt seals new mail, too",
		     "it is sealed twice, and needs the keys of both",
		     roost_line_plugin_set(ROOST_CRYPT_WRITE_SETTING,
					   ROOST_CRYPT_WRITE_OFF));
}

static void (*const protocol_checks[])(const struct check *check) = {
	check_fts, check_log_format, check_mail_log, check_rawlog,
	check_attachments, check_storage, check_fetch_failure, check_crypt
};

static void
check_protocol(struct check *check)
{
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(protocol_checks); i++) T_BEGIN {
		protocol_checks[i](check);
	} T_END;
}

/* -- asking for the server -- */

const char *
roost_doctor_config_key_path(const struct roost_doveconf *global,
			     const char *setting)
{
	const char *value = plugin_get(global, setting), *path, *conf, *slash;

	path = *value == '\0' ? NULL : roost_line_file_path(value);
	if (path == NULL || *path == '/')
		return path;
	/* It is meant from the folder of the configuration on. */
	conf = master_service_get_config_path(master_service);
	slash = strrchr(conf, '/');
	return slash == NULL ? path :
		t_strconcat(t_strdup_until(conf, slash + 1), path, NULL);
}

/* A size as doveconf writes it: a number and a unit.  FALSE if it is none. */
static bool
parse_size(const char *text, uint64_t *size_r)
{
	static const char units[] = "BKMGT";
	const char *unit;
	uintmax_t number;
	const char *end;

	if (str_parse_uintmax(text, &number, &end) < 0)
		return FALSE;
	while (*end == ' ')
		end++;
	unit = *end == '\0' ? units : strchr(units, i_toupper(*end));
	if (unit == NULL)
		return FALSE;
	*size_r = number;
	for (; unit > units; unit--)
		*size_r *= 1024;
	return TRUE;
}

uint64_t
roost_doctor_config_vsz_limit(const struct roost_doveconf *global,
			      const char *service)
{
	const char *name = t_strdup_printf("service/%s/vsz_limit", service);
	uint64_t size;

	/* What is not a number is no limit; the largest number, and on some
	   versions nothing, stand for the default. */
	if (parse_size(roost_doveconf_get(global, name), &size) &&
	    size != 0 && size < UINT64_MAX / 2)
		return size;
	if (strcmp(roost_doveconf_get(global, name), "unlimited") == 0 ||
	    !parse_size(roost_doveconf_get(global, "default_vsz_limit"),
			&size))
		return 0;
	return size;
}

uint32_t
roost_doctor_config_argon2_memory(const struct roost_doveconf *global)
{
	uint64_t size;

	/* What is wrong with it is told to who logs in. */
	if (!parse_size(plugin_get(global, "roost_argon2_memory"), &size) ||
	    size / 1024 > roost_slot_argon2_server.m_kib_max)
		return ROOST_ARGON2_M_KIB_DEFAULT;
	return (uint32_t)(size / 1024);
}

int
roost_doctor_config(struct roost_findings *findings,
		    const struct roost_doveconf *global, const char **error_r)
{
	pool_t pool = pool_alloconly_create("roost doctor", 1024);
	struct check check = {
		.findings = findings, .global = global, .conf = global
	};
	ARRAY_TYPE(const_string) protocols;
	struct roost_doveconf *conf;
	const char *protocol;
	int ret;

	check_protocol(&check);
	p_array_init(&protocols, pool, 16);
	ret = roost_protocols_get(global, pool, &protocols, error_r);
	array_foreach_elem(&protocols, protocol) {
		if (ret < 0)
			break;
		conf = config_read(protocol, global, error_r);
		if (conf == NULL) {
			ret = -1;
			break;
		}
		check.conf = conf;
		check.protocol = protocol;
		check_protocol(&check);
		roost_doveconf_free(&conf);
	}
	pool_unref(&pool);
	return ret;
}
