# Proves: objects that somebody has planted, named as ours or as PostgreSQL's, capture nothing: not when the extension is created
# by one who is no superuser, not in a check, not while a statement is planned; a check runs a hostile index expression as its
# owner and lets it change nothing; operator classes over wrong types or functions are refused and read nothing out of bounds;
# a dump with such types restores.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE ROLE dbowner LOGIN;
	CREATE ROLE attacker LOGIN;
	CREATE DATABASE app OWNER dbowner;
));

# psql as a role; what it printed, its errors with their SQLSTATEs.
sub as
{
	my ($role, $database, $sql) = @_;
	my ($out, $err);
	$node->psql($database, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ], on_error_stop => 0);
	return ($out, $err);
}

# --- CREATE EXTENSION amid planted objects

my $members = q(
	SELECT d.objid, d.classid FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		AND extname = 'quiver' WHERE d.deptype = 'e');
my @names = split /\n/, $node->safe_psql('postgres', "SELECT DISTINCT proname FROM pg_proc WHERE oid IN (SELECT objid FROM ($members) m WHERE classid = 'pg_proc'::regclass) ORDER BY 1");
my @operator_names = split /\n/, $node->safe_psql('postgres', "SELECT DISTINCT oprname FROM pg_operator WHERE oid IN (SELECT objid FROM ($members) m WHERE classid = 'pg_operator'::regclass) ORDER BY 1");
as('dbowner', 'app', 'GRANT CREATE ON SCHEMA public TO attacker; CREATE SCHEMA evil; GRANT ALL ON SCHEMA evil TO PUBLIC');
$node->safe_psql('app', 'GRANT CREATE ON SCHEMA public TO attacker, dbowner');	# who owns it depends on the version

# Functions of every name of ours and some of PostgreSQL's, for any arguments of any number, and operators; all tell when they run.
my $plant = '';
for my $schema ('public', 'evil')
{
	for my $name (@names, qw(eqsel neqsel scalarltsel matchingjoinsel contsel eqjoinsel float8 array_agg))
	{
		for my $count (1 .. 4)
		{
			my $arguments = join(', ', ('anyelement') x $count);
			$plant .= "CREATE FUNCTION $schema.\"$name\"($arguments) RETURNS anyelement LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''captured $name as %'', current_user; RETURN \$1; END';\n";
		}
	}
	for my $name (@operator_names)
	{
		$plant .= "CREATE OPERATOR $schema.$name (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = $schema.l2_distance);\n";
	}
	$plant .= "CREATE DOMAIN $schema.cstring AS int; CREATE DOMAIN $schema.internal AS int; CREATE DOMAIN $schema.regclass AS int; CREATE DOMAIN $schema.oid AS int; CREATE DOMAIN $schema.text AS int; CREATE DOMAIN $schema.bytea AS int;\n";
	$plant .= "CREATE DOMAIN $schema.float8 AS int; CREATE DOMAIN $schema.bit AS int; CREATE DOMAIN $schema.index_am_handler AS int;\n";
}
my ($out, $err) = as('attacker', 'app', $plant);
unlike($err, qr/ERROR/, 'planted: ' . ($plant =~ tr/;//)) or diag(substr($err, 0, 2000));
($out, $err) = as('dbowner', 'app', 'SET search_path = evil, public, pg_catalog; CREATE EXTENSION quiver SCHEMA public');
is($err, '', 'the extension is created by the owner of the database, and nothing planted runs');

# What its objects refer to is its own or PostgreSQL's.
my $foreign = $node->safe_psql('app', qq(
	WITH m AS ($members), ours AS (SELECT objid FROM m WHERE classid = 'pg_proc'::regclass),
		named(what, function) AS (
			SELECT 'operator ' || o.oid::regoperator, f FROM pg_operator o, unnest(ARRAY[oprcode, oprrest, oprjoin]::oid[]) f WHERE o.oid IN (SELECT objid FROM m WHERE classid = 'pg_operator'::regclass)
			UNION ALL SELECT 'aggregate ' || aggfnoid, f FROM pg_aggregate, unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn]::oid[]) f WHERE aggfnoid IN (SELECT objid FROM ours)
			UNION ALL SELECT 'support of ' || oid::regprocedure, prosupport FROM pg_proc WHERE oid IN (SELECT objid FROM ours)
			UNION ALL SELECT 'cast ' || castsource::regtype || castfunc, castfunc FROM pg_cast c WHERE c.oid IN (SELECT objid FROM m WHERE classid = 'pg_cast'::regclass)
			UNION ALL SELECT 'type ' || t.oid::regtype, f FROM pg_type t, unnest(ARRAY[typinput, typoutput, typreceive, typsend, typmodin]::oid[]) f WHERE t.oid IN (SELECT objid FROM m WHERE classid = 'pg_type'::regclass) AND typelem = 0
			UNION ALL SELECT 'family ' || opfname, amproc::oid FROM pg_amproc JOIN pg_opfamily f ON f.oid = amprocfamily WHERE f.oid IN (SELECT objid FROM m WHERE classid = 'pg_opfamily'::regclass)
			UNION ALL SELECT 'family ' || opfname, oprcode::oid FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily JOIN pg_operator o ON o.oid = amopopr WHERE f.oid IN (SELECT objid FROM m WHERE classid = 'pg_opfamily'::regclass))
	SELECT count(*), count(*) FILTER (WHERE function <> 0 AND function NOT IN (SELECT objid FROM ours)
		AND function NOT IN (SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace)) FROM named));
