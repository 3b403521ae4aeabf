/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_GIVEN_H
#define ROOST_DOVEADM_GIVEN_H

/*
 * given: the secrets that a command is given: what opens a keyring now, and
 * what is to open it from now on.
 *
 * On the command line a secret is read from a file or a descriptor, or asked
 * for on the terminal.  In the body of doveadm's HTTP API the parameter that
 * names the file on the command line holds the secret itself ("secretFile").
 * It is never an argument, and no other connection carries one.
 */

#include "doveadm/command.h"

#include "session/ring-secret.h"

/* Parameters of commands that open a keyring, and of those that give it a new
   secret.  Those that are streams count as positional, because 2.3 knows no
   others; so what comes first has to be an array, which takes all words. */
#define ROOST_GIVEN_SECRET_PARAMS \
DOVEADM_CMD_PARAM('f', "secret-fd", CMD_PARAM_STR, 0) \
DOVEADM_CMD_PARAM('\0', "secret-file", CMD_PARAM_ISTREAM, \
		  CMD_PARAM_FLAG_POSITIONAL)
#define ROOST_GIVEN_PARAMS \
ROOST_GIVEN_SECRET_PARAMS \
DOVEADM_CMD_PARAM('\0', "escrow-key-file", CMD_PARAM_ISTREAM, \
		  CMD_PARAM_FLAG_POSITIONAL)
#define ROOST_GIVEN_NEW_PARAMS \
DOVEADM_CMD_PARAM('g', "new-secret-fd", CMD_PARAM_STR, 0) \
DOVEADM_CMD_PARAM('\0', "new-secret-file", CMD_PARAM_ISTREAM, \
		  CMD_PARAM_FLAG_POSITIONAL)
#define ROOST_GIVEN_ESCROW_PARAMS \
DOVEADM_CMD_PARAM('\0', "public-key-file", CMD_PARAM_ISTREAM, \
		  CMD_PARAM_FLAG_POSITIONAL)
#define ROOST_GIVEN_USAGE \
	"[--secret-file <file>|--secret-fd <fd>|--escrow-key-file <file>] "
#define ROOST_GIVEN_NEW_USAGE \
	"[--new-secret-file <file>|--new-secret-fd <fd>] "

/* One secret, and where it comes from. */
struct roost_given_source {
	const char *name;		/* of the option for a file */
	struct istream *file;		/* NULL: it was not given */
	int fd;				/* -1: it was not given */
	bool is_opened;			/* fd is the file, to be closed */
	int open_errno;
};

struct roost_given {
	const struct doveadm_mail_cmd_context *ctx;
	struct roost_given_source opener, escrow, fresh, public_key;
	struct given_memory *memory;	/* guarded; NULL until it is needed */
	/* What roost_given_unlock() has come to, so that it costs one Argon2id
	   for all namespaces of a user. */
	bool has_unlocked;
	const char *denied;
	int passdb_fd;		/* that a typed password is tried at; or -1 */
	bool is_verified;	/* a typed password is to be */
};

/* For a command's init and deinit.  The streams are Dovecot's. */
void roost_given_init(struct roost_given *given,
		      const struct doveadm_mail_cmd_context *ctx);
void roost_given_deinit(struct roost_given *given);

/* The same for a command whose only secret is a new one: what
   ROOST_GIVEN_SECRET_PARAMS give is that. */
void roost_given_init_new(struct roost_given *given,
			  const struct doveadm_mail_cmd_context *ctx);

/* Have a new login password that is typed tried at passdb.  To be called by the
   command's init, when doveadm may still do that. */
void roost_given_verify(struct roost_given *given);

/* Does it come over a connection?  Then an answer tells no more of a secret
   than that it does not open. */
bool roost_given_is_remote(const struct roost_given *given);

/*
 * What opens the keyring.  *secret_r is NULL where nothing was given and
 * is_needed is FALSE; else it is borrowed until deinit.  0, or -1 with error_r.
 */
int roost_given_get_opener(struct roost_given *given, bool is_needed,
			   const struct roost_ring_secret **secret_r,
			   const char **error_r);

/* For a command's init, which returns then: a secret that opens keyrings was
   given, and the command is for several users. */
bool roost_given_refuse_many(const struct roost_given *given,
			     struct doveadm_mail_cmd_context *ctx);

/* Was a secret that opens given by an option? */
bool roost_given_has_opener(const struct roost_given *given);

/*
 * Open the user's own ring by the secret that was given, before his mail is
 * read.  Where none was, it is asked for if the ring is locked and is_needed;
 * with several users nobody is asked.  0, also if the ring stays locked; -1 or
 * ROOST_COMMAND_DENIED with error_r.
 */
int roost_given_unlock(struct roost_given *given, struct roost_ring *ring,
		       const struct roost_config *config, bool is_needed,
		       const char **error_r);

/*
 * A secret (NULL: none) did not open the ring.  Returns ROOST_COMMAND_DENIED
 * with error_r: for who is at the command line that tells why; over a
 * connection there is one answer, at one cost.  -1 where something else is
 * wrong, of which *error_r tells already.
 */
int roost_given_deny(const struct roost_given *given,
		     const struct roost_ring *ring,
		     const struct roost_config *config, enum roost_err err,
		     const struct roost_ring_secret *secret,
		     const char **error_r);

/* Was a new password given by an option? */
bool roost_given_has_password(const struct roost_given *given);

/* The new password; on a terminal it is asked for twice.  0, or -1 with
   error_r. */
int roost_given_get_password(struct roost_given *given,
			     const struct roost_ring_secret **secret_r,
			     const char **error_r);

/* The public key of a new escrow slot.  0, or -1 with error_r. */
int roost_given_get_public_key(struct roost_given *given,
			       uint8_t key_r[ROOST_KEY_SIZE],
			       const char **error_r);

#endif
