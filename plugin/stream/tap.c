/* SPDX-License-Identifier: MIT */
/*
 * tap: a stream that keeps the beginning.  See tap.h.
 */
#include "stream/tap.h"

#include "dovecot/ostream-watch.h"

#include "roost/secret.h"

struct roost_tap {
	unsigned int refcount;
	/* Not zeroed, which would cost as much as all that is kept. */
	unsigned char *kept;
	size_t used, max;
	uoff_t seen;
};

void
roost_tap_release(struct roost_tap **_tap)
{
	struct roost_tap *tap = *_tap;

	*_tap = NULL;
	if (tap == NULL || --tap->refcount > 0)
		return;
	roost_wipe(tap->kept, tap->used);
	free(tap->kept);
	i_free(tap);
}

const unsigned char *
roost_tap_kept(const struct roost_tap *tap, size_t *size_r, bool *is_all_r)
{
	*size_r = tap->used;
	*is_all_r = tap->seen <= tap->used;
	return tap->kept;
}

static void
tap_keep(void *context, const void *data, size_t size)
{
	struct roost_tap *tap = context;
	size_t taken = I_MIN(size, tap->max - tap->used);

	tap->seen += size;
	if (taken > 0)
		memcpy(tap->kept + tap->used, data, taken);
	tap->used += taken;
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
	tap->kept = malloc(max);
	if (tap->kept == NULL)
		i_fatal_status(FATAL_OUTOFMEM, "roost: out of memory");
	*tap_r = tap;
	return roost_ostream_watch_create(output, tap_keep, tap_unref, tap);
}