like($foreign, qr/^\d{3,}\|0$/, 'its objects refer to its own and to PostgreSQL\'s only');
is($node->safe_psql('app', qq(SELECT count(*) FROM pg_proc p, unnest(proargtypes::oid[] || prorettype) t JOIN pg_type ON pg_type.oid = t
	WHERE p.oid IN (SELECT objid FROM ($members) m WHERE classid = 'pg_proc'::regclass) AND typowner = 'attacker'::regrole)), '0', 'no argument has a planted type');
is($node->safe_psql('app', qq(SELECT string_agg(opcname, ',') FROM pg_opclass o WHERE oid IN (SELECT objid FROM ($members) m) AND NOT amvalidate(oid))), '', 'every operator class is valid');

# The catalog: nothing runs with another's rights or by a search_path.
is($node->safe_psql('app', qq(SELECT count(*) FROM pg_proc p JOIN pg_language l ON l.oid = prolang WHERE p.oid IN (SELECT objid FROM ($members) m)
	AND (prosecdef OR lanname <> 'c' AND prokind <> 'a'))), '0', 'no function is SECURITY DEFINER, all are in C');
is($node->safe_psql('app', qq(SELECT count(*) FROM pg_proc p WHERE p.oid IN (SELECT objid FROM ($members) m)
	AND 'internal'::regtype = prorettype AND 'internal'::regtype <> ALL (proargtypes))), '0', 'none makes an internal value of others');
is($node->safe_psql('app', qq(SELECT string_agg(DISTINCT rolsuper::text, ',') FROM pg_proc p JOIN pg_roles r ON r.oid = proowner WHERE p.oid IN (SELECT objid FROM ($members) m))), 'true',
	'they belong to a superuser, though the extension does not');

