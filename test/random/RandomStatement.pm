# Random statements over the tables of RandomData, each a pure function of seed and number, and how its answers are judged.
#
# A statement is a hash:
#   commands    SQL commands in order; their rows, key|distance, are what is judged
#   settings    SET commands for the run by the index, beyond the mode's own
#   role        SQL for both runs, that makes the session a tenant among others; or empty
#   check       keys    the same keys
#               dist    as many rows, each once, at the same distances (within eps: what a stored copy rounds)
#               recall  as many rows, each once, none nearer than the nearest; how many are the nearest is measured
#               bound   no row that the exact scan has not; how many of its rows there are is measured
#               subset  as recall, and rows may be missing (strict order leaves out what comes too late)
#               count   as many rows; fewer: at most as many; any: no check but that of errors
#               in each, rows whose key begins with = are the same (bound, any: not looked at)
#   eps, class, ordered (rows come by ascending distance)

package RandomStatement;

use strict;
use warnings;

use parent -norequire, 'RandomPieces';

use RandomData;
use RandomPieces;

my @SHAPES = (
	[ 30, \&plain ], [ 5, \&lookup ], [ 8, \&lateral ], [ 6, \&cte ], [ 8, \&cursor ], [ 9, \&prepared ], [ 4, \&union_all ], [ 3, \&set_operation ],
	[ 5, \&aggregate ], [ 4, \&membership ], [ 3, \&window ], [ 5, \&unordered ], [ 3, \&then_id ], [ 3, \&change ], [ 2, \&lock_rows ],
	[ 2, \&sample ], [ 5, \&distance_join ], [ 3, \&nearest_one ], [ 3, \&array ], [ 2, \&exists ]);

# exists: operator classes; within: quiver_within is there; exact_order: so is that setting; version: the server's;
# radius: {column}{operator} = three distances
sub new
{
	my ($class, %args) = @_;
	return bless {%args}, $class;
}

sub make
{
	my ($self, $number) = @_;
	# of its own: a statement does not depend on those before
	srand(($self->{seed} * 2654435761 + $number * 40503 + 12345) % 4294967291);
	rand() for 1 .. 5;
	my $s = { role => '', settings => '', eps => 0, number => $number };
	$s->{role} = 'SET app.tenant = ' . pick("'1'", "'1'", "'2'", "'3'", "'5'", "'99'", "''") . '; SET ROLE r_app;' if chance(0.2);
	$s->{settings} .= 'SET quiver.ef_search = ' . pick(10, 20, 100, 400) . ';' if chance(0.1);
	# in both runs: sums round differently
	$s->{role} = "SET quiver.simd_level = scalar;$s->{role}" if chance(0.05);
	$s->{role} = 'SET ' . pick(qw(enable_nestloop enable_hashjoin enable_mergejoin enable_material enable_memoize enable_incremental_sort)) . " = off;$s->{role}"
	  if chance(0.15);
	$s->{role} = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0;' . $s->{role}
	  if chance(0.02);
	weighted(@SHAPES)->($self, $s);
	$s->{natural} = chance(0.3);
	return $s;
}

sub plain
{
	my ($self, $s) = @_;
	my ($sql, $on) = $self->core($s);
	$s->{commands} = [$sql];
	if (!$s->{bounded} && chance(0.12))
	{
		$self->strictly($s, $on);
	}
	elsif (!$s->{bounded} && $on->{indexed} && chance(0.02))
	{
		$s->{settings} .= 'SET quiver.max_scan_tuples = ' . pick(1, 50, 1000) . ';';
		$s->{check} = 'fewer';
	}
	elsif ($on->{table} =~ /graph|list/ && $on->{column} =~ /[vh]/ && chance(0.02))
	{
		# other dimensions: an error either way, where there are rows to compare
		$s->{role} = '';
		$s->{commands} = ["SELECT t.id, NULL FROM $on->{table} t ORDER BY t.$on->{column} $on->{op} '[1,2,3]' LIMIT 3"];
		$s->{commands} = [ "SELECT t.id, NULL FROM $on->{table} t WHERE " . $self->bound($on, 't', "'[1,2,3]'::$on->{cast}") ] if chance(0.5);
	}
	$s->{settings} .= "SET work_mem = '64kB';" if $on->{approximate} && chance(0.06);
	return;
}

