/* SPDX-License-Identifier: MIT */
/*
 * given: secrets from files, descriptors, the terminal and the body of a
 * request.  See given.h.
 */
#include "doveadm/given.h"

#include "istream.h"
#include "strnum.h"

#include "doveadm/passdb.h"
#include "session/ring-change.h"

#include "roost/bytes.h"
#include "roost/code.h"
#include "roost/escrow.h"
#include "roost/secret.h"

#include <ctype.h>
#include <fcntl.h>
#include <unistd.h>

/* A text of so many letters and digits, and nothing but blanks and dashes
   beside them, was to be a recovery code, which has 36. */
#define CODE_LIKE_MIN 32
#define CODE_LIKE_MAX 40

#define ONE_USER "A secret is one user's: name the user by -u"

/* In guarded memory. */
struct given_memory {
	struct roost_password passwords[2];
	char file[1024];		/* of an escrow key */
	struct roost_ring_secret opener, fresh;
	bool has_public_key;
	uint8_t public_key[ROOST_KEY_SIZE];
};

/* -- parameters -- */

/* Open a file that the command line names: now, before doveadm becomes the
   user, who may not read it. */
static void
source_open(struct roost_given_source *source)
{
	source->fd = i_stream_get_fd(source->file);
	if (source->fd >= 0)
		return;		/* the standard input */
	source->fd = open(i_stream_get_name(source->file),
			  O_RDONLY | O_CLOEXEC);
	source->open_errno = errno;
	source->is_opened = source->fd >= 0;
}

static struct roost_given_source
source_param(const struct doveadm_cmd_context *cctx, const char *file,
	     const char *fd)
{
	struct roost_given_source source = { .name = file, .fd = -1 };
	const char *number;

	/* Core would take what is no number for an option that is not there. */
	if (fd != NULL && doveadm_cmd_param_str(cctx, fd, &number) &&
	    (str_to_int(number, &source.fd) < 0 || source.fd < 0))
		source.fd = -2;
	if (doveadm_cmd_param_istream(cctx, file, &source.file) &&
	    cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI)
		source_open(&source);
	return source;
}

static void
source_close(struct roost_given_source *source)
{
	if (source->is_opened)
		i_close_fd(&source->fd);
	source->is_opened = FALSE;
}

void
roost_given_init(struct roost_given *given,
		 const struct doveadm_mail_cmd_context *ctx)
{
	const struct doveadm_cmd_context *cctx = ctx->cctx;

	i_zero(given);
	given->ctx = ctx;
	given->passdb_fd = -1;
	given->opener = source_param(cctx, "secret-file", "secret-fd");
	given->escrow = source_param(cctx, "escrow-key-file", NULL);
	given->fresh = source_param(cctx, "new-secret-file", "new-secret-fd");
	given->public_key = source_param(cctx, "public-key-file", NULL);
}

void
roost_given_init_new(struct roost_given *given,
		     const struct doveadm_mail_cmd_context *ctx)
{
	roost_given_init(given, ctx);
	given->fresh = given->opener;
	i_zero(&given->opener);
	given->opener.fd = -1;
}

void
roost_given_deinit(struct roost_given *given)
{
	void *secret = given->memory;

	if (secret != NULL)
		roost_secret_free(&secret);
	given->memory = NULL;
	source_close(&given->opener);
	source_close(&given->escrow);
	source_close(&given->fresh);
	source_close(&given->public_key);
	/* A command that was refused before has not begun it: all is zero. */
	if (given->ctx != NULL)
		i_close_fd(&given->passdb_fd);
}

bool
roost_given_is_remote(const struct roost_given *given)
{
	return given->ctx->cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI;
}

static bool
source_is_set(const struct roost_given_source *source)
{
	return source->file != NULL || source->fd != -1;
}

bool
roost_given_has_password(const struct roost_given *given)
{
	return source_is_set(&given->fresh);
}

/* What is needed before anything is read. */
static int
given_prepare(struct roost_given *given, const char **error_r)
{
	if (given->ctx->cctx->conn_type == DOVEADM_CONNECTION_TYPE_TCP) {
		*error_r = "No key or secret is taken over a connection of "
			"doveadm: run the command on the mail host, or send "
			"it in the body of a request to doveadm's HTTP API";
		return -1;
	}
	if (given->memory == NULL)
		given->memory = roost_secret_new(sizeof(*given->memory));
	if (given->memory != NULL)
		return 0;
	*error_r = roost_err_phrase(ROOST_ERR_BACKEND);
	return -1;
}