# Whose the extension is has no more rights on its functions than others.
($out, $err) = as('dbowner', 'app', q(
	SELECT quiver_index_stats(1::regclass);
	GRANT EXECUTE ON FUNCTION quiver_index_stats(regclass) TO attacker;
	ALTER FUNCTION l2_distance(vector, vector) SECURITY DEFINER;
	CREATE OR REPLACE FUNCTION l2_distance(vector, vector) RETURNS float8 LANGUAGE sql AS 'SELECT 1.0::float8';
	ALTER EXTENSION quiver DROP FUNCTION l2_distance(vector, vector);
	ALTER OPERATOR FAMILY vector_l2_ops USING quiver ADD FUNCTION 1 (bit, bit) quiver_vector_l2_class(internal);
	CREATE OPERATOR CLASS mine FOR TYPE vector USING quiver AS FUNCTION 1 quiver_vector_l2_class(internal);
	CREATE ACCESS METHOD mine TYPE INDEX HANDLER quiver_handler;
	CREATE FUNCTION mine(cstring) RETURNS internal LANGUAGE c AS 'quiver', 'quiver_vector_in';
	CREATE CAST (bytea AS vector) WITHOUT FUNCTION;
	CREATE FUNCTION mine(float8) RETURNS float8 LANGUAGE sql SUPPORT quiver_distance_support AS 'SELECT $1';
));
is(join(' ', $err =~ /ERROR:  (\w{5}):/g), join(' ', ('42501') x 11), 'the owner of the extension may change none of its parts');
is($out, '', '... nor call what is not his');

# Exact names: then nothing is created, and what was planted stays what it was.
for my $planted (
	'CREATE FUNCTION quiver_simd_level() RETURNS text LANGUAGE sql AS \'SELECT current_user::text\'',
	'CREATE FUNCTION hamming_distance(bit, bit) RETURNS float8 LANGUAGE sql AS \'SELECT 1.0::float8\'',
	'CREATE FUNCTION quiver_below(float8) RETURNS float8 LANGUAGE sql AS \'SELECT $1\'',
	'CREATE FUNCTION h(bit, bit) RETURNS float8 LANGUAGE sql AS \'SELECT 1.0::float8\'; CREATE OPERATOR <~> (LEFTARG = bit, RIGHTARG = bit, FUNCTION = h)',
	'CREATE TYPE vector AS (x int)', 'CREATE DOMAIN halfvec AS text')
{
	my ($name) = $planted =~ /^(?:CREATE FUNCTION h.*)?CREATE \w+ ([\w<~>]+)/;
	$node->safe_psql('postgres', "CREATE DATABASE app2 OWNER dbowner");
	$node->safe_psql('app2', 'CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO attacker, dbowner');
	as('attacker', 'app2', "SET search_path = s; $planted");
	($out, $err) = as('dbowner', 'app2', 'CREATE EXTENSION quiver SCHEMA s');
	like($err, qr/ERROR:  42(710|723|P07):/, "not over: $planted");
	is($node->safe_psql('app2', "SELECT (SELECT count(*) FROM pg_am WHERE amname = 'quiver') + (SELECT count(*) FROM pg_extension WHERE extname = 'quiver')"), '0', '... and nothing is left');
	$node->safe_psql('postgres', 'DROP DATABASE app2');
}

# --- planning: a constructor planted beside the extension's

$node->safe_psql('app', q(
	CREATE SCHEMA victim;
	CREATE TABLE victim.t (id int, v vector(3));
	INSERT INTO victim.t SELECT i, ARRAY[i, i % 7, 1]::vector FROM generate_series(1, 200) i;
	CREATE INDEX t_v ON victim.t USING quiver (v);
	ANALYZE victim.t;
));
($out, $err) = as('attacker', 'app', join('', map { qq(
	CREATE FUNCTION public.quiver_${_}_bound(vector, float8) RETURNS quiver_bound IMMUTABLE LANGUAGE plpgsql AS
		'BEGIN RAISE WARNING ''captured as %'', current_user; RETURN quiver_l2_bound(\$1, \$2); END';) } 'hamming', 'jaccard'));
