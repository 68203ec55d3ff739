# Tables for random statements: every type, every operator class that exists, rows of every awkward kind.
#
# One row shape (below) in tables that differ in what their indexes are:
#   r_list   few rows: each index is a list, whose answers are exact (is_list below)
#   r_graph  many rows, built, then changed and not vacuumed: a graph
#   r_grown  rows inserted one by one into empty indexes: between list and graph
#   r_parts  partitions by tenant, as large as lists
#   r_empty  nothing
#   r_query  query vectors, no index; 101 is NULL, 102 zero
# Rows 1 .. count; some are NULL, zero, or another row's copy. All have row-level security for the role r_app.

package RandomData;

use strict;
use warnings;

our $DIM = $ENV{QUIVER_DIM} || 96;
our $BITS = $ENV{QUIVER_BITS} || 2048;
our $SPARSE = 10000;

# Column, type, and the operator class of each operator.
our @COLUMNS = (
	{ name => 'v', cast => 'vector', type => "vector($DIM)",
		ops => { '<->' => 'vector_l2_ops', '<#>' => 'vector_ip_ops', '<=>' => 'vector_cosine_ops', '<+>' => 'vector_l1_ops' } },
	{ name => 'h', cast => 'halfvec', type => "halfvec($DIM)",
		ops => { '<->' => 'halfvec_l2_ops', '<#>' => 'halfvec_ip_ops', '<=>' => 'halfvec_cosine_ops', '<+>' => 'halfvec_l1_ops' } },
	{ name => 's', cast => 'sparsevec', type => "sparsevec($SPARSE)",
		ops => { '<->' => 'sparsevec_l2_ops', '<#>' => 'sparsevec_ip_ops', '<=>' => 'sparsevec_cosine_ops', '<+>' => 'sparsevec_l1_ops' } },
	{ name => 'b', cast => "bit($BITS)", type => "bit($BITS)",
		ops => { '<~>' => 'bit_hamming_ops', '<%>' => 'bit_jaccard_ops' } });

our %ROWS = (r_list => 170, r_graph => 3000, r_grown => 2500, r_parts => 600, r_empty => 0);
our $QUERIES = 100;
our $TENANTS = 6;

my $CLUSTERS = 25;

# Whether a column's indexes are lists: entries fit on pages, on fewer than 64 of them (with room to spare); and never sparse.
sub is_list
{
	my ($table, $column) = @_;
	return 0 if $table !~ /^r_(list|parts|empty)$/ || $column eq 's';
	my $in_page = int(8000 / (32 + ($column eq 'b' ? $BITS / 8 : 4 * $DIM)));
	return $in_page > 0 && $ROWS{$table} / $in_page < 55;
}

sub new
{
	my ($class, $seed) = @_;
	srand($seed);
	my $self = bless { centres => [] }, $class;
	for (1 .. $CLUSTERS)
	{
		push @{ $self->{centres} },
		  {
			v => [ map { 1.6 * (rand() + rand() - 1) } 1 .. $DIM ],
			b => join('', map { rand() < 0.4 ? 1 : 0 } 1 .. $BITS),
			s => { map { 1 + int(rand($SPARSE)) => rand() + 0.1 } 1 .. 50 }
		  };
	}
	return $self;
}

# A random point near a centre, as text in COPY's form: v, s, b (h is v).
sub point
{
	my ($self) = @_;
	my $centre = $self->{centres}[ int(rand($CLUSTERS)) ];
	my $v = '[' . join(',', map { sprintf('%.4f', $_ + 0.7 * (rand() + rand() - 1)) } @{ $centre->{v} }) . ']';

	my %s = map { rand() < 0.6 ? ($_ => $centre->{s}{$_} + 0.3 * rand()) : () } keys %{ $centre->{s} };
	$s{ 1 + int(rand($SPARSE)) } = rand() + 0.05 for 1 .. 12;
	my $s = '{' . join(',', map { sprintf('%d:%.4f', $_, $s{$_}) } sort { $a <=> $b } keys %s) . "}/$SPARSE";

	my $b = $centre->{b};
	for (1 .. $BITS / 10)
	{
		my $i = int(rand($BITS));
		substr($b, $i, 1) = 1 - substr($b, $i, 1);
	}
	return ($v, $s, $b);
}

sub zero
{
	return ('[' . join(',', (0) x $DIM) . ']', "{}/$SPARSE", '0' x $BITS);
}

# Lines for COPY: id, tenant, cat, score, label, v, h, s, b.
sub rows
{
	my ($self, $first, $last) = @_;
	my @lines;
	my @points;
	for my $id ($first .. $last)
	{
		my $luck = rand();
		my @p = $luck < 0.04 ? (('\N') x 3) : $luck < 0.06 ? zero() : $luck < 0.11 && @points ? @{ $points[ rand(@points) ] } : $self->point();
		push @points, \@p;
		my $tenant = rand() < 0.03 ? '\N' : 1 + int($TENANTS * rand() * rand());
		push @lines, join("\t", $id, $tenant, int(rand(10)), rand() < 0.05 ? '\N' : sprintf('%.5f', rand()),
			(qw(red green blue gold))[ rand(4) ], $p[0], $p[0], $p[1], $p[2]);
	}
	return join('', map { "$_\n" } @lines);
}