# Orders in which a row that would come too late is left out; by exact_order none is out of order.
sub strictly
{
	my ($self, $s, $on) = @_;
	my $exact = $self->{exact_order} && chance(0.6);
	$s->{settings} .= $exact ? 'SET quiver.exact_order = on;' : 'SET quiver.iterative_scan = strict_order;';
	$s->{ordered} = $exact;
	if ($on->{approximate})
	{
		$s->{check} = $s->{check} =~ /count|fewer/ ? 'fewer' : 'subset';
	}
	return;
}

# Without the distance in the list (so nobody reads it); looked up afterwards.
sub lookup
{
	my ($self, $s) = @_;
	my ($sql, $on, $d) = $self->core($s, nodistance => 1, limit => ' LIMIT ' . between(1, 60));
	$d =~ s/\b[at]\.$on->{column}/o.$on->{column}/;
	$s->{commands} = ["SELECT c.id, $d FROM ($sql) c JOIN $on->{table} o ON o.id = c.id"];
	return;
}

sub lateral
{
	my ($self, $s) = @_;
	my $on = $self->subject(pick(undef, 'r_list', 'r_graph'));
	my $few = 'q.id IN (' . join(', ', map { between(1, 102) } 1 .. between(1, 6)) . ')';
	my ($sql) = $self->core($s, on => $on, q => "q.$on->{column}", limit => ' LIMIT ' . between(1, 20));
	my $join = pick('CROSS JOIN LATERAL (%s) n', 'LEFT JOIN LATERAL (%s) n ON true');
	# a row missed turns into a row of NULLs
	$s->{check} = 'any' if $s->{check} eq 'bound' && $join =~ /LEFT/;
	$s->{commands} = [ "SELECT q.id || ':' || coalesce(n.id, -1), n.d FROM r_query q " . sprintf($join, $sql) . " WHERE $few" ];
	return;
}

sub cte
{
	my ($self, $s) = @_;
	my ($sql, $on) = $self->core($s);
	my $kind = pick('', 'MATERIALIZED ', 'NOT MATERIALIZED ');
	my $tail = pick('SELECT c.id, c.d FROM c', "SELECT c.id, c.d FROM c JOIN $on->{table} o ON o.id = c.id",
		"SELECT c.id, c.d FROM c LEFT JOIN r_query o ON o.id = c.id", 'SELECT x.id, x.d FROM c x JOIN c y ON x.id = y.id');
	$s->{commands} = ["WITH c AS $kind($sql) $tail"];
	return;
}

# FETCH in steps, forward and back; what is fetched is the union, so the nearest so many.
sub cursor
{
	my ($self, $s) = @_;
	my $all = chance(0.3);
	my $scroll = !$all && chance(0.3);
	my $on = $self->subject();
	my ($sql) = $self->core($s, on => $on, limit => $all ? '' : pick('', ' LIMIT 200'));
	my @steps = map { between(1, 15) } 1 .. between(1, 4);
	my $hold = chance(0.2);
	my @commands = ('BEGIN', 'DECLARE c ' . ($scroll ? 'SCROLL ' : pick('', 'NO SCROLL ')) . 'CURSOR ' . ($hold ? 'WITH HOLD ' : '') . "FOR $sql");
	push @commands, 'COMMIT' if $hold;
	push @commands, map { "FETCH $_ FROM c" } @steps;
	push @commands, 'FETCH ALL FROM c' if $all;
	push @commands, 'MOVE ABSOLUTE 0 FROM c', 'MOVE BACKWARD ALL FROM c' if $scroll;
	push @commands, 'CLOSE c';
	push @commands, 'COMMIT' if !$hold;
	$s->{commands} = \@commands;
	judge($s, $on, !$all);
	return;
}

