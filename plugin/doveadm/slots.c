/* SPDX-License-Identifier: MIT */
/*
 * slots: what commands about keys share.  See slots.h.
 */
#include "doveadm/slots.h"

#include "strnum.h"
#include "time-util.h"

/* A new epoch is only made where so many bytes of the keyring's text are free:
   it takes 170, and slots that take each other's place need the rest. */
#define EPOCH_ROOM 4096

/* -- a command -- */

static int
slots_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	const struct roost_slots_command *cmd =
		container_of(ctx, struct roost_slots_command, ctx);

	return roost_command_run(ctx, user, cmd->run);
}

static void
slots_deinit(struct doveadm_mail_cmd_context *ctx)
{
	struct roost_slots_command *cmd =
		container_of(ctx, struct roost_slots_command, ctx);

	roost_given_deinit(&cmd->given);
}

struct doveadm_mail_cmd_context *
roost_slots_alloc(int (*run)(struct doveadm_mail_cmd_context *ctx,
			     struct roost_user *ruser, struct mail_user *user,
			     const char **error_r))
{
	struct roost_slots_command *cmd =
		doveadm_mail_cmd_alloc(struct roost_slots_command);

	roost_command_accept_params(&cmd->ctx);
	cmd->run = run;
	cmd->ctx.v.run = slots_run;
	cmd->ctx.v.deinit = slots_deinit;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &cmd->ctx;
}

/* What is wrong with these words, of which there has to be one, or NULL.  They
   are not told again: one may be a secret. */
static const char *
words_check(const char *const *words, const char *usage)
{
	unsigned int count = words == NULL ? 0 : str_array_length(words);

	if (count == 0)
		return t_strdup_printf("Say %s", usage);
	if (count > 1)
		return t_strdup_printf("There is a word too many: say %s, and "
			"never a secret: what stands in an argument is read "
			"by every user of this host", usage);
	return NULL;
}

struct roost_slots_command *
roost_slots_init(struct doveadm_mail_cmd_context *ctx, const char *words_name,
		 const char *usage)
{
	struct roost_slots_command *cmd =
		container_of(ctx, struct roost_slots_command, ctx);
	const char *const *words = NULL, *misuse;

	roost_given_init(&cmd->given, ctx);
	(void)doveadm_cmd_param_bool(ctx->cctx, "compromised",
				     &cmd->is_compromised);
	(void)doveadm_cmd_param_bool(ctx->cctx, "recovery",
				     &cmd->has_recovery);
	if (roost_given_refuse_many(&cmd->given, ctx))
		return NULL;
	if (words_name == NULL)
		return roost_command_refuse_more(ctx) ? NULL : cmd;
	(void)doveadm_cmd_param_array(ctx->cctx, words_name, &words);
	misuse = words_check(words, usage);
	if (misuse != NULL) {
		roost_command_misuse(ctx, misuse);
		return NULL;
	}
	cmd->word = words[0];
	return cmd;
}

/* -- words -- */

int
roost_slots_on_target(struct doveadm_mail_cmd_context *ctx,
		      struct roost_user *ruser, struct mail_user *user,
		      int (*run)(struct roost_slots_command *cmd,
				 struct roost_target *target,
				 const char **error_r),
		      const char **error_r)
{
	struct roost_slots_command *cmd =
		container_of(ctx, struct roost_slots_command, ctx);
	struct roost_target target;
	int ret;

	if (roost_target_get(&target, ctx, ruser, user, error_r) < 0)
		return -1;
	ret = run(cmd, &target, error_r);
	roost_target_free(&target);
	return ret;
}

bool
roost_slots_kind(const char *word, enum roost_slot_type *type_r)
{
	unsigned int type;

	for (type = 0; type < ROOST_SLOT_TYPES; type++) {
		*type_r = type;
		if (strcmp(word, roost_slot_type_name(*type_r)) == 0)
			return TRUE;
	}
	return FALSE;
}

const char *
roost_slots_kinds(void)
{
	string_t *str = t_str_new(64);
	unsigned int type;

	for (type = 0; type < ROOST_SLOT_TYPES; type++)
		str_printfa(str, "%s%s", type == 0 ? "" :
			    type + 1 == ROOST_SLOT_TYPES ? " or " : ", ",
			    roost_slot_type_name((enum roost_slot_type)type));
	return str_c(str);
}

static const char *
slot_date(const struct roost_slot *slot)
{
	return t_strfgmtime("%Y-%m-%d", (time_t)slot->created);
}

const char *
roost_slots_phrase(const struct roost_slot *slot)
{
	return t_strdup_printf("%u (%s, of %s)", slot->number,
			       roost_slot_type_name(slot->type),
			       slot_date(slot));
}

/* The slots of a kind; of several it must be said which. */
static const struct roost_slot *
find_kind(const struct roost_keyring *doc, enum roost_slot_type type,
	  const char **error_r)
{
	const struct roost_slot *found = NULL;
	string_t *all = t_str_new(64);
	unsigned int i, count = 0;

	for (i = 0; i < doc->slot_count; i++) {
		if (doc->slots[i].type != type)
			continue;
		/* Of two passwords one replaces the other, the first. */
		if (found == NULL)
			found = &doc->slots[i];
		str_printfa(all, "%s%s", count++ == 0 ? "" : ", ",
			    roost_slots_phrase(&doc->slots[i]));
	}
	if (count == 0)
		*error_r = t_strdup_printf("The keyring has no %s slot",
					   roost_slot_type_name(type));
	if (count < 2 || type == ROOST_SLOT_PASSWORD)
		return found;
	*error_r = t_strdup_printf("There are several such slots, so say the "
				   "number of one: %s", str_c(all));
	return NULL;
}

