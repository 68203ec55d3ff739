# Proves: every function, operator and cast that the extension installs, called by roles without rights with arguments that are
# meant to break it, gives a value made of them or a clean error (never an internal one), shows nothing of other people's tables
# and leaves the server up; so do binary input, aggregates made of our functions, settings, options and conditions on an index.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{QUIVER_SEED} || 20250611;
srand($seed);
note("seed $seed");
my $deep = $ENV{QUIVER_DEEP} ? 1 : 0;
my $most = $deep ? 6000 : 150;		# calls of one function
my $secret = '7331733';		# stands in what others must not see, and in no argument

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off\nmax_parallel_workers_per_gather = 0\nfsync = off\n");
$node->start;

# --- what there is to attack, and who attacks

$node->safe_psql('postgres', qq(
	CREATE EXTENSION quiver;
	CREATE ROLE victim;
	CREATE ROLE nobody LOGIN;
	CREATE ROLE monitor LOGIN IN ROLE pg_stat_scan_tables;
	CREATE ROLE stranger LOGIN;		-- may call the functions, may read no table
	CREATE ROLE tenant LOGIN;		-- may call them, and read what a policy lets it
	CREATE ROLE owner LOGIN;		-- may call them, owns a table

	CREATE SCHEMA vault AUTHORIZATION victim;
	GRANT USAGE ON SCHEMA vault TO PUBLIC;
	SET ROLE victim;
	CREATE TABLE vault.docs (id int PRIMARY KEY, tenant text, v vector(3), note text);
	INSERT INTO vault.docs SELECT i, 'other', ARRAY[i, $secret, 1]::vector, 'note $secret' FROM generate_series(1, 300) i;
	CREATE INDEX docs_v ON vault.docs USING quiver (v);
	CREATE INDEX docs_expression ON vault.docs USING quiver (((v + v)::vector(3)));
	CREATE VIEW vault.a_view AS SELECT v FROM vault.docs;
	CREATE MATERIALIZED VIEW vault.a_matview AS SELECT v::vector(3) FROM vault.docs;
	CREATE INDEX matview_v ON vault.a_matview USING quiver (v);
	CREATE SEQUENCE vault.a_sequence;
	CREATE TYPE vault.a_composite AS (v vector);
	CREATE TABLE vault.parts (id int, v vector(3)) PARTITION BY RANGE (id);
	CREATE TABLE vault.parts_1 PARTITION OF vault.parts FOR VALUES FROM (0) TO (10);
	CREATE INDEX parts_v ON vault.parts USING quiver (v);
	CREATE UNLOGGED TABLE vault.unlogged (v vector(3));
	CREATE INDEX unlogged_v ON vault.unlogged USING quiver (v);
	CREATE TABLE vault.bare (v vector(3));
	ALTER TABLE vault.docs ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON vault.docs USING (tenant = current_user);
	GRANT SELECT ON vault.docs TO tenant;
	RESET ROLE;

	CREATE SCHEMA home AUTHORIZATION owner;
	CREATE TABLE home.mine (id int, v vector(3), h halfvec(3), s sparsevec(3), b bit(3));
	INSERT INTO home.mine SELECT i, ARRAY[i, i % 7, 1]::vector, ARRAY[i, i % 7, 1]::halfvec, ARRAY[i, 0, 1]::vector::sparsevec, (i % 8)::bit(3)
		FROM generate_series(1, 400) i;
	INSERT INTO home.mine VALUES (401);
	ALTER TABLE home.mine OWNER TO owner;
	CREATE INDEX mine_v ON home.mine USING quiver (v);
	CREATE INDEX mine_h ON home.mine USING quiver (h halfvec_cosine_ops);
	CREATE INDEX mine_s ON home.mine USING quiver (s sparsevec_ip_ops);
	CREATE INDEX mine_b ON home.mine USING quiver (b bit_jaccard_ops);
	GRANT USAGE ON SCHEMA home TO PUBLIC;
	GRANT SELECT ON home.mine TO nobody;
	ANALYZE home.mine, vault.docs;
));
my $inspections = $node->safe_psql('postgres', q(
	SELECT string_agg(p.oid::regprocedure::text, ', ' ORDER BY proname) FROM pg_proc p
		JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND extname = 'quiver'
		WHERE 'regclass'::regtype = ANY (p.proargtypes)
));
like($inspections, qr/quiver_check.*quiver_index_digest.*quiver_index_stats.*quiver_prewarm/, 'the functions that read an index');
$node->safe_psql('postgres', "GRANT EXECUTE ON FUNCTION $inspections TO stranger, tenant, owner");

