# A mixed load of several clients on tables with indexes of every kind, and a model of what the tables must hold afterwards.
#
# Each client has rows of its own, so what the tables must hold follows from which of its operations were committed, and from
# nothing else. Each operation writes a line into the table "done" in the same transaction, which tells that; and its client
# notes an operation when it is told that it was committed. What a client has been told and is not in "done" is lost; what the
# tables hold beyond or short of the operations in "done" is wrong.

package QuiverLoad;

use strict;
use warnings;

use File::Path qw(make_path);
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $modulus = 1000003;

# A client's rows have ids from its number times this on. Those below are nobody's: they are written while there is no load, and by
# the first client.
my $own_ids = 10_000_000;

# Columns of values that a row's seed gives; the seed -1 gives NULLs, 0 gives zeros. Batches are rows of an insert at most; a client
# stops growing a table at about so many rows. The first rows are there before the indexes are.
my %tables = (
	g => {
		first => 3500, batch => 24, target => 300, weight => 4,
		columns => { v => [ 'vector(64)', 'vec(%s, 64)::vector' ] },
		indexes => { g_l2 => [ 'v vector_l2_ops', 'v <-> vec(77, 64)::vector' ], g_cosine => [ 'v vector_cosine_ops', 'v <=> vec(77, 64)::vector' ] },
		extra => 'v vector_ip_ops',
	},
	l => {
		first => 0, batch => 40, target => 2000, weight => 3,
		columns => { v => [ 'vector(200)', 'vec(%s, 200)::vector' ] },
		indexes => { l_l2 => [ 'v', 'v <-> vec(77, 200)::vector' ] },
		extra => 'v vector_l1_ops',
	},
	h => {
		first => 80, batch => 3, target => 40, weight => 1,
		columns => { v => [ 'halfvec(3000)', 'vec(%s, 3000)::halfvec' ] },
		indexes => { h_l2 => [ 'v halfvec_l2_ops', 'v <-> vec(77, 3000)::halfvec' ] },
		extra => 'v halfvec_cosine_ops',
	},
	s => {
		first => 1500, batch => 12, target => 200, weight => 2,
		columns => { v => [ 'sparsevec(4000)', 'sparse(%s)' ], b => [ 'bit(1536)', 'bits(%s)' ] },
		indexes => { s_l2 => [ 'v sparsevec_l2_ops', 'v <-> sparse(77)' ], s_bit => [ 'b bit_hamming_ops', 'b <~> bits(77)' ] },
		extra => 'b bit_jaccard_ops',
	},
);
my @names = sort keys %tables;

# clients: their number; tablespace: for the indexes under test.
sub new
{
	my ($class, $node, %options) = @_;
	my $self = {
		node => $node, clients => $options{clients}, tablespace => $options{tablespace}, dir => PostgreSQL::Test::Utils::tempdir(),
		rows => {}, next => {}, low => {}, load => undef, number => 0
	};
	return bless $self, $class;
}

sub tables { return @names; }

sub indexes
{
	return map { sort keys %{ $tables{$_}{indexes} } } @names;
}

# --- the tables

sub _values
{
	my ($table, $seed) = @_;
	my $columns = $tables{$table}{columns};
	return join(', ', map { sprintf($columns->{$_}[1], $seed) } sort keys %$columns);
}

