# Runs random statements twice, by the index and by the exact scan, and judges the one by the other.

package RandomOracle;

use strict;
use warnings;

# Where NaN and NULL stand in the order of distances.
my $NAN = 1e300;
my $NULL = 1.1e300;

my %MODE = (
	forced => 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;',
	natural => '',
	exact => 'SET enable_indexscan = off; SET quiver.planner_hook = off;');

# psql: a command line up to its options; dir: where scripts and answers go
sub new
{
	my ($class, %args) = @_;
	return bless { failures => [], recall => {}, shapes => {}, statements => 0, planned => 0, by_index => 0, by_bound => 0, %args }, $class;
}

# What psql is to do for a statement in a mode. Each command is followed by the error it made; markers begin with @.
sub script
{
	my ($s, $mode) = @_;
	my $settings = $MODE{$mode} . ($mode eq 'exact' ? '' : $s->{settings}) . $s->{role};
	my $text = "\\echo \@S $s->{number} $mode\nROLLBACK; RESET ROLE; RESET ALL; CLOSE ALL; DEALLOCATE ALL;\n";
	$text .= "$settings\n" if $settings ne '';
	$text .= "\\echo \@P\nEXPLAIN (COSTS OFF) $s->{commands}[0];\n" if $mode ne 'exact' && @{ $s->{commands} } == 1;
	$text .= "\\echo \@R\n";
	$text .= "$_;\n\\echo \@E :SQLSTATE\n" foreach @{ $s->{commands} };
	return $text;
}

# Runs statements and judges each; false where the server was lost.
sub run
{
	my ($self, @statements) = @_;
	my %answers;
	my $file = "$self->{dir}/statements.sql";
	open my $out, '>', $file or die "could not write \"$file\": $!";
	foreach my $s (@statements)
	{
		print $out script($s, $s->{natural} ? 'natural' : 'forced'), script($s, 'exact');
	}
	print $out "\\echo \@S 0 end\n";
	close $out;
	system("$self->{psql} -X -q -A -t -f '$file' > '$self->{dir}/answers.txt' 2> '$self->{dir}/errors.txt'");

	open my $in, '<', "$self->{dir}/answers.txt" or die "could not read answers: $!";
	my ($answer, $plan, $ended);
	while (my $line = <$in>)
	{
		chomp $line;
		if ($line =~ /^\@S (\d+) (\w+)/)
		{
			$ended = $2 eq 'end';
			$answer = $answers{$1}{ $2 eq 'exact' ? 'exact' : 'index' } = { rows => [], errors => [] };
		}
		elsif ($line eq '@P') { $plan = 1 }
		elsif ($line eq '@R') { $plan = 0 }
		elsif ($line =~ /^\@E (\w+)/) { push @{ $answer->{errors} }, $1 }
		elsif ($plan)
		{
			$answer->{planned} = 1;
			$answer->{by_bound} = 1 if $line =~ /Index Cond: .*<@/;
			$answer->{by_index} = 1 if $line =~ /^\s*Order By: / || $answer->{by_bound};
		}
		else
		{
			my ($key, $distance) = split /\|/, $line, -1;
			push @{ $answer->{rows} },
			  [ $key, !defined $distance || $distance eq '' ? $NULL : $distance eq 'NaN' ? $NAN : $distance =~ /^(-?)Inf/ ? "${1}1e290" + 0 : $distance + 0 ];
		}
	}
	close $in;

	foreach my $s (@statements)
	{
		my ($index, $exact) = @{ $answers{ $s->{number} } || {} }{qw(index exact)};
		my $why = !$exact ? 'the server was lost before or while it ran' : $self->judge($s, $index, $exact);
		$self->{statements}++;
		push @{ $self->{failures} }, { statement => $s, why => $why } if $why;
		last if !$exact;
	}
	return $ended;
}

