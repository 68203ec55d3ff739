# Proves: recall@10 on seeded data reaches its threshold with default settings, built and inserted, for each metric and
# at each SIMD level this CPU has, and that index and level named are those that ran.
#
# 15,000 vectors of 32 dimensions in 150 clusters that overlap. The index has about 0.96 here at its defaults, less by the
# inner product, which has no triangle inequality; thresholds leave 0.04 for changes that are no fault. Every SIMD level must
# give the same within 0.02 (sums round differently). A search must touch few pages: recall by sweeping proves nothing.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = 15000;
my $dim = 32;
my $queries = 50;
my %threshold = ('vector_l2_ops' => 0.92, 'vector_cosine_ops' => 0.92, 'vector_ip_ops' => 0.88);

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nmaintenance_work_mem = 256MB\n");
$node->start;

# Components are hashed, not drawn: the same on every version and machine. The sum of three uniform numbers is bell-shaped.
sub point_sql
{
	my ($i) = @_;
	my $bits = sub { "(hashint8extended($_[0], $_[1]) & 65535)" };
	return "(SELECT array_agg(1.5 * (@{[$bits->(qq{$i % 150 * 1000 + j}, 1)]} - 32768) / 65536.0
		+ (@{[$bits->(qq{$i * 1000::bigint + j}, 2)]} + @{[$bits->(qq{$i * 1000::bigint + j}, 3)]} + @{[$bits->(qq{$i * 1000::bigint + j}, 4)]} - 98304) / 65536.0
		ORDER BY j) FROM generate_series(1, $dim) j)::real[]::vector($dim)";
}
$node->safe_psql('postgres', qq(
	CREATE EXTENSION quiver;
	CREATE TABLE data AS SELECT i AS id, @{[point_sql('i')]} AS v FROM generate_series(1, $rows) i;
	CREATE TABLE inserted (id int, v vector($dim));
	CREATE TABLE queries AS SELECT i AS id, @{[point_sql('i')]} AS q FROM generate_series(100001, 100000 + $queries) i;
));

# Recall@10 of table through its index by op, in session settings.
sub recall
{
	my ($table, $op, $settings) = @_;
	my $out = $node->safe_psql('postgres', qq(
		SET enable_seqscan = off;
		$settings
		SELECT quiver_simd_level();
		CREATE TEMP TABLE found AS SELECT q.id AS q, n.id FROM queries q,
			LATERAL (SELECT id FROM $table ORDER BY v $op q.q LIMIT 10) n;
		SET enable_seqscan = on;
		SET enable_indexscan = off;
		CREATE TEMP TABLE exact AS SELECT q.id AS q, n.id FROM queries q,
			LATERAL (SELECT id FROM $table ORDER BY v $op q.q LIMIT 10) n;
		SELECT round(count(*) / (10.0 * $queries), 3) FROM found NATURAL JOIN exact;
	));
	my ($level, $recall) = split /\n/, $out;
	return ($recall, $level);
}

# The plan without any setting names index, and a search touches few pages.
sub uses_index
{
	my ($table, $op, $index) = @_;
	my $plan = $node->safe_psql('postgres', "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF)
		SELECT id FROM $table ORDER BY v $op (SELECT q FROM queries LIMIT 1) LIMIT 10");
	like($plan, qr/Index Scan using $index/, "$table $op uses $index without settings");
	my ($buffers) = $plan =~ /shared hit=(\d+)/;
	cmp_ok($buffers, '<=', 200, "$table $op touches $buffers buffers");
	return;
}

my %ops = ('vector_l2_ops' => '<->', 'vector_ip_ops' => '<#>', 'vector_cosine_ops' => '<=>');

for my $opclass (sort keys %ops)
{
	my $op = $ops{$opclass};
	for my $table ('data', 'inserted')
	{
		my $index = "${table}_$opclass";
		$node->safe_psql('postgres', 'TRUNCATE inserted') if $table eq 'inserted';
		$node->safe_psql('postgres', "CREATE INDEX $index ON $table USING quiver (v $opclass)");
		$node->safe_psql('postgres', 'INSERT INTO inserted SELECT id, v FROM data') if $table eq 'inserted';
		$node->safe_psql('postgres', "ANALYZE $table");
		uses_index($table, $op, $index);
		my ($recall) = recall($table, $op, '');
		cmp_ok($recall, '>=', $threshold{$opclass}, "$table $opclass: recall $recall");
		my ($wide) = recall($table, $op, 'SET quiver.ef_search = 400;');
		cmp_ok($wide, '>=', 0.98, "$table $opclass: recall $wide at ef_search 400");
		$node->safe_psql('postgres', "DROP INDEX $index") if $table eq 'inserted';
	}
}

my %at_level;
for my $level ('scalar', 'avx2', 'avx512', 'neon')
{
	my ($rc) = $node->psql('postgres', "LOAD 'quiver'; SET quiver.simd_level = '$level'");
	next if $rc != 0;
	my ($recall, $ran) = recall('data', '<->', "SET quiver.simd_level = '$level';");
	is($ran, $level, "$level ran");
	cmp_ok($recall, '>=', $threshold{vector_l2_ops}, "$level: recall $recall");
	$at_level{$level} = $recall;
}
ok(exists $at_level{scalar}, 'every CPU has the scalar level');
for my $level (keys %at_level)
{
	cmp_ok(abs($at_level{$level} - $at_level{scalar}), '<=', 0.02, "$level is as good as scalar");
}

done_testing();