sub create
{
	my ($self) = @_;
	my $node = $self->{node};
	my $with = 'WITH (m = 6, ef_construction = 24)';
	$node->safe_psql('postgres', q(
		CREATE EXTENSION quiver;
		CREATE FUNCTION vec(seed int, dim int) RETURNS real[] LANGUAGE sql IMMUTABLE AS $$
			SELECT CASE WHEN seed >= 0 THEN ARRAY[seed % 911, seed % 797, seed % 683, seed % 587, seed % 499, seed % 401, seed % 307, seed % 211]::real[]
				|| array_fill((seed % 101)::real, ARRAY[dim - 8]) END $$;
		CREATE FUNCTION sparse(seed int) RETURNS sparsevec LANGUAGE sql IMMUTABLE AS $$
			SELECT CASE WHEN seed = 0 THEN '{}/4000' WHEN seed > 0
				THEN (SELECT '{' || string_agg((1 + 100 * i + (seed + i) % 97) || ':' || 1 + seed % (89 + i), ',') || '}/4000' FROM generate_series(0, 39) i)
				END::sparsevec $$;
		CREATE FUNCTION bits(seed int) RETURNS bit varying LANGUAGE sql IMMUTABLE AS $$
			SELECT CASE WHEN seed >= 0 THEN repeat(seed::bit(32)::text || hashint4(seed)::bit(32)::text, 24)::varbit END $$;
		CREATE TABLE done (client int, op int, size int);
	));
	foreach my $table (@names)
	{
		my $t = $tables{$table};
		my $columns = join(', ', map { "$_ $t->{columns}{$_}[0]" } sort keys %{ $t->{columns} });
		# An index on n, so that an update of n is a new entry in every index.
		$node->safe_psql('postgres', "CREATE TABLE $table (id int PRIMARY KEY, seed int, n int, $columns); CREATE INDEX ${table}_n ON $table (n)");
		$self->run([ 'insert', $table, 1, $t->{first}, 'spread', 11 ]) if $t->{first} > 0;
		$self->{next}{0}{$table} = $t->{first} + 1;
	}
	$node->safe_psql('postgres', "ALTER DATABASE postgres SET default_tablespace = '$self->{tablespace}'") if defined $self->{tablespace};
	foreach my $table (@names)
	{
		my $t = $tables{$table};
		$node->safe_psql('postgres', join('', map { "CREATE INDEX $_ ON $table USING quiver ($t->{indexes}{$_}[0]) $with;" } sort keys %{ $t->{indexes} }));
	}
	return;
}

# --- operations: [kind, table, first id, last id, ...]

# The seed of a row that is inserted, in SQL and here.
my %seeds = (
	spread => [ sub { "(i::bigint * 7919 + $_[0]) % $modulus" }, sub { ($_[1] * 7919 + $_[0]) % $modulus } ],
	few => [ sub { "(i + $_[0]) % 6" }, sub { ($_[1] + $_[0]) % 6 } ],
	null => [ sub { '-1' }, sub { -1 } ],
);

sub _insert
{
	my ($table, $first, $last, $kind, $base) = @_;
	my $seed = $seeds{$kind}[0]->($base);
	my $values = _values($table, 's');
	return "INSERT INTO $table SELECT i, s, 0, $values FROM (SELECT i, ($seed)::int AS s FROM generate_series($first, $last) i) q";
}

sub sql
{
	my ($op) = @_;
	my ($kind, $table, $first, $last, @more) = @$op;
	my $where = "WHERE id BETWEEN $first AND $last";
	return _insert($table, $first, $last, @more) if $kind eq 'insert';
	return "DELETE FROM $table $where" if $kind eq 'delete';
	return "UPDATE $table SET n = n + 1 $where" if $kind eq 'touch';
	if ($kind eq 'move')
	{
		my $seed = "(seed + $more[0]) % $modulus";
		my $columns = $tables{$table}{columns};
		return "UPDATE $table SET seed = $seed, " . join(', ', map { "$_ = " . sprintf($columns->{$_}[1], $seed) } sort keys %$columns) . " $where";
	}
	# In a subtransaction that is rolled back.
	if ($kind eq 'undone')
	{
		my $insert = _insert($table, $first, $last, @more);
		return "DO \$do\$ BEGIN BEGIN $insert; RAISE EXCEPTION 'undone'; EXCEPTION WHEN raise_exception THEN NULL; END; END \$do\$";
	}
	die "no such operation: $kind";
}

# What a committed operation does to the model; tells how many rows it has written.
sub _replay
{
	my ($self, $op) = @_;
	my ($kind, $table, $first, $last, @more) = @$op;
	my $rows = $self->{rows}{$table} ||= {};
	my $count = 0;
	return 0 if $kind eq 'undone';
	foreach my $id ($first .. $last)
	{
		if ($kind eq 'insert')
		{
			$rows->{$id} = [ $seeds{$more[0]}[1]->($more[1], $id), 0 ];
		}
		else
		{
			next unless defined $rows->{$id};
			delete $rows->{$id} if $kind eq 'delete';
			$rows->{$id}[1]++ if $kind eq 'touch';
			$rows->{$id}[0] = ($rows->{$id}[0] + $more[0]) % $modulus if $kind eq 'move';
		}
		$count++;
	}
	return $count;
}