is($err, '', 'a constructor of another metric is planted');
($out, $err) = as('postgres', 'app', q(
	EXPLAIN SELECT * FROM victim.t WHERE quiver_within(v, '[1,2,3]', 1, 'hamming');
	SELECT count(*) FROM victim.t WHERE quiver_within(v, '[1,2,3]', 1, 'jaccard');
	SELECT count(*) FROM victim.t WHERE quiver_within(v, '[1,2,3]', 1);
));
unlike($err, qr/captured/, 'planning a superuser\'s statement does not run it');
is(join(' ', $err =~ /ERROR:  (\w{5}):/g), '22023', 'and the distance is refused');
like($out, qr/^\d+$/m, 'while others work');

# --- a check and a hostile index expression: superuser asks, attacker owns

$node->safe_psql('app', q(
	CREATE TABLE victim.log (what text);
	CREATE ROLE group_of_attacker;
	GRANT group_of_attacker TO attacker;
));
as('attacker', 'app', q(
	SET search_path = public;
	CREATE FUNCTION public.twice(vector) RETURNS vector IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
	CREATE FUNCTION public.holds(vector) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
	CREATE TABLE public.bait (id int, v vector(3));
	INSERT INTO bait SELECT i, ARRAY[i, 1, 2]::vector FROM generate_series(1, 20) i;
	CREATE INDEX bait_expression ON bait USING quiver ((twice(v)::vector(3)));
	CREATE INDEX bait_predicate ON bait USING quiver (v) WHERE holds(v);
	CREATE TABLE loot (what text);
	CREATE TABLE deferred (i int, PRIMARY KEY (i) DEFERRABLE INITIALLY DEFERRED);
	CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''fired as %'', current_user; RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER later AFTER INSERT ON loot DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fired();
	CREATE FUNCTION definer() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RAISE WARNING ''definer as %'', current_user; END';
));
my %attempts = (
	'role' => 'SET ROLE postgres', 'role in the group' => 'SET ROLE group_of_attacker', 'reset role' => 'RESET ROLE', 'session' => 'SET SESSION AUTHORIZATION DEFAULT', 'session of another' => 'SET SESSION AUTHORIZATION postgres',
	'superuser' => 'ALTER ROLE attacker SUPERUSER', 'grant' => 'GRANT postgres TO attacker', 'temporary table' => 'CREATE TEMP TABLE t (i int)', 'write' => q(INSERT INTO victim.log VALUES ('captured')),
	'program' => q(COPY public.loot FROM PROGRAM 'id'), 'file' => q(SELECT pg_read_file('PG_VERSION')), 'cursor' => 'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'deferred trigger' => q(INSERT INTO public.loot VALUES ('later')),
	'function' => q(CREATE FUNCTION public.f() RETURNS int LANGUAGE c AS 'quiver', 'quiver_simd_level'), 'hook' => q(SET session_preload_libraries = 'x'),
	'path' => q(SELECT set_config('search_path', 'evil', false)), 'setting' => q(SELECT set_config('quiver.ef_search', '7', false)), 'role by setting' => q(SELECT set_config('role', 'postgres', false)), 'session by setting' => q(SELECT set_config('session_authorization', 'postgres', false)),
	'definer' => 'SELECT public.definer()', 'check' => q(SELECT quiver_check('public.bait_expression', true)), 'commit' => 'COMMIT', 'drop' => 'DROP INDEX public.bait_expression', 'truncate' => 'TRUNCATE public.bait', 'reindex' => 'REINDEX TABLE public.bait',
	'delete' => 'DELETE FROM public.bait', 'raise' => q(DO $x$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'XX000'; END $x$), 'wrong dimensions' => undef);
