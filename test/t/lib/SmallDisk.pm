# A small file system of the test's own, to fill. Used before all other modules:
#
#   use SmallDisk;                    # the script starts again in namespaces of its own, where $SmallDisk::path is mounted
#   plan skip_all => $SmallDisk::why unless defined $SmallDisk::path;
#
# An ordinary user becomes root of a user namespace, mounts a tmpfs in a mount namespace, and becomes himself again, since servers
# refuse root. Nobody outside sees the file system, and it goes with the last process of the test.

package SmallDisk;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(make_path);

our ($path, $why);
my $megabytes;

sub _become
{
	my (@command) = @_;
	my $user = "unshare --user --map-user=$> --map-group=" . ($) + 0);
	my $mount = "mount -t tmpfs -o size=${megabytes}m,mode=0777 quiver \"\$0\" && exec $user -- \"\$@\"";
	return ('unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', $mount, @command);
}

# Here and not later, since Utils.pm redirects the output before the script's first statement.
BEGIN
{
	$megabytes = 48;
	$path = $ENV{QUIVER_SMALL_DISK};
	if (!defined $path)
	{
		my $dir = ($ENV{TESTDATADIR} || 'tmp_check') . '/small_disk';
		make_path($dir);
		$dir = abs_path($dir);
		my $try = 'test "$(stat -f -c %T "$0")" = tmpfs && touch "$0/it" && echo done';
		open(my $pipe, '-|', 'sh', '-c', '"$@" 2>&1', 'sh', _become($dir, 'sh', '-c', $try, $dir)) or die "could not start a shell: $!";
		my $said = join('', <$pipe>);
		close($pipe);
		if ($said eq "done\n")
		{
			$ENV{QUIVER_SMALL_DISK} = $dir;
			exec(_become($dir, $^X, '-w', $0, @ARGV)) or die "could not start again: $!";
		}
		$why = "no file system can be mounted in a user namespace: $said";
	}
}

# Leaves so many bytes of it.
sub fill
{
	my ($bytes) = @_;
	my $balloon = "$path/balloon";
	open(my $file, '>:raw', $balloon) or die "could not open $balloon: $!";
	my $size = 0;
	# In large pieces, and then in the file system's pages.
	foreach my $block ("\0" x 1048576, "\0" x 4096)
	{
		while (my $written = syswrite($file, $block)) { $size += $written; }
	}
	truncate($file, $size > $bytes ? $size - $bytes : 0) or die "could not truncate $balloon: $!";
	close($file);
	return;
}

sub empty
{
	unlink("$path/balloon");
	return;
}

1;