# undef, or what is wrong
sub judge
{
	my ($self, $s, $index, $exact) = @_;
	$self->{planned}++ if $index->{planned};
	$self->{by_index}++ if $index->{by_index};
	$self->{by_bound}++ if $index->{by_bound};
	my ($errors, $same) = ("@{ $index->{errors} }", "@{ $exact->{errors} }");
	return "errors \"$errors\" by the index, \"$same\" by the exact scan" if $errors ne $same;
	$self->{errors}++ if $same =~ /[^0 ]/;
	my $check = $s->{check};
	return if $check eq 'any';

	my @mine = @{ $index->{rows} };
	my @theirs = @{ $exact->{rows} };
	if ($check ne 'bound')
	{
		my @facts_a = sort map { "$_->[0] $_->[1]" } grep { $_->[0] =~ /^=/ } @mine;
		my @facts_b = sort map { "$_->[0] $_->[1]" } grep { $_->[0] =~ /^=/ } @theirs;
		for my $i (0 .. $#facts_b)
		{
			my ($left, $right) = map { [ $_ =~ /^(.*) (\S+)$/ ] } $facts_a[$i] // 'none 0', $facts_b[$i];
			return "\"$facts_a[$i]\" by the index, \"$facts_b[$i]\" by the exact scan" if $left->[0] ne $right->[0] || !near($left->[1], $right->[1], $s->{eps});
		}
	}
	@mine = grep { $_->[0] !~ /^=/ } @mine;
	@theirs = grep { $_->[0] !~ /^=/ } @theirs;
	my $counts = scalar(@mine) . ' rows by the index, ' . scalar(@theirs) . ' by the exact scan';

	return @mine <= @theirs ? undef : $counts if $check eq 'fewer';
	return $counts if @mine != @theirs && $check !~ /^(bound|subset)$/;
	return if $check eq 'count';

	if ($check eq 'keys')
	{
		my @left = sort map { $_->[0] } @mine;
		my @right = sort map { $_->[0] } @theirs;
		for my $i (0 .. $#right)
		{
			return "row \"$left[$i]\" by the index, \"$right[$i]\" by the exact scan" if $left[$i] ne $right[$i];
		}
		return;
	}

	if ($s->{ordered})
	{
		for my $i (1 .. $#mine)
		{
			return "distance $mine[$i][1] after $mine[$i - 1][1]" if $mine[$i][1] < $mine[ $i - 1 ][1];
		}
	}
	my (%times, %groups);
	$times{ $_->[0] }++ foreach @theirs;
	$times{ $_->[0] }-- foreach @mine;
	if ($check eq 'bound')
	{
		my @foreign = grep { $times{$_} < 0 } sort keys %times;
		# a limit may choose others; but what is out of bounds is in nobody's answer
		return "row \"$foreign[0]\" that the exact scan has not" if @foreign && "@{ $s->{commands} }" !~ /LIMIT|FETCH|OFFSET/;
	}
	else
	{
		my %seen;
		$seen{ $_->[0] }++ && $s->{commands}[0] !~ /UNION ALL/ && return "row \"$_->[0]\" twice" foreach @mine;
	}

	# each group of rows (of a LATERAL's outer row, of an execution) for itself
	push @{ $groups{ $_->[0] =~ /^(\d+:)/ ? $1 : '' }{a} }, $_->[1] foreach @mine;
	push @{ $groups{ $_->[0] =~ /^(\d+:)/ ? $1 : '' }{b} }, $_->[1] foreach @theirs;
	foreach my $group (sort keys %groups)
	{
		my @left = sort { $a <=> $b } @{ $groups{$group}{a} || [] };
		my @right = sort { $a <=> $b } @{ $groups{$group}{b} || [] };
		return scalar(@left) . ' rows by the index, ' . scalar(@right) . " by the exact scan, in group \"$group\"" if @left > @right || @left < @right && $check !~ /^(bound|subset)$/;
		for my $i (0 .. $#left)
		{
			return "distance $left[$i] where the exact scan has $right[$i], at $i" . ($group && " of group \"$group\"")
			  if $check eq 'dist' ? !near($left[$i], $right[$i], $s->{eps}) : $left[$i] < $right[$i] && !near($left[$i], $right[$i], $s->{eps});
		}
		next if $check eq 'dist' || !@right;
		my $recall = $self->{recall}{$check}{ $s->{class} } ||= { found => 0, of => 0 };
		my $far = $right[-1];
		$recall->{found} += grep { $_ <= $far || near($_, $far, $s->{eps}) } @left;
		$recall->{of} += @right;
	}
	return;
}

sub near
{
	my ($x, $y, $eps) = @_;
	return 1 if $x == $y;
	return 0 if $x >= $NAN || $y >= $NAN;
	return abs($x - $y) <= $eps * (1 + abs($y) * 1e-3);
}

# Found and wanted over all classes of a check.
sub recall
{
	my ($self, $check) = @_;
	my ($found, $of) = (0, 0);
	foreach (values %{ $self->{recall}{$check} || {} })
	{
		$found += $_->{found};
		$of += $_->{of};
	}
	return ($found, $of);
}

# A statement and how to run it by hand.
sub describe
{
	my ($failure) = @_;
	my $s = $failure->{statement};
	my $run = sub {
		my ($mode) = @_;
		my $settings = $MODE{$mode} . ($mode eq 'exact' ? '' : $s->{settings}) . $s->{role};
		return join("\n", "-- $mode", ($settings eq '' ? () : $settings), map { "$_;" } @{ $s->{commands} }) . "\nRESET ROLE; RESET ALL;\n";
	};
	return "statement $s->{number}, check \"$s->{check}\", $s->{class}: $failure->{why}\n" . $run->($s->{natural} ? 'natural' : 'forced') . $run->('exact');
}

1;