for my $index ('bait_expression', 'bait_predicate')
{
	my ($function, $result, $value) = $index eq 'bait_expression' ? ('twice', 'vector', '$1') : ('holds', 'bool', 'true');
	for my $attempt (sort keys %attempts)
	{
		my $sql = $attempts{$attempt};
		my $body = defined $sql ? "BEGIN EXECUTE \$y\$$sql\$y\$; RETURN $value; END" : $function eq 'twice' ? "BEGIN RETURN '[1,2]'; END" : 'BEGIN RETURN NULL; END';
		as('attacker', 'app', "CREATE OR REPLACE FUNCTION public.$function(vector) RETURNS $result VOLATILE LANGUAGE plpgsql AS \$z\$$body\$z\$");
		my ($before) = as('postgres', 'app', 'SHOW search_path');
		($out, $err) = as('postgres', 'app', qq(
			SELECT count(*) FROM quiver_check('public.$index', true) WHERE severity <> 'info';
			SELECT current_user, session_user, current_setting('search_path'), current_setting('quiver.ef_search'), (SELECT count(*) FROM public.bait),
				(SELECT count(*) FROM victim.log), (SELECT rolsuper FROM pg_roles WHERE rolname = 'attacker'), pg_has_role('attacker', 'postgres', 'MEMBER'),
				(SELECT count(*) FROM pg_cursors WHERE is_holdable), (SELECT count(*) FROM pg_index WHERE indrelid = 'public.bait'::regclass), (SELECT count(*) FROM public.loot);
		));
		# What DML of the owner's own does to his own table, he could do himself; but not while it is being checked by another.
		my $own = $attempt eq 'delete' ? 0 : 20;
		like($out, qr/^postgres\|postgres\|\Q$before\E\|0\|$own\|0\|f\|f\|0\|2\|0$/m, "$index, $attempt: nothing has changed") or diag("$out$err");
		unlike($err, qr/(captured|fired|definer) as postgres|server closed|PANIC/, "$index, $attempt: nothing runs as who asks");
		my @codes = grep { $_ ne 'XX000' || $attempt ne 'raise' } $err =~ /ERROR:  (\w{5}):/g;
		is(join(' ', grep { /^XX/ } @codes), '', "$index, $attempt: @codes");
		if ($attempt eq 'delete')
		{
			as('attacker', 'app', "CREATE OR REPLACE FUNCTION public.$function(vector) RETURNS $result VOLATILE LANGUAGE plpgsql AS 'BEGIN RETURN $value; END'; TRUNCATE public.bait; INSERT INTO public.bait SELECT i, ARRAY[i, 1, 2]::vector FROM generate_series(1, 20) i");
		}
	}
	as('attacker', 'app', "CREATE OR REPLACE FUNCTION public.$function(vector) RETURNS $result IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $value; END'");
}
my ($clean) = as('postgres', 'app', q(REINDEX TABLE public.bait; SELECT count(*) FROM quiver_check('public.bait_expression', true) WHERE severity <> 'info'));
is($clean, '0', 'a sound function, a sound check');

# --- the other way round: who may ask for checks plants what the owner's expression calls

$node->safe_psql('app', q(
	CREATE ROLE monitor LOGIN IN ROLE pg_stat_scan_tables;
	CREATE ROLE careless LOGIN;
	GRANT CREATE ON DATABASE app TO careless, monitor;
	GRANT USAGE ON SCHEMA victim TO PUBLIC;
));
as('careless', 'app', q(
	CREATE SCHEMA careless;
	SET search_path = careless, public;
	CREATE FUNCTION helper(x vector) RETURNS vector IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
	CREATE FUNCTION outer_one(x vector) RETURNS vector IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN helper($1); END';
	CREATE TABLE t (id int, v vector(3));
	CREATE TABLE private (secret text);
	INSERT INTO private VALUES ('7331');
	INSERT INTO t SELECT i, ARRAY[i, 1, 2]::vector FROM generate_series(1, 20) i;
	CREATE INDEX t_e ON t USING quiver ((outer_one(v)::vector(3)));
	GRANT USAGE ON SCHEMA careless TO PUBLIC;
));
as('monitor', 'app', q(
	CREATE SCHEMA trap;
	GRANT USAGE ON SCHEMA trap TO PUBLIC;
	CREATE FUNCTION trap.helper(x vector) RETURNS vector LANGUAGE plpgsql AS
		'BEGIN RAISE WARNING ''captured as %, who knows %'', current_user, (SELECT secret FROM careless.private); RETURN $1; END';
));
($out, $err) = as('monitor', 'app', q(SET search_path = trap, careless, public; SELECT count(*) FROM quiver_check('careless.t_e', true) WHERE severity <> 'info'; SHOW search_path));
unlike($err, qr/captured|7331/, 'whoever asks for a check cannot choose what the owner\'s expression calls');
like($out, qr/^trap, careless, public$/m, 'and has his path back');
($out, $err) = as('postgres', 'app', q(SET search_path = careless, public; SELECT count(*) FROM quiver_check('careless.t_e', true) WHERE severity <> 'info'));
SKIP:
{
	skip 'since 17 the server restricts the path for all', 1 if $node->pg_version >= 17;
	is("$out$err", '0', 'who could be the owner keeps his path');
}

