/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_SLOTS_H
#define ROOST_DOVEADM_SLOTS_H

/*
 * slots: what the commands that change the keys of a user share: their
 * parameters, the words for slots, and the rows that they print.
 */

#include "doveadm/consent.h"
#include "doveadm/fresh.h"
#include "doveadm/target.h"

/* The contexts of these commands begin with it. */
struct roost_slots_command {
	struct doveadm_mail_cmd_context ctx;
	struct roost_given given;
	const char *word;	/* what stands without an option; or NULL */
	bool is_compromised, has_recovery, is_old_kept;
	/* What the command does for a user, as roost_command_run() has it. */
	int (*run)(struct doveadm_mail_cmd_context *ctx,
		   struct roost_user *ruser, struct mail_user *user,
		   const char **error_r);
};

/* Parameters of all of them.  The words are an array, see given.h; those of a
   command that takes none are "more". */
#define ROOST_SLOTS_COMMON(words) \
DOVEADM_CMD_MAIL_COMMON \
DOVEADM_CMD_PARAM('\0', words, CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL) \
ROOST_TARGET_PARAM
#define ROOST_SLOTS_COMPROMISED_PARAM \
DOVEADM_CMD_PARAM('C', "compromised", CMD_PARAM_BOOL, 0) \
DOVEADM_CMD_PARAM('r', "recovery", CMD_PARAM_BOOL, 0)

/* For a command's alloc: a context with all its functions but v.init. */
struct doveadm_mail_cmd_context *
roost_slots_alloc(int (*run)(struct doveadm_mail_cmd_context *ctx,
			     struct roost_user *ruser, struct mail_user *user,
			     const char **error_r));

/* For a command's init: read the parameters.  usage says what the one word is;
   a command that takes none has NULL for both.  NULL if it was used wrongly. */
struct roost_slots_command *
roost_slots_init(struct doveadm_mail_cmd_context *ctx, const char *words,
		 const char *usage);

/* Find the keyring that the command is about, and run it for that.  Returns as
   run does, or -1 with error_r if there is none. */
int roost_slots_on_target(struct doveadm_mail_cmd_context *ctx,
			  struct roost_user *ruser, struct mail_user *user,
			  int (*run)(struct roost_slots_command *cmd,
				     struct roost_target *target,
				     const char **error_r),
			  const char **error_r);

/* The kind of slot that the word names. */
bool roost_slots_kind(const char *word, enum roost_slot_type *type_r);
/* All kinds, with commas between. */
const char *roost_slots_kinds(void);

/* The slot that the word means: its number, or its kind where there is one of
   that.  NULL with error_r. */
const struct roost_slot *
roost_slots_find(const struct roost_keyring *doc, const char *word,
		 const char **error_r);

/* A slot in a sentence: "3 (app, of 2026-11-30)". */
const char *roost_slots_phrase(const struct roost_slot *slot);

/* The rows of commands that change slots; state tells what became of the slot,
   and secret is what is shown once. */
void roost_slots_print_header(void);
void roost_slots_print(uint32_t number, enum roost_slot_type type,
		       const char *state, const char *secret);
/*
 * A change has failed, which answered ret with *error_r, and was to make this
 * slot (NULL: none) in the place of the one with the number (0: none).  If it
 * may be stored all the same, as where only reading it back has failed, the
 * secret that was generated is shown: perhaps nothing else opens that slot.
 * Returns what the command has to answer: ret, but 0 where doveadm's HTTP API
 * would not hand on the row of a command that fails; the error is logged then.
 */
int roost_slots_fail(const struct roost_slots_command *cmd,
		     const struct mail_user *user,
		     const struct roost_ring_change *change,
		     const struct roost_fresh *fresh, uint32_t number, int ret,
		     const char **error_r);
/* Tell who reads the row that its secret is nowhere else. */
void roost_slots_tell_once(const struct roost_slots_command *cmd,
			   struct mail_user *user);

/* May the keyring have such a slot?  0, or ROOST_COMMAND_MISUSED with
   error_r. */
int roost_slots_check_kind(const struct roost_target *target,
			   enum roost_slot_type type, const char **error_r);

/* Is there room for one more epoch, beside which slots can still be exchanged?
   For callbacks of a change: 0, or -1 with error_r. */
int roost_slots_check_epochs(const struct roost_keyring *kr,
			     const char **error_r);

/* Is a change of mode allowed by what userdb pins, and agreed to, once it was
   said what it means?  0, or -1 with error_r. */
int roost_slots_get_mode_consent(const struct roost_slots_command *cmd,
				 const struct roost_target *target,
				 bool to_password, const char **error_r);

#endif