# Runs an operation at once.
sub run
{
	my ($self, $op) = @_;
	$self->{node}->safe_psql('postgres', sql($op));
	$self->_replay($op);
	return;
}

# A few rows into each table while there is no load, so many at least as it had at first.
sub insert_some
{
	my ($self) = @_;
	foreach my $table (@names)
	{
		my $gone = $tables{$table}{first} - grep { $_ < $own_ids } keys %{ $self->{rows}{$table} };
		foreach my $kind (sort keys %seeds)
		{
			my $first = $self->{next}{0}{$table};
			my $size = $kind eq 'spread' && $gone > 5 ? $gone : 5;
			$self->{next}{0}{$table} += $size;
			$self->run([ 'insert', $table, $first, $first + $size - 1, $kind, 11 ]);
		}
	}
	return;
}

sub _pick
{
	my (%weights) = @_;
	my $sum = 0;
	$sum += $_ foreach values %weights;
	my $at = rand($sum);
	foreach my $name (sort keys %weights)
	{
		$at -= $weights{$name};
		return $name if $at < 0;
	}
	return (sort keys %weights)[0];
}

# The next operations of a client, as if all were to be committed.
sub _plan
{
	my ($self, $client, $count) = @_;
	my @ops;
	my %weights = map { $_ => $tables{$_}{weight} } @names;
	foreach my $table (@names)
	{
		$self->{next}{$client}{$table} ||= 1 + $client * $own_ids;
		my $rows = $self->{rows}{$table};
		my @own = sort { $a <=> $b } grep { int($_ / $own_ids) == $client } keys %$rows;
		$self->{low}{$client}{$table} = @own ? $own[0] : $self->{next}{$client}{$table};
	}
	while (@ops < $count)
	{
		my $table = _pick(%weights);
		my $t = $tables{$table};
		my $next = \$self->{next}{$client}{$table};
		my $low = \$self->{low}{$client}{$table};
		my $size = 1 + int(rand($t->{batch}));
		my $grown = $$next - $$low > $t->{target};
		my $kind = _pick(insert => 6, undone => 1, delete => $grown ? 8 : 3, touch => 3, move => 3);
		if ($kind eq 'insert' || $kind eq 'undone')
		{
			my $first = $$next;
			$$next += $size;
			push @ops, [ $kind, $table, $first, $$next - 1, _pick(spread => 8, few => 2, null => 1), int(rand($modulus)) ];
			next;
		}
		next if $$next == $$low;
		my $first = $$low + int(rand($$next - $$low));
		if ($kind eq 'delete' && ($grown || rand() < 0.5))
		{
			$first = $$low;
			$$low += $size;
			$$low = $$next if $$low > $$next;
		}
		$first = 1 + int(rand($self->{next}{0}{$table})) if $client == 1 && rand() < 0.5;
		push @ops, [ $kind, $table, $first, $first + $size - 1, 1 + int(rand($modulus - 2)) ];
	}
	return \@ops;
}

# --- the load

# What others do beside the clients, in scripts without an end of their own.
sub _vacuum_script
{
	my $sql = '';
	foreach (1 .. 60)
	{
		my $table = $names[ int(rand(@names)) ];
		$sql .= "VACUUM (SKIP_LOCKED, INDEX_CLEANUP ON) $table;\n";
		$sql .= "CHECKPOINT;\n" if rand() < 0.2;
		$sql .= sprintf("SELECT pg_sleep(%.3f);\n", rand(0.06));
	}
	return $sql;
}