my $other_session = $node->background_psql('postgres', timeout => 3600);
$other_session->query_safe("CREATE TEMP TABLE other_temp (v vector(3)); CREATE INDEX other_temp_v ON other_temp USING quiver (v)");

# --- arguments that are meant to break things, by type, as SQL

my $many = '{' . join(',', (1) x 16001) . '}';
my @dense = ("'[1]'", "'[1,2,3]'", "'[0,0,0]'", "'[-0,1e-45,1]'",
	"array_fill(1::real, '{16000}')", "array_fill(-1.5::real, ARRAY[1999])");
my @floats = ("'NaN'", "'Infinity'", "'-Infinity'", '0', "'-0'", '1', '-1', "'1.7976931348623157e308'", "'-1.7976931348623157e308'", "'5e-324'");
sub arrays
{
	my ($type, @extreme) = @_;
	return map { "$_\::$type\[]" } ("'{}'", "'{NULL}'", "'{1,NULL,3}'", "'{1,2,3}'", "'{{1,2},{3,4}}'", "'{{{1}}}'",
		"'[5:7]={1,2,3}'", "'[-2147483648:-2147483646]={1,2,3}'", "'$many'", "array_fill(0, '{100001}')", "array_fill(1, '{3}', '{2147483640}')",
		map { "'{$_,2,3}'" } @extreme);
}
my %pool = (
	'regclass' => [ map({ "'$_'::regclass" } 'vault.docs', 'vault.docs_v', 'vault.docs_expression', 'vault.docs_pkey', 'vault.a_view',
			'vault.a_matview', 'vault.matview_v', 'vault.a_sequence', 'vault.a_composite', 'vault.parts', 'vault.parts_v', 'vault.parts_1_v_idx',
			'vault.unlogged_v', 'vault.bare', 'pg_class', 'pg_class_oid_index', 'home.mine', 'home.mine_v', 'home.mine_b'),
		map({ "$_\::oid::regclass" } '0', '1', '4294967295', "(SELECT reltoastrelid FROM pg_class WHERE oid = 'vault.docs'::regclass)",
			"(SELECT indexrelid FROM pg_index WHERE indrelid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'vault.docs'::regclass))",
			"(SELECT oid FROM pg_class WHERE relname = 'other_temp_v')", "(SELECT oid FROM pg_class WHERE relname = 'other_temp')") ],
	'integer' => [ map { "'$_'::integer" } qw(0 1 -1 2 3 16000 16001 2147483647 -2147483648) ],
	'bigint' => [ map { "'$_'::bigint" } qw(0 1 -1 1000 9223372036854775807 -9223372036854775808) ],
	'oid' => [ map { "$_\::oid" } qw(0 1 4294967295) ],
	'boolean' => [ 'true', 'false' ],
	'double precision' => [ map { "$_\::float8" } @floats ],
	'text' => [ "''", "'all'", "'upper'", "'l2'", "'ip'", "'cosine'", "'l1'", "'hamming'", "'jaccard'", "'L2'", "'%s%n%d%1\$s'", "repeat(U&'\\00e9', 70)", "repeat('x', 1000000)", "E'\\x01\\x7f'", "'l2''; DROP TABLE home.mine; --'" ],
	'vector' => [ map({ "$_\::vector" } @dense), "'[3.4028235e38,-3.4028235e38,3.4028235e38]'::vector", "'[1.1754944e-38,1,1]'::vector" ],
	'halfvec' => [ map({ "$_\::halfvec" } map { s/1e-45/6e-8/r } @dense), "'[65504,-65504,65504]'::halfvec" ],
	'sparsevec' => [ map({ "'$_'::sparsevec" } '{}/1', '{}/3', '{1:1,3:-2}/3', '{}/1000000000', '{1:1,1000000000:-3.4e38}/1000000000', '{2:1e-38}/3'),
		"array_fill(1::real, '{16000}')::sparsevec" ],
	'bit' => [ "B''", "B'1'", "B'101'", "B'000'", "repeat('10', 32001)::bit varying::bit(64002)", "repeat('1', 1000000)::bit varying::bit(1000000)" ],
	'integer[]' => [ arrays('integer', '2147483647', '-2147483648') ],
	'real[]' => [ arrays('real', 'NaN', 'Infinity', '3.4e38', '1e-45') ],
	'double precision[]' => [ arrays('float8', 'NaN', '-Infinity', '1e308', '5e-324', '-1', '0', '0.5'), "'{0}'::float8[]", "'{2,1,2,3}'::float8[]" ],
	'numeric[]' => [ arrays('numeric', 'NaN', '1e400', '1e-400', '-1e38', '0.' . '1' x 1000) ],
	'cstring' => [ map { "'$_'::cstring" } '', '[1,2,3]', '[', '[1,2', '[1e400]', '[nan]', '{1:1}/3', '{1:1}/99999999999999999999', '{-1:1}/3', '{1:1,1:1}/2', 'l2 <= 1', '[' . '1,' x 16000 . '1]', '%n%s', '[' x 10000 ],
	'cstring[]' => [ map { "'$_'::cstring[]" } '{}', '{3}', '{NULL}', '{{3}}', '{0}', '{-1}', '{16001}', '{1000000001}', '{2147483648}', '{abc}', '{3,3}' ],
	'quiver_bound' => [ "quiver_l2_bound('[1,2,3]'::vector, 5)", "quiver_cosine_bound('[0,0,0]'::vector, 'NaN')", "quiver_or_nan(quiver_ip_bound('[1,2,3]'::halfvec, '-Infinity'))",
		"quiver_l1_bound('{1:1}/3'::sparsevec, 'Infinity')", "quiver_jaccard_bound(B'101', 0.5)", "quiver_hamming_bound(B'', 0)", "quiver_l2_bound(array_fill(1::real, '{16000}')::vector, 5e-324)" ],
	'internal' => [ 'NULL', "''", "'x'" ]);