const struct roost_slot *
roost_slots_find(const struct roost_keyring *doc, const char *word,
		 const char **error_r)
{
	const struct roost_slot *slot;
	enum roost_slot_type type;
	unsigned int number;

	if (roost_slots_kind(word, &type))
		return find_kind(doc, type, error_r);
	if (str_to_uint(word, &number) < 0) {
		*error_r = t_strdup_printf("That is neither the number of a "
			"slot nor a kind, which is %s", roost_slots_kinds());
		return NULL;
	}
	slot = roost_keyring_find_slot(doc, number);
	if (slot == NULL)
		*error_r = t_strdup_printf("The keyring has no slot %u: see "
			"doveadm roost slot list", number);
	return slot;
}

/* -- rows -- */

void
roost_slots_print_header(void)
{
	doveadm_print_header_simple("slot");
	doveadm_print_header_simple("type");
	doveadm_print_header_simple("state");
	doveadm_print_header_simple("secret");
}

void
roost_slots_print(uint32_t number, enum roost_slot_type type,
		  const char *state, const char *secret)
{
	doveadm_print_num(number);
	doveadm_print(roost_slot_type_name(type));
	doveadm_print(state);
	doveadm_print(secret);
}

int
roost_slots_fail(const struct roost_slots_command *cmd,
		 const struct mail_user *user,
		 const struct roost_ring_change *change,
		 const struct roost_fresh *fresh, uint32_t number, int ret,
		 const char **error_r)
{
	if (!change->may_be_stored || fresh == NULL ||
	    *roost_fresh_shown(fresh) == '\0')
		return ret;
	roost_slots_print(number, roost_fresh_type(fresh), number == 0 ?
			  "perhaps added" : "perhaps replaced",
			  roost_fresh_shown(fresh));
	return roost_command_fail_with_rows(&cmd->ctx, user, ret, *error_r);
}

void
roost_slots_tell_once(const struct roost_slots_command *cmd,
		      struct mail_user *user)
{
	if (!roost_given_is_remote(&cmd->given))
		e_info(user->event, "roost: The secret is shown this once and "
		       "stored nowhere: write it down");
}

/* -- what may be -- */

int
roost_slots_check_kind(const struct roost_target *target,
		       enum roost_slot_type type, const char **error_r)
{
	if (target->ns->owner != NULL || (type != ROOST_SLOT_PASSWORD &&
					  type != ROOST_SLOT_APP))
		return 0;
	*error_r = "Nobody logs in as a public namespace: its keyring has a "
		"provider slot, and can have recovery and escrow slots";
	return ROOST_COMMAND_MISUSED;
}

int
roost_slots_check_epochs(const struct roost_keyring *kr, const char **error_r)
{
	char *doc = i_malloc(ROOST_KEYRING_DOC_MAX);
	size_t len;
	enum roost_err err = roost_keyring_write(kr, doc, &len);

	i_free(doc);
	if (err == ROOST_OK && len <= ROOST_KEYRING_DOC_MAX - EPOCH_ROOM &&
	    kr->epoch_count < ROOST_KEYRING_EPOCHS_MAX)
		return 0;
	*error_r = t_strdup_printf("it has %u epochs, and no room for another "
		"one beside its slots; since each opens mail, none is ever "
		"taken out: a new epoch needs a new keyring, that of another "
		"account, into which the mail is copied by doveadm sync",
		kr->epoch_count);
	return -1;
}

int
roost_slots_get_mode_consent(const struct roost_slots_command *cmd,
			     const struct roost_target *target,
			     bool to_password, const char **error_r)
{
	static const char provider_text[] =
		"In provider mode the provider key opens this user's mail "
		"without the user: whoever has that key and the mail storage "
		"can read all of it, what came before included. Any "
		"authentication works, and so do Sieve and indexing.";
	static const char password_text[] =
		"In password mode only the user's own secrets open the mail: "
		"without one of them, sessions, doveadm, other users of a "
		"shared mailbox and indexing read nothing, and who loses all "
		"of them has lost the mail. Copies of the keyring that were "
		"made before, as in backups, still open with the provider "
		"key; doveadm roost rotate --compromised afterwards gives new "
		"mail keys that they do not hold.";
	enum roost_mode pin = target->config->mode;

	if (pin != ROOST_MODE_ANY &&
	    (pin == ROOST_MODE_PASSWORD) != to_password) {
		*error_r = t_strdup_printf("roost_mode=%s is set for this "
			"user, so a keyring in another mode would be refused: "
			"take that away first, and set the new mode "
			"afterwards", pin == ROOST_MODE_PASSWORD ?
			"password" : "provider");
		return -1;
	}
	return roost_consent_get(&cmd->ctx, target->user, to_password ?
				 password_text : provider_text, error_r);
}
