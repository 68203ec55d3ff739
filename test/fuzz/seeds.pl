#!/usr/bin/perl
# seeds.pl FUZZER FOLDER: the inputs that a fuzzer begins with, a file each.  The same ones every time.
use strict;
use warnings;

use MIME::Base64;

my ($fuzzer, $folder) = @ARGV;
my @seeds;
srand 1;

sub noise { return pack('C*', map { int rand 256 } 1 .. $_[0]); }

# Damage at random places and programs of random operations are valid inputs.
my %make = (
	fuzz_damaged_index => sub { push @seeds, noise(12 * $_ + 1) for 1 .. 24; },
	fuzz_write_path => sub { push @seeds, noise(12 * $_ + 1) for 1 .. 24; },

	# Indexes made from nothing: form, metric, choice of layout, then pages; noise after it.
	fuzz_pages => sub {
		for my $form (0 .. 7)
		{
			push @seeds, pack('C4', $form, int rand 256, int rand 256, int rand 256) . noise(40 * $_) for 1 .. 4;
		}
		# The meta page names a page with room that is in no chain.
		push @seeds, decode_base64('gRoGDwAAAAAAAZmfBaemGg/LbuyopBjh9tUEU6gh93aGHRCPoIdNArf/aOcoDmO6aE4bb4/n8JdVsWjMTX8JAAAAAAAAAABjANt3' .
			'hHh5octIvGq1UPo8h6BrS4yA2wcvq8lTOpS94UNOz2oQ9py9xXqD////////////////////////zP///5py841HGPCOXmq/JL7QpW8UgNhwYFbbVFM=');
	},

	# type, typmod, repetitions, text
	fuzz_type_text => sub {
		my @numbers = ('1', '-2.5', '0', '-0', '1e10', '1E-45', '3.4028235e38', '3.5e38', '65504', '65520', '1e-60', '.5', '5.', '+7',
			'0x1p3', 'nan', 'inf', '12345678901234567890', '0.000000000000000000000001', '1e400', '16777217', '1.00000017881393432617187499',
			# double arithmetic falls upon the middle between two floats
			'8.000000476837159');
		for my $type (0, 1)
		{
			push @seeds, pack('C3', $type, 0, 0) . "[$_]" for @numbers;
			push @seeds, pack('C3', $type, 0, 0) . '[' . join(',', @numbers[0 .. 9]) . ']';
			push @seeds, pack('C3', $type, 3, 0) . $_ for '[1,2,3]', ' [ 1 , 2 , 3 ] ', "[1,\t2,\n3]", '[1,2]', '[]', '[1,2,3', '[1,,3]', '1,2,3', '[1,2,3]x', '';
			push @seeds, pack('C3', $type, 0, $_) . '1' for 1 .. 3, 250 .. 255;
			push @seeds, pack('C3', $type, 0, 0) . "[$_" . ('x' x 120) for '', "\xc3\xa4" x 60, "\xff" x 130;
		}
		push @seeds, pack('C3', 2, 0, 0) . "{1:$_}/5" for @numbers;
		push @seeds, pack('C3', 2, 5, 0) . $_ for '{1:1.5,3:2}/5', '{3:2,1:1.5}/5', ' { 1 : 1 , 2 : 2 } / 5 ', '{}/5', '{}/0', '{1:1}/1000000001', '{1:1,1:2}/5',
			'{0:1}/5', '{6:1}/5', '{-1:1}/5', '{1:1}/-5', '{1:1}', '{1:1}/', '{1:}/5', '{:1}/5', '{1:1,}/5', '{99999999999999999999:1}/5', '{1:1}/5x';
		push @seeds, pack('C3', 2, 0, $_) . '1' for 1 .. 3, 250 .. 255;
	},

	# type, typmod, repetitions, message
	fuzz_type_wire => sub {
		for my $dim (1, 2, 3, 16, 100)
		{
			push @seeds, pack('C3 n2', 0, 0, 0, $dim, 0) . join('', map { pack 'f>', $_ / 3 - 1 } 1 .. $dim);
			push @seeds, pack('C3 n2', 1, 0, 0, $dim, 0) . join('', map { pack 'n', 0x3c00 + $_ } 1 .. $dim);
			push @seeds, pack('C3 N3', 2, 0, 0, 2 * $dim, $dim, 0) . join('', map { pack 'N', 2 * $_ } 0 .. $dim - 1) . join('', map { pack 'f>', $_ + 0.5 } 1 .. $dim);
		}
		for my $dim (0, 16000, 16001, 32767, 32768, 65535)
		{
			push @seeds, pack('C3 n2 f>', $_, 0, 0, $dim, 0, 1) for 0, 1;
			push @seeds, pack('C3 N3', 2, 0, 0, $dim << 16, $dim, 0) . pack('N f>', 0, 1);
		}
		push @seeds, pack('C3 n2 N', 0, 0, 0, 1, 0, $_) for 0x7f800000, 0xff800000, 0x7fc00000, 0x80000000, 1;
		push @seeds, pack('C3 n3', 1, 0, 0, 1, 0, $_) for 0x7c00, 0xfc00, 0x7e00, 0x8000, 1;
		push @seeds, pack('C3 N3 N2', 2, 0, 0, 5, 1, 0, 4, $_) for 0, 0x80000000, 0x7f800000, 0x3f800000;
		push @seeds, pack('C3', $_, 2, 0) . "" for 0 .. 2;
		push @seeds, pack('C3', $_ % 3, 0, 0) . ('3', '0', '-1', '16001', '1000000001', '99999999999', '3,4', '')[$_] for 0 .. 7;
	},

	# a function's number, then flags, counts and bytes of its arguments
	fuzz_type_values => sub {
		for my $function (0 .. 127)
		{
			# two sound values of three components; two of noise
			my $sound = pack('C2', 1, 3) . pack('f<3', 1, -2, 0.5);
			my $sparse = pack('C2', 1 + 16, 2) . pack('V2 f<2', 0, 1, 1.5, -2) . pack('C', 9);
			push @seeds, pack('C2', $function, $function % 2) . $sound . $sound, pack('C2', $function, 0) . $sparse . $sparse,
				pack('C2', $function, 1) . noise(60);
		}
	});

die "seeds.pl knows no $fuzzer\n" unless $make{$fuzzer};
$make{$fuzzer}->();
mkdir $folder;
for my $i (0 .. $#seeds)
{
	open my $out, '>:raw', sprintf('%s/seed-%03d', $folder, $i) or die "could not write to $folder: $!\n";
	print $out $seeds[$i];
	close $out;
}