static int
given_prepare_secret(struct roost_given *given, const char **error_r)
{
	if (given->ctx->iterate_single_user)
		return given_prepare(given, error_r);
	*error_r = ONE_USER;
	return -1;
}

/* -- reading -- */

/* Read a parameter of a request as far as there is room, and wipe what the
   stream has of it. */
static int
stream_read(struct istream *input, char *bytes, size_t size, size_t *len_r,
	    const char **error_r)
{
	const unsigned char *data;
	unsigned char *copy;
	size_t len, more;

	*len_r = 0;
	i_stream_seek(input, 0);	/* core has read it to its end */
	while (i_stream_read_more(input, &data, &len) > 0) {
		more = I_MIN(len, size - *len_r);
		memcpy(bytes + *len_r, data, more);
		*len_r += more;
		copy = i_stream_get_modifiable_data(input, &len);
		if (copy != NULL)
			roost_wipe(copy, len);
		i_stream_skip(input, len);
	}
	if (input->stream_errno == 0)
		return 0;
	*error_r = "Cannot read a secret of the request";
	return -1;
}

/* The descriptor of what the command line names; -1 with error_r.  The name is
   not told: it may be a secret that somebody wrote in the place of one. */
static int
source_fd(const struct roost_given_source *source, const char **error_r)
{
	if (source->fd >= 0)
		return source->fd;
	if (source->file != NULL)
		*error_r = t_strdup_printf("Cannot open the file that --%s "
			"names: %s; it takes the name of a file, or - for the "
			"standard input, and never a secret", source->name,
			strerror(source->open_errno));
	else
		*error_r = "--secret-fd and --new-secret-fd take the number of "
			"an open file";
	return -1;
}

/* Read a password or a code that is a parameter of a request.  A second line
   would be left out, and what logs in would not be what opens. */
static int
given_read_parameter(const struct roost_given_source *source,
		     struct roost_password *password, const char **error_r)
{
	const char *end;

	if (source->file == NULL) {
		*error_r = "A descriptor is none of this request";
		return -1;
	}
	if (stream_read(source->file, password->text, sizeof(password->text),
			&password->len, error_r) < 0)
		return -1;
	end = memchr(password->text, '\n', password->len);
	if (end == NULL || end + 1 == password->text + password->len)
		return roost_password_take(password, error_r);
	roost_wipe(password, sizeof(*password));
	*error_r = "A secret of a request has more than one line: a password "
		"or a code has one";
	return -1;
}

/* Read one line: a password or a code. */
static int
given_read_line(struct roost_given *given,
		const struct roost_given_source *source,
		struct roost_password *password, const char **error_r)
{
	int fd;

	if (roost_given_is_remote(given))
		return given_read_parameter(source, password, error_r);
	fd = source_fd(source, error_r);
	return fd < 0 ? -1 : roost_password_read(fd, password, error_r);
}

/* Read a whole file of a key. */
static int
given_read_key(struct roost_given *given,
	       const struct roost_given_source *source,
	       enum roost_escrow_kind kind, uint8_t key_r[ROOST_KEY_SIZE],
	       const char **error_r)
{
	char *text = given->memory->file;
	size_t size = sizeof(given->memory->file), len = 0;
	ssize_t ret = 1;
	int fd;

	if (roost_given_is_remote(given)) {
		if (stream_read(source->file, text, size, &len, error_r) < 0)
			return -1;
	} else {
		fd = source_fd(source, error_r);
		if (fd < 0)
			return -1;
		while (ret > 0 && len < size) {
			ret = read(fd, text + len, size - len);
			if (ret > 0)
				len += (size_t)ret;
		}
		if (ret < 0) {
			*error_r = t_strdup_printf("Cannot read the file that "
				"--%s names: %m", source->name);
			return -1;
		}
	}
	if (roost_escrow_parse(kind, text, len, key_r) == ROOST_OK)
		return 0;
	*error_r = t_strdup_printf("What --%s gives is no %s key of escrow: it "
		"is the file that roost keygen has made for it", source->name,
		kind == ROOST_ESCROW_PUBLIC ? "public" : "private");
	return -1;
}