my @nulls = grep { $_ ne 'internal' } keys %pool;

# Literals and NULL of a type.
sub values_of
{
	my ($type) = @_;
	die "no arguments for type $type: add some" if !exists $pool{$type};
	return @{ $pool{$type} } if $type eq 'internal';
	return ("NULL::$type", @{ $pool{$type} });
}

# All combinations, or so many at random.
sub combinations
{
	my ($limit, @types) = @_;
	my @sets = map { [ values_of($_) ] } @types;
	my $all = 1;
	$all *= @$_ for @sets;
	return ([]) if !@sets;
	return map { my @pick = map { $_->[ rand @$_ ] } @sets; \@pick } 1 .. $limit if $all > $limit;
	my @result = ([]);
	for my $set (@sets)
	{
		@result = map { my $head = $_; map { [ @$head, $_ ] } @$set } @result;
	}
	return @result;
}

# --- what there is to call: all of it, from the catalogs

my $members = sub {
	my ($class, $columns, $from) = @_;
	return map { [ split /\t/ ] } split /\n/, $node->safe_psql('postgres', qq(
		SELECT concat_ws(E'\\t', $columns) FROM $from JOIN pg_depend d ON d.classid = '$class'::regclass AND d.objid = o.oid AND d.deptype = 'e'
			JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND extname = 'quiver' ORDER BY 1));
};
my $types_of = "array_to_string(ARRAY(SELECT format_type(t, NULL) FROM unnest(proargtypes) WITH ORDINALITY u(t, i) ORDER BY i), ';')";
my @functions = $members->('pg_proc', "o.oid::regprocedure, o.prokind, o.proretset, proname, $types_of, prorettype::regtype", 'pg_proc o');
cmp_ok(scalar(@functions), '>', 150, 'functions: ' . scalar(@functions));

my @calls;		# function, statement
for (@functions)
{
	my ($signature, $kind, $set, $name, $types, $result) = @$_;
	my @types = split /;/, $types;
	for my $arguments (combinations($most, @types))
	{
		my $call = "$name(" . join(', ', @$arguments) . ')';
		if ($kind eq 'a')
		{
			# Rows of the argument, NULLs and others.
			my $other = (combinations(1, @types))[0][0];
			push @calls, [ $signature, "SELECT ${name}(x)::text FROM (VALUES ($arguments->[0]), (NULL), ($other), ($arguments->[0])) s(x)" ];
			push @calls, [ $signature, "SELECT string_agg(y::text, '') FROM (SELECT ${name}(x) OVER (ROWS 1 PRECEDING) y FROM (VALUES ($arguments->[0]), ($other), ($other)) s(x)) t" ];
		}
		elsif ($set eq 't')
		{
			push @calls, [ $signature, "SELECT string_agg(x::text, ' ') FROM $call x" ];
		}
		elsif ($result =~ /^(internal|index_am_handler)$/)
		{
			push @calls, [ $signature, "SELECT ($call) IS NULL" ];
		}
		else
		{
			push @calls, [ $signature, "SELECT ($call)::text" ];
		}
	}
}