sub _build_script
{
	my $sql = '';
	foreach (1 .. 30)
	{
		my $table = $names[ int(rand(@names)) ];
		my @indexes = sort keys %{ $tables{$table}{indexes} };
		my $index = $indexes[ int(rand(@indexes)) ];
		my $concurrently = rand() < 0.6 ? 'CONCURRENTLY' : '';
		$sql .=
		  rand() < 0.4
		  ? "REINDEX INDEX $concurrently $index;\n"
		  : "DROP INDEX IF EXISTS ${table}_extra;\nCREATE INDEX $concurrently ${table}_extra ON $table USING quiver ($tables{$table}{extra});\n";
		$sql .= sprintf("SELECT pg_sleep(%.3f);\n", rand(0.1));
	}
	return $sql;
}

# Starts the clients. ops: operations of each; chunk: operations of one session, after whose end or loss the client goes on with the
# next (else a lost session is the client's end); before: gives the statements to put before an operation; others: which others;
# scripts: more of them, SQL by name.
sub start
{
	my ($self, %options) = @_;
	my $node = $self->{node};
	$self->{number}++;
	my $dir = "$self->{dir}/load$self->{number}";
	make_path($dir);
	$node->safe_psql('postgres', 'TRUNCATE done');
	my $chunk = $options{chunk} || $options{ops};
	my $psql = "psql -XAtq -v VERBOSITY=sqlstate -d '" . $node->connstr('postgres') . "'";
	my $lost = defined $options{chunk} ? 'true' : 'exit 0';
	my @shells;
	$self->{ops} = {};
	foreach my $client (1 .. $self->{clients})
	{
		my $ops = $self->{ops}{$client} = $self->_plan($client, $options{ops});
		my $files = 0;
		foreach my $first (map { $_ * $chunk } 0 .. int((@$ops - 1) / $chunk))
		{
			my $last = $first + $chunk - 1;
			$last = $#$ops if $last > $#$ops;
			my $sql = '';
			foreach my $i ($first .. $last)
			{
				my $op = $ops->[$i];
				$sql .= $options{before}->($client, $i) . "\n" if defined $options{before};
				# Both are one message, and so one transaction.
				$sql .=
				  $op->[0] eq 'undone'
				  ? sql($op) . " \\; INSERT INTO done VALUES ($client, $i, 0);\n"
				  : 'WITH written AS (' . sql($op) . " RETURNING 1) INSERT INTO done SELECT $client, $i, count(*) FROM written;\n";
				$sql .= "\\if :ERROR\n\\else\n\\echo $i\n\\endif\n";
			}
			append_to_file(sprintf('%s/client%d_%04d.sql', $dir, $client, $files++), $sql);
		}
		push @shells, "for f in $dir/client${client}_*.sql; do test -e $dir/stop && exit; "
		  . "$psql -f \$f >>$dir/client$client.out 2>>$dir/client$client.err || $lost; done";
	}
	my %others = %{ $options{scripts} || {} };
	foreach my $other (@{ $options{others} || [ 'vacuum', 'build' ] })
	{
		$others{$other} = $other eq 'vacuum' ? _vacuum_script() : _build_script();
	}
	foreach my $other (sort keys %others)
	{
		append_to_file("$dir/$other.sql", $others{$other});
		push @shells, "until test -e $dir/stop; do $psql -f $dir/$other.sql >>$dir/$other.out 2>>$dir/$other.err || $lost; done";
	}
	$self->{load} = { dir => $dir, chunked => defined $options{chunk}, clients => [], others => [] };
	foreach my $shell (@shells)
	{
		my $kind = @{ $self->{load}{clients} } < $self->{clients} ? 'clients' : 'others';
		push @{ $self->{load}{$kind} }, IPC::Run::start([ 'sh', '-c', $shell ], '<', '/dev/null');
	}
	return;
}

# Waits until the clients' committed operations have come to so many rows.
sub wait_for_rows
{
	my ($self, $rows) = @_;
	my $end = time + 120;
	while ($self->{node}->safe_psql('postgres', 'SELECT coalesce(sum(size), 0) FROM done') < $rows)
	{
		die "the load does not come to $rows rows" if time > $end;
		sleep(0.1);
	}
	return;
}

