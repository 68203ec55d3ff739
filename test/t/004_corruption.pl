# Proves: a damaged index file gives errors that name the index (XX002, or 0A000 for an unknown format), never a crash, an
# endless loop or a wrong row; the server stays up, and REINDEX puts it right. Bytes of every page and of every field
# are overwritten, in the meta page one by one, elsewhere by a seeded choice.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{QUIVER_SEED} || 20240607;
srand($seed);
note("seed $seed");

my $node = PostgreSQL::Test::Cluster->new('node');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nstatement_timeout = 60s\nrestart_after_crash = off\nfull_page_writes = on\n");
$node->start;

# A graph (many rows) and a list (few).
$node->safe_psql('postgres', q(
	CREATE EXTENSION quiver;
	CREATE TABLE graph (id int, v vector(8));
	INSERT INTO graph SELECT i, ARRAY[i % 101, i % 97, i % 89, i % 83, i % 79, i % 73, i % 71, i % 67]::vector FROM generate_series(1, 9000) i;
	INSERT INTO graph SELECT i, '[1,2,3,4,5,6,7,8]' FROM generate_series(9001, 11000) i;
	CREATE INDEX graph_v ON graph USING quiver (v);
	CREATE TABLE list (id int, v vector(8));
	INSERT INTO list SELECT * FROM graph WHERE id % 40 = 0;
	CREATE INDEX list_v ON list USING quiver (v);
	CHECKPOINT;
));

my $block_size = 8192;

# What may happen to a statement that meets damage.
my $allowed = qr/^(XX002|0A000|XX001|54000)$/;

# Runs reads and writes through the index of table; counts errors, fails on other SQLSTATEs or a lost server.
sub exercise
{
	my ($table, $name) = @_;
	my $bad = 0;
	my $errors = 0;
	for my $sql (
		"SELECT id FROM $table ORDER BY v <-> '[9,8,7,6,5,4,3,2]' LIMIT 10",
		"SELECT count(*) FROM (SELECT id FROM $table ORDER BY v <-> '[1,2,3,4,5,6,7,8]' LIMIT 1000000) s",
		"BEGIN; INSERT INTO $table VALUES (99999, '[1,2,3,4,5,6,7,9]'); ROLLBACK",
		"VACUUM (INDEX_CLEANUP ON) $table")
	{
		my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSET enable_seqscan = off; SET enable_sort = off;\n$sql;");
		next if $rc == 0 && $err !~ /ERROR/;
		$errors++;
		my ($state) = $err =~ /ERROR:\s+(\w{5}):/;
		if (!defined $state || $state !~ $allowed)
		{
			$bad++;
			diag("$name: $sql: rc $rc: $err");
		}
		elsif ($state eq 'XX002' && $err !~ /index "${table}_v" .*(corrupted)/)
		{
			$bad++;
			diag("$name: does not name the index: $err");
		}
	}
	return ($bad, $errors);
}

# Puts bytes into the index file of table at offset, with the server down.
sub damage
{
	my ($path, $offset, $bytes) = @_;
	open(my $file, '+<:raw', $path) or die "could not open $path: $!";
	sysseek($file, $offset, 0) or die;
	syswrite($file, $bytes) == length($bytes) or die;
	close($file);
	return;
}

my %path;
my %pages;
for my $table ('graph', 'list')
{
	$path{$table} = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('${table}_v')");
	$pages{$table} = $node->safe_psql('postgres', "SELECT pg_relation_size('${table}_v') / $block_size");
	cmp_ok($pages{$table}, '>', 1, "$table has pages");
}
$node->stop;
my %whole = map { $_ => slurp_file($path{$_}) } keys %path;

my $bad = 0;
my $errors = 0;
my $rounds = 0;

# Starts the server over damaged files, exercises both tables, stops it, and puts the files back.
sub round
{
	my ($name) = @_;
	$node->start;
	for my $table ('graph', 'list')
	{
		my ($b, $e) = exercise($table, $name);
		$bad += $b;
		$errors += $e;
	}
	is($node->safe_psql('postgres', 'SELECT 1'), '1', "$name: the server is up");
	$node->stop;
	for my $table (keys %path)
	{
		open(my $file, '>:raw', $path{$table}) or die;
		print $file $whole{$table};
		close($file);
	}
	$rounds++;
	return;
}

# meta page: the whole of it, zeroed, and stretches of it
for my $offset (24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, $block_size - 16, $block_size - 8)
{
	for my $table (keys %path)
	{
		damage($path{$table}, $offset, "\xff" x 8);
	}
	round("meta page, bytes from $offset");
}
damage($path{$_}, 0, "\0" x $block_size) for keys %path;
round('meta page of zeros');
damage($path{$_}, 0, pack('C*', map { int(rand(256)) } 1 .. $block_size)) for keys %path;
round('meta page of noise');

# other pages: zeros, noise, another page's content, and single bytes
for my $table (keys %path)
{
	damage($path{$table}, $block_size * $_, "\0" x $block_size) for 1 .. 2;
}
round('pages of zeros');
for my $table (keys %path)
{
	for my $block (1 .. $pages{$table} - 1)
	{
		damage($path{$table}, $block_size * $block + 24, pack('C*', map { int(rand(256)) } 1 .. 4000)) if rand() < 0.2;
	}
}
round('pages of noise');
for my $table (keys %path)
{
	for (1 .. $pages{$table} / 4)
	{
		my ($from, $to) = (1 + int(rand($pages{$table} - 1)), 1 + int(rand($pages{$table} - 1)));
		damage($path{$table}, $block_size * $to, substr($whole{$table}, $block_size * $from, $block_size));
	}
}
round('pages exchanged');
for my $repeat (1 .. 6)
{
	for my $table (keys %path)
	{
		for (1 .. 10 * $pages{$table})
		{
			damage($path{$table}, $block_size + int(rand($block_size * ($pages{$table} - 1))), chr(int(rand(256))));
		}
	}
	round("bytes at random, $repeat");
}

# the file cut short
for my $table (keys %path)
{
	truncate($path{$table}, $block_size * (1 + int($pages{$table} / 2))) or die;
}
round('half of the file');

is($bad, 0, "no other error in $rounds rounds ($errors errors)");
cmp_ok($errors, '>', 10, 'damage was noticed');

# REINDEX is the way out
damage($path{graph}, 0, "\0" x $block_size);
$node->start;
$node->safe_psql('postgres', 'REINDEX INDEX graph_v');
is($node->safe_psql('postgres', q(
	SET enable_seqscan = off; SET enable_sort = off;
	SELECT count(DISTINCT id) FROM (SELECT id FROM graph ORDER BY v <-> '[1,2,3,4,5,6,7,8]' LIMIT 1000000) s)), '11000', 'REINDEX puts it right');
$node->stop;

done_testing();
