/* SPDX-License-Identifier: MIT */
/*
 * fresh: new slots.  See fresh.h.
 */
#include "doveadm/fresh.h"

#include "ioloop.h"

#include "roost/bytes.h"
#include "roost/keyring-edit.h"
#include "roost/secret.h"

#define APP_DIGITS 28
#define APP_GROUP 4
#define APP_TEXT_SIZE (APP_DIGITS + APP_DIGITS / APP_GROUP)
#define SHOWN_SIZE I_MAX(APP_TEXT_SIZE, ROOST_CODE_TEXT_SIZE)

/* None of them looks like another one. */
static const char app_digits[] = "abcdefghijkmnpqrstuvwxyz23456789";

/* In guarded memory. */
struct roost_fresh {
	enum roost_slot_type type;
	struct roost_argon2_cost cost;
	struct roost_ring_secret secret;
	uint8_t public_key[ROOST_KEY_SIZE];
	char shown[SHOWN_SIZE];
};

/* 5 bits of each random byte. */
static enum roost_err
fresh_generate_app(struct roost_fresh *fresh)
{
	uint8_t random[APP_DIGITS];
	enum roost_err err = roost_prim_random(random, sizeof(random));
	size_t i, len = 0;

	for (i = 0; err == ROOST_OK && i < sizeof(random); i++) {
		if (i > 0 && i % APP_GROUP == 0)
			fresh->shown[len++] = '-';
		fresh->shown[len++] = app_digits[random[i] % 32];
	}
	fresh->shown[len] = '\0';
	roost_wipe(random, sizeof(random));
	if (err == ROOST_OK)
		err = roost_prim_sha256(fresh->shown, len, fresh->secret.hash);
	fresh->secret.has_hash = err == ROOST_OK;
	return err;
}

static enum roost_err
fresh_generate_code(struct roost_fresh *fresh)
{
	enum roost_err err = roost_prim_random(fresh->secret.code,
					       ROOST_CODE_SIZE);

	if (err == ROOST_OK)
		err = roost_code_write(fresh->secret.code, fresh->shown);
	fresh->secret.has_code = err == ROOST_OK;
	return err;
}

static int
fresh_fill(struct roost_fresh *fresh, struct roost_given *given,
	   const char **error_r)
{
	const struct roost_ring_secret *secret;
	enum roost_err err = ROOST_OK;

	switch (fresh->type) {
	case ROOST_SLOT_PROVIDER:
		break;
	case ROOST_SLOT_PASSWORD:
		if (roost_given_get_password(given, &secret, error_r) < 0)
			return -1;
		fresh->secret = *secret;
		break;
	case ROOST_SLOT_APP:
		err = fresh_generate_app(fresh);
		break;
	case ROOST_SLOT_RECOVERY:
		err = fresh_generate_code(fresh);
		break;
	case ROOST_SLOT_ESCROW:
		return roost_given_get_public_key(given, fresh->public_key,
						  error_r);
	}
	return err == ROOST_OK ? 0 : roost_ring_change_fail(err, error_r);
}

int
roost_fresh_make(struct roost_fresh **fresh_r, struct roost_given *given,
		 const struct roost_config *config,
		 enum roost_slot_type type, const char **error_r)
{
	*fresh_r = roost_secret_new(sizeof(**fresh_r));
	if (*fresh_r == NULL)
		return roost_ring_change_fail(ROOST_ERR_BACKEND, error_r);
	(*fresh_r)->type = type;
	(*fresh_r)->cost = config->argon2;
	if (fresh_fill(*fresh_r, given, error_r) == 0)
		return 0;
	roost_fresh_free(fresh_r);
	return -1;
}

void
roost_fresh_free(struct roost_fresh **_fresh)
{
	void *secret = *_fresh;

	*_fresh = NULL;
	if (secret != NULL)
		roost_secret_free(&secret);
}

static struct roost_slot_new
fresh_slot(const struct roost_fresh *fresh)
{
	return (struct roost_slot_new) {
		.type = fresh->type, .now = (uint64_t)ioloop_time,
		.secret = fresh->type == ROOST_SLOT_RECOVERY ?
			fresh->secret.code : fresh->secret.hash,
		.public_key = fresh->public_key,
		.t = fresh->cost.t,
		.m_kib = fresh->cost.m_kib,
	};
}

enum roost_err
roost_fresh_add(const struct roost_fresh *fresh, struct roost_ring_edit *edit)
{
	const struct roost_slot_new slot = fresh_slot(fresh);
	struct roost_keyring *kr = edit->kr;
	enum roost_err err = roost_keyring_add_slot(kr, edit->host_key,
						    edit->master, &slot);

	/* Nothing here opens what is sealed for escrow. */
	if (err == ROOST_OK && fresh->type != ROOST_SLOT_ESCROW) {
		edit->new_slot = kr->slots[kr->slot_count - 1].number;
		edit->new_secret = roost_fresh_secret(fresh);
	}
	return err;
}

enum roost_err
roost_fresh_replace(const struct roost_fresh *fresh,
		    struct roost_ring_edit *edit, uint32_t number)
{
	const struct roost_slot_new slot = fresh_slot(fresh);

	/* Nothing here opens what is sealed for escrow. */
	if (fresh->type != ROOST_SLOT_ESCROW) {
		edit->new_slot = number;
		edit->new_secret = roost_fresh_secret(fresh);
	}
	edit->is_in_place = TRUE;
	return roost_keyring_replace_slot(edit->kr, number, edit->host_key,
					  edit->master, &slot);
}

enum roost_slot_type
roost_fresh_type(const struct roost_fresh *fresh)
{
	return fresh->type;
}

const struct roost_ring_secret *
roost_fresh_secret(const struct roost_fresh *fresh)
{
	return fresh->secret.has_hash || fresh->secret.has_code ?
		&fresh->secret : NULL;
}

const char *
roost_fresh_shown(const struct roost_fresh *fresh)
{
	return fresh->shown;
}

bool
roost_fresh_is_slot(const struct roost_fresh *fresh,
		    const struct roost_keyring *kr,
		    const struct roost_slot *slot,
		    const uint8_t host_key[ROOST_KEY_SIZE], bool is_weak_other)
{
	struct roost_argon2_cost cost = roost_keyring_slot_cost(slot);
	uint8_t master[ROOST_KEY_SIZE];
	enum roost_err err;

	if (slot->type != fresh->type)
		return FALSE;
	if (slot->type == ROOST_SLOT_ESCROW)
		return roost_bytes_equal(slot->public_key, fresh->public_key,
					 ROOST_KEY_SIZE);
	if (slot->type != ROOST_SLOT_PASSWORD ||
	    (is_weak_other && roost_slot_cost_raise(&cost, &fresh->cost)))
		return FALSE;
	err = roost_ring_secret_open_slot(kr, slot->number, host_key,
					  &fresh->secret, master);
	roost_wipe(master, sizeof(master));
	return err == ROOST_OK;
}