# --- operator classes that cannot be

my $built = q(ARRAY[1,2,3]::vector);
$node->safe_psql('app', q(
	CREATE FUNCTION victim.name_distance(a vector, b vector) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'far'::text$$;
	CREATE OPERATOR victim.<<->> (LEFTARG = vector, RIGHTARG = vector, FUNCTION = victim.name_distance);
));
for my $type (qw(integer bigint smallint boolean float8 name interval uuid point text bytea json tsvector int4[] "char" timestamptz))
{
	$node->safe_psql('app', qq(CREATE FUNCTION victim.distance($type, $type) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT 0.0::float8';
		CREATE OPERATOR victim.<~~> (LEFTARG = $type, RIGHTARG = $type, FUNCTION = victim.distance)));
}
my $class_number = 0;
# type, its value, operators, functions
my @classes = (
	map({ [ $_->[0], $_->[1], "OPERATOR 1 victim.<~~> ($_->[0], $_->[0]) FOR ORDER BY float_ops, FUNCTION 1 $_->[2](internal)" ] } map { my $t = $_; map { [ @$t, "quiver_${_}_class" ] } 'vector_l2', 'halfvec_cosine', 'sparsevec_ip', 'bit_jaccard' }
		[ 'integer', '2147483647' ], [ 'bigint', '-1' ], [ 'smallint', '7' ], [ 'boolean', 'true' ], [ 'float8', '1e300' ], [ 'name', "'abc'" ], [ 'interval', "'1 day'" ], [ 'uuid', "'00000000-0000-0000-0000-000000000001'" ],
		[ 'point', "'(1,2)'" ], [ 'text', "repeat('x', 100)" ], [ 'bytea', "'\\x0300000000000000'" ], [ 'json', "'{}'" ], [ 'tsvector', "'a b'" ], [ 'int4[]', "'{1,2,3}'" ], [ '"char"', "'x'" ], [ 'timestamptz', 'now()' ]),
	[ 'vector', $built, 'OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 quiver_halfvec_l2_class(internal)' ],
	[ 'vector', $built, 'OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 quiver_sparsevec_l2_class(internal)' ],
	[ 'vector', $built, 'OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 quiver_bit_hamming_class(internal)' ],
	[ 'vector', $built, 'OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 array_subscript_handler(internal)' ],
	[ 'vector', $built, 'OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 quiver_within_support(internal)' ],
	[ 'vector', $built, 'OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 quiver_handler(internal)' ],
	[ 'vector', $built, 'OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vector_dims(vector)' ],
	[ 'vector', $built, 'OPERATOR 1 victim.<<->> (vector, vector) FOR ORDER BY text_ops, FUNCTION 1 quiver_vector_l2_class(internal)' ],
	[ 'vector', $built, 'OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, OPERATOR 2 = (vector, vector), FUNCTION 1 quiver_vector_l2_class(internal)' ],
	[ 'vector', $built, 'OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops' ],
	[ 'vector', $built, 'FUNCTION 1 quiver_vector_l2_class(internal)' ],
	[ 'halfvec', '\'[1,2,3]\'', 'OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops, FUNCTION 1 quiver_vector_l2_class(internal)' ],
	[ 'sparsevec', '\'{1:1}/3\'', 'OPERATOR 1 <-> (sparsevec, sparsevec) FOR ORDER BY float_ops, FUNCTION 1 quiver_vector_l2_class(internal)' ],
	[ 'bit', 'B\'101\'', 'OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops, FUNCTION 1 quiver_vector_l2_class(internal)' ]);