# Operators: by themselves, and as condition and order of a table, which asks estimators and support functions.
my %column = ('vector' => 'v', 'halfvec' => 'h', 'sparsevec' => 's', 'bit' => 'b');
my @operators = $members->('pg_operator', 'o.oid::regoperator, oprname, oprleft::regtype, oprright::regtype, oprresult::regtype', 'pg_operator o');
cmp_ok(scalar(@operators), '>', 40, 'operators: ' . scalar(@operators));
for (@operators)
{
	my ($signature, $name, $left, $right, $result) = @$_;
	for my $arguments (combinations($deep ? 1000 : 30, $left, $right))
	{
		my ($l, $r) = @$arguments;
		push @calls, [ $signature, "SELECT ($l $name $r)::text" ];
		my $condition = $result eq 'boolean' ? "$column{$left} $name $r" :
			$result eq 'double precision' ? "$column{$left} $name $r < 2" : "($column{$left} $name $r) IS NOT NULL";
		push @calls, [ $signature, "SELECT count(*) FROM home.mine WHERE $condition" ];
		push @calls, [ $signature, "SELECT count(*) FROM (SELECT id FROM home.mine ORDER BY $column{$left} $name $r LIMIT 3) s" ];
	}
}

# quiver_within and its kin as conditions, with arguments that are known, and that are not when it is planned.
for (grep { $_->[3] =~ /^quiver_(within|in_bound)$/ } @functions)
{
	my ($signature, $kind, $set, $name, $types) = @$_;
	my ($first, @rest) = split /;/, $types;
	for my $arguments (combinations($deep ? 1000 : 40, @rest))
	{
		push @calls, [ $signature, "SELECT count(*) FROM home.mine WHERE $name(" . join(', ', $column{$first}, @$arguments) . ')' ];
		push @calls, [ $signature, "SELECT count(*) FROM home.mine WHERE $name(" . join(', ', $column{$first}, map { "(SELECT $_)" } @$arguments) . ')' ];
	}
}

my @casts = $members->('pg_cast', 'o.castsource::regtype, o.casttarget::regtype', 'pg_cast o');
cmp_ok(scalar(@casts), '>', 20, 'casts: ' . scalar(@casts));
for (@casts)
{
	my ($from, $to) = @$_;
	for my $value (values_of($from))
	{
		push @calls, [ "cast $from to $to", "SELECT CAST($value AS $to)::text" ];
		push @calls, [ "cast $from to $to", "SELECT CAST($value AS $to(3))::text" ] if $to =~ /vec/;
	}
}

# --- run them, each role all of them

