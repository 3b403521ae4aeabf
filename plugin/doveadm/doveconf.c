/* SPDX-License-Identifier: MIT */
/*
 * doveconf: settings as Dovecot's program of that name computes them.  See
 * doveconf.h.
 *
 * Asked for a whole setting, the program hides no secret: the name of a key
 * file is wanted, and where a key itself stands in its place, it lies in this
 * process as it does in Dovecot's own settings, but not longer than it is used.
 */
#include "doveadm/doveconf.h"

#include "master-service.h"
#include "strescape.h"

#include "roost/secret.h"

#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "doveconf"
#define SIGN " = "
#define OUTPUT_MAX (16U * 1024 * 1024)

struct doveconf_setting {
	const char *name, *value;
};

struct roost_doveconf {
	pool_t pool;
	const struct roost_doveconf *parent;	/* or NULL */
	ARRAY(struct doveconf_setting) settings;
	ARRAY_TYPE(const_string) sections;	/* that are open */
};

/* -- the text -- */

/* The program puts a value into quotes where it must. */
static const char *
unquoted(const char *value)
{
	size_t len = strlen(value);
	char *inner;

	if (len < 2 || value[0] != '"' || value[len - 1] != '"')
		return value;
	inner = t_strdup_noconst(value + 1);
	inner[len - 2] = '\0';
	return str_unescape(inner);
}

/* "protocol imap" becomes "protocol/imap", and the name may be in quotes. */
static const char *
section_name(const char *line)
{
	const char *space = strchr(line, ' ');

	return space == NULL ? line :
		t_strconcat(t_strdup_until(line, space), "/",
			    unquoted(space + 1), NULL);
}

static const char *
conf_path(const struct roost_doveconf *conf, const char *name)
{
	string_t *path = t_str_new(64);
	const char *section;

	array_foreach_elem(&conf->sections, section) {
		str_append(path, section);
		str_append_c(path, '/');
	}
	str_append(path, name);
	return str_c(path);
}

static void
conf_add(struct roost_doveconf *conf, const char *name, const char *value)
{
	struct doveconf_setting *setting = array_append_space(&conf->settings);

	setting->name = p_strdup(conf->pool, conf_path(conf, name));
	setting->value = p_strdup(conf->pool, value);
}

static void
conf_open_section(struct roost_doveconf *conf, const char *line, size_t len)
{
	const char *name;

	while (len > 0 && line[len - 1] == ' ')
		len--;
	name = section_name(t_strndup(line, len));
	conf_add(conf, name, NULL);
	name = p_strdup(conf->pool, name);
	array_push_back(&conf->sections, &name);
}

static void
conf_setting(struct roost_doveconf *conf, const char *line, const char *sign)
{
	conf_add(conf, t_strdup_until(line, sign),
		 unquoted(sign + strlen(SIGN)));
}

static void
conf_line(struct roost_doveconf *conf, const char *line)
{
	const char *sign;
	size_t len;

	while (*line == ' ')
		line++;
	len = strlen(line);
	sign = strstr(line, SIGN);
	if (*line == '\0' || *line == '#')
		return;
	if (strcmp(line, "}") == 0) {
		if (array_count(&conf->sections) > 0)
			array_pop_back(&conf->sections);
	} else if (sign != NULL) {
		conf_setting(conf, line, sign);
	} else if (line[len - 1] == '{') {
		conf_open_section(conf, line, len - 1);
	}
}

static void
conf_parse(struct roost_doveconf *conf, char *text)
{
	char *line, *end;

	for (line = text; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end = '\0';
		T_BEGIN {
			conf_line(conf, line);
		} T_END;
		if (end == NULL)
			break;
	}
}

/* -- the program -- */

/* It lies beside doveadm; else it is looked for as a shell does. */
static const char *
program_path(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	const char *slash, *beside;

	if (len <= 0)
		return PROGRAM;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return PROGRAM;
	beside = t_strconcat(t_strdup_until(path, slash + 1), PROGRAM, NULL);
	return access(beside, X_OK) == 0 ? beside : PROGRAM;
}

static const char *const *
program_args(const char *protocol, const char *const *names)
{
	ARRAY_TYPE(const_string) args;
	const char *const fixed[] = {
		PROGRAM, "-c", master_service_get_config_path(master_service)
	};
	const char *arg;

	t_array_init(&args, 16);
	array_append(&args, fixed, N_ELEMENTS(fixed));
	if (protocol != NULL) {
		arg = "-f";
		array_push_back(&args, &arg);
		arg = t_strconcat("protocol=", protocol, NULL);
		array_push_back(&args, &arg);
	}
	if (names == NULL) {
		arg = "-n";
		array_push_back(&args, &arg);
	}
	for (; names != NULL && *names != NULL; names++)
		array_push_back(&args, names);
	array_append_zero(&args);
	return array_front(&args);
}

/* In the child: its errors go where those of doveadm go. */
static void ATTR_NORETURN
program_exec(const char *path, const char *const *args, int fd)
{
	char **argv = p_memdup(unsafe_data_stack_pool, args,
			       (str_array_length(args) + 1) * sizeof(*args));

	if (dup2(fd, STDOUT_FILENO) >= 0)
		(void)execvp(path, argv);
	_exit(127);
}