# The same statement with several query vectors, by custom and generic plans, tenants changing between.
sub prepared
{
	my ($self, $s) = @_;
	my $on = $self->subject();
	my $more = chance(0.5) ? ' AND t.cat < $3' : ' AND $3::int IS NOT NULL';
	my $sql = "SELECT \$3 || ':' || t.id, t.$on->{column} $on->{op} \$1 AS d FROM $on->{table} t WHERE true$more";
	my $bounded = chance(0.25);
	$s->{bounded} = $bounded && $on->{approximate};
	$sql .= $bounded ? " AND t.$on->{column} $on->{op} \$1 < \$4" : ' AND $4::float8 IS NOT NULL';
	$sql .= " ORDER BY t.$on->{column} $on->{op} \$1 LIMIT \$2";
	my @runs = map {
		my $radius = $self->{radius}{ $on->{column} }{ $on->{op} }[ between(0, 2) ];
		my $id = chance(0.05) ? pick(101, 102) : between(1, $RandomData::QUERIES);
		# the third parameter is the execution's number too: keys of one do not meet those of another
		my $run = "EXECUTE p(r_$on->{column}($id), " . pick(1, 10, 50) . ', ' . ($_ + 3) . ", $radius)";
		$s->{role} =~ /tenant/ && chance(0.5) ? ("SET app.tenant = '" . between(1, 5) . "'", $run) : $run;
	} 1 .. between(2, 5);
	my $cast = $on->{cast} =~ s/\(.*//r;
	$s->{commands} = [ 'SET plan_cache_mode = ' . pick('auto', 'force_generic_plan', 'force_generic_plan', 'force_custom_plan'),
		"PREPARE p($on->{cast}, int, int, float8) AS $sql", @runs, 'DEALLOCATE p' ];
	judge($s, $on, 1);
	return;
}

sub union_all
{
	my ($self, $s) = @_;
	my $on = $self->subject();
	my $q = $self->query($on);
	my $k = between(1, 30);
	my $other = $self->subject(pick('r_list', 'r_graph'));
	my ($one) = $self->core($s, on => $on, q => $q, limit => " LIMIT $k");
	my ($two) = $self->core($s, on => { %$on, table => $other->{table} }, q => $q, limit => ' LIMIT ' . between(1, 30));
	my $approximate = grep { !RandomData::is_list($_->{table}, $on->{column}) } $on, $other;
	$s->{commands} = ["SELECT 'a' || id, d FROM ($one) x UNION ALL SELECT 'b' || id, d FROM ($two) y"];
	judge($s, { %$on, approximate => $approximate, eps => $on->{eps} > 1e-4 ? $on->{eps} : 0.02 }, 1);
	# of two lots, the nearest of both together is not what was asked
	$s->{check} = 'count' if $s->{check} eq 'recall';
	$s->{check} = 'any' if $s->{bounded};
	return;
}

sub set_operation
{
	my ($self, $s) = @_;
	my $op = pick('UNION', 'INTERSECT', 'EXCEPT', 'INTERSECT ALL', 'EXCEPT ALL');
	my $on = $self->subject();
	my @arms = map { my ($sql) = $self->core($s, on => $on, nodistance => 1, limit => pick('', ' LIMIT 100000')); "($sql)" } 1 .. 2;
	$s->{commands} = [ join(" $op ", @arms) ];
	judge($s, $on, 0);
	$s->{check} = 'any' if $s->{check} eq 'bound' && $op =~ /EXCEPT/;
	return;
}

sub aggregate
{
	my ($self, $s) = @_;
	my ($sql, $on) = $self->core($s);
	my $check = $s->{check};
	my @lists = ("'=' || count(*), NULL", "'=' || count(d), NULL");
	push @lists, "'=' || count(*), max(d)" if $check eq 'dist' || $check eq 'keys';
	push @lists, "'=' || count(*) || ' ' || count(DISTINCT id) || ' ' || sum(id), NULL" if $check eq 'keys';
	$s->{commands} = [ 'SELECT ' . pick(@lists) . " FROM ($sql) c" ];
	$s->{check} = $check =~ /bound|fewer/ ? 'any' : 'keys';
	return;
}

sub membership
{
	my ($self, $s) = @_;
	my ($sql, $on, $d) = $self->core($s, nodistance => 1, limit => ' LIMIT ' . between(1, 40));
	$d =~ s/\b[at]\.$on->{column}/o.$on->{column}/;
	$s->{commands} = ["SELECT o.id, $d FROM $on->{table} o WHERE o.id IN ($sql)"];
	return;
}

sub window
{
	my ($self, $s) = @_;
	my $on = $self->subject();
	my $q = $self->query($on);
	my $where = $self->where($s, $on, 't');
	my $k = between(1, 40);
	$s->{commands} = [ "SELECT row_number() OVER (ORDER BY t.$on->{column} $on->{op} $q) || '', t.$on->{column} $on->{op} $q FROM $on->{table} t$where "
		  . pick("ORDER BY t.$on->{column} $on->{op} $q LIMIT $k", 'ORDER BY 2') ];
	judge($s, $on, 1);
	$s->{check} = 'dist' if $s->{commands}[0] !~ /LIMIT/ && $s->{check} eq 'recall';
	return;
}

# No order by distance: every row that qualifies, by whichever path.
sub unordered
{
	my ($self, $s) = @_;
	my $on = $self->subject();
	my @where = chance(0.4) ? $self->bound($on, 't', $self->query($on)) : ();
	$s->{bounded} = 1 if @where && $on->{approximate};
	my $where = $self->where($s, $on, 't', @where);
	$s->{commands} = [ pick("SELECT t.id, NULL FROM $on->{table} t$where", "SELECT t.id, t.$on->{column} $on->{op} t.$on->{column} FROM $on->{table} t$where") ];
	judge($s, $on, 0);
	if ($s->{check} eq 'keys' && chance(0.4))
	{
		$s->{commands} = [ pick("SELECT count(*), NULL FROM $on->{table} t$where", "SELECT 1, NULL FROM $on->{table} t$where",
			"SELECT count(t.$on->{column}), NULL FROM $on->{table} t$where", "SELECT t.cat || ':' || count(*), NULL FROM $on->{table} t$where GROUP BY t.cat") ];
	}
	return;
}

# Ties broken by a second key: a sort above, or an incremental one.
sub then_id
{
	my ($self, $s) = @_;
	my $on = $self->subject();
	my $q = $self->query($on);
	my $where = $self->where($s, $on, 't');
	my ($limit, $limited) = (pick('', ' LIMIT ' . between(1, 30)), 1);
	$s->{commands} = ["SELECT t.id, t.$on->{column} $on->{op} $q AS d FROM $on->{table} t$where ORDER BY t.$on->{column} $on->{op} $q, t.id$limit"];
	judge($s, $on, $limit ne '');
	$self->strictly($s, $on) if !$s->{bounded} && chance(0.3);
	return;
}

# Rows changed that were found by the index; the transaction does not stay.
sub change
{
	my ($self, $s) = @_;
	my $on = $self->subject(pick('r_list', 'r_graph', 'r_grown'));
	my ($sql, undef, $d) = $self->core($s, on => $on, q => $self->query($on), nodistance => 1, limit => ' LIMIT ' . between(1, 10));
	$d =~ s/\b[at]\.$on->{column}/o.$on->{column}/;
	my $do = pick("DELETE FROM $on->{table} o WHERE o.id IN ($sql) RETURNING o.id, $d",
		"UPDATE $on->{table} o SET cat = cat + 1 WHERE o.id = ANY (ARRAY($sql)) RETURNING o.id, $d",
		"WITH x AS (DELETE FROM $on->{table} WHERE id IN ($sql) RETURNING *) SELECT o.id, $d FROM x o");
	$do = "MERGE INTO $on->{table} o USING ($sql) c ON o.id = c.id WHEN MATCHED THEN " . pick('DELETE', 'UPDATE SET cat = 77')
	  if $self->{version} >= 15 && chance(0.15);
	if (chance(0.2))
	{
		my $bound = $self->bound($on, 'o', $self->query($on));
		$do = pick("DELETE FROM $on->{table} o", "UPDATE $on->{table} o SET cat = 1") . " WHERE $bound RETURNING o.id, NULL";
		$s->{bounded} ||= $on->{approximate};
		judge($s, $on, 0);
	}
	# how many remain, and whether the index agrees
	$s->{commands} = [ 'BEGIN', $do, "SELECT '=left ' || count(*), NULL FROM (SELECT id FROM $on->{table} t ORDER BY t.$on->{column} $on->{op} "
		  . $self->query($on) . ' LIMIT 100000) c', 'ROLLBACK' ];
	return;
}

sub lock_rows
{
	my ($self, $s) = @_;
	my ($sql) = $self->core($s, on => $self->subject(pick('r_list', 'r_graph')));
	$s->{commands} = [ 'BEGIN', "$sql FOR " . pick('UPDATE', 'SHARE', 'NO KEY UPDATE SKIP LOCKED'), 'ROLLBACK' ];
	return;
}

# A sample is of the table's blocks and rows; no index may stand in for it.
sub sample
{
	my ($self, $s) = @_;
	my $on = $self->subject();
	my $q = $self->query($on);
	my $from = "$on->{table} t TABLESAMPLE " . pick('BERNOULLI (40)', 'SYSTEM (60)') . ' REPEATABLE (' . between(1, 99) . ')';
	my $where = $self->where($s, $on, 't');
	$s->{commands} = ["SELECT t.id, t.$on->{column} $on->{op} $q FROM $from$where ORDER BY t.$on->{column} $on->{op} $q LIMIT " . pick(5, 100000)];
	judge($s, { %$on, approximate => 0, eps => 1e-5 }, 1);
	return;
}

# Pairs within a distance.
sub distance_join
{
	my ($self, $s) = @_;
	my $on = $self->subject(pick('r_list', 'r_list', 'r_graph', 'r_parts'));
	my $few = 'q.id IN (' . join(', ', map { between(1, 102) } 1 .. between(1, 5)) . ')';
	my $bound = $self->bound($on, 't', "q.$on->{column}");
	$bound = "t.$on->{column} $on->{op} q.$on->{column} < q.score * " . $self->radius($on) if chance(0.2);
	my $join = pick('JOIN', 'LEFT JOIN');
	my $more = chance(0.3) ? ' AND ' . $self->condition($s, $on, 't', 0) : '';
	$s->{bounded} = $on->{approximate};
	$s->{commands} = ["SELECT q.id || ':' || coalesce(t.id, -1), NULL FROM r_query q $join $on->{table} t ON $bound$more WHERE $few"];
	judge($s, $on, 0);
	# a row missed turns into a row of NULLs
	$s->{check} = 'any' if $s->{check} eq 'bound' && $join eq 'LEFT JOIN';
	return;
}

# min() of a distance may be planned as the first row of an index scan.
sub nearest_one
{
	my ($self, $s) = @_;
	my $on = $self->subject();
	my $q = $self->query($on);
	my $where = $self->where($s, $on, 't');
	$s->{commands} = ["SELECT 'min', min(t.$on->{column} $on->{op} $q) FROM $on->{table} t$where"];
	judge($s, $on, 1);
	$s->{check} = 'any' if $s->{check} eq 'bound';
	return;
}

sub array
{
	my ($self, $s) = @_;
	my ($sql, $on, $d) = $self->core($s, nodistance => 1, limit => ' LIMIT ' . between(1, 40));
	$d =~ s/\b[at]\.$on->{column}/o.$on->{column}/;
	$s->{commands} = ["SELECT o.id, $d FROM unnest(ARRAY($sql)) WITH ORDINALITY u(id, n) JOIN $on->{table} o USING (id) ORDER BY u.n"];
	$self->strictly($s, $on) if !$s->{bounded} && chance(0.3);
	return;
}

sub exists
{
	my ($self, $s) = @_;
	my $on = $self->subject();
	$s->{bounded} = $on->{approximate};
	my $bound = $self->bound($on, 't', "q.$on->{column}");
	my $not = chance(0.3) ? 'NOT ' : '';
	$s->{commands} = [ "SELECT q.id, NULL FROM r_query q WHERE q.id < " . between(5, 103) . " AND ${not}EXISTS (SELECT FROM $on->{table} t WHERE $bound)" ];
	judge($s, $on, 0);
	$s->{check} = 'any' if $s->{check} eq 'bound' && $not;
	return;
}

1;