$node->safe_psql('postgres', q(
	CREATE SCHEMA harness;
	GRANT USAGE ON SCHEMA harness TO PUBLIC;
	CREATE TABLE harness.calls (id serial, function text, sql text);
	GRANT SELECT ON harness.calls TO PUBLIC;
	-- what calls came to, and those that are not as they should be
	CREATE FUNCTION harness.run(pattern text, secret text)
		RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE
		tab text := chr(9);
		times text;
		c record;
		result text;
		told text;
		m text; d text; h text; cn text; kn text; tn text; dn text;
		found_state text;
		kind_of text;
		seen jsonb := '{}';
		key text;
	BEGIN
		FOR c IN SELECT * FROM harness.calls WHERE calls.function ~ pattern ORDER BY id LOOP
			told := '';
			result := NULL;
			found_state := '00000';
			BEGIN
				EXECUTE c.sql INTO result;
			EXCEPTION WHEN OTHERS THEN
				GET STACKED DIAGNOSTICS found_state = RETURNED_SQLSTATE, m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT,
					cn = COLUMN_NAME, kn = CONSTRAINT_NAME, tn = TABLE_NAME, dn = PG_DATATYPE_NAME;
				told := concat_ws(' ', m, d, h, cn, kn, tn, dn);
			END;
			kind_of := CASE
				WHEN coalesce(result, '') || told ~ secret THEN 'secret'
				WHEN found_state ~ '^(XX000|XX001|XX002|58|F0|57|40)' OR m = '' AND found_state <> '00000' THEN 'unclean'
				WHEN length(told) > 2000 THEN 'long'
				WHEN found_state = '00000' AND result IS NOT NULL THEN 'value'
				WHEN found_state = '00000' THEN 'null'
				ELSE 'error' END;
			key := kind_of || tab || c.function || tab || found_state;
			IF kind_of IN ('secret', 'unclean', 'long') THEN
				RETURN NEXT 'bad' || tab || kind_of || ' ' || found_state || ': ' || left(c.sql, 300) || ': ' || translate(left(told, 300), E'\n\t', '  ');
			END IF;
			seen := jsonb_set(seen, ARRAY[key], to_jsonb(coalesce((seen ->> key)::bigint, 0) + 1));
		END LOOP;
		FOR key, times IN SELECT k, v FROM jsonb_each_text(seen) e(k, v) LOOP
			RETURN NEXT key || tab || times;
		END LOOP;
	END $$;
));
my $file = PostgreSQL::Test::Utils::tempdir() . '/calls';
append_to_file($file, join('', map { my ($f, $sql) = @$_; $sql =~ s/\\/\\\\/g; $sql =~ s/[\t\n]+/ /g; "$f\t$sql\n" } @calls));
$node->safe_psql('postgres', "\\copy harness.calls (function, sql) FROM '$file'");
my $expected_calls = scalar @calls;
is($node->safe_psql('postgres', 'SELECT count(*) FROM harness.calls'), $expected_calls, "calls: $expected_calls");

