/* SPDX-License-Identifier: MIT */
/*
 * tap: a stream that keeps the beginning.  See tap.h.
 */
#include "stream/tap.h"

#include "dovecot/ostream-watch.h"

#include "roost/secret.h"

struct roost_tap {
	unsigned int refcount;
	buffer_t *kept;
	size_t max;
	uoff_t seen;
};

void
roost_tap_release(struct roost_tap **_tap)
{
	struct roost_tap *tap = *_tap;

	*_tap = NULL;
	if (tap == NULL || --tap->refcount > 0)
		return;
	roost_wipe(buffer_get_modifiable_data(tap->kept, NULL),
		   tap->kept->used);
	buffer_free(&tap->kept);
	i_free(tap);
}

const unsigned char *
roost_tap_kept(const struct roost_tap *tap, size_t *size_r, bool *is_all_r)
{
	*size_r = tap->kept->used;
	*is_all_r = tap->seen <= tap->kept->used;
	return tap->kept->data;
}

static void
tap_keep(void *context, const void *data, size_t size)
{
	struct roost_tap *tap = context;
	size_t left = tap->max - tap->kept->used;

	tap->seen += size;
	if (left > 0)
		buffer_append(tap->kept, data, I_MIN(size, left));
}

static void
tap_unref(void *context)
{
	struct roost_tap *tap = context;

	roost_tap_release(&tap);
}

struct ostream *
roost_tap_create(struct ostream *output, size_t max, struct roost_tap **tap_r)
{
	struct roost_tap *tap = i_new(struct roost_tap, 1);

	tap->refcount = 2;
	tap->max = max;
	/* All memory is taken at once, because a buffer that grows would leave
	   plaintext behind where it was. */
	tap->kept = buffer_create_dynamic(default_pool, max);
	*tap_r = tap;
	return roost_ostream_watch_create(output, tap_keep, tap_unref, tap);
}
