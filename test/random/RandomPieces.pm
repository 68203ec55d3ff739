# What random statements are made of: chance, subjects, query vectors, bounds, conditions, searches.

package RandomPieces;

use strict;
use warnings;

use Exporter 'import';

use RandomData;

our @EXPORT = qw(chance pick between weighted judge);

sub chance { return rand() < $_[0] }
sub pick { return $_[ int(rand(@_)) ] }
sub between { return $_[0] + int(rand($_[1] - $_[0] + 1)) }

sub weighted
{
	my $sum = 0;
	$sum += $_->[0] foreach @_;
	my $at = rand() * $sum;
	foreach (@_)
	{
		$at -= $_->[0];
		return $_->[1] if $at < 0;
	}
	return $_[-1][1];
}

# Table, column, operator: mostly such that an index serves them.
sub subject
{
	my ($self, $table) = @_;
	$table ||= weighted([ 30, 'r_list' ], [ 40, 'r_graph' ], [ 12, 'r_grown' ], [ 14, 'r_parts' ], [ 4, 'r_empty' ]);
	my ($column, $op, $opclass, $indexed);
	for (1 .. 8)
	{
		$column = weighted([ 4, $RandomData::COLUMNS[0] ], map { [ 2, $_ ] } @RandomData::COLUMNS[ 1 .. 3 ]);
		$op = pick(sort keys %{ $column->{ops} });
		$opclass = $column->{ops}{$op};
		$indexed = $self->{exists}{$opclass}
		  && ($table ne 'r_grown' || $opclass =~ /^(vector_l2|halfvec_cosine|sparsevec_ip|bit_hamming)_ops$/);
		last if $indexed;
	}
	# what rounding of a stored copy may change of a distance, amply: vectors of 96 dimensions have lengths of about 7
	my $scale = $RandomData::DIM / 96;
	my %eps = ('<->' => 0.02 * sqrt($scale), '<#>' => 0.1 * $scale, '<=>' => 0.002, '<+>' => 0.2 * $scale, '<~>' => 1e-9, '<%>' => 1e-7);
	return {
		table => $table, column => $column->{name}, cast => $column->{cast}, op => $op, class => $opclass, indexed => $indexed,
		approximate => $indexed && !RandomData::is_list($table, $column->{name}), eps => $table eq 'r_list' && $column->{name} eq 'v' ? 1e-4 * $scale : $eps{$op} };
}

# The query vector: from r_query, rarely NULL or zero, or nearly so far that everything is equally far.
sub query
{
	my ($self, $on) = @_;
	my $id = chance(0.04) ? pick(101, 102) : between(1, $RandomData::QUERIES);
	my $value = "(SELECT $on->{column} FROM r_query WHERE id = $id)";
	return $value if chance(0.75);
	return "NULL::$on->{cast}" if chance(0.1);
	my $hot = between(1, 5);
	return "(array_fill(0.5::real, ARRAY[$hot]) || array_fill(-0.25::real, ARRAY[$RandomData::DIM - $hot]))::$on->{cast}" if $on->{column} =~ /^[vh]$/;
	return "'{" . join(',', map { $_ * 400 . ':0.75' } 1 .. 4 * $hot) . "}/$RandomData::SPARSE'" if $on->{column} eq 's';
	return "(~(SELECT b FROM r_query WHERE id = $hot))";
}

# A distance as a bound: from the radii measured, sometimes a strange one.
sub radius
{
	my ($self, $on) = @_;
	return pick("'Infinity'", "'NaN'", "'-Infinity'", '0', '-1000', '1e300') . '::float8' if chance(0.08);
	my $r = $self->{radius}{ $on->{column} }{ $on->{op} }[ weighted([ 5, 0 ], [ 3, 1 ], [ 1, 2 ]) ];
	return chance(0.15) ? "(SELECT $r\::float8)" : "$r\::float8";
}

# A condition that bounds the distance to q.
sub bound
{
	my ($self, $on, $alias, $q) = @_;
	my $d = chance(0.15) ? "$q $on->{op} $alias.$on->{column}" : "$alias.$on->{column} $on->{op} $q";
	my $r = $self->radius($on);
	my $metric = $on->{class} =~ s/^[a-z]+_(\w+)_ops$/$1/r;
	if ($self->{within} && chance(0.35))
	{
		return "$alias.$on->{column} <@ quiver_${metric}_bound($q, $r)" if chance(0.3) && $q !~ /^'/;
		return "quiver_within($alias.$on->{column}, $q, $r" . ($metric =~ /^(l2|hamming)$/ && chance(0.5) ? ')' : ", '$metric')");
	}
	return pick("$d < $r", "$d <= $r", "$r > $d", "$r >= $d", "$d BETWEEN -1e9 AND $r", "1 - ($d) > 1 - $r");
}

