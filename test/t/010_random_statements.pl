# Proves: random statements give by the index what they give without it: the same rows where the answer is exact, nearly all
# of the nearest where it is approximate, the same errors, and no crash.
#
# test/random/README.md tells how statements are made and judged, and how to run one alone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../random";

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use RandomData;
use RandomOracle;
use RandomStatement;

my $seed = $ENV{QUIVER_SEED} || 20240610;
my $count = $ENV{QUIVER_STATEMENTS} || ($ENV{QUIVER_DEEP} ? 10000 : 1000);
my $only = $ENV{QUIVER_STATEMENT};
note("seed $seed, $count statements");

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off\nmaintenance_work_mem = 256MB\nstatement_timeout = 60s\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION quiver');

# What this version has.
my %exists = map { $_ => 1 } split /\n/, $node->safe_psql('postgres',
	"SELECT opcname FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod WHERE amname = 'quiver'");
if (my $classes = $ENV{QUIVER_CLASSES})
{
	/$classes/ || delete $exists{$_} foreach keys %exists;
}
my $within = $node->safe_psql('postgres', "SELECT count(*) FROM pg_proc WHERE proname = 'quiver_within'");
my $exact_order = $node->safe_psql('postgres', "LOAD 'quiver'; SELECT count(*) FROM pg_settings WHERE name = 'quiver.exact_order'");
note('operator classes: ', join(' ', sort keys %exists));

# Each class that exists builds an index; one that does not is left out of the rest.
my @unbuilt;
foreach my $column (@RandomData::COLUMNS)
{
	foreach my $opclass (grep { $exists{$_} } values %{ $column->{ops} })
	{
		my $rc = $node->psql('postgres', "CREATE TABLE probe (c $column->{type}); CREATE INDEX ON probe USING quiver (c $opclass); DROP TABLE probe", on_error_die => 0);
		next if $rc == 0;
		push @unbuilt, $opclass;
		delete $exists{$opclass};
		$node->safe_psql('postgres', 'DROP TABLE IF EXISTS probe');
	}
}
is("@unbuilt", '', 'operator classes that build no index');

my $dir = PostgreSQL::Test::Utils::tempdir();
my $began = time;
append_to_file("$dir/data.sql", RandomData->new($seed)->script(\%exists));
my $psql = 'PGOPTIONS="-c client_min_messages=error" psql -d "' . $node->connstr('postgres') . '"';
is(system("$psql -X -q -v ON_ERROR_STOP=1 -f '$dir/data.sql' > '$dir/data.txt' 2>&1"), 0, 'tables are made') or BAIL_OUT(slurp_file("$dir/data.txt"));
note(sprintf('tables: %.1f s', time - $began));

my %radius;
foreach (split /\n/, $node->safe_psql('postgres', RandomData::radius_query()))
{
	my ($column, $op, $radii) = split /\|/;
	$radius{$column}{$op} = [ split /,/, $radii =~ tr/{}//dr ];
}

my $maker = RandomStatement->new(seed => $seed, exists => \%exists, within => $within, exact_order => $exact_order,
	version => int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000), radius => \%radius);
my $oracle = RandomOracle->new(psql => $psql, dir => $dir);
$began = time;
my @numbers = $only ? ($only) : (1 .. $count);
my $alive = 1;
my $batch = 0;
while (my @some = splice(@numbers, 0, 250))
{
	$alive = $oracle->run(map { $maker->make($_) } @some) or last;
	# changes were rolled back, but leave entries
	$node->safe_psql('postgres', 'VACUUM r_grown, r_list') if ++$batch % 3 == 0;
}
note(sprintf('%d statements, %.1f s; %d of %d plans by the index (%d by a bound), %d statements in error both ways',
	$oracle->{statements}, time - $began, $oracle->{by_index}, $oracle->{planned}, $oracle->{by_bound}, $oracle->{errors} // 0));

ok($alive, 'the server has run all statements');
my @failures = @{ $oracle->{failures} };
is(scalar(@failures), 0, "wrong answers (seed $seed)");
diag(RandomOracle::describe($_)) foreach @failures > 20 ? @failures[ 0 .. 19 ] : @failures;
my $all = "$PostgreSQL::Test::Utils::log_path/010_failures.sql";
append_to_file($all, "-- " . RandomOracle::describe($_)) foreach @failures;
diag(scalar(@failures) . " failures: all are in $all") if @failures > 20;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'no crash in the log');

foreach my $check (sort keys %{ $oracle->{recall} })
{
	note(sprintf('%s %-30s %.4f of %d', $check, $_, $oracle->{recall}{$check}{$_}{found} / $oracle->{recall}{$check}{$_}{of}, $oracle->{recall}{$check}{$_}{of}))
	  foreach sort keys %{ $oracle->{recall}{$check} };
}
if (!$only)
{
	cmp_ok($oracle->{by_index}, '>', 0.4 * $oracle->{planned}, 'most statements that could, used the index');
	# measured over four seeds: 0.989 and more, 0.9998 and more; the rest is for other seeds and machines
	my %least = (recall => 0.97, bound => 0.99);
	foreach my $check (sort keys %least)
	{
		my ($found, $of) = $oracle->recall($check);
		cmp_ok($found, '>=', $least{$check} * $of, sprintf('%s: %d of %d rows, %.4f', $check, $found, $of, $of ? $found / $of : 1));
	}
}

done_testing();
