# Proves: a build, inserts and searches cancelled at arbitrary moments end with the server's own error, leave no file and
# no lost row behind, and an ordinary role needs no right but those on its table.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE ROLE plain LOGIN;
	GRANT CREATE ON SCHEMA public TO plain;
));

# Everything below is done by the ordinary role.
sub run
{
	my ($sql) = @_;
	my ($stdout, $stderr);
	my $rc = $node->psql('postgres', $sql, stdout => \$stdout, stderr => \$stderr, extra_params => [ '-U', 'plain' ]);
	return ($rc, $stdout, $stderr);
}

my ($rc, $out, $err) = run(q(
	CREATE TABLE t (id int, v vector(64));
	INSERT INTO t SELECT i, (SELECT array_agg(hashint8(i * 100::bigint + j) % 1000)::vector FROM generate_series(1, 64) j)
		FROM generate_series(1, 20000) i;
));
is($rc, 0, 'an ordinary role makes its table');

my $files = "SELECT count(*) FROM pg_ls_dir('base/' || (SELECT oid FROM pg_database WHERE datname = 'postgres')) f WHERE f ~ '^[0-9]+'";
my $before = $node->safe_psql('postgres', $files);
foreach my $ms (5, 20, 60, 150, 300)
{
	($rc, $out, $err) = run("SET statement_timeout = $ms; CREATE INDEX t_v ON t USING quiver (v);");
	like($err, qr/canceling statement due to statement timeout/, "build cancelled after $ms ms");
}
$node->safe_psql('postgres', 'CHECKPOINT');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname = 't_v'"), '0', 'no index is left');
is($node->safe_psql('postgres', $files), $before, 'no file is left');

($rc) = run('CREATE INDEX t_v ON t USING quiver (v); ANALYZE t;');
is($rc, 0, 'the build goes through afterwards');

my $cancelled = 0;
foreach my $ms (1 .. 12)
{
	my $first = 20000 + $ms * 1000;
	my $timeout = $ms * 4;
	($rc, $out, $err) = run(qq{
		SET statement_timeout = $timeout;
		INSERT INTO t SELECT i, (SELECT array_agg(hashint8(i * 100::bigint + j) % 1000)::vector FROM generate_series(1, 64) j)
			FROM generate_series($first, $first + 400) i;
	});
	$cancelled++ if $err =~ /statement timeout/;
}
cmp_ok($cancelled, '>', 0, "inserts cancelled: $cancelled of 12");

($rc, $out, $err) = run("SET statement_timeout = 1; SET enable_seqscan = off; SET enable_sort = off;
	SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 7) LIMIT 100000) s;");
like($err, qr/statement timeout/, 'a search cancelled');

($rc, $out) = run(q(
	SET enable_seqscan = off; SET enable_sort = off;
	SELECT count(*) = (SELECT count(id) FROM t), count(*) = count(DISTINCT id)
		FROM (SELECT id FROM t ORDER BY v <-> (SELECT v FROM t WHERE id = 7) LIMIT 1000000) s;
));
is($out, 't|t', 'every row is found once afterwards');

# Another role sees nothing through the index.
$node->safe_psql('postgres', 'CREATE ROLE other LOGIN');
($rc, $out, $err) = (undef, '', '');
$node->psql('postgres', "SELECT id FROM t ORDER BY v <-> (SELECT v FROM t LIMIT 1) LIMIT 1",
	stdout => \$out, stderr => \$err, extra_params => [ '-U', 'other' ]);
like($err, qr/permission denied for table t/, 'another role is refused');

done_testing();