# A condition on alias; sets $s->{bounded} where a graph may serve one of the distance among it.
sub condition
{
	my ($self, $s, $on, $alias, $depth) = @_;
	$depth //= 2;
	if ($depth && chance(0.25))
	{
		my $glue = pick(' AND ', ' AND ', ' OR ');
		return '(' . join($glue, map { $self->condition($s, $on, $alias, $glue eq ' OR ' ? 0 : $depth - 1) } 1 .. 2) . ')';
	}
	if ($depth && chance(0.15))
	{
		my $other = chance(0.3) ? $self->subject($on->{table}) : $on;
		$s->{bounded} ||= $other->{approximate};
		return $self->bound($other, $alias, $self->query($other));
	}
	my ($n, $m) = (between(0, 9), between(1, 9));
	my $c = pick("$alias.cat = $n", "$alias.cat IN ($n, $m)", "$alias.cat < $m", "$alias.cat = ANY (ARRAY[$n, $m, NULL])",
		sprintf('%s.score > 0.%03d', $alias, between(0, 999)), "$alias.score BETWEEN 0.$n AND 0.9", "$alias.score IS NULL",
		"$alias.label = 'gold'", "$alias.label LIKE 'g%'", "$alias.id % $m = 0", "$alias.id BETWEEN ${n}0 AND ${n}0 + ${m}00",
		"$alias.tenant = $m", "$alias.tenant = (SELECT $m)", "$alias.tenant IS NULL", "$alias.$on->{column} IS NOT NULL",
		"$alias.$on->{column} IS NULL", "$alias.id IN (SELECT x.id FROM r_query x WHERE x.cat < $m)",
		"EXISTS (SELECT 1 FROM r_query x WHERE x.id = $alias.id)", "NOT EXISTS (SELECT 1 FROM r_query x WHERE x.id = $alias.id)",
		"$alias.id = $n", 'false', 'true', 'NULL::bool', "$alias.score + $alias.cat > $n");
	return chance(0.1) ? "NOT ($c)" : $c;
}

sub where
{
	my ($self, $s, $on, $alias, @more) = @_;
	push @more, $self->condition($s, $on, $alias) if chance(0.55);
	return @more ? ' WHERE ' . join(' AND ', @more) : '';
}

# Sets check, eps and class for rows that are all (limited: the nearest of) what qualifies.
sub judge
{
	my ($s, $on, $limited) = @_;
	$s->{eps} = $on->{eps};
	$s->{class} = "$on->{table} $on->{class}";
	$s->{check} = !$limited ? 'keys' : $on->{approximate} ? 'recall' : 'dist';
	$s->{check} = 'bound' if $s->{bounded};
	return;
}

# LIMIT and OFFSET; says whether they leave rows out.
sub limit
{
	my ($self, $on) = @_;
	return ('', 0) if chance(0.1);
	return (' LIMIT ' . pick(100000, 5000), 0) if chance(0.12);
	return (' LIMIT ' . pick(0, 'NULL', '(SELECT 3)'), 1) if chance(0.04);
	my $k = weighted([ 6, 10 ], [ 5, between(1, 20) ], [ 3, between(20, 100) ], [ 1, between(100, 500) ]);
	return (" LIMIT $k", 1) if chance(0.8);
	return (pick(" LIMIT $k OFFSET ", " OFFSET %d FETCH NEXT $k ROWS ONLY") =~ s/OFFSET $/OFFSET %d/r, 2);
}

# SELECT of key and distance, nearest first. %with: table, key, limit (text), q, where
sub core
{
	my ($self, $s, %with) = @_;
	my $on = $with{on} || $self->subject($with{table});
	my $q = $with{q} // $self->query($on);
	my ($limit, $limited) = defined $with{limit} ? ($with{limit}, 1) : $self->limit($on);
	my $offset = between(0, 30);
	$limit = sprintf($limit, $offset) if $limited == 2;
	my $alias = pick('a', 't');
	my $where = $self->where($s, $on, $alias, $with{where} ? @{ $with{where} } : ());
	my $d = chance(0.1) ? "$q $on->{op} $alias.$on->{column}" : "$alias.$on->{column} $on->{op} $q";
	my $by = $with{nodistance} || chance(0.3) ? $d : 2;
	my $columns = $with{nodistance} ? "$alias.id" : "$alias.id, $d AS d";
	judge($s, $on, $limited);
	# the rows an approximate scan skips are not the exact scan's
	$s->{check} = { recall => 'count', bound => 'fewer' }->{ $s->{check} } // $s->{check} if $limited == 2;
	return ("SELECT $columns FROM $on->{table} $alias$where ORDER BY $by$limit", $on, $d);
}

1;