/* Ask on the terminal, twice if it is a new one, which must be the same. */
static int
given_ask(struct roost_given *given, const char *prompt, bool is_new,
	  const char *name, const char **error_r)
{
	struct roost_password *passwords = given->memory->passwords;

	if (roost_given_is_remote(given) || isatty(STDIN_FILENO) == 0) {
		*error_r = t_strdup_printf("There is no terminal to ask for "
			"the %s: give it by --%s or --%.*s-fd",
			is_new ? "new password" : "secret that opens the "
			"keyring", name, (int)(strlen(name) - 5), name);
		return -1;
	}
	if (roost_password_ask(prompt, &passwords[0], error_r) < 0)
		return -1;
	if (!is_new)
		return 0;
	if (roost_password_ask("Again: ", &passwords[1], error_r) < 0)
		return -1;
	if (passwords[0].len == passwords[1].len &&
	    roost_bytes_equal(passwords[0].text, passwords[1].text,
			      passwords[0].len))
		return 0;
	*error_r = "The passwords differ";
	return -1;
}

/* -- what a text can be -- */

static bool
is_like_code(const struct roost_password *password)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < password->len; i++) {
		if (isalnum((unsigned char)password->text[i]) != 0)
			count++;
		else if (password->text[i] != '-' && password->text[i] != ' ')
			return FALSE;
	}
	return count >= CODE_LIKE_MIN && count <= CODE_LIKE_MAX;
}

static int
secret_take(struct roost_ring_secret *secret_r,
	    const struct roost_password *password, const char **error_r)
{
	enum roost_err err = roost_prim_sha256(password->text, password->len,
					       secret_r->hash);

	secret_r->has_hash = err == ROOST_OK;
	if (err == ROOST_OK) {
		err = roost_code_parse(password->text, password->len,
				       secret_r->code);
		secret_r->has_code = err == ROOST_OK;
		secret_r->is_typo = err == ROOST_ERR_CODE_TYPO &&
			is_like_code(password);
	}
	if (err == ROOST_OK || err == ROOST_ERR_CODE_TYPO)
		return 0;
	*error_r = roost_err_phrase(err);
	return -1;
}

int
roost_given_get_opener(struct roost_given *given, bool is_needed,
		       const struct roost_ring_secret **secret_r,
		       const char **error_r)
{
	struct roost_ring_secret *opener;
	struct roost_password *password;
	bool has_text = source_is_set(&given->opener);
	int ret;

	*secret_r = NULL;
	if (!has_text && given->escrow.file == NULL && !is_needed)
		return 0;
	if (given_prepare_secret(given, error_r) < 0)
		return -1;
	password = given->memory->passwords;
	opener = &given->memory->opener;
	*secret_r = opener;
	if (opener->has_hash || opener->has_private_key)
		return 0;
	if (given->escrow.file != NULL && has_text) {
		*error_r = "Give one of --secret-file, --secret-fd and "
			"--escrow-key-file: the first that opens would do";
		return -1;
	}
	if (given->escrow.file != NULL) {
		ret = given_read_key(given, &given->escrow,
				     ROOST_ESCROW_PRIVATE,
				     opener->private_key, error_r);
		opener->has_private_key = ret == 0;
		return ret;
	}
	ret = has_text ?
		given_read_line(given, &given->opener, password, error_r) :
		given_ask(given, "Present password, app password or recovery "
			  "code: ", FALSE, given->opener.name, error_r);
	return ret < 0 ? -1 : secret_take(opener, password, error_r);
}

/* -- opening -- */

bool
roost_given_has_opener(const struct roost_given *given)
{
	return source_is_set(&given->opener) || given->escrow.file != NULL;
}

bool
roost_given_refuse_many(const struct roost_given *given,
			struct doveadm_mail_cmd_context *ctx)
{
	if (ctx->iterate_single_user || !roost_given_has_opener(given))
		return FALSE;
	roost_command_misuse(ctx, ONE_USER);
	return TRUE;
}

/* What to tell of a secret that does not open, or NULL if that is not what is
   wrong. */
static const char *
secret_phrase(enum roost_err err)
{
	if (err == ROOST_ERR_CODE_TYPO)
		return "The recovery code is mistyped: compare it digit by "
			"digit";
	if (err == ROOST_ERR_NO_SLOT)
		return "The keyring has no slot that a secret of this kind "
			"can open: see doveadm roost slot list";
	if (err == ROOST_ERR_SLOT_AUTH)
		return "The secret opens no slot of the keyring: it is "
			"another password, or a code of another keyring";
	return NULL;
}

int
roost_given_deny(const struct roost_given *given,
		 const struct roost_ring *ring,
		 const struct roost_config *config, enum roost_err err,
		 const struct roost_ring_secret *secret, const char **error_r)
{
	const char *phrase = secret_phrase(err);

	if (phrase == NULL || secret == NULL)
		return -1;
	*error_r = phrase;
	if (!roost_given_is_remote(given))
		return ROOST_COMMAND_DENIED;
	roost_ring_secret_spend(roost_ring_doc(ring),
				roost_ring_host_key(ring), &config->argon2,
				secret);
	*error_r = "The secret does not open the keyring";
	return ROOST_COMMAND_DENIED;
}

