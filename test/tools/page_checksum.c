/*
 * page_checksum.c - the checksum that a server with data_checksums expects of a page,
 * by PostgreSQL's own header.
 */
#include "postgres.h"

#include "storage/checksum.h"
#include "storage/checksum_impl.h"

extern unsigned short PageChecksum(char *page, unsigned int block);

unsigned short
PageChecksum(char *page, unsigned int block)
{
	return pg_checksum_page(page, block);
}
