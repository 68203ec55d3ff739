#!/bin/bash
# deep-sanitized.sh: the SQL and isolation tests with the extension, and it alone, under AddressSanitizer and
# UndefinedBehaviorSanitizer, in Debian's own server.  Ends with check.sh's table of counts.
set -euo pipefail
SOURCE=$(cd "$(dirname "$0")/.." && pwd -P)
"$SOURCE/scripts/install-deps.sh" deep
. "$SOURCE/scripts/throwaway-cluster.sh"
throwaway_begin sanitized

# The sanitizer's library has to be in the process before the extension is, so it is preloaded.  It must also be ready
# before any other library's constructor runs: one of those that the server links asks for memory while it holds a lock
# of the C library, the sanitizer then initialises itself under that lock and leaves it in disorder, and the server hangs.
# A library marked initfirst, which merely asks for memory, makes it ready.
cat >"$WORK/early.c" <<'CODE'
#include <stdlib.h>
__attribute__((constructor)) static void
early(void)
{
	void *volatile memory = malloc(1);

	free(memory);
}
CODE
gcc -shared -fPIC -Wl,-z,initfirst -o "$WORK/early.so" "$WORK/early.c"

# Reports, which check.sh looks for in the server's log, do not end the process where behaviour is undefined, so that one
# run tells all; those of wrong addresses do.  Stack frames stay on the stack, whose depth the server measures.
cat >"$WORK/server" <<WRAPPER
#!/bin/sh
export LD_PRELOAD="$(gcc -print-file-name=libasan.so):$WORK/early.so"
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=0
export UBSAN_OPTIONS=print_stacktrace=1
exec "\$PRIVATE_BIN/postgres" "\$@"
WRAPPER
chmod 755 "$WORK/server"

# PGXS passes -fwrapv, under which no overflow of signed integers is an error; the code relies on it nowhere.
export QUIVER_SANITIZE='-fsanitize=address,undefined -fno-sanitize=vptr -fno-omit-frame-pointer -fno-wrapv -g'
export SERVER_PROGRAM=$WORK/server QUIVER_DEEP=
"$SOURCE/scripts/check.sh" regress isolation
