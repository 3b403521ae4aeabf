/* SPDX-License-Identifier: MIT */
/*
 * ring-raise: passwords that cost as much as is configured.  See ring-raise.h.
 *
 * A slot is known by its wrap, because its number may be another slot's once
 * somebody else has changed the keyring.
 */
#include "session/ring-raise.h"

#include "ioloop.h"

#include "session/memory.h"
#include "session/ring-change.h"
#include "session/unlock-cache.h"

#include "roost/bytes.h"
#include "roost/keyring-edit.h"
#include "roost/secret.h"

struct raising {
	struct roost_ring *ring;
	const struct roost_ring_password *password;
	struct roost_ring_secret *secret;	/* guarded */
	struct roost_argon2_cost cost;		/* of the new slot */
	struct roost_slot keep, drop;		/* to remove the one */
};

static bool
slot_is(const struct roost_slot *slot, const struct roost_slot *other)
{
	return roost_bytes_equal(slot->wrap, other->wrap, ROOST_WRAP_SIZE);
}

/* The slot as the document has it now, or NULL. */
static const struct roost_slot *
slot_find(const struct roost_keyring *kr, const struct roost_slot *slot)
{
	unsigned int i;

	for (i = 0; i < kr->slot_count; i++) {
		if (slot_is(&kr->slots[i], slot))
			return &kr->slots[i];
	}
	return NULL;
}

/* The other password slot than this one, or NULL. */
static const struct roost_slot *
slot_find_other(const struct roost_keyring *kr, const struct roost_slot *slot)
{
	unsigned int i;

	for (i = 0; i < kr->slot_count; i++) {
		if (kr->slots[i].type == ROOST_SLOT_PASSWORD &&
		    !slot_is(&kr->slots[i], slot))
			return &kr->slots[i];
	}
	return NULL;
}

/* -- the two steps -- */

/* Two password slots are one that is being replaced, which is left to who does
   that. */
static int
raise_add(struct roost_ring_edit *edit, void *context, const char **error_r)
{
	struct raising *raising = context;
	struct roost_slot_new slot = {
		.type = ROOST_SLOT_PASSWORD, .now = (uint64_t)ioloop_time,
		.secret = raising->secret->hash,
		.t = raising->cost.t, .m_kib = raising->cost.m_kib,
	};
	struct roost_keyring *kr = edit->kr;
	enum roost_err err;

	if (slot_find(kr, &raising->drop) == NULL ||
	    slot_find_other(kr, &raising->drop) != NULL)
		return 0;
	err = roost_keyring_add_slot(kr, edit->host_key, edit->master, &slot);
	if (err != ROOST_OK)
		return roost_ring_change_fail(err, error_r);
	raising->keep = kr->slots[kr->slot_count - 1];
	edit->new_slot = raising->keep.number;
	edit->new_secret = raising->secret;
	return 1;
}

static int
raise_remove(struct roost_ring_edit *edit, void *context,
	     const char **error_r)
{
	const struct raising *raising = context;
	const struct roost_slot *drop = slot_find(edit->kr, &raising->drop);
	enum roost_err err;

	if (drop == NULL || slot_find(edit->kr, &raising->keep) == NULL)
		return 0;
	err = roost_keyring_remove_slot(edit->kr, drop->number);
	return err == ROOST_OK ? 1 : roost_ring_change_fail(err, error_r);
}

static int
raise_change(struct raising *raising,
	     int (*step)(struct roost_ring_edit *edit, void *context,
			 const char **error_r), const char **error_r)
{
	const struct roost_ring_password *password = raising->password;
	struct roost_ring_change change = {
		.is_locked = TRUE,
		.owner = password->owner, .config = password->config,
		.needs_master = TRUE, .master = password->master,
		.change = step, .context = raising,
	};

	return roost_ring_change(password->store, &change, error_r);
}

/* -- what is to be done -- */

/* Does the same password open this slot, which costs less than the one that it
   has opened?  Then that was to take its place. */
static bool
slot_is_left_over(const struct raising *raising, const struct roost_slot *slot)
{
	const struct roost_ring_password *password = raising->password;
	struct roost_argon2_cost cost = roost_keyring_slot_cost(slot);
	const struct roost_argon2_cost opened =
		roost_keyring_slot_cost(password->slot);
	uint8_t master[ROOST_KEY_SIZE];
	enum roost_err err;

	if (!roost_slot_cost_raise(&cost, &opened))
		return FALSE;
	err = roost_ring_secret_open_slot(roost_ring_doc(raising->ring),
					  slot->number,
					  roost_ring_host_key(raising->ring),
					  raising->secret, master);
	roost_wipe(master, sizeof(master));
	return err == ROOST_OK;
}