# The script that makes everything. $exists is the set of operator classes of this version.
sub script
{
	my ($self, $exists) = @_;
	my $columns = join(', ', map { "$_->{name} $_->{type}" } @COLUMNS);
	my $shape = "id int, tenant int, cat int, score float8, label text, $columns";
	my $sql = "CREATE ROLE r_app;\nGRANT CREATE ON SCHEMA public TO r_app;\n";

	$sql .= "CREATE TABLE r_query (id int PRIMARY KEY, tenant int, cat int, score float8, label text, $columns);\n";
	$sql .= "COPY r_query FROM stdin;\n" . $self->rows(1, $QUERIES) . "\\.\n";
	$sql .= "UPDATE r_query SET v = q.v, h = q.h, s = q.s, b = q.b FROM (SELECT * FROM r_query WHERE v IS NOT NULL AND vector_norm(v) > 0
		ORDER BY id LIMIT 1) q WHERE r_query.v IS NULL OR vector_norm(r_query.v) = 0;\n";
	my ($v, $s, $b) = zero();
	$sql .= "INSERT INTO r_query (id) VALUES (101);\n";
	$sql .= "INSERT INTO r_query (id, v, h, s, b) VALUES (102, '$v', '$v', '$s', '$b');\nANALYZE r_query;\n";
	# where a subquery may not stand: the parameters of EXECUTE
	$sql .= "CREATE FUNCTION r_$_->{name}(int) RETURNS " . ($_->{cast} =~ s/\(.*//r) . " LANGUAGE sql STABLE AS 'SELECT $_->{name} FROM r_query WHERE id = \$1';\n"
	  foreach @COLUMNS;

	foreach my $table (sort keys %ROWS)
	{
		my $key = $table eq 'r_parts' ? '' : ', PRIMARY KEY (id)';
		my $parts = $table eq 'r_parts' ? ' PARTITION BY LIST (tenant)' : '';
		$sql .= "CREATE TABLE $table ($shape$key)$parts;\n";
		$sql .= "CREATE TABLE r_parts_1 PARTITION OF r_parts FOR VALUES IN (1);\n"
		  . "CREATE TABLE r_parts_2 PARTITION OF r_parts FOR VALUES IN (2, 3);\n"
		  . "CREATE TABLE r_parts_rest PARTITION OF r_parts DEFAULT;\n" if $parts;
		my $fill = "COPY $table FROM stdin;\n" . $self->rows(1, $ROWS{$table}) . "\\.\n";
		my $indexes = '';
		foreach my $column (@COLUMNS)
		{
			foreach my $op (sort keys %{ $column->{ops} })
			{
				my $opclass = $column->{ops}{$op};
				next if !$exists->{$opclass};
				# one class of each type is enough where each row is inserted into each index
				next if $table eq 'r_grown' && $opclass !~ /^(vector_l2|halfvec_cosine|sparsevec_ip|bit_hamming)_ops$/;
				# exact distances in lists; on r_parts only some of the partitions have them
				my $with = $table eq 'r_list' && $column->{name} eq 'v' ? ' WITH (storage = float32)' : '';
				$indexes .= "CREATE INDEX ON $table USING quiver ($column->{name} $opclass)$with;\n";
			}
		}
		$sql .= $table eq 'r_grown' ? $indexes . $fill : $fill . $indexes;
		$sql .= "CREATE INDEX ON $table (cat);\n" if $table eq 'r_graph';
		$sql .= "ALTER TABLE $table ENABLE ROW LEVEL SECURITY;\n";
		$sql .= "CREATE POLICY tenant ON $table TO r_app USING (tenant = NULLIF(current_setting('app.tenant', true), '')::int);\n";
		$sql .= "GRANT ALL ON $table, r_query TO r_app;\nANALYZE $table;\n";
	}

	# Dead rows, moved rows, and rows that came after the build.
	$sql .= "DELETE FROM r_graph WHERE id % 13 = 0;\nVACUUM r_graph;\nDELETE FROM r_graph WHERE id % 17 = 0;\n"
	  . "UPDATE r_graph SET score = score + 1 WHERE id % 19 = 0;\nUPDATE r_graph SET v = (SELECT v FROM r_query WHERE id = 5) WHERE id % 97 = 0;\n"
	  . "COPY r_graph FROM stdin;\n" . $self->rows($ROWS{r_graph} + 1, $ROWS{r_graph} + 100) . "\\.\n"
	  . "DELETE FROM r_list WHERE id % 23 = 0;\n";
	return $sql;
}

# A query that gives distances to choose bounds from: column, operator, and three of ascending size.
sub radius_query
{
	my @parts;
	foreach my $column (@COLUMNS)
	{
		push @parts, map {
			"SELECT '$column->{name}', '$_', percentile_cont(ARRAY[0.005, 0.08, 0.5]) WITHIN GROUP (ORDER BY d) FROM
			(SELECT t.$column->{name} $_ q.$column->{name} AS d FROM r_list t, (SELECT * FROM r_query WHERE id <= 20) q) s WHERE d < 'NaN'"
		} sort keys %{ $column->{ops} };
	}
	return join("\nUNION ALL ", @parts) . ";\n";
}

1;