my (@accepted, @called_valid, @unclean);
for (@classes)
{
	my ($type, $value, $parts) = @$_;
	my $class = 'hostile_' . ++$class_number;
	my $declared = $type =~ /^(vector|halfvec|sparsevec|bit)$/ ? "$type(3)" : $type eq 'interval' ? 'interval(3)' : $type eq 'timestamptz' ? 'timestamptz(3)' : $type;
	($out, $err) = as('postgres', 'app', qq(
		CREATE OPERATOR CLASS victim.$class FOR TYPE $type USING quiver AS $parts;
		CREATE TABLE victim.$class (x $declared);
		INSERT INTO victim.$class SELECT $value FROM generate_series(1, 10);
		SELECT 'valid ' || amvalidate(oid) FROM pg_opclass WHERE opcname = '$class';
		CREATE INDEX ${class}_x ON victim.$class USING quiver (x victim.$class);
		CREATE UNLOGGED TABLE victim.${class}_unlogged (x $declared);
		CREATE INDEX ON victim.${class}_unlogged USING quiver (x victim.$class);
	));
	push @called_valid, "$type: $parts" if $out !~ /valid false/;
	my @codes = $err =~ /ERROR:  (\w{5}):/g;
	push @accepted, "$type: $parts" if @codes < 2;
	# A class without support function is core's to refuse, which says so with an internal error.
	push @unclean, "$type: $parts: $err" if $err =~ /server closed|terminat/ || grep { $_ ne '42P17' && !($_ eq 'XX000' && $parts !~ /FUNCTION 1/) } @codes;
}
is(join("\n", @called_valid), '', 'amvalidate finds each of ' . scalar(@classes) . ' classes invalid');
is(join("\n", @accepted), '', 'no index of them is built');
is(join("\n", @unclean), '', 'errors are clean');

# A class that turns bad under an index: nothing is called or read that is not ours.
$node->safe_psql('app', q(
	CREATE OPERATOR CLASS victim.turns FOR TYPE vector USING quiver AS OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 quiver_vector_l2_class(internal);
	CREATE TABLE victim.turned (id int, v vector(3));
	INSERT INTO victim.turned SELECT i, ARRAY[i, i % 7, 1]::vector FROM generate_series(1, 50) i;
	CREATE INDEX turned_v ON victim.turned USING quiver (v victim.turns);
));
for my $function ('array_subscript_handler(internal)', 'quiver_handler(internal)', 'quiver_halfvec_l2_class(internal)', 'quiver_bit_hamming_class(internal)', 'quiver_vector_l1_class(internal)')
{
	$node->safe_psql('app', "UPDATE pg_amproc SET amproc = '$function'::regprocedure WHERE amprocfamily = (SELECT oid FROM pg_opfamily WHERE opfname = 'turns') AND amprocnum = 1");
	($out, $err) = as('postgres', 'app', q(
		SET enable_seqscan = off;
		SELECT count(*) FROM (SELECT id FROM victim.turned ORDER BY v <-> '[1,2,3]' LIMIT 5) s;
		SELECT count(*) FROM victim.turned WHERE quiver_within(v, '[1,2,3]', 3);
		INSERT INTO victim.turned VALUES (51, '[1,2,3]');
		SELECT quiver_index_digest('victim.turned_v');
		VACUUM victim.turned;
		REINDEX INDEX victim.turned_v;
	));
	unlike($err, qr/server closed|terminat|XX000/, "a class that has become $function");
	like($err, qr/ERROR:  (42P17|XX002)/, '... is refused');
}
$node->safe_psql('app', "UPDATE pg_amproc SET amproc = 'quiver_vector_l2_class(internal)'::regprocedure WHERE amprocfamily = (SELECT oid FROM pg_opfamily WHERE opfname = 'turns') AND amprocnum = 1");
is($node->safe_psql('app', q(REINDEX INDEX victim.turned_v; SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM victim.turned ORDER BY v <-> '[1,2,3]' LIMIT 5) s)), '5', 'and works again');

