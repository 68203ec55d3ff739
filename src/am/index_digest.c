/*
 * index_digest.c - quiver_index_digest: one number for all that an index's log carries.
 *
 * SHA-256 over the pages in the order of their blocks, each as its number, the length
 * of its canonical form and the form itself (src/core/page/canonical.h).  A change of
 * what is hashed takes another DIGEST_VERSION, so that two servers never call different
 * what they only hash differently.
 */
#include "am.h"

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "inspect.h"
#include "page_store.h"

#define DIGEST_VERSION "1"

/* Of a block number and a length. */
#define PAGE_LABEL_BYTES 8

static void
FailHash(pg_cryptohash_ctx *hash)
{
#if PG_VERSION_NUM >= 150000
	elog(ERROR, "could not compute %s hash: %s", "SHA256", pg_cryptohash_error(hash));
#else
	elog(ERROR, "could not compute %s hash", "SHA256");
#endif
}

static void
AddBytes(pg_cryptohash_ctx *hash, const uint8 *bytes, size_t count)
{
	if (pg_cryptohash_update(hash, bytes, count) < 0)
		FailHash(hash);
}

/* The same on every CPU. */
static void
PutUint32(uint8 *bytes, uint32 value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8) (value >> (8 * i));
}

/* Pages are locked one at a time, and not while they are hashed. */
static void
AddPages(pg_cryptohash_ctx *hash, const QuiverStore *store)
{
	uint32		blocks = store->block_count(store->context);
	uint8	   *bytes = palloc(PAGE_LABEL_BYTES + QUIVER_CANONICAL_PAGE_BYTES);

	for (uint32 block = 0; block < blocks; block++)
	{
		QuiverPin	pin;
		size_t		length;

		store->poll(store->context);
		length = quiver_page_canonical(store->read(store->context, block, &pin), bytes + PAGE_LABEL_BYTES);
		store->release(store->context, &pin);
		if (length == 0)
			continue;
		PutUint32(bytes, block);
		PutUint32(bytes + 4, (uint32) length);
		AddBytes(hash, bytes, PAGE_LABEL_BYTES + length);
	}
	pfree(bytes);
}

/* "1:" and 64 digits. */
static char *
DigestText(pg_cryptohash_ctx *hash)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *text = palloc(sizeof(DIGEST_VERSION) + 1 + 2 * sizeof(digest));
	char	   *end = text + sprintf(text, "%s:", DIGEST_VERSION);

	if (pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
		FailHash(hash);
	end += hex_encode((const char *) digest, sizeof(digest), end);
	*end = '\0';
	return text;
}

PG_FUNCTION_INFO_V1(quiver_index_digest);

/* quiver_index_digest(index) returns text. */
Datum
quiver_index_digest(PG_FUNCTION_ARGS)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "quiver digest",
												 ALLOCSET_DEFAULT_SIZES);
	QuiverInspection inspection;
	QuiverPageStore pages;
	pg_cryptohash_ctx *hash;
	MemoryContext old;
	text	   *result;

	QuiverBeginInspection(&inspection, PG_GETARG_OID(0));
	old = MemoryContextSwitchTo(memory);
	QuiverInitPageStore(&pages, inspection.index, memory);
	pages.strategy = GetAccessStrategy(BAS_BULKREAD);

	/* Refuses a format whose pages might have another canonical form. */
	(void) QuiverOpenIndex(&pages);

	hash = pg_cryptohash_create(PG_SHA256);
	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		FailHash(hash);
	AddPages(hash, &pages.store);
	MemoryContextSwitchTo(old);
	result = cstring_to_text(DigestText(hash));
	pg_cryptohash_free(hash);
	QuiverEndInspection(&inspection);
	MemoryContextDelete(memory);
	PG_RETURN_TEXT_P(result);
}