static int
given_open(struct roost_given *given, struct roost_ring *ring,
	   const struct roost_config *config,
	   const struct roost_ring_secret *secret, const char **error_r)
{
	enum roost_err err = roost_ring_unlock_by(ring, secret);
	int ret;

	given->has_unlocked = err == ROOST_OK;
	if (given->has_unlocked)
		return 0;
	(void)roost_ring_change_fail(err, error_r);
	ret = roost_given_deny(given, ring, config, err, secret, error_r);
	if (ret == ROOST_COMMAND_DENIED)
		given->denied = p_strdup(given->ctx->pool, *error_r);
	return ret;
}

int
roost_given_unlock(struct roost_given *given, struct roost_ring *ring,
		   const struct roost_config *config, bool is_needed,
		   const char **error_r)
{
	const struct roost_ring_secret *secret;

	*error_r = given->denied;
	if (given->has_unlocked || given->denied != NULL)
		return given->has_unlocked ? 0 : ROOST_COMMAND_DENIED;
	if (!roost_given_has_opener(given) &&
	    (!is_needed || !given->ctx->iterate_single_user ||
	     roost_ring_unlock(ring) != ROOST_ERR_LOCKED))
		return 0;
	if (roost_given_get_opener(given, TRUE, &secret, error_r) < 0)
		return -1;
	return given_open(given, ring, config, secret, error_r);
}

/* -- new secrets -- */

void
roost_given_verify(struct roost_given *given)
{
	if (source_is_set(&given->fresh) || roost_given_is_remote(given))
		return;
	given->is_verified = TRUE;
	given->passdb_fd = roost_passdb_connect();
}

/* A mistyped password would open a keyring that no login opens. */
static int
given_check_login(const struct roost_given *given,
		  const struct roost_password *password, const char **error_r)
{
	const char *user = given->ctx->cctx->username;

	switch (roost_passdb_ask(given->passdb_fd, user, password)) {
	case ROOST_PASSDB_RIGHT:
		break;
	case ROOST_PASSDB_WRONG:
		*error_r = t_strdup_printf("Nothing was made, because %s does "
			"not log in with this password, as passdb says, and "
			"the mail would stay locked: type the login password, "
			"or give another one by --%s, which is not tried at "
			"passdb", user, given->fresh.name);
		return -1;
	case ROOST_PASSDB_SILENT:
		e_warning(given->ctx->cur_mail_user->event, "roost: passdb "
			  "could not be asked whether this is %s's login "
			  "password; if it is not, the mail stays locked: try "
			  "to log in", user);
		break;
	}
	return 0;
}

int
roost_given_get_password(struct roost_given *given,
			 const struct roost_ring_secret **secret_r,
			 const char **error_r)
{
	struct roost_password *password;
	int ret;

	*secret_r = NULL;
	if (given_prepare_secret(given, error_r) < 0)
		return -1;
	password = given->memory->passwords;
	*secret_r = &given->memory->fresh;
	if (given->memory->fresh.has_hash)
		return 0;
	ret = source_is_set(&given->fresh) ?
		given_read_line(given, &given->fresh, password, error_r) :
		given_ask(given, "New login password: ", TRUE,
			  given->fresh.name, error_r);
	if (ret == 0 && given->is_verified)
		ret = given_check_login(given, password, error_r);
	if (ret < 0 ||
	    secret_take(&given->memory->fresh, password, error_r) < 0)
		return -1;
	/* It is a password, also if it looks like something else. */
	given->memory->fresh.has_code = given->memory->fresh.is_typo = FALSE;
	return 0;
}

int
roost_given_get_public_key(struct roost_given *given,
			   uint8_t key_r[ROOST_KEY_SIZE],
			   const char **error_r)
{
	struct given_memory *memory;

	if (given->public_key.file == NULL) {
		*error_r = "An escrow slot needs a public key: name its file "
			"by --public-key-file";
		return -1;
	}
	if (given_prepare(given, error_r) < 0)
		return -1;
	/* It is read once, though it may be for many users. */
	memory = given->memory;
	if (!memory->has_public_key &&
	    given_read_key(given, &given->public_key, ROOST_ESCROW_PUBLIC,
			   memory->public_key, error_r) < 0)
		return -1;
	memory->has_public_key = TRUE;
	memcpy(key_r, memory->public_key, ROOST_KEY_SIZE);
	return 0;
}