# --- a dump with types that are named as ours

$node->safe_psql('postgres', 'CREATE DATABASE source OWNER dbowner');
($out, $err) = as('dbowner', 'source', q(
	CREATE EXTENSION quiver;
	CREATE SCHEMA fake;
	CREATE DOMAIN fake.vector AS text CHECK (VALUE <> 'no');
	CREATE TYPE fake.halfvec AS ENUM ('a', 'b');
	CREATE TYPE fake.sparsevec AS (v public.vector, w fake.vector);
	CREATE DOMAIN fake.three AS public.vector(3) CHECK (public.vector_norm(VALUE) < 1000);
	CREATE FUNCTION fake.l2_distance(fake.vector, fake.vector) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT length($1)::float8';
	CREATE OPERATOR fake.<-> (LEFTARG = fake.vector, RIGHTARG = fake.vector, FUNCTION = fake.l2_distance);
	CREATE TABLE fake.t (id int, v fake.three, f fake.vector, h fake.halfvec, s fake.sparsevec);
	INSERT INTO fake.t SELECT i, ARRAY[i, i % 5, 1]::public.vector, 'text', 'a', ROW('[1,2]'::public.vector, 'x'::fake.vector)::fake.sparsevec FROM generate_series(1, 100) i;
	CREATE INDEX t_v ON fake.t USING quiver (v);
	CREATE INDEX t_e ON fake.t USING quiver ((((s).v)::public.vector(2)));
	SET search_path = fake, public;
	CREATE INDEX t_f ON fake.t USING quiver (f);
	CREATE INDEX t_h ON fake.t USING quiver (h);
	CREATE INDEX t_s ON fake.t USING quiver (s);
	CREATE INDEX t_x ON fake.t USING quiver (f public.vector_l2_ops);
));
is(join(' ', $err =~ /ERROR:  (\w{5}):/g), '42704 42704 42704 42804', 'types named as ours have no operator class');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-U', 'dbowner', '-d', $node->connstr('source'), '-f', $dump ], 'dumped by its owner');
$node->safe_psql('postgres', 'CREATE DATABASE target OWNER dbowner');
my ($restored, $complaints);
$node->psql('target', slurp_file($dump), stdout => \$restored, stderr => \$complaints, extra_params => [ '-U', 'dbowner' ], on_error_stop => 0);
is(join("\n", grep { !/must be owner of extension plpgsql|must be owner of schema public|COMMENT ON|no privileges|must be owner of extension quiver/ } grep { /ERROR/ } split /\n/, $complaints), '', 'restored by one who is no superuser');
my $nearest = q(SET enable_seqscan = off; SELECT string_agg(id::text, ',') FROM (SELECT id FROM fake.t ORDER BY v <-> '[3.1,2,1]' LIMIT 5) s);
is($node->safe_psql('source', $nearest), '3,2,4,1,5', 'what the source answers');
is($node->safe_psql('target', $nearest), $node->safe_psql('source', $nearest), 'and the restored one the same');
is($node->safe_psql('target', q(SELECT count(*) FROM quiver_check('fake.t_v', true) WHERE severity <> 'info')), '0', 'from a sound index');

$node->stop;
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP|AddressSanitizer|runtime error/, 'no process has crashed');

done_testing();