# Waits for the end of the clients, be it of itself or with the server's, and then of the others.
sub finish
{
	my ($self) = @_;
	my $load = $self->{load};
	$_->finish foreach @{ $load->{clients} };
	append_to_file("$load->{dir}/stop", '');
	$_->finish foreach @{ $load->{others} };
	return;
}

# What the clients and the others were told of errors.
sub errors
{
	my ($self) = @_;
	return join('', map { slurp_file($_) } grep { -s } glob("$self->{load}{dir}/*.err"));
}

# --- afterwards

# Which operations were committed: all that the clients were told of. Brings the model up to date. Tells the rows written by operations
# that were acknowledged.
sub settle
{
	my ($self, $name) = @_;
	my (%done, @lost, @ahead);
	my $rows = 0;
	my $acknowledged = 0;
	$done{ $_->[0] }{ $_->[1] }++
	  foreach map { [ split /\|/ ] } split /\n/, $self->{node}->safe_psql('postgres', 'SELECT client, op FROM done');
	foreach my $client (1 .. $self->{clients})
	{
		my $out = "$self->{load}{dir}/client$client.out";
		my %told = map { $_ => 1 } split /\n/, -e $out ? slurp_file($out) : '';
		my $last = -1;
		my $ops = $self->{ops}{$client};
		foreach my $i (0 .. $#$ops)
		{
			if ($told{$i})
			{
				$acknowledged++;
				$last = $i;
				push @lost, "$client/$i" unless $done{$client}{$i};
			}
			next unless $done{$client}{$i};
			my $count = $self->_replay($ops->[$i]);
			$rows += $count if $told{$i};
			# One operation may be committed without its client's having been told, if the server went away just then.
			push @ahead, "$client/$i" if !$self->{load}{chunked} && !$told{$i} && $i != $last + 1;
		}
	}
	is("@lost", '', "$name: each of $acknowledged acknowledged transactions is there");
	is("@ahead", '', "$name: and none that nobody sent");
	return $rows;
}

# All tables, or those named, are what the model says, all indexes give all rows once, quiver_check finds nothing.
sub check
{
	my ($self, $name, @only) = @_;
	my $node = $self->{node};
	@only = @names unless @only;
	foreach my $table (@only)
	{
		my %there = map { my ($id, $rest) = split /\|/, $_, 2; ($id => $rest) } split /\n/,
		  $node->safe_psql('postgres', "SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT id, seed, n FROM $table");
		my $rows = $self->{rows}{$table} || {};
		my @missing = grep { !defined $there{$_} } sort { $a <=> $b } keys %$rows;
		my @beyond = grep { !defined $rows->{$_} } sort { $a <=> $b } keys %there;
		my @other = grep { defined $there{$_} && $there{$_} ne "$rows->{$_}[0]|$rows->{$_}[1]" } sort { $a <=> $b } keys %$rows;
		my $wrong = sub { return scalar(@_) . ' (' . join(' ', @_[ 0 .. ($#_ < 9 ? $#_ : 9) ]) . ')' };
		is('missing ' . $wrong->(@missing) . ', beyond ' . $wrong->(@beyond) . ', other ' . $wrong->(@other),
			'missing 0 (), beyond 0 (), other 0 ()', "$name, $table: the " . keys(%$rows) . ' rows that were committed');
		my $columns = $tables{$table}{columns};
		my $differs = join(' OR ', map { "$_ IS DISTINCT FROM " . sprintf($columns->{$_}[1], 'seed') } sort keys %$columns);
		is($node->safe_psql('postgres', "SELECT count(*) FROM $table WHERE $differs"), '0', "$name, $table: with their values");
	}
	$self->check_indexes($node, $name, @only);
	my $list = join(', ', map { "'$_'::regclass" } @only);
	is($node->safe_psql('postgres', qq(
		SELECT c.relname, f.severity, f.block, f.item, f.message
		FROM pg_class c JOIN pg_am a ON a.oid = c.relam AND a.amname = 'quiver' JOIN pg_index i ON i.indexrelid = c.oid AND i.indisvalid
				AND i.indrelid IN ($list),
			quiver_check(c.oid, true) f
		WHERE f.severity <> 'info'
	)), '', "$name: quiver_check finds nothing");
	return;
}

# Through each index come the rows that the table has, each once. Any server will do.
sub check_indexes
{
	my ($self, $where, $name, @only) = @_;
	my $figures = 'count(*), count(DISTINCT id), coalesce(sum(hashint8(id)::bigint), 0)';
	@only = @names unless @only;
	my $sql = join('', map { "\\echo = $_\nSELECT $figures FROM $_;\n" } @only);
	$sql .= "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off;\n";
	foreach my $table (@only)
	{
		my $indexes = $tables{$table}{indexes};
		foreach my $index (sort keys %$indexes)
		{
			my $query = "SELECT $figures FROM (SELECT id FROM $table ORDER BY $indexes->{$index}[1] LIMIT 10000000) q";
			$sql .= "\\echo = $index\n$query;\nEXPLAIN $query;\n";
		}
	}
	my %got = map { split /\n/, $_, 2 } grep { length } split /^= /m, $where->safe_psql('postgres', $sql) . "\n";
	foreach my $table (@only)
	{
		chomp $got{$table};
		foreach my $index (sort keys %{ $tables{$table}{indexes} })
		{
			my ($rows, $plan) = split /\n/, $got{$index}, 2;
			is($rows, $got{$table}, "$name, $index: all rows, each once");
			like($plan, qr/Index Scan using $index on $table/, "$name, $index: through the index");
		}
	}
	return;
}

# Indexes that a broken CONCURRENTLY has left, by turns built anew and dropped, as their user would. Tells how many.
sub mend_indexes
{
	my ($self) = @_;
	my @invalid = split /\n/, $self->{node}->safe_psql('postgres',
		'SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid ORDER BY indexrelid');
	foreach my $index (@invalid)
	{
		# What REINDEX CONCURRENTLY leaves is a second index of one kind.
		my $keep = $index =~ /_extra$/ && rand() < 0.5;
		$self->{node}->safe_psql('postgres', $keep ? "REINDEX INDEX $index" : "DROP INDEX $index");
	}
	return scalar(@invalid);
}

# Empties a table, so that its indexes are lists again.
sub truncate_table
{
	my ($self, $table) = @_;
	$self->{node}->safe_psql('postgres', "TRUNCATE $table");
	$self->{rows}{$table} = {};
	return;
}

# The state of each index, and whether it has chunk pages.
sub states
{
	my ($self) = @_;
	my $states = join(' UNION ALL ', map {
		"SELECT '$_ ' || state || ' ' || rows || CASE WHEN chunk_bytes > 0 THEN ' chunks' ELSE '' END FROM quiver_index_stats('$_')"
	} $self->indexes);
	return join(', ', split /\n/, $self->{node}->safe_psql('postgres', $states));
}

# What a server's log tells of errors: their SQLSTATEs and numbers, from an offset on. Needs log_line_prefix = '%m [%p] %e '.
sub sqlstates
{
	my ($node, $offset) = @_;
	my %states;
	my $log = slurp_file($node->logfile, $offset);
	$states{$1}++ while $log =~ /^\S+ \S+ \S+ \[\d+\] (\w{5}) (?:ERROR|FATAL|PANIC):/mg;
	return %states;
}

# --- the end of a server

# Kills a server and all its processes with SIGKILL, as if the machine had gone. The postmaster is halted first, so that it starts no
# others and cannot take leave of the old.
sub kill_server
{
	my ($node) = @_;
	my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	kill('STOP', $postmaster) or die "could not stop process $postmaster: $!";
	my @children;
	foreach my $stat (glob('/proc/[0-9]*/stat'))
	{
		open(my $file, '<', $stat) or next;
		my $line = <$file>;
		close($file);
		push @children, $1 if defined $line && $line =~ /^(\d+) \(.*\) \S (\d+) / && $2 == $postmaster;
	}
	kill('KILL', @children, $postmaster);
	$node->kill9;
	my $end = time + 60;
	foreach my $pid (@children, $postmaster)
	{
		while (kill(0, $pid))
		{
			die "process $pid does not end" if time > $end;
			sleep(0.005);
		}
	}
	return scalar(@children);
}

1;
