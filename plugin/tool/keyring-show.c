/* SPDX-License-Identifier: MIT */
/*
 * keyring-show: `roost keyring show FILE`: what a keyring says of itself, and
 * whether it is whole; with a secret also whether that opens it.
 */
#define _GNU_SOURCE
#include "tool/commands.h"

#include "tool/keys.h"

#include "roost/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Returns a time as text, kept until the next call. */
static const char *
time_text(uint64_t secs)
{
	static char text[32];
	time_t when = (time_t)secs;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
		(void)snprintf(text, sizeof(text), "%" PRIu64, secs);
	return text;
}

static void
epochs_show(const struct roost_keyring *kr)
{
	char id[2 * ROOST_KEY_ID_SIZE + 1];
	uint8_t key_id[ROOST_KEY_ID_SIZE];
	unsigned int i;

	for (i = 0; i < kr->epoch_count; i++) {
		if (roost_stanza_key_id(ROOST_STANZA_X25519,
					kr->epochs[i].public_key,
					key_id) != ROOST_OK)
			continue;
		roost_bytes_hex(key_id, sizeof(key_id), id);
		(void)printf("epoch\t%u\tkey id %s, made %s%s\n",
			     kr->epochs[i].number, id,
			     time_text(kr->epochs[i].created),
			     i + 1 == kr->epoch_count ? ", the newest" : "");
	}
}

static void
slots_show(const struct roost_keyring *kr)
{
	unsigned int i;

	for (i = 0; i < kr->slot_count; i++) {
		const struct roost_slot *slot = &kr->slots[i];

		(void)printf("slot\t%u\t%s, made %s", slot->number,
			     roost_slot_type_name(slot->type),
			     time_text(slot->created));
		if (slot->type == ROOST_SLOT_PASSWORD)
			(void)printf(", argon2id t=%u m=%u KiB", slot->t,
				     slot->m_kib);
		if (slot->type == ROOST_SLOT_ESCROW)
			(void)printf(": who has its private key reads all "
				     "mail");
		(void)printf("\n");
	}
}

static void
keyring_print(const struct roost_keys *keys)
{
	const struct roost_keyring *kr = keys->keyring;
	char id[2 * ROOST_ID_SIZE + 1];

	roost_bytes_hex(kr->id, sizeof(kr->id), id);
	(void)printf("owner\t%s\nid\t%s\ngeneration\t%" PRIu64 "\n"
		     "policy\t%s%s\nmode\t%s\n", kr->owner, id, kr->generation,
		     kr->policy == ROOST_POLICY_SEALED ? "sealed" : "open",
		     keys->host_key == NULL ? ", not authenticated" : "",
		     roost_keyring_has_slot(kr, ROOST_SLOT_PROVIDER) ?
		     "provider" : "password");
	roost_bytes_hex(kr->provider_id, sizeof(kr->provider_id), id);
	(void)printf("provider key\tid %s, %s\n", id, keys->host_key == NULL ?
		     "not at hand" : "at hand and the right one");
	epochs_show(kr);
	slots_show(kr);
	(void)printf("signature\tgenuine\n");
}

enum roost_status
roost_keyring_show_command(const struct roost_options *options)
{
	struct roost_keys keys = { NULL, NULL, NULL, NULL };
	enum roost_status status;

	status = roost_keys_load(&keys, options, options->args[0]);
	if (status == ROOST_STATUS_OK) {
		keyring_print(&keys);
		if (roost_keys_can_unlock(&keys, options)) {
			status = roost_keys_unlock(&keys, options);
			(void)printf("opens\t%s\n", status == ROOST_STATUS_OK ?
				     "yes" : "no");
		}
	}
	roost_keys_close(&keys);
	return status;
}