/* Read all that comes, with a NUL behind it. */
static int
program_read(int fd, buffer_t *output)
{
	char block[4096];
	ssize_t ret;

	while ((ret = read(fd, block, sizeof(block))) != 0) {
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0 || output->used > OUTPUT_MAX)
			break;
		buffer_append(output, block, (size_t)ret);
	}
	roost_wipe(block, sizeof(block));
	buffer_append_c(output, '\0');
	return ret == 0 ? 0 : -1;
}

static int
program_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int
program_run(const char *const *args, buffer_t *output, const char **error_r)
{
	const char *path = program_path();
	int fd[2], ret;
	pid_t pid;

	if (pipe(fd) < 0) {
		*error_r = t_strdup_printf("Cannot ask %s: pipe() failed: %m",
					   path);
		return -1;
	}
	pid = fork();
	if (pid == 0)
		program_exec(path, args, fd[1]);
	i_close_fd(&fd[1]);
	ret = pid < 0 ? -1 : program_read(fd[0], output);
	i_close_fd(&fd[0]);
	if (pid < 0 || program_wait(pid) < 0 || ret < 0) {
		*error_r = t_strdup_printf("Cannot ask %s for the "
			"configuration %s", path,
			master_service_get_config_path(master_service));
		return -1;
	}
	return 0;
}

struct roost_doveconf *
roost_doveconf_read(const char *protocol, const char *const *names,
		    const struct roost_doveconf *parent, const char **error_r)
{
	pool_t pool = pool_alloconly_create_clean("roost doveconf", 8192);
	struct roost_doveconf *conf = p_new(pool, struct roost_doveconf, 1);
	/* There, what it leaves behind as it grows is wiped, too. */
	buffer_t *output = buffer_create_dynamic(pool, 8192);

	conf->pool = pool;
	conf->parent = parent;
	p_array_init(&conf->settings, pool, 64);
	p_array_init(&conf->sections, pool, 4);
	if (program_run(program_args(protocol, names), output, error_r) < 0)
		roost_doveconf_free(&conf);
	else
		conf_parse(conf, buffer_get_modifiable_data(output, NULL));
	return conf;
}

void
roost_doveconf_free(struct roost_doveconf **_conf)
{
	struct roost_doveconf *conf = *_conf;

	*_conf = NULL;
	if (conf != NULL)
		pool_unref(&conf->pool);
}

/* -- asking -- */

static const char *
conf_find(const struct roost_doveconf *conf, const char *name)
{
	const struct doveconf_setting *setting;

	array_foreach(&conf->settings, setting) {
		if (setting->value != NULL && strcmp(setting->name, name) == 0)
			return setting->value;
	}
	return NULL;
}

const char *
roost_doveconf_get(const struct roost_doveconf *conf, const char *name)
{
	const char *value = conf_find(conf, name);

	return value == NULL ? "" : value;
}

static void
words_set(ARRAY_TYPE(const_string) *words, const char *word, bool is_in)
{
	const char *const *other;

	array_foreach(words, other) {
		if (strcmp(*other, word) != 0)
			continue;
		if (!is_in)
			array_delete(words, array_foreach_idx(words, other),
				     1);
		return;
	}
	if (is_in)
		array_push_back(words, &word);
}

const char *const *
roost_doveconf_words(const struct roost_doveconf *conf, const char *name)
{
	const char *prefix = t_strconcat(name, "/", NULL);
	const char *value = conf_find(conf, name);
	const struct doveconf_setting *setting;
	ARRAY_TYPE(const_string) words;
	const char *const *word;

	t_array_init(&words, 8);
	if (value != NULL)
		word = t_strsplit_spaces(value, ", ");
	else if (conf->parent != NULL)
		word = roost_doveconf_words(conf->parent, name);
	else
		word = t_strsplit("", " ");
	for (; *word != NULL; word++)
		words_set(&words, *word, **word != '\0');
	array_foreach(&conf->settings, setting) {
		if (setting->value != NULL &&
		    strncmp(setting->name, prefix, strlen(prefix)) == 0)
			words_set(&words, setting->name + strlen(prefix),
				  strcmp(setting->value, "yes") == 0);
	}
	array_append_zero(&words);
	return array_front(&words);
}

bool
roost_doveconf_is_set(const struct roost_doveconf *conf, const char *name)
{
	const struct doveconf_setting *setting;
	const char *value = roost_doveconf_get(conf, name);
	size_t len = strlen(name);

	if (*value != '\0')
		return strcmp(value, "no") != 0;
	array_foreach(&conf->settings, setting) {
		if (strncmp(setting->name, name, len) == 0 &&
		    setting->name[len] == '/')
			return TRUE;
	}
	return FALSE;
}

bool
roost_doveconf_next(const struct roost_doveconf *conf, unsigned int *idx,
		    const char **name_r, const char **value_r)
{
	const struct doveconf_setting *setting;

	if (*idx >= array_count(&conf->settings))
		return FALSE;
	setting = array_idx(&conf->settings, (*idx)++);
	*name_r = setting->name;
	*value_r = setting->value;
	return TRUE;
}