# Everything that a role's calls came to.
sub run_as
{
	my ($role, $pattern) = @_;
	my ($out, $err) = ('', '');
	my $rc = $node->psql('postgres', qq(SELECT * FROM harness.run(\$\$$pattern\$\$, '7.?331733')), stdout => \$out, stderr => \$err,
		extra_params => [ '-U', $role ]);
	is($rc, 0, "$role: the connection survives") or diag($err);
	my (%times, @bad, %states);
	for (split /\n/, $out)
	{
		my ($kind, $function, $state, $times) = split /\t/;
		if ($kind eq 'bad')
		{
			push @bad, $function;
			next;
		}
		$times{$kind}{$function} += $times;
		$states{$function}{$state} += $times;
	}
	is(scalar(@bad), 0, "$role: values and clean errors, nothing else") or diag(join("\n", @bad[ 0 .. ($#bad > 20 ? 20 : $#bad) ]));
	return (\%times, \%states);
}

my $inspect_pattern = '^quiver_(check|index_stats|index_digest|prewarm)\(';
my ($times, $states) = run_as('nobody', '');
my $sum = 0;
$sum += $_ for map { values %$_ } values %$times;
is($sum, $expected_calls, 'nobody: all calls were made');
for (@functions)
{
	my ($signature, $kind, $set, $name, $types) = @$_;
	my %of = %{ $states->{$signature} || {} };
	if ($types =~ /\binternal\b/)
	{
		# No literal is one, not even NULL.
		like(join(' ', sort keys %of), qr/^(0A000|42883)$/, "$signature cannot be called");
	}
	elsif ($types =~ /\bregclass\b/)
	{
		# Of NULL it is NULL, without a call.
		ok($of{42501} && !$times->{value}{$signature}, "nobody: $signature is denied");
		is(join(' ', grep { $_ !~ /^(42501|00000)$/ } keys %of), '', "nobody: $signature tells nothing of the object");
	}
	elsif ($name !~ /^quiver_(bound_in|prewarm_running)$/)
	{
		ok($times->{value}{$signature}, "$signature gives values") or diag(join(' ', %of));
	}
}
ok($times->{value}{$_->[0]}, "operator $_->[0] gives values") for @operators;
ok($times->{value}{"cast $_->[0] to $_->[1]"}, "a cast of $_->[0] to $_->[1] gives values") for @casts;

# Who may call, but may not know of the table.
for my $role ('stranger', 'tenant')
{
	($times, $states) = run_as($role, $inspect_pattern);
	for my $function (sort keys %$states)
	{
		is(join(' ', grep { $times->{value}{$function} } 1), '', "$role: $function tells nothing");
		ok($states->{$function}{42501}, "$role: $function is denied");
	}
	is(scalar(keys %$states), 4, "$role: four functions");
}
for my $role ('owner', 'monitor')
{
	($times, $states) = run_as($role, $inspect_pattern);
	for my $function (sort keys %$states)
	{
		ok($times->{value}{$function}, "$role: $function tells");
		is($states->{$function}{42501} ? 1 : 0, $role eq 'owner' ? 1 : 0, "$role: what $function denies");
	}
}
# The tenant by name: it may read the table, but not all of it.
my ($rc, $out, $err) = $node->psql('postgres', "SELECT quiver_index_digest('vault.docs_v')", extra_params => [ '-U', 'tenant' ]);
like($err, qr/permission denied for all rows of table "docs"/, 'a policy hides the digest');

# --- a whole session of them in one plan: parameters, generic and custom

for my $mode ('force_generic_plan', 'force_custom_plan')
{
	($rc, $out, $err) = $node->psql('postgres', qq(
		SET plan_cache_mode = $mode;
		SET enable_seqscan = off;
		PREPARE a(vector, float8, text) AS SELECT count(*) FROM home.mine WHERE quiver_within(v, \$1, \$2, \$3);
		PREPARE b(vector) AS SELECT count(*) FROM (SELECT id FROM home.mine ORDER BY v <-> \$1 LIMIT 5) s;
		PREPARE c(quiver_bound) AS SELECT count(*) FROM home.mine WHERE v <@ \$1;
		EXECUTE a(NULL, NULL, NULL); EXECUTE a('[1,2,3]', 'NaN', 'l2'); EXECUTE a('[1,2,3]', 'Infinity', 'cosine');
		EXECUTE b(NULL); EXECUTE b('[0,0,0]'); EXECUTE b('[3e38,3e38,3e38]');
		EXECUTE c(NULL); EXECUTE c(quiver_hamming_bound(B'1', 1)); EXECUTE c(quiver_l2_bound('[3e38,3e38,3e38]'::vector, 'Infinity'));
	), extra_params => [ '-U', 'nobody' ], on_error_stop => 0);
	is($err, '', "$mode: parameters");
	like($out, qr/^0\n400\n400\n5\n5\n5\n0\n0\n400$/m, "$mode: results") or diag($out);
	($rc, $out, $err) = $node->psql('postgres', qq(
		SET plan_cache_mode = $mode;
		PREPARE a(vector, float8, text) AS SELECT count(*) FROM home.mine WHERE quiver_within(v, \$1, \$2, \$3);
		PREPARE b(vector) AS SELECT count(*) FROM (SELECT id FROM home.mine ORDER BY v <-> \$1 LIMIT 5) s;
		SET enable_seqscan = off;
		EXECUTE a('[1,2,3]', 1, 'hamming'); EXECUTE a('[1,2]', 1, 'l2'); EXECUTE b('[1]'); EXECUTE b(array_fill(1, '{16000}')::vector);
	), extra_params => [ '-U', 'nobody', '-v', 'VERBOSITY=sqlstate' ], on_error_stop => 0);
	is(join(' ', $err =~ /ERROR:  (\w+)/g), '22023 22000 22000 22000', "$mode: errors");
}

# --- the wire: bytes that claim to be a value

my %bytes = (
	'vector' => [
		pack('n n N', 1, 0, 0x3f800000), pack('n n N3', 3, 0, (0x3f800000) x 3), '', "\0", pack('n', 3), pack('n n', 0, 0), pack('n n', 0xffff, 0), pack('n n', 0x8000, 0), pack('n n', 0x7fff, 0),
		pack('n n', 16000, 0), pack('n n N2', 3, 0, 1, 1), pack('n n N4', 3, 0, 1, 1, 1, 1), pack('n n N3', 3, 1, 1, 1, 1), pack('n n N3', 3, 0, 0x7fc00000, 0, 0), pack('n n N3', 3, 0, 0x7f800000, 0, 0),
		pack('n n N3', 3, 0, 0xff800000, 0, 0), pack('n n N3', 3, 0, 0x7f800001, 0, 0), pack('n n', 16001, 0) . "\0" x 64004, "\xff" x 100000 ],
	'halfvec' => [
		pack('n n n', 1, 0, 0x3c00), pack('n n n3', 3, 0, (0x3c00) x 3), '', "\0", pack('n n', 0, 0), pack('n n', 0xffff, 0), pack('n n', 16000, 0), pack('n n n2', 3, 0, 1, 1), pack('n n n4', 3, 0, 1, 1, 1, 1),
		pack('n n n3', 3, 7, 1, 1, 1), pack('n n n3', 3, 0, 0x7e00, 0, 0), pack('n n n3', 3, 0, 0x7c00, 0, 0), pack('n n n3', 3, 0, 0xfc00, 0, 0), "\xff" x 100000 ],
	'sparsevec' => [
		pack('N4 N', 3, 1, 0, 2, 0x3f800000), pack('N3', 3, 0, 0), '', "\0" x 11, pack('N3', 0, 0, 0), pack('N3', 0xffffffff, 0, 0), pack('N3', 3, 0xffffffff, 0), pack('N3', 3, 0x80000000, 0), pack('N3', 3, 0x7fffffff, 0),
		pack('N3', 0x7fffffff, 0, 0), pack('N3', 1000000001, 0, 0), pack('N3', 3, 4, 0) . "\0" x 32, pack('N3', 3, 2, 0) . pack('N2 N2', 1, 1, 0x3f800000, 0x3f800000), pack('N3', 3, 2, 0) . pack('N2 N2', 2, 1, 0x3f800000, 0x3f800000),
		pack('N3', 3, 1, 0) . pack('N N', 3, 0x3f800000), pack('N3', 3, 1, 0) . pack('N N', 0xffffffff, 0x3f800000), pack('N3', 3, 1, 0) . pack('N N', 1, 0), pack('N3', 3, 1, 0) . pack('N N', 1, 0x7fc00000),
		pack('N3', 3, 1, 5) . pack('N N', 1, 0x3f800000), pack('N3', 1000000000, 16001, 0) . "\0" x 128008, pack('N3', 3, 1, 0) . pack('N', 1) ],
	'quiver_bound' => [ '', "\0" x 24 ]);
my $folder = PostgreSQL::Test::Utils::tempdir();
for my $type (sort keys %bytes)
{
	my $declared = $type eq 'quiver_bound' ? $type : "$type(3)";
	for my $try ([ 'plain', $type ], [ 'declared', $declared ])
	{
		my ($kind, $column_type) = @$try;
		my $table = "home.wire_$type\_$kind";
		my $copies = '';
		$node->safe_psql('postgres', "CREATE TABLE $table (x $column_type); ALTER TABLE $table OWNER TO owner");
		for my $i (0 .. $#{ $bytes{$type} })
		{
			my $value = $bytes{$type}[$i];
			append_to_file("$folder/$type$kind$i", "PGCOPY\n\xff\r\n\0" . pack('N2', 0, 0) . pack('n N', 1, length $value) . $value . pack('n', 0xffff));
			$copies .= "\\copy $table FROM '$folder/$type$kind$i' WITH (FORMAT binary)\n\\warn tried\n";
		}
		($rc, $out, $err) = $node->psql('postgres', $copies, extra_params => [ '-U', 'owner', '-v', 'VERBOSITY=verbose' ], on_error_stop => 0);
		my @states = map { /ERROR:  (\w{5}):/ ? $1 : '00000' } split /^(?:psql:\S* )?tried$/m, "$err\nend";
		pop @states;
		is(scalar(@states), scalar(@{ $bytes{$type} }), "binary $type, $kind: " . @states . ' values');
		is(join(' ', grep { !/^(00000|22000|22P03|08P01|54000|42883)$/ } @states), '', "binary $type, $kind: @states");
		is(scalar(grep { $_ eq '00000' } @states), $type eq 'quiver_bound' ? 0 : $kind eq 'plain' ? 2 : $type eq 'sparsevec' ? 2 : 1, "binary $type, $kind: what is sound is taken");
	}
	# What was taken goes out and in again.
	next if $type eq 'quiver_bound';
	is($node->safe_psql('postgres', "SELECT bool_and(x = x::text::$type) FROM home.wire_$type\_plain"), 't', "binary $type: what was taken is a value");
}

# --- aggregates that somebody makes of our functions

$node->safe_psql('postgres', q(
	GRANT CREATE ON SCHEMA home TO nobody;
));
my @aggregates;
my @states_of = ("'{}'", "'{0}'", "'{-1}'", "'{NaN}'", "'{1e308,1,1,1}'", "'{2}'", "'{1,1e308,1e308,1e308}'", "'{5e-324,1,1,1}'", "'{NULL}'", "'{{1,2},{3,4}}'", "'[3:6]={1,2,3,4}'");
my $n = 0;
for my $initial (@states_of)
{
	for my $final ('vector_avg', 'vector_sum', 'halfvec_avg', 'halfvec_sum')
	{
		$n++;
		push @aggregates, "CREATE AGGREGATE home.agg_$n(vector) (SFUNC = vector_accum, STYPE = float8[], FINALFUNC = $final, COMBINEFUNC = halfvec_combine, INITCOND = $initial,
			MSFUNC = vector_accum, MINVFUNC = vector_accum, MSTYPE = float8[], MFINALFUNC = $final, MINITCOND = $initial, PARALLEL = SAFE)";
	}
}
($rc, $out, $err) = $node->psql('postgres', join(";\n", @aggregates), extra_params => [ '-U', 'nobody' ]);
is($err, '', "aggregates: $n");
($rc, $out, $err) = $node->psql('postgres', join(";\n", 'SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0', 'SET min_parallel_table_scan_size = 0', 'SET max_parallel_workers_per_gather = 2',
	map { ("SELECT home.agg_$_(v) FROM home.mine", "SELECT count(home_agg::text) FROM (SELECT home.agg_$_(v) OVER (ROWS 2 PRECEDING) home_agg FROM home.mine) s") } 1 .. $n),
	extra_params => [ '-U', 'nobody', '-v', 'VERBOSITY=verbose' ], on_error_stop => 0);
unlike($err, qr/connection|PANIC|FATAL/, 'aggregates: the connection survives');
is(join(' ', grep { !/^(22023|22000|22003|2203|22P02|22004)/ } $err =~ /ERROR:  (\w{5}):/g), '', 'aggregates: clean errors');
like($out, qr/\[/, 'aggregates: some give vectors');

# --- settings and options

my @bad_settings = map { my $name = $_; map { "SET $name = $_" } "''", "'-1'", "'2147483648'", "'1e400'", "'NaN'", "'\\001'", "'" . 'x' x 5000 . "'", "'on; DROP TABLE home.mine'" }
	qw(quiver.ef_search quiver.max_scan_tuples quiver.scan_mem_multiplier quiver.iterative_scan quiver.exact_order quiver.simd_level quiver.planner_hook quiver.nonsense);
my @bad_options = map { my $name = $_; map { "ALTER INDEX home.mine_v SET ($name = $_)" } "''", "'-1'", "'2147483648'", "'1e400'", "'NaN'", "'x'", "1.5" }
	qw(m ef_construction ef_search storage exact_order nonsense);
# Settings are known from the library's first use on.
my ($r1, $o1, $e1) = $node->psql('postgres', join(";\n", 'SELECT quiver_simd_level()', @bad_settings, @bad_options), extra_params => [ '-U', 'owner', '-v', 'VERBOSITY=verbose' ], on_error_stop => 0);
my @codes = $e1 =~ /ERROR:  (\w{5}):/g;
is(join(' ', grep { !/^(22023|42602|42704)$/ } @codes), '', 'settings and options: clean errors');
cmp_ok(scalar(@codes), '>=', @bad_settings + @bad_options - 4, 'settings and options: all but a few are refused: ' . scalar(@codes));

# --- a message that is cut is still text

($rc, $out, $err) = $node->psql('postgres', q(SELECT quiver_within('[1]'::vector, '[1]', 1, 'x' || repeat(U&'\00e9', 70))), extra_params => [ '-U', 'nobody' ]);
like($err, qr/type vector has no distance "x/, 'a name that is too long');
ok(utf8::decode($err), '... is cut between characters');

# --- the server is what it was

is($node->safe_psql('postgres', q(SELECT count(*) FROM quiver_check('home.mine_v', true) WHERE severity <> 'info')), '0', 'the index is sound');
is($node->safe_psql('postgres', 'SELECT count(*) FROM home.mine'), '401', 'the table is there');
$other_session->quit;
$node->stop;
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP|AddressSanitizer|runtime error/, 'no process has crashed');

done_testing();