/* Would the next login be able to compute it?  What fits here today would not
   do, because a process grows with its mailboxes. */
static int
raise_check_memory(const struct raising *raising, const char **error_r)
{
	uint64_t need = roost_memory_argon2_need(raising->cost.m_kib);
	uint64_t limit = roost_memory_limit();

	if (limit == 0 || need <= limit)
		return 0;
	*error_r = t_strdup_printf("it would need %"PRIu64" MiB to be opened, "
		"and vsz_limit of this service is %"PRIu64" MiB: raise that, "
		"or lower roost_argon2_memory",
		roost_memory_in_mib(need), limit / 1048576);
	return -1;
}

/* 1 the keyring was changed; 0 it stays; -1 with error_r. */
static int
raise_locked(struct raising *raising, const char **error_r)
{
	const struct roost_slot *opened = raising->password->slot;
	const struct roost_slot *other =
		slot_find_other(roost_ring_doc(raising->ring), opened);
	int ret;

	if (other != NULL) {
		if (!slot_is_left_over(raising, other))
			return 0;
		raising->keep = *opened;
		raising->drop = *other;
		return raise_change(raising, raise_remove, error_r);
	}
	raising->drop = *opened;
	if (raise_check_memory(raising, error_r) < 0)
		return -1;
	ret = raise_change(raising, raise_add, error_r);
	return ret <= 0 ? ret :
		raise_change(raising, raise_remove, error_r) < 0 ? -1 : 1;
}

/* The same.  A login does not wait for another process, which may well do the
   same for the same user. */
static int
raise_run(struct raising *raising, const char **error_r)
{
	struct roost_keystore *store = raising->password->store;
	int ret = roost_keystore_lock_try(store, error_r);

	if (ret > 0) {
		ret = raise_locked(raising, error_r);
		roost_keystore_unlock(store);
	}
	return ret;
}

/* Take over what is stored now, and log what became of it. */
static void
raise_end(struct raising *raising, int ret, const char *error)
{
	const struct roost_ring_password *password = raising->password;
	const char *name = roost_keystore_name(password->store);
	const char *renew_error;

	/* What is wrong with it is told by who seals next. */
	(void)roost_ring_renew(raising->ring, password->store, password->owner,
			       password->config, &renew_error);
	if (ret > 0)
		e_info(password->event,
		       "roost: The password slot of the keyring %s was "
		       "replaced by one that costs more, of the same "
		       "password: t=%u, m=%u KiB", name, raising->keep.t,
		       raising->keep.m_kib);
	else if (ret < 0)
		e_warning(password->event,
			  "roost: The password slot of the keyring %s costs "
			  "less than is configured, and was not replaced at "
			  "this login, which goes on; the next one tries "
			  "again: %s", name, error);
}

static void
raise_in_turn(struct raising *raising)
{
	const struct roost_ring_password *password = raising->password;
	const struct roost_config_unlock *config = &password->config->unlock;
	const struct roost_keyring *doc = roost_ring_doc(raising->ring);
	struct roost_unlock unlock = {
		.host_key = roost_ring_host_key(raising->ring),
		.secret = raising->secret->hash,
		.keyring_id = doc->id, .generation = doc->generation,
	};
	struct roost_unlock_turn *turn =
		roost_unlock_cache_turn(config, &unlock);
	const char *error = NULL;
	int ret;

	if (turn == NULL)
		return;
	ret = raise_run(raising, &error);
	/* To take over a new master key may take a turn of its own. */
	roost_unlock_cache_computed(turn);
	raise_end(raising, ret, error);
	unlock.generation = doc->generation;
	roost_unlock_cache_leave(config, &unlock,
				 ret > 0 ? password->master : NULL, &turn);
}

void
roost_ring_raise(struct roost_ring *ring,
		 const struct roost_ring_password *password)
{
	struct raising raising = {
		.ring = ring, .password = password,
		.cost = roost_keyring_slot_cost(password->slot),
	};
	void *secret;

	if (!roost_slot_cost_raise(&raising.cost, &password->config->argon2) &&
	    slot_find_other(roost_ring_doc(ring), password->slot) == NULL)
		return;
	secret = raising.secret = roost_secret_new(sizeof(*raising.secret));
	if (secret == NULL)
		return;		/* there is even less for Argon2id */
	raising.secret->has_hash = TRUE;
	memcpy(raising.secret->hash, password->secret, ROOST_KEY_SIZE);
	raise_in_turn(&raising);
	roost_secret_free(&secret);
}
